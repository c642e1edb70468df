//! Sync History: one line for each run and object type.

use bytes::Bytes;
use domain::{
    DateTime,
    id::{CustomerId, IntegrationId, RunId},
    paging::{Direction, Page, PageRequest},
    permission::Permission,
    policy::ObjectType,
    run::{CountLine, HistoryLine, LineStatus, RunError, RunMode, RunStatus, RunTrigger},
};
use futures::{Stream, stream};
use sqlx::FromRow;

use super::{ProgressRow, read_json};
use crate::{
    Backend, Result, Scope, Tx, csv, fetch_all, fetch_scalar, in_scope,
    store::paging::{self, Sort},
};

/// What Sync History is asked for.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// Of this integration.
    pub integration_id: Option<IntegrationId>,
    /// Of this type.
    pub object_type: Option<ObjectType>,
    /// Lines that are so.
    pub status: Option<LineStatus>,
    /// Started at this time or later.
    pub from: Option<DateTime>,
    /// Started before this time.
    pub to: Option<DateTime>,
    /// A part of the customer's or the integration's name, of who started it or of its error.
    pub q: Option<String>,
    /// Which lines.
    pub page: PageRequest,
    /// A column of [`SORTS`]; by start time otherwise.
    pub sort: Option<String>,
    /// Which way; the latest first by default.
    pub direction: Direction,
}

impl Default for HistoryQuery {
    fn default() -> Self {
        Self {
            customer_id: None,
            integration_id: None,
            object_type: None,
            status: None,
            from: None,
            to: None,
            q: None,
            page: PageRequest::default(),
            sort: None,
            direction: Direction::Descending,
        }
    }
}

/// The columns by which the history sorts.
pub const SORTS: &[Sort] = &[
    ("start", "r.queued_at"),
    ("end", "r.ended_at"),
    ("type", TYPE_ORDER),
    ("total", "n.total"),
    (
        "changed",
        "n.created + n.updated + n.enabled + n.restored + n.blocked",
    ),
    ("deleted", "n.deleted + n.disabled - n.blocked"),
    ("filtered", "n.filtered"),
    ("status", "n.status"),
];

/// Users before groups before the rest, as [`ObjectType::ALL`] has them.
const TYPE_ORDER: &str = "CASE n.object_type WHEN 'user' THEN 0 WHEN 'group' THEN 1
    WHEN 'contact' THEN 2 WHEN 'device' THEN 3 ELSE 4 END";

/// Lines that a step of the CSV reads.
const CSV_ROWS: i64 = 1000;

#[derive(FromRow)]
struct LineRow {
    run_id: RunId,
    integration_id: Option<IntegrationId>,
    integration_name: String,
    integration_deleted: bool,
    customer_id: CustomerId,
    customer_name: String,
    mode: RunMode,
    object_name: Option<String>,
    triggered_by: RunTrigger,
    started_by: Option<String>,
    line_started_at: DateTime,
    ended_at: Option<DateTime>,
    run_status: RunStatus,
    run_error: Option<String>,
    folded: i64,
    last_seen_at: Option<DateTime>,
    #[sqlx(flatten)]
    counts: CountLine,
    #[sqlx(flatten)]
    progress: ProgressRow,
}

const LINE: &str =
    "n.run_id, r.integration_id, COALESCE(i.name, r.integration_name) AS integration_name,
    (i.id IS NULL AND r.integration_id IS NOT NULL) AS integration_deleted, r.customer_id,
    c.name AS customer_name, r.mode, r.object_name, r.triggered_by, r.started_by,
    COALESCE(r.started_at, r.queued_at) AS line_started_at, r.ended_at, r.status AS run_status,
    r.error AS run_error, r.folded, r.last_seen_at, r.phase, r.pages_read, r.objects_read,
    r.objects_expected, r.planned, r.applied, n.object_type, n.status, n.total, n.unchanged,
    n.created, n.updated, n.disabled, n.enabled, n.deleted, n.restored, n.filtered, n.failed,
    n.held, n.blocked";

