//! Users made here: added, changed, in and out of use, in the bin and back; and what is decided here of
//! synced ones too: groups made here, aliases, attributes that are kept.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{
    Backend,
    store::{customers, kept_attributes, users},
};
use domain::{
    id::{CustomerId, GroupId, UserId},
    made_here::{KeptAttribute, NewKeptAttribute, NewUser, UserChange},
    permission::Permission,
    user::WholeUser,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    created,
    input::{Body, Id, IdAnd},
    problem::{Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(change, delete))
        .routes(routes!(deactivate))
        .routes(routes!(reactivate))
        .routes(routes!(restore))
        .routes(routes!(set_groups))
        .routes(routes!(set_aliases))
        .routes(routes!(list_kept))
        .routes(routes!(keep, release))
}

/// Whoever may change a user that the caller may see.
async fn may_change(backend: &Backend, caller: &Caller, id: UserId) -> Result<()> {
    caller.found(users::get(backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)
}

fn answer<T>(caller: &Caller, result: backend::Result<T>) -> Result<Json<T>> {
    result.map(Json).map_err(|error| caller.refused(error))
}

/// Add a user
///
/// Made here, with source type `Manual`: no sync changes it.
#[utoipa::path(post, path = "/customers/{id}/users", tag = "Users",
    params(("id" = CustomerId, Path)), request_body = NewUser,
    responses((status = 201, body = WholeUser), Refusals))]
async fn create(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<Response> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let user = users::create(&backend, &caller.0, customer, body.parse()?)
        .await
        .map_err(|error| caller.refused(error))?;
    Ok(created("users", user.user.id, user))
}

/// Change a user
///
/// One made here. Of a synced user only `administrator` is changed here; anything else is refused
/// with 409 and the words where to change it.
#[utoipa::path(patch, path = "/users/{id}", tag = "Users", params(("id" = UserId, Path)),
    request_body = UserChange,
    responses((status = 200, body = WholeUser), RefusalsWithConflict))]
async fn change(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
    body: Body,
) -> Result<Json<WholeUser>> {
    may_change(&backend, &caller, id).await?;
    let change: UserChange = body.parse()?;
    answer(
        &caller,
        users::change(&backend, &caller.0, id, change).await,
    )
}

/// Put a user into the bin
///
/// One made here. It can be restored for 30 days; then it is gone for good. Its user name and aliases
/// are free at once.
#[utoipa::path(delete, path = "/users/{id}", tag = "Users", params(("id" = UserId, Path)),
    responses((status = 204, description = "It is in the bin"), RefusalsWithConflict))]
async fn delete(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<StatusCode> {
    users::delete(&backend, &caller.0, id)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}

/// What a user is deactivated with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeactivateBody {
    /// Why: a sentence or a ticket number, at most 500 characters. Kept in the audit log.
    #[serde(default)]
    note: String,
}

/// Deactivate a user
///
/// One made here. It stays in its groups; its user name and aliases are free.
#[utoipa::path(post, path = "/users/{id}/deactivate", tag = "Users",
    params(("id" = UserId, Path)), request_body = DeactivateBody,
    responses((status = 200, body = WholeUser), RefusalsWithConflict))]
async fn deactivate(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
    body: Body,
) -> Result<Json<WholeUser>> {
    may_change(&backend, &caller, id).await?;
    let note = body.parse::<DeactivateBody>()?.note;
    answer(
        &caller,
        users::deactivate(&backend, &caller.0, id, &note).await,
    )
}

/// Reactivate a user
///
/// One made here. Refused with 409 where somebody else signs in with one of its names by now.
#[utoipa::path(post, path = "/users/{id}/reactivate", tag = "Users",
    params(("id" = UserId, Path)),
    responses((status = 200, body = WholeUser), RefusalsWithConflict))]
async fn reactivate(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<WholeUser>> {
    answer(&caller, users::reactivate(&backend, &caller.0, id).await)
}

/// Take a user out of the bin
///
/// It is as it was, with its groups and aliases. Refused with 409 where somebody else signs in with
/// one of its names by now.
#[utoipa::path(post, path = "/users/{id}/restore", tag = "Users",
    params(("id" = UserId, Path)),
    responses((status = 200, body = WholeUser), RefusalsWithConflict))]
async fn restore(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<WholeUser>> {
    answer(&caller, users::restore(&backend, &caller.0, id).await)
}

/// The groups of a user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupsBody {
    /// Groups made here.
    group_ids: Vec<GroupId>,
}

