//! Imports: people of a file, or the members of groups, brought into a customer's directory once.
//!
//! What is given is kept sealed ([`content`]) while it is looked at. The dry run ([`planning`]) says
//! what comes of each row, by `planner::import`; changing how columns are read makes it anew.
//! Applying ([`mod@apply`]) asks the same functions once more, in the transaction that writes, and
//! refuses where they come to something else than what was shown. It is a run of mode `import`.
//! Passwords of a column are set afterwards, by a job ([`passwords`]).

mod apply;
mod content;
mod from_groups;
mod listing;
mod passwords;
mod planning;

use std::sync::Arc;

use chrono::Duration;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, ImportId, RunId},
    import::{
        FILE_BYTES_MAX, Import, ImportChange, ImportColumn, ImportCounts, ImportDetail,
        ImportPassword, ImportSource, ImportStatus, KEPT_DAYS, PasswordProgress, WAITING_HOURS,
        WAITING_MAX,
    },
    permission::Permission,
};
use planner::import::{Plan, Reading, table::Table, text::decode};
use sqlx::FromRow;

pub use apply::apply;
pub use from_groups::from_groups;
pub use listing::{RowQuery, list, rows, rows_csv, rows_listing};
pub(crate) use passwords::{Progress, set_passwords};

use self::planning::{columns, dry_run, keep_rows, off_thread, short};
use super::{
    audit::{self, Entry},
    customers, read_json, write_json,
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional, fetch_scalar, in_scope,
    limits::Limited,
};

#[derive(FromRow)]
struct Row {
    id: ImportId,
    customer_id: CustomerId,
    customer_name: String,
    name: String,
    source: ImportSource,
    status: ImportStatus,
    made_by: String,
    created_at: DateTime,
    expires_at: DateTime,
    encoding: Option<String>,
    columns: String,
    password: ImportPassword,
    counts: Option<String>,
    plan: Option<String>,
    run_id: Option<RunId>,
    passwords_total: i64,
    passwords_set: i64,
    passwords_refused: i64,
}

/// An import, where the parameters 1 and 2 are the caller's and 3 is the time now.
const IMPORT: &str = concat!(
    "SELECT m.id, m.customer_id, c.name AS customer_name, m.name, m.source, m.status, m.made_by,
            m.created_at, m.expires_at, m.encoding, m.columns, m.password, m.counts, m.plan,
            m.run_id, m.passwords_total, m.passwords_set, m.passwords_refused
       FROM import m JOIN customer c ON c.id = m.customer_id
      WHERE ",
    in_scope!("m.customer_id"),
    " AND c.deleted_at IS NULL AND m.expires_at > $3"
);

impl Row {
    /// How its columns are read.
    fn reading(&self) -> Result<Reading> {
        let columns: Vec<ImportColumn> = read_json("import.columns", &self.columns)?;
        Ok(Reading {
            columns: columns.into_iter().map(|column| column.field).collect(),
            password: self.password,
        })
    }

    fn import(self) -> Result<Import> {
        let problem = self.reading()?.problem();
        let counts: Option<ImportCounts> = match &self.counts {
            Some(counts) => Some(read_json("import.counts", counts)?),
            None => None,
        };
        Ok(Import {
            id: self.id,
            customer_id: self.customer_id,
            name: self.name,
            source: self.source,
            status: self.status,
            made_by: self.made_by,
            created_at: self.created_at,
            expires_at: self.expires_at,
            encoding: self.encoding,
            columns: read_json("import.columns", &self.columns)?,
            password: self.password,
            problem: problem.filter(|_| counts.is_none()),
            counts,
            plan: self.plan,
            run_id: self.run_id,
            passwords: (self.passwords_total > 0).then_some(PasswordProgress {
                total: self.passwords_total,
                set: self.passwords_set,
                refused: self.passwords_refused,
            }),
        })
    }
}

async fn find(b: &Backend, tx: &mut Tx, scope: &Scope, id: ImportId) -> Result<Row> {
    fetch_optional!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!("{IMPORT} AND m.id = $4")),
        scope.all(),
        scope.grantee(),
        b.clock.now(),
        id
    )?
    .ok_or(Error::NotFound("import"))
}

/// One import.
pub async fn get(b: &Backend, scope: &Scope, id: ImportId) -> Result<Import> {
    Ok(detail(b, scope, id).await?.import)
}

