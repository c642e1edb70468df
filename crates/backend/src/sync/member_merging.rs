//! Merging what a round said of groups' members. Only ids pass through here, a few groups at a
//! time.

use std::collections::BTreeMap;

use domain::{
    id::{ExternalId, IntegrationId},
    policy::ObjectType,
};
use planner::merge::Members as Pieces;
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    members::{self, Members},
    record::Work,
    rows::{IDS_MAX, push_ids, run_built},
    staging::unpack,
    stop::Stop,
};
use crate::{Result, Tx, fetch_all};

/// Pieces read at once.
const PIECES: i64 = 500;

#[derive(Debug, FromRow)]
struct Piece {
    group_external_id: ExternalId,
    position: i64,
    members: Vec<u8>,
}

/// Merges every group's pieces. `first`: nothing is known of the integration, so nothing is looked
/// for.
pub(super) async fn merge(work: &mut Work<'_>, first: bool) -> Result<(), Stop> {
    if work.run.full_read && !first {
        groups_without_members(work).await?;
    }
    // The last group of a batch may have pieces in the next one.
    let mut groups: BTreeMap<ExternalId, Pieces> = BTreeMap::new();
    let mut after = (ExternalId(Uuid::nil()), -1_i64);
    loop {
        let pieces = pieces(work, after).await?;
        let end = pieces
            .last()
            .map(|last| (last.group_external_id, last.position));
        for piece in pieces {
            let group = groups.entry(piece.group_external_id).or_default();
            group.take(unpack(&piece.members));
        }
        let Some(end) = end else { break };
        after = end;
        let open = groups.split_off(&after.0);
        settle(work, first, std::mem::replace(&mut groups, open)).await?;
        work.checkpoint().await?;
    }
    settle(work, first, groups).await
}

async fn pieces(work: &Work<'_>, after: (ExternalId, i64)) -> Result<Vec<Piece>> {
    let mut tx = work.b().db.read().await?;
    fetch_all!(
        &mut tx,
        Piece,
        "SELECT group_external_id, position, members FROM run_staging_member
          WHERE run_id = $1 AND (group_external_id, position) > ($2, $3)
          ORDER BY group_external_id, position LIMIT $4",
        work.run.id,
        after.0,
        after.1,
        PIECES
    )
}

/// Settles whole groups against what is known of them, and writes those that differ.
async fn settle(
    work: &mut Work<'_>,
    first: bool,
    groups: BTreeMap<ExternalId, Pieces>,
) -> Result<(), Stop> {
    if groups.is_empty() {
        return Ok(());
    }
    let integration = work.integration.id;
    let mut tx = work.bulk().await?;
    let mut known = if first {
        BTreeMap::new()
    } else {
        let ids: Vec<Uuid> = groups.keys().map(|group| group.0).collect();
        members::by_group(&members::of(&mut tx, integration, &ids).await?)
    };
    let mut changed: Vec<(ExternalId, Members)> = Vec::new();
    let mut moved: BTreeMap<ObjectType, Vec<Uuid>> = BTreeMap::new();
    for (group, pieces) in groups {
        let mut members = known.remove(&group).unwrap_or_default();
        let settled = pieces.settle(&members, work.run.full_read);
        if settled.is_empty() {
            continue;
        }
        for member in &settled.removed {
            if let Some(member_type) = members.remove(member) {
                moved.entry(member_type).or_default().push(member.0);
            }
        }
        for (member, member_type) in &settled.added {
            moved.entry(*member_type).or_default().push(member.0);
        }
        members.extend(settled.added);
        changed.push((group, members));
    }
    members::write(&mut tx, integration, &changed, first).await?;
    if work.run.full_read && !first {
        let ids: Vec<Uuid> = changed.iter().map(|(group, _)| group.0).collect();
        mark_group(&mut tx, integration, &ids).await?;
    }
    if work.is_selected() && !work.run.full_read {
        for (object_type, ids) in &moved {
            mark(&mut tx, work, *object_type, ids).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// With selected groups, who came or went may have changed scope without having changed. A group
/// that did so has everything in scope read again.
async fn mark(tx: &mut Tx, work: &Work<'_>, object_type: ObjectType, ids: &[Uuid]) -> Result<()> {
    if object_type == ObjectType::Group {
        return Ok(());
    }
    for ids in ids.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query.push("UPDATE source_object SET pending = 'scope' WHERE integration_id = ");
            query.push_bind(work.integration.id);
            query.push(" AND object_type = ").push_bind(object_type);
            query.push(" AND pending IS NULL AND external_id");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

/// Marks groups whose members changed: a complete round names the members of every group.
async fn mark_group(tx: &mut Tx, integration: IntegrationId, ids: &[Uuid]) -> Result<()> {
    for ids in ids.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query.push(
                "UPDATE source_object SET pending = COALESCE(pending, 'edges')
                  WHERE object_type = 'group' AND integration_id = ",
            );
            query.push_bind(integration).push(" AND external_id");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

/// In a complete round, a group without a piece has no members any more.
async fn groups_without_members(work: &mut Work<'_>) -> Result<(), Stop> {
    let integration = work.integration.id;
    let mut tx = work.bulk().await?;
    let ids = fetch_all!(
        &mut tx,
        (Uuid,),
        "SELECT DISTINCT m.group_external_id FROM source_membership m
          WHERE m.integration_id = $1
            AND NOT EXISTS (SELECT 1 FROM run_staging_member t
                             WHERE t.run_id = $2
                               AND t.group_external_id = m.group_external_id)",
        integration,
        work.run.id
    )?;
    let ids: Vec<Uuid> = ids.into_iter().map(|(id,)| id).collect();
    members::remove(&mut tx, integration, &ids).await?;
    mark_group(&mut tx, integration, &ids).await?;
    tx.commit().await?;
    Ok(())
}
