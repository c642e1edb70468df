//! Versions: every state of settings that was saved, of whatever has settings. Written in the
//! transaction that saves, so that none is missing; looked at and compared alike. Who may look at them, and
//! what restoring one does, is said where the settings are: [`super::integration_versions`],
//! [`super::policy_templates::versions`] and [`super::customer_versions`].

use std::collections::BTreeMap;

use domain::{
    DateTime,
    paging::{Cursor, ListRequest, Listing, Page, PageRequest},
    settings::{
        SettingDifference, SettingsDifference,
        file::NotApplied,
        settings_differences,
        version::{Version, VersionCause, VersionLine, VersionSource, VersionView},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::FromRow;
use uuid::Uuid;

use super::{hash_of, paging, read_json, write_json};
use crate::{Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional, fetch_scalar};

/// Settings of which versions are kept.
pub trait Versioned: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync {
    /// The id of whatever has them.
    type Id: Into<Uuid> + Copy + Send;
    /// Their table.
    const TABLE: &'static str;
    /// The column that says whose they are.
    const OF: &'static str;

    /// The present settings, for whoever may read all of them; what the caller may not see isn't found.
    fn present(
        tx: &mut Tx,
        scope: &Scope,
        id: Self::Id,
    ) -> impl Future<Output = Result<Self>> + Send;

    /// How `after` differs from these.
    fn differences(&self, after: &Self) -> Vec<SettingDifference> {
        settings_differences(self, after)
    }

    /// What these become where they are restored over `present`, and what of them can't be.
    fn restored_over(&self, _present: &Self) -> (Self, Vec<NotApplied>) {
        (self.clone(), Vec::new())
    }

    /// Names of the few groups that a comparison names, by their ids.
    fn group_names(
        _tx: &mut Tx,
        _id: Self::Id,
        _before: &Self,
        _after: &Self,
    ) -> impl Future<Output = Result<BTreeMap<String, String>>> + Send {
        std::future::ready(Ok(BTreeMap::new()))
    }
}

/// What the table calls whatever has the settings.
fn of<S: Versioned>(id: S::Id) -> Uuid {
    id.into()
}

/// Keeps the settings as the next version. The caller holds what they are of.
pub(crate) async fn keep<S: Versioned>(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: S::Id,
    settings: &S,
    source: &VersionSource,
) -> Result<()> {
    let (table, column) = (S::TABLE, S::OF);
    execute!(
        tx,
        sqlx::AssertSqlSafe(format!(
            "INSERT INTO {table} ({column}, number, settings, cause, cause_number, cause_name,
                saved_by, saved_at)
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7
               FROM {table} WHERE {column} = $1"
        )),
        of::<S>(id),
        write_json(settings)?,
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
    number: i64,
    settings: String,
    cause: VersionCause,
    cause_number: Option<i64>,
    cause_name: Option<String>,
    saved_by: String,
    saved_at: DateTime,
}

const COLUMNS: &str = "number, settings, cause, cause_number, cause_name, saved_by, saved_at";

impl Row {
    fn version<S: Versioned>(self) -> Result<Version<S>> {
        Ok(Version {
            number: self.number,
            source: VersionSource {
                cause: self.cause,
                number: self.cause_number,
                name: self.cause_name,
            },
            saved_by: self.saved_by,
            saved_at: self.saved_at,
            settings: read_json(S::TABLE, &self.settings)?,
        })
    }
}

/// Versions with a lower number than `before`, the newest first, and one more, with which the last
/// of them is compared.
async fn newest<S: Versioned>(
    tx: &mut Tx,
    id: S::Id,
    before: i64,
    limit: i64,
    offset: i64,
) -> Result<Vec<Version<S>>> {
    let (table, column) = (S::TABLE, S::OF);
    let rows = fetch_all!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM {table} WHERE {column} = $1 AND number < $2
              ORDER BY number DESC LIMIT $3 OFFSET $4"
        )),
        of::<S>(id),
        before,
        limit + 1,
        offset
    )?;
    rows.into_iter().map(Row::version).collect()
}

/// Versions as lines; the last of them is only what the one before it is compared with, where there
/// are more than `limit`.
fn lines<S: Versioned>(versions: Vec<Version<S>>, limit: i64) -> Vec<VersionLine> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let older = versions.iter().skip(1).map(|older| Some(&older.settings));
    let changed: Vec<Vec<String>> = versions
        .iter()
        .zip(older.chain([None]))
        .map(|(version, older)| {
            let differences = older.map(|older| older.differences(&version.settings));
            let differences = differences.into_iter().flatten();
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

/// A page of versions, the newest first, each with what changed in it.
pub async fn list<S: Versioned>(
    b: &Backend,
    scope: &Scope,
    id: S::Id,
    page: PageRequest,
) -> Result<Page<VersionLine>> {
    let mut tx = b.db.read().await?;
    S::present(&mut tx, scope, id).await?;
    let (table, column) = (S::TABLE, S::OF);
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table} WHERE {column} = $1")),
        of::<S>(id)
    )?;
    let versions = newest::<S>(&mut tx, id, i64::MAX, page.limit(), page.offset()).await?;
    Ok(Page {
        items: lines(versions, page.limit()),
        total,
    })
}

