//! One integration: what is true of it, what can be started, and its tabs.

use domain::{
    id::{IntegrationId, RunId},
    integration::{Integration, IntegrationState},
    pause::PauseLevel,
    permission::Permission,
    run::{RunDetail, RunMode, RunStatus},
};
use leptos_router::{components::Outlet, hooks::use_params_map};

use super::{
    api::{CancelSync, FullSync, HeadView, PreviewSync, integration_head},
    pause::ResumeIntegration,
    why::WhyBox,
};
use crate::{
    session::may,
    ui::{
        duration::left, form::Post, menu::Menu, page::Tabs, pause::PauseNote, prelude::*,
        time::now_millis,
    },
};

/// The integration's id in the path. One that can't be read is answered as one that isn't there.
pub(super) fn use_id() -> Memo<Option<IntegrationId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// Asks `read` about the integration in the path.
pub(super) async fn of_integration<T, F>(
    id: Option<IntegrationId>,
    read: impl FnOnce(IntegrationId) -> F,
) -> AppResult<T>
where
    F: Future<Output = AppResult<T>>,
{
    match id {
        Some(id) => read(id).await,
        None => Err(AppError::NotFound {
            what: "integration".to_owned(),
        }),
    }
}

/// The page around the tabs, live. Deleting is a child route with a dialog.
#[component]
pub fn IntegrationPage() -> impl IntoView {
    let id = use_id();
    let changes = use_changes();
    let head = Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| of_integration(id, integration_head),
    );
    let busy = RwSignal::new(false);
    follow_while(busy.into(), move || head.refetch());
    follow_idle(move || head.refetch());
    let sync = use_post::<FullSync>();
    let preview = use_post::<PreviewSync>();
    let cancel = use_post::<CancelSync>();
    let resume = use_post::<ResumeIntegration>();
    let tabs = move || {
        id.get().map(|id| {
            let tabs = vec![
                (routes::integration(id), "Tenant Configuration".to_owned()),
                (routes::integration_history(id), "Sync History".to_owned()),
                (routes::integration_groups(id), "Groups".to_owned()),
                (routes::integration_filters(id), "Filters".to_owned()),
                (routes::integration_attributes(id), "Attributes".to_owned()),
                (routes::integration_matches(id), "Matching".to_owned()),
                (routes::integration_template(id), "Template".to_owned()),
                (routes::integration_versions(id), "Versions".to_owned()),
                (routes::integration_file(id), "Settings File".to_owned()),
            ];
            view! { <Tabs label="Integration" tabs=tabs /> }
        })
    };
    view! {
        <div class="contents peer">
            <Load
                resource=head
                whole=true
                children=move |head| {
                    busy.set(head.last.as_ref().is_some_and(|run| run.run.status.is_open()));
                    view! {
                        <Head
                            head=head
                            sync=sync
                            preview=preview
                            cancel=cancel
                            resume=resume
                        />
                    }
                }
            />
        </div>
        // Below a refusal there are no tabs either.
        <div class="contents peer-has-[.rc-refused]:hidden">
            {may(Permission::DirectoryRead).then(|| view! { <WhyBox id=id /> })} {tabs} <Outlet />
        </div>
    }
    .into_any()
}

#[component]
fn Head(
    head: HeadView,
    sync: Post<FullSync>,
    preview: Post<PreviewSync>,
    cancel: Post<CancelSync>,
    resume: Post<ResumeIntegration>,
) -> impl IntoView {
    let HeadView {
        integration,
        customer_name,
        last,
        matches_waiting,
    } = head;
    let id = integration.id;
    let open = last
        .as_ref()
        .filter(|run| run.run.status.is_open())
        .map(|run| run.run.id);
    let not_started = integration.state == IntegrationState::NotStarted && open.is_none();
    let quarantined = integration.state == IntegrationState::Quarantined && open.is_none();
    let paused = integration
        .pause
        .as_ref()
        .is_some_and(|pause| pause.level == PauseLevel::Integration);
    let facts = {
        let (integration, last) = (integration.clone(), last.clone());
        let customer_name = customer_name.clone();
        move || {
            view! { <Facts integration=integration customer_name=customer_name last=last /> }
                .into_any()
        }
    };
    view! {
        <PageHead
            title=integration.name.clone()
            parent=(routes::INTEGRATIONS.to_owned(), "Integrations".to_owned())
            facts=facts
        >
            {may(Permission::RunsStart)
                .then(|| {
                    view! {
                        <Buttons
                            id=id
                            open=open
                            lead=not_started
                            sync=sync
                            preview=preview
                            cancel=cancel
                        />
                    }
                })}
            {may(Permission::IntegrationsWrite).then(|| view! { <More id=id paused=paused /> })}
        </PageHead>
        <Paused integration=integration.clone() customer_name=customer_name resume=resume />
        {quarantined.then(|| view! { <Quarantine id=id /> })}
        {(matches_waiting > 0).then(|| view! { <MatchesWait id=id number=matches_waiting /> })}
        <Running error=sync.error() />
        <Running error=preview.error() />
        {not_started.then(|| view! { <FirstSteps id=id preview=preview /> })}
    }
    .into_any()
}

