//! The versions of a policy template.

use axum::{Json, extract::State};
use backend::{
    Backend,
    store::policy_templates::{self, versions},
};
use domain::{
    api_token::ListKind,
    id::PolicyTemplateId,
    paging::Listing,
    settings::{
        template::{PolicyTemplate, TemplateDifference, TemplateEffect, TemplateVersion},
        version::{RestoreRequest, VersionLine},
    },
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
        .routes(routes!(list_versions))
        .routes(routes!(get_version))
        .routes(routes!(difference))
        .routes(routes!(effect_of_version))
        .routes(routes!(restore))
}

/// Which versions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
}

/// What a version is compared with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Against {
    /// The number of another version; the present policy where absent.
    against: Option<i64>,
}

/// List the versions of a policy template
///
/// The newest first, each with what changed in it.
#[utoipa::path(get, path = "/policy-templates/{id}/versions", tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path), Parameters),
    responses((status = 200, body = Listing<VersionLine>), Refusals))]
async fn list_versions(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<PolicyTemplateId>,
    query: Query,
) -> Result<Json<Listing<VersionLine>>> {
    caller.found(policy_templates::get(&backend, &caller.0, id).await)?;
    let Parameters { limit, cursor } = query.parse()?;
    let request = caller.list_request(&backend, limit, cursor.as_deref(), None)?;
    let listing = versions::listing(&backend, &caller.0, id, &request).await;
    caller
        .listed(&backend, ListKind::PolicyTemplateVersions, listing)
        .await
}

/// One version of a policy template
#[utoipa::path(get, path = "/policy-templates/{id}/versions/{number}", tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path), ("number" = i64, Path)),
    responses((status = 200, body = TemplateVersion), Refusals))]
async fn get_version(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<PolicyTemplateId, i64>,
) -> Result<Json<TemplateVersion>> {
    let version = versions::get(&backend, &caller.0, id, number).await;
    version.map(Json).map_err(|error| caller.refused(error))
}

/// How a version of a policy template differs from the present one
///
/// Or, with `against`, from another version.
#[utoipa::path(get, path = "/policy-templates/{id}/versions/{number}/difference",
    tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path), ("number" = i64, Path), Against),
    responses((status = 200, body = TemplateDifference), Refusals))]
async fn difference(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<PolicyTemplateId, i64>,
    query: Query,
) -> Result<Json<TemplateDifference>> {
    caller.found(versions::get(&backend, &caller.0, id, number).await)?;
    let against = query.parse::<Against>()?.against;
    let found = versions::difference(&backend, &caller.0, id, number, against).await;
    found
        .map(|differences| Json(TemplateDifference { differences }))
        .map_err(|error| match error {
            backend::Error::NotFound("version") => caller.blamed("against", "version", error),
            error => caller.refused(error),
        })
}

/// What restoring a version of a policy template would do
///
/// How many integrations, customers and active users it would touch, and what would change of each
/// follower (200 at most are told one by one). Nothing is saved.
#[utoipa::path(get, path = "/policy-templates/{id}/versions/{number}/effect",
    tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path), ("number" = i64, Path)),
    responses((status = 200, body = TemplateEffect), Refusals))]
async fn effect_of_version(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<PolicyTemplateId, i64>,
) -> Result<Json<TemplateEffect>> {
    let effect = versions::effect(&backend, &caller.0, id, number).await;
    effect.map(Json).map_err(|error| caller.refused(error))
}

/// Restore a version of a policy template
///
/// A change like any other: a version of its own, which every follower gets. With `hash`, only where
/// the effect is still the one that was looked at.
#[utoipa::path(post, path = "/policy-templates/{id}/versions/{number}/restore",
    tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path), ("number" = i64, Path)), request_body = RestoreRequest,
    responses((status = 200, body = PolicyTemplate), RefusalsWithConflict))]
async fn restore(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<PolicyTemplateId, i64>,
    body: Body,
) -> Result<Json<PolicyTemplate>> {
    caller.found(versions::get(&backend, &caller.0, id, number).await)?;
    caller.found(policy_templates::may_make(&caller.0))?;
    let RestoreRequest { hash } = body.parse()?;
    let restored = versions::restore(&backend, &caller.0, id, number, hash.as_deref()).await;
    restored.map(Json).map_err(|error| caller.refused(error))
}
