//! The sync engine: from what a source says to a customer's directory (sync.md).
//!
//! A run is a state machine whose state is the database: each phase begins where the rows say it
//! stands, so any worker can go on with a run that another left.
//!
//! | phase | what happens | cut short |
//! | --- | --- | --- |
//! | [`reading`], or [`single`] for one object | pages come into staging rows | begun again |
//! | [`merging`], [`member_merging`] | staging becomes source objects and edges; cursors last | done again, it changes nothing twice |
//! | [`planning`], [`member_planning`] | the planner decides, the plan is stored | begun again |
//! | [`applying`] | the plan becomes the directory, a batch at a time | goes on after the last batch |
//! | [`decided`] | of a held run that was decided: what was approved is looked at again, and applied | done again |
//! | [`ending`] | counts, states, what stays pending; the job leaves the queue | done again |

mod administrators;
mod apply_preview;
mod applying;
mod batches;
mod connect;
mod counts;
mod decide;
mod decided;
mod difference;
mod ending;
mod ends;
pub(crate) mod entra;
mod existing;
mod failures;
mod flags;
mod glance;
mod held;
mod holding;
mod kept_here;
mod matching;
mod member_merging;
mod member_planning;
pub(crate) mod members;
mod merging;
mod name_held;
mod names_by_rule;
mod planning;
mod reading;
mod record;
mod rejections;
mod scope;
mod seen;
mod selected;
pub(crate) mod selection;
mod single;
mod staging;
mod starting;
pub(crate) mod stop;
mod sync_object;
#[cfg(test)]
mod tests;
pub(crate) mod touched;
mod walk;

pub(crate) use apply_preview::about_preview;
pub use apply_preview::{apply_preview, settings_of_preview};
pub(crate) use counts::insert as insert_counts;
pub(crate) use decide::{WITHDRAWN, decisions, undecided};
pub use decide::{decide, withdraw};
use domain::{
    id::RunId,
    policy::{Guard, Policy},
    run::{RunError, RunPhase, RunTrigger},
};
pub(crate) use starting::{
    ObjectRow, PreviewRow, Reach, Starting, cancel_open, drop_waiting, hold_open, put,
};
pub use starting::{cancel, preview, start};
pub use sync_object::sync_object;

use self::{
    reading::Read,
    record::Work,
    stop::{Failure, Stop},
};
use crate::{
    Error, Result,
    db::Table,
    db::rows,
    jobs::{JobContext, Outcome},
};

/// Goes on with a run from wherever it stands, until it ends or the worker has to stop.
pub(crate) async fn go_on(cx: &JobContext, run_id: RunId) -> Result<Outcome> {
    let mut work = Work::load(cx, run_id).await?;
    let outcome = tokio::select! {
        outcome = phases(&mut work) => outcome,
        stop = stop::wanted(cx, run_id) => Err(stop),
    };
    let ended = match outcome {
        Ok(Read::Nothing) => ending::quiet(&mut work).await,
        Ok(Read::Something) if work.run.is_decided => decided::complete(&mut work).await,
        Ok(Read::Something) => ending::complete(&mut work).await,
        Err(Stop::Cancelled(by)) => {
            work.reload().await?;
            ending::cancelled(&mut work, &by).await
        }
        Err(Stop::Failed(failure)) => ending::failed(&mut work, &failure).await,
        Err(Stop::Expired | Stop::Rescoped) => Err(Error::Internal(
            "a full read was to be a full one".to_owned(),
        )),
        Err(Stop::Stopped) => return Ok(Outcome::Stopped),
        Err(Stop::Broken(error)) => Err(error),
    };
    ended.map(|()| Outcome::Finished)
}

async fn phases(work: &mut Work<'_>) -> Result<Read, Stop> {
    if let Some(by) = work.run.cancelled_by.clone() {
        return Err(Stop::Cancelled(by));
    }
    if !work.integration.enabled {
        return Err(Stop::Cancelled("disabling the integration".to_owned()));
    }
    work.take_over().await?;
    loop {
        match work.run.phase {
            RunPhase::Waiting | RunPhase::Reading => {
                let cx = work.cx;
                let _permit =
                    cx.reading.acquire().await.map_err(|_| {
                        Error::Internal("the worker’s permits are closed".to_owned())
                    })?;
                if work.run.triggered_by != RunTrigger::Schedule {
                    // Somebody watches. A quiet run of the schedule costs no such write.
                    work.begin().await?;
                }
                if reading::read(work).await? == Read::Nothing {
                    return Ok(Read::Nothing);
                }
            }
            RunPhase::Merging => {
                work.many_rows(Table::STAGING).await?;
                merging::merge(work).await?;
            }
            RunPhase::Planning => {
                work.many_rows(Table::SOURCE).await?;
                planning::plan(work).await?;
            }
            RunPhase::Deciding => decided::settle(work).await?,
            RunPhase::Applying => {
                work.many_rows(Table::PLAN).await?;
                applying::apply(work).await?;
                work.many_rows(Table::DIRECTORY).await?;
                for object_type in &work.types {
                    work.many_rows(Table::others(*object_type)).await?;
                }
            }
            RunPhase::Done => return Ok(Read::Something),
        }
    }
}

/// Ends a run that can't be gone on with, after the last try.
pub(crate) async fn give_up(cx: &JobContext, run_id: RunId, error: &Error) -> Result<()> {
    let mut work = Work::load(cx, run_id).await?;
    let failure = Failure {
        error: RunError {
            code: "internal_error".to_owned(),
            title: "Rollcall could not go through with the run".to_owned(),
            detail: format!("It was tried {} times.", cx.lease.attempts),
            fix: "Run again. If it fails again, the log of the worker says what is wrong."
                .to_owned(),
        },
        authentication: false,
        retry_after: None,
    };
    tracing::error!(run = %run_id, %error, "a run is given up");
    ending::failed(&mut work, &failure).await
}

/// What decides about objects, as text that can be compared. Guard limits decide about runs: what
/// they hold is pending anyway.
fn planned_policy(policy: &Policy) -> String {
    let policy = Policy {
        guard: Guard::default(),
        ..policy.clone()
    };
    serde_json::to_string(&policy).unwrap_or_default()
}