/// One import with the name of its customer.
pub async fn detail(b: &Backend, scope: &Scope, id: ImportId) -> Result<ImportDetail> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    let row = find(b, &mut tx, scope, id).await?;
    Ok(ImportDetail {
        customer_name: row.customer_name.clone(),
        import: row.import()?,
    })
}

/// Takes a file, matches its columns by their names and makes a dry run, where it can be made.
/// Nothing of the directory changes. `password`: how people come by one, where that is chosen already.
///
/// # Errors
/// `Invalid` with the field `file` for what is no such file.
pub async fn from_file(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    name: &str,
    bytes: Vec<u8>,
    password: Option<ImportPassword>,
) -> Result<Import> {
    let mut tx = b.db.read().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    drop(tx);
    scope.require(Permission::DirectoryWrite)?;
    b.limits.take(Limited::Export, scope)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(too_large());
    }
    let read = off_thread(move || {
        let (text, encoding) = decode(&bytes)?;
        let table = Table::read(&text)?;
        Ok((text, encoding, table))
    });
    let (text, encoding, table) = read
        .await?
        .map_err(|message: String| Error::invalid("file", message))?;
    let mut reading = Reading::matched(table.headers());
    reading.password = password.unwrap_or(reading.password);
    let name = short(name.trim());
    let given = Given {
        name: if name.is_empty() { "A file" } else { &name },
        source: ImportSource::File,
        encoding: Some(encoding),
        text: &text,
        table: Arc::new(table),
        reading,
    };
    stage(b, scope, customer, given).await
}

/// That a file is larger than one may be.
pub fn too_large() -> Error {
    Error::invalid(
        "file",
        format!(
            "A file may have at most {} MB. Split it, and import one part after the other.",
            FILE_BYTES_MAX / 1024 / 1024
        ),
    )
}

/// What is to be imported.
struct Given<'a> {
    name: &'a str,
    source: ImportSource,
    encoding: Option<&'static str>,
    text: &'a str,
    table: Arc<Table>,
    reading: Reading,
}

/// Keeps what was given, with its dry run.
async fn stage(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    given: Given<'_>,
) -> Result<Import> {
    let mut tx = b.db.read().await?;
    let plan = dry_run(&mut tx, customer, &given.table, &given.reading).await?;
    drop(tx);
    let mut tx = b.db.write().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    let (id, now) = (ImportId(b.ids.uuid()), b.clock.now());
    refuse_many(&mut tx, customer, now).await?;
    execute!(
        &mut tx,
        "INSERT INTO import (id, customer_id, name, source, status, made_by, created_at,
            expires_at, encoding, columns, password)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        customer,
        given.name,
        given.source,
        ImportStatus::Waiting,
        scope.actor_name(),
        now,
        now + Duration::hours(WAITING_HOURS),
        given.encoding,
        write_json(&columns(&given.table, &given.reading))?,
        given.reading.password
    )?;
    content::put(b, &mut tx, id, given.text).await?;
    keep_dry_run(b, &mut tx, id, plan.as_ref()).await?;
    let import = find(b, &mut tx, scope, id).await?.import()?;
    tx.commit().await?;
    Ok(import)
}

async fn refuse_many(tx: &mut Tx, customer: CustomerId, now: DateTime) -> Result<()> {
    let waiting = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM import
          WHERE customer_id = $1 AND status = 'waiting' AND expires_at > $2",
        customer,
        now
    )?;
    if waiting < WAITING_MAX {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "{WAITING_MAX} imports of this customer wait already. Apply or delete one first."
    )))
}

/// Keeps what the dry run came to.
async fn keep_dry_run(b: &Backend, tx: &mut Tx, id: ImportId, plan: Option<&Plan>) -> Result<()> {
    keep_rows(b, tx, id, plan).await?;
    execute!(
        tx,
        "UPDATE import SET counts = $2, plan = $3 WHERE id = $1",
        id,
        plan.map(|plan| write_json(&plan.counts)).transpose()?,
        plan.map(Plan::name)
    )?;
    Ok(())
}

/// An import that waits, with its rows as they were given.
async fn opened(b: &Backend, scope: &Scope, id: ImportId) -> Result<(Row, Arc<Table>)> {
    let mut tx = b.db.read().await?;
    let row = find(b, &mut tx, scope, id).await?;
    scope.require(Permission::DirectoryWrite)?;
    waits(&row)?;
    let text = content::open(b, &mut tx, id).await?;
    drop(tx);
    let table = off_thread(move || Table::read(&text)).await?;
    let table = table.map_err(|error| Error::Internal(format!("import {id}: {error}")))?;
    Ok((row, Arc::new(table)))
}

