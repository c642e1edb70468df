//! One tenant: its first full sync and, where wished, what comes after it.

use std::time::{Duration, Instant};

use backend::{Backend, auth::command_line_scope, execute, fetch_all, fetch_one, jobs, sync};
use domain::{
    id::IntegrationId,
    run::{RunMode, RunTrigger},
};
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    farm::{Control, Tenant},
    floor::{self, Raw},
    machine::{forget_peak, memory},
    measure::{self, Synced},
    part::{self, AtWork, median},
};

/// Quiet runs, of which the one in the middle counts.
const QUIET_RUNS: u16 = 31;

/// What is to be measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Whole {
    /// The server to make a database on; none: SQLite.
    pub postgres: Option<String>,
    /// The tenant.
    pub tenant: Tenant,
    /// Whether to go on after the first full sync, and how many changes to make then.
    pub then_change: Option<usize>,
}

/// What came out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    /// The first full sync.
    pub full: Synced,
    /// Resident memory before it, kB.
    pub idle_kb: u64,
    /// The peak in it, kB.
    pub peak_kb: u64,
    /// What came after it.
    pub then: Option<Then>,
}

/// After the first full sync.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Then {
    /// A second full sync with nothing changed.
    pub again: Synced,
    /// A delta run with changes.
    pub changed: Synced,
    /// The pages of the same rounds alone.
    pub changed_download: Duration,
    /// A quiet run of the schedule, from the look for what is due to its end.
    pub quiet: Duration,
    /// The same requests alone.
    pub quiet_answers: Duration,
    /// Requests the tenant answered in a quiet run.
    pub quiet_requests: f64,
    /// The same rows alone into empty tables.
    pub load: Duration,
}

impl Whole {
    /// Measures it in this process, which has done nothing else.
    pub async fn measure(&self) -> Result<Figures> {
        let folder = tempfile::tempdir()?;
        let postgres = self.postgres.as_ref();
        let b = part::open(folder.path(), postgres, &self.tenant.origin).await?;
        let integration = measure::connect(&b, &self.tenant).await?;
        jobs::run_until_idle(&b).await?;
        let worker = AtWork::start(&b);
        let idle_kb = memory("VmRSS")?;
        forget_peak()?;
        let full = run(&b, integration, RunMode::Full).await?;
        let peak_kb = memory("VmHWM")?;
        let then = if let Some(number) = self.then_change {
            Some(self.then(&b, integration, worker, number).await?)
        } else {
            worker.stop().await?;
            None
        };
        part::remove(b, postgres).await?;
        Ok(Figures {
            full,
            idle_kb,
            peak_kb,
            then,
        })
    }

    async fn then(
        &self,
        b: &Backend,
        integration: IntegrationId,
        worker: AtWork,
        number: usize,
    ) -> Result<Then> {
        let raw = Raw::sign_in(&self.tenant, 2).await?;
        let control = Control::new()?;
        let again = run(b, integration, RunMode::Full).await?;
        control.change(&self.tenant, number).await?;
        let links = cursors(b, integration).await?;
        let changed = run(b, integration, RunMode::Delta).await?;
        let changed_download = raw.rounds(&links).await?;
        worker.stop().await?;
        let links = cursors(b, integration).await?;
        let (mut quiet, mut answers, mut requests) = (Vec::new(), Vec::new(), 0);
        scheduled(b, integration).await?;
        for _ in 0..QUIET_RUNS {
            let before = control.requests(&self.tenant).await?;
            quiet.push(scheduled(b, integration).await?);
            requests += control.requests(&self.tenant).await? - before;
            answers.push(raw.rounds(&links).await?);
        }
        let mut tx = b.db.read().await?;
        let (runs,) = fetch_one!(
            &mut tx,
            (i64,),
            "SELECT CAST(COALESCE(SUM(folded), 0) AS BIGINT) FROM run
              WHERE triggered_by = 'schedule' AND status = 'nothing_to_do'"
        )?;
        drop(tx);
        if runs != i64::from(QUIET_RUNS) + 1 {
            return Err(format!("only {runs} runs had nothing to do").into());
        }
        Ok(Then {
            again,
            changed,
            changed_download,
            quiet: median(quiet),
            quiet_answers: median(answers),
            quiet_requests: f64::from(u32::try_from(requests)?) / f64::from(QUIET_RUNS),
            load: floor::load(b).await?,
        })
    }
}

/// A run of the worker that somebody started, to its end.
async fn run(b: &Backend, integration: IntegrationId, mode: RunMode) -> Result<Synced> {
    let scope = command_line_scope();
    let begun = Instant::now();
    let started = sync::start(b, &scope, integration, mode, RunTrigger::Operator).await?;
    let phases = measure::watch(b.clone(), started.id).await;
    measure::outcome(b, started.id, begun.elapsed(), phases).await
}

/// A run of the schedule, without a worker that would have to be asked when it is over.
async fn scheduled(b: &Backend, integration: IntegrationId) -> Result<Duration> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE integration SET next_run_at = $1 WHERE id = $2",
        b.clock.now(),
        integration
    )?;
    tx.commit().await?;
    let begun = Instant::now();
    jobs::run_until_idle(b).await?;
    Ok(begun.elapsed())
}

/// Where the integration's rounds go on.
pub async fn cursors(b: &Backend, integration: IntegrationId) -> Result<Vec<String>> {
    let mut tx = b.db.read().await?;
    let links = fetch_all!(
        &mut tx,
        (String,),
        "SELECT link FROM delta_cursor WHERE integration_id = $1",
        integration
    )?;
    Ok(links.into_iter().map(|(link,)| link).collect())
}
