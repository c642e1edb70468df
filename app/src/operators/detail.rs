//! One operator: what they may do, for whom, and where they are signed in.

use domain::{
    id::{CustomerId, OperatorId},
    notification::DeliveryStatus,
    operator::{Operator, OperatorState, ScopeKind, SessionLine},
    permission::Permission,
    second_factor::SecondFactors,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::{components::Outlet, hooks::use_params_map};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{mark, scope::ScopeChoices};
use crate::{
    session::{may, use_operator},
    ui::{form::Post, prelude::*, sessions::SessionTable, time::now_millis},
};

/// What the page and its dialogs show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OperatorView {
    /// The operator.
    pub(super) operator: Operator,
    /// The names of the customers that their scope lists.
    listed: Vec<(CustomerId, String)>,
    /// What they prove themselves with beside a password.
    pub(super) second_factors: SecondFactors,
    /// Where they are signed in.
    sessions: Vec<SessionLine>,
    /// What can be chosen for them.
    pub(super) choices: ScopeChoices,
}

/// One operator.
#[server(endpoint = "operators/view", input = Json)]
pub(crate) async fn view_operator(id: OperatorId) -> AppResult<OperatorView> {
    use backend::{auth::second_factor, store::operators};
    let (backend, scope) = crate::session::caller().await?;
    let operator = operators::get(&backend, &scope, id).await?;
    let listed = operator.scope.customer_ids();
    Ok(OperatorView {
        listed: operators::names_of(&backend, &scope, listed).await?,
        second_factors: second_factor::of_operator(&backend, &scope, id).await?,
        sessions: operators::sessions(&backend, &scope, id).await?,
        choices: super::scope::choices(&backend, &scope, Some(&operator.scope)).await?,
        operator,
    })
}

/// Ends one of an operator's sessions.
#[server(endpoint = "operators/end-session")]
pub(crate) async fn end_operator_session(id: OperatorId, session: Uuid) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::operators::end_session(&backend, &scope, id, session).await?;
    crate::session::done("Session ended", None).await
}

/// Signs an operator out everywhere.
#[server(endpoint = "operators/end-sessions")]
pub(crate) async fn end_operator_sessions(id: OperatorId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let ended = backend::store::operators::end_sessions(&backend, &scope, id).await?;
    let ended = i64::try_from(ended).unwrap_or(i64::MAX);
    crate::session::done(
        format!("{} ended", counted(ended, "session", "sessions")),
        None,
    )
    .await
}

/// The operator's id in the path.
pub(super) fn use_operator_id() -> Memo<Option<OperatorId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// The operator in the path, read again after each change.
pub(super) fn use_view() -> Resource<AppResult<OperatorView>> {
    let changes = use_changes();
    let id = use_operator_id();
    Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => view_operator(id).await,
                None => Err(AppError::NotFound {
                    what: "operator".to_owned(),
                }),
            }
        },
    )
}

