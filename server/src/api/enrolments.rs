//! Accounts that users activate themselves: inviting them, and how a customer's people are invited.

use axum::{Json, extract::State, http::StatusCode};
use backend::{
    Backend,
    store::{customers, enrolment, users},
};
use domain::{
    enrolment::{Enrolment, EnrolmentMail, EnrolmentSettings, Invited, UserMail},
    id::{CustomerId, UserId},
    permission::Permission,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Body, Id},
    problem::{Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .routes(routes!(invite))
        .routes(routes!(reset_second_factor))
        .routes(routes!(invite_first))
        .routes(routes!(bounced))
        .routes(routes!(mark_bounced, unmark_bounced))
        .routes(routes!(settings, change_settings))
        .routes(routes!(preview))
        .routes(routes!(test))
}

/// How a user stands with an account of their own, and what was mailed to them.
#[derive(Debug, Serialize, ToSchema)]
struct EnrolmentWithMails {
    /// How they stand.
    #[serde(flatten)]
    enrolment: Enrolment,
    /// The last mails to them, the newest first.
    mails: Vec<UserMail>,
}

/// How a user stands with an account of their own
#[utoipa::path(get, path = "/users/{id}/enrolment", tag = "Enrolment",
    params(("id" = UserId, Path)),
    responses((status = 200, body = EnrolmentWithMails), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<EnrolmentWithMails>> {
    caller.found(users::get(&backend, &caller.0, id).await)?;
    let enrolment = enrolment::get(&backend, &caller.0, id).await;
    let mails = enrolment::mails(&backend, &caller.0, id).await;
    Ok(Json(EnrolmentWithMails {
        enrolment: enrolment.map_err(|error| caller.refused(error))?,
        mails: mails.map_err(|error| caller.refused(error))?,
    }))
}

/// Invite a user to activate their account
///
/// They get a mail with a link, also where they had one before; that one ends. Whoever is enrolled gets
/// a link to choose a new password.
#[utoipa::path(post, path = "/users/{id}/invitation", tag = "Enrolment",
    params(("id" = UserId, Path)),
    responses((status = 202, body = Enrolment), RefusalsWithConflict))]
async fn invite(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<(StatusCode, Json<Enrolment>)> {
    caller.found(users::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let enrolment = enrolment::invite(&backend, &caller.0, id).await;
    enrolment
        .map(|enrolment| (StatusCode::ACCEPTED, Json(enrolment)))
        .map_err(|error| caller.refused(error))
}

/// Take a user's second factor away
///
/// For somebody who lost it: their authenticator app and recovery codes go, and their sessions end.
/// Their password alone is enough until they set up another.
#[utoipa::path(delete, path = "/users/{id}/second-factor", tag = "Enrolment",
    params(("id" = UserId, Path)),
    responses((status = 204), RefusalsWithConflict))]
async fn reset_second_factor(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<StatusCode> {
    caller.found(users::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let reset = backend::auth::users::reset_second_factor(&backend, &caller.0, id).await;
    reset.map_err(|error| caller.refused(error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many are invited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteFirst {
    /// At most so many, 1 to 1,000.
    first: u32,
}

/// Invite the next users of a customer
///
/// The first by name of its active users who have an address and were never invited.
#[utoipa::path(post, path = "/customers/{id}/invitations", tag = "Enrolment",
    params(("id" = CustomerId, Path)), request_body = InviteFirst,
    responses((status = 202, body = Invited), RefusalsWithConflict))]
async fn invite_first(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<(StatusCode, Json<Invited>)> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let InviteFirst { first } = body.parse()?;
    let invited = enrolment::invite_first(&backend, &caller.0, customer, first).await;
    invited
        .map(|invited| (StatusCode::ACCEPTED, Json(invited)))
        .map_err(|error| caller.refused(error))
}

/// A mail that came back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Bounce {
    /// The address it was sent to.
    address: String,
    /// What the mail server that gave it back said, at most 500 characters.
    reason: String,
}

/// Whom it concerns.
#[derive(Debug, Serialize, ToSchema)]
struct Bounced {
    /// How many users.
    users: u64,
}

/// Say that a mail to users of a customer came back
///
/// For a program that reads the mailbox answers go to, or that the mail provider tells of bounces. The
/// state of whoever the last mail to this address was for becomes `mail_failed`.
#[utoipa::path(post, path = "/customers/{id}/enrolment-bounces", tag = "Enrolment",
    params(("id" = CustomerId, Path)), request_body = Bounce,
    responses((status = 200, body = Bounced), Refusals))]
