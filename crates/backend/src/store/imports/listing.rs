//! Lists: the imports of a customer, and the rows of one.

use bytes::Bytes;
use domain::{
    id::{CustomerId, ImportId, UserId},
    import::{CellError, Import, ImportRow, ImportRows, ImportStatus, RowOutcome},
    paging::{Cursor, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
};
use futures::{Stream, stream};
use sqlx::FromRow;
use uuid::Uuid;

use super::{IMPORT, Row, find};
use crate::{
    Backend, Error, Result, Scope, Tx, csv, fetch_all, fetch_scalar,
    store::{customers, paging, read_json},
};

/// Imports of a customer that are shown: the latest.
const SHOWN: i64 = 200;
/// Rows that a step of the CSV reads.
const CSV_ROWS: i64 = 1_000;

/// A customer's imports, the latest first.
pub async fn list(b: &Backend, scope: &Scope, customer: CustomerId) -> Result<Vec<Import>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "{IMPORT} AND m.customer_id = $4 ORDER BY m.created_at DESC, m.id DESC LIMIT $5"
        )),
        scope.all(),
        scope.grantee(),
        b.clock.now(),
        customer,
        SHOWN
    )?;
    rows.into_iter().map(Row::import).collect()
}

/// What the rows of an import are asked for.
#[derive(Debug, Clone, Default)]
pub struct RowQuery {
    /// A part of the name or the user name.
    pub q: Option<String>,
    /// That come to this.
    pub outcome: Option<RowOutcome>,
    /// Which rows.
    pub page: PageRequest,
}

#[derive(FromRow)]
struct Found {
    number: i64,
    outcome: RowOutcome,
    display_name: String,
    user_principal_name: String,
    user_id: Option<UserId>,
    errors: Option<String>,
    before_value: Option<String>,
    after_value: Option<String>,
    password_refused: Option<String>,
}

const FOUND: &str = "SELECT number, outcome, display_name, user_principal_name, user_id, errors,
    before_value, after_value, password_refused";

const MATCHING: &str = r"FROM import_row
    WHERE import_id = $1 AND ($2 IS NULL OR outcome = $2)
      AND ($3 IS NULL OR search_text LIKE $3 ESCAPE '\')";

impl Found {
    /// The row of an import that is so. Somebody new has an id from the dry run on, and is nobody
    /// yet.
    fn row(self, status: ImportStatus) -> Result<ImportRow> {
        let json =
            |column, text: Option<String>| text.map(|text| read_json(column, &text)).transpose();
        let there = self.outcome != RowOutcome::Create || status != ImportStatus::Waiting;
        let errors: Option<Vec<CellError>> = match &self.errors {
            Some(errors) => Some(read_json("import_row.errors", errors)?),
            None => None,
        };
        Ok(ImportRow {
            number: self.number,
            outcome: self.outcome,
            display_name: self.display_name,
            user_principal_name: self.user_principal_name,
            user_id: self.user_id.filter(|_| there),
            errors: errors.unwrap_or_default(),
            before: json("import_row.before_value", self.before_value)?,
            after: json("import_row.after_value", self.after_value)?,
            password_refused: self.password_refused,
        })
    }
}

/// How an import is that the caller may see.
async fn status(b: &Backend, tx: &mut Tx, scope: &Scope, id: ImportId) -> Result<ImportStatus> {
    let status = find(b, tx, scope, id).await?.status;
    scope.require(Permission::DirectoryRead)?;
    Ok(status)
}

/// One page of an import's rows, as they stand in the file.
pub async fn rows(b: &Backend, scope: &Scope, id: ImportId, query: RowQuery) -> Result<ImportRows> {
    let mut tx = b.db.read().await?;
    let status = status(b, &mut tx, scope, id).await?;
    b.limits.take_search(query.q.as_deref(), scope)?;
    let pattern = paging::pattern(query.q.as_deref());
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {MATCHING}")),
        id,
        query.outcome,
        &pattern
    )?;
    let found = fetch_all!(
        &mut tx,
        Found,
        sqlx::AssertSqlSafe(format!(
            "{FOUND} {MATCHING} ORDER BY number LIMIT $4 OFFSET $5"
        )),
        id,
        query.outcome,
        pattern,
        query.page.limit(),
        query.page.offset()
    )?;
    let items = found.into_iter().map(|found| found.row(status));
    Ok(Page {
        items: items.collect::<Result<_>>()?,
        total,
    })
}

