//! The run and its integration as the engine needs them.

use std::time::{Duration, Instant};

use domain::{
    DateTime,
    id::{CredentialProfileId, CustomerId, ExternalId, IntegrationId, RunId, TenantId},
    integration::IntegrationState,
    policy::{ObjectType, Policy},
    run::{LineStatus, Reason, RunMode, RunPhase, RunTrigger},
};
use sqlx::FromRow;

use super::{counts, reading::Round, stop::Stop};
use crate::{
    Backend, Error, Result, Tx, db::Table, execute, fetch_all, fetch_one, fetch_optional,
    jobs::JobContext, store::users::held::hold_names, timetable::Timetable,
};

/// How often progress is written, and a wish to cancel looked for.
const WRITTEN_EVERY: Duration = Duration::from_millis(500);

/// From so many rows on it matters by which way a database joins them.
const MANY: i64 = 1_000;

/// A run as it is stored.
#[derive(Debug, Clone, FromRow)]
pub(super) struct RunRow {
    pub id: RunId,
    pub integration_id: IntegrationId,
    pub mode: RunMode,
    pub triggered_by: RunTrigger,
    pub phase: RunPhase,
    pub full_read: bool,
    pub started_at: Option<DateTime>,
    pub planned_at: Option<DateTime>,
    pub round: Option<String>,
    pub requests: i64,
    pub resource_units: i64,
    pub pages_read: i64,
    pub objects_read: i64,
    pub objects_expected: Option<i64>,
    pub planned: i64,
    pub applied: i64,
    pub cancelled_by: Option<String>,
    /// What a preview decides by.
    pub policy: Option<String>,
    /// Whether it is a held run that was decided, and goes on.
    pub is_decided: bool,
    object_type: Option<ObjectType>,
    object_external_id: Option<ExternalId>,
    /// Why the one object is kept out, where nothing is kept of it.
    pub object_reason: Option<Reason>,
    #[sqlx(flatten)]
    knows: KnownTypes,
}

/// The one object that a run of mode `object` is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct One {
    pub object_type: ObjectType,
    pub external_id: ExternalId,
}

/// Of which types something of the integration is known, read now or not.
#[derive(Debug, Clone, Copy, FromRow)]
struct KnownTypes {
    contacts: bool,
    devices: bool,
}

impl RunRow {
    /// The object that it is for, where it is for one alone.
    pub fn one(&self) -> Option<One> {
        Some(One {
            object_type: self.object_type?,
            external_id: self.object_external_id?,
        })
    }

    /// What the run is about: people and groups; contacts and devices where its policy reads them,
    /// or reads them no more. Where nobody has to do with those, nothing is asked about them.
    fn types(&self, policy: &Policy) -> Vec<ObjectType> {
        ObjectType::OBJECTS
            .into_iter()
            .filter(|object_type| match object_type {
                ObjectType::Contact => self.knows.contacts || policy.reads(*object_type),
                ObjectType::Device => self.knows.devices || policy.reads(*object_type),
                _ => true,
            })
            .collect()
    }
}

/// An integration as it is stored.
#[derive(Debug, Clone, FromRow)]
pub(super) struct IntegrationRow {
    pub id: IntegrationId,
    pub customer_id: CustomerId,
    pub name: String,
    pub tenant: String,
    pub tenant_id: Option<TenantId>,
    pub cloud: String,
    pub credential_profile_id: CredentialProfileId,
    pub enabled: bool,
    pub full_scan_next: bool,
    pub first_full_done: bool,
    pub schedule: String,
    pub time_zone: String,
    pub policy: String,
    pub state: IntegrationState,
    pub failures: i64,
    pub refusals: i64,
    pub last_full_at: Option<DateTime>,
    pub read_key: Option<String>,
    pub planned_policy: Option<String>,
}

impl IntegrationRow {
    /// The row as it is now.
    pub async fn load(tx: &mut Tx, id: IntegrationId) -> Result<Self> {
        fetch_one!(
            tx,
            Self,
            "SELECT i.id, i.customer_id, i.name, i.tenant, i.tenant_id, i.cloud,
                    i.credential_profile_id, i.enabled, i.full_scan_next, i.first_full_done,
                    i.schedule, c.time_zone, i.policy, i.state, i.failures, i.refusals,
                    i.last_full_at, i.read_key, i.planned_policy
               FROM integration i JOIN customer c ON c.id = i.customer_id WHERE i.id = $1",
            id
        )
    }

    /// When it runs by itself.
    pub fn timetable(&self) -> Timetable {
        Timetable::stored(self.id, &self.schedule, &self.time_zone)
    }
}

