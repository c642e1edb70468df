//! A run that stopped before applying: what it is a preview of, and "Apply exactly this".

use domain::{
    difference::Difference,
    permission::Permission,
    policy::ObjectType,
    run::{CountLine, PreviewDetail, Run, RunDetail, RunMode, RunPreview, RunStatus},
};

use super::{
    api::ApplyRun,
    page::{use_id, use_run},
    sentence::of,
};
use crate::{
    session::may,
    ui::{form::Post, prelude::*},
};

/// Whether the person may apply it: with settings that aren't saved, only who may save them.
fn may_apply(preview: RunPreview) -> bool {
    may(Permission::RunsStart) && (!preview.unsaved || may(Permission::IntegrationsWrite))
}

/// What is said of a preview beside its counts; nothing of any other run.
#[component]
pub fn AboutPreview(
    /// The run.
    detail: RunDetail,
) -> impl IntoView {
    let preview = detail.run.preview?;
    let about = detail.preview.clone()?;
    let title = if preview.unsaved {
        "A preview of settings that aren’t saved"
    } else {
        "A preview of the saved settings"
    };
    let settings = about.settings.clone();
    Some(view! {
        <section class="mb-5 pb-5 border-b border-line" aria-labelledby="h-preview">
            <h2 class="text-base" id="h-preview">
                {title}
            </h2>
            {(detail.run.mode == RunMode::Preview)
                .then(|| view! { <p class="mt-1">"Nothing was changed."</p> })}
            {(!settings.is_empty()).then(|| view! { <Settings settings=settings.clone() /> })}
            <Applying run=detail.run.clone() preview=preview about=about />
            {(detail.run.mode == RunMode::Preview && preview.unsaved && !detail.integration_deleted
                && may(Permission::IntegrationsWrite))
                .then(|| view! { <BackToSettings run=detail.run.clone() settings=settings /> })}
        </section>
    })
}

/// Settings that the tab Filters alone has, as differences name them.
const ON_FILTERS: [&str; 5] = [
    "Administrators",
    "Disabled in the source",
    "Domains",
    "User names",
    "Without a license",
];

/// The way back to the form, with these settings filled in: rules for attributes and filters have
/// tabs of their own.
#[component]
fn BackToSettings(run: Run, settings: Vec<Difference>) -> impl IntoView {
    let of_attributes = |setting: &Difference| setting.name.starts_with("Mapping of ");
    let of_filters = |setting: &Difference| {
        setting.name.starts_with("Filter of ") || ON_FILTERS.contains(&setting.name.as_str())
    };
    // Only an import has no integration, and none is a preview.
    let integration = run.integration_id?;
    let to = if !settings.is_empty() && settings.iter().all(of_attributes) {
        routes::integration_attributes_with_preview(integration, run.id)
    } else if settings.iter().any(of_filters) {
        routes::integration_filters_with_preview(integration, run.id)
    } else {
        routes::integration_with_preview(integration, run.id)
    };
    let way = view! {
        <p class="mt-3">
            <a class="btn" href=to>
                <Icon name="arrow-left" />
                "Back to these settings"
            </a>
        </p>
    };
    Some(way.into_any())
}

/// The settings that differ from the saved ones, as they were and as they would become.
#[component]
fn Settings(settings: Vec<Difference>) -> impl IntoView {
    let rows = settings
        .into_iter()
        .map(
            |Difference {
                 name,
                 before,
                 after,
             }| {
                view! {
                    <dt class="font-medium">{name}</dt>
                    <dd class="wrap-anywhere mb-1.5">
                        <bdi class="rc-old">{before}</bdi>
                        <Icon name="arrow-right" small=true class="text-faint mx-1 inline-block" />
                        <span class="sr-only">"becomes"</span>
                        <bdi>{after}</bdi>
                    </dd>
                }
            },
        )
        .collect_view();
    view! { <dl class="mt-2">{rows}</dl> }.into_any()
}

