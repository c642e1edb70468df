//! The audit log: written in the same transaction as the change it tells of.

use domain::id::{AuditEventId, CustomerId};

use crate::{Backend, Result, Scope, Tx, execute};

/// Writes down that the caller did `action` (such as `integration.update`) to `subject`, which
/// holds names and never secrets.
pub async fn record(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    action: &'static str,
    customer: Option<CustomerId>,
    subject: &str,
) -> Result<()> {
    let by = (scope.actor_name(), scope.request_id());
    insert(b, tx, by, action, customer, subject).await
}

/// The same for who has no scope yet: someone signing in.
pub(crate) async fn record_as(
    b: &Backend,
    tx: &mut Tx,
    actor: &str,
    action: &'static str,
    subject: &str,
) -> Result<()> {
    insert(b, tx, (actor, ""), action, None, subject).await
}

async fn insert(
    b: &Backend,
    tx: &mut Tx,
    (actor, request_id): (&str, &str),
    action: &'static str,
    customer: Option<CustomerId>,
    subject: &str,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO audit_event (id, at, actor, customer_id, action, subject, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        AuditEventId(b.ids.uuid()),
        b.clock.now(),
        actor,
        customer,
        action,
        subject,
        request_id
    )?;
    Ok(())
}
