//! An operator or a program decides about held changes, once a type (sync.md rule 8). When every
//! held type of the run is decided, the run goes on in the worker.

use domain::{
    id::{CustomerId, IntegrationId, RunId},
    permission::Permission,
    policy::ObjectType,
    run::{DECISION_NOTE_MAX, Decision, LineStatus, Run, RunDecision, RunStatus},
};
use sqlx::FromRow;

use super::starting;
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional,
    jobs::queue::{self, Kind, NewJob, PRIORITY_PERSON},
    store::audit,
};

#[derive(FromRow)]
struct HeldRun {
    customer_id: CustomerId,
    integration_id: IntegrationId,
    status: RunStatus,
    replaced_by: Option<RunId>,
    integration_name: Option<String>,
    enabled: Option<bool>,
    binned: bool,
}

/// Approves or rejects the held changes of one type. A second decision is a conflict that says who
/// decided.
pub async fn decide(
    b: &Backend,
    scope: &Scope,
    run_id: RunId,
    object_type: ObjectType,
    decision: Decision,
    note: &str,
) -> Result<Run> {
    let mut tx = b.db.write().await?;
    let run = held_run(&mut tx, scope, run_id).await?;
    scope.require(Permission::RunsDecide)?;
    let note = read_note(note)?;
    refuse(&mut tx, run_id, &run, object_type).await?;
    execute!(
        &mut tx,
        "INSERT INTO run_decision (run_id, object_type, decision, decided_by, decided_at, note)
         VALUES ($1, $2, $3, $4, $5, $6)",
        run_id,
        object_type,
        decision,
        scope.actor_name(),
        b.clock.now(),
        note
    )?;
    execute!(
        &mut tx,
        "UPDATE run_count SET status = $3 WHERE run_id = $1 AND object_type = $2",
        run_id,
        object_type,
        LineStatus::from(decision)
    )?;
    if undecided(&mut tx, run_id).await?.is_empty() {
        go_on(b, &mut tx, run_id, &run).await?;
    }
    let name = run.integration_name.as_deref().unwrap_or_default();
    let subject = format!("{name}, {object_type}s: {note}");
    let action = match decision {
        Decision::Approved => "run.approve",
        Decision::Rejected => "run.reject",
    };
    audit::record(b, &mut tx, scope, action, Some(run.customer_id), &subject).await?;
    let run = starting::load(&mut tx, run_id).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(run)
}

async fn held_run(tx: &mut Tx, scope: &Scope, run_id: RunId) -> Result<HeldRun> {
    fetch_optional!(
        tx,
        HeldRun,
        "SELECT r.customer_id, r.integration_id, r.status, r.replaced_by,
                i.name AS integration_name, i.enabled, c.deleted_at IS NOT NULL AS binned
           FROM run r JOIN customer c ON c.id = r.customer_id
                      LEFT JOIN integration i ON i.id = r.integration_id
          WHERE r.id = $1",
        run_id
    )?
    .filter(|run| scope.sees(run.customer_id) && !run.binned)
    .ok_or(Error::NotFound("run"))
}

fn read_note(note: &str) -> Result<&str> {
    let note = note.trim();
    if note.is_empty() {
        return Err(Error::invalid(
            "reason",
            "Say why, in a sentence or with a ticket number: it is kept in the audit log.",
        ));
    }
    if note.chars().count() > DECISION_NOTE_MAX {
        return Err(Error::invalid(
            "reason",
            format!("At most {DECISION_NOTE_MAX} characters."),
        ));
    }
    Ok(note)
}

/// What can't be decided, and why.
async fn refuse(tx: &mut Tx, run_id: RunId, run: &HeldRun, object_type: ObjectType) -> Result<()> {
    let made = decisions(tx, run_id).await?;
    if let Some(made) = made.iter().find(|made| made.object_type == object_type) {
        return Err(Error::conflict(format!(
            "{} {} this already, at {}.",
            made.decided_by,
            made.decision,
            made.decided_at.format("%Y-%m-%d %H:%M UTC")
        )));
    }
    if let Some(newer) = run.replaced_by {
        return Err(Error::Conflict {
            message: "A newer run took the place of this one. Decide there.".to_owned(),
            run_id: Some(newer),
        });
    }
    match run.enabled {
        None => {
            return Err(Error::conflict(
                "The integration was deleted: nothing of it can be decided any more.",
            ));
        }
        Some(false) => {
            return Err(Error::conflict(
                "The integration is disabled. Enable it, then decide.",
            ));
        }
        Some(true) => {}
    }
    if run.status != RunStatus::Held || !undecided(tx, run_id).await?.contains(&object_type) {
        return Err(Error::conflict(format!(
            "The run holds nothing of type {object_type} that can be decided. Memberships that wait with their user or group are decided with it."
        )));
    }
    let open = fetch_optional!(
        tx,
        (RunId,),
        "SELECT id FROM run WHERE integration_id = $1 AND status IN ('queued', 'running')",
        run.integration_id
    )?;
    match open {
        None => Ok(()),
        Some((open,)) => Err(Error::Conflict {
            message: "A run of this integration is in progress. Decide when it has ended: it may find something else.".to_owned(),
            run_id: Some(open),
        }),
    }
}

