//! Runs whose disables and deletes wait (sync.md rules 6 to 8). Approving comes later; until then
//! the words of a held run say what can be done now.

use domain::{
    id::RunId,
    number::counted,
    policy::ObjectType,
    run::{CountLine, Reason, RunError, RunTrigger},
};

use super::{ending, record::Work};
use crate::{Result, Tx, execute, fetch_optional};

/// Notes what is held. A scheduled run that finds nothing but the same held set again lets the held
/// run stand for it; true where it did.
pub(super) async fn fold(work: &mut Work<'_>, tx: &mut Tx, lines: &[CountLine]) -> Result<bool> {
    let key = ending::held_key(tx, work.run.id).await?;
    let quiet = lines
        .iter()
        .all(|line| line.failed == 0 && ending::changed(line) == 0);
    if quiet && work.run.triggered_by == RunTrigger::Schedule {
        let same = fetch_optional!(
            tx,
            (RunId, Option<String>),
            "SELECT id, held_key FROM run
              WHERE integration_id = $1 AND status = 'held' AND id <> $2
              ORDER BY queued_at DESC, id DESC LIMIT 1",
            work.integration.id,
            work.run.id
        )?
        .filter(|(_, held)| held.as_deref() == Some(key.as_str()));
        if let Some((line, _)) = same {
            ending::fold_into(work, tx, line).await?;
            ending::still_held(work, tx).await?;
            return Ok(true);
        }
    }
    execute!(
        tx,
        "UPDATE run SET held_key = $1 WHERE id = $2",
        key,
        work.run.id
    )?;
    Ok(false)
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
            fix: "Check the tenant in Entra and the selected groups. Where they are right, the next run goes on by itself.".to_owned(),
        });
    }
    let limits: Vec<String> = lines
        .iter()
        .filter(|line| line.held > 0)
        .map(|line| limit(work, line.object_type))
        .collect();
    Ok(RunError {
        code: "guard_limit".to_owned(),
        title: format!("Held by the guard: {held}"),
        detail: format!(
            "More disables and deletes than the guard lets through ({}). Everything else was applied; these stay as they are.",
            limits.join("; ")
        ),
        fix: "Look through the held changes. If they are right, raise the guard’s limit in Tenant Configuration and run again: a later run plans everything that is pending anew. If they are not, put it right in Entra; the next run sees it.".to_owned(),
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
