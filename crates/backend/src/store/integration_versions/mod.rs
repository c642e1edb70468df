//! Versions: every state of an integration's settings that was saved. Written in the transaction
//! that saves, so that none is missing; looked at, compared, and restored like any other save.

mod restore;

use std::collections::BTreeMap;

use domain::{
    DateTime,
    id::IntegrationId,
    integration::Integration,
    paging::{Cursor, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
    settings::{
        IntegrationSettings, SettingsDifference, settings_differences,
        version::{IntegrationVersion, VersionCause, VersionLine, VersionSource},
    },
};
use sqlx::FromRow;

pub use restore::{difference, restore};

use super::{hash_of, integrations, paging, read_json, write_json};
use crate::{Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional, fetch_scalar};

/// Keeps the settings as the integration's next version. The caller holds the integration.
pub(crate) async fn keep(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    integration: &Integration,
    source: &VersionSource,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO integration_version (integration_id, number, enabled, schedule, policy, cause,
            cause_number, cause_name, saved_by, saved_at)
         SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9
           FROM integration_version WHERE integration_id = $1",
        integration.id,
        integration.enabled,
        write_json(&integration.schedule)?,
        write_json(&integration.policy)?,
        source.cause,
        source.number,
        source.name.as_deref(),
        scope.actor_name(),
        b.clock.now()
    )?;
    Ok(())
}

#[derive(FromRow)]
struct Row {
    integration_id: IntegrationId,
    number: i64,
    enabled: bool,
    schedule: String,
    policy: String,
    cause: VersionCause,
    cause_number: Option<i64>,
    cause_name: Option<String>,
    saved_by: String,
    saved_at: DateTime,
}

const COLUMNS: &str = "integration_id, number, enabled, schedule, policy, cause, cause_number,
    cause_name, saved_by, saved_at";

impl Row {
    fn version(self) -> Result<IntegrationVersion> {
        Ok(IntegrationVersion {
            integration_id: self.integration_id,
            number: self.number,
            source: VersionSource {
                cause: self.cause,
                number: self.cause_number,
                name: self.cause_name,
            },
            saved_by: self.saved_by,
            saved_at: self.saved_at,
            settings: IntegrationSettings {
                enabled: self.enabled,
                schedule: read_json("integration_version.schedule", &self.schedule)?,
                policy: read_json("integration_version.policy", &self.policy)?,
            },
        })
    }
}

/// Versions with a lower number than `before`, the newest first, and one more, with which the last
/// of them is compared.
async fn newest(
    tx: &mut Tx,
    id: IntegrationId,
    before: i64,
    limit: i64,
    offset: i64,
) -> Result<Vec<IntegrationVersion>> {
    let rows = fetch_all!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM integration_version WHERE integration_id = $1 AND number < $2
              ORDER BY number DESC LIMIT $3 OFFSET $4"
        )),
        id,
        before,
        limit + 1,
        offset
    )?;
    rows.into_iter().map(Row::version).collect()
}

/// Versions as lines; the last of them is only what the one before it is compared with, where there
/// are more than `limit`.
fn lines(versions: Vec<IntegrationVersion>, limit: i64) -> Vec<VersionLine> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let older = versions.iter().skip(1).map(|older| &older.settings);
    let changed: Vec<Vec<String>> = versions
        .iter()
        .zip(older.map(Some).chain([None]))
        .map(|(version, older)| {
            let Some(older) = older else {
                return Vec::new();
            };
            let differences = older.differences(&version.settings).into_iter();
            differences.map(|one| one.name).collect()
        })
        .collect();
    versions
        .into_iter()
        .zip(changed)
        .take(limit)
        .map(|(version, changed)| VersionLine {
            number: version.number,
            source: version.source,
            saved_by: version.saved_by,
            saved_at: version.saved_at,
            changed,
        })
        .collect()
}

/// A page of an integration's versions, the newest first.
pub async fn list(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    page: PageRequest,
) -> Result<Page<VersionLine>> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    integrations::find(&mut tx, scope, id).await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM integration_version WHERE integration_id = $1",
        id
    )?;
    let versions = newest(&mut tx, id, i64::MAX, page.limit(), page.offset()).await?;
    Ok(Page {
        items: lines(versions, page.limit()),
        total,
    })
}

/// The same for programs. The cursor holds the number of the last version.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    request: &ListRequest,
) -> Result<Listing<VersionLine>> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    integrations::find(&mut tx, scope, id).await?;
    let before = match &request.cursor {
        Some(cursor) => cursor.after.parse().unwrap_or(i64::MAX),
        None => i64::MAX,
    };
    let limit = paging::limit(request);
    let versions = newest(&mut tx, id, before, limit, 0).await?;
    let items = lines(versions, limit);
    Ok(paging::listing(items, request, |line| Cursor {
        after: line.number.to_string(),
        id: id.0,
    }))
}

/// One version.
pub async fn get(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    number: i64,
) -> Result<IntegrationVersion> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    integrations::find(&mut tx, scope, id).await?;
    load(&mut tx, id, number).await
}

async fn load(tx: &mut Tx, id: IntegrationId, number: i64) -> Result<IntegrationVersion> {
    fetch_optional!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM integration_version WHERE integration_id = $1 AND number = $2"
        )),
        id,
        number
    )?
    .ok_or(Error::NotFound("version"))?
    .version()
}

/// How settings of one integration differ, with the names of the few groups that are named and the
/// hash of both.
pub(crate) async fn compare(
    tx: &mut Tx,
    id: IntegrationId,
    before: &IntegrationSettings,
    after: &IntegrationSettings,
) -> Result<SettingsDifference> {
    Ok(SettingsDifference {
        differences: settings_differences(before, after),
        group_names: group_names(tx, id, before, after).await?,
        hash: hash_of(&(before, after))?,
    })
}

/// Names of the few groups that a comparison names, by their ids.
pub(crate) async fn group_names(
    tx: &mut Tx,
    id: IntegrationId,
    before: &IntegrationSettings,
    after: &IntegrationSettings,
) -> Result<BTreeMap<String, String>> {
    let groups = after.policy.named_groups(&before.policy);
    let names = integrations::group_names(tx, id, &groups).await?;
    Ok(names
        .into_iter()
        .map(|(group, name)| (group.to_string(), name))
        .collect())
}

#[cfg(test)]
mod tests;
