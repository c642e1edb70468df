//! The versions of a customer's settings.

use axum::{Json, extract::State};
use backend::{
    Backend,
    store::{customer_versions, customers, versions},
};
use domain::{
    api_token::ListKind,
    customer::Customer,
    id::CustomerId,
    paging::Listing,
    permission::Permission,
    settings::{
        SettingsDifference,
        customer::CustomerSettings,
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
        .routes(routes!(list_of_customer))
        .routes(routes!(get_of_customer))
        .routes(routes!(difference_of_customer))
        .routes(routes!(restore_customer))
}

/// List the versions of a customer's settings
///
/// The newest first, each with what changed in it: name, time zone, tags, how its people are invited,
/// and who is told. The settings of its integrations have versions of their own.
#[utoipa::path(get, path = "/customers/{id}/versions", tag = "Versions",
    params(("id" = CustomerId, Path), Listed),
    responses((status = 200, body = Listing<VersionLine>), Refusals))]
async fn list_of_customer(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CustomerId>,
    query: Query,
) -> Result<Json<Listing<VersionLine>>> {
    caller.found(customers::get(&backend, &caller.0, id).await)?;
    let request = caller.versions_request(&backend, &query)?;
    let versions = versions::listing::<CustomerSettings>(&backend, &caller.0, id, &request).await;
    caller
        .listed(&backend, ListKind::CustomerVersions, versions)
        .await
}

/// One version of a customer's settings
#[utoipa::path(get, path = "/customers/{id}/versions/{number}", tag = "Versions",
    params(("id" = CustomerId, Path), ("number" = i64, Path)),
    responses((status = 200, body = Version<CustomerSettings>), Refusals))]
async fn get_of_customer(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<CustomerId, i64>,
) -> Result<Json<Version<CustomerSettings>>> {
    caller.version(&backend, id, number).await.map(Json)
}

/// What restoring a version of a customer's settings would change
///
/// Or, with `against`, how it differs from another version. Webhooks neither come nor go by it:
/// `not_applied` names them.
#[utoipa::path(get, path = "/customers/{id}/versions/{number}/difference", tag = "Versions",
    params(("id" = CustomerId, Path), ("number" = i64, Path), Against),
    responses((status = 200, body = SettingsDifference), Refusals))]
async fn difference_of_customer(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<CustomerId, i64>,
    query: Query,
) -> Result<Json<SettingsDifference>> {
    caller
        .version_difference::<CustomerSettings>(&backend, id, number, &query)
        .await
        .map(Json)
}

/// Restore a version of a customer's settings
///
/// Part by part, as each is changed by hand, and a version of its own. With `hash`, only where the
/// settings are still those that the difference was shown for.
#[utoipa::path(post, path = "/customers/{id}/versions/{number}/restore", tag = "Versions",
    params(("id" = CustomerId, Path), ("number" = i64, Path)), request_body = RestoreRequest,
    responses((status = 200, body = Customer), RefusalsWithConflict))]
async fn restore_customer(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, number): IdAnd<CustomerId, i64>,
    body: Body,
) -> Result<Json<Customer>> {
    caller
        .version::<CustomerSettings>(&backend, id, number)
        .await?;
    caller.require(Permission::CustomersWrite)?;
    let hash = body.parse::<RestoreRequest>()?.hash;
    let restored =
        customer_versions::restore(&backend, &caller.0, id, number, hash.as_deref()).await;
    Ok(Json(caller.found(restored)?))
}
