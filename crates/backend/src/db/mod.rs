//! The one place that knows there are two databases.
//!
//! A query is one text with `$1` parameters that runs on SQLite and on PostgreSQL alike, through
//! the macros of this module: [`fetch_all!`](crate::db::fetch_all), [`fetch_one!`](crate::db::fetch_one), [`fetch_optional!`](crate::db::fetch_optional),
//! [`fetch_scalar!`](crate::db::fetch_scalar), [`execute!`](crate::db::execute) and [`insert_many!`](crate::db::insert_many). What the two can't say alike is a named method
//! of [`Tx`], never an `if` in a query.

pub(crate) mod columns;
#[cfg(test)]
pub(crate) mod crash;
mod migrate;
mod opening;
mod packed;
pub(crate) mod rows;
mod server;
mod staged;
mod statistics;

pub(crate) use columns::insert_columns;
pub(crate) use packed::{Membership, packed_ids};
pub(crate) use server::Server;
pub(crate) use statistics::Table;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::{Error, Result};

/// Begins a transaction of SQLite's writer that lasts once it is committed. Each says what it wants
/// of the disk: the one before may have wanted something else.
const WRITE: &str = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE";
/// Begins one that lasts once the log is written to the disk the next time
/// (sqlite.org/pragma.html, `synchronous`: in WAL mode NORMAL keeps the database consistent).
const WRITE_BULK: &str = "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE";

/// The product's database.
///
/// SQLite has one connection that writes, since it allows one writer anyway and a queue in the
/// pool is fairer than its retries, and a pool of connections that read.
#[derive(Clone, Debug)]
pub enum Db {
    /// A file.
    Sqlite {
        /// The one connection that writes.
        writer: SqlitePool,
        /// The connections that read.
        readers: SqlitePool,
        /// How many wait for the writer.
        waiting: Waiting,
    },
    /// A server.
    Postgres(PgPool),
}

/// How many wait for something, each for as long as its place in line is kept.
#[derive(Clone, Debug, Default)]
pub struct Waiting(Arc<AtomicUsize>);

/// A place in line.
struct InLine(Waiting);

impl Waiting {
    fn stand_in_line(&self) -> InLine {
        self.0.fetch_add(1, Ordering::Relaxed);
        InLine(self.clone())
    }

    fn anybody(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A transaction on either database. Dropped without [`Tx::commit`], it is rolled back.
#[derive(Debug)]
pub enum Tx {
    /// On a file.
    Sqlite(Transaction<'static, Sqlite>),
    /// On a server.
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// A transaction that reads.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// A transaction that reads, for all of which the database stands still.
    pub(crate) async fn read_standing(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Tx::Postgres(pool.begin_with(begin).await?)
            }
        })
    }

