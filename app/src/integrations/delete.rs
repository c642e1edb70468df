//! Deleting an integration, with the choice of what happens to its people.

use domain::integration::People;

use super::{
    ConfigurationTab,
    api::{DeleteIntegration, Deletion, integration_deletion},
    head::{of_integration, use_id},
};
use crate::ui::prelude::*;

/// The dialog over the integration's page.
#[component]
pub fn DeleteDialog() -> impl IntoView {
    let id = use_id();
    let deletion = Resource::new(
        move || id.get(),
        |id| of_integration(id, integration_deletion),
    );
    let post = use_post::<DeleteIntegration>();
    view! {
        <ConfigurationTab />
        <Load
            resource=deletion
            children=move |Deletion { integration, people }| {
                let back = routes::integration(integration.id);
                view! {
                    <Dialog title=format!("Delete {}", integration.name) back=back.clone()>
                        <PostForm post=post>
                            <input type="hidden" name="id" value=integration.id.to_string() />
                            <p>
                                "Its sync stops now; what it did stays in Sync History. What happens to "
                                <b class="font-medium">
                                    {counted(people, "person", "people")}
                                </b> " that came from it?"
                            </p>
                            <fieldset class="mt-3 flex flex-col gap-3">
                                <legend class="sr-only">"What happens to the people"</legend>
                                <Way
                                    people=People::Keep
                                    title="Keep"
                                    text="They stay as they are and become Manual: from then on they are changed by hand."
                                />
                                <Way
                                    people=People::Deactivate
                                    title="Deactivate"
                                    text="They become Inactive now and stay."
                                />
                                <Way
                                    people=People::Delete
                                    title="Delete after 30 days"
                                    text="They become Inactive now and are deleted in 30 days."
                                />
                            </fieldset>
                            <DialogFoot back=back>
                                <Submit label="Delete" busy="Deleting" class="btn btn-error" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}

#[component]
fn Way(people: People, title: &'static str, text: &'static str) -> impl IntoView {
    let id = format!("f-people-{people}");
    let hint = format!("{id}-h");
    view! {
        <div class="grid grid-cols-[1rem_minmax(0,1fr)] gap-x-2.5">
            <input
                id=id.clone()
                type="radio"
                name="people"
                value=people.as_str()
                class="radio mt-0.5"
                checked=people == People::Deactivate
                autofocus=people == People::Deactivate
                aria-describedby=hint.clone()
            />
            <div>
                <label for=id class="font-medium">
                    {title}
                </label>
                <p class="rc-hint" id=hint>
                    {text}
                </p>
            </div>
        </div>
    }
    .into_any()
}
