//! What can be done to a directory. Every change goes into the log that delta queries read.

use serde_json::Value as Json;
use thiserror::Error;
use uuid::Uuid;

use super::object::{Attr, Edge, Life, Object, Ref};
use super::schema::{self, Kind, Slot};
use super::{Change, Directory, mark};

/// Why a change was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ChangeError {
    /// There is no such object, or it isn't alive.
    #[error("there is no {wanted} with the id {id}")]
    NotFound {
        /// What was looked for.
        wanted: &'static str,
        /// Under which id.
        id: Uuid,
    },
    /// The attribute doesn't exist or can't be set.
    #[error("a {kind} has no attribute {name:?} that can be set")]
    UnknownAttribute {
        /// The kind of object.
        kind: &'static str,
        /// The attribute as it was named.
        name: String,
    },
    /// The value has the wrong type.
    #[error("the attribute {name:?} takes {wanted}")]
    WrongValue {
        /// The attribute.
        name: String,
        /// What it takes.
        wanted: &'static str,
    },
    /// The id is taken.
    #[error("the id {0} is taken")]
    Taken(Uuid),
    /// Groups of this kind can't hold this member.
    #[error("{0}")]
    NotAllowed(&'static str),
}

impl Directory {
    fn record(&mut self, at_ms: i64, object: Ref, member: Option<Ref>, mask: u64) {
        self.log.push(Change {
            at_ms,
            object,
            member,
            mask,
        });
    }

    /// The object with this id in the wanted state of life.
    pub fn require(
        &self,
        id: Uuid,
        wanted: &'static str,
        fits: impl Fn(&Object) -> bool,
    ) -> Result<Ref, ChangeError> {
        self.find(id)
            .filter(|at| fits(self.get(*at)))
            .ok_or(ChangeError::NotFound { wanted, id })
    }

    /// Adds a new object.
    pub fn create(&mut self, now_ms: i64, mut object: Object) -> Result<Ref, ChangeError> {
        if self.find(object.id).is_some() {
            return Err(ChangeError::Taken(object.id));
        }
        object.created_seq = self.sequence() + 1;
        let at = self.seed(object);
        self.record(now_ms, at, None, mark::CREATED);
        Ok(at)
    }

    /// Sets one attribute by its Graph name. `null` clears it. Setting what it already is isn't
    /// a change.
    pub fn set(
        &mut self,
        now_ms: i64,
        at: Ref,
        name: &str,
        value: &Json,
    ) -> Result<(), ChangeError> {
        let mask = assign(self.get_mut(at), name, value)?;
        if mask != 0 {
            self.record(now_ms, at, None, mask);
        }
        Ok(())
    }

    /// Deletes: users and Microsoft 365 groups go to the bin unless `hard`, the rest is gone at
    /// once (graph.md §3.3).
    pub fn delete(&mut self, now_ms: i64, at: Ref, hard: bool) {
        let object = self.get(at);
        let was_alive = object.is_alive();
        let to_bin = !hard
            && (object.kind == Kind::User
                || object.kind == Kind::Group && object.has(schema::group::UNIFIED));
        if was_alive {
            self.record_edges_of(now_ms, at);
        }
        self.bin.retain(|other| *other != at);
        if to_bin {
            self.get_mut(at).life = Life::Binned(now_ms.div_euclid(1000));
            self.bin.push(at);
        } else {
            self.get_mut(at).life = Life::Purged;
        }
        self.record(now_ms, at, None, mark::DELETED);
    }

    /// Deletes so that it can be restored, whatever kind of object it is.
    pub fn put_into_bin(&mut self, now_ms: i64, at: Ref) {
        self.record_edges_of(now_ms, at);
        self.get_mut(at).life = Life::Binned(now_ms.div_euclid(1000));
        self.bin.push(at);
        self.record(now_ms, at, None, mark::DELETED);
    }

    /// Brings an object back from the bin, with its memberships.
    pub fn restore(&mut self, now_ms: i64, at: Ref) {
        self.bin.retain(|other| *other != at);
        self.get_mut(at).life = Life::Alive;
        self.record(now_ms, at, None, mark::RESTORED);
        self.record_edges_of(now_ms, at);
    }

    /// Purges what has been in the bin since before `limit` (Unix seconds). Returns how many.
    pub fn purge_before(&mut self, now_ms: i64, limit: i64) -> usize {
        let old: Vec<Ref> = self
            .bin
            .iter()
            .copied()
            .filter(|at| self.binned_before(*at, limit))
            .collect();
        for at in &old {
            self.delete(now_ms, *at, true);
        }
        old.len()
    }

    /// Whether [`Directory::purge_before`] would do anything.
    pub fn has_binned_before(&self, limit: i64) -> bool {
        self.bin.iter().any(|at| self.binned_before(*at, limit))
    }

    fn binned_before(&self, at: Ref, limit: i64) -> bool {
        matches!(self.get(at).life, Life::Binned(since) if since < limit)
    }

    /// A member that goes or comes back changes every group that names it.
    fn record_edges_of(&mut self, now_ms: i64, member: Ref) {
        let groups: Vec<Ref> = self
            .get(member)
            .member_of
            .iter()
            .copied()
            .filter(|group| {
                self.get(*group)
                    .members
                    .iter()
                    .any(|e| e.member == member && e.live)
            })
            .collect();
        for group in groups {
            self.record(now_ms, group, Some(member), mark::MEMBERS);
        }
    }

