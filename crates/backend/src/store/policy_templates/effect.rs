//! What changing a template's policy would do to its followers, before it is saved.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::{IntegrationId, PolicyTemplateId},
    policy::Policy,
    settings::{
        SettingDifference,
        template::{FollowerEffect, PolicyTemplate, TemplateEffect, all_drift, merge},
    },
};

use super::{
    FOLLOWER, FollowerRow, change::checked, drift::own_paths, find, may_make, policy_reached,
    seen_followers,
};
use crate::{
    Backend, Result, Scope, Tx, fetch_all, in_scope,
    store::{hash_of, read_json},
};

/// Followers whose effect is told one by one; the numbers are of all.
const TOLD_MAX: usize = 200;

/// What changing a template's policy would do. Nothing is changed.
pub async fn effect(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    policy: Policy,
) -> Result<TemplateEffect> {
    let mut tx = b.db.read().await?;
    let template = find(&mut tx, scope, id).await?;
    may_make(scope)?;
    let policy = checked(policy)?;
    Effect::of(&mut tx, scope, &template, &policy).await?.told()
}

/// The effect on every follower.
pub(super) struct Effect {
    version: i64,
    differences: Vec<SettingDifference>,
    followers: Vec<(FollowerRow, FollowerEffect)>,
}

impl Effect {
    pub(super) async fn of(
        tx: &mut Tx,
        scope: &Scope,
        template: &PolicyTemplate,
        policy: &Policy,
    ) -> Result<Self> {
        let rows = fetch_all!(
            &mut *tx,
            FollowerRow,
            sqlx::AssertSqlSafe(format!(
                "SELECT {FOLLOWER} {} AND f.template_id = $3
                  ORDER BY c.name_folded, i.name_folded, i.id",
                seen_followers!()
            )),
            scope.all(),
            scope.grantee(),
            template.id
        )?;
        let mut formers: BTreeMap<i64, Policy> = BTreeMap::new();
        let mut followers = Vec::with_capacity(rows.len());
        for row in rows {
            let former = policy_reached(tx, template.id, row.version, &mut formers).await?;
            let own = own_paths(tx, row.integration_id).await?;
            let present: Policy = read_json("integration.policy", &row.policy)?;
            // What can't go together is left as it is by the job too.
            let (changes, kept) = match merge(&present, former, policy, &own) {
                Ok(merged) => (merged.changes, merged.kept),
                Err(_) => (Vec::new(), all_drift(policy, &present)),
            };
            let effect = FollowerEffect {
                integration_id: row.integration_id,
                integration_name: row.integration_name.clone(),
                customer_name: row.customer_name.clone(),
                changes,
                kept,
            };
            followers.push((row, effect));
        }
        Ok(Self {
            version: template.version,
            differences: all_drift(&template.policy, policy),
            followers,
        })
    }

    /// Names what was compared.
    pub(super) fn hash(&self) -> Result<String> {
        let effects: Vec<(IntegrationId, &str, &FollowerEffect)> = self
            .followers
            .iter()
            .map(|(row, effect)| (row.integration_id, row.policy.as_str(), effect))
            .collect();
        hash_of(&(self.version, &self.differences, effects))
    }

    pub(super) fn told(self) -> Result<TemplateEffect> {
        let hash = self.hash()?;
        let changing = || {
            let all = self.followers.iter();
            all.filter(|(_, effect)| !effect.changes.is_empty())
        };
        let customers: BTreeSet<_> = changing().map(|(row, _)| row.customer_id).collect();
        let number = |of: usize| i64::try_from(of).unwrap_or(i64::MAX);
        Ok(TemplateEffect {
            integrations: number(changing().count()),
            customers: number(customers.len()),
            people: changing().map(|(row, _)| row.people).sum(),
            differences: self.differences,
            followers: self
                .followers
                .into_iter()
                .map(|(_, effect)| effect)
                .filter(|effect| !effect.changes.is_empty() || !effect.kept.is_empty())
                .take(TOLD_MAX)
                .collect(),
            hash,
        })
    }
}
