//! Pausing and resuming an integration's scheduled runs.

use domain::id::IntegrationId;
use leptos::server;

use super::{
    ConfigurationTab,
    api::integration_head,
    head::{of_integration, use_id},
};
use crate::ui::prelude::*;

/// Pauses the scheduled runs of an integration.
#[server(endpoint = "integrations/pause")]
pub(crate) async fn pause_integration(
    id: IntegrationId,
    #[server(default)] reason: String,
) -> AppResult<Done> {
    use domain::pause::NewPause;
    let (backend, scope) = crate::session::caller().await?;
    let pause = NewPause {
        reason: Some(reason),
    };
    let paused = backend::store::pauses::pause_integration(&backend, &scope, id, pause).await?;
    crate::session::done(
        format!("Scheduled runs of {} are paused", paused.name),
        Some(routes::integration(id)),
    )
    .await
}

/// Resumes the scheduled runs of an integration.
#[server(endpoint = "integrations/resume")]
pub(crate) async fn resume_integration(id: IntegrationId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let resumed = backend::store::pauses::resume_integration(&backend, &scope, id).await?;
    let message = match resumed.pause {
        None => format!("Scheduled runs of {} go on", resumed.name),
        Some(_) => format!("{} is no longer paused by itself", resumed.name),
    };
    crate::session::done(message, None).await
}

/// The dialog over the integration's page.
#[component]
pub fn PauseDialog() -> impl IntoView {
    let id = use_id();
    let head = Resource::new(move || id.get(), |id| of_integration(id, integration_head));
    let post = use_post::<PauseIntegration>();
    view! {
        <ConfigurationTab />
        <Load
            resource=head
            children=move |head| {
                let id = head.integration.id;
                let back = routes::integration(id);
                view! {
                    <Dialog title=format!("Pause {}", head.integration.name) back=back.clone()>
                        <PostForm post=post>
                            <input type="hidden" name="id" value=id.to_string() />
                            <p class="mb-3">
                                "Scheduled runs stop until someone resumes. A run at work goes on, and \
                                 Full Sync still works."
                            </p>
                            <Field
                                name="reason"
                                label="Reason"
                                hint="Optional. Shown to whoever finds it paused."
                                autofocus=true
                            />
                            <DialogFoot back=back>
                                <Submit label="Pause" busy="Pausing" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}
