//! "Why?": the steps that decided about one object, each with its icon and word, and what would
//! change the answer.

use domain::why::{StepKind, StepOutcome, Why, WhyChange, WhyFact, WhyLink, WhyStep, WhyTarget};
use leptos::prelude::*;

use super::{address::use_address, icon::Icon, status::Mark, time::RelativeTime};
use crate::routes;

impl From<StepOutcome> for Mark {
    fn from(outcome: StepOutcome) -> Self {
        let (icon, word, tone) = match outcome {
            StepOutcome::Passed => ("circle-check", "Passed", "ok"),
            StepOutcome::Stopped => ("circle-x", "Stopped", "fail"),
            StepOutcome::NotReached => ("circle-dashed", "Not reached", "quiet"),
            StepOutcome::Unknown => ("circle-help", "Unknown", ""),
        };
        Self { icon, word, tone }
    }
}

/// How a step looks. What waits and what a run did are no verdicts of the policy.
fn mark(step: &WhyStep) -> Mark {
    let told = |icon, word, tone| Mark { icon, word, tone };
    match step.step {
        StepKind::Pending => told("hand", "Waits", "held"),
        StepKind::Protection => told("lock", "Protected", "ok"),
        StepKind::KeptHere => told("pencil", "Kept here", "ok"),
        StepKind::Countdown => told("undo-2", "Kept", "ok"),
        StepKind::LastChange => told("history", "", "quiet"),
        _ => step.outcome.into(),
    }
}

/// Where a link leads.
fn path(target: &WhyTarget) -> String {
    match target {
        WhyTarget::Run { id } => routes::run(*id),
        WhyTarget::User { id } => routes::user(*id),
        WhyTarget::Group { id } => routes::group(*id),
        WhyTarget::Matches { integration_id } => routes::integration_matches(*integration_id),
        WhyTarget::Setting {
            integration_id,
            field,
        } => routes::setting(*integration_id, field),
    }
}

/// The steps, and what would change the answer. The answer itself is the heading of the page's
/// own.
#[component]
pub fn Explanation(
    /// The explanation.
    why: Why,
) -> impl IntoView {
    let steps = why
        .steps
        .into_iter()
        .map(|step| view! { <Step step=step /> })
        .collect_view();
    let other = why.other.map(|other| {
        let changes: Vec<_> = other.changes;
        let one = changes.len() == 1;
        let changes = changes
            .into_iter()
            .map(|change| view! { <Change change=change /> })
            .collect_view();
        let list = if one { "" } else { "list-disc ps-4" };
        view! {
            <div class="rc-note mt-3 max-w-3xl">
                <Icon name="lightbulb" class="text-muted mt-0.5" />
                <div class="min-w-0 wrap-anywhere">
                    <p>
                        <b class="font-medium">"What would change it"</b>
                        " "
                        <span class="text-muted">{other.intro}</span>
                    </p>
                    <ul class=list>{changes}</ul>
                </div>
            </div>
        }
    });
    view! {
        <ol class="rc-steps" aria-label="Steps">
            {steps}
        </ol>
        {other}
    }
    .into_any()
}

#[component]
fn Step(step: WhyStep) -> impl IntoView {
    let look = mark(&step);
    let colour = match look.tone {
        "ok" => "text-success",
        "fail" => "text-error",
        "held" => "text-warning",
        "quiet" => "text-faint",
        _ => "text-muted",
    };
    let title = match step.outcome {
        StepOutcome::NotReached => "font-medium text-muted",
        _ => "font-medium",
    };
    view! {
        <li>
            <Icon name=look.icon class=colour />
            <div class="min-w-0 wrap-anywhere">
                <p class=title>{step.title}</p>
                <p class="text-muted">
                    {step.sentence} " " <Links links=step.links />
                </p>
                <Facts facts=step.facts />
            </div>
            <span class="rc-hint text-end whitespace-nowrap">
                {look.word}
                {step
                    .at
                    .map(|at| {
                        view! {
                            <span class="block">
                                <RelativeTime at=at />
                            </span>
                        }
                    })}
            </span>
        </li>
    }
    .into_any()
}

/// What the step looked at, on as few lines as it takes.
#[component]
fn Facts(facts: Vec<WhyFact>) -> impl IntoView {
    (!facts.is_empty()).then(|| {
        let facts = facts
            .into_iter()
            .map(|fact| {
                view! {
                    <div class="flex gap-1 min-w-0">
                        <dt class="flex-none">{fact.name} ":"</dt>
                        <dd class="min-w-0 text-base-content">
                            <bdi>{fact.value}</bdi>
                        </dd>
                    </div>
                }
            })
            .collect_view();
        view! { <dl class="rc-hint flex flex-wrap gap-x-4">{facts}</dl> }
    })
}

#[component]
fn Links(links: Vec<WhyLink>) -> impl IntoView {
    let address = use_address();
    // A place on a page of one integration, which a filter by customer says nothing to.
    let way = move |target: &WhyTarget| match target {
        WhyTarget::Setting { .. } => path(target),
        _ => address.keep(&path(target)),
    };
    links
        .into_iter()
        .map(|link| {
            view! {
                <a class="rc-link me-2" href=way(&link.target)>
                    <bdi>{link.title}</bdi>
                </a>
            }
        })
        .collect_view()
}

#[component]
fn Change(change: WhyChange) -> impl IntoView {
    view! {
        <li class="text-muted">
            {change.sentence} " " <Links links=change.links />
        </li>
    }
    .into_any()
}
