//! How a customer's people are invited: language, sender, text, with a preview beside it, a test mail,
//! and the way to invite the next of them.

use domain::{
    enrolment::{AT_ONCE_MAX, EnrolmentMail, EnrolmentSettings, Language, PLACEHOLDERS},
    id::CustomerId,
    permission::Permission,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::{components::Outlet, hooks::use_params_map};
use serde::{Deserialize, Serialize};

use crate::{
    session::{may, use_operator},
    ui::{address::link, form::Post, prelude::*},
};

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentView {
    customer: CustomerId,
    name: String,
    settings: EnrolmentSettings,
    mail: EnrolmentMail,
    /// Whether there is a mail server to send with.
    sends: bool,
    not_invited: i64,
}

/// How a customer's people are invited, what that looks like, and how many were not invited yet.
#[server(endpoint = "enrolment/settings", input = Json)]
pub(crate) async fn view_enrolment(customer: CustomerId) -> AppResult<EnrolmentView> {
    use backend::store::{customers, enrolment};
    let (backend, scope) = crate::session::caller().await?;
    let settings = enrolment::settings(&backend, &scope, customer).await?;
    Ok(EnrolmentView {
        customer,
        name: customers::get(&backend, &scope, customer).await?.name,
        mail: enrolment::preview(&backend, &scope, customer, settings.clone()).await?,
        sends: backend.settings.smtp.is_some(),
        not_invited: enrolment::not_invited(&backend, &scope, customer).await?,
        settings,
    })
}

/// The form of the settings.
#[cfg(feature = "ssr")]
struct SettingsForm {
    language: Language,
    sender_name: String,
    reply_to: String,
    subject: String,
    text: String,
    link_days: String,
}

#[cfg(feature = "ssr")]
impl SettingsForm {
    fn settings(self) -> AppResult<EnrolmentSettings> {
        let days = self.link_days.trim().parse();
        let link_days =
            days.map_err(|_| AppError::invalid("link_days", "Choose between 1 and 60 days."))?;
        // A text that is the default of another language was not written by anybody.
        let own = |text: String, default: fn(Language) -> &'static str| {
            let text = text.replace("\r\n", "\n").trim().to_owned();
            let written = Language::ALL
                .iter()
                .all(|language| default(*language) != text);
            written.then_some(text)
        };
        Ok(EnrolmentSettings {
            language: self.language,
            sender_name: Some(self.sender_name),
            reply_to: Some(self.reply_to),
            subject: own(self.subject, Language::subject),
            text: own(self.text, Language::text),
            link_days,
        })
    }
}

/// Changes how a customer's people are invited.
#[server(endpoint = "enrolment/save")]
pub(crate) async fn save_enrolment(
    customer: CustomerId,
    language: Language,
    #[server(default)] sender_name: String,
    #[server(default)] reply_to: String,
    #[server(default)] subject: String,
    #[server(default)] text: String,
    #[server(default)] link_days: String,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let form = SettingsForm {
        language,
        sender_name,
        reply_to,
        subject,
        text,
        link_days,
    };
    let settings = form.settings()?;
    backend::store::enrolment::change_settings(&backend, &scope, customer, settings).await?;
    crate::session::done("Saved", None).await
}

/// Sends the mail as it is saved to an address, once.
#[server(endpoint = "enrolment/test")]
pub(crate) async fn test_enrolment(customer: CustomerId, to: String) -> AppResult<Done> {
    use backend::store::enrolment;
    let (backend, scope) = crate::session::caller().await?;
    let settings = enrolment::settings(&backend, &scope, customer).await?;
    enrolment::send_test(&backend, &scope, customer, settings, &to).await?;
    crate::session::done(format!("A test mail was sent to {}", to.trim()), None).await
}

