//! One person of the queue: both sides beside each other, and the decision.

use domain::{
    id::{ExternalId, IntegrationId},
    matching::{MatchCandidate, MatchDecided, MatchDecision, MatchStrength, UserMatch},
    permission::Permission,
};
use leptos_router::hooks::use_params_map;

use super::{
    api::{DecideMatches, TakeBackMatches, view_match},
    list::use_id,
    sides::{InCommon, Who, standing, strength_mark},
};
use crate::{
    session::may,
    ui::{form::FieldError, form::use_field_error, prelude::*},
};

/// The dialog over the tab.
#[component]
pub fn MatchDialog() -> impl IntoView {
    let id = use_id();
    let params = use_params_map();
    let person =
        Memo::new(move |_| params.with(|params| params.get("person")?.parse::<ExternalId>().ok()));
    let found = Resource::new(
        move || (id.get(), person.get()),
        |(id, person)| async move {
            match (id, person) {
                (Some(id), Some(person)) => view_match(id, person).await,
                _ => Err(AppError::NotFound {
                    what: "match".to_owned(),
                }),
            }
        },
    );
    view! {
        <Load resource=found let:one>
            <One one=one />
        </Load>
    }
    .into_any()
}

#[component]
fn One(one: UserMatch) -> impl IntoView {
    let id = one.integration_id;
    let back = routes::integration_matches(id);
    let name = one.source.display_name.clone();
    let body = match one.decided.clone() {
        Some(made) => view! { <Made one=one made=made back=back.clone() /> }.into_any(),
        None if may(Permission::RunsDecide) => {
            view! { <Decide one=one back=back.clone() /> }.into_any()
        }
        None => view! {
            <Sides one=one />
            <p class="rc-hint mt-3">
                "Who may decide about held changes decides about this, too."
            </p>
        }
        .into_any(),
    };
    view! {
        <Dialog title=name back=back>
            {body}
        </Dialog>
    }
    .into_any()
}

/// Who the source brings, and who is here, without a choice.
#[component]
fn Sides(one: UserMatch) -> impl IntoView {
    let here = one
        .candidates
        .into_iter()
        .map(|here| view! { <Here of=here /> })
        .collect_view();
    view! {
        <Brought of=one.source strength=one.strength />
        {here}
    }
    .into_any()
}

#[component]
fn Brought(of: domain::matching::Identifiers, strength: MatchStrength) -> impl IntoView {
    view! {
        <section aria-labelledby="h-brought" class="mb-3">
            <h3 id="h-brought" class="text-base flex items-center gap-2">
                "In the source"
                <Status of=strength_mark(strength) />
            </h3>
            <p>
                <bdi>{of.display_name.clone()}</bdi>
            </p>
            <Who of=of />
        </section>
    }
    .into_any()
}

#[component]
fn Here(of: MatchCandidate) -> impl IntoView {
    let standing = standing(&of);
    let refusal = of.refusal.clone();
    view! {
        <div class="min-w-0">
            <p>
                <a class="rc-link" href=routes::user(of.user_id)>
                    <bdi>{of.here.display_name.clone()}</bdi>
                </a>
                <span class="text-muted">{format!(" {standing}")}</span>
            </p>
            <Who of=of.here.clone() aliases=of.aliases.clone() />
            <div class="text-sm">
                <InCommon of=of />
            </div>
            {refusal.map(|why| view! { <p class="rc-hint wrap-anywhere">{why}</p> })}
        </div>
    }
    .into_any()
}

