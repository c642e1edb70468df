//! What stands around every page behind the sign-in: sidebar, top bar, palette, toasts.

mod palette;
mod pause;
mod switcher;
mod theme;

use domain::permission::{Permission, Role};
use leptos::{
    prelude::*,
    server,
    server_fn::{ServerFn as _, codec::Json},
    task::spawn_local,
};
use leptos_router::hooks::use_location;

use crate::{
    error::AppResult,
    routes,
    session::{SignOut, use_operator},
    ui::{
        address::use_address,
        icon::{Icon, Logo},
        live::use_changes,
        menu::Menu,
        number::grouped,
        toast::ToastRegion,
    },
};

pub use palette::FindPage;
pub use pause::PauseAllDialog;
pub(crate) use pause::may_pause_all;
pub use theme::ThemeMenu;

/// One link of the sidebar.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) path: &'static str,
    pub(crate) title: &'static str,
    pub(crate) icon: &'static str,
    /// What the page asks for, where not everybody who is signed in has it.
    permission: Option<Permission>,
}

const fn place(path: &'static str, title: &'static str, icon: &'static str) -> Place {
    Place {
        path,
        title,
        icon,
        permission: None,
    }
}

impl Place {
    const fn for_who_may(self, permission: Permission) -> Self {
        Self {
            permission: Some(permission),
            ..self
        }
    }
}

/// The sidebar, by groups.
pub(crate) const PLACES: [(&str, &[Place]); 5] = [
    (
        "",
        &[
            place(routes::OVERVIEW, "Overview", "layout-dashboard"),
            place(routes::CUSTOMERS, "Customers", "building-2"),
        ],
    ),
    (
        "Directory",
        &[
            place(routes::USERS, "Users", "user"),
            place(routes::GROUPS, "Groups", "users"),
            place(routes::CONTACTS, "Contacts", "contact"),
            place(routes::DEVICES, "Devices", "laptop"),
        ],
    ),
    (
        "Sync",
        &[
            place(routes::INTEGRATIONS, "Integrations", "refresh-cw"),
            place(routes::SYNC_HISTORY, "Sync History", "history"),
            place(routes::POLICY_TEMPLATES, "Policy Templates", "git-compare"),
            place(
                routes::CREDENTIAL_PROFILES,
                "Credential Profiles",
                "key-round",
            ),
        ],
    ),
    (
        "Administration",
        &[
            place(routes::OPERATORS, "Operators", "user-cog")
                .for_who_may(Permission::OperatorsRead),
            place(routes::API_TOKENS, "API Tokens", "square-terminal"),
            place(routes::AUDIT_LOG, "Audit Log", "scroll-text").for_who_may(Permission::AuditRead),
        ],
    ),
    (
        "Installation",
        &[place(routes::NOTIFICATIONS, "Notifications", "mail")],
    ),
];

/// The places of the sidebar that are offered to the operator.
pub(crate) fn offered_places() -> impl Iterator<Item = (&'static str, Vec<Place>)> {
    let operator = use_operator();
    places(operator.role, operator.looks_after_installation())
}

/// The places of the sidebar for a role; `whole`: also those of the whole installation.
fn places(role: Role, whole: bool) -> impl Iterator<Item = (&'static str, Vec<Place>)> {
    PLACES
        .into_iter()
        .filter(move |(title, _)| whole || *title != "Installation")
        .map(move |(title, places)| {
            let may = |place: &&Place| place.permission.is_none_or(|needed| role.allows(needed));
            (
                title,
                places.iter().filter(may).copied().collect::<Vec<_>>(),
            )
        })
        .filter(|(_, places)| !places.is_empty())
}

/// How many customers the operator sees, counted again after each change.
#[derive(Clone, Copy)]
struct CustomerCount(RwSignal<i64>);

/// Counts the customers.
#[server(endpoint = "customers/count", input = Json)]
pub(crate) async fn count_customers() -> AppResult<i64> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::customers::count(&backend, &scope).await?)
}

fn provide_customer_count() {
    let count = RwSignal::new(use_operator().customers);
    let changes = use_changes();
    Effect::new(move |before: Option<u32>| {
        let now = changes.follow();
        if before.is_some_and(|before| before != now) {
            spawn_local(async move {
                if let Ok(counted) = count_customers().await {
                    count.try_set(counted);
                }
            });
        }
        now
    });
    provide_context(CustomerCount(count));
}