/// The way to "Apply exactly this", or why there is none.
#[component]
fn Applying(run: Run, preview: RunPreview, about: PreviewDetail) -> impl IntoView {
    let address = use_address();
    if run.mode != RunMode::Preview {
        let says = match run.status {
            status if status.is_open() => "It is being applied as it was shown.",
            RunStatus::Succeeded => "It was applied as it was shown.",
            // The run itself tells how far it came.
            _ => return ().into_any(),
        };
        return view! { <p class="mt-2 text-muted">{says}</p> }.into_any();
    }
    if run.status.is_open() {
        return view! { <p class="mt-2 text-muted">"Once it has ended it can be applied."</p> }
            .into_any();
    }
    if about.refusal.is_some() {
        return view! { <Refused about=about /> }.into_any();
    }
    let until = preview.apply_until.map(|at| {
        view! {
            <p class="mt-2 text-muted">
                "It can be applied until the next run of the integration, at the latest until "
                <ExactTime at=at /> "."
            </p>
        }
    });
    let way = if may_apply(preview) {
        let to = routes::run_apply(run.id);
        view! {
            <a
                class="btn btn-primary mt-3"
                href=move || address.at(&to, &[])
                data-noscroll="true"
            >
                <Icon name="check-check" />
                "Apply exactly this"
            </a>
        }
        .into_any()
    } else {
        view! {
            <p class="rc-hint mt-2">"Only who may change the integration’s settings can apply it."</p>
        }
        .into_any()
    };
    view! {
        {until}
        {way}
    }
    .into_any()
}

/// Why it can't be applied, and the run in the way.
#[component]
fn Refused(about: PreviewDetail) -> impl IntoView {
    let run = about.refused_for.map(|run| {
        view! {
            " "
            <a class="rc-link" href=routes::run(run)>
                "See the run"
            </a>
        }
    });
    view! {
        <div class="rc-note mt-3">
            <Icon name="info" class="text-muted mt-0.5" />
            <p class="min-w-0">{about.refusal} {run}</p>
        </div>
    }
    .into_any()
}

/// What applying would do: a verb, and how many of each type.
fn effects(run: &Run) -> Vec<(&'static str, String)> {
    type Number = fn(&CountLine) -> i64;
    let verbs: [(&str, Number); 6] = [
        ("Create", |line| line.created),
        ("Update", |line| line.updated),
        ("Enable", |line| line.enabled),
        ("Disable", |line| line.disabled),
        ("Delete", |line| line.deleted),
        ("Restore", |line| line.restored),
    ];
    let objects = verbs.map(|(verb, number)| {
        let lines = run.counts.iter();
        let lines = lines.filter(|line| line.object_type != ObjectType::Membership);
        (verb, numbers(lines, number))
    });
    // A membership comes and goes; it isn't created or deleted for anybody who reads this.
    let memberships = |number: Number| {
        let lines = run.counts.iter();
        numbers(
            lines.filter(|line| line.object_type == ObjectType::Membership),
            number,
        )
    };
    let memberships = [
        ("Add", memberships(|line| line.created)),
        ("Remove", memberships(|line| line.deleted)),
    ];
    objects
        .into_iter()
        .chain(memberships)
        .filter(|(_, what)| !what.is_empty())
        .collect()
}

/// "38 users, 4 groups"; empty where there are none.
fn numbers<'a>(
    lines: impl Iterator<Item = &'a CountLine>,
    number: impl Fn(&CountLine) -> i64,
) -> String {
    lines
        .map(|line| (number(line), line.object_type))
        .filter(|(number, _)| *number > 0)
        .map(|(number, object_type)| of(number, object_type))
        .collect::<Vec<_>>()
        .join(", ")
}

