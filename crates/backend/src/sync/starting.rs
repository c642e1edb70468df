//! Starting and cancelling runs.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, ExternalId, IntegrationId, RunId},
    permission::Permission,
    policy::{ObjectType, Policy},
    run::{
        LineStatus, PREVIEW_HOURS, Reason, Run, RunMode, RunObject, RunPreview, RunStatus,
        RunTrigger,
    },
};
use sqlx::FromRow;

use super::{counts, record::with_groups};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_one, fetch_optional,
    jobs::queue::{self, Kind, NewJob, PRIORITY_PERSON, PRIORITY_SCHEDULE},
    store::{
        audit::{self, Entry},
        write_json,
    },
};

/// A run to put into the queue.
#[derive(Debug)]
pub(crate) struct Starting<'a> {
    pub integration_id: IntegrationId,
    pub customer_id: CustomerId,
    pub name: &'a str,
    pub mode: RunMode,
    pub trigger: RunTrigger,
    pub started_by: Option<&'a str>,
    /// What a preview decides by, and what is saved.
    pub preview: Option<&'a PreviewOf>,
    /// Of mode `object`: which one.
    pub object: Option<&'a RunObject>,
}

/// The policy of a preview, and the one that was saved when it began.
#[derive(Debug)]
pub(crate) struct PreviewOf {
    pub policy: Policy,
    pub base: Policy,
}

/// Puts a run and its job into the queue, in the caller's transaction. None where a run of the
/// integration is open already.
pub(crate) async fn put(b: &Backend, tx: &mut Tx, run: &Starting<'_>) -> Result<Option<RunId>> {
    let (id, now) = (RunId(b.ids.uuid()), b.clock.now());
    let name = run.object.and_then(|object| object.display_name.as_deref());
    let made = execute!(
        tx,
        "INSERT INTO run (id, integration_id, customer_id, mode, triggered_by, started_by, status,
            phase, complete_read, full_read, queued_at, requests, resource_units, pages_read,
            objects_read, planned, applied, folded, search_text, policy, base_policy, object_type,
            object_external_id, object_name)
         VALUES ($1, $2, $3, $4, $5, $6, 'queued', 'waiting', FALSE, FALSE, $7, 0, 0, 0, 0, 0, 0,
            1, $8, $9, $10, $11, $12, $13)
         ON CONFLICT DO NOTHING",
        id,
        run.integration_id,
        run.customer_id,
        run.mode,
        run.trigger,
        run.started_by,
        now,
        planner::fold::search_text([run.name].into_iter().chain(run.started_by).chain(name)),
        run.preview.map(|of| write_json(&of.policy)).transpose()?,
        run.preview.map(|of| write_json(&of.base)).transpose()?,
        run.object.map(|object| object.object_type),
        run.object.map(|object| object.external_id),
        name
    )?;
    if made == 0 {
        return Ok(None);
    }
    let priority = match run.trigger {
        RunTrigger::Schedule => PRIORITY_SCHEDULE,
        _ => PRIORITY_PERSON,
    };
    put_job(b, tx, id, run.integration_id, priority).await?;
    Ok(Some(id))
}

/// Puts the job of a run into the queue.
pub(super) async fn put_job(
    b: &Backend,
    tx: &mut Tx,
    run: RunId,
    integration: IntegrationId,
    priority: i64,
) -> Result<()> {
    let job = NewJob {
        kind: Kind::SyncRun,
        subject: run.0,
        integration_id: Some(integration),
        priority,
        run_at: b.clock.now(),
        dedupe_key: Some(format!("run:{run}")),
    };
    queue::enqueue(b, tx, &job).await?;
    Ok(())
}

/// An integration of which a run is to start.
#[derive(FromRow)]
pub(super) struct Target {
    pub customer_id: CustomerId,
    pub name: String,
    enabled: bool,
    pub policy: String,
    pub first_full_done: bool,
    binned: bool,
}

/// Starts a run. A second one while one is open is a conflict that names the first.
pub async fn start(
    b: &Backend,
    scope: &Scope,
    integration_id: IntegrationId,
    mode: RunMode,
    trigger: RunTrigger,
) -> Result<Run> {
    begin(b, scope, integration_id, (mode, trigger), None).await
}

