//! The recipients of a customer, as a section of its page, and those of the installation, as a
//! page of their own.

use domain::{
    id::CustomerId,
    notification::{MailServerCheck, NotificationRecipientLine, RecipientKind},
    permission::Permission,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::{components::Outlet, hooks::use_params_map};
use serde::{Deserialize, Serialize};

use super::{causes_in_words, reach::Checked};
use crate::{
    session::may,
    ui::{form::Post, prelude::*},
};

/// What a list of recipients shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientsView {
    /// The recipients, by address.
    lines: Vec<NotificationRecipientLine>,
    /// Whether mail is set up.
    mail: bool,
    /// What came of the last look at the mail server.
    check: Option<MailServerCheck>,
    /// Whether the customer lies in the bin, where nobody is told anything.
    bin: bool,
}

/// The recipients of a customer; of the installation where there is none.
#[server(endpoint = "notifications/list", input = Json)]
pub(crate) async fn list_recipients(customer: Option<CustomerId>) -> AppResult<RecipientsView> {
    use backend::store::{customers, notification_recipients};
    let (backend, scope) = crate::session::caller().await?;
    let bin = match customer {
        Some(id) => customers::get(&backend, &scope, id)
            .await?
            .deleted_at
            .is_some(),
        None => false,
    };
    let lines = if bin {
        Vec::new()
    } else {
        notification_recipients::lines(&backend, &scope, customer).await?
    };
    Ok(RecipientsView {
        lines,
        mail: backend.settings.smtp.is_some(),
        check: if bin {
            None
        } else {
            backend::notify::mail_server(&backend, &scope).await?
        },
        bin,
    })
}

/// Looks whether the mail server would take a mail, and sends none. What came of it stands on the page,
/// whichever way it went.
#[server(endpoint = "notifications/check-mail-server")]
pub(crate) async fn check_mail_server() -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let check = backend::notify::check_mail_server(&backend, &scope).await?;
    let message = match check {
        Some(check) if check.error.is_none() => "The mail server would take a mail",
        Some(_) => "",
        None => "Mail isn’t set up",
    };
    crate::session::done(message, Some(routes::NOTIFICATIONS.to_owned())).await
}

fn use_recipients(
    customer: impl Fn() -> Option<Option<CustomerId>> + Send + Sync + 'static,
) -> Resource<AppResult<RecipientsView>> {
    let changes = use_changes();
    Resource::new(
        move || (customer(), changes.follow()),
        |(customer, _)| async move {
            match customer {
                Some(customer) => list_recipients(customer).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    )
}

/// The section "Notifications" of a customer's page, with its dialogs and the page's own.
#[component]
pub fn CustomerNotifications() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<CustomerId>().ok()));
    let recipients = use_recipients(move || id.get().map(Some));
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let read = recipients.await;
                crate::ui::load::past_the_dry_run().await;
                // What can't be read the page itself says already.
                let view = read.ok().filter(|view| !view.bin)?;
                let customer = id.get_untracked()?;
                Some(view! { <Section view=view customer=customer /> })
            })}
        </Transition>
        <Outlet />
    }
    .into_any()
}

#[component]
fn Section(view: RecipientsView, customer: CustomerId) -> impl IntoView {
    let none = view.lines.is_empty();
    view! {
        <section aria-labelledby="h-notifications" class="border-t border-line mt-4 pb-8">
            <div class="flex items-center gap-2 px-6 pt-3 pb-1 flex-wrap max-md:px-4">
                <h2 id="h-notifications" class="text-base">"Notifications"</h2>
                {may(Permission::NotificationsWrite)
                    .then(|| {
                        view! {
                            <a
                                class="btn btn-sm ms-auto"
                                href=routes::customer_notification_add(customer)
                                data-noscroll="true"
                            >
                                <Icon name="plus" />
                                "Add Recipient"
                            </a>
                        }
                    })}
            </div>
            <MailNote mail=view.mail check=view.check />
            {if none {
                view! {
                    <p class="px-6 py-3 text-muted max-md:px-4">
                        "Nobody is told yet when a plan is held or an integration keeps failing. Add \
                         a mail address or a webhook."
                    </p>
                }
                    .into_any()
            } else {
                view! { <Recipients lines=view.lines /> }.into_any()
            }}
        </section>
    }
    .into_any()
}

