//! Protecting a user from sync, on its page.

use domain::{
    DateTime,
    id::UserId,
    permission::Permission,
    protection::{ProtectedByRule, Protection},
};

use crate::{session::may, ui::prelude::*};

/// Protects a user from sync.
#[server(endpoint = "users/protect")]
pub(crate) async fn protect_user(id: UserId, note: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::protection::protect(&backend, &scope, id, &note).await?;
    crate::session::done("Protected: no run touches this user", None).await
}

/// Takes that back.
#[server(endpoint = "users/unprotect")]
pub(crate) async fn unprotect_user(id: UserId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::protection::withdraw(&backend, &scope, id).await?;
    crate::session::done(
        "The protection is removed. The next run looks at this user again",
        None,
    )
    .await
}

/// Who protected the user, or the way to do so.
#[component]
pub fn ProtectionNote(
    /// The user.
    id: UserId,
    /// That it is protected.
    protection: Option<Protection>,
    /// When it will be deleted; none where no days are counting.
    delete_at: Option<DateTime>,
) -> impl IntoView {
    let may_write = may(Permission::DirectoryWrite);
    match protection {
        Some(protection) => {
            view! { <Protected id=id protection=protection may_write=may_write /> }.into_any()
        }
        None if may_write => view! { <Protect id=id delete_at=delete_at /> }.into_any(),
        None => ().into_any(),
    }
}

/// The rule that protects the user, and where it stands.
#[component]
pub fn RuleNote(
    /// The rule.
    by: ProtectedByRule,
    /// The integration's name.
    integration: Option<String>,
) -> impl IntoView {
    let href = routes::setting(by.integration_id, "protected");
    view! {
        <section class="rc-note mb-5" aria-label="Protection by rule">
            <Icon name="lock" class="text-muted mt-0.5" />
            <p class="min-w-0 wrap-anywhere">
                "Protected from sync by a rule of "
                <a class="rc-link" href=href>
                    <bdi>{integration.unwrap_or_else(|| "its integration".to_owned())}</bdi>
                </a> ": " <bdi>{by.rule.to_string()}</bdi> "."
            </p>
        </section>
    }
    .into_any()
}

#[component]
fn Protected(id: UserId, protection: Protection, may_write: bool) -> impl IntoView {
    let post = use_post::<UnprotectUser>();
    let note = (!protection.note.is_empty()).then_some(protection.note);
    view! {
        <section class="rc-note mb-5" aria-label="Protection">
            <Icon name="lock" class="text-muted mt-0.5" />
            <div class="min-w-0">
                <p>
                    "Protected from sync by " <bdi>{protection.by}</bdi> ", "
                    <RelativeTime at=protection.at /> "."
                </p>
                {note
                    .map(|note| {
                        view! {
                            <p class="mt-1 wrap-anywhere whitespace-pre-line">
                                <bdi>{note}</bdi>
                            </p>
                        }
                    })}
                {may_write
                    .then(|| {
                        view! {
                            <PostForm post=post class="mt-2">
                                <input type="hidden" name="id" value=id.to_string() />
                                <Submit label="Remove protection" busy="Removing" class="btn" />
                            </PostForm>
                        }
                    })}
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Protect(id: UserId, delete_at: Option<DateTime>) -> impl IntoView {
    let post = use_post::<ProtectUser>();
    view! {
        <details class="mt-6" open=post.error().get_untracked().is_some()>
            <summary class="cursor-pointer rc-link py-1">"Protect from sync"</summary>
            <PostForm post=post class="mt-2 max-w-96">
                <input type="hidden" name="id" value=id.to_string() />
                <p class="mb-2">
                    "No run updates, disables, enables or deletes this user, nor takes it out of a group, until the protection is removed."
                </p>
                {delete_at
                    .map(|at| {
                        view! {
                            <p class="mb-2">
                                "It is to be deleted " <RelativeTime at=at />
                                ". Protecting it cancels that; once the protection is removed, the next run decides anew."
                            </p>
                        }
                    })}
                <Field
                    name="note"
                    label="Note"
                    hint="Optional: why, or a ticket number. Kept in the audit log and shown here."
                    of="-protect"
                />
                <div class="mt-3">
                    <Submit label="Protect" busy="Protecting" class="btn" />
                </div>
            </PostForm>
        </details>
    }
    .into_any()
}
