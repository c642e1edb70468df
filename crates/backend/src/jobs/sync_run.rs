//! Goes through one run, from wherever it stands.

use domain::id::RunId;

use super::{ATTEMPTS_MAX, JobContext, Outcome};
use crate::{Error, Result, sync};

/// Goes on with the run. After too many tries the run ends `failed`, so that its integration is
/// free for the next one.
pub(super) async fn perform(cx: &JobContext) -> Result<Outcome> {
    let run_id = RunId(cx.lease.subject());
    match sync::go_on(cx, run_id).await {
        Err(error) if cx.lease.attempts >= ATTEMPTS_MAX && !cx.stop.is_cancelled() => {
            sync::give_up(cx, run_id, &error).await?;
            Ok(Outcome::Finished)
        }
        Err(Error::NotFound(_)) => Ok(Outcome::Done),
        other => other,
    }
}
