//! What the Users grid and the Groups grid have in common: columns to choose, views that are saved and
//! shared, and the way to do something to many at once.

mod bar;
mod columns;
mod views;

use std::collections::BTreeMap;

use domain::{
    grid::GridColumn,
    made_here::GroupChoice,
    paging::{COUNTED_MAX, Page, UNCOUNTED},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ui::prelude::*;

pub(crate) use self::{
    bar::{GridLine, TickAll, TickCell, Ticked},
    views::{ManageViews, ViewsMenu},
};

/// A page of one of the lists, with the columns it is to be shown with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridPage<T> {
    /// The rows.
    pub page: Page<T>,
    /// The columns, in the order in which they stand.
    pub columns: Vec<GridColumn>,
    /// The groups made here that people of the one customer can be put into, where the operator may.
    pub groups: Vec<GroupChoice>,
    /// What columns hold that aren't in every row.
    pub more: BTreeMap<Uuid, BTreeMap<GridColumn, String>>,
}

impl<T> GridPage<T> {
    /// Whether a column is shown.
    pub fn shows(&self, column: GridColumn) -> bool {
        self.columns.contains(&column)
    }
}

/// The columns of a list: those of its address, else those that the operator chose, else the usual.
#[cfg(feature = "ssr")]
pub(crate) async fn columns_of(
    backend: &backend::Backend,
    scope: &backend::Scope,
    list: domain::grid::GridList,
    address: Option<&str>,
) -> crate::error::AppResult<Vec<GridColumn>> {
    if let Some(columns) = address.and_then(|text| list.parse_columns(text)) {
        return Ok(columns);
    }
    let chosen = backend::store::grid::columns(backend, scope, list).await?;
    Ok(chosen.unwrap_or_else(|| list.usual().to_vec()))
}

/// A cell of a column that not every row holds.
#[component]
pub fn MoreCell(
    /// The column.
    column: GridColumn,
    /// What it holds.
    text: Option<String>,
) -> impl IntoView {
    let inside = match text {
        None => view! { <span class="text-faint">"–"</span> }.into_any(),
        Some(text) if column.is_time() => match text.parse::<domain::DateTime>() {
            Ok(at) => view! { <RelativeTime at=at /> }.into_any(),
            Err(_) => text.into_any(),
        },
        Some(text) => view! {
            <bdi class="block truncate max-w-56" title=text.clone()>{text.clone()}</bdi>
        }
        .into_any(),
    };
    view! { <td role="cell" class="text-muted whitespace-nowrap max-md:hidden">{inside}</td> }
        .into_any()
}

/// "All 4,612 of this list", or as much of that as was counted.
fn all_words(total: i64) -> String {
    match total {
        UNCOUNTED => "All of this list".to_owned(),
        total if total > COUNTED_MAX => format!("All {}+ of this list", grouped(COUNTED_MAX)),
        total => format!("All {} of this list", grouped(total)),
    }
}

/// "4,612 users"; "10,000+ users" or "Many users" where it isn't worth the time to count further.
fn total_words(total: i64, one: &'static str, many: &'static str) -> String {
    match total {
        UNCOUNTED => format!("Many {many}"),
        total if total > COUNTED_MAX => format!("{}+ {many}", grouped(COUNTED_MAX)),
        total => counted(total, one, many),
    }
}

#[cfg(test)]
mod tests {
    use domain::paging::UNCOUNTED;

    use super::{all_words, total_words};

    #[test]
    fn what_is_not_counted_to_its_end_says_so() {
        let words = |total| total_words(total, "user", "users");
        assert_eq!(words(1), "1 user");
        assert_eq!(words(10_000), "10,000 users");
        assert_eq!(words(10_001), "10,000+ users");
        assert_eq!(words(UNCOUNTED), "Many users");
        assert_eq!(all_words(4_612), "All 4,612 of this list");
        assert_eq!(all_words(10_001), "All 10,000+ of this list");
        assert_eq!(all_words(UNCOUNTED), "All of this list");
    }
}