fn waits(row: &Row) -> Result<()> {
    if row.status == ImportStatus::Waiting {
        return Ok(());
    }
    Err(Error::conflict("This import was applied already."))
}

/// Changes how an import that waits is read, and makes its dry run anew; with nothing to change, only
/// that.
pub async fn change(
    b: &Backend,
    scope: &Scope,
    id: ImportId,
    change: ImportChange,
) -> Result<Import> {
    let (row, table) = opened(b, scope, id).await?;
    let mut reading = row.reading()?;
    if let Some(chosen) = change.columns {
        if chosen.len() != table.headers().len() {
            return Err(Error::invalid(
                "columns",
                format!(
                    "The file has {} columns, and {} are given: give one for each, null for those that are left aside.",
                    table.headers().len(),
                    chosen.len()
                ),
            ));
        }
        reading.columns = chosen;
    }
    reading.password = change.password.unwrap_or(reading.password);
    redo(b, scope, (id, row.customer_id), &table, &reading).await
}

/// Makes the dry run anew, and keeps it.
async fn redo(
    b: &Backend,
    scope: &Scope,
    (id, customer): (ImportId, CustomerId),
    table: &Arc<Table>,
    reading: &Reading,
) -> Result<Import> {
    let mut tx = b.db.read().await?;
    let plan = dry_run(&mut tx, customer, table, reading).await?;
    drop(tx);
    let mut tx = b.db.write().await?;
    tx.hold("import", id.0).await?;
    waits(&find(b, &mut tx, scope, id).await?)?;
    execute!(
        &mut tx,
        "UPDATE import SET columns = $2, password = $3 WHERE id = $1",
        id,
        write_json(&columns(table, reading))?,
        reading.password
    )?;
    keep_dry_run(b, &mut tx, id, plan.as_ref()).await?;
    let import = find(b, &mut tx, scope, id).await?.import()?;
    tx.commit().await?;
    Ok(import)
}

/// Removes an import, with everything that was given. What it brought in stays; while it sets
/// passwords, those that aren't set yet are not set.
pub async fn delete(b: &Backend, scope: &Scope, id: ImportId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let row = find(b, &mut tx, scope, id).await?;
    scope.require(Permission::DirectoryWrite)?;
    remove(&mut tx, id).await?;
    let entry = Entry::of_whole(AuditAction::UserImportDelete, &row.name)
        .of(row.customer_id)
        .changes(AuditChanges::none().was("status", &row.status));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

async fn remove(tx: &mut Tx, id: ImportId) -> Result<()> {
    execute!(&mut *tx, "DELETE FROM import_row WHERE import_id = $1", id)?;
    // Its content goes with it.
    execute!(tx, "DELETE FROM import WHERE id = $1", id)?;
    Ok(())
}

/// Removes imports past their end, and what was given of those whose passwords were not all set after
/// a week: nobody works at them any more.
pub(crate) async fn purge(b: &Backend) -> Result<()> {
    const ROWS: i64 = 5_000;
    const PASSWORDS_DAYS: i64 = 7;
    let now = b.clock.now();
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM import_content WHERE import_id IN (
             SELECT id FROM import WHERE status <> 'waiting' AND expires_at <= $1)",
        now + Duration::days(KEPT_DAYS - PASSWORDS_DAYS)
    )?;
    execute!(
        &mut tx,
        "UPDATE import SET status = 'applied'
          WHERE status = 'setting_passwords' AND expires_at <= $1",
        now + Duration::days(KEPT_DAYS - PASSWORDS_DAYS)
    )?;
    execute!(&mut tx, "DELETE FROM import WHERE expires_at <= $1", now)?;
    tx.commit().await?;
    loop {
        let mut tx = b.db.write().await?;
        let removed = execute!(
            &mut tx,
            "DELETE FROM import_row WHERE (import_id, number) IN (
                 SELECT r.import_id, r.number FROM import_row r
                  WHERE NOT EXISTS (SELECT 1 FROM import m WHERE m.id = r.import_id) LIMIT $1)",
            ROWS
        )?;
        tx.commit().await?;
        if removed < ROWS.unsigned_abs() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod whole_tests;
