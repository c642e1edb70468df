//! Runs whose disables and deletes wait for a decision (sync.md rules 6 to 8).

use domain::{
    id::RunId,
    number::counted,
    policy::ObjectType,
    run::{CountLine, Reason, RunError, RunTrigger},
};

use super::{decide, ending, record::Work, single};
use crate::{Result, Tx, execute, fetch_optional};

/// Where a run's held changes wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the run itself, or it holds nothing.
    Own,
    /// In an earlier run, which stands for this one too: it did nothing else.
    Folded,
    /// In an earlier run, which found the same.
    In,
}

/// Finds the place of what is held. A scheduled run that finds the same held set again lets the
/// held run keep it; whatever else was found takes the place of older held runs.
pub(super) async fn place(work: &mut Work<'_>, tx: &mut Tx, lines: &[CountLine]) -> Result<Place> {
    let holds = lines.iter().any(|line| line.held > 0);
    if work.run.one().is_some() {
        return of_one(work, tx, holds).await;
    }
    let key = if holds {
        Some(ending::held_key(tx, work.run.id).await?)
    } else {
        None
    };
    if let Some(key) = &key
        && work.run.triggered_by == RunTrigger::Schedule
        && let Some(earlier) = same(work, tx, key).await?
    {
        let quiet = lines
            .iter()
            .all(|line| line.failed == 0 && line.changed() == 0);
        if quiet {
            ending::fold_into(work, tx, earlier).await?;
            ending::still_held(work, tx).await?;
            return Ok(Place::Folded);
        }
        execute!(
            &mut *tx,
            "UPDATE run SET last_seen_at = $1 WHERE id = $2",
            work.b().clock.now(),
            earlier
        )?;
        execute!(
            &mut *tx,
            "UPDATE run SET held_in = $1 WHERE id = $2",
            earlier,
            work.run.id
        )?;
        return Ok(Place::In);
    }
    replace_older(work, tx).await?;
    execute!(
        tx,
        "UPDATE run SET held_key = $1 WHERE id = $2",
        key,
        work.run.id
    )?;
    Ok(Place::Own)
}

/// A run of one object looked at nothing else that waits: held runs stand as they are. What one of
/// them holds of this object waits there.
async fn of_one(work: &Work<'_>, tx: &mut Tx, holds: bool) -> Result<Place> {
    if !holds {
        return Ok(Place::Own);
    }
    if let Some(earlier) = single::waits_in(work, tx).await? {
        execute!(
            tx,
            "UPDATE run SET held_in = $1 WHERE id = $2",
            earlier,
            work.run.id
        )?;
        return Ok(Place::In);
    }
    let key = ending::held_key(tx, work.run.id).await?;
    execute!(
        tx,
        "UPDATE run SET held_key = $1 WHERE id = $2",
        key,
        work.run.id
    )?;
    Ok(Place::Own)
}

/// The held run that found the same set.
async fn same(work: &Work<'_>, tx: &mut Tx, key: &str) -> Result<Option<RunId>> {
    let held = fetch_optional!(
        tx,
        (RunId, Option<String>),
        "SELECT id, held_key FROM run
          WHERE integration_id = $1 AND status = 'held' AND id <> $2
          ORDER BY queued_at DESC, id DESC LIMIT 1",
        work.integration.id,
        work.run.id
    )?;
    Ok(held
        .filter(|(_, held)| held.as_deref() == Some(key))
        .map(|(id, _)| id))
}

/// Older held runs are over: this one looked at everything that they held, and says what became
/// of it. What was decided of them and waited for another decision wasn't done.
async fn replace_older(work: &Work<'_>, tx: &mut Tx) -> Result<()> {
    let older = "SELECT id FROM run WHERE integration_id = $1 AND status = 'held' AND id <> $2";
    execute!(
        &mut *tx,
        sqlx::AssertSqlSafe(format!(
            "UPDATE run_count SET status = 'cancelled' WHERE held > 0 AND run_id IN ({older})"
        )),
        work.integration.id,
        work.run.id
    )?;
    execute!(
        tx,
        "UPDATE run SET status = 'cancelled', ended_at = $3, error = NULL, replaced_by = $2
          WHERE integration_id = $1 AND status = 'held' AND id <> $2",
        work.integration.id,
        work.run.id,
        work.b().clock.now()
    )?;
    Ok(())
}

/// What is held, why, and what to do.
pub(super) async fn words(tx: &mut Tx, work: &Work<'_>, lines: &[CountLine]) -> Result<RunError> {
    let empty = fetch_optional!(
        tx,
        (ObjectType,),
        "SELECT object_type FROM run_change
          WHERE run_id = $1 AND status = 'held' AND reason = $2 LIMIT 1",
        work.run.id,
        Reason::EmptyAnswer
    )?;
    let held: Vec<String> = lines
        .iter()
        .filter(|line| line.held > 0)
        .map(|line| noun(line.object_type, line.held))
        .collect();
    let held = held.join(", ");
    if let Some((object_type,)) = empty {
        return Ok(RunError {
            code: "empty_answer".to_owned(),
            title: format!("The source has no {object_type} at all any more"),
            detail: format!(
                "The answer was complete and empty where {held} are in use here. They stay as they are, and the next run reads everything again."
            ),
            fix: "Check the tenant in Entra and the selected groups. Where they are right again, the next run goes on by itself. If the tenant really is empty, approve.".to_owned(),
        });
    }
    let mut over = decide::undecided(tx, work.run.id).await?;
    over.sort_unstable();
    let limits: Vec<String> = over
        .into_iter()
        .map(|object_type| limit(work, object_type))
        .collect();
    Ok(RunError {
        code: "guard_limit".to_owned(),
        title: format!("Held by the guard: {held}"),
        detail: format!(
            "More disables and deletes than the guard lets through ({}). Everything else was applied; these stay as they are.",
            limits.join("; ")
        ),
        fix: "Look through the held changes. If they are right, approve them. If they are not, put it right in Entra, and the next run sees it; or reject them, and they stay as they are.".to_owned(),
    })
}

fn noun(object_type: ObjectType, number: i64) -> String {
    counted(number, object_type.as_str(), &format!("{object_type}s"))
}

fn limit(work: &Work<'_>, object_type: ObjectType) -> String {
    let limit = work.policy.guard.limit(object_type);
    match limit.max_count {
        Some(count) => format!("{object_type}: {count} or {} %", limit.max_percent),
        None => format!("{object_type}: {} %", limit.max_percent),
    }
}