/// A run at work: everything a phase is given.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub cx: &'a JobContext,
    pub run: RunRow,
    pub integration: IntegrationRow,
    pub policy: Policy,
    /// The types of objects that the run looks at, in order.
    pub types: Vec<ObjectType>,
    /// When this worker took the run; kept as its start where nothing was written before.
    pub started_at: DateTime,
    begun: bool,
    written: Instant,
}

impl<'a> Work<'a> {
    /// Loads a run that is open; `NotFound` where there is none.
    pub async fn load(cx: &'a JobContext, run_id: RunId) -> Result<Self> {
        let mut tx = cx.b.db.read().await?;
        let run = fetch_optional!(
            &mut tx,
            RunRow,
            "SELECT id, integration_id, mode, triggered_by, phase, full_read, started_at,
                    planned_at, round, requests, resource_units, pages_read, objects_read,
                    objects_expected, planned, applied, cancelled_by, policy,
                    object_type, object_external_id, object_reason,
                    EXISTS (SELECT 1 FROM run_decision d WHERE d.run_id = run.id) AS is_decided,
                    EXISTS (SELECT 1 FROM source_object s
                             WHERE s.integration_id = run.integration_id
                               AND s.object_type = 'contact') AS contacts,
                    EXISTS (SELECT 1 FROM source_object s
                             WHERE s.integration_id = run.integration_id
                               AND s.object_type = 'device') AS devices
               FROM run WHERE id = $1 AND status IN ('queued', 'running')",
            run_id
        )?
        .ok_or(Error::NotFound("run"))?;
        let integration = IntegrationRow::load(&mut tx, run.integration_id).await?;
        let policy = match &run.policy {
            // What an applied preview holds is decided by what is saved by then.
            Some(own) if !run.is_decided => read_policy(own)?,
            _ => with_groups(&mut tx, integration.id, &integration.policy).await?,
        };
        Ok(Self {
            started_at: run.started_at.unwrap_or_else(|| cx.b.clock.now()),
            begun: run.started_at.is_some(),
            types: run.types(&policy),
            cx,
            run,
            integration,
            policy,
            written: Instant::now(),
        })
    }

    /// Reads the row again after the work was dropped somewhere: it says how far that came. What
    /// was counted of the source since the row was written stays counted.
    pub async fn reload(&mut self) -> Result<()> {
        let counted = self.run.clone();
        *self = Self::load(self.cx, counted.id).await?;
        let run = &mut self.run;
        run.requests = run.requests.max(counted.requests);
        run.resource_units = run.resource_units.max(counted.resource_units);
        run.pages_read = run.pages_read.max(counted.pages_read);
        run.objects_read = run.objects_read.max(counted.objects_read);
        run.applied = run.applied.max(counted.applied);
        Ok(())
    }

