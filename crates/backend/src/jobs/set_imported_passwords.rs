//! Sets the passwords that an import brings.

use chrono::Duration;
use domain::id::ImportId;

use super::{JobContext, Outcome};
use crate::{
    Result,
    store::imports::{Progress, set_passwords},
};

/// Seconds after which the queue of passwords is likely to have room again.
const BUSY_S: i64 = 5;

/// Sets them, a batch a transaction; the next worker goes on where this one stopped.
pub(super) async fn perform(cx: &JobContext) -> Result<Outcome> {
    let id = ImportId(cx.lease.subject());
    Ok(
        match set_passwords(&cx.b, id, || cx.stop.is_cancelled()).await? {
            Progress::Done => Outcome::Done,
            Progress::More => Outcome::Stopped,
            Progress::Busy => Outcome::Again(cx.b.clock.now() + Duration::seconds(BUSY_S)),
        },
    )
}
