//! Runs: one of them, the list for programs, and their changes. The history lines that people
//! page are in [`history()`].

mod changes_csv;
mod held;
mod history;
mod in_directory;

use domain::{
    DateTime,
    id::{CustomerId, ExternalId, IntegrationId, RunChangeId, RunId},
    paging::{Cursor, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
    policy::ObjectType,
    run::{
        Action, ChangeStatus, CountLine, Reason, Run, RunChange, RunDetail, RunMode, RunPhase,
        RunProgress, RunStatus, RunTrigger,
    },
};
use sqlx::FromRow;

pub use changes_csv::changes_csv;
pub use history::{HistoryQuery, SORTS, history, history_csv};
pub use in_directory::in_directory;

use super::paging;
use crate::{
    Backend, Error, Result, Scope, Tx, fetch_all, fetch_all_in, fetch_optional, fetch_scalar,
    in_scope,
    sync::{self, ObjectRow, PreviewRow},
};

/// Which runs a program lists.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// Of this integration.
    pub integration_id: Option<IntegrationId>,
    /// With a line of counts of this type.
    pub object_type: Option<ObjectType>,
    /// That are, or ended, so.
    pub status: Option<RunStatus>,
    /// Started at this time or later.
    pub from: Option<DateTime>,
    /// Started before this time.
    pub to: Option<DateTime>,
}

#[derive(FromRow)]
struct RunRow {
    id: RunId,
    integration_id: Option<IntegrationId>,
    mode: RunMode,
    triggered_by: RunTrigger,
    status: RunStatus,
    started_at: Option<DateTime>,
    ended_at: Option<DateTime>,
    error: Option<String>,
    requests: i64,
    resource_units: i64,
    replaced_by: Option<RunId>,
    #[sqlx(flatten)]
    preview: PreviewRow,
    #[sqlx(flatten)]
    object: ObjectRow,
}

const RUN: &str = "r.id, r.integration_id, r.mode, r.triggered_by, r.status, r.started_at,
    r.ended_at, r.error, r.requests, r.resource_units, r.replaced_by, r.queued_at,
    r.object_type, r.object_external_id, r.object_name, r.object_reason,
    r.policy IS NOT NULL AS is_preview,
    r.policy IS NOT NULL AND r.policy <> r.base_policy AS unsaved";

impl RunRow {
    fn run(self, counts: Vec<CountLine>) -> Result<Run> {
        Ok(Run {
            id: self.id,
            integration_id: self.integration_id,
            mode: self.mode,
            trigger: self.triggered_by,
            status: self.status,
            started_at: self.started_at,
            ended_at: self.ended_at,
            error: read_json(self.error.as_deref())?,
            requests: self.requests,
            resource_units: self.resource_units,
            counts,
            replaced_by: self.replaced_by,
            preview: self.preview.preview(self.mode, self.status),
            object: self.object.into(),
        })
    }
}

/// A value that was stored as JSON text.
fn read_json<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Result<Option<T>> {
    text.map(serde_json::from_str)
        .transpose()
        .map_err(|error| Error::Internal(format!("stored JSON can’t be read: {error}")))
}

#[derive(FromRow)]
struct CountRow {
    run_id: RunId,
    #[sqlx(flatten)]
    line: CountLine,
}

/// The counts of these runs, in the order people expect the types.
async fn counts(tx: &mut Tx, runs: &[RunId]) -> Result<Vec<CountRow>> {
    let mut rows = fetch_all_in!(
        tx,
        CountRow,
        "SELECT run_id, object_type, status, total, unchanged, created, updated, disabled, enabled,
                deleted, restored, filtered, failed, held, blocked
           FROM run_count WHERE run_id IN",
        runs,
        ""
    )?;
    rows.sort_by_key(|row| row.line.object_type);
    Ok(rows)
}

