//! Planning memberships: what the source has between objects that are kept, against what the
//! directory has. Comes after the objects themselves, since what is held of them holds their
//! memberships with it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::{
    id::ExternalId,
    policy::{ObjectType, OutOfScope},
    run::{Action, ChangeStatus, Reason},
    user::DirectoryStatus,
};
use planner::{
    count,
    guard::{self, End, Removal},
    protection::Rules,
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    ends::{End as Member, Ends},
    members::{self, Difference, Members},
    planning::{Change, Plan},
    record::Work,
    rejections::Rejections,
    rows::{IDS_MAX, fetch_built, push_ids},
    stop::Stop,
};
use crate::{Result, Tx, db::packed_ids, execute, fetch_all, fetch_scalar, store::protected_rules};

/// Groups looked at together.
const GROUPS: usize = 200;

/// What one pass found.
#[derive(Debug, Default)]
pub(super) struct Totals {
    added: i64,
    removed: i64,
    /// Of those removed, the ones the guard looks at.
    counted: u64,
    held: i64,
}

/// Plans them; again, with the counted removals held, where those are over the limit.
pub(super) async fn plan(
    work: &mut Work<'_>,
    plan: &mut Plan,
    rejections: &Rejections,
) -> Result<(), Stop> {
    let ids = groups_to_look_at(work, plan).await?;
    let mut totals = pass(work, plan, &ids, rejections, false).await?;
    let active = if plan.all || totals.counted > 0 {
        active(work).await?
    } else {
        0
    };
    let limit = work.policy.guard.limit(ObjectType::Membership);
    if guard::holds(limit, totals.counted, active.unsigned_abs()) {
        let mut tx = work.bulk().await?;
        execute!(
            &mut tx,
            "DELETE FROM run_change WHERE run_id = $1 AND object_type = 'membership'",
            work.run.id
        )?;
        tx.commit().await?;
        totals = pass(work, plan, &ids, rejections, true).await?;
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

/// The groups to look at, in order.
async fn groups_to_look_at(work: &Work<'_>, plan: &Plan) -> Result<Vec<Uuid>> {
    let mut tx = work.b().db.read().await?;
    if plan.all_groups {
        let ids = fetch_all!(
            &mut tx,
            (Uuid,),
            "SELECT external_id FROM source_object
              WHERE integration_id = $1 AND object_type = 'group' ORDER BY external_id",
            work.integration.id
        )?;
        return Ok(ids.into_iter().map(|(id,)| id).collect());
    }
    let ids = fetch_all!(
        &mut tx,
        (Uuid,),
        "SELECT external_id FROM run_staging WHERE run_id = $1 AND object_type = 'group'
         UNION SELECT group_external_id FROM run_staging_member WHERE run_id = $1 AND $4
         UNION SELECT external_id FROM source_object
          WHERE integration_id = $2 AND object_type = 'group' AND pending IS NOT NULL AND $3",
        work.run.id,
        work.integration.id,
        // Groups that wait for another reason aren't what a run of one object is for.
        work.run.one().is_none(),
        // A complete round names the members of every group: those that changed are pending.
        !work.run.full_read
    )?;
    let mut groups: BTreeSet<Uuid> = ids.into_iter().map(|(id,)| id).collect();
    if !plan.turned.is_empty() {
        groups_of(&mut tx, work, plan, &mut groups).await?;
    }
    Ok(groups.into_iter().collect())
}

/// The groups in which somebody is a member whose memberships come or go with them, whether or not
/// the group changed itself.
async fn groups_of(
    tx: &mut Tx,
    work: &Work<'_>,
    plan: &Plan,
    groups: &mut BTreeSet<Uuid>,
) -> Result<()> {
    let mut lists = members::next(tx, work.integration.id, None).await?;
    while let Some(last) = lists.last() {
        let with_turned = lists
            .iter()
            .filter(|list| list.ids().any(|id| plan.turned.contains(&id)));
        groups.extend(with_turned.map(|list| list.group_external_id.0));
        lists = members::next(tx, work.integration.id, Some(last)).await?;
    }
    for ids in plan.leaving.chunks(IDS_MAX) {
        let here = fetch_built!(tx, (Uuid,), |query| {
            query.push(
                "SELECT DISTINCT g.external_id
                   FROM directory_membership e JOIN directory_group g ON g.id = e.group_id
                  WHERE g.integration_id = ",
            );
            query.push_bind(work.integration.id);
            query.push(" AND e.member_id");
            push_ids!(query, ids);
        })?;
        groups.extend(here.into_iter().map(|(id,)| id));
    }
    Ok(())
}

#[derive(Debug, FromRow)]
pub(super) struct Group {
    pub external_id: ExternalId,
    display_name: String,
    name_folded: String,
    kept: bool,
    directory_id: Option<Uuid>,
    status: Option<DirectoryStatus>,
}

async fn pass(
    work: &mut Work<'_>,
    plan: &mut Plan,
    ids: &[Uuid],
    rejections: &Rejections,
    hold: bool,
) -> Result<Totals, Stop> {
    let mut totals = Totals::default();
    let mut ends = Ends::default();
    for ids in ids.chunks(GROUPS) {
        let mut tx = work.b().db.read().await?;
        let looked = Looked::at(&mut tx, work, ids, &mut ends).await?;
        drop(tx);
        let protected = looked.protected.clone();
        let empty = plan.empty.clone();
        let limits = Limits {
            rejections,
            hold,
            empty: &empty,
            protected: &protected,
        };
        let changes = changes(work, plan, looked, &ends, limits, &mut totals)?;
        if !changes.is_empty() {
            let mut tx = work.bulk().await?;
            plan.store(&mut tx, work, &changes).await?;
            tx.commit().await?;
        }
        work.checkpoint().await?;
    }
    Ok(totals)
}

/// Some groups, with the members that the source names and those that the directory has.
pub(super) struct Looked {
    pub groups: Vec<Group>,
    pub source: BTreeMap<ExternalId, Members>,
    pub directory: BTreeMap<ExternalId, Members>,
    /// Of the members that may go, users whom a rule protects.
    pub protected: HashSet<ExternalId>,
}

impl Looked {
    /// Looks at them, and at the ends of all their edges.
    pub async fn at(tx: &mut Tx, work: &Work<'_>, ids: &[Uuid], ends: &mut Ends) -> Result<Self> {
        let groups = groups(tx, work, ids).await?;
        let lists = members::of(tx, work.integration.id, ids).await?;
        let mut source = members::by_group(&lists);
        let mut directory = BTreeMap::new();
        if groups.iter().any(|group| group.directory_id.is_some()) {
            for member_type in &work.types {
                directory_members(tx, work, ids, *member_type, &mut directory).await?;
            }
        }
        if let Some(one) = work.run.one() {
            // Its own edges alone: the others’ ends weren’t looked at.
            let lists = source.values_mut().chain(directory.values_mut());
            lists.for_each(|members| members.retain(|id, _| *id == one.external_id));
        }
        let named = source.values().chain(directory.values());
        let named = named.flat_map(|members| members.keys().copied());
        ends.know(tx, work, named).await?;
        let mut looked = Self {
            groups,
            source,
            directory,
            protected: HashSet::new(),
        };
        let rules = Rules::new(&work.policy.protected);
        if !rules.is_empty() {
            let ids = looked.users_that_may_go(ends);
            looked.protected =
                protected_rules::among(tx, work.integration.id, &rules, &ids).await?;
        }
        Ok(looked)
    }

    /// The users that are members in the directory and don't belong into their group any more.
    fn users_that_may_go(&self, ends: &Ends) -> Vec<Uuid> {
        let none = Members::new();
        let mut ids = BTreeSet::new();
        for group in &self.groups {
            let source = self.source.get(&group.external_id).unwrap_or(&none);
            let directory = self.directory.get(&group.external_id).unwrap_or(&none);
            for (id, member_type) in directory {
                let kept = ends.get(*member_type, *id).is_some_and(|end| end.kept);
                let stays = group.kept && kept && source.contains_key(id);
                if *member_type == ObjectType::User && !stays {
                    ids.insert(id.0);
                }
            }
        }
        ids.into_iter().collect()
    }
}

async fn groups(tx: &mut Tx, work: &Work<'_>, ids: &[Uuid]) -> Result<Vec<Group>> {
    fetch_built!(tx, Group, |query| {
        query.push(
            "SELECT s.external_id, s.display_name, s.name_folded, s.kept, d.id AS directory_id,
                    d.status
               FROM source_object s
               LEFT JOIN directory_group d
                 ON d.integration_id = s.integration_id AND d.external_id = s.external_id
              WHERE s.object_type = 'group' AND s.integration_id = ",
        );
        query.push_bind(work.integration.id);
        query.push(" AND s.external_id");
        push_ids!(query, ids);
        query.push(" ORDER BY s.external_id");
    })
}

/// The members that the directory has, of those that came from this source.
async fn directory_members(
    tx: &mut Tx,
    work: &Work<'_>,
    ids: &[Uuid],
    member_type: ObjectType,
    all: &mut BTreeMap<ExternalId, Members>,
) -> Result<()> {
    let (pack, end) = tx.pack_ids();
    let rows = fetch_built!(tx, (ExternalId, String), |query| {
        query.push("SELECT g.external_id, ");
        query.push(pack).push("d.external_id").push(end);
        query.push(
            " FROM directory_group g
              JOIN directory_membership e ON e.group_id = g.id
              JOIN directory_",
        );
        query.push(member_type.as_str());
        query.push(
            " d ON d.id = e.member_id AND d.integration_id = g.integration_id
              WHERE g.integration_id = ",
        );
        query.push_bind(work.integration.id);
        query.push(" AND e.member_type = ").push_bind(member_type);
        query.push(" AND g.external_id");
        push_ids!(query, ids);
        query.push(" GROUP BY g.external_id");
    })?;
    for (group, packed) in rows {
        let members = all.entry(group).or_default();
        members.extend(packed_ids(&packed).map(|id| (ExternalId(id), member_type)));
    }
    Ok(())
}

/// What keeps removals back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits<'a> {
    /// What was rejected.
    pub rejections: &'a Rejections,
    /// The removals that count are over the guard's limit.
    pub hold: bool,
    /// Types of which the answer was empty.
    pub empty: &'a [ObjectType],
    /// Users whom a rule protects.
    pub protected: &'a HashSet<ExternalId>,
}

/// What is to be done about one group.
#[derive(Debug, Default)]
pub(super) struct Edges {
    created: i64,
    pub difference: Difference,
    /// Held by the guard.
    held: Vec<ExternalId>,
    /// Held because an end of theirs is.
    held_with: Vec<ExternalId>,
    /// Of rejected removals, those that the source has again.
    lapsed: Vec<ExternalId>,
}

impl Edges {
    /// Compares what the source has with what the directory has.
    pub fn of(
        work: &Work<'_>,
        held: &[ObjectType],
        group: &Group,
        (source, directory): (&Members, &Members),
        ends: &Ends,
        limits: Limits<'_>,
        totals: &mut Totals,
    ) -> Self {
        let id_of_group = group.external_id;
        let mut edges = Self::default();
        let is_kept = |id: ExternalId, member_type: ObjectType| {
            ends.get(member_type, id).is_some_and(|end| end.kept)
        };
        let wanted =
            |id: ExternalId, member_type: ObjectType| group.kept && is_kept(id, member_type);
        if group.directory_id.is_none() {
            let members = source.iter();
            let number = members.filter(|(id, kind)| is_kept(**id, **kind)).count();
            edges.created = i64::try_from(number).unwrap_or(i64::MAX);
            return edges;
        }
        for (id, member_type) in source {
            if !directory.contains_key(id) && wanted(*id, *member_type) {
                edges.difference.added.push(*id);
            }
        }
        for (id, member_type) in directory {
            let rejected = limits.rejections.keep_edge(id_of_group, *id);
            if source.contains_key(id) && wanted(*id, *member_type) {
                edges.lapsed.extend(rejected.then_some(*id));
                continue;
            }
            if limits.rejections.protects(*member_type, *id) || limits.protected.contains(id) {
                continue;
            }
            let member = (*id, *member_type, ends.get(*member_type, *id));
            match fate(work, held, group, member, limits) {
                None => {}
                // What was rejected is that it goes by itself.
                Some(Removal::Counts) if rejected => {}
                Some(Removal::Held) => edges.held_with.push(*id),
                Some(Removal::Counts)
                    if limits.hold || limits.rejections.waits(id_of_group, *id) =>
                {
                    edges.held.push(*id);
                }
                Some(Removal::Counts) => {
                    totals.counted += 1;
                    edges.difference.removed.push(*id);
                }
                Some(Removal::Follows) => edges.difference.removed.push(*id),
            }
        }
        edges
    }
}

/// What happens to an edge that isn't wanted any more; none: it stays, since an end of it stays
/// as it is, by policy or by decision.
fn fate(
    work: &Work<'_>,
    held: &[ObjectType],
    group: &Group,
    (id, member_type, member): (ExternalId, ObjectType, Option<&Member>),
    limits: Limits<'_>,
) -> Option<Removal> {
    let rejections = limits.rejections;
    let leaves = work.policy.out_of_scope != OutOfScope::Keep && work.policy.actions.disable;
    let end = |object_type: ObjectType,
               id: ExternalId,
               kept: bool,
               status: Option<DirectoryStatus>| match status {
        // After an empty answer nothing of it was looked at.
        Some(DirectoryStatus::Active) if limits.empty.contains(&object_type) => {
            (!rejections.keep(object_type, id)).then_some(End::Held)
        }
        _ if kept => Some(End::Stays),
        Some(DirectoryStatus::Active) if !leaves || rejections.keep(object_type, id) => None,
        Some(DirectoryStatus::Active) if held.contains(&object_type) => Some(End::Held),
        _ => Some(End::Goes),
    };
    let group = end(
        ObjectType::Group,
        group.external_id,
        group.kept,
        group.status,
    )?;
    let kept = member.is_some_and(|member| member.kept);
    let status = member.and_then(|member| member.status);
    let member = end(member_type, id, kept, status)?;
    Some(guard::removal(group, member))
}

fn changes(
    work: &Work<'_>,
    plan: &mut Plan,
    looked: Looked,
    ends: &Ends,
    limits: Limits<'_>,
    totals: &mut Totals,
) -> Result<Vec<Change>> {
    let none = Members::new();
    let mut changes = Vec::new();
    for group in looked.groups {
        let source = looked.source.get(&group.external_id).unwrap_or(&none);
        let directory = looked.directory.get(&group.external_id).unwrap_or(&none);
        let created = plan.new_groups.get(&group.external_id).copied();
        let Some(object_id) = group.directory_id.or(created) else {
            continue;
        };
        let both = (source, directory);
        let edges = Edges::of(work, &plan.held, &group, both, ends, limits, totals);
        let lapsed = edges.lapsed.iter().map(|id| (group.external_id, *id));
        plan.lapsed_edges.extend(lapsed);
        let (action, number, after) = if group.directory_id.is_none() {
            (Action::Create, edges.created, None)
        } else {
            let number = size(&edges.difference.added) + size(&edges.difference.removed);
            (Action::Update, number, Some(edges.difference.write()?))
        };
        totals.added += edges.created + size(&edges.difference.added);
        totals.removed += size(&edges.difference.removed);
        totals.held += size(&edges.held) + size(&edges.held_with);
        let mut push = |action, reason, status, edges, after| {
            changes.push(Change {
                error: None,
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
        for (reason, held) in [
            (Reason::GuardLimit, edges.held),
            (Reason::HeldWithObject, edges.held_with),
        ] {
            if !held.is_empty() {
                let number = size(&held);
                let held = Difference {
                    removed: held,
                    ..Difference::default()
                };
                push(
                    Action::Update,
                    Some(reason),
                    ChangeStatus::Held,
                    number,
                    Some(held.write()?),
                );
            }
        }
    }
    Ok(changes)
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
        if plan.changed_groups.contains(&group) {
            continue;
        }
        let all_seen = plan.all && !plan.empty.contains(&ObjectType::Group);
        if all_seen || plan.seen_groups.contains(&group) {
            count::touch(plan.line(ObjectType::Group));
        } else {
            count::change(plan.line(ObjectType::Group), Action::Update, 1);
        }
    }
    Ok(())
}
