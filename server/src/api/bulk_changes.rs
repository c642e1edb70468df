//! What is done to many users or groups of a customer at once: looked at first, then applied.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{
    Backend,
    store::{
        bulk::{self, Prepared, Targets},
        customers,
    },
};
use domain::{
    api_token::ListKind,
    bulk::{Bulk, BulkAction, BulkItem, BulkOutcome, BulkStatus},
    grid::GridList,
    id::{BulkId, CustomerId, GroupId},
    paging::Listing,
    text::FieldError,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    ApiState,
    caller::Caller,
    created,
    input::{Body, Id, Query},
    problem::{Problem, Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(prepare))
        .routes(routes!(get))
        .routes(routes!(items))
        .routes(routes!(apply))
}

/// What is to be done, and to whom: give `ids`, or a `filter`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBulkChange {
    /// To users or to groups.
    list: GridList,
    /// What.
    action: BulkAction,
    /// To these, about 25,000 in one call; a filter takes up to 200,000.
    #[serde(default)]
    ids: Vec<Uuid>,
    /// To all whom the list shows with this query of its address, such as
    /// `status=inactive&source_type=Manual`; an empty one is everybody.
    #[serde(default)]
    filter: Option<String>,
    /// The group made here of `add_to_group` and `remove_from_group`.
    #[serde(default)]
    group_id: Option<GroupId>,
    /// Why: a sentence or a ticket number, at most 500 characters.
    #[serde(default)]
    note: String,
}

impl NewBulkChange {
    fn targets(&self, customer: CustomerId) -> std::result::Result<Targets, FieldError> {
        let targets = match (&self.filter, self.ids.is_empty()) {
            (Some(_), false) => {
                return Err(FieldError::new("filter", "Give ids or a filter, not both."));
            }
            (Some(filter), true) => Targets::of_address(self.list, filter),
            (None, _) => match self.list {
                GridList::Users => Targets::Users(self.ids.clone()),
                GridList::Groups => Targets::Groups(self.ids.clone()),
            },
        };
        Ok(match targets {
            Targets::MatchingUsers(mut query) => {
                query.customer_id = Some(customer);
                Targets::MatchingUsers(query)
            }
            Targets::MatchingGroups(mut query) => {
                query.customer_id = Some(customer);
                Targets::MatchingGroups(query)
            }
            ids => ids,
        })
    }
}

/// Look at what would be done to many at once
///
/// Nothing happens: the answer counts to how many it applies, and its items say what would be done to
/// each, or why not. It can be applied for a day.
#[utoipa::path(post, path = "/customers/{id}/bulk-changes", tag = "Bulk changes",
    params(("id" = CustomerId, Path)), request_body = NewBulkChange,
    responses((status = 201, body = Bulk), RefusalsWithConflict))]
async fn prepare(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<Response> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(domain::permission::Permission::DirectoryWrite)?;
    let new: NewBulkChange = body.parse()?;
    let wanted = Prepared {
        action: new.action,
        targets: new.targets(customer).map_err(Problem::invalid)?,
        group_id: new.group_id,
        note: new.note,
        customer_id: Some(customer),
    };
    let bulk = bulk::prepare(&backend, &caller.0, wanted)
        .await
        .map_err(|error| caller.refused(error))?;
    Ok(created("bulk-changes", bulk.id, bulk))
}

/// How far a bulk change has come
///
/// Of those that the token prepared.
#[utoipa::path(get, path = "/bulk-changes/{id}", tag = "Bulk changes",
    params(("id" = BulkId, Path)), responses((status = 200, body = Bulk), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<BulkId>,
) -> Result<Json<Bulk>> {
    let bulk = bulk::get(&backend, &caller.0, id).await;
    bulk.map(Json).map_err(|error| caller.refused(error))
}

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// Those who came out so.
    outcome: Option<BulkOutcome>,
}

/// What would be or was done to each
///
/// By name.
#[utoipa::path(get, path = "/bulk-changes/{id}/items", tag = "Bulk changes",
    params(("id" = BulkId, Path), Parameters),
    responses((status = 200, body = Listing<BulkItem>), Refusals))]
async fn items(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<BulkId>,
    query: Query,
) -> Result<Json<Listing<BulkItem>>> {
    let list = caller.found(bulk::get(&backend, &caller.0, id).await)?.list;
    let parameters: Parameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        None,
    )?;
    let listing = bulk::items_listing(&backend, &caller.0, id, parameters.outcome, &request).await;
    let kind = match list {
        GridList::Users => ListKind::Users,
        GridList::Groups => ListKind::Groups,
    };
    caller.listed(&backend, kind, listing).await
}

/// Apply a bulk change
///
/// To each whom it applies to and who wasn't changed since it was looked at; the others are told with
/// the reason. At most 500 at once.
#[utoipa::path(post, path = "/bulk-changes/{id}/apply", tag = "Bulk changes",
    params(("id" = BulkId, Path)),
    responses((status = 200, body = Bulk, description = "It is done"),
        (status = 202, body = Bulk, description = "It is being done"), RefusalsWithConflict))]
async fn apply(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<BulkId>,
) -> Result<(StatusCode, Json<Bulk>)> {
    let bulk = bulk::apply(&backend, &caller.0, id)
        .await
        .map_err(|error| caller.refused(error))?;
    let status = match bulk.status {
        BulkStatus::Done => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    Ok((status, Json(bulk)))
}
