//! The end of a run: honest counts and states, what stays pending, and when the integration runs
//! next, all in the one transaction that takes the job out of the queue.

use domain::{
    DateTime,
    id::RunId,
    integration::IntegrationState,
    number::grouped,
    policy::ObjectType,
    run::{Action, CountLine, LineStatus, RunError, RunMode, RunPhase, RunStatus, RunTrigger},
};
use planner::count;
use sha2::{Digest, Sha256};

use super::{
    counts, decided, failures,
    held::{self, Place},
    merging,
    reading::Round,
    record::{IntegrationRow, Work, lost},
    single, staging,
    stop::Failure,
};
use crate::{
    Result, Tx, execute, fetch_all, fetch_optional, fetch_scalar,
    jobs::queue::{self, Kind, NewJob, PRIORITY_NOTIFICATION},
    notify,
};

/// Refused sign-ins, with no run between them that went well, after which an integration is left
/// alone until a person acts.
const QUARANTINED_AFTER: i64 = 10;

/// Ends a run that went through all its phases.
pub(super) async fn complete(work: &mut Work<'_>) -> Result<()> {
    staging::clear(work).await?;
    let mut tx = work.b().db.write().await?;
    let mut lines = counts::load(&mut tx, work.run.id).await?;
    failures::recount(&mut tx, work.run.id, &mut lines).await?;
    let preview = work.run.mode == RunMode::Preview;
    let mut status = status(&lines, preview);
    if !preview {
        match held::place(work, &mut tx, &lines).await? {
            Place::Own => {}
            Place::Folded => return close(work, tx).await,
            Place::In => status = without_held(&lines),
        }
    }
    for line in &mut lines {
        line.status = line_status(line, preview);
        counts::insert(&mut tx, work.run.id, line).await?;
    }
    let error = match status {
        RunStatus::Held => Some(held::words(&mut tx, work, &lines).await?),
        RunStatus::Partial => Some(failures::words(&mut tx, work.run.id, &lines).await?),
        _ => None,
    };
    if preview {
        // What was merged is nowhere yet: the next run has to look at everything.
        merging::plan_everything(&mut tx, work.integration.id).await?;
        let_the_schedule_wait(work, &mut tx).await?;
    } else {
        settle_pending(work, &mut tx).await?;
    }
    if status == RunStatus::NothingToDo
        && !preview
        && !work.run.full_read
        && work.run.triggered_by == RunTrigger::Schedule
        && !takes_a_place(work, &mut tx).await?
        && let Some(line) = last_quiet_line(work, &mut tx).await?
    {
        // It had something to look at, and found nothing all the same (sync.md rule 18).
        fold_into(work, &mut tx, line).await?;
    } else {
        end_run(work, &mut tx, status, error.as_ref()).await?;
    }
    let end = End {
        status,
        error: error.as_ref(),
        detail: detail(&lines, status),
        failure: None,
    };
    if !preview {
        update_integration(work, &mut tx, &end).await?;
        invite_newly_synced(work, &mut tx, &lines).await?;
    }
    close(work, tx).await
}

/// Has whom the run brought in use invited, where the settings say so.
async fn invite_newly_synced(work: &Work<'_>, tx: &mut Tx, lines: &[CountLine]) -> Result<()> {
    let came_in = |line: &CountLine| line.created + line.enabled + line.restored > 0;
    let users = |line: &&CountLine| line.object_type == ObjectType::User;
    if !work.policy.send_enrollment_email || !lines.iter().filter(users).any(came_in) {
        return Ok(());
    }
    let job = NewJob {
        kind: Kind::InviteNewlySynced,
        subject: work.run.id.0,
        integration_id: Some(work.integration.id),
        priority: PRIORITY_NOTIFICATION,
        run_at: work.b().clock.now(),
        dedupe_key: Some(format!("invite_newly_synced:{}", work.run.id)),
    };
    queue::enqueue(work.b(), tx, &job).await?;
    Ok(())
}

/// Whether the run took the place of one that held something.
async fn takes_a_place(work: &Work<'_>, tx: &mut Tx) -> Result<bool> {
    fetch_scalar!(
        tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM run WHERE replaced_by = $1)",
        work.run.id
    )
}

/// How long the schedule waits after a preview: a run in between would take its place.
const PREVIEW_MINUTES: i64 = 15;

