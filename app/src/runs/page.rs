//! The page of one run, live until it ends.

use domain::{
    id::RunId,
    permission::Permission,
    run::{RunDetail, RunStatus, RunTrigger},
};
use leptos_meta::Title;
use leptos_router::{components::Outlet, hooks::use_params_map};

use super::{
    api::{CancelRun, get_run},
    changes::Changes,
    counts::Counts,
    decision::Decisions,
    preview::AboutPreview,
    progress::Progress,
    sentence::{kind, sentence, who},
};
use crate::{
    session::may,
    ui::{form::Post, prelude::*},
};

/// The run's id in the path. One that can't be read is answered as one that isn't there.
pub(super) fn use_id() -> Memo<Option<RunId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// The run of the path, read again after each change.
pub(super) fn use_run(id: Memo<Option<RunId>>) -> Resource<AppResult<RunDetail>> {
    let follow = use_changes();
    Resource::new(
        move || (id.get(), follow.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => get_run(id).await,
                None => Err(AppError::NotFound {
                    what: "run".to_owned(),
                }),
            }
        },
    )
}

/// The page. Applying a preview is a child route with a dialog.
#[component]
pub fn RunPage() -> impl IntoView {
    let id = use_id();
    let detail = use_run(id);
    let busy = RwSignal::new(false);
    follow_while(busy.into(), move || detail.refetch());
    // A scheduled run that found what an earlier one holds leaves no line of its own.
    Effect::new(move |_| {
        if let Some(Err(AppError::NotFound { .. })) = detail.get() {
            busy.set(false);
        }
    });
    // The list below is read again when the run moved on, not every second. A run that goes on, as
    // an applied preview does, may have ended before it was seen at work.
    let seen = StoredValue::new(None);
    let version = RwSignal::new(0_u32);
    let cancel = use_post::<CancelRun>();
    view! {
        // The list of changes stands below the counts, beside what is said of the run.
        <div class="grid grid-cols-[minmax(0,1fr)] xl:grid-cols-[minmax(0,1fr)_20rem] xl:grid-rows-[auto_auto_1fr] has-[.rc-refused]:block">
            <div class="contents peer">
                <Load
                    resource=detail
                    whole=true
                    children=move |detail: RunDetail| {
                        let run = &detail.run;
                        busy.set(run.status.is_open());
                        let now = (detail.progress.planned, run.status, run.mode);
                        let before = seen.try_update_value(|seen| seen.replace(now)).flatten();
                        if before.is_some_and(|before| before != now) {
                            version.update(|version| *version += 1);
                        }
                        view! { <Run detail=detail cancel=cancel /> }
                    }
                />
            </div>
            <div class="min-w-0 xl:col-start-1 xl:row-start-3 peer-has-[.rc-refused]:hidden">
                <Changes run=id.into() version=version.into() />
            </div>
        </div>
        <Outlet />
    }
    .into_any()
}

#[component]
fn Run(detail: RunDetail, cancel: Post<CancelRun>) -> impl IntoView {
    let run = detail.run.clone();
    let open = run.status.is_open();
    let says = sentence(&run)
        .into_iter()
        .map(|part| {
            if part.strong {
                view! { <b class="font-semibold text-base-content">{part.text}</b> }.into_any()
            } else {
                part.text.into_any()
            }
        })
        .collect_view();
    let what = match &run.object {
        Some(object) => format!("{} of {}", kind(run.mode), who(object)),
        None => kind(run.mode).to_owned(),
    };
    // An import is named after what it is of.
    let title = match run.integration_id {
        Some(_) => format!("{what} of {}", detail.integration_name),
        None => detail.integration_name.clone(),
    };
    view! {
        <Title text=title />
        <div class="px-6 pt-5 pb-4 max-md:px-4 max-md:pt-4 max-xl:-order-2 xl:col-span-2 border-b border-line">
            <Breadcrumb detail=detail.clone() />
            <div class="flex items-start gap-x-4 gap-y-2 flex-wrap">
                <div class="min-w-0 flex-1 basis-96">
                    <div class="flex items-center gap-3 flex-wrap">
                        <h1 class="text-xl">
                            {what}
                            {run.started_at.map(|at| view! { ", " <RelativeTime at=at /> })}
                        </h1>
                        <Tag of=run.status />
                    </div>
                    <p class="text-base text-muted mt-1 max-w-3xl">{says}</p>
                </div>
                {(open && may(Permission::RunsStart))
                    .then(|| {
                        view! {
                            <PostForm post=cancel>
                                <input type="hidden" name="id" value=run.id.to_string() />
                                <Submit label="Cancel run" busy="Cancelling" class="btn" icon="x" />
                            </PostForm>
                        }
                    })}
            </div>
        </div>
        <div class="min-w-0 xl:col-start-1 xl:row-start-2 [&>section:first-child]:border-t-0">
            {open.then(|| view! { <Progress detail=detail.clone() /> })}
            <Counts counts=run.counts.clone() status=run.status mode=run.mode />
        </div>
        <aside
            class="px-6 py-4 max-md:px-4 max-xl:-order-1 max-xl:border-b xl:col-start-2 xl:row-start-2 xl:row-span-2 xl:border-s border-line"
            aria-label="About this run"
        >
            <AboutPreview detail=detail.clone() />
            <Decisions detail=detail.clone() />
            <Cause detail=detail.clone() />
            <About detail=detail />
        </aside>
    }
    .into_any()
}

