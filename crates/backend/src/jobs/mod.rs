//! The worker: takes jobs from the leased queue and does them, outside any transaction.
//!
//! One file a job. Schedules are rows of `integration` that [`schedule`] turns into jobs. A test
//! runs the worker as a step with [`run_until_idle`].

mod apply_bulk;
mod deliver_enrolment_mail;
mod deliver_notification;
mod deliver_operator_mail;
mod invite_newly_synced;
mod purge_audit;
mod purge_bins;
mod purge_history;
mod purge_people;
mod purge_sessions;
pub mod queue;
mod reach_followers;
pub(crate) mod schedule;
mod set_imported_passwords;
mod sync_run;
mod tell_failing;
mod warn_of_endings;
mod worker;

pub use queue::{Kind, Lease, NewJob, enqueue};
#[cfg(test)]
pub(crate) use worker::DELIVERIES_MAX;
pub use worker::{Worker, WorkerLimits, run_until_idle};

use std::sync::Arc;

use domain::DateTime;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{Backend, Error, Result};

/// The most leases of one job before it is given up.
const ATTEMPTS_MAX: i64 = 8;

/// What a job is given.
#[derive(Debug, Clone)]
pub(crate) struct JobContext {
    /// The backend.
    pub b: Backend,
    /// The job and the right to it.
    pub lease: Lease,
    /// Set when the job has to stop soon: shutdown, or its lease is lost.
    pub stop: CancellationToken,
    /// Runs that may read at once.
    pub reading: Arc<Semaphore>,
    /// Runs that may apply at once.
    pub applying: Arc<Semaphore>,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is done, and out of the queue in the transaction that made its work last.
    Finished,
    /// It is done; take it out of the queue.
    Done,
    /// It is to be done again then.
    Again(DateTime),
    /// It was asked to stop; the next worker goes on.
    Stopped,
}

/// Does one leased job. An error means: try again later.
async fn perform(cx: &JobContext) -> Result<Outcome> {
    match Kind::parse(&cx.lease.kind) {
        Some(Kind::SyncRun) => sync_run::perform(cx).await,
        Some(Kind::DeliverNotification) => deliver_notification::perform(cx).await,
        Some(Kind::DeliverOperatorMail) => deliver_operator_mail::perform(cx).await,
        Some(Kind::DeliverEnrolmentMail) => deliver_enrolment_mail::perform(cx).await,
        Some(Kind::InviteNewlySynced) => invite_newly_synced::perform(cx).await,
        Some(Kind::ApplyBulk) => apply_bulk::perform(cx).await,
        Some(Kind::ReachFollowers) => reach_followers::perform(cx).await,
        Some(Kind::SetImportedPasswords) => set_imported_passwords::perform(cx).await,
        Some(Kind::TellFailing) => tell_failing::perform(cx).await,
        Some(Kind::PurgeHistory) => purge_history::perform(&cx.b).await,
        Some(Kind::PurgeBins) => purge_bins::perform(&cx.b).await,
        Some(Kind::PurgePeople) => purge_people::perform(&cx.b).await,
        Some(Kind::PurgeAudit) => purge_audit::perform(&cx.b).await,
        Some(Kind::WarnOfEndings) => warn_of_endings::perform(&cx.b).await,
        Some(Kind::PurgeSessions) => purge_sessions::perform(&cx.b).await,
        None => Err(Error::Internal(format!(
            "this version doesn’t know jobs of kind {}",
            cx.lease.kind
        ))),
    }
}
