//! What an invitation looks like with the settings as they are typed: as HTML and as plain text, side by
//! side, with the way to send one to oneself.

use domain::{
    enrolment::{EnrolmentMail, EnrolmentSettings, Language},
    id::CustomerId,
};
use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::customer::{SaveEnrolment, TestEnrolment};
use crate::{
    session::use_operator,
    ui::{address::Address, form::Post, prelude::*},
};

/// The form of the settings, as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsForm {
    pub(super) language: Language,
    #[serde(default)]
    pub(super) sender_name: String,
    #[serde(default)]
    pub(super) reply_to: String,
    #[serde(default)]
    pub(super) subject: String,
    #[serde(default)]
    pub(super) text: String,
    #[serde(default)]
    pub(super) link_days: String,
}

impl From<SaveEnrolment> for SettingsForm {
    fn from(form: SaveEnrolment) -> Self {
        Self {
            language: form.language,
            sender_name: form.sender_name,
            reply_to: form.reply_to,
            subject: form.subject,
            text: form.text,
            link_days: form.link_days,
        }
    }
}

impl SettingsForm {
    /// The form as it stands for saved settings.
    pub(super) fn of(settings: &EnrolmentSettings) -> Self {
        let or_blank = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            language: settings.language,
            sender_name: or_blank(&settings.sender_name),
            reply_to: or_blank(&settings.reply_to),
            subject: settings.subject().to_owned(),
            text: settings.text().to_owned(),
            link_days: settings.link_days.to_string(),
        }
    }

    /// The form as it was sent to be looked at, without the browser code.
    pub(super) fn of_address(address: &Address) -> Option<Self> {
        let of = |name: &str| address.get(name).unwrap_or_default();
        Some(Self {
            language: address.parsed("language")?,
            sender_name: of("sender_name"),
            reply_to: of("reply_to"),
            subject: of("subject"),
            text: of("text"),
            link_days: of("link_days"),
        })
    }

    /// The settings that it says.
    #[cfg(feature = "ssr")]
    pub(super) fn settings(self) -> AppResult<EnrolmentSettings> {
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

/// What an invitation looks like with these settings. Nothing is saved.
#[server(endpoint = "enrolment/preview", input = Json)]
pub(crate) async fn preview_enrolment(
    customer: CustomerId,
    form: SettingsForm,
) -> AppResult<EnrolmentMail> {
    let (backend, scope) = crate::session::caller().await?;
    let settings = form.settings()?;
    Ok(backend::store::enrolment::preview(&backend, &scope, customer, settings).await?)
}

/// The mail as its reader sees it.
#[component]
pub(super) fn Preview(
    customer: CustomerId,
    /// With which settings.
    asked: RwSignal<SettingsForm>,
    /// Whether there is a mail server to send with.
    sends: bool,
    write: bool,
    post: Post<TestEnrolment>,
) -> impl IntoView {
    let own = use_operator().email;
    let mail = Resource::new(
        move || asked.get(),
        move |form| async move {
            match preview_enrolment(customer, form).await {
                // What can't be used yet is said here, and at its field when it is saved.
                Err(AppError::Invalid(error)) => Ok(Err(error.message)),
                other => other.map(Ok),
            }
        },
    );
    view! {
        <section aria-labelledby="h-preview" class="min-w-0">
            <h2 id="h-preview" class="text-base mb-2">"What they get"</h2>
            {(!sends).then(|| view! { <CannotSend /> })}
            <p class="text-muted mb-2">"With what is typed above, saved or not."</p>
            <Load
                resource=mail
                children=move |mail| match mail {
                    Ok(mail) => view! { <Shown mail=mail /> }.into_any(),
                    Err(why) => {
                        view! { <p class="rc-note held" role="status">{why}</p> }.into_any()
                    }
                }
            />
            {write
                .then(|| {
                    view! {
                        <PostForm post=post class="mt-4 max-w-96">
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

#[component]
fn CannotSend() -> impl IntoView {
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
    .into_any()
}

/// The mail both ways. Its HTML stands in a frame of its own that runs nothing; the page's policy lets
/// its style attributes through.
#[component]
fn Shown(mail: EnrolmentMail) -> impl IntoView {
    view! {
        <div class="rounded-box border border-line p-4 wrap-anywhere">
            <dl class="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 text-sm pb-3 mb-3 border-b border-line">
                {(!mail.from.is_empty())
                    .then(|| {
                        view! {
                            <dt class="text-muted">"From"</dt>
                            <dd>
                                <bdi>{mail.from.clone()}</bdi>
                            </dd>
                        }
                    })}
                <dt class="text-muted">"Subject"</dt>
                <dd class="font-medium">
                    <bdi>{mail.subject}</bdi>
                </dd>
            </dl>
            <div class="grid lg:grid-cols-2 gap-6">
                <div class="min-w-0">
                    <h3 class="text-sm text-muted mb-2">"As HTML"</h3>
                    <iframe
                        title="The mail as HTML"
                        sandbox=""
                        srcdoc=mail.html
                        class="w-full h-96 rounded-field border border-line bg-white"
                    ></iframe>
                </div>
                <div class="min-w-0">
                    <h3 class="text-sm text-muted mb-2">"As plain text"</h3>
                    <p class="whitespace-pre-line">
                        <bdi>{mail.text}</bdi>
                    </p>
                </div>
            </div>
        </div>
    }
    .into_any()
}
