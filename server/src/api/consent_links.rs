//! Consent links: what a partner sends to a customer's administrator, who has no account here.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{
    Backend,
    store::{consent_links, customers},
};
use domain::{
    api_token::ListKind,
    consent_link::{ConsentLinkLine, ConsentLinkMade, NewConsentLink},
    id::{ConsentLinkId, CustomerId},
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
    problem::{Refusals, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, revoke))
}

/// Which links.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the tenant.
    q: Option<String>,
}

/// List a customer’s consent links
///
/// The newest first.
#[utoipa::path(get, path = "/customers/{id}/consent-links", tag = "Consent Links",
    params(("id" = CustomerId, Path), Parameters),
    responses((status = 200, body = Listing<ConsentLinkLine>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    query: Query,
) -> Result<Json<Listing<ConsentLinkLine>>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::IntegrationsRead)?;
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = consent_links::listing(&backend, &caller.0, customer, &request).await;
    caller
        .listed(&backend, ListKind::ConsentLinks, listing)
        .await
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
    responses((status = 200, body = ConsentLinkLine), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ConsentLinkId>,
) -> Result<Json<ConsentLinkLine>> {
    let link = consent_links::get(&backend, &caller.0, id).await;
    caller.found(link).map(Json)
}

/// Revoke a consent link
///
/// It can’t be used from this moment on. It stays to be seen, and what it proved stays.
#[utoipa::path(delete, path = "/consent-links/{id}", tag = "Consent Links",
    params(("id" = ConsentLinkId, Path)),
    responses((status = 204, description = "It can’t be used any more"), Refusals))]
async fn revoke(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ConsentLinkId>,
) -> Result<StatusCode> {
    let revoked = consent_links::revoke(&backend, &caller.0, id).await;
    caller.found(revoked).map(|()| StatusCode::NO_CONTENT)
}
