//! Contacts of a customer's directory.

use axum::{Json, extract::State};
use backend::{
    Backend,
    store::{contacts, customers},
};
use domain::{
    api_token::ListKind,
    contact::Contact,
    id::{ContactId, CustomerId},
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

/// Which contacts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the name or the mail address.
    q: Option<String>,
}

/// List a customer's contacts
///
/// They are read where the `object_types` of an integration's policy have `contact`.
#[utoipa::path(get, path = "/customers/{id}/contacts", tag = "Contacts",
    params(("id" = CustomerId, Path), Parameters),
    responses((status = 200, body = Listing<Contact>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    query: Query,
) -> Result<Json<Listing<Contact>>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryRead)?;
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = contacts::listing(&backend, &caller.0, customer, &request).await;
    caller.listed(&backend, ListKind::Contacts, listing).await
}

/// One contact
#[utoipa::path(get, path = "/contacts/{id}", tag = "Contacts", params(("id" = ContactId, Path)),
    responses((status = 200, body = Contact), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ContactId>,
) -> Result<Json<Contact>> {
    let contact = contacts::get(&backend, &caller.0, id).await;
    contact.map(Json).map_err(|error| caller.refused(error))
}
