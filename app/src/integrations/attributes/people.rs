//! "For real people": what the rules make of some of this customer, beside what the directory has.

use domain::{
    id::IntegrationId,
    mapping::{MappedAttribute, MappedObject, MappingTest, TRIED_MAX},
    permission::Permission,
};
use serde_json::Value;

use super::{api::test_mapping, form::MappingForm};
use crate::{session::may, ui::prelude::*};

/// What was asked: the rules that are filled in, none for the saved ones, and of whom.
type Asked = Option<(Option<MappingForm>, String)>;

/// The panel. With the browser code the rules that are filled in are tried; without it, the saved
/// ones, by the address.
#[component]
pub fn PeoplePanel(
    id: IntegrationId,
    /// What the form holds.
    now: RwSignal<MappingForm>,
) -> impl IntoView {
    let allowed = may(Permission::DirectoryRead) && may(Permission::RunsStart);
    if !allowed {
        return ().into_any();
    }
    let address = use_address();
    let named = address.get("try");
    let field = NodeRef::<leptos::html::Input>::new();
    let first: Asked = address
        .get("tried")
        .map(|_| (None, named.clone().unwrap_or_default()));
    let asked = RwSignal::new(first);
    let tried = Resource::new(
        move || asked.get(),
        move |asked: Asked| async move {
            match asked {
                Some((rules, of)) => test_mapping(id, rules, of).await.map(Some),
                None => Ok(None),
            }
        },
    );
    let ask = move |ev: web_sys::MouseEvent| {
        ev.prevent_default();
        let of = field
            .get_untracked()
            .map(|field| field.value())
            .unwrap_or_default();
        let rules = now.get_untracked();
        // The same question again is a wish for the answer of now.
        if asked.get_untracked() == Some((Some(rules.clone()), of.clone())) {
            tried.refetch();
        } else {
            asked.set(Some((Some(rules), of)));
        }
    };
    let hint = format!(
        "Object ids, user names, addresses or names, at most {TRIED_MAX}, with commas between them. Empty for some people of the directory."
    );
    view! {
        <section aria-labelledby="h-people" class="px-6 pb-6 max-md:px-4 max-w-5xl w-full">
            <div class="pt-4 border-t border-line">
                <h2 id="h-people" class="text-base mb-1">
                    "For real people"
                </h2>
                <p class="rc-hint mb-2 plain:hidden">
                    "Tries the rules as they are filled in on people that are read from Entra ID just now. Nothing of it is stored."
                </p>
                <p class="rc-hint mb-2 hidden plain:block">
                    "Tries the saved rules on people that are read from Entra ID just now. Nothing of it is stored."
                </p>
                <div class="flex gap-2 flex-wrap items-center">
                    <label for="f-try" class="font-medium">
                        "People"
                    </label>
                    <input
                        id="f-try"
                        node_ref=field
                        name="try"
                        form="try-people"
                        class="input max-w-96"
                        autocomplete="off"
                        spellcheck="false"
                        aria-describedby="f-try-h"
                        value=named
                    />
                    <button type="submit" form="try-people" class="btn" on:click=ask>
                        <Icon name="users" />
                        "Try the rules"
                    </button>
                </div>
                <p class="rc-hint mt-1" id="f-try-h">
                    {hint}
                </p>
                <div role="status" class="mt-3">
                    <Transition fallback=|| {
                        view! { <p class="text-muted">"Asking Entra ID"</p> }
                    }>
                        {move || Suspend::new(async move {
                            match tried.await {
                                Ok(Some(test)) => view! { <Tried test=test /> }.into_any(),
                                Ok(None) => ().into_any(),
                                Err(error) => view! { <ErrorNote error=error /> }.into_any(),
                            }
                        })}
                    </Transition>
                </div>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Tried(test: MappingTest) -> impl IntoView {
    let missing = test
        .not_found
        .into_iter()
        .map(|message| {
            view! {
                <p class="rc-err mb-2">
                    <Icon name="circle-x" small=true class="mt-px" />
                    <span class="wrap-anywhere">{message}</span>
                </p>
            }
        })
        .collect_view();
    let objects = test
        .objects
        .into_iter()
        .map(|object| view! { <One object=object /> })
        .collect_view();
    view! {
        {missing}
        {objects}
    }
    .into_any()
}

#[component]
fn One(object: MappedObject) -> impl IntoView {
    let page = object
        .directory_id
        .and_then(|id| routes::object(object.object_type, id));
    let name = object.display_name.clone();
    let named = match page {
        Some(page) => view! {
            <a class="rc-link" href=page>
                <bdi>{name.clone()}</bdi>
            </a>
        }
        .into_any(),
        None => view! { <bdi>{name.clone()}</bdi> }.into_any(),
    };
    let fails = object.attributes.iter().any(|one| one.error.is_some());
    let says = match (fails, object.directory_id) {
        (true, Some(_)) => "A rule fails: stays as now.",
        (true, None) => "A rule fails: doesn’t come in.",
        (false, None) => "Not in the directory now.",
        (false, Some(_)) => "",
    };
    let rows = object
        .attributes
        .into_iter()
        .map(|attribute| view! { <Row attribute=attribute /> })
        .collect_view();
    view! {
        <h3 class="font-medium mt-3 flex gap-x-3 flex-wrap">
            {named} <bdi class="text-muted font-normal">{object.user_principal_name}</bdi>
            <span class="text-muted font-normal">{says}</span>
        </h3>
        <div class="overflow-x-auto" tabindex="0" role="region" aria-label=format!("Attributes of {name}")>
            <table class="rc-table still mt-1" role="table" aria-label=format!("Rules for {name}")>
                <thead role="rowgroup">
                    <tr role="row">
                        <Head label="Attribute" />
                        <Head label="Now in the directory" />
                        <Head label="With these rules" class="grow" />
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(attribute: MappedAttribute) -> impl IntoView {
    let differs = attribute.differs();
    let then = if let Some(error) = attribute.error {
        view! {
            <span class="rc-err">
                <Icon name="circle-x" small=true class="mt-px" />
                <span class="wrap-anywhere">{error}</span>
            </span>
        }
        .into_any()
    } else {
        let word = differs.then(|| {
            view! { <span class="text-muted ms-2">"changes"</span> }
        });
        view! {
            <bdi class="wrap-anywhere" class:font-medium=differs>
                {words(&attribute.then)}
            </bdi>
            {word}
        }
        .into_any()
    };
    let rule = attribute
        .rule
        .unwrap_or_else(|| "as in Entra ID".to_owned());
    view! {
        <tr role="row">
            <td role="cell">
                {attribute.attribute} <p class="rc-hint rc-mono wrap-anywhere whitespace-pre-wrap">{rule}</p>
            </td>
            <td role="cell">
                <bdi class="wrap-anywhere">{words(&attribute.now)}</bdi>
            </td>
            <td role="cell" class="grow">
                {then}
            </td>
        </tr>
    }
    .into_any()
}

/// A value as a table shows it.
fn words(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::words;

    #[test]
    fn a_value_reads_as_text() {
        assert_eq!(words(&json!(null)), "none");
        assert_eq!(words(&json!(["a", "b"])), "a, b");
        assert_eq!(words(&json!(true)), "true");
        assert_eq!(words(&json!("x")), "x");
    }
}
