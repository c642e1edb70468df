//! The policy decides what should be of one object. Nothing else does: a preview, a run and
//! "Why?" ask here.

use domain::{
    group::GroupKind,
    policy::{ObjectType, Policy},
    run::Reason,
};

use crate::{filter::Answer, matching::Standing, read::Presence};

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
    /// What the filters say of it.
    pub filter: Answer,
    /// Whether a mapping rule fails for it, so that what it should be like isn't known.
    pub unmapped: bool,
    /// How it stands to people who are here already, where the integration doesn't have it here yet.
    pub matching: Standing,
    /// Whether an active user of an older integration of the customer, or one made here, has this
    /// user name.
    pub name_taken: bool,
    /// Whether somebody else who is in use signs in with the user name of somebody whom the integration
    /// has here already: somebody made here, or by an alias. What the source says of a person is no
    /// reason to take another's name, nor to put the person out of use.
    pub name_held: bool,
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
    /// It may belong into the directory: a filter or a mapping rule fails for it, or its user name is
    /// held here, so it stays as it is there, but for a blocked sign-in, which counts all the same.
    Undecided {
        /// What fails.
        reason: Reason,
        /// Whether its sign-in is blocked, and that counts.
        blocked: bool,
    },
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
            Self::Undecided { reason, .. } | Self::Filtered(reason) | Self::Absent(reason) => {
                Some(reason)
            }
        }
    }
}

/// One question about an object. The first that decides has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Question {
    /// Does the source have it?
    Presence,
    /// Are objects of its type read?
    ObjectType,
    /// Does the scope hold it?
    Scope,
    /// Can groups of its kind be kept in step?
    GroupKind,
    /// Is it a guest, and are guests kept out?
    Guest,
    /// Does it have both names, where both are required? Names that rules make aren't known while a
    /// rule fails, and then nobody is kept out for them.
    Names,
    /// Do the filters let it in?
    Filter,
    /// Does every mapping rule work for it? Whom the questions before keep out is kept out whatever
    /// rules make.
    Mapping,
    /// Is it decided whether it is somebody who is here already? Before the sign-in: somebody who is
    /// blocked isn't to come in twice either.
    Matching,
    /// Is its sign-in blocked, and does that count? Before the user name: a blocked person needs
    /// none of their own.
    SignIn,
    /// Is its user name free?
    UserName,
}

impl Question {
    /// Every question, in the order in which they are asked.
    pub const ALL: [Self; 11] = [
        Self::Presence,
        Self::ObjectType,
        Self::Scope,
        Self::GroupKind,
        Self::Guest,
        Self::Names,
        Self::Filter,
        Self::Mapping,
        Self::Matching,
        Self::SignIn,
        Self::UserName,
    ];

    /// Whether it is asked about objects of this type.
    pub const fn concerns(self, object_type: ObjectType) -> bool {
        match self {
            Self::Presence | Self::ObjectType | Self::Scope | Self::Filter | Self::Mapping => true,
            Self::GroupKind => matches!(object_type, ObjectType::Group),
            // "Is Sign in Blocked on AD": a device signs in too.
            Self::SignIn => matches!(object_type, ObjectType::User | ObjectType::Device),
            Self::Guest | Self::Names | Self::Matching | Self::UserName => {
                matches!(object_type, ObjectType::User)
            }
        }
    }

