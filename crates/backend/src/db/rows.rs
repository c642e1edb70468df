//! Statements with a list of ids, on both databases.

use sqlx::{Encode, Postgres, QueryBuilder, Sqlite, Type, postgres::PgHasArrayType};
use uuid::Uuid;

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

/// Does something with each row of a query that is put together, as it comes: of many rows no list
/// is made.
macro_rules! for_each_built {
    ($tx:expr, $row:ty, |$query:ident| $body:block, |$found:pat_param| $with:block) => {
        async {
            use futures::TryStreamExt as _;
            match $tx {
                $crate::db::Tx::Sqlite(t) => {
                    let mut $query = sqlx::QueryBuilder::<sqlx::Sqlite>::new("");
                    $body
                    let mut rows = $query.build_query_as::<$row>().fetch(&mut **t);
                    while let Some($found) = rows.try_next().await? $with
                }
                $crate::db::Tx::Postgres(t) => {
                    let mut $query = sqlx::QueryBuilder::<sqlx::Postgres>::new("");
                    $body
                    let mut rows = $query.build_query_as::<$row>().fetch(&mut **t);
                    while let Some($found) = rows.try_next().await? $with
                }
            }
            Ok::<(), $crate::Error>(())
        }
        .await
    };
}

/// Pushes, after the name of a column, that it is one of these: `push_ids!(query, ids)`.
macro_rules! push_ids {
    ($query:ident, $ids:expr) => {
        $crate::db::rows::PushIds::push_ids(&mut $query, $ids)
    };
}

/// How a database is given a list of values. PostgreSQL gets an array: it plans a statement with a
/// thousand parameters for longer than it takes to run it. SQLite has no arrays.
pub(crate) trait PushIds<T> {
    /// Pushes it.
    fn push_ids(&mut self, ids: &[T]);
}

impl<T> PushIds<T> for QueryBuilder<Sqlite>
where
    T: Copy + for<'q> Encode<'q, Sqlite> + Type<Sqlite>,
{
    fn push_ids(&mut self, ids: &[T]) {
        self.push(" IN (");
        let mut list = self.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        self.push(")");
    }
}

impl<T> PushIds<T> for QueryBuilder<Postgres>
where
    T: Copy + for<'q> Encode<'q, Postgres> + Type<Postgres> + PgHasArrayType,
{
    fn push_ids(&mut self, ids: &[T]) {
        self.push(" = ANY(").push_bind(ids.to_vec()).push(")");
    }
}

/// Pushes, after the name of a column, that it is one of these texts: `push_texts!(query, texts)`.
macro_rules! push_texts {
    ($query:ident, $texts:expr) => {
        $crate::db::rows::PushTexts::push_texts(&mut $query, $texts)
    };
}

/// The same as [`PushIds`] for texts.
pub(crate) trait PushTexts {
    /// Pushes them.
    fn push_texts(&mut self, texts: &[String]);
}

impl PushTexts for QueryBuilder<Sqlite> {
    fn push_texts(&mut self, texts: &[String]) {
        self.push(" IN (");
        let mut list = self.separated(", ");
        for text in texts {
            list.push_bind(text.clone());
        }
        self.push(")");
    }
}

impl PushTexts for QueryBuilder<Postgres> {
    fn push_texts(&mut self, texts: &[String]) {
        self.push(" = ANY(").push_bind(texts.to_vec()).push(")");
    }
}

pub(crate) use push_texts;
pub(crate) use {fetch_built, for_each_built, push_ids, run_built};

/// Ids that go into one list.
pub(crate) const IDS_MAX: usize = 1_000;

impl crate::Tx {
    /// A condition on the column before it, for a query that isn't put together with
    /// `push_ids!`: ids are safe in a text.
    pub(crate) fn one_of(&self, ids: &[Uuid]) -> String {
        let list =
            |quote: fn(&Uuid) -> String| ids.iter().map(quote).collect::<Vec<_>>().join(", ");
        match self {
            Self::Sqlite(_) => format!("IN ({})", list(|id| format!("x'{}'", id.simple()))),
            Self::Postgres(_) => {
                format!(
                    "= ANY('{{{}}}'::uuid[])",
                    list(|id| id.simple().to_string())
                )
            }
        }
    }
}
