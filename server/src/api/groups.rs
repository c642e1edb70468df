//! Groups of the customers' directories, and their members.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{
    Backend,
    store::{
        customers,
        groups::{self, GroupQuery},
    },
};
use domain::{
    api_token::ListKind,
    countdown::CountdownState,
    group::{Group, GroupKind, ListedGroup, MemberLine},
    id::{CustomerId, GroupId, IntegrationId},
    made_here::{GroupChange, NewGroup},
    paging::{ListRequest, Listing},
    permission::Permission,
    user::{DirectoryStatus, SourceType},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    created,
    input::{Body, Id, Query},
    problem::{Problem, Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_all))
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(restore))
        .routes(routes!(members, add_members, remove_members))
}

/// Which groups.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the name or the mail address.
    q: Option<String>,
    /// Of this status; all where absent.
    status: Option<DirectoryStatus>,
    /// From this type of source.
    source_type: Option<SourceType>,
    /// From this integration.
    integration_id: Option<IntegrationId>,
    /// Of this kind.
    kind: Option<GroupKind>,
    /// Whose deletion is so.
    countdown: Option<CountdownState>,
}

impl Parameters {
    /// What is asked for, and which rows of it.
    fn read(self, backend: &Backend, caller: &Caller) -> Result<(GroupQuery, ListRequest)> {
        let request = caller.list_request(backend, self.limit, self.cursor.as_deref(), self.q)?;
        let query = GroupQuery {
            status: self.status,
            source_type: self.source_type,
            integration_id: self.integration_id,
            kind: self.kind,
            countdown: self.countdown,
            ..GroupQuery::default()
        };
        Ok((query, request))
    }
}

/// Which members.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct MemberParameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the name.
    q: Option<String>,
}

/// List groups of every customer
///
/// Of those whom the token sees, by name; also deleted ones, unless another status is asked for.
#[utoipa::path(get, path = "/groups", tag = "Groups", params(Parameters),
    responses((status = 200, body = Listing<ListedGroup>), Refusals))]
async fn list_all(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<ListedGroup>>> {
    caller.require(Permission::DirectoryRead)?;
    let (query, request) = query.parse::<Parameters>()?.read(&backend, &caller)?;
    let listing = groups::listing_of_all(&backend, &caller.0, query, &request).await;
    caller.listed(&backend, ListKind::Groups, listing).await
}

/// List a customer's groups
///
/// By name; also deleted ones, unless another status is asked for.
#[utoipa::path(get, path = "/customers/{id}/groups", tag = "Groups",
    params(("id" = CustomerId, Path), Parameters),
    responses((status = 200, body = Listing<ListedGroup>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    query: Query,
) -> Result<Json<Listing<ListedGroup>>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryRead)?;
    let (query, request) = query.parse::<Parameters>()?.read(&backend, &caller)?;
    let listing = groups::listing(&backend, &caller.0, customer, query, &request).await;
    caller.listed(&backend, ListKind::Groups, listing).await
}

/// One group
#[utoipa::path(get, path = "/groups/{id}", tag = "Groups", params(("id" = GroupId, Path)),
    responses((status = 200, body = ListedGroup), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
) -> Result<Json<ListedGroup>> {
    let group = groups::whole(&backend, &caller.0, id).await;
    group.map(Json).map_err(|error| caller.refused(error))
}

/// List a group's members
///
/// Members that are not in the directory don't appear.
#[utoipa::path(get, path = "/groups/{id}/members", tag = "Groups",
    params(("id" = GroupId, Path), MemberParameters),
    responses((status = 200, body = Listing<MemberLine>), Refusals))]
async fn members(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
    query: Query,
) -> Result<Json<Listing<MemberLine>>> {
    caller.found(groups::name(&backend, &caller.0, id).await)?;
    let parameters: MemberParameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = groups::members_listing(&backend, &caller.0, id, &request).await;
    caller
        .listed(&backend, ListKind::GroupMembers, listing)
        .await
}

/// Whoever may change a group that the caller may see.
async fn may_change(backend: &Backend, caller: &Caller, id: GroupId) -> Result<()> {
    caller.found(groups::name(backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)
}

/// Add a group
///
/// Made here, with source type `Manual`: no sync changes it.
#[utoipa::path(post, path = "/customers/{id}/groups", tag = "Groups",
    params(("id" = CustomerId, Path)), request_body = NewGroup,
    responses((status = 201, body = Group), Refusals))]
