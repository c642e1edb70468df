//! What is done to many users or groups at once: what each action does to whom, decided here, shown
//! before it is applied, and told of each one afterwards.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    enrolment::EnrolmentState,
    grid::GridList,
    id::{BulkId, CustomerId, GroupId},
    made_here::Editable,
    permission::Permission,
    text_enum,
    user::DirectoryStatus,
};

/// The most users or groups at once: everybody of a very large customer.
pub const BULK_MAX: usize = 200_000;
/// So many are done while one waits; more are done by the worker.
pub const AT_ONCE_MAX: i64 = 500;
/// Hours for which a preview can be applied.
pub const PREVIEW_HOURS: i64 = 24;

text_enum! {
    /// What is done to each.
    pub enum BulkAction {
        /// Mail them an invitation to activate their account.
        Invite = "invite",
        /// Say that the last mail to them came back.
        MarkBounced = "mark_bounced",
        /// Say that it did arrive.
        UnmarkBounced = "unmark_bounced",
        /// Put them into a group made here.
        AddToGroup = "add_to_group",
        /// Take them out of a group made here.
        RemoveFromGroup = "remove_from_group",
        /// Protect them from sync.
        Protect = "protect",
        /// Remove the protection that somebody gave them.
        Unprotect = "unprotect",
        /// Cancel the deletion that they count down to.
        CancelCountdown = "cancel_countdown",
        /// End every session of theirs.
        SignOut = "sign_out",
        /// Take those made here out of use.
        Deactivate = "deactivate",
        /// Put those made here into use again.
        Reactivate = "reactivate",
        /// Put those made here into the bin.
        Delete = "delete",
        /// Take those made here out of the bin.
        Restore = "restore",
    }
}

impl BulkAction {
    /// The actions of a list.
    pub const fn of(list: GridList) -> &'static [Self] {
        match list {
            GridList::Users => Self::ALL,
            GridList::Groups => &[Self::CancelCountdown, Self::Delete, Self::Restore],
        }
    }

    /// The action as a button says it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Invite => "Invite to enrol",
            Self::MarkBounced => "Mark mail as bounced",
            Self::UnmarkBounced => "Mail did arrive",
            Self::AddToGroup => "Add to a group",
            Self::RemoveFromGroup => "Remove from a group",
            Self::Protect => "Protect from sync",
            Self::Unprotect => "Remove protection",
            Self::CancelCountdown => "Cancel deletion",
            Self::SignOut => "Sign out everywhere",
            Self::Deactivate => "Deactivate",
            Self::Reactivate => "Reactivate",
            Self::Delete => "Delete",
            Self::Restore => "Restore",
        }
    }

    /// Whether it names a group.
    pub const fn needs_group(self) -> bool {
        matches!(self, Self::AddToGroup | Self::RemoveFromGroup)
    }

    /// Whether a note goes with it.
    pub const fn takes_note(self) -> bool {
        matches!(
            self,
            Self::Protect | Self::CancelCountdown | Self::Deactivate | Self::MarkBounced
        )
    }

    /// What the caller needs for it.
    pub const fn permission(self) -> Permission {
        Permission::DirectoryWrite
    }
}

text_enum! {
    /// How far it has come.
    pub enum BulkStatus {
        /// It was looked at, and not applied.
        Preview = "preview",
        /// It is being applied.
        Running = "running",
        /// It was applied.
        Done = "done",
    }
}

text_enum! {
    /// What came of one of them.
    pub enum BulkOutcome {
        /// It will be done once the preview is applied.
        Would = "would",
        /// It doesn't apply.
        Skipped = "skipped",
        /// It was done.
        Done = "done",
        /// It was refused when it was applied.
        Refused = "refused",
    }
}

impl BulkOutcome {
    /// The outcome as a table shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Would => "Will be done",
            Self::Skipped => "Left out",
            Self::Done => "Done",
            Self::Refused => "Refused",
        }
    }
}

/// How one of them is, as far as these actions are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct BulkFacts {
    /// Whether it is in use.
    pub status: DirectoryStatus,
    /// Who decides about it.
    pub editable: Editable,
    /// Whether it is in the bin, and can be restored.
    pub in_bin: bool,
    /// Whether it was in use before it came there.
    pub was_active: bool,
    /// Whether somebody protected it.
    pub protected: bool,
    /// Whether its days are counting.
    pub counting: bool,
    /// Whether that was cancelled.
    pub cancelled: bool,
    /// How far they have come with an account of their own.
    pub enrolment: EnrolmentState,
    /// Whether they can be mailed to.
    pub has_address: bool,
    /// Whether a mail server took the last mail to them, and nobody said that it came back.
    pub mail_sent: bool,
    /// Whether somebody said so.
    pub mail_bounced: bool,
    /// Whether somebody else who is active signs in with one of its names.
    pub name_taken: bool,
    /// Whether it is in the group that the action names.
    pub in_group: bool,
    /// Whether it belongs to that group's customer.
    pub of_group_customer: bool,
    /// Sessions that are open.
    pub sessions: i64,
}

