//! Closes the days of the audit log that are over, and removes those that are older than the
//! setting, an hour after the last time.

use super::Outcome;
use crate::{Backend, Result, store::audit};

/// Closes and removes them.
pub(super) async fn perform(b: &Backend) -> Result<Outcome> {
    let now = b.clock.now();
    audit::close_past_days(b).await?;
    audit::drop_old_days(b).await?;
    Ok(Outcome::Again(now + chrono::Duration::hours(1)))
}
