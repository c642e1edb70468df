//! Credential profiles. Secrets go in and never come out.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{Backend, store::credential_profiles};
use domain::{
    api_token::ListKind,
    credential_profile::{CredentialProfile, CredentialProfileChange, NewCredentialProfile},
    id::CredentialProfileId,
    paging::Listing,
    permission::Permission,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    created,
    input::{Body, Id, Query},
    problem::{Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
}

/// Which profiles.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the name.
    q: Option<String>,
}

/// List credential profiles
#[utoipa::path(get, path = "/credential-profiles", tag = "Credential Profiles", params(Parameters),
    responses((status = 200, body = Listing<CredentialProfile>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<CredentialProfile>>> {
    caller.require(Permission::CredentialProfilesRead)?;
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = credential_profiles::listing(&backend, &caller.0, &request).await;
    caller
        .listed(&backend, ListKind::CredentialProfiles, listing)
        .await
}

/// Add a credential profile
#[utoipa::path(post, path = "/credential-profiles", tag = "Credential Profiles",
    request_body = NewCredentialProfile,
    responses((status = 201, body = CredentialProfile), Refusals))]
async fn create(State(backend): State<Backend>, caller: Caller, body: Body) -> Result<Response> {
    caller.require(Permission::CredentialProfilesWrite)?;
    let new: NewCredentialProfile = body.parse()?;
    let profile = credential_profiles::create(&backend, &caller.0, new)
        .await
        .map_err(|error| caller.refused(error))?;
    Ok(created("credential-profiles", profile.id, profile))
}

/// One credential profile
#[utoipa::path(get, path = "/credential-profiles/{id}", tag = "Credential Profiles",
    params(("id" = CredentialProfileId, Path)),
    responses((status = 200, body = CredentialProfile), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CredentialProfileId>,
) -> Result<Json<CredentialProfile>> {
    let profile = credential_profiles::get(&backend, &caller.0, id).await;
    profile.map(Json).map_err(|error| caller.refused(error))
}

/// Change a credential profile, or replace its secret
#[utoipa::path(patch, path = "/credential-profiles/{id}", tag = "Credential Profiles",
    params(("id" = CredentialProfileId, Path)), request_body = CredentialProfileChange,
    responses((status = 200, body = CredentialProfile), Refusals))]
async fn change(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CredentialProfileId>,
    body: Body,
) -> Result<Json<CredentialProfile>> {
    caller.found(credential_profiles::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::CredentialProfilesWrite)?;
    let change: CredentialProfileChange = body.parse()?;
    let profile = credential_profiles::change(&backend, &caller.0, id, change).await;
    profile.map(Json).map_err(|error| caller.refused(error))
}

/// Delete a credential profile
///
/// Refused while an integration uses it.
#[utoipa::path(delete, path = "/credential-profiles/{id}", tag = "Credential Profiles",
    params(("id" = CredentialProfileId, Path)),
    responses((status = 204, description = "It is gone"), RefusalsWithConflict))]
async fn delete(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CredentialProfileId>,
) -> Result<StatusCode> {
    credential_profiles::delete(&backend, &caller.0, id)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}
