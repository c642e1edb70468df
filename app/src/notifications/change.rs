//! Changing a recipient, giving a webhook a new signing secret, removing a recipient.

use domain::{
    id::NotificationRecipientId,
    notification::{NotificationCause, OLD_SECRET_HOURS, RecipientKind},
};
use leptos::server;
use leptos_router::hooks::use_params_map;

use super::{
    Causes,
    add::{Secret, offer_secret},
    recipient::use_recipient,
};
use crate::ui::prelude::*;

/// Changes address and causes.
#[server(endpoint = "notifications/change")]
pub(crate) async fn change_recipient(
    id: NotificationRecipientId,
    address: String,
    #[server(default)] causes: Vec<NotificationCause>,
) -> AppResult<Done> {
    use domain::notification::NotificationRecipientChange;
    let (backend, scope) = crate::session::caller().await?;
    let change = NotificationRecipientChange {
        address: Some(address),
        causes: Some(causes),
        ..NotificationRecipientChange::default()
    };
    backend::store::notification_recipients::change(&backend, &scope, id, change).await?;
    crate::session::done("Saved", Some(routes::notification_recipient(id))).await
}

/// Gives a webhook the signing secret that the form showed.
#[server(endpoint = "notifications/rotate-secret")]
pub(crate) async fn rotate_secret(
    id: NotificationRecipientId,
    sealed_secret: String,
) -> AppResult<Done> {
    use backend::store::notification_recipients;
    let (backend, scope) = crate::session::caller().await?;
    notification_recipients::rotate_to(&backend, &scope, id, &sealed_secret).await?;
    crate::session::done(
        format!("Messages are signed with the new secret; for {OLD_SECRET_HOURS} hours with the old one too"),
        Some(routes::notification_recipient(id)),
    )
    .await
}

/// Removes a recipient.
#[server(endpoint = "notifications/delete")]
pub(crate) async fn remove_recipient(id: NotificationRecipientId) -> AppResult<Done> {
    use super::recipient::list_of;
    use backend::store::notification_recipients;
    let (backend, scope) = crate::session::caller().await?;
    let recipient = notification_recipients::get(&backend, &scope, id).await?;
    notification_recipients::delete(&backend, &scope, id).await?;
    crate::session::done(
        format!("{} is told nothing any more", recipient.address),
        Some(list_of(&recipient)),
    )
    .await
}

/// Edit: address and causes.
#[component]
pub fn EditDialog() -> impl IntoView {
    let recipient = use_recipient();
    let post = use_post::<ChangeRecipient>();
    view! {
        <Load resource=recipient let:view>
            <Dialog title="Edit Recipient" back=routes::notification_recipient(view.recipient.id)>
                <PostForm post=post class="flex flex-col gap-4">
                    <input type="hidden" name="id" value=view.recipient.id.to_string() />
                    <Field
                        name="address"
                        label=match view.recipient.kind {
                            RecipientKind::Mail => "E-mail address",
                            RecipientKind::Webhook => "Address",
                        }
                        value=view.recipient.address.clone()
                        autofocus=true
                    />
                    <Causes chosen=post
                        .filled_in()
                        .map_or_else(|| view.recipient.causes.clone(), |given| given.causes) />
                    <DialogFoot back=routes::notification_recipient(view.recipient.id)>
                        <Submit label="Save" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// New signing secret.
#[component]
pub fn SecretDialog() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params.with(|params| params.get("id")?.parse::<NotificationRecipientId>().ok())
    });
    let offered = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => offer_secret(None, Some(id)).await,
                None => Err(AppError::NotFound {
                    what: "recipient".to_owned(),
                }),
            }
        },
    );
    let post = use_post::<RotateSecret>();
    view! {
        <Load resource=offered let:offered>
            <Dialog title="New signing secret" back=routes::notification_recipient(offered.id)>
                <PostForm post=post class="flex flex-col gap-4">
                    <p>
                        {format!(
                            "Messages are signed with it from now on, and for {OLD_SECRET_HOURS} hours \
                             with the old one too, so that the receiver can change over.",
                        )}
                    </p>
                    <Secret offered=offered.clone() />
                    <DialogFoot back=routes::notification_recipient(offered.id)>
                        <Submit label="Use this secret" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// Remove: with what waits for it.
#[component]
pub fn RemoveDialog() -> impl IntoView {
    let recipient = use_recipient();
    let post = use_post::<RemoveRecipient>();
    view! {
        <Load resource=recipient let:view>
            <Dialog
                title="Remove Recipient"
                back=routes::notification_recipient(view.recipient.id)
            >
                <PostForm post=post>
                    <input type="hidden" name="id" value=view.recipient.id.to_string() />
                    <p>
                        <bdi class="font-medium wrap-anywhere">{view.recipient.address.clone()}</bdi>
                        " is told nothing any more, and what still waits for it is not sent."
                    </p>
                    <DialogFoot back=routes::notification_recipient(view.recipient.id)>
                        <Submit label="Remove" busy="Removing" class="btn btn-error" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}
