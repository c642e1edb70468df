//! How a customer's people are invited: language, sender, text, with a preview of what is typed, a test
//! mail, and the way to invite the next of them.

use domain::{
    enrolment::{AT_ONCE_MAX, EnrolmentSettings, Language, PLACEHOLDERS},
    id::CustomerId,
    permission::Permission,
};
use leptos::{
    form::FromFormData as _, html, leptos_dom::helpers::debounce, server, server_fn::codec::Json,
};
use leptos_router::{components::Outlet, hooks::use_params_map};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast as _;

use super::preview::{Preview, SettingsForm};
use crate::{
    session::may,
    ui::{address::link, form::Post, prelude::*},
};

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentView {
    customer: CustomerId,
    name: String,
    settings: EnrolmentSettings,
    /// Whether there is a mail server to send with.
    sends: bool,
    not_invited: i64,
}

/// How a customer's people are invited, and how many were not invited yet.
#[server(endpoint = "enrolment/settings", input = Json)]
pub(crate) async fn view_enrolment(customer: CustomerId) -> AppResult<EnrolmentView> {
    use backend::store::{customers, enrolment};
    let (backend, scope) = crate::session::caller().await?;
    let settings = enrolment::settings(&backend, &scope, customer).await?;
    Ok(EnrolmentView {
        customer,
        name: customers::get(&backend, &scope, customer).await?.name,
        sends: backend.settings.smtp.is_some(),
        not_invited: enrolment::not_invited(&backend, &scope, customer).await?,
        settings,
    })
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
    let address = use_address();
    let form = save
        .filled_in()
        .map(SettingsForm::from)
        .or_else(|| SettingsForm::of_address(&address))
        .unwrap_or_else(|| SettingsForm::of(&view.settings));
    let asked = RwSignal::new(form.clone());
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
        <div class="flex-1 flex flex-col gap-6 px-6 py-5 max-md:px-4 border-t border-line">
            <section aria-labelledby="h-mail" class="min-w-0 max-w-3xl">
                <h2 id="h-mail" class="text-base mb-1">"The mail"</h2>
                <p class="text-muted mb-2 max-w-[65ch]">
                    "With it people activate an account of their own: they follow the link, once, and choose a \
                     password. Nobody is invited until you do so here, on a user’s page or in their list, or an \
                     integration’s \u{201c}Send Enrollment Email to the Newly Synced Users\u{201d} does: until then \
                     they stand as \u{201c}Not invited\u{201d}."
                </p>
                <SettingsFields customer=customer form=form write=write post=save asked=asked />
            </section>
            <Preview customer=customer asked=asked sends=view.sends write=write post=test />
        </div>
    }
    .into_any()
}

/// What the form around its fields holds at this moment.
fn filled_in(fields: NodeRef<html::Div>) -> Option<SettingsForm> {
    let form = fields.get_untracked()?.closest("form").ok()??;
    let form = form.dyn_into::<web_sys::HtmlFormElement>().ok()?;
    let data = web_sys::FormData::new_with_form(&form).ok()?;
    SaveEnrolment::from_form_data(&data)
        .ok()
        .map(SettingsForm::from)
}

#[component]
fn SettingsFields(
    customer: CustomerId,
    form: SettingsForm,
    write: bool,
    post: Post<SaveEnrolment>,
    /// What the preview shows: what is typed, a moment later.
    asked: RwSignal<SettingsForm>,
) -> impl IntoView {
    let fields = NodeRef::<html::Div>::new();
    let mut later = debounce(
        std::time::Duration::from_millis(400),
        move |form: SettingsForm| {
            if asked.try_with_untracked(|before| *before != form) == Some(true) {
                asked.set(form);
            }
        },
    );
    let typed = move |_: leptos::ev::Event| {
        if let Some(form) = filled_in(fields) {
            later(form);
        }
    };
    view! {
        <PostForm post=post>
            <input type="hidden" name="customer" value=customer.to_string() />
            <div node_ref=fields on:input=typed>
                <Fields form=form />
            </div>
            <div class="rc-row">
                <span></span>
                <div class="flex gap-2 flex-wrap">
                    {write
                        .then(|| {
                            view! {
                                <Submit label="Save" busy="Saving" class="btn btn-primary" />
                            }
                        })}
                    <button
                        type="submit"
                        class="btn hidden plain:inline-flex"
                        formmethod="get"
                        formaction=""
                    >
                        "Show the mail"
                    </button>
                </div>
            </div>
        </PostForm>
    }
    .into_any()
}

#[component]
fn Fields(form: SettingsForm) -> impl IntoView {
    let languages = Language::ALL
        .iter()
        .map(|language| (language.as_str().to_owned(), language.title().to_owned()))
        .collect();
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
        <Choice
            name="language"
            label="Language"
            options=languages
            value=form.language.as_str()
            row=true
        />
        <Field
            name="sender_name"
            label="Sender"
            value=form.sender_name
            hint="The name that the mail is from; the address is the installation’s."
            row=true
        />
        <Field
            name="reply_to"
            label="Answers go to"
            kind=Kind::Email
            value=form.reply_to
            row=true
        />
        <Field name="subject" label="Subject" value=form.subject row=true />
        <Field name="text" label="Text" kind=Kind::Words value=form.text row=true />
        <div class="rc-row">
            <span></span>
            <ul class="rc-hint max-w-96">{placeholders}</ul>
        </div>
        <Field
            name="link_days"
            label="The link is good for"
            value=form.link_days
            hint="Days, 1 to 60."
            row=true
        />
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
