//! Removing a run's staged objects, by the thousand.

use uuid::Uuid;

use super::Tx;
use crate::Result;

/// Rows that are removed at once.
const AT_ONCE: i64 = 5_000;

/// The staged objects of a run that aren't removed yet.
#[derive(Debug)]
pub(crate) enum Staged {
    /// On SQLite those after one row id up to another: rows lie in the order in which they came.
    Between(i64, i64),
    /// On PostgreSQL those after one type and id, or all: what was removed is passed over by nobody.
    After(Option<(String, Uuid)>),
}

impl Tx {
    /// What is staged of a run; none where nothing is.
    pub(crate) async fn staged(&mut self, run_id: Uuid) -> Result<Option<Staged>> {
        match self {
            Self::Sqlite(tx) => {
                let sql = "SELECT MIN(rowid), MAX(rowid) FROM run_staging WHERE run_id = $1";
                let (first, last): (Option<i64>, Option<i64>) = sqlx::query_as(sql)
                    .bind(run_id)
                    .fetch_one(&mut **tx)
                    .await?;
                Ok(first
                    .zip(last)
                    .map(|(first, last)| Staged::Between(first - 1, last)))
            }
            Self::Postgres(_) => Ok(Some(Staged::After(None))),
        }
    }

    /// Removes the first of them. Answers which are left.
    ///
    /// SQLite goes by place: in the order of ids every statement would touch most pages of the
    /// table. PostgreSQL goes up to a boundary that an index finds: to look for each row that a
    /// subquery names took it seconds.
    pub(crate) async fn remove_staged(
        &mut self,
        run_id: Uuid,
        staged: Staged,
    ) -> Result<Option<Staged>> {
        match (self, staged) {
            (Self::Sqlite(tx), Staged::Between(after, last)) => {
                let end = (after + AT_ONCE).min(last);
                // Without the plus it would look for the run's rows by index.
                sqlx::query(
                    "DELETE FROM run_staging WHERE rowid > $1 AND rowid <= $2 AND +run_id = $3",
                )
                .bind(after)
                .bind(end)
                .bind(run_id)
                .execute(&mut **tx)
                .await?;
                Ok((end < last).then_some(Staged::Between(end, last)))
            }
            (Self::Postgres(tx), Staged::After(after)) => {
                let (object_type, external_id) = after.unzip();
                let end: Option<(String, Uuid)> = sqlx::query_as(
                    "SELECT object_type, external_id FROM run_staging
                      WHERE run_id = $1
                        AND ($3 IS NULL OR (object_type, external_id) > ($3, $4))
                      ORDER BY object_type, external_id LIMIT 1 OFFSET $2",
                )
                .bind(run_id)
                .bind(AT_ONCE)
                .bind(object_type)
                .bind(external_id)
                .fetch_optional(&mut **tx)
                .await?;
                let query = match &end {
                    Some((object_type, external_id)) => sqlx::query(
                        "DELETE FROM run_staging
                          WHERE run_id = $1 AND (object_type, external_id) <= ($2, $3)",
                    )
                    .bind(run_id)
                    .bind(object_type.clone())
                    .bind(*external_id),
                    None => sqlx::query("DELETE FROM run_staging WHERE run_id = $1").bind(run_id),
                };
                query.execute(&mut **tx).await?;
                Ok(end.map(|end| Staged::After(Some(end))))
            }
            // There is no such place in the other database.
            (Self::Sqlite(_), Staged::After(_)) | (Self::Postgres(_), Staged::Between(..)) => {
                Ok(None)
            }
        }
    }
}
