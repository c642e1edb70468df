//! The way to do something to many: which are ticked, or all under the filters, and what.

use domain::{bulk::BulkAction, grid::GridList, made_here::GroupChoice};
use leptos::server;
use uuid::Uuid;

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

/// The bar above the table.
#[component]
pub(crate) fn BulkBar(
    /// The list.
    list: GridList,
    /// How many are under the filters, in words.
    total: String,
    /// The groups made here that they can be put into.
    groups: Vec<GroupChoice>,
) -> impl IntoView {
    let address = use_address();
    let post = use_post::<PrepareBulk>();
    let query = link("", &address.pairs());
    let query = query.trim_start_matches('?').to_owned();
    let open = post.error().get_untracked().is_some();
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
        <details class="px-6 pb-2 max-md:px-4" open=open>
            <summary class="cursor-pointer rc-link py-1 inline-block">"Change many at once"</summary>
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
                        {format!("All {total} of this list, on every page")}
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
                <p class="rc-hint w-full">
                    "First each is shown with what would be done; nothing happens until you apply it."
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
    /// Whether it does.
    all: RwSignal<bool>,
) -> impl IntoView {
    view! {
        <th role="columnheader" scope="col" class="w-8 max-md:hidden">
            <span class="sr-only">"Ticked"</span>
            <input
                type="checkbox"
                class="checkbox plain:hidden"
                aria-label="Tick every row of this page"
                on:change=move |ev| all.set(event_target_checked(&ev))
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
    /// Whether the head ticks all.
    all: RwSignal<bool>,
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
                prop:checked=move || all.get()
            />
        </td>
    }
    .into_any()
}
