//! How a user stands with an account of their own, on their page, with the way to invite them.

use domain::{
    enrolment::{Enrolment, EnrolmentState, UserMail},
    id::UserId,
    notification::DeliveryStatus,
    permission::Permission,
};
use leptos::server;

use crate::{
    session::may,
    ui::{form::Post, prelude::*},
};

/// Invites a user, once more where they were invited; whoever is enrolled gets a link to a new
/// password.
#[server(endpoint = "enrolment/invite")]
pub(crate) async fn invite_user(id: UserId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let enrolment = backend::store::enrolment::invite(&backend, &scope, id).await?;
    let told = if enrolment.enrolled_at.is_some() {
        "A mail with a link to a new password is on its way"
    } else {
        "The invitation is on its way"
    };
    crate::session::done(told, None).await
}

/// Says that the last mail to a user came back.
#[server(endpoint = "enrolment/mark-bounced")]
pub(crate) async fn mark_bounced(id: UserId, #[server(default)] reason: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::enrolment::mark_bounced(&backend, &scope, id, &reason).await?;
    crate::session::done("The mail was marked as bounced", Some(routes::user(id))).await
}

/// Takes that back.
#[server(endpoint = "enrolment/unmark-bounced")]
pub(crate) async fn unmark_bounced(id: UserId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::enrolment::unmark_bounced(&backend, &scope, id).await?;
    crate::session::done("The mail counts as sent again", Some(routes::user(id))).await
}

/// A state as a list shows it.
pub fn state_mark(state: EnrolmentState) -> Mark {
    let (icon, tone) = match state {
        EnrolmentState::NotInvited => ("circle-dashed", "quiet"),
        EnrolmentState::Invited => ("mail", ""),
        EnrolmentState::MailFailed => ("circle-x", "fail"),
        EnrolmentState::Expired => ("clock", "held"),
        EnrolmentState::Enrolled => ("circle-check", "ok"),
    };
    let word = state.title();
    Mark { icon, word, tone }
}

/// The section.
#[component]
pub fn EnrolmentSection(
    /// How they stand.
    enrolment: Enrolment,
    /// What was mailed to them, the newest first.
    mails: Vec<UserMail>,
    /// Whether they are in use: nobody else is invited.
    active: bool,
) -> impl IntoView {
    let post = use_post::<InviteUser>();
    let (mark, unmark) = (use_post::<MarkBounced>(), use_post::<UnmarkBounced>());
    let (id, state) = (enrolment.user_id, enrolment.state);
    let (label, busy) = match state {
        EnrolmentState::NotInvited => ("Invite", "Inviting"),
        EnrolmentState::Enrolled => ("Send link for a new password", "Sending"),
        _ => ("Invite again", "Inviting"),
    };
    let may_write = may(Permission::DirectoryWrite);
    let may_invite = active && may_write;
    let last = mails.first().filter(|_| may_write).map(|last| {
        if last.bounced_at.is_some() {
            view! { <Arrived id=id post=unmark /> }.into_any()
        } else if last.status == DeliveryStatus::Delivered {
            view! { <CameBack id=id post=mark /> }.into_any()
        } else {
            ().into_any()
        }
    });
    let lines = mails
        .into_iter()
        .map(|mail| view! { <MailLine mail=mail /> })
        .collect_view();
    view! {
        <section aria-labelledby="h-enrolment" class="min-w-0 mt-6">
            <h2 id="h-enrolment" class="text-base">"Enrolment"</h2>
            <div class="flex items-center gap-x-4 gap-y-2 flex-wrap mt-1">
                <Status of=state_mark(state) />
                <span class="text-muted">{facts(&enrolment)}</span>
                {may_invite
                    .then(|| {
                        view! {
                            <PostForm post=post class="ms-auto">
                                <input type="hidden" name="id" value=id.to_string() />
                                <Submit label=label busy=busy class="btn btn-sm" />
                            </PostForm>
                        }
                    })}
            </div>
            {enrolment
                .authenticator_since
                .map(|at| view! { <SecondFactor id=id since=at /> })}
            <ul class="mt-2 flex flex-col gap-1.5">{lines}</ul>
            {last}
        </section>
    }
    .into_any()
}

