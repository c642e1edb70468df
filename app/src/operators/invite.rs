//! Invite Operator, and inviting once more. Where mail isn't set up, the link is shown in the form,
//! before anything is kept: it goes back sealed, so that it was made here for sure and is told this
//! once.

use domain::{
    id::{CustomerId, OperatorId},
    operator::{Operator, ScopeKind},
    permission::Role,
};
use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::{
    detail::use_operator_id,
    scope::{RoleFields, ScopeChoices},
};
use crate::ui::{
    form::{FieldError, use_field_error},
    prelude::*,
};

/// A link to hand over, and its sealed form to send back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedLink {
    /// The link.
    url: String,
    /// What stands in it, sealed.
    sealed: String,
}

/// What the form of an invitation shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationForm {
    /// What can be chosen.
    choices: ScopeChoices,
    /// The link to hand over; none where it goes out by mail.
    link: Option<OfferedLink>,
}

#[cfg(feature = "ssr")]
async fn offered(
    backend: &backend::Backend,
    scope: &backend::Scope,
) -> AppResult<Option<OfferedLink>> {
    let offered = backend::store::operators::offer_link(backend, scope).await?;
    Ok(offered.map(|offered| OfferedLink {
        url: offered.shown(),
        sealed: offered.sealed,
    }))
}

/// What a new operator can be given.
#[server(endpoint = "operators/invitation-form", input = Json)]
pub(crate) async fn read_invitation_form() -> AppResult<InvitationForm> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(InvitationForm {
        link: offered(&backend, &scope).await?,
        choices: super::scope::choices(&backend, &scope, None).await?,
    })
}

/// Invites somebody.
#[server(endpoint = "operators/invite")]
pub(crate) async fn invite_operator(
    email: String,
    name: String,
    role: Role,
    scope: ScopeKind,
    #[server(default)] customer_ids: Vec<CustomerId>,
    #[server(default)] tags: Vec<String>,
    sealed_link: Option<String>,
) -> AppResult<Done> {
    use super::scope::{given, of_form};
    use domain::operator::NewOperator;
    let (backend, caller) = crate::session::caller().await?;
    let new = NewOperator {
        email,
        name,
        role,
        scope: given(scope, customer_ids, tags),
    };
    let sealed = sealed_link.as_deref();
    let invited = backend::store::operators::invite_with(&backend, &caller, new, sealed)
        .await
        .map_err(of_form)?;
    let message = if sealed.is_some() {
        format!("{} is invited; hand the link over", invited.name)
    } else {
        format!("A mail to {} is on its way", invited.email)
    };
    crate::session::done(message, Some(routes::operator(invited.id))).await
}

/// What the form shows that invites somebody once more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgainForm {
    operator: Operator,
    link: Option<OfferedLink>,
}

/// What the form shows that invites somebody once more.
#[server(endpoint = "operators/again-form", input = Json)]
pub(crate) async fn read_again_form(id: OperatorId) -> AppResult<AgainForm> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(AgainForm {
        operator: backend::store::operators::get(&backend, &scope, id).await?,
        link: offered(&backend, &scope).await?,
    })
}

/// Invites somebody once more.
#[server(endpoint = "operators/invite-again")]
pub(crate) async fn invite_again(id: OperatorId, sealed_link: Option<String>) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let sealed = sealed_link.as_deref();
    let invited = backend::store::operators::resend_with(&backend, &scope, id, sealed).await?;
    let message = if sealed.is_some() {
        "The link before has ended; hand the new one over".to_owned()
    } else {
        format!("Another mail to {} is on its way", invited.email)
    };
    crate::session::done(message, Some(routes::operator(id))).await
}

/// Invite Operator.
#[component]
pub fn InviteDialog() -> impl IntoView {
    let form = Resource::new(|| (), |()| read_invitation_form());
    let post = use_post::<InviteOperator>();
    view! {
        <Load
            resource=form
            children=move |form| {
                let given = post.filled_in();
                let role = given.as_ref().map_or(Role::ReadOnly, |given| given.role);
                let scope = given
                    .map(|given| super::scope::given(given.scope, given.customer_ids, given.tags));
                view! {
                    <Dialog title="Invite Operator" back=routes::OPERATORS>
                        <PostForm post=post class="flex flex-col gap-4">
                            <Field name="name" label="Name" autofocus=true />
                            <Field
                                name="email"
                                label="E-mail"
                                kind=Kind::Email
                                hint="They sign in with it."
                            />
                            <RoleFields choices=form.choices role=role scope=scope />
                            <HandOver link=form.link />
                            <DialogFoot back=routes::OPERATORS>
                                <Submit label="Invite" busy="Inviting" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}

/// Invite Again.
#[component]
pub fn AgainDialog() -> impl IntoView {
    let id = use_operator_id();
    let form = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => read_again_form(id).await,
                None => Err(AppError::NotFound {
                    what: "operator".to_owned(),
                }),
            }
        },
    );
    let post = use_post::<InviteAgain>();
    view! {
        <Load resource=form let:form>
            <Dialog title="Invite Again" back=routes::operator(form.operator.id)>
                <PostForm post=post class="flex flex-col gap-4">
                    <input type="hidden" name="id" value=form.operator.id.to_string() />
                    <p>
                        <bdi class="font-medium">{form.operator.name.clone()}</bdi>
                        " gets a new link; the one before ends at once."
                    </p>
                    <HandOver link=form.link.clone() />
                    <DialogFoot back=routes::operator(form.operator.id)>
                        <Submit label="Invite again" busy="Inviting" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// The link, to be copied now; or that it goes out by mail.
#[component]
fn HandOver(link: Option<OfferedLink>) -> impl IntoView {
    let error = use_field_error("sealed_link");
    let days = domain::operator::INVITATION_HOURS / 24;
    let Some(link) = link else {
        return view! {
            <p class="rc-hint">
                {format!("They get a mail with a link that works once, within {days} days.")}
            </p>
        }
        .into_any();
    };
    view! {
        <div>
            <label for="f-link" class="block font-medium mb-1">"Link to hand over"</label>
            <input
                id="f-link"
                class="input rc-mono"
                type="text"
                readonly=true
                autocomplete="off"
                value=link.url
                aria-describedby="f-link-h"
            />
            <p class="rc-hint mt-1" id="f-link-h">
                {format!(
                    "Mail isn’t set up here. Copy the link now and give it to them yourself: it isn’t \
                     shown again, and works once, within {days} days.",
                )}
            </p>
            <FieldError id="f-link-e" error=error />
            <input type="hidden" name="sealed_link" value=link.sealed />
        </div>
    }
    .into_any()
}
