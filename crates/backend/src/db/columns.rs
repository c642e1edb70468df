//! Rows by the thousand, for the tables that a run fills.

use crate::Result;

/// Rows of one statement.
pub(crate) const ROWS: usize = 1_000;

/// Inserts many rows, a statement for each thousand:
/// `insert_columns!(tx, "INSERT INTO t (a, b)", rows, |row| { "uuid": row.a, "text": row.b },
/// "ON CONFLICT DO NOTHING")`, with `rows` an iterator of `Result`s and PostgreSQL's name for the
/// type of each column. What an iterator does for its rows is done while the database works at the
/// thousand before: lazy ones cost the least.
/// SQLite gets a parameter a value; PostgreSQL an array a column, since it plans a statement with
/// thousands of parameters for longer than it takes to run it. One statement must not name a row
/// twice where it has `ON CONFLICT … DO UPDATE` (PostgreSQL).
macro_rules! insert_columns {
    ($tx:expr, $into:literal, $rows:expr, |$row:ident| { $($kind:literal: $value:expr),+ $(,)? }, $tail:literal) => {
        async {
            use $crate::db::columns::{ROWS, thousand};
            let tx: &mut $crate::db::Tx = $tx;
            let mut rows = $rows.into_iter();
            match tx {
                $crate::db::Tx::Sqlite(t) => {
                    let mut make = || {
                        let chunk = thousand(&mut rows)?;
                        if chunk.is_empty() {
                            return Ok(None);
                        }
                        let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new(concat!($into, " "));
                        query.push_values(&chunk, |mut bind, $row| {
                            $(bind.push_bind($value);)+
                        });
                        query.push(concat!(" ", $tail));
                        Ok::<_, $crate::Error>(Some((query, chunk.len())))
                    };
                    let mut made = make()?;
                    while let Some((mut query, number)) = made {
                        // What is left over is another text each time.
                        let query = query.build().persistent(number == ROWS);
                        let work = query.execute(&mut **t);
                        let (done, next) = futures::future::join(work, async { make() }).await;
                        done?;
                        made = next?;
                    }
                }
                $crate::db::Tx::Postgres(t) => {
                    let mut make = || {
                        let chunk = thousand(&mut rows)?;
                        if chunk.is_empty() {
                            return Ok(None);
                        }
                        let mut query =
                            sqlx::QueryBuilder::<sqlx::Postgres>::new(concat!($into, " SELECT * FROM unnest("));
                        let mut list = query.separated(", ");
                        $(
                            let column: Vec<_> = chunk
                                .iter()
                                .map(|$row| {
                                    // A value may be the same for all.
                                    let _ = $row;
                                    $value
                                })
                                .collect();
                            list.push_bind(column);
                            list.push_unseparated(concat!("::", $kind, "[]"));
                        )+
                        query.push(concat!(") ", $tail));
                        Ok::<_, $crate::Error>(Some((query, chunk.len())))
                    };
                    let mut made = make()?;
                    while let Some((mut query, _)) = made {
                        let work = query.build().execute(&mut **t);
                        let (done, next) = futures::future::join(work, async { make() }).await;
                        done?;
                        made = next?;
                    }
                }
            }
            Ok::<(), $crate::Error>(())
        }
        .await
    };
}

pub(crate) use insert_columns;

/// The next rows of a statement, fewer at the end.
pub(crate) fn thousand<T>(rows: &mut impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    rows.take(ROWS).collect()
}