/// Gives whoever looks at a preview the time to apply it.
async fn let_the_schedule_wait(work: &Work<'_>, tx: &mut Tx) -> Result<()> {
    let later = work.b().clock.now() + chrono::Duration::minutes(PREVIEW_MINUTES);
    // Not out of the hours in which it may run: it would lose that day.
    if work.integration.timetable().is_open(later) {
        execute!(
            tx,
            "UPDATE integration SET next_run_at = $2 WHERE id = $1 AND next_run_at < $2",
            work.integration.id,
            later
        )?;
    }
    Ok(())
}

/// Ends a quiet run: the cursors move on. A scheduled one adds no line where the last line is a
/// quiet one too (sync.md rule 18).
pub(super) async fn quiet(work: &mut Work<'_>) -> Result<()> {
    let round = Round::of(work.run.round.as_deref());
    let mut tx = work.b().db.write().await?;
    merging::store_cursors(work, &mut tx, &round).await?;
    let end = End {
        status: RunStatus::NothingToDo,
        error: None,
        detail: "nothing to do".to_owned(),
        failure: None,
    };
    if work.run.triggered_by == RunTrigger::Schedule
        && let Some(line) = last_quiet_line(work, &mut tx).await?
    {
        fold_into(work, &mut tx, line).await?;
    } else {
        let types = work.policy.object_types.iter().copied();
        for object_type in types.chain([ObjectType::Membership]) {
            let line = CountLine::new(object_type, LineStatus::NothingToDo);
            counts::insert(&mut tx, work.run.id, &line).await?;
        }
        end_run(work, &mut tx, RunStatus::NothingToDo, None).await?;
    }
    update_integration(work, &mut tx, &end).await?;
    close(work, tx).await
}

/// Ends a held run that was decided. What it changed stays pending until the next run looked at it;
/// how the integration is, and when it runs next, is for runs that read.
pub(super) async fn decided(
    work: &mut Work<'_>,
    mut tx: Tx,
    status: RunStatus,
    error: Option<&RunError>,
) -> Result<()> {
    end_run(work, &mut tx, status, error).await?;
    execute!(
        &mut tx,
        "UPDATE integration SET last_sync_status = $3, last_sync_detail = 'decided'
          WHERE id = $1 AND last_run_id = $2",
        work.integration.id,
        work.run.id,
        status
    )?;
    let at = &work.integration;
    let told = ended(work, status, at.state, at.failures, error);
    notify::causes::run_decided(work.b(), &mut tx, &told).await?;
    close(work, tx).await
}

/// The run as those who are told of it see it.
fn ended<'a>(
    work: &'a Work<'_>,
    status: RunStatus,
    state: IntegrationState,
    failures: i64,
    error: Option<&'a RunError>,
) -> notify::causes::Ended<'a> {
    let at = &work.integration;
    notify::causes::Ended {
        integration_id: at.id,
        customer_id: at.customer_id,
        name: &at.name,
        run_id: work.run.id,
        status,
        state,
        failures,
        error,
    }
}

/// The integration's last run, where it is a quiet line of the schedule.
async fn last_quiet_line(work: &Work<'_>, tx: &mut Tx) -> Result<Option<RunId>> {
    let last = fetch_optional!(
        tx,
        (RunId, RunStatus, RunTrigger),
        "SELECT id, status, triggered_by FROM run
          WHERE integration_id = $1 AND id <> $2 ORDER BY queued_at DESC, id DESC LIMIT 1",
        work.integration.id,
        work.run.id
    )?;
    Ok(last.and_then(|(id, status, trigger)| {
        (status == RunStatus::NothingToDo && trigger == RunTrigger::Schedule).then_some(id)
    }))
}

/// Lets an earlier line stand for this run too, which disappears.
pub(super) async fn fold_into(work: &mut Work<'_>, tx: &mut Tx, line: RunId) -> Result<()> {
    execute!(tx, "DELETE FROM run_change WHERE run_id = $1", work.run.id)?;
    execute!(tx, "DELETE FROM run WHERE id = $1", work.run.id)?;
    execute!(
        tx,
        "UPDATE run SET folded = folded + 1, last_seen_at = $1, requests = requests + $2,
                resource_units = resource_units + $3 WHERE id = $4",
        work.b().clock.now(),
        work.run.requests,
        work.run.resource_units,
        line
    )?;
    work.run.id = line;
    Ok(())
}