/// What an action does to one of them, or why it doesn't apply: in words for its line.
///
/// # Errors
///
/// The reason, in a sentence without its name.
pub fn decide(action: BulkAction, facts: &BulkFacts) -> Result<String, String> {
    use BulkAction as A;
    use DirectoryStatus as S;
    let deleted = facts.status == S::Deleted;
    let made_here = || match facts.editable {
        Editable::Here => Ok(()),
        Editable::InSource => {
            no("Synced: an integration keeps it in step. Change it in the source.")
        }
        Editable::Nowhere => {
            no("Came from an integration that was deleted, and was left as it was.")
        }
    };
    if deleted && action != A::Restore {
        return no("Deleted.");
    }
    match action {
        A::Invite => invite(facts),
        A::MarkBounced => match (facts.mail_sent, facts.mail_bounced) {
            (_, true) => no("Marked already."),
            (true, false) => yes("The last mail counts as failed, and they can be invited again."),
            (false, false) => no("No mail server took the last mail to them."),
        },
        A::UnmarkBounced if facts.mail_bounced => yes("The last mail counts as sent."),
        A::UnmarkBounced => no("The last mail isn’t marked as bounced."),
        A::AddToGroup => match (facts.of_group_customer, facts.in_group) {
            (false, _) => no("Of another customer than the group."),
            (true, true) => no("In the group already."),
            (true, false) => yes("Comes into the group."),
        },
        A::RemoveFromGroup if facts.in_group => yes("Leaves the group."),
        A::RemoveFromGroup => no("No direct member of the group."),
        A::Protect => match (facts.protected, facts.counting) {
            (true, _) => no("Protected already."),
            (false, true) => yes("No run touches it any more; its deletion is cancelled."),
            (false, false) => yes("No run touches it any more."),
        },
        A::Unprotect if facts.protected => yes("Runs touch it again, from the next one on."),
        A::Unprotect => no("Nobody protected it by hand."),
        A::CancelCountdown => match (facts.counting, facts.cancelled) {
            (_, true) => no("Cancelled already."),
            (true, false) => yes("Stays inactive, and isn’t deleted."),
            (false, false) => no("Isn’t going to be deleted: no days are counting."),
        },
        A::SignOut => match facts.sessions {
            0 => no("Signed in nowhere."),
            1 => yes("1 session ends."),
            many => Ok(format!("{many} sessions end.")),
        },
        A::Deactivate => {
            made_here()?;
            match facts.status {
                S::Active => yes("Is taken out of use, and can’t sign in."),
                _ => no("Inactive already."),
            }
        }
        A::Reactivate => {
            made_here()?;
            match (facts.status, facts.name_taken) {
                (S::Inactive, false) => yes("Is in use again."),
                (S::Inactive, true) => no(TAKEN),
                _ => no("Active already."),
            }
        }
        A::Delete => {
            made_here()?;
            yes("Goes into the bin, restorable for 30 days.")
        }
        A::Restore => {
            made_here()?;
            match (facts.in_bin, facts.was_active && facts.name_taken) {
                (false, _) => no("Isn’t in the bin."),
                (true, true) => no(TAKEN),
                (true, false) => yes("Comes back as it was."),
            }
        }
    }
}

const TAKEN: &str = "Somebody else signs in with one of its names by now.";

