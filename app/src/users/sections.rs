//! The parts of a user's page that say where it all comes from: attributes with their origin,
//! memberships with the way, what runs did, and where somebody is signed in.

use domain::{
    DateTime,
    id::UserId,
    mapping::MappingKind,
    operator::SessionLine,
    permission::Permission,
    run::{ChangeStatus, RunMode},
    user::{AttributeOrigin, Membership, RunOfObject, ValueFrom},
};
use leptos::server;
use uuid::Uuid;

use crate::{
    session::may,
    ui::{
        object::{Value, attribute_words},
        prelude::*,
        sessions::SessionTable,
    },
};

/// Ends one of a user's sessions.
#[server(endpoint = "users/end-session")]
pub(crate) async fn end_user_session(id: UserId, session: Uuid) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::users::end_session(&backend, &scope, id, session).await?;
    crate::session::done("Session ended", None).await
}

/// Ends every session of a user.
#[server(endpoint = "users/end-sessions")]
pub(crate) async fn end_user_sessions(id: UserId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let ended = backend::store::users::end_sessions(&backend, &scope, id).await?;
    let ended = i64::try_from(ended).unwrap_or(i64::MAX);
    crate::session::done(
        format!("{} ended", counted(ended, "session", "sessions")),
        None,
    )
    .await
}