/// A held set that was found again: the integration is as it was.
pub(super) async fn still_held(work: &Work<'_>, tx: &mut Tx) -> Result<()> {
    let end = End {
        status: RunStatus::Held,
        error: None,
        detail: "still held".to_owned(),
        failure: None,
    };
    update_integration(work, tx, &end).await
}

/// Ends a run in the middle: cancelled.
pub(super) async fn cancelled(work: &mut Work<'_>, by: &str) -> Result<()> {
    let why = format!("The run was cancelled by {by} before this was applied.");
    cut_short(work, RunStatus::Cancelled, &why, None, None).await
}

/// Ends a run in the middle: failed.
pub(super) async fn failed(work: &mut Work<'_>, failure: &Failure) -> Result<()> {
    tracing::warn!(run = %work.run.id, code = failure.error.code, "a run failed");
    let why = "The run failed before this was applied.";
    let error = Some(&failure.error);
    cut_short(work, RunStatus::Failed, why, error, Some(failure)).await
}

async fn cut_short(
    work: &mut Work<'_>,
    status: RunStatus,
    why: &str,
    error: Option<&RunError>,
    failure: Option<&Failure>,
) -> Result<()> {
    let ahead = !matches!(work.run.phase, RunPhase::Waiting | RunPhase::Reading);
    if ahead {
        single::leave(work).await?;
    }
    staging::clear(work).await?;
    let mut tx = work.b().db.write().await?;
    if ahead {
        // Source objects are ahead of the directory now.
        if work.run.one().is_none() {
            merging::plan_everything(&mut tx, work.integration.id).await?;
        }
        failures::leave(&mut tx, work, status.as_str(), why).await?;
    }
    let mut lines = counts::load(&mut tx, work.run.id).await?;
    if work.run.is_decided {
        decided::count(&mut tx, work, &mut lines).await?;
    } else {
        failures::recount(&mut tx, work.run.id, &mut lines).await?;
    }
    if lines.is_empty() {
        let types = work.policy.object_types.iter().copied();
        lines.extend(types.map(count::line));
    }
    for line in &mut lines {
        line.status = status.into();
        counts::insert(&mut tx, work.run.id, line).await?;
    }
    if work.run.is_decided {
        return self::decided(work, tx, status, error).await;
    }
    end_run(work, &mut tx, status, error).await?;
    if work.run.mode == RunMode::Preview {
        // It says nothing of how the directory is, nor of whether runs go well.
        return close(work, tx).await;
    }
    let detail = match error {
        Some(error) => format!("{}, {}", error.title, error.code),
        None => "cancelled".to_owned(),
    };
    let end = End {
        status,
        error,
        detail,
        failure,
    };
    update_integration(work, &mut tx, &end).await?;
    close(work, tx).await
}

async fn end_run(
    work: &Work<'_>,
    tx: &mut Tx,
    status: RunStatus,
    error: Option<&RunError>,
) -> Result<()> {
    let (run, now) = (&work.run, work.b().clock.now());
    let ended_at = (status != RunStatus::Held).then_some(now);
    let words = error.map(|error| format!("{} {}", error.code, error.title));
    execute!(
        tx,
        "UPDATE run SET status = $2, phase = 'done', started_at = $3, ended_at = $4, error = $5,
                requests = $6, resource_units = $7, pages_read = $8, objects_read = $9,
                planned = $10, applied = $11, full_read = $12, round = NULL,
                search_text = search_text || $13
          WHERE id = $1",
        run.id,
        status,
        work.started_at,
        ended_at,
        error.and_then(|error| serde_json::to_string(error).ok()),
        run.requests,
        run.resource_units,
        run.pages_read,
        run.objects_read,
        run.planned,
        run.applied,
        run.full_read,
        words.map_or_else(String::new, |words| format!("\n{}", planner::fold(&words)))
    )?;
    Ok(())
}

/// What the end of a run says about its integration.
struct End<'a> {
    status: RunStatus,
    error: Option<&'a RunError>,
    detail: String,
    failure: Option<&'a Failure>,
}

