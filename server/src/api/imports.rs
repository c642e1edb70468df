//! Imports: people of a file, or members of groups, brought in once.

use axum::{
    Json,
    body::Body as ResponseBody,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::Response,
};
use backend::{
    Backend,
    store::{
        audit, customers,
        imports::{self, RowQuery},
    },
};
use domain::{
    api_token::ListKind,
    audit::AuditAction,
    id::{CustomerId, ImportId},
    import::{
        ApplyImport, FILE_BYTES_MAX, GroupsImport, Import, ImportChange, ImportPassword, ImportRow,
        RowOutcome,
    },
    paging::Listing,
    permission::Permission,
    run::RunTrigger,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    created,
    input::{Body, FileBody, Id, Query},
    problem::{Refusals, RefusalsWithConflict, Result, SourceRefusals},
};
use crate::csv;

/// The calls of this noun. A file may be larger than other bodies.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, from_file))
        .layer(DefaultBodyLimit::max(FILE_BYTES_MAX))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(from_groups))
                .routes(routes!(get, change, delete))
                .routes(routes!(rows))
                .routes(routes!(rows_csv))
                .routes(routes!(apply)),
        )
}

/// What a file is called, and how people come by a password.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OfFile {
    /// The file's name, as the history will show it.
    name: Option<String>,
    /// How people come by a password. Where absent: from the file where a column is called so, else
    /// not at all.
    password: Option<ImportPassword>,
}

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct RowParameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the name or the user name.
    q: Option<String>,
    /// That come to this.
    outcome: Option<RowOutcome>,
}

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CsvParameters {
    /// A part of the name or the user name.
    q: Option<String>,
    /// That come to this.
    outcome: Option<RowOutcome>,
}

/// A customer's imports
///
/// The latest first: those that wait, and those that were applied in the last 90 days.
#[utoipa::path(get, path = "/customers/{id}/imports", tag = "Imports",
    params(("id" = CustomerId, Path)),
    responses((status = 200, body = Vec<Import>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
) -> Result<Json<Vec<Import>>> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    let imports = imports::list(&backend, &caller.0, customer).await;
    imports.map(Json).map_err(|error| caller.refused(error))
}

/// Make a dry run of a file
///
/// CSV with a header, with commas, semicolons or tabs between, in UTF-8, UTF-16 or Windows-1252; at
/// most 100,000 rows and 32 MiB. Columns are matched by their names. Nothing of the directory changes
/// until the import is applied; without that, it goes after a day.
#[utoipa::path(post, path = "/customers/{id}/imports", tag = "Imports",
    params(("id" = CustomerId, Path), OfFile),
    request_body(content((String = "text/csv"))),
    responses((status = 201, body = Import), RefusalsWithConflict))]
async fn from_file(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    query: Query,
    body: FileBody,
) -> Result<Response> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let OfFile { name, password } = query.parse()?;
    let (bytes, name) = (body.bytes()?, name.unwrap_or_default());
    let import = imports::from_file(&backend, &caller.0, customer, &name, bytes, password).await;
    let import = caller.found(import)?;
    Ok(created("imports", import.id, import))
}

/// Make a dry run of the members of groups
///
/// They are read once, through an integration of the customer, and not kept in step. Nothing of the
/// directory changes until the import is applied.
#[utoipa::path(post, path = "/customers/{id}/imports/from-groups", tag = "Imports",
    params(("id" = CustomerId, Path)), request_body = GroupsImport,
    responses((status = 201, body = Import), RefusalsWithConflict, SourceRefusals))]
async fn from_groups(
    State(backend): State<Backend>,
    caller: Caller,
    Id(customer): Id<CustomerId>,
    body: Body,
) -> Result<Response> {
    caller.found(customers::get(&backend, &caller.0, customer).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let asked: GroupsImport = body.parse()?;
    let import = imports::from_groups(&backend, &caller.0, customer, &asked).await;
    let import = import.map_err(|error| caller.blamed("integration_id", "integration", error))?;
    Ok(created("imports", import.id, import))
}

/// One import
#[utoipa::path(get, path = "/imports/{id}", tag = "Imports", params(("id" = ImportId, Path)),
    responses((status = 200, body = Import), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ImportId>,
) -> Result<Json<Import>> {
    let import = imports::get(&backend, &caller.0, id).await;
    import.map(Json).map_err(|error| caller.refused(error))
}

/// Change how an import is read
///
/// What is absent stays. The dry run is made anew, also where nothing is given.
#[utoipa::path(patch, path = "/imports/{id}", tag = "Imports", params(("id" = ImportId, Path)),
    request_body = ImportChange,
    responses((status = 200, body = Import), RefusalsWithConflict))]
