//! How an integration stands to a policy template: following one, and the drift from it.

use axum::{Json, extract::State, http::StatusCode};
use backend::{
    Backend, Error,
    store::{integrations, policy_templates},
};
use domain::{
    id::IntegrationId,
    permission::Permission,
    settings::template::{Drift, DriftDecision, Following},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id},
    problem::{Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(follow, leave))
        .routes(routes!(drift))
        .routes(routes!(accept))
        .routes(routes!(put_back))
}

/// Have an integration follow a policy template
///
/// In place of the one it followed. Its selected groups stay its own. Without `take_settings` nothing
/// of its settings changes, and what differs is drift.
#[utoipa::path(put, path = "/integrations/{id}/template", tag = "Policy Templates",
    params(("id" = IntegrationId, Path)), request_body = Following,
    responses((status = 200, body = Drift), RefusalsWithConflict))]
async fn follow(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<Json<Drift>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let following: Following = body.parse()?;
    let drift = policy_templates::follow(&backend, &caller.0, id, following).await;
    drift.map(Json).map_err(|error| caller.refused(error))
}

/// Have an integration follow no policy template
///
/// It keeps the settings it has.
#[utoipa::path(delete, path = "/integrations/{id}/template", tag = "Policy Templates",
    params(("id" = IntegrationId, Path)),
    responses((status = 204, description = "It follows none"), RefusalsWithConflict))]
async fn leave(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
) -> Result<StatusCode> {
    policy_templates::leave(&backend, &caller.0, id)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}

/// How an integration stands to its policy template
///
/// 404 where it follows none.
#[utoipa::path(get, path = "/integrations/{id}/drift", tag = "Policy Templates",
    params(("id" = IntegrationId, Path)),
    responses((status = 200, body = Drift), Refusals))]
async fn drift(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
) -> Result<Json<Drift>> {
    let drift = caller.found(policy_templates::drift(&backend, &caller.0, id).await)?;
    drift
        .map(Json)
        .ok_or_else(|| caller.refused(Error::NotFound("policy template")))
}

/// Accept what an integration deviates in
///
/// From then on these settings are its own: the template doesn't change them.
#[utoipa::path(post, path = "/integrations/{id}/drift/accept", tag = "Policy Templates",
    params(("id" = IntegrationId, Path)), request_body = DriftDecision,
    responses((status = 200, body = Drift), RefusalsWithConflict))]
async fn accept(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<Json<Drift>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let decision: DriftDecision = body.parse()?;
    let drift = policy_templates::accept(&backend, &caller.0, id, &decision).await;
    drift.map(Json).map_err(|error| caller.refused(error))
}

/// Put back what an integration deviates in
///
/// To the template's values. What was its own by decision can be named too, and is so no more.
#[utoipa::path(post, path = "/integrations/{id}/drift/put-back", tag = "Policy Templates",
    params(("id" = IntegrationId, Path)), request_body = DriftDecision,
    responses((status = 200, body = Drift), RefusalsWithConflict))]
async fn put_back(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<Json<Drift>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let decision: DriftDecision = body.parse()?;
    let drift = policy_templates::put_back(&backend, &caller.0, id, &decision).await;
    drift.map(Json).map_err(|error| caller.refused(error))
}
