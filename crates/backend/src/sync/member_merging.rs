//! Merging what a round said of groups' members. Only ids pass through here, a group at a time.

use std::collections::BTreeMap;

use domain::{id::ExternalId, policy::ObjectType};
use planner::merge::Members;
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    record::Work,
    rows::{IDS_MAX, push_ids, run_built},
    staging::unpack,
    stop::Stop,
};
use crate::{Result, Tx, execute, fetch_all, insert_many};

/// Pieces read at once.
const PIECES: i64 = 500;
/// Edges that go into one statement.
const EDGES_MAX: usize = 5_000;

#[derive(Debug, FromRow)]
struct Piece {
    group_external_id: ExternalId,
    position: i64,
    members: Vec<u8>,
}

/// What is to be written next.
#[derive(Debug, Default)]
struct Edges {
    added: Vec<(ExternalId, ExternalId, ObjectType)>,
    removed: Vec<(ExternalId, Vec<Uuid>)>,
    removals: usize,
}

/// Merges every group's pieces. `first`: nothing is known of the integration, so nothing is looked
/// for.
pub(super) async fn merge(work: &mut Work<'_>, first: bool) -> Result<(), Stop> {
    if work.run.full_read && !first {
        groups_without_members(work).await?;
    }
    let mut edges = Edges::default();
    let mut at: Option<(ExternalId, Members)> = None;
    let mut after = (ExternalId(Uuid::nil()), -1_i64);
    loop {
        let pieces = pieces(work, after).await?;
        let Some(last) = pieces.last() else { break };
        after = (last.group_external_id, last.position);
        for piece in pieces {
            let group = piece.group_external_id;
            if at.as_ref().is_none_or(|(current, _)| *current != group)
                && let Some((done, members)) = at.replace((group, Members::default()))
            {
                settle(work, first, done, members, &mut edges).await?;
            }
            if let Some((_, members)) = &mut at {
                members.take(unpack(&piece.members));
            }
        }
        work.checkpoint().await?;
    }
    if let Some((group, members)) = at {
        settle(work, first, group, members, &mut edges).await?;
    }
    write(work, &mut edges).await
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

async fn settle(
    work: &mut Work<'_>,
    first: bool,
    group: ExternalId,
    members: Members,
    edges: &mut Edges,
) -> Result<(), Stop> {
    let known = if first {
        BTreeMap::new()
    } else {
        known(work, group).await?
    };
    let settled = members.settle(&known, work.run.full_read);
    edges.added.extend(
        settled
            .added
            .iter()
            .map(|(member, kind)| (group, *member, *kind)),
    );
    if !settled.removed.is_empty() {
        edges.removals += settled.removed.len();
        let removed = settled.removed.iter().map(|id| id.0).collect();
        edges.removed.push((group, removed));
    }
    if edges.added.len() + edges.removals >= EDGES_MAX {
        write(work, edges).await?;
    }
    Ok(())
}

async fn known(work: &Work<'_>, group: ExternalId) -> Result<BTreeMap<ExternalId, ObjectType>> {
    let mut tx = work.b().db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        (ExternalId, ObjectType),
        "SELECT member_external_id, member_type FROM source_membership
          WHERE integration_id = $1 AND group_external_id = $2",
        work.integration.id,
        group
    )?;
    Ok(rows.into_iter().collect())
}

async fn write(work: &mut Work<'_>, edges: &mut Edges) -> Result<(), Stop> {
    let Edges { added, removed, .. } = std::mem::take(edges);
    if added.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let integration = work.integration.id;
    let mut tx = work.b().db.write().await?;
    insert_many!(
        &mut tx,
        "INSERT INTO source_membership (integration_id, group_external_id, member_external_id,
            member_type)",
        columns: 4, rows_max: EDGES_MAX, added,
        |bind, row| {
            bind.push_bind(integration)
                .push_bind(row.0)
                .push_bind(row.1)
                .push_bind(row.2);
        },
        "ON CONFLICT (integration_id, group_external_id, member_external_id) DO NOTHING"
    )?;
    for (group, members) in &removed {
        for ids in members.chunks(IDS_MAX) {
            run_built!(&mut tx, |query| {
                query.push("DELETE FROM source_membership WHERE integration_id = ");
                query.push_bind(integration);
                query.push(" AND group_external_id = ").push_bind(*group);
                query.push(" AND member_external_id IN ");
                push_ids!(query, ids);
            })?;
        }
    }
    if work.is_selected() && !work.run.full_read {
        let mut people: Vec<Uuid> = added.iter().map(|(_, member, _)| member.0).collect();
        people.extend(removed.iter().flat_map(|(_, members)| members));
        mark_people(&mut tx, work, &people).await?;
    }
    tx.commit().await?;
    work.checkpoint().await
}

/// With selected groups, who came or went may have changed scope without having changed.
async fn mark_people(tx: &mut Tx, work: &Work<'_>, people: &[Uuid]) -> Result<()> {
    for ids in people.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query.push("UPDATE source_object SET pending = 'scope' WHERE integration_id = ");
            query.push_bind(work.integration.id);
            query.push(" AND object_type = 'user' AND pending IS NULL AND external_id IN ");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

/// In a complete round, a group without a piece has no members any more.
async fn groups_without_members(work: &Work<'_>) -> Result<()> {
    let mut tx = work.b().db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM source_membership
          WHERE integration_id = $1
            AND group_external_id IN (
                SELECT o.external_id FROM source_object o
                 WHERE o.integration_id = $1 AND o.object_type = 'group'
                   AND NOT EXISTS (SELECT 1 FROM run_staging_member t
                                    WHERE t.run_id = $2
                                      AND t.group_external_id = o.external_id))",
        work.integration.id,
        work.run.id
    )?;
    tx.commit().await
}
