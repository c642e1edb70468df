//! What of a held run waits for a decision, and why it would go.

use domain::{
    decision::HeldChanges,
    id::RunId,
    policy::ObjectType,
    run::{Reason, RunStatus},
};

use crate::{Result, Tx, fetch_all, fetch_scalar, sync};

/// What waits, a type each; nothing where the run isn't held.
pub(super) async fn changes(
    tx: &mut Tx,
    run: RunId,
    status: RunStatus,
) -> Result<Vec<HeldChanges>> {
    if status != RunStatus::Held {
        return Ok(Vec::new());
    }
    let mut held = Vec::new();
    let mut with_objects = fetch_scalar!(
        tx,
        i64,
        "SELECT CAST(COALESCE(SUM(edges), 0) AS BIGINT) FROM run_change
          WHERE run_id = $1 AND status = 'held' AND reason = 'held_with_object'",
        run
    )?;
    let mut types = sync::undecided(tx, run).await?;
    types.sort_unstable();
    for object_type in types {
        let reasons = reasons(tx, run, object_type).await?;
        let memberships = if object_type == ObjectType::Membership {
            0
        } else {
            std::mem::take(&mut with_objects)
        };
        held.push(HeldChanges {
            object_type,
            number: reasons.iter().map(|(_, number)| number).sum(),
            reasons,
            memberships,
        });
    }
    Ok(held)
}

async fn reasons(tx: &mut Tx, run: RunId, object_type: ObjectType) -> Result<Vec<(Reason, i64)>> {
    let rows = fetch_all!(
        tx,
        (Option<Reason>, i64, i64),
        "SELECT reason, COUNT(*), CAST(SUM(edges) AS BIGINT) FROM run_change
          WHERE run_id = $1 AND object_type = $2 AND status = 'held'
            AND COALESCE(reason, '') <> 'held_with_object'
          GROUP BY reason",
        run,
        object_type
    )?;
    let mut reasons: Vec<(Reason, i64)> = rows
        .into_iter()
        .map(|(reason, objects, edges)| {
            let number = if object_type == ObjectType::Membership {
                edges
            } else {
                objects
            };
            (reason.unwrap_or(Reason::GuardLimit), number)
        })
        .collect();
    reasons.sort_unstable_by_key(|(reason, number)| (-number, *reason));
    Ok(reasons)
}
