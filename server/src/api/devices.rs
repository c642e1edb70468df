//! Devices of a customer's directory.

use axum::{Json, extract::State};
use backend::{
    Backend,
    store::{customers, devices},
};
use domain::{
    api_token::ListKind,
    device::Device,
    id::{CustomerId, DeviceId},
    paging::Listing,
    permission::Permission,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Id, Query},
    problem::{Refusals, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
}

/// Which devices.
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

/// List a customer's devices
///
/// They are read where the `object_types` of an integration's policy have `device`.
#[utoipa::path(get, path = "/customers/{id}/devices", tag = "Devices",
    params(("id" = CustomerId, Path), Parameters),
    responses((status = 200, body = Listing<Device>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    query: Query,
) -> Result<Json<Listing<Device>>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryRead)?;
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = devices::listing(&backend, &caller.0, customer, &request).await;
    caller.listed(&backend, ListKind::Devices, listing).await
}

/// One device
#[utoipa::path(get, path = "/devices/{id}", tag = "Devices", params(("id" = DeviceId, Path)),
    responses((status = 200, body = Device), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<DeviceId>,
) -> Result<Json<Device>> {
    let device = devices::get(&backend, &caller.0, id).await;
    device.map(Json).map_err(|error| caller.refused(error))
}
