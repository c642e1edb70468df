//! People of an integration's source who may be here already, and the decisions about them.

use axum::{Json, extract::State};
use backend::{
    Backend,
    store::{integrations, matches},
};
use domain::{
    api_token::ListKind,
    id::{ExternalId, IntegrationId},
    matching::{
        MatchCounts, MatchDecisions, MatchFilter, MatchOutcome, MatchState, MatchStrength,
        MatchWithdrawal, UserMatch,
    },
    paging::Listing,
    permission::Permission,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id, IdAnd, Query},
    problem::{Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(counts))
        .routes(routes!(get))
        .routes(routes!(decide))
        .routes(routes!(take_back))
}

/// Which matches.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// What waits for a decision, where absent, or what was decided.
    state: Option<MatchState>,
    /// How sure it is; all where absent.
    strength: Option<MatchStrength>,
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of a name or an address.
    q: Option<String>,
}

/// List who may be here already
///
/// By name. Runs find them; who fits is as of now. Until somebody decided, such a person neither comes
/// in nor is made one with who is here.
#[utoipa::path(get, path = "/integrations/{id}/matches", tag = "Matches",
    params(("id" = IntegrationId, Path), Parameters),
    responses((status = 200, body = Listing<UserMatch>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    query: Query,
) -> Result<Json<Listing<UserMatch>>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryRead)?;
    let Parameters {
        state,
        strength,
        limit,
        cursor,
        q,
    } = query.parse()?;
    let request = caller.list_request(&backend, limit, cursor.as_deref(), q)?;
    let filter = MatchFilter { state, strength };
    let found = matches::listing(&backend, &caller.0, id, &filter, &request).await;
    caller.listed(&backend, ListKind::Matches, found).await
}

/// How many wait, and how many are decided
#[utoipa::path(get, path = "/integrations/{id}/match-counts", tag = "Matches",
    params(("id" = IntegrationId, Path)),
    responses((status = 200, body = MatchCounts), Refusals))]
async fn counts(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
) -> Result<Json<MatchCounts>> {
    let found = matches::counts(&backend, &caller.0, id).await;
    found.map(Json).map_err(|error| caller.refused(error))
}

/// One match
#[utoipa::path(get, path = "/integrations/{id}/matches/{external_id}", tag = "Matches",
    params(("id" = IntegrationId, Path), ("external_id" = ExternalId, Path)),
    responses((status = 200, body = UserMatch), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, person): IdAnd<IntegrationId, ExternalId>,
) -> Result<Json<UserMatch>> {
    let found = matches::get(&backend, &caller.0, id, person).await;
    found.map(Json).map_err(|error| caller.refused(error))
}

/// Decide about one or many
///
/// `same`: it is who is here, and the source says what that one is like from then on. `other`: it is
/// somebody of its own, and comes in. `ignore`: it stays out. The next run does it, and a preview shows
/// it first. Answers what became of each: where nothing could be decided, the reason; of one person
/// alone that is a 409.
#[utoipa::path(post, path = "/integrations/{id}/matches/decide", tag = "Matches",
    params(("id" = IntegrationId, Path)), request_body = MatchDecisions,
    responses((status = 200, body = Vec<MatchOutcome>), RefusalsWithConflict))]
async fn decide(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<Json<Vec<MatchOutcome>>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::RunsDecide)?;
    let decisions: MatchDecisions = body.parse()?;
    let outcomes = matches::decide(&backend, &caller.0, id, &decisions).await;
    outcomes.map(Json).map_err(|error| caller.refused(error))
}

/// Take decisions back
///
/// They wait again. Of a match that a run made, the user becomes what it was before. Who came in as
/// somebody of their own stays.
#[utoipa::path(post, path = "/integrations/{id}/matches/take-back", tag = "Matches",
    params(("id" = IntegrationId, Path)), request_body = MatchWithdrawal,
    responses((status = 200, body = Vec<MatchOutcome>), RefusalsWithConflict))]
async fn take_back(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<Json<Vec<MatchOutcome>>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::RunsDecide)?;
    let withdrawal: MatchWithdrawal = body.parse()?;
    let outcomes = matches::take_back(&backend, &caller.0, id, &withdrawal).await;
    outcomes.map(Json).map_err(|error| caller.refused(error))
}
