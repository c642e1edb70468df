//! Users of the customers' directories.

use axum::{Json, extract::State, http::StatusCode};
use backend::{
    Backend,
    store::{
        customers, protection,
        users::{self, UserQuery},
    },
};
use domain::{
    api_token::ListKind,
    countdown::CountdownState,
    enrolment::EnrolmentState,
    id::{CustomerId, GroupId, IntegrationId, UserId},
    paging::{ListRequest, Listing},
    permission::Permission,
    protection::{NewProtection, ProtectedFilter, Protection},
    user::{DirectoryStatus, ListedUser, SourceType, WholeUser},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id, Query},
    problem::{Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_all))
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(protect, unprotect))
}

/// Which users.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the name, the user name, the mail address or an alias.
    q: Option<String>,
    /// Of this status; all where absent.
    status: Option<DirectoryStatus>,
    /// From this type of source.
    source_type: Option<SourceType>,
    /// From this integration.
    integration_id: Option<IntegrationId>,
    /// Direct members of this group.
    group_id: Option<GroupId>,
    /// Whose deletion is so.
    countdown: Option<CountdownState>,
    /// Who is protected so. By rule: as the last run or the last change of the rules found it.
    protected: Option<ProtectedFilter>,
    /// Who has come so far with an account of their own.
    enrolment: Option<EnrolmentState>,
    /// Whether they are guests.
    guest: Option<bool>,
    /// Whether they administer their customer's workspace.
    administrator: Option<bool>,
}

impl Parameters {
    /// What is asked for, and which rows of it.
    fn read(self, backend: &Backend, caller: &Caller) -> Result<(UserQuery, ListRequest)> {
        let request = caller.list_request(backend, self.limit, self.cursor.as_deref(), self.q)?;
        let query = UserQuery {
            status: self.status,
            source_type: self.source_type,
            integration_id: self.integration_id,
            group_id: self.group_id,
            countdown: self.countdown,
            protected: self.protected,
            enrolment: self.enrolment,
            guest: self.guest,
            administrator: self.administrator,
            ..UserQuery::default()
        };
        Ok((query, request))
    }
}

/// List users of every customer
///
/// Of those whom the token sees, by name; also deleted ones, unless another status is asked for.
#[utoipa::path(get, path = "/users", tag = "Users", params(Parameters),
    responses((status = 200, body = Listing<ListedUser>), Refusals))]
async fn list_all(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<ListedUser>>> {
    caller.require(Permission::DirectoryRead)?;
    let (query, request) = query.parse::<Parameters>()?.read(&backend, &caller)?;
    let listing = users::listing_of_all(&backend, &caller.0, query, &request).await;
    caller.listed(&backend, ListKind::Users, listing).await
}

/// List a customer's users
///
/// By name; also deleted ones, unless another status is asked for.
#[utoipa::path(get, path = "/customers/{id}/users", tag = "Users",
    params(("id" = CustomerId, Path), Parameters),
    responses((status = 200, body = Listing<ListedUser>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    query: Query,
) -> Result<Json<Listing<ListedUser>>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryRead)?;
    let (query, request) = query.parse::<Parameters>()?.read(&backend, &caller)?;
    let listing = users::listing(&backend, &caller.0, customer, query, &request).await;
    caller.listed(&backend, ListKind::Users, listing).await
}

/// One user
#[utoipa::path(get, path = "/users/{id}", tag = "Users", params(("id" = UserId, Path)),
    responses((status = 200, body = WholeUser), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<WholeUser>> {
    let user = users::whole(&backend, &caller.0, id).await;
    user.map(Json).map_err(|error| caller.refused(error))
}

/// Protect a user from sync
///
/// No run updates, disables, enables or deletes the user, nor takes it out of a group.
#[utoipa::path(put, path = "/users/{id}/protection", tag = "Users", params(("id" = UserId, Path)),
    request_body = NewProtection,
    responses((status = 200, body = Protection), RefusalsWithConflict))]
async fn protect(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
    body: Body,
) -> Result<Json<Protection>> {
    caller.found(users::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let note = body.parse::<NewProtection>()?.note;
    let protection = protection::protect(&backend, &caller.0, id, &note).await;
    protection.map(Json).map_err(|error| caller.refused(error))
}

/// Remove a user's protection
///
/// The next run plans the user like any other.
#[utoipa::path(delete, path = "/users/{id}/protection", tag = "Users",
    params(("id" = UserId, Path)),
    responses((status = 204, description = "It is gone"), RefusalsWithConflict))]
async fn unprotect(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<StatusCode> {
    protection::withdraw(&backend, &caller.0, id)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}
