//! Adding and changing integrations.

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{CredentialProfileId, CustomerId, IntegrationId},
    integration::{Integration, IntegrationChange, IntegrationState, NewIntegration},
    permission::Permission,
    policy::Policy,
    settings::{
        IntegrationSettings,
        version::{VersionCause, VersionSource},
    },
    tenant::Tenant,
};

use super::{
    connect::{Wish, may_connect, may_use, refuse_twice},
    entry, find, groups, told,
};
use crate::{
    Backend, Result, Scope, Tx, execute, fetch_one, notify,
    store::{
        audit::{self, Entry},
        consent_links, customers, integration_versions, protected_rules, write_json,
    },
    sync, timetable,
    timetable::Timetable,
};

/// Adds an integration. Nothing runs by itself before its first full run (sync.md rule 12).
pub async fn create(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    new: NewIntegration,
) -> Result<Integration> {
    let mut tx = b.db.write().await?;
    let owner = customers::find_in_use(&mut tx, scope, customer).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let now = b.clock.now();
    let tenant = Tenant::parse(&new.tenant)?;
    timetable::check(&new.schedule, now)?;
    let policy = crate::mapping::checked(new.policy)?;
    let wish = Wish {
        customer,
        cloud: &new.cloud,
        tenant: &tenant,
        profile: new.credential_profile_id,
    };
    let proven = may_connect(b, &mut tx, scope, &wish).await?.proven;
    refuse_twice(&mut tx, &wish).await?;
    let integration = Integration {
        id: IntegrationId(b.ids.uuid()),
        customer_id: customer,
        kind: new.kind,
        name: tenant.as_str().to_owned(),
        tenant: tenant.as_str().to_owned(),
        tenant_id: proven,
        cloud: new.cloud,
        credential_profile_id: new.credential_profile_id,
        enabled: new.enabled,
        full_scan_next: true,
        schedule: new.schedule,
        policy,
        state: if new.enabled {
            IntegrationState::NotStarted
        } else {
            IntegrationState::Disabled
        },
        time_zone: owner.time_zone,
        pause: None,
        failures: 0,
        last_sync_started_at: None,
        last_sync_status: None,
        next_run_at: None,
    };
    insert(&mut tx, &integration, scope, now).await?;
    groups::set(
        &mut tx,
        integration.id,
        &integration.policy.selected_group_ids,
    )
    .await?;
    let created = VersionSource::of(VersionCause::Created);
    integration_versions::keep(b, &mut tx, scope, &integration, &created).await?;
    let changes = told(AuditChanges::created(&integration));
    let entry = entry(AuditAction::IntegrationCreate, &integration).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    // It may stand still with its customer or with all.
    let integration = find(&mut tx, scope, integration.id).await?;
    tx.commit().await?;
    Ok(integration)
}

async fn insert(tx: &mut Tx, new: &Integration, scope: &Scope, now: DateTime) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO integration
           (id, customer_id, kind, name, name_folded, tenant, cloud, credential_profile_id,
            enabled, full_scan_next, first_full_done, schedule, policy, state, failures,
            last_sync_detail, tenant_vouched_by, created_at, tenant_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, FALSE, $11, $12, $13, 0, '', $14, $15,
            $16)",
        new.id,
        new.customer_id,
        new.kind,
        &new.name,
        planner::key(&new.name),
        &new.tenant,
        &new.cloud,
        new.credential_profile_id,
        new.enabled,
        new.full_scan_next,
        write_json(&new.schedule)?,
        policy_column(&new.policy)?,
        new.state,
        scope.sees_all().then(|| scope.actor_name().to_owned()),
        now,
        new.tenant_id
    )?;
    Ok(())
}

/// The policy without the selected groups, which have a table of their own.
fn policy_column(policy: &Policy) -> Result<String> {
    write_json(&Policy {
        selected_group_ids: Vec::new(),
        ..policy.clone()
    })
}

