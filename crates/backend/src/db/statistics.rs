//! What a database knows of its rows when it chooses how to join them.

use domain::policy::ObjectType;

use super::Db;
use crate::Result;

/// A table that a run fills with many rows at once, and the columns that joins go by: to look at
/// the long texts as well took as long as filling the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// Rows come and go with each run: looked at each time.
    Passing(&'static str, &'static str),
    /// Rows stay: looked at where the new ones are a good part of them.
    Lasting(&'static str, &'static str),
}

impl Table {
    /// A round's pages.
    pub const STAGING: &[Self] = &[
        Self::Passing("run_staging", "run_id, object_type, external_id, presence"),
        Self::Passing("run_staging_member", "run_id, group_external_id, position"),
    ];
    /// What the source gave.
    pub const SOURCE: &[Self] = &[
        Self::Lasting(
            "source_object",
            "integration_id, object_type, external_id, presence, kept, pending",
        ),
        Self::Lasting(
            "source_membership",
            "integration_id, group_external_id, member_type",
        ),
    ];
    /// The plan.
    pub const PLAN: &[Self] = &[Self::Lasting(
        "run_change",
        "run_id, position, object_type, external_id, object_id, action, status",
    )];
    /// What is kept.
    pub const DIRECTORY: &[Self] = &[
        Self::Lasting(
            "directory_user",
            "id, customer_id, integration_id, external_id, status, delete_at",
        ),
        Self::Lasting(
            "directory_group",
            "id, customer_id, integration_id, external_id, status, delete_at",
        ),
        Self::Lasting("directory_membership", "group_id, member_id, member_type"),
    ];

    /// What is kept of contacts and of devices, where a run has to do with them; nothing for other
    /// types.
    pub const fn others(object_type: ObjectType) -> &'static [Self] {
        const COLUMNS: &str = "id, customer_id, integration_id, external_id, status, delete_at";
        match object_type {
            ObjectType::Contact => &[Self::Lasting("directory_contact", COLUMNS)],
            ObjectType::Device => &[Self::Lasting("directory_device", COLUMNS)],
            ObjectType::User | ObjectType::Group | ObjectType::Membership => &[],
        }
    }
}

impl Db {
    /// Many rows of one run came into these tables. PostgreSQL plans by statistics that its own
    /// housekeeping takes a minute to renew; until then it takes the new run for one row, and joins
    /// twenty thousand rows by looking at each of them twenty thousand times. SQLite plans by
    /// its indexes alone.
    pub(crate) async fn many_rows_came(&self, tables: &[Table], rows: i64) -> Result<()> {
        let Self::Postgres(pool) = self else {
            return Ok(());
        };
        for table in tables {
            let (name, columns) = match *table {
                Table::Passing(name, columns) => (name, columns),
                Table::Lasting(name, columns) => {
                    let known: f32 = sqlx::query_scalar(
                        "SELECT reltuples FROM pg_class WHERE oid = to_regclass($1)",
                    )
                    .bind(name)
                    .fetch_one(pool)
                    .await?;
                    if f64::from(known) > 10.0 * f64::from(i32::try_from(rows).unwrap_or(i32::MAX))
                    {
                        continue;
                    }
                    (name, columns)
                }
            };
            // A tenth of the usual sample: how many rows there are is what matters, and the look
            // at thirty thousand of each table took a tenth of a sync.
            let mut tx = pool.begin().await?;
            sqlx::query("SET LOCAL default_statistics_target = 10")
                .execute(&mut *tx)
                .await?;
            sqlx::query(sqlx::AssertSqlSafe(format!("ANALYZE {name} ({columns})")))
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