/// What was decided about a run.
pub(crate) async fn decisions(tx: &mut Tx, run_id: RunId) -> Result<Vec<RunDecision>> {
    fetch_all!(
        tx,
        RunDecision,
        "SELECT object_type, decision, decided_by, decided_at, note, withdrawn_by
           FROM run_decision WHERE run_id = $1 ORDER BY decided_at, object_type",
        run_id
    )
}

/// The types of which something is held and not decided. What waits with its user or group is
/// decided with it.
pub(crate) async fn undecided(tx: &mut Tx, run_id: RunId) -> Result<Vec<ObjectType>> {
    let types = fetch_all!(
        tx,
        (ObjectType,),
        "SELECT DISTINCT c.object_type FROM run_change c
          WHERE c.run_id = $1 AND c.status = 'held'
            AND COALESCE(c.reason, '') <> 'held_with_object'
            AND NOT EXISTS (SELECT 1 FROM run_decision d
                             WHERE d.run_id = $1 AND d.object_type = c.object_type)",
        run_id
    )?;
    Ok(types
        .into_iter()
        .map(|(object_type,)| object_type)
        .collect())
}

async fn go_on(b: &Backend, tx: &mut Tx, run_id: RunId, run: &HeldRun) -> Result<()> {
    execute!(
        &mut *tx,
        "UPDATE run SET status = 'running', phase = 'deciding', cancelled_by = NULL
          WHERE id = $1",
        run_id
    )
    .map_err(|error| {
        if error.is_unique_violation() {
            Error::conflict("A run of this integration began just now. Decide when it has ended.")
        } else {
            error
        }
    })?;
    let job = NewJob {
        kind: Kind::SyncRun,
        subject: run_id.0,
        integration_id: Some(run.integration_id),
        priority: PRIORITY_PERSON,
        run_at: b.clock.now(),
        dedupe_key: Some(format!("run:{run_id}")),
    };
    queue::enqueue(b, tx, &job).await?;
    Ok(())
}

/// Takes a rejection back: from the next run on, the objects are planned like any other.
pub async fn withdraw(
    b: &Backend,
    scope: &Scope,
    run_id: RunId,
    object_type: ObjectType,
) -> Result<Run> {
    let mut tx = b.db.write().await?;
    let run = held_run(&mut tx, scope, run_id).await?;
    scope.require(Permission::RunsDecide)?;
    let withdrawn = execute!(
        &mut tx,
        "UPDATE run_decision SET withdrawn_by = $3
          WHERE run_id = $1 AND object_type = $2 AND decision = 'rejected'
            AND withdrawn_by IS NULL",
        run_id,
        object_type,
        scope.actor_name()
    )?;
    if withdrawn == 0 {
        return Err(Error::conflict(format!(
            "There is no rejection of type {object_type} to take back."
        )));
    }
    // Memberships stand with their group's id.
    execute!(
        &mut tx,
        "UPDATE source_object SET pending = 'withdrawn' FROM kept_by_decision k
          WHERE k.run_id = $1 AND k.object_type = $2
            AND source_object.integration_id = k.integration_id
            AND source_object.object_type =
                CASE WHEN k.object_type = 'membership' THEN 'group' ELSE k.object_type END
            AND source_object.external_id = k.external_id",
        run_id,
        object_type
    )?;
    plan_groups_of(&mut tx, run_id, object_type).await?;
    execute!(
        &mut tx,
        "DELETE FROM kept_by_decision WHERE run_id = $1 AND object_type = $2",
        run_id,
        object_type
    )?;
    let name = run.integration_name.as_deref().unwrap_or_default();
    let subject = format!("{name}, {object_type}s");
    let customer = Some(run.customer_id);
    audit::record(b, &mut tx, scope, "run.withdraw", customer, &subject).await?;
    let run = starting::load(&mut tx, run_id).await?;
    tx.commit().await?;
    Ok(run)
}

/// The directory's memberships of what was kept are planned anew too: the source may know nothing
/// of them any more.
async fn plan_groups_of(tx: &mut Tx, run_id: RunId, object_type: ObjectType) -> Result<()> {
    if !matches!(object_type, ObjectType::User | ObjectType::Group) {
        return Ok(());
    }
    execute!(
        tx,
        sqlx::AssertSqlSafe(format!(
            "UPDATE source_object SET pending = 'withdrawn'
              WHERE object_type = 'group' AND pending IS NULL
                AND (integration_id, external_id) IN (
                    SELECT g.integration_id, g.external_id FROM kept_by_decision k
                      JOIN directory_{object_type} d ON d.integration_id = k.integration_id
                           AND d.external_id = k.external_id
                      JOIN directory_membership m ON m.member_id = d.id
                      JOIN directory_group g ON g.id = m.group_id
                     WHERE k.run_id = $1 AND k.object_type = $2)"
        )),
        run_id,
        object_type
    )?;
    Ok(())
}
