//! Runs: their history and their changes.

use axum::{Json, body::Body as ResponseBody, extract::State, response::Response};
use backend::{
    Backend,
    store::{
        audit,
        runs::{self, HistoryQuery, RunFilter},
    },
};
use domain::{
    DateTime,
    api_token::ListKind,
    audit::AuditAction,
    id::{CustomerId, IntegrationId, RunId},
    paging::Listing,
    permission::Permission,
    policy::ObjectType,
    run::{LineStatus, Run, RunChange, RunStatus},
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
use crate::csv;

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_csv))
        .routes(routes!(get))
        .routes(routes!(changes))
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the customer's or the integration's name.
    q: Option<String>,
    /// Of this customer.
    customer_id: Option<CustomerId>,
    /// Of this integration.
    integration_id: Option<IntegrationId>,
    /// With a line of counts of this type.
    object_type: Option<ObjectType>,
    /// That are, or ended, so.
    status: Option<RunStatus>,
    /// Started at this time or later.
    from: Option<DateTime>,
    /// Started before this time.
    to: Option<DateTime>,
}

/// Which lines of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CsvParameters {
    /// A part of the customer's or the integration's name.
    q: Option<String>,
    /// Of this customer.
    customer_id: Option<CustomerId>,
    /// Of this integration.
    integration_id: Option<IntegrationId>,
    /// Of this type.
    object_type: Option<ObjectType>,
    /// Lines that are so.
    status: Option<LineStatus>,
    /// Started at this time or later.
    from: Option<DateTime>,
    /// Started before this time.
    to: Option<DateTime>,
}

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ChangeParameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the object's name.
    q: Option<String>,
}

/// List runs, the latest first
#[utoipa::path(get, path = "/runs", tag = "Runs", params(Parameters),
    responses((status = 200, body = Listing<Run>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<Run>>> {
    caller.require(Permission::RunsRead)?;
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let filter = RunFilter {
        customer_id: parameters.customer_id,
        integration_id: parameters.integration_id,
        object_type: parameters.object_type,
        status: parameters.status,
        from: parameters.from,
        to: parameters.to,
    };
    let listing = runs::listing(&backend, &caller.0, &filter, &request).await;
    caller.listed(&backend, ListKind::Runs, listing).await
}

/// The history as CSV
///
/// Every matching row, one a run and object type, streamed.
#[utoipa::path(get, path = "/runs.csv", tag = "Runs", params(CsvParameters),
    responses((status = 200, content_type = "text/csv", body = String), Refusals))]
async fn list_csv(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Response> {
    caller.require(Permission::RunsRead)?;
    let parameters: CsvParameters = query.parse()?;
    let customer = parameters.customer_id;
    let asked = query.pairs();
    let asked = asked.iter().map(|(name, value)| (&**name, &**value));
    caller.found(
        audit::exported(&backend, &caller.0, AuditAction::RunExport, customer, asked).await,
    )?;
    let query = HistoryQuery {
        customer_id: parameters.customer_id,
        integration_id: parameters.integration_id,
        object_type: parameters.object_type,
        status: parameters.status,
        from: parameters.from,
        to: parameters.to,
        q: parameters.q,
        ..HistoryQuery::default()
    };
    let rows = runs::history_csv(&backend, &caller.0, query);
    Ok(csv::answer("sync-history", ResponseBody::from_stream(rows)))
}

/// One run
#[utoipa::path(get, path = "/runs/{id}", tag = "Runs", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<RunId>,
) -> Result<Json<Run>> {
    let run = runs::get(&backend, &caller.0, id).await;
    run.map(Json).map_err(|error| caller.refused(error))
}

/// List a run's changes
///
/// Everything that changes, is held, failed or is filtered; not what stays as it is.
#[utoipa::path(get, path = "/runs/{id}/changes", tag = "Runs",
    params(("id" = RunId, Path), ChangeParameters),
    responses((status = 200, body = Listing<RunChange>), Refusals))]
async fn changes(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<RunId>,
    query: Query,
) -> Result<Json<Listing<RunChange>>> {
    caller.found(runs::find(&backend, &caller.0, id).await)?;
    let parameters: ChangeParameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let listing = runs::changes_listing(&backend, &caller.0, id, &request).await;
    caller.listed(&backend, ListKind::RunChanges, listing).await
}
