//! The versions of a policy template.

use axum::{Json, extract::State};
use backend::{
    Backend,
    store::{
        policy_templates::{self, versions as of_template},
        versions,
    },
};
use domain::{
    api_token::ListKind,
    id::PolicyTemplateId,
    paging::Listing,
    policy::Policy,
    settings::{
        template::{PolicyTemplate, TemplateDifference, TemplateEffect},
        version::{RestoreRequest, Version, VersionLine},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id, IdAnd, Query},
    problem::{Refusals, RefusalsWithConflict, Result},
    versions::{Against, Listed},
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

/// List the versions of a policy template
///
/// The newest first, each with what changed in it.
#[utoipa::path(get, path = "/policy-templates/{id}/versions", tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path), Listed),
    responses((status = 200, body = Listing<VersionLine>), Refusals))]
async fn list_versions(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<PolicyTemplateId>,
    query: Query,
) -> Result<Json<Listing<VersionLine>>> {
    caller.found(policy_templates::get(&backend, &caller.0, id).await)?;
    let request = caller.versions_request(&backend, &query)?;
    let listing = versions::listing::<Policy>(&backend, &caller.0, id, &request).await;
    caller
        .listed(&backend, ListKind::PolicyTemplateVersions, listing)
        .await
}

/// One version of a policy template
#[utoipa::path(get, path = "/policy-templates/{id}/versions/{number}", tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path), ("number" = i64, Path)),
    responses((status = 200, body = Version<Policy>), Refusals))]
async fn get_version(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<PolicyTemplateId, i64>,
) -> Result<Json<Version<Policy>>> {
    caller.version(&backend, id, number).await.map(Json)
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
    let found = caller.version_difference::<Policy>(&backend, id, number, &query);
    let differences = found.await?.differences;
    Ok(Json(TemplateDifference { differences }))
}

/// What restoring a version of a policy template would do
///
/// How many integrations and customers it would change, how many people a run would treat otherwise (of
/// integrations with very many, and of those whose source has to be read first, they aren’t counted), and
/// what would change of each
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
    let effect = of_template::effect(&backend, &caller.0, id, number).await;
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
    caller.version::<Policy>(&backend, id, number).await?;
    caller.found(policy_templates::may_make(&caller.0))?;
    let RestoreRequest { hash } = body.parse()?;
    let restored = of_template::restore(&backend, &caller.0, id, number, hash.as_deref()).await;
    restored.map(Json).map_err(|error| caller.refused(error))
}
