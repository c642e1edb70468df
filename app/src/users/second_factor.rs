//! Taking a user's second factor away who lost it.

use domain::id::UserId;
use leptos::server;

use super::dialog::OfUser;
use crate::{proof::MAKE_SURE, ui::prelude::*};

/// Takes a user's second factor away who lost it.
#[server(endpoint = "enrolment/reset-second-factor")]
pub(crate) async fn reset_user_second_factor(id: UserId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::auth::users::reset_second_factor(&backend, &scope, id).await?;
    let told = "Their second factor was reset, and their sessions ended";
    crate::session::done(told, Some(routes::user(id))).await
}

/// Take a user's second factor away, once it was said what that means.
#[component]
pub fn ResetSecondFactorDialog() -> impl IntoView {
    let post = use_post::<ResetUserSecondFactor>();
    view! {
        <OfUser let:user>
            <Dialog
                title=format!("Reset the Second Factor of {}", user.line.user.display_name)
                back=routes::user(user.line.user.id)
            >
                <PostForm post=post>
                    <input type="hidden" name="id" value=user.line.user.id.to_string() />
                    <p class="mb-2">
                        "Their authenticator app and recovery codes are worth nothing any more, and they \
                         are signed out everywhere. They sign in with their password alone, until they set \
                         up a new one."
                    </p>
                    <p>{MAKE_SURE}</p>
                    <DialogFoot back=routes::user(user.line.user.id)>
                        <Submit label="Reset" busy="Resetting" class="btn btn-error" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </OfUser>
    }
    .into_any()
}