/// The page. Changing, disabling and removing are child routes with dialogs.
#[component]
pub fn OperatorPage() -> impl IntoView {
    let view = use_view();
    let enable = use_post::<super::change::EnableOperator>();
    let end = use_post::<EndOperatorSession>();
    let end_all = use_post::<EndOperatorSessions>();
    view! {
        <Load resource=view whole=true let:view>
            <Page view=view enable=enable end=end end_all=end_all />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn Page(
    view: OperatorView,
    enable: Post<super::change::EnableOperator>,
    end: Post<EndOperatorSession>,
    end_all: Post<EndOperatorSessions>,
) -> impl IntoView {
    let OperatorView {
        operator,
        listed,
        sessions,
        second_factors,
        ..
    } = view;
    let me = use_operator();
    let id = operator.id;
    let yourself = me.id == id;
    let write = may(Permission::OperatorsWrite) && me.role.holds(operator.role);
    let state = operator.state;
    let facts = {
        let operator = operator.clone();
        move || {
            let of = operator.clone();
            view! {
                {move || view! { <Status of=mark(&of, now_millis()) /> }}
                <span>{operator.email.clone()}</span>
                <span>{operator.role.title()}</span>
                <bdi>{operator.scope.summary()}</bdi>
                {yourself.then(|| view! { <span class="rc-tag">"You"</span> })}
            }
            .into_any()
        }
    };
    view! {
        <PageHead
            title=operator.name.clone()
            parent=(routes::OPERATORS.to_owned(), "Operators".to_owned())
            facts=facts
        >
            {write
                .then(|| {
                    view! {
                        {(state == OperatorState::Invited)
                            .then(|| {
                                view! {
                                    <a
                                        class="btn"
                                        href=routes::operator_invite_again(id)
                                        data-noscroll="true"
                                    >
                                        <Icon name="mail" />
                                        "Invite again"
                                    </a>
                                }
                            })}
                        <a class="btn" href=routes::operator_edit(id) data-noscroll="true">
                            <Icon name="pencil" />
                            "Edit"
                        </a>
                        {(!yourself)
                            .then(|| view! { <Rights id=id state=state enable=enable /> })}
                    }
                })}
        </PageHead>
        <Invited operator=operator.clone() />
        <dl class="rc-kv px-6 py-4 border-y border-line max-md:px-4">
            <dt>"Role"</dt>
            <dd>
                {operator.role.title()} ". " {operator.role.words()} " "
                <a class="rc-link" href=routes::ROLES>"What it may do"</a>
            </dd>
            <dt>"Customers"</dt>
            <dd><Reach operator=operator.clone() listed=listed /></dd>
            <dt>"Second factor"</dt>
            <dd>
                {second_factors.summary()}
                {(second_factors.is_empty() && second_factors.required)
                    .then_some(", and their role needs one: they set it up when they sign in")}
                {(!second_factors.is_empty() && write && !yourself)
                    .then(|| {
                        view! {
                            ". "
                            <a
                                class="rc-act"
                                href=routes::operator_reset_second_factor(id)
                                data-noscroll="true"
                            >
                                "Reset"<span class="sr-only">" their second factor"</span>
                            </a>
                        }
                    })}
            </dd>
            <dt>"Last sign-in"</dt>
            <dd>
                {match operator.last_signed_in_at {
                    Some(at) => view! { <RelativeTime at=at /> }.into_any(),
                    None => "Never".into_any(),
                }}
            </dd>
            <dt>"Added"</dt>
            <dd><RelativeTime at=operator.created_at /></dd>
        </dl>
        <section aria-labelledby="h-sessions" class="px-6 pt-4 pb-10 max-md:px-4 max-w-3xl">
            <div class="flex items-center gap-2">
                <h2 id="h-sessions" class="text-base">"Where they are signed in"</h2>
                {(write && !sessions.is_empty())
                    .then(|| {
                        view! {
                            <PostForm post=end_all class="ms-auto">
                                <input type="hidden" name="id" value=id.to_string() />
                                <Submit label="End all" busy="Ending" class="btn btn-sm" />
                            </PostForm>
                        }
                    })}
            </div>
            {if sessions.is_empty() {
                view! { <p class="text-muted mt-1">"Nowhere."</p> }.into_any()
            } else {
                view! {
                    <SessionTable
                        sessions=sessions
                        end=move |session: Uuid, label: String| {
                            write
                                .then(|| {
                                    view! {
                                        <PostForm post=end class="inline">
                                            <input type="hidden" name="id" value=id.to_string() />
                                            <input
                                                type="hidden"
                                                name="session"
                                                value=session.to_string()
                                            />
                                            <button type="submit" class="rc-act" aria-label=label>
                                                "End"
                                            </button>
                                        </PostForm>
                                    }
                                })
                                .into_any()
                        }
                    />
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

/// What takes the right to sign in, and gives it back.
#[component]
fn Rights(
    id: OperatorId,
    state: OperatorState,
    enable: Post<super::change::EnableOperator>,
) -> impl IntoView {
    view! {
        {if state == OperatorState::Disabled {
            view! {
                <PostForm post=enable class="contents">
                    <input type="hidden" name="id" value=id.to_string() />
                    <Submit label="Enable" busy="Enabling" class="btn" icon="play" />
                </PostForm>
            }
                .into_any()
        } else {
            view! {
                <a class="btn" href=routes::operator_disable(id) data-noscroll="true">
                    <Icon name="circle-slash" />
                    "Disable"
                </a>
            }
                .into_any()
        }}
        <a class="btn" href=routes::operator_remove(id) data-noscroll="true">
            <Icon name="trash-2" />
            "Remove"
        </a>
    }
    .into_any()
}

/// The invitation that waits, and what came of its mail.
#[component]
fn Invited(operator: Operator) -> impl IntoView {
    if operator.state != OperatorState::Invited {
        return ().into_any();
    }
    let Some(invitation) = operator.invitation else {
        return view! {
            <p class="px-6 pb-4 text-muted max-md:px-4">
                "They have no link to follow. Invite them again."
            </p>
        }
        .into_any();
    };
    let end = invitation.expires_at;
    let by = match &invitation.mail {
        None => "The link was handed over by hand.",
        Some(mail) => match mail.status {
            DeliveryStatus::Queued if mail.error.is_some() => {
                "The mail with the link wasn’t taken yet. It is tried again."
            }
            DeliveryStatus::Queued => "The mail with the link is on its way.",
            DeliveryStatus::Delivered => "The mail server took the mail with the link.",
            DeliveryStatus::Failed => "The mail with the link was given up.",
        },
    };
    let error = invitation.mail.and_then(|mail| mail.error);
    view! {
        <div class="px-6 pb-4 max-md:px-4 max-w-3xl">
            <p class="text-muted">
                {by} " "
                {move || {
                    if end.timestamp_millis() > now_millis() {
                        "It ends "
                    } else {
                        "It ended "
                    }
                }} <RelativeTime at=end /> "."
            </p>
            {error.map(|error| view! { <ErrorNote error=AppError::Source(error) /> })}
        </div>
    }
    .into_any()
}

/// The customers in words, and by name where they are listed.
#[component]
fn Reach(operator: Operator, listed: Vec<(CustomerId, String)>) -> impl IntoView {
    let kind = operator.scope.kind();
    let names = listed
        .into_iter()
        .map(|(id, name)| {
            view! {
                <li>
                    <a class="rc-link" href=routes::customer(id)><bdi>{name}</bdi></a>
                </li>
            }
        })
        .collect_view();
    view! {
        <p>
            <bdi>{operator.scope.summary()}</bdi>
            ". "
            <span class="text-muted">{kind.words()}</span>
        </p>
        {matches!(kind, ScopeKind::Some | ScopeKind::AllExcept)
            .then(|| {
                view! {
                    <ul
                        class="mt-1 flex flex-wrap gap-x-4 gap-y-0.5 max-h-40 overflow-auto"
                        aria-label="Listed customers"
                        tabindex="0"
                    >
                        {names}
                    </ul>
                }
            })}
    }
    .into_any()
}
