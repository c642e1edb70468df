//! One recipient: what it is told of, a test, and the last messages to it with what came of each.

use domain::{
    id::NotificationRecipientId,
    notification::{MailServerCheck, NotificationDelivery, NotificationRecipient, RecipientKind},
    permission::Permission,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::{components::Outlet, hooks::use_params_map};
use serde::{Deserialize, Serialize};

use super::{
    causes_in_words,
    list::{MailNote, kind_icon},
};
use crate::{session::may, ui::prelude::*};

/// What the page and its dialogs show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecipientView {
    pub(super) recipient: NotificationRecipient,
    /// The customer's name; null for the installation.
    customer_name: Option<String>,
    deliveries: Vec<NotificationDelivery>,
    /// Whether mail is set up.
    mail: bool,
    /// What came of the last look at the mail server.
    check: Option<MailServerCheck>,
}

/// One recipient with the last messages to it.
#[server(endpoint = "notifications/view", input = Json)]
pub(crate) async fn view_recipient(id: NotificationRecipientId) -> AppResult<RecipientView> {
    use backend::store::{customers, notification_recipients};
    let (backend, scope) = crate::session::caller().await?;
    let recipient = notification_recipients::get(&backend, &scope, id).await?;
    let customer_name = match recipient.customer_id {
        Some(customer) => Some(customers::get(&backend, &scope, customer).await?.name),
        None => None,
    };
    Ok(RecipientView {
        deliveries: notification_recipients::deliveries(&backend, &scope, id).await?,
        recipient,
        customer_name,
        mail: backend.settings.smtp.is_some(),
        check: backend::notify::mail_server(&backend, &scope).await?,
    })
}

/// Sends a test message. What came of it stands among the messages, whichever way it went.
#[server(endpoint = "notifications/test")]
pub(crate) async fn test_recipient(id: NotificationRecipientId) -> AppResult<Done> {
    use domain::notification::DeliveryStatus;
    let (backend, scope) = crate::session::caller().await?;
    let test = backend::notify::send_test(&backend, &scope, id).await?;
    let message = match test.status {
        DeliveryStatus::Delivered => "The test message was delivered",
        _ => "",
    };
    crate::session::done(message, Some(routes::notification_recipient(id))).await
}

/// The recipient in the path, read again after each change.
pub(super) fn use_recipient() -> Resource<AppResult<RecipientView>> {
    let params = use_params_map();
    let changes = use_changes();
    let id = Memo::new(move |_| {
        params.with(|params| params.get("id")?.parse::<NotificationRecipientId>().ok())
    });
    Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => view_recipient(id).await,
                None => Err(AppError::NotFound {
                    what: "recipient".to_owned(),
                }),
            }
        },
    )
}

/// The list a recipient stands in.
pub(super) fn list_of(recipient: &NotificationRecipient) -> String {
    match recipient.customer_id {
        Some(customer) => routes::customer(customer),
        None => routes::NOTIFICATIONS.to_owned(),
    }
}

