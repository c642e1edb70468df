//! Signing in to one's own account, and a forgotten password.

use leptos::server;

use crate::ui::prelude::*;

/// Signs a user in.
#[server(endpoint = "enrolment/sign-in")]
pub(crate) async fn sign_in_user(user_name: String, password: String) -> AppResult<Done> {
    use crate::session::caller;
    use backend::auth::users::{self, UserSignIn};
    let backend = caller::backend()?;
    let given = UserSignIn {
        user_name,
        password: password.into(),
        address: caller::address(),
        user_agent: caller::user_agent(),
        request_id: caller::request_id(),
    };
    let signed_in = match users::sign_in(&backend, given).await {
        Err(backend::Error::SignedOut) => {
            return Err(AppError::invalid(
                "password",
                "User name and password don’t belong together, or the account isn’t in use.",
            ));
        }
        other => other?,
    };
    let to = caller::go_on(signed_in).await?;
    crate::session::done("", Some(to)).await
}

/// Asks for a link to a new password. Whoever it is, the answer is the same.
#[server(endpoint = "enrolment/forgot")]
pub(crate) async fn forgot_user_password(user_name: String) -> AppResult<Done> {
    use crate::session::caller;
    let backend = caller::backend()?;
    backend::auth::users::ask_for_new_password(&backend, &user_name, caller::address()).await?;
    crate::session::done(
        "If there is an active account with this user name, a mail with a link is on its way.",
        Some(routes::OWN_SIGN_IN.to_owned()),
    )
    .await
}

/// The page to sign in.
#[component]
pub fn SignInPage() -> impl IntoView {
    let post = use_post::<SignInUser>();
    view! {
        <leptos_meta::Title text="Sign in to your account" />
        <h1 class="text-xl mt-8 mb-6">"Sign in to your account"</h1>
        <PostForm post=post plain=true class="flex flex-col gap-4">
            <Field
                name="user_name"
                label="User name"
                kind=Kind::Email
                autocomplete="username"
                autofocus=true
                large=true
            />
            <Field
                name="password"
                label="Password"
                kind=Kind::Password
                autocomplete="current-password"
                large=true
            />
            <Submit label="Sign in" class="btn btn-primary btn-lg w-full" />
        </PostForm>
        <p class="mt-4 text-center">
            <a class="rc-link" href=routes::OWN_FORGOT>"Forgot your password?"</a>
        </p>
        <p class="mt-2 text-center text-muted">
            "You look after a directory? "
            <a class="rc-link" href=routes::SIGN_IN>"Sign in as an operator"</a>
        </p>
    }
    .into_any()
}

/// The page to ask for a new password.
#[component]
pub fn ForgotPage() -> impl IntoView {
    let post = use_post::<ForgotUserPassword>();
    view! {
        <leptos_meta::Title text="Forgot your password?" />
        <h1 class="text-xl mt-8">"Forgot your password?"</h1>
        <p class="text-muted mt-1 mb-6">
            "You get a mail with a link to choose a new one. It works once, within a day."
        </p>
        <PostForm post=post plain=true class="flex flex-col gap-4">
            <Field
                name="user_name"
                label="User name"
                kind=Kind::Email
                autocomplete="username"
                autofocus=true
                large=true
            />
            <Submit label="Send the link" busy="Sending" class="btn btn-primary btn-lg w-full" />
        </PostForm>
        <p class="mt-4 text-center">
            <a class="rc-link" href=routes::OWN_SIGN_IN>"Back to sign-in"</a>
        </p>
    }
    .into_any()
}