fn invite(facts: &BulkFacts) -> Result<String, String> {
    use EnrolmentState as E;
    if facts.status != DirectoryStatus::Active {
        return no("Inactive: only users in use can be invited.");
    }
    if !facts.has_address {
        return no("Has neither a mail address nor a user name that is one.");
    }
    match facts.enrolment {
        E::NotInvited => yes("Gets an invitation by mail."),
        E::Expired => yes("Gets another invitation: the link of the last one has ended."),
        E::MailFailed => yes("Gets another invitation: the last mail wasn’t taken."),
        E::Invited => no("Invited already, and the link is still good."),
        E::Enrolled => no("Enrolled already."),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the other side of `no`")]
fn yes(words: &str) -> Result<String, String> {
    Ok(words.to_owned())
}

fn no<T>(words: &str) -> Result<T, String> {
    Err(words.to_owned())
}

/// How many came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkCounts {
    /// All of them.
    pub total: i64,
    /// It will be done, or is still to be done.
    pub would: i64,
    /// It doesn't apply.
    pub skipped: i64,
    /// It was done.
    pub done: i64,
    /// It was refused.
    pub refused: i64,
}

/// What is done to many at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Bulk {
    /// Its id.
    pub id: BulkId,
    /// Whether to users or to groups.
    pub list: GridList,
    /// What.
    pub action: BulkAction,
    /// The group that it names.
    pub group_id: Option<GroupId>,
    /// The group's name.
    pub group_name: Option<String>,
    /// Why, in the words of whoever does it.
    pub note: String,
    /// How far it has come.
    pub status: BulkStatus,
    /// How many came out how.
    pub counts: BulkCounts,
    /// Who does it.
    pub by: String,
    /// When it was looked at.
    pub created_at: DateTime,
    /// When it was applied.
    pub applied_at: Option<DateTime>,
    /// When it was over.
    pub ended_at: Option<DateTime>,
    /// Whether it stopped half-way and waits to be applied further.
    pub stalled: bool,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkItem {
    /// Its place, by name, from 1.
    pub position: i64,
    /// The user's or the group's id.
    pub object_id: uuid::Uuid,
    /// Its customer.
    pub customer_id: CustomerId,
    /// Its name when it was looked at.
    pub name: String,
    /// What tells it from others of its name: the user name, or the mail address.
    pub detail: String,
    /// What came of it.
    pub outcome: BulkOutcome,
    /// What will be or was done, or why not.
    pub words: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_here() -> BulkFacts {
        BulkFacts {
            status: DirectoryStatus::Active,
            editable: Editable::Here,
            in_bin: false,
            was_active: false,
            protected: false,
            counting: false,
            cancelled: false,
            enrolment: EnrolmentState::NotInvited,
            has_address: true,
            mail_sent: false,
            mail_bounced: false,
            name_taken: false,
            in_group: false,
            of_group_customer: true,
            sessions: 0,
        }
    }

    /// The actions that apply.
    fn apply(facts: &BulkFacts) -> Vec<&'static str> {
        let actions = BulkAction::ALL.iter();
        actions
            .filter(|action| decide(**action, facts).is_ok())
            .map(|action| action.as_str())
            .collect()
    }

    #[test]
    fn each_action_applies_to_whom_it_can_be_done() {
        use DirectoryStatus::{Deleted, Inactive};
        let of = |change: fn(&mut BulkFacts)| {
            let mut facts = made_here();
            change(&mut facts);
            apply(&facts)
        };
        let active = ["invite", "add_to_group", "protect", "deactivate", "delete"];
        assert_eq!(of(|_| ()), active);
        assert_eq!(
            of(|facts| facts.editable = Editable::InSource),
            ["invite", "add_to_group", "protect"]
        );
        assert_eq!(
            of(|facts| {
                facts.editable = Editable::InSource;
                facts.status = Inactive;
                facts.counting = true;
                facts.in_group = true;
            }),
            ["remove_from_group", "protect", "cancel_countdown"]
        );
        assert_eq!(
            of(|facts| {
                facts.status = Inactive;
                facts.cancelled = true;
                facts.protected = true;
                facts.of_group_customer = false;
            }),
            ["unprotect", "reactivate", "delete"]
        );
        assert_eq!(
            of(|facts| {
                facts.status = Inactive;
                facts.name_taken = true;
                facts.protected = true;
                facts.sessions = 2;
            }),
            ["add_to_group", "unprotect", "sign_out", "delete"]
        );
        let bin = |facts: &mut BulkFacts| {
            facts.status = Deleted;
            facts.in_bin = true;
            facts.was_active = true;
        };
        assert_eq!(of(bin), ["restore"]);
        let taken = |facts: &mut BulkFacts| {
            facts.status = Deleted;
            facts.in_bin = true;
            facts.was_active = true;
            facts.name_taken = true;
        };
        assert_eq!(of(taken), [""; 0]);
        let by_a_run = |facts: &mut BulkFacts| {
            facts.status = Deleted;
            facts.editable = Editable::InSource;
        };
        assert_eq!(of(by_a_run), [""; 0]);
    }

    #[test]
    fn only_a_mail_that_was_taken_can_come_back() {
        let mut facts = made_here();
        let can = |facts: &BulkFacts, action| decide(action, facts).is_ok();
        assert!(!can(&facts, BulkAction::MarkBounced));
        facts.mail_sent = true;
        assert!(can(&facts, BulkAction::MarkBounced));
        assert!(!can(&facts, BulkAction::UnmarkBounced));
        (facts.mail_sent, facts.mail_bounced) = (false, true);
        assert!(!can(&facts, BulkAction::MarkBounced));
        assert!(can(&facts, BulkAction::UnmarkBounced));
    }

    #[test]
    fn nobody_is_invited_twice_while_the_link_is_good() {
        let states = EnrolmentState::ALL.iter().map(|state| {
            let facts = BulkFacts {
                enrolment: *state,
                ..made_here()
            };
            decide(BulkAction::Invite, &facts).is_ok()
        });
        assert_eq!(states.collect::<Vec<_>>(), [true, false, true, true, false]);
        let without = BulkFacts {
            has_address: false,
            ..made_here()
        };
        assert!(decide(BulkAction::Invite, &without).is_err());
    }
}
