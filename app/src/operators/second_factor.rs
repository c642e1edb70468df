//! Second factors of others: which roles need one, and taking them away from somebody who lost
//! theirs.

use domain::{id::OperatorId, permission::Role};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;

use super::detail::use_view;
use crate::{proof::MAKE_SURE, session::use_operator, ui::prelude::*};

/// The roles that need a second factor.
#[server(endpoint = "operators/required-second-factor", input = Json)]
pub(crate) async fn required_roles() -> AppResult<Vec<Role>> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::auth::second_factor::required_roles(&backend, &scope).await?)
}

/// Says which roles need a second factor.
#[server(endpoint = "operators/require-second-factor")]
pub(crate) async fn require_second_factor(#[server(default)] roles: Vec<Role>) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let roles = backend::auth::second_factor::require_of_roles(&backend, &scope, roles).await?;
    crate::session::done(
        format!("Second factor: {}", in_words(&roles)),
        Some(routes::ROLES.to_owned()),
    )
    .await
}

/// Takes away somebody's second factors.
#[server(endpoint = "operators/reset-second-factor")]
pub(crate) async fn reset_second_factor(id: OperatorId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::auth::second_factor::reset(&backend, &scope, id).await?;
    crate::session::done(
        "Their second factor is reset, and they are signed out",
        Some(routes::operator(id)),
    )
    .await
}

fn in_words(roles: &[Role]) -> String {
    match roles {
        [] => "no role needs one".to_owned(),
        all if all.len() == Role::ALL.len() => "every role needs one".to_owned(),
        [one] => format!("the role {} needs one", one.title()),
        some => {
            let titles: Vec<_> = some.iter().map(|role| role.title()).collect();
            format!("the roles {} need one", titles.join(", "))
        }
    }
}

/// Which roles need one, on the page Roles, and the dialog over it.
#[component]
pub(super) fn Required() -> impl IntoView {
    let changes = use_changes();
    let roles = Resource::new(move || changes.follow(), |_| required_roles());
    let write = use_operator().looks_after_installation();
    view! {
        <h2 id="h-second-factor" class="text-base mt-6 mb-1">"Second factor"</h2>
        <Load
            resource=roles
            children=move |roles| {
                view! {
                    <p class="max-w-3xl">
                        "At this installation " {in_words(&roles)}
                        ". Whoever has such a role sets one up before anything else. "
                        {write
                            .then(|| {
                                view! {
                                    <a
                                        class="rc-act"
                                        href=routes::REQUIRED_SECOND_FACTOR
                                        data-noscroll="true"
                                    >
                                        "Change"<span class="sr-only">" which roles need one"</span>
                                    </a>
                                }
                            })}
                    </p>
                }
            }
        />
        <Outlet />
    }
    .into_any()
}

/// Which roles need one.
#[component]
pub fn RequiredDialog() -> impl IntoView {
    let post = use_post::<RequireSecondFactor>();
    let roles = Resource::new(|| (), |()| required_roles());
    view! {
        <Dialog title="Which Roles Need a Second Factor" back=routes::ROLES>
            <Load
                resource=roles
                children=move |roles| {
                    let roles = post.filled_in().map_or(roles, |filled| filled.roles);
                    let choices = Role::ALL
                        .iter()
                        .map(|role| {
                            view! {
                                <label class="flex items-center gap-2.5 py-0.5">
                                    <input
                                        type="checkbox"
                                        class="checkbox flex-none"
                                        name="roles[]"
                                        value=role.as_str()
                                        checked=roles.contains(role)
                                    />
                                    {role.title()}
                                </label>
                            }
                        })
                        .collect_view();
                    view! {
                        <PostForm post=post>
                            <fieldset>
                                <legend class="mb-2">
                                    "Whoever has a chosen role and no second factor is led to set one \
                                     up at their next click, and sees nothing else until then."
                                </legend>
                                {choices}
                            </fieldset>
                            <DialogFoot back=routes::ROLES>
                                <Submit label="Save" />
                            </DialogFoot>
                        </PostForm>
                    }
                }
            />
        </Dialog>
    }
    .into_any()
}

/// Reset somebody's second factor.
#[component]
pub fn ResetSecondFactorDialog() -> impl IntoView {
    let view = use_view();
    let post = use_post::<ResetSecondFactor>();
    view! {
        <Load resource=view let:view>
            <Dialog
                title=format!("Reset the Second Factor of {}", view.operator.name)
                back=routes::operator(view.operator.id)
            >
                <PostForm post=post>
                    <input type="hidden" name="id" value=view.operator.id.to_string() />
                    <p class="mb-2">
                        "Their authenticator app, passkeys and recovery codes are worth nothing any \
                         more, and they are signed out everywhere. They sign in with their password, \
                         and set up a new one where their role needs it."
                    </p>
                    <p>{MAKE_SURE}</p>
                    <DialogFoot back=routes::operator(view.operator.id)>
                        <Submit label="Reset" busy="Resetting" class="btn btn-error" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}
