//! The versions of a template's policy, and restoring one, which is a change like any other.

use domain::{
    id::PolicyTemplateId,
    policy::Policy,
    settings::{
        SettingDifference,
        template::{PolicyTemplate, TemplateEffect, all_drift},
    },
};

use super::{
    change::{Wanted, checked, save},
    effect::Effect,
    find, may_make, policy_of,
};
use crate::{
    Backend, Result, Scope, Tx,
    store::{still, versions::Versioned},
};

impl Versioned for Policy {
    type Id = PolicyTemplateId;
    const TABLE: &'static str = "policy_template_version";
    const OF: &'static str = "template_id";

    async fn present(tx: &mut Tx, scope: &Scope, id: PolicyTemplateId) -> Result<Self> {
        Ok(find(tx, scope, id).await?.policy)
    }

    fn differences(&self, after: &Self) -> Vec<SettingDifference> {
        all_drift(self, after)
    }
}

/// The policy of a version as it would be saved now. Templates once named a group of administrators,
/// which nobody got.
async fn policy_again(tx: &mut Tx, id: PolicyTemplateId, number: i64) -> Result<Policy> {
    checked(Policy {
        administrators_group_id: None,
        ..policy_of(tx, id, number).await?
    })
}

/// The policy that restoring a version would save.
pub async fn again(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    number: i64,
) -> Result<Policy> {
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    policy_again(&mut tx, id, number).await
}

/// What restoring a version would do. Nothing is changed.
pub async fn effect(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    number: i64,
) -> Result<TemplateEffect> {
    let mut tx = b.db.read().await?;
    let template = find(&mut tx, scope, id).await?;
    let policy = policy_again(&mut tx, id, number).await?;
    may_make(scope)?;
    let effect = Effect::of(&mut tx, scope, &template, &policy).await?;
    drop(tx);
    effect.told(b).await
}

/// Makes the policy that of a version again: a change like any other, which is a version of its own
/// and reaches every follower. `hash`: of the effect that was looked at.
pub async fn restore(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    number: i64,
    hash: Option<&str>,
) -> Result<PolicyTemplate> {
    let mut tx = b.db.write().await?;
    tx.hold("policy_template", id.0).await?;
    let before = find(&mut tx, scope, id).await?;
    let policy = policy_again(&mut tx, id, number).await?;
    may_make(scope)?;
    if let Some(hash) = hash {
        let effect = Effect::of(&mut tx, scope, &before, &policy).await?;
        still(Some(hash), &effect.hash()?)?;
    }
    let wanted = Wanted {
        name: before.name.clone(),
        policy,
        restored_from: Some(number),
    };
    let after = save(b, &mut tx, scope, before, wanted).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(after)
}
