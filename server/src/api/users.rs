//! Users of a customer's directory.

use axum::{Json, extract::State, http::StatusCode};
use backend::{
    Backend,
    store::{customers, protection, users},
};
use domain::{
    api_token::ListKind,
    id::{CustomerId, UserId},
    paging::Listing,
    permission::Permission,
    protection::{NewProtection, ProtectedFilter, Protection},
    user::{User, WholeUser},
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
    /// A part of the name, the user name or the mail address.
    q: Option<String>,
    /// Only those who are protected, by hand or by a rule of their integration (`true`), or only
    /// the others (`false`). By rule: as the last run or the last change of the rules found it.
    protected: Option<bool>,
}

/// List a customer's users
#[utoipa::path(get, path = "/customers/{id}/users", tag = "Users",
    params(("id" = CustomerId, Path), Parameters),
    responses((status = 200, body = Listing<User>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    query: Query,
) -> Result<Json<Listing<User>>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryRead)?;
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let protected = parameters.protected.map(|protected| {
        if protected {
            ProtectedFilter::Any
        } else {
            ProtectedFilter::No
        }
    });
    let listing = users::listing(&backend, &caller.0, customer, protected, &request).await;
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
