//! Warns of secrets and certificates that end, an hour after the last time; and looks whether the
//! mails with it would be taken.

use super::Outcome;
use crate::{Backend, Result, notify};

/// Looks first: warnings that are put into the outbox just now are tried right after this.
pub(super) async fn perform(b: &Backend) -> Result<Outcome> {
    let now = b.clock.now();
    notify::mail_server::look(b).await?;
    notify::endings::warn(b).await?;
    Ok(Outcome::Again(now + chrono::Duration::hours(1)))
}
