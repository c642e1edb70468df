//! The audit log: written in the same transaction as the change it tells of, and never changed.
//!
//! Entries stand in chains of hashes, one for each customer and day ([`chain`]); [`verify()`] says
//! whether they still are as they were written. What the chains prove, and what they can't, is in
//! `docs/decisions/0020-a-chain-for-each-customer-and-day.md`.
//!
//! [`record`] holds its chain until the transaction ends. So it comes after the change's own
//! statements: whoever waits for the chain then waits for a commit and for nothing else.

mod chain;
mod days;
mod exported;
mod list;
mod retention;
#[cfg(test)]
mod tests;
mod verify;

use domain::{
    audit::{ActorKind, AuditAction, AuditChanges},
    id::CustomerId,
};
use uuid::Uuid;

pub use days::{AuditHead, head};
pub use exported::{exported, exported_changes};
pub use list::{AuditFilter, AuditQuery, csv, get, list, listing};
pub(crate) use retention::{close_past_days, drop_old_days};
pub use verify::{Broken, Verified, verify};

use self::chain::{NOBODYS, Row};
use super::write_json;
use crate::{Backend, Origin, Result, Scope, Tx, execute, fetch_optional};

/// Days that entries are kept where nobody said otherwise.
pub const RETENTION_DAYS: u32 = 400;
/// The fewest days that entries can be kept: [`verify()`] takes the removal of a younger day for
/// what it is.
pub const RETENTION_DAYS_MIN: u32 = 30;

/// The longest name of an object that is kept whole, in bytes.
const NAME_BYTES_MAX: usize = 1_024;

/// What is to be written down.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    action: AuditAction,
    object_id: Option<Uuid>,
    object_name: &'a str,
    customer: Option<CustomerId>,
    note: &'a str,
    changes: AuditChanges,
}

impl<'a> Entry<'a> {
    /// That `action` was done to the object of this id and name.
    pub fn new(action: AuditAction, object_id: Uuid, object_name: &'a str) -> Self {
        Self {
            object_id: Some(object_id),
            ..Self::of_whole(action, object_name)
        }
    }

    /// That `action` was done to something without an id: a list, or the whole installation.
    pub fn of_whole(action: AuditAction, object_name: &'a str) -> Self {
        Self {
            action,
            object_id: None,
            object_name,
            customer: None,
            note: "",
            changes: AuditChanges::none(),
        }
    }

    /// The customer it concerns, whose chain it goes into; none for what belongs to no customer.
    #[must_use]
    pub fn of(mut self, customer: impl Into<Option<CustomerId>>) -> Self {
        self.customer = customer.into();
        self
    }

    /// Why, in the words of who did it.
    #[must_use]
    pub fn note(mut self, note: &'a str) -> Self {
        self.note = note;
        self
    }

    /// What changed.
    #[must_use]
    pub fn changes(mut self, changes: AuditChanges) -> Self {
        self.changes = changes;
        self
    }
}

/// Who did something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actor<'a> {
    pub kind: ActorKind,
    pub id: Option<Uuid>,
    pub name: &'a str,
}

impl<'a> Actor<'a> {
    /// The caller.
    pub fn of(scope: &'a Scope) -> Self {
        Self {
            kind: scope.actor_kind(),
            id: scope.actor_id(),
            name: scope.actor_name(),
        }
    }
}

/// Writes down what the caller did, in the transaction that does it and after its other
/// statements.
pub async fn record(b: &Backend, tx: &mut Tx, scope: &Scope, entry: Entry<'_>) -> Result<()> {
    record_as(b, tx, Actor::of(scope), scope.origin(), entry).await
}

/// The same for who has no scope yet: someone signing in.
pub(crate) async fn record_as(
    b: &Backend,
    tx: &mut Tx,
    actor: Actor<'_>,
    origin: &Origin,
    entry: Entry<'_>,
) -> Result<()> {
    let at = b.clock.now();
    let customer_name = match entry.customer {
        Some(customer) => customer_name(tx, customer).await?,
        None => None,
    };
    let (object_name, note) = (short(entry.object_name), short(entry.note));
    let (actor_name, address) = (short(actor.name), origin.address().map(|a| a.to_string()));
    let changes = write_json(&entry.changes)?;
    let object_id = entry.object_id.map(|id| id.to_string());
    let search_text = planner::fold::search_text(
        [
            Some(actor_name.as_str()),
            Some(entry.action.title()),
            Some(object_name.as_str()),
            Some(note.as_str()),
            address.as_deref(),
            customer_name.as_deref(),
            object_id.as_deref(),
            Some(origin.request_id()),
        ]
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty()),
    );
    let row = Row {
        id: b.ids.uuid(),
        customer_id: entry.customer.unwrap_or(NOBODYS),
        day: String::new(),
        position: 0,
        at,
        actor_kind: actor.kind.to_string(),
        actor_id: actor.id,
        actor: actor_name,
        channel: origin.channel().to_string(),
        address,
        customer_name,
        action: entry.action.to_string(),
        object_type: entry.action.object().to_string(),
        object_id: entry.object_id,
        object_name,
        note,
        changes,
        request_id: origin.request_id().to_owned(),
        search_text,
        hash: Vec::new(),
    };
    let row = days::append(tx, row).await?;
    insert(tx, &row).await
}

async fn insert(tx: &mut Tx, row: &Row) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO audit_event (id, customer_id, day, position, at, actor_kind, actor_id, actor,
            channel, address, customer_name, action, object_type, object_id, object_name, note,
            changes, request_id, search_text, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
            $19, $20)",
        row.id,
        row.customer_id,
        &row.day,
        row.position,
        row.at,
        &row.actor_kind,
        row.actor_id,
        &row.actor,
        &row.channel,
        row.address.as_deref(),
        row.customer_name.as_deref(),
        &row.action,
        &row.object_type,
        row.object_id,
        &row.object_name,
        &row.note,
        &row.changes,
        &row.request_id,
        &row.search_text,
        &row.hash
    )?;
    Ok(())
}

async fn customer_name(tx: &mut Tx, customer: CustomerId) -> Result<Option<String>> {
    let row = fetch_optional!(
        tx,
        (String,),
        "SELECT name FROM customer WHERE id = $1",
        customer
    )?;
    Ok(row.map(|(name,)| name))
}

/// A text that has an end and no U+0000, which PostgreSQL can't hold.
fn short(text: &str) -> String {
    let mut text = planner::fold::outside(text.to_owned());
    if text.len() > NAME_BYTES_MAX {
        text.truncate(text.floor_char_boundary(NAME_BYTES_MAX));
        text.push('…');
    }
    text
}
