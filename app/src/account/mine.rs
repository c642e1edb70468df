//! My Account: who one is, one's password, second factors and accounts at providers, and where one is
//! signed in.

use domain::operator::SessionLine;
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;
use uuid::Uuid;

use super::{invitation::RevokeTokens, providers::LinkedAccounts};
use crate::{
    session::use_operator,
    ui::{prelude::*, sessions::SessionTable},
};

/// Where the operator is signed in.
#[server(endpoint = "account/sessions", input = Json)]
pub(crate) async fn list_sessions() -> AppResult<Vec<SessionLine>> {
    use crate::session::caller;
    let (backend, scope) = caller::caller().await?;
    let current = caller::session_id(&backend).await?;
    Ok(backend::store::sessions::list(&backend, &scope, current).await?)
}

/// Changes the operator's password and ends their other sessions; where they wish, also their
/// personal API tokens.
#[server(endpoint = "account/change-password")]
pub(crate) async fn change_password(
    old_password: String,
    new_password: String,
    password_again: String,
    #[server(default)] revoke_tokens: bool,
) -> AppResult<Done> {
    use crate::session::caller;
    let (backend, scope) = caller::caller().await?;
    if new_password != password_again {
        return Err(AppError::invalid(
            "password_again",
            "The two new passwords differ.",
        ));
    }
    let keep = caller::session_id(&backend).await?;
    let given = backend::auth::PasswordChange {
        old: old_password.into(),
        new: new_password.into(),
        keep,
        revoke_tokens,
    };
    backend::auth::change_password(&backend, &scope, given).await?;
    let told = if revoke_tokens {
        "Password changed, other sessions and personal API tokens ended"
    } else {
        "Password changed, other sessions ended"
    };
    crate::session::done(told, Some(routes::ACCOUNT.to_owned())).await
}

/// Ends one session.
#[server(endpoint = "account/end-session")]
pub(crate) async fn end_session(id: Uuid) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::sessions::end(&backend, &scope, id).await?;
    crate::session::done("Session ended", None).await
}

/// Ends every session but this one.
#[server(endpoint = "account/end-other-sessions")]
pub(crate) async fn end_other_sessions() -> AppResult<Done> {
    use crate::session::caller;
    let (backend, scope) = caller::caller().await?;
    let keep = caller::session_id(&backend).await?;
    let ended = backend::store::sessions::end_all_others(&backend, &scope, keep).await?;
    let ended = i64::try_from(ended).unwrap_or(i64::MAX);
    crate::session::done(
        format!("{} ended", counted(ended, "session", "sessions")),
        None,
    )
    .await
}

/// The page. Second factors are set up in dialogs, which are child routes.
#[component]
pub fn AccountPage() -> impl IntoView {
    let operator = use_operator();
    let changes = use_changes();
    let sessions = Resource::new(move || changes.follow(), |_| list_sessions());
    let password = use_post::<ChangePassword>();
    // As it was sent, where the form came back.
    let revoke =
        password.error().get_untracked().is_some() && password.given("revoke_tokens").is_some();
    let end = use_post::<EndSession>();
    let end_others = use_post::<EndOtherSessions>();
    view! {
        <PageHead
            title="My Account"
            facts=move || {
                view! {
                    <span class="text-base-content">{operator.name.clone()}</span>
                    <span>{operator.email.clone()}</span>
                    <span>{operator.role.title()}</span>
                    <bdi>{operator.scope.clone()}</bdi>
                }
                .into_any()
            }
        />
        <div class="px-6 pb-10 max-md:px-4 max-w-3xl">
            <section aria-labelledby="h-password" class="border-t border-line pt-4">
                <h2 id="h-password" class="text-base mb-1">"Password"</h2>
                <PostForm post=password>
                    <Field
                        name="old_password"
                        label="Present password"
                        kind=Kind::Password
                        autocomplete="current-password"
                        row=true
                    />
                    <Field
                        name="new_password"
                        label="New password"
                        kind=Kind::Password
                        autocomplete="new-password"
                        hint="At least 12 characters. A few words do well."
                        row=true
                    />
                    <Field
                        name="password_again"
                        label="New password again"
                        kind=Kind::Password
                        autocomplete="new-password"
                        row=true
                    />
                    <div class="rc-row">
                        <span></span>
                        <RevokeTokens on=revoke />
                    </div>
                    <div class="rc-row">
                        <span></span>
                        <div class="flex items-center gap-3 flex-wrap">
                            <Submit label="Change password" class="btn" />
                            <span class="rc-hint">"Ends your other sessions."</span>
                        </div>
                    </div>
                </PostForm>
            </section>
            <super::second_factor::SecondFactorSection />
            <LinkedAccounts />
            <section aria-labelledby="h-sessions" class="border-t border-line pt-4 mt-6">
                <div class="flex items-center gap-2">
                    <h2 id="h-sessions" class="text-base">"Where you are signed in"</h2>
                    <PostForm post=end_others class="ms-auto">
                        <Submit label="End all others" busy="Ending" class="btn btn-sm" />
                    </PostForm>
                </div>
                <Load resource=sessions let:sessions>
                    <SessionTable
                        sessions=sessions
                        end=move |session: Uuid, label: String| {
                            view! {
                                <PostForm post=end class="inline">
                                    <input type="hidden" name="id" value=session.to_string() />
                                    <button type="submit" class="rc-act" aria-label=label>
                                        "End"
                                    </button>
                                </PostForm>
                            }
                                .into_any()
                        }
                    />
                </Load>
            </section>
        </div>
        <Outlet />
    }
    .into_any()
}
