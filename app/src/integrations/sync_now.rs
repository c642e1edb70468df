//! Syncing one person alone: the button on the person's page, and beside the answer of "Why?".

use domain::{
    id::{ExternalId, IntegrationId},
    permission::Permission,
};

use crate::{session::may, ui::prelude::*};

/// Starts a run of one object, and leads to its page.
#[server(endpoint = "integrations/sync-object")]
pub(crate) async fn sync_object(id: IntegrationId, object: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let trigger = domain::run::RunTrigger::Operator;
    let run = backend::sync::sync_object(&backend, &scope, id, &object, trigger).await?;
    let to = crate::routes::run(run.id);
    crate::session::done("The sync of this person is queued", Some(to)).await
}

/// The button, for whoever may start runs.
#[component]
pub fn SyncNow(
    /// The integration that the person comes from.
    integration: IntegrationId,
    /// The person's object id in the source.
    object: ExternalId,
) -> impl IntoView {
    let post = use_post::<SyncObject>();
    may(Permission::RunsStart).then(|| {
        view! {
            <PostForm post=post>
                <input type="hidden" name="id" value=integration.to_string() />
                <input type="hidden" name="object" value=object.to_string() />
                <Submit label="Sync now" busy="Starting" class="btn" icon="refresh-cw" />
            </PostForm>
        }
    })
}
