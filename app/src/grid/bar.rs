//! The way to do something to many: which are ticked, or all under the filters, and what.

use std::collections::BTreeSet;

use domain::{
    bulk::{AT_ONCE_MAX, BULK_MAX, BulkAction},
    grid::{GridColumn, GridList},
    made_here::GroupChoice,
};
use leptos::server;
use uuid::Uuid;

use super::{all_words, columns::ColumnsMenu, total_words};
use crate::ui::{address::link, form::use_field_error, prelude::*};

/// The form's id, by which ticks in the table belong to it.
const FORM: &str = "f-bulk";

/// Looks at each of those chosen, and leads to the page that shows what would be done.
#[server(endpoint = "bulk/prepare")]
pub(crate) async fn prepare_bulk(
    list: GridList,
    action: BulkAction,
    #[server(default)] ids: Vec<Uuid>,
    #[server(default)] all: bool,
    #[server(default)] query: String,
    #[server(default)] group_id: String,
    #[server(default)] note: String,
) -> AppResult<Done> {
    use backend::store::bulk::{Prepared, Targets, prepare};
    let (backend, scope) = crate::session::caller().await?;
    let targets = match (all, list) {
        (true, list) => Targets::of_address(list, &query),
        (false, GridList::Users) => Targets::Users(ids),
        (false, GridList::Groups) => Targets::Groups(ids),
    };
    let group_id = match group_id.trim() {
        "" => None,
        text => Some(
            text.parse::<domain::id::GroupId>()
                .map_err(|_| AppError::invalid("group_id", "There is no such group."))?,
        ),
    };
    let wanted = Prepared {
        action,
        targets,
        group_id,
        note,
        customer_id: None,
    };
    let bulk = prepare(&backend, &scope, wanted).await?;
    crate::session::done("", Some(routes::bulk(bulk.id))).await
}

/// Which rows of a page are ticked. It is held by the page around the list, so that ticks outlive that
/// the list is read again.
#[derive(Clone, Copy)]
pub(crate) struct Ticked {
    chosen: RwSignal<BTreeSet<Uuid>>,
    page: StoredValue<Vec<Uuid>>,
}

impl Ticked {
    /// None yet.
    pub fn none() -> Self {
        Self {
            chosen: RwSignal::new(BTreeSet::new()),
            page: StoredValue::new(Vec::new()),
        }
    }

    /// These rows are shown from now on. Whatever else was ticked is no longer: only what is on the
    /// page is sent.
    pub fn shows(self, page: Vec<Uuid>) {
        let gone = self
            .chosen
            .with_untracked(|chosen| chosen.iter().any(|id| !page.contains(id)));
        if gone {
            self.chosen
                .update(|chosen| chosen.retain(|id| page.contains(id)));
        }
        self.page.set_value(page);
    }

    /// Whether this row is.
    pub fn has(self, id: Uuid) -> bool {
        self.chosen.with(|chosen| chosen.contains(&id))
    }

    fn count(self) -> usize {
        self.chosen.with(BTreeSet::len)
    }

    fn set(self, id: Uuid, ticked: bool) {
        self.chosen.update(|chosen| {
            if ticked {
                chosen.insert(id);
            } else {
                chosen.remove(&id);
            }
        });
    }

    fn set_all(self, ticked: bool) {
        let ids = if ticked {
            self.page.get_value()
        } else {
            Vec::new()
        };
        self.chosen.set(ids.into_iter().collect());
    }
}

/// The line between the filters and the table: what can be done to many, how many there are, the
/// columns, and the CSV.
#[component]
pub(crate) fn GridLine(
    /// The list.
    list: GridList,
    /// How many are under its filters, as far as they are counted.
    total: i64,
    /// The columns that are shown.
    columns: Vec<GridColumn>,
    /// The groups made here that people can be put into.
    groups: Vec<GroupChoice>,
    /// Which rows are ticked; none where nobody may change any.
    ticked: Option<Ticked>,
) -> impl IntoView {
    let (one, many, csv) = match list {
        GridList::Users => ("user", "users", routes::USERS_CSV),
        GridList::Groups => ("group", "groups", routes::GROUPS_CSV),
    };
    view! {
        <div class="flex items-start gap-2 flex-wrap">
            {ticked
                .map(|ticked| {
                    view! { <BulkBar list=list total=total groups=groups ticked=ticked /> }
                })}
            <div class="ms-auto flex items-center gap-2 px-6 pb-2 max-md:hidden">
                <span class="text-muted rc-num me-1">{total_words(total, one, many)}</span>
                <ColumnsMenu list=list chosen=columns />
                <ExportCsv path=csv />
            </div>
        </div>
    }
    .into_any()
}

