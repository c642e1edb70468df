//! After the password: the second factor, or setting one up where the role needs one. Who is here
//! is nobody yet, and sees nothing else.

use domain::second_factor::{AskedMore, Way};
use leptos::server;
use leptos_router::components::Redirect;

use super::second_factor::{ConfirmAuthenticator, offer_authenticator};
use crate::{
    passkey::{PasskeyButton, Purpose},
    routes::is_local,
    session::Current,
    ui::{prelude::*, second_factor::AuthenticatorFields},
};

/// Signs in with a code of the app, or a recovery code.
#[server(endpoint = "session/second-factor")]
pub(crate) async fn give_code(code: String, next: String) -> AppResult<Done> {
    use crate::session::caller;
    let (backend, half) = caller::half().await?;
    let (origin, agent) = (caller::origin(), caller::user_agent());
    let operator = half.give_code(&backend, &code, &origin, &agent).await?;
    caller::enter(&operator).await?;
    let to = if is_local(&next) {
        next
    } else {
        routes::OVERVIEW.to_owned()
    };
    crate::session::done("", Some(to)).await
}

/// Where one wanted to go, as far as that is here.
fn use_next() -> String {
    let next = use_address().get("next").filter(|next| is_local(next));
    next.unwrap_or_default()
}

/// What is asked of who is half signed in; else where somebody belongs who is not, or not any more.
fn asked_of(current: &Current, next: &str) -> Result<AskedMore, String> {
    match (&current.operator, &current.asked) {
        (Some(_), _) if next.is_empty() => Err(routes::OVERVIEW.to_owned()),
        (Some(_), _) => Err(next.to_owned()),
        (None, Some(asked)) => Ok(asked.clone()),
        (None, None) => Err(routes::sign_in(next)),
    }
}

#[component]
fn SomebodyElse() -> impl IntoView {
    view! {
        <p class="mt-4 text-center">
            <a class="rc-link" href=routes::SIGN_IN>"Sign in as somebody else"</a>
        </p>
    }
}

/// The page that asks for the second factor.
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    let current = expect_context::<Current>();
    let next = use_next();
    let asked = match asked_of(&current, &next) {
        Ok(asked) if asked.must_set_up => {
            return view! { <Redirect path=routes::set_up(&next) /> }.into_any();
        }
        Ok(asked) => asked,
        Err(elsewhere) => return view! { <Redirect path=elsewhere /> }.into_any(),
    };
    let post = use_post::<GiveCode>();
    let has = |way| asked.ways.contains(&way);
    let label = if has(Way::Authenticator) {
        "Code of your authenticator app"
    } else {
        "Recovery code"
    };
    let hint = if has(Way::Authenticator) && has(Way::RecoveryCode) {
        "Six digits. A recovery code works too, once."
    } else if has(Way::Authenticator) {
        "Six digits."
    } else {
        "One of those that you kept. It works once."
    };
    let codes = has(Way::Authenticator) || has(Way::RecoveryCode);
    let passkey = has(Way::Passkey).then(|| {
        view! {
            <div class="mb-4">
                <PasskeyButton
                    purpose=Purpose::SecondFactor
                    next=next.clone()
                    then=None
                    label="Use a passkey"
                    class="btn btn-primary btn-lg w-full"
                />
                <p class="text-muted hidden plain:block">
                    "Passkeys need the browser code of this page, which did not load."
                </p>
            </div>
        }
    });
    view! {
        <leptos_meta::Title text="Second factor" />
        <h1 class="text-xl mt-8">"Second factor"</h1>
        <p class="text-muted mt-1 mb-6">
            "Your password was right. One more step for "
            <span class="text-base-content font-medium">{asked.email.clone()}</span> "."
        </p>
        {passkey}
        {codes
            .then(|| {
                view! {
                    <PostForm post=post plain=true class="flex flex-col gap-4">
                        <input type="hidden" name="next" value=next />
                        <Field
                            name="code"
                            label=label
                            hint=hint
                            autocomplete="one-time-code"
                            autofocus=true
                            large=true
                        />
                        <Submit
                            label="Sign in"
                            busy="Signing in"
                            class="btn btn-lg w-full"
                        />
                    </PostForm>
                }
            })}
        <p class="rc-hint mt-4">
            "Nothing of it at hand? Another operator who may change your account can reset it, or \
             whoever runs this server: rollcall operator reset-second-factor."
        </p>
        <SomebodyElse />
    }
    .into_any()
}

/// The page for whose role needs a second factor, and who has none.
#[component]
pub fn SetUpPage() -> impl IntoView {
    let current = expect_context::<Current>();
    let next = use_next();
    match asked_of(&current, &next) {
        Ok(asked) if !asked.must_set_up => {
            return view! { <Redirect path=routes::second_factor(&next) /> }.into_any();
        }
        Ok(_) => {}
        Err(elsewhere) => return view! { <Redirect path=elsewhere /> }.into_any(),
    }
    let post = use_post::<ConfirmAuthenticator>();
    let sealed = StoredValue::new(post.given("sealed_key"));
    let offer = Resource::new(|| (), move |()| offer_authenticator(sealed.get_value()));
    let name = NodeRef::<leptos::html::Input>::new();
    let passkey = current.passkeys.then(|| {
        view! {
            <section aria-labelledby="h-passkey" class="mb-6 plain:hidden">
                <h2 id="h-passkey" class="text-base mb-1">"With a passkey"</h2>
                <p class="text-muted mb-2">
                    "Your device, or a security key. It signs you in without the password too."
                </p>
                <label for="f-passkey-name" class="block font-medium mb-1">"Name of the passkey"</label>
                <input
                    id="f-passkey-name"
                    class="input h-10! mb-3"
                    type="text"
                    value="My passkey"
                    node_ref=name
                    autocomplete="off"
                />
                <PasskeyButton
                    purpose=Purpose::Add
                    next=next.clone()
                    then=None
                    label="Add a passkey"
                    class="btn btn-lg w-full"
                    name=name
                />
            </section>
        }
    });
    let hidden_next = next.clone();
    view! {
        <leptos_meta::Title text="Set up a second factor" />
        <h1 class="text-xl mt-8">"Set up a second factor"</h1>
        <p class="text-muted mt-1 mb-6">
            "Your role needs one: a password alone can be found out. You are signed in once it is set up."
        </p>
        {passkey}
        <section aria-labelledby="h-app">
            <h2 id="h-app" class="text-base mb-1">"With an authenticator app"</h2>
            <Load
                resource=offer
                children=move |offer| {
                    let next = hidden_next.clone();
                    view! {
                        <PostForm post=post plain=true class="flex flex-col gap-4">
                            <input type="hidden" name="next" value=next />
                            <AuthenticatorFields offer=offer />
                            <Submit
                                label="Set up the app"
                                busy="Setting up"
                                class="btn btn-primary btn-lg w-full"
                            />
                        </PostForm>
                    }
                }
            />
        </section>
        <SomebodyElse />
    }
    .into_any()
}