    /// A transaction that writes. On SQLite it takes the write lock at once (`BEGIN IMMEDIATE`),
    /// so that it never fails half-way because another writer was faster.
    pub async fn write(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { .. } => self.write_as(WRITE).await?,
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// A transaction of SQLite's writer, once it is free.
    async fn write_as(&self, begin: &'static str) -> Result<Tx> {
        let Self::Sqlite {
            writer, waiting, ..
        } = self
        else {
            return Err(Error::Internal("only SQLite has one writer".to_owned()));
        };
        let _place = waiting.stand_in_line();
        Ok(Tx::Sqlite(writer.begin_with(begin).await?))
    }

    /// Whether a transaction that writes keeps nobody from writing: where it may go on over several
    /// batches. PostgreSQL has many writers, but they wait for the same rows.
    pub(crate) fn nobody_waits(&self) -> bool {
        match self {
            Self::Sqlite { waiting, .. } => !waiting.anybody(),
            Self::Postgres(_) => false,
        }
    }

    /// A transaction of the bulk work of a run. A power cut may undo the last of them, never one
    /// without those that came after it, and a run does again what was undone; so neither database
    /// need wait for the disk at each. The next that does wait makes them last too.
    pub(crate) async fn write_bulk(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { .. } => self.write_as(WRITE_BULK).await?,
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query("SET LOCAL synchronous_commit = off")
                    .execute(&mut *tx)
                    .await?;
                Tx::Postgres(tx)
            }
        })
    }

    /// Waits for running statements and closes every connection.
    pub async fn close(&self) {
        match self {
            Self::Sqlite {
                writer, readers, ..
            } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes everything done in it last.
    pub async fn commit(self) -> Result<()> {
        #[cfg(test)]
        crash::moment().await;
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        #[cfg(test)]
        crash::moment().await;
        Ok(())
    }

    /// The clause that lets several workers take different rows of a queue at the same time.
    /// SQLite has one writer, so it needs none.
    pub const fn skip_locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// Holds a row until the transaction ends, so that what is read of it stays so: PostgreSQL has
    /// many writers. SQLite has one, and this transaction is it.
    pub(crate) async fn hold(&mut self, table: &'static str, id: uuid::Uuid) -> Result<()> {
        if let Self::Postgres(tx) = self {
            let sql = format!("SELECT 1 FROM {table} WHERE id = $1 FOR UPDATE");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(id)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// The clause that holds the rows of a query for reading until the transaction ends: others may
    /// read them too, and nobody changes them. SQLite has one writer, and this transaction is it.
    pub(crate) const fn shared(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR SHARE",
        }
    }

    /// The clause that holds the rows of a query until the transaction ends, and waits for whoever
    /// holds them.
    pub(crate) const fn exclusive(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE",
        }
    }

    /// Waits for whoever holds this name and holds it until the transaction ends: for what has no
    /// row to hold.
    pub(crate) async fn hold_name(&mut self, name: i64) -> Result<()> {
        if let Self::Postgres(tx) = self {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(name)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// Lets what changes a table wait for this transaction from here on, and reads go on: so that
    /// what is read of the whole of it stays so. SQLite has one writer, and this transaction is it.
    pub(crate) async fn hold_table(&mut self, table: &'static str) -> Result<()> {
        if let Self::Postgres(tx) = self {
            let sql = format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// How many parameters one statement may have.
    pub const fn parameters_max(&self) -> usize {
        match self {
            Self::Sqlite(_) => 32_766,
            Self::Postgres(_) => 65_535,
        }
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that finds `part` anywhere in a folded copy. `part` is folded
/// here, so that what a person types finds what was stored.
pub fn contains_pattern(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for c in planner::fold(part).chars() {
        // As it is stored (sync.md rule 19).
        let c = if c == '\0' { '\u{fffd}' } else { c };
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Every row of a query: `fetch_all!(tx, Row, "SELECT …", a, b)` with `tx: &mut Tx`. The text is a
/// literal, or `sqlx::AssertSqlSafe(String)` where it is put together from literals.
#[macro_export]
macro_rules! fetch_all {
    ($tx:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => { match $tx {
        $crate::db::Tx::Sqlite(t) => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_all(&mut **t).await,
        $crate::db::Tx::Postgres(t) => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_all(&mut **t).await,
    }.map_err($crate::Error::from) };
}

/// The one row of a query; an error where there is none.
#[macro_export]
macro_rules! fetch_one {
    ($tx:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => { match $tx {
        $crate::db::Tx::Sqlite(t) => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_one(&mut **t).await,
        $crate::db::Tx::Postgres(t) => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_one(&mut **t).await,
    }.map_err($crate::Error::from) };
}

/// The row of a query, if there is one.
#[macro_export]
macro_rules! fetch_optional {
    ($tx:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => { match $tx {
        $crate::db::Tx::Sqlite(t) => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_optional(&mut **t).await,
        $crate::db::Tx::Postgres(t) => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_optional(&mut **t).await,
    }.map_err($crate::Error::from) };
}

/// The first column of the one row of a query.
#[macro_export]
macro_rules! fetch_scalar {
    ($tx:expr, $value:ty, $sql:expr $(, $arg:expr)* $(,)?) => { match $tx {
        $crate::db::Tx::Sqlite(t) => sqlx::query_scalar::<_, $value>($sql)$(.bind($arg))*.fetch_one(&mut **t).await,
        $crate::db::Tx::Postgres(t) => sqlx::query_scalar::<_, $value>($sql)$(.bind($arg))*.fetch_one(&mut **t).await,
    }.map_err($crate::Error::from) };
}

/// Runs a statement and answers how many rows it touched.
#[macro_export]
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $arg:expr)* $(,)?) => { match $tx {
        $crate::db::Tx::Sqlite(t) => sqlx::query($sql)$(.bind($arg))*.execute(&mut **t).await.map(|done| done.rows_affected()),
        $crate::db::Tx::Postgres(t) => sqlx::query($sql)$(.bind($arg))*.execute(&mut **t).await.map(|done| done.rows_affected()),
    }.map_err($crate::Error::from) };
}

/// Inserts many rows with few statements (toolchain measurements: a statement is a trip to
/// another thread on SQLite, so rows go in by the thousand).
///
/// `insert_many!(tx, "INSERT INTO t (a, b)", columns: 2, rows_max: 1000, rows, |bind, row| {
/// bind.push_bind(row.a).push_bind(row.b); }, "ON CONFLICT DO NOTHING")` with `rows: &[_]`. One
/// statement must not name a row twice where it has `ON CONFLICT … DO UPDATE` (PostgreSQL).
#[macro_export]
macro_rules! insert_many {
    ($tx:expr, $into:expr, columns: $columns:expr, rows_max: $rows_max:expr, $rows:expr, |$bind:ident, $row:ident| $body:block, $tail:expr) => {
        async {
            let tx: &mut $crate::db::Tx = $tx;
            let rows_max = usize::min($rows_max, tx.parameters_max() / $columns);
            let mut touched = 0_u64;
            for chunk in $rows.chunks(rows_max) {
                // What is left over is another text each time. Prepared ones are kept by the
                // hundred for each connection, and one of these takes up to some hundred kB.
                let kept = chunk.len() == rows_max;
                touched += match tx {
                    $crate::db::Tx::Sqlite(t) => {
                        let mut query =
                            sqlx::QueryBuilder::<sqlx::Sqlite>::new(concat!($into, " "));
                        query.push_values(chunk, |mut $bind, $row| $body);
                        query.push(concat!(" ", $tail));
                        query
                            .build()
                            .persistent(kept)
                            .execute(&mut **t)
                            .await
                            .map(|done| done.rows_affected())
                    }
                    $crate::db::Tx::Postgres(t) => {
                        let mut query =
                            sqlx::QueryBuilder::<sqlx::Postgres>::new(concat!($into, " "));
                        query.push_values(chunk, |mut $bind, $row| $body);
                        query.push(concat!(" ", $tail));
                        query
                            .build()
                            .persistent(kept)
                            .execute(&mut **t)
                            .await
                            .map(|done| done.rows_affected())
                    }
                }
                .map_err($crate::Error::from)?;
            }
            Ok::<u64, $crate::Error>(touched)
        }
        .await
    };
}

/// Every row whose column is one of `ids`: `fetch_all_in!(tx, Row, "SELECT … WHERE id IN", ids,
/// "ORDER BY …")` with `ids: &[_]`. Ids are asked for by the thousand, so the tail orders only
/// within that.
#[macro_export]
macro_rules! fetch_all_in {
    ($tx:expr, $row:ty, $head:expr, $ids:expr, $tail:expr) => {
        async {
            let tx: &mut $crate::db::Tx = $tx;
            let mut rows: Vec<$row> = Vec::new();
            for chunk in $ids.chunks(1000) {
                let found = match tx {
                    $crate::db::Tx::Sqlite(t) => {
                        let mut query =
                            sqlx::QueryBuilder::<sqlx::Sqlite>::new(concat!($head, " ("));
                        let mut list = query.separated(", ");
                        for id in chunk {
                            list.push_bind(*id);
                        }
                        query.push(concat!(") ", $tail));
                        query.build_query_as::<$row>().fetch_all(&mut **t).await
                    }
                    $crate::db::Tx::Postgres(t) => {
                        let mut query =
                            sqlx::QueryBuilder::<sqlx::Postgres>::new(concat!($head, " ("));
                        let mut list = query.separated(", ");
                        for id in chunk {
                            list.push_bind(*id);
                        }
                        query.push(concat!(") ", $tail));
                        query.build_query_as::<$row>().fetch_all(&mut **t).await
                    }
                };
                rows.extend(found.map_err($crate::Error::from)?);
            }
            Ok::<_, $crate::Error>(rows)
        }
        .await
    };
}

pub use crate::{
    execute, fetch_all, fetch_all_in, fetch_one, fetch_optional, fetch_scalar, insert_many,
};

#[cfg(test)]
mod tests {
    use domain::{DateTime, id::CustomerId};
    use sqlx::FromRow;
    use uuid::Uuid;

    use super::contains_pattern;
    use crate::{
        Error, Tx, db_test,
        testing::{Kind, TestBackend, start},
    };

    #[derive(Debug, PartialEq, FromRow)]
    struct Row {
        id: CustomerId,
        name: String,
        created_at: DateTime,
        deleted_at: Option<DateTime>,
    }

    #[tokio::test]
    async fn who_waits_to_write_is_seen() {
        let t = TestBackend::new(Kind::Sqlite).await.unwrap();
        assert!(t.db.nobody_waits());
        let first = t.db.write().await.unwrap();
        assert!(t.db.nobody_waits());
        let mut waiting = Box::pin(t.db.write());
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(!t.db.nobody_waits());
        first.commit().await.unwrap();
        let second = waiting.await.unwrap();
        assert!(t.db.nobody_waits());
        // Who gives up waits no more.
        let mut waiting = Box::pin(t.db.write());
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(waiting);
        assert!(t.db.nobody_waits());
        second.commit().await.unwrap();
    }

    db_test!(one_text_round_trips_native_types_on_both_databases, |t| {
        let id = CustomerId(t.ids.uuid());
        let at = start() + chrono::Duration::microseconds(123_450);
        let mut tx = t.db.write().await.unwrap();
        let rows = [id, CustomerId(t.ids.uuid())];
        let touched = insert_many!(
            &mut tx,
            "INSERT INTO customer (id, name, name_folded, created_at)",
            columns: 4, rows_max: 1000, rows,
            |bind, row| { bind.push_bind(*row).push_bind("Ünal").push_bind("unal").push_bind(at); },
            "ON CONFLICT DO NOTHING"
        )
        .unwrap();
        assert_eq!(touched, 2);
        tx.commit().await.unwrap();

        let mut tx = t.db.read().await.unwrap();
        let row = fetch_one!(
            &mut tx,
            Row,
            "SELECT id, name, created_at, deleted_at FROM customer WHERE id = $1",
            id
        )
        .unwrap();
        assert_eq!(
            row,
            Row {
                id,
                name: "Ünal".to_owned(),
                created_at: at,
                deleted_at: None
            }
        );
        let found = fetch_scalar!(
            &mut tx,
            i64,
            r"SELECT COUNT(*) FROM customer WHERE name_folded LIKE $1 ESCAPE '\'",
            contains_pattern("NÄ")
        )
        .unwrap();
        assert_eq!(found, 2);
        let none = fetch_optional!(
            &mut tx,
            Row,
            "SELECT id, name, created_at, deleted_at FROM customer WHERE id = $1",
            CustomerId(Uuid::nil())
        )
        .unwrap();
        assert_eq!(none, None);
        assert_eq!(
            fetch_all!(
                &mut tx,
                (CustomerId,),
                "SELECT id FROM customer ORDER BY id"
            )
            .unwrap()
            .len(),
            2
        );
    });

    db_test!(a_dropped_transaction_leaves_nothing, |t| {
        let mut tx = t.db.write().await.unwrap();
        execute!(
            &mut tx,
            "INSERT INTO sign_in_failure (subject, failures, last_at) VALUES ($1, 1, $2)",
            "a",
            start()
        )
        .unwrap();
        drop(tx);
        let mut tx = t.db.write().await.unwrap();
        assert_eq!(
            fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM sign_in_failure").unwrap(),
            0
        );
    });

    db_test!(only_the_bulk_work_of_a_run_waits_for_no_disk, |t| {
        for bulk in [true, false, true] {
            let mut tx = if bulk {
                t.db.write_bulk().await.unwrap()
            } else {
                t.db.write().await.unwrap()
            };
            match &mut tx {
                // 2 is FULL, 1 is NORMAL.
                Tx::Sqlite(_) => {
                    let waits = fetch_scalar!(&mut tx, i64, "PRAGMA synchronous").unwrap();
                    assert_eq!(waits, if bulk { 1 } else { 2 });
                }
                Tx::Postgres(_) if bulk => {
                    let waits = fetch_scalar!(&mut tx, String, "SHOW synchronous_commit");
                    assert_eq!(waits.unwrap(), "off");
                }
                // As the server is set up.
                Tx::Postgres(_) => {}
            }
            tx.commit().await.unwrap();
        }
    });

    db_test!(a_unique_violation_is_told_from_other_failures, |t| {
        let mut tx = t.db.write().await.unwrap();
        let sql = "INSERT INTO sign_in_failure (subject, failures, last_at) VALUES ($1, 1, $2)";
        execute!(&mut tx, sql, "a", start()).unwrap();
        assert!(
            execute!(&mut tx, sql, "a", start())
                .unwrap_err()
                .is_unique_violation()
        );
    });

    db_test!(a_database_that_a_newer_version_changed_is_refused, |t| {
        crate::testing::migrate_beyond(&t.db, 9999).await;
        let refused = t.db.migrate(start(), t.folder.path()).await;
        assert!(
            matches!(refused, Err(Error::NewerDatabase(9999))),
            "{refused:?}"
        );
    });

    #[test]
    fn what_is_typed_can_t_become_a_pattern() {
        assert_eq!(contains_pattern(r"50%_\É"), r"%50\%\_\\e%");
    }

    #[test]
    fn both_folders_of_migrations_define_the_same_tables_and_columns() {
        let shape = |text: &str| -> Vec<String> {
            text.lines()
                .filter_map(|line| {
                    let mut words = line.split_whitespace();
                    match (words.next(), words.next()) {
                        // What only one of them has: its own kind of index, and what that needs.
                        (Some("CREATE"), Some("EXTENSION")) => None,
                        (Some("CREATE"), _) if line == "CREATE INDEX directory_user_by_text" => {
                            None
                        }
                        (Some("CREATE"), _) => Some(line.to_owned()),
                        (Some(first), Some(_))
                            if line.starts_with("    ")
                                && first.chars().all(|c| c.is_ascii_lowercase() || c == '_') =>
                        {
                            Some(first.to_owned())
                        }
                        _ => None,
                    }
                })
                .collect()
        };
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let names = |kind: &str| {
            let mut names: Vec<_> = std::fs::read_dir(format!("{folder}/{kind}"))
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names("sqlite"), names("postgres"));
        for name in names("sqlite") {
            let read = |kind: &str| {
                shape(&std::fs::read_to_string(format!("{folder}/{kind}/{name}")).unwrap())
            };
            assert_eq!(read("sqlite"), read("postgres"), "{name}");
        }
    }
}
