//! Customers.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{Backend, store::customers};
use domain::{
    api_token::ListKind,
    customer::{Customer, CustomerChange, TIME_ZONE_DEFAULT, parse_tag},
    id::CustomerId,
    paging::Listing,
    permission::Permission,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    created,
    input::{Body, Id, Query},
    problem::{Problem, Refusals, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
}

/// Which customers.
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
    /// Only those with this tag.
    tag: Option<String>,
}

/// What a customer is made with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CustomerBody {
    /// Its name, 1 to 256 characters.
    name: String,
    /// Its time zone, an IANA name such as `Europe/Amsterdam`; UTC where absent.
    time_zone: Option<String>,
    /// Its tags; none where absent.
    #[serde(default)]
    tags: Vec<String>,
}

/// List customers
///
/// Those in the bin are left out.
#[utoipa::path(get, path = "/customers", tag = "Customers", params(Parameters),
    responses((status = 200, body = Listing<Customer>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<Customer>>> {
    caller.require(Permission::CustomersRead)?;
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let tag = parameters.tag.map(|tag| parse_tag("tag", &tag)).transpose();
    let tag = tag.map_err(Problem::invalid)?;
    let listing = customers::listing(&backend, &caller.0, &request, tag.as_deref()).await;
    caller.listed(&backend, ListKind::Customers, listing).await
}

/// Add a customer
#[utoipa::path(post, path = "/customers", tag = "Customers", request_body = CustomerBody,
    responses((status = 201, body = Customer), Refusals))]
async fn create(State(backend): State<Backend>, caller: Caller, body: Body) -> Result<Response> {
    caller.found(customers::may_add(&caller.0))?;
    let body: CustomerBody = body.parse()?;
    let zone = body.time_zone.as_deref().unwrap_or(TIME_ZONE_DEFAULT);
    let customer = customers::create_in(&backend, &caller.0, &body.name, zone, &body.tags)
        .await
        .map_err(|error| caller.refused(error))?;
    Ok(created("customers", customer.id, customer))
}

/// One customer
#[utoipa::path(get, path = "/customers/{id}", tag = "Customers",
    params(("id" = CustomerId, Path)),
    responses((status = 200, body = Customer), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CustomerId>,
) -> Result<Json<Customer>> {
    let customer = customers::get(&backend, &caller.0, id).await;
    customer.map(Json).map_err(|error| caller.refused(error))
}

/// Change a customer
///
/// Its name, its tags, and the time zone in which cron expressions and windows are understood. A
/// tag that decides which customers operators look after is changed only by who has their rights
/// over all of these customers.
#[utoipa::path(patch, path = "/customers/{id}", tag = "Customers", request_body = CustomerChange,
    params(("id" = CustomerId, Path)),
    responses((status = 200, body = Customer), Refusals))]
async fn change(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CustomerId>,
    body: Body,
) -> Result<Json<Customer>> {
    caller.found(customers::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::CustomersWrite)?;
    let change: CustomerChange = body.parse()?;
    let customer = customers::change(&backend, &caller.0, id, change).await;
    customer.map(Json).map_err(|error| caller.refused(error))
}

/// Put a customer into the bin
///
/// Its sync stops. It can be restored for 30 days; then all its rows are purged.
#[utoipa::path(delete, path = "/customers/{id}", tag = "Customers",
    params(("id" = CustomerId, Path)),
    responses((status = 204, description = "It is in the bin"), Refusals))]
async fn delete(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CustomerId>,
) -> Result<StatusCode> {
    customers::delete(&backend, &caller.0, id, None)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}
