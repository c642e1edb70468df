//! Many tenants in which nothing changes, all due at once, and one worker.

use std::time::{Duration, Instant};

use backend::{
    Backend, auth::command_line_scope, execute, fetch_one, fetch_scalar, jobs::WorkerLimits, store,
    sync,
};
use domain::{
    DateTime,
    id::IntegrationId,
    run::{RunMode, RunTrigger},
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    farm::{Control, Tenant},
    floor::Raw,
    machine::{cpu_seconds, write_transactions},
    measure,
    part::{self, AtWork, median},
    whole::cursors,
};

/// How often it is looked whether all is done.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Integrations that are made, or tenants that are told something, at once.
const AT_ONCE: usize = 16;
/// First full runs in the queue at once.
const FIRST_RUNS: usize = 400;
/// Times the answers of a run are measured, of which the one in the middle counts.
const ANSWERS: usize = 5;

/// What is to be measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Many {
    /// The server to make a database on; none: SQLite.
    pub postgres: Option<String>,
    /// The tenants: each a customer's with one integration.
    pub tenants: Vec<Tenant>,
    /// What the simulator waits before every answer.
    pub latency: Duration,
}

/// What came out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    /// Quiet runs.
    pub runs: u32,
    /// From when they were due to the end of the last.
    pub took: Duration,
    /// What the answers of one run take alone.
    pub answers: Duration,
    /// Runs that read at once.
    pub places: u32,
    /// Processor time of this process, seconds.
    pub cpu_s: f64,
    /// Transactions that changed something.
    pub writes: i64,
    /// Requests that the runs sent.
    pub requests: i64,
}

impl Figures {
    /// Runs a second.
    pub fn per_second(&self) -> f64 {
        f64::from(self.runs) / self.took.as_secs_f64()
    }

    /// Runs a second if there were nothing to do but wait for answers.
    pub fn possible(&self) -> f64 {
        f64::from(self.places) / self.answers.as_secs_f64()
    }
}

impl Many {
    /// Measures it in this process, which has done nothing else.
    pub async fn measure(&self) -> Result<Figures> {
        let folder = tempfile::tempdir()?;
        let first = self.tenants.first().ok_or("no tenants")?;
        let postgres = self.postgres.as_ref();
        let b = part::open(folder.path(), postgres, &first.origin).await?;
        let integrations = self.connect(&b).await?;
        self.first_runs(&b, &integrations).await?;
        let control = Control::new()?;
        stream::iter(&self.tenants)
            .map(|tenant| control.set_latency(tenant, self.latency))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let raw = Raw::sign_in(first, 2).await?;
        let links = cursors(&b, *integrations.first().ok_or("no integrations")?).await?;
        let mut answers = Vec::new();
        for _ in 0..ANSWERS {
            answers.push(raw.rounds(&links).await?);
        }

        let due = b.clock.now();
        let mut tx = b.db.write().await?;
        execute!(&mut tx, "UPDATE integration SET next_run_at = $1", due)?;
        tx.commit().await?;
        let writes = write_transactions(&b, folder.path()).await?;
        let cpu_s = cpu_seconds()?;
        let begun = Instant::now();
        let worker = AtWork::start(&b);
        until_done(&b, due).await?;
        let took = begun.elapsed();
        let cpu_s = cpu_seconds()? - cpu_s;
        let writes = write_transactions(&b, folder.path()).await? - writes;
        worker.stop().await?;
        let requests = self.all_quiet(&b).await?;
        part::remove(b, postgres).await?;
        Ok(Figures {
            runs: u32::try_from(self.tenants.len())?,
            took,
            answers: median(answers),
            places: u32::try_from(WorkerLimits::default().reading)?,
            cpu_s,
            writes,
            requests,
        })
    }

    /// A customer and an integration for each tenant, in their order.
    async fn connect(&self, b: &Backend) -> Result<Vec<IntegrationId>> {
        let begun = Instant::now();
        let first = self.tenants.first().ok_or("no tenants")?;
        let profile = measure::profile(b, first).await?;
        let scope = &command_line_scope();
        let integrations: Vec<IntegrationId> = stream::iter(&self.tenants)
            .map(async |tenant| {
                let name = tenant.id.to_string();
                let customer = store::customers::create(b, scope, &name).await?;
                measure::integration(b, customer.id, profile, &name).await
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        eprintln!(
            "  {} integrations made in {:.1?}",
            integrations.len(),
            begun.elapsed()
        );
        Ok(integrations)
    }

    /// Goes through the first full run of each, some hundred at a time: people don't put more into
    /// the queue, and the schedule doesn't either.
    async fn first_runs(&self, b: &Backend, integrations: &[IntegrationId]) -> Result<()> {
        let begun = Instant::now();
        let worker = AtWork::start(b);
        let scope = &command_line_scope();
        for some in integrations.chunks(FIRST_RUNS) {
            stream::iter(some)
                .map(|at| sync::start(b, scope, *at, RunMode::Full, RunTrigger::Operator))
                .buffer_unordered(AT_ONCE)
                .try_for_each(async |_| Ok(()))
                .await?;
            until_done(b, DateTime::UNIX_EPOCH).await?;
        }
        worker.stop().await?;
        let mut tx = b.db.read().await?;
        let done = fetch_scalar!(
            &mut tx,
            i64,
            "SELECT COUNT(*) FROM integration WHERE first_full_done AND state = 'ok'"
        )?;
        if usize::try_from(done)? != integrations.len() {
            return Err(format!("only {done} first runs went well").into());
        }
        eprintln!("  their first full runs in {:.1?}", begun.elapsed());
        Ok(())
    }

    /// That every integration had its quiet run; answers the requests of all.
    async fn all_quiet(&self, b: &Backend) -> Result<i64> {
        let mut tx = b.db.read().await?;
        let (integrations, requests) = fetch_one!(
            &mut tx,
            (i64, i64),
            "SELECT COUNT(DISTINCT integration_id), CAST(COALESCE(SUM(requests), 0) AS BIGINT)
               FROM run WHERE triggered_by = 'schedule' AND status = 'nothing_to_do'"
        )?;
        if usize::try_from(integrations)? == self.tenants.len() {
            Ok(requests)
        } else {
            Err(format!("only {integrations} integrations had a quiet run").into())
        }
    }
}

/// Waits until nothing that was due then waits, and no run is in the queue.
async fn until_done(b: &Backend, due: DateTime) -> Result<()> {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let mut tx = b.db.read().await?;
        let more = fetch_scalar!(
            &mut tx,
            bool,
            "SELECT EXISTS (SELECT 1 FROM integration WHERE next_run_at <= $1)
                 OR EXISTS (SELECT 1 FROM job WHERE kind = 'sync_run')",
            due
        )?;
        if !more {
            return Ok(());
        }
    }
}
