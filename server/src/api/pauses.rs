//! Pausing scheduled runs: of an integration, of a customer, of all. Runs that are started by hand
//! or by this API always go.

use axum::{Json, extract::State};
use backend::{
    Backend,
    store::{customers, integrations, pauses},
};
use domain::{
    customer::Customer,
    id::{CustomerId, IntegrationId},
    integration::Integration,
    pause::{NewPause, SyncStanding},
    permission::Permission,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id},
    problem::{Refusals, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(pause_integration))
        .routes(routes!(resume_integration))
        .routes(routes!(pause_customer))
        .routes(routes!(resume_customer))
        .routes(routes!(standing))
        .routes(routes!(pause_all))
        .routes(routes!(resume_all))
}

/// Pause an integration's scheduled runs
///
/// A run at work goes on. What is paused already stays as it was paused.
#[utoipa::path(post, path = "/integrations/{id}/pause", tag = "Integrations",
    params(("id" = IntegrationId, Path)), request_body = NewPause,
    responses((status = 200, body = Integration), Refusals))]
async fn pause_integration(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<Json<Integration>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let pause = body.parse::<NewPause>()?;
    let paused = pauses::pause_integration(&backend, &caller.0, id, pause).await;
    paused.map(Json).map_err(|error| caller.refused(error))
}

/// Resume an integration's scheduled runs
///
/// What came due meanwhile runs at once, within its window. A pause of its customer or of all
/// stays.
#[utoipa::path(post, path = "/integrations/{id}/resume", tag = "Integrations",
    params(("id" = IntegrationId, Path)),
    responses((status = 200, body = Integration), Refusals))]
async fn resume_integration(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
) -> Result<Json<Integration>> {
    let resumed = pauses::resume_integration(&backend, &caller.0, id).await;
    resumed.map(Json).map_err(|error| caller.refused(error))
}

/// Pause the scheduled runs of a customer's integrations
///
/// Also of those added later.
#[utoipa::path(post, path = "/customers/{id}/pause", tag = "Customers",
    params(("id" = CustomerId, Path)), request_body = NewPause,
    responses((status = 200, body = Customer), Refusals))]
async fn pause_customer(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CustomerId>,
    body: Body,
) -> Result<Json<Customer>> {
    caller.found(customers::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let pause = body.parse::<NewPause>()?;
    let paused = pauses::pause_customer(&backend, &caller.0, id, pause).await;
    paused.map(Json).map_err(|error| caller.refused(error))
}

/// Resume the scheduled runs of a customer's integrations
///
/// But for those that were paused by themselves.
#[utoipa::path(post, path = "/customers/{id}/resume", tag = "Customers",
    params(("id" = CustomerId, Path)),
    responses((status = 200, body = Customer), Refusals))]
async fn resume_customer(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CustomerId>,
) -> Result<Json<Customer>> {
    let resumed = pauses::resume_customer(&backend, &caller.0, id).await;
    resumed.map(Json).map_err(|error| caller.refused(error))
}

/// Whether everything is paused
#[utoipa::path(get, path = "/sync", tag = "Sync",
    responses((status = 200, body = SyncStanding), Refusals))]
async fn standing(State(backend): State<Backend>, caller: Caller) -> Result<Json<SyncStanding>> {
    let standing = pauses::standing(&backend, &caller.0).await;
    standing.map(Json).map_err(|error| caller.refused(error))
}

/// Pause the scheduled runs of every customer
///
/// For owners who see every customer.
#[utoipa::path(post, path = "/sync/pause", tag = "Sync", request_body = NewPause,
    responses((status = 200, body = SyncStanding), Refusals))]
async fn pause_all(
    State(backend): State<Backend>,
    caller: Caller,
    body: Body,
) -> Result<Json<SyncStanding>> {
    caller.require(Permission::SyncPauseAll)?;
    let pause = body.parse::<NewPause>()?;
    let paused = pauses::pause_all(&backend, &caller.0, pause).await;
    paused.map(Json).map_err(|error| caller.refused(error))
}

/// Resume the scheduled runs of every customer
///
/// But for what was paused by itself or with its customer.
#[utoipa::path(post, path = "/sync/resume", tag = "Sync",
    responses((status = 200, body = SyncStanding), Refusals))]
async fn resume_all(State(backend): State<Backend>, caller: Caller) -> Result<Json<SyncStanding>> {
    let resumed = pauses::resume_all(&backend, &caller.0).await;
    resumed.map(Json).map_err(|error| caller.refused(error))
}
