//! Planning memberships: what the source has between objects that are kept, against what the
//! directory has. Comes after users and groups, since what is held of them holds their memberships
//! with it.

use std::collections::BTreeMap;

use domain::{
    id::ExternalId,
    policy::{ObjectType, OutOfScope},
    run::{Action, ChangeStatus, Reason},
    user::DirectoryStatus,
};
use planner::{
    count,
    guard::{self, End, Removal},
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    merging::{FIRST, LAST, batch_end},
    planning::{Change, Plan},
    record::Work,
    stop::Stop,
};
use crate::{Result, Tx, execute, fetch_all, fetch_scalar};

/// Groups looked at together when all are.
const GROUPS: i64 = 200;

/// The ids after the first up to the second.
type Range = (ExternalId, ExternalId);

/// What one pass found.
#[derive(Debug, Default)]
struct Totals {
    added: i64,
    removed: i64,
    /// Of those removed, the ones the guard looks at.
    counted: u64,
    held: i64,
}

/// Plans them; again, with the counted removals held, where those are over the limit.
pub(super) async fn plan(work: &mut Work<'_>, plan: &mut Plan) -> Result<(), Stop> {
    let ranges = ranges(work, plan).await?;
    let active = active(work).await?;
    let mut totals = pass(work, plan, &ranges, false).await?;
    let limit = work.policy.guard.limit(ObjectType::Membership);
    if guard::holds(limit, totals.counted, active.unsigned_abs()) {
        let mut tx = work.b().db.write().await?;
        execute!(
            &mut tx,
            "DELETE FROM run_change WHERE run_id = $1 AND object_type = 'membership'",
            work.run.id
        )?;
        tx.commit().await?;
        totals = pass(work, plan, &ranges, true).await?;
    }
    settle_groups(work, plan).await?;
    if work.policy.reads(ObjectType::Group) {
        let all = plan.all;
        let line = plan.line(ObjectType::Membership);
        count::change(line, Action::Create, totals.added);
        count::change(line, Action::Delete, totals.removed);
        count::held(line, totals.held);
        if all {
            count::unchanged(line, (active - totals.removed - totals.held).max(0));
        }
    }
    Ok(())
}

/// Memberships of the integration's groups before the run.
async fn active(work: &Work<'_>) -> Result<i64> {
    let mut tx = work.b().db.read().await?;
    fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM directory_group g JOIN directory_membership m ON m.group_id = g.id
          WHERE g.integration_id = $1",
        work.integration.id
    )
}

/// The groups to look at.
async fn ranges(work: &Work<'_>, plan: &Plan) -> Result<Vec<Range>> {
    let mut ranges = Vec::new();
    if plan.all {
        let mut after = FIRST;
        while after < LAST {
            let owner = ("integration_id", work.integration.id.0);
            let table = "source_object";
            let end = batch_end(work.b(), table, owner, ObjectType::Group, after, GROUPS).await?;
            ranges.push((after, end));
            after = end;
        }
        return Ok(ranges);
    }
    let mut tx = work.b().db.read().await?;
    let ids = fetch_all!(
        &mut tx,
        (ExternalId,),
        "SELECT external_id FROM run_staging WHERE run_id = $1 AND object_type = 'group'
         UNION SELECT group_external_id FROM run_staging_member WHERE run_id = $1
         UNION SELECT external_id FROM source_object
          WHERE integration_id = $2 AND object_type = 'group' AND pending IS NOT NULL",
        work.run.id,
        work.integration.id
    )?;
    let before = |id: ExternalId| ExternalId(Uuid::from_u128(id.0.as_u128().saturating_sub(1)));
    Ok(ids.into_iter().map(|(id,)| (before(id), id)).collect())
}

#[derive(Debug, FromRow)]
struct Group {
    external_id: ExternalId,
    display_name: String,
    name_folded: String,
    kept: bool,
    directory_id: Option<Uuid>,
    status: Option<DirectoryStatus>,
}

/// What is to be done about one group.
#[derive(Debug, Default)]
struct Edges {
    created: i64,
    added: Vec<ExternalId>,
    removed: Vec<ExternalId>,
    held: Vec<ExternalId>,
}

async fn pass(
    work: &mut Work<'_>,
    plan: &mut Plan,
    ranges: &[Range],
    hold: bool,
) -> Result<Totals, Stop> {
    let mut totals = Totals::default();
    for range in ranges {
        let mut tx = work.b().db.read().await?;
        let groups = groups(&mut tx, work, *range).await?;
        let edges = edges(&mut tx, work, plan, *range, &groups, hold, &mut totals).await?;
        drop(tx);
        let changes = changes(plan, groups, edges, &mut totals);
        if !changes.is_empty() {
            let mut tx = work.b().db.write().await?;
            plan.store(&mut tx, work, &changes).await?;
            tx.commit().await?;
        }
        work.checkpoint().await?;
    }
    Ok(totals)
}

