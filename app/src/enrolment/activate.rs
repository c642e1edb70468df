//! The page of a link that came by mail: somebody chooses a password, and is signed in by that.
//! Looking at it uses nothing up.

use domain::enrolment::{Activation, Language};
use leptos::{server, server_fn::codec::Json};

use crate::ui::prelude::*;

/// Whom a link is for; none where it isn't good any more.
#[server(endpoint = "enrolment/view", input = Json)]
pub(crate) async fn view_activation(secret: String) -> AppResult<Option<Activation>> {
    let backend = crate::session::caller::backend()?;
    Ok(backend::auth::users::follow(&backend, secret.into()).await?)
}

/// Sets the password and signs them in.
#[server(endpoint = "enrolment/activate")]
pub(crate) async fn activate(
    secret: String,
    password: String,
    password_again: String,
) -> AppResult<Done> {
    use crate::session::caller;
    let backend = caller::backend()?;
    if password != password_again {
        return Err(AppError::invalid(
            "password_again",
            "The two passwords differ.",
        ));
    }
    let signed_in = backend::auth::users::activate(
        &backend,
        secret.into(),
        password.into(),
        caller::origin(),
        &caller::user_agent(),
    )
    .await?;
    let to = caller::go_on(signed_in).await?;
    crate::session::done("Your account is active", Some(to)).await
}

/// What the page says, in the language of the mail.
struct Words {
    title: &'static str,
    hello: fn(&Activation) -> String,
    sign_in_as: &'static str,
    password: &'static str,
    again: &'static str,
    hint: &'static str,
    submit: &'static str,
    ended: &'static str,
    ended_why: &'static str,
    forgot: &'static str,
}

const ENGLISH: Words = Words {
    title: "Activate your account",
    hello: |link| {
        format!(
            "Hello {}. Choose a password for your account at {}.",
            link.name, link.customer_name
        )
    },
    sign_in_as: "You sign in as",
    password: "New password",
    again: "New password again",
    hint: "At least 12 characters. A few words do well.",
    submit: "Activate",
    ended: "This link has ended",
    ended_why: "It was used already, a newer one took its place, or its time is over. If you have activated your account, sign in; else ask your administrator for a new link.",
    forgot: "Sign in",
};

const DUTCH: Words = Words {
    title: "Activeer uw account",
    hello: |link| {
        format!(
            "Hallo {}. Kies een wachtwoord voor uw account bij {}.",
            link.name, link.customer_name
        )
    },
    sign_in_as: "U meldt zich aan als",
    password: "Nieuw wachtwoord",
    again: "Nieuw wachtwoord nogmaals",
    hint: "Ten minste 12 tekens. Een paar woorden zijn goed.",
    submit: "Activeren",
    ended: "Deze link werkt niet meer",
    ended_why: "Hij is al gebruikt, vervangen door een nieuwere, of zijn tijd is voorbij. Hebt u uw account geactiveerd, meld u dan aan; vraag anders uw beheerder om een nieuwe link.",
    forgot: "Aanmelden",
};

const fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::Dutch => &DUTCH,
    }
}

/// The page.
#[component]
pub fn ActivatePage() -> impl IntoView {
    let secret = StoredValue::new(use_address().get("secret").unwrap_or_default());
    let link = Resource::new(|| (), move |()| view_activation(secret.get_value()));
    let post = use_post::<Activate>();
    view! {
        <Load
            resource=link
            whole=true
            children=move |link| {
                let Some(link) = link else {
                    return view! { <Ended /> }.into_any();
                };
                let words = words(link.language);
                view! {
                    <leptos_meta::Title text=words.title />
                    <div lang=link.language.as_str()>
                        <h1 class="text-xl mt-8">{words.title}</h1>
                        <p class="text-muted mt-1 wrap-anywhere">{(words.hello)(&link)}</p>
                        <p class="text-muted mt-1 mb-6 wrap-anywhere">
                            {words.sign_in_as} " "
                            <bdi class="text-base-content font-medium">{link.user_name}</bdi> "."
                        </p>
                        <PostForm post=post plain=true class="flex flex-col gap-4">
                            <input type="hidden" name="secret" value=secret.get_value() />
                            <Field
                                name="password"
                                label=words.password
                                kind=Kind::Password
                                autocomplete="new-password"
                                hint=words.hint
                                autofocus=true
                                large=true
                            />
                            <Field
                                name="password_again"
                                label=words.again
                                kind=Kind::Password
                                autocomplete="new-password"
                                large=true
                            />
                            <Submit label=words.submit class="btn btn-primary btn-lg w-full" />
                        </PostForm>
                    </div>
                }
                    .into_any()
            }
        />
    }
    .into_any()
}

/// In place of a link that isn't good: whose it was is not known, so it is said in both languages.
#[component]
fn Ended() -> impl IntoView {
    view! {
        <leptos_meta::Title text=ENGLISH.ended />
        <h1 class="text-xl mt-8">{ENGLISH.ended}</h1>
        <p class="text-muted mt-1 mb-4">{ENGLISH.ended_why}</p>
        <a class="btn" href=routes::OWN_SIGN_IN>{ENGLISH.forgot}</a>
        <div lang="nl" class="mt-8">
            <h2 class="text-base">{DUTCH.ended}</h2>
            <p class="text-muted mt-1">{DUTCH.ended_why}</p>
        </div>
    }
    .into_any()
}
