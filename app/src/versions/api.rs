//! What the pages of versions ask the server.

use domain::{
    id::{CustomerId, IntegrationId},
    paging::Page,
    settings::{
        IntegrationSettings,
        customer::CustomerSettings,
        version::{VersionLine, VersionView},
    },
};
use leptos::{prelude::*, server_fn::codec::Json};

use crate::{
    error::AppResult,
    ui::{address::ListQuery, form::Done},
};

/// A page of an integration's versions.
#[server(endpoint = "versions/list", input = Json)]
pub(crate) async fn list_versions(
    id: IntegrationId,
    query: ListQuery,
) -> AppResult<Page<VersionLine>> {
    let (backend, scope) = crate::session::caller().await?;
    let page = query.page;
    Ok(backend::store::versions::list::<IntegrationSettings>(&backend, &scope, id, page).await?)
}

/// One version, compared with the present settings and, where `against` names one, with another.
#[server(endpoint = "versions/view", input = Json)]
pub(crate) async fn view_version(
    id: IntegrationId,
    number: i64,
    against: Option<i64>,
) -> AppResult<VersionView<IntegrationSettings>> {
    use backend::store::versions::view;
    let (backend, scope) = crate::session::caller().await?;
    Ok(view(&backend, &scope, id, number, against).await?)
}

/// Restores a version, where the settings are still those it was compared with.
#[server(endpoint = "versions/restore")]
pub(crate) async fn restore_version(
    id: IntegrationId,
    number: i64,
    hash: String,
) -> AppResult<Done> {
    use backend::store::integration_versions;
    let (backend, scope) = crate::session::caller().await?;
    let hash = Some(hash.as_str());
    let restored = integration_versions::restore(&backend, &scope, id, number, hash).await?;
    crate::session::done(
        format!(
            "{} has the settings of version {number} again",
            restored.name
        ),
        Some(crate::routes::integration_versions(id)),
    )
    .await
}

/// Starts a preview of a version's policy, and leads to its page. Nothing is saved.
#[server(endpoint = "versions/preview")]
pub(crate) async fn preview_version(id: IntegrationId, number: i64) -> AppResult<Done> {
    use backend::store::versions;
    let (backend, scope) = crate::session::caller().await?;
    let version = versions::get::<IntegrationSettings>(&backend, &scope, id, number).await?;
    let policy = Some(version.settings.policy);
    let trigger = domain::run::RunTrigger::Operator;
    let run = backend::sync::preview(&backend, &scope, id, policy, trigger).await?;
    let to = crate::routes::run(run.id);
    crate::session::done("The preview is queued", Some(to)).await
}

/// The name of a customer, and a page of its versions.
#[server(endpoint = "versions/of-customer", input = Json)]
pub(crate) async fn list_customer_versions(
    id: CustomerId,
    query: ListQuery,
) -> AppResult<(String, Page<VersionLine>)> {
    use backend::store::{customers, versions::list};
    let (backend, scope) = crate::session::caller().await?;
    let versions = list::<CustomerSettings>(&backend, &scope, id, query.page).await?;
    let name = customers::get(&backend, &scope, id).await?.name;
    Ok((name, versions))
}

/// The name of a customer, and one version, compared with the present settings and, where `against`
/// names one, with another.
#[server(endpoint = "versions/view-of-customer", input = Json)]
pub(crate) async fn view_customer_version(
    id: CustomerId,
    number: i64,
    against: Option<i64>,
) -> AppResult<(String, VersionView<CustomerSettings>)> {
    use backend::store::{customers, versions::view};
    let (backend, scope) = crate::session::caller().await?;
    let view = view(&backend, &scope, id, number, against).await?;
    Ok((customers::get(&backend, &scope, id).await?.name, view))
}

/// Restores a version of a customer, where the settings are still those it was compared with.
#[server(endpoint = "versions/restore-customer")]
pub(crate) async fn restore_customer_version(
    id: CustomerId,
    number: i64,
    hash: String,
) -> AppResult<Done> {
    use backend::store::customer_versions;
    let (backend, scope) = crate::session::caller().await?;
    let hash = Some(hash.as_str());
    let restored = customer_versions::restore(&backend, &scope, id, number, hash).await?;
    crate::session::done(
        format!(
            "{} has the settings of version {number} again",
            restored.name
        ),
        Some(crate::routes::customer_versions(id)),
    )
    .await
}
