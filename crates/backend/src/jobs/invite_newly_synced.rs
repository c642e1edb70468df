//! Invites whom a run brought in use: "Send Enrollment Email to the Newly Synced Users".

use domain::id::RunId;

use super::{JobContext, Outcome};
use crate::{Result, store::enrolment};

/// Invites them, a batch a transaction; whoever was invited stays out of the next batch.
pub(super) async fn perform(cx: &JobContext) -> Result<Outcome> {
    let run = RunId(cx.lease.subject());
    while !cx.stop.is_cancelled() {
        if !enrolment::invite_newly_synced(&cx.b, run).await? {
            return Ok(Outcome::Done);
        }
    }
    Ok(Outcome::Stopped)
}
