//! Groups of a customer's directory, and their members.

use axum::{Json, extract::State};
use backend::{
    Backend,
    store::{customers, groups},
};
use domain::{
    api_token::ListKind,
    group::{Group, MemberLine},
    id::{CustomerId, GroupId},
    paging::Listing,
    permission::Permission,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Id, Query},
    problem::{Refusals, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(members))
}

/// Which groups, or members.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the name.
    q: Option<String>,
}

/// List a customer's groups
#[utoipa::path(get, path = "/customers/{id}/groups", tag = "Groups",
    params(("id" = CustomerId, Path), Parameters),
    responses((status = 200, body = Listing<Group>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    query: Query,
) -> Result<Json<Listing<Group>>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryRead)?;
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = groups::listing(&backend, &caller.0, customer, &request).await;
    caller.listed(&backend, ListKind::Groups, listing).await
}

/// One group
#[utoipa::path(get, path = "/groups/{id}", tag = "Groups", params(("id" = GroupId, Path)),
    responses((status = 200, body = Group), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
) -> Result<Json<Group>> {
    let group = groups::get(&backend, &caller.0, id).await;
    group.map(Json).map_err(|error| caller.refused(error))
}

/// List a group's members
///
/// Members that are not in the directory don't appear.
#[utoipa::path(get, path = "/groups/{id}/members", tag = "Groups",
    params(("id" = GroupId, Path), Parameters),
    responses((status = 200, body = Listing<MemberLine>), Refusals))]
async fn members(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
    query: Query,
) -> Result<Json<Listing<MemberLine>>> {
    caller.found(groups::name(&backend, &caller.0, id).await)?;
    let parameters: Parameters = query.parse()?;
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