/// The frame around a page.
#[component]
pub fn Shell(
    /// The page.
    children: Children,
) -> impl IntoView {
    provide_customer_count();
    view! {
        <a class="rc-skip btn btn-primary" href="#main" rel="external">"Skip to content"</a>
        <div class="rc-shell">
            <aside class="rc-side" aria-label="Sidebar">
                <div class="flex items-center gap-2 h-12 px-4 font-semibold text-base tracking-tight">
                    <Logo />
                    "Rollcall"
                </div>
                <Navigation />
                <Account />
            </aside>
            <div class="min-w-0 flex flex-col min-h-screen">
                <header class="rc-top">
                    <div class="md:hidden -ms-2">
                        <Menu
                            class="btn btn-ghost btn-square"
                            label="Menu"
                            panel="start-0 w-64 rc-narrow"
                            summary=|| view! { <Icon name="menu" /> }.into_any()
                        >
                            <Navigation />
                            <Account />
                        </Menu>
                    </div>
                    <switcher::Switcher />
                    <div class="ms-auto flex items-center gap-1">
                        <palette::Palette />
                        <ThemeMenu />
                    </div>
                </header>
                <pause::PausedBanner />
                <main id="main" tabindex="-1" class="flex-1 flex flex-col min-w-0">
                    {children()}
                </main>
            </div>
        </div>
        <ToastRegion />
    }
    .into_any()
}

#[component]
fn Navigation() -> impl IntoView {
    let CustomerCount(customers) = expect_context();
    let groups = offered_places()
        .map(|(title, places)| {
            let links = places
                .into_iter()
                .map(|place| view! { <NavLink place=place customers=customers /> })
                .collect_view();
            view! {
                <div class="rc-nav">
                    {(!title.is_empty()).then(|| view! { <h2>{title}</h2> })} {links}
                </div>
            }
        })
        .collect_view();
    view! { <nav aria-label="Main">{groups}</nav> }.into_any()
}

#[component]
fn NavLink(place: Place, customers: RwSignal<i64>) -> impl IntoView {
    let address = use_address();
    let here = use_location().pathname;
    let Place {
        path, title, icon, ..
    } = place;
    let current = move || {
        here.with(|here| {
            let inside = here == path
                || (path != "/"
                    && here
                        .strip_prefix(path)
                        .is_some_and(|rest| rest.starts_with('/')))
                || (path == routes::SYNC_HISTORY && here.starts_with("/runs/"));
            inside.then_some("page")
        })
    };
    view! {
        <a href=move || address.keep(path) aria-current=current>
            <Icon name=icon />
            {title}
            {(path == routes::CUSTOMERS)
                .then(|| {
                    view! {
                        <span class="rc-count" hidden=move || customers.get() == 0>
                            {move || grouped(customers.get())}
                        </span>
                    }
                })}
        </a>
    }
    .into_any()
}

/// The foot of the sidebar: who is signed in, and the way to My Account.
#[component]
fn Account() -> impl IntoView {
    let operator = use_operator();
    let initials: String = operator
        .name
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .flat_map(char::to_uppercase)
        .collect();
    view! {
        <div class="mt-auto border-t border-line p-2 flex items-center gap-1">
            <a
                href=routes::ACCOUNT
                class="flex-1 min-w-0 flex items-center gap-2 rounded-field px-2 h-10 hover:bg-hover"
            >
                <span
                    class="grid place-items-center size-6 flex-none rounded-full bg-base-300 text-xs font-semibold"
                    aria-hidden="true"
                >
                    {initials}
                </span>
                <span class="min-w-0">
                    <span class="block leading-4 font-medium truncate">{operator.name}</span>
                    <span class="block text-xs text-muted truncate">{operator.role.title()}</span>
                </span>
            </a>
            <form method="post" action=SignOut::url() class="contents">
                <button
                    type="submit"
                    class="btn btn-ghost btn-sm btn-square text-muted"
                    aria-label="Sign out"
                    title="Sign out"
                >
                    <Icon name="log-out" />
                </button>
            </form>
        </div>
    }
    .into_any()
}
