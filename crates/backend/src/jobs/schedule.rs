//! Turns schedules into runs.
//!
//! A schedule is a row: an integration with `next_run_at`. Only what may run by itself has one:
//! enabled, first full run done (sync.md rule 12), not quarantined. What is paused keeps its time
//! and isn't looked at.

use domain::{
    id::{CustomerId, IntegrationId},
    run::{RunMode, RunTrigger},
};
use sqlx::FromRow;

use super::queue::PRIORITY_SCHEDULE;
use crate::{Backend, Result, Tx, execute, fetch_all, fetch_scalar, sync, timetable::Timetable};

/// Runs of schedules that wait for a worker at the same time. What else is due waits in its own
/// row, where it costs nothing and can still be overtaken by another customer's.
const WAITING_MAX: i64 = 200;
/// With so many waiting or fewer, more are put into the queue.
const REFILLED_AT: i64 = 100;
/// Runs of one customer in the queue, at work included: more than one worker does at a time.
const WAITING_MAX_OF_CUSTOMER: i64 = 40;

#[derive(FromRow)]
struct Due {
    id: IntegrationId,
    customer_id: CustomerId,
    name: String,
    schedule: String,
    time_zone: String,
}

/// What is due, `$1`, the customers in turn: first one integration of each, then a second of each;
/// those a customer has in the queue already count. At most `$2` of one customer, `$3` in all. A run
/// of one object costs no scheduled run its time: that is due until the other has ended.
const DUE: &str = "SELECT id, customer_id, name, schedule, time_zone FROM (
    SELECT i.id, i.customer_id, i.name, i.schedule, c.time_zone, i.next_run_at,
           ROW_NUMBER() OVER (PARTITION BY i.customer_id ORDER BY i.next_run_at, i.id)
             + COALESCE(q.jobs, 0) AS turn
      FROM integration i JOIN customer c ON c.id = i.customer_id
      LEFT JOIN (SELECT qi.customer_id, COUNT(*) AS jobs
                   FROM job j JOIN integration qi ON qi.id = j.integration_id
                  WHERE j.kind = 'sync_run' GROUP BY qi.customer_id) q ON q.customer_id = i.customer_id
     WHERE i.next_run_at <= $1 AND i.enabled AND i.first_full_done
       AND i.state NOT IN ('quarantined', 'disabled', 'not_started')
       AND i.paused_at IS NULL AND c.paused_at IS NULL AND c.deleted_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM pause_of_all)
       AND NOT EXISTS (SELECT 1 FROM run r WHERE r.integration_id = i.id AND r.mode = 'object'
                          AND r.status IN ('queued', 'running'))) AS due
  WHERE turn <= $2 ORDER BY turn, next_run_at, id LIMIT $3";

/// Makes a run and a job for every integration that is due, as far as the queue has room, and sets
/// when it is due again. Looks before it writes.
pub(crate) async fn start_due(b: &Backend) -> Result<usize> {
    let now = b.clock.now();
    let mut tx = b.db.read().await?;
    let waiting = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM job
          WHERE priority = $1 AND (lease_until IS NULL OR lease_until <= $2)",
        PRIORITY_SCHEDULE,
        now
    )?;
    let nothing = waiting > REFILLED_AT || due(&mut tx, now, 1).await?.is_empty();
    drop(tx);
    if nothing {
        return Ok(0);
    }
    let mut tx = b.db.write().await?;
    let mut started = 0;
    for integration in due(&mut tx, now, WAITING_MAX - waiting).await? {
        let timetable = Timetable::stored(
            integration.id,
            &integration.schedule,
            &integration.time_zone,
        );
        // Another worker may have been faster.
        let mine = execute!(
            &mut tx,
            "UPDATE integration SET next_run_at = $1 WHERE id = $2 AND next_run_at <= $3",
            timetable.next(now),
            integration.id,
            now
        )?;
        // What was missed while no worker ran is made up for, but not outside the window.
        if mine == 0 || !timetable.is_open(now) {
            continue;
        }
        let run = sync::Starting {
            integration_id: integration.id,
            customer_id: integration.customer_id,
            name: &integration.name,
            mode: RunMode::Delta,
            trigger: RunTrigger::Schedule,
            started_by: None,
            preview: None,
            object: None,
        };
        started += usize::from(sync::put(b, &mut tx, &run).await?.is_some());
    }
    tx.commit().await?;
    Ok(started)
}

async fn due(tx: &mut Tx, now: domain::DateTime, limit: i64) -> Result<Vec<Due>> {
    fetch_all!(tx, Due, DUE, now, WAITING_MAX_OF_CUSTOMER, limit)
}

#[cfg(test)]
mod tests;