/// Notifications of the whole installation, for owners.
#[component]
pub fn NotificationsPage() -> impl IntoView {
    let recipients = use_recipients(|| Some(None));
    let check = use_post::<CheckMailServer>();
    view! {
        <Load resource=recipients whole=true let:view>
            <PageHead
                title="Notifications"
                facts=|| view! { <span>"These are told of every customer."</span> }.into_any()
            >
                <a class="btn btn-primary" href=routes::NOTIFICATION_ADD data-noscroll="true">
                    <Icon name="plus" />
                    "Add Recipient"
                </a>
            </PageHead>
            <MailNote mail=view.mail check=view.check.clone() />
            {view.mail.then(|| view! { <MailServer check=view.check post=check /> })}
            {if view.lines.is_empty() {
                view! {
                    <Empty
                        title="Nobody is told of everything yet"
                        text="Whoever you add here is told when a plan of any customer is held, when an \
                        integration keeps failing, and when that is over. Recipients of one customer \
                        stand on the customer’s page."
                    />
                }
                    .into_any()
            } else {
                view! { <Recipients lines=view.lines /> }.into_any()
            }}
        </Load>
        <Outlet />
    }
    .into_any()
}

/// The mail server as it was found last, with the way to look again.
#[component]
fn MailServer(check: Option<MailServerCheck>, post: Post<CheckMailServer>) -> impl IntoView {
    let fine = check.filter(|check| check.error.is_none());
    view! {
        <div class="flex items-center gap-x-4 gap-y-2 flex-wrap px-6 py-2 max-md:px-4">
            {fine.map(|check| view! { <Checked check=check /> })}
            <PostForm post=post class="contents">
                <Submit label="Check the mail server" busy="Checking" class="btn btn-sm" />
            </PostForm>
        </div>
    }
    .into_any()
}

/// Says that mail isn't set up, and how it is; or why the mail server takes none.
#[component]
pub(super) fn MailNote(
    /// Whether it is.
    mail: bool,
    /// What came of the last look at the mail server.
    check: Option<MailServerCheck>,
) -> impl IntoView {
    if mail {
        let failed = check.filter(|check| check.error.is_some())?;
        return Some(view! { <TakesNone check=failed /> }.into_any());
    }
    Some(
        view! {
            <div class="px-6 py-2 max-md:px-4">
                <div class="rc-note held max-w-3xl">
                    <Icon name="circle-alert" class="text-warning mt-0.5" />
                    <div class="min-w-0 wrap-anywhere">
                        <p class="font-medium">"Mail isn’t set up"</p>
                        <p>
                            "Whoever runs Rollcall sets " <code class="rc-mono">"smtp"</code> " in "
                            <code class="rc-mono">"rollcall.toml"</code>
                            " (host, from, username, password) and starts it again. What is to be \
                             mailed waits for a day. Webhooks go without it."
                        </p>
                    </div>
                </div>
            </div>
        }
        .into_any(),
    )
}

#[component]
fn TakesNone(check: MailServerCheck) -> impl IntoView {
    view! {
        <div class="px-6 py-2 max-md:px-4">
            <div class="rc-note fail max-w-3xl" role="note">
                <Icon name="circle-x" class="text-error mt-0.5" />
                <div class="min-w-0 wrap-anywhere">
                    <p class="font-medium">"The mail server takes no mail"</p>
                    <Checked check=check />
                </div>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Recipients(lines: Vec<NotificationRecipientLine>) -> impl IntoView {
    let rows = lines
        .into_iter()
        .map(|line| view! { <Row line=line /> })
        .collect_view();
    view! {
        <table class="rc-table bleed still rc-stack rows" role="table" aria-label="Recipients">
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Recipient" class="grow" />
                    <Head label="Told of" />
                    <Head label="Last message" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

/// How a recipient is told, as an icon with its word.
pub(super) fn kind_icon(kind: RecipientKind) -> &'static str {
    match kind {
        RecipientKind::Mail => "mail",
        RecipientKind::Webhook => "link",
    }
}

#[component]
fn Row(line: NotificationRecipientLine) -> impl IntoView {
    let NotificationRecipientLine { recipient, last } = line;
    view! {
        <tr role="row">
            <td role="cell" class="grow max-md:col-span-2">
                <span class="flex items-center gap-2 min-w-0">
                    <Icon name=kind_icon(recipient.kind) class="text-muted" />
                    <a
                        class="rc-rowlink truncate"
                        href=routes::notification_recipient(recipient.id)
                        title=recipient.address.clone()
                    >
                        <span class="sr-only">{recipient.kind.title()} " "</span>
                        <bdi>{recipient.address.clone()}</bdi>
                    </a>
                </span>
            </td>
            <td role="cell" class="md:whitespace-nowrap">{causes_in_words(&recipient.causes)}</td>
            <td role="cell" class="md:whitespace-nowrap">
                {match last {
                    Some(last) => {
                        view! {
                            <span class="flex items-center gap-x-2.5 max-md:flex-wrap">
                                <Status of=last.status />
                                <span class="text-muted">
                                    <RelativeTime at=last.attempted_at.unwrap_or(last.created_at) />
                                </span>
                            </span>
                        }
                            .into_any()
                    }
                    None => view! { <span class="text-faint">"None yet"</span> }.into_any(),
                }}
            </td>
        </tr>
    }
    .into_any()
}
