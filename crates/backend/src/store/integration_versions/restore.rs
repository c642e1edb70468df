//! Comparing versions, and restoring one.

use domain::{
    id::IntegrationId,
    integration::Integration,
    permission::Permission,
    settings::{IntegrationSettings, SettingsDifference, version::VersionSource},
};

use super::{compare, load};
use crate::{
    Backend, Result, Scope,
    store::{integrations, still},
};

/// How version `number` differs from version `against`, or from the present settings where none is
/// named: what restoring it would change.
pub async fn difference(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    number: i64,
    against: Option<i64>,
) -> Result<SettingsDifference> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    let integration = integrations::find(&mut tx, scope, id).await?;
    let version = load(&mut tx, id, number).await?.settings;
    let before = match against {
        Some(against) => load(&mut tx, id, against).await?.settings,
        None => IntegrationSettings::of(&integration),
    };
    compare(&mut tx, id, &before, &version).await
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
    let integration = integrations::find(&mut tx, scope, id).await?;
    let version = load(&mut tx, id, number).await?.settings;
    scope.require(Permission::IntegrationsWrite)?;
    let present = IntegrationSettings::of(&integration);
    let compared = compare(&mut tx, id, &present, &version).await?;
    still(hash, &compared.hash)?;
    let source = VersionSource::restored(number);
    let change = version.change();
    let changed = integrations::change_in(b, &mut tx, scope, id, change, &source).await?;
    tx.commit().await?;
    changed.follow_up(b).await;
    Ok(changed.after)
}
