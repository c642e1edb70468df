//! A run of one user: read live, then merged, planned and applied as any round, and nothing else is
//! touched: no cursor, no sweep, nobody else's edges (decision 0017).

use std::{collections::HashSet, sync::Arc};

use domain::{
    id::{ExternalId, RunId},
    integration::IntegrationState,
    policy::ObjectType,
    run::{Reason, RunPhase, RunStatus},
};
use graph::{Client, Resource};
use planner::{
    mapping::Mapper,
    merge::MemberOp,
    read::{Content, Mapped, Presence, SourceObject},
};
use uuid::Uuid;

use super::{
    connect, entra, member_merging,
    members::{self, Difference},
    merging,
    reading::{self, Read, Round, graph_ids},
    record::{IntegrationRow, One, Work},
    staging::Stager,
    stop::Stop,
};
use crate::{
    Result, Tx, execute, fetch_all, fetch_optional, fetch_scalar, store::integrations::schedule,
};

/// Reads the user, the groups that hold it, and whether it is in scope. Of somebody of whom nothing
/// is kept and who isn't in scope nothing is stored but the reason.
pub(super) async fn read(
    work: &mut Work<'_>,
    client: &Client,
    one: One,
    mapper: Arc<Mapper>,
    before: (i64, i64),
) -> Result<Read, Stop> {
    connect::prove(work, client).await?;
    work.run.objects_expected = Some(1);
    let id = one.external_id;
    let is_kept = is_kept(work, one).await?;
    let object = match user(client, id).await? {
        Some(object) => object,
        None if is_kept => absent(client, id).await?,
        None => {
            work.run.object_reason = Some(Reason::Gone);
            return Ok(Read::Nothing);
        }
    };
    let is_present = object.presence == Presence::Present;
    let groups = groups_with_members(work).await?;
    let direct = if is_present && (work.is_selected() || !groups.is_empty()) {
        let holders = client.groups_of(Resource::Users, id.0).await?;
        holders.into_iter().map(|group| group.id).collect()
    } else {
        HashSet::new()
    };
    let in_scope = is_present && in_scope(work, client, id, &direct).await?;
    if work.is_selected() && !in_scope && !is_kept {
        work.run.object_reason = Some(Reason::OutOfScope);
        return Ok(Read::Nothing);
    }
    work.run.objects_read = 1;
    let mut stager = Stager::new(mapper);
    for (group, removed) in edges(work, id, &groups, &direct).await? {
        let op = MemberOp {
            member: id,
            member_type: one.object_type,
            removed,
        };
        stager.members(group, &[op]);
    }
    stager.object(object);
    stager.flush(work).await?;
    let round = Round {
        in_scope,
        ..Round::default()
    };
    work.run.round = serde_json::to_string(&round).ok();
    reading::count(work, client, before);
    let mut tx = work.b().db.write().await?;
    work.enter(&mut tx, RunPhase::Merging).await?;
    tx.commit().await?;
    Ok(Read::Something)
}

async fn user(client: &Client, id: ExternalId) -> Result<Option<SourceObject>, Stop> {
    let item = client.user(&id.to_string()).await?;
    item.map(entra::user).transpose()
}

/// Somebody known whom Graph itself, by its own code, says not to have: the deleted ones tell
/// whether it can be restored. No other answer gets here (sync.md rule 6).
async fn absent(client: &Client, id: ExternalId) -> Result<SourceObject, Stop> {
    let presence = if client.is_deleted_user(id.0).await? {
        Presence::SoftDeleted
    } else {
        Presence::Gone
    };
    Ok(SourceObject {
        object_type: ObjectType::User,
        external_id: id,
        presence,
        content: Content::default(),
        mapped: Mapped::default(),
    })
}

async fn is_kept(work: &Work<'_>, one: One) -> Result<bool> {
    let mut tx = work.b().db.read().await?;
    fetch_scalar!(
        &mut tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM source_object
                         WHERE integration_id = $1 AND object_type = $2 AND external_id = $3)",
        work.integration.id,
        one.object_type,
        one.external_id
    )
}

