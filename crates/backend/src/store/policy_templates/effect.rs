//! What changing a template's policy would do to its followers, before it is saved.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::{IntegrationId, PolicyTemplateId},
    policy::Policy,
    settings::{
        SettingDifference,
        template::{
            FollowerEffect, PolicyTemplate, TemplateEffect, TouchedPeople, all_drift, merge,
        },
    },
};

use super::{
    FOLLOWER, FollowerRow, change::checked, drift::own_paths, find, may_make, policy_reached,
    seen_followers,
};
use crate::{
    Backend, Result, Scope, Tx, fetch_all, in_scope,
    store::{hash_of, read_json},
    sync::touched,
};

/// Followers whose effect is told one by one; the numbers are of all.
const TOLD_MAX: usize = 200;

/// Active users of changed followers whom one answer looks at, at most.
const COUNTED_MAX: i64 = 20_000;

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
    let effect = Effect::of(&mut tx, scope, &template, &policy).await?;
    drop(tx);
    effect.told(b).await
}

/// How many people of one follower a change of the template's policy would touch, however many it has;
/// none where its source has to be read first, or where it changes nothing there.
pub async fn touched_of(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    policy: Policy,
    follower: IntegrationId,
) -> Result<Option<i64>> {
    let mut tx = b.db.read().await?;
    let template = find(&mut tx, scope, id).await?;
    may_make(scope)?;
    let policy = checked(policy)?;
    let effect = Effect::of(&mut tx, scope, &template, &policy).await?;
    drop(tx);
    let mut changed = effect.followers.into_iter();
    let found = changed.find(|one| one.row.integration_id == follower);
    match found.and_then(|one| one.becomes) {
        Some(policy) => touched::people(b, follower, &policy).await,
        None => Ok(None),
    }
}

/// The effect on every follower.
pub(super) struct Effect {
    version: i64,
    differences: Vec<SettingDifference>,
    followers: Vec<OnFollower>,
}

/// The effect on one.
struct OnFollower {
    row: FollowerRow,
    effect: FollowerEffect,
    /// The policy that it would have, where that is another.
    becomes: Option<Policy>,
}

impl OnFollower {
    /// Counts whom it touches, as long as there are `left` people to look at in all.
    async fn count(&mut self, b: &Backend, left: &mut i64) -> Result<()> {
        let Some(policy) = &self.becomes else {
            return Ok(());
        };
        if self.row.people > *left {
            return Ok(());
        }
        *left -= self.row.people;
        let people = touched::people(b, self.row.integration_id, policy).await?;
        self.effect.people = people;
        self.effect.touched = match people {
            Some(_) => TouchedPeople::Counted,
            None => TouchedPeople::NeedsRead,
        };
        Ok(())
    }
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
            let (changes, kept, becomes) = match merge(&present, former, policy, &own) {
                Ok(merged) => (merged.changes, merged.kept, Some(merged.policy)),
                Err(_) => (Vec::new(), all_drift(policy, &present), None),
            };
            let becomes = becomes.filter(|_| !changes.is_empty());
            let effect = FollowerEffect {
                integration_id: row.integration_id,
                integration_name: row.integration_name.clone(),
                customer_name: row.customer_name.clone(),
                touched: match becomes {
                    Some(_) => TouchedPeople::Uncounted,
                    None => TouchedPeople::Counted,
                },
                people: becomes.is_none().then_some(0),
                changes,
                kept,
            };
            followers.push(OnFollower {
                row,
                effect,
                becomes,
            });
        }
        Ok(Self {
            version: template.version,
            differences: all_drift(&template.policy, policy),
            followers,
        })
    }

    /// Names what was compared; whom it touches is no part of that, and may be another by the minute.
    pub(super) fn hash(&self) -> Result<String> {
        let effects: Vec<_> = self
            .followers
            .iter()
            .map(|OnFollower { row, effect, .. }| {
                let policy = row.policy.as_str();
                (row.integration_id, policy, &effect.changes, &effect.kept)
            })
            .collect();
        hash_of(&(self.version, &self.differences, effects))
    }

    /// Counts the people whom it touches, and tells all of it.
    pub(super) async fn told(mut self, b: &Backend) -> Result<TemplateEffect> {
        let hash = self.hash()?;
        let mut left = COUNTED_MAX;
        for one in &mut self.followers {
            one.count(b, &mut left).await?;
        }
        let changing: Vec<&OnFollower> = self
            .followers
            .iter()
            .filter(|one| !one.effect.changes.is_empty())
            .collect();
        let customers: BTreeSet<_> = changing.iter().map(|one| one.row.customer_id).collect();
        let number = |of: usize| i64::try_from(of).unwrap_or(i64::MAX);
        let that_are = |touched: TouchedPeople| {
            let all = changing.iter();
            number(all.filter(|one| one.effect.touched == touched).count())
        };
        Ok(TemplateEffect {
            integrations: number(changing.len()),
            customers: number(customers.len()),
            people: changing.iter().filter_map(|one| one.effect.people).sum(),
            need_a_read: that_are(TouchedPeople::NeedsRead),
            uncounted: that_are(TouchedPeople::Uncounted),
            differences: self.differences,
            followers: self
                .followers
                .into_iter()
                .map(|one| one.effect)
                .filter(|effect| !effect.changes.is_empty() || !effect.kept.is_empty())
                .take(TOLD_MAX)
                .collect(),
            hash,
        })
    }
}
