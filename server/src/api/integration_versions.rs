//! The versions of an integration's settings.

use axum::{Json, extract::State};
use backend::{
    Backend,
    store::{integration_versions, integrations, versions},
};
use domain::{
    api_token::ListKind,
    id::IntegrationId,
    integration::Integration,
    paging::Listing,
    permission::Permission,
    settings::{
        IntegrationSettings, SettingsDifference,
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
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(difference))
        .routes(routes!(restore))
}

/// List the versions of an integration's settings
///
/// The newest first. Every save is one, by whatever way it came.
#[utoipa::path(get, path = "/integrations/{id}/versions", tag = "Versions",
    params(("id" = IntegrationId, Path), Listed),
    responses((status = 200, body = Listing<VersionLine>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    query: Query,
) -> Result<Json<Listing<VersionLine>>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    let request = caller.versions_request(&backend, &query)?;
    let versions =
        versions::listing::<IntegrationSettings>(&backend, &caller.0, id, &request).await;
    caller
        .listed(&backend, ListKind::IntegrationVersions, versions)
        .await
}

/// One version
#[utoipa::path(get, path = "/integrations/{id}/versions/{number}", tag = "Versions",
    params(("id" = IntegrationId, Path), ("number" = i64, Path)),
    responses((status = 200, body = Version<IntegrationSettings>), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<IntegrationId, i64>,
) -> Result<Json<Version<IntegrationSettings>>> {
    caller.version(&backend, id, number).await.map(Json)
}

/// What restoring a version would change
///
/// Or, with `against`, how it differs from another version.
#[utoipa::path(get, path = "/integrations/{id}/versions/{number}/difference", tag = "Versions",
    params(("id" = IntegrationId, Path), ("number" = i64, Path), Against),
    responses((status = 200, body = SettingsDifference), Refusals))]
async fn difference(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<IntegrationId, i64>,
    query: Query,
) -> Result<Json<SettingsDifference>> {
    caller
        .version_difference::<IntegrationSettings>(&backend, id, number, &query)
        .await
        .map(Json)
}

/// Restore a version
///
/// A save like any other, which is a version of its own. With `hash`, only where the settings are
/// still those that the difference was shown for.
#[utoipa::path(post, path = "/integrations/{id}/versions/{number}/restore", tag = "Versions",
    params(("id" = IntegrationId, Path), ("number" = i64, Path)), request_body = RestoreRequest,
    responses((status = 200, body = Integration), RefusalsWithConflict))]
async fn restore(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<IntegrationId, i64>,
    body: Body,
) -> Result<Json<Integration>> {
    caller
        .version::<IntegrationSettings>(&backend, id, number)
        .await?;
    caller.require(Permission::IntegrationsWrite)?;
    let RestoreRequest { hash } = body.parse()?;
    let restored =
        integration_versions::restore(&backend, &caller.0, id, number, hash.as_deref()).await;
    restored.map(Json).map_err(|error| caller.refused(error))
}
