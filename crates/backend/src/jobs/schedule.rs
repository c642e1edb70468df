//! Turns schedules into runs.
//!
//! A schedule is a row: an integration with `next_run_at`. Only what may run by itself has one:
//! enabled, first full run done (sync.md rule 12), neither paused nor quarantined.

use domain::{
    DateTime,
    id::{CustomerId, IntegrationId},
    integration::IntegrationState,
    run::{RunMode, RunTrigger},
    schedule::Schedule,
};
use sqlx::FromRow;

use crate::{
    Backend, Result, execute, fetch_all, fetch_scalar,
    store::integrations::schedule::{next, set_next},
    sync,
};

/// Runs that one look starts: more wait for the next look, a moment later.
const STARTED_MAX: i64 = 200;
/// The longest time between two tries of something that fails, minutes.
const BACK_OFF_MAX: i64 = 6 * 60;

/// When something that failed `failures` times in a row is tried next: its schedule, but not
/// before 1, 2, 4 … minutes have gone by, up to six hours, and not before the source said.
pub(crate) fn after_failure(
    schedule: &Schedule,
    now: DateTime,
    failures: i64,
    retry_after: Option<std::time::Duration>,
) -> Option<DateTime> {
    let exponent = u32::try_from((failures - 1).clamp(0, 20)).unwrap_or(0);
    let minutes = 2_i64.pow(exponent).min(BACK_OFF_MAX);
    let asked = retry_after
        .and_then(|wait| chrono::Duration::from_std(wait).ok())
        .unwrap_or_default();
    let earliest = now + chrono::Duration::minutes(minutes).max(asked);
    next(schedule, now).map(|at| at.max(earliest))
}

#[derive(FromRow)]
struct Due {
    id: IntegrationId,
    customer_id: CustomerId,
    name: String,
    schedule: String,
}

const DUE: &str = "next_run_at <= $1 AND enabled AND first_full_done
    AND state NOT IN ('paused', 'quarantined', 'disabled', 'not_started')";

/// Makes a run and a job for every integration that is due, and sets when it is due again. Looks
/// before it writes.
pub(crate) async fn start_due(b: &Backend) -> Result<usize> {
    let now = b.clock.now();
    let mut tx = b.db.read().await?;
    let any = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM integration WHERE {DUE} LIMIT 1) AS due"
        )),
        now
    )?;
    drop(tx);
    if any == 0 {
        return Ok(0);
    }
    let mut tx = b.db.write().await?;
    let due = fetch_all!(
        &mut tx,
        Due,
        sqlx::AssertSqlSafe(format!(
            "SELECT i.id, i.customer_id, i.name, i.schedule FROM integration i
              JOIN customer c ON c.id = i.customer_id AND c.deleted_at IS NULL
              WHERE {DUE} ORDER BY i.next_run_at, i.id LIMIT {STARTED_MAX}"
        )),
        now
    )?;
    let mut started = 0;
    for integration in &due {
        let schedule: Schedule = serde_json::from_str(&integration.schedule).unwrap_or_default();
        set_next(&mut tx, integration.id, next(&schedule, now)).await?;
        let run = sync::Starting {
            integration_id: integration.id,
            customer_id: integration.customer_id,
            name: &integration.name,
            mode: RunMode::Delta,
            trigger: RunTrigger::Schedule,
            started_by: None,
            preview: None,
        };
        started += usize::from(sync::put(b, &mut tx, &run).await?.is_some());
    }
    // What lies in the bin stays due for ever unless it is set aside.
    if due.is_empty() {
        execute!(
            &mut tx,
            "UPDATE integration SET next_run_at = NULL
              WHERE next_run_at <= $1
                AND customer_id IN (SELECT id FROM customer WHERE deleted_at IS NOT NULL)",
            now
        )?;
    }
    tx.commit().await?;
    Ok(started)
}

/// The state an integration is in, where it isn't one that a person set.
pub(crate) const fn state_after(
    before: IntegrationState,
    after: IntegrationState,
) -> IntegrationState {
    match before {
        IntegrationState::Paused | IntegrationState::Disabled => before,
        _ => after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::start;

    #[test]
    fn what_fails_is_tried_less_and_less_often() {
        let now = start();
        let every = Schedule::EveryMinutes(5);
        let minutes = |failures, wait| {
            (after_failure(&every, now, failures, wait).unwrap() - now).num_minutes()
        };
        assert_eq!(minutes(1, None), 5);
        assert_eq!(minutes(4, None), 8);
        assert_eq!(minutes(50, None), 360);
        assert_eq!(minutes(1, Some(std::time::Duration::from_mins(20))), 20);
    }
}
