//! Invites whom a run brought in use: "Send Enrollment Email to the Newly Synced Users".

use domain::id::RunId;

use super::{JobContext, Outcome};
use crate::{Result, store::enrolment};

/// Invites them, a batch a transaction. Where another worker begins anew, whoever was invited is left
/// out.
pub(super) async fn perform(cx: &JobContext) -> Result<Outcome> {
    let run = RunId(cx.lease.subject());
    let mut after = -1;
    while !cx.stop.is_cancelled() {
        match enrolment::invite_newly_synced(&cx.b, run, after).await? {
            Some(reached) => after = reached,
            None => return Ok(Outcome::Done),
        }
    }
    Ok(Outcome::Stopped)
}
