//! The selected groups of an integration's policy.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::{ExternalId, IntegrationId},
    integration::{GroupHit, SelectedGroup},
    permission::Permission,
};

use super::find;
use crate::{Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional, insert_many};

/// The selected groups with what is known of them, by name; unknown ones last.
pub async fn selected_groups(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
) -> Result<Vec<SelectedGroup>> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    let mut groups = fetch_all!(
        &mut tx,
        SelectedGroup,
        // What a sync read is newer than what the typeahead knew.
        "SELECT g.external_id, COALESCE(s.display_name, g.display_name) AS display_name,
                COALESCE(s.group_kind, g.kind) AS kind, g.member_count
           FROM integration_group g
           LEFT JOIN source_object s ON s.integration_id = g.integration_id
                AND s.object_type = 'group' AND s.external_id = g.external_id
          WHERE g.integration_id = $1",
        id
    )?;
    groups.sort_by_cached_key(|group| {
        let folded = group.display_name.as_deref().map(planner::fold);
        (folded.is_none(), folded, group.external_id)
    });
    Ok(groups)
}

/// The names of a few groups of an integration's tenant, as far as they are known: as a sync read
/// them, else as the typeahead knew them.
pub(crate) async fn group_names(
    tx: &mut Tx,
    id: IntegrationId,
    groups: &[ExternalId],
) -> Result<BTreeMap<ExternalId, String>> {
    let mut names = BTreeMap::new();
    for group in groups {
        let found = fetch_optional!(
            &mut *tx,
            (Option<String>,),
            "SELECT COALESCE(
                (SELECT display_name FROM source_object WHERE integration_id = $1
                    AND object_type = 'group' AND external_id = $2),
                (SELECT display_name FROM integration_group WHERE integration_id = $1
                    AND external_id = $2))",
            id,
            *group
        )?;
        if let Some((Some(name),)) = found {
            names.insert(*group, name);
        }
    }
    Ok(names)
}

/// Names of groups that a sync read and keeps in scope, by name: at most 500.
pub async fn synced_groups(b: &Backend, scope: &Scope, id: IntegrationId) -> Result<Vec<String>> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    let integration = find(&mut tx, scope, id).await?;
    let names = fetch_all!(
        &mut tx,
        (String,),
        "SELECT display_name FROM source_object
          WHERE integration_id = $1 AND object_type = 'group' AND presence = 'present'
            AND (in_scope OR $2) ORDER BY name_folded, external_id LIMIT 500",
        id,
        integration.policy.selected_group_ids.is_empty()
    )?;
    Ok(names.into_iter().map(|(name,)| name).collect())
}

/// The group that somebody calls so: by its object id, or by its name where one alone is called so.
pub async fn group_called(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    called: &str,
) -> Result<ExternalId> {
    scope.require(Permission::IntegrationsRead)?;
    if let Ok(group) = called.trim().parse() {
        return Ok(ExternalId(group));
    }
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    let found = fetch_all!(
        &mut tx,
        (ExternalId,),
        "SELECT external_id FROM source_object
          WHERE integration_id = $1 AND object_type = 'group' AND presence = 'present'
            AND name_folded = $2 ORDER BY external_id LIMIT 2",
        id,
        planner::key(called)
    )?;
    let refused = |message: String| Err(Error::invalid("policy.administrators_group_id", message));
    match found.as_slice() {
        [(group,)] => Ok(*group),
        [] => refused(format!(
            "No synced group is called “{}”. Enter its object id, or sync it first.",
            called.trim()
        )),
        _ => refused(format!(
            "Several groups are called “{}”. Enter the object id of the right one.",
            called.trim()
        )),
    }
}

/// What [`group_called`] finds a group by: its name, where that leaves no doubt, else its id; nothing
/// for none.
pub async fn call_group(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    group: Option<ExternalId>,
) -> Result<String> {
    let Some(group) = group else {
        return Ok(String::new());
    };
    let mut tx = b.db.read().await?;
    let name = group_names(&mut tx, id, &[group]).await?.remove(&group);
    drop(tx);
    let Some(name) = name else {
        return Ok(group.to_string());
    };
    match group_called(b, scope, id, &name).await {
        Ok(found) if found == group => Ok(name),
        Ok(_) | Err(Error::Invalid(_)) => Ok(group.to_string()),
        Err(error) => Err(error),
    }
}

/// Keeps names, kinds and counts of those of `hits` that are selected.
pub async fn remember_groups(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    hits: &[GroupHit],
) -> Result<()> {
    let mut tx = b.db.write().await?;
    let integration = find(&mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let selected: BTreeSet<_> = integration.policy.selected_group_ids.into_iter().collect();
    for hit in hits.iter().filter(|hit| selected.contains(&hit.id)) {
        execute!(
            &mut tx,
            "UPDATE integration_group SET display_name = $1, kind = $2,
               member_count = COALESCE($3, member_count)
             WHERE integration_id = $4 AND external_id = $5",
            planner::fold::outside(hit.display_name.clone()),
            hit.kind,
            hit.member_count,
            id,
            hit.id
        )?;
    }
    tx.commit().await
}

/// Makes `wanted` the selected groups. What is known of those that stay is kept.
pub(super) async fn set(tx: &mut Tx, id: IntegrationId, wanted: &[ExternalId]) -> Result<()> {
    let known = fetch_all!(
        &mut *tx,
        (ExternalId,),
        "SELECT external_id FROM integration_group WHERE integration_id = $1",
        id
    )?;
    let known: BTreeSet<_> = known.into_iter().map(|(group,)| group).collect();
    let wanted: BTreeSet<_> = wanted.iter().copied().collect();
    for gone in known.difference(&wanted) {
        execute!(
            &mut *tx,
            "DELETE FROM integration_group WHERE integration_id = $1 AND external_id = $2",
            id,
            *gone
        )?;
    }
    let new: Vec<_> = wanted.difference(&known).copied().collect();
    insert_many!(
        tx,
        "INSERT INTO integration_group (integration_id, external_id)",
        columns: 2, rows_max: 1000, new,
        |bind, row| { bind.push_bind(id).push_bind(*row); },
        ""
    )?;
    Ok(())
}