#[component]
fn Buttons(
    id: IntegrationId,
    open: Option<RunId>,
    lead: bool,
    sync: Post<FullSync>,
    preview: Post<PreviewSync>,
    cancel: Post<CancelSync>,
) -> impl IntoView {
    let class = if lead { "btn btn-primary" } else { "btn" };
    view! {
        {open
            .map(|run| {
                view! {
                    <PostForm post=cancel class="contents">
                        <input type="hidden" name="run_id" value=run.to_string() />
                        <Submit label="Cancel run" busy="Cancelling" class="btn" icon="x" />
                    </PostForm>
                }
            })}
        <PostForm post=preview class="contents">
            <input type="hidden" name="id" value=id.to_string() />
            <Submit label="Preview" busy="Starting" class="btn" icon="eye" />
        </PostForm>
        <PostForm post=sync class="contents">
            <input type="hidden" name="id" value=id.to_string() />
            <Submit label="Full Sync" busy="Starting" class=class icon="refresh-cw" />
        </PostForm>
    }
    .into_any()
}

#[component]
fn More(id: IntegrationId, paused: bool) -> impl IntoView {
    view! {
        <Menu
            class="btn btn-square"
            label="More actions"
            panel="end-0 w-48"
            summary=move || view! { <Icon name="ellipsis" /> }.into_any()
        >
            <ul class="p-1">
                {(!paused)
                    .then(|| {
                        view! {
                            <li>
                                <a
                                    class="rc-opt hover:bg-hover"
                                    href=routes::integration_pause(id)
                                    data-noscroll="true"
                                >
                                    <Icon name="circle-pause" class="text-muted" />
                                    "Pause"
                                </a>
                            </li>
                        }
                    })}
                <li>
                    <a
                        class="rc-opt hover:bg-hover"
                        href=routes::integration_delete(id)
                        data-noscroll="true"
                    >
                        <Icon name="trash-2" class="text-muted" />
                        "Delete"
                    </a>
                </li>
            </ul>
        </Menu>
    }
    .into_any()
}

/// That somebody may be here already, and where that is decided.
#[component]
fn MatchesWait(id: IntegrationId, number: i64) -> impl IntoView {
    let who = counted(number, "person waits", "people wait");
    view! {
        <div class="px-6 pb-3 max-md:px-4">
            <div class="rc-note max-w-3xl">
                <Icon name="user-check" class="text-warning mt-0.5" />
                <p class="min-w-0">
                    {who} " for a decision whether they are here already. "
                    <a class="rc-link" href=routes::integration_matches(id)>
                        "Decide"
                    </a>
                </p>
            </div>
        </div>
    }
    .into_any()
}

/// A second press while one runs explains itself.
#[component]
fn Running(error: Signal<Option<AppError>>) -> impl IntoView {
    move || match error.get() {
        Some(AppError::Conflict {
            message,
            run_id: Some(run),
        }) => Some(view! {
            <div class="px-6 pb-3 max-md:px-4">
                <div class="rc-note run max-w-3xl" role="status">
                    <Icon name="info" class="text-link mt-0.5" />
                    <p class="min-w-0">
                        {message} " "
                        <a class="rc-link" href=routes::run(run)>
                            "See it"
                        </a>
                    </p>
                </div>
            </div>
        }),
        _ => None,
    }
}

/// That it doesn't run by itself, and the way to change that. While everything is paused the frame
/// says so on every page.
#[component]
fn Paused(
    integration: Integration,
    customer_name: String,
    resume: Post<ResumeIntegration>,
) -> impl IntoView {
    let id = integration.id;
    let pause = integration
        .pause
        .filter(|pause| pause.level != PauseLevel::All)?;
    let own = pause.level == PauseLevel::Integration;
    let title = if own {
        "Scheduled runs are paused".to_owned()
    } else {
        format!("Scheduled runs of all integrations of {customer_name} are paused")
    };
    let customer = routes::customer(integration.customer_id);
    let way = match (own, may(Permission::IntegrationsWrite)) {
        (true, true) => view! {
            <PostForm post=resume class="contents">
                <input type="hidden" name="id" value=id.to_string() />
                <Submit label="Resume" busy="Resuming" class="btn" icon="play" />
            </PostForm>
        }
        .into_any(),
        (true, false) => ().into_any(),
        (false, _) => view! { <a class="btn" href=customer>"See the customer"</a> }.into_any(),
    };
    Some(view! { <PauseNote pause=pause title=title>{way}</PauseNote> })
}

/// Why it no longer runs by itself, and what makes it do so again.
#[component]
fn Quarantine(id: IntegrationId) -> impl IntoView {
    view! {
        <section class="px-6 pb-3 max-md:px-4" aria-label="Quarantined">
            <div class="rc-note fail max-w-3xl">
                <Icon name="shield-alert" class="text-error mt-0.5" />
                <div class="min-w-0">
                    <p class="font-medium">
                        "Scheduled runs stopped: sign-in was refused again and again"
                    </p>
                    <p class="text-muted">
                        "Correct the "
                        <a class="rc-link" href=format!("{}#f-profile", routes::integration(id))>
                            "credential"
                        </a>
                        ". Once Test Connection passes or a Full Sync succeeds, they go on by themselves."
                    </p>
                </div>
            </div>
        </section>
    }
    .into_any()
}

