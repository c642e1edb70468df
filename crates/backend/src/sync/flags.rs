//! What is true of an object, as planning reads it: one number, a bit for each.

use domain::{group::GroupKind, policy::ObjectType};
use planner::{derive::Facts, filter::Answer, matching::Standing, read::Presence};

/// What is true of an object, a bit each in a row's flags: on SQLite a column takes as long to
/// hand over as all of them in one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Flag {
    GivenName,
    Surname,
    SignInBlocked,
    Guest,
    Kept,
    /// Its memberships were shown until now, or are only from now on.
    Turned,
    InScope,
    NameTaken,
    /// Where a rule gives its name to another of the integration too, the planner says so.
    NameHeld,
    CountdownCancelled,
    Protected,
    /// A mapping rule fails for it.
    Unmapped,
    /// The source has it, and the directory has it in use as the source says. Asked in a glance.
    Plain,
    /// A rule of the policy protects it. No condition in SQL: the planner compares.
    ByRule,
    /// The filters keep it out. No condition in SQL either.
    FilteredOut,
    /// A filter fails for it.
    FilterFails,
}

impl Flag {
    /// All of them, with the condition of each in SQL.
    pub fn conditions<'a>(
        in_scope: &'a str,
        [name_taken, name_held]: [&'a str; 2],
        protected: &'a str,
    ) -> [(Self, &'a str); 12] {
        [
            (Self::GivenName, "source_object.given_name IS NOT NULL"),
            (Self::Surname, "source_object.surname IS NOT NULL"),
            (Self::SignInBlocked, "source_object.sign_in_blocked"),
            (Self::Guest, "source_object.guest"),
            (Self::Kept, "source_object.kept"),
            (
                Self::Turned,
                "source_object.pending IN ('members', 'withdrawn_members')",
            ),
            (Self::InScope, in_scope),
            (Self::NameTaken, name_taken),
            (Self::NameHeld, name_held),
            (
                Self::CountdownCancelled,
                "d.countdown_cancelled_at IS NOT NULL",
            ),
            (Self::Protected, protected),
            (Self::Unmapped, "source_object.mapping_error IS NOT NULL"),
        ]
    }

    pub const fn bit(self) -> i64 {
        1 << self as u8
    }

    /// Whether it is among the flags.
    pub const fn is_in(self, flags: i64) -> bool {
        flags & self.bit() != 0
    }

    /// The bit in SQL.
    pub fn when(self, condition: &str) -> String {
        format!("CASE WHEN {condition} THEN {} ELSE 0 END", self.bit())
    }
}

/// What decides about an object, from its flags.
pub(super) fn facts(
    object_type: ObjectType,
    presence: Presence,
    flags: i64,
    group_kind: Option<GroupKind>,
) -> Facts {
    Facts {
        object_type,
        presence,
        in_scope: Flag::InScope.is_in(flags),
        has_given_name: Flag::GivenName.is_in(flags),
        has_surname: Flag::Surname.is_in(flags),
        sign_in_blocked: Flag::SignInBlocked.is_in(flags),
        guest: Flag::Guest.is_in(flags),
        filter: match (
            Flag::FilteredOut.is_in(flags),
            Flag::FilterFails.is_in(flags),
        ) {
            (true, _) => Answer::Out,
            (false, true) => Answer::Fails,
            (false, false) => Answer::In,
        },
        unmapped: Flag::Unmapped.is_in(flags),
        matching: Standing::Settled,
        name_taken: Flag::NameTaken.is_in(flags),
        name_held: Flag::NameHeld.is_in(flags),
        group_kind,
    }
}
