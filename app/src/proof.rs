//! “Confirm it’s you”: asked before what is dangerous, wherever that is. With the browser code it is
//! asked beside the form, which is sent again by itself; without, on a page of its own that leads
//! back to the form as it was filled in.

use domain::second_factor::Way;
use leptos::{server, server_fn::codec::Json};

use crate::{
    passkey::{PasskeyButton, Purpose},
    routes::is_local,
    ui::prelude::*,
};

/// What to see to before a second factor is reset.
pub const MAKE_SURE: &str = "Make sure that it is them who asks: this is what somebody does who has found \
     out their password. Look at them, in person or on video, or call them back at a number that you had \
     before. A mail, a chat or a call that comes in shows nothing.";

/// How the operator who asks can prove that it is them.
#[server(endpoint = "session/ways", input = Json)]
pub(crate) async fn ways_to_confirm() -> AppResult<Vec<Way>> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::auth::ways_to_prove(&backend, &scope).await?)
}

/// Says `ProveAgain` where that has to be done first: for what only the browser code can do.
#[server(endpoint = "session/proof", input = Json)]
pub(crate) async fn recently() -> AppResult<()> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(scope.require_recent_proof(backend.clock.now())?)
}

/// Takes a code, or the password of somebody who has no second factor.
#[server(endpoint = "session/confirm")]
pub(crate) async fn confirm(
    #[server(default)] code: String,
    #[server(default)] password: String,
    next: String,
) -> AppResult<Done> {
    use backend::auth::{self, Proof};
    let (backend, scope) = crate::session::caller().await?;
    let given = if password.is_empty() {
        Proof::Code(code)
    } else {
        Proof::Password(password.into())
    };
    let at = auth::prove(&backend, &scope, given).await?;
    crate::session::caller::proved(at).await?;
    let to = is_local(&next).then_some(next);
    crate::session::done("", to).await?;
    // The browser code goes on where it is.
    Ok(Done::default())
}

/// The page, for forms that were sent without the browser code.
#[component]
pub fn ConfirmPage() -> impl IntoView {
    let address = use_address();
    let next = address.get("next").filter(|next| is_local(next));
    let next = next.unwrap_or_else(|| routes::OVERVIEW.to_owned());
    view! {
        <PageHead title="Confirm it’s you" />
        <div class="px-6 pb-10 max-md:px-4 max-w-3xl">{panel(next, None)}</div>
    }
    .into_any()
}

/// The question, with what there is to answer it by. `done` is called once it was answered with the
/// browser code; without either of them, it leads on to `next`.
///
/// A function and not a component, since every form asks it and it is a form itself.
pub(crate) fn panel(next: String, done: Option<Callback<()>>) -> AnyView {
    view! { <Panel next=next done=done /> }.into_any()
}

#[component]
fn Panel(next: String, done: Option<Callback<()>>) -> impl IntoView {
    let ways = Resource::new(|| (), |()| ways_to_confirm());
    let post = use_post::<Confirm>();
    Effect::new(move |_| {
        if let (Some(Ok(_)), Some(done)) = (post.action.value().get(), done) {
            done.run(());
        }
    });
    // Beside a form it has a heading, which whoever sent the form is led to; on its own page that
    // is the page's.
    let heading = NodeRef::<leptos::html::H2>::new();
    Effect::new(move |_| {
        if let Some(heading) = heading.get() {
            _ = heading.focus();
        }
    });
    view! {
        <section
            class=if done.is_some() { "mt-4 border-t border-line pt-4" } else { "" }
            aria-label="Confirm it’s you"
        >
            {done
                .is_some()
                .then(|| {
                    view! {
                        <h2 class="text-base mb-1" tabindex="-1" node_ref=heading>
                            "Confirm it’s you"
                        </h2>
                    }
                })}
            <p class="text-muted mb-3 max-w-[60ch]">
                "This is one of the things that is asked for once more, so that a browser left open \
                 is not enough for it. Nothing that you typed is lost."
            </p>
            <Load
                resource=ways
                children=move |ways| {
                    view! { <Answers ways=ways next=next.clone() done=done post=post /> }
                }
            />
        </section>
    }
    .into_any()
}

#[component]
fn Answers(
    ways: Vec<Way>,
    next: String,
    done: Option<Callback<()>>,
    post: crate::ui::form::Post<Confirm>,
) -> impl IntoView {
    if ways.is_empty() {
        return view! {
            <p>
                "You have neither a password nor a second factor here. Sign out, and sign in again \
                 as you do."
            </p>
        }
        .into_any();
    }
    let password = ways.contains(&Way::Password);
    let codes = ways.contains(&Way::Authenticator) || ways.contains(&Way::RecoveryCode);
    let plain = done.is_none();
    let passkey = ways.contains(&Way::Passkey).then(|| {
        let next = next.clone();
        let then = done.map(|done| Callback::new(move |_: Done| done.run(())));
        view! {
            <PasskeyButton
                purpose=Purpose::Confirm
                next=next
                then=then
                label="Confirm with a passkey"
                class="btn btn-primary mb-4"
            />
        }
    });
    let label = if ways.contains(&Way::Authenticator) {
        "Code of your authenticator app, or a recovery code"
    } else {
        "Recovery code"
    };
    view! {
        {passkey}
        {(password || codes)
            .then(|| {
                view! {
                    <PostForm post=post plain=plain class="flex flex-col gap-3 max-w-96">
                        <input type="hidden" name="next" value=next />
                        {if password {
                            view! {
                                <Field
                                    name="password"
                                    label="Your password"
                                    kind=Kind::Password
                                    autocomplete="current-password"
                                    autofocus=true
                                    of="-confirm"
                                />
                            }
                                .into_any()
                        } else {
                            view! {
                                <Field
                                    name="code"
                                    label=label
                                    autocomplete="one-time-code"
                                    autofocus=true
                                    of="-confirm"
                                />
                            }
                                .into_any()
                        }}
                        <div>
                            <Submit label="Confirm" busy="Confirming" class="btn" />
                        </div>
                    </PostForm>
                }
            })}
    }
    .into_any()
}
