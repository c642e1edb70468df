//! The fields for a role and its customers. They work without the browser code: radio buttons say
//! how customers are named, and the style sheet shows the list that belongs to it.

use domain::{
    id::CustomerId,
    operator::{CustomerScope, ScopeKind},
    permission::Role,
};
use serde::{Deserialize, Serialize};

use crate::{
    session::use_operator,
    ui::{
        customers::CustomerTicks,
        form::{FieldError, use_field_error},
        prelude::*,
    },
};

/// What can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeChoices {
    /// Customers, by name.
    pub customers: Vec<(CustomerId, String)>,
    /// Whether there are more than are listed.
    pub more: bool,
    /// Tags that customers have.
    pub tags: Vec<String>,
}

/// What can be chosen, with what is chosen already.
#[cfg(feature = "ssr")]
pub(super) async fn choices(
    backend: &backend::Backend,
    scope: &backend::Scope,
    chosen: Option<&CustomerScope>,
) -> AppResult<ScopeChoices> {
    use backend::store::{customers, operators};
    let mut names = customers::names(backend, scope, None).await?;
    let more = i64::try_from(names.len()).unwrap_or(i64::MAX) >= customers::NAMES_MAX;
    let mut tags = customers::known_tags(backend, scope).await?;
    if let Some(chosen) = chosen {
        let listed = operators::names_of(backend, scope, chosen.customer_ids()).await?;
        for named in listed {
            if !names.contains(&named) {
                names.insert(0, named);
            }
        }
        for tag in chosen.tags() {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
    }
    Ok(ScopeChoices {
        customers: names,
        more,
        tags,
    })
}

/// A scope out of a form.
pub(super) fn given(
    kind: ScopeKind,
    customer_ids: Vec<CustomerId>,
    tags: Vec<String>,
) -> CustomerScope {
    match kind {
        ScopeKind::All => CustomerScope::All,
        ScopeKind::Some => CustomerScope::Some { customer_ids },
        ScopeKind::Tags => CustomerScope::Tags { tags },
        ScopeKind::AllExcept => CustomerScope::AllExcept { customer_ids },
    }
}

/// A refusal with the field as the form names it, not as the API does.
#[cfg(feature = "ssr")]
pub(super) fn of_form(error: backend::Error) -> AppError {
    match AppError::from(error) {
        AppError::Invalid(mut error) => {
            if let Some(name) = error.field.strip_prefix("scope.") {
                error.field = name.to_owned();
            }
            AppError::Invalid(error)
        }
        other => other,
    }
}

/// The roles that the operator may give.
fn roles() -> Vec<(String, String)> {
    let own = use_operator().role;
    Role::ALL
        .iter()
        .filter(|role| own.holds(**role))
        .map(|role| (role.to_string(), role.title().to_owned()))
        .collect()
}

/// The ways in which the operator may name customers.
fn kinds() -> impl Iterator<Item = ScopeKind> {
    let operator = use_operator();
    ScopeKind::ALL
        .iter()
        .copied()
        .filter(move |kind| match kind {
            ScopeKind::All => operator.sees_all,
            ScopeKind::AllExcept => operator.sees_later_ones,
            ScopeKind::Some | ScopeKind::Tags => true,
        })
}

/// The id of a kind's radio button, as the style sheet's selectors below name it.
const fn radio_id(kind: ScopeKind) -> &'static str {
    match kind {
        ScopeKind::All => "f-scope-all",
        ScopeKind::Some => "f-scope-some",
        ScopeKind::Tags => "f-scope-tags",
        ScopeKind::AllExcept => "f-scope-except",
    }
}

/// The fields.
#[component]
pub(super) fn RoleFields(
    /// What can be chosen.
    choices: ScopeChoices,
    /// The role chosen at first.
    role: Role,
    /// The customers chosen at first; nothing for a new operator.
    scope: Option<CustomerScope>,
) -> impl IntoView {
    let first = kinds().next().unwrap_or(ScopeKind::Some);
    let chosen = scope.as_ref().map_or(first, CustomerScope::kind);
    let radios = kinds()
        .map(|kind| {
            let id = radio_id(kind);
            let on = kind == chosen;
            view! {
                <div class="flex gap-2.5 py-1">
                    <input
                        id=id
                        type="radio"
                        name="scope"
                        class="radio mt-0.5 flex-none"
                        value=kind.as_str()
                        checked=on
                        aria-describedby=format!("{id}-h")
                    />
                    <div>
                        <label for=id>{kind.title()}</label>
                        <p class="rc-hint" id=format!("{id}-h")>{kind.words()}</p>
                    </div>
                </div>
            }
        })
        .collect_view();
    let (ids, tags) = match &scope {
        Some(scope) => (scope.customer_ids().to_vec(), scope.tags().to_vec()),
        None => (Vec::new(), Vec::new()),
    };
    let error = use_field_error("scope");
    view! {
        <Choice
            name="role"
            label="Role"
            options=roles()
            value=role.to_string()
            hint="What each may do stands on the page Roles."
        />
        <fieldset class="group">
            <legend class="font-medium mb-1">"Customers"</legend>
            {radios}
            <FieldError id="f-scope-e" error=error />
            <div class="hidden mt-2 group-has-[#f-scope-some:checked]:block group-has-[#f-scope-except:checked]:block">
                <CustomerTicks choices=choices.customers more=choices.more chosen=ids />
            </div>
            <div class="hidden mt-2 group-has-[#f-scope-tags:checked]:block">
                <Tags choices=choices.tags chosen=tags />
            </div>
        </fieldset>
    }
    .into_any()
}

#[component]
fn Tags(choices: Vec<String>, chosen: Vec<String>) -> impl IntoView {
    let error = use_field_error("tags");
    let none = choices.is_empty();
    let ticks = choices
        .into_iter()
        .map(|tag| {
            let on = chosen.contains(&tag);
            view! {
                <label class="rc-chip has-checked:border-solid has-checked:bg-run-soft has-checked:text-link cursor-pointer">
                    <input
                        type="checkbox"
                        class="checkbox"
                        name="tags[]"
                        value=tag.clone()
                        checked=on
                    />
                    <bdi>{tag.clone()}</bdi>
                </label>
            }
        })
        .collect_view();
    view! {
        <div>
            {if none {
                view! {
                    <p class="rc-hint">
                        "No customer has a tag yet. Tags are given on a customer’s page."
                    </p>
                }
                    .into_any()
            } else {
                view! { <div class="flex flex-wrap gap-1.5" role="group" aria-label="Tags">{ticks}</div> }
                    .into_any()
            }}
            <FieldError id="f-tags-e" error=error />
        </div>
    }
    .into_any()
}
