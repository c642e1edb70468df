//! Changing an operator, disabling and enabling, removing.

use domain::{
    id::{CustomerId, OperatorId},
    operator::ScopeKind,
    permission::Role,
};
use leptos::server;

use super::{detail::use_view, scope::RoleFields};
use crate::{session::use_operator, ui::prelude::*};

/// Changes name, role and customers. Who changes themselves sends their name alone.
#[server(endpoint = "operators/change")]
pub(crate) async fn change_operator(
    id: OperatorId,
    name: String,
    role: Option<Role>,
    scope: Option<ScopeKind>,
    #[server(default)] customer_ids: Vec<CustomerId>,
    #[server(default)] tags: Vec<String>,
) -> AppResult<Done> {
    use super::scope::{given, of_form};
    use domain::operator::OperatorChange;
    let (backend, caller) = crate::session::caller().await?;
    let change = OperatorChange {
        name: Some(name),
        role,
        scope: scope.map(|kind| given(kind, customer_ids, tags)),
        enabled: None,
    };
    backend::store::operators::change(&backend, &caller, id, change)
        .await
        .map_err(of_form)?;
    crate::session::done("Saved", Some(routes::operator(id))).await
}

#[cfg(feature = "ssr")]
async fn set_enabled(id: OperatorId, enabled: bool) -> AppResult<String> {
    use domain::operator::OperatorChange;
    let (backend, scope) = crate::session::caller().await?;
    let change = OperatorChange {
        enabled: Some(enabled),
        ..OperatorChange::default()
    };
    let changed = backend::store::operators::change(&backend, &scope, id, change).await?;
    Ok(changed.name)
}

/// Keeps an operator from signing in, and ends their sessions.
#[server(endpoint = "operators/disable")]
pub(crate) async fn disable_operator(id: OperatorId) -> AppResult<Done> {
    let name = set_enabled(id, false).await?;
    crate::session::done(
        format!("{name} can’t sign in any more"),
        Some(routes::operator(id)),
    )
    .await
}

/// Lets an operator sign in again.
#[server(endpoint = "operators/enable")]
pub(crate) async fn enable_operator(id: OperatorId) -> AppResult<Done> {
    let name = set_enabled(id, true).await?;
    crate::session::done(format!("{name} is enabled"), None).await
}

/// Removes an operator.
#[server(endpoint = "operators/remove")]
pub(crate) async fn remove_operator(id: OperatorId) -> AppResult<Done> {
    use backend::store::operators;
    let (backend, scope) = crate::session::caller().await?;
    let operator = operators::get(&backend, &scope, id).await?;
    operators::remove(&backend, &scope, id).await?;
    crate::session::done(
        format!("{} was removed", operator.name),
        Some(routes::OPERATORS.to_owned()),
    )
    .await
}

/// Edit.
#[component]
pub fn EditDialog() -> impl IntoView {
    let view = use_view();
    let post = use_post::<ChangeOperator>();
    let me = use_operator().id;
    view! {
        <Load
            resource=view
            children=move |view| {
                let operator = view.operator;
                let back = routes::operator(operator.id);
                let filled_in = post.filled_in();
                let role = filled_in
                    .as_ref()
                    .and_then(|filled| filled.role)
                    .unwrap_or(operator.role);
                let scope = filled_in
                    .and_then(|filled| {
                        let kind = filled.scope?;
                        Some(super::scope::given(kind, filled.customer_ids, filled.tags))
                    })
                    .unwrap_or_else(|| operator.scope.clone());
                let yourself = operator.id == me;
                view! {
                    <Dialog title="Edit Operator" back=back.clone()>
                        <PostForm post=post class="flex flex-col gap-4">
                            <input type="hidden" name="id" value=operator.id.to_string() />
                            <Field name="name" label="Name" value=operator.name.clone() autofocus=true />
                            {if yourself {
                                view! {
                                    <p class="rc-hint">
                                        "Your own role and customers are changed by another operator."
                                    </p>
                                }
                                    .into_any()
                            } else {
                                view! {
                                    <RoleFields choices=view.choices role=role scope=Some(scope) />
                                }
                                    .into_any()
                            }}
                            <DialogFoot back=back>
                                <Submit label="Save" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}

/// Disable.
#[component]
pub fn DisableDialog() -> impl IntoView {
    let view = use_view();
    let post = use_post::<DisableOperator>();
    view! {
        <Load resource=view let:view>
            <Dialog
                title=format!("Disable {}", view.operator.name)
                back=routes::operator(view.operator.id)
            >
                <PostForm post=post>
                    <input type="hidden" name="id" value=view.operator.id.to_string() />
                    <p>
                        "They are signed out everywhere at once, and can’t sign in until somebody \
                         enables them. Links that were sent to them end."
                    </p>
                    <DialogFoot back=routes::operator(view.operator.id)>
                        <Submit label="Disable" busy="Disabling" class="btn btn-error" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// Remove.
#[component]
pub fn RemoveDialog() -> impl IntoView {
    let view = use_view();
    let post = use_post::<RemoveOperator>();
    view! {
        <Load resource=view let:view>
            <Dialog
                title=format!("Remove {}", view.operator.name)
                back=routes::operator(view.operator.id)
            >
                <PostForm post=post>
                    <input type="hidden" name="id" value=view.operator.id.to_string() />
                    <p>
                        "They are signed out everywhere at once, and their account is gone for good. \
                         What the audit log says of them stays."
                    </p>
                    <DialogFoot back=routes::operator(view.operator.id)>
                        <Submit label="Remove" busy="Removing" class="btn btn-error" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}