/// A policy that was saved, to be written down.
#[derive(Debug)]
pub(crate) struct SavedPolicy {
    before: Integration,
    after: Integration,
}

impl SavedPolicy {
    /// What the audit log says of it.
    pub(crate) fn entry(&self) -> Entry<'_> {
        updated(&self.before, &self.after)
    }
}

/// That settings of an integration were changed.
fn updated<'a>(before: &Integration, after: &'a Integration) -> Entry<'a> {
    let changes = told(AuditChanges::between(before, after));
    entry(AuditAction::IntegrationUpdate, after).changes(changes)
}

/// Saves the policy that a preview was made for, whose plan is applied next. It is written down by
/// the caller, who does more in the same transaction.
pub(crate) async fn save_policy(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: IntegrationId,
    policy: &Policy,
) -> Result<SavedPolicy> {
    tx.hold("integration", id.0).await?;
    let before = find(tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    execute!(
        &mut *tx,
        "UPDATE integration SET policy = $1 WHERE id = $2",
        policy_column(policy)?,
        id
    )?;
    groups::set(tx, id, &policy.selected_group_ids).await?;
    let after = Integration {
        policy: policy.clone(),
        ..before.clone()
    };
    let applied = VersionSource::of(VersionCause::PreviewApplied);
    integration_versions::keep(b, tx, scope, &after, &applied).await?;
    Ok(SavedPolicy { before, after })
}

/// Changes an integration's settings. Switching it off cancels its open run; a policy that reads
/// differently makes the next run a full one.
pub async fn change(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    change: IntegrationChange,
) -> Result<Integration> {
    let mut tx = b.db.write().await?;
    let saved = VersionSource::of(VersionCause::Saved);
    let changed = change_in(b, &mut tx, scope, id, change, &saved).await?;
    if changed.is_nothing() {
        return Ok(changed.before);
    }
    tx.commit().await?;
    changed.follow_up(b).await;
    Ok(changed.after)
}

/// An integration before and after a change.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) before: Integration,
    pub(crate) after: Integration,
}

impl Changed {
    fn is_nothing(&self) -> bool {
        told(AuditChanges::between(&self.before, &self.after)).is_empty()
    }

    /// What follows once the change is committed.
    pub(crate) async fn follow_up(&self, b: &Backend) {
        if self.after.policy.protected != self.before.policy.protected {
            protected_rules::refresh(b, self.after.id).await;
        }
    }
}

/// Holds an integration until the transaction ends, so that nobody else changes its settings, and a
/// batch of its run knows other rules whole or not at all.
pub(crate) async fn hold(tx: &mut Tx, id: IntegrationId) -> Result<()> {
    sync::hold_open(tx, Some(id)).await?;
    tx.hold("integration", id.0).await
}

