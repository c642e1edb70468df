//! The audit log: who changed what, when, from where.

use axum::{Json, body::Body as ResponseBody, extract::State, response::Response};
use backend::{
    Backend,
    store::audit::{self, AuditFilter},
};
use domain::{
    DateTime,
    api_token::ListKind,
    audit::{ActorKind, AuditAction, AuditEvent, AuditObject},
    id::{AuditEventId, CustomerId},
    paging::Listing,
    permission::Permission,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    ApiState,
    caller::Caller,
    input::{Id, Query},
    problem::{Refusals, Result},
};
use crate::csv;

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_csv))
        .routes(routes!(get))
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of who did it, of the action, the object, the reason, the address, the customer’s name
    /// or the request’s id.
    q: Option<String>,
    /// That concern this customer.
    customer_id: Option<CustomerId>,
    /// Of this action.
    action: Option<AuditAction>,
    /// By such an actor.
    actor_kind: Option<ActorKind>,
    /// By this operator or token.
    actor_id: Option<Uuid>,
    /// About such an object.
    object_type: Option<AuditObject>,
    /// About this object.
    object_id: Option<Uuid>,
    /// Of this time or later.
    from: Option<DateTime>,
    /// Before this time.
    to: Option<DateTime>,
}

/// Which entries go into the file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CsvParameters {
    /// A part of who did it, of the action, the object, the reason, the address, the customer’s name
    /// or the request’s id.
    q: Option<String>,
    /// That concern this customer.
    customer_id: Option<CustomerId>,
    /// Of this action.
    action: Option<AuditAction>,
    /// By such an actor.
    actor_kind: Option<ActorKind>,
    /// By this operator or token.
    actor_id: Option<Uuid>,
    /// About such an object.
    object_type: Option<AuditObject>,
    /// About this object.
    object_id: Option<Uuid>,
    /// Of this time or later.
    from: Option<DateTime>,
    /// Before this time.
    to: Option<DateTime>,
}

/// List the audit log, the latest entries first
///
/// Entries of the customers that the token may see; those that belong to no customer only for a
/// token that may see all of them.
#[utoipa::path(get, path = "/audit-events", tag = "Audit log", params(Parameters),
    responses((status = 200, body = Listing<AuditEvent>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<AuditEvent>>> {
    caller.require(Permission::AuditRead)?;
    let asked: Parameters = query.parse()?;
    let request = caller.list_request(&backend, asked.limit, asked.cursor.as_deref(), asked.q)?;
    let filter = AuditFilter {
        customer_id: asked.customer_id,
        action: asked.action,
        actor_kind: asked.actor_kind,
        actor_id: asked.actor_id,
        object_type: asked.object_type,
        object_id: asked.object_id,
        from: asked.from,
        to: asked.to,
        q: request.q.clone(),
    };
    let listing = audit::listing(&backend, &caller.0, &filter, &request).await;
    caller
        .listed(&backend, ListKind::AuditEvents, listing)
        .await
}

/// The audit log as CSV
///
/// Every matching entry, the latest first, streamed. That it was exported is an entry too.
#[utoipa::path(get, path = "/audit-events.csv", tag = "Audit log", params(CsvParameters),
    responses((status = 200, content_type = "text/csv", body = String), Refusals))]
async fn list_csv(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Response> {
    caller.require(Permission::AuditRead)?;
    let asked: CsvParameters = query.parse()?;
    let filter = AuditFilter {
        customer_id: asked.customer_id,
        action: asked.action,
        actor_kind: asked.actor_kind,
        actor_id: asked.actor_id,
        object_type: asked.object_type,
        object_id: asked.object_id,
        from: asked.from,
        to: asked.to,
        q: asked.q,
    };
    let action = AuditAction::AuditEventExport;
    let pairs = query.pairs();
    let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
    caller.found(audit::exported(&backend, &caller.0, action, filter.customer_id, pairs).await)?;
    let rows = audit::csv(&backend, &caller.0, filter);
    Ok(csv::answer("audit-log", ResponseBody::from_stream(rows)))
}

/// One entry of the audit log
#[utoipa::path(get, path = "/audit-events/{id}", tag = "Audit log",
    params(("id" = AuditEventId, Path)),
    responses((status = 200, body = AuditEvent), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<AuditEventId>,
) -> Result<Json<AuditEvent>> {
    caller
        .found(audit::get(&backend, &caller.0, id).await)
        .map(Json)
}
