//! User names that somebody else here signs in with: somebody from no source, or by an alias. Who is
//! new is asked about in Matching; whom the directory has from the integration stays as they are until
//! one of the two names is changed ([`planner::derive`]). So does whom a rule gives the name of another
//! of the integration (`super::names_by_rule`), new or not.

use std::collections::HashMap;

use domain::{id::ExternalId, policy::ObjectType, run::Reason};
use planner::user_names::are_made;
use uuid::Uuid;

use super::{
    names_by_rule::NamesByRule,
    planning::Change,
    record::Work,
    rows::{IDS_MAX, fetch_built, push_ids},
    walk::{Walk, Which},
};
use crate::{Result, Tx, fetch_all, fetch_scalar};

/// Whether an active user of an older integration of the customer has the user name. Ids sort by
/// age.
pub(super) const TAKEN: &str = "EXISTS (
    SELECT 1 FROM directory_user o
     WHERE o.customer_id = $4 AND o.user_name_folded = source_object.user_name_folded
       AND o.status = 'active' AND o.integration_id < $1)";

/// Whether it is so of a user `d` of the directory, made from `source_object`; `$4` is the customer.
pub(super) const CONDITION: &str = "(d.id IS NOT NULL AND (EXISTS (
    SELECT 1 FROM directory_user h
     WHERE h.customer_id = $4 AND h.user_name_folded = source_object.user_name_folded
       AND h.status = 'active' AND h.integration_id IS NULL)
   OR EXISTS (
    SELECT 1 FROM directory_user_alias a JOIN directory_user h ON h.id = a.user_id
     WHERE a.customer_id = $4 AND a.address_folded = source_object.user_name_folded
       AND h.status = 'active' AND h.id <> d.id)))";

/// Whether the customer has an older integration, whose user names come first.
pub(super) async fn has_older(work: &Work<'_>) -> Result<bool> {
    let mut tx = work.b().db.read().await?;
    let older = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM integration WHERE customer_id = $1 AND id < $2",
        work.integration.customer_id,
        work.integration.id
    )?;
    Ok(older > 0)
}

/// Whether anybody of the customer may sign in with a name that no source gave out.
pub(super) async fn may_be(work: &Work<'_>) -> Result<bool> {
    let mut tx = work.b().db.read().await?;
    fetch_scalar!(
        &mut tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM directory_user
                         WHERE customer_id = $1 AND integration_id IS NULL)
             OR EXISTS (SELECT 1 FROM directory_user_alias WHERE customer_id = $1)",
        work.integration.customer_id
    )
}

/// Those who wait for a name that nobody signs in with any more.
pub(super) async fn waiting(tx: &mut Tx, work: &Work<'_>) -> Result<Vec<(ExternalId,)>> {
    fetch_all!(
        tx,
        (ExternalId,),
        sqlx::AssertSqlSafe(format!(
            "SELECT source_object.external_id FROM source_object
               LEFT JOIN directory_user d
                 ON d.integration_id = source_object.integration_id
                AND d.external_id = source_object.external_id
              WHERE source_object.integration_id = $1
                AND source_object.object_type = 'user'
                AND source_object.pending = 'name_held'
                AND $2 = $2 AND $3 = $3 AND NOT {CONDITION}"
        )),
        work.integration.id,
        0_i64,
        0_i64,
        work.integration.customer_id
    )
}

/// Whether one of them can have it now: then a run that finds nothing else has something to look at.
pub(super) async fn moved_on(work: &Work<'_>, waiting: &[(ExternalId,)]) -> Result<bool> {
    if waiting.is_empty() || !are_made(&work.policy.mapping) {
        return Ok(!waiting.is_empty());
    }
    let walk = Walk::new(work, ObjectType::User, Which::Changed).await?;
    Ok(waiting.iter().any(|(id,)| !walk.names.refuses(*id)))
}

/// Puts to each whose name is held who holds it.
pub(super) async fn fill(
    work: &Work<'_>,
    by_rule: &NamesByRule,
    changes: &mut [Change],
) -> Result<()> {
    let is_held = |change: &Change| change.reason == Some(Reason::UserNameHeld);
    let held = changes.iter().filter(|change| is_held(change));
    let ids: Vec<Uuid> = held.map(|change| change.external_id.0).collect();
    let mut holders: HashMap<ExternalId, (String, String)> = HashMap::new();
    for ids in ids.chunks(IDS_MAX) {
        for (id, name, holder) in holding(work, ids).await? {
            holders.entry(id).or_insert((name, holder));
        }
    }
    for change in changes.iter_mut().filter(|change| is_held(change)) {
        if let Some((name, holder)) = holders.remove(&change.external_id) {
            change.error = Some(format!(
                "“{holder}” signs in with {name} here, and two can’t. Change the name of one of the two."
            ));
        } else {
            change.error = by_rule.error(change.external_id);
        }
    }
    Ok(())
}

/// By name and by alias apart: each has its index.
async fn holding(work: &Work<'_>, ids: &[Uuid]) -> Result<Vec<(ExternalId, String, String)>> {
    const BY_NAME: &str = "h.customer_id = i.customer_id AND h.integration_id IS NULL
        AND h.user_name_folded = s.user_name_folded";
    const BY_ALIAS: &str = "h.id IN (SELECT a.user_id FROM directory_user_alias a
        WHERE a.customer_id = i.customer_id AND a.address_folded = s.user_name_folded)
        AND (h.external_id IS NULL OR h.external_id <> s.external_id)";
    let mut tx = work.b().db.read().await?;
    let mut found = Vec::new();
    for by in [BY_NAME, BY_ALIAS] {
        let rows = fetch_built!(&mut tx, (ExternalId, String, String), |query| {
            query.push("SELECT s.external_id, s.user_principal_name, h.display_name ");
            query.push("FROM source_object s JOIN integration i ON i.id = s.integration_id ");
            query.push("JOIN directory_user h ON h.status = 'active' AND ");
            query.push(by);
            query.push(" WHERE s.object_type = 'user' AND s.integration_id = ");
            query.push_bind(work.integration.id);
            query.push(" AND s.external_id");
            push_ids!(query, ids);
            query.push(" ORDER BY h.id");
        })?;
        found.extend(rows);
    }
    Ok(found)
}
