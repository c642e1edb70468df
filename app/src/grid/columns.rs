//! Which columns a list shows: chosen by each operator, and carried by a link where one is shared.

use domain::grid::{GridColumn, GridList, columns_text};
use leptos::server;

use crate::ui::{menu::Menu, prelude::*};

/// The page of a list.
pub(super) const fn page(list: GridList) -> &'static str {
    match list {
        GridList::Users => routes::USERS,
        GridList::Groups => routes::GROUPS,
    }
}

/// Keeps the columns that the operator chose.
#[server(endpoint = "grid/choose-columns")]
pub(crate) async fn choose_columns(
    list: GridList,
    #[server(default)] columns: Vec<GridColumn>,
    back: String,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::grid::choose_columns(&backend, &scope, list, &columns).await?;
    let back = Some(back).filter(|back| routes::is_local(back));
    crate::session::done("Columns chosen", back).await
}

/// The menu of columns.
#[component]
pub(crate) fn ColumnsMenu(
    /// The list.
    list: GridList,
    /// Those it shows.
    chosen: Vec<GridColumn>,
) -> impl IntoView {
    let address = use_address();
    let post = use_post::<ChooseColumns>();
    let shared = address.with(&[("columns", Some(&columns_text(&chosen)))]);
    let back = address.with(&[("columns", None)]);
    let from_link = address.get("columns").is_some();
    let ticks = list
        .columns()
        .iter()
        .map(|column| {
            let checked = chosen.contains(column);
            view! {
                <li>
                    <label class="rc-opt hover:bg-hover">
                        <input
                            type="checkbox"
                            class="checkbox flex-none"
                            name="columns[]"
                            value=column.as_str()
                            checked=checked
                        />
                        {column.title()}
                    </label>
                </li>
            }
        })
        .collect_view();
    view! {
        <Menu
            class="btn btn-sm"
            panel="end-0 w-64"
            summary=move || {
                view! {
                    <Icon name="settings" />
                    "Columns"
                }
                .into_any()
            }
        >
            <PostForm post=post>
                <input type="hidden" name="list" value=list.as_str() />
                <input type="hidden" name="back" value=back />
                <ul class="max-h-72 overflow-y-auto" aria-label="Columns" tabindex="0">{ticks}</ul>
                {from_link
                    .then(|| {
                        view! {
                            <p class="rc-hint px-2 pt-1">
                                "These columns come with the link. Applying makes them yours."
                            </p>
                        }
                    })}
                <div class="flex items-center gap-2 p-2">
                    <Submit label="Apply" busy="Applying" class="btn btn-sm btn-primary" />
                    <a class="rc-link text-sm" href=shared>"Link with these columns"</a>
                </div>
            </PostForm>
        </Menu>
    }
    .into_any()
}
