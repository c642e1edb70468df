//! The third phase: the planner decides about every object that changed or is pending (all of them
//! after a full read or under another policy), and the plan is stored before it is applied.
//!
//! Planning that was cut short is begun again from the first object: it changes nothing but the
//! plan itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{
    id::ExternalId,
    policy::ObjectType,
    run::{Action, ChangeStatus, CountLine, LineStatus, Reason, RunMode, RunPhase},
};
use planner::{
    count,
    diff::{Outcome, takes_content},
};
use uuid::Uuid;

use super::{
    counts,
    difference::{self, Differing},
    flags::Flag,
    glance::Glances,
    holding, matching, member_planning, name_held,
    reading::Round,
    record::Work,
    rejections::Rejections,
    rows::{IDS_MAX, fetch_built, push_ids, run_built},
    stop::Stop,
    walk::{Decided, Marks, Row, Walk, Which},
};
use crate::{
    Result, Tx,
    db::insert_columns,
    execute, fetch_scalar,
    store::protected_rules::{self, end_countdowns, mark},
};

/// One row of the plan.
#[derive(Debug)]
pub(super) struct Change {
    pub object_type: ObjectType,
    pub external_id: ExternalId,
    pub object_id: Uuid,
    pub display_name: String,
    pub name_folded: String,
    pub action: Action,
    pub reason: Option<Reason>,
    pub status: ChangeStatus,
    pub edges: i64,
    pub before: Option<String>,
    pub after: Option<String>,
    /// What is wrong, where it fails before it is tried.
    pub error: Option<String>,
}

/// A plan on its way.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The counts so far.
    pub lines: BTreeMap<ObjectType, CountLine>,
    /// Whether every object is looked at.
    pub all: bool,
    /// Whether the members of every group are.
    pub all_groups: bool,
    /// The new directory ids of groups that are created.
    pub new_groups: HashMap<ExternalId, Uuid>,
    /// Groups in the directory that change themselves, or are filtered.
    pub changed_groups: HashSet<ExternalId>,
    /// Groups that were looked at, where not every object is.
    pub seen_groups: HashSet<ExternalId>,
    /// Objects whose memberships come or go with them, where not every group is looked at.
    pub turned: HashSet<ExternalId>,
    /// Of those, who leaves with memberships in the directory, by its ids. The source may have them
    /// in no group any more: a rejection kept them.
    pub leaving: Vec<Uuid>,
    /// Types whose disables and deletes are held.
    pub held: Vec<ObjectType>,
    /// Types of which the answer was empty: everything in use is held.
    pub empty: Vec<ObjectType>,
    /// Rejections that have nothing to say any more, of objects.
    pub lapsed: HashSet<(ObjectType, ExternalId)>,
    /// Of memberships: group and member.
    pub lapsed_edges: Vec<(ExternalId, ExternalId)>,
    position: i64,
}

impl Plan {
    /// The line of a type.
    pub fn line(&mut self, object_type: ObjectType) -> &mut CountLine {
        self.lines
            .entry(object_type)
            .or_insert_with(|| count::line(object_type))
    }

    /// Stores changes.
    pub async fn store(&mut self, tx: &mut Tx, work: &Work<'_>, changes: &[Change]) -> Result<()> {
        let run_id = work.run.id.0;
        let rows = (self.position + 1..).zip(changes).map(Ok);
        self.position += i64::try_from(changes.len()).unwrap_or(i64::MAX);
        insert_columns!(
            tx,
            "INSERT INTO run_change (run_id, position, object_type, external_id, object_id,
                display_name, name_folded, action, reason, status, edges, before_value,
                after_value, error)",
            rows,
            |row| {
                "uuid": run_id,
                "bigint": row.0,
                "text": row.1.object_type.as_str(),
                "uuid": row.1.external_id.0,
                "uuid": row.1.object_id,
                "text": row.1.display_name.as_str(),
                "text": row.1.name_folded.as_str(),
                "text": row.1.action.as_str(),
                "text": row.1.reason.map(Reason::as_str),
                "text": row.1.status.as_str(),
                "bigint": row.1.edges,
                "text": row.1.before.as_deref(),
                "text": row.1.after.as_deref(),
                "text": row.1.error.as_deref(),
            },
            ""
        )?;
        Ok(())
    }
}

