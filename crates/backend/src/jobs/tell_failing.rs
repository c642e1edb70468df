//! Looks an hour after an integration began to fail whether it still does, and tells it: its
//! schedule may not try again before tomorrow.

use domain::id::IntegrationId;

use super::{JobContext, Outcome, queue};
use crate::{Error, Result, notify};

/// Tells it, or comes back where the hour isn't over.
pub(super) async fn perform(cx: &JobContext) -> Result<Outcome> {
    let integration = IntegrationId(cx.lease.subject());
    let mut tx = cx.b.db.write().await?;
    if let Some(later) = notify::causes::look(&cx.b, &mut tx, integration).await? {
        return Ok(Outcome::Again(later));
    }
    if !queue::finish(&mut tx, &cx.lease).await? {
        return Err(Error::Unavailable(
            "the lease of this job was lost to another worker".to_owned(),
        ));
    }
    tx.commit().await?;
    Ok(Outcome::Finished)
}
