//! Adding, changing, deleting and restoring groups made here.

use domain::{
    group::GroupDetail,
    id::{CustomerId, GroupId},
};
use leptos::server;
use leptos_router::hooks::use_params_map;

use super::detail::view_group;
use crate::ui::{
    made_here::{CustomerField, bin_words, read_new_form},
    prelude::*,
};

/// Adds a group to a customer.
#[server(endpoint = "groups/add")]
pub(crate) async fn add_group(
    customer_id: CustomerId,
    display_name: String,
    description: String,
) -> AppResult<Done> {
    use domain::made_here::NewGroup;
    let (backend, scope) = crate::session::caller().await?;
    let new = NewGroup {
        display_name,
        description: Some(description),
        member_ids: Vec::new(),
    };
    let group = backend::store::groups::create(&backend, &scope, customer_id, new).await?;
    crate::session::done(
        format!("{} was added", group.display_name),
        Some(routes::group(group.id)),
    )
    .await
}

/// Changes the name and the description of a group made here.
#[server(endpoint = "groups/change")]
pub(crate) async fn change_group(
    id: GroupId,
    display_name: String,
    description: String,
) -> AppResult<Done> {
    use domain::made_here::GroupChange;
    let (backend, scope) = crate::session::caller().await?;
    let change = GroupChange {
        display_name: Some(display_name),
        description: Some(description),
    };
    backend::store::groups::change(&backend, &scope, id, change).await?;
    crate::session::done("Saved", Some(routes::group(id))).await
}

/// Puts a group into the bin.
#[server(endpoint = "groups/delete")]
pub(crate) async fn delete_group(id: GroupId) -> AppResult<Done> {
    use domain::made_here::BIN_DAYS;
    let (backend, scope) = crate::session::caller().await?;
    backend::store::groups::delete(&backend, &scope, id).await?;
    crate::session::done(
        format!("Moved to the bin, restorable for {BIN_DAYS} days"),
        Some(routes::group(id)),
    )
    .await
}

/// Takes a group out of the bin.
#[server(endpoint = "groups/restore")]
pub(crate) async fn restore_group(id: GroupId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let group = backend::store::groups::restore(&backend, &scope, id).await?;
    let message = format!("{} is back", group.display_name);
    crate::session::done(message, None).await
}

/// The group in the path.
pub(super) fn use_id() -> Memo<Option<GroupId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// Shows what is inside once the group of the path is read.
#[component]
pub(super) fn OfGroup<F, V>(
    /// What is made of it.
    children: F,
) -> impl IntoView
where
    F: Fn(GroupDetail) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let id = use_id();
    let group = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => Ok(view_group(id).await?.detail()),
                None => Err(AppError::NotFound {
                    what: "group".to_owned(),
                }),
            }
        },
    );
    view! { <Load resource=group children=children /> }.into_any()
}

/// The button that takes a group out of the bin.
#[component]
pub(super) fn Restore(
    id: GroupId,
    /// How it looks.
    class: &'static str,
) -> impl IntoView {
    let post = use_post::<RestoreGroup>();
    view! {
        <PostForm post=post class="inline">
            <input type="hidden" name="id" value=id.to_string() />
            <Submit label="Restore" busy="Restoring" class=class />
        </PostForm>
    }
}

#[component]
fn Fields(name: String, description: String) -> impl IntoView {
    view! {
        <Field name="display_name" label="Name" value=name autofocus=true />
        <Field
            name="description"
            label="Description"
            kind=Kind::Words
            value=description
            hint="Optional: what the group is for."
        />
    }
}

/// Add Group.
#[component]
pub fn AddDialog() -> impl IntoView {
    let address = use_address();
    let form = Resource::new(move || address.customer(), read_new_form);
    let post = use_post::<AddGroup>();
    view! {
        <Dialog title="Add Group" back=routes::GROUPS>
            <Load resource=form let:form>
                <PostForm post=post class="flex flex-col gap-4">
                    <CustomerField form=form.clone() />
                    <Fields name=String::new() description=String::new() />
                    <p class="rc-hint">"Members are added on its page."</p>
                    <DialogFoot back=routes::GROUPS>
                        <Submit label="Add" busy="Adding" />
                    </DialogFoot>
                </PostForm>
            </Load>
        </Dialog>
    }
    .into_any()
}

/// Edit Group.
#[component]
pub fn EditDialog() -> impl IntoView {
    let post = use_post::<ChangeGroup>();
    view! {
        <OfGroup let:group>
            <Dialog title="Edit Group" back=routes::group(group.line.group.id)>
                <PostForm post=post class="flex flex-col gap-4">
                    <input type="hidden" name="id" value=group.line.group.id.to_string() />
                    <Fields
                        name=group.line.group.display_name.clone()
                        description=group.description.clone().unwrap_or_default()
                    />
                    <DialogFoot back=routes::group(group.line.group.id)>
                        <Submit label="Save" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </OfGroup>
    }
    .into_any()
}

/// Delete, once it was said what that means.
#[component]
pub fn DeleteDialog() -> impl IntoView {
    let post = use_post::<DeleteGroup>();
    view! {
        <OfGroup let:group>
            <Dialog
                title=format!("Delete {}", group.line.group.display_name)
                back=routes::group(group.line.group.id)
            >
                <PostForm post=post>
                    <input type="hidden" name="id" value=group.line.group.id.to_string() />
                    <p>{bin_words("with its members")}</p>
                    <DialogFoot back=routes::group(group.line.group.id)>
                        <Submit label="Delete" busy="Deleting" class="btn btn-error" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </OfGroup>
    }
    .into_any()
}
