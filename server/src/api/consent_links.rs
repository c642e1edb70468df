//! Consent links: what a partner sends to a customer's administrator, who has no account here.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{
    Backend,
    store::{consent_links, customers},
};
use domain::{
    consent_link::{ConsentLink, ConsentLinkMade, NewConsentLink},
    id::{ConsentLinkId, CustomerId},
    permission::Permission,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    created,
    input::{Body, Id},
    problem::{Refusals, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, delete))
}

/// Links of a customer.
#[derive(Debug, Serialize, ToSchema)]
struct ConsentLinks {
    /// The last hundred, the newest first.
    items: Vec<ConsentLink>,
}

/// List a customer’s consent links
#[utoipa::path(get, path = "/customers/{id}/consent-links", tag = "Consent Links",
    params(("id" = CustomerId, Path)),
    responses((status = 200, body = ConsentLinks), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
) -> Result<Json<ConsentLinks>> {
    let items = consent_links::list(&backend, &caller.0, customer).await;
    caller
        .found(items)
        .map(|items| Json(ConsentLinks { items }))
}

/// Make a consent link
///
/// For one customer, one application and one tenant. Send `url`, which is answered this once, to an
/// administrator of the tenant: it works without an account here and ends after 7 days. An earlier
/// link for the same ends at once; what it proved stays.
#[utoipa::path(post, path = "/customers/{id}/consent-links", tag = "Consent Links",
    params(("id" = CustomerId, Path)), request_body = NewConsentLink,
    responses((status = 201, body = ConsentLinkMade), Refusals))]
async fn create(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<Response> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let new: NewConsentLink = body.parse()?;
    let made = consent_links::create(&backend, &caller.0, customer, new)
        .await
        .map_err(|error| caller.refused(error))?;
    Ok(created("consent-links", made.link.id, made))
}

/// One consent link
#[utoipa::path(get, path = "/consent-links/{id}", tag = "Consent Links",
    params(("id" = ConsentLinkId, Path)),
    responses((status = 200, body = ConsentLink), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ConsentLinkId>,
) -> Result<Json<ConsentLink>> {
    let link = consent_links::get(&backend, &caller.0, id).await;
    caller.found(link).map(Json)
}

/// End a consent link
///
/// It stays to be seen. What it proved stays.
#[utoipa::path(delete, path = "/consent-links/{id}", tag = "Consent Links",
    params(("id" = ConsentLinkId, Path)),
    responses((status = 204, description = "It can’t be used any more"), Refusals))]
async fn delete(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ConsentLinkId>,
) -> Result<StatusCode> {
    let ended = consent_links::delete(&backend, &caller.0, id).await;
    caller.found(ended).map(|()| StatusCode::NO_CONTENT)
}
