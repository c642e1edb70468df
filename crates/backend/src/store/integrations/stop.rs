//! Ending the open run of an integration that is switched off or put away.

use domain::{
    id::IntegrationId,
    run::{RunPhase, RunStatus},
};

use crate::{Backend, Result, Tx, execute};

/// Cancels the open run, where there is one: a queued one at once, a running one at its next page
/// or batch, by the worker that has it.
pub(crate) async fn cancel_open_run(
    b: &Backend,
    tx: &mut Tx,
    id: IntegrationId,
    by: &str,
) -> Result<()> {
    let queued = execute!(
        &mut *tx,
        "UPDATE run SET status = $1, phase = $2, ended_at = $3, cancelled_by = $4
         WHERE integration_id = $5 AND status = $6",
        RunStatus::Cancelled,
        RunPhase::Done,
        b.clock.now(),
        by,
        id,
        RunStatus::Queued
    )?;
    if queued > 0 {
        execute!(
            &mut *tx,
            "UPDATE integration SET last_sync_status = $1, last_sync_detail = '' WHERE id = $2",
            RunStatus::Cancelled,
            id
        )?;
    }
    execute!(
        tx,
        "UPDATE run SET cancelled_by = $1
         WHERE integration_id = $2 AND status = $3 AND cancelled_by IS NULL",
        by,
        id,
        RunStatus::Running
    )?;
    Ok(())
}
