//! Deactivating, reactivating, deleting and restoring users made here. No sync has anything to do
//! with it: a run knows only what comes from its integration.

use chrono::Duration;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::UserId,
    made_here::BIN_DAYS,
    run::Reason,
    user::{DirectoryStatus, WholeUser},
};

use super::{
    held::{Held, hold},
    names, whole,
};
use crate::{Backend, Error, Result, Scope, Tx, execute};

const STATUS: &str = "whether it is in use";

/// Takes a user out of use: it stays in its groups, and its names are free.
pub async fn deactivate(b: &Backend, scope: &Scope, id: UserId, note: &str) -> Result<WholeUser> {
    let mut tx = b.db.write().await?;
    let user = hold(&mut tx, scope, id).await?;
    let note = domain::text::parse_note("note", note)?;
    user.made_here(STATUS)?;
    user.not_deleted()?;
    if user.status == DirectoryStatus::Inactive {
        return Err(Error::conflict(format!(
            "{} is inactive already.",
            user.name()
        )));
    }
    let inactive = DirectoryStatus::Inactive;
    let reason = Some(Reason::DeactivatedHere);
    set(&mut tx, &user, (inactive, reason), b.clock.now()).await?;
    let action = AuditAction::UserDeactivate;
    let changes = AuditChanges::none().field("status", &user.status, &inactive);
    user.record(b, &mut tx, scope, action, (note, changes))
        .await?;
    tx.commit().await?;
    whole(b, scope, id).await
}

/// Puts a user into use again, where nobody has its names meanwhile.
pub async fn reactivate(b: &Backend, scope: &Scope, id: UserId) -> Result<WholeUser> {
    let mut tx = b.db.write().await?;
    let user = hold(&mut tx, scope, id).await?;
    user.made_here(STATUS)?;
    user.not_deleted()?;
    if user.status == DirectoryStatus::Active {
        return Err(Error::conflict(format!(
            "{} is active already.",
            user.name()
        )));
    }
    has_its_names(&mut tx, &user).await?;
    let active = DirectoryStatus::Active;
    set(&mut tx, &user, (active, None), b.clock.now()).await?;
    let action = AuditAction::UserReactivate;
    let changes = AuditChanges::none().field("status", &user.status, &active);
    user.record(b, &mut tx, scope, action, ("", changes))
        .await?;
    tx.commit().await?;
    whole(b, scope, id).await
}

/// Puts a user into the bin, where it can be restored for [`BIN_DAYS`] days.
pub async fn delete(b: &Backend, scope: &Scope, id: UserId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let user = hold(&mut tx, scope, id).await?;
    user.made_here("whether it is there")?;
    if user.status == DirectoryStatus::Deleted {
        return Err(Error::conflict(format!(
            "{} is in the bin already.",
            user.name()
        )));
    }
    let now = b.clock.now();
    let deleted = DirectoryStatus::Deleted;
    let reason = Some(Reason::DeletedHere);
    set(&mut tx, &user, (deleted, reason), now).await?;
    execute!(
        &mut tx,
        "UPDATE directory_user SET status_before = $2, purge_at = $3 WHERE id = $1",
        id,
        user.status,
        now + Duration::days(BIN_DAYS)
    )?;
    let changes = AuditChanges::none().field("status", &user.status, &deleted);
    let action = AuditAction::UserDelete;
    user.record(b, &mut tx, scope, action, ("", changes))
        .await?;
    tx.commit().await
}

/// Takes a user out of the bin: it is as it was, with its groups and aliases.
pub async fn restore(b: &Backend, scope: &Scope, id: UserId) -> Result<WholeUser> {
    let mut tx = b.db.write().await?;
    let user = hold(&mut tx, scope, id).await?;
    user.made_here("whether it is there")?;
    let now = b.clock.now();
    if user.purge_at.is_some_and(|at| at <= now) {
        return Err(Error::NotFound("user"));
    }
    if user.status != DirectoryStatus::Deleted {
        return Err(Error::conflict(format!(
            "{} isn’t in the bin.",
            user.name()
        )));
    }
    let status = user.status_before.unwrap_or(DirectoryStatus::Active);
    if status == DirectoryStatus::Active {
        has_its_names(&mut tx, &user).await?;
    }
    set(&mut tx, &user, (status, None), now).await?;
    let changes = AuditChanges::none().field("status", &user.status, &status);
    let action = AuditAction::UserRestore;
    user.record(b, &mut tx, scope, action, ("", changes))
        .await?;
    tx.commit().await?;
    whole(b, scope, id).await
}

/// Refuses where somebody else signs in with one of its names by now.
async fn has_its_names(tx: &mut Tx, user: &Held) -> Result<()> {
    let name = user.content.user_principal_name.clone();
    let aliases = names::aliases(tx, user.id).await?;
    for name in name.into_iter().chain(aliases) {
        let field = "user_principal_name";
        names::refuse_taken(tx, user.customer_id, user.id, field, &name)
            .await
            .map_err(|error| match error {
                Error::Invalid(error) => Error::conflict(error.message),
                other => other,
            })?;
    }
    Ok(())
}

async fn set(
    tx: &mut Tx,
    user: &Held,
    (status, reason): (DirectoryStatus, Option<Reason>),
    now: DateTime,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE directory_user SET status = $2, status_reason = $3, status_before = NULL,
                purge_at = NULL, delete_at = NULL, countdown_cancelled_at = NULL,
                countdown_cancelled_by = NULL, countdown_cancelled_note = NULL, changed_at = $4
          WHERE id = $1",
        user.id,
        status,
        reason,
        now
    )?;
    Ok(())
}
