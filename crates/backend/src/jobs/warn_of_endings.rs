//! Warns of secrets and certificates that end, an hour after the last time.

use super::Outcome;
use crate::{Backend, Result, notify};

/// Warns of them.
pub(super) async fn perform(b: &Backend) -> Result<Outcome> {
    let now = b.clock.now();
    notify::endings::warn(b).await?;
    Ok(Outcome::Again(now + chrono::Duration::hours(1)))
}
