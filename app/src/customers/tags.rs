//! The tags of a customer: shown on its page, changed in a dialog that works without the browser
//! code. What is ticked stays, what is typed is added.

use domain::{customer::Customer, id::CustomerId};
use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::change::use_id;
use crate::ui::{
    form::{FieldError, use_field_error},
    prelude::*,
};

/// A customer with the tags to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChoice {
    /// The customer.
    customer: Customer,
    /// The tags that any customer has whom the operator sees.
    known: Vec<String>,
}

/// A customer with the tags to choose from.
#[server(endpoint = "customers/tag-choice", input = Json)]
pub(crate) async fn read_tag_choice(id: CustomerId) -> AppResult<TagChoice> {
    use backend::store::customers;
    let (backend, scope) = crate::session::caller().await?;
    Ok(TagChoice {
        customer: customers::get(&backend, &scope, id).await?,
        known: customers::known_tags(&backend, &scope).await?,
    })
}

/// The tags that customers have whom the operator sees: for the filter of the list.
#[server(endpoint = "customers/known-tags", input = Json)]
pub(crate) async fn known_tags() -> AppResult<Vec<String>> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::customers::known_tags(&backend, &scope).await?)
}

/// Gives a customer other tags: those ticked, and new ones between commas.
#[server(endpoint = "customers/set-tags")]
pub(crate) async fn set_tags(
    id: CustomerId,
    #[server(default)] tags: Vec<String>,
    #[server(default)] more: String,
) -> AppResult<Done> {
    use domain::customer::CustomerChange;
    let (backend, scope) = crate::session::caller().await?;
    let typed = more.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let tags: Vec<String> = tags.into_iter().chain(typed.map(str::to_owned)).collect();
    let change = CustomerChange {
        tags: Some(tags),
        ..CustomerChange::default()
    };
    let customer = backend::store::customers::change(&backend, &scope, id, change).await?;
    let message = match customer.tags.as_slice() {
        [] => format!("{} has no tags now", customer.name),
        tags => format!("{} is tagged {}", customer.name, tags.join(", ")),
    };
    crate::session::done(message, Some(routes::customer(id))).await
}

/// The tags as links to the customers that have them too.
#[component]
pub(super) fn TagLinks(tags: Vec<String>) -> impl IntoView {
    tags.into_iter()
        .map(|tag| {
            view! {
                <a class="rc-tag hover:underline" href=routes::customers_tagged(&tag)>
                    <bdi>{tag.clone()}</bdi>
                </a>
            }
        })
        .collect_view()
}

/// Tags, over the customer's page.
#[component]
pub fn TagsDialog() -> impl IntoView {
    let id = use_id();
    let choice = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => read_tag_choice(id).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    );
    let post = use_post::<SetTags>();
    view! {
        <Load
            resource=choice
            children=move |TagChoice { customer, known }| {
                let back = routes::customer(customer.id);
                let ticked = post
                    .filled_in()
                    .map_or_else(|| customer.tags.clone(), |filled| filled.tags);
                let ticks = known
                    .into_iter()
                    .map(|tag| {
                        let on = ticked.contains(&tag);
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
                    <Dialog title="Tags" back=back.clone()>
                        <PostForm post=post class="flex flex-col gap-4">
                            <input type="hidden" name="id" value=customer.id.to_string() />
                            <div class="flex flex-wrap gap-1.5" role="group" aria-label="Tags">
                                {ticks}
                            </div>
                            <Field
                                name="more"
                                label="New tags"
                                hint="Several between commas. Operators can be given a role for all customers \
                                      with a tag."
                                autofocus=true
                            />
                            <Refused />
                            <DialogFoot back=back>
                                <Submit label="Save" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}

/// Why the tags were refused.
#[component]
fn Refused() -> impl IntoView {
    let error = use_field_error("tags");
    view! { <div role="alert"><FieldError id="f-tags-e" error=error /></div> }
}
