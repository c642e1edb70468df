//! The groups made here that a user is in.

use domain::{
    id::{GroupId, UserId},
    made_here::GroupChoice,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

use crate::ui::{prelude::*, ticks::Ticks};

/// What the dialog shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupsForm {
    id: UserId,
    name: String,
    choices: Vec<GroupChoice>,
    chosen: Vec<GroupId>,
}

/// The groups made here of a user's customer, and those it is in.
#[server(endpoint = "users/groups-form", input = Json)]
pub(crate) async fn read_groups_form(id: UserId) -> AppResult<GroupsForm> {
    use backend::store::users;
    let (backend, scope) = crate::session::caller().await?;
    let detail = users::detail(&backend, &scope, id).await?;
    let groups = users::member_of(&backend, &scope, id).await?;
    let customer = detail.line.customer_id;
    Ok(GroupsForm {
        id,
        name: detail.line.user.display_name,
        choices: users::group_choice(&backend, &scope, customer, None).await?,
        chosen: groups
            .into_iter()
            .filter(|group| group.made_here)
            .map(|group| group.id)
            .collect(),
    })
}

/// Sets the groups made here that a user is in.
#[server(endpoint = "users/set-groups")]
pub(crate) async fn set_groups(
    id: UserId,
    #[server(default)] group_ids: Vec<GroupId>,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::users::set_groups(&backend, &scope, id, &group_ids).await?;
    crate::session::done("Saved", Some(routes::user(id))).await
}

/// Change Groups.
#[component]
pub fn GroupsDialog() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<UserId>().ok()));
    let form = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => read_groups_form(id).await,
                None => Err(AppError::NotFound {
                    what: "user".to_owned(),
                }),
            }
        },
    );
    let post = use_post::<SetGroups>();
    view! {
        <Load resource=form let:form>
            <Dialog title=format!("Groups of {}", form.name) back=routes::user(form.id)>
                <PostForm post=post>
                    <input type="hidden" name="id" value=form.id.to_string() />
                    <p class="rc-hint mb-2">
                        "Groups made here. Those of a source are filled there."
                    </p>
                    <GroupTicks form=form.clone() />
                    <DialogFoot back=routes::user(form.id)>
                        <Submit label="Save" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

#[component]
fn GroupTicks(form: GroupsForm) -> impl IntoView {
    if form.choices.is_empty() {
        let add = use_address().keep(routes::GROUP_ADD);
        return view! {
            <p>
                "This customer has no group made here. " <a class="rc-link" href=add>"Add a group"</a>
                " first."
            </p>
        }
        .into_any();
    }
    let more = form.choices.len() >= 1_000;
    let choices = form.choices.into_iter();
    let choices = choices
        .map(|group| (group.id.to_string(), group.display_name))
        .collect();
    let chosen = form.chosen.into_iter().map(|id| id.to_string()).collect();
    view! {
        <Ticks
            name="group_ids"
            label="Groups"
            one="a group"
            choices=choices
            more=more
            chosen=chosen
        />
    }
    .into_any()
}
