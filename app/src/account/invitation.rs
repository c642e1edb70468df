//! Following an invitation: somebody chooses a password, and then signs in with it; or they accept it
//! with an account of a provider. The secret
//! stands in the address, which the link of the mail brought; looking at it uses nothing up.

use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::providers::ProviderButtons;
use crate::ui::prelude::*;

/// Whom a link is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    /// Their mail address.
    pub(super) email: String,
    /// Their name.
    pub(super) name: String,
}

/// Whom a link of an invitation is for; none where it isn't good any more.
#[server(endpoint = "invitation/view", input = Json)]
pub(crate) async fn view_invitation(secret: String) -> AppResult<Option<LinkView>> {
    use backend::auth::{self, Purpose};
    let backend = crate::session::caller::backend()?;
    let followed = auth::follow(&backend, Purpose::Invitation, secret.into()).await?;
    Ok(followed.map(|followed| LinkView {
        email: followed.email,
        name: followed.name,
    }))
}

/// Accepts an invitation.
#[server(endpoint = "invitation/accept")]
pub(crate) async fn accept_invitation(
    secret: String,
    name: String,
    password: String,
    password_again: String,
) -> AppResult<Done> {
    let backend = crate::session::caller::backend()?;
    same(&password, &password_again)?;
    let origin = crate::session::caller::origin();
    let (secret, password) = (secret.into(), password.into());
    backend::auth::accept_invitation(&backend, secret, &name, password, &origin).await?;
    crate::session::done(
        "Your password is set. Sign in with it.",
        Some(routes::SIGN_IN.to_owned()),
    )
    .await
}

/// Refuses two passwords that differ.
#[cfg(feature = "ssr")]
pub(super) fn same(password: &str, again: &str) -> AppResult<()> {
    if password == again {
        Ok(())
    } else {
        Err(AppError::invalid(
            "password_again",
            "The two passwords differ.",
        ))
    }
}

/// What is said in place of a link that isn't good any more.
#[component]
pub(super) fn Ended(
    /// What to do.
    children: Children,
) -> impl IntoView {
    view! {
        <leptos_meta::Title text="This link has ended" />
        <h1 class="text-xl mt-8">"This link has ended"</h1>
        <p class="text-muted mt-1 mb-6">
            "It was used already, a newer one took its place, or its time is over. "
            {children()}
        </p>
        <a class="btn" href=routes::SIGN_IN>"Sign in"</a>
    }
    .into_any()
}

/// The secret in the address.
pub(super) fn use_secret() -> String {
    use_address().get("secret").unwrap_or_default()
}

/// The page.
#[component]
pub fn InvitationPage() -> impl IntoView {
    let secret = StoredValue::new(use_secret());
    let link = Resource::new(|| (), move |()| view_invitation(secret.get_value()));
    let post = use_post::<AcceptInvitation>();
    view! {
        <Load
            resource=link
            whole=true
            children=move |link| {
                let Some(link) = link else {
                    return view! {
                        <Ended>"Ask whoever invited you for a new one."</Ended>
                    }
                        .into_any();
                };
                view! {
                    <leptos_meta::Title text="Welcome" />
                    <h1 class="text-xl mt-8">"Welcome"</h1>
                    <p class="text-muted mt-1 mb-6">
                        "You sign in as "
                        <span class="text-base-content font-medium">{link.email}</span>
                        ". Choose a password for it."
                    </p>
                    <ProviderButtons
                        words="Accept with"
                        query=vec![("invitation".to_owned(), secret.get_value())]
                    />
                    <PostForm post=post plain=true class="flex flex-col gap-4">
                        <input type="hidden" name="secret" value=secret.get_value() />
                        <Field
                            name="name"
                            label="Your name"
                            value=link.name
                            autocomplete="name"
                            large=true
                        />
                        <NewPassword />
                        <Submit label="Set password" class="btn btn-primary btn-lg w-full" />
                    </PostForm>
                }
                    .into_any()
            }
        />
    }
    .into_any()
}

/// Whether one's personal API tokens end with the old password.
#[component]
pub(super) fn RevokeTokens(
    /// Whether that is chosen at first.
    on: bool,
) -> impl IntoView {
    view! {
        <label class="flex items-start gap-2.5">
            <input
                type="checkbox"
                class="checkbox flex-none mt-0.5"
                name="revoke_tokens"
                value="true"
                checked=on
            />
            <span>
                "Revoke my personal API tokens"
                <span class="rc-hint block">
                    "Whoever knew the old password could have made one. Programs that use them stop."
                </span>
            </span>
        </label>
    }
}

/// A new password, twice.
#[component]
pub(super) fn NewPassword() -> impl IntoView {
    view! {
        <Field
            name="password"
            label="New password"
            kind=Kind::Password
            autocomplete="new-password"
            hint="At least 12 characters. A few words do well."
            autofocus=true
            large=true
        />
        <Field
            name="password_again"
            label="New password again"
            kind=Kind::Password
            autocomplete="new-password"
            large=true
        />
    }
}
