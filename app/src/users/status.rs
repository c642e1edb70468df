//! In and out of use, into the bin and back: what is done to users made here.

use domain::id::UserId;
use leptos::server;

use super::dialog::OfUser;
use crate::ui::{made_here::bin_words, prelude::*};

/// Takes a user out of use.
#[server(endpoint = "users/deactivate")]
pub(crate) async fn deactivate_user(id: UserId, note: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let user = backend::store::users::deactivate(&backend, &scope, id, &note).await?;
    let message = format!("{} is inactive", user.user.display_name);
    crate::session::done(message, Some(routes::user(id))).await
}

/// Puts a user into use again.
#[server(endpoint = "users/reactivate")]
pub(crate) async fn reactivate_user(id: UserId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let user = backend::store::users::reactivate(&backend, &scope, id).await?;
    let message = format!("{} is active again", user.user.display_name);
    crate::session::done(message, None).await
}

/// Puts a user into the bin.
#[server(endpoint = "users/delete")]
pub(crate) async fn delete_user(id: UserId) -> AppResult<Done> {
    use domain::made_here::BIN_DAYS;
    let (backend, scope) = crate::session::caller().await?;
    backend::store::users::delete(&backend, &scope, id).await?;
    crate::session::done(
        format!("Moved to the bin, restorable for {BIN_DAYS} days"),
        Some(routes::user(id)),
    )
    .await
}

/// Takes a user out of the bin.
#[server(endpoint = "users/restore")]
pub(crate) async fn restore_user(id: UserId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let user = backend::store::users::restore(&backend, &scope, id).await?;
    let message = format!("{} is back", user.user.display_name);
    crate::session::done(message, None).await
}

/// The button that puts a user into use again.
#[component]
pub(super) fn Reactivate(id: UserId) -> impl IntoView {
    let post = use_post::<ReactivateUser>();
    view! {
        <PostForm post=post>
            <input type="hidden" name="id" value=id.to_string() />
            <Submit label="Reactivate" busy="Reactivating" class="btn" icon="user-check" />
        </PostForm>
    }
}

/// The button that takes a user out of the bin.
#[component]
pub(super) fn Restore(
    id: UserId,
    /// How it looks.
    class: &'static str,
) -> impl IntoView {
    let post = use_post::<RestoreUser>();
    view! {
        <PostForm post=post class="inline">
            <input type="hidden" name="id" value=id.to_string() />
            <Submit label="Restore" busy="Restoring" class=class />
        </PostForm>
    }
}

/// Deactivate, with a note.
#[component]
pub fn DeactivateDialog() -> impl IntoView {
    let post = use_post::<DeactivateUser>();
    view! {
        <OfUser let:user>
            <Dialog
                title=format!("Deactivate {}", user.line.user.display_name)
                back=routes::user(user.line.user.id)
            >
                <PostForm post=post class="flex flex-col gap-4">
                    <input type="hidden" name="id" value=user.line.user.id.to_string() />
                    <p>
                        "It stays in its groups and can be reactivated. Its user name and aliases are free for others meanwhile."
                    </p>
                    <Field
                        name="note"
                        label="Note"
                        hint="Optional: why, or a ticket number. Kept in the audit log."
                        autofocus=true
                    />
                    <DialogFoot back=routes::user(user.line.user.id)>
                        <Submit label="Deactivate" busy="Deactivating" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </OfUser>
    }
    .into_any()
}

/// Delete, once it was said what that means.
#[component]
pub fn DeleteDialog() -> impl IntoView {
    let post = use_post::<DeleteUser>();
    view! {
        <OfUser let:user>
            <Dialog
                title=format!("Delete {}", user.line.user.display_name)
                back=routes::user(user.line.user.id)
            >
                <PostForm post=post>
                    <input type="hidden" name="id" value=user.line.user.id.to_string() />
                    <p>{bin_words("with its groups and aliases")}</p>
                    <DialogFoot back=routes::user(user.line.user.id)>
                        <Submit label="Delete" busy="Deleting" class="btn btn-error" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </OfUser>
    }
    .into_any()
}