/// A group that a user is a direct member of.
#[derive(Debug, Serialize, ToSchema)]
struct GroupOfUser {
    /// Its id.
    id: GroupId,
    /// Its name.
    display_name: String,
    /// Whether its members are changed here.
    made_here: bool,
}

/// The groups that a user is a direct member of.
#[derive(Debug, Serialize, ToSchema)]
struct GroupsOfUser {
    /// By name, with those of sources.
    items: Vec<GroupOfUser>,
}

/// Set a user's groups
///
/// The groups made here that it is a direct member of, in place of those it is in; those of a source
/// stay. Also for a synced user.
#[utoipa::path(put, path = "/users/{id}/groups", tag = "Users", params(("id" = UserId, Path)),
    request_body = GroupsBody,
    responses((status = 200, body = GroupsOfUser), RefusalsWithConflict))]
async fn set_groups(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
    body: Body,
) -> Result<Json<GroupsOfUser>> {
    may_change(&backend, &caller, id).await?;
    let group_ids = body.parse::<GroupsBody>()?.group_ids;
    let groups = users::set_groups(&backend, &caller.0, id, &group_ids).await;
    let groups = groups.map(|groups| GroupsOfUser {
        items: groups
            .into_iter()
            .map(|group| GroupOfUser {
                id: group.id,
                display_name: group.display_name,
                made_here: group.made_here,
            })
            .collect(),
    });
    answer(&caller, groups)
}

/// Other addresses that a user signs in with.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Aliases {
    /// At most 20, none of which another active user of the customer signs in with.
    aliases: Vec<String>,
}

/// Set a user's aliases
///
/// In place of those it has. Also for a synced user.
#[utoipa::path(put, path = "/users/{id}/aliases", tag = "Users", params(("id" = UserId, Path)),
    request_body = Aliases, responses((status = 200, body = Aliases), RefusalsWithConflict))]
async fn set_aliases(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
    body: Body,
) -> Result<Json<Aliases>> {
    may_change(&backend, &caller, id).await?;
    let given = body.parse::<Aliases>()?.aliases;
    let aliases = users::set_aliases(&backend, &caller.0, id, &given).await;
    answer(&caller, aliases.map(|aliases| Aliases { aliases }))
}

/// What is kept of a user.
#[derive(Debug, Serialize, ToSchema)]
struct KeptAttributes {
    /// By name.
    items: Vec<KeptAttribute>,
}

/// What is kept here of a synced user
///
/// Attributes that runs leave as they are, whatever the source says.
#[utoipa::path(get, path = "/users/{id}/kept-attributes", tag = "Users",
    params(("id" = UserId, Path)),
    responses((status = 200, body = KeptAttributes), Refusals))]
async fn list_kept(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<KeptAttributes>> {
    let kept = kept_attributes::list(&backend, &caller.0, id).await;
    answer(&caller, kept.map(|items| KeptAttributes { items }))
}

/// Keep an attribute of a synced user
///
/// From now on it is as it is said here, and no run changes it. `name` is `display_name`,
/// `given_name`, `surname`, `mail`, or an attribute as Graph names it, such as `jobTitle`.
#[utoipa::path(put, path = "/users/{id}/kept-attributes/{name}", tag = "Users",
    params(("id" = UserId, Path), ("name" = String, Path)), request_body = NewKeptAttribute,
    responses((status = 200, body = KeptAttribute), RefusalsWithConflict))]
async fn keep(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, name): IdAnd<UserId, String>,
    body: Body,
) -> Result<Json<KeptAttribute>> {
    may_change(&backend, &caller, id).await?;
    let new: NewKeptAttribute = body.parse()?;
    answer(
        &caller,
        kept_attributes::keep(&backend, &caller.0, id, &name, new).await,
    )
}

/// Let an attribute of a synced user follow its source again
///
/// The next run brings what the source says.
#[utoipa::path(delete, path = "/users/{id}/kept-attributes/{name}", tag = "Users",
    params(("id" = UserId, Path), ("name" = String, Path)),
    responses((status = 204, description = "It is no longer kept"), Refusals))]
async fn release(
    State(backend): State<Backend>,
    caller: Caller,
    IdAnd(id, name): IdAnd<UserId, String>,
) -> Result<StatusCode> {
    kept_attributes::release(&backend, &caller.0, id, &name)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}
