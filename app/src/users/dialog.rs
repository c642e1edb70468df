//! What every dialog of a user begins with: the user in the path.

use domain::{id::UserId, user::UserDetail};
use leptos_router::hooks::use_params_map;

use super::detail::{UserView, view_user};
use crate::ui::prelude::*;

/// Shows what is inside once the user of the path is read.
#[component]
pub(super) fn OfUser<F, V>(
    /// What is made of it.
    children: F,
) -> impl IntoView
where
    F: Fn(UserDetail) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    view! { <OfWholeUser children=move |user: UserView| children(user.detail()) /> }
}

/// The same, with everything that the user's page shows.
#[component]
pub(super) fn OfWholeUser<F, V>(
    /// What is made of it.
    children: F,
) -> impl IntoView
where
    F: Fn(UserView) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<UserId>().ok()));
    let user = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => view_user(id).await,
                None => Err(AppError::NotFound {
                    what: "user".to_owned(),
                }),
            }
        },
    );
    view! { <Load resource=user children=children /> }.into_any()
}
