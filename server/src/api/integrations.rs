//! Integrations and their settings.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{
    Backend, filter, mapping,
    store::{customers, integrations, protected_rules},
};
use domain::{
    api_token::ListKind,
    filter::{FilterTestRequest, FilterTrial},
    guard::GuardForecast,
    id::{CustomerId, IntegrationId},
    integration::{Integration, IntegrationChange, NewIntegration, People},
    mapping::{MappingTest, MappingTestRequest},
    paging::Listing,
    permission::Permission,
    protection::{ProtectedForecast, ProtectedForecastRequest},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    created,
    input::{Body, Id, Query},
    problem::{Refusals, RefusalsWithConflict, Result, SourceRefusals},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_of_customer, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(guard_forecast))
        .routes(routes!(protected_forecast))
        .routes(routes!(mapping_test))
        .routes(routes!(filter_test))
}

/// Which integrations.
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

/// What happens to the people of a deleted integration.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DeleteParameters {
    /// `keep`, `deactivate` (where absent) or `delete`.
    people: Option<People>,
}

/// List integrations
#[utoipa::path(get, path = "/integrations", tag = "Integrations", params(Parameters),
    responses((status = 200, body = Listing<Integration>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<Integration>>> {
    caller.require(Permission::IntegrationsRead)?;
    listing(&backend, &caller, None, &query).await
}

/// List a customer's integrations
#[utoipa::path(get, path = "/customers/{id}/integrations", tag = "Integrations",
    params(("id" = CustomerId, Path), Parameters),
    responses((status = 200, body = Listing<Integration>), Refusals))]
async fn list_of_customer(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    query: Query,
) -> Result<Json<Listing<Integration>>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::IntegrationsRead)?;
    listing(&backend, &caller, Some(customer), &query).await
}

async fn listing(
    backend: &Backend,
    caller: &Caller,
    customer: Option<CustomerId>,
    query: &Query,
) -> Result<Json<Listing<Integration>>> {
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = integrations::listing(backend, &caller.0, customer, &request).await;
    caller
        .listed(backend, ListKind::Integrations, listing)
        .await
}

/// Add an integration
#[utoipa::path(post, path = "/customers/{id}/integrations", tag = "Integrations",
    params(("id" = CustomerId, Path)), request_body = NewIntegration,
    responses((status = 201, body = Integration), RefusalsWithConflict))]
async fn create(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<Response> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let new: NewIntegration = body.parse()?;
    let integration = integrations::create(&backend, &caller.0, customer, new)
        .await
        .map_err(|error| caller.refused(error))?;
    Ok(created("integrations", integration.id, integration))
}

/// One integration
#[utoipa::path(get, path = "/integrations/{id}", tag = "Integrations",
    params(("id" = IntegrationId, Path)),
    responses((status = 200, body = Integration), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
) -> Result<Json<Integration>> {
    let integration = integrations::get(&backend, &caller.0, id).await;
    integration.map(Json).map_err(|error| caller.refused(error))
}

/// What an integration's guard would say today
///
/// For each type, how much is in use in the directory, and how many disables and deletes of one run
/// would be held.
#[utoipa::path(get, path = "/integrations/{id}/guard-forecast", tag = "Integrations",
    params(("id" = IntegrationId, Path)),
    responses((status = 200, body = Vec<GuardForecast>), Refusals))]
async fn guard_forecast(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
) -> Result<Json<Vec<GuardForecast>>> {
    let forecast = integrations::guard_forecast(&backend, &caller.0, id).await;
    forecast.map(Json).map_err(|error| caller.refused(error))
}

/// How many people an integration's rules protect today
///
/// Of the saved rules, or of those that are given and needn't be saved. Nothing is changed.
#[utoipa::path(post, path = "/integrations/{id}/protected-forecast", tag = "Integrations",
    params(("id" = IntegrationId, Path)), request_body = ProtectedForecastRequest,
    responses((status = 200, body = ProtectedForecast), Refusals))]
async fn protected_forecast(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<Json<ProtectedForecast>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryRead)?;
    let rules = body.parse::<ProtectedForecastRequest>()?.protected;
    let forecast = protected_rules::forecast(&backend, &caller.0, id, rules).await;
    forecast.map(Json).map_err(|error| caller.refused(error))
}

/// What an integration's mapping makes of some of its people
///
/// Of the saved rules, or of those that are given and needn't be saved. The objects are read from the
/// source just now, under the rule of "Why?", and nothing of it is stored.
#[utoipa::path(post, path = "/integrations/{id}/mapping-test", tag = "Integrations",
    params(("id" = IntegrationId, Path)), request_body = MappingTestRequest,
    responses((status = 200, body = MappingTest), Refusals, SourceRefusals))]
async fn mapping_test(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<Json<MappingTest>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryRead)?;
    caller.require(Permission::RunsStart)?;
    let request: MappingTestRequest = body.parse()?;
    let test = mapping::test(&backend, &caller.0, id, request).await;
    test.map(Json).map_err(|error| caller.refused(error))
}

/// Whom an integration's filters let in and keep out
///
/// Of the saved filters, or of those that are given and needn't be saved: how many of what is kept of
/// the integration, in scope, fall in and out, what decided, and some of each. Nothing is read from the
/// source, and nothing is stored. A preview says the same of what the source has now.
#[utoipa::path(post, path = "/integrations/{id}/filter-test", tag = "Integrations",
    params(("id" = IntegrationId, Path)), request_body = FilterTestRequest,
    responses((status = 200, body = FilterTrial), Refusals))]
async fn filter_test(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<Json<FilterTrial>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryRead)?;
    let request: FilterTestRequest = body.parse()?;
    let trial = filter::test(&backend, &caller.0, id, request).await;
    trial.map(Json).map_err(|error| caller.refused(error))
}

/// Change an integration
///
/// Tenant and cloud can't be changed. `enabled: false` cancels the running run.
#[utoipa::path(patch, path = "/integrations/{id}", tag = "Integrations",
    params(("id" = IntegrationId, Path)), request_body = IntegrationChange,
    responses((status = 200, body = Integration), RefusalsWithConflict))]
async fn change(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    body: Body,
) -> Result<Json<Integration>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let change: IntegrationChange = body.parse()?;
    let integration = integrations::change(&backend, &caller.0, id, change).await;
    integration.map(Json).map_err(|error| caller.refused(error))
}

/// Delete an integration
#[utoipa::path(delete, path = "/integrations/{id}", tag = "Integrations",
    params(("id" = IntegrationId, Path), DeleteParameters),
    responses((status = 204, description = "It is gone"), RefusalsWithConflict))]
async fn delete(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    query: Query,
) -> Result<StatusCode> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let people = query.parse::<DeleteParameters>()?.people;
    integrations::delete(
        &backend,
        &caller.0,
        id,
        people.unwrap_or(People::Deactivate),
    )
    .await
    .map(|()| StatusCode::NO_CONTENT)
    .map_err(|error| caller.refused(error))
}
