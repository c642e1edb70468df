//! Making, renaming and deleting a policy template.

use super::{
    api::{AddTemplate, DeleteTemplate, RenameTemplate, template_form, template_text},
    template::{of_template, use_id},
};
use crate::ui::prelude::*;

/// New Policy Template, over the list.
#[component]
pub fn AddDialog() -> impl IntoView {
    let form = Resource::new(|| (), |()| template_form());
    let post = use_post::<AddTemplate>();
    view! {
        <Load
            resource=form
            children=move |integrations| {
                let options = std::iter::once((String::new(), "The usual settings".to_owned()))
                    .chain(integrations.into_iter().map(|(id, name)| (id.to_string(), name)))
                    .collect::<Vec<_>>();
                view! {
                    <Dialog title="New Policy Template" back=routes::POLICY_TEMPLATES>
                        <PostForm post=post class="flex flex-col gap-4">
                            <Field name="name" label="Name" autofocus=true />
                            <Choice
                                name="copy_from"
                                label="Begin with the policy of"
                                options=options
                                hint="Selected groups are left out: they are each integration’s own. The \
                                integration doesn’t follow the template by that."
                            />
                            <DialogFoot back=routes::POLICY_TEMPLATES>
                                <Submit label="Make" busy="Making" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}

/// Rename, over the template's page.
#[component]
pub fn RenameDialog() -> impl IntoView {
    let id = use_id();
    let template = Resource::new(move || id.get(), |id| of_template(id, template_text));
    let post = use_post::<RenameTemplate>();
    view! {
        <Load
            resource=template
            children=move |(template, _)| {
                let back = routes::policy_template(template.id);
                view! {
                    <Dialog title="Rename Policy Template" back=back.clone()>
                        <PostForm post=post class="flex flex-col gap-4">
                            <input type="hidden" name="id" value=template.id.to_string() />
                            <Field name="name" label="Name" value=template.name autofocus=true />
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

/// Delete, over the template's page.
#[component]
pub fn DeleteDialog() -> impl IntoView {
    let id = use_id();
    let template = Resource::new(move || id.get(), |id| of_template(id, template_text));
    let post = use_post::<DeleteTemplate>();
    view! {
        <Load
            resource=template
            children=move |(template, _)| {
                let back = routes::policy_template(template.id);
                view! {
                    <Dialog title=format!("Delete {}", template.name) back=back.clone()>
                        <PostForm post=post>
                            <input type="hidden" name="id" value=template.id.to_string() />
                            <p>
                                <b class="font-medium">
                                    {counted(template.followers, "integration follows", "integrations follow")}
                                </b>
                                " it. They keep the settings they have, and follow no template any more."
                            </p>
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
