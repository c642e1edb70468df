//! The live count: who falls in and out with what is filled in, with examples and what decided.

use std::time::Duration;

use domain::{
    filter::{FilterTrial, FilteredObject},
    id::IntegrationId,
    permission::Permission,
    policy::ObjectType,
};
use leptos::leptos_dom::helpers::debounce;

use super::{api::try_filters, form::FilterForm};
use crate::{session::may, ui::prelude::*};

/// The count of one type. Without the browser code it is that of what the page came with.
#[component]
pub fn TrialPanel(
    id: IntegrationId,
    object_type: ObjectType,
    /// What the form holds.
    now: RwSignal<FilterForm>,
) -> impl IntoView {
    if !may(Permission::DirectoryRead) {
        return ().into_any();
    }
    let typed = RwSignal::new(now.get_untracked());
    let asked = Memo::new(move |_| typed.get());
    let mut later = debounce(Duration::from_millis(700), move |form| typed.set(form));
    Effect::new(move |_| later(now.get()));
    let tried = Resource::new(
        move || asked.get(),
        move |form| async move { try_filters(id, form, object_type).await },
    );
    let title = format!("Who of the {object_type}s falls in and out");
    let heading = format!("h-trial-{object_type}");
    let of_heading = heading.clone();
    view! {
        <section aria-labelledby=heading class="mt-4 rounded-field border border-line p-3">
            <h3 id=of_heading class="font-medium">
                {title}
            </h3>
            <div role="status">
                <Transition fallback=|| {
                    view! { <p class="text-muted">"Counting"</p> }
                }>
                    {move || Suspend::new(async move {
                        match tried.await {
                            Ok(trial) => view! { <Tried trial=trial /> }.into_any(),
                            // What is wrong is said at the rule.
                            Err(AppError::Invalid(_)) => {
                                view! {
                                    <p class="text-muted">
                                        "Counted once the rules can be read."
                                    </p>
                                }
                                    .into_any()
                            }
                            Err(error) => view! { <ErrorNote error=error /> }.into_any(),
                        }
                    })}
                </Transition>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Tried(trial: FilterTrial) -> impl IntoView {
    let counts = trial.counts;
    if counts.total == 0 {
        return view! {
            <p class="text-muted">
                "Nothing of this type is kept yet. A preview shows what a run would bring."
            </p>
        }
        .into_any();
    }
    let unread = (!trial.not_read.is_empty()).then(|| {
        let names = trial.not_read.join(", ");
        view! {
            <div class="rc-note my-2" role="note">
                <Icon name="info" class="text-muted mt-0.5" />
                <p>
                    {format!(
                        "No run has read {names} yet, so that counts as empty here. A preview reads it.",
                    )}
                </p>
            </div>
        }
    });
    let causes = trial
        .causes
        .into_iter()
        .map(|one| {
            let words = match one.cause.rule {
                Some(rule) => rule,
                None => one.cause.reason.title().to_owned(),
            };
            view! {
                <li>
                    <span class="font-medium">{grouped(one.count)}</span> " "
                    <bdi class="wrap-anywhere">{words}</bdi>
                </li>
            }
        })
        .collect_view();
    let fails = (counts.failed > 0).then(|| {
        view! {
            <p class="rc-err">
                <Icon name="circle-x" small=true class="mt-px" />
                {format!("A rule fails for {}: they stay as they are.", grouped(counts.failed))}
            </p>
        }
    });
    view! {
        <p>
            <span class="font-medium">{grouped(counts.included)}</span> " in, "
            <span class="font-medium">{grouped(counts.excluded)}</span> " kept out, of "
            {grouped(counts.total)} " in scope."
        </p>
        {fails}
        {unread}
        <ul class="list-disc ps-5">{causes}</ul>
        <Examples title="For example in" of=trial.included object_type=trial.object_type />
        <Examples title="For example kept out" of=trial.excluded object_type=trial.object_type />
        <Examples title="A rule fails for" of=trial.failed object_type=trial.object_type />
    }
    .into_any()
}

#[component]
fn Examples(
    title: &'static str,
    of: Vec<FilteredObject>,
    object_type: ObjectType,
) -> impl IntoView {
    if of.is_empty() {
        return ().into_any();
    }
    let rows = of
        .into_iter()
        .map(|one| {
            let page = one
                .directory_id
                .and_then(|id| routes::object(object_type, id));
            let name = match page {
                Some(page) => view! {
                    <a class="rc-link" href=page>
                        <bdi>{one.display_name}</bdi>
                    </a>
                }
                .into_any(),
                None => view! { <bdi>{one.display_name}</bdi> }.into_any(),
            };
            let why = match (one.cause, one.error) {
                (Some(cause), _) => cause
                    .rule
                    .unwrap_or_else(|| cause.reason.title().to_owned()),
                (None, Some(error)) => error,
                (None, None) => String::new(),
            };
            view! {
                <li class="flex flex-wrap gap-x-3 py-1">
                    {name} <bdi class="text-muted min-w-0 wrap-anywhere">{one.user_principal_name}</bdi>
                    <span class="text-muted min-w-0 wrap-anywhere">{why}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <h4 class="text-muted mt-2">{title}</h4>
        <ul>{rows}</ul>
    }
    .into_any()
}