/// The attributes, each with where its value comes from.
#[component]
pub(super) fn OriginsSection(
    /// The attributes.
    origins: Vec<AttributeOrigin>,
    /// Its object id in the source.
    external_id: Option<String>,
    /// When it last changed.
    changed: DateTime,
) -> impl IntoView {
    // What most of them are is said once.
    let usual = match external_id {
        Some(_) => "As the source has them, where nothing else is said.",
        None => "Said here, where nothing else is said.",
    };
    let synced = external_id.is_some();
    let rows = origins
        .into_iter()
        .map(|origin| {
            let AttributeOrigin { name, value, from } = origin;
            let is_usual = match &from {
                ValueFrom::Source { attribute } => synced && *attribute == name,
                ValueFrom::Here => !synced,
                _ => false,
            };
            let of = name.clone();
            view! {
                <tr>
                    <th scope="row" class="font-normal! static! text-sm! leading-4">
                        {attribute_words(&name)}
                        <span class="block text-xs text-faint">{name.clone()}</span>
                    </th>
                    <td class="grow">
                        {match value {
                            Some(value) => view! { <Value name=of value=value /> }.into_any(),
                            None => view! { <span class="text-faint">"–"</span> }.into_any(),
                        }}
                        {(!is_usual)
                            .then(|| {
                                view! {
                                    <span class="block text-xs text-muted wrap-anywhere">
                                        <Origin of=from />
                                    </span>
                                }
                            })}
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-attributes" class="min-w-0 max-xl:mt-6">
            <div class="flex items-baseline">
                <h2 id="h-attributes" class="text-base">"Attributes"</h2>
                <span class="ms-auto text-muted">"changed " <RelativeTime at=changed /></span>
            </div>
            <p class="text-muted">{usual}</p>
            <table class="rc-table still roomy mt-1" aria-labelledby="h-attributes">
                <thead>
                    <tr>
                        <th scope="col">"Attribute"</th>
                        <th scope="col" class="grow">"Value"</th>
                    </tr>
                </thead>
                <tbody>
                    {rows}
                    {external_id
                        .map(|id| {
                            view! {
                                <tr>
                                    <th scope="row" class="font-normal! static! text-sm! leading-4">
                                        "Object id"
                                        <span class="block text-xs text-faint">"id"</span>
                                    </th>
                                    <td class="grow">
                                        <bdi class="block truncate rc-mono">{id}</bdi>
                                    </td>
                                </tr>
                            }
                        })}
                </tbody>
            </table>
        </section>
    }
    .into_any()
}

/// Where a value comes from, in words.
#[component]
fn Origin(of: ValueFrom) -> impl IntoView {
    match of {
        ValueFrom::Here => "Said here".into_any(),
        ValueFrom::Left => "As its integration left it".into_any(),
        ValueFrom::Source { attribute } => {
            view! { "From the source: " <span class="rc-mono">{attribute}</span> }.into_any()
        }
        ValueFrom::Rule { rule, value } => match rule {
            MappingKind::LeaveOut => "A mapping rule leaves it out".into_any(),
            rule => view! {
                {format!("Mapping rule, {}: ", rule.title().to_lowercase())}
                <span class="rc-mono">{value}</span>
            }
            .into_any(),
        },
        ValueFrom::Kept {
            by,
            at,
            note,
            source_value,
        } => view! {
            "Kept here by " <bdi>{by}</bdi> ", " <RelativeTime at=at />
            {(!note.is_empty()).then(|| view! { ": " <bdi>{note}</bdi> })}
            {match source_value {
                Some(value) => view! { ". The source says: " <bdi>{value}</bdi> }.into_any(),
                None => ". The source says nothing".into_any(),
            }}
        }
        .into_any(),
    }
}

/// The groups that a user is in, directly or through others.
#[component]
pub(super) fn MembershipsSection(
    /// The groups.
    memberships: Vec<Membership>,
) -> impl IntoView {
    let address = use_address();
    let count = i64::try_from(memberships.len()).unwrap_or(i64::MAX);
    let none = memberships.is_empty();
    let rows = memberships
        .into_iter()
        .map(|group| {
            let href = address.keep(&routes::group(group.id));
            let by = match (group.direct, group.path.join(" › ")) {
                (true, _) => "Directly".to_owned(),
                (false, path) => format!("By {path}"),
            };
            view! {
                <tr role="row">
                    <td role="cell" class="grow">
                        <a class="rc-rowlink block truncate" href=href>
                            <bdi title=group.display_name.clone()>{group.display_name.clone()}</bdi>
                        </a>
                    </td>
                    <td role="cell" class="text-muted"><bdi>{by}</bdi></td>
                    <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                        {group.kind.title()}
                    </td>
                    <td role="cell">
                        <InDirectory status=group.status of=domain::policy::ObjectType::Group />
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-groups" class="min-w-0 mt-6">
            <div class="flex items-baseline gap-2">
                <h2 id="h-groups" class="text-base">"Groups"</h2>
                <span class="text-muted rc-num">{grouped(count)}</span>
            </div>
            {if none {
                view! { <p class="text-muted mt-2">"In no group."</p> }.into_any()
            } else {
                view! {
                    <table class="rc-table still mt-1" role="table" aria-labelledby="h-groups">
                        <thead role="rowgroup">
                            <tr role="row">
                                <Head label="Name" class="grow" />
                                <Head label="Member" />
                                <Head label="Kind" class="max-md:hidden" />
                                <Head label="Status" />
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{rows}</tbody>
                    </table>
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

/// What runs did about a user.
#[component]
pub(super) fn RunsSection(
    /// The newest first.
    runs: Vec<RunOfObject>,
    /// Whether any run has to do with it.
    synced: bool,
) -> impl IntoView {
    let none = runs.is_empty();
    if none && !synced {
        return ().into_any();
    }
    let rows = runs
        .into_iter()
        .map(|run| {
            let what = match (run.status, run.reason) {
                (ChangeStatus::Applied, None) => run.action.title().to_owned(),
                (ChangeStatus::Applied, Some(reason)) => {
                    format!("{}: {}", run.action.title(), reason.title())
                }
                (status, _) => format!("{} ({})", run.action.title(), status.title()),
            };
            view! {
                <tr role="row">
                    <td role="cell" class="grow">
                        <a class="rc-rowlink block truncate" href=routes::run(run.run_id)>{what}</a>
                    </td>
                    <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                        {mode_words(run.mode)}
                    </td>
                    <td role="cell" class="whitespace-nowrap text-muted">
                        <RelativeTime at=run.at />
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-runs" class="min-w-0 mt-6">
            <h2 id="h-runs" class="text-base">"Runs that touched it"</h2>
            {if none {
                view! { <p class="text-muted mt-2">"None that is still kept."</p> }.into_any()
            } else {
                view! {
                    <table class="rc-table still mt-1" role="table" aria-labelledby="h-runs">
                        <thead role="rowgroup">
                            <tr role="row">
                                <Head label="What" class="grow" />
                                <Head label="Type" class="max-md:hidden" />
                                <Head label="When" />
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{rows}</tbody>
                    </table>
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

const fn mode_words(mode: RunMode) -> &'static str {
    match mode {
        RunMode::Full => "Full",
        RunMode::Delta => "Delta",
        RunMode::Preview => "Preview",
        RunMode::Object => "Single",
        RunMode::Import => "Import",
    }
}

/// Where somebody is signed in to their own account.
#[component]
pub(super) fn SessionsSection(
    /// The user.
    id: UserId,
    /// Their sessions.
    sessions: Vec<SessionLine>,
) -> impl IntoView {
    let write = may(Permission::DirectoryWrite);
    let none = sessions.is_empty();
    let all = use_post::<EndUserSessions>();
    view! {
        <section aria-labelledby="h-sessions" class="min-w-0 mt-6">
            <div class="flex items-baseline gap-2">
                <h2 id="h-sessions" class="text-base">"Sessions"</h2>
                {(write && !none)
                    .then(|| {
                        view! {
                            <PostForm post=all class="ms-auto">
                                <input type="hidden" name="id" value=id.to_string() />
                                <Submit
                                    label="Sign out everywhere"
                                    busy="Signing out"
                                    class="btn btn-sm"
                                />
                            </PostForm>
                        }
                    })}
            </div>
            {if none {
                view! { <p class="text-muted mt-2">"Signed in nowhere."</p> }.into_any()
            } else {
                view! {
                    <SessionTable
                        sessions=sessions
                        end=move |session, name| {
                            if write {
                                view! { <EndSession id=id session=session name=name /> }.into_any()
                            } else {
                                ().into_any()
                            }
                        }
                    />
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

#[component]
fn EndSession(id: UserId, session: Uuid, name: String) -> impl IntoView {
    let post = use_post::<EndUserSession>();
    view! {
        <PostForm post=post class="inline">
            <input type="hidden" name="id" value=id.to_string() />
            <input type="hidden" name="session" value=session.to_string() />
            <button type="submit" class="rc-act" aria-label=name>"End"</button>
        </PostForm>
    }
    .into_any()
}
