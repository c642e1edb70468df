//! Pausing everything: the banner on every page while it is so, and the dialog that does it.

use domain::{pause::Pause, permission::Permission};
use leptos::{prelude::*, server, server_fn::codec::Json, task::spawn_local};
use leptos_router::hooks::use_location;

use crate::{
    error::AppResult,
    routes,
    session::{may, use_operator},
    ui::{
        dialog::{Dialog, DialogFoot},
        form::{Done, Field, PostForm, Submit, use_post},
        icon::Icon,
        live::use_changes,
        pause::PausedBy,
    },
};

/// Whether everything is paused.
#[server(endpoint = "sync/standing", input = Json)]
pub(crate) async fn sync_standing() -> AppResult<Option<Pause>> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::pauses::standing(&backend, &scope)
        .await?
        .pause)
}

/// Pauses the scheduled runs of every customer.
#[server(endpoint = "sync/pause")]
pub(crate) async fn pause_all(#[server(default)] reason: String) -> AppResult<Done> {
    use domain::pause::NewPause;
    let (backend, scope) = crate::session::caller().await?;
    let pause = NewPause {
        reason: Some(reason),
    };
    backend::store::pauses::pause_all(&backend, &scope, pause).await?;
    crate::session::done(
        "All scheduled runs are paused",
        Some(routes::INTEGRATIONS.to_owned()),
    )
    .await
}

/// Resumes the scheduled runs of every customer.
#[server(endpoint = "sync/resume")]
pub(crate) async fn resume_all() -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::pauses::resume_all(&backend, &scope).await?;
    crate::session::done("Scheduled runs go on", None).await
}

/// Whether the person may pause everything.
pub(crate) fn may_pause_all() -> bool {
    may(Permission::SyncPauseAll) && use_operator().sees_all
}

/// On every page while everything is paused. Looked at again after each change and on each page.
#[component]
pub fn PausedBanner() -> impl IntoView {
    let pause = RwSignal::new(use_operator().sync_pause);
    let changes = use_changes();
    let path = use_location().pathname;
    Effect::new(move |before: Option<(u32, String)>| {
        let now = (changes.follow(), path.get());
        if before.is_some_and(|before| before != now) {
            spawn_local(async move {
                if let Ok(standing) = sync_standing().await {
                    pause.try_set(standing);
                }
            });
        }
        now
    });
    let resume = use_post::<ResumeAll>();
    let may_resume = may_pause_all();
    move || {
        pause.get().map(|pause| {
            view! {
                <section
                    class="flex items-center gap-x-3 gap-y-2 flex-wrap px-6 py-2 border-b border-line bg-base-200 max-md:px-4"
                    aria-label="Everything is paused"
                >
                    <Icon name="circle-pause" class="text-muted" />
                    <p class="min-w-0 flex-1">
                        <span class="font-medium">"All scheduled runs are paused"</span>
                        " "
                        <span class="text-muted"><PausedBy pause=pause /></span>
                    </p>
                    {may_resume
                        .then(|| {
                            view! {
                                <PostForm post=resume class="contents">
                                    <Submit label="Resume all" busy="Resuming" class="btn btn-sm" icon="play" />
                                </PostForm>
                            }
                        })}
                </section>
            }
        })
    }
}

/// Pause All, over the list of integrations.
#[component]
pub fn PauseAllDialog() -> impl IntoView {
    let post = use_post::<PauseAll>();
    view! {
        <Dialog title="Pause all scheduled runs" back=routes::INTEGRATIONS>
            <PostForm post=post>
                <p class="mb-3">
                    "Scheduled runs of every customer stop until an owner resumes. Runs at work go on, \
                     and what a person or a program starts still runs."
                </p>
                <Field
                    name="reason"
                    label="Reason"
                    hint="Optional. Shown to everyone, on every page."
                    autofocus=true
                />
                <DialogFoot back=routes::INTEGRATIONS>
                    <Submit label="Pause all" busy="Pausing" />
                </DialogFoot>
            </PostForm>
        </Dialog>
    }
    .into_any()
}