/// The groups whose members rounds keep: all that are there, or those in scope.
async fn groups_with_members(work: &Work<'_>) -> Result<Vec<ExternalId>> {
    if !work.is_selected() && !work.policy.reads(ObjectType::Group) {
        return Ok(Vec::new());
    }
    let mut tx = work.b().db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        (ExternalId,),
        "SELECT external_id FROM source_object
          WHERE integration_id = $1 AND object_type = 'group' AND presence = 'present'
            AND (in_scope OR $2) ORDER BY external_id",
        work.integration.id,
        !work.is_selected()
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether a selected group holds the user, as the source says now: nesting may have changed since
/// the last full read.
async fn in_scope(
    work: &Work<'_>,
    client: &Client,
    id: ExternalId,
    direct: &HashSet<Uuid>,
) -> Result<bool, Stop> {
    let selected = graph_ids(&work.policy.selected_group_ids);
    if selected.is_empty() || selected.iter().any(|group| direct.contains(group)) {
        return Ok(true);
    }
    if !work.policy.include_nested {
        return Ok(false);
    }
    let holding = client
        .groups_holding(Resource::Users, id.0, &selected)
        .await?;
    Ok(!holding.is_empty())
}

/// Of these groups, those that hold the user now, and those that did, each with whether the user
/// left it.
async fn edges(
    work: &Work<'_>,
    id: ExternalId,
    groups: &[ExternalId],
    direct: &HashSet<Uuid>,
) -> Result<Vec<(ExternalId, bool)>> {
    let mut tx = work.b().db.read().await?;
    let lists = members::of(&mut tx, work.integration.id, &graph_ids(groups)).await?;
    let held = lists
        .iter()
        .filter(|list| list.member_type == ObjectType::User && list.holds(id));
    let held: HashSet<ExternalId> = held.map(|list| list.group_external_id).collect();
    let named = groups.iter().filter_map(|group| {
        let is_member = direct.contains(&group.0);
        (is_member || held.contains(group)).then_some((*group, !is_member))
    });
    Ok(named.collect())
}

/// Merges what was read. Whether it is in scope was found out by reading it, not by walking the
/// scope.
pub(super) async fn merge(work: &mut Work<'_>, one: One, round: &Round) -> Result<(), Stop> {
    merging::objects(work, one.object_type).await?;
    member_merging::merge(work, false).await?;
    if work.is_selected() {
        let mut tx = work.bulk().await?;
        execute!(
            &mut tx,
            "UPDATE source_object SET in_scope = $1
              WHERE integration_id = $2 AND object_type = $3 AND external_id = $4",
            round.in_scope,
            work.integration.id,
            one.object_type,
            one.external_id
        )?;
        tx.commit().await?;
    }
    merging::finish(work, round).await
}

/// Leaves a run of one object that is cut short after it was merged: the object is pending, and so
/// are the groups of which edges were merged, since those may be gone from the source's side.
pub(super) async fn leave(work: &Work<'_>) -> Result<()> {
    let Some(one) = work.run.one() else {
        return Ok(());
    };
    let mut tx = work.b().db.write().await?;
    work.hold(&mut tx).await?;
    execute!(
        &mut tx,
        "UPDATE source_object SET pending = COALESCE(pending, 'planned')
          WHERE integration_id = $1
            AND ((object_type = $2 AND external_id = $3)
                 OR (object_type = 'group' AND external_id IN (
                     SELECT group_external_id FROM run_staging_member WHERE run_id = $4)))",
        work.integration.id,
        one.object_type,
        one.external_id,
        work.run.id
    )?;
    tx.commit().await
}

/// Notes whom the run was for and what became of it, and lifts a quarantine where the source let
/// the run in. Otherwise one object says nothing of its integration.
pub(super) async fn ended(work: &Work<'_>, tx: &mut Tx, status: RunStatus) -> Result<()> {
    let Some(one) = work.run.one() else {
        return Ok(());
    };
    let name = fetch_optional!(
        &mut *tx,
        (String,),
        "SELECT display_name FROM source_object
          WHERE integration_id = $1 AND object_type = $2 AND external_id = $3",
        work.integration.id,
        one.object_type,
        one.external_id
    )?;
    let name = name.map(|(name,)| name);
    let folded = name.as_deref().map(planner::fold).unwrap_or_default();
    execute!(
        &mut *tx,
        "UPDATE run SET search_text = search_text || $2, object_name = COALESCE($3, object_name),
                object_reason = COALESCE((SELECT c.reason FROM run_change c
                                           WHERE c.run_id = $1 AND c.object_type = $4
                                             AND c.external_id = $5), $6)
          WHERE id = $1",
        work.run.id,
        format!("\n{folded}"),
        name,
        one.object_type,
        one.external_id,
        work.run.object_reason
    )?;
    tx.hold("integration", work.integration.id.0).await?;
    let at = IntegrationRow::load(tx, work.integration.id).await?;
    let let_in = !matches!(status, RunStatus::Failed | RunStatus::Cancelled);
    if at.state == IntegrationState::Quarantined && let_in {
        let next = at.timetable().next(work.b().clock.now());
        schedule::unquarantine(tx, at.id, next.filter(|_| at.enabled)).await?;
    }
    Ok(())
}

/// Whether a disable or delete of the object that the run is for waits for a decision in an earlier
/// run: what the guard holds together isn't let through one by one.
pub(super) async fn waits_elsewhere(work: &Work<'_>, tx: &mut Tx) -> Result<bool> {
    let Some(one) = work.run.one() else {
        return Ok(false);
    };
    fetch_scalar!(
        tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM run r JOIN run_change c ON c.run_id = r.id
                         WHERE r.integration_id = $1 AND r.status = 'held' AND r.id <> $2
                           AND c.status = 'held' AND c.object_type = $3 AND c.external_id = $4)",
        work.integration.id,
        work.run.id,
        one.object_type,
        one.external_id
    )
}

