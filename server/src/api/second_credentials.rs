//! A credential profile's second secret or certificate, and the public part of its certificates.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{Backend, entra, store::credential_profiles};
use domain::{
    connection::ConnectionTest,
    credential_profile::{CredentialProfile, NewSecondCredential},
    id::{CredentialProfileId, IntegrationId},
    permission::Permission,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id, Query},
    problem::{Refusals, RefusalsWithConflict, Result},
};
use crate::certificate::{self, Format};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(put_second, delete_second))
        .routes(routes!(use_second))
        .routes(routes!(test_second))
        .routes(routes!(certificate))
}

/// What a second secret is tried out against.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TriedWith {
    /// An integration that uses the profile.
    integration_id: IntegrationId,
}

/// Which certificate, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CertificateParameters {
    /// How it is written down; `pem` where absent.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// 1: of the second one.
    #[serde(default)]
    second: u8,
}

/// Give a profile a second secret or certificate
///
/// It takes the place of a second one that is there. The one in use stays in use until Entra ID
/// refuses it as wrong or expired, or the second is chosen.
#[utoipa::path(put, path = "/credential-profiles/{id}/second", tag = "Credential Profiles",
    params(("id" = CredentialProfileId, Path)), request_body = NewSecondCredential,
    responses((status = 200, body = CredentialProfile), Refusals))]
async fn put_second(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CredentialProfileId>,
    body: Body,
) -> Result<Json<CredentialProfile>> {
    caller.found(credential_profiles::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::CredentialProfilesWrite)?;
    let new: NewSecondCredential = body.parse()?;
    let profile = credential_profiles::put_second(&backend, &caller.0, id, new).await;
    profile.map(Json).map_err(|error| caller.refused(error))
}

/// Remove a profile's second secret or certificate
#[utoipa::path(delete, path = "/credential-profiles/{id}/second", tag = "Credential Profiles",
    params(("id" = CredentialProfileId, Path)),
    responses((status = 204, description = "It is gone"), Refusals))]
async fn delete_second(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CredentialProfileId>,
) -> Result<StatusCode> {
    credential_profiles::remove_second(&backend, &caller.0, id)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}

/// Use a profile's second secret or certificate from now on
///
/// The two change places: the one before stays as the second until it is removed.
#[utoipa::path(post, path = "/credential-profiles/{id}/second/use", tag = "Credential Profiles",
    params(("id" = CredentialProfileId, Path)),
    responses((status = 200, body = CredentialProfile), RefusalsWithConflict))]
async fn use_second(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CredentialProfileId>,
) -> Result<Json<CredentialProfile>> {
    let profile = credential_profiles::use_second(&backend, &caller.0, id).await;
    profile.map(Json).map_err(|error| caller.refused(error))
}

/// Try a profile's second secret or certificate out
///
/// Alone, against the tenant of an integration that uses the profile.
#[utoipa::path(post, path = "/credential-profiles/{id}/second/test-connection",
    tag = "Credential Profiles", params(("id" = CredentialProfileId, Path)),
    request_body = TriedWith, responses((status = 200, body = ConnectionTest), Refusals))]
async fn test_second(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CredentialProfileId>,
    body: Body,
) -> Result<Json<ConnectionTest>> {
    caller.found(credential_profiles::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::CredentialProfilesWrite)?;
    let TriedWith { integration_id } = body.parse()?;
    let test = entra::test_second(&backend, &caller.0, id, integration_id).await;
    test.map(Json).map_err(|error| caller.refused(error))
}

/// The public part of a profile's certificate
///
/// What is uploaded to the application in Entra ID. The private key is never answered.
#[utoipa::path(get, path = "/credential-profiles/{id}/certificate", tag = "Credential Profiles",
    params(("id" = CredentialProfileId, Path), CertificateParameters),
    responses((status = 200, content(
        (String = "application/pem-certificate-chain"),
        (Vec<u8> = "application/pkix-cert"),
    )), Refusals))]
async fn certificate(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CredentialProfileId>,
    query: Query,
) -> Result<Response> {
    caller.found(credential_profiles::get(&backend, &caller.0, id).await)?;
    let parameters: CertificateParameters = query.parse()?;
    let second = parameters.second == 1;
    let found = credential_profiles::certificate(&backend, &caller.0, id, second).await;
    let found = found.map_err(|error| caller.refused(error))?;
    Ok(certificate::answer(found, parameters.format))
}
