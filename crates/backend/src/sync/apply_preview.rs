//! "Apply exactly this": a preview goes on with the plan it stored. Nothing is read and nothing is
//! planned again, so the plan has to be what the directory and the settings still are.

use domain::{
    id::{IntegrationId, RunId},
    permission::Permission,
    policy::Policy,
    run::{Run, RunMode, RunStatus},
};
use sqlx::FromRow;

use super::{
    record::{read_policy, with_groups},
    starting::{self, in_progress, queued},
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional,
    jobs::queue::{self, Kind, NewJob, PRIORITY_PERSON},
    store::{audit, integrations},
};

/// How long a preview can be applied: the source goes on changing.
const HOURS: i64 = 24;

#[derive(FromRow)]
struct Preview {
    customer_id: domain::id::CustomerId,
    integration_id: IntegrationId,
    mode: RunMode,
    status: RunStatus,
    queued_at: domain::DateTime,
    policy: Option<String>,
    base_policy: Option<String>,
    name: Option<String>,
    enabled: Option<bool>,
    saved: Option<String>,
    binned: bool,
}

/// Applies the plan of a preview, after saving the settings that it was made for. A conflict says
/// what moved since.
pub async fn apply_preview(b: &Backend, scope: &Scope, run_id: RunId) -> Result<Run> {
    let mut tx = b.db.write().await?;
    let preview = find(&mut tx, scope, run_id).await?;
    scope.require(Permission::RunsStart)?;
    refuse(b, &mut tx, run_id, &preview).await?;
    let policies = policies(&preview)?;
    let saved = preview.saved.as_deref().unwrap_or_default();
    if with_groups(&mut tx, preview.integration_id, saved).await? != policies.base {
        return Err(Error::conflict(
            "The settings were changed since this preview. Make a new preview.",
        ));
    }
    if policies.own != policies.base {
        scope.require(Permission::IntegrationsWrite)?;
        integrations::save_policy(&mut tx, preview.integration_id, &policies.own).await?;
    }
    resume(b, &mut tx, run_id, &preview).await?;
    let name = preview.name.as_deref().unwrap_or_default();
    let customer = Some(preview.customer_id);
    audit::record(b, &mut tx, scope, "run.apply", customer, name).await?;
    let run = starting::load(&mut tx, run_id).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(run)
}

async fn find(tx: &mut Tx, scope: &Scope, run_id: RunId) -> Result<Preview> {
    fetch_optional!(
        tx,
        Preview,
        "SELECT r.customer_id, r.integration_id, r.mode, r.status, r.queued_at, r.policy,
                r.base_policy, i.name, i.enabled, i.policy AS saved,
                c.deleted_at IS NOT NULL AS binned
           FROM run r JOIN customer c ON c.id = r.customer_id
                      LEFT JOIN integration i ON i.id = r.integration_id
          WHERE r.id = $1",
        run_id
    )?
    .filter(|run| scope.sees(run.customer_id) && !run.binned)
    .ok_or(Error::NotFound("run"))
}

/// What can't be applied, and why.
async fn refuse(b: &Backend, tx: &mut Tx, run_id: RunId, preview: &Preview) -> Result<()> {
    let conflict = |message: &str| Err(Error::conflict(message));
    match (preview.mode, preview.status) {
        (RunMode::Preview, RunStatus::Succeeded) => {}
        (RunMode::Preview, RunStatus::NothingToDo) => {
            return conflict("The preview found nothing to do: there is nothing to apply.");
        }
        (RunMode::Preview, RunStatus::Queued | RunStatus::Running) => {
            return conflict("The preview is still at work. Wait for it to end.");
        }
        (RunMode::Preview, _) => {
            return conflict("The preview did not come to its end. Make a new one.");
        }
        _ => return conflict("This run is no preview: it was applied already."),
    }
    match preview.enabled {
        None => return conflict("The integration was deleted."),
        Some(false) => {
            return conflict("The integration is disabled. Enable it, then apply the preview.");
        }
        Some(true) => {}
    }
    if b.clock.now() - preview.queued_at > chrono::Duration::hours(HOURS) {
        return conflict(
            "The preview is older than a day: the source may have changed. Make a new preview.",
        );
    }
    let newer = fetch_optional!(
        tx,
        (RunId, RunStatus),
        "SELECT id, status FROM run
          WHERE integration_id = $1 AND id <> $2
            AND (id > $2 OR COALESCE(last_seen_at, ended_at, queued_at) > $3)
          ORDER BY id DESC LIMIT 1",
        preview.integration_id,
        run_id,
        preview.queued_at
    )?;
    match newer {
        None => Ok(()),
        Some((_, status)) if status.is_open() => {
            Err(in_progress(tx, preview.integration_id).await?)
        }
        Some((newer, _)) => Err(Error::Conflict {
            message: "Another run looked at the directory since this preview. Make a new preview."
                .to_owned(),
            run_id: Some(newer),
        }),
    }
}

struct Policies {
    own: Policy,
    base: Policy,
}

fn policies(preview: &Preview) -> Result<Policies> {
    let read = |text: &Option<String>| read_policy(text.as_deref().unwrap_or_default());
    Ok(Policies {
        own: read(&preview.policy)?,
        base: read(&preview.base_policy)?,
    })
}

/// The preview becomes the run that it showed.
async fn resume(b: &Backend, tx: &mut Tx, run_id: RunId, preview: &Preview) -> Result<()> {
    execute!(
        &mut *tx,
        "UPDATE run SET status = 'running', phase = 'applying', ended_at = NULL,
                mode = CASE WHEN full_read THEN 'full' ELSE 'delta' END
          WHERE id = $1",
        run_id
    )?;
    execute!(
        &mut *tx,
        "UPDATE run_count SET status = 'running' WHERE run_id = $1",
        run_id
    )?;
    queued(b, tx, preview.integration_id, run_id).await?;
    let job = NewJob {
        kind: Kind::SyncRun,
        subject: run_id.0,
        integration_id: Some(preview.integration_id),
        priority: PRIORITY_PERSON,
        run_at: b.clock.now(),
        dedupe_key: Some(format!("run:{run_id}")),
    };
    queue::enqueue(b, tx, &job).await?;
    Ok(())
}