/// What leads a new integration: nothing starts by itself before its first full run.
#[component]
fn FirstSteps(id: IntegrationId, preview: Post<PreviewSync>) -> impl IntoView {
    view! {
        <section class="px-6 pb-4 max-md:px-4" aria-label="What comes next">
            <div class="rc-note max-w-3xl">
                <Icon name="circle-dashed" class="text-muted mt-0.5" />
                <div class="min-w-0">
                    <p class="font-medium">"Nothing was read from this tenant yet"</p>
                    <ol class="list-decimal ps-5 text-muted">
                        <li>
                            "Pick groups under "
                            <a class="rc-link" href=format!("{}#f-groups", routes::integration(id))>
                                "Selected Groups"
                            </a>
                            ", or none for the whole tenant, and save."
                        </li>
                        {may(Permission::RunsStart)
                            .then(|| {
                                view! {
                                    <li>
                                        <PostForm post=preview class="inline">
                                            <input type="hidden" name="id" value=id.to_string() />
                                            <Submit
                                                label="Look at a preview"
                                                busy="Starting a preview"
                                                class="rc-link underline cursor-pointer min-h-6"
                                            />
                                        </PostForm>
                                        ": who would come in and who would stay out. It changes nothing."
                                    </li>
                                }
                            })}
                        <li>
                            "Press Full Sync. The first run is yours to start; after it has succeeded it \
                             goes by its schedule."
                        </li>
                    </ol>
                </div>
            </div>
        </section>
    }
    .into_any()
}

/// The status, what is behind it, and when it runs next.
#[component]
fn Facts(
    integration: Integration,
    customer_name: String,
    last: Option<RunDetail>,
) -> impl IntoView {
    let schedule = integration.schedule.title();
    // Said for a failing one on a narrow page too: why nothing happens for hours.
    let failing = integration.state == IntegrationState::Failing && integration.failures > 0;
    let (word, why, class) = if failing {
        let failures = counted(integration.failures, "failure", "failures in a row");
        ("Next try ", format!(", after {failures}"), "")
    } else {
        ("Next run ", format!(", {schedule}"), "max-md:hidden")
    };
    let next = integration
        .next_run_at
        .map(|at| view! { <span class=class>{word} <RelativeTime at=at /> {why}</span> });
    let customer = routes::customer(integration.customer_id);
    view! {
        <Status of=mark(&integration, last.as_ref()) />
        {last.map(|run| view! { <LastRun run=run /> })}
        {next}
        <a class="hover:underline underline-offset-2" href=customer>
            <bdi>{customer_name}</bdi>
        </a>
    }
    .into_any()
}

/// The one word for how it is: an open or a held run before the integration's own state.
fn mark(integration: &Integration, last: Option<&RunDetail>) -> Mark {
    // The newest run may be a preview, which says nothing of how the directory is.
    let open = last.map(|run| run.run.status).filter(|last| last.is_open());
    match (open, integration.state, integration.last_sync_status) {
        (Some(status), _, _)
        | (None, IntegrationState::Ok, Some(status @ (RunStatus::Held | RunStatus::Partial))) => {
            status.into()
        }
        (None, state, _) => state.into(),
    }
}

/// What the newest run is or was, in a few words and with a way to it.
#[component]
fn LastRun(run: RunDetail) -> impl IntoView {
    let to = routes::run(run.run.id);
    let what = match run.run.mode {
        RunMode::Full => "Full sync",
        RunMode::Delta => "Delta sync",
        RunMode::Preview => "Preview",
        RunMode::Object => "Single sync",
        RunMode::Import => "Import",
    };
    let by = run
        .started_by
        .as_ref()
        .map(|name| format!(" by {name}"))
        .unwrap_or_default();
    let at = run.run.started_at;
    let when = move || at.map(|at| view! { " " <RelativeTime at=at /> });
    match run.run.status {
        RunStatus::Queued => view! {
            <a class="rc-link" href=to>{format!("{what} waits for a worker")}</a>
        }
        .into_any(),
        RunStatus::Running => {
            let percent = run.progress.percent();
            let began = at.map_or(0, |at| at.timestamp_millis());
            view! {
                <span>
                    <a class="rc-link" href=to>{format!("{what} started{by}")}</a>
                    {when()}
                </span>
                <span class="rc-num">
                    {percent.map(|percent| format!("{percent} %"))}
                    {move || left(began, now_millis(), percent).map(|left| format!(", {left} left"))}
                </span>
            }
            .into_any()
        }
        _ => {
            let says = run.run.error.as_ref().map_or_else(
                || run.run.status.title().to_owned(),
                |error| error.title.clone(),
            );
            view! {
                <span>
                    {what} {when()} ": "
                    <a class="rc-link" href=to>{says}</a>
                </span>
            }
            .into_any()
        }
    }
}