/// Says that the last mail came back.
#[component]
fn CameBack(id: UserId, post: Post<MarkBounced>) -> impl IntoView {
    let came_back = post.error().get_untracked().is_some();
    view! {
        <details class="mt-2" open=came_back>
            <summary class="cursor-pointer rc-link py-1">"Did the last mail come back?"</summary>
            <PostForm post=post class="flex flex-col gap-3 mt-1 max-w-96">
                <input type="hidden" name="id" value=id.to_string() />
                <Field
                    name="reason"
                    label="Reason"
                    kind=Kind::Words
                    hint="What the mail that came back says, where you know it."
                />
                <div>
                    <Submit label="Mark as bounced" busy="Marking" class="btn btn-sm" />
                </div>
            </PostForm>
        </details>
    }
    .into_any()
}

/// Takes that back.
#[component]
fn Arrived(id: UserId, post: Post<UnmarkBounced>) -> impl IntoView {
    view! {
        <PostForm post=post class="mt-2">
            <input type="hidden" name="id" value=id.to_string() />
            <Submit label="The mail did arrive" busy="Taking back" class="btn btn-sm" />
        </PostForm>
    }
    .into_any()
}

/// That they have a second factor, with the way to help who lost it.
#[component]
fn SecondFactor(id: UserId, since: domain::DateTime) -> impl IntoView {
    view! {
        <div class="flex items-center gap-x-4 gap-y-2 flex-wrap mt-2">
            <span>"Second factor: authenticator app"</span>
            <span class="text-muted">"since " <RelativeTime at=since /></span>
            {may(Permission::DirectoryWrite)
                .then(|| {
                    view! {
                        <a
                            class="btn btn-sm ms-auto"
                            href=routes::user_dialog(id, "reset-second-factor")
                            data-noscroll="true"
                        >
                            "Reset second factor"
                        </a>
                    }
                })}
        </div>
    }
    .into_any()
}

/// Since when, by whom, until when.
fn facts(enrolment: &Enrolment) -> AnyView {
    let by = enrolment.invited_by.clone().unwrap_or_default();
    match (enrolment.state, enrolment.enrolled_at, enrolment.invited_at) {
        (EnrolmentState::Enrolled, Some(at), _) => {
            let last = enrolment.last_signed_in_at;
            view! {
                "Since " <RelativeTime at=at />
                {last.map(|at| view! { ", last signed in " <RelativeTime at=at /> })}
            }
            .into_any()
        }
        (_, _, Some(at)) => {
            let ends = enrolment.link_expires_at;
            view! {
                "Invited " <RelativeTime at=at /> " by " <bdi>{by}</bdi>
                {ends.map(|at| view! { ", the link ends " <RelativeTime at=at /> })}
            }
            .into_any()
        }
        _ => view! { "They are to be invited later: no mail was sent to them yet." }.into_any(),
    }
}

#[component]
fn MailLine(mail: UserMail) -> impl IntoView {
    let (icon, tone) = match mail.status {
        DeliveryStatus::Queued => ("clock", ""),
        DeliveryStatus::Delivered => ("circle-check", "ok"),
        DeliveryStatus::Failed => ("circle-x", "fail"),
    };
    let word = match mail.status {
        DeliveryStatus::Queued if mail.attempts > 0 => "Tried again",
        DeliveryStatus::Queued => "On its way",
        DeliveryStatus::Delivered => "Sent",
        DeliveryStatus::Failed if mail.bounced_at.is_some() => "Came back",
        DeliveryStatus::Failed => "Given up",
    };
    let error = mail.error;
    view! {
        <li class="min-w-0">
            <span class="inline-flex items-center gap-x-3 flex-wrap">
                <Status of=Mark { icon, word, tone } />
                <span class="wrap-anywhere">"Mail to " <bdi>{mail.address}</bdi></span>
                <span class="text-muted">
                    <RelativeTime at=mail.attempted_at.unwrap_or(mail.created_at) />
                </span>
            </span>
            {error
                .map(|error| {
                    view! {
                        <p class="text-muted wrap-anywhere">
                            {error.title} ". " {error.detail} " " {error.fix} " "
                            <span class="rc-mono">{error.code}</span>
                        </p>
                    }
                })}
        </li>
    }
}