/// The bar above the table. It floats over the list while rows are ticked.
#[component]
fn BulkBar(
    /// The list.
    list: GridList,
    /// How many are under the filters, as far as they are counted.
    total: i64,
    /// The groups made here that they can be put into.
    groups: Vec<GroupChoice>,
    /// Which rows are ticked.
    ticked: Ticked,
) -> impl IntoView {
    let address = use_address();
    let post = use_post::<PrepareBulk>();
    let query = link("", &address.pairs());
    let query = query.trim_start_matches('?').to_owned();
    let refused = post.error().get_untracked().is_some();
    let any = Memo::new(move |_| ticked.count() > 0);
    let title = move || match ticked.count() {
        0 => "Change many at once".to_owned(),
        count => format!("{count} ticked"),
    };
    let actions = BulkAction::of(list)
        .iter()
        .filter(|action| !action.needs_group() || !groups.is_empty())
        .map(|action| view! { <option value=action.as_str()>{action.title()}</option> })
        .collect_view();
    let choices = (!groups.is_empty()).then(|| {
        let options = groups
            .into_iter()
            .map(|group| view! { <option value=group.id.to_string()>{group.display_name}</option> })
            .collect_view();
        view! {
            <label class="flex flex-col gap-1">
                <span class="text-sm">"Group, for those two"</span>
                <select name="group_id" class="select">
                    <option value="">"None"</option>
                    {options}
                </select>
            </label>
        }
    });
    view! {
        <details
            class="rc-many px-6 pb-2 max-md:px-4"
            class:floats=any
            open=move || refused || any.get()
        >
            <summary class="cursor-pointer rc-link py-1 inline-block rc-num">{title}</summary>
            <PostForm post=post id=FORM class="rc-note flex flex-wrap items-end gap-x-4 gap-y-3 mt-1">
                <input type="hidden" name="list" value=list.as_str() />
                <input type="hidden" name="query" value=query />
                <fieldset class="flex flex-col gap-1">
                    <legend class="text-sm">"Whom"</legend>
                    <label class="flex gap-2 items-center max-md:hidden">
                        <input type="radio" class="radio" name="all" value="false" checked=true />
                        "Those ticked below"
                    </label>
                    <label class="flex gap-2 items-center">
                        <input type="radio" class="radio" name="all" value="true" />
                        {format!("{}, on every page", all_words(total))}
                    </label>
                </fieldset>
                <label class="flex flex-col gap-1">
                    <span class="text-sm">"What"</span>
                    <select name="action" class="select">{actions}</select>
                </label>
                {choices}
                <label class="flex flex-col gap-1">
                    <span class="text-sm">"Note"</span>
                    <input name="note" class="input" autocomplete="off" />
                </label>
                <Submit label="Preview" busy="Looking at each" class="btn" />
                {move || {
                    any.get()
                        .then(|| {
                            view! {
                                <button
                                    type="button"
                                    class="btn btn-ghost"
                                    on:click=move |_| ticked.set_all(false)
                                >
                                    "Tick none"
                                </button>
                            }
                        })
                }}
                <p class="rc-hint w-full">
                    "First each is shown with what would be done; nothing happens until you apply it. "
                    {format!(
                        "At most {} at once: with more, choose a customer or a status first. More than {} are done one after the other in the background.",
                        grouped(i64::try_from(BULK_MAX).unwrap_or(i64::MAX)),
                        grouped(AT_ONCE_MAX),
                    )}
                </p>
                <Wrong />
            </PostForm>
        </details>
    }
    .into_any()
}

/// What is wrong with what was chosen.
#[component]
fn Wrong() -> impl IntoView {
    let errors = ["ids", "group_id", "note", "action"].map(use_field_error);
    move || {
        errors
            .iter()
            .find_map(|error| error.get())
            .map(|message| view! { <p class="rc-err w-full" role="alert">{message}</p> })
    }
}

/// The head of the ticks: ticks every row of the page.
#[component]
pub(crate) fn TickAll(
    /// Which are ticked.
    ticked: Ticked,
) -> impl IntoView {
    let all = move || ticked.page.with_value(Vec::len) == ticked.count();
    view! {
        <th role="columnheader" scope="col" class="w-8 max-md:hidden">
            <span class="sr-only">"Ticked"</span>
            <input
                type="checkbox"
                class="checkbox plain:hidden"
                aria-label="Tick every row of this page"
                prop:checked=all
                on:change=move |ev| ticked.set_all(event_target_checked(&ev))
            />
        </th>
    }
    .into_any()
}

/// The tick of a row.
#[component]
pub(crate) fn TickCell(
    /// Its id.
    id: Uuid,
    /// Its name, for those who hear the page.
    name: String,
    /// Which are ticked.
    ticked: Ticked,
) -> impl IntoView {
    view! {
        <td role="cell" class="max-md:hidden">
            <input
                type="checkbox"
                class="checkbox"
                form=FORM
                name="ids[]"
                value=id.to_string()
                aria-label=format!("Tick {name}")
                prop:checked=move || ticked.has(id)
                on:change=move |ev| ticked.set(id, event_target_checked(&ev))
            />
        </td>
    }
    .into_any()
}
