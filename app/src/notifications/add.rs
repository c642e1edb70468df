//! Add Recipient. The signing secret of a webhook is shown in the form, before anything is kept:
//! it goes back sealed, so that it was made here for sure and is told this once.

use domain::{
    id::{CustomerId, NotificationRecipientId},
    notification::{NotificationCause, RecipientKind},
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

use super::Causes;
use crate::ui::prelude::*;

/// A signing secret to show, and its sealed form to send back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The recipient it is for.
    pub(super) id: NotificationRecipientId,
    /// The secret.
    pub(super) secret: String,
    /// The same, sealed.
    pub(super) sealed: String,
}

/// Makes a signing secret for a recipient, or for a new one.
#[server(endpoint = "notifications/offer-secret", input = Json)]
pub(crate) async fn offer_secret(
    customer: Option<CustomerId>,
    id: Option<NotificationRecipientId>,
) -> AppResult<Offered> {
    use backend::store::notification_recipients;
    let (backend, scope) = crate::session::caller().await?;
    let offered = notification_recipients::offer_secret(&backend, &scope, customer, id).await?;
    Ok(Offered {
        id: offered.id,
        secret: offered.shown(),
        sealed: offered.sealed,
    })
}

/// Adds a recipient to a customer, or to the installation where there is none.
#[server(endpoint = "notifications/add")]
pub(crate) async fn add_recipient(
    customer_id: Option<CustomerId>,
    kind: RecipientKind,
    address: String,
    #[server(default)] causes: Vec<NotificationCause>,
    id: Option<NotificationRecipientId>,
    sealed_secret: Option<String>,
) -> AppResult<Done> {
    use backend::store::notification_recipients;
    use domain::notification::NewNotificationRecipient;
    let (backend, scope) = crate::session::caller().await?;
    let new = NewNotificationRecipient {
        kind,
        address,
        causes: Some(causes),
    };
    let recipient = match (kind, id, sealed_secret) {
        (RecipientKind::Mail, ..) => {
            notification_recipients::create(&backend, &scope, customer_id, new)
                .await?
                .recipient
        }
        (RecipientKind::Webhook, Some(id), Some(sealed)) => {
            notification_recipients::create_with(&backend, &scope, customer_id, new, id, &sealed)
                .await?
        }
        (RecipientKind::Webhook, ..) => {
            return Err(AppError::invalid(
                "sealed_secret",
                "The signing secret is missing. Open the form anew.",
            ));
        }
    };
    crate::session::done(
        format!("{} was added", recipient.address),
        Some(routes::notification_recipient(recipient.id)),
    )
    .await
}

/// The dialog. The kind stands in the address, so that its fields are there before the browser
/// code is.
#[component]
pub fn AddDialog() -> impl IntoView {
    let address = use_address();
    let params = use_params_map();
    let customer =
        Memo::new(move |_| params.with(|params| params.get("id")?.parse::<CustomerId>().ok()));
    let post = use_post::<AddRecipient>();
    let kind = Memo::new({
        let address = address.clone();
        move |_| {
            address
                .parsed::<RecipientKind>("with")
                .unwrap_or(RecipientKind::Mail)
        }
    });
    let kinds = RecipientKind::ALL
        .iter()
        .map(|each| {
            let each = *each;
            let address = address.clone();
            view! {
                <a
                    href=move || address.with(&[("with", Some(each.as_str()))])
                    data-noscroll="true"
                    aria-current=move || (kind.get() == each).then_some("true")
                >
                    {each.title()}
                </a>
            }
        })
        .collect_view();
    let back = match customer.get_untracked() {
        Some(customer) => routes::customer(customer),
        None => routes::NOTIFICATIONS.to_owned(),
    };
    let chosen = post
        .filled_in()
        .map_or_else(|| NotificationCause::ALL.to_vec(), |given| given.causes);
    view! {
        <Dialog title="Add Recipient" back=back.clone()>
            <PostForm post=post class="flex flex-col gap-4">
                <nav class="rc-seg self-start" aria-label="Kind">{kinds}</nav>
                {move || {
                    customer
                        .get()
                        .map(|id| {
                            view! { <input type="hidden" name="customer_id" value=id.to_string() /> }
                        })
                }}
                {move || match kind.get() {
                    RecipientKind::Mail => view! { <MailFields /> }.into_any(),
                    RecipientKind::Webhook => {
                        view! { <WebhookFields customer=customer.get() /> }.into_any()
                    }
                }}
                <Causes chosen=chosen />
                <DialogFoot back=back>
                    <Submit label="Add" busy="Adding" />
                </DialogFoot>
            </PostForm>
        </Dialog>
    }
    .into_any()
}

#[component]
fn MailFields() -> impl IntoView {
    view! {
        <input type="hidden" name="kind" value=RecipientKind::Mail.as_str() />
        <Field name="address" label="E-mail address" kind=Kind::Email autofocus=true />
    }
}

#[component]
fn WebhookFields(customer: Option<CustomerId>) -> impl IntoView {
    let offered = Resource::new(move || customer, |customer| offer_secret(customer, None));
    view! {
        <input type="hidden" name="kind" value=RecipientKind::Webhook.as_str() />
        <Field
            name="address"
            label="Address"
            hint="Begins with https://. Redirects are not followed."
            autofocus=true
        />
        <Load resource=offered let:offered>
            <Secret offered=offered />
        </Load>
    }
}

/// A new signing secret, to be copied now.
#[component]
pub(super) fn Secret(
    /// The secret.
    offered: Offered,
) -> impl IntoView {
    let error = crate::ui::form::use_field_error("sealed_secret");
    view! {
        <div>
            <label for="f-signing" class="block font-medium mb-1">"Signing secret"</label>
            <input
                id="f-signing"
                class="input rc-mono"
                type="text"
                readonly=true
                autocomplete="off"
                value=offered.secret
                aria-describedby="f-signing-h"
            />
            <p class="rc-hint mt-1" id="f-signing-h">
                "Copy it to the receiver now: it is sealed and never shown again. Messages are signed \
                 with it as Standard Webhooks says."
            </p>
            <crate::ui::form::FieldError id="f-signing-e" error=error />
            <input type="hidden" name="id" value=offered.id.to_string() />
            <input type="hidden" name="sealed_secret" value=offered.sealed />
        </div>
    }
    .into_any()
}
