//! Protecting one user from sync, and taking that back.
//!
//! Protection is a fact that planning knows (`planner::protection`): whatever the source and the
//! policy say, no run touches a protected user. Taking it back has the next run plan the user like
//! any other.

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, IntegrationId, UserId},
    permission::Permission,
    protection::Protection,
    text::parse_note,
    user::DirectoryStatus,
};
use sqlx::FromRow;

use super::audit::{self, Entry};
use crate::{Backend, Error, Result, Scope, Tx, execute, fetch_optional, in_scope, sync};

#[derive(FromRow)]
struct Row {
    customer_id: CustomerId,
    integration_id: Option<IntegrationId>,
    display_name: String,
    status: DirectoryStatus,
    delete_at: Option<DateTime>,
    #[sqlx(flatten)]
    protection: ProtectionRow,
}

/// The columns of a protection, wherever they are read.
#[derive(FromRow)]
#[expect(clippy::struct_field_names, reason = "named as their columns")]
pub(crate) struct ProtectionRow {
    protected_at: Option<DateTime>,
    protected_by: Option<String>,
    protected_note: Option<String>,
}

impl From<ProtectionRow> for Option<Protection> {
    fn from(row: ProtectionRow) -> Self {
        row.protected_at.map(|at| Protection {
            by: row.protected_by.unwrap_or_default(),
            at,
            note: row.protected_note.unwrap_or_default(),
        })
    }
}

async fn find(tx: &mut Tx, scope: &Scope, id: UserId) -> Result<Row> {
    fetch_optional!(
        tx,
        Row,
        concat!(
            "SELECT u.customer_id, u.integration_id, u.display_name, u.status, u.delete_at, u.protected_at, u.protected_by,
                    u.protected_note
               FROM directory_user u JOIN customer c ON c.id = u.customer_id WHERE ",
            in_scope!("u.customer_id"),
            " AND c.deleted_at IS NULL AND u.id = $3"
        ),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("user"))
}

/// The user, held until the transaction ends, and not while a run is in the middle of a batch.
async fn hold(tx: &mut Tx, scope: &Scope, id: UserId) -> Result<Row> {
    let row = find(tx, scope, id).await?;
    sync::hold_open(tx, row.integration_id).await?;
    tx.hold("directory_user", id.0).await?;
    find(tx, scope, id).await
}

/// Protects a user. A countdown that runs ends, since no run will delete.
pub async fn protect(b: &Backend, scope: &Scope, id: UserId, note: &str) -> Result<Protection> {
    let mut tx = b.db.write().await?;
    let row = hold(&mut tx, scope, id).await?;
    scope.require(Permission::DirectoryWrite)?;
    let note = parse_note("note", note)?;
    if let Some(before) = Option::<Protection>::from(row.protection) {
        return Err(Error::conflict(format!(
            "{} protected this already, at {}.",
            before.by,
            before.at.format("%Y-%m-%d %H:%M UTC")
        )));
    }
    if row.status == DirectoryStatus::Deleted {
        return Err(Error::conflict(format!(
            "{} is deleted: there is nothing to protect.",
            row.display_name
        )));
    }
    let protection = Protection {
        by: scope.actor_name().to_owned(),
        at: b.clock.now(),
        note: note.to_owned(),
    };
    execute!(
        &mut tx,
        "UPDATE directory_user SET protected_at = $2, protected_by = $3, protected_note = $4,
                delete_at = NULL
          WHERE id = $1",
        id,
        protection.at,
        protection.by.as_str(),
        note
    )?;
    let changes = AuditChanges::none()
        .field("protected", &false, &true)
        .field("delete_at", &row.delete_at, &None);
    let entry = Entry::new(AuditAction::UserProtect, id.0, &row.display_name)
        .of(row.customer_id)
        .note(note)
        .changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(protection)
}

/// Takes the protection back. The next run looks at the user and the groups it is in.
pub async fn withdraw(b: &Backend, scope: &Scope, id: UserId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let row = hold(&mut tx, scope, id).await?;
    scope.require(Permission::DirectoryWrite)?;
    if row.protection.protected_at.is_none() {
        return Err(Error::conflict(format!(
            "{} isn’t protected.",
            row.display_name
        )));
    }
    execute!(
        &mut tx,
        "UPDATE directory_user SET protected_at = NULL, protected_by = NULL, protected_note = NULL
          WHERE id = $1",
        id
    )?;
    for objects in [
        "WHERE object_type = 'user' AND (integration_id, external_id) IN (
                SELECT u.integration_id, u.external_id FROM directory_user u WHERE u.id = $1)",
        "WHERE object_type = 'group' AND (integration_id, external_id) IN (
                SELECT g.integration_id, g.external_id FROM directory_membership m
                  JOIN directory_group g ON g.id = m.group_id WHERE m.member_id = $1)",
    ] {
        let sql = format!(
            "UPDATE source_object SET pending = {} {objects}",
            sync::WITHDRAWN
        );
        execute!(&mut tx, sqlx::AssertSqlSafe(sql), id)?;
    }
    let entry = Entry::new(AuditAction::UserUnprotect, id.0, &row.display_name)
        .of(row.customer_id)
        .changes(AuditChanges::none().field("protected", &true, &false));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests;