/// Makes the plan, and goes on to applying it. A preview ends here.
pub(super) async fn plan(work: &mut Work<'_>) -> Result<(), Stop> {
    let mut tx = work.bulk().await?;
    execute!(
        &mut tx,
        "DELETE FROM run_change WHERE run_id = $1",
        work.run.id
    )?;
    execute!(
        &mut tx,
        "DELETE FROM run_count WHERE run_id = $1",
        work.run.id
    )?;
    counts::open(&mut tx, work.run.id, &work.policy, LineStatus::Running).await?;
    if work.run.one().is_none() {
        // What is taken back from here on is not in this plan, and waits for the next.
        execute!(
            &mut tx,
            "UPDATE source_object SET pending =
                    CASE WHEN pending = 'withdrawn' THEN 'planned' ELSE 'members' END
              WHERE integration_id = $1 AND pending IN ('withdrawn', 'withdrawn_members')",
            work.integration.id
        )?;
    }
    tx.commit().await?;

    let mut round = Round::of(work.run.round.as_deref());
    let planned_policy = super::planned_policy(&work.policy);
    round.planned_policy = Some(planned_policy.clone());
    work.run.round = serde_json::to_string(&round).ok();
    let replans = work.integration.planned_policy.as_deref() != Some(&*planned_policy);
    let mut plan = Plan {
        all: work.run.one().is_none() && (work.run.full_read || replans),
        // A complete round of what was known marked the groups whose members changed.
        all_groups: work.run.one().is_none() && (replans || (work.run.full_read && !round.noted)),
        ..Plan::default()
    };
    if plan.all && work.policy.protected.is_empty() && work.run.mode != RunMode::Preview {
        let mut tx = work.bulk().await?;
        protected_rules::unmark(&mut tx, work.integration.id).await?;
        tx.commit().await?;
    }
    for object_type in work.types.clone() {
        if work.policy.reads(object_type) {
            plan.line(object_type);
        }
        if work
            .run
            .one()
            .is_some_and(|one| one.object_type != object_type)
        {
            continue;
        }
        if round.empty.contains(&object_type) {
            plan.empty.push(object_type);
            holding::everything(work, &mut plan, object_type).await?;
        } else {
            objects(work, &mut plan, object_type).await?;
            holding::over_the_limit(work, &mut plan, object_type).await?;
        }
    }
    let rejections = Rejections::load(work, &plan, &round.empty).await?;
    member_planning::plan(work, &mut plan, &rejections).await?;
    if work.run.mode != RunMode::Preview {
        rejections.forget(work, &plan, &round.empty).await?;
    }
    finish(work, &mut plan).await
}

async fn objects(
    work: &mut Work<'_>,
    plan: &mut Plan,
    object_type: ObjectType,
) -> Result<(), Stop> {
    let which = match work.run.one() {
        Some(_) => Which::One,
        None if plan.all => Which::All,
        None => Which::Changed,
    };
    let mut walk = Walk::new(work, object_type, which).await?;
    // The first run finds nothing in the directory.
    if which == Which::All
        && work.integration.first_full_done
        && let Some(mut glances) = Glances::of(work, &walk, object_type)
    {
        return glance(work, plan, object_type, &mut glances, &walk).await;
    }
    loop {
        let rows = walk.next(work).await?;
        if rows.is_empty() {
            return Ok(());
        }
        batch(work, plan, object_type, rows, &walk).await?;
        work.checkpoint().await?;
    }
}

/// Plans what a glance at everything finds something to do about.
async fn glance(
    work: &mut Work<'_>,
    plan: &mut Plan,
    object_type: ObjectType,
    glances: &mut Glances,
    walk: &Walk,
) -> Result<(), Stop> {
    loop {
        let objects = glances.next(work).await?;
        if objects.is_empty() {
            return Ok(());
        }
        let mut ids = Vec::new();
        for (id, stays) in objects {
            if stays {
                count::tally(plan.line(object_type), Outcome::Unchanged);
            } else {
                ids.push(id.0);
            }
        }
        for ids in ids.chunks(IDS_MAX) {
            let rows = walk.these(work, ids).await?;
            batch(work, plan, object_type, rows, walk).await?;
        }
        work.checkpoint().await?;
    }
}

