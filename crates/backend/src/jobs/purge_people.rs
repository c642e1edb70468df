//! Deletes people, groups, contacts and devices of integrations that are gone, once their days as
//! inactive are over. While an integration is there, its own runs do that.

use domain::{policy::ObjectType, run::Reason};

use super::Outcome;
use crate::{Backend, Result, execute};

/// Rows one statement changes.
const BATCH: i64 = 2_000;

/// Deletes them, and comes back in an hour.
pub(super) async fn perform(b: &Backend) -> Result<Outcome> {
    let now = b.clock.now();
    for object_type in ObjectType::OBJECTS {
        // Only people are protected.
        let protected = match object_type {
            ObjectType::User => "protected_at IS NOT NULL",
            _ => "FALSE",
        };
        let sql = format!(
            "UPDATE directory_{object_type} SET status = 'deleted', status_reason = $3,
                    delete_at = NULL, changed_at = $2
              WHERE id IN (SELECT id FROM directory_{object_type}
                            WHERE integration_id IS NULL AND delete_at <= $2
                              AND NOT ({protected}) LIMIT $1)"
        );
        loop {
            let mut tx = b.db.write().await?;
            let changed = execute!(
                &mut tx,
                sqlx::AssertSqlSafe(sql.as_str()),
                BATCH,
                now,
                Reason::DeleteAfterDays
            )?;
            tx.commit().await?;
            if changed < BATCH.unsigned_abs() {
                break;
            }
        }
    }
    Ok(Outcome::Again(now + chrono::Duration::hours(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{db_test, fetch_all};

    db_test!(people_go_when_their_days_are_over, |t| {
        let now = t.clock.now();
        let customer = t.ids.uuid();
        let mut tx = t.db.write().await.unwrap();
        execute!(
            &mut tx,
            "INSERT INTO customer (id, name, name_folded, created_at) VALUES ($1, 'C', 'c', $2)",
            customer,
            now
        )
        .unwrap();
        for (name, delete_at) in [
            ("due", Some(now)),
            ("later", Some(now + chrono::Duration::microseconds(1))),
            ("never", None),
        ] {
            execute!(
                &mut tx,
                "INSERT INTO directory_user (id, customer_id, source_type, display_name,
                    name_folded, search_text, attributes, status, delete_at, created_at,
                    changed_at)
                 VALUES ($1, $2, 'EntraSync', $3, $3, $3, '{}', 'inactive', $4, $5, $5)",
                t.ids.uuid(),
                customer,
                name,
                delete_at,
                now
            )
            .unwrap();
        }
        tx.commit().await.unwrap();
        perform(&t).await.unwrap();
        let mut tx = t.db.read().await.unwrap();
        let deleted = fetch_all!(
            &mut tx,
            (String,),
            "SELECT display_name FROM directory_user WHERE status = 'deleted'"
        )
        .unwrap();
        assert_eq!(deleted, vec![("due".to_owned(),)]);
    });
}
