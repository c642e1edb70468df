//! Starting and cancelling runs.

use axum::{Json, extract::State, http::StatusCode};
use backend::{Backend, store::integrations, sync};
use domain::{
    id::{IntegrationId, RunId},
    permission::Permission,
    run::{Run, RunMode, RunTrigger},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id},
    problem::{RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(cancel))
}

/// What a run is started with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRun {
    /// What it reads.
    mode: NewRunMode,
}

/// What a run that is started reads.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum NewRunMode {
    /// Everything in scope.
    Full,
    /// What changed since the last run.
    Delta,
}

/// Start a run
///
/// 409 with `run_id` where one is queued or runs already.
#[utoipa::path(post, path = "/integrations/{id}/runs", tag = "Runs",
    params(("id" = IntegrationId, Path)), request_body = NewRun,
    responses((status = 202, body = Run), RefusalsWithConflict))]
async fn start(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<(StatusCode, Json<Run>)> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::RunsStart)?;
    let mode = match body.parse::<NewRun>()?.mode {
        NewRunMode::Full => RunMode::Full,
        NewRunMode::Delta => RunMode::Delta,
    };
    let run = sync::start(&backend, &caller.0, id, mode, RunTrigger::Api).await;
    run.map(|run| (StatusCode::ACCEPTED, Json(run)))
        .map_err(|error| caller.refused(error))
}

/// Cancel a run
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "Runs", params(("id" = RunId, Path)),
    responses((status = 202, body = Run), RefusalsWithConflict))]
async fn cancel(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<RunId>,
) -> Result<(StatusCode, Json<Run>)> {
    let run = sync::cancel(&backend, &caller.0, id).await;
    run.map(|run| (StatusCode::ACCEPTED, Json(run)))
        .map_err(|error| caller.refused(error))
}