/// Invites the first of those who were never invited.
#[server(endpoint = "enrolment/invite-first")]
pub(crate) async fn invite_first(customer: CustomerId, first: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let first = first.trim().parse().map_err(|_| {
        AppError::invalid(
            "first",
            format!("Choose between 1 and {AT_ONCE_MAX} users."),
        )
    })?;
    let invited =
        backend::store::enrolment::invite_first(&backend, &scope, customer, first).await?;
    let told = format!(
        "{} on the way, {} left",
        counted(invited.invited, "invitation", "invitations"),
        grouped(invited.left)
    );
    crate::session::done(told, Some(routes::customer_enrolment(customer))).await
}

/// The page. Inviting is a child route with a dialog.
#[component]
pub fn EnrolmentPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<CustomerId>().ok()));
    let changes = use_changes();
    let view = Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => view_enrolment(id).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    );
    let (save, test) = (use_post::<SaveEnrolment>(), use_post::<TestEnrolment>());
    view! {
        <Load resource=view whole=true let:view>
            <Page view=view save=save test=test />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn Page(
    view: EnrolmentView,
    save: Post<SaveEnrolment>,
    test: Post<TestEnrolment>,
) -> impl IntoView {
    let customer = view.customer;
    let parent = (routes::customer(customer), view.name.clone());
    let waiting = link(
        routes::USERS,
        &[
            ("customer".to_owned(), customer.to_string()),
            ("enrolment".to_owned(), "not_invited".to_owned()),
        ],
    );
    let write = may(Permission::DirectoryWrite);
    let left = view.not_invited;
    view! {
        <PageHead
            title="Enrolment"
            parent=parent
            facts=move || {
                view! {
                    <a class="rc-link" href=waiting.clone()>
                        {counted(left, "active user", "active users")} " not invited yet"
                    </a>
                }
                .into_any()
            }
        >
            {(write && left > 0)
                .then(|| {
                    view! {
                        <a
                            class="btn"
                            href=routes::customer_invite(customer)
                            data-noscroll="true"
                        >
                            <Icon name="mail" />
                            "Invite users"
                        </a>
                    }
                })}
        </PageHead>
        <div class="flex-1 grid content-start xl:grid-cols-[minmax(0,1fr)_minmax(0,30rem)] gap-x-12 gap-y-6 px-6 py-5 max-md:px-4 border-t border-line">
            <section aria-labelledby="h-mail" class="min-w-0">
                <h2 id="h-mail" class="text-base mb-1">"The mail"</h2>
                <p class="text-muted mb-2 max-w-[65ch]">
                    "With it people activate an account of their own: they follow the link, once, and choose a \
                     password. Nobody is invited until you do so here or on a user’s page, or an integration’s \
                     \u{201c}Send Enrollment Email to the Newly Synced Users\u{201d} does."
                </p>
                <SettingsFields customer=customer settings=view.settings write=write post=save />
            </section>
            <Preview customer=customer mail=view.mail sends=view.sends write=write post=test />
        </div>
    }
    .into_any()
}

#[component]
fn SettingsFields(
    customer: CustomerId,
    settings: EnrolmentSettings,
    write: bool,
    post: Post<SaveEnrolment>,
) -> impl IntoView {
    let languages = Language::ALL
        .iter()
        .map(|language| (language.as_str().to_owned(), language.title().to_owned()))
        .collect();
    let (subject, text) = (settings.subject().to_owned(), settings.text().to_owned());
    let placeholders = PLACEHOLDERS
        .map(|(name, means)| {
            view! {
                <li>
                    <code class="rc-mono">{name}</code> " " {means}
                </li>
            }
        })
        .collect_view();
    view! {
        <PostForm post=post>
            <input type="hidden" name="customer" value=customer.to_string() />
            <Choice
                name="language"
                label="Language"
                options=languages
                value=settings.language.as_str()
                row=true
            />
            <Field
                name="sender_name"
                label="Sender"
                value=settings.sender_name.unwrap_or_default()
                hint="The name that the mail is from; the address is the installation’s."
                row=true
            />
            <Field
                name="reply_to"
                label="Answers go to"
                kind=Kind::Email
                value=settings.reply_to.unwrap_or_default()
                row=true
            />
            <Field name="subject" label="Subject" value=subject row=true />
            <Field name="text" label="Text" kind=Kind::Words value=text row=true />
            <div class="rc-row">
                <span></span>
                <ul class="rc-hint max-w-96">{placeholders}</ul>
            </div>
            <Field
                name="link_days"
                label="The link is good for"
                value=settings.link_days.to_string()
                hint="Days, 1 to 60."
                row=true
            />
            {write
                .then(|| {
                    view! {
                        <div class="rc-row">
                            <span></span>
                            <div>
                                <Submit label="Save" busy="Saving" class="btn btn-primary" />
                            </div>
                        </div>
                    }
                })}
        </PostForm>
    }
    .into_any()
}

/// The mail as its reader sees it, as plain text: what is saved.
#[component]
fn Preview(
    customer: CustomerId,
    mail: EnrolmentMail,
    sends: bool,
    write: bool,
    post: Post<TestEnrolment>,
) -> impl IntoView {
    let own = use_operator().email;
    view! {
        <section aria-labelledby="h-preview" class="min-w-0">
            <h2 id="h-preview" class="text-base mb-2">"What they get"</h2>
            {(!sends)
                .then(|| {
                    view! {
                        <div class="rc-note held mb-3" role="note">
                            <Icon name="circle-alert" class="text-warning mt-0.5" />
                            <p>
                                "Nobody can be invited yet: Rollcall has no mail server to send with. Set "
                                <code class="rc-mono">"smtp"</code>
                                " in rollcall.toml (host, from, username, password) and start Rollcall again."
                            </p>
                        </div>
                    }
                })}
            <div class="rounded-box border border-line p-4 wrap-anywhere">
                <dl class="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 text-sm pb-3 mb-3 border-b border-line">
                    {(!mail.from.is_empty())
                        .then(|| {
                            view! {
                                <dt class="text-muted">"From"</dt>
                                <dd><bdi>{mail.from.clone()}</bdi></dd>
                            }
                        })}
                    <dt class="text-muted">"Subject"</dt>
                    <dd class="font-medium"><bdi>{mail.subject}</bdi></dd>
                </dl>
                <p class="whitespace-pre-line"><bdi>{mail.text}</bdi></p>
            </div>
            {write
                .then(|| {
                    view! {
                        <PostForm post=post class="mt-4">
                            <input type="hidden" name="customer" value=customer.to_string() />
                            <Field
                                name="to"
                                label="Send a test mail to"
                                kind=Kind::Email
                                value=own
                                hint="As it is saved. Its link leads nowhere."
                            />
                            <div class="mt-2">
                                <Submit label="Send test mail" busy="Sending" class="btn" />
                            </div>
                        </PostForm>
                    }
                })}
        </section>
    }
    .into_any()
}

/// How many are invited now.
#[component]
pub fn InviteDialog() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<CustomerId>().ok()));
    let view = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => view_enrolment(id).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    );
    let post = use_post::<InviteFirst>();
    view! {
        <Load
            resource=view
            children=move |view| {
                let back = routes::customer_enrolment(view.customer);
                let at_once = view.not_invited.min(i64::from(AT_ONCE_MAX));
                view! {
                    <Dialog title="Invite users" back=back.clone()>
                        <PostForm post=post>
                            <input type="hidden" name="customer" value=view.customer.to_string() />
                            <p class="mb-3">
                                {counted(view.not_invited, "active user", "active users")}
                                " with an address "
                                {if view.not_invited == 1 { "was" } else { "were" }}
                                " never invited. Each gets one mail. Begin with a few, and go on once they \
                                 got on with it."
                            </p>
                            <Field
                                name="first"
                                label="How many, by name"
                                value=at_once.to_string()
                                hint="At most 1,000 at once."
                                autofocus=true
                            />
                            <DialogFoot back=back>
                                <Submit label="Invite" busy="Inviting" class="btn btn-primary" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}
