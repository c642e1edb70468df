//! What a run holds, and the decision about it.

use domain::{
    decision::{Decision, HeldChanges, RunDecision},
    id::RunId,
    permission::Permission,
    policy::ObjectType,
    run::{Reason, RunDetail},
};

use super::{
    api::{DecideRun, WithdrawRejection},
    sentence::of,
};
use crate::{
    session::may,
    ui::{form::Post, prelude::*},
};

/// What would be done to the held objects: "Disable", "Delete".
fn verb(held: &HeldChanges) -> &'static str {
    if held.object_type == ObjectType::Membership {
        return "Remove";
    }
    let is_delete = |(reason, _): &(Reason, i64)| *reason == Reason::DeleteAfterDays;
    if held.reasons.iter().all(is_delete) {
        "Delete"
    } else if held.reasons.iter().any(is_delete) {
        "Disable or delete"
    } else {
        "Disable"
    }
}

/// How many and of what, in the words of a button: "42 users".
fn what(held: &HeldChanges) -> String {
    of(held.number, held.object_type)
}

/// The question above the form: "Disable these 42 users?"
fn question(held: &HeldChanges) -> String {
    let these = if held.number == 1 { "this" } else { "these" };
    format!("{} {these} {}?", verb(held), what(held))
}

/// What the buttons do.
fn buttons(held: &HeldChanges) -> (String, String) {
    let keep = match held.object_type {
        ObjectType::User => format!("Reject, keep {} Active", what(held)),
        _ => format!("Reject, keep {}", what(held)),
    };
    let approve = format!("Approve, {} {}", verb(held).to_lowercase(), what(held));
    (approve, keep)
}

/// Everything about decisions in this run.
#[component]
pub fn Decisions(
    /// The run.
    detail: RunDetail,
) -> impl IntoView {
    let run = detail.run.id;
    let several = detail.held.len() + detail.decisions.len() > 1;
    let made = detail.decisions.clone();
    let withdraw = use_post::<WithdrawRejection>();
    let elsewhere = [
        (
            detail.run.replaced_by,
            "A newer run took its place.",
            "Decide there",
        ),
        (
            detail.held_in,
            "What is held was found before.",
            "Decide there",
        ),
    ];
    view! {
        {elsewhere
            .into_iter()
            .filter_map(|(run, says, link)| {
                let to = routes::run(run?);
                Some(
                    view! {
                        <p class="rc-note mb-4">
                            <Icon name="info" class="text-muted mt-0.5" />
                            <span>{says} " " <a class="rc-link" href=to>{link}</a></span>
                        </p>
                    },
                )
            })
            .collect_view()}
        // By type, so that what is typed for one isn't taken for another's.
        <For
            each=move || detail.held.clone()
            key=|held| held.object_type
            children=move |held| view! { <Decide run=run held=held several=several /> }
        />
        {made
            .into_iter()
            .map(|made| view! { <Made run=run made=made withdraw=withdraw /> })
            .collect_view()}
    }
    .into_any()
}

