//! A round says things more than once and in any order: replays, one object on several pages, a
//! group's members in pieces (graph.md §3.5, §3.6). Per object, and per (group, member), the last
//! statement counts; after that, order and repetition mean nothing.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

use domain::{id::ExternalId, policy::ObjectType};

/// What a page says of one edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MemberOp {
    /// The member.
    pub member: ExternalId,
    /// What it is.
    pub member_type: ObjectType,
    /// Whether it left the group.
    pub removed: bool,
}

/// Keeps of each key the last item, in the order in which those stood.
pub fn last_wins<T, K: Eq + Hash>(
    items: impl IntoIterator<Item = T, IntoIter: DoubleEndedIterator>,
    key: impl Fn(&T) -> K,
) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    let mut kept: Vec<T> = items
        .into_iter()
        .rev()
        .filter(|item| seen.insert(key(item)))
        .collect();
    kept.reverse();
    kept
}

/// What a round says of one group's members, piece after piece.
#[derive(Debug, Default)]
pub struct Members {
    ops: HashMap<ExternalId, MemberOp>,
}

impl Members {
    /// Takes the next piece. A later statement on a member replaces an earlier one.
    pub fn take(&mut self, ops: impl IntoIterator<Item = MemberOp>) {
        for op in ops {
            self.ops.insert(op.member, op);
        }
    }

    /// The edges to add and to remove, given those that are known.
    ///
    /// `complete`: the round named every member there is, so that a known one it didn't name is
    /// gone. In a round of changes, what isn't named stays.
    pub fn settle(self, known: &BTreeMap<ExternalId, ObjectType>, complete: bool) -> Settled {
        let mut settled = Settled::default();
        for (member, op) in &self.ops {
            match (op.removed, known.contains_key(member)) {
                (false, false) => settled.added.push((*member, op.member_type)),
                (true, true) => settled.removed.push(*member),
                _ => {}
            }
        }
        if complete {
            let unseen = known.keys().filter(|member| !self.ops.contains_key(member));
            settled.removed.extend(unseen);
        }
        settled.added.sort_unstable();
        settled.removed.sort_unstable();
        settled
    }
}

/// What a round changes of one group's members, each list sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Edges that weren't known.
    pub added: Vec<(ExternalId, ObjectType)>,
    /// Known edges that are no more.
    pub removed: Vec<ExternalId>,
}

impl Settled {
    /// Whether the round changes nothing of the group.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn op() -> impl Strategy<Value = MemberOp> {
        (0u128..12, any::<bool>()).prop_map(|(id, removed)| MemberOp {
            member: ExternalId(Uuid::from_u128(id)),
            member_type: ObjectType::User,
            removed,
        })
    }

    fn applied(
        known: &BTreeMap<ExternalId, ObjectType>,
        settled: &Settled,
    ) -> BTreeMap<ExternalId, ObjectType> {
        let mut after = known.clone();
        after.extend(settled.added.iter().copied());
        for member in &settled.removed {
            after.remove(member);
        }
        after
    }

    fn settle(ops: &[MemberOp], known: &BTreeMap<ExternalId, ObjectType>, whole: bool) -> Settled {
        let mut members = Members::default();
        members.take(ops.iter().copied());
        members.settle(known, whole)
    }

    #[test]
    fn the_last_statement_counts() {
        let kept = last_wins(vec![(1, 'a'), (2, 'b'), (1, 'c')], |(key, _)| *key);
        assert_eq!(kept, vec![(2, 'b'), (1, 'c')]);
    }

    proptest! {
        #[test]
        fn merging_again_changes_nothing(
            ops in prop::collection::vec(op(), 0..30),
            before in prop::collection::btree_set(0u128..12, 0..12),
            whole in any::<bool>(),
        ) {
            let known: BTreeMap<_, _> = before.into_iter()
                .map(|id| (ExternalId(Uuid::from_u128(id)), ObjectType::User)).collect();
            let after = applied(&known, &settle(&ops, &known, whole));
            prop_assert_eq!(settle(&ops, &after, whole), Settled::default());
        }

        #[test]
        fn after_the_last_statement_wins_order_and_repetition_mean_nothing(
            ops in prop::collection::vec(op(), 0..30),
            order in any::<u64>(),
            cut in 0usize..30,
        ) {
            let known = BTreeMap::new();
            let last = last_wins(ops.clone(), |op| op.member);
            let mut shuffled = last.clone();
            shuffled.sort_by_key(|op| op.member.0.as_u128().wrapping_mul(u128::from(order | 1)));
            shuffled.extend(last.iter().take(cut).copied());
            prop_assert_eq!(settle(&ops, &known, true), settle(&shuffled, &known, true));
        }

        #[test]
        fn pages_can_be_cut_anywhere(
            ops in prop::collection::vec(op(), 0..30),
            cut in 0usize..30,
            whole in any::<bool>(),
        ) {
            let known = BTreeMap::from([(ExternalId(Uuid::from_u128(3)), ObjectType::User)]);
            let mut pieces = Members::default();
            let (first, second) = ops.split_at(cut.min(ops.len()));
            pieces.take(last_wins(first.to_vec(), |op| op.member));
            pieces.take(last_wins(second.to_vec(), |op| op.member));
            prop_assert_eq!(pieces.settle(&known, whole), settle(&ops, &known, whole));
        }
    }
}
