//! Sign in.

use leptos::server;
use leptos_router::components::Redirect;

use super::providers::{ProviderButtons, ProviderRefusal};
use crate::{
    passkey::{PasskeyButton, Purpose},
    routes::is_local,
    session::Current,
    ui::prelude::*,
};

/// Signs an operator in and leads on to where they wanted to go.
#[server(endpoint = "session/sign-in")]
pub(crate) async fn sign_in(email: String, password: String, next: String) -> AppResult<Done> {
    use crate::session::caller;
    use backend::auth::SignedIn;
    let backend = caller::backend()?;
    let given = backend::auth::SignIn {
        email,
        password: password.into(),
        address: caller::address(),
        browser: caller::brought(&backend, crate::cookies::BROWSER),
        user_agent: caller::user_agent(),
        request_id: caller::request_id(),
    };
    let signed_in = match backend::auth::sign_in(&backend, given).await {
        Err(backend::Error::SignedOut) => {
            return Err(AppError::invalid(
                "password",
                "E-mail and password don’t belong together.",
            ));
        }
        other => other?,
    };
    let to = match signed_in {
        SignedIn::Whole(operator) => {
            caller::enter(&operator).await?;
            if is_local(&next) {
                next
            } else {
                routes::OVERVIEW.to_owned()
            }
        }
        SignedIn::Half(half) => {
            caller::enter_half(&half).await?;
            // The page leads on to setting one up, where there is none.
            routes::second_factor(&next)
        }
    };
    crate::session::done("", Some(to)).await
}

/// The page.
#[component]
pub fn SignInPage() -> impl IntoView {
    let current = expect_context::<Current>();
    let address = use_address();
    let next = address.get("next").filter(|next| is_local(next));
    if current.operator.is_some() {
        let to = next.unwrap_or_else(|| routes::OVERVIEW.to_owned());
        return view! { <Redirect path=to /> }.into_any();
    }
    if current.needs_owner {
        return view! { <Redirect path=routes::SETUP /> }.into_any();
    }
    let post = use_post::<SignIn>();
    let query = next.clone().map(|next| ("next".to_owned(), next));
    let next = next.unwrap_or_default();
    let then = next.clone();
    view! {
        <leptos_meta::Title text="Sign in" />
        <h1 class="text-xl mt-8 mb-6">"Sign in"</h1>
        <ProviderRefusal />
        <ProviderButtons words="Sign in with" query=query.into_iter().collect() />
        <PostForm post=post plain=true class="flex flex-col gap-4">
            <input type="hidden" name="next" value=next />
            <Field
                name="email"
                label="E-mail"
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
        {current
            .passkeys
            .then(|| {
                view! {
                    <div class="mt-3">
                        <PasskeyButton
                            purpose=Purpose::SignIn
                            next=then
                            then=None
                            label="Sign in with a passkey"
                            class="btn btn-lg w-full"
                        />
                    </div>
                }
            })}
        <p class="mt-4 text-center">
            <a class="rc-link" href=routes::FORGOT_PASSWORD>"Forgot your password?"</a>
        </p>
    }
    .into_any()
}
