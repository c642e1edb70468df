//! Who of an integration's people keeps a user name that several of them would have.
//!
//! A source gives each person a user name of their own; a mapping rule may make one of several. Nobody
//! gets a name that another has: who was there first keeps it, and the others stay as they are, with
//! that as their error. Who leaves keeps theirs until they have left.

use std::collections::{BTreeMap, HashMap};

use domain::{
    id::ExternalId, mapping::Mapping, policy::Actions, run::Action, user::DirectoryStatus,
};
use uuid::Uuid;

use crate::diff::Outcome;

/// Whether rules make the user names of people: only then two may have one.
pub fn are_made(mapping: &Mapping) -> bool {
    let mut rules = mapping.user.iter();
    rules.any(|rule| rule.attribute == "user_principal_name")
}

/// A person, as far as user names go. Names are folded ([`crate::key`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The source's id.
    pub id: ExternalId,
    /// The id in the directory, where they are there. Ids sort by age.
    pub directory_id: Option<Uuid>,
    /// With what they sign in now; none where they aren't in use.
    pub has: Option<String>,
    /// With what they would after the run; none where they aren't in use then.
    pub wants: Option<String>,
}

impl Claim {
    /// At which name they are unless it is refused to them.
    fn at(&self) -> Option<&str> {
        self.wants.as_deref().or(self.has.as_deref())
    }

    /// Of several at a name the least is first: who has it already, and then who is here longest.
    fn rank(&self, name: &str) -> (bool, bool, Option<Uuid>, ExternalId) {
        (
            self.has.as_deref() != Some(name),
            self.directory_id.is_none(),
            self.directory_id,
            self.id,
        )
    }
}

/// With what somebody signs in after what a run does about them, where nothing is refused. `source` is
/// the user name that it brings, `directory` what the directory has.
pub fn after<'a>(
    actions: Actions,
    outcome: Outcome,
    source: Option<&'a str>,
    directory: Option<(DirectoryStatus, Option<&'a str>)>,
) -> Option<&'a str> {
    let is_active = directory.is_some_and(|(status, _)| status == DirectoryStatus::Active);
    let kept = directory.and_then(|(_, name)| name);
    let Outcome::Change(step) = outcome else {
        return kept.filter(|_| is_active);
    };
    match step.action {
        _ if step.reason.is_some() => None,
        Action::Create | Action::Restore | Action::Match => source,
        Action::Enable if actions.update => source,
        Action::Enable => kept,
        Action::Update => source.filter(|_| is_active),
        Action::Disable | Action::Delete | Action::Filter => None,
    }
}

/// To whom of these the name they want is refused, each with who has it.
pub fn refused(claims: &[Claim]) -> HashMap<ExternalId, ExternalId> {
    let mut at: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, claim) in claims.iter().enumerate() {
        if let Some(name) = claim.at() {
            at.entry(name).or_default().push(place);
        }
    }
    let mut stays = vec![false; claims.len()];
    let mut open: Vec<&str> = at.keys().copied().collect();
    // Each is refused once at most, and then looked for at the name that they keep.
    while let Some(name) = open.pop() {
        let Some(several) = at.get(name).filter(|several| several.len() > 1) else {
            continue;
        };
        let first = first(claims, several, name);
        let losing: Vec<usize> = several
            .iter()
            .copied()
            .filter(|place| {
                let wants = claims[*place].wants.as_deref();
                Some(*place) != first && !stays[*place] && wants == Some(name)
            })
            .collect();
        for place in losing {
            stays[place] = true;
            if let Some(several) = at.get_mut(name) {
                several.retain(|other| *other != place);
            }
            if let Some(kept) = claims[place].has.as_deref() {
                at.entry(kept).or_default().push(place);
                open.push(kept);
            }
        }
    }
    let refused = claims.iter().zip(stays).filter(|(_, stays)| *stays);
    refused
        .filter_map(|(claim, _)| {
            let name = claim.wants.as_deref()?;
            let holder = first(claims, at.get(name)?, name)?;
            Some((claim.id, claims[holder].id))
        })
        .collect()
}

