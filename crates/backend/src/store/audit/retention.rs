//! What the audit log no longer keeps: whole days, in small batches. Their heads stay, and with
//! them the proof of the days after.

use chrono::Duration;

use super::{
    RETENTION_DAYS_MIN,
    days::{close_past, day_of},
};
use crate::{Backend, Result, execute};

/// Rows one statement removes: a click never waits for more.
const BATCH: i64 = 2_000;

/// Closes the day that is over, so that its head is there though nobody wrote since.
pub(crate) async fn close_past_days(b: &Backend) -> Result<()> {
    close_past(b).await
}

/// Drops the days that are older than the setting. A day is marked first: from then on nobody
/// expects its entries.
pub(crate) async fn drop_old_days(b: &Backend) -> Result<()> {
    let days = b.settings.audit_retention_days.max(RETENTION_DAYS_MIN);
    let now = b.clock.now();
    let before = day_of(now - Duration::days(i64::from(days)));
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE audit_day SET dropped_at = $1
          WHERE day < $2 AND head IS NOT NULL AND dropped_at IS NULL",
        now,
        &before
    )?;
    tx.commit().await?;
    for sql in [
        "DELETE FROM audit_event WHERE id IN (
             SELECT e.id FROM audit_day d JOIN audit_event e ON e.day = d.day
              WHERE d.dropped_at IS NOT NULL AND d.day < $2 LIMIT $1)",
        "DELETE FROM audit_chain WHERE (day, customer_id) IN (
             SELECT c.day, c.customer_id FROM audit_day d JOIN audit_chain c ON c.day = d.day
              WHERE d.dropped_at IS NOT NULL AND d.day < $2 LIMIT $1)",
    ] {
        loop {
            let mut tx = b.db.write().await?;
            let removed = execute!(&mut tx, sql, BATCH, &before)?;
            tx.commit().await?;
            if removed < BATCH.unsigned_abs() {
                break;
            }
        }
    }
    Ok(())
}
