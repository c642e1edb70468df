//! Views of the lists of users and groups: filters, order and columns under a name, shared.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{Backend, store::grid};
use domain::{
    grid::{GridList, NewSavedView, SavedView, SavedViewChange},
    id::SavedViewId,
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
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
}

/// Of which list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Of users or of groups.
    list: GridList,
}

/// Views of a list.
#[derive(Debug, Serialize, ToSchema)]
struct SavedViews {
    /// By name.
    items: Vec<SavedView>,
}

/// The shared views of a list
///
/// Filters, order and columns under a name, as operators saved them for those who look after the same
/// customers. Each is the query of the list's address.
#[utoipa::path(get, path = "/saved-views", tag = "Saved views", params(Parameters),
    responses((status = 200, body = SavedViews), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<SavedViews>> {
    caller.require(Permission::DirectoryRead)?;
    let list = query.parse::<Parameters>()?.list;
    let items = caller.found(grid::views(&backend, &caller.0, list).await)?;
    Ok(Json(SavedViews { items }))
}

/// Save a view
///
/// It belongs to the operator who answers for the token, and is shared: `shared` has to be true, and
/// `is_default`, which each operator says for themselves, absent. A token that doesn't see every
/// customer names one in the query.
#[utoipa::path(post, path = "/saved-views", tag = "Saved views", request_body = NewSavedView,
    responses((status = 201, body = SavedView), RefusalsWithConflict))]
async fn create(State(backend): State<Backend>, caller: Caller, body: Body) -> Result<Response> {
    caller.require(Permission::DirectoryWrite)?;
    let view = grid::save(&backend, &caller.0, body.parse()?)
        .await
        .map_err(|error| caller.refused(error))?;
    Ok(created("saved-views", view.id, view))
}

/// One shared view
#[utoipa::path(get, path = "/saved-views/{id}", tag = "Saved views",
    params(("id" = SavedViewId, Path)),
    responses((status = 200, body = SavedView), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<SavedViewId>,
) -> Result<Json<SavedView>> {
    let view = grid::view(&backend, &caller.0, id).await;
    view.map(Json).map_err(|error| caller.refused(error))
}

/// Change a view
///
/// One of the operator who answers for the token; another's is refused with 409.
#[utoipa::path(patch, path = "/saved-views/{id}", tag = "Saved views",
    params(("id" = SavedViewId, Path)), request_body = SavedViewChange,
    responses((status = 200, body = SavedView), RefusalsWithConflict))]
async fn change(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<SavedViewId>,
    body: Body,
) -> Result<Json<SavedView>> {
    caller.found(grid::view(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let view = grid::change(&backend, &caller.0, id, body.parse()?).await;
    view.map(Json).map_err(|error| caller.refused(error))
}

/// Delete a view
///
/// One of the operator who answers for the token. Whoever administers operators deletes those of
/// others too.
#[utoipa::path(delete, path = "/saved-views/{id}", tag = "Saved views",
    params(("id" = SavedViewId, Path)),
    responses((status = 204, description = "It is gone"), RefusalsWithConflict))]
async fn delete(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<SavedViewId>,
) -> Result<StatusCode> {
    grid::delete(&backend, &caller.0, id)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}
