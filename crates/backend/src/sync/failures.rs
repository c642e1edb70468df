//! Changes that could not be applied: counted as such, named, and pending.

use domain::{
    id::RunId,
    number::counted,
    policy::ObjectType,
    run::{Action, CountLine, Reason, RunError},
};
use planner::count;

use super::{members::Difference, record::Work};
use crate::{Result, Tx, execute, fetch_all, fetch_optional};

/// Leaves what isn't applied yet as failed and pending.
pub(super) async fn leave(tx: &mut Tx, work: &Work<'_>, pending: &str, why: &str) -> Result<()> {
    execute!(
        tx,
        "UPDATE source_object SET pending = $3 FROM run_change c
          WHERE c.run_id = $1 AND c.status = 'planned' AND source_object.integration_id = $2
            AND source_object.object_type =
                CASE WHEN c.object_type = 'membership' THEN 'group' ELSE c.object_type END
            AND source_object.external_id = c.external_id",
        work.run.id,
        work.integration.id,
        pending
    )?;
    execute!(
        tx,
        "UPDATE run_change SET status = 'failed', error = $2
          WHERE run_id = $1 AND status = 'planned'",
        work.run.id,
        why
    )?;
    Ok(())
}

/// Moves failed changes from what they would have been to `failed`.
pub(super) async fn recount(tx: &mut Tx, run_id: RunId, lines: &mut [CountLine]) -> Result<()> {
    // Whom a rule fails for was counted as failed when planned.
    let objects = fetch_all!(
        tx,
        (ObjectType, Action, Option<Reason>, i64),
        "SELECT object_type, action, reason, COUNT(*) FROM run_change
          WHERE run_id = $1 AND status = 'failed' AND object_type <> 'membership'
            AND (reason IS NULL OR reason NOT IN ('mapping_failed', 'filter_failed', 'user_name_held'))
          GROUP BY object_type, action, reason",
        run_id
    )?;
    for (object_type, action, reason, number) in objects {
        let blocked = action == Action::Disable && reason == Some(Reason::SignInBlocked);
        if let Some(line) = find(lines, object_type) {
            count::fail(line, action, number, if blocked { number } else { 0 });
        }
    }
    let memberships = fetch_all!(
        tx,
        (i64, Option<String>),
        "SELECT edges, after_value FROM run_change
          WHERE run_id = $1 AND status = 'failed' AND object_type = 'membership'",
        run_id
    )?;
    if let Some(line) = find(lines, ObjectType::Membership) {
        for (edges, after) in memberships {
            let removed = after.as_deref().map_or(0, removed_in);
            count::fail(line, Action::Create, edges - removed, 0);
            count::fail(line, Action::Delete, removed, 0);
        }
    }
    Ok(())
}

fn find(lines: &mut [CountLine], object_type: ObjectType) -> Option<&mut CountLine> {
    lines
        .iter_mut()
        .find(|line| line.object_type == object_type)
}

fn removed_in(after: &str) -> i64 {
    let removed = Difference::read(after).map_or(0, |after| after.removed.len());
    i64::try_from(removed).unwrap_or(0)
}

/// What is said where nothing fails but names that others sign in with.
fn held(name: &str, number: i64, cause: String) -> RunError {
    RunError {
        code: Reason::UserNameHeld.to_string(),
        title: format!(
            "{} that somebody else here signs in with",
            counted(number, "person has a user name", "people have user names")
        ),
        detail: format!("The first is {name}: {cause}"),
        fix: "Change one of the two names. Until then they stay as they are.".to_owned(),
    }
}

/// What failed, with the first cause.
pub(super) async fn words(tx: &mut Tx, run_id: RunId, lines: &[CountLine]) -> Result<RunError> {
    let first = fetch_optional!(
        &mut *tx,
        (String, Option<String>),
        "SELECT display_name, error FROM run_change
          WHERE run_id = $1 AND status = 'failed' ORDER BY position LIMIT 1",
        run_id
    )?;
    let by_rule = fetch_all!(
        tx,
        (Reason, i64),
        "SELECT reason, COUNT(*) FROM run_change
          WHERE run_id = $1 AND status = 'failed' AND reason IN ('mapping_failed', 'filter_failed', 'user_name_held')
          GROUP BY reason",
        run_id
    )?;
    let number: i64 = lines.iter().map(|line| line.failed).sum();
    let (mut name, cause) = first.unwrap_or_default();
    // A name may be of any length, a sentence not.
    name.truncate(name.floor_char_boundary(256));
    let all_by = by_rule.iter().find(|(_, count)| *count == number);
    if let Some((reason, _)) = all_by {
        if *reason == Reason::UserNameHeld {
            return Ok(held(&name, number, cause.unwrap_or_default()));
        }
        let (rule, tab) = match reason {
            Reason::FilterFailed => ("filter", "Filters"),
            _ => ("mapping rule", "Attributes"),
        };
        return Ok(RunError {
            code: reason.to_string(),
            title: format!(
                "A {rule} fails for {}",
                counted(number, "object", "objects")
            ),
            detail: format!("The first is {name}: {}", cause.unwrap_or_default()),
            fix: format!(
                "Correct the rule on the tab {tab}, or the value in the source. Until then they stay as they are."
            ),
        });
    }
    Ok(RunError {
        code: "changes_failed".to_owned(),
        title: format!(
            "{} could not be applied",
            counted(number, "change", "changes")
        ),
        detail: format!("The first is {name}: {}", cause.unwrap_or_default()),
        fix: "Look through the failed changes. They stay pending: the next run tries them again."
            .to_owned(),
    })
}