/// Runs, the latest first, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    filter: &RunFilter,
    request: &ListRequest,
) -> Result<Listing<Run>> {
    scope.require(Permission::RunsRead)?;
    let before = request.cursor.as_ref().map(|cursor| RunId(cursor.id));
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        RunRow,
        sqlx::AssertSqlSafe(format!(
            r"SELECT {RUN}
                FROM run r LEFT JOIN integration i ON i.id = r.integration_id
                           JOIN customer c ON c.id = r.customer_id
               WHERE {} AND c.deleted_at IS NULL
                 AND ($3 IS NULL OR r.id < $3)
                 AND ($4 IS NULL OR r.customer_id = $4)
                 AND ($5 IS NULL OR r.integration_id = $5)
                 AND ($6 IS NULL OR r.status = $6)
                 AND ($7 IS NULL OR r.queued_at >= $7)
                 AND ($8 IS NULL OR r.queued_at < $8)
                 AND ($9 IS NULL OR EXISTS (SELECT 1 FROM run_count n
                                             WHERE n.run_id = r.id AND n.object_type = $9))
                 AND ($10 IS NULL OR i.name_folded LIKE $10 ESCAPE '\'
                      OR c.name_folded LIKE $10 ESCAPE '\' OR r.search_text LIKE $10 ESCAPE '\')
               ORDER BY r.id DESC LIMIT $11",
            in_scope!("r.customer_id")
        )),
        scope.all(),
        scope.grantee(),
        before,
        filter.customer_id,
        filter.integration_id,
        filter.status,
        filter.from,
        filter.to,
        filter.object_type,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    let ids: Vec<RunId> = rows.iter().map(|row| row.id).collect();
    let counts = counts(&mut tx, &ids).await?;
    let runs = rows
        .into_iter()
        .map(|row| {
            let own = counts.iter().filter(|count| count.run_id == row.id);
            let own = own.map(|count| count.line).collect();
            row.run(own)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(paging::listing(runs, request, |run| Cursor {
        after: String::new(),
        id: run.id.0,
    }))
}

/// One run.
pub async fn get(b: &Backend, scope: &Scope, id: RunId) -> Result<Run> {
    Ok(detail(b, scope, id).await?.run)
}

#[derive(FromRow)]
struct DetailRow {
    #[sqlx(flatten)]
    run: RunRow,
    customer_id: CustomerId,
    customer_name: String,
    integration_name: String,
    integration_deleted: bool,
    started_by: Option<String>,
    #[sqlx(flatten)]
    progress: ProgressRow,
    folded: i64,
    last_seen_at: Option<DateTime>,
    held_in: Option<RunId>,
}

#[derive(FromRow)]
struct ProgressRow {
    phase: RunPhase,
    pages_read: i64,
    objects_read: i64,
    objects_expected: Option<i64>,
    planned: i64,
    applied: i64,
}

impl From<ProgressRow> for RunProgress {
    fn from(row: ProgressRow) -> Self {
        Self {
            phase: row.phase,
            pages_read: row.pages_read,
            objects_read: row.objects_read,
            objects_expected: row.objects_expected,
            planned: row.planned,
            applied: row.applied,
        }
    }
}

/// One run with everything its page shows.
pub async fn detail(b: &Backend, scope: &Scope, id: RunId) -> Result<RunDetail> {
    scope.require(Permission::RunsRead)?;
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        DetailRow,
        sqlx::AssertSqlSafe(format!(
            "SELECT {RUN}, r.customer_id, c.name AS customer_name,
                    COALESCE(i.name, r.integration_name) AS integration_name,
                    (i.id IS NULL AND r.integration_id IS NOT NULL) AS integration_deleted,
                    r.started_by, r.phase, r.pages_read,
                    r.objects_read, r.objects_expected, r.planned, r.applied, r.folded,
                    r.last_seen_at, r.held_in
               FROM run r LEFT JOIN integration i ON i.id = r.integration_id
                          JOIN customer c ON c.id = r.customer_id
              WHERE {} AND c.deleted_at IS NULL AND r.id = $3",
            in_scope!("r.customer_id")
        )),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("run"))?;
    let counts = counts(&mut tx, &[id]).await?;
    let held = held::changes(&mut tx, id, row.run.status).await?;
    let preview = if row.run.preview.is_preview {
        sync::about_preview(b, &mut tx, scope, id).await?
    } else {
        None
    };
    Ok(RunDetail {
        run: row
            .run
            .run(counts.into_iter().map(|count| count.line).collect())?,
        customer_id: row.customer_id,
        customer_name: row.customer_name,
        integration_name: row.integration_name,
        integration_deleted: row.integration_deleted,
        started_by: row.started_by,
        progress: row.progress.into(),
        folded: row.folded,
        last_seen_at: row.last_seen_at,
        held,
        decisions: sync::decisions(&mut tx, id).await?,
        held_in: row.held_in,
        preview,
    })
}

/// What a run's list of changes is asked for.
#[derive(Debug, Clone, Default)]
pub struct ChangeQuery {
    /// A part of the object's name.
    pub q: Option<String>,
    /// Of this type.
    pub object_type: Option<ObjectType>,
    /// Of this action.
    pub action: Option<Action>,
    /// That stand so.
    pub status: Option<ChangeStatus>,
    /// Which rows.
    pub page: PageRequest,
}

#[derive(FromRow)]
struct ChangeRow {
    position: i64,
    object_type: ObjectType,
    external_id: ExternalId,
    display_name: String,
    action: Action,
    reason: Option<Reason>,
    status: ChangeStatus,
    error: Option<String>,
    before_value: Option<String>,
    after_value: Option<String>,
}

const CHANGE: &str = "position, object_type, external_id, display_name, action, reason, status,
    error, before_value, after_value";

const MATCHING_CHANGES: &str = r"FROM run_change
    WHERE run_id = $1 AND ($2 IS NULL OR name_folded LIKE $2 ESCAPE '\')
      AND ($3 IS NULL OR object_type = $3) AND ($4 IS NULL OR action = $4)
      AND ($5 IS NULL OR status = $5)";

impl ChangeRow {
    fn change(self, run: RunId) -> Result<RunChange> {
        Ok(RunChange {
            id: change_id(run, self.position),
            object_type: self.object_type,
            external_id: self.external_id,
            display_name: self.display_name,
            action: self.action,
            reason: self.reason,
            status: self.status,
            error: self.error,
            before: read_json(self.before_value.as_deref())?,
            after: read_json(self.after_value.as_deref())?,
        })
    }
}

/// A change is found by its run and its position in the plan; outside it has one id, the run's
/// with the position in the last 48 bits, which a `UUIDv7` fills with chance.
fn change_id(run: RunId, position: i64) -> RunChangeId {
    let mixed = run.0.as_u128() ^ (u128::from(position.unsigned_abs()) & 0xffff_ffff_ffff);
    RunChangeId(uuid::Uuid::from_u128(mixed))
}

/// The position of a change, from its id.
fn position(run: RunId, id: uuid::Uuid) -> i64 {
    let mixed = (run.0.as_u128() ^ id.as_u128()) & 0xffff_ffff_ffff;
    i64::try_from(mixed).unwrap_or(i64::MAX)
}

/// Whether the caller may see a run: not found where not.
pub async fn find(b: &Backend, scope: &Scope, id: RunId) -> Result<()> {
    let mut tx = b.db.read().await?;
    integration_of(&mut tx, scope, id).await.map(drop)
}

/// The integration of a run that the caller may see; none of an import.
async fn integration_of(tx: &mut Tx, scope: &Scope, run: RunId) -> Result<Option<IntegrationId>> {
    scope.require(Permission::RunsRead)?;
    let found = fetch_optional!(
        tx,
        (Option<IntegrationId>,),
        sqlx::AssertSqlSafe(format!(
            "SELECT r.integration_id FROM run r JOIN customer c ON c.id = r.customer_id
              WHERE {} AND c.deleted_at IS NULL AND r.id = $3",
            in_scope!("r.customer_id")
        )),
        scope.all(),
        scope.grantee(),
        run
    )?;
    found
        .map(|(integration,)| integration)
        .ok_or(Error::NotFound("run"))
}

/// One page of a run's changes, in the order they were planned.
pub async fn changes(
    b: &Backend,
    scope: &Scope,
    run: RunId,
    query: ChangeQuery,
) -> Result<Page<RunChange>> {
    find(b, scope, run).await?;
    b.limits.take_search(query.q.as_deref(), scope)?;
    let pattern = paging::pattern(query.q.as_deref());
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {MATCHING_CHANGES}")),
        run,
        &pattern,
        query.object_type,
        query.action,
        query.status
    )?;
    let rows = fetch_all!(
        &mut tx,
        ChangeRow,
        sqlx::AssertSqlSafe(format!(
            "SELECT {CHANGE} {MATCHING_CHANGES} ORDER BY position LIMIT $6 OFFSET $7"
        )),
        run,
        pattern,
        query.object_type,
        query.action,
        query.status,
        query.page.limit(),
        query.page.offset()
    )?;
    let items = rows
        .into_iter()
        .map(|row| row.change(run))
        .collect::<Result<_>>()?;
    Ok(Page { items, total })
}

/// A run's changes in the order they were planned, for programs.
pub async fn changes_listing(
    b: &Backend,
    scope: &Scope,
    run: RunId,
    request: &ListRequest,
) -> Result<Listing<RunChange>> {
    find(b, scope, run).await?;
    let after = request
        .cursor
        .as_ref()
        .map_or(-1, |cursor| position(run, cursor.id));
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        ChangeRow,
        sqlx::AssertSqlSafe(format!(
            r"SELECT {CHANGE} FROM run_change
               WHERE run_id = $1 AND position > $2
                 AND ($3 IS NULL OR name_folded LIKE $3 ESCAPE '\')
               ORDER BY position LIMIT $4"
        )),
        run,
        after,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    let items = rows
        .into_iter()
        .map(|row| row.change(run))
        .collect::<Result<Vec<_>>>()?;
    Ok(paging::listing(items, request, |change| Cursor {
        after: String::new(),
        id: change.id.0,
    }))
}

#[cfg(test)]
mod tests;