/// The page. Changing and removing are child routes with dialogs.
#[component]
pub fn RecipientPage() -> impl IntoView {
    let recipient = use_recipient();
    let test = use_post::<TestRecipient>();
    follow_idle(move || recipient.refetch());
    view! {
        <Load resource=recipient whole=true let:view>
            <Recipient view=view test=test />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn Recipient(view: RecipientView, test: crate::ui::form::Post<TestRecipient>) -> impl IntoView {
    let RecipientView {
        recipient,
        customer_name,
        mut deliveries,
        mail,
        check,
    } = view;
    let id = recipient.id;
    let kind = recipient.kind;
    let parent = (
        list_of(&recipient),
        customer_name.unwrap_or_else(|| "Notifications".to_owned()),
    );
    let told_of = causes_in_words(&recipient.causes);
    let secret_set_at = recipient.secret_set_at;
    let last_test = deliveries
        .first()
        .filter(|delivery| delivery.cause.is_none())
        .cloned();
    // What the note says isn't said again in the list.
    if let Some(first) = deliveries.first_mut().filter(|_| last_test.is_some()) {
        first.error = None;
    }
    view! {
        <PageHead
            title=recipient.address
            parent=parent
            facts=move || {
                view! {
                    <span class="inline-flex items-center gap-1.5">
                        <Icon name=kind_icon(kind) />
                        {kind.title()}
                    </span>
                    <span>"Told of: " {told_of}</span>
                    {secret_set_at
                        .map(|at| view! { <span>"Signing secret made " <RelativeTime at=at /></span> })}
                }
                .into_any()
            }
        >
            {may(Permission::NotificationsWrite).then(|| view! { <Actions id=id kind=kind test=test /> })}
        </PageHead>
        {(kind == RecipientKind::Mail).then(|| view! { <MailNote mail=mail check=check /> })}
        {last_test.map(|test| view! { <LastTest test=test /> })}
        <Deliveries deliveries=deliveries />
    }
    .into_any()
}

#[component]
fn Actions(
    id: NotificationRecipientId,
    kind: RecipientKind,
    test: crate::ui::form::Post<TestRecipient>,
) -> impl IntoView {
    view! {
        <PostForm post=test class="contents">
            <input type="hidden" name="id" value=id.to_string() />
            <Submit label="Send a test message" busy="Sending" icon="mail" />
        </PostForm>
        <a class="btn" href=routes::notification_recipient_edit(id) data-noscroll="true">
            <Icon name="pencil" />
            "Edit"
        </a>
        {(kind == RecipientKind::Webhook)
            .then(|| {
                view! {
                    <a class="btn" href=routes::notification_recipient_secret(id) data-noscroll="true">
                        <Icon name="rotate-cw" />
                        "New signing secret"
                    </a>
                }
            })}
        <a class="btn" href=routes::notification_recipient_remove(id) data-noscroll="true">
            <Icon name="trash-2" />
            "Remove"
        </a>
    }
    .into_any()
}

/// What came of the test that was sent last, with the fix where it failed.
#[component]
fn LastTest(test: NotificationDelivery) -> impl IntoView {
    let at = test.attempted_at.unwrap_or(test.created_at);
    view! {
        <div class="px-6 pb-2 max-md:px-4 max-w-3xl">
            {match test.error {
                Some(error) => {
                    view! { <ErrorNote error=AppError::Source(error) /> }.into_any()
                }
                None => {
                    view! {
                        <p class="rc-note" role="status">
                            <span class="rc-st ok">
                                <Icon name="circle-check" />
                                "The test message was delivered"
                            </span>
                            <span class="text-muted"><RelativeTime at=at /></span>
                        </p>
                    }
                        .into_any()
                }
            }}
        </div>
    }
    .into_any()
}

#[component]
fn Deliveries(deliveries: Vec<NotificationDelivery>) -> impl IntoView {
    let none = deliveries.is_empty();
    let rows = deliveries
        .into_iter()
        .map(|delivery| view! { <Row delivery=delivery /> })
        .collect_view();
    view! {
        <section aria-labelledby="h-deliveries" class="border-t border-line pt-3">
            <h2 id="h-deliveries" class="text-base px-6 pb-1 max-md:px-4">"Last messages"</h2>
            {if none {
                view! {
                    <p class="px-6 py-3 text-muted max-md:px-4">
                        "Nothing was sent yet. A test message shows whether one would arrive."
                    </p>
                }
                    .into_any()
            } else {
                view! {
                    <table
                        class="rc-table bleed still rc-stack rows"
                        role="table"
                        aria-labelledby="h-deliveries"
                    >
                        <thead role="rowgroup">
                            <tr role="row">
                                <Head label="Message" class="grow" />
                                <Head label="Written" />
                                <Head label="Outcome" />
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{rows}</tbody>
                    </table>
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

#[component]
fn Row(delivery: NotificationDelivery) -> impl IntoView {
    let attempts =
        (delivery.attempts > 1).then(|| counted(delivery.attempts, "attempt", "attempts"));
    let failed = delivery.error;
    view! {
        <tr role="row">
            <td role="cell" class="grow max-md:col-span-2">
                <bdi class="block truncate font-medium" title=delivery.title.clone()>
                    {delivery.title.clone()}
                </bdi>
                {failed
                    .map(|error| {
                        view! {
                            <p class="text-muted whitespace-normal wrap-anywhere">
                                {error.title} ". " {error.detail} " " {error.fix} " "
                                <span class="rc-mono">{error.code}</span>
                            </p>
                        }
                    })}
            </td>
            <td role="cell" class="whitespace-nowrap text-muted">
                <RelativeTime at=delivery.created_at />
            </td>
            <td role="cell" class="md:whitespace-nowrap">
                <span class="flex items-center gap-x-2.5 max-md:flex-wrap">
                    <Status of=delivery.status />
                    {attempts.map(|attempts| view! { <span class="text-muted">{attempts}</span> })}
                    {delivery
                        .next_at
                        .filter(|_| delivery.attempts > 0)
                        .map(|at| {
                            view! { <span class="text-muted">"next " <RelativeTime at=at /></span> }
                        })}
                </span>
            </td>
        </tr>
    }
    .into_any()
}
