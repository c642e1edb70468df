//! The hashes of the audit log, and what of a chain they find wrong. Pure.
//!
//! What is hashed is bytes that mean one thing only: a tag with a version, the hash before, and
//! each column in a fixed order, its length before its bytes. Numbers are big-endian, times are
//! seconds and nanoseconds since 1970, text is UTF-8 as it is stored. So both databases, and a copy
//! of one in the other, give the same hashes.

use domain::{DateTime, id::CustomerId};
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use uuid::Uuid;

/// The chain of what belongs to no customer.
pub(super) const NOBODYS: CustomerId = CustomerId(Uuid::nil());

/// What stands before the first day.
pub(super) const BEGINNING: [u8; 32] = [0; 32];

/// A row of the log, as it is hashed: its states as text, so that one that nobody wrote can be
/// looked at too.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct Row {
    pub id: Uuid,
    pub customer_id: CustomerId,
    pub day: String,
    pub position: i64,
    pub at: DateTime,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub actor: String,
    pub channel: String,
    pub address: Option<String>,
    pub customer_name: Option<String>,
    pub action: String,
    pub object_type: String,
    pub object_id: Option<Uuid>,
    pub object_name: String,
    pub note: String,
    pub changes: String,
    pub request_id: String,
    pub search_text: String,
    pub hash: Vec<u8>,
}

/// Its columns, for SELECT.
pub(super) const COLUMNS: &str = "e.id, e.customer_id, e.day, e.position, e.at, e.actor_kind,
    e.actor_id, e.actor, e.channel, e.address, e.customer_name, e.action, e.object_type,
    e.object_id, e.object_name, e.note, e.changes, e.request_id, e.search_text, e.hash";

/// Takes fields in so that no two lists of fields give the same bytes.
struct Fields(Sha256);

impl Fields {
    fn new(tag: &str) -> Self {
        Self(Sha256::new()).bytes(tag.as_bytes())
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    fn number(self, number: i64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    /// Nothing is another thing than an empty text.
    fn maybe(self, bytes: Option<&[u8]>) -> Self {
        match bytes {
            None => self.bytes(&[0]),
            Some(bytes) => self.bytes(&[1]).bytes(bytes),
        }
    }

    fn end(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

/// What stands before the first entry of a customer's day: the head of the day before goes in.
pub(super) fn start(customer: CustomerId, day: &str, previous: &[u8]) -> Vec<u8> {
    Fields::new("rollcall audit chain 1")
        .bytes(customer.0.as_bytes())
        .text(day)
        .bytes(previous)
        .end()
}

/// The hash of an entry after `before`, the hash of the one before it.
pub(super) fn hash(before: &[u8], row: &Row) -> Vec<u8> {
    let uuid = |id: &Option<Uuid>| id.map(Uuid::into_bytes);
    Fields::new("rollcall audit entry 1")
        .bytes(before)
        .bytes(row.id.as_bytes())
        .bytes(row.customer_id.0.as_bytes())
        .text(&row.day)
        .number(row.position)
        .number(row.at.timestamp())
        .number(i64::from(row.at.timestamp_subsec_nanos()))
        .text(&row.actor_kind)
        .maybe(uuid(&row.actor_id).as_ref().map(<[u8; 16]>::as_slice))
        .text(&row.actor)
        .text(&row.channel)
        .maybe(row.address.as_deref().map(str::as_bytes))
        .maybe(row.customer_name.as_deref().map(str::as_bytes))
        .text(&row.action)
        .text(&row.object_type)
        .maybe(uuid(&row.object_id).as_ref().map(<[u8; 16]>::as_slice))
        .text(&row.object_name)
        .text(&row.note)
        .text(&row.changes)
        .text(&row.request_id)
        .text(&row.search_text)
        .end()
}

/// The end of a customer's chain of a day.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct ChainEnd {
    pub customer_id: CustomerId,
    pub entries: i64,
    pub head: Vec<u8>,
}

/// The head of a day that is over: over the head of the day before and those of its chains, which
/// come in the order of their customers' ids.
pub(super) fn day_head(day: &str, previous: &[u8], chains: &[ChainEnd]) -> Vec<u8> {
    let fields = Fields::new("rollcall audit day 1")
        .text(day)
        .bytes(previous);
    chains
        .iter()
        .fold(fields, |fields, chain| {
            fields
                .bytes(chain.customer_id.0.as_bytes())
                .number(chain.entries)
                .bytes(&chain.head)
        })
        .end()
}

/// Goes along one chain, entry by entry.
#[derive(Debug)]
pub(super) struct Walk {
    position: i64,
    hash: Vec<u8>,
}

impl Walk {
    /// Before the first entry.
    pub(super) fn new(customer: CustomerId, day: &str, previous: &[u8]) -> Self {
        Self {
            position: 0,
            hash: start(customer, day, previous),
        }
    }

    /// Puts an entry at the end: gives it its place and its hash.
    #[cfg(test)]
    pub(super) fn append(&mut self, row: &mut Row) {
        self.position += 1;
        row.position = self.position;
        row.hash = hash(&self.hash, row);
        self.hash.clone_from(&row.hash);
    }

    /// Looks at the next entry of the chain; what is wrong with it, in words.
    pub(super) fn look(&mut self, row: &Row) -> Result<(), String> {
        let expected = self.position + 1;
        if row.position != expected {
            let missing = match row.position - 1 - expected {
                0 => format!("entry {expected} is missing"),
                _ => format!("entries {expected} to {} are missing", row.position - 1),
            };
            return Err(missing);
        }
        let fits = hash(&self.hash, row) == row.hash;
        self.position = row.position;
        self.hash.clone_from(&row.hash);
        if fits {
            Ok(())
        } else {
            Err(format!(
                "entry {expected} or the one before it is not as it was written"
            ))
        }
    }

    /// Looks whether the chain ends here.
    pub(super) fn end(&self, end: &ChainEnd) -> Result<(), String> {
        match end.entries - self.position {
            0 if self.hash == end.head => Ok(()),
            0 => Err("the last entry is not the one that the chain ends with".to_owned()),
            missing if missing > 0 => Err(format!(
                "the last {missing} of its {} entries are missing",
                end.entries
            )),
            _ => Err(format!(
                "it has more than the {} entries that were written",
                end.entries
            )),
        }
    }
}
