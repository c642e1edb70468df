//! A user's own account: who they are, the groups they are in, their password, where they are signed
//! in.

use domain::{enrolment::OwnAccount, operator::SessionLine};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Redirect;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ui::{
    load::past_the_dry_run, post::Post, prelude::*, sessions::SessionTable, time::day_utc,
};

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnView {
    account: OwnAccount,
    sessions: Vec<SessionLine>,
}

/// The account of the user who is signed in.
#[server(endpoint = "own-account/view", input = Json)]
pub(crate) async fn view_own_account() -> AppResult<OwnView> {
    use crate::session::caller;
    use backend::auth::users;
    let (backend, scope) = caller::user().await?;
    let current = caller::session_id(&backend).await?;
    Ok(OwnView {
        account: users::own_account(&backend, &scope).await?,
        sessions: users::sessions(&backend, &scope, current).await?,
    })
}

/// Changes their password and ends their other sessions.
#[server(endpoint = "own-account/change-password")]
pub(crate) async fn change_own_password(
    old_password: String,
    new_password: String,
    password_again: String,
) -> AppResult<Done> {
    use crate::session::caller;
    use backend::auth::users::{self, UserPasswordChange};
    let (backend, scope) = caller::user().await?;
    if new_password != password_again {
        return Err(AppError::invalid(
            "password_again",
            "The two new passwords differ.",
        ));
    }
    let given = UserPasswordChange {
        old: old_password.into(),
        new: new_password.into(),
        keep: caller::session_id(&backend).await?,
    };
    users::change_password(&backend, &scope, given).await?;
    let to = Some(routes::OWN.to_owned());
    crate::session::done("Password changed, other sessions ended", to).await
}

/// Ends one of their sessions.
#[server(endpoint = "own-account/end-session")]
pub(crate) async fn end_own_session(id: Uuid) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller::user().await?;
    backend::auth::users::end_session(&backend, &scope, id).await?;
    crate::session::done("Session ended", None).await
}

/// Ends every session but this one.
#[server(endpoint = "own-account/end-other-sessions")]
pub(crate) async fn end_other_own_sessions() -> AppResult<Done> {
    use crate::session::caller;
    let (backend, scope) = caller::user().await?;
    let keep = caller::session_id(&backend).await?;
    let ended = backend::auth::users::end_other_sessions(&backend, &scope, keep).await?;
    let ended = i64::try_from(ended).unwrap_or(i64::MAX);
    crate::session::done(
        format!("{} ended", counted(ended, "session", "sessions")),
        None,
    )
    .await
}

/// Ends this session.
#[server(endpoint = "own-account/sign-out")]
pub(crate) async fn sign_out_user() -> AppResult<Done> {
    use crate::session::caller;
    match caller::user().await {
        Ok((backend, scope)) => {
            let session = caller::session_id(&backend).await?;
            backend::auth::users::sign_out(&backend, &scope, session).await?;
        }
        Err(AppError::SignedOut) => {}
        Err(error) => return Err(error),
    }
    caller::end_session().await?;
    leptos_axum::redirect(routes::OWN_SIGN_IN);
    Ok(Done::default())
}

