//! When an integration runs by itself, as its row says it.

use domain::{
    DateTime,
    audit::AuditAction,
    id::{CustomerId, IntegrationId},
};

use super::{entry, find};
use crate::{
    Backend, Result, Scope, Tx, execute, fetch_all, fetch_optional, notify, store::audit,
    timetable::Timetable,
};

/// Sets when an integration runs next by itself.
pub(crate) async fn set_next(tx: &mut Tx, id: IntegrationId, next: Option<DateTime>) -> Result<()> {
    execute!(
        tx,
        "UPDATE integration SET next_run_at = $1 WHERE id = $2",
        next,
        id
    )?;
    Ok(())
}

/// Sets when each integration of a customer runs next by itself, from its schedule and the
/// customer's time zone: after that zone changed, or the customer is back from the bin.
pub(crate) async fn set_next_of_customer(
    tx: &mut Tx,
    customer: CustomerId,
    now: DateTime,
) -> Result<()> {
    let integrations = fetch_all!(
        &mut *tx,
        (IntegrationId, String, String, bool),
        "SELECT i.id, i.schedule, c.time_zone,
                (i.enabled AND i.first_full_done AND i.state <> 'quarantined')
           FROM integration i JOIN customer c ON c.id = i.customer_id WHERE c.id = $1",
        customer
    )?;
    for (id, schedule, zone, runs_by_itself) in integrations {
        let next = Timetable::stored(id, &schedule, &zone)
            .next(now)
            .filter(|_| runs_by_itself);
        set_next(tx, id, next).await?;
    }
    Ok(())
}

/// Lets a quarantined integration run by itself again, since its connection was seen to work.
/// False where it isn't quarantined.
pub(crate) async fn lift_quarantine(b: &Backend, scope: &Scope, id: IntegrationId) -> Result<bool> {
    let mut tx = b.db.write().await?;
    let integration = find(&mut tx, scope, id).await?;
    let quarantined = fetch_optional!(
        &mut tx,
        (bool,),
        "SELECT first_full_done FROM integration WHERE id = $1 AND state = 'quarantined'",
        id
    )?;
    let Some((first_full_done,)) = quarantined else {
        return Ok(false);
    };
    let timetable = Timetable::new(id, integration.schedule.clone(), &integration.time_zone);
    let next = timetable
        .next(b.clock.now())
        .filter(|_| integration.enabled && first_full_done);
    unquarantine(&mut tx, id, next).await?;
    let entry = entry(AuditAction::IntegrationUnquarantine, &integration);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(true)
}

/// Takes an integration out of its quarantine. Failing until a run says otherwise: the directory is
/// as old as it was.
pub(crate) async fn unquarantine(
    tx: &mut Tx,
    id: IntegrationId,
    next: Option<DateTime>,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE integration SET state = 'failing', failures = 0, refusals = 0, next_run_at = $1
          WHERE id = $2",
        next,
        id
    )?;
    notify::causes::left_quarantine(tx, id).await
}
