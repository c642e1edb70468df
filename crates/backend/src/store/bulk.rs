//! What is done to many users or groups at once: prepared (each is looked at, nothing happens),
//! looked through, and applied.
//!
//! What happens to each is what would happen to it alone: the same function of the store, which holds
//! the row, decides anew whether it can be done, and writes its own entry into the audit log. Whoever
//! was changed since the preview is refused there, so that nobody gets what was not shown.

mod apply;
mod facts;
mod prepare;

use bytes::Bytes;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    bulk::{Bulk, BulkAction, BulkCounts, BulkItem, BulkOutcome, BulkStatus, PREVIEW_HOURS},
    grid::GridList,
    id::{BulkId, CustomerId, GroupId},
    paging::{Cursor, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
};
use futures::{Stream, stream};
use sqlx::FromRow;
use uuid::Uuid;

pub use self::{
    apply::{apply, carry_on},
    prepare::{Prepared, Targets, prepare},
};
use super::{
    audit::{self, Entry},
    paging,
};
use crate::{
    Backend, Error, Result, Scope, Tx, csv, execute, fetch_all, fetch_one, fetch_optional,
    fetch_scalar, in_scope, limits::Limited,
};

/// Days for which what came of it can be looked at.
const KEPT_DAYS: i64 = 90;
/// Without getting on for so long it has stopped, and can be applied further.
const STALLED_AFTER_MINUTES: i64 = 3;
/// Rows of a step of the file.
const ROWS: i64 = 1_000;

#[derive(FromRow)]
struct Row {
    id: BulkId,
    list: GridList,
    action: BulkAction,
    group_id: Option<GroupId>,
    group_name: Option<String>,
    note: String,
    made_by: Uuid,
    made_by_name: String,
    address: Option<String>,
    request_id: Option<String>,
    status: BulkStatus,
    created_at: DateTime,
    applied_at: Option<DateTime>,
    progress_at: Option<DateTime>,
    ended_at: Option<DateTime>,
}

const COLUMNS: &str =
    "id, list, action, group_id, group_name, note, made_by, made_by_name, address,
    request_id, status, created_at, applied_at, progress_at, ended_at";

/// The caller's own; of nobody else's anything is told.
async fn find(b: &Backend, tx: &mut Tx, scope: &Scope, id: BulkId) -> Result<Row> {
    let row = fetch_optional!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM bulk WHERE id = $1 AND made_by = $2"
        )),
        id,
        maker(scope)?
    )?;
    let since = b.clock.now() - chrono::Duration::hours(PREVIEW_HOURS);
    row.filter(|row| row.status != BulkStatus::Preview || row.created_at > since)
        .ok_or(Error::NotFound("bulk change"))
}

fn maker(scope: &Scope) -> Result<Uuid> {
    scope.actor_id().ok_or(Error::SignedOut)
}

async fn counts(tx: &mut Tx, id: BulkId) -> Result<BulkCounts> {
    fetch_one!(
        tx,
        BulkCounts,
        "SELECT COUNT(*) AS total, COUNT(*) FILTER (WHERE outcome = 'would') AS would,
                COUNT(*) FILTER (WHERE outcome = 'skipped') AS skipped,
                COUNT(*) FILTER (WHERE outcome = 'done') AS done,
                COUNT(*) FILTER (WHERE outcome = 'refused') AS refused
           FROM bulk_item WHERE bulk_id = $1",
        id
    )
}

impl Row {
    async fn bulk(self, b: &Backend, tx: &mut Tx) -> Result<Bulk> {
        let counts = counts(tx, self.id).await?;
        Ok(Bulk {
            stalled: self.is_stalled(b.clock.now()),
            id: self.id,
            list: self.list,
            action: self.action,
            group_id: self.group_id,
            group_name: self.group_name,
            note: self.note,
            status: self.status,
            counts,
            by: self.made_by_name,
            created_at: self.created_at,
            applied_at: self.applied_at,
            ended_at: self.ended_at,
        })
    }

    fn is_stalled(&self, now: DateTime) -> bool {
        let since = now - chrono::Duration::minutes(STALLED_AFTER_MINUTES);
        self.status == BulkStatus::Running && self.progress_at.is_none_or(|at| at < since)
    }
}

/// How far something has come that the caller prepared.
pub async fn get(b: &Backend, scope: &Scope, id: BulkId) -> Result<Bulk> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    let row = find(b, &mut tx, scope, id).await?;
    row.bulk(b, &mut tx).await
}

macro_rules! items {
    () => {
        concat!(
            "FROM bulk_item i WHERE ",
            in_scope!("i.customer_id"),
            " AND i.bulk_id = $3 AND ($4 IS NULL OR i.outcome = $4)"
        )
    };
}

