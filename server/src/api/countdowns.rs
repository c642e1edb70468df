//! The countdown from inactive to deleted, of one object of the directory.

use axum::{Json, extract::State};
use backend::{
    Backend,
    store::countdown::{self, Counted},
};
use domain::{
    countdown::Countdown,
    id::{ContactId, DeviceId, GroupId, UserId},
    permission::Permission,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Id, Query},
    problem::{Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get_of_user, cancel_of_user, restart_of_user))
        .routes(routes!(get_of_group, cancel_of_group, restart_of_group))
        .routes(routes!(
            get_of_contact,
            cancel_of_contact,
            restart_of_contact
        ))
        .routes(routes!(get_of_device, cancel_of_device, restart_of_device))
}

/// What a cancellation is written down with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CancelParameters {
    /// Why: a sentence or a ticket number, at most 500 characters. Kept in the audit log.
    note: Option<String>,
}

type Answer = Result<Json<Countdown>>;

async fn get(backend: &Backend, caller: &Caller, of: Counted) -> Answer {
    let countdown = countdown::get(backend, &caller.0, of).await;
    countdown.map(Json).map_err(|error| caller.refused(error))
}

async fn cancel(backend: &Backend, caller: &Caller, of: Counted, query: &Query) -> Answer {
    caller.found(countdown::get(backend, &caller.0, of).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let note = query.parse::<CancelParameters>()?.note.unwrap_or_default();
    let countdown = countdown::cancel(backend, &caller.0, of, &note).await;
    countdown.map(Json).map_err(|error| caller.refused(error))
}

async fn restart(backend: &Backend, caller: &Caller, of: Counted) -> Answer {
    let countdown = countdown::restart(backend, &caller.0, of).await;
    countdown.map(Json).map_err(|error| caller.refused(error))
}

/// When a user will be deleted
#[utoipa::path(get, path = "/users/{id}/countdown", tag = "Users", params(("id" = UserId, Path)),
    responses((status = 200, body = Countdown), Refusals))]
async fn get_of_user(State(backend): State<Backend>, caller: Caller, Id(id): Id<UserId>) -> Answer {
    get(&backend, &caller, Counted::User(id)).await
}

/// Cancel a user's deletion
///
/// The user stays inactive. No run sets another countdown until the user is wanted again, or
/// leaves for another reason.
#[utoipa::path(delete, path = "/users/{id}/countdown", tag = "Users",
    params(("id" = UserId, Path), CancelParameters),
    responses((status = 200, body = Countdown), RefusalsWithConflict))]
async fn cancel_of_user(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
    query: Query,
) -> Answer {
    cancel(&backend, &caller, Counted::User(id), &query).await
}

/// Let a user's cancelled countdown count again
///
/// The days begin anew. Where the policy no longer deletes, only the cancellation is taken back.
#[utoipa::path(put, path = "/users/{id}/countdown", tag = "Users", params(("id" = UserId, Path)),
    responses((status = 200, body = Countdown), RefusalsWithConflict))]
async fn restart_of_user(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Answer {
    restart(&backend, &caller, Counted::User(id)).await
}

/// When a group will be deleted
#[utoipa::path(get, path = "/groups/{id}/countdown", tag = "Groups",
    params(("id" = GroupId, Path)), responses((status = 200, body = Countdown), Refusals))]
async fn get_of_group(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
) -> Answer {
    get(&backend, &caller, Counted::Group(id)).await
}

/// Cancel a group's deletion
///
/// As for a user.
#[utoipa::path(delete, path = "/groups/{id}/countdown", tag = "Groups",
    params(("id" = GroupId, Path), CancelParameters),
    responses((status = 200, body = Countdown), RefusalsWithConflict))]
async fn cancel_of_group(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
    query: Query,
) -> Answer {
    cancel(&backend, &caller, Counted::Group(id), &query).await
}

/// Let a group's cancelled countdown count again
///
/// As for a user.
#[utoipa::path(put, path = "/groups/{id}/countdown", tag = "Groups",
    params(("id" = GroupId, Path)),
    responses((status = 200, body = Countdown), RefusalsWithConflict))]
async fn restart_of_group(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<GroupId>,
) -> Answer {
    restart(&backend, &caller, Counted::Group(id)).await
}

/// When a contact will be deleted
#[utoipa::path(get, path = "/contacts/{id}/countdown", tag = "Contacts",
    params(("id" = ContactId, Path)), responses((status = 200, body = Countdown), Refusals))]
async fn get_of_contact(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ContactId>,
) -> Answer {
    get(&backend, &caller, Counted::Contact(id)).await
}

/// Cancel a contact's deletion
///
/// As for a user.
#[utoipa::path(delete, path = "/contacts/{id}/countdown", tag = "Contacts",
    params(("id" = ContactId, Path), CancelParameters),
    responses((status = 200, body = Countdown), RefusalsWithConflict))]
async fn cancel_of_contact(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ContactId>,
    query: Query,
) -> Answer {
    cancel(&backend, &caller, Counted::Contact(id), &query).await
}

/// Let a contact's cancelled countdown count again
///
/// As for a user.
#[utoipa::path(put, path = "/contacts/{id}/countdown", tag = "Contacts",
    params(("id" = ContactId, Path)),
    responses((status = 200, body = Countdown), RefusalsWithConflict))]
async fn restart_of_contact(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ContactId>,
) -> Answer {
    restart(&backend, &caller, Counted::Contact(id)).await
}

/// When a device will be deleted
#[utoipa::path(get, path = "/devices/{id}/countdown", tag = "Devices",
    params(("id" = DeviceId, Path)), responses((status = 200, body = Countdown), Refusals))]
async fn get_of_device(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<DeviceId>,
) -> Answer {
    get(&backend, &caller, Counted::Device(id)).await
}

/// Cancel a device's deletion
///
/// As for a user.
#[utoipa::path(delete, path = "/devices/{id}/countdown", tag = "Devices",
    params(("id" = DeviceId, Path), CancelParameters),
    responses((status = 200, body = Countdown), RefusalsWithConflict))]
async fn cancel_of_device(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<DeviceId>,
    query: Query,
) -> Answer {
    cancel(&backend, &caller, Counted::Device(id), &query).await
}

/// Let a device's cancelled countdown count again
///
/// As for a user.
#[utoipa::path(put, path = "/devices/{id}/countdown", tag = "Devices",
    params(("id" = DeviceId, Path)),
    responses((status = 200, body = Countdown), RefusalsWithConflict))]
async fn restart_of_device(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<DeviceId>,
) -> Answer {
    restart(&backend, &caller, Counted::Device(id)).await
}