async fn update_integration(work: &Work<'_>, tx: &mut Tx, end: &End<'_>) -> Result<()> {
    if work.run.mode == RunMode::Object {
        return single::ended(work, tx, end.status).await;
    }
    // As they are now: somebody may have changed the schedule, or lifted a quarantine, meanwhile.
    tx.hold("integration", work.integration.id.0).await?;
    let at = &IntegrationRow::load(tx, work.integration.id).await?;
    let now = work.b().clock.now();
    let done = matches!(
        end.status,
        RunStatus::Succeeded | RunStatus::Partial | RunStatus::NothingToDo
    );
    let first_full_done = at.first_full_done || (done && work.run.full_read);
    let failures = match end.status {
        RunStatus::Failed => at.failures + 1,
        RunStatus::Cancelled => at.failures,
        _ => 0,
    };
    let refused = end.failure.is_some_and(|failure| failure.authentication);
    let refusals = match end.status {
        RunStatus::Failed | RunStatus::Cancelled => at.refusals + i64::from(refused),
        _ => 0,
    };
    let state = match end.status {
        _ if at.state == IntegrationState::Disabled => at.state,
        _ if !first_full_done => IntegrationState::NotStarted,
        RunStatus::Cancelled => at.state,
        RunStatus::Failed if is_hopeless(at.state, refusals) => IntegrationState::Quarantined,
        RunStatus::Failed => IntegrationState::Failing,
        _ => IntegrationState::Ok,
    };
    let next = next_run(at, end, state, failures, now);
    // A plan that stands is the one that everything is as it says, or pending.
    let planned_policy = matches!(
        end.status,
        RunStatus::Succeeded | RunStatus::Partial | RunStatus::NothingToDo | RunStatus::Held
    )
    .then(|| {
        let round = Round::of(work.run.round.as_deref());
        round
            .planned_policy
            .unwrap_or_else(|| super::planned_policy(&work.policy))
    });
    execute!(
        tx,
        "UPDATE integration SET last_run_id = $2, last_sync_started_at = $3,
                last_sync_status = $4, last_sync_detail = $5, failures = $6, state = $7,
                last_error = CASE WHEN $8 THEN $9 ELSE last_error END, first_full_done = $10,
                planned_policy = COALESCE($11, planned_policy),
                next_run_at = CASE WHEN enabled AND $10 THEN $12 END, refusals = $13
          WHERE id = $1",
        at.id,
        work.run.id,
        work.started_at,
        end.status,
        end.detail.as_str(),
        failures,
        state,
        end.status != RunStatus::Cancelled,
        (end.status == RunStatus::Failed)
            .then(|| end
                .error
                .and_then(|error| serde_json::to_string(error).ok()))
            .flatten(),
        first_full_done,
        planned_policy,
        next,
        refusals
    )?;
    let told = ended(work, end.status, state, failures, end.error);
    notify::causes::run_ended(work.b(), tx, &told).await
}

/// Whether it is left alone from now on. A quarantine is lifted by what works, not by a run that
/// fails in another way.
fn is_hopeless(before: IntegrationState, refusals: i64) -> bool {
    before == IntegrationState::Quarantined || refusals >= QUARANTINED_AFTER
}

fn next_run(
    at: &IntegrationRow,
    end: &End<'_>,
    state: IntegrationState,
    failures: i64,
    now: DateTime,
) -> Option<DateTime> {
    let timetable = at.timetable();
    match state {
        IntegrationState::Disabled | IntegrationState::Quarantined => None,
        _ if end.status == RunStatus::Failed => {
            let wait = end.failure.and_then(|failure| failure.retry_after);
            timetable.after_failure(now, failures, wait)
        }
        _ => timetable.next(now),
    }
}