#[component]
fn Decide(one: UserMatch, back: String) -> impl IntoView {
    let post = use_post::<DecideMatches>();
    let (id, person) = (one.integration_id, one.external_id);
    let anybody = one.candidates.iter().any(|here| here.refusal.is_none());
    let first = one
        .candidates
        .iter()
        .find(|here| here.refusal.is_none())
        .map(|here| here.user_id);
    let nobody = one.candidates.is_empty();
    let choices = one
        .candidates
        .into_iter()
        .map(|here| {
            let (user, can) = (here.user_id, here.refusal.is_none());
            let label = format!("It is {}", here.here.display_name);
            view! {
                <li class="flex gap-2 items-start py-2 border-t border-line">
                    <input
                        type="radio"
                        class="radio flex-none mt-0.5"
                        name="user_id"
                        value=user.to_string()
                        checked=Some(user) == first
                        disabled=!can
                        aria-label=label
                    />
                    <Here of=here />
                </li>
            }
        })
        .collect_view();
    let button = move |decision: MatchDecision, icon: &'static str| {
        view! {
            <button
                type="submit"
                class="btn"
                name="decision"
                value=decision.as_str()
                aria-disabled=move || post.pending().get().then_some("true")
            >
                <Icon name=icon />
                {decision.title()}
            </button>
        }
    };
    view! {
        <PostForm post=post>
            <Hidden id=id person=person />
            <Brought of=one.source strength=one.strength />
            {(!nobody)
                .then(|| {
                    view! {
                        <fieldset class="mb-3">
                            <legend class="text-base font-medium">"Here already"</legend>
                            <ul class="list-none">{choices}</ul>
                        </fieldset>
                    }
                })}
            <Reason />
            <p class="rc-hint mt-2">
                "The next run does it; a preview shows it first. Whoever is the same keeps their groups, aliases \
                 and account here, and follows the source from then on. It can be taken back."
            </p>
            <div class="mt-4 flex gap-2 flex-wrap justify-end">
                {anybody.then(|| button(MatchDecision::Same, "user-check"))}
                {button(MatchDecision::Other, "user-plus")} {button(MatchDecision::Ignore, "ban")}
            </div>
            <p class="mt-3 text-end">
                <a class="rc-link" href=back>
                    "Back to the queue"
                </a>
            </p>
        </PostForm>
    }
    .into_any()
}

#[component]
fn Hidden(id: IntegrationId, person: ExternalId) -> impl IntoView {
    view! {
        <input type="hidden" name="id" value=id.to_string() />
        <input type="hidden" name="external_ids[]" value=person.to_string() />
    }
    .into_any()
}

#[component]
fn Reason() -> impl IntoView {
    let user_error = use_field_error("user_id");
    let error = use_field_error("external_ids");
    view! {
        <FieldError id="f-user_id-e" error=user_error />
        <FieldError id="f-external_ids-e" error=error />
        <Field
            name="note"
            label="Reason"
            kind=Kind::Words
            hint="A ticket number or a sentence. Kept with the decision and in the audit log."
            of="-one"
        />
    }
    .into_any()
}

/// What was decided, and taking it back.
#[component]
fn Made(one: UserMatch, made: MatchDecided, back: String) -> impl IntoView {
    let post = use_post::<TakeBackMatches>();
    let (id, person) = (one.integration_id, one.external_id);
    let what = match (made.decision, made.applied_at) {
        (MatchDecision::Same, Some(at)) => view! {
            "A run did it " <RelativeTime at=at /> ". Taking it back makes who is here what they were before."
        }
        .into_any(),
        (MatchDecision::Same | MatchDecision::Other, _) => "The next run does it.".into_any(),
        (MatchDecision::Ignore, _) => "No run brings it in.".into_any(),
    };
    let take_back = match made.final_because.clone() {
        Some(because) => view! { <p class="rc-hint mt-3">{because}</p> }.into_any(),
        None if may(Permission::RunsDecide) => view! {
            <PostForm post=post class="mt-3">
                <Hidden id=id person=person />
                <Reason />
                <DialogFoot back=back>
                    <Submit label="Take back" busy="Taking back" class="btn" icon="undo-2" />
                </DialogFoot>
            </PostForm>
        }
        .into_any(),
        None => ().into_any(),
    };
    view! {
        <Sides one=one />
        <p class="mt-3 wrap-anywhere">
            <b class="font-medium">{made.decision.title()}</b>
            ", by "
            <bdi>{made.by}</bdi>
            ", "
            <ExactTime at=made.at />
            {(!made.note.is_empty()).then(|| format!(": {}", made.note))}
        </p>
        <p class="text-muted">{what}</p>
        {take_back}
    }
    .into_any()
}
