//! Operators: who may sign in, what they may do for which customers, and where they are signed in.
//! They are invited by people alone.

use axum::{Json, extract::State, http::StatusCode};
use backend::{Backend, store::operators};
use domain::{
    api_token::ListKind,
    id::OperatorId,
    operator::{Operator, OperatorChange, SessionLine},
    paging::Listing,
    permission::Permission,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id, Query},
    problem::{Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, change, remove))
        .routes(routes!(sessions, end_sessions))
}

/// Which operators.
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

/// Which sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SessionParameters {
    /// Only this one; all of them where absent.
    session_id: Option<Uuid>,
}

/// Where an operator is signed in.
#[derive(Debug, Serialize, ToSchema)]
struct Sessions {
    /// The sessions, the last used first.
    items: Vec<SessionLine>,
}

/// List operators
///
/// Those who look after no customer that the caller doesn’t. Inviting them is left to people.
#[utoipa::path(get, path = "/operators", tag = "Operators", params(Parameters),
    responses((status = 200, body = Listing<Operator>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<Operator>>> {
    caller.require(Permission::OperatorsRead)?;
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = operators::listing(&backend, &caller.0, &request).await;
    caller.listed(&backend, ListKind::Operators, listing).await
}

/// One operator
#[utoipa::path(get, path = "/operators/{id}", tag = "Operators",
    params(("id" = OperatorId, Path)),
    responses((status = 200, body = Operator), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<OperatorId>,
) -> Result<Json<Operator>> {
    let operator = operators::get(&backend, &caller.0, id).await;
    caller.found(operator).map(Json)
}

/// Change an operator
///
/// Their name, role or customers, or whether they can sign in. It counts from their next request
/// on. Only for operators whose role the caller’s holds. The last owner of all customers stays.
#[utoipa::path(patch, path = "/operators/{id}", tag = "Operators", request_body = OperatorChange,
    params(("id" = OperatorId, Path)),
    responses((status = 200, body = Operator), RefusalsWithConflict))]
async fn change(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<OperatorId>,
    body: Body,
) -> Result<Json<Operator>> {
    caller.found(operators::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::OperatorsWrite)?;
    let change: OperatorChange = body.parse()?;
    let changed = operators::change(&backend, &caller.0, id, change).await;
    caller.found(changed).map(Json)
}

/// Remove an operator
///
/// Their sessions end at once. The last owner of all customers stays.
#[utoipa::path(delete, path = "/operators/{id}", tag = "Operators",
    params(("id" = OperatorId, Path)),
    responses((status = 204, description = "They can’t sign in any more"), RefusalsWithConflict))]
async fn remove(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<OperatorId>,
) -> Result<StatusCode> {
    let removed = operators::remove(&backend, &caller.0, id).await;
    caller.found(removed).map(|()| StatusCode::NO_CONTENT)
}

/// Where an operator is signed in
#[utoipa::path(get, path = "/operators/{id}/sessions", tag = "Operators",
    params(("id" = OperatorId, Path)),
    responses((status = 200, body = Sessions), Refusals))]
async fn sessions(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<OperatorId>,
) -> Result<Json<Sessions>> {
    let items = operators::sessions(&backend, &caller.0, id).await;
    caller.found(items).map(|items| Json(Sessions { items }))
}

/// Sign an operator out, everywhere or of one session
#[utoipa::path(delete, path = "/operators/{id}/sessions", tag = "Operators",
    params(("id" = OperatorId, Path), SessionParameters),
    responses((status = 204, description = "The sessions have ended"), Refusals))]
async fn end_sessions(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<OperatorId>,
    query: Query,
) -> Result<StatusCode> {
    caller.found(operators::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::OperatorsWrite)?;
    let parameters: SessionParameters = query.parse()?;
    let ended = match parameters.session_id {
        Some(session) => operators::end_session(&backend, &caller.0, id, session).await,
        None => operators::end_sessions(&backend, &caller.0, id)
            .await
            .map(|_| ()),
    };
    caller.found(ended).map(|()| StatusCode::NO_CONTENT)
}
