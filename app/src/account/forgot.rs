//! A forgotten password: asking for a link, and following it.

use leptos::{server, server_fn::codec::Json};

use super::invitation::{Ended, LinkView, NewPassword, RevokeTokens, use_secret};
use crate::ui::prelude::*;

/// Asks for a link to a new password. Whoever it is, the answer is the same.
#[server(endpoint = "password/forgot")]
pub(crate) async fn forgot_password(email: String) -> AppResult<Done> {
    use crate::session::caller;
    let backend = caller::backend()?;
    let browser = caller::brought(&backend, crate::cookies::BROWSER);
    backend::auth::ask_for_reset(&backend, &email, caller::address(), browser.as_ref()).await?;
    crate::session::done(
        "If there is an account with this address, a mail with a link is on its way to it.",
        Some(routes::SIGN_IN.to_owned()),
    )
    .await
}

/// Whom a link of a forgotten password is for; none where it isn't good any more.
#[server(endpoint = "password/view", input = Json)]
pub(crate) async fn view_reset(secret: String) -> AppResult<Option<LinkView>> {
    use backend::auth::{self, Purpose};
    let backend = crate::session::caller::backend()?;
    let followed = auth::follow(&backend, Purpose::PasswordReset, secret.into()).await?;
    Ok(followed.map(|followed| LinkView {
        email: followed.email,
        name: followed.name,
    }))
}

/// Sets a new password; where they wish, their personal API tokens end with the old one.
#[server(endpoint = "password/reset")]
pub(crate) async fn reset_password(
    secret: String,
    password: String,
    password_again: String,
    #[server(default)] revoke_tokens: bool,
) -> AppResult<Done> {
    let backend = crate::session::caller::backend()?;
    super::invitation::same(&password, &password_again)?;
    let origin = crate::session::caller::origin();
    let (secret, password) = (secret.into(), password.into());
    backend::auth::reset_password(&backend, secret, password, revoke_tokens, &origin).await?;
    crate::session::done(
        "Your password is changed, and all your sessions have ended. Sign in with the new one.",
        Some(routes::SIGN_IN.to_owned()),
    )
    .await
}

/// The page to ask.
#[component]
pub fn ForgotPage() -> impl IntoView {
    let post = use_post::<ForgotPassword>();
    view! {
        <leptos_meta::Title text="Forgot your password?" />
        <h1 class="text-xl mt-8">"Forgot your password?"</h1>
        <p class="text-muted mt-1 mb-6">
            "You get a mail with a link to choose a new one. It works once, within an hour."
        </p>
        <PostForm post=post plain=true class="flex flex-col gap-4">
            <Field
                name="email"
                label="E-mail"
                kind=Kind::Email
                autocomplete="username"
                autofocus=true
                large=true
            />
            <Submit label="Send the link" busy="Sending" class="btn btn-primary btn-lg w-full" />
        </PostForm>
        <p class="mt-4 text-center">
            <a class="rc-link" href=routes::SIGN_IN>"Back to sign-in"</a>
        </p>
    }
    .into_any()
}

/// The page of a link.
#[component]
pub fn ResetPage() -> impl IntoView {
    let secret = StoredValue::new(use_secret());
    let link = Resource::new(|| (), move |()| view_reset(secret.get_value()));
    let post = use_post::<ResetPassword>();
    // As it was sent, where the form came back.
    let revoke = post.error().get_untracked().is_none() || post.given("revoke_tokens").is_some();
    view! {
        <Load
            resource=link
            whole=true
            children=move |link| {
                let Some(link) = link else {
                    return view! {
                        <Ended>
                            <a class="rc-link" href=routes::FORGOT_PASSWORD>"Ask for a new one"</a>
                            "."
                        </Ended>
                    }
                        .into_any();
                };
                view! {
                    <leptos_meta::Title text="Choose a new password" />
                    <h1 class="text-xl mt-8">"Choose a new password"</h1>
                    <p class="text-muted mt-1 mb-6">
                        "For " <span class="text-base-content font-medium">{link.email}</span>
                        ". It signs you out everywhere."
                    </p>
                    <PostForm post=post plain=true class="flex flex-col gap-4">
                        <input type="hidden" name="secret" value=secret.get_value() />
                        <NewPassword />
                        <RevokeTokens on=revoke />
                        <Submit label="Set password" class="btn btn-primary btn-lg w-full" />
                    </PostForm>
                }
                    .into_any()
            }
        />
    }
    .into_any()
}
