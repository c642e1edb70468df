//! My Account: who one is, one's password, and where one is signed in.

use domain::operator::SessionLine;
use leptos::{server, server_fn::codec::Json};
use uuid::Uuid;

use crate::{session::use_operator, ui::prelude::*};

/// Where the operator is signed in.
#[server(endpoint = "account/sessions", input = Json)]
pub(crate) async fn list_sessions() -> AppResult<Vec<SessionLine>> {
    use crate::session::caller;
    let (backend, scope) = caller::caller().await?;
    let current = caller::session_id(&backend).await?;
    Ok(backend::store::sessions::list(&backend, &scope, current).await?)
}

/// Changes the operator's password and ends their other sessions.
#[server(endpoint = "account/change-password")]
pub(crate) async fn change_password(
    old_password: String,
    new_password: String,
    password_again: String,
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
    backend::auth::change_password(
        &backend,
        &scope,
        old_password.into(),
        new_password.into(),
        keep,
    )
    .await?;
    crate::session::done(
        "Password changed, other sessions ended",
        Some(routes::ACCOUNT.to_owned()),
    )
    .await
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

/// The page.
#[component]
pub fn AccountPage() -> impl IntoView {
    let operator = use_operator();
    let changes = use_changes();
    let sessions = Resource::new(move || changes.follow(), |_| list_sessions());
    let password = use_post::<ChangePassword>();
    let end = use_post::<EndSession>();
    let end_others = use_post::<EndOtherSessions>();
    view! {
        <PageHead
            title="My Account"
            facts=move || {
                view! {
                    <span class="text-base-content">{operator.name.clone()}</span>
                    <span>{operator.email.clone()}</span>
                    <span>
                        {operator.role.title()}
                        {if operator.sees_all { " of all customers" } else { "" }}
                    </span>
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
                        <div class="flex items-center gap-3 flex-wrap">
                            <Submit label="Change password" class="btn" />
                            <span class="rc-hint">"Ends your other sessions."</span>
                        </div>
                    </div>
                </PostForm>
            </section>
            <section aria-labelledby="h-sessions" class="border-t border-line pt-4 mt-6">
                <div class="flex items-center gap-2">
                    <h2 id="h-sessions" class="text-base">"Where you are signed in"</h2>
                    <PostForm post=end_others class="ms-auto">
                        <Submit label="End all others" busy="Ending" class="btn btn-sm" />
                    </PostForm>
                </div>
                <Load resource=sessions let:sessions>
                    <Sessions sessions=sessions end=end />
                </Load>
            </section>
        </div>
    }
    .into_any()
}

#[component]
fn Sessions(sessions: Vec<SessionLine>, end: crate::ui::form::Post<EndSession>) -> impl IntoView {
    let rows = sessions
        .into_iter()
        .map(|session| {
            let name = browser(&session.user_agent);
            let ending = format!("End {name}");
            view! {
                <tr role="row">
                    <td role="cell" class="grow">
                        <span class="block truncate" title=session.user_agent>{name}</span>
                    </td>
                    <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                        <RelativeTime at=session.created_at />
                    </td>
                    <td role="cell" class="whitespace-nowrap text-muted">
                        <RelativeTime at=session.last_used_at />
                    </td>
                    <td role="cell" class="whitespace-nowrap text-end">
                        {if session.current {
                            view! { <span class="rc-tag ok">"This one"</span> }.into_any()
                        } else {
                            view! {
                                <PostForm post=end class="inline">
                                    <input type="hidden" name="id" value=session.id.to_string() />
                                    <button type="submit" class="rc-act" aria-label=ending>"End"</button>
                                </PostForm>
                            }
                                .into_any()
                        }}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table
            class="rc-table still mt-1"
            role="table"
            aria-labelledby="h-sessions"
        >
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Browser" class="grow" />
                    <Head label="Signed in" class="max-md:hidden" />
                    <Head label="Last used" />
                    <Head label="" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

/// Browser and system out of what a browser calls itself; the whole text where neither is known.
fn browser(agent: &str) -> String {
    // In this order: Edge and Opera also call themselves Chrome, Chrome also Safari.
    let name = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrom", "Chrome"),
        ("Safari/", "Safari"),
    ]
    .into_iter()
    .find(|(part, _)| agent.contains(part))
    .map(|(_, name)| name);
    let system = [
        ("Windows", "Windows"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]
    .into_iter()
    .find(|(part, _)| agent.contains(part))
    .map(|(_, name)| name);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        _ if agent.is_empty() => "Unknown browser".to_owned(),
        _ => agent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_told_by_their_own_name() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.0", "curl/8.0"),
            ("", "Unknown browser"),
        ] {
            assert_eq!(browser(agent), name);
        }
    }
}
