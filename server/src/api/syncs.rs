//! Starting and cancelling runs, applying previews, and decisions about what runs hold.

use axum::{Json, extract::State, http::StatusCode};
use backend::{
    Backend,
    store::{integrations, runs},
    sync,
};
use domain::{
    decision::Decision,
    id::{IntegrationId, RunId},
    permission::Permission,
    policy::{ObjectType, Policy},
    run::{Run, RunMode, RunTrigger},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id},
    problem::{Problem, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(sync_object))
        .routes(routes!(cancel))
        .routes(routes!(apply))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(withdraw))
}

/// What a run is started with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRun {
    /// What it reads, and whether it stops before applying.
    mode: NewRunMode,
    /// Settings that aren't saved, to see what they would do: the whole policy, as an integration
    /// has it; what is absent takes its default. Only with `preview`, which is of the saved
    /// settings without it.
    policy: Option<Policy>,
}

/// What a run that is started reads.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum NewRunMode {
    /// Everything in scope.
    Full,
    /// What changed since the last run.
    Delta,
    /// What a run would do, and nothing is changed.
    Preview,
}

/// Start a run
///
/// 409 with `run_id` where one is queued or runs already. A preview ends `succeeded` or
/// `nothing_to_do`; its changes are what it would do, and `/runs/{id}/apply` does exactly that.
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
    let new = body.parse::<NewRun>()?;
    let (scope, trigger) = (&caller.0, RunTrigger::Api);
    let run = match (new.mode, new.policy) {
        (NewRunMode::Preview, policy) => sync::preview(&backend, scope, id, policy, trigger).await,
        (_, Some(_)) => {
            return Err(Problem::unreadable(
                Some("policy".to_owned()),
                "policy is for previews only: a run that applies takes the saved settings. Change \
                 those by PATCH, or use “mode”: “preview”.",
            ));
        }
        (NewRunMode::Full, None) => sync::start(&backend, scope, id, RunMode::Full, trigger).await,
        (NewRunMode::Delta, None) => {
            sync::start(&backend, scope, id, RunMode::Delta, trigger).await
        }
    };
    run.map(|run| (StatusCode::ACCEPTED, Json(run)))
        .map_err(|error| caller.refused(error))
}

/// Whom a run of one object is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OneObject {
    /// Its object id, user name, mail address or display name, of at least 3 characters.
    object: String,
}

/// Sync one user now
///
/// A run of mode `object`: the user is read live, with the groups that hold it, and what changed of
/// it is applied; nobody else is touched. It needs a first full run that went well. 422 where nobody
/// fits, or several: the detail names each with its object id. 409 with `run_id` where a run is
/// queued or runs already.
#[utoipa::path(post, path = "/integrations/{id}/sync-object", tag = "Runs",
    params(("id" = IntegrationId, Path)), request_body = OneObject,
    responses((status = 202, body = Run), RefusalsWithConflict))]
async fn sync_object(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<(StatusCode, Json<Run>)> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::RunsStart)?;
    let object = body.parse::<OneObject>()?.object;
    let run = sync::sync_object(&backend, &caller.0, id, &object, RunTrigger::Api).await;
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

/// Apply a preview
///
/// Exactly the changes that it showed: nothing is read or planned again. Settings that weren't
/// saved are saved with it, for which the token needs `integrations.write`. 409 says what moved
/// since, with `run_id` where another run looked at the directory.
#[utoipa::path(post, path = "/runs/{id}/apply", tag = "Runs", params(("id" = RunId, Path)),
    responses((status = 202, body = Run), RefusalsWithConflict))]
async fn apply(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<RunId>,
) -> Result<(StatusCode, Json<Run>)> {
    let run = sync::apply_preview(&backend, &caller.0, id).await;
    run.map(|run| (StatusCode::ACCEPTED, Json(run)))
        .map_err(|error| caller.refused(error))
}

/// A decision about what a run holds of one type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDecision {
    /// The type. Memberships that wait with their user or group are decided with it.
    object_type: ObjectType,
    /// Why: a sentence or a ticket number, at most 500 characters. Kept in the audit log.
    reason: String,
}

/// What is asked for of a type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfType {
    /// The type.
    object_type: ObjectType,
}

type Accepted = Result<(StatusCode, Json<Run>)>;

async fn decide(
    backend: &Backend,
    caller: &Caller,
    id: RunId,
    body: Body,
    decision: Decision,
) -> Accepted {
    caller.found(runs::find(backend, &caller.0, id).await)?;
    caller.require(Permission::RunsDecide)?;
    let given = body.parse::<NewDecision>()?;
    let run = sync::decide(
        backend,
        &caller.0,
        id,
        given.object_type,
        decision,
        &given.reason,
    );
    run.await
        .map(|run| (StatusCode::ACCEPTED, Json(run)))
        .map_err(|error| caller.refused(error))
}

/// Approve held changes
///
/// Those that still hold are applied, once every held type of the run is decided: its status is
/// `running` from then on. 409 says who decided before, or with `run_id` what is in the way.
#[utoipa::path(post, path = "/runs/{id}/approve", tag = "Runs", params(("id" = RunId, Path)),
    request_body = NewDecision, responses((status = 202, body = Run), RefusalsWithConflict))]
async fn approve(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<RunId>,
    body: Body,
) -> Accepted {
    decide(&backend, &caller, id, body, Decision::Approved).await
}

/// Reject held changes
///
/// Exactly these objects stay as they are, until the source changes them again or the rejection is
/// taken back.
#[utoipa::path(post, path = "/runs/{id}/reject", tag = "Runs", params(("id" = RunId, Path)),
    request_body = NewDecision, responses((status = 202, body = Run), RefusalsWithConflict))]
async fn reject(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<RunId>,
    body: Body,
) -> Accepted {
    decide(&backend, &caller, id, body, Decision::Rejected).await
}

/// Take a rejection back
///
/// The next run plans the objects like any other.
#[utoipa::path(post, path = "/runs/{id}/withdraw", tag = "Runs", params(("id" = RunId, Path)),
    request_body = OfType, responses((status = 202, body = Run), RefusalsWithConflict))]
async fn withdraw(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<RunId>,
    body: Body,
) -> Accepted {
    caller.found(runs::find(&backend, &caller.0, id).await)?;
    caller.require(Permission::RunsDecide)?;
    let object_type = body.parse::<OfType>()?.object_type;
    let run = sync::withdraw(&backend, &caller.0, id, object_type).await;
    run.map(|run| (StatusCode::ACCEPTED, Json(run)))
        .map_err(|error| caller.refused(error))
}
