//! Versions of an integration's settings: kept with every save, and restored like any other save.

use std::collections::BTreeMap;

use domain::{
    id::IntegrationId,
    integration::Integration,
    permission::Permission,
    settings::{IntegrationSettings, version::VersionSource},
};

use super::{
    integrations, still,
    versions::{self, Versioned},
};
use crate::{Backend, Result, Scope, Tx};

impl Versioned for IntegrationSettings {
    type Id = IntegrationId;
    const TABLE: &'static str = "integration_version";
    const OF: &'static str = "integration_id";

    async fn present(tx: &mut Tx, scope: &Scope, id: IntegrationId) -> Result<Self> {
        scope.require(Permission::IntegrationsRead)?;
        Ok(Self::of(&integrations::find(tx, scope, id).await?))
    }

    async fn group_names(
        tx: &mut Tx,
        id: IntegrationId,
        before: &Self,
        after: &Self,
    ) -> Result<BTreeMap<String, String>> {
        group_names(tx, id, before, after).await
    }
}

/// Keeps the settings as the integration's next version. The caller holds the integration.
pub(crate) async fn keep(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    integration: &Integration,
    source: &VersionSource,
) -> Result<()> {
    let settings = IntegrationSettings::of(integration);
    versions::keep(b, tx, scope, integration.id, &settings, source).await
}

/// Makes the settings those of a version again: a save like any other, with its checks, and a version
/// of its own. `hash`: of the difference that was looked at.
pub async fn restore(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    number: i64,
    hash: Option<&str>,
) -> Result<Integration> {
    let mut tx = b.db.write().await?;
    integrations::hold(&mut tx, id).await?;
    let present = IntegrationSettings::present(&mut tx, scope, id).await?;
    let (settings, compared) = versions::restoring(&mut tx, id, number, &present).await?;
    scope.require(Permission::IntegrationsWrite)?;
    still(hash, &compared.hash)?;
    let source = VersionSource::restored(number);
    let change = settings.change();
    let changed = integrations::change_in(b, &mut tx, scope, id, change, &source).await?;
    tx.commit().await?;
    changed.follow_up(b).await;
    Ok(changed.after)
}

/// Names of the few groups that a comparison names, by their ids.
pub(crate) async fn group_names(
    tx: &mut Tx,
    id: IntegrationId,
    before: &IntegrationSettings,
    after: &IntegrationSettings,
) -> Result<BTreeMap<String, String>> {
    let groups = after.policy.named_groups(&before.policy);
    let names = integrations::group_names(tx, id, &groups).await?;
    Ok(names
        .into_iter()
        .map(|(group, name)| (group.to_string(), name))
        .collect())
}

#[cfg(test)]
mod tests;
