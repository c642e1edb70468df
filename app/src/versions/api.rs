//! What the pages of versions ask the server.

use domain::{
    id::IntegrationId,
    paging::Page,
    settings::{
        SettingsDifference,
        version::{IntegrationVersion, VersionLine},
    },
};
use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

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
    Ok(backend::store::integration_versions::list(&backend, &scope, id, query.page).await?)
}

/// One version, and how it differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// The version.
    pub version: IntegrationVersion,
    /// What restoring it would change.
    pub from_now: SettingsDifference,
    /// How it differs from the version that was asked for.
    pub from_other: Option<(i64, SettingsDifference)>,
    /// The number of the newest version.
    pub newest: i64,
}

/// One version, compared with the present settings and, where `against` names one, with another.
#[server(endpoint = "versions/view", input = Json)]
pub(crate) async fn view_version(
    id: IntegrationId,
    number: i64,
    against: Option<i64>,
) -> AppResult<VersionView> {
    use backend::store::integration_versions::{difference, get, list};
    let (backend, scope) = crate::session::caller().await?;
    let version = get(&backend, &scope, id, number).await?;
    let from_now = difference(&backend, &scope, id, number, None).await?;
    let from_other = match against {
        Some(other) => {
            let found = difference(&backend, &scope, id, number, Some(other)).await?;
            Some((other, found))
        }
        None => None,
    };
    let first = domain::paging::PageRequest::new(1, 1);
    let newest = list(&backend, &scope, id, first).await?.items;
    Ok(VersionView {
        version,
        from_now,
        from_other,
        newest: newest.first().map_or(number, |line| line.number),
    })
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
    use backend::store::integration_versions;
    let (backend, scope) = crate::session::caller().await?;
    let version = integration_versions::get(&backend, &scope, id, number).await?;
    let policy = Some(version.settings.policy);
    let trigger = domain::run::RunTrigger::Operator;
    let run = backend::sync::preview(&backend, &scope, id, policy, trigger).await?;
    let to = crate::routes::run(run.id);
    crate::session::done("The preview is queued", Some(to)).await
}