    /// Adds a member. `false` when it was one already.
    pub fn link(&mut self, now_ms: i64, group: Ref, member: Ref) -> Result<bool, ChangeError> {
        let (holder, held) = (self.get(group), self.get(member));
        if held.kind == Kind::Group && holder.has(schema::group::UNIFIED) {
            return Err(ChangeError::NotAllowed(
                "a Microsoft 365 group can't hold a group",
            ));
        }
        if held.kind == Kind::Group && holder.has(schema::group::DYNAMIC) {
            return Err(ChangeError::NotAllowed(
                "a dynamic group can't hold a group",
            ));
        }
        if group == member {
            return Err(ChangeError::NotAllowed("a group can't be its own member"));
        }
        let edges = &mut self.get_mut(group).members;
        match edges.iter_mut().find(|edge| edge.member == member) {
            Some(edge) if edge.live => return Ok(false),
            Some(edge) => edge.live = true,
            None => {
                edges.push(Edge { member, live: true });
                self.get_mut(member).member_of.push(group);
            }
        }
        self.record(now_ms, group, Some(member), mark::MEMBERS);
        Ok(true)
    }

    /// Takes a member out. `false` when it wasn't one.
    pub fn unlink(&mut self, now_ms: i64, group: Ref, member: Ref) -> bool {
        let edges = &mut self.get_mut(group).members;
        let Some(edge) = edges
            .iter_mut()
            .find(|edge| edge.member == member && edge.live)
        else {
            return false;
        };
        edge.live = false;
        self.record(now_ms, group, Some(member), mark::MEMBERS);
        true
    }
}

/// Sets one attribute of an object by its Graph name; returns the mask of properties that changed.
pub(crate) fn assign(object: &mut Object, name: &str, value: &Json) -> Result<u64, ChangeError> {
    let schema = object.kind.schema();
    let unknown = || ChangeError::UnknownAttribute {
        kind: schema.title,
        name: name.to_owned(),
    };
    let wrong = |wanted| ChangeError::WrongValue {
        name: name.to_owned(),
        wanted,
    };
    let position = schema.find(name).ok_or_else(unknown)?;
    match schema.properties[position].slot {
        Slot::Text(slot) => {
            let text = match value {
                Json::Null => None,
                Json::String(text) => Some(text.clone()),
                _ => return Err(wrong("a text or null")),
            };
            Ok(store(object, slot, text, position))
        }
        Slot::List(slot) => {
            let wanted = "a list of texts";
            let lines = value.as_array().ok_or_else(|| wrong(wanted))?;
            let lines: Option<Vec<&str>> = lines.iter().map(Json::as_str).collect();
            let lines = lines.ok_or_else(|| wrong(wanted))?.join("\n");
            Ok(store(
                object,
                slot,
                (!lines.is_empty()).then_some(lines),
                position,
            ))
        }
        Slot::Flag(bit) => {
            let flag = match value {
                Json::Null => None,
                Json::Bool(flag) => Some(*flag),
                _ => return Err(wrong("true, false or null")),
            };
            let changed = object.flag(bit) != flag;
            object.set_flag(bit, flag);
            Ok(if changed { 1 << position } else { 0 })
        }
        // Of a mailbox the addresses besides its own; what makes those is `mail`.
        Slot::ProxyAddresses if object.kind == Kind::User => {
            let wanted = "a list of texts that begin with smtp:";
            let others = value.as_array().ok_or_else(|| wrong(wanted))?.iter();
            let others: Option<Vec<&str>> = others
                .map(|one| one.as_str()?.strip_prefix("smtp:"))
                .collect();
            let lines = others.ok_or_else(|| wrong(wanted))?.join("\n");
            let text = (!lines.is_empty()).then_some(lines);
            Ok(store(object, schema::user::OTHER_ADDRESSES, text, position))
        }
        Slot::Extensions(slot) => {
            let wanted =
                "an object of extensionAttribute1 to extensionAttribute15, each a text or null";
            let lines = extensions(value).ok_or_else(|| wrong(wanted))?;
            let text = (!lines.is_empty()).then_some(lines);
            Ok(store(object, slot, text, position))
        }
        _ => Err(unknown()),
    }
}

/// Extension attributes as they are kept; none where they are something else.
fn extensions(value: &Json) -> Option<String> {
    let mut lines = Vec::new();
    for (name, value) in value.as_object()? {
        let number: u8 = name.strip_prefix("extensionAttribute")?.parse().ok()?;
        match value {
            Json::Null if (1..=15).contains(&number) => {}
            Json::String(text) if (1..=15).contains(&number) && !text.contains('\n') => {
                lines.push(format!("{number} {text}"));
            }
            _ => return None,
        }
    }
    Some(lines.join("\n"))
}

/// A changed address changes the list of proxy addresses too (graph.md §6.2).
fn store(object: &mut Object, slot: usize, text: Option<String>, position: usize) -> u64 {
    if object.text(slot) == text.as_deref() {
        return 0;
    }
    object.texts[slot] = text.map_or(Attr::Null, Attr::from);
    let schema = object.kind.schema();
    let mut mask = 1 << position;
    if matches!(
        schema.properties[position].name,
        "mail" | "userPrincipalName"
    ) && let Some(addresses) = schema.find("proxyAddresses")
    {
        mask |= 1 << addresses;
    }
    mask
}
