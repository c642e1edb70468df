//! An operator or a program decides about held changes, once a type (sync.md rule 8). When every
//! held type of the run is decided, the run goes on in the worker.

use domain::{
    audit::{AuditAction, AuditChanges},
    decision::{Decision, RunDecision},
    id::RunId,
    permission::Permission,
    policy::ObjectType,
    run::{LineStatus, Run, RunPhase, RunStatus},
    text::parse_note,
};

use super::{existing::Existing, starting};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all,
    store::audit::{self, Entry},
};

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
    let run = Existing::find(&mut tx, scope, run_id).await?;
    scope.require(Permission::RunsDecide)?;
    if decision == Decision::Approved {
        scope.require_recent_proof(b.clock.now())?;
    }
    let note = read_note(note)?;
    refuse(&mut tx, &run, object_type).await?;
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
        run.go_on(b, &mut tx, RunPhase::Deciding).await?;
    }
    let action = match decision {
        Decision::Approved => AuditAction::RunApprove,
        Decision::Rejected => AuditAction::RunReject,
    };
    let entry = Entry::new(action, run_id.0, run.name())
        .of(run.customer_id)
        .note(note)
        .changes(AuditChanges::none().now("object_type", &object_type));
    audit::record(b, &mut tx, scope, entry).await?;
    let run = starting::load(&mut tx, run_id).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(run)
}

fn read_note(note: &str) -> Result<&str> {
    let note = parse_note("reason", note)?;
    if note.is_empty() {
        return Err(Error::invalid(
            "reason",
            "Say why, in a sentence or with a ticket number: it is kept in the audit log.",
        ));
    }
    Ok(note)
}

/// What can't be decided, and why.
async fn refuse(tx: &mut Tx, run: &Existing, object_type: ObjectType) -> Result<()> {
    let made = decisions(tx, run.id).await?;
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
    run.at_rest(tx).await?;
    if run.status != RunStatus::Held || !undecided(tx, run.id).await?.contains(&object_type) {
        return Err(Error::conflict(format!(
            "The run holds nothing of type {object_type} that can be decided. Memberships that wait with their user or group are decided with it."
        )));
    }
    if !run.is_planned(tx).await? {
        return Err(Error::conflict(
            "What is known of the source isn’t for the saved settings: they were changed, a preview looked at others, or a run did not come to its end. Run a sync, then decide about what it holds.",
        ));
    }
    Ok(())
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

/// Takes a rejection back: from the next run on, the objects are planned like any other.
pub async fn withdraw(
    b: &Backend,
    scope: &Scope,
    run_id: RunId,
    object_type: ObjectType,
) -> Result<Run> {
    let mut tx = b.db.write().await?;
    let run = Existing::find(&mut tx, scope, run_id).await?;
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
    if run.status == RunStatus::Held || run.status.is_open() {
        return Err(Error::conflict(
            "The rejection is not done yet: the run waits for its other decisions, or is at work.",
        ));
    }
    // Memberships stand with their group's id.
    execute!(
        &mut tx,
        sqlx::AssertSqlSafe(format!(
            "UPDATE source_object SET pending = {WITHDRAWN} FROM kept_by_decision k
          WHERE k.run_id = $1 AND k.object_type = $2
            AND source_object.integration_id = k.integration_id
            AND source_object.object_type =
                CASE WHEN k.object_type = 'membership' THEN 'group' ELSE k.object_type END
            AND source_object.external_id = k.external_id"
        )),
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
    let entry = Entry::new(AuditAction::RunWithdraw, run_id.0, run.name())
        .of(run.customer_id)
        .changes(AuditChanges::none().was("object_type", &object_type));
    audit::record(b, &mut tx, scope, entry).await?;
    let run = starting::load(&mut tx, run_id).await?;
    tx.commit().await?;
    Ok(run)
}

/// What is taken back is looked at by the next run that plans; that an object's memberships turn
/// stays known.
pub(crate) const WITHDRAWN: &str = "CASE WHEN pending IN ('members', 'withdrawn_members')
    THEN 'withdrawn_members' ELSE 'withdrawn' END";

/// The directory's memberships of what was kept are planned anew too: the source may know nothing
/// of them any more.
async fn plan_groups_of(tx: &mut Tx, run_id: RunId, object_type: ObjectType) -> Result<()> {
    if object_type == ObjectType::Membership {
        return Ok(());
    }
    execute!(
        tx,
        sqlx::AssertSqlSafe(format!(
            "UPDATE source_object SET pending = {WITHDRAWN}
              WHERE object_type = 'group'
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
