//! API tokens, for programs: they are listed, rotated and revoked here, and made by people alone.

use axum::{Json, extract::State, http::StatusCode};
use backend::{Backend, store::tokens};
use domain::{
    api_token::{ApiToken, ApiTokenRotated, ApiTokenRotation, ListKind, OVERLAP_HOURS},
    id::ApiTokenId,
    paging::Listing,
};
use secrecy::ExposeSecret;
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
        .routes(routes!(get, revoke))
        .routes(routes!(rotate))
}

/// Which tokens.
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

/// List API tokens
///
/// The token that asks; for who administers tokens, also those of others that reach no customer the
/// caller doesn’t. By name. Making tokens is left to people.
#[utoipa::path(get, path = "/api-tokens", tag = "API tokens", params(Parameters),
    responses((status = 200, body = Listing<ApiToken>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<ApiToken>>> {
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = tokens::listing(&backend, &caller.0, &request).await;
    caller.listed(&backend, ListKind::ApiTokens, listing).await
}

/// One API token
#[utoipa::path(get, path = "/api-tokens/{id}", tag = "API tokens",
    params(("id" = ApiTokenId, Path)),
    responses((status = 200, body = ApiToken), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ApiTokenId>,
) -> Result<Json<ApiToken>> {
    let token = tokens::get(&backend, &caller.0, id).await;
    caller.found(token).map(Json)
}

/// Revoke an API token
///
/// It can’t be used from this moment on, nor ever again.
#[utoipa::path(delete, path = "/api-tokens/{id}", tag = "API tokens",
    params(("id" = ApiTokenId, Path)),
    responses((status = 204, description = "It can’t be used any more"), Refusals))]
async fn revoke(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ApiTokenId>,
) -> Result<StatusCode> {
    let revoked = tokens::revoke(&backend, &caller.0, id).await;
    caller.found(revoked).map(|()| StatusCode::NO_CONTENT)
}

/// Give the API token that asks a new secret
///
/// The answer holds it, once, and the token is good for as many days again as it was. The secret
/// before is good for some hours more, 24 where nothing else is said, so that nothing fails
/// meanwhile. A program learns the secret of no other token than its own.
#[utoipa::path(post, path = "/api-tokens/{id}/rotation", tag = "API tokens",
    params(("id" = ApiTokenId, Path)), request_body = ApiTokenRotation,
    responses((status = 200, body = ApiTokenRotated), RefusalsWithConflict))]
async fn rotate(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ApiTokenId>,
    body: Body,
) -> Result<Json<ApiTokenRotated>> {
    caller.found(tokens::may_rotate(&backend, &caller.0, id).await)?;
    let wanted: ApiTokenRotation = body.parse()?;
    let hours = wanted.overlap_hours.unwrap_or(OVERLAP_HOURS);
    let rotated = tokens::rotate(&backend, &caller.0, id, hours).await;
    let (token, secret) = caller.found(rotated)?;
    Ok(Json(ApiTokenRotated {
        token,
        secret: secret.expose_secret().to_owned(),
    }))
}
