//! Makes one attempt to send a user a mail with a link, and comes back where it has to.

use super::{JobContext, Outcome};
use crate::{Result, enrolment_mail};

/// Sends it, once.
pub(super) async fn perform(cx: &JobContext) -> Result<Outcome> {
    Ok(
        match enrolment_mail::deliver(&cx.b, cx.lease.subject()).await? {
            Some(next) => Outcome::Again(next),
            None => Outcome::Done,
        },
    )
}