async fn batch(
    work: &mut Work<'_>,
    plan: &mut Plan,
    object_type: ObjectType,
    rows: Vec<Row>,
    walk: &Walk,
) -> Result<(), Stop> {
    let now = walk.now;
    let marks = Marks::of(&rows);
    let mut changes = Vec::new();
    let mut differing = Vec::new();
    let mut kept: [Vec<Uuid>; 2] = [Vec::new(), Vec::new()];
    let mut queue = matching::Turns::default();
    for row in rows {
        let (known, hash) = (row.known(), row.hash());
        let Decided {
            outcome,
            keeps,
            lapses,
        } = row.decide(&work.policy, object_type, now);
        count::tally(plan.line(object_type), outcome);
        walk.matches.note(&mut queue, row.external_id, outcome);
        if lapses {
            plan.lapsed.insert((object_type, row.external_id));
        }
        let turns = keeps != row.is(Flag::Kept);
        if turns {
            kept[usize::from(keeps)].push(row.external_id.0);
        }
        // Somebody who stayed by a rejection and leaves now had no memberships shown, and has them.
        let leaves_late = walk.rejections() && leaves(outcome);
        if !plan.all_groups && (turns || row.is(Flag::Turned) || creates(outcome) || leaves_late) {
            plan.turned.insert(row.external_id);
            plan.leaving.extend(row.directory_id.filter(|_| !keeps));
        }
        if object_type == ObjectType::Group {
            note_group(plan, &row, outcome);
        }
        if let Outcome::Change(step) = outcome {
            let differs = known.is_some_and(|known| known.hash != hash);
            if let Some(known) = known {
                differing.push(Differing {
                    at: changes.len(),
                    external_id: row.external_id,
                    known,
                    step,
                    content: differs && takes_content(work.policy.actions, step),
                });
            }
        }
        if let Some(change) = change(work, plan, object_type, row, outcome) {
            changes.push(change);
        }
    }
    difference::fill(work, object_type, &differing, now, &mut changes).await?;
    matching::fill(work, &mut changes).await?;
    fill_errors(work, object_type, &mut changes).await?;
    name_held::fill(work, &walk.names, &mut changes).await?;
    let mut tx = work.bulk().await?;
    plan.store(&mut tx, work, &changes).await?;
    for (keeps, ids) in [false, true].into_iter().zip(&kept) {
        mark_kept(&mut tx, work, object_type, ids, keeps).await?;
    }
    if work.run.mode != RunMode::Preview {
        note_protected(&mut tx, work, &marks).await?;
        queue.write(&mut tx, work).await?;
    }
    work.run.planned += i64::try_from(changes.len()).unwrap_or(0);
    tx.commit().await?;
    Ok(())
}

/// Keeps the marks of whom rules protect, and ends their countdowns. A preview changes nobody's.
async fn note_protected(tx: &mut Tx, work: &Work<'_>, marks: &Marks) -> Result<()> {
    let integration = work.integration.id;
    for (protected, ids) in [false, true].into_iter().zip(&marks.turned) {
        mark(tx, integration, ids, protected).await?;
    }
    end_countdowns(tx, integration, &marks.counting).await
}

const fn creates(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Change(step)
        if matches!(step.action, Action::Create | Action::Match))
}

const fn leaves(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Change(step)
        if matches!(step.action, Action::Disable | Action::Delete))
}

fn note_group(plan: &mut Plan, row: &Row, outcome: Outcome) {
    if !plan.all {
        plan.seen_groups.insert(row.external_id);
    }
    if outcome != Outcome::Unchanged && row.directory_id.is_some() {
        plan.changed_groups.insert(row.external_id);
    }
}