async fn bounced(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<Json<Bounced>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let Bounce { address, reason } = body.parse()?;
    let users = enrolment::bounced(&backend, &caller.0, customer, &address, &reason).await;
    let users = users.map_err(|error| caller.refused(error))?;
    Ok(Json(Bounced { users }))
}

/// Why a mail came back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BounceReason {
    /// What the mail server that gave it back said, at most 500 characters; blank where it isn’t known.
    #[serde(default)]
    reason: String,
}

/// Say that the last mail to a user came back
///
/// Where a mail server took it. Their state becomes `mail_failed`.
#[utoipa::path(put, path = "/users/{id}/enrolment-bounce", tag = "Enrolment",
    params(("id" = UserId, Path)), request_body = BounceReason,
    responses((status = 200, body = Enrolment), RefusalsWithConflict))]
async fn mark_bounced(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
    body: Body,
) -> Result<Json<Enrolment>> {
    caller.found(users::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let BounceReason { reason } = body.parse()?;
    let enrolment = enrolment::mark_bounced(&backend, &caller.0, id, &reason).await;
    enrolment.map(Json).map_err(|error| caller.refused(error))
}

/// Take back that the last mail to a user came back
#[utoipa::path(delete, path = "/users/{id}/enrolment-bounce", tag = "Enrolment",
    params(("id" = UserId, Path)),
    responses((status = 200, body = Enrolment), RefusalsWithConflict))]
async fn unmark_bounced(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<Enrolment>> {
    caller.found(users::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let enrolment = enrolment::unmark_bounced(&backend, &caller.0, id).await;
    enrolment.map(Json).map_err(|error| caller.refused(error))
}

/// How a customer's people are invited
#[utoipa::path(get, path = "/customers/{id}/enrolment-settings", tag = "Enrolment",
    params(("id" = CustomerId, Path)),
    responses((status = 200, body = EnrolmentSettings), Refusals))]
async fn settings(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
) -> Result<Json<EnrolmentSettings>> {
    let settings = enrolment::settings(&backend, &caller.0, customer).await;
    settings.map(Json).map_err(|error| caller.refused(error))
}

/// Change how a customer's people are invited
///
/// What is absent gets its default.
#[utoipa::path(put, path = "/customers/{id}/enrolment-settings", tag = "Enrolment",
    params(("id" = CustomerId, Path)), request_body = EnrolmentSettings,
    responses((status = 200, body = EnrolmentSettings), Refusals))]
async fn change_settings(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<Json<EnrolmentSettings>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let settings: EnrolmentSettings = body.parse()?;
    let settings = enrolment::change_settings(&backend, &caller.0, customer, settings).await;
    settings.map(Json).map_err(|error| caller.refused(error))
}

/// What an invitation looks like with these settings
///
/// Nothing is saved, nobody is mailed.
#[utoipa::path(post, path = "/customers/{id}/enrolment-settings/preview", tag = "Enrolment",
    params(("id" = CustomerId, Path)), request_body = EnrolmentSettings,
    responses((status = 200, body = EnrolmentMail), Refusals))]
async fn preview(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<Json<EnrolmentMail>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryRead)?;
    let settings: EnrolmentSettings = body.parse()?;
    let mail = enrolment::preview(&backend, &caller.0, customer, settings).await;
    mail.map(Json).map_err(|error| caller.refused(error))
}

/// A test mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TestMail {
    /// The address it goes to.
    to: String,
    /// With these settings; null: as they are saved.
    settings: Option<EnrolmentSettings>,
}

/// Send a test mail of an invitation
///
/// It is sent while the call waits, once. Its link leads nowhere.
#[utoipa::path(post, path = "/customers/{id}/enrolment-settings/test", tag = "Enrolment",
    params(("id" = CustomerId, Path)), request_body = TestMail,
    responses((status = 204, description = "A mail server took it"), RefusalsWithConflict))]
async fn test(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<StatusCode> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let TestMail { to, settings } = body.parse()?;
    let settings = match settings {
        Some(settings) => settings,
        None => enrolment::settings(&backend, &caller.0, customer)
            .await
            .map_err(|error| caller.refused(error))?,
    };
    enrolment::send_test(&backend, &caller.0, customer, settings, &to)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}
