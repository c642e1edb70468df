//! What the tab Matching asks the server.

use domain::{
    id::{ExternalId, IntegrationId},
    matching::{MatchCounts, MatchDecision, MatchFilter, UserMatch},
    paging::Page,
};
use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use crate::{
    error::AppResult,
    ui::{address::ListQuery, form::Done},
};

/// A page of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MatchesView {
    /// The rows.
    pub page: Page<UserMatch>,
    /// How many there are.
    pub counts: MatchCounts,
}

/// A page of an integration's queue.
#[server(endpoint = "matches/list", input = Json)]
pub(crate) async fn list_matches(
    id: IntegrationId,
    list: ListQuery,
    filter: MatchFilter,
) -> AppResult<MatchesView> {
    use backend::store::matches;
    let (backend, scope) = crate::session::caller().await?;
    let (q, page) = (list.q.as_deref(), list.page);
    Ok(MatchesView {
        page: matches::list(&backend, &scope, id, &filter, q, page).await?,
        counts: matches::counts(&backend, &scope, id).await?,
    })
}

/// One person of the queue.
#[server(endpoint = "matches/view", input = Json)]
pub(crate) async fn view_match(id: IntegrationId, person: ExternalId) -> AppResult<UserMatch> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::matches::get(&backend, &scope, id, person).await?)
}

/// Decides about one or many. `user_id`: who here is meant, where that isn't clear.
#[server(endpoint = "matches/decide")]
pub(crate) async fn decide_matches(
    id: IntegrationId,
    #[server(default)] external_ids: Vec<ExternalId>,
    decision: MatchDecision,
    #[server(default)] user_id: String,
    #[server(default)] note: String,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let user_id = match (user_id.trim(), decision) {
        ("", _) | (_, MatchDecision::Other | MatchDecision::Ignore) => None,
        (id, MatchDecision::Same) => Some(id.parse().map_err(|_| {
            let message = "Choose who here is meant.";
            crate::error::AppError::Invalid(domain::text::FieldError::new("user_id", message))
        })?),
    };
    let decisions = domain::matching::MatchDecisions {
        external_ids,
        decision,
        user_id,
        note,
    };
    let outcomes = backend::store::matches::decide(&backend, &scope, id, &decisions).await?;
    let done = format!("{}. The next run does it", decision.title());
    crate::session::done(
        said(&done, &outcomes),
        Some(crate::routes::integration_matches(id)),
    )
    .await
}

/// Takes decisions back.
#[server(endpoint = "matches/take-back")]
pub(crate) async fn take_back_matches(
    id: IntegrationId,
    #[server(default)] external_ids: Vec<ExternalId>,
    #[server(default)] note: String,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let withdrawal = domain::matching::MatchWithdrawal { external_ids, note };
    let outcomes = backend::store::matches::take_back(&backend, &scope, id, &withdrawal).await?;
    crate::session::done(
        said("Taken back", &outcomes),
        Some(crate::routes::integration_matches(id)),
    )
    .await
}

/// What was done for how many, and the first reason why something wasn't.
#[cfg(feature = "ssr")]
fn said(done: &str, outcomes: &[domain::matching::MatchOutcome]) -> String {
    let refused: Vec<&str> = outcomes
        .iter()
        .filter_map(|one| one.refused.as_deref())
        .collect();
    let number = i64::try_from(outcomes.len() - refused.len()).unwrap_or(0);
    let people = domain::number::counted(number, "person", "people");
    match refused.as_slice() {
        [] => format!("{people}: {}", done.to_lowercase()),
        [first, rest @ ..] => {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(" And {more} more not."),
            };
            format!("{people}: {}. Not: {first}{more}", done.to_lowercase())
        }
    }
}
