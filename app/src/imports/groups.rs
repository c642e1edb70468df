//! "From Office 365 groups": groups are found by typing, and their members read once.

use std::time::Duration;

use domain::{id::IntegrationId, import::ImportPassword, integration::GroupHit};
use leptos::leptos_dom::helpers::debounce;
use leptos_router::hooks::use_query_map;

use super::{
    api::{GroupsView, ImportFromGroups, import_group_search, import_integrations},
    columns::SET_FOR_ALL,
    list::use_customer,
};
use crate::ui::{
    form::{Post, use_field_error},
    prelude::*,
};

/// The page.
#[component]
pub fn ImportGroupsPage() -> impl IntoView {
    let customer = use_customer();
    let view = Resource::new(
        move || customer.get(),
        |customer| async move {
            match customer {
                Some(customer) => import_integrations(customer).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    );
    let post = use_post::<ImportFromGroups>();
    view! {
        <Load resource=view whole=true let:view>
            <Page view=view post=post />
        </Load>
    }
    .into_any()
}

#[component]
fn Page(view: GroupsView, post: Post<ImportFromGroups>) -> impl IntoView {
    let address = use_address();
    let customer = view.customer;
    let parent = (
        routes::customer_imports(customer),
        format!("Imports of {}", view.name),
    );
    // Without a choice the first is meant: most customers have one.
    let chosen = address
        .parsed::<IntegrationId>("integration")
        .filter(|id| view.integrations.iter().any(|(own, _)| own == id))
        .or_else(|| view.integrations.first().map(|(id, _)| *id));
    let Some(integration) = chosen else {
        return view! {
            <PageHead title="From Office 365 groups" parent=parent />
            <p class="px-6 text-muted max-md:px-4">
                "This customer has no integration through which groups can be read. Add one first; it doesn’t have to run."
            </p>
        }
        .into_any();
    };
    view! {
        <PageHead title="From Office 365 groups" parent=parent />
        <div class="px-6 pb-6 max-md:px-4 max-w-3xl">
            <p class="text-muted mb-4">
                "The members of the groups are read once, and shown before anything changes. They are not kept in \
                 step afterwards: they are changed here."
            </p>
            <Through integrations=view.integrations integration=integration />
            <PostForm post=post class="flex flex-col gap-4">
                <input type="hidden" name="customer" value=customer.to_string() />
                <input type="hidden" name="integration" value=integration.to_string() />
                <Groups integration=integration />
                <Options />
                <div>
                    <Submit label="Look at the members" busy="Reading" />
                </div>
            </PostForm>
        </div>
    }
    .into_any()
}

/// The integration through which they are read, where there are several.
#[component]
fn Through(
    integrations: Vec<(IntegrationId, String)>,
    integration: IntegrationId,
) -> impl IntoView {
    (integrations.len() > 1).then(|| {
        let options = integrations
            .into_iter()
            .map(|(id, name)| {
                view! {
                    <option value=id.to_string() selected=id == integration>
                        {name}
                    </option>
                }
            })
            .collect_view();
        view! {
            <form method="get" class="flex items-end gap-2 flex-wrap mb-4">
                <div>
                    <label for="f-integration" class="block font-medium mb-1">
                        "Through"
                    </label>
                    <select id="f-integration" name="integration" class="select">
                        {options}
                    </select>
                </div>
                <button type="submit" class="btn">
                    "Choose"
                </button>
            </form>
        }
    })
}

/// A group that is chosen: its id, and its name behind a colon, as the form sends it.
fn value(hit: &GroupHit) -> String {
    format!("{}:{}", hit.id, hit.display_name)
}

fn name_of(value: &str) -> String {
    let name = value.split_once(':').map_or(value, |(_, name)| name);
    name.to_owned()
}

/// The field with what is chosen, and what is found by typing. Without the browser code a button
/// searches, and takes along what is ticked.
#[component]
fn Groups(integration: IntegrationId) -> impl IntoView {
    let address = use_address();
    let query = use_query_map();
    let before = query.with_untracked(|query| query.get_all("groups[]").unwrap_or_default());
    let chosen = RwSignal::new(before);
    let typed = RwSignal::new(address.get("find").unwrap_or_default());
    let asked = RwSignal::new(typed.get_untracked());
    let found = Resource::new(
        move || asked.get(),
        move |q| import_group_search(integration, q),
    );
    let mut search = debounce(Duration::from_millis(250), move |()| {
        asked.set(typed.get_untracked());
    });
    let error = use_field_error("groups");
    let ticked = move || {
        let groups = chosen.get();
        groups
            .into_iter()
            .map(|group| view! { <Chosen group=group chosen=chosen /> })
            .collect_view()
    };
    view! {
        <fieldset>
            <legend class="font-medium mb-1">"Groups"</legend>
            <ul class="flex flex-col gap-1 mb-2" aria-label="Chosen groups">{ticked}</ul>
            <div class="flex gap-2">
                <input
                    class="input"
                    type="search"
                    name="find"
                    aria-label="Find groups by their name"
                    aria-describedby="f-find-h"
                    autocomplete="off"
                    placeholder="Type four characters or more"
                    value=typed.get_untracked()
                    on:input=move |ev| {
                        typed.set(event_target_value(&ev));
                        search(());
                    }
                    on:keydown=|ev| {
                        if ev.key() == "Enter" {
                            ev.prevent_default();
                        }
                    }
                />
                <button type="submit" class="btn hidden plain:inline-flex" formmethod="get" formaction="">
                    "Search groups"
                </button>
            </div>
            <p id="f-find-h" class="rc-hint mt-1">
                "What you type is looked for in the tenant. Choose one or more."
            </p>
            {move || {
                error.get().map(|error| view! { <p class="rc-err mt-1" role="alert">{error}</p> })
            }}
            <Load
                resource=found
                children=move |hits| {
                    view! { <Hits hits=hits chosen=chosen /> }
                }
            />
        </fieldset>
    }
    .into_any()
}

/// A chosen group, which can be taken away.
#[component]
fn Chosen(group: String, chosen: RwSignal<Vec<String>>) -> impl IntoView {
    let name = name_of(&group);
    let own = group.clone();
    view! {
        <li>
            <label class="flex items-center gap-2 min-w-0">
                <input
                    type="checkbox"
                    class="checkbox"
                    name="groups[]"
                    value=group
                    checked
                    on:change=move |ev| {
                        if !event_target_checked(&ev) {
                            chosen.update(|groups| groups.retain(|group| *group != own));
                        }
                    }
                />
                <bdi class="truncate font-medium">{name}</bdi>
            </label>
        </li>
    }
    .into_any()
}

#[component]
fn Hits(hits: Vec<GroupHit>, chosen: RwSignal<Vec<String>>) -> impl IntoView {
    let hits = hits
        .into_iter()
        .map(|hit| view! { <Hit hit=hit chosen=chosen /> })
        .collect_view();
    view! { <ul class="mt-2 flex flex-col gap-1" aria-label="Groups found">{hits}</ul> }.into_any()
}

/// A group that was found, and isn't chosen yet.
#[component]
fn Hit(hit: GroupHit, chosen: RwSignal<Vec<String>>) -> impl IntoView {
    let group = value(&hit);
    let kind = hit.kind.title();
    let name = hit.display_name;
    move || {
        let group = group.clone();
        let is_chosen = chosen.with(|groups| groups.contains(&group));
        (!is_chosen).then(|| {
            let own = group.clone();
            view! {
                <li>
                    <label class="flex items-center gap-2 min-w-0">
                        <input
                            type="checkbox"
                            class="checkbox"
                            name="groups[]"
                            value=group
                            on:change=move |ev| {
                                if event_target_checked(&ev) {
                                    chosen.update(|groups| groups.push(own.clone()));
                                }
                            }
                        />
                        <bdi class="truncate">{name.clone()}</bdi>
                        <span class="ms-auto text-xs text-muted whitespace-nowrap">{kind}</span>
                    </label>
                </li>
            }
            .into_any()
        })
    }
}

/// Who of them comes, and how they come by a password.
#[component]
fn Options() -> impl IntoView {
    let tick = |name: &'static str, label: &'static str, hint: &'static str| {
        view! {
            <label class="grid grid-cols-[1rem_minmax(0,1fr)] gap-x-2.5">
                <input type="checkbox" class="checkbox mt-0.5" name=name value="true" />
                <span>
                    <span class="font-medium">{label}</span>
                    <span class="rc-hint block">{hint}</span>
                </span>
            </label>
        }
    };
    let passwords = [
        (ImportPassword::None, ImportPassword::None.title()),
        (ImportPassword::Mail, ImportPassword::Mail.title()),
        (ImportPassword::Column, SET_FOR_ALL),
    ]
    .map(|(password, title)| (password.to_string(), title.to_owned()))
    .to_vec();
    view! {
        {tick(
            "include_nested",
            "Members of groups in these groups",
            "Otherwise only direct members come.",
        )}
        {tick("include_guests", "Guests", "They come as guests.")}
        {tick(
            "include_blocked",
            "People whose sign-in is blocked",
            "They come in use, whatever the tenant says of them.",
        )}
        <Choice name="password" label="Password" options=passwords value="none" />
        <Field
            name="initial_password"
            label="Password for everybody"
            kind=Kind::Password
            autocomplete="new-password"
            hint="Only where it is set now. It is looked at as one that people choose, and each of them may change it under My Account once they signed in. Tell it to each of them in another way than by mail."
        />
    }
    .into_any()
}
