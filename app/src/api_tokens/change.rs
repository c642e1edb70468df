//! Rotating, taking over and revoking a token.

use domain::{
    api_token::{ApiToken, OVERLAP_HOURS},
    id::ApiTokenId,
};
use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::{
    OfferedText, Text,
    detail::{no_token, use_token_id, use_view},
};
use crate::ui::prelude::*;

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
    let id = use_token_id();
    let form = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => read_rotation_form(id).await,
                None => Err(no_token()),
            }
        },
    );
    let post = use_post::<RotateToken>();
    view! {
        <Load resource=form let:form>
            <Dialog title="Rotate API Token" back=routes::api_token(form.token.id)>
                <PostForm post=post class="flex flex-col gap-4">
                    <input type="hidden" name="id" value=form.token.id.to_string() />
                    <p>
                        <bdi class="font-medium">{form.token.name.clone()}</bdi>
                        " gets a new secret, and as many days again as it had."
                    </p>
                    <Choice
                        name="overlap_hours"
                        label="The secret before stays good"
                        options=overlaps()
                        value=post
                            .filled_in()
                            .map_or(OVERLAP_HOURS, |given| given.overlap_hours)
                            .to_string()
                        hint="So that the program can change over meanwhile. Where the secret leaked: not at all."
                    />
                    <Text offered=form.offered.clone() />
                    <DialogFoot back=routes::api_token(form.token.id)>
                        <Submit label="Use this token" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// Take over.
#[component]
pub fn TakeOverDialog() -> impl IntoView {
    let id = use_token_id();
    let form = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => read_take_over_form(id).await,
                None => Err(no_token()),
            }
        },
    );
    let post = use_post::<TakeOverToken>();
    view! {
        <Load resource=form let:form>
            <Dialog title="Take Over API Token" back=routes::api_token(form.token.id)>
                <PostForm post=post class="flex flex-col gap-4">
                    <input type="hidden" name="id" value=form.token.id.to_string() />
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
                    <Choice
                        name="overlap_hours"
                        label="The secret before stays good"
                        options=overlaps()
                        value=post.filled_in().map_or(0, |given| given.overlap_hours).to_string()
                        hint="Whoever answered for it until now may have it. Give the program time only where you trust them."
                    />
                    <Text offered=form.offered.clone() />
                    <DialogFoot back=routes::api_token(form.token.id)>
                        <Submit label="Take over" busy="Taking over" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
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
