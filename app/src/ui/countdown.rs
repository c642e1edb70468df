//! The countdown of an inactive object of the directory, and the way to cancel it or let it count again.

use domain::{countdown::Countdown, permission::Permission, policy::ObjectType};
use uuid::Uuid;

use super::{prelude::*, time::day_utc};
use crate::session::may;

#[cfg(feature = "ssr")]
fn counted(object_type: ObjectType, id: Uuid) -> AppResult<backend::store::countdown::Counted> {
    backend::store::countdown::Counted::of(object_type, id).ok_or_else(|| AppError::NotFound {
        what: "object".to_owned(),
    })
}

/// Cancels the deletion of an object of the directory.
#[server(endpoint = "directory/cancel-countdown")]
pub(crate) async fn cancel_countdown(
    object_type: ObjectType,
    id: Uuid,
    note: String,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let of = counted(object_type, id)?;
    backend::store::countdown::cancel(&backend, &scope, of, &note).await?;
    crate::session::done("The deletion is cancelled", None).await
}

/// Takes that back: the days begin anew.
#[server(endpoint = "directory/restart-countdown")]
pub(crate) async fn restart_countdown(object_type: ObjectType, id: Uuid) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let of = counted(object_type, id)?;
    let countdown = backend::store::countdown::restart(&backend, &scope, of).await?;
    let message = match countdown.delete_at {
        Some(at) => format!("The days count again: deleted on {}", day_utc(at)),
        None => "Taken back. The policy deletes nobody now, so no days count".to_owned(),
    };
    crate::session::done(&message, None).await
}

/// "To be deleted on 25 December 2026 (in 30 days)", or who cancelled that. Nothing where
/// neither is so.
#[component]
pub fn CountdownNote(
    /// What it is.
    object_type: ObjectType,
    /// Its id in the directory.
    id: Uuid,
    /// Its countdown.
    countdown: Countdown,
) -> impl IntoView {
    let may_write = may(Permission::DirectoryWrite);
    if let Some(cancelled) = countdown.cancelled {
        let note = (!cancelled.note.is_empty()).then_some(cancelled.note);
        return view! {
            <section class="rc-note mb-5" aria-label="Deletion">
                <Icon name="undo-2" class="text-muted mt-0.5" />
                <div class="min-w-0">
                    <p>
                        "Its deletion was cancelled by " <bdi>{cancelled.by}</bdi> ", "
                        <RelativeTime at=cancelled.at /> "."
                    </p>
                    {note
                        .map(|note| {
                            view! {
                                <p class="mt-1 wrap-anywhere whitespace-pre-line">
                                    <bdi>{note}</bdi>
                                </p>
                            }
                        })}
                    {may_write.then(|| view! { <Restart object_type=object_type id=id /> })}
                </div>
            </section>
        }
        .into_any();
    }
    let Some(at) = countdown.delete_at else {
        return ().into_any();
    };
    view! {
        <section class="rc-note mb-5" aria-label="Deletion">
            <Icon name="clock" class="text-warning mt-0.5" />
            <div class="min-w-0">
                <p>
                    {format!("To be deleted on {} (", day_utc(at))} <RelativeTime at=at /> ")."
                </p>
                {may_write.then(|| view! { <Cancel object_type=object_type id=id /> })}
            </div>
        </section>
    }
    .into_any()
}

/// The button that opens the question, and the question.
#[component]
fn Cancel(object_type: ObjectType, id: Uuid) -> impl IntoView {
    let post = use_post::<CancelCountdown>();
    let what = object_type.title().to_lowercase();
    view! {
        <details class="mt-1" open=post.error().get_untracked().is_some()>
            <summary class="cursor-pointer rc-link py-1">"Keep"</summary>
            <PostForm post=post class="mt-2 max-w-96">
                <input type="hidden" name="object_type" value=object_type.as_str() />
                <input type="hidden" name="id" value=id.to_string() />
                <p class="mb-2">
                    {format!(
                        "This {what} stays, inactive. No run deletes it until it was wanted again, or leaves for another reason.",
                    )}
                </p>
                <Field
                    name="note"
                    label="Note"
                    hint="Optional: why, or a ticket number. Kept in the audit log and shown here."
                />
                <div class="mt-3">
                    <Submit label="Cancel deletion" busy="Cancelling" class="btn" />
                </div>
            </PostForm>
        </details>
    }
    .into_any()
}

#[component]
fn Restart(object_type: ObjectType, id: Uuid) -> impl IntoView {
    let post = use_post::<RestartCountdown>();
    view! {
        <PostForm post=post class="mt-2">
            <input type="hidden" name="object_type" value=object_type.as_str() />
            <input type="hidden" name="id" value=id.to_string() />
            <Submit label="Count again" busy="Taking back" class="btn" />
        </PostForm>
    }
    .into_any()
}