async fn change(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ImportId>,
    body: Body,
) -> Result<Json<Import>> {
    caller.found(imports::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let change: ImportChange = body.parse()?;
    let import = imports::change(&backend, &caller.0, id, change).await;
    import.map(Json).map_err(|error| caller.refused(error))
}

/// Delete an import
///
/// With everything that was given. What it brought in stays; passwords that aren't set yet are not
/// set.
#[utoipa::path(delete, path = "/imports/{id}", tag = "Imports", params(("id" = ImportId, Path)),
    responses((status = 204, description = "It is deleted"), Refusals))]
async fn delete(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ImportId>,
) -> Result<StatusCode> {
    caller.found(imports::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let deleted = imports::delete(&backend, &caller.0, id).await;
    caller.found(deleted).map(|()| StatusCode::NO_CONTENT)
}

/// What comes of each row
///
/// As they stand in the file.
#[utoipa::path(get, path = "/imports/{id}/rows", tag = "Imports",
    params(("id" = ImportId, Path), RowParameters),
    responses((status = 200, body = Listing<ImportRow>), Refusals))]
async fn rows(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ImportId>,
    query: Query,
) -> Result<Json<Listing<ImportRow>>> {
    caller.found(imports::get(&backend, &caller.0, id).await)?;
    let parameters: RowParameters = query.parse()?;
    let request = caller.list_request(
        &backend,
        parameters.limit,
        parameters.cursor.as_deref(),
        parameters.q,
    )?;
    let outcome = parameters.outcome;
    let listing = imports::rows_listing(&backend, &caller.0, id, outcome, &request).await;
    caller.listed(&backend, ListKind::Users, listing).await
}

/// What comes of each row, as CSV
///
/// A line for each thing that is wrong with a row, streamed.
#[utoipa::path(get, path = "/imports/{id}/rows.csv", tag = "Imports",
    params(("id" = ImportId, Path), CsvParameters),
    responses((status = 200, content_type = "text/csv", body = String), Refusals))]
async fn rows_csv(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ImportId>,
    query: Query,
) -> Result<Response> {
    let import = caller.found(imports::get(&backend, &caller.0, id).await)?;
    let parameters: CsvParameters = query.parse()?;
    let (action, customer) = (AuditAction::UserExport, Some(import.customer_id));
    let asked = id.to_string();
    caller.found(
        audit::exported(&backend, &caller.0, action, customer, [("import", &*asked)]).await,
    )?;
    let query = RowQuery {
        q: parameters.q,
        outcome: parameters.outcome,
        ..RowQuery::default()
    };
    let rows = caller.found(imports::rows_csv(&backend, &caller.0, id, query).await)?;
    Ok(csv::answer("import-rows", ResponseBody::from_stream(rows)))
}

/// Apply an import
///
/// Exactly the dry run that `plan` names, or nothing: where the directory changed since, 409 is
/// answered and the dry run is made anew. It is a run of mode `import`, over when this answers;
/// passwords are set and mails sent afterwards.
#[utoipa::path(post, path = "/imports/{id}/apply", tag = "Imports",
    params(("id" = ImportId, Path)), request_body = ApplyImport,
    responses((status = 200, body = Import), RefusalsWithConflict))]
async fn apply(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<ImportId>,
    body: Body,
) -> Result<Json<Import>> {
    caller.found(imports::get(&backend, &caller.0, id).await)?;
    caller.require(Permission::DirectoryWrite)?;
    let how: ApplyImport = body.parse()?;
    let import = imports::apply(&backend, &caller.0, id, &how, RunTrigger::Api).await;
    import.map(Json).map_err(|error| caller.refused(error))
}