/// Every pending object was planned, or the one that the run is for. What is held or failed stays
/// pending, with the reason, and so does who waits for a decision about a match.
async fn settle_pending(work: &Work<'_>, tx: &mut Tx) -> Result<()> {
    let one = work.run.one();
    execute!(
        &mut *tx,
        "UPDATE source_object SET pending = NULL
          WHERE integration_id = $1 AND pending IS NOT NULL
            AND pending NOT IN ('withdrawn', 'withdrawn_members')
            AND ($2 IS NULL OR (object_type = $2 AND external_id = $3))",
        work.integration.id,
        one.map(|one| one.object_type),
        one.map(|one| one.external_id)
    )?;
    if work.run.policy.is_some() {
        // An applied preview forgot no rejection that has nothing to say any more.
        execute!(
            &mut *tx,
            "UPDATE source_object SET pending = 'planned' FROM kept_by_decision k
              WHERE k.integration_id = $1 AND source_object.integration_id = $1
                AND source_object.object_type =
                    CASE WHEN k.object_type = 'membership' THEN 'group' ELSE k.object_type END
                AND source_object.external_id = k.external_id
                AND source_object.pending IS NULL",
            work.integration.id
        )?;
    }
    execute!(
        tx,
        "UPDATE source_object SET pending = CASE
                WHEN c.reason IN ('mapping_failed', 'filter_failed') THEN 'mapping'
                WHEN c.reason = 'user_name_held' THEN 'name_held'
                WHEN c.status = 'filtered' THEN 'matching'
                WHEN c.status = 'failed' THEN 'failed'
                WHEN c.reason = 'empty_answer' THEN 'empty_answer' ELSE 'guard_limit' END
           FROM run_change c
          WHERE c.run_id = $1
            AND (c.status IN ('held', 'failed')
                 OR (c.status = 'filtered' AND c.reason IN ('match_undecided', 'new_undecided'))
                 OR (c.status = 'filtered' AND c.reason = 'duplicate_user_name'
                     AND EXISTS (SELECT 1 FROM user_match m
                                  WHERE m.integration_id = $2 AND m.external_id = c.external_id
                                    AND m.applied_at IS NULL)))
            AND source_object.integration_id = $2
            AND source_object.object_type =
                CASE WHEN c.object_type = 'membership' THEN 'group' ELSE c.object_type END
            AND source_object.external_id = c.external_id",
        work.run.id,
        work.integration.id
    )?;
    Ok(())
}

/// Takes the job out of the queue and makes everything last, unless the lease was lost.
async fn close(work: &Work<'_>, mut tx: Tx) -> Result<()> {
    if !queue::finish(&mut tx, &work.cx.lease).await? {
        return Err(lost());
    }
    tx.commit().await
}

fn status(lines: &[CountLine], preview: bool) -> RunStatus {
    let any = |number: fn(&CountLine) -> i64| lines.iter().any(|line| number(line) > 0);
    if any(|line| line.held) && !preview {
        RunStatus::Held
    } else if any(|line| line.failed) && !preview {
        RunStatus::Partial
    } else if any(CountLine::changed) || any(|line| line.held) || any(|line| line.failed) {
        RunStatus::Succeeded
    } else {
        RunStatus::NothingToDo
    }
}

/// The status of a run whose held changes wait in an earlier run.
fn without_held(lines: &[CountLine]) -> RunStatus {
    let lines: Vec<CountLine> = lines
        .iter()
        .map(|line| CountLine { held: 0, ..*line })
        .collect();
    status(&lines, false)
}

fn line_status(line: &CountLine, preview: bool) -> LineStatus {
    if line.held > 0 && preview {
        LineStatus::WouldHold
    } else {
        status(std::slice::from_ref(line), preview).into()
    }
}

fn detail(lines: &[CountLine], status: RunStatus) -> String {
    let sum = |number: fn(&CountLine) -> i64| -> i64 {
        lines
            .iter()
            .filter(|line| line.object_type != ObjectType::Membership)
            .map(number)
            .sum()
    };
    let changed = sum(CountLine::changed);
    match status {
        RunStatus::Held => format!("{} held", grouped(lines.iter().map(|line| line.held).sum())),
        RunStatus::Partial => {
            let failed = grouped(sum(|line| line.failed));
            format!("{} changed, {failed} failed", grouped(changed))
        }
        RunStatus::NothingToDo => "nothing to do".to_owned(),
        _ => format!("{} changed", grouped(changed)),
    }
}

/// What tells one held set from another.
pub(super) async fn held_key(tx: &mut Tx, run_id: RunId) -> Result<String> {
    let rows = fetch_all!(
        tx,
        (ObjectType, domain::id::ExternalId, Action, Option<String>),
        "SELECT object_type, external_id, action, after_value FROM run_change
          WHERE run_id = $1 AND status = 'held'
          ORDER BY object_type, external_id, action, position",
        run_id
    )?;
    let mut hash = Sha256::new();
    for (object_type, external_id, action, after) in rows {
        hash.update(object_type.as_str());
        hash.update(external_id.0.as_bytes());
        hash.update(action.as_str());
        if object_type == ObjectType::Membership {
            hash.update(after.unwrap_or_default());
        }
    }
    Ok(hex::encode(hash.finalize()))
}
