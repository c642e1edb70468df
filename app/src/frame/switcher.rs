//! The customer switcher: "All customers" or one. The choice stands in the address.

use domain::id::CustomerId;
use leptos::{prelude::*, server, server_fn::codec::Json, task::spawn_local};

use crate::{
    error::AppResult,
    routes,
    ui::{address::use_address, icon::Icon, menu::Menu, number::grouped},
};

/// How many names the switcher shows at once; more are found by typing.
#[cfg(feature = "ssr")]
const NAMES_MAX: usize = 50;

/// Names of customers that hold `q`, for the switcher.
#[server(endpoint = "customers/names", input = Json)]
pub(crate) async fn customer_names(q: String) -> AppResult<Vec<(CustomerId, String)>> {
    let (backend, scope) = crate::session::caller().await?;
    let q = Some(q.trim()).filter(|q| !q.is_empty());
    let mut names = backend::store::customers::names(&backend, &scope, q).await?;
    names.truncate(NAMES_MAX);
    Ok(names)
}

/// The name of the chosen customer.
#[server(endpoint = "customers/name", input = Json)]
pub(crate) async fn customer_name(id: CustomerId) -> AppResult<String> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::customers::get(&backend, &scope, id)
        .await?
        .name)
}

#[component]
pub(super) fn Switcher() -> impl IntoView {
    let address = use_address();
    let chosen = Memo::new({
        let address = address.clone();
        move |_| address.customer()
    });
    let name = Resource::new(
        move || chosen.get(),
        |chosen| async move {
            match chosen {
                Some(id) => customer_name(id).await.map(Some),
                None => Ok(None),
            }
        },
    );
    let super::CustomerCount(customers) = expect_context();
    let summary = move || {
        view! {
            <span class="sr-only">"Customer: "</span>
            <Icon name="building-2" class="text-muted" />
            <Transition>
                {move || Suspend::new(async move {
                    match name.await {
                        Ok(Some(name)) => {
                            view! { <bdi class="truncate">{name}</bdi> }.into_any()
                        }
                        Ok(None) => {
                            view! {
                                <span class="truncate">"All customers"</span>
                                <span class="text-muted font-normal rc-num">{move || grouped(customers.get())}</span>
                            }
                                .into_any()
                        }
                        Err(_) => view! { <span>"Unknown customer"</span> }.into_any(),
                    }
                })}
            </Transition>
            <Icon name="chevrons-up-down" small=true class="text-muted" />
        }
        .into_any()
    };
    view! {
        <Menu class="rc-switch min-w-0" panel="start-0 w-80" summary=summary>
            <Choices />
        </Menu>
    }
    .into_any()
}

/// What opens: a field to type in, "All customers", and names.
#[component]
fn Choices() -> impl IntoView {
    let address = use_address();
    let typed = RwSignal::new(String::new());
    let wanted = RwSignal::new(None::<String>);
    // Read when somebody turns to it, not with every page.
    let names = RwSignal::new(Vec::new());
    Effect::new(move |_| {
        if let Some(q) = wanted.get() {
            spawn_local(async move {
                let found = customer_names(q.clone()).await.unwrap_or_default();
                // An answer that was overtaken by more typing is dropped.
                if wanted.try_get_untracked().flatten().as_ref() == Some(&q) {
                    names.set(found);
                }
            });
        }
    });
    let mut ask =
        leptos::leptos_dom::helpers::debounce(std::time::Duration::from_millis(150), move |()| {
            wanted.set(Some(typed.get_untracked()));
        });
    let to = {
        let address = address.clone();
        move |id: Option<CustomerId>| {
            let id = id.map(|id| id.to_string());
            let path = address.path();
            // Another customer's list, yes; another customer's single thing, no.
            let list = if path.matches('/').count() > 1 {
                format!(
                    "/{}",
                    path.trim_start_matches('/')
                        .split('/')
                        .next()
                        .unwrap_or_default()
                )
            } else {
                path
            };
            address.at(&list, &[("customer", id.as_deref()), ("group", None)])
        }
    };
    let all = {
        let to = to.clone();
        move || to(None)
    };
    view! {
        <form method="get" action=routes::CUSTOMERS class="p-1">
            <label class="input">
                <Icon name="search" class="text-faint" />
                <input
                    type="search"
                    name="q"
                    placeholder="Find a customer"
                    aria-label="Find a customer"
                    autocomplete="off"
                    on:focus=move |_| {
                        if wanted.with_untracked(Option::is_none) {
                            wanted.set(Some(String::new()));
                        }
                    }
                    on:input=move |ev| {
                        typed.set(event_target_value(&ev));
                        ask(());
                    }
                />
            </label>
        </form>
        <ul class="max-h-80 overflow-y-auto" aria-label="Customers">
            <li><a class="rc-opt hover:bg-hover" href=all>"All customers"</a></li>
            // Keyed: a name that is in the next answer too stays the element that one is about to click.
            <For each=move || names.get() key=|(id, _)| *id let((id, name))>
                <li>
                    <a
                        class="rc-opt hover:bg-hover"
                        href={
                            let to = to.clone();
                            move || to(Some(id))
                        }
                    >
                        <bdi class="truncate">{name}</bdi>
                    </a>
                </li>
            </For>
            <li class="border-t border-line mt-1 pt-1">
                <a class="rc-opt hover:bg-hover text-muted" href=routes::CUSTOMERS>"Customers…"</a>
            </li>
        </ul>
    }
    .into_any()
}