async fn groups(tx: &mut Tx, work: &Work<'_>, range: Range) -> Result<Vec<Group>> {
    fetch_all!(
        tx,
        Group,
        "SELECT s.external_id, s.display_name, s.name_folded, s.kept, d.id AS directory_id,
                d.status
           FROM source_object s
           LEFT JOIN directory_group d
             ON d.integration_id = s.integration_id AND d.external_id = s.external_id
          WHERE s.integration_id = $1 AND s.object_type = 'group'
            AND s.external_id > $2 AND s.external_id <= $3
          ORDER BY s.external_id",
        work.integration.id,
        range.0,
        range.1
    )
}

type ByGroup = BTreeMap<ExternalId, Edges>;

async fn edges(
    tx: &mut Tx,
    work: &Work<'_>,
    plan: &Plan,
    range: Range,
    groups: &[Group],
    hold: bool,
    totals: &mut Totals,
) -> Result<ByGroup> {
    let mut all = ByGroup::new();
    if groups
        .iter()
        .any(|group| plan.new_groups.contains_key(&group.external_id))
    {
        for (group, number) in created(tx, work, range).await? {
            if plan.new_groups.contains_key(&group) {
                all.entry(group).or_default().created = number;
            }
        }
    }
    if groups.iter().all(|group| group.directory_id.is_none()) {
        return Ok(all);
    }
    let kept: BTreeMap<ExternalId, &Group> = groups
        .iter()
        .filter(|group| group.directory_id.is_some())
        .map(|group| (group.external_id, group))
        .collect();
    for member_type in [ObjectType::User, ObjectType::Group] {
        for (group, member) in added(tx, work, range, member_type).await? {
            if kept.get(&group).is_some_and(|group| group.kept) {
                all.entry(group).or_default().added.push(member);
            }
        }
        for row in removed(tx, work, range, member_type).await? {
            let Some(group) = kept.get(&row.group_external_id) else {
                continue;
            };
            let edges = all.entry(row.group_external_id).or_default();
            match fate(work, plan, group, &row, member_type) {
                None => {}
                Some(Removal::Held) => edges.held.push(row.member_external_id),
                Some(Removal::Counts) if hold => edges.held.push(row.member_external_id),
                Some(Removal::Counts) => {
                    totals.counted += 1;
                    edges.removed.push(row.member_external_id);
                }
                Some(Removal::Follows) => edges.removed.push(row.member_external_id),
            }
        }
    }
    Ok(all)
}

/// How many edges a new group begins with.
async fn created(tx: &mut Tx, work: &Work<'_>, range: Range) -> Result<Vec<(ExternalId, i64)>> {
    fetch_all!(
        tx,
        (ExternalId, i64),
        "SELECT m.group_external_id, COUNT(*)
           FROM source_membership m
           JOIN source_object s ON s.integration_id = m.integration_id
                AND s.object_type = m.member_type AND s.external_id = m.member_external_id
          WHERE m.integration_id = $1 AND m.group_external_id > $2 AND m.group_external_id <= $3
            AND s.kept
          GROUP BY m.group_external_id",
        work.integration.id,
        range.0,
        range.1
    )
}

/// Edges the source has between kept objects, and the directory hasn't.
async fn added(
    tx: &mut Tx,
    work: &Work<'_>,
    range: Range,
    member_type: ObjectType,
) -> Result<Vec<(ExternalId, ExternalId)>> {
    let sql = format!(
        "SELECT m.group_external_id, m.member_external_id
           FROM source_membership m
           JOIN source_object s ON s.integration_id = m.integration_id
                AND s.object_type = '{member_type}' AND s.external_id = m.member_external_id
           JOIN directory_group g ON g.integration_id = m.integration_id
                AND g.external_id = m.group_external_id
           LEFT JOIN directory_{member_type} d ON d.integration_id = m.integration_id
                AND d.external_id = m.member_external_id
          WHERE m.integration_id = $1 AND m.group_external_id > $2 AND m.group_external_id <= $3
            AND m.member_type = '{member_type}' AND s.kept
            AND NOT EXISTS (SELECT 1 FROM directory_membership e
                             WHERE e.group_id = g.id AND e.member_id = d.id)
          ORDER BY m.group_external_id, m.member_external_id"
    );
    fetch_all!(
        tx,
        (ExternalId, ExternalId),
        sqlx::AssertSqlSafe(sql),
        work.integration.id,
        range.0,
        range.1
    )
}

#[derive(Debug, FromRow)]
struct Lost {
    group_external_id: ExternalId,
    member_external_id: ExternalId,
    member_kept: Option<bool>,
    member_status: DirectoryStatus,
}

