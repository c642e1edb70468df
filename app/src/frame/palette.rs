//! "Find anything": Ctrl+K opens it over the page; without the browser code it is a page.

use domain::permission::{Permission, Role};
use leptos::{ev, html, prelude::*, server, server_fn::codec::Json, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use serde::{Deserialize, Serialize};

use super::{PLACES, places};
use crate::{
    error::AppResult,
    routes,
    session::use_operator,
    ui::{address::use_address, icon::Icon, load::Load, page::PageHead},
};

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its name.
    pub title: String,
    /// What it is: "Page", "Customer".
    pub kind: String,
    /// Its icon.
    pub icon: String,
    /// Where it is.
    pub path: String,
}

/// How many customers are shown.
#[cfg(feature = "ssr")]
const FOUND_MAX: usize = 20;

/// Pages and customers whose names hold `q`.
#[server(endpoint = "find/all", input = Json)]
pub(crate) async fn find_all(q: String) -> AppResult<Vec<Found>> {
    let (backend, scope) = crate::session::caller().await?;
    let folded = q.trim().to_lowercase();
    let whole = scope.sees_all() && scope.can(Permission::InstallationWrite);
    let mut found: Vec<Found> = pages(scope.role(), whole, scope.sees_later_ones())
        .filter(|page| page.title.to_lowercase().contains(&folded))
        .collect();
    if !folded.is_empty() {
        let customers = backend::store::customers::names(&backend, &scope, Some(&folded)).await?;
        found.extend(
            customers
                .into_iter()
                .take(FOUND_MAX)
                .map(|(id, name)| Found {
                    title: name,
                    kind: "Customer".to_owned(),
                    icon: "building-2".to_owned(),
                    path: routes::customer(id),
                }),
        );
    }
    Ok(found)
}

/// Every page that somebody with this role can go to by its name; `whole`: also those of the whole
/// installation; `adds`: also where customers are added, which only who sees them may.
fn pages(role: Role, whole: bool, adds: bool) -> impl Iterator<Item = Found> {
    let page = |title: &str, icon: &str, path: &str| Found {
        title: title.to_owned(),
        kind: "Page".to_owned(),
        icon: icon.to_owned(),
        path: path.to_owned(),
    };
    let more = [
        (
            Some(Permission::IntegrationsWrite),
            page("Add New Integration", "plus", routes::INTEGRATION_ADD),
        ),
        (
            Some(Permission::CustomersWrite).filter(|_| adds),
            page("Add Customer", "plus", routes::CUSTOMER_ADD),
        ),
        (
            Some(Permission::CredentialProfilesWrite),
            page(
                "Add Credential Profile",
                "plus",
                routes::CREDENTIAL_PROFILE_ADD,
            ),
        ),
        (
            Some(Permission::OperatorsWrite),
            page("Invite Operator", "plus", routes::OPERATOR_INVITE),
        ),
        (
            Some(Permission::OperatorsRead),
            page("Roles", "shield", routes::ROLES),
        ),
    ];
    places(role, whole)
        .flat_map(|(_, places)| places)
        .map(move |place| page(place.title, place.icon, place.path))
        .chain(
            more.into_iter()
                .filter(move |(needed, _)| needed.is_some_and(|needed| role.allows(needed)))
                .map(|(_, page)| page),
        )
        .chain([page("My Account", "user-cog", routes::ACCOUNT)])
}

/// One thing found, as a choice of the list box that the keys move through.
#[component]
fn FoundOption(found: Found, at: usize, chosen: bool) -> impl IntoView {
    // Icons are named at build time; what comes over the wire picks one of them.
    let icon = pages_icons()
        .find(|icon| *icon == found.icon)
        .unwrap_or("plus");
    let navigate = use_navigate();
    let path = found.path;
    view! {
        <li
            id=format!("found-{at}")
            role="option"
            class="rc-opt hover:bg-hover cursor-pointer"
            aria-selected=if chosen { "true" } else { "false" }
            on:click=move |_| navigate(&path, NavigateOptions::default())
        >
            <Icon name=icon class="text-muted" />
            <bdi class="truncate">{found.title}</bdi>
            <span class="ms-auto text-xs text-muted">{found.kind}</span>
        </li>
    }
    .into_any()
}

fn pages_icons() -> impl Iterator<Item = &'static str> {
    PLACES
        .into_iter()
        .flat_map(|(_, places)| places)
        .map(|place| place.icon)
        .chain(["user-cog", "shield"])
}

