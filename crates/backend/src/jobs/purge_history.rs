//! Removes what the history no longer keeps, in small batches: single changes after 90 days, runs
//! after 400 (settings), staging that a run left behind, what was told 90 days ago. What waits for
//! a decision stays.

use domain::DateTime;

use super::Outcome;
use crate::{Backend, Result, execute};

/// Rows one statement removes: a click never waits for more.
const BATCH: i64 = 2_000;

/// Removes it, and comes back in an hour.
pub(super) async fn perform(b: &Backend) -> Result<Outcome> {
    let now = b.clock.now();
    let before = |days: u32| now - chrono::Duration::days(i64::from(days));
    let (changes, history) = (
        b.settings.change_retention_days,
        b.settings.history_retention_days,
    );
    // No change outlives its run.
    batches(b, changes_before(before(changes.min(history)))).await?;
    batches(b, runs_before(before(history))).await?;
    batches(b, told_before(before(changes))).await?;
    for sql in [
        "DELETE FROM run_staging WHERE (run_id, object_type, external_id) IN (
             SELECT s.run_id, s.object_type, s.external_id FROM run_staging s
              WHERE NOT EXISTS (SELECT 1 FROM run r
                                 WHERE r.id = s.run_id AND r.status IN ('queued', 'running'))
              LIMIT $1)",
        "DELETE FROM run_staging_member WHERE (run_id, group_external_id, position) IN (
             SELECT s.run_id, s.group_external_id, s.position FROM run_staging_member s
              WHERE NOT EXISTS (SELECT 1 FROM run r
                                 WHERE r.id = s.run_id AND r.status IN ('queued', 'running'))
              LIMIT $1)",
        "DELETE FROM run_staging_seen WHERE (run_id, position) IN (
             SELECT s.run_id, s.position FROM run_staging_seen s
              WHERE NOT EXISTS (SELECT 1 FROM run r
                                 WHERE r.id = s.run_id AND r.status IN ('queued', 'running'))
              LIMIT $1)",
    ] {
        batches(b, (sql, None)).await?;
    }
    Ok(Outcome::Again(now + chrono::Duration::hours(1)))
}

type Purge = (&'static str, Option<DateTime>);

fn changes_before(at: DateTime) -> Purge {
    (
        "DELETE FROM run_change WHERE (run_id, position) IN (
             SELECT c.run_id, c.position FROM run r JOIN run_change c ON c.run_id = r.id
              WHERE r.queued_at < $2 AND r.status NOT IN ('queued', 'running', 'held') LIMIT $1)",
        Some(at),
    )
}

fn runs_before(at: DateTime) -> Purge {
    (
        "DELETE FROM run WHERE id IN (
             SELECT id FROM run
              WHERE COALESCE(last_seen_at, queued_at) < $2
                AND status NOT IN ('queued', 'running', 'held') LIMIT $1)",
        Some(at),
    )
}

fn told_before(at: DateTime) -> Purge {
    (
        "DELETE FROM notification_delivery WHERE id IN (
             SELECT id FROM notification_delivery
              WHERE created_at < $2 AND status <> 'queued' LIMIT $1)",
        Some(at),
    )
}

async fn batches(b: &Backend, (sql, at): Purge) -> Result<()> {
    loop {
        let mut tx = b.db.write().await?;
        let removed = match at {
            Some(at) => execute!(&mut tx, sql, BATCH, at)?,
            None => execute!(&mut tx, sql, BATCH)?,
        };
        tx.commit().await?;
        if removed < BATCH.unsigned_abs() {
            return Ok(());
        }
    }
}
