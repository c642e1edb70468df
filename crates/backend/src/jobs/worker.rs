//! The loop around the queue.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::id::JobId;
use futures::FutureExt;
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    ATTEMPTS_MAX, JobContext, Lease, Outcome, perform,
    queue::{
        Kind, NewJob, PRIORITY_PURGE, RENEWED_EVERY_S, Room, enqueue, finish, lease, lease_within,
        release, renew,
    },
    schedule,
};
use crate::{Backend, Result};

/// Messages that one worker sends at once. They have places of their own: a mail server that drops
/// packets holds a place for as long as an attempt may take, and must not hold one of a run.
pub(crate) const DELIVERIES_MAX: usize = 4;

/// How much one worker does at a time.
#[derive(Debug, Clone, Copy)]
pub struct WorkerLimits {
    /// Runs that read at once.
    pub reading: usize,
    /// Runs that apply at once.
    pub applying: usize,
    /// How often the queue and the schedules are looked at when nobody rings.
    pub poll: Duration,
    /// How long running jobs may take to stop at shutdown before they are dropped.
    pub shutdown: Duration,
}

impl WorkerLimits {
    /// The limits of sync.md with this many runs reading at once.
    pub fn reading(runs: usize) -> Self {
        Self {
            reading: runs.max(1),
            ..Self::default()
        }
    }
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self {
            reading: 32,
            applying: 4,
            poll: Duration::from_secs(1),
            shutdown: Duration::from_secs(10),
        }
    }
}

/// Takes jobs and does them until it is told to stop.
#[derive(Debug)]
pub struct Worker {
    b: Backend,
    limits: WorkerLimits,
    reading: Arc<Semaphore>,
    applying: Arc<Semaphore>,
    held: Held,
}

/// The leases of the jobs at work, with what stops each.
type Held = Arc<Mutex<HashMap<JobId, (Lease, CancellationToken)>>>;

impl Worker {
    /// A worker on this backend.
    pub fn new(b: Backend, limits: WorkerLimits) -> Self {
        Self {
            reading: Arc::new(Semaphore::new(limits.reading)),
            applying: Arc::new(Semaphore::new(limits.applying)),
            b,
            limits,
            held: Held::default(),
        }
    }

