//! Statements with a list of ids, on both databases.

/// Runs a statement that is put together with `push` and `push_bind`:
/// `run_built!(tx, |query| { query.push("…").push_bind(…); })` answers how many rows it touched.
macro_rules! run_built {
    ($tx:expr, |$query:ident| $body:block) => {
        match $tx {
            $crate::db::Tx::Sqlite(t) => {
                let mut $query = sqlx::QueryBuilder::<sqlx::Sqlite>::new("");
                $body
                $query.build().execute(&mut **t).await.map(|done| done.rows_affected())
            }
            $crate::db::Tx::Postgres(t) => {
                let mut $query = sqlx::QueryBuilder::<sqlx::Postgres>::new("");
                $body
                $query.build().execute(&mut **t).await.map(|done| done.rows_affected())
            }
        }
        .map_err($crate::Error::from)
    };
}

/// The rows of a query that is put together.
macro_rules! fetch_built {
    ($tx:expr, $row:ty, |$query:ident| $body:block) => {
        match $tx {
            $crate::db::Tx::Sqlite(t) => {
                let mut $query = sqlx::QueryBuilder::<sqlx::Sqlite>::new("");
                $body
                $query.build_query_as::<$row>().fetch_all(&mut **t).await
            }
            $crate::db::Tx::Postgres(t) => {
                let mut $query = sqlx::QueryBuilder::<sqlx::Postgres>::new("");
                $body
                $query.build_query_as::<$row>().fetch_all(&mut **t).await
            }
        }
        .map_err($crate::Error::from)
    };
}

/// Pushes `(id, id, …)`.
macro_rules! push_ids {
    ($query:ident, $ids:expr) => {{
        $query.push("(");
        let mut list = $query.separated(", ");
        for id in $ids {
            list.push_bind(*id);
        }
        $query.push(")");
    }};
}

pub(crate) use {fetch_built, push_ids, run_built};

/// Ids that go into one list.
pub(crate) const IDS_MAX: usize = 1_000;
