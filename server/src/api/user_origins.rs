//! Where everything of a user comes from: attributes, groups by way of others, runs, sessions.

use axum::{Json, extract::State, http::StatusCode};
use backend::{Backend, store::users};
use domain::{
    id::UserId,
    operator::SessionLine,
    user::{AttributeOrigin, Membership, RunOfObject},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::Id,
    problem::{Refusals, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(attributes))
        .routes(routes!(memberships))
        .routes(routes!(runs))
        .routes(routes!(sessions, end_sessions))
}

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
struct AttributeOrigins {
    /// Names and addresses first.
    items: Vec<AttributeOrigin>,
}

/// A user's attributes, with where each value comes from
///
/// The source, a rule of the mapping, what is kept here, or what was said here.
#[utoipa::path(get, path = "/users/{id}/attributes", tag = "Users",
    params(("id" = UserId, Path)),
    responses((status = 200, body = AttributeOrigins), Refusals))]
async fn attributes(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<AttributeOrigins>> {
    let items = caller.found(users::origins(&backend, &caller.0, id).await)?;
    Ok(Json(AttributeOrigins { items }))
}

/// The groups that a user is in.
#[derive(Debug, Serialize, ToSchema)]
struct Memberships {
    /// The direct ones first.
    items: Vec<Membership>,
}

/// The groups that a user is in, directly or through others
///
/// With the shortest way to each.
#[utoipa::path(get, path = "/users/{id}/memberships", tag = "Users",
    params(("id" = UserId, Path)),
    responses((status = 200, body = Memberships), Refusals))]
async fn memberships(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<Memberships>> {
    let items = caller.found(users::memberships(&backend, &caller.0, id).await)?;
    Ok(Json(Memberships { items }))
}

/// What runs did.
#[derive(Debug, Serialize, ToSchema)]
struct RunsOfUser {
    /// The newest first, at most 51.
    items: Vec<RunOfObject>,
}

/// The runs that touched a user
#[utoipa::path(get, path = "/users/{id}/runs", tag = "Users", params(("id" = UserId, Path)),
    responses((status = 200, body = RunsOfUser), Refusals))]
async fn runs(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<RunsOfUser>> {
    let items = caller.found(users::runs(&backend, &caller.0, id).await)?;
    Ok(Json(RunsOfUser { items }))
}

/// Where a user is signed in.
#[derive(Debug, Serialize, ToSchema)]
struct SessionsOfUser {
    /// The last used first.
    items: Vec<SessionLine>,
}

/// Where a user is signed in to their own account
#[utoipa::path(get, path = "/users/{id}/sessions", tag = "Users", params(("id" = UserId, Path)),
    responses((status = 200, body = SessionsOfUser), Refusals))]
async fn sessions(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<SessionsOfUser>> {
    let items = caller.found(users::sessions(&backend, &caller.0, id).await)?;
    Ok(Json(SessionsOfUser { items }))
}

/// Sign a user out everywhere
///
/// Every session of theirs ends, if there is any.
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "Users",
    params(("id" = UserId, Path)),
    responses((status = 204, description = "They are signed in nowhere"), Refusals))]
async fn end_sessions(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<StatusCode> {
    caller.found(users::end_sessions(&backend, &caller.0, id).await)?;
    Ok(StatusCode::NO_CONTENT)
}