/// Starts a run that stops before applying: what would happen under this policy, or under the
/// saved one.
pub async fn preview(
    b: &Backend,
    scope: &Scope,
    integration_id: IntegrationId,
    policy: Option<Policy>,
    trigger: RunTrigger,
) -> Result<Run> {
    let policy = policy.map(crate::mapping::checked).transpose()?;
    let how = (RunMode::Preview, trigger);
    begin(b, scope, integration_id, how, policy).await
}

/// `asked`: for a preview, the policy that isn't saved where there is one.
async fn begin(
    b: &Backend,
    scope: &Scope,
    integration_id: IntegrationId,
    (mode, trigger): (RunMode, RunTrigger),
    asked: Option<Policy>,
) -> Result<Run> {
    let mut tx = b.db.write().await?;
    let target = target(&mut tx, scope, integration_id).await?;
    let saved = with_groups(&mut tx, integration_id, &target.policy).await?;
    let preview = (mode == RunMode::Preview).then(|| PreviewOf {
        policy: asked.unwrap_or_else(|| saved.clone()),
        base: saved.clone(),
    });
    let starting = Starting {
        integration_id,
        customer_id: target.customer_id,
        name: &target.name,
        mode,
        trigger,
        started_by: Some(scope.actor_name()),
        preview: preview.as_ref(),
        object: None,
    };
    // A scheduled run that no worker has begun makes way: this one does more, and goes before.
    drop_waiting(&mut tx, Reach::Integration(integration_id)).await?;
    let Some(id) = put(b, &mut tx, &starting).await? else {
        let open = open_run(&mut tx, integration_id).await?;
        return Err(in_progress(open));
    };
    let policy = preview.as_ref().map_or(&saved, |of| &of.policy);
    counts::open(&mut tx, id, policy, LineStatus::Queued).await?;
    let mut changes = AuditChanges::none().now("mode", &mode);
    if let Some(preview) = &preview {
        changes = changes.now("unsaved_settings", &(preview.policy != preview.base));
    } else {
        queued(b, &mut tx, integration_id, id).await?;
    }
    let action = match mode {
        RunMode::Preview => AuditAction::RunPreview,
        _ => AuditAction::RunStart,
    };
    let entry = Entry::new(action, id.0, &target.name)
        .of(target.customer_id)
        .changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    let run = load(&mut tx, id).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(run)
}

/// The integration, where the caller may start a run of it now.
pub(super) async fn target(
    tx: &mut Tx,
    scope: &Scope,
    integration_id: IntegrationId,
) -> Result<Target> {
    let target = fetch_optional!(
        tx,
        Target,
        "SELECT i.customer_id, i.name, i.enabled, i.policy, i.first_full_done,
                c.deleted_at IS NOT NULL AS binned
           FROM integration i JOIN customer c ON c.id = i.customer_id WHERE i.id = $1",
        integration_id
    )?
    .filter(|target| scope.sees(target.customer_id))
    .ok_or(Error::NotFound("integration"))?;
    scope.require(Permission::RunsStart)?;
    if target.binned {
        return Err(Error::conflict(
            "The customer is in the bin. Restore it, then start the run.",
        ));
    }
    if !target.enabled {
        return Err(Error::conflict(
            "The integration is disabled. Enable it, then start the run.",
        ));
    }
    Ok(target)
}

/// The conflict with a run that is open, named where it is known.
pub(super) fn in_progress(run_id: Option<RunId>) -> Error {
    Error::Conflict {
        message: "A run of this integration is in progress. Wait for it to end, or cancel it."
            .to_owned(),
        run_id,
    }
}

/// The integration's run that is queued or at work.
pub(super) async fn open_run(tx: &mut Tx, integration: IntegrationId) -> Result<Option<RunId>> {
    let open = fetch_optional!(
        tx,
        (RunId,),
        "SELECT id FROM run WHERE integration_id = $1 AND status IN ('queued', 'running')",
        integration
    )?;
    Ok(open.map(|(id,)| id))
}

/// Has the batches of the integration's open run wait, and waits for the one that is on its way: for
/// what a batch has to see whole or not at all.
pub(crate) async fn hold_open(tx: &mut Tx, integration: Option<IntegrationId>) -> Result<()> {
    let Some(integration) = integration else {
        return Ok(());
    };
    match open_run(tx, integration).await? {
        Some(run) => tx.hold("run", run.0).await,
        None => Ok(()),
    }
}