/// The page; a stranger is led to sign in.
#[component]
pub fn OwnAccountPage() -> impl IntoView {
    let changes = use_changes();
    let own = Resource::new(move || changes.follow(), |_| view_own_account());
    let posts = Posts {
        password: use_post::<ChangeOwnPassword>(),
        end: use_post::<EndOwnSession>(),
        end_others: use_post::<EndOtherOwnSessions>(),
        sign_out: use_post::<SignOutUser>(),
    };
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let read = own.await;
                past_the_dry_run().await;
                match read {
                    Ok(own) => view! { <Own own=own posts=posts /> }.into_any(),
                    Err(AppError::SignedOut) => {
                        view! { <Redirect path=routes::OWN_SIGN_IN /> }.into_any()
                    }
                    Err(error) => view! { <ErrorNote error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Posts {
    password: Post<ChangeOwnPassword>,
    end: Post<EndOwnSession>,
    end_others: Post<EndOtherOwnSessions>,
    sign_out: Post<SignOutUser>,
}

#[component]
fn Own(own: OwnView, posts: Posts) -> impl IntoView {
    let OwnView { account, sessions } = own;
    let groups = account.groups;
    let none = groups.is_empty();
    let groups = groups
        .into_iter()
        .map(|name| view! { <li class="wrap-anywhere"><bdi>{name}</bdi></li> })
        .collect_view();
    view! {
        <leptos_meta::Title text="Your account" />
        <div class="flex items-start gap-3 flex-wrap mt-8">
            <div class="min-w-0">
                <h1 class="text-xl wrap-anywhere"><bdi>{account.name}</bdi></h1>
                <p class="text-muted wrap-anywhere">
                    <bdi>{account.customer_name}</bdi>
                </p>
                <p class="text-muted">"Active since " {day_utc(account.enrolled_at)}</p>
            </div>
            <PostForm post=posts.sign_out plain=true class="ms-auto">
                <Submit label="Sign out" class="btn" />
            </PostForm>
        </div>
        <Addresses
            user_name=account.user_name
            aliases=account.aliases
            mail=account.mail
        />
        <section aria-labelledby="h-own-groups" class="border-t border-line pt-4 mt-5">
            <h2 id="h-own-groups" class="text-base mb-1">"Your groups"</h2>
            {if none {
                view! { <p class="text-muted">"You are in no group."</p> }.into_any()
            } else {
                view! { <ul class="list-disc ps-5 max-h-72 overflow-y-auto">{groups}</ul> }.into_any()
            }}
        </section>
        <section aria-labelledby="h-password" class="border-t border-line pt-4 mt-6">
            <h2 id="h-password" class="text-base mb-1">"Password"</h2>
            <PostForm post=posts.password>
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
                    <div class="flex items-center gap-3 flex-wrap">
                        <Submit label="Change password" class="btn" />
                        <span class="rc-hint">"Ends your other sessions."</span>
                    </div>
                </div>
            </PostForm>
        </section>
        <super::second_factor::SecondFactorSection factors=account.second_factors />
        <section aria-labelledby="h-sessions" class="border-t border-line pt-4 mt-6">
            <div class="flex items-center gap-2">
                <h2 id="h-sessions" class="text-base">"Where you are signed in"</h2>
                <PostForm post=posts.end_others class="ms-auto">
                    <Submit label="End all others" busy="Ending" class="btn btn-sm" />
                </PostForm>
            </div>
            <SessionTable
                sessions=sessions
                end=move |session: Uuid, label: String| {
                    view! {
                        <PostForm post=posts.end class="inline">
                            <input type="hidden" name="id" value=session.to_string() />
                            <button type="submit" class="rc-act" aria-label=label>
                                "End"
                            </button>
                        </PostForm>
                    }
                        .into_any()
                }
            />
        </section>
    }
    .into_any()
}

/// What they sign in with, and where mail reaches them.
#[component]
fn Addresses(user_name: String, aliases: Vec<String>, mail: Option<String>) -> impl IntoView {
    let aliases = aliases
        .into_iter()
        .map(|alias| view! { <li class="wrap-anywhere"><bdi>{alias}</bdi></li> })
        .collect_view();
    let aliases = (!aliases.is_empty()).then(|| {
        view! {
            <dt>"Or with"</dt>
            <dd>
                <ul>{aliases}</ul>
            </dd>
        }
    });
    view! {
        <section aria-labelledby="h-own-addresses" class="border-t border-line pt-4 mt-5">
            <h2 id="h-own-addresses" class="text-base mb-1">"Your addresses"</h2>
            <dl class="rc-kv">
                <dt>"You sign in with"</dt>
                <dd><bdi class="wrap-anywhere">{user_name}</bdi></dd>
                {aliases}
                <dt>"Mail"</dt>
                <dd><bdi class="wrap-anywhere">{mail.unwrap_or_else(|| "none".to_owned())}</bdi></dd>
            </dl>
        </section>
    }
    .into_any()
}