/// The same in the caller's transaction, which goes on; `source` says why. What differs is kept as a
/// version and written down. Nothing is where nothing differs.
pub(crate) async fn change_in(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: IntegrationId,
    change: IntegrationChange,
    source: &VersionSource,
) -> Result<Changed> {
    if let Some(policy) = &change.policy
        && policy.protected != find(tx, scope, id).await?.policy.protected
    {
        // A batch knows the new rules or is done before they are saved.
        sync::hold_open(tx, Some(id)).await?;
    }
    tx.hold("integration", id.0).await?;
    let mut integration = find(tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let before = integration.clone();
    if let Some(profile) = change.credential_profile_id
        && profile != before.credential_profile_id
    {
        let proved = is_proven(tx, &before, profile).await?;
        may_use(tx, scope, before.customer_id, profile, proved).await?;
        integration.credential_profile_id = profile;
    }
    if let Some(schedule) = change.schedule {
        timetable::check(&schedule, b.clock.now())?;
        integration.schedule = schedule;
    }
    if let Some(full) = change.full_scan_next {
        integration.full_scan_next = full;
    }
    if let Some(policy) = change.policy {
        integration.policy = crate::mapping::checked(policy)?;
        if integration.policy.reads_differently_from(&before.policy) {
            integration.full_scan_next = true;
        }
        groups::set(tx, id, &integration.policy.selected_group_ids).await?;
    }
    integration.enabled = change.enabled.unwrap_or(before.enabled);
    let standing = standing(b, tx, scope, &before, &integration).await?;
    let changed = Changed {
        before,
        after: integration,
    };
    if changed.is_nothing() {
        return Ok(changed);
    }
    save(tx, &changed.after, &standing).await?;
    let Changed { before, after } = &changed;
    if IntegrationSettings::of(before) != IntegrationSettings::of(after) {
        integration_versions::keep(b, tx, scope, after, source).await?;
    }
    let note = match source.cause {
        VersionCause::Saved => String::new(),
        _ => source.to_string(),
    };
    audit::record(b, tx, scope, updated(before, after).note(&note)).await?;
    let after = find(tx, scope, id).await?;
    Ok(Changed { after, ..changed })
}

async fn save(tx: &mut Tx, integration: &Integration, standing: &Standing) -> Result<()> {
    execute!(
        tx,
        "UPDATE integration SET credential_profile_id = $1, enabled = $2, full_scan_next = $3,
           schedule = $4, policy = $5, state = COALESCE($6, state),
           next_run_at = CASE WHEN $7 THEN $8 ELSE next_run_at END WHERE id = $9",
        integration.credential_profile_id,
        integration.enabled,
        integration.full_scan_next,
        write_json(&integration.schedule)?,
        policy_column(&integration.policy)?,
        standing.state,
        standing.timing_changed,
        standing.next_run_at,
        integration.id
    )?;
    Ok(())
}

/// Whether a consent link proved the integration's own tenant for this profile.
async fn is_proven(
    tx: &mut Tx,
    integration: &Integration,
    profile: CredentialProfileId,
) -> Result<bool> {
    let Some(tenant) = integration.tenant_id else {
        return Ok(false);
    };
    let (customer, cloud, named) = (
        integration.customer_id,
        &integration.cloud,
        tenant.to_string(),
    );
    let proven = consent_links::proven_tenant(tx, customer, cloud, &named, profile).await?;
    Ok(proven == Some(tenant))
}

/// What a change means for how the row stands.
#[derive(Default)]
struct Standing {
    /// Another state; none where it stays.
    state: Option<IntegrationState>,
    /// Whether it runs next at another time, or not any more.
    timing_changed: bool,
    /// When it runs next by itself.
    next_run_at: Option<DateTime>,
}

/// What follows from being switched on or off, or from another schedule.
async fn standing(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    before: &Integration,
    after: &Integration,
) -> Result<Standing> {
    if before.enabled != after.enabled {
        notify::causes::left_quarantine(tx, before.id).await?;
    }
    if before.enabled && !after.enabled {
        sync::cancel_open(b, tx, before.id, scope.actor_name()).await?;
        return Ok(Standing {
            state: Some(IntegrationState::Disabled),
            timing_changed: true,
            next_run_at: None,
        });
    }
    let switched_on = after.enabled && !before.enabled;
    if !switched_on && after.schedule == before.schedule {
        return Ok(Standing::default());
    }
    let (first_full_done, stored) = fetch_one!(
        tx,
        (bool, IntegrationState),
        "SELECT first_full_done, state FROM integration WHERE id = $1",
        before.id
    )?;
    let state = match (switched_on, first_full_done, before.failures) {
        (false, ..) => stored,
        (true, false, _) => IntegrationState::NotStarted,
        (true, true, 0) => IntegrationState::Ok,
        (true, true, _) => IntegrationState::Failing,
    };
    let runs_by_itself =
        matches!(state, IntegrationState::Ok | IntegrationState::Failing) && first_full_done;
    let timetable = Timetable::new(after.id, after.schedule.clone(), &after.time_zone);
    Ok(Standing {
        state: Some(state),
        timing_changed: true,
        next_run_at: timetable.next(b.clock.now()).filter(|_| runs_by_itself),
    })
}