/// Shows the run as the integration's newest.
pub(super) async fn queued(
    b: &Backend,
    tx: &mut Tx,
    integration_id: IntegrationId,
    id: RunId,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE integration SET last_run_id = $1, last_sync_started_at = $2,
                last_sync_status = 'queued', last_sync_detail = '' WHERE id = $3",
        id,
        b.clock.now(),
        integration_id
    )?;
    Ok(())
}

/// Whose runs are meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach {
    /// One integration's.
    Integration(IntegrationId),
    /// A customer's.
    Customer(CustomerId),
    /// Everybody's.
    All,
}

/// Takes scheduled runs out of the queue that no worker ever had. They have no line in the history
/// yet, so nothing of them stays. A run that a worker gave back as it shut down is at work.
pub(crate) async fn drop_waiting(tx: &mut Tx, reach: Reach) -> Result<()> {
    let (integration, customer) = match reach {
        Reach::Integration(id) => (Some(id), None),
        Reach::Customer(id) => (None, Some(id)),
        Reach::All => (None, None),
    };
    execute!(
        &mut *tx,
        "DELETE FROM job WHERE kind = 'sync_run' AND priority = $1 AND attempts = 0
            AND NOT EXISTS (SELECT 1 FROM run r WHERE r.integration_id = job.integration_id
                               AND r.status = 'running')
            AND ($2 IS NULL OR integration_id = $2)
            AND ($3 IS NULL
                 OR integration_id IN (SELECT id FROM integration WHERE customer_id = $3))",
        PRIORITY_SCHEDULE,
        integration,
        customer
    )?;
    execute!(
        tx,
        "DELETE FROM run WHERE status = 'queued' AND triggered_by = 'schedule'
            AND ($1 IS NULL OR integration_id = $1) AND ($2 IS NULL OR customer_id = $2)
            AND NOT EXISTS (SELECT 1 FROM job j WHERE j.kind = 'sync_run'
                               AND j.integration_id = run.integration_id)",
        integration,
        customer
    )?;
    Ok(())
}

#[derive(FromRow)]
struct Open {
    customer_id: CustomerId,
    integration_name: Option<String>,
    integration_id: IntegrationId,
    status: RunStatus,
    at_work: bool,
}

/// Asks a run to end. One that no worker has taken yet ends at once; another at its next page or
/// batch, within a second.
pub async fn cancel(b: &Backend, scope: &Scope, run_id: RunId) -> Result<Run> {
    let mut tx = b.db.write().await?;
    let open = find(b, &mut tx, run_id)
        .await?
        .filter(|open| scope.sees(open.customer_id))
        .ok_or(Error::NotFound("run"))?;
    scope.require(Permission::RunsStart)?;
    if !open.status.is_open() {
        return Err(Error::Conflict {
            message: "The run has ended already.".to_owned(),
            run_id: Some(run_id),
        });
    }
    end(b, &mut tx, run_id, &open, scope.actor_name()).await?;
    let name = open.integration_name.as_deref().unwrap_or_default();
    let entry = Entry::new(AuditAction::RunCancel, run_id.0, name)
        .of(open.customer_id)
        .changes(AuditChanges::none().was("status", &open.status));
    audit::record(b, &mut tx, scope, entry).await?;
    let run = load(&mut tx, run_id).await?;
    tx.commit().await?;
    Ok(run)
}

/// Asks the open run of an integration to end, where there is one: the integration is switched
/// off or put away.
pub(crate) async fn cancel_open(
    b: &Backend,
    tx: &mut Tx,
    integration: IntegrationId,
    by: &str,
) -> Result<()> {
    let Some(run) = open_run(tx, integration).await? else {
        return Ok(());
    };
    match find(b, tx, run).await? {
        Some(open) => end(b, tx, run, &open, by).await,
        None => Ok(()),
    }
}

async fn find(b: &Backend, tx: &mut Tx, run_id: RunId) -> Result<Option<Open>> {
    fetch_optional!(
        tx,
        Open,
        "SELECT r.customer_id, COALESCE(r.integration_id, r.id) AS integration_id, r.status,
                (SELECT i.name FROM integration i WHERE i.id = r.integration_id)
                    AS integration_name,
                EXISTS (SELECT 1 FROM job j WHERE j.dedupe_key = $2 AND j.lease_until > $3)
                    AS at_work
           FROM run r WHERE r.id = $1",
        run_id,
        format!("run:{run_id}"),
        b.clock.now()
    )
}

