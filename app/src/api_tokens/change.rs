//! Rotating, taking over and revoking a token.

use domain::{
    api_token::{ApiToken, OVERLAP_HOURS},
    id::ApiTokenId,
};
use leptos::{
    server,
    server_fn::{ServerFn, codec::Json},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    OfferedText, Text,
    detail::{no_token, use_token_id, use_view},
};
use crate::ui::{form::Post, prelude::*};

/// What the form for a new secret shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationForm {
    /// The token.
    token: ApiToken,
    /// Its new text, to copy.
    offered: OfferedText,
}

/// What the form for a new secret shows.
#[server(endpoint = "api-tokens/rotation-form", input = Json)]
pub(crate) async fn read_rotation_form(id: ApiTokenId) -> AppResult<RotationForm> {
    let (backend, scope) = crate::session::caller().await?;
    let (token, offered) = backend::store::tokens::offer(&backend, &scope, id).await?;
    Ok(RotationForm {
        token,
        offered: offered.into(),
    })
}

/// Gives a token the secret that the form showed.
#[server(endpoint = "api-tokens/rotate")]
pub(crate) async fn rotate_token(
    id: ApiTokenId,
    overlap_hours: u32,
    sealed_token: String,
) -> AppResult<Done> {
    use backend::store::tokens;
    let (backend, scope) = crate::session::caller().await?;
    tokens::rotate_to(&backend, &scope, id, overlap_hours, &sealed_token).await?;
    let message = match overlap_hours {
        0 => "The new secret counts, the one before has ended".to_owned(),
        hours => {
            let hours = counted(i64::from(hours), "hour", "hours");
            format!("The new secret counts, the one before for {hours} more")
        }
    };
    crate::session::done(message, Some(routes::api_token(id))).await
}

/// What the form that takes a token over shows.
#[server(endpoint = "api-tokens/take-over-form", input = Json)]
pub(crate) async fn read_take_over_form(id: ApiTokenId) -> AppResult<RotationForm> {
    use backend::store::tokens;
    let (backend, scope) = crate::session::caller().await?;
    let (token, offered) = tokens::offer_to_take_over(&backend, &scope, id).await?;
    Ok(RotationForm {
        token,
        offered: offered.into(),
    })
}

/// Makes the operator who asks answer for a token, with the secret that the form showed.
#[server(endpoint = "api-tokens/take-over")]
pub(crate) async fn take_over_token(
    id: ApiTokenId,
    overlap_hours: u32,
    sealed_token: String,
) -> AppResult<Done> {
    use backend::store::tokens;
    let (backend, scope) = crate::session::caller().await?;
    let token = tokens::take_over(&backend, &scope, id, overlap_hours, &sealed_token).await?;
    crate::session::done(
        format!("You answer for {} now", token.name),
        Some(routes::api_token(id)),
    )
    .await
}

/// Revokes a token.
#[server(endpoint = "api-tokens/revoke")]
pub(crate) async fn revoke_token(id: ApiTokenId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::tokens::revoke(&backend, &scope, id).await?;
    crate::session::done(
        "The token can’t be used any more",
        Some(routes::api_token(id)),
    )
    .await
}

/// For how long the secret before stays good.
fn overlaps() -> Vec<(String, String)> {
    [
        (0, "Not at all"),
        (1, "1 hour"),
        (24, "1 day"),
        (168, "7 days"),
    ]
    .map(|(hours, words)| (hours.to_string(), words.to_owned()))
    .into()
}

/// Rotate.
#[component]
pub fn RotateDialog() -> impl IntoView {
    let form = use_form(read_rotation_form);
    let post = use_post::<RotateToken>();
    view! {
        <Load resource=form let:form>
            <NewSecret
                title="Rotate API Token"
                post=post
                overlap_hours=OVERLAP_HOURS
                hint="So that the program can change over meanwhile. Where the secret leaked: not at all."
                submit="Use this token"
                busy="Saving"
                form=form.clone()
            >
                <p>
                    <bdi class="font-medium">{form.token.name.clone()}</bdi>
                    " gets a new secret, and as many days again as it had."
                </p>
            </NewSecret>
        </Load>
    }
    .into_any()
}

/// Take over.
#[component]
pub fn TakeOverDialog() -> impl IntoView {
    let form = use_form(read_take_over_form);
    let post = use_post::<TakeOverToken>();
    view! {
        <Load resource=form let:form>
            <NewSecret
                title="Take Over API Token"
                post=post
                overlap_hours=0
                hint="Whoever answered for it until now may have it. Give the program time only where you trust them."
                submit="Take over"
                busy="Taking over"
                form=form.clone()
            >
                <p>
                    "You answer for "
                    <bdi class="font-medium">{form.token.name.clone()}</bdi>
                    " from then on: it may do at most what you may."
                    {form
                        .token
                        .customer_ids
                        .is_none()
                        .then_some(" It lists no customers, so it reaches all that you look after.")}
                </p>
            </NewSecret>
        </Load>
    }
    .into_any()
}

/// What a form for a new secret of the token in the path shows.
fn use_form<F>(read: fn(ApiTokenId) -> F) -> Resource<AppResult<RotationForm>>
where
    F: Future<Output = AppResult<RotationForm>> + Send + 'static,
{
    let id = use_token_id();
    Resource::new(
        move || id.get(),
        move |id| async move {
            match id {
                Some(id) => read(id).await,
                None => Err(no_token()),
            }
        },
    )
}

/// The dialog that gives a token a new secret.
#[component]
fn NewSecret<S>(
    title: &'static str,
    post: Post<S>,
    /// For how long the secret before stays good, where nothing else is chosen.
    overlap_hours: u32,
    /// What to know when choosing that.
    hint: &'static str,
    /// What the button says.
    submit: &'static str,
    /// What it says meanwhile.
    busy: &'static str,
    form: RotationForm,
    /// What comes of it.
    children: Children,
) -> impl IntoView
where
    S: ServerFn<Output = Done, Error = AppError> + DeserializeOwned + Clone + Send + Sync + 'static,
{
    let RotationForm { token, offered } = form;
    let back = routes::api_token(token.id);
    view! {
        <Dialog title=title back=back.clone()>
            <PostForm post=post class="flex flex-col gap-4">
                <input type="hidden" name="id" value=token.id.to_string() />
                {children()}
                <Choice
                    name="overlap_hours"
                    label="The secret before stays good"
                    options=overlaps()
                    value=overlap_hours.to_string()
                    hint=hint
                />
                <Text offered=offered />
                <DialogFoot back=back>
                    <Submit label=submit busy=busy />
                </DialogFoot>
            </PostForm>
        </Dialog>
    }
    .into_any()
}

/// Revoke.
#[component]
pub fn RevokeDialog() -> impl IntoView {
    let view = use_view();
    let post = use_post::<RevokeToken>();
    view! {
        <Load resource=view let:view>
            <Dialog title="Revoke API Token" back=routes::api_token(view.token.id)>
                <PostForm post=post>
                    <input type="hidden" name="id" value=view.token.id.to_string() />
                    <p>
                        "Whatever uses "
                        <bdi class="font-medium">{view.token.name.clone()}</bdi>
                        " is refused from the next request on. This can’t be undone."
                    </p>
                    <DialogFoot back=routes::api_token(view.token.id)>
                        <Submit label="Revoke" busy="Revoking" class="btn btn-error" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}
