//! Following a template, and leaving it.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::{IntegrationId, PolicyTemplateId},
    integration::IntegrationChange,
    permission::Permission,
    settings::{
        template::{Drift, Following, PolicyTemplate, all_drift, put_back},
        version::VersionSource,
    },
};

use super::{drift, find};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional,
    store::{audit, integrations},
};

/// Which template an integration follows, and which version of it reached it.
pub(super) async fn followed(
    tx: &mut Tx,
    id: IntegrationId,
) -> Result<Option<(PolicyTemplateId, i64)>> {
    fetch_optional!(
        tx,
        (PolicyTemplateId, i64),
        "SELECT template_id, version FROM integration_template WHERE integration_id = $1",
        id
    )
}

/// The same, refused where it follows none.
pub(super) async fn must_follow(tx: &mut Tx, id: IntegrationId) -> Result<(PolicyTemplateId, i64)> {
    followed(tx, id)
        .await?
        .ok_or_else(|| Error::conflict("This integration follows no policy template."))
}

/// Has an integration follow a template, in place of the one it followed. It takes the template's
/// settings where that is wished; else what differs is drift.
pub async fn follow(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    following: Following,
) -> Result<Drift> {
    let mut tx = b.db.write().await?;
    integrations::find(&mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    // Before the integration, and held: its next version must find this follower.
    tx.hold("policy_template", following.policy_template_id.0)
        .await?;
    let template = match find(&mut tx, scope, following.policy_template_id).await {
        Err(Error::NotFound(_)) => {
            let message = "This policy template doesn’t exist.";
            return Err(Error::invalid("policy_template_id", message));
        }
        found => found?,
    };
    integrations::hold(&mut tx, id).await?;
    let integration = integrations::find(&mut tx, scope, id).await?;
    let before = followed(&mut tx, id).await?;
    if before.map(|(template, _)| template) != Some(template.id) {
        begin(&mut tx, id, &template).await?;
        let entry = integrations::entry(AuditAction::IntegrationFollowTemplate, &integration)
            .note(&template.name)
            .changes(AuditChanges::none().field(
                "policy_template_id",
                &before.map(|(template, _)| template),
                &Some(template.id),
            ));
        audit::record(b, &mut tx, scope, entry).await?;
    }
    let changed = if following.take_settings {
        let differing = all_drift(&template.policy, &integration.policy);
        let paths: Vec<_> = differing.into_iter().map(|one| one.path).collect();
        let policy = put_back(&template.policy, &integration.policy, &paths)?;
        let change = IntegrationChange {
            policy: Some(policy),
            ..IntegrationChange::default()
        };
        reached(&mut tx, id, template.version).await?;
        let source = VersionSource::template(template.name.clone(), template.version);
        Some(integrations::change_in(b, &mut tx, scope, id, change, &source).await?)
    } else {
        None
    };
    let found = drift::load(&mut tx, scope, id).await?;
    tx.commit().await?;
    if let Some(changed) = changed {
        changed.follow_up(b).await;
    }
    Ok(found)
}

async fn begin(tx: &mut Tx, id: IntegrationId, template: &PolicyTemplate) -> Result<()> {
    execute!(
        &mut *tx,
        "DELETE FROM integration_template WHERE integration_id = $1",
        id
    )?;
    execute!(
        tx,
        "INSERT INTO integration_template (integration_id, template_id, version)
         VALUES ($1, $2, $3)",
        id,
        template.id,
        template.version
    )?;
    Ok(())
}

/// Notes that a version of its template reached an integration.
pub(super) async fn reached(tx: &mut Tx, id: IntegrationId, version: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE integration_template SET version = $2 WHERE integration_id = $1",
        id,
        version
    )?;
    Ok(())
}

/// Has an integration follow no template any more. It keeps the settings it has.
pub async fn leave(b: &Backend, scope: &Scope, id: IntegrationId) -> Result<()> {
    let mut tx = b.db.write().await?;
    integrations::hold(&mut tx, id).await?;
    let integration = integrations::find(&mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let (template, _) = must_follow(&mut tx, id).await?;
    let name = find(&mut tx, scope, template).await?.name;
    execute!(
        &mut tx,
        "DELETE FROM integration_template WHERE integration_id = $1",
        id
    )?;
    let entry = integrations::entry(AuditAction::IntegrationLeaveTemplate, &integration)
        .note(&name)
        .changes(AuditChanges::none().was("policy_template_id", &template));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}