/// The same for programs. The cursor holds the number of the last version.
pub async fn listing<S: Versioned>(
    b: &Backend,
    scope: &Scope,
    id: S::Id,
    request: &ListRequest,
) -> Result<Listing<VersionLine>> {
    let mut tx = b.db.read().await?;
    S::present(&mut tx, scope, id).await?;
    let before = match &request.cursor {
        Some(cursor) => cursor.after.parse().unwrap_or(i64::MAX),
        None => i64::MAX,
    };
    let limit = paging::limit(request);
    let versions = newest::<S>(&mut tx, id, before, limit, 0).await?;
    let items = lines(versions, limit);
    Ok(paging::listing(items, request, |line| Cursor {
        after: line.number.to_string(),
        id: id.into(),
    }))
}

/// One version.
pub async fn get<S: Versioned>(
    b: &Backend,
    scope: &Scope,
    id: S::Id,
    number: i64,
) -> Result<Version<S>> {
    let mut tx = b.db.read().await?;
    S::present(&mut tx, scope, id).await?;
    load(&mut tx, id, number).await
}

/// One version, for whoever has found whose it is.
pub(crate) async fn load<S: Versioned>(tx: &mut Tx, id: S::Id, number: i64) -> Result<Version<S>> {
    let (table, column) = (S::TABLE, S::OF);
    fetch_optional!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM {table} WHERE {column} = $1 AND number = $2"
        )),
        of::<S>(id),
        number
    )?
    .ok_or(Error::NotFound("version"))?
    .version()
}

/// The newest version, where there is one.
pub(crate) async fn last<S: Versioned>(tx: &mut Tx, id: S::Id) -> Result<Option<Version<S>>> {
    Ok(newest(tx, id, i64::MAX, 0, 0).await?.pop())
}

/// How settings differ, with the names of the few groups that are named and the hash of both.
async fn compare<S: Versioned>(
    tx: &mut Tx,
    id: S::Id,
    before: &S,
    after: &S,
    not_applied: Vec<NotApplied>,
) -> Result<SettingsDifference> {
    Ok(SettingsDifference {
        differences: before.differences(after),
        group_names: S::group_names(tx, id, before, after).await?,
        hash: hash_of(&(before, after))?,
        not_applied,
    })
}

/// What restoring a version would make of the present settings, and how that differs from them.
pub(crate) async fn restoring<S: Versioned>(
    tx: &mut Tx,
    id: S::Id,
    number: i64,
    present: &S,
) -> Result<(S, SettingsDifference)> {
    let version = load::<S>(tx, id, number).await?.settings;
    let (restored, not_applied) = version.restored_over(present);
    let difference = compare(tx, id, present, &restored, not_applied).await?;
    Ok((restored, difference))
}

/// How version `number` differs from version `against`, or from the present settings where none is
/// named: what restoring it would change.
pub async fn difference<S: Versioned>(
    b: &Backend,
    scope: &Scope,
    id: S::Id,
    number: i64,
    against: Option<i64>,
) -> Result<SettingsDifference> {
    let mut tx = b.db.read().await?;
    let present = S::present(&mut tx, scope, id).await?;
    match against {
        Some(against) => between::<S>(&mut tx, id, number, against).await,
        None => Ok(restoring(&mut tx, id, number, &present).await?.1),
    }
}

async fn between<S: Versioned>(
    tx: &mut Tx,
    id: S::Id,
    number: i64,
    against: i64,
) -> Result<SettingsDifference> {
    let version = load::<S>(tx, id, number).await?.settings;
    let before = load::<S>(tx, id, against).await?.settings;
    compare(tx, id, &before, &version, Vec::new()).await
}

/// One version with all that its page shows.
pub async fn view<S: Versioned>(
    b: &Backend,
    scope: &Scope,
    id: S::Id,
    number: i64,
    against: Option<i64>,
) -> Result<VersionView<S>> {
    let mut tx = b.db.read().await?;
    let present = S::present(&mut tx, scope, id).await?;
    let version = load(&mut tx, id, number).await?;
    let (_, from_now) = restoring(&mut tx, id, number, &present).await?;
    let from_other = match against {
        Some(other) => Some((other, between::<S>(&mut tx, id, number, other).await?)),
        None => None,
    };
    let newest = last::<S>(&mut tx, id).await?;
    Ok(VersionView {
        newest: newest.map_or(number, |newest| newest.number),
        version,
        from_now,
        from_other,
    })
}
