//! Makes one attempt to deliver a message of the outbox, and comes back where it has to.

use domain::id::NotificationDeliveryId;

use super::{JobContext, Outcome};
use crate::{Result, notify};

/// Sends it, once.
pub(super) async fn perform(cx: &JobContext) -> Result<Outcome> {
    let id = NotificationDeliveryId(cx.lease.subject());
    Ok(match notify::deliver(&cx.b, id).await? {
        Some(next) => Outcome::Again(next),
        None => Outcome::Done,
    })
}