/// The group and member of each removal that waits for a decision in an earlier run, of the object
/// that the run is for.
pub(super) async fn waiting_edges(
    work: &Work<'_>,
    tx: &mut Tx,
) -> Result<HashSet<(ExternalId, ExternalId)>> {
    let Some(one) = work.run.one().filter(|_| !work.run.is_decided) else {
        return Ok(HashSet::new());
    };
    let held = held_edges(work, tx).await?;
    let of_one = held
        .into_iter()
        .filter(|(_, _, removed)| removed.contains(&one.external_id));
    Ok(of_one
        .map(|(_, group, _)| (group, one.external_id))
        .collect())
}

/// What earlier runs hold of memberships: the run, the group and the members that would leave.
async fn held_edges(
    work: &Work<'_>,
    tx: &mut Tx,
) -> Result<Vec<(RunId, ExternalId, Vec<ExternalId>)>> {
    let rows = fetch_all!(
        tx,
        (RunId, ExternalId, Option<String>),
        "SELECT r.id, c.external_id, c.after_value
           FROM run r JOIN run_change c ON c.run_id = r.id
          WHERE r.integration_id = $1 AND r.status = 'held' AND r.id <> $2
            AND c.status = 'held' AND c.object_type = 'membership'
          ORDER BY r.queued_at DESC, r.id DESC",
        work.integration.id,
        work.run.id
    )?;
    rows.into_iter()
        .map(|(run, group, after)| {
            let removed = after.as_deref().map(Difference::read).transpose()?;
            Ok((run, group, removed.unwrap_or_default().removed))
        })
        .collect()
}

/// The newest earlier run in which something of the object waits for a decision.
pub(super) async fn waits_in(work: &Work<'_>, tx: &mut Tx) -> Result<Option<RunId>> {
    let Some(one) = work.run.one() else {
        return Ok(None);
    };
    let itself = fetch_optional!(
        &mut *tx,
        (RunId,),
        "SELECT r.id FROM run r JOIN run_change c ON c.run_id = r.id
          WHERE r.integration_id = $1 AND r.status = 'held' AND r.id <> $2
            AND c.status = 'held' AND c.object_type = $3 AND c.external_id = $4
          ORDER BY r.queued_at DESC, r.id DESC LIMIT 1",
        work.integration.id,
        work.run.id,
        one.object_type,
        one.external_id
    )?;
    if let Some((run,)) = itself {
        return Ok(Some(run));
    }
    let edges = held_edges(work, tx).await?;
    let of_one = edges
        .into_iter()
        .find(|(_, _, removed)| removed.contains(&one.external_id));
    Ok(of_one.map(|(run, ..)| run))
}
