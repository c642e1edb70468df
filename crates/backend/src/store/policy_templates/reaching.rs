//! Bringing a template's present version to its followers: one after the other, each in a
//! transaction of its own. Which are behind says their rows, so whoever is interrupted goes on
//! where it stopped.

use domain::{
    id::{IntegrationId, PolicyTemplateId},
    integration::IntegrationChange,
    settings::{template::merge, version::VersionSource},
};
use tokio_util::sync::CancellationToken;

use super::{
    drift::own_paths,
    find,
    following::{followed, reached},
    policy_of,
};
use crate::{Backend, Error, Result, Scope, fetch_all, store::integrations};

/// Followers that are looked up at a time.
const BATCH: i64 = 100;

/// Brings the present version to every follower that is behind. False where it was asked to stop
/// before it came to the end. Followers of a customer in the bin stay behind.
pub(crate) async fn reach(
    b: &Backend,
    id: PolicyTemplateId,
    stop: &CancellationToken,
) -> Result<bool> {
    let mut last = IntegrationId(uuid::Uuid::nil());
    loop {
        let behind = behind(b, id, last).await?;
        let Some((end,)) = behind.last().copied() else {
            return Ok(true);
        };
        for (integration,) in behind {
            if stop.is_cancelled() {
                return Ok(false);
            }
            reach_one(b, id, integration).await?;
        }
        last = end;
    }
}

async fn behind(
    b: &Backend,
    id: PolicyTemplateId,
    last: IntegrationId,
) -> Result<Vec<(IntegrationId,)>> {
    let mut tx = b.db.read().await?;
    fetch_all!(
        &mut tx,
        (IntegrationId,),
        "SELECT f.integration_id FROM integration_template f
           JOIN policy_template t ON t.id = f.template_id
           JOIN integration i ON i.id = f.integration_id
           JOIN customer c ON c.id = i.customer_id
          WHERE f.template_id = $1 AND f.version < t.version AND f.integration_id > $2
            AND c.deleted_at IS NULL
          ORDER BY f.integration_id LIMIT $3",
        id,
        last,
        BATCH
    )
}

/// Brings it to one follower. What it deviates in, and what is its own, stays. Nothing is done where
/// it went, or follows another by now.
async fn reach_one(b: &Backend, id: PolicyTemplateId, integration: IntegrationId) -> Result<()> {
    let scope = Scope::by_itself();
    let mut tx = b.db.write().await?;
    integrations::hold(&mut tx, integration).await?;
    let present = match integrations::find(&mut tx, &scope, integration).await {
        Err(Error::NotFound(_)) => return Ok(()),
        found => found?,
    };
    let version = match followed(&mut tx, integration).await? {
        Some((template, version)) if template == id => version,
        _ => return Ok(()),
    };
    let template = find(&mut tx, &scope, id).await?;
    if version == template.version {
        return Ok(());
    }
    let former = policy_of(&mut tx, id, version).await?;
    let own = own_paths(&mut tx, integration).await?;
    reached(&mut tx, integration, template.version).await?;
    let merged = match merge(&present.policy, &former, &template.policy, &own) {
        Ok(merged) => merged,
        Err(error) => {
            // Its page shows all of it as drift, to be accepted or put back by a person.
            tracing::warn!(%integration, %error, "a template’s settings don’t go with an integration’s");
            return tx.commit().await;
        }
    };
    let change = IntegrationChange {
        policy: Some(merged.policy),
        ..IntegrationChange::default()
    };
    let source = VersionSource::template(template.name, template.version);
    let changed = integrations::change_in(b, &mut tx, &scope, integration, change, &source).await?;
    tx.commit().await?;
    changed.follow_up(b).await;
    Ok(())
}