/// A page of them, by name; with an outcome, those who came out so.
pub async fn items(
    b: &Backend,
    scope: &Scope,
    id: BulkId,
    outcome: Option<BulkOutcome>,
    page: PageRequest,
) -> Result<Page<BulkItem>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    find(b, &mut tx, scope, id).await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        concat!("SELECT COUNT(*) ", items!()),
        scope.all(),
        scope.grantee(),
        id,
        outcome
    )?;
    let items = fetch_all!(
        &mut tx,
        BulkItem,
        concat!(
            "SELECT i.position, i.object_id, i.customer_id, i.name, i.detail, i.outcome, i.words ",
            items!(),
            " ORDER BY i.position LIMIT $5 OFFSET $6"
        ),
        scope.all(),
        scope.grantee(),
        id,
        outcome,
        page.limit(),
        page.offset()
    )?;
    Ok(Page { items, total })
}

/// Those behind a place, for programs.
async fn items_after(
    b: &Backend,
    scope: &Scope,
    id: BulkId,
    outcome: Option<BulkOutcome>,
    (after, limit): (i64, i64),
) -> Result<Vec<BulkItem>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    find(b, &mut tx, scope, id).await?;
    fetch_all!(
        &mut tx,
        BulkItem,
        concat!(
            "SELECT i.position, i.object_id, i.customer_id, i.name, i.detail, i.outcome, i.words ",
            items!(),
            " AND i.position > $5 ORDER BY i.position LIMIT $6"
        ),
        scope.all(),
        scope.grantee(),
        id,
        outcome,
        after,
        limit
    )
}

/// Some of the items from a cursor on, for a program.
pub async fn items_listing(
    b: &Backend,
    scope: &Scope,
    id: BulkId,
    outcome: Option<BulkOutcome>,
    request: &ListRequest,
) -> Result<Listing<BulkItem>> {
    // The position of the item before stands in the id of the cursor.
    let after = request.cursor.as_ref().map_or(0, |cursor| {
        i64::try_from(cursor.id.as_u128()).unwrap_or(i64::MAX)
    });
    let place = (after, paging::limit(request));
    let items = items_after(b, scope, id, outcome, place).await?;
    Ok(paging::listing(items, request, |item| Cursor {
        after: String::new(),
        id: Uuid::from_u128(u128::from(item.position.unsigned_abs())),
    }))
}

/// The titles of the file.
const HEAD: [&str; 4] = ["Name", "User Name", "Outcome", "Details"];

/// What came of each as CSV, once it is written down that it goes out: for the customer whose they are,
/// where all are of one.
pub async fn csv_of(
    b: &Backend,
    scope: &Scope,
    id: BulkId,
    outcome: Option<BulkOutcome>,
) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.write().await?;
    let row = find(b, &mut tx, scope, id).await?;
    b.limits.take(Limited::Export, scope)?;
    let customers = fetch_all!(
        &mut tx,
        (CustomerId,),
        concat!("SELECT DISTINCT i.customer_id ", items!(), " LIMIT 2"),
        scope.all(),
        scope.grantee(),
        id,
        outcome
    )?;
    let customer = match &customers[..] {
        [(one,)] => Some(*one),
        _ => None,
    };
    let mut changes = AuditChanges::none().now("bulk", &id);
    if let Some(outcome) = outcome {
        changes = changes.now("filter.outcome", &outcome);
    }
    let entry = Entry::of_whole(AuditAction::UserExportBulk, row.action.title())
        .of(customer)
        .changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    let state = Some((b.clone(), scope.clone(), 0_i64));
    Ok(stream::try_unfold(state, move |state| async move {
        let Some((b, scope, after)) = state else {
            return Ok(None);
        };
        let items = items_after(&b, &scope, id, outcome, (after, ROWS)).await?;
        let next = items
            .last()
            .filter(|_| i64::try_from(items.len()).unwrap_or(0) == ROWS)
            .map(|last| last.position);
        let head = (after == 0).then(|| HEAD.map(str::to_owned).to_vec());
        let cells = items.into_iter().map(|item| {
            let outcome = item.outcome.title().to_owned();
            vec![item.name, item.detail, outcome, item.words]
        });
        let bytes = csv::rows(head.into_iter().chain(cells)).await?;
        Ok(Some((bytes, next.map(|next| (b, scope, next)))))
    }))
}

/// Removes previews that were never applied, and what was done long ago.
pub(crate) async fn delete_old(b: &Backend) -> Result<()> {
    let now = b.clock.now();
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM bulk WHERE (status = 'preview' AND created_at <= $1) OR created_at <= $2",
        now - chrono::Duration::hours(PREVIEW_HOURS),
        now - chrono::Duration::days(KEPT_DAYS)
    )?;
    tx.commit().await
}

#[cfg(test)]
mod tests;
