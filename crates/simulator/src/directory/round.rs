//! One round of a delta query: which objects it shows, in which order (graph.md §3).
//!
//! A round is fixed by where it began and where it ends in the change log. What it shows of an
//! object is always the present state, so that showing it again does no harm.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::object::Ref;
use super::schema::Kind;
use super::{Directory, mark};

/// What a round is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub kind: Kind,
    /// Only these objects; empty: all.
    pub ids: Vec<Uuid>,
    /// The properties that are tracked.
    pub mask: u64,
    /// Whether memberships are tracked.
    pub members: bool,
}

/// One object of an incremental round.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub object: Ref,
    /// What changed: property bits and [`mark`]s.
    pub mask: u64,
    /// The members that came or went, each once.
    pub touched: Vec<Ref>,
}

impl Directory {
    /// The objects that changed after `from` up to `to`, in the order of their first change.
    pub fn changed(&self, scope: &Scope, from: u64, to: u64) -> Vec<Item> {
        let wanted = scope.mask | mark::LIFE | if scope.members { mark::MEMBERS } else { 0 };
        let ids: HashSet<Uuid> = scope.ids.iter().copied().collect();
        let mut items: Vec<Item> = Vec::new();
        let mut places: HashMap<Ref, usize> = HashMap::new();
        let mut touched: HashSet<(Ref, Ref)> = HashSet::new();
        for change in self.changes(from, to) {
            let object = self.get(change.object);
            if object.kind != scope.kind
                || change.mask & wanted == 0
                || !(ids.is_empty() || ids.contains(&object.id))
            {
                continue;
            }
            let place = *places.entry(change.object).or_insert_with(|| {
                items.push(Item {
                    object: change.object,
                    mask: 0,
                    touched: Vec::new(),
                });
                items.len() - 1
            });
            let item = &mut items[place];
            item.mask |= change.mask;
            if let Some(member) = change.member
                && touched.insert((change.object, member))
            {
                item.touched.push(member);
            }
        }
        items
    }

    /// The objects a first round walks over; page tokens count places in this list.
    pub fn walk(&self, scope: &Scope) -> Cow<'_, [Ref]> {
        if scope.ids.is_empty() {
            return Cow::Borrowed(self.of_kind(scope.kind));
        }
        let wanted = |at: &Ref| self.get(*at).kind == scope.kind;
        scope
            .ids
            .iter()
            .filter_map(|id| self.find(*id))
            .filter(wanted)
            .collect()
    }
}
