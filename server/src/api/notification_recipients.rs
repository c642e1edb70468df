//! Who is told what goes wrong, of one customer and of the whole installation.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{
    Backend, notify,
    store::{customers, notification_recipients},
};
use domain::{
    api_token::ListKind,
    id::{CustomerId, NotificationRecipientId},
    notification::{
        NewNotificationRecipient, NotificationDelivery, NotificationRecipient,
        NotificationRecipientChange, NotificationRecipientMade,
    },
    paging::Listing,
    permission::Permission,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
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
        .routes(routes!(list_of_customer, create_for_customer))
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(deliveries))
        .routes(routes!(test))
}

/// Which recipients.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the address.
    q: Option<String>,
}

/// The last messages to a recipient.
#[derive(Debug, Serialize, ToSchema)]
struct Deliveries {
    /// The messages, the newest first.
    items: Vec<NotificationDelivery>,
}

/// List a customer’s notification recipients
#[utoipa::path(get, path = "/customers/{id}/notification-recipients",
    tag = "Notification Recipients", params(("id" = CustomerId, Path), Parameters),
    responses((status = 200, body = Listing<NotificationRecipient>), Refusals))]
async fn list_of_customer(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    query: Query,
) -> Result<Json<Listing<NotificationRecipient>>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::NotificationsRead)?;
    listed(&backend, &caller, Some(customer), &query).await
}

/// Add a notification recipient to a customer
///
/// A webhook’s signing secret is answered here, once.
#[utoipa::path(post, path = "/customers/{id}/notification-recipients",
    tag = "Notification Recipients", params(("id" = CustomerId, Path)),
    request_body = NewNotificationRecipient,
    responses((status = 201, body = NotificationRecipientMade), RefusalsWithConflict))]
async fn create_for_customer(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<Response> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::NotificationsWrite)?;
    made(&backend, &caller, Some(customer), body).await
}

/// List the installation’s notification recipients
///
/// They are told of every customer. For owners who see all customers.
#[utoipa::path(get, path = "/notification-recipients", tag = "Notification Recipients",
    params(Parameters),
    responses((status = 200, body = Listing<NotificationRecipient>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<NotificationRecipient>>> {
    caller.found(notification_recipients::require_installation(&caller.0))?;
    listed(&backend, &caller, None, &query).await
}

/// Add a notification recipient to the installation
///
/// It is told of every customer. For owners who see all customers. A webhook’s signing secret is
/// answered here, once.
#[utoipa::path(post, path = "/notification-recipients", tag = "Notification Recipients",
    request_body = NewNotificationRecipient,
    responses((status = 201, body = NotificationRecipientMade), RefusalsWithConflict))]
async fn create(State(backend): State<Backend>, caller: Caller, body: Body) -> Result<Response> {
    caller.found(notification_recipients::require_installation(&caller.0))?;
    made(&backend, &caller, None, body).await
}

async fn listed(
    backend: &Backend,
    caller: &Caller,
    customer: Option<CustomerId>,
    query: &Query,
) -> Result<Json<Listing<NotificationRecipient>>> {
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = notification_recipients::listing(backend, &caller.0, customer, &request).await;
    caller
        .listed(backend, ListKind::NotificationRecipients, listing)
        .await
}

async fn made(
    backend: &Backend,
    caller: &Caller,
    customer: Option<CustomerId>,
    body: Body,
) -> Result<Response> {
    let new: NewNotificationRecipient = body.parse()?;
    let made = notification_recipients::create(backend, &caller.0, customer, new)
        .await
        .map_err(|error| caller.refused(error))?;
    Ok(created("notification-recipients", made.recipient.id, made))
}

/// One notification recipient
#[utoipa::path(get, path = "/notification-recipients/{id}", tag = "Notification Recipients",
    params(("id" = NotificationRecipientId, Path)),
    responses((status = 200, body = NotificationRecipient), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<NotificationRecipientId>,
) -> Result<Json<NotificationRecipient>> {
    let recipient = notification_recipients::get(&backend, &caller.0, id).await;
    recipient.map(Json).map_err(|error| caller.refused(error))
}

/// Change a notification recipient, or make a new signing secret
///
/// With `rotate_secret` the answer holds the new secret, once; the old one signs too for a day.
#[utoipa::path(patch, path = "/notification-recipients/{id}", tag = "Notification Recipients",
    params(("id" = NotificationRecipientId, Path)), request_body = NotificationRecipientChange,
    responses((status = 200, body = NotificationRecipientMade), Refusals))]
async fn change(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<NotificationRecipientId>,
    body: Body,
) -> Result<Json<NotificationRecipientMade>> {
    caller.found(notification_recipients::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::NotificationsWrite)?;
    let change: NotificationRecipientChange = body.parse()?;
    let changed = notification_recipients::change(&backend, &caller.0, id, change).await;
    changed.map(Json).map_err(|error| caller.refused(error))
}

/// Remove a notification recipient
#[utoipa::path(delete, path = "/notification-recipients/{id}", tag = "Notification Recipients",
    params(("id" = NotificationRecipientId, Path)),
    responses((status = 204, description = "It is told nothing any more"), Refusals))]
async fn delete(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<NotificationRecipientId>,
) -> Result<StatusCode> {
    notification_recipients::delete(&backend, &caller.0, id)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}

/// The last messages to a notification recipient, and what came of each
#[utoipa::path(get, path = "/notification-recipients/{id}/deliveries",
    tag = "Notification Recipients", params(("id" = NotificationRecipientId, Path)),
    responses((status = 200, body = Deliveries), Refusals))]
async fn deliveries(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<NotificationRecipientId>,
) -> Result<Json<Deliveries>> {
    let items = notification_recipients::deliveries(&backend, &caller.0, id).await;
    items
        .map(|items| Json(Deliveries { items }))
        .map_err(|error| caller.refused(error))
}

/// Send a test message to a notification recipient
///
/// It is sent while the call waits, once; the answer says what came of it.
#[utoipa::path(post, path = "/notification-recipients/{id}/test", tag = "Notification Recipients",
    params(("id" = NotificationRecipientId, Path)),
    responses((status = 200, body = NotificationDelivery), Refusals))]
async fn test(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<NotificationRecipientId>,
) -> Result<Json<NotificationDelivery>> {
    let delivery = notify::send_test(&backend, &caller.0, id).await;
    delivery.map(Json).map_err(|error| caller.refused(error))
}
