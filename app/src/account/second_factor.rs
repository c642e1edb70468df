//! The second factors of My Account: the authenticator app here, passkeys and recovery codes in
//! files of their own.

use domain::second_factor::{AuthenticatorOffer, SecondFactors};
use leptos::{server, server_fn::codec::Json};

use crate::ui::{prelude::*, second_factor::AuthenticatorFields};

/// What the operator has.
#[server(endpoint = "account/second-factors", input = Json)]
pub(crate) async fn read_second_factors() -> AppResult<SecondFactors> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::auth::second_factor::mine(&backend, &scope).await?)
}

/// A key for an app: a new one, or the one that a form came back with.
#[server(endpoint = "authenticator/offer", input = Json)]
pub(crate) async fn offer_authenticator(sealed: Option<String>) -> AppResult<AuthenticatorOffer> {
    use backend::auth::second_factor;
    let (backend, who) = crate::session::caller::setting_up().await?;
    Ok(second_factor::offer_authenticator(&backend, &who, sealed.as_deref()).await?)
}

/// Takes the app in use, once it shows a right code.
#[server(endpoint = "authenticator/confirm")]
pub(crate) async fn confirm_authenticator(
    sealed_key: String,
    code: String,
    #[server(default)] next: String,
) -> AppResult<Done> {
    use crate::session::caller;
    use backend::auth::second_factor;
    use domain::second_factor::Way;
    let (backend, who) = caller::setting_up().await?;
    second_factor::confirm_authenticator(&backend, &who, &sealed_key, &code).await?;
    let to = caller::has_set_up(&backend, who, Way::Authenticator, &next).await?;
    crate::session::done("The authenticator app is set up", Some(to)).await
}

/// Removes the app.
#[server(endpoint = "authenticator/remove")]
pub(crate) async fn remove_authenticator() -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::auth::second_factor::remove_authenticator(&backend, &scope).await?;
    crate::session::done(
        "The authenticator app was removed",
        Some(routes::ACCOUNT.to_owned()),
    )
    .await
}

/// The section of My Account.
#[component]
pub(super) fn SecondFactorSection() -> impl IntoView {
    let changes = use_changes();
    let factors = Resource::new(move || changes.follow(), |_| read_second_factors());
    view! {
        <section aria-labelledby="h-second-factor" class="border-t border-line pt-4 mt-6">
            <h2 id="h-second-factor" class="text-base mb-1">"Second factor"</h2>
            <Load resource=factors let:factors>
                <Factors factors=factors />
            </Load>
        </section>
    }
    .into_any()
}

#[component]
fn Factors(factors: SecondFactors) -> impl IntoView {
    let none = factors.is_empty();
    let app = factors.authenticator_since;
    let left = factors.recovery_codes;
    view! {
        <p class="text-muted mb-3 max-w-[60ch]">
            {if none {
                "A password alone can be found out. With a second factor it is not enough."
            } else {
                "Asked for after your password, and before dangerous things such as replacing secrets."
            }}
            {factors.required.then_some(" Your role needs one.")}
        </p>
        <div class="rc-row">
            <span>"Authenticator app"</span>
            <div class="flex items-center gap-x-4 gap-y-1 flex-wrap pt-0.5">
                {match app {
                    Some(at) => {
                        view! {
                            <Status of=Mark { icon: "circle-check", word: "Set up", tone: "ok" } />
                            <span class="text-muted"><RelativeTime at=at /></span>
                            <a class="rc-act" href=routes::AUTHENTICATOR data-noscroll="true">
                                "Set up another"
                            </a>
                            <a class="rc-act" href=routes::AUTHENTICATOR_REMOVE data-noscroll="true">
                                "Remove"<span class="sr-only">" the authenticator app"</span>
                            </a>
                        }
                            .into_any()
                    }
                    None => {
                        view! {
                            <span class="text-muted">"None"</span>
                            <a class="rc-act" href=routes::AUTHENTICATOR data-noscroll="true">
                                "Set up an app"
                            </a>
                        }
                            .into_any()
                    }
                }}
            </div>
        </div>
        <super::passkeys::Passkeys passkeys=factors.passkeys.clone() />
        {(!none)
            .then(|| {
                view! {
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
                                view! {
                                    <span>
                                        {counted(left, "code", "codes")} " left"
                                    </span>
                                }
                                    .into_any()
                            }}
                            <a class="rc-act" href=routes::RECOVERY_CODES data-noscroll="true">
                                {if left == 0 { "Make recovery codes" } else { "Make new ones" }}
                            </a>
                        </div>
                    </div>
                }
            })}
    }
    .into_any()
}

/// Set up an authenticator app.
#[component]
pub fn AuthenticatorDialog() -> impl IntoView {
    let post = use_post::<ConfirmAuthenticator>();
    let sealed = StoredValue::new(post.given("sealed_key"));
    let offer = Resource::new(|| (), move |()| offer_authenticator(sealed.get_value()));
    view! {
        <Dialog title="Set Up an Authenticator App" back=routes::ACCOUNT>
            <Load
                resource=offer
                children=move |offer| {
                    view! {
                        <PostForm post=post class="flex flex-col gap-4">
                            <AuthenticatorFields offer=offer />
                            <DialogFoot back=routes::ACCOUNT>
                                <Submit label="Set up the app" busy="Setting up" />
                            </DialogFoot>
                        </PostForm>
                    }
                }
            />
        </Dialog>
    }
    .into_any()
}

/// Remove the authenticator app.
#[component]
pub fn RemoveAuthenticatorDialog() -> impl IntoView {
    let post = use_post::<RemoveAuthenticator>();
    view! {
        <Dialog title="Remove the Authenticator App" back=routes::ACCOUNT>
            <PostForm post=post>
                <p>
                    "Its codes are worth nothing any more. If it is your only second factor, your \
                     recovery codes go with it, and your password alone is enough again."
                </p>
                <DialogFoot back=routes::ACCOUNT>
                    <Submit label="Remove" busy="Removing" class="btn btn-error" />
                </DialogFoot>
            </PostForm>
        </Dialog>
    }
    .into_any()
}