async fn end(b: &Backend, tx: &mut Tx, run_id: RunId, open: &Open, by: &str) -> Result<()> {
    if open.status != RunStatus::Queued || open.at_work {
        execute!(
            tx,
            "UPDATE run SET cancelled_by = COALESCE(cancelled_by, $2) WHERE id = $1",
            run_id,
            by
        )?;
        return Ok(());
    }
    execute!(
        &mut *tx,
        "DELETE FROM job WHERE dedupe_key = $1",
        format!("run:{run_id}")
    )?;
    execute!(
        &mut *tx,
        "UPDATE run SET status = 'cancelled', phase = 'done', ended_at = $2, cancelled_by = $3
          WHERE id = $1",
        run_id,
        b.clock.now(),
        by
    )?;
    execute!(
        &mut *tx,
        "UPDATE run_count SET status = 'cancelled' WHERE run_id = $1",
        run_id
    )?;
    execute!(
        tx,
        "UPDATE integration SET last_sync_status = 'cancelled', last_sync_detail = 'cancelled'
          WHERE id = $1 AND last_run_id = $2",
        open.integration_id,
        run_id
    )?;
    Ok(())
}

#[derive(FromRow)]
struct Row {
    integration_id: Option<IntegrationId>,
    mode: RunMode,
    triggered_by: RunTrigger,
    status: RunStatus,
    started_at: Option<domain::DateTime>,
    ended_at: Option<domain::DateTime>,
    error: Option<String>,
    requests: i64,
    resource_units: i64,
    replaced_by: Option<RunId>,
    #[sqlx(flatten)]
    preview: PreviewRow,
    #[sqlx(flatten)]
    object: ObjectRow,
}

/// What a run's columns say of the one object that it syncs.
#[derive(Debug, Clone, FromRow)]
#[expect(
    clippy::struct_field_names,
    reason = "they are called as the columns are, beside others of a run"
)]
pub(crate) struct ObjectRow {
    pub object_type: Option<ObjectType>,
    pub object_external_id: Option<ExternalId>,
    pub object_name: Option<String>,
    pub object_reason: Option<Reason>,
}

impl From<ObjectRow> for Option<RunObject> {
    fn from(row: ObjectRow) -> Self {
        Some(RunObject {
            object_type: row.object_type?,
            external_id: row.object_external_id?,
            display_name: row.object_name,
            reason: row.object_reason,
        })
    }
}

/// What a run's columns say of it as a preview.
#[derive(Debug, Clone, Copy, FromRow)]
pub(crate) struct PreviewRow {
    queued_at: domain::DateTime,
    /// Also after it was applied.
    pub is_preview: bool,
    unsaved: bool,
}

impl PreviewRow {
    /// For which settings the run was a preview, and until when it can be applied.
    pub(crate) fn preview(self, mode: RunMode, status: RunStatus) -> Option<RunPreview> {
        let waits = mode == RunMode::Preview && status == RunStatus::Succeeded;
        self.is_preview.then(|| RunPreview {
            unsaved: self.unsaved,
            apply_until: waits.then(|| self.queued_at + chrono::Duration::hours(PREVIEW_HOURS)),
        })
    }
}

/// A run as it is answered.
pub(super) async fn load(tx: &mut Tx, id: RunId) -> Result<Run> {
    let row = fetch_one!(
        tx,
        Row,
        "SELECT integration_id, mode, triggered_by, status, started_at, ended_at, error, requests,
                resource_units, replaced_by, queued_at, object_type, object_external_id,
                object_name, object_reason, policy IS NOT NULL AS is_preview,
                policy IS NOT NULL AND policy <> base_policy AS unsaved
           FROM run WHERE id = $1",
        id
    )?;
    Ok(Run {
        id,
        integration_id: row.integration_id,
        mode: row.mode,
        trigger: row.triggered_by,
        status: row.status,
        started_at: row.started_at,
        ended_at: row.ended_at,
        error: row.error.and_then(|text| serde_json::from_str(&text).ok()),
        requests: row.requests,
        resource_units: row.resource_units,
        counts: counts::load(tx, id).await?,
        replaced_by: row.replaced_by,
        preview: row.preview.preview(row.mode, row.status),
        object: row.object.into(),
    })
}
