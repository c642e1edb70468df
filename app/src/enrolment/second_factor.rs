//! The second factor of a user's own account: the page that asks for it, setting up and removing an
//! authenticator app, and recovery codes. Each change asks for the password.

use domain::second_factor::{
    AskedMore, AuthenticatorOffer, RecoveryCodesOffer, SecondFactors, Way,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Redirect;

use crate::ui::{
    load::past_the_dry_run,
    prelude::*,
    second_factor::{AuthenticatorFields, Codes},
};

/// What is asked of who is half signed in; none where they have to begin anew.
#[server(endpoint = "own-account/asked", input = Json)]
pub(crate) async fn read_asked() -> AppResult<Option<AskedMore>> {
    match crate::session::caller::user_half().await {
        Ok((backend, half)) => Ok(half.asked(&backend).await?),
        Err(AppError::SignedOut) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Signs a user in with a code of their app, or a recovery code.
#[server(endpoint = "own-account/second-factor")]
pub(crate) async fn give_own_code(code: String) -> AppResult<Done> {
    use crate::session::caller;
    let (backend, half) = caller::user_half().await?;
    let (origin, agent) = (caller::origin(), caller::user_agent());
    let user = half.give_code(&backend, &code, &origin, &agent).await?;
    caller::enter_user(&user).await?;
    crate::session::done("", Some(routes::OWN.to_owned())).await
}

/// A key for an app: a new one, or the one that a form came back with.
#[server(endpoint = "own-authenticator/offer", input = Json)]
pub(crate) async fn offer_own_authenticator(
    sealed: Option<String>,
) -> AppResult<AuthenticatorOffer> {
    let (backend, scope) = crate::session::caller::user().await?;
    let offer = backend::auth::users::offer_authenticator(&backend, &scope, sealed.as_deref());
    Ok(offer.await?)
}

/// Takes the app in use, once it shows a right code.
#[server(endpoint = "own-authenticator/confirm")]
pub(crate) async fn confirm_own_authenticator(
    sealed_key: String,
    code: String,
    password: String,
) -> AppResult<Done> {
    use crate::session::caller;
    use backend::auth::users;
    let (backend, scope) = caller::user().await?;
    let session = caller::session_id(&backend).await?;
    let password = password.into();
    users::confirm_authenticator(&backend, &scope, session, password, &sealed_key, &code).await?;
    let account = users::own_account(&backend, &scope).await?;
    let to = if account.second_factors.recovery_codes == 0 {
        routes::OWN_RECOVERY_CODES
    } else {
        routes::OWN
    };
    crate::session::done("The authenticator app is set up", Some(to.to_owned())).await
}

/// Removes the app, and the recovery codes with it.
#[server(endpoint = "own-authenticator/remove")]
pub(crate) async fn remove_own_authenticator(password: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller::user().await?;
    backend::auth::users::remove_authenticator(&backend, &scope, password.into()).await?;
    let to = Some(routes::OWN.to_owned());
    crate::session::done("The authenticator app was removed", to).await
}

/// Makes codes to be shown.
#[server(endpoint = "own-recovery-codes/offer", input = Json)]
pub(crate) async fn offer_own_codes() -> AppResult<RecoveryCodesOffer> {
    let (backend, scope) = crate::session::caller::user().await?;
    Ok(backend::auth::users::offer_recovery_codes(&backend, &scope).await?)
}

/// Takes the codes that were shown in place of those before.
#[server(endpoint = "own-recovery-codes/keep")]
pub(crate) async fn keep_own_codes(sealed_codes: String, password: String) -> AppResult<Done> {
    use backend::auth::users;
    let (backend, scope) = crate::session::caller::user().await?;
    users::keep_recovery_codes(&backend, &scope, password.into(), &sealed_codes).await?;
    let to = Some(routes::OWN.to_owned());
    crate::session::done("The recovery codes are good from now on", to).await
}

/// The section of a user's own account.
#[component]
pub(super) fn SecondFactorSection(factors: SecondFactors) -> impl IntoView {
    let left = factors.recovery_codes;
    view! {
        <section aria-labelledby="h-second-factor" class="border-t border-line pt-4 mt-6">
            <h2 id="h-second-factor" class="text-base mb-1">"Second factor"</h2>
            {match factors.authenticator_since {
                Some(at) => {
                    view! {
                        <p class="text-muted mb-3">"Asked for after your password."</p>
                        <div class="rc-row">
                            <span>"Authenticator app"</span>
                            <div class="flex items-center gap-x-4 gap-y-1 flex-wrap pt-0.5">
                                <Status of=Mark { icon: "circle-check", word: "Set up", tone: "ok" } />
                                <span class="text-muted"><RelativeTime at=at /></span>
                                <a class="rc-act" href=routes::OWN_AUTHENTICATOR>"Set up another"</a>
                                <a class="rc-act" href=routes::OWN_AUTHENTICATOR_REMOVE>
                                    "Remove" <span class="sr-only">" the authenticator app"</span>
                                </a>
                            </div>
                        </div>
                        <div class="rc-row">
                            <span>"Recovery codes"</span>
                            <div class="flex items-center gap-x-4 gap-y-1 flex-wrap pt-0.5">
                                {if left == 0 {
                                    view! {
                                        <Status of=Mark {
                                            icon: "circle-alert",
                                            word: "None: without your device you can’t get in",
                                            tone: "held",
                                        } />
                                    }
                                        .into_any()
                                } else {
                                    view! { <span>{counted(left, "code", "codes")} " left"</span> }
                                        .into_any()
                                }}
                                <a class="rc-act" href=routes::OWN_RECOVERY_CODES>
                                    {if left == 0 { "Make recovery codes" } else { "Make new ones" }}
                                </a>
                            </div>
                        </div>
                    }
                        .into_any()
                }
                None => {
                    view! {
                        <p class="text-muted mb-3 max-w-[60ch]">
                            "A password alone can be found out. With a second factor it is not enough."
                        </p>
                        <a class="btn" href=routes::OWN_AUTHENTICATOR>"Set up an authenticator app"</a>
                    }
                        .into_any()
                }
            }}
        </section>
    }
    .into_any()
}

/// The page that asks for the second factor; whoever has to begin anew is led to sign in.
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    let asked = Resource::new(|| (), |()| read_asked());
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let read = asked.await;
                past_the_dry_run().await;
                match read {
                    Ok(Some(asked)) => view! { <AskForCode asked=asked /> }.into_any(),
                    Ok(None) => view! { <Redirect path=routes::OWN_SIGN_IN /> }.into_any(),
                    Err(error) => view! { <ErrorNote error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn AskForCode(asked: AskedMore) -> impl IntoView {
    let post = use_post::<GiveOwnCode>();
    let hint = if asked.ways.contains(&Way::RecoveryCode) {
        "Six digits. A recovery code works too, once."
    } else {
        "Six digits."
    };
    view! {
        <leptos_meta::Title text="Second factor" />
        <h1 class="text-xl mt-8">"Second factor"</h1>
        <p class="text-muted mt-1 mb-6 wrap-anywhere">
            "Your password was right. One more step for "
            <bdi class="text-base-content font-medium">{asked.email}</bdi> "."
        </p>
        <PostForm post=post plain=true class="flex flex-col gap-4">
            <Field
                name="code"
                label="Code of your authenticator app"
                hint=hint
                autocomplete="one-time-code"
                autofocus=true
                large=true
            />
            <Submit label="Sign in" busy="Signing in" class="btn btn-primary btn-lg w-full" />
        </PostForm>
        <p class="rc-hint mt-4">"Nothing of it at hand? Ask your administrator to reset it."</p>
        <p class="mt-4 text-center">
            <a class="rc-link" href=routes::OWN_SIGN_IN>"Sign in as somebody else"</a>
        </p>
    }
    .into_any()
}

/// The password, which each change of a second factor asks for.
#[component]
fn PresentPassword() -> impl IntoView {
    view! {
        <Field
            name="password"
            label="Your password"
            kind=Kind::Password
            hint="Asked for once more, since it changes how you get in."
            autocomplete="current-password"
        />
    }
    .into_any()
}

/// What is under each of these forms.
#[component]
fn Foot(label: &'static str, busy: &'static str) -> impl IntoView {
    view! {
        <div class="flex gap-3 flex-wrap mt-2">
            <Submit label=label busy=busy />
            <a class="btn" href=routes::OWN>"Cancel"</a>
        </div>
    }
    .into_any()
}

/// In place of what a stranger may not see, the way to sign in.
fn or_sign_in(error: AppError) -> AnyView {
    match error {
        AppError::SignedOut => view! { <Redirect path=routes::OWN_SIGN_IN /> }.into_any(),
        error => view! { <ErrorNote error=error /> }.into_any(),
    }
}

/// Set up an authenticator app.
#[component]
pub fn AuthenticatorPage() -> impl IntoView {
    let post = use_post::<ConfirmOwnAuthenticator>();
    let sealed = StoredValue::new(post.given("sealed_key"));
    let offer = Resource::new(|| (), move |()| offer_own_authenticator(sealed.get_value()));
    view! {
        <leptos_meta::Title text="Set up an authenticator app" />
        <h1 class="text-xl mt-8 mb-4">"Set up an authenticator app"</h1>
        <Transition>
            {move || Suspend::new(async move {
                let read = offer.await;
                past_the_dry_run().await;
                match read {
                    Ok(offer) => {
                        view! {
                            <PostForm post=post class="flex flex-col gap-4 max-w-md">
                                <AuthenticatorFields offer=offer />
                                <PresentPassword />
                                <Foot label="Set up the app" busy="Setting up" />
                            </PostForm>
                        }
                            .into_any()
                    }
                    Err(error) => or_sign_in(error),
                }
            })}
        </Transition>
    }
    .into_any()
}

/// Remove the authenticator app.
#[component]
pub fn RemoveAuthenticatorPage() -> impl IntoView {
    let post = use_post::<RemoveOwnAuthenticator>();
    view! {
        <leptos_meta::Title text="Remove the authenticator app" />
        <h1 class="text-xl mt-8 mb-2">"Remove the authenticator app"</h1>
        <p class="mb-4 max-w-[60ch]">
            "Its codes are worth nothing any more, your recovery codes go with it, and your password \
             alone is enough again."
        </p>
        <PostForm post=post class="flex flex-col gap-4 max-w-md">
            <PresentPassword />
            <Foot label="Remove" busy="Removing" />
        </PostForm>
    }
    .into_any()
}

/// Make recovery codes.
#[component]
pub fn RecoveryCodesPage() -> impl IntoView {
    let post = use_post::<KeepOwnCodes>();
    let offer = Resource::new(|| (), |()| offer_own_codes());
    view! {
        <leptos_meta::Title text="Recovery codes" />
        <h1 class="text-xl mt-8 mb-2">"Recovery codes"</h1>
        <Transition>
            {move || Suspend::new(async move {
                let read = offer.await;
                past_the_dry_run().await;
                match read {
                    Ok(offer) => {
                        view! {
                            <PostForm post=post class="flex flex-col gap-4 max-w-md">
                                <input type="hidden" name="sealed_codes" value=offer.sealed />
                                <p>
                                    "Each signs you in once, in place of your authenticator app. Print \
                                     them, or keep them where you keep passwords: they are shown only \
                                     now, and take the place of any before."
                                </p>
                                <div><Codes codes=offer.codes /></div>
                                <PresentPassword />
                                <Foot label="I kept them" busy="Keeping" />
                            </PostForm>
                        }
                            .into_any()
                    }
                    Err(error) => or_sign_in(error),
                }
            })}
        </Transition>
    }
    .into_any()
}
