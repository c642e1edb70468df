//! Cancelling the countdown of one object of the directory, and letting it count again.
//!
//! A cancelled countdown is a fact that planning knows (`planner::diff::Known`): no run sets
//! another one while the object leaves for the same cause. What forgets it is the run that wants
//! the object again, or finds another cause.

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    countdown::{Countdown, CountdownCancelled},
    id::{ContactId, CustomerId, DeviceId, GroupId, IntegrationId, UserId},
    permission::Permission,
    policy::ObjectType,
    text::parse_note,
    user::DirectoryStatus,
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    audit::{self, Entry},
    integrations, protected_rules,
};
use crate::{Backend, Error, Result, Scope, Tx, execute, fetch_optional, in_scope, sync};

/// Whose countdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// A user's.
    User(UserId),
    /// A group's.
    Group(GroupId),
    /// A contact's.
    Contact(ContactId),
    /// A device's.
    Device(DeviceId),
}

impl Counted {
    /// The object of this type; none for types that have no countdown.
    pub const fn of(object_type: ObjectType, id: Uuid) -> Option<Self> {
        match object_type {
            ObjectType::User => Some(Self::User(UserId(id))),
            ObjectType::Group => Some(Self::Group(GroupId(id))),
            ObjectType::Contact => Some(Self::Contact(ContactId(id))),
            ObjectType::Device => Some(Self::Device(DeviceId(id))),
            ObjectType::Membership => None,
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
            Self::Contact(_) => "contact",
            Self::Device(_) => "device",
        }
    }

    const fn id(self) -> Uuid {
        match self {
            Self::User(id) => id.0,
            Self::Group(id) => id.0,
            Self::Contact(id) => id.0,
            Self::Device(id) => id.0,
        }
    }
}

#[derive(FromRow)]
struct Row {
    customer_id: CustomerId,
    integration_id: Option<IntegrationId>,
    display_name: String,
    status: DirectoryStatus,
    protected: bool,
    #[sqlx(flatten)]
    countdown: CountdownRow,
}

/// The columns of a countdown, wherever they are read.
#[derive(FromRow)]
pub(super) struct CountdownRow {
    delete_at: Option<DateTime>,
    countdown_cancelled_at: Option<DateTime>,
    countdown_cancelled_by: Option<String>,
    countdown_cancelled_note: Option<String>,
}

impl From<CountdownRow> for Countdown {
    fn from(row: CountdownRow) -> Self {
        Self {
            delete_at: row.delete_at,
            cancelled: row.countdown_cancelled_at.map(|at| CountdownCancelled {
                by: row.countdown_cancelled_by.unwrap_or_default(),
                at,
                note: row.countdown_cancelled_note.unwrap_or_default(),
            }),
        }
    }
}

async fn find(tx: &mut Tx, scope: &Scope, of: Counted) -> Result<Row> {
    let noun = of.noun();
    let protected = match of {
        Counted::User(_) => "d.protected_at IS NOT NULL",
        Counted::Group(_) | Counted::Contact(_) | Counted::Device(_) => "FALSE",
    };
    fetch_optional!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT d.customer_id, d.integration_id, d.display_name, d.status,
                    {protected} AS protected, d.delete_at,
                    d.countdown_cancelled_at, d.countdown_cancelled_by, d.countdown_cancelled_note
               FROM directory_{noun} d JOIN customer c ON c.id = d.customer_id
              WHERE {} AND c.deleted_at IS NULL AND d.id = $3",
            in_scope!("d.customer_id")
        )),
        scope.all(),
        scope.grantee(),
        of.id()
    )?
    .ok_or(Error::NotFound(noun))
}

/// The object, held until the transaction ends, and not while a run is in the middle of a batch.
async fn hold(tx: &mut Tx, scope: &Scope, of: Counted) -> Result<Row> {
    let row = find(tx, scope, of).await?;
    sync::hold_open(tx, row.integration_id).await?;
    let table = match of {
        Counted::User(_) => "directory_user",
        Counted::Group(_) => "directory_group",
        Counted::Contact(_) => "directory_contact",
        Counted::Device(_) => "directory_device",
    };
    tx.hold(table, of.id()).await?;
    find(tx, scope, of).await
}

/// Whether and when it will be deleted.
pub async fn get(b: &Backend, scope: &Scope, of: Counted) -> Result<Countdown> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    Ok(find(&mut tx, scope, of).await?.countdown.into())
}