/// "Apply exactly this": a question with its numbers, over the run's page.
#[component]
pub fn ApplyDialog() -> impl IntoView {
    let id = use_id();
    let detail = use_run(id);
    let post = use_post::<ApplyRun>();
    let back = move || id.get_untracked().map(routes::run).unwrap_or_default();
    view! {
        <Dialog title="Apply exactly this?" back=back()>
            <Load
                resource=detail
                children=move |detail: RunDetail| {
                    view! { <Question detail=detail post=post back=back() /> }
                }
            />
        </Dialog>
    }
    .into_any()
}

#[component]
fn Question(detail: RunDetail, post: Post<ApplyRun>, back: String) -> impl IntoView {
    let (Some(preview), Some(about)) = (detail.run.preview, detail.preview) else {
        return view! { <p>"This run is no preview: there is nothing to apply."</p> }.into_any();
    };
    let run = detail.run;
    if about.refusal.is_some() {
        return view! { <Refused about=about /> }.into_any();
    }
    let takes = run
        .counts
        .iter()
        .any(|line| line.disabled > 0 || line.deleted > 0);
    let class = if takes {
        "btn btn-error"
    } else {
        "btn btn-primary"
    };
    let rows = effects(&run)
        .into_iter()
        .map(|(verb, what)| view! { <dt>{verb}</dt> <dd>{what}</dd> })
        .collect_view();
    let held = numbers(run.counts.iter(), |line| line.held);
    let held = (!held.is_empty()).then(|| {
        view! {
            <p class="mt-3">
                <b class="font-medium">{held}</b>
                " would be held: they wait for a decision, in this run."
            </p>
        }
    });
    let settings = about.settings.into_iter().map(|one| one.name);
    let settings = settings.collect::<Vec<_>>().join(", ");
    let saved = preview.unsaved.then(|| {
        view! {
            <p class="mt-3">
                "The settings are saved with it: " <b class="font-medium">{settings}</b> "."
            </p>
        }
    });
    view! {
        <PostForm post=post>
            <input type="hidden" name="id" value=run.id.to_string() />
            <p class="text-muted">
                "In the directory of " <bdi>{detail.customer_name}</bdi>
                ", and nothing else: the source isn’t read again."
            </p>
            <dl class="rc-kv rc-num mt-3">{rows}</dl>
            {held}
            {saved}
            <DialogFoot back=back>
                {may_apply(preview)
                    .then(|| {
                        view! {
                            <Submit
                                label="Apply exactly this"
                                busy="Starting"
                                class=class
                                icon="check-check"
                            />
                        }
                    })}
            </DialogFoot>
        </PostForm>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use domain::{
        id::{IntegrationId, RunId},
        run::{LineStatus, RunStatus, RunTrigger},
    };
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_question_says_how_many_of_each() {
        let line = |object_type| CountLine::new(object_type, LineStatus::Succeeded);
        let run = Run {
            id: RunId(Uuid::nil()),
            integration_id: Some(IntegrationId(Uuid::nil())),
            mode: RunMode::Preview,
            trigger: RunTrigger::Operator,
            status: RunStatus::Succeeded,
            started_at: None,
            ended_at: None,
            error: None,
            requests: 0,
            resource_units: 0,
            counts: vec![
                CountLine {
                    created: 1_200,
                    disabled: 1,
                    held: 12,
                    ..line(ObjectType::User)
                },
                CountLine {
                    created: 4,
                    ..line(ObjectType::Group)
                },
                CountLine {
                    created: 112,
                    deleted: 8,
                    ..line(ObjectType::Membership)
                },
            ],
            replaced_by: None,
            preview: None,
            object: None,
        };
        let says = effects(&run)
            .into_iter()
            .map(|(verb, what)| format!("{verb} {what}"));
        assert_eq!(
            says.collect::<Vec<_>>(),
            [
                "Create 1,200 users, 4 groups",
                "Disable 1 user",
                "Add 112 memberships",
                "Remove 8 memberships",
            ]
        );
        assert_eq!(numbers(run.counts.iter(), |line| line.held), "12 users");
    }
}
