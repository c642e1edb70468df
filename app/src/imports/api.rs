//! What the pages of imports ask the server.

#![expect(
    clippy::too_many_arguments,
    reason = "the fields of a form are the arguments of its function"
)]

use domain::{
    id::{CustomerId, ImportId, IntegrationId},
    import::{ApplyRows, Import, ImportDetail, ImportPassword, ImportRows, RowOutcome},
    integration::GroupHit,
};
use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::{error::AppError, routes};
use crate::{
    error::AppResult,
    ui::{address::ListQuery, form::Done},
};

/// What the list of a customer's imports shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportsView {
    /// The customer.
    pub customer: CustomerId,
    /// Its name.
    pub name: String,
    /// Its imports, the latest first.
    pub imports: Vec<Import>,
}

/// Through what members of groups can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupsView {
    /// The customer.
    pub customer: CustomerId,
    /// Its name.
    pub name: String,
    /// Its integrations, with their names.
    pub integrations: Vec<(IntegrationId, String)>,
}

/// A customer's imports.
#[server(endpoint = "imports/list", input = Json)]
pub(crate) async fn list_imports(customer: CustomerId) -> AppResult<ImportsView> {
    use backend::store::{customers, imports};
    let (backend, scope) = crate::session::caller().await?;
    Ok(ImportsView {
        customer,
        name: customers::get(&backend, &scope, customer).await?.name,
        imports: imports::list(&backend, &scope, customer).await?,
    })
}

/// One import.
#[server(endpoint = "imports/get", input = Json)]
pub(crate) async fn get_import(id: ImportId) -> AppResult<ImportDetail> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::imports::detail(&backend, &scope, id).await?)
}

/// What comes of its rows.
#[server(endpoint = "imports/rows", input = Json)]
pub(crate) async fn list_import_rows(
    id: ImportId,
    query: ListQuery,
    outcome: Option<RowOutcome>,
) -> AppResult<ImportRows> {
    use backend::store::imports::{self, RowQuery};
    let (backend, scope) = crate::session::caller().await?;
    let query = RowQuery {
        q: query.q,
        outcome,
        page: query.page,
    };
    Ok(imports::rows(&backend, &scope, id, query).await?)
}

/// Changes how an import is read, and makes its dry run anew.
#[server(endpoint = "imports/change")]
pub(crate) async fn change_import(
    id: ImportId,
    #[server(default)] columns: Vec<String>,
    password: ImportPassword,
) -> AppResult<Done> {
    use backend::store::imports;
    let (backend, scope) = crate::session::caller().await?;
    let columns = columns
        .iter()
        .map(|column| match column.as_str() {
            "" => Ok(None),
            column => column.parse::<domain::import::ImportField>().map(Some),
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| AppError::invalid("columns", error.to_string()))?;
    let change = domain::import::ImportChange {
        columns: (!columns.is_empty()).then_some(columns),
        password: Some(password),
    };
    imports::change(&backend, &scope, id, change).await?;
    crate::session::done("The dry run was made anew", Some(routes::import(id))).await
}

/// Applies the dry run that was looked at.
#[server(endpoint = "imports/apply")]
pub(crate) async fn apply_import(id: ImportId, plan: String, rows: ApplyRows) -> AppResult<Done> {
    use backend::store::imports;
    let (backend, scope) = crate::session::caller().await?;
    let how = domain::import::ApplyImport { rows, plan };
    let trigger = domain::run::RunTrigger::Operator;
    imports::apply(&backend, &scope, id, &how, trigger).await?;
    crate::session::done("The import was applied", Some(routes::import(id))).await
}

/// Removes an import with what was given.
#[server(endpoint = "imports/delete")]
pub(crate) async fn delete_import(id: ImportId) -> AppResult<Done> {
    use backend::store::imports;
    let (backend, scope) = crate::session::caller().await?;
    let customer = imports::get(&backend, &scope, id).await?.customer_id;
    imports::delete(&backend, &scope, id).await?;
    let to = routes::customer_imports(customer);
    crate::session::done("The import was deleted", Some(to)).await
}

/// Through what members of a customer's groups can be read.
#[server(endpoint = "imports/integrations", input = Json)]
pub(crate) async fn import_integrations(customer: CustomerId) -> AppResult<GroupsView> {
    use backend::store::{
        customers,
        integrations::{self, IntegrationQuery},
    };
    let (backend, scope) = crate::session::caller().await?;
    let query = IntegrationQuery {
        customer_id: Some(customer),
        ..IntegrationQuery::default()
    };
    let name = customers::get(&backend, &scope, customer).await?.name;
    let page = integrations::list(&backend, &scope, query).await?;
    let integrations = page.items.into_iter().map(|line| (line.id, line.name));
    Ok(GroupsView {
        customer,
        name,
        integrations: integrations.collect(),
    })
}

/// Groups of the tenant by their name; none where too little was typed.
#[server(endpoint = "imports/group-search", input = Json)]
pub(crate) async fn import_group_search(
    integration: IntegrationId,
    q: String,
) -> AppResult<Vec<GroupHit>> {
    use backend::entra::{SEARCH_CHARS_MIN, group_search};
    let (backend, scope) = crate::session::caller().await?;
    if q.trim().chars().count() < SEARCH_CHARS_MIN {
        return Ok(Vec::new());
    }
    Ok(group_search(&backend, &scope, integration, &q, false).await?)
}

/// Reads the members of groups, and leads to their dry run. A group is its id, with its name behind a
/// colon.
#[server(endpoint = "imports/from-groups")]
pub(crate) async fn import_from_groups(
    customer: CustomerId,
    integration: IntegrationId,
    #[server(default)] groups: Vec<String>,
    #[server(default)] include_guests: bool,
    #[server(default)] include_blocked: bool,
    #[server(default)] include_nested: bool,
    password: ImportPassword,
    #[server(default)] initial_password: String,
) -> AppResult<Done> {
    use backend::store::imports;
    let (backend, scope) = crate::session::caller().await?;
    let ids = groups
        .iter()
        .map(|group| group.split(':').next().unwrap_or_default().parse());
    let group_ids = ids
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| AppError::invalid("groups", "Choose groups by searching for them."))?;
    let asked = domain::import::GroupsImport {
        integration_id: integration,
        group_ids,
        include_guests,
        include_blocked,
        include_nested,
        password,
        initial_password: Some(initial_password).filter(|given| !given.is_empty()),
    };
    let made = imports::from_groups(&backend, &scope, customer, &asked).await;
    let made = made.map_err(|error| match AppError::from(error) {
        AppError::Invalid(error) if error.field == "group_ids" => {
            AppError::invalid("groups", error.message)
        }
        other => other,
    })?;
    crate::session::done("", Some(routes::import(made.id))).await
}
