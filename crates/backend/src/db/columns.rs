//! Rows by the thousand, for the tables that a run fills.

/// Inserts many rows, a statement for each thousand:
/// `insert_columns!(tx, "INSERT INTO t (a, b)", rows, |row| { "uuid": row.a, "text": row.b },
/// "ON CONFLICT DO NOTHING")`, with `rows: &[_]` and PostgreSQL's name for the type of each column.
/// SQLite gets a parameter a value; PostgreSQL an array a column, since it plans a statement with
/// thousands of parameters for longer than it takes to run it. One statement must not name a row
/// twice where it has `ON CONFLICT … DO UPDATE` (PostgreSQL).
macro_rules! insert_columns {
    ($tx:expr, $into:literal, $rows:expr, |$row:ident| { $($kind:literal: $value:expr),+ $(,)? }, $tail:literal) => {
        async {
            const ROWS: usize = 1_000;
            let tx: &mut $crate::db::Tx = $tx;
            for chunk in $rows.chunks(ROWS) {
                match tx {
                    $crate::db::Tx::Sqlite(t) => {
                        let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new(concat!($into, " "));
                        query.push_values(chunk, |mut bind, $row| {
                            $(bind.push_bind($value);)+
                        });
                        query.push(concat!(" ", $tail));
                        // What is left over is another text each time.
                        let query = query.build().persistent(chunk.len() == ROWS);
                        query.execute(&mut **t).await.map(drop)
                    }
                    $crate::db::Tx::Postgres(t) => {
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
                        query.build().execute(&mut **t).await.map(drop)
                    }
                }
                .map_err($crate::Error::from)?;
            }
            Ok::<(), $crate::Error>(())
        }
        .await
    };
}

pub(crate) use insert_columns;
