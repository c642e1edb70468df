//! Drift: in what an integration deviates from its template; accepted as its own, or put back.

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::IntegrationId,
    integration::{Integration, IntegrationChange},
    permission::Permission,
    settings::{
        template::{self, Drift, DriftDecision, OwnSetting},
        tree,
        version::VersionSource,
        words,
    },
    text::parse_note,
};
use sqlx::FromRow;

use super::{
    find,
    following::{followed, must_follow},
    policy_of,
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all,
    store::{audit, hash_of, integrations, still},
};

#[derive(FromRow)]
struct OwnRow {
    path: String,
    accepted_by: String,
    accepted_at: DateTime,
    note: String,
}

async fn own_rows(tx: &mut Tx, id: IntegrationId) -> Result<Vec<OwnRow>> {
    fetch_all!(
        tx,
        OwnRow,
        "SELECT path, accepted_by, accepted_at, note FROM integration_own_setting
          WHERE integration_id = $1 ORDER BY path",
        id
    )
}

/// The places of what is an integration's own.
pub(super) async fn own_paths(tx: &mut Tx, id: IntegrationId) -> Result<Vec<String>> {
    let rows = own_rows(tx, id).await?;
    Ok(rows.into_iter().map(|row| row.path).collect())
}

/// How an integration stands to its template; none where it follows none.
pub async fn drift(b: &Backend, scope: &Scope, id: IntegrationId) -> Result<Option<Drift>> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    integrations::find(&mut tx, scope, id).await?;
    match followed(&mut tx, id).await? {
        Some(_) => load(&mut tx, scope, id).await.map(Some),
        None => Ok(None),
    }
}

/// The same in a transaction, of an integration that follows one.
pub(super) async fn load(tx: &mut Tx, scope: &Scope, id: IntegrationId) -> Result<Drift> {
    let integration = integrations::find(tx, scope, id).await?;
    let (template_id, version) = must_follow(tx, id).await?;
    let found = find(tx, scope, template_id).await?;
    let reached = policy_of(tx, template_id, version).await?;
    let rows = own_rows(tx, id).await?;
    let own: Vec<_> = rows.iter().map(|row| row.path.clone()).collect();
    let differences = template::drift(&reached, &integration.policy, &own);
    let all = template::all_drift(&reached, &integration.policy);
    let hash = hash_of(&(template_id, version, &all, &own))?;
    let own = rows.into_iter().map(|row| OwnSetting {
        name: words::name_of(&row.path),
        difference: all
            .iter()
            .find(|one| tree::is_within(&one.path, &row.path))
            .cloned(),
        path: row.path,
        by: row.accepted_by,
        at: row.accepted_at,
        note: row.note,
    });
    Ok(Drift {
        policy_template_id: template_id,
        name: found.name,
        version,
        newest: found.version,
        differences,
        own: own.collect(),
        hash,
    })
}

/// What somebody decides about: the integration, how it stands, and the places that are meant.
struct Deciding {
    integration: Integration,
    drift: Drift,
    paths: Vec<String>,
}

async fn begin(
    tx: &mut Tx,
    scope: &Scope,
    id: IntegrationId,
    decision: &DriftDecision,
    own_too: bool,
) -> Result<Deciding> {
    integrations::hold(tx, id).await?;
    let integration = integrations::find(tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let drift = load(tx, scope, id).await?;
    still(decision.hash.as_deref(), &drift.hash)?;
    let drifting = drift.differences.iter().map(|one| &one.path);
    let own = drift.own.iter().map(|one| &one.path).filter(|_| own_too);
    let known: Vec<String> = drifting.clone().chain(own).cloned().collect();
    let paths: Vec<String> = if decision.paths.is_empty() {
        drifting.cloned().collect()
    } else {
        decision.paths.clone()
    };
    if let Some(other) = paths.iter().find(|path| !known.contains(path)) {
        let message = format!("The integration doesn’t deviate from its template in {other}.");
        return Err(Error::invalid("paths", message));
    }
    if paths.is_empty() {
        return Err(Error::conflict(
            "The integration doesn’t deviate from its template.",
        ));
    }
    Ok(Deciding {
        integration,
        drift,
        paths,
    })
}

/// Accepts settings in which an integration deviates: from now on they are its own, and the template
/// doesn't change them.
pub async fn accept(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    decision: &DriftDecision,
) -> Result<Drift> {
    let mut tx = b.db.write().await?;
    let deciding = begin(&mut tx, scope, id, decision, false).await?;
    let note = parse_note("note", &decision.note)?;
    for path in &deciding.paths {
        execute!(
            &mut tx,
            "INSERT INTO integration_own_setting (integration_id, path, accepted_by, accepted_at,
                note)
             VALUES ($1, $2, $3, $4, $5)",
            id,
            path,
            scope.actor_name(),
            b.clock.now(),
            note
        )?;
    }
    let action = AuditAction::IntegrationAcceptDrift;
    let entry = integrations::entry(action, &deciding.integration)
        .note(note)
        .changes(AuditChanges::none().now("own_settings", &deciding.paths));
    audit::record(b, &mut tx, scope, entry).await?;
    let after = load(&mut tx, scope, id).await?;
    tx.commit().await?;
    Ok(after)
}

/// Puts settings back to the template's. What was its own is so no more.
pub async fn put_back(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    decision: &DriftDecision,
) -> Result<Drift> {
    let mut tx = b.db.write().await?;
    let deciding = begin(&mut tx, scope, id, decision, true).await?;
    let Deciding {
        integration,
        drift,
        paths,
    } = deciding;
    let reached = policy_of(&mut tx, drift.policy_template_id, drift.version).await?;
    let back: Vec<String> = template::all_drift(&reached, &integration.policy)
        .into_iter()
        .map(|one| one.path)
        .filter(|path| paths.iter().any(|wanted| tree::is_within(path, wanted)))
        .collect();
    let policy = template::put_back(&reached, &integration.policy, &back)?;
    let mut no_more_own = Vec::new();
    for own in drift.own.iter().filter(|own| paths.contains(&own.path)) {
        execute!(
            &mut tx,
            "DELETE FROM integration_own_setting WHERE integration_id = $1 AND path = $2",
            id,
            &own.path
        )?;
        no_more_own.push(own.path.clone());
    }
    let change = IntegrationChange {
        policy: Some(policy),
        ..IntegrationChange::default()
    };
    let source = VersionSource::template(drift.name, drift.version);
    let changed = integrations::change_in(b, &mut tx, scope, id, change, &source).await?;
    if !no_more_own.is_empty() {
        let entry = integrations::entry(AuditAction::IntegrationUpdate, &integration)
            .changes(AuditChanges::none().was("own_settings", &no_more_own));
        audit::record(b, &mut tx, scope, entry).await?;
    }
    let after = load(&mut tx, scope, id).await?;
    tx.commit().await?;
    changed.follow_up(b).await;
    Ok(after)
}
