//! The policy decides what should be of one object. Nothing else does: a preview, a run and
//! "Why?" ask here.

use domain::{
    group::GroupKind,
    policy::{ObjectType, Policy},
    run::Reason,
};

use crate::read::Presence;

/// What decides about one object: nothing of its content that the decision doesn't need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each a column of its own"
)]
pub struct Facts {
    /// What it is.
    pub object_type: ObjectType,
    /// Whether the source has it.
    pub presence: Presence,
    /// Whether the policy's scope holds it: the whole tenant, or a selected group.
    pub in_scope: bool,
    /// Whether a user has a first name.
    pub has_given_name: bool,
    /// Whether a user has a last name.
    pub has_surname: bool,
    /// "Is Sign in Blocked on AD".
    pub sign_in_blocked: bool,
    /// Whether a user is a guest.
    pub guest: bool,
    /// Whether an active user of an older integration of the customer has this user name.
    pub name_taken: bool,
    /// A group's kind.
    pub group_kind: Option<GroupKind>,
}

/// What should be of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derived {
    /// It belongs into the directory, in use.
    Active,
    /// It belongs into the directory, not in use: its sign-in is blocked in the source.
    Blocked,
    /// The source has it, in scope, and the policy keeps it out: the reasons that are shown as
    /// filtered.
    Filtered(Reason),
    /// It isn't there for this integration: out of scope, deleted or gone. Nobody who was never
    /// in the directory is mentioned for this (sync.md rule 10).
    Absent(Reason),
}

impl Derived {
    /// Whether it belongs into the directory.
    pub const fn is_wanted(self) -> bool {
        matches!(self, Self::Active | Self::Blocked)
    }

    /// Why it doesn't belong into the directory in use; none where it does.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Active => None,
            Self::Blocked => Some(Reason::SignInBlocked),
            Self::Filtered(reason) | Self::Absent(reason) => Some(reason),
        }
    }
}

/// What should be of the object with these facts. Of several reasons the first in this order is
/// given:
/// gone, out of scope, kind, guest, names; a blocked person needs no user name of their own.
pub fn derive(policy: &Policy, facts: &Facts) -> Derived {
    if let Some(reason) = facts.presence.reason() {
        return Derived::Absent(reason);
    }
    if !facts.in_scope || !policy.reads(facts.object_type) {
        return Derived::Absent(Reason::OutOfScope);
    }
    match facts.object_type {
        ObjectType::User => user(policy, facts),
        ObjectType::Group => match facts.group_kind.and_then(GroupKind::refused) {
            Some(reason) => Derived::Filtered(reason),
            None => Derived::Active,
        },
        ObjectType::Contact | ObjectType::Device | ObjectType::Membership => Derived::Active,
    }
}

fn user(policy: &Policy, facts: &Facts) -> Derived {
    if facts.guest && !policy.include_guests {
        Derived::Filtered(Reason::Guest)
    } else if policy.require_names && !(facts.has_given_name && facts.has_surname) {
        Derived::Filtered(Reason::MissingName)
    } else if facts.sign_in_blocked && policy.blocked_sign_in_disables {
        Derived::Blocked
    } else if facts.name_taken {
        Derived::Filtered(Reason::DuplicateUserName)
    } else {
        Derived::Active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: Facts = Facts {
        object_type: ObjectType::User,
        presence: Presence::Present,
        in_scope: true,
        has_given_name: true,
        has_surname: true,
        sign_in_blocked: false,
        guest: false,
        name_taken: false,
        group_kind: None,
    };

    fn group(kind: GroupKind) -> Facts {
        Facts {
            object_type: ObjectType::Group,
            group_kind: Some(kind),
            has_given_name: false,
            has_surname: false,
            ..PERSON
        }
    }

    #[test]
    fn the_default_policy_decides_as_the_seeds_say() {
        let policy = Policy::default();
        let blocked = Facts {
            sign_in_blocked: true,
            ..PERSON
        };
        let guest = Facts {
            guest: true,
            ..PERSON
        };
        let cases = [
            (PERSON, Derived::Active),
            (blocked, Derived::Blocked),
            (guest, Derived::Filtered(Reason::Guest)),
            (
                Facts {
                    has_given_name: false,
                    ..PERSON
                },
                Derived::Filtered(Reason::MissingName),
            ),
            (
                Facts {
                    has_surname: false,
                    sign_in_blocked: true,
                    ..PERSON
                },
                Derived::Filtered(Reason::MissingName),
            ),
            (
                Facts {
                    in_scope: false,
                    ..guest
                },
                Derived::Absent(Reason::OutOfScope),
            ),
            (
                Facts {
                    presence: Presence::SoftDeleted,
                    in_scope: false,
                    ..PERSON
                },
                Derived::Absent(Reason::SoftDeleted),
            ),
            (
                Facts {
                    presence: Presence::Gone,
                    ..PERSON
                },
                Derived::Absent(Reason::Gone),
            ),
            (
                Facts {
                    name_taken: true,
                    ..PERSON
                },
                Derived::Filtered(Reason::DuplicateUserName),
            ),
            (
                Facts {
                    name_taken: true,
                    ..blocked
                },
                Derived::Blocked,
            ),
            (group(GroupKind::Security), Derived::Active),
            (group(GroupKind::Microsoft365), Derived::Active),
            (
                group(GroupKind::Distribution),
                Derived::Filtered(Reason::DistributionList),
            ),
            (
                group(GroupKind::MailEnabledSecurity),
                Derived::Filtered(Reason::MailEnabledSecurityGroup),
            ),
        ];
        for (facts, derived) in cases {
            assert_eq!(derive(&policy, &facts), derived, "{facts:?}");
        }
    }

    #[test]
    fn the_switches_of_the_policy_switch() {
        let policy = Policy {
            include_guests: true,
            require_names: false,
            blocked_sign_in_disables: false,
            object_types: vec![ObjectType::User],
            ..Policy::default()
        };
        let facts = Facts {
            guest: true,
            has_surname: false,
            sign_in_blocked: true,
            ..PERSON
        };
        assert_eq!(derive(&policy, &facts), Derived::Active);
        assert_eq!(
            derive(&policy, &group(GroupKind::Security)),
            Derived::Absent(Reason::OutOfScope)
        );
    }
}