    /// Works until `shutdown`; then takes nothing new, asks what is at work to stop, and gives
    /// back what it still holds.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut jobs = JoinSet::new();
        let mut renewing = tokio::time::interval(Duration::from_secs(RENEWED_EVERY_S));
        let mut first = true;
        while !shutdown.is_cancelled() {
            // Listening begins before the looking, so that no ring is missed in between.
            let rung = self.b.wake.notified();
            if let Err(error) = self.take(&mut jobs, std::mem::take(&mut first)).await {
                tracing::error!(%error, "the worker can’t look for jobs");
            }
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(self.pause()) => {}
                Some(_) = jobs.join_next(), if !jobs.is_empty() => {}
                _ = renewing.tick() => self.renew().await,
                () = shutdown.cancelled() => {}
            }
        }
        self.stop(jobs).await;
    }

    /// The pause between two looks, with up to a quarter more so that workers don't march in step.
    fn pause(&self) -> Duration {
        let millis = u64::try_from(self.limits.poll.as_millis())
            .unwrap_or(u64::MAX)
            .max(4);
        Duration::from_millis(millis + self.b.ids.random() % (millis / 4))
    }

    async fn take(&self, jobs: &mut JoinSet<()>, first: bool) -> Result<()> {
        if first {
            housekeeping(&self.b).await?;
        }
        schedule::start_due(&self.b).await?;
        let room = self.room(jobs);
        for lease in lease_within(&self.b, room, room.deliveries + room.others).await? {
            let stop = CancellationToken::new();
            self.lock().insert(lease.id, (lease.clone(), stop.clone()));
            let cx = JobContext {
                b: self.b.clone(),
                lease,
                stop,
                reading: self.reading.clone(),
                applying: self.applying.clone(),
            };
            let held = self.held.clone();
            jobs.spawn(async move {
                do_one(&cx).await;
                held.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&cx.lease.id);
            });
        }
        Ok(())
    }

    fn room(&self, jobs: &mut JoinSet<()>) -> Room {
        while jobs.try_join_next().is_some() {}
        let deliveries = self
            .lock()
            .values()
            .filter(|(lease, _)| Kind::parse(&lease.kind).is_some_and(Kind::is_delivery))
            .count();
        let others = jobs.len().saturating_sub(deliveries);
        Room {
            deliveries: DELIVERIES_MAX.saturating_sub(deliveries),
            others: (self.limits.reading + self.limits.applying).saturating_sub(others),
        }
    }

    async fn renew(&self) {
        let leases: Vec<Lease> = self
            .lock()
            .values()
            .map(|(lease, _)| lease.clone())
            .collect();
        match renew(&self.b, &leases).await {
            Ok(lost) => {
                for id in lost {
                    if let Some((_, stop)) = self.lock().get(&id) {
                        stop.cancel();
                    }
                }
            }
            Err(error) => tracing::error!(%error, "leases can’t be renewed"),
        }
    }

    async fn stop(self, mut jobs: JoinSet<()>) {
        for (_, stop) in self.lock().values() {
            stop.cancel();
        }
        let all = async { while jobs.join_next().await.is_some() {} };
        if tokio::time::timeout(self.limits.shutdown, all)
            .await
            .is_err()
        {
            jobs.shutdown().await;
        }
        let left: Vec<Lease> = self
            .lock()
            .values()
            .map(|(lease, _)| lease.clone())
            .collect();
        for lease in left {
            if let Err(error) = release(&self.b, &lease, self.b.clock.now(), None, false).await {
                tracing::warn!(%error, "a job’s lease has to run out by itself");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, (Lease, CancellationToken)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes sure that the jobs which come back by themselves are there.
async fn housekeeping(b: &Backend) -> Result<()> {
    let mut tx = b.db.write().await?;
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_housekeeping()) {
        let job = NewJob {
            kind,
            subject: uuid::Uuid::nil(),
            integration_id: None,
            priority: PRIORITY_PURGE,
            run_at: b.clock.now(),
            dedupe_key: Some(kind.as_str().to_owned()),
        };
        enqueue(b, &mut tx, &job).await?;
    }
    tx.commit().await
}

/// Does one job and settles it with the queue. A panic counts as a failure.
async fn do_one(cx: &JobContext) {
    let performed = AssertUnwindSafe(perform(cx)).catch_unwind().await;
    let now = cx.b.clock.now();
    let settled = match performed {
        Ok(Ok(Outcome::Finished)) => Ok(()),
        Ok(Ok(Outcome::Done)) => done(cx).await,
        Ok(Ok(Outcome::Again(at))) => release(&cx.b, &cx.lease, at, None, false).await,
        Ok(Ok(Outcome::Stopped)) => release(&cx.b, &cx.lease, now, None, false).await,
        Ok(Err(error)) => failed(cx, &error.to_string()).await,
        Err(_) => failed(cx, "it panicked").await,
    };
    if let Err(error) = settled {
        tracing::warn!(%error, kind = cx.lease.kind, "a job’s lease has to run out by itself");
    }
}

async fn done(cx: &JobContext) -> Result<()> {
    let mut tx = cx.b.db.write().await?;
    finish(&mut tx, &cx.lease).await?;
    tx.commit().await
}

/// Tries again after 2 s, 4 s, 8 s … up to about 4 minutes; housekeeping never gives up, a run
/// ends itself after the last try.
async fn failed(cx: &JobContext, error: &str) -> Result<()> {
    tracing::error!(
        error,
        kind = cx.lease.kind,
        attempts = cx.lease.attempts,
        "a job failed"
    );
    let exponent = u32::try_from(cx.lease.attempts.clamp(1, ATTEMPTS_MAX)).unwrap_or(1);
    let wait = chrono::Duration::seconds(2_i64.pow(exponent));
    release(&cx.b, &cx.lease, cx.b.clock.now() + wait, Some(error), true).await
}

/// The worker as a step, for tests: starts what is due, does every job that is due, one after
/// another, and answers how many it did. Time doesn't move by itself, so a job to be tried later
/// stays.
pub async fn run_until_idle(b: &Backend) -> Result<usize> {
    housekeeping(b).await?;
    let mut number = 0;
    loop {
        schedule::start_due(b).await?;
        let Some(lease) = lease(b, 1).await?.pop() else {
            return Ok(number);
        };
        let cx = JobContext {
            b: b.clone(),
            lease,
            stop: CancellationToken::new(),
            reading: Arc::new(Semaphore::new(1)),
            applying: Arc::new(Semaphore::new(1)),
        };
        do_one(&cx).await;
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{db_test, execute, fetch_scalar};

    async fn left(b: &Backend, condition: &'static str) -> i64 {
        let mut tx = b.db.read().await.unwrap();
        let sql = format!("SELECT COUNT(*) FROM job WHERE {condition}");
        fetch_scalar!(&mut tx, i64, sqlx::AssertSqlSafe(sql)).unwrap()
    }

    db_test!(housekeeping_is_done_once_and_comes_back, |t| {
        let housekeeping = Kind::ALL.into_iter().filter(|kind| kind.is_housekeeping());
        let housekeeping = housekeeping.count();
        assert_eq!(run_until_idle(&t).await.unwrap(), housekeeping);
        assert_eq!(run_until_idle(&t).await.unwrap(), 0);
        t.clock.advance(chrono::Duration::hours(1));
        assert_eq!(run_until_idle(&t).await.unwrap(), housekeeping);
    });

    db_test!(a_job_of_an_unknown_kind_is_kept_for_who_knows_it, |t| {
        let mut tx = t.db.write().await.unwrap();
        execute!(
            &mut tx,
            "INSERT INTO job (id, kind, payload, priority, run_at, attempts, created_at)
             VALUES ($1, 'later', '', 0, $2, 0, $2)",
            t.ids.uuid(),
            t.clock.now()
        )
        .unwrap();
        tx.commit().await.unwrap();
        run_until_idle(&t).await.unwrap();
        assert_eq!(
            left(
                &t,
                "kind = 'later' AND attempts = 1 AND last_error IS NOT NULL"
            )
            .await,
            1
        );
    });

    db_test!(a_worker_told_to_stop_gives_back_what_it_holds, |t| {
        let shutdown = CancellationToken::new();
        let limits = WorkerLimits {
            poll: Duration::from_millis(5),
            ..WorkerLimits::default()
        };
        let worker = tokio::spawn(Worker::new(t.backend.clone(), limits).run(shutdown.clone()));
        while left(
            &t,
            "kind = 'purge_sessions' AND attempts = 0 AND lease_until IS NULL",
        )
        .await
            == 0
        {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
        worker.await.unwrap();
        assert_eq!(left(&t, "lease_until IS NOT NULL").await, 0);
    });
}