    /// The backend.
    pub fn b(&self) -> &'a Backend {
        &self.cx.b
    }

    /// Whether only members of selected groups are in scope.
    pub fn is_selected(&self) -> bool {
        !self.policy.selected_group_ids.is_empty()
    }

    /// Lets the database look at tables that many rows of this run have come into.
    pub async fn many_rows(&self, tables: &[Table]) -> Result<()> {
        let round = Round::of(self.run.round.as_deref());
        let rows = round.staged.max(self.run.planned);
        if rows < MANY {
            return Ok(());
        }
        self.b().db.many_rows_came(tables, rows).await
    }

    /// Takes the run over from a worker that had it before: waits for what that one has on its way
    /// to the database, after which nothing of it gets there, and reads the row again.
    pub async fn take_over(&mut self) -> Result<()> {
        if !self.begun && self.cx.lease.attempts <= 1 {
            return Ok(());
        }
        let mut tx = self.b().db.write_bulk().await?;
        self.hold(&mut tx).await?;
        tx.commit().await?;
        self.reload().await
    }

    /// Holds the run's row until the transaction ends: whoever takes the run over waits for it.
    /// Refused where another worker has the run by now.
    pub async fn hold(&self, tx: &mut Tx) -> Result<()> {
        let held = execute!(
            tx,
            "UPDATE run SET status = status WHERE id = $1
                AND EXISTS (SELECT 1 FROM job j WHERE j.id = $2 AND j.lease_token = $3)",
            self.run.id,
            self.cx.lease.id,
            self.cx.lease.lease_token
        )?;
        if held == 0 { Err(lost()) } else { Ok(()) }
    }

    /// Says that a worker is at the run.
    pub async fn begin(&mut self) -> Result<(), Stop> {
        if self.begun {
            return Ok(());
        }
        let mut tx = self.b().db.write().await?;
        self.write(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Looks whether the run has to stop, and writes progress, both at most twice a second.
    pub async fn checkpoint(&mut self) -> Result<(), Stop> {
        if self.cx.stop.is_cancelled() {
            return Err(Stop::Stopped);
        }
        if self.written.elapsed() < WRITTEN_EVERY {
            return Ok(());
        }
        let mut tx = self.b().db.write().await?;
        self.write(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A transaction for a batch of the run's work. It holds the run's row, so that whoever ends the
    /// run, or takes it over, waits for the batch; where that has happened already, it is refused.
    /// Nothing else keeps rows from coming in behind a deletion (decision 0009), or from a worker
    /// that stalled for longer than its lease while another goes on.
    pub async fn bulk(&mut self) -> Result<Tx, Stop> {
        let mut tx = self.b().db.write_bulk().await?;
        self.write(&mut tx).await?;
        Ok(tx)
    }

    /// The same for a batch that gives people names to sign in with: nobody else of the customer is
    /// given one meanwhile. The names are held before the run, as everybody does.
    pub async fn bulk_that_names(&mut self) -> Result<Tx, Stop> {
        let mut tx = self.b().db.write_bulk().await?;
        hold_names(&mut tx, self.integration.customer_id).await?;
        self.write(&mut tx).await?;
        Ok(tx)
    }

    /// Writes progress in the caller's transaction, and ends in [`Stop::Cancelled`] where somebody
    /// asked for it, in [`Stop::Stopped`] where the run isn't this worker's any more.
    pub async fn write(&mut self, tx: &mut Tx) -> Result<(), Stop> {
        self.written = Instant::now();
        let run = &self.run;
        let row = fetch_optional!(
            tx,
            (Option<String>,),
            "UPDATE run SET status = 'running', phase = $2, full_read = $3, started_at = $4,
                    planned_at = $5, round = $6, requests = $7, resource_units = $8,
                    pages_read = $9, objects_read = $10, objects_expected = $11, planned = $12,
                    applied = $13, complete_read = $14
              WHERE id = $1 AND status IN ('queued', 'running')
                AND EXISTS (SELECT 1 FROM job j WHERE j.id = $15 AND j.lease_token = $16)
             RETURNING cancelled_by",
            run.id,
            run.phase,
            run.full_read,
            self.started_at,
            run.planned_at,
            run.round.as_deref(),
            run.requests,
            run.resource_units,
            run.pages_read,
            run.objects_read,
            run.objects_expected,
            run.planned,
            run.applied,
            !matches!(run.phase, RunPhase::Waiting | RunPhase::Reading),
            self.cx.lease.id,
            self.cx.lease.lease_token
        )?;
        let Some((cancelled_by,)) = row else {
            return Err(Stop::Stopped);
        };
        if let Some(by) = cancelled_by {
            return Err(Stop::Cancelled(by));
        }
        if !self.begun {
            counts::open(tx, run.id, &self.policy, LineStatus::Running).await?;
            self.begun = true;
            if !run.mode.is_of_integration() {
                return Ok(());
            }
            execute!(
                tx,
                "UPDATE integration SET last_run_id = $1, last_sync_started_at = $2,
                        last_sync_status = 'running', last_sync_detail = '' WHERE id = $3",
                run.id,
                self.started_at,
                run.integration_id
            )?;
        }
        Ok(())
    }

    /// Goes to another phase, in the caller's transaction.
    pub async fn enter(&mut self, tx: &mut Tx, phase: RunPhase) -> Result<(), Stop> {
        self.run.phase = phase;
        self.write(tx).await
    }
}

/// The run is another worker's by now.
pub(super) fn lost() -> Error {
    Error::Unavailable("the lease of this run was lost to another worker".to_owned())
}

/// A stored policy.
pub(super) fn read_policy(text: &str) -> Result<Policy> {
    serde_json::from_str(text)
        .map_err(|error| Error::Internal(format!("a stored policy can’t be read: {error}")))
}

/// The integration's policy with its selected groups, which stand in a table of their own.
pub(super) async fn with_groups(
    tx: &mut Tx,
    integration: IntegrationId,
    policy: &str,
) -> Result<Policy> {
    let mut policy = read_policy(policy)?;
    policy.selected_group_ids = fetch_all!(
        tx,
        (ExternalId,),
        "SELECT external_id FROM integration_group WHERE integration_id = $1 ORDER BY external_id",
        integration
    )?
    .into_iter()
    .map(|(id,)| id)
    .collect();
    Ok(policy)
}