const MATCHING: &str = concat!(
    "FROM run r JOIN run_count n ON n.run_id = r.id
                LEFT JOIN integration i ON i.id = r.integration_id
                JOIN customer c ON c.id = r.customer_id
     WHERE ",
    in_scope!("r.customer_id"),
    r" AND c.deleted_at IS NULL
       AND ($3 IS NULL OR r.customer_id = $3)
       AND ($4 IS NULL OR r.integration_id = $4)
       AND ($5 IS NULL OR n.object_type = $5)
       AND ($6 IS NULL OR n.status = $6)
       AND ($7 IS NULL OR r.queued_at >= $7)
       AND ($8 IS NULL OR r.queued_at < $8)
       AND ($9 IS NULL OR i.name_folded LIKE $9 ESCAPE '\'
            OR c.name_folded LIKE $9 ESCAPE '\' OR r.search_text LIKE $9 ESCAPE '\')"
);

impl LineRow {
    fn line(self) -> Result<HistoryLine> {
        Ok(HistoryLine {
            run_id: self.run_id,
            integration_id: self.integration_id,
            integration_name: self.integration_name,
            integration_deleted: self.integration_deleted,
            customer_id: self.customer_id,
            customer_name: self.customer_name,
            mode: self.mode,
            object_name: self.object_name,
            trigger: self.triggered_by,
            started_by: self.started_by,
            started_at: self.line_started_at,
            ended_at: self.ended_at,
            run_status: self.run_status,
            counts: self.counts,
            error: read_json(self.run_error.as_deref())?,
            progress: self.progress.into(),
            folded: self.folded,
            last_seen_at: self.last_seen_at,
        })
    }
}

/// One page of Sync History. Lines of one run stand together where the order allows it.
pub async fn history(b: &Backend, scope: &Scope, query: HistoryQuery) -> Result<Page<HistoryLine>> {
    scope.require(Permission::RunsRead)?;
    b.limits.take_search(query.q.as_deref(), scope)?;
    let pattern = paging::pattern(query.q.as_deref());
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {MATCHING}")),
        scope.all(),
        scope.grantee(),
        query.customer_id,
        query.integration_id,
        query.object_type,
        query.status,
        query.from,
        query.to,
        &pattern
    )?;
    let order = paging::order(SORTS, query.sort.as_deref(), query.direction, "r.id");
    let rows = fetch_all!(
        &mut tx,
        LineRow,
        sqlx::AssertSqlSafe(format!(
            "SELECT {LINE} {MATCHING} {order}, {TYPE_ORDER} LIMIT $10 OFFSET $11"
        )),
        scope.all(),
        scope.grantee(),
        query.customer_id,
        query.integration_id,
        query.object_type,
        query.status,
        query.from,
        query.to,
        pattern,
        query.page.limit(),
        query.page.offset()
    )?;
    let items = rows.into_iter().map(LineRow::line).collect::<Result<_>>()?;
    Ok(Page { items, total })
}

/// Every matching line as CSV, the latest first, read in steps: what is in memory at a time is one
/// step.
pub fn history_csv(
    b: &Backend,
    scope: &Scope,
    query: HistoryQuery,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    let state = Some((b.clone(), scope.clone(), query, None));
    stream::try_unfold(state, |state| async move {
        let Some((b, scope, query, after)) = state else {
            return Ok(None);
        };
        let mut tx = b.db.read().await?;
        let page = csv_step(&mut tx, &scope, &query, after).await?;
        drop(tx);
        let last = page
            .last()
            .filter(|_| i64::try_from(page.len()).unwrap_or(0) == CSV_ROWS)
            .map(|line| (line.run_id, line.counts.object_type));
        let head = after.is_none().then(|| HEAD.map(str::to_owned));
        let bytes = csv::rows(head.into_iter().chain(page.into_iter().map(cells))).await?;
        Ok(Some((
            bytes,
            last.map(|last| (b, scope, query, Some(last))),
        )))
    })
}

async fn csv_step(
    tx: &mut Tx,
    scope: &Scope,
    query: &HistoryQuery,
    after: Option<(RunId, ObjectType)>,
) -> Result<Vec<HistoryLine>> {
    scope.require(Permission::RunsRead)?;
    let type_order = |wanted: ObjectType| {
        let place = ObjectType::ALL.iter().position(|known| *known == wanted);
        i64::try_from(place.unwrap_or_default()).unwrap_or_default()
    };
    let rows = fetch_all!(
        tx,
        LineRow,
        sqlx::AssertSqlSafe(format!(
            "SELECT {LINE} {MATCHING}
                AND ($10 IS NULL OR r.id < $10 OR (r.id = $10 AND {TYPE_ORDER} > $11))
              ORDER BY r.id DESC, {TYPE_ORDER} LIMIT $12"
        )),
        scope.all(),
        scope.grantee(),
        query.customer_id,
        query.integration_id,
        query.object_type,
        query.status,
        query.from,
        query.to,
        paging::pattern(query.q.as_deref()),
        after.map(|(run, _)| run),
        after.map_or(0, |(_, object_type)| type_order(object_type)),
        CSV_ROWS
    )?;
    rows.into_iter().map(LineRow::line).collect()
}

const HEAD: [&str; 15] = [
    "Start Time",
    "End Time",
    "Type",
    "Total Objects",
    "Objects Changed",
    "Objects Deleted",
    "Objects Filtered",
    "Status",
    "Customer",
    "Integration",
    "Mode",
    "Started By",
    "Error",
    "Error Code",
    "Run",
];

fn cells(line: HistoryLine) -> [String; 15] {
    let time = |at: DateTime| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let RunError {
        code,
        title,
        detail,
        ..
    } = line.error.unwrap_or(RunError {
        code: String::new(),
        title: String::new(),
        detail: String::new(),
        fix: String::new(),
    });
    let error = [title, detail].into_iter().filter(|part| !part.is_empty());
    [
        time(line.started_at),
        line.ended_at.map(time).unwrap_or_default(),
        line.counts.object_type.title().to_owned(),
        line.counts.total.to_string(),
        line.counts.objects_changed().to_string(),
        line.counts.objects_deleted().to_string(),
        line.counts.filtered.to_string(),
        line.counts.status.title().to_owned(),
        line.customer_name,
        line.integration_name,
        line.mode.to_string(),
        line.started_by.unwrap_or_else(|| line.trigger.to_string()),
        error.collect::<Vec<_>>().join(": "),
        code,
        line.run_id.to_string(),
    ]
}