/// Cancels its countdown: it stays as it is, inactive.
pub async fn cancel(b: &Backend, scope: &Scope, of: Counted, note: &str) -> Result<Countdown> {
    let mut tx = b.db.write().await?;
    let row = hold(&mut tx, scope, of).await?;
    scope.require(Permission::DirectoryWrite)?;
    let note = parse_note("note", note)?;
    let before = Countdown::from(row.countdown);
    if let Some(cancelled) = before.cancelled {
        return Err(Error::conflict(format!(
            "{} cancelled this already, at {}.",
            cancelled.by,
            cancelled.at.format("%Y-%m-%d %H:%M UTC")
        )));
    }
    if before.delete_at.is_none() {
        return Err(Error::conflict(format!(
            "{} isn’t going to be deleted: no days are counting.",
            row.display_name
        )));
    }
    let cancelled = CountdownCancelled {
        by: scope.actor_name().to_owned(),
        at: b.clock.now(),
        note: note.to_owned(),
    };
    let noun = of.noun();
    execute!(
        &mut tx,
        sqlx::AssertSqlSafe(format!(
            "UPDATE directory_{noun} SET delete_at = NULL, countdown_cancelled_at = $2,
                    countdown_cancelled_by = $3, countdown_cancelled_note = $4
              WHERE id = $1"
        )),
        of.id(),
        cancelled.at,
        cancelled.by.as_str(),
        note
    )?;
    let action = match of {
        Counted::User(_) => AuditAction::UserCancelCountdown,
        Counted::Group(_) => AuditAction::GroupCancelCountdown,
        Counted::Contact(_) => AuditAction::ContactCancelCountdown,
        Counted::Device(_) => AuditAction::DeviceCancelCountdown,
    };
    let entry = Entry::new(action, of.id(), &row.display_name)
        .of(row.customer_id)
        .note(note)
        .changes(AuditChanges::none().field("delete_at", &before.delete_at, &None));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(Countdown {
        delete_at: None,
        cancelled: Some(cancelled),
    })
}

/// Takes the cancellation back: its days begin anew now, where the policy still deletes.
pub async fn restart(b: &Backend, scope: &Scope, of: Counted) -> Result<Countdown> {
    let mut tx = b.db.write().await?;
    let row = hold(&mut tx, scope, of).await?;
    scope.require(Permission::DirectoryWrite)?;
    if row.countdown.countdown_cancelled_at.is_none() || row.status != DirectoryStatus::Inactive {
        return Err(Error::conflict(format!(
            "Nobody cancelled the deletion of {}.",
            row.display_name
        )));
    }
    let by_rule = match of {
        Counted::User(id) => protected_rules::of_user(&mut tx, id).await?,
        Counted::Group(_) | Counted::Contact(_) | Counted::Device(_) => None,
    };
    if let Some(by_rule) = by_rule {
        return Err(Error::conflict(format!(
            "{} is protected from sync by a rule ({}): no days can count. Remove the rule first.",
            row.display_name, by_rule.rule
        )));
    }
    if row.protected {
        return Err(Error::conflict(format!(
            "{} is protected from sync: no days can count. Remove the protection first.",
            row.display_name
        )));
    }
    let now = b.clock.now();
    let delete_at = match row.integration_id {
        Some(id) => {
            let policy = integrations::find(&mut tx, scope, id).await?.policy;
            planner::diff::delete_at(&policy, None, now)
        }
        // Left by an integration that was deleted with its people.
        None => Some(now + integrations::DELETE_AFTER),
    };
    let noun = of.noun();
    execute!(
        &mut tx,
        sqlx::AssertSqlSafe(format!(
            "UPDATE directory_{noun} SET delete_at = $2, countdown_cancelled_at = NULL,
                    countdown_cancelled_by = NULL, countdown_cancelled_note = NULL
              WHERE id = $1"
        )),
        of.id(),
        delete_at
    )?;
    let action = match of {
        Counted::User(_) => AuditAction::UserRestartCountdown,
        Counted::Group(_) => AuditAction::GroupRestartCountdown,
        Counted::Contact(_) => AuditAction::ContactRestartCountdown,
        Counted::Device(_) => AuditAction::DeviceRestartCountdown,
    };
    let entry = Entry::new(action, of.id(), &row.display_name)
        .of(row.customer_id)
        .changes(AuditChanges::none().field("delete_at", &None, &delete_at));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(Countdown {
        delete_at,
        cancelled: None,
    })
}

#[cfg(test)]
mod tests;
