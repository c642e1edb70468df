//! Making, changing and deleting templates.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::PolicyTemplateId,
    policy::Policy,
    settings::{
        template::{NewPolicyTemplate, PolicyTemplate, PolicyTemplateChange},
        version::{VersionCause, VersionSource},
    },
    text::parse_name,
};
use serde_json::json;

use super::{effect::Effect, find, may_make};
use crate::{
    Backend, Error, Result, Scope, Tx, execute,
    jobs::{self, NewJob, queue::PRIORITY_PERSON},
    store::{
        audit::{self, Entry},
        still, versions,
    },
};

/// The policy of a template in its one form.
pub(super) fn checked(policy: Policy) -> Result<Policy> {
    if !policy.selected_group_ids.is_empty() {
        return Err(Error::invalid(
            "policy.selected_group_ids",
            "A template selects no groups: those are each integration’s own.",
        ));
    }
    if policy.administrators_group_id.is_some() {
        return Err(Error::invalid(
            "policy.administrators_group_id",
            "A template names no group of administrators: that is each integration’s own.",
        ));
    }
    Ok(policy.checked()?)
}

/// What of a template goes into the audit log.
fn told(name: &str, policy: &Policy) -> serde_json::Value {
    json!({ "name": name, "policy": policy })
}

/// Makes a template.
pub async fn create(b: &Backend, scope: &Scope, new: NewPolicyTemplate) -> Result<PolicyTemplate> {
    may_make(scope)?;
    let name = parse_name("name", &new.name)?;
    let policy = checked(new.policy)?;
    let id = PolicyTemplateId(b.ids.uuid());
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "INSERT INTO policy_template (id, name, name_folded, version, created_at)
         VALUES ($1, $2, $3, 1, $4)",
        id,
        &name,
        planner::key(&name),
        b.clock.now()
    )?;
    let created = VersionSource::of(VersionCause::Created);
    versions::keep(b, &mut tx, scope, id, &policy, &created).await?;
    let entry = Entry::new(AuditAction::PolicyTemplateCreate, id.0, &name)
        .changes(AuditChanges::created(&told(&name, &policy)));
    audit::record(b, &mut tx, scope, entry).await?;
    let template = find(&mut tx, scope, id).await?;
    tx.commit().await?;
    Ok(template)
}

/// Gives a template another name, or another policy. A policy is a new version, which a job brings to
/// every follower.
pub async fn change(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    change: PolicyTemplateChange,
) -> Result<PolicyTemplate> {
    let mut tx = b.db.write().await?;
    tx.hold("policy_template", id.0).await?;
    let before = find(&mut tx, scope, id).await?;
    may_make(scope)?;
    let name = match &change.name {
        Some(name) => parse_name("name", name)?,
        None => before.name.clone(),
    };
    let policy = match change.policy {
        Some(policy) => checked(policy)?,
        None => before.policy.clone(),
    };
    if let Some(hash) = &change.hash {
        let effect = Effect::of(&mut tx, scope, &before, &policy).await?;
        still(Some(hash), &effect.hash()?)?;
    }
    let wanted = Wanted {
        name,
        policy,
        restored_from: None,
    };
    let after = save(b, &mut tx, scope, before, wanted).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(after)
}

/// What a template becomes.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) policy: Policy,
    /// The version that is restored by this.
    pub(super) restored_from: Option<i64>,
}

/// Saves what a template becomes. The caller holds it.
pub(super) async fn save(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    before: PolicyTemplate,
    wanted: Wanted,
) -> Result<PolicyTemplate> {
    let id = before.id;
    let Wanted {
        name,
        policy,
        restored_from,
    } = wanted;
    let changes = AuditChanges::between(&told(&before.name, &before.policy), &told(&name, &policy));
    if changes.is_empty() {
        return Ok(before);
    }
    let other_policy = policy != before.policy;
    let version = before.version + i64::from(other_policy);
    execute!(
        &mut *tx,
        "UPDATE policy_template SET name = $2, name_folded = $3, version = $4 WHERE id = $1",
        id,
        &name,
        planner::key(&name),
        version
    )?;
    if other_policy {
        let source = restored_from.map_or_else(
            || VersionSource::of(VersionCause::Saved),
            VersionSource::restored,
        );
        versions::keep(b, tx, scope, id, &policy, &source).await?;
        reach_followers(b, tx, id).await?;
    }
    let note = restored_from.map(|number| VersionSource::restored(number).to_string());
    let entry = Entry::new(AuditAction::PolicyTemplateUpdate, id.0, &name)
        .note(note.as_deref().unwrap_or_default())
        .changes(changes);
    audit::record(b, tx, scope, entry).await?;
    find(tx, scope, id).await
}

/// Has a job bring the present version to every follower. Each change is a job of its own: one that
/// is at its end may not have seen the next.
async fn reach_followers(b: &Backend, tx: &mut Tx, id: PolicyTemplateId) -> Result<()> {
    let job = NewJob {
        kind: jobs::Kind::ReachFollowers,
        subject: id.0,
        integration_id: None,
        priority: PRIORITY_PERSON,
        run_at: b.clock.now(),
        dedupe_key: None,
    };
    jobs::enqueue(b, tx, &job).await?;
    Ok(())
}

/// Deletes a template. Its followers keep the settings they have, and follow nothing.
pub async fn delete(b: &Backend, scope: &Scope, id: PolicyTemplateId) -> Result<()> {
    let mut tx = b.db.write().await?;
    tx.hold("policy_template", id.0).await?;
    let template = find(&mut tx, scope, id).await?;
    may_make(scope)?;
    execute!(&mut tx, "DELETE FROM policy_template WHERE id = $1", id)?;
    let changes = AuditChanges::deleted(&told(&template.name, &template.policy))
        .was("followers", &template.followers);
    let entry =
        Entry::new(AuditAction::PolicyTemplateDelete, id.0, &template.name).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}
