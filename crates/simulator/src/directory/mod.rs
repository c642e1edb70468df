//! What a tenant holds: objects, memberships and the log of everything that changed.

pub(crate) mod changes;
pub(crate) mod json;
pub(crate) mod object;
pub(crate) mod round;
pub(crate) mod schema;
pub mod snapshot;

use std::collections::HashMap;

use uuid::Uuid;

use object::{Edge, Object, Ref};
use schema::Kind;

/// Marks in a change mask above the property bits.
pub(crate) mod mark {
    /// The object came to be.
    pub const CREATED: u64 = 1 << 63;
    /// It went to the bin, or was purged.
    pub const DELETED: u64 = 1 << 62;
    /// It came back from the bin.
    pub const RESTORED: u64 = 1 << 61;
    /// A member came or went.
    pub const MEMBERS: u64 = 1 << 60;
    /// What every delta query sees, whatever it selected.
    pub const LIFE: u64 = CREATED | DELETED | RESTORED;
}

/// One entry of the change log. Its place in the log, counted from 1, is its sequence number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    /// Unix milliseconds.
    pub at_ms: i64,
    pub object: Ref,
    /// The member that came or went, with [`mark::MEMBERS`].
    pub member: Option<Ref>,
    /// Property bits and [`mark`]s.
    pub mask: u64,
}

/// All objects of one tenant.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    objects: Vec<Object>,
    by_id: HashMap<Uuid, Ref>,
    by_kind: [Vec<Ref>; Kind::ALL.len()],
    log: Vec<Change>,
    /// Deleted objects that can be restored, oldest first.
    bin: Vec<Ref>,
}

impl Directory {
    /// Adds an object that was there before anyone asked: not a change.
    pub fn seed(&mut self, object: Object) -> Ref {
        let at = Ref::new(self.objects.len());
        self.by_id.insert(object.id, at);
        self.by_kind[object.kind.index()].push(at);
        self.objects.push(object);
        at
    }

    /// Adds an object that was in the bin before anyone asked.
    pub fn seed_binned(&mut self, object: Object) {
        let at = self.seed(object);
        self.bin.push(at);
    }

    /// Adds a membership that was there before anyone asked. The pair must be new.
    pub fn seed_edge(&mut self, group: Ref, member: Ref) {
        self.objects[group.index()]
            .members
            .push(Edge { member, live: true });
        self.objects[member.index()].member_of.push(group);
    }

    pub fn get(&self, at: Ref) -> &Object {
        &self.objects[at.index()]
    }

    pub(crate) fn get_mut(&mut self, at: Ref) -> &mut Object {
        &mut self.objects[at.index()]
    }

    /// The object with this id, alive or not.
    pub fn find(&self, id: Uuid) -> Option<Ref> {
        self.by_id.get(&id).copied()
    }

    /// The living object of `kind` with this id.
    pub fn find_alive(&self, kind: Kind, id: Uuid) -> Option<Ref> {
        self.find(id).filter(|at| {
            let object = self.get(*at);
            object.kind == kind && object.is_alive()
        })
    }

    /// The living user with this user principal name.
    pub fn find_upn(&self, upn: &str) -> Option<Ref> {
        self.of_kind(Kind::User).iter().copied().find(|at| {
            let object = self.get(*at);
            object.is_alive()
                && object
                    .text(schema::user::UPN)
                    .is_some_and(|text| text.to_lowercase() == upn.to_lowercase())
        })
    }

    /// Every object of `kind` there ever was, in the order in which they came.
    pub fn of_kind(&self, kind: Kind) -> &[Ref] {
        &self.by_kind[kind.index()]
    }

    /// The living objects of `kind`.
    pub fn alive(&self, kind: Kind) -> impl Iterator<Item = Ref> {
        self.of_kind(kind)
            .iter()
            .copied()
            .filter(|at| self.get(*at).is_alive())
    }

    /// The sequence number of the last change.
    pub fn sequence(&self) -> u64 {
        self.log.len() as u64
    }

    /// The sequence number of the last change made at or before `at_ms` (Unix milliseconds).
    pub fn sequence_at(&self, at_ms: i64) -> u64 {
        self.log.partition_point(|change| change.at_ms <= at_ms) as u64
    }

    /// The changes after `from` up to and including `to`.
    pub fn changes(&self, from: u64, to: u64) -> &[Change] {
        let clamp = |seq| {
            usize::try_from(seq)
                .unwrap_or(usize::MAX)
                .min(self.log.len())
        };
        &self.log[clamp(from).min(clamp(to))..clamp(to)]
    }

    /// Whether this edge is one a reader sees: not removed, and the member alive.
    pub fn visible(&self, edge: Edge) -> bool {
        edge.live && self.get(edge.member).is_alive()
    }

    /// The members of `group` that a reader sees.
    pub fn members(&self, group: Ref) -> impl Iterator<Item = Ref> {
        let edges = self.get(group).members.iter().copied();
        edges
            .filter(|edge| self.visible(*edge))
            .map(|edge| edge.member)
    }

    /// The living groups that name `member` directly.
    pub fn groups_of(&self, member: Ref) -> impl Iterator<Item = Ref> {
        self.get(member)
            .member_of
            .iter()
            .copied()
            .filter(move |group| {
                let group = self.get(*group);
                group.is_alive()
                    && group
                        .members
                        .iter()
                        .any(|edge| edge.member == member && edge.live)
            })
    }

    /// Everyone reachable from `start` by `next`, `start` left out, each once, nearest first.
    pub fn closure<I: Iterator<Item = Ref>>(
        &self,
        start: Ref,
        mut next: impl FnMut(Ref) -> I,
    ) -> Vec<Ref> {
        let mut seen = std::collections::HashSet::from([start]);
        let mut found = Vec::new();
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for neighbour in next(at) {
                if seen.insert(neighbour) {
                    found.push(neighbour);
                    if self.get(neighbour).kind == Kind::Group {
                        queue.push_back(neighbour);
                    }
                }
            }
        }
        found
    }

    /// Deleted objects of `kind` that can be restored.
    pub fn deleted(&self, kind: Kind) -> impl Iterator<Item = Ref> {
        self.bin
            .iter()
            .copied()
            .filter(move |at| self.get(*at).kind == kind)
    }
}
