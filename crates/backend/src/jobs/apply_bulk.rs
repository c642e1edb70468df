//! Does to many what an operator applied to them.

use domain::id::BulkId;

use super::{JobContext, Outcome};
use crate::{Result, store::bulk};

/// Goes through them; the next worker goes on where this one stopped.
pub(super) async fn perform(cx: &JobContext) -> Result<Outcome> {
    let id = BulkId(cx.lease.subject());
    if bulk::carry_on(&cx.b, id, &cx.stop).await? {
        Ok(Outcome::Done)
    } else {
        Ok(Outcome::Stopped)
    }
}
