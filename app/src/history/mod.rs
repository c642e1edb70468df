//! Sync History: a line for each run and object type, of one integration or over all.

mod api;
mod line;
mod list;

use domain::id::IntegrationId;
use leptos_router::hooks::use_params_map;

use crate::ui::prelude::*;

use list::HistoryList;

/// Sync History over everything one may see.
#[component]
pub fn SyncHistoryPage() -> impl IntoView {
    view! {
        <PageHead title="Sync History" />
        <HistoryList integration=Signal::stored(None) />
    }
    .into_any()
}

/// The tab Sync History of one integration.
#[component]
pub fn IntegrationHistory() -> impl IntoView {
    let params = use_params_map();
    let integration = Signal::derive(move || {
        params.with(|params| params.get("id")?.parse::<IntegrationId>().ok())
    });
    view! { <HistoryList integration=integration /> }
}