/// The link in the top bar, and the dialog it becomes.
#[component]
pub(super) fn Palette() -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let field = NodeRef::<html::Input>::new();
    let q = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let listed = RwSignal::new(Vec::<Found>::new());
    let operator = use_operator();
    let whole = operator.looks_after_installation();
    let pages = pages(operator.role, whole, operator.sees_later_ones);
    let offered = StoredValue::new(pages.collect::<Vec<_>>());
    Effect::new(move |_| {
        let asked = q.get();
        if asked.trim().is_empty() {
            listed.set(offered.get_value());
            return;
        }
        spawn_local(async move {
            let found = find_all(asked.clone()).await.unwrap_or_default();
            // An answer that was overtaken by more typing is dropped.
            if q.try_get_untracked().as_ref() == Some(&asked) {
                listed.set(found);
            }
        });
    });
    let open = move || {
        if let Some(dialog) = dialog.get_untracked()
            && !dialog.open()
        {
            q.set(String::new());
            chosen.set(0);
            if let Some(field) = field.get_untracked() {
                field.set_value("");
            }
            _ = dialog.show_modal();
        }
    };
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    Effect::new(move |_| {
        let keys = window_event_listener(ev::keydown, move |ev| {
            if (ev.ctrl_key() || ev.meta_key()) && ev.key().eq_ignore_ascii_case("k") {
                ev.prevent_default();
                open();
            }
        });
        on_cleanup(move || keys.remove());
    });
    let navigate = use_navigate();
    let keydown = move |ev: ev::KeyboardEvent| {
        let count = listed.with_untracked(Vec::len);
        let at = chosen.get_untracked();
        match ev.key().as_str() {
            "ArrowDown" if count > 0 => {
                ev.prevent_default();
                chosen.set((at + 1) % count);
            }
            "ArrowUp" if count > 0 => {
                ev.prevent_default();
                chosen.set((at + count - 1) % count);
            }
            "Enter" => {
                ev.prevent_default();
                if let Some(found) = listed.with_untracked(|listed| listed.get(at).cloned()) {
                    close();
                    navigate(&found.path, NavigateOptions::default());
                }
            }
            _ => {}
        }
    };
    view! {
        <Opener open=open />
        <dialog class="modal items-start" node_ref=dialog aria-label="Find anything">
            <div class="modal-box mt-[12vh] max-w-xl p-2 flex flex-col overflow-hidden">
                <label class="input">
                    <Icon name="search" class="text-faint" />
                    <input
                        node_ref=field
                        type="search"
                        placeholder="Find anything"
                        aria-label="Find anything"
                        role="combobox"
                        aria-expanded="true"
                        aria-controls="found"
                        aria-activedescendant=move || format!("found-{}", chosen.get())
                        autocomplete="off"
                        on:input=move |ev| {
                            chosen.set(0);
                            q.set(event_target_value(&ev));
                        }
                        on:keydown=keydown
                    />
                </label>
                <FoundList listed=listed chosen=chosen close=close />
            </div>
        </dialog>
    }
    .into_any()
}

/// What was found, with the one that Enter opens.
#[component]
fn FoundList(
    listed: RwSignal<Vec<Found>>,
    chosen: RwSignal<usize>,
    close: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let options = move || {
        let at = chosen.get();
        listed
            .get()
            .into_iter()
            .enumerate()
            .map(|(i, found)| view! { <FoundOption found=found at=i chosen=i == at /> })
            .collect_view()
    };
    view! {
        <ul
            id="found"
            role="listbox"
            aria-label="Found"
            class="mt-2 min-h-0 max-h-[50vh] overflow-y-auto"
            on:click=move |_| close()
        >
            {options}
        </ul>
    }
    .into_any()
}

/// The link that opens the palette, and without the browser code leads to its page.
#[component]
fn Opener(open: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let press = move |ev: ev::MouseEvent| {
        ev.prevent_default();
        open();
    };
    view! {
        <a href=routes::FIND class="rc-find me-2 max-md:hidden" on:click=press>
            <Icon name="search" small=true />
            <span>"Find anything"</span>
            <span class="ms-auto flex gap-0.5" aria-hidden="true">
                <kbd class="kbd">"Ctrl"</kbd>
                <kbd class="kbd">"K"</kbd>
            </span>
        </a>
        <a
            href=routes::FIND
            class="btn btn-ghost btn-square md:hidden"
            aria-label="Find anything"
            on:click=press
        >
            <Icon name="search" />
        </a>
    }
    .into_any()
}

/// "Find anything" as a page.
#[component]
pub fn FindPage() -> impl IntoView {
    let address = use_address();
    let q = Memo::new(move |_| address.get("q").unwrap_or_default());
    let found = Resource::new(move || q.get(), find_all);
    view! {
        <PageHead title="Find anything" />
        <div class="px-6 max-md:px-4 max-w-xl">
            <form method="get" action=routes::FIND role="search">
                <label class="input">
                    <Icon name="search" class="text-faint" />
                    <input type="search" name="q" aria-label="Find anything" value=q.get_untracked() />
                </label>
            </form>
            <Load resource=found let:found>
                <ul class="mt-3">
                    {found
                        .into_iter()
                        .map(|found| view! { <FoundPageLink found=found /> })
                        .collect_view()}
                </ul>
            </Load>
        </div>
    }
    .into_any()
}

#[component]
fn FoundPageLink(found: Found) -> impl IntoView {
    view! {
        <li>
            <a class="rc-opt hover:bg-hover" href=found.path>
                <bdi class="truncate">{found.title}</bdi>
                <span class="ms-auto text-xs text-muted">{found.kind}</span>
            </a>
        </li>
    }
}