fn first(claims: &[Claim], places: &[usize], name: &str) -> Option<usize> {
    let places = places.iter().copied();
    places.min_by_key(|place| claims[*place].rank(name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::run::Reason;
    use proptest::prelude::*;

    use super::*;
    use crate::diff::Step;

    fn claim(id: u128, here: bool, has: &str, wants: &str) -> Claim {
        let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        Claim {
            id: ExternalId(Uuid::from_u128(id)),
            directory_id: here.then(|| Uuid::from_u128(1_000 - id)),
            has: name(has),
            wants: name(wants),
        }
    }

    /// To whom it is refused, and who has it, by their numbers.
    fn told(claims: &[Claim]) -> Vec<(u128, u128)> {
        let refused = refused(claims).into_iter();
        let mut told: Vec<_> = refused
            .map(|(id, holder)| (id.0.as_u128(), holder.0.as_u128()))
            .collect();
        told.sort_unstable();
        told
    }

    #[test]
    fn who_was_there_first_keeps_a_name() {
        // Two who are new: the order of their ids.
        assert_eq!(
            told(&[claim(2, false, "", "x"), claim(1, false, "", "x")]),
            [(2, 1)]
        );
        // Who has it, before who is here longer and comes to it.
        assert_eq!(
            told(&[claim(2, true, "y", "x"), claim(1, true, "x", "x")]),
            [(2, 1)]
        );
        // Two who come to it: who is here longer, before who is new.
        let three = [
            claim(1, true, "a", "x"),
            claim(2, true, "b", "x"),
            claim(0, false, "", "x"),
        ];
        assert_eq!(told(&three), [(0, 2), (1, 2)]);
        // Two who have it since before rules were looked at.
        assert_eq!(
            told(&[claim(1, true, "x", "x"), claim(2, true, "x", "x")]),
            [(1, 2)]
        );
    }

    #[test]
    fn names_may_be_swapped_and_who_leaves_keeps_theirs_until_then() {
        assert_eq!(
            told(&[claim(1, true, "x", "y"), claim(2, true, "y", "x")]),
            []
        );
        assert_eq!(
            told(&[claim(1, true, "x", ""), claim(2, false, "", "x")]),
            [(2, 1)]
        );
        assert_eq!(
            told(&[claim(1, true, "", ""), claim(2, false, "", "x")]),
            []
        );
    }

    #[test]
    fn to_whom_a_name_is_refused_keeps_the_one_they_have() {
        let chain = [
            claim(1, true, "x", "x"),
            claim(2, true, "y", "x"),
            claim(3, false, "", "y"),
            claim(4, true, "z", "y"),
        ];
        assert_eq!(told(&chain), [(2, 1), (3, 2), (4, 2)]);
    }

    #[test]
    fn after_a_run_somebody_signs_in_with_what_it_brought_them() {
        use DirectoryStatus::{Active, Deleted, Inactive};
        let change = |action, reason| Outcome::Change(Step { action, reason });
        let (on, off) = (
            Actions::default(),
            Actions {
                update: false,
                ..Actions::default()
            },
        );
        let blocked = Some(Reason::SignInBlocked);
        let cases = [
            (on, change(Action::Create, None), None, Some("s")),
            (on, change(Action::Create, blocked), None, None),
            (on, change(Action::Update, None), Some(Active), Some("s")),
            (on, change(Action::Update, None), Some(Inactive), None),
            (on, change(Action::Enable, None), Some(Inactive), Some("s")),
            (off, change(Action::Enable, None), Some(Inactive), Some("d")),
            (off, change(Action::Restore, None), Some(Deleted), Some("s")),
            (on, change(Action::Disable, blocked), Some(Active), None),
            (on, Outcome::Unchanged, Some(Active), Some("d")),
            (
                on,
                Outcome::Failed(Reason::MappingFailed),
                Some(Active),
                Some("d"),
            ),
            (on, Outcome::Absent, Some(Deleted), None),
            (on, Outcome::Filtered(Reason::Guest), None, None),
        ];
        for (actions, outcome, status, expected) in cases {
            let directory = status.map(|status| (status, Some("d")));
            let after = after(actions, outcome, Some("s"), directory);
            assert_eq!(after, expected, "{outcome:?} {status:?}");
        }
    }

    fn any_claims() -> impl Strategy<Value = Vec<Claim>> {
        let name = || prop::option::of(prop::sample::select(vec!["a", "b", "c", "d"]));
        let one = (any::<bool>(), name(), name());
        prop::collection::vec(one, 0..8).prop_map(|all| {
            // Nobody has what another has to begin with.
            let mut had = HashSet::new();
            let numbered = (1..).zip(all);
            numbered
                .map(|(id, (here, has, wants))| {
                    let has = has.filter(|has| here && had.insert(*has));
                    claim(id, here, has.unwrap_or_default(), wants.unwrap_or_default())
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn nobody_has_the_name_of_another_in_any_order(claims in any_claims()) {
            let refused = refused(&claims);
            let mut names = HashSet::new();
            for claim in &claims {
                let name = match refused.get(&claim.id) {
                    Some(_) => claim.has.as_deref(),
                    None => claim.at(),
                };
                prop_assert!(name.is_none_or(|name| names.insert(name)), "{claims:?} {refused:?}");
            }
            let mut turned = claims.clone();
            turned.reverse();
            prop_assert_eq!(super::refused(&turned), refused);
        }
    }
}