    /// What it decides; none where it lets the object through to the next question.
    pub fn decides(self, policy: &Policy, facts: &Facts) -> Option<Derived> {
        let when = |is: bool, derived| is.then_some(derived);
        let undecided = |reason| Derived::Undecided {
            reason,
            blocked: facts.sign_in_blocked && policy.blocked_sign_in_disables,
        };
        match self {
            Self::Presence => facts.presence.reason().map(Derived::Absent),
            Self::ObjectType => when(
                !policy.reads(facts.object_type),
                Derived::Absent(Reason::OutOfScope),
            ),
            Self::Scope => when(!facts.in_scope, Derived::Absent(Reason::OutOfScope)),
            Self::GroupKind => facts
                .group_kind
                .and_then(GroupKind::refused)
                .map(Derived::Filtered),
            Self::Guest => when(
                facts.guest && !policy.include_guests,
                Derived::Filtered(Reason::Guest),
            ),
            Self::Filter => match facts.filter {
                Answer::In => None,
                Answer::Out => Some(Derived::Filtered(Reason::ExcludedByFilter)),
                Answer::Fails => Some(undecided(Reason::FilterFailed)),
            },
            Self::Mapping => when(facts.unmapped, undecided(Reason::MappingFailed)),
            Self::Names => when(
                policy.require_names
                    && !(facts.has_given_name && facts.has_surname)
                    && !(facts.unmapped && makes_names(policy)),
                Derived::Filtered(Reason::MissingName),
            ),
            Self::Matching => match facts.matching {
                Standing::Settled => None,
                Standing::Undecided => Some(Derived::Filtered(Reason::MatchUndecided)),
                Standing::Unconfirmed => Some(Derived::Filtered(Reason::NewUndecided)),
                Standing::Ignored => Some(Derived::Filtered(Reason::MatchIgnored)),
            },
            Self::SignIn => when(
                facts.sign_in_blocked && policy.blocked_sign_in_disables,
                Derived::Blocked,
            ),
            Self::UserName if facts.name_taken => {
                Some(Derived::Filtered(Reason::DuplicateUserName))
            }
            Self::UserName => when(facts.name_held, undecided(Reason::UserNameHeld)),
        }
    }
}

/// Whether rules make what the question about names looks at.
fn makes_names(policy: &Policy) -> bool {
    let mut rules = policy.mapping.user.iter();
    rules.any(|rule| matches!(rule.attribute.as_str(), "given_name" | "surname"))
}

/// A question as it went for one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It let the object through.
    Passed,
    /// It decided.
    Decided(Derived),
    /// One before it had decided.
    NotReached,
}

/// What should be of the object with these facts. Of several reasons the one of the first
/// question in the order of [`Question::ALL`] is given.
pub fn derive(policy: &Policy, facts: &Facts) -> Derived {
    Question::ALL
        .into_iter()
        .filter(|question| question.concerns(facts.object_type))
        .find_map(|question| question.decides(policy, facts))
        .unwrap_or(Derived::Active)
}

