//! Settings as files, out and in.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use backend::{
    Backend,
    store::{
        customers, integrations,
        settings_files::{self, Import},
    },
};
use domain::{
    id::{CustomerId, IntegrationId},
    permission::Permission,
    settings::file::{FileFormat, ImportPlan, SettingsFile},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    input::{Id, Query, TextBody},
    problem::{Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(of_integration, into_integration))
        .routes(routes!(of_customer, into_customer))
}

/// How the file is written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Format {
    /// `json` (where absent) or `toml`.
    format: Option<FileFormat>,
}

/// How a file is imported.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Importing {
    /// Whether only the difference is wanted, and nothing is saved.
    #[serde(default)]
    dry_run: bool,
    /// Whether groups that the tenant doesn't have are looked for there by their exact names.
    #[serde(default)]
    find_groups: bool,
    /// The hash of the difference that was looked at. With it, nothing is saved where the settings
    /// were changed since.
    hash: Option<String>,
}

impl Importing {
    fn of<'a>(&'a self, text: &'a str) -> Import<'a> {
        Import {
            text,
            find_groups: self.find_groups,
            hash: self.hash.as_deref(),
        }
    }
}

/// A file as an answer.
fn file(text: String, format: FileFormat) -> Response {
    ([(header::CONTENT_TYPE, format.media_type())], text).into_response()
}

/// An integration's settings as a file
///
/// Without secrets. It can be imported here again, or into another integration.
#[utoipa::path(get, path = "/integrations/{id}/settings-file", tag = "Settings Files",
    params(("id" = IntegrationId, Path), Format),
    responses((status = 200, content((SettingsFile = "application/json"),
        (String = "application/toml"))), Refusals))]
async fn of_integration(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    query: Query,
) -> Result<Response> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    let format = query.parse::<Format>()?.format.unwrap_or(FileFormat::Json);
    let text = settings_files::of_integration(&backend, &caller.0, id, format).await;
    Ok(file(caller.found(text)?, format))
}

/// Import a settings file into an integration
///
/// JSON or TOML. Answers what changed; with `dry_run`, what would change.
#[utoipa::path(post, path = "/integrations/{id}/settings-file", tag = "Settings Files",
    params(("id" = IntegrationId, Path), Importing),
    request_body(content((SettingsFile = "application/json"), (String = "application/toml"))),
    responses((status = 200, body = ImportPlan), RefusalsWithConflict))]
async fn into_integration(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<IntegrationId>,
    query: Query,
    body: TextBody,
) -> Result<Json<ImportPlan>> {
    caller.found(integrations::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let importing: Importing = query.parse()?;
    let text = body.parse()?;
    let import = importing.of(&text);
    let plan = if importing.dry_run {
        settings_files::plan_integration(&backend, &caller.0, id, &import).await
    } else {
        settings_files::import_integration(&backend, &caller.0, id, &import)
            .await
            .map(|(_, plan)| plan)
    };
    plan.map(Json).map_err(|error| caller.refused(error))
}

/// All of a customer's settings as a file
///
/// Its time zone, tags, notification recipients and integrations, and how its people are invited,
/// without secrets.
#[utoipa::path(get, path = "/customers/{id}/settings-file", tag = "Settings Files",
    params(("id" = CustomerId, Path), Format),
    responses((status = 200, content((SettingsFile = "application/json"),
        (String = "application/toml"))), Refusals))]
async fn of_customer(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CustomerId>,
    query: Query,
) -> Result<Response> {
    caller.found(customers::get(&backend, &caller.0, id).await)?;
    let format = query.parse::<Format>()?.format.unwrap_or(FileFormat::Json);
    let text = settings_files::of_customer(&backend, &caller.0, id, format).await;
    Ok(file(caller.found(text)?, format))
}

/// Import a settings file into a customer
///
/// All of it or nothing; what the file says nothing of stays as it is. An integration of the file is the customer's of the same tenant, or the
/// only one where both have one; none is added or removed. Answers what changed; with `dry_run`, what
/// would change.
#[utoipa::path(post, path = "/customers/{id}/settings-file", tag = "Settings Files",
    params(("id" = CustomerId, Path), Importing),
    request_body(content((SettingsFile = "application/json"), (String = "application/toml"))),
    responses((status = 200, body = ImportPlan), RefusalsWithConflict))]
async fn into_customer(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<CustomerId>,
    query: Query,
    body: TextBody,
) -> Result<Json<ImportPlan>> {
    caller.found(customers::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::IntegrationsWrite)?;
    let importing: Importing = query.parse()?;
    let text = body.parse()?;
    let import = importing.of(&text);
    let plan = if importing.dry_run {
        settings_files::plan_customer(&backend, &caller.0, id, &import).await
    } else {
        settings_files::import_customer(&backend, &caller.0, id, &import).await
    };
    plan.map(Json).map_err(|error| caller.refused(error))
}
