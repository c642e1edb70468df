//! What the page of a run asks the server.

use domain::{
    decision::Decision,
    id::RunId,
    paging::Page,
    policy::ObjectType,
    run::{Action, ChangeStatus, RunChange, RunDetail},
};
use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use crate::{
    error::AppResult,
    ui::{address::ListQuery, form::Done},
};

/// A run as its page shows it.
#[server(endpoint = "runs/get", input = Json)]
pub(crate) async fn get_run(id: RunId) -> AppResult<RunDetail> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::runs::detail(&backend, &scope, id).await?)
}

/// A line of the list of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeLine {
    /// The change.
    pub change: RunChange,
    /// The id in the directory of what it is about, where that is there.
    pub directory_id: Option<uuid::Uuid>,
}

/// A page of the objects that the run changes, holds, fails or filters.
#[server(endpoint = "runs/changes", input = Json)]
pub(crate) async fn run_changes(
    id: RunId,
    query: ListQuery,
    object_type: Option<ObjectType>,
    action: Option<Action>,
    status: Option<ChangeStatus>,
) -> AppResult<Page<ChangeLine>> {
    use backend::store::runs;
    let (backend, scope) = crate::session::caller().await?;
    let query = runs::ChangeQuery {
        q: query.q,
        object_type,
        action,
        status,
        page: query.page,
    };
    let page = runs::changes(&backend, &scope, id, query).await?;
    let known = runs::in_directory(&backend, &scope, id, &page.items).await?;
    Ok(page.map(|change| ChangeLine {
        directory_id: known.get(&change.id).copied(),
        change,
    }))
}

/// Cancels the run.
#[server(endpoint = "runs/cancel")]
pub(crate) async fn cancel_run(id: RunId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::sync::cancel(&backend, &scope, id).await?;
    crate::session::done("The run is being cancelled", None).await
}

/// Applies exactly what a preview showed, and saves the settings it was made for.
#[server(endpoint = "runs/apply")]
pub(crate) async fn apply_run(id: RunId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::sync::apply_preview(&backend, &scope, id).await?;
    let to = crate::routes::run(id);
    crate::session::done("What the preview showed is being applied", Some(to)).await
}

/// Approves or rejects what the run holds of one type.
#[server(endpoint = "runs/decide")]
pub(crate) async fn decide_run(
    id: RunId,
    object_type: ObjectType,
    decision: Decision,
    reason: String,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let run = backend::sync::decide(&backend, &scope, id, object_type, decision, &reason).await?;
    let word = match decision {
        Decision::Approved => "Approved",
        Decision::Rejected => "Rejected",
    };
    let waits = if run.status.is_open() {
        ""
    } else {
        ". The run holds more: decide about that too"
    };
    crate::session::done(&format!("{word}{waits}"), None).await
}

/// Takes a rejection back.
#[server(endpoint = "runs/withdraw")]
pub(crate) async fn withdraw_rejection(id: RunId, object_type: ObjectType) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::sync::withdraw(&backend, &scope, id, object_type).await?;
    crate::session::done("Taken back. The next run looks at them again", None).await
}
