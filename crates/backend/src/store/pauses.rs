//! Pausing the scheduled runs of an integration, of a customer, or of all (sync.md rule 14). A
//! pause says nothing about runs that a person or a program starts, and runs at work go on; a
//! scheduled run that waits for a worker is taken out of the queue.
//!
//! Pausing what is paused changes nothing: the first pause stands, with who made it and why.

use domain::{
    DateTime,
    audit::AuditAction,
    customer::Customer,
    id::{CustomerId, IntegrationId},
    integration::Integration,
    pause::{NewPause, Pause, PauseLevel, SyncStanding},
    permission::Permission,
};

use super::{
    audit::{self, Entry},
    customers, integrations,
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional,
    sync::{self, Reach},
};

/// What a pause of all is of, in the audit log.
const ALL: &str = "All customers";

/// Pauses an integration.
pub async fn pause_integration(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    pause: NewPause,
) -> Result<Integration> {
    let mut tx = b.db.write().await?;
    let before = integrations::find(&mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let reason = pause.checked()?;
    let paused = execute!(
        &mut tx,
        "UPDATE integration SET paused_at = $1, paused_by = $2, pause_reason = $3
          WHERE id = $4 AND paused_at IS NULL",
        b.clock.now(),
        scope.actor_name(),
        reason.as_deref(),
        id
    )?;
    if paused == 0 {
        return Ok(before);
    }
    sync::drop_waiting(&mut tx, Reach::Integration(id)).await?;
    let entry = integrations::entry(AuditAction::IntegrationPause, &before)
        .note(reason.as_deref().unwrap_or_default());
    audit::record(b, &mut tx, scope, entry).await?;
    let after = integrations::find(&mut tx, scope, id).await?;
    tx.commit().await?;
    Ok(after)
}

/// Lets an integration run by itself again. What came due meanwhile is made up for at once, within
/// its window. A pause of its customer or of all stays.
pub async fn resume_integration(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
) -> Result<Integration> {
    let mut tx = b.db.write().await?;
    let before = integrations::find(&mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let resumed = execute!(
        &mut tx,
        "UPDATE integration SET paused_at = NULL, paused_by = NULL, pause_reason = NULL
          WHERE id = $1 AND paused_at IS NOT NULL",
        id
    )?;
    if resumed == 0 {
        return Ok(before);
    }
    let entry = integrations::entry(AuditAction::IntegrationResume, &before);
    audit::record(b, &mut tx, scope, entry).await?;
    let after = integrations::find(&mut tx, scope, id).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(after)
}

/// Pauses every integration of a customer, also those added later.
pub async fn pause_customer(
    b: &Backend,
    scope: &Scope,
    id: CustomerId,
    pause: NewPause,
) -> Result<Customer> {
    let mut tx = b.db.write().await?;
    let before = customers::find_in_use(&mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let reason = pause.checked()?;
    let paused = execute!(
        &mut tx,
        "UPDATE customer SET paused_at = $1, paused_by = $2, pause_reason = $3
          WHERE id = $4 AND paused_at IS NULL",
        b.clock.now(),
        scope.actor_name(),
        reason.as_deref(),
        id
    )?;
    if paused == 0 {
        return Ok(before);
    }
    sync::drop_waiting(&mut tx, Reach::Customer(id)).await?;
    let entry = customers::entry(AuditAction::CustomerPause, &before)
        .note(reason.as_deref().unwrap_or_default());
    audit::record(b, &mut tx, scope, entry).await?;
    let after = customers::find(&mut tx, scope, id).await?;
    tx.commit().await?;
    Ok(after)
}

/// Lets a customer's integrations run by themselves again, but for those paused by themselves.
pub async fn resume_customer(b: &Backend, scope: &Scope, id: CustomerId) -> Result<Customer> {
    let mut tx = b.db.write().await?;
    let before = customers::find_in_use(&mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let resumed = execute!(
        &mut tx,
        "UPDATE customer SET paused_at = NULL, paused_by = NULL, pause_reason = NULL
          WHERE id = $1 AND paused_at IS NOT NULL",
        id
    )?;
    if resumed == 0 {
        return Ok(before);
    }
    let entry = customers::entry(AuditAction::CustomerResume, &before);
    audit::record(b, &mut tx, scope, entry).await?;
    let after = customers::find(&mut tx, scope, id).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(after)
}

/// Whether everything is paused. Whoever sees integrations may know.
pub async fn standing(b: &Backend, scope: &Scope) -> Result<SyncStanding> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    all(&mut tx).await
}

/// Pauses the scheduled runs of every customer.
pub async fn pause_all(b: &Backend, scope: &Scope, pause: NewPause) -> Result<SyncStanding> {
    may_pause_all(scope)?;
    let reason = pause.checked()?;
    let mut tx = b.db.write().await?;
    let paused = execute!(
        &mut tx,
        "INSERT INTO pause_of_all (id, paused_at, paused_by, pause_reason)
         VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING",
        b.clock.now(),
        scope.actor_name(),
        reason.as_deref()
    )?;
    if paused == 1 {
        sync::drop_waiting(&mut tx, Reach::All).await?;
        let entry = Entry::of_whole(AuditAction::InstallationPauseSync, ALL)
            .note(reason.as_deref().unwrap_or_default());
        audit::record(b, &mut tx, scope, entry).await?;
    }
    let standing = all(&mut tx).await?;
    tx.commit().await?;
    Ok(standing)
}

/// Lets everything run by itself again that isn't paused by itself or with its customer.
pub async fn resume_all(b: &Backend, scope: &Scope) -> Result<SyncStanding> {
    may_pause_all(scope)?;
    let mut tx = b.db.write().await?;
    if execute!(&mut tx, "DELETE FROM pause_of_all")? > 0 {
        let entry = Entry::of_whole(AuditAction::InstallationResumeSync, ALL);
        audit::record(b, &mut tx, scope, entry).await?;
    }
    tx.commit().await?;
    b.wake.notify_one();
    Ok(SyncStanding { pause: None })
}

/// Only an owner of everything touches every customer at once.
fn may_pause_all(scope: &Scope) -> Result<()> {
    scope.require(Permission::SyncPauseAll)?;
    if scope.sees_all() {
        Ok(())
    } else {
        Err(Error::Forbidden(Permission::SyncPauseAll))
    }
}

async fn all(tx: &mut Tx) -> Result<SyncStanding> {
    let row = fetch_optional!(
        tx,
        (DateTime, String, Option<String>),
        "SELECT paused_at, paused_by, pause_reason FROM pause_of_all"
    )?;
    Ok(SyncStanding {
        pause: row
            .and_then(|(at, by, reason)| Pause::of(PauseLevel::All, Some(at), Some(by), reason)),
    })
}

#[cfg(test)]
mod tests;
