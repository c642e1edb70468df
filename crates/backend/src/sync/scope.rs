//! Who is in scope where groups are selected: `source_object.in_scope` follows the selected groups,
//! where nested ones count the groups in them, and the users, contacts and devices that those of them
//! have that are there (sync.md rule 11).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::{id::ExternalId, policy::ObjectType};
use uuid::Uuid;

use super::{
    members,
    merging::FIRST,
    record::Work,
    rows::{IDS_MAX, push_ids, run_built},
    stop::Stop,
};
use crate::{Result, fetch_all, fetch_scalar};

/// Objects looked at together.
const BATCH: i64 = 5_000;

/// Brings the column in step with what was merged.
pub(super) async fn refresh(work: &mut Work<'_>) -> Result<(), Stop> {
    if !work.is_selected() || !may_have_moved(work).await? {
        return Ok(());
    }
    let scope = InScope::of(work).await?;
    for object_type in work.types.clone() {
        settle(work, object_type, scope.of_type(object_type)).await?;
    }
    Ok(())
}

/// Brings the column of one type in step. `scope` is sorted.
async fn settle(
    work: &mut Work<'_>,
    object_type: ObjectType,
    scope: &[ExternalId],
) -> Result<(), Stop> {
    let mut after = FIRST;
    loop {
        let mut tx = work.bulk().await?;
        let objects = fetch_all!(
            &mut tx,
            (ExternalId, bool),
            "SELECT external_id, in_scope FROM source_object
              WHERE integration_id = $1 AND object_type = $2 AND external_id > $3
              ORDER BY external_id LIMIT $4",
            work.integration.id,
            object_type,
            after,
            BATCH
        )?;
        let Some((last, _)) = objects.last() else {
            return Ok(());
        };
        after = *last;
        for in_scope in [false, true] {
            let moved: Vec<Uuid> = objects
                .iter()
                .filter(|(id, was)| *was != in_scope && scope.binary_search(id).is_ok() == in_scope)
                .map(|(id, _)| id.0)
                .collect();
            for ids in moved.chunks(IDS_MAX) {
                run_built!(&mut tx, |query| {
                    query
                        .push("UPDATE source_object SET in_scope = ")
                        .push_bind(in_scope);
                    query
                        .push(" WHERE integration_id = ")
                        .push_bind(work.integration.id);
                    query.push(" AND object_type = ").push_bind(object_type);
                    query.push(" AND external_id");
                    push_ids!(query, ids);
                })?;
            }
        }
        tx.commit().await?;
        work.checkpoint().await?;
    }
}

/// Whether the round said anything of groups or their members. Asked of staging, so that merging
/// which is done again still knows.
async fn may_have_moved(work: &Work<'_>) -> Result<bool> {
    if work.run.full_read {
        return Ok(true);
    }
    let mut tx = work.b().db.read().await?;
    fetch_scalar!(
        &mut tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM run_staging_member WHERE run_id = $1)
             OR EXISTS (SELECT 1 FROM run_staging WHERE run_id = $1 AND object_type = 'group')",
        work.run.id
    )
}

/// What the scope holds, sorted.
struct InScope(BTreeMap<ObjectType, Vec<ExternalId>>);

impl InScope {
    /// Follows the groups a level after the other, each once, so that a cycle ends. A group that
    /// isn't there is in scope where it is selected, and holds nobody.
    async fn of(work: &Work<'_>) -> Result<Self> {
        let mut tx = work.b().db.read().await?;
        let there = fetch_all!(
            &mut tx,
            (Uuid,),
            "SELECT external_id FROM source_object
              WHERE integration_id = $1 AND object_type = 'group' AND presence = 'present'",
            work.integration.id
        )?;
        let there: HashSet<Uuid> = there.into_iter().map(|(id,)| id).collect();
        let mut groups: BTreeSet<ExternalId> =
            work.policy.selected_group_ids.iter().copied().collect();
        let mut members: BTreeMap<ObjectType, Vec<ExternalId>> = BTreeMap::new();
        let mut level: Vec<ExternalId> = groups.iter().copied().collect();
        while !level.is_empty() {
            let ids: Vec<Uuid> = level.drain(..).map(|group| group.0).collect();
            let ids: Vec<Uuid> = ids.into_iter().filter(|id| there.contains(id)).collect();
            for list in members::of(&mut tx, work.integration.id, &ids).await? {
                match list.member_type {
                    ObjectType::Group if work.policy.include_nested => {
                        level.extend(list.ids().filter(|group| groups.insert(*group)));
                    }
                    ObjectType::Group => {}
                    member_type => {
                        let of_type = members.entry(member_type).or_default();
                        of_type.extend(list.ids());
                    }
                }
            }
        }
        for of_type in members.values_mut() {
            of_type.sort_unstable();
            of_type.dedup();
        }
        members.insert(ObjectType::Group, groups.into_iter().collect());
        Ok(Self(members))
    }

    /// Those of one type.
    fn of_type(&self, object_type: ObjectType) -> &[ExternalId] {
        self.0.get(&object_type).map_or(&[], Vec::as_slice)
    }
}