/// The rows after a number.
async fn after(
    tx: &mut Tx,
    id: ImportId,
    query: &RowQuery,
    (number, limit): (i64, i64),
) -> Result<Vec<Found>> {
    fetch_all!(
        tx,
        Found,
        sqlx::AssertSqlSafe(format!(
            "{FOUND} {MATCHING} AND number > $4 ORDER BY number LIMIT $5"
        )),
        id,
        query.outcome,
        paging::pattern(query.q.as_deref()),
        number,
        limit
    )
}

/// An import's rows as they stand in the file, for programs.
pub async fn rows_listing(
    b: &Backend,
    scope: &Scope,
    id: ImportId,
    outcome: Option<RowOutcome>,
    request: &ListRequest,
) -> Result<Listing<ImportRow>> {
    let mut tx = b.db.read().await?;
    let status = status(b, &mut tx, scope, id).await?;
    // The number of the row before stands in the id of the cursor.
    let number = request.cursor.as_ref().map_or(0, |cursor| {
        i64::try_from(cursor.id.as_u128()).unwrap_or(i64::MAX)
    });
    let query = RowQuery {
        q: request.q.clone(),
        outcome,
        ..RowQuery::default()
    };
    let found = after(&mut tx, id, &query, (number, paging::limit(request))).await?;
    let rows = found
        .into_iter()
        .map(|found| found.row(status))
        .collect::<Result<Vec<_>>>()?;
    Ok(paging::listing(rows, request, |row| Cursor {
        after: String::new(),
        id: Uuid::from_u128(u128::from(row.number.unsigned_abs())),
    }))
}

const HEAD: [&str; 6] = [
    "Row",
    "Outcome",
    "Name",
    "User Name",
    "Column",
    "What Is Wrong",
];

/// Every matching row as CSV, in order: a line for each thing that is wrong with it. Fails at once
/// where the import may not be seen.
pub async fn rows_csv(
    b: &Backend,
    scope: &Scope,
    id: ImportId,
    query: RowQuery,
) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
    let mut tx = b.db.read().await?;
    status(b, &mut tx, scope, id).await?;
    drop(tx);
    let state = Some((b.clone(), scope.clone(), query, None));
    Ok(stream::try_unfold(state, move |state| async move {
        let Some((b, scope, query, before)) = state else {
            return Ok::<_, Error>(None);
        };
        let mut tx = b.db.read().await?;
        let status = status(&b, &mut tx, &scope, id).await?;
        let found = after(&mut tx, id, &query, (before.unwrap_or(0), CSV_ROWS)).await?;
        drop(tx);
        let full = i64::try_from(found.len()).unwrap_or(0) == CSV_ROWS;
        let last = found.last().map(|row| row.number).filter(|_| full);
        let mut lines: Vec<[String; 6]> = Vec::new();
        if before.is_none() {
            lines.push(HEAD.map(str::to_owned));
        }
        for row in found {
            lines.extend(cells(&row.row(status)?));
        }
        let bytes = csv::rows(lines).await?;
        Ok(Some((
            bytes,
            last.map(|last| (b, scope, query, Some(last))),
        )))
    }))
}

fn cells(row: &ImportRow) -> Vec<[String; 6]> {
    let line = |column: &str, message: &str| {
        [
            row.number.to_string(),
            row.outcome.title().to_owned(),
            row.display_name.clone(),
            row.user_principal_name.clone(),
            column.to_owned(),
            message.to_owned(),
        ]
    };
    let mut lines: Vec<_> = row
        .errors
        .iter()
        .map(|error| line(error.column.as_deref().unwrap_or_default(), &error.message))
        .collect();
    lines.extend(row.password_refused.iter().map(|why| line("", why)));
    if lines.is_empty() {
        lines.push(line("", ""));
    }
    lines
}
