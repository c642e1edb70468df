//! "Apply exactly this": a preview goes on with the plan it stored. Nothing is read and nothing is
//! planned again, so the plan has to be what the directory and the settings still are.

use domain::{
    audit::AuditAction,
    id::RunId,
    permission::Permission,
    policy::Policy,
    run::{PREVIEW_HOURS, PreviewDetail, PreviewSettings, Run, RunMode, RunPhase, RunStatus},
};

use super::{
    existing::Existing,
    record::read_policy,
    starting::{self, queued},
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional, fetch_scalar,
    store::{
        audit::{self, Entry},
        integrations, protected_rules,
    },
};

/// Applies the plan of a preview, after saving the settings that it was made for. A conflict says
/// what moved since.
pub async fn apply_preview(b: &Backend, scope: &Scope, run_id: RunId) -> Result<Run> {
    let mut tx = b.db.write().await?;
    let preview = Existing::find(&mut tx, scope, run_id).await?;
    scope.require(Permission::RunsStart)?;
    let own = policy(preview.policy.as_deref())?;
    let base = policy(preview.base_policy.as_deref())?;
    if own != base {
        scope.require(Permission::IntegrationsWrite)?;
    }
    refuse(b, &mut tx, &preview, base.as_ref()).await?;
    let rules = |policy: &Option<Policy>| policy.as_ref().map(|policy| policy.protected.clone());
    let other_rules = rules(&own) != rules(&base);
    let saved = match own.filter(|own| Some(own) != base.as_ref()) {
        Some(own) => {
            let id = preview.integration_id;
            Some(integrations::save_policy(b, &mut tx, scope, id, &own).await?)
        }
        None => None,
    };
    resume(b, &mut tx, &preview).await?;
    if let Some(saved) = &saved {
        audit::record(b, &mut tx, scope, saved.entry()).await?;
    }
    let entry = Entry::new(AuditAction::RunApply, run_id.0, preview.name()).of(preview.customer_id);
    audit::record(b, &mut tx, scope, entry).await?;
    let run = starting::load(&mut tx, run_id).await?;
    tx.commit().await?;
    if other_rules {
        protected_rules::refresh(b, preview.integration_id).await;
    }
    b.wake.notify_one();
    Ok(run)
}

fn policy(text: Option<&str>) -> Result<Option<Policy>> {
    text.map(read_policy).transpose()
}

/// What the page of a preview says: how its settings differ from those that were saved, and why it
/// can't be applied where it can't. None for a run that never was a preview.
pub(crate) async fn about_preview(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    run_id: RunId,
) -> Result<Option<PreviewDetail>> {
    let preview = Existing::read(tx, scope, run_id).await?;
    let (own, base) = (
        policy(preview.policy.as_deref())?,
        policy(preview.base_policy.as_deref())?,
    );
    let (Some(own), Some(base)) = (own, base) else {
        return Ok(None);
    };
    let integration = preview.integration_id;
    let names = integrations::group_names(tx, integration, &own.named_groups(&base)).await?;
    let (refusal, refused_for) = match refuse(b, tx, &preview, Some(&base)).await {
        Ok(()) => (None, None),
        Err(Error::Conflict { message, run_id }) => (Some(message), run_id),
        Err(error) => return Err(error),
    };
    Ok(Some(PreviewDetail {
        settings: own.differences(&base, |group| names.get(&group).cloned()),
        refusal,
        refused_for,
    }))
}

/// The settings that a preview was made for, where they aren't the saved ones. None for a run that
/// isn't a preview (any more), and for one of saved settings.
pub async fn settings_of_preview(
    b: &Backend,
    scope: &Scope,
    run_id: RunId,
) -> Result<Option<PreviewSettings>> {
    scope.require(Permission::RunsRead)?;
    let mut tx = b.db.read().await?;
    let preview = Existing::read(&mut tx, scope, run_id).await?;
    let own = policy(preview.policy.as_deref())?;
    let base = policy(preview.base_policy.as_deref())?;
    let (RunMode::Preview, Some(own), Some(base)) = (preview.mode, own, base) else {
        return Ok(None);
    };
    if own == base {
        return Ok(None);
    }
    let integration_id = preview.integration_id;
    let names = integrations::group_names(&mut tx, integration_id, &own.selected_group_ids).await?;
    Ok(Some(PreviewSettings {
        run_id,
        integration_id,
        policy: own,
        group_names: names.into_iter().collect(),
        changed_since: preview.saved(&mut tx).await? != base,
    }))
}

/// What can't be applied, and why. `base`: what was saved when the preview began.
async fn refuse(b: &Backend, tx: &mut Tx, preview: &Existing, base: Option<&Policy>) -> Result<()> {
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
        _ => return conflict("This run is no preview, or it was applied already."),
    }
    preview.at_rest(tx).await?;
    if b.clock.now() - preview.queued_at > chrono::Duration::hours(PREVIEW_HOURS) {
        return conflict(
            "The preview is older than a day: the source may have changed. Make a new preview.",
        );
    }
    let newer = fetch_optional!(
        tx,
        (RunId,),
        "SELECT id FROM run
          WHERE integration_id = $1 AND id <> $2 AND started_at IS NOT NULL
            AND (id > $2 OR COALESCE(last_seen_at, ended_at, queued_at) > $3)
          ORDER BY id DESC LIMIT 1",
        preview.integration_id,
        preview.id,
        preview.queued_at
    )?;
    if let Some((newer,)) = newer {
        return Err(Error::Conflict {
            message: "Another run looked at the directory since this preview. Make a new preview."
                .to_owned(),
            run_id: Some(newer),
        });
    }
    if decided_since(tx, preview).await? {
        return conflict(
            "Matches were decided since this preview, or decisions taken back. Make a new preview.",
        );
    }
    if Some(&preview.saved(tx).await?) != base {
        return conflict("The settings were changed since this preview. Make a new preview.");
    }
    Ok(())
}

/// Whether decisions about matches were made or taken back since the preview began.
async fn decided_since(tx: &mut Tx, preview: &Existing) -> Result<bool> {
    fetch_scalar!(
        tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM user_match
                         WHERE integration_id = $1 AND (decided_at > $2 OR found_at > $2))",
        preview.integration_id,
        preview.queued_at
    )
}

/// The preview becomes the run that it showed.
async fn resume(b: &Backend, tx: &mut Tx, preview: &Existing) -> Result<()> {
    execute!(
        &mut *tx,
        "UPDATE run SET mode = CASE WHEN full_read THEN 'full' ELSE 'delta' END, started_at = $2
          WHERE id = $1",
        preview.id,
        b.clock.now()
    )?;
    execute!(
        &mut *tx,
        "UPDATE run_count SET status = 'running' WHERE run_id = $1",
        preview.id
    )?;
    preview.go_on(b, tx, RunPhase::Applying).await?;
    queued(b, tx, preview.integration_id, preview.id).await
}