/// The question, what is known for the answer, and the answer.
#[component]
fn Decide(run: RunId, held: HeldChanges, several: bool) -> impl IntoView {
    let heading = format!("h-decide-{}", held.object_type);
    let labelled_by = heading.clone();
    let list = routes::run_held(run, held.object_type);
    let (with, together) = (held.memberships, "memberships go with them");
    let reasons = held
        .reasons
        .iter()
        .map(|(reason, number)| (*number, reason.title().to_owned()))
        .chain((with > 0).then(|| (with, together.to_owned())))
        .map(|(number, text)| {
            view! {
                <dt class="font-medium rc-num">{grouped(number)}</dt>
                <dd>{text}</dd>
            }
        })
        .collect_view();
    view! {
        <section class="mb-5 pb-5 border-b border-line" aria-labelledby=labelled_by>
            <h2 class="text-base" id=heading>
                {question(&held)}
            </h2>
            <dl class="mt-2 grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1">{reasons}</dl>
            <p class="mt-2">
                <a class="rc-link" href=list>
                    "Look through them"
                </a>
            </p>
            {if may(Permission::RunsDecide) {
                view! { <Answer run=run held=held several=several /> }.into_any()
            } else {
                view! {
                    <p class="rc-hint mt-3">
                        "Only Owners and Administrators of this customer may decide."
                    </p>
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

#[component]
fn Answer(run: RunId, held: HeldChanges, several: bool) -> impl IntoView {
    let post = use_post::<DecideRun>();
    let (approve, reject) = buttons(&held);
    let object_type = held.object_type;
    view! {
        <PostForm post=post class="mt-4">
            <input type="hidden" name="id" value=run.to_string() />
            <input type="hidden" name="object_type" value=object_type.as_str() />
            <Field
                name="reason"
                label="Reason"
                kind=Kind::Words
                hint="A ticket number or a sentence. Kept in the audit log and with this run."
                of=format!("-{object_type}")
            />
            <div class="mt-3 flex flex-col gap-2">
                <Button post=post decision=Decision::Approved label=approve />
                <Button post=post decision=Decision::Rejected label=reject />
            </div>
            {several
                .then(|| {
                    view! {
                        <p class="rc-hint mt-2">
                            "Nothing is done before everything that this run holds is decided."
                        </p>
                    }
                })}
        </PostForm>
    }
    .into_any()
}

#[component]
fn Button(post: Post<DecideRun>, decision: Decision, label: String) -> impl IntoView {
    let (class, icon) = match decision {
        Decision::Approved => ("btn btn-error", "user-x"),
        Decision::Rejected => ("btn", "undo-2"),
    };
    view! {
        <button
            type="submit"
            name="decision"
            value=decision.as_str()
            class=class
            aria-disabled=move || post.pending().get().then_some("true")
        >
            <Icon name=icon />
            {label}
        </button>
    }
    .into_any()
}

/// A decision that was made.
#[component]
fn Made(run: RunId, made: RunDecision, withdraw: Post<WithdrawRejection>) -> impl IntoView {
    let rejected = made.decision == Decision::Rejected;
    let (icon, word) = if rejected {
        ("undo-2", "Rejected")
    } else {
        ("circle-check", "Approved")
    };
    let can_withdraw = rejected && made.withdrawn_by.is_none() && may(Permission::RunsDecide);
    view! {
        <section class="mb-5 pb-5 border-b border-line">
            <h2 class="text-base flex items-center gap-2">
                <Icon name=icon class="text-muted" />
                {format!("{word}: {}", made.object_type.title().to_lowercase())}
            </h2>
            <p class="mt-1 text-muted">
                <bdi>{made.decided_by}</bdi>
                ", "
                <RelativeTime at=made.decided_at />
            </p>
            <p class="mt-1 wrap-anywhere whitespace-pre-line">{made.note}</p>
            {made
                .withdrawn_by
                .map(|by| {
                    view! { <p class="mt-1 text-muted">"Taken back by " <bdi>{by}</bdi> "."</p> }
                })}
            {can_withdraw
                .then(|| {
                    view! {
                        <p class="rc-hint mt-2">
                            "They stay as they are until the source changes them again."
                        </p>
                        <PostForm post=withdraw class="mt-2">
                            <input type="hidden" name="id" value=run.to_string() />
                            <input
                                type="hidden"
                                name="object_type"
                                value=made.object_type.as_str()
                            />
                            <Submit label="Take back" busy="Taking back" class="btn" />
                        </PostForm>
                    }
                })}
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(object_type: ObjectType, reasons: &[(Reason, i64)]) -> HeldChanges {
        HeldChanges {
            object_type,
            number: reasons.iter().map(|(_, number)| number).sum(),
            reasons: reasons.to_vec(),
            memberships: 0,
        }
    }

    #[test]
    fn the_question_says_what_would_be_done() {
        let cases = [
            (
                held(
                    ObjectType::User,
                    &[(Reason::OutOfScope, 38), (Reason::Gone, 4)],
                ),
                "Disable these 42 users?",
                "Approve, disable 42 users",
                "Reject, keep 42 users Active",
            ),
            (
                held(ObjectType::Group, &[(Reason::DeleteAfterDays, 1)]),
                "Delete this 1 group?",
                "Approve, delete 1 group",
                "Reject, keep 1 group",
            ),
            (
                held(
                    ObjectType::User,
                    &[(Reason::Gone, 1), (Reason::DeleteAfterDays, 1)],
                ),
                "Disable or delete these 2 users?",
                "Approve, disable or delete 2 users",
                "Reject, keep 2 users Active",
            ),
            (
                held(ObjectType::Contact, &[(Reason::Gone, 1)]),
                "Disable this 1 contact?",
                "Approve, disable 1 contact",
                "Reject, keep 1 contact",
            ),
            (
                held(
                    ObjectType::Device,
                    &[(Reason::Gone, 60), (Reason::DeleteAfterDays, 3)],
                ),
                "Disable or delete these 63 devices?",
                "Approve, disable or delete 63 devices",
                "Reject, keep 63 devices",
            ),
            (
                held(ObjectType::Membership, &[(Reason::GuardLimit, 1_200)]),
                "Remove these 1,200 memberships?",
                "Approve, remove 1,200 memberships",
                "Reject, keep 1,200 memberships",
            ),
        ];
        for (held, asked, approve, reject) in cases {
            assert_eq!(question(&held), asked);
            assert_eq!(buttons(&held), (approve.to_owned(), reject.to_owned()));
        }
    }
}