/// The integration that it is of; of an import, its customer's imports.
#[component]
fn Breadcrumb(detail: RunDetail) -> impl IntoView {
    let name = detail.integration_name.clone();
    let inside = match detail.run.integration_id {
        None => view! {
            <a class="hover:underline" href=routes::customer(detail.customer_id)>
                <bdi>{detail.customer_name.clone()}</bdi>
            </a>
            <span aria-hidden="true">" / "</span>
            <a class="hover:underline" href=routes::customer_imports(detail.customer_id)>
                "Imports"
            </a>
        }
        .into_any(),
        Some(_) if detail.integration_deleted => view! {
            <a class="hover:underline" href=routes::INTEGRATIONS>
                "Integrations"
            </a>
            <span aria-hidden="true">" / "</span>
            <bdi>{name}</bdi>
            ", deleted"
        }
        .into_any(),
        Some(integration) => view! {
            <a class="hover:underline" href=routes::INTEGRATIONS>
                "Integrations"
            </a>
            <span aria-hidden="true">" / "</span>
            <a class="hover:underline" href=routes::integration(integration)>
                <bdi>{name}</bdi>
            </a>
            <span aria-hidden="true">" / "</span>
            <a class="hover:underline" href=routes::integration_history(integration)>
                "Sync History"
            </a>
        }
        .into_any(),
    };
    view! {
        <nav aria-label="Breadcrumb" class="text-xs text-muted mb-1">
            {inside}
        </nav>
    }
    .into_any()
}

/// Why it failed, is partial or is held, and what to do.
#[component]
fn Cause(detail: RunDetail) -> impl IntoView {
    let error = detail.run.error.clone()?;
    let held = detail.run.status == RunStatus::Held;
    let (note, icon, colour) = match detail.run.status {
        RunStatus::Failed => ("rc-note fail mb-4", "circle-x", "text-error mt-0.5"),
        RunStatus::Held => ("rc-note held mb-4", "hand", "text-warning mt-0.5"),
        _ => ("rc-note held mb-4", "circle-alert", "text-warning mt-0.5"),
    };
    let title = if held { "Why it is held" } else { "Why" };
    Some(view! {
        <h2 class="sr-only">{title}</h2>
        <div class=note>
            <Icon name=icon class=colour />
            <div class="min-w-0 wrap-anywhere">
                <p class="font-medium">{error.title}</p>
                <p class="mt-1">{error.detail}</p>
                <p class="mt-2">
                    <b class="font-medium">"To fix it: "</b>
                    {error.fix}
                </p>
                <p class="rc-mono text-muted mt-2">{error.code}</p>
            </div>
        </div>
    })
}

#[component]
fn About(detail: RunDetail) -> impl IntoView {
    let run = detail.run;
    let trigger = match run.trigger {
        RunTrigger::Schedule => "Schedule",
        RunTrigger::Operator => "Operator",
        RunTrigger::Api => "API token",
        RunTrigger::Push => "Notification",
    };
    let trigger = match detail.started_by {
        Some(name) => format!("{trigger}, {name}"),
        None => trigger.to_owned(),
    };
    let folded = (detail.folded > 1).then(|| {
        view! {
            <dt>"Stands for"</dt>
            <dd>
                {format!("{} runs that found nothing", grouped(detail.folded))}
                {detail.last_seen_at.map(|at| view! { ", the last " <RelativeTime at=at /> })}
            </dd>
        }
    });
    view! {
        <dl class="rc-kv rc-num">
            <dt>"Customer"</dt>
            <dd>
                <a class="rc-link" href=routes::customer(detail.customer_id)>
                    <bdi>{detail.customer_name}</bdi>
                </a>
            </dd>
            <dt>"Trigger"</dt>
            <dd>
                <bdi>{trigger}</bdi>
            </dd>
            <dt>"Start Time"</dt>
            <dd>{run.started_at.map(|at| view! { <ExactTime at=at /> })}</dd>
            <dt>"End Time"</dt>
            <dd>
                {match run.ended_at {
                    Some(at) => view! { <ExactTime at=at /> }.into_any(),
                    None => view! { <span class="text-faint">"–"</span> }.into_any(),
                }}
            </dd>
            {folded}
            <dt>"Requests"</dt>
            <dd>{grouped(run.requests)}</dd>
            <dt>"Resource units"</dt>
            <dd>{grouped(run.resource_units)}</dd>
            <dt>"Run"</dt>
            <dd class="rc-mono wrap-anywhere">{run.id.to_string()}</dd>
        </dl>
    }
    .into_any()
}
