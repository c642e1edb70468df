//! Operators: the list, one operator with where they are signed in, inviting, changing, disabling
//! and removing them, and what each role may do.

mod change;
mod detail;
mod invite;
mod list;
mod roles;
mod scope;
mod second_factor;

pub use change::{DisableDialog, EditDialog, RemoveDialog};
pub use detail::OperatorPage;
pub use invite::{AgainDialog, InviteDialog};
pub use list::OperatorsPage;
pub use roles::RolesPage;
pub use second_factor::{RequiredDialog, ResetSecondFactorDialog};

use domain::operator::{Operator, OperatorState};

use crate::ui::prelude::*;

/// How an operator stands at `now`, in milliseconds since 1970, with what came of their invitation.
fn mark(operator: &Operator, now: i64) -> Mark {
    let (icon, word, tone) = match operator.state {
        OperatorState::Active => ("user-check", "Active", ""),
        OperatorState::Disabled => ("circle-slash", "Disabled", "quiet"),
        OperatorState::Invited => match &operator.invitation {
            Some(invitation) if invitation.expires_at.timestamp_millis() > now => {
                use domain::notification::DeliveryStatus;
                match invitation.mail.as_ref().map(|mail| mail.status) {
                    Some(DeliveryStatus::Failed) => ("circle-x", "Mail not delivered", "fail"),
                    _ => ("mail", "Invited", ""),
                }
            }
            _ => ("circle-alert", "Invitation ended", "held"),
        },
    };
    Mark { icon, word, tone }
}