fn change(
    work: &Work<'_>,
    plan: &mut Plan,
    object_type: ObjectType,
    row: Row,
    outcome: Outcome,
) -> Option<Change> {
    let (action, reason, status) = match outcome {
        Outcome::Absent | Outcome::Unchanged => return None,
        Outcome::Filtered(reason) => (Action::Filter, Some(reason), ChangeStatus::Filtered),
        Outcome::Failed(reason) => {
            let action = match row.directory_id {
                Some(_) => Action::Update,
                None => Action::Create,
            };
            (action, Some(reason), ChangeStatus::Failed)
        }
        Outcome::Change(step) => (step.action, step.reason, ChangeStatus::Planned),
    };
    let same = row.matched.same.filter(|_| action == Action::Match);
    let object_id = row.directory_id.or(same);
    let object_id = object_id.unwrap_or_else(|| work.b().ids.uuid());
    if object_type == ObjectType::Group
        && action == Action::Create
        && status == ChangeStatus::Planned
    {
        plan.new_groups.insert(row.external_id, object_id);
    }
    Some(Change {
        object_type,
        external_id: row.external_id,
        object_id,
        display_name: row.display_name,
        name_folded: row.name_folded,
        action,
        reason,
        status,
        edges: 0,
        before: None,
        after: None,
        error: row.filter_error,
    })
}

/// Puts what is wrong to those whom a mapping rule fails for.
async fn fill_errors(
    work: &Work<'_>,
    object_type: ObjectType,
    changes: &mut [Change],
) -> Result<()> {
    let unmapped = |change: &Change| change.reason == Some(Reason::MappingFailed);
    let ids: Vec<Uuid> = changes
        .iter()
        .filter(|change| unmapped(change))
        .map(|change| change.external_id.0)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut errors: HashMap<Uuid, String> = HashMap::new();
    let mut tx = work.b().db.read().await?;
    for ids in ids.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut tx, (Uuid, Option<String>), |query| {
            query.push(
                "SELECT external_id, mapping_error FROM source_object WHERE integration_id = ",
            );
            query.push_bind(work.integration.id);
            query.push(" AND object_type = ").push_bind(object_type);
            query.push(" AND external_id");
            push_ids!(query, ids);
        })?;
        errors.extend(
            rows.into_iter()
                .filter_map(|(id, error)| Some((id, error?))),
        );
    }
    for change in changes.iter_mut().filter(|change| unmapped(change)) {
        change.error = errors.remove(&change.external_id.0);
    }
    Ok(())
}

/// Marks whose memberships are shown from now on. Noted as pending too, so that planning which is
/// begun again still knows who turned.
pub(super) async fn mark_kept(
    tx: &mut Tx,
    work: &Work<'_>,
    object_type: ObjectType,
    ids: &[Uuid],
    keeps: bool,
) -> Result<()> {
    for ids in ids.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query
                .push("UPDATE source_object SET kept = ")
                .push_bind(keeps);
            query
                .push(", pending = COALESCE(pending, 'members') WHERE integration_id = ")
                .push_bind(work.integration.id);
            query.push(" AND object_type = ").push_bind(object_type);
            query.push(" AND external_id");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

/// Stores the counts. What was decided stands from here on, whoever applies it.
async fn finish(work: &mut Work<'_>, plan: &mut Plan) -> Result<(), Stop> {
    let mut tx = work.bulk().await?;
    let run_id = work.run.id;
    // A type that isn't read, and of which nothing leaves, has no line.
    let told = |line: &&CountLine| {
        line.total > 0
            || line.object_type == ObjectType::Membership
            || work.policy.reads(line.object_type)
    };
    for line in plan.lines.values().filter(told) {
        counts::insert(&mut tx, run_id, line).await?;
    }
    work.run.planned = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM run_change WHERE run_id = $1 AND status = 'planned'",
        run_id
    )?;
    let next = if work.run.mode == RunMode::Preview {
        RunPhase::Done
    } else {
        RunPhase::Applying
    };
    work.enter(&mut tx, next).await?;
    tx.commit().await?;
    Ok(())
}