async fn create(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<Response> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let group = groups::create(&backend, &caller.0, customer, body.parse()?)
        .await
        .map_err(|error| caller.refused(error))?;
    Ok(created("groups", group.id, group))
}

/// Change a group
///
/// One made here. A synced one is refused with 409 and the words where to change it.
#[utoipa::path(patch, path = "/groups/{id}", tag = "Groups", params(("id" = GroupId, Path)),
    request_body = GroupChange,
    responses((status = 200, body = Group), RefusalsWithConflict))]
async fn change(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
    body: Body,
) -> Result<Json<Group>> {
    may_change(&backend, &caller, id).await?;
    let group = groups::change(&backend, &caller.0, id, body.parse()?).await;
    group.map(Json).map_err(|error| caller.refused(error))
}

/// Put a group into the bin
///
/// One made here. It can be restored for 30 days; then it is gone for good.
#[utoipa::path(delete, path = "/groups/{id}", tag = "Groups", params(("id" = GroupId, Path)),
    responses((status = 204, description = "It is in the bin"), RefusalsWithConflict))]
async fn delete(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
) -> Result<StatusCode> {
    groups::delete(&backend, &caller.0, id)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}

/// Take a group out of the bin
///
/// It is as it was, with its members.
#[utoipa::path(post, path = "/groups/{id}/restore", tag = "Groups",
    params(("id" = GroupId, Path)),
    responses((status = 200, body = Group), RefusalsWithConflict))]
async fn restore(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
) -> Result<Json<Group>> {
    let group = groups::restore(&backend, &caller.0, id).await;
    group.map(Json).map_err(|error| caller.refused(error))
}

/// Members that come or go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MembersBody {
    /// Users, groups, contacts and devices of the customer, by their ids here; at most 1,000.
    member_ids: Vec<uuid::Uuid>,
}

/// How many members came or went.
#[derive(Debug, Serialize, ToSchema)]
struct MembersChanged {
    /// Those that weren't so already.
    changed: usize,
}

/// Put members into a group
///
/// One made here; its members come from any source. Who is in it already stays.
#[utoipa::path(post, path = "/groups/{id}/members", tag = "Groups",
    params(("id" = GroupId, Path)), request_body = MembersBody,
    responses((status = 200, body = MembersChanged), RefusalsWithConflict))]
async fn add_members(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
    body: Body,
) -> Result<Json<MembersChanged>> {
    may_change(&backend, &caller, id).await?;
    let ids = body.parse::<MembersBody>()?.member_ids;
    let changed = groups::add_members(&backend, &caller.0, id, &ids).await;
    let changed = changed.map_err(|error| caller.refused(error))?;
    Ok(Json(MembersChanged { changed }))
}

/// Who goes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Removal {
    /// Their ids here with commas between, at most 100.
    member_ids: String,
}

/// Ids that fit into an address with room to spare.
const REMOVED_MAX: usize = 100;

impl Removal {
    fn ids(&self) -> Result<Vec<uuid::Uuid>> {
        const FIELD: &str = "member_ids";
        let unreadable = |detail: String| Problem::unreadable(Some(FIELD.to_owned()), detail);
        let ids = self.member_ids.split(',').map(|id| {
            id.trim()
                .parse()
                .map_err(|_| unreadable(format!("“{id}” is no id.")))
        });
        let ids = ids.collect::<Result<Vec<_>>>()?;
        if ids.len() > REMOVED_MAX {
            return Err(unreadable(format!(
                "Give at most {REMOVED_MAX} members at once."
            )));
        }
        Ok(ids)
    }
}

/// Take members out of a group
///
/// One made here. Who isn't in it is passed over.
#[utoipa::path(delete, path = "/groups/{id}/members", tag = "Groups",
    params(("id" = GroupId, Path), Removal),
    responses((status = 200, body = MembersChanged), RefusalsWithConflict))]
async fn remove_members(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
    query: Query,
) -> Result<Json<MembersChanged>> {
    may_change(&backend, &caller, id).await?;
    let ids = query.parse::<Removal>()?.ids()?;
    let changed = groups::remove_members(&backend, &caller.0, id, &ids).await;
    let changed = changed.map_err(|error| caller.refused(error))?;
    Ok(Json(MembersChanged { changed }))
}