/// Edges the directory has, and that the source hasn't any more or whose ends aren't both kept.
async fn removed(
    tx: &mut Tx,
    work: &Work<'_>,
    range: Range,
    member_type: ObjectType,
) -> Result<Vec<Lost>> {
    let sql = format!(
        "SELECT g.external_id AS group_external_id, d.external_id AS member_external_id,
                s.kept AS member_kept, d.status AS member_status
           FROM directory_group g
           JOIN source_object o ON o.integration_id = g.integration_id
                AND o.object_type = 'group' AND o.external_id = g.external_id
           JOIN directory_membership e ON e.group_id = g.id AND e.member_type = '{member_type}'
           JOIN directory_{member_type} d ON d.id = e.member_id
                AND d.integration_id = g.integration_id
           LEFT JOIN source_membership m ON m.integration_id = g.integration_id
                AND m.group_external_id = g.external_id AND m.member_external_id = d.external_id
           LEFT JOIN source_object s ON s.integration_id = g.integration_id
                AND s.object_type = '{member_type}' AND s.external_id = d.external_id
          WHERE g.integration_id = $1 AND g.external_id > $2 AND g.external_id <= $3
            AND (m.member_external_id IS NULL OR COALESCE(s.kept, FALSE) = FALSE
                 OR o.kept = FALSE)
          ORDER BY g.external_id, d.external_id"
    );
    fetch_all!(
        tx,
        Lost,
        sqlx::AssertSqlSafe(sql),
        work.integration.id,
        range.0,
        range.1
    )
}

/// What happens to an edge that isn't wanted any more; none: it stays, since an end of it stays
/// as it is by policy.
fn fate(
    work: &Work<'_>,
    plan: &Plan,
    group: &Group,
    row: &Lost,
    member_type: ObjectType,
) -> Option<Removal> {
    let leaves = work.policy.out_of_scope != OutOfScope::Keep && work.policy.actions.disable;
    let end = |object_type: ObjectType, kept: bool, status: Option<DirectoryStatus>| match status {
        _ if kept => Some(End::Stays),
        Some(DirectoryStatus::Active) if !leaves => None,
        Some(DirectoryStatus::Active) if plan.held.contains(&object_type) => Some(End::Held),
        _ => Some(End::Goes),
    };
    let group = end(ObjectType::Group, group.kept, group.status)?;
    let kept = row.member_kept.unwrap_or(false);
    let member = end(member_type, kept, Some(row.member_status))?;
    Some(guard::removal(group, member))
}

fn changes(
    plan: &mut Plan,
    groups: Vec<Group>,
    mut edges: ByGroup,
    totals: &mut Totals,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for group in groups {
        let Some(edges) = edges.remove(&group.external_id) else {
            continue;
        };
        let created = plan.new_groups.get(&group.external_id).copied();
        let Some(object_id) = group.directory_id.or(created) else {
            continue;
        };
        let (action, number, after) = if group.directory_id.is_none() {
            (Action::Create, edges.created, None)
        } else {
            let number = size(&edges.added) + size(&edges.removed);
            let after = serde_json::json!({"added": edges.added, "removed": edges.removed});
            (Action::Update, number, Some(after.to_string()))
        };
        totals.added += edges.created + size(&edges.added);
        totals.removed += size(&edges.removed);
        totals.held += size(&edges.held);
        let mut push = |action, reason, status, edges, after| {
            changes.push(Change {
                object_type: ObjectType::Membership,
                external_id: group.external_id,
                object_id,
                display_name: group.display_name.clone(),
                name_folded: group.name_folded.clone(),
                action,
                reason,
                status,
                edges,
                before: None,
                after,
            });
        };
        if number > 0 {
            push(action, None, ChangeStatus::Planned, number, after);
        }
        if !edges.held.is_empty() {
            let after = serde_json::json!({"added": [], "removed": edges.held}).to_string();
            let (held, reason) = (size(&edges.held), Some(Reason::GuardLimit));
            push(
                Action::Update,
                reason,
                ChangeStatus::Held,
                held,
                Some(after),
            );
        }
    }
    changes
}

fn size(ids: &[ExternalId]) -> i64 {
    i64::try_from(ids.len()).unwrap_or(i64::MAX)
}

/// A group that has nothing to do of its own and whose members change is updated.
async fn settle_groups(work: &Work<'_>, plan: &mut Plan) -> Result<()> {
    if !work.policy.reads(ObjectType::Group) {
        return Ok(());
    }
    let mut tx = work.b().db.read().await?;
    let changed = fetch_all!(
        &mut tx,
        (ExternalId,),
        "SELECT external_id FROM run_change
          WHERE run_id = $1 AND object_type = 'membership' AND status = 'planned'
            AND action = 'update'",
        work.run.id
    )?;
    for (group,) in changed {
        if plan.unchanged_groups.remove(&group) {
            count::touch(plan.line(ObjectType::Group));
        } else if plan.seen_groups.insert(group) {
            count::change(plan.line(ObjectType::Group), Action::Update, 1);
        }
    }
    Ok(())
}
