//! What an integration's source says when it is asked: Test Connection, the search for groups, and the
//! directory extensions that its tenant has.

use axum::{Json, extract::State};
use backend::{Backend, entra, mapping, store::integrations};
use domain::{
    connection::ConnectionTest,
    id::{CredentialProfileId, CustomerId, IntegrationId},
    integration::{GroupHit, IntegrationKind, NewIntegration},
    mapping::DirectoryExtension,
    permission::Permission,
    policy::Policy,
    schedule::Schedule,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id, Query},
    problem::{Refusals, Result, SourceRefusals},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(test_connection))
        .routes(routes!(test_saved_connection))
        .routes(routes!(group_search))
        .routes(routes!(directory_extensions))
}

/// Which groups.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SearchParameters {
    /// The beginning of a word of the name, from four characters on.
    q: String,
    /// 1: with the number of members.
    #[serde(default)]
    counts: u8,
}

/// Groups found.
#[derive(Debug, Serialize, ToSchema)]
struct GroupHits {
    /// The groups.
    items: Vec<GroupHit>,
}

/// Directory extensions found.
#[derive(Debug, Serialize, ToSchema)]
struct DirectoryExtensions {
    /// The extensions, by name.
    items: Vec<DirectoryExtension>,
}

/// An integration to try without saving it: the body of a new one, and its customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UnsavedIntegration {
    /// Its customer.
    customer_id: CustomerId,
    /// What it connects to.
    kind: IntegrationKind,
    /// A domain or a GUID.
    tenant: String,
    /// The cloud's id; `global` where absent.
    #[serde(default = "global")]
    cloud: String,
    /// The credential.
    credential_profile_id: CredentialProfileId,
    /// As of a new integration; doesn't matter here.
    #[serde(default)]
    enabled: Option<bool>,
    /// As of a new integration; doesn't matter here.
    #[serde(default)]
    schedule: Schedule,
    /// Says which permissions are needed.
    #[serde(default)]
    policy: Policy,
}

fn global() -> String {
    "global".to_owned()
}

/// Test the connection of an integration before it is saved
#[utoipa::path(post, path = "/integrations/test-connection", tag = "Integrations",
    request_body = UnsavedIntegration,
    responses((status = 200, body = ConnectionTest), Refusals))]
async fn test_connection(
    State(backend): State<Backend>,
    caller: Caller,
    body: Body,
) -> Result<Json<ConnectionTest>> {
    caller.require(Permission::IntegrationsWrite)?;
    let unsaved: UnsavedIntegration = body.parse()?;
    let new = NewIntegration {
        kind: unsaved.kind,
        tenant: unsaved.tenant,
        cloud: unsaved.cloud,
        credential_profile_id: unsaved.credential_profile_id,
        enabled: unsaved.enabled.unwrap_or(true),
        schedule: unsaved.schedule,
        policy: unsaved.policy,
    };
    let test = entra::test_connection(&backend, &caller.0, unsaved.customer_id, new).await;
    test.map(Json)
        .map_err(|error| caller.blamed("customer_id", "customer", error))
}

/// Test the connection of an integration
#[utoipa::path(post, path = "/integrations/{id}/test-connection", tag = "Integrations",
    params(("id" = IntegrationId, Path)),
    responses((status = 200, body = ConnectionTest), Refusals))]
async fn test_saved_connection(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
) -> Result<Json<ConnectionTest>> {
    let test = entra::test_saved(&backend, &caller.0, id).await;
    test.map(Json).map_err(|error| caller.refused(error))
}

/// Search the tenant's groups by typing
#[utoipa::path(get, path = "/integrations/{id}/group-search", tag = "Integrations",
    params(("id" = IntegrationId, Path), SearchParameters),
    responses((status = 200, body = GroupHits), Refusals, SourceRefusals))]
async fn group_search(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    query: Query,
) -> Result<Json<GroupHits>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let parameters: SearchParameters = query.parse()?;
    let (q, counts) = (&parameters.q, parameters.counts == 1);
    let items = entra::group_search(&backend, &caller.0, id, q, counts).await;
    items
        .map(|items| Json(GroupHits { items }))
        .map_err(|error| caller.refused(error))
}

/// List the directory schema extensions that the tenant has
///
/// Rules and filters use them by their names. The application needs the permission `Directory.Read.All`,
/// which a sync doesn't; without it names can be used all the same. In a tenant with more than 1,000
/// service principals Microsoft Graph lists none.
#[utoipa::path(get, path = "/integrations/{id}/directory-extensions", tag = "Integrations",
    params(("id" = IntegrationId, Path)),
    responses((status = 200, body = DirectoryExtensions), Refusals, SourceRefusals))]
async fn directory_extensions(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
) -> Result<Json<DirectoryExtensions>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let items = mapping::directory_extensions(&backend, &caller.0, id).await;
    items
        .map(|items| Json(DirectoryExtensions { items }))
        .map_err(|error| caller.refused(error))
}