/// How [`derive()`] came to its answer: each question about objects of this type, in order.
pub fn trace(policy: &Policy, facts: &Facts) -> Vec<(Question, Asked)> {
    let mut decided = false;
    Question::ALL
        .into_iter()
        .filter(|question| question.concerns(facts.object_type))
        .map(|question| {
            let asked = match question.decides(policy, facts) {
                _ if decided => Asked::NotReached,
                Some(derived) => {
                    decided = true;
                    Asked::Decided(derived)
                }
                None => Asked::Passed,
            };
            (question, asked)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::mapping::{AttributeRule, MappingRule};
    use proptest::prelude::*;

    const PERSON: Facts = Facts {
        object_type: ObjectType::User,
        presence: Presence::Present,
        in_scope: true,
        has_given_name: true,
        has_surname: true,
        sign_in_blocked: false,
        guest: false,
        filter: Answer::In,
        unmapped: false,
        matching: Standing::Settled,
        name_taken: false,
        name_held: false,
        group_kind: None,
    };

    const fn undecided(reason: Reason, blocked: bool) -> Derived {
        Derived::Undecided { reason, blocked }
    }

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
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
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
                    name_held: true,
                    ..PERSON
                },
                undecided(Reason::UserNameHeld, false),
            ),
            (
                Facts {
                    name_taken: true,
                    name_held: true,
                    ..PERSON
                },
                Derived::Filtered(Reason::DuplicateUserName),
            ),
            (
                Facts {
                    name_held: true,
                    ..blocked
                },
                Derived::Blocked,
            ),
            (
                Facts {
                    matching: Standing::Undecided,
                    name_taken: true,
                    ..blocked
                },
                Derived::Filtered(Reason::MatchUndecided),
            ),
            (
                Facts {
                    matching: Standing::Unconfirmed,
                    ..PERSON
                },
                Derived::Filtered(Reason::NewUndecided),
            ),
            (
                Facts {
                    matching: Standing::Ignored,
                    ..PERSON
                },
                Derived::Filtered(Reason::MatchIgnored),
            ),
            (
                Facts {
                    matching: Standing::Undecided,
                    ..guest
                },
                Derived::Filtered(Reason::Guest),
            ),
            (
                Facts {
                    unmapped: true,
                    ..PERSON
                },
                undecided(Reason::MappingFailed, false),
            ),
            (
                Facts {
                    unmapped: true,
                    has_surname: false,
                    ..PERSON
                },
                Derived::Filtered(Reason::MissingName),
            ),
            (
                Facts {
                    unmapped: true,
                    ..blocked
                },
                undecided(Reason::MappingFailed, true),
            ),
            (
                Facts {
                    unmapped: true,
                    ..guest
                },
                Derived::Filtered(Reason::Guest),
            ),
            (
                Facts {
                    name_taken: true,
                    ..blocked
                },
                Derived::Blocked,
            ),
            (
                Facts {
                    filter: Answer::Out,
                    unmapped: true,
                    ..blocked
                },
                Derived::Filtered(Reason::ExcludedByFilter),
            ),
            (
                Facts {
                    filter: Answer::Fails,
                    unmapped: true,
                    ..blocked
                },
                undecided(Reason::FilterFailed, true),
            ),
            (
                Facts {
                    filter: Answer::Out,
                    ..guest
                },
                Derived::Filtered(Reason::Guest),
            ),
            (
                Facts {
                    filter: Answer::Out,
                    ..group(GroupKind::Security)
                },
                Derived::Filtered(Reason::ExcludedByFilter),
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

    #[test]
    fn names_that_a_failing_rule_makes_keep_nobody_out() {
        let mut policy = Policy::default();
        policy.mapping.user = vec![AttributeRule {
            attribute: "surname".to_owned(),
            rule: MappingRule::Source("employeeId".to_owned()),
        }];
        let nameless = Facts {
            has_surname: false,
            ..PERSON
        };
        let filtered = Derived::Filtered(Reason::MissingName);
        assert_eq!(derive(&policy, &nameless), filtered);
        let failing = Facts {
            unmapped: true,
            ..nameless
        };
        let unmapped = undecided(Reason::MappingFailed, false);
        assert_eq!(derive(&policy, &failing), unmapped);
    }

    fn any_facts() -> impl Strategy<Value = Facts> {
        let object_type = prop::sample::select(ObjectType::ALL.to_vec());
        let presence = prop::sample::select(vec![
            Presence::Present,
            Presence::SoftDeleted,
            Presence::Gone,
        ]);
        let kind = prop::option::of(prop::sample::select(GroupKind::ALL.to_vec()));
        let filter = prop::sample::select(vec![Answer::In, Answer::Out, Answer::Fails]);
        let matching = prop::sample::select(vec![
            Standing::Settled,
            Standing::Undecided,
            Standing::Unconfirmed,
            Standing::Ignored,
        ]);
        (
            object_type,
            presence,
            kind,
            filter,
            matching,
            any::<[bool; 8]>(),
        )
            .prop_map(
                |(object_type, presence, group_kind, filter, matching, flags)| Facts {
                    filter,
                    matching,
                    object_type,
                    presence,
                    in_scope: flags[0],
                    has_given_name: flags[1],
                    has_surname: flags[2],
                    sign_in_blocked: flags[3],
                    guest: flags[4],
                    name_taken: flags[5],
                    unmapped: flags[6],
                    name_held: flags[7],
                    group_kind,
                },
            )
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        let types = prop::sample::subsequence(ObjectType::ALL.to_vec(), 0..=5);
        (types, any::<[bool; 3]>()).prop_map(|(object_types, flags)| Policy {
            object_types,
            include_guests: flags[0],
            require_names: flags[1],
            blocked_sign_in_disables: flags[2],
            ..Policy::default()
        })
    }

    proptest! {
        #[test]
        fn a_trace_ends_where_derive_does(policy in any_policy(), facts in any_facts()) {
            let steps = trace(&policy, &facts);
            let decided: Vec<_> = steps
                .iter()
                .filter_map(|(_, asked)| match asked {
                    Asked::Decided(derived) => Some(*derived),
                    _ => None,
                })
                .collect();
            prop_assert!(decided.len() <= 1);
            let end = decided.first().copied().unwrap_or(Derived::Active);
            prop_assert_eq!(end, derive(&policy, &facts));
            // Nothing is reached behind a decision, and everything before it passed.
            let at = steps.iter().position(|(_, asked)| matches!(asked, Asked::Decided(_)));
            for (place, (question, asked)) in steps.iter().enumerate() {
                prop_assert!(question.concerns(facts.object_type));
                match at {
                    Some(at) if place > at => prop_assert_eq!(*asked, Asked::NotReached),
                    Some(at) if place == at => {}
                    _ => prop_assert_eq!(*asked, Asked::Passed),
                }
            }
        }
    }
}
