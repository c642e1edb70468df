//! Brings a policy template's present version to the integrations that follow it.

use domain::id::PolicyTemplateId;

use super::{JobContext, Outcome};
use crate::{Error, Result, store::policy_templates};

/// Brings it to all that are behind; the next worker goes on where this one stopped.
pub(super) async fn perform(cx: &JobContext) -> Result<Outcome> {
    let id = PolicyTemplateId(cx.lease.subject());
    match policy_templates::reach(&cx.b, id, &cx.stop).await {
        // Nobody is behind, or it was deleted meanwhile.
        Ok(true) | Err(Error::NotFound(_)) => Ok(Outcome::Done),
        Ok(false) => Ok(Outcome::Stopped),
        Err(error) => Err(error),
    }
}
