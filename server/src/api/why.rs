//! "Why?": the steps that decided about one object, in the directory or not.

use axum::{Json, extract::State};
use backend::{Backend, store::integrations, why};
use domain::{
    id::{IntegrationId, UserId},
    why::{Why, WhyAnswer},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Id, Query},
    problem::{Refusals, Result, SourceRefusals},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(user))
        .routes(routes!(object))
}

/// Which object.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Its object id, user name, mail address or display name, of at least 3 characters.
    object: String,
}

/// Why a user of the directory is as it is
#[utoipa::path(get, path = "/users/{id}/why", tag = "Why", params(("id" = UserId, Path)),
    responses((status = 200, body = Why), Refusals))]
async fn user(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<Why>> {
    let why = why::of_user(&backend, &caller.0, id).await;
    why.map(Json).map_err(|error| caller.refused(error))
}

/// Why an object of the source is or isn't in the directory
///
/// What isn't kept here is asked for in the source, and nothing of the answer is stored. Several
/// objects that fit are answered as candidates: ask again by the object id of one.
#[utoipa::path(get, path = "/integrations/{id}/why", tag = "Why",
    params(("id" = IntegrationId, Path), Parameters),
    responses((status = 200, body = WhyAnswer), Refusals, SourceRefusals))]
async fn object(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    query: Query,
) -> Result<Json<WhyAnswer>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    let parameters: Parameters = query.parse()?;
    let answer = why::of_object(&backend, &caller.0, id, &parameters.object).await;
    answer.map(Json).map_err(|error| caller.refused(error))
}
