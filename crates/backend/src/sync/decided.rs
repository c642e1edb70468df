//! A held run whose every held type was decided goes on from here (sync.md rule 8): what was
//! rejected is remembered, what was approved is looked at again, and of that what still holds is
//! applied. The guard isn't asked again, and isn't switched off.
//!
//! Cut short, it is done again: only rows that are still `held` are looked at.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{
    decision::Decision,
    id::ExternalId,
    policy::ObjectType,
    run::{Action, ChangeStatus, CountLine, LineStatus, Reason, RunPhase, RunStatus},
};
use planner::diff::Outcome;
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    counts, decide, ending,
    ends::Ends,
    failures,
    flags::Flag,
    member_planning::{Edges, Limits, Looked, Totals},
    members::{Difference, Members},
    planning::{Plan, mark_kept},
    record::Work,
    rejections::{NO_MEMBER, Rejections},
    rows::{IDS_MAX, push_ids, run_built},
    stop::Stop,
    walk::{Decided, Walk, Which},
};
use crate::{Result, Tx, execute, fetch_all, insert_many};

/// What an approved change says that isn't so any more.
const OVERTAKEN: &str = "It was so when the run planned it, and isn’t any more.";

/// Decides about every held change of the run, and goes on to applying.
pub(super) async fn settle(work: &mut Work<'_>) -> Result<(), Stop> {
    let decisions = decisions(work).await?;
    work.run.planned_at = Some(work.b().clock.now());
    for (object_type, decision) in &decisions {
        match (object_type, decision) {
            (ObjectType::Membership, _) => {}
            (_, Decision::Rejected) => reject(work, *object_type).await?,
            (_, Decision::Approved) => approve(work, *object_type).await?,
        }
    }
    memberships(work, &decisions).await?;
    let mut tx = work.b().db.write().await?;
    work.enter(&mut tx, RunPhase::Applying).await?;
    tx.commit().await?;
    Ok(())
}

async fn decisions(work: &Work<'_>) -> Result<BTreeMap<ObjectType, Decision>> {
    let mut tx = work.b().db.read().await?;
    let decisions = decide::decisions(&mut tx, work.run.id).await?;
    Ok(decisions
        .into_iter()
        .map(|decision| (decision.object_type, decision.decision))
        .collect())
}

/// Remembers what stays as it is, with what the source says of it now. After an empty answer it
/// says nothing.
async fn reject(work: &mut Work<'_>, object_type: ObjectType) -> Result<(), Stop> {
    let mut tx = work.bulk().await?;
    execute!(
        &mut tx,
        "INSERT INTO kept_by_decision (integration_id, object_type, external_id,
            member_external_id, action, reason, presence, hash, run_id)
         SELECT $2, c.object_type, c.external_id, $4, c.action, c.reason, s.presence, s.hash, $1
           FROM run_change c
           LEFT JOIN source_object s ON s.integration_id = $2 AND s.object_type = c.object_type
                AND s.external_id = c.external_id AND c.reason <> 'empty_answer'
          WHERE c.run_id = $1 AND c.object_type = $3 AND c.status = 'held'
         ON CONFLICT (integration_id, object_type, external_id, member_external_id)
         DO UPDATE SET action = excluded.action, reason = excluded.reason,
            presence = excluded.presence, hash = excluded.hash, run_id = excluded.run_id",
        work.run.id,
        work.integration.id,
        object_type,
        NO_MEMBER
    )?;
    execute!(
        &mut tx,
        "UPDATE run_change SET status = 'rejected'
          WHERE run_id = $1 AND object_type = $2 AND status = 'held'",
        work.run.id,
        object_type
    )?;
    tx.commit().await?;
    work.checkpoint().await
}

/// Looks at approved changes again: those that still hold are planned.
async fn approve(work: &mut Work<'_>, object_type: ObjectType) -> Result<(), Stop> {
    believe_the_empty_answer(work, object_type).await?;
    let mut walk = Walk::new(work, object_type, Which::Held).await?;
    loop {
        let rows = walk.next(work).await?;
        if rows.is_empty() {
            break;
        }
        let (mut kept, mut overtaken) = ([Vec::new(), Vec::new()], Vec::new());
        let mut planned: HashMap<Option<Reason>, Vec<i64>> = HashMap::new();
        for row in &rows {
            let Decided { outcome, keeps, .. } = row.decide(&work.policy, object_type, walk.now);
            match outcome {
                Outcome::Change(step) if Some(step.action) == row.held_action => {
                    let of_reason = planned.entry(step.reason).or_default();
                    of_reason.extend(row.held_position);
                }
                _ => overtaken.extend(row.held_position),
            }
            if keeps != row.is(Flag::Kept) {
                kept[usize::from(keeps)].push(row.external_id.0);
            }
        }
        let mut tx = work.bulk().await?;
        for (reason, positions) in planned {
            set(&mut tx, work, &positions, Found::Holds(reason)).await?;
        }
        set(&mut tx, work, &overtaken, Found::Overtaken).await?;
        for (keeps, ids) in [false, true].into_iter().zip(&kept) {
            mark_kept(&mut tx, work, object_type, ids, keeps).await?;
        }
        tx.commit().await?;
        work.checkpoint().await?;
    }
    // Objects that the source has no row of any more.
    let mut tx = work.bulk().await?;
    execute!(
        &mut tx,
        "UPDATE run_change SET status = 'overtaken', error = $3
          WHERE run_id = $1 AND object_type = $2 AND status = 'held'",
        work.run.id,
        object_type,
        OVERTAKEN
    )?;
    tx.commit().await?;
    Ok(())
}

/// After an empty answer nothing was merged. Approved, it is believed: they are gone.
async fn believe_the_empty_answer(
    work: &mut Work<'_>,
    object_type: ObjectType,
) -> Result<(), Stop> {
    let mut tx = work.bulk().await?;
    execute!(
        &mut tx,
        "UPDATE source_object SET presence = 'gone' FROM run_change c
          WHERE c.run_id = $1 AND c.object_type = $2 AND c.status = 'held'
            AND c.reason = 'empty_answer' AND source_object.integration_id = $3
            AND source_object.object_type = $2
            AND source_object.external_id = c.external_id",
        work.run.id,
        object_type,
        work.integration.id
    )?;
    tx.commit().await?;
    Ok(())
}

/// What was found about a held change.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// It is approved and still holds, for this reason.
    Holds(Option<Reason>),
    /// It is approved and isn't so any more.
    Overtaken,
    /// It is rejected.
    Rejected,
}

async fn set(tx: &mut Tx, work: &Work<'_>, positions: &[i64], found: Found) -> Result<()> {
    let (status, error) = match found {
        Found::Holds(_) => (ChangeStatus::Planned, None),
        Found::Overtaken => (ChangeStatus::Overtaken, Some(OVERTAKEN)),
        Found::Rejected => (ChangeStatus::Rejected, None),
    };
    for positions in positions.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query
                .push("UPDATE run_change SET status = ")
                .push_bind(status);
            query.push(", error = ").push_bind(error);
            if let Found::Holds(reason) = found {
                query.push(", reason = ").push_bind(reason);
            }
            query.push(" WHERE run_id = ").push_bind(work.run.id);
            query.push(" AND position");
            push_ids!(query, positions);
        })?;
    }
    Ok(())
}

#[derive(FromRow)]
struct HeldEdges {
    position: i64,
    external_id: ExternalId,
    reason: Option<Reason>,
    after_value: Option<String>,
}

/// Groups looked at together.
const GROUPS: i64 = 100;

/// Decides about held memberships: those that wait with their user or group follow it, those that
/// were over the guard's limit follow the decision about memberships.
async fn memberships(
    work: &mut Work<'_>,
    decisions: &BTreeMap<ObjectType, Decision>,
) -> Result<(), Stop> {
    let approved = decisions.get(&ObjectType::Membership) == Some(&Decision::Approved);
    let any_rejected = decisions.values().any(|made| *made == Decision::Rejected);
    // No answer came in between that could say something else.
    let types = ObjectType::OBJECTS;
    let rejections = Rejections::load(work, &Plan::default(), &types).await?;
    let mut ends = Ends::default();
    loop {
        let mut tx = work.bulk().await?;
        let held = fetch_all!(
            &mut tx,
            HeldEdges,
            "SELECT position, external_id, reason, after_value FROM run_change
              WHERE run_id = $1 AND object_type = 'membership' AND status = 'held'
              ORDER BY position LIMIT $2",
            work.run.id,
            GROUPS
        )?;
        if held.is_empty() {
            return Ok(());
        }
        let removable = removable(&mut tx, work, &held, &mut ends, &rejections).await?;
        for change in &held {
            let mut held = Difference::read(change.after_value.as_deref().unwrap_or_default())?;
            let by_itself = change.reason == Some(Reason::GuardLimit);
            if by_itself && !approved {
                keep_edges(&mut tx, work, change, &held.removed).await?;
                continue;
            }
            let none = HashSet::new();
            let may_go = removable.get(&change.external_id).unwrap_or(&none);
            held.removed.retain(|member| may_go.contains(member));
            if held.removed.is_empty() {
                // It stays with somebody who stays, or it isn't so any more.
                let found = if !by_itself && any_rejected {
                    Found::Rejected
                } else {
                    Found::Overtaken
                };
                set(&mut tx, work, &[change.position], found).await?;
            } else {
                plan_removals(&mut tx, work, change, &held).await?;
            }
        }
        tx.commit().await?;
        work.checkpoint().await?;
    }
}

/// The members that would leave these groups if planned now.
async fn removable(
    tx: &mut Tx,
    work: &Work<'_>,
    held: &[HeldEdges],
    ends: &mut Ends,
    rejections: &Rejections,
) -> Result<HashMap<ExternalId, HashSet<ExternalId>>> {
    let ids: Vec<Uuid> = held.iter().map(|change| change.external_id.0).collect();
    let none = Members::new();
    let looked = Looked::at(tx, work, &ids, ends).await?;
    let limits = Limits {
        rejections,
        hold: false,
        empty: &[],
        protected: &looked.protected,
    };
    let mut all = HashMap::new();
    for group in &looked.groups {
        let source = looked.source.get(&group.external_id).unwrap_or(&none);
        let directory = looked.directory.get(&group.external_id).unwrap_or(&none);
        let mut totals = Totals::default();
        let both = (source, directory);
        let edges = Edges::of(work, &[], group, both, ends, limits, &mut totals);
        all.insert(
            group.external_id,
            edges.difference.removed.into_iter().collect(),
        );
    }
    Ok(all)
}

/// Remembers memberships that stay.
async fn keep_edges(
    tx: &mut Tx,
    work: &Work<'_>,
    change: &HeldEdges,
    members: &[ExternalId],
) -> Result<()> {
    let (integration, run_id) = (work.integration.id, work.run.id);
    insert_many!(
        tx,
        "INSERT INTO kept_by_decision (integration_id, object_type, external_id,
            member_external_id, action, run_id)",
        columns: 6, rows_max: 1000, members,
        |bind, member| {
            bind.push_bind(integration)
                .push_bind(ObjectType::Membership)
                .push_bind(change.external_id)
                .push_bind(*member)
                .push_bind(Action::Delete)
                .push_bind(run_id);
        },
        "ON CONFLICT (integration_id, object_type, external_id, member_external_id) DO NOTHING"
    )?;
    set(tx, work, &[change.position], Found::Rejected).await
}

/// Plans what of a held removal still holds.
async fn plan_removals(
    tx: &mut Tx,
    work: &Work<'_>,
    change: &HeldEdges,
    still: &Difference,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE run_change SET status = 'planned', edges = $3, after_value = $4
          WHERE run_id = $1 AND position = $2",
        work.run.id,
        change.position,
        i64::try_from(still.removed.len()).unwrap_or(i64::MAX),
        still.write()?
    )?;
    Ok(())
}

/// What became of one type's held changes.
#[derive(Debug, Default)]
struct Became {
    applied: BTreeMap<Action, i64>,
    blocked: i64,
    failed: i64,
    /// Rejected, or not reached.
    stay: i64,
}

/// Ends a decided run.
pub(super) async fn complete(work: &mut Work<'_>) -> Result<()> {
    let mut tx = work.b().db.write().await?;
    let mut lines = counts::load(&mut tx, work.run.id).await?;
    count(&mut tx, work, &mut lines).await?;
    for line in &mut lines {
        if line.status == LineStatus::Held {
            // Memberships that waited with their users and groups.
            line.status = if line.held == 0 {
                LineStatus::Approved
            } else {
                LineStatus::Rejected
            };
        }
        counts::insert(&mut tx, work.run.id, line).await?;
    }
    if lines.iter().any(|line| line.failed > 0) {
        let words = failures::words(&mut tx, work.run.id, &lines).await?;
        return ending::decided(work, tx, RunStatus::Partial, Some(&words)).await;
    }
    ending::decided(work, tx, RunStatus::Succeeded, None).await
}

/// Moves held changes to where they came out. What is rejected, or was not reached, stays held.
pub(super) async fn count(tx: &mut Tx, work: &Work<'_>, lines: &mut [CountLine]) -> Result<()> {
    for line in lines.iter_mut().filter(|line| line.held > 0) {
        let became = became(tx, work, line.object_type).await?;
        let gone: i64 = became.applied.values().sum();
        line.disabled += became.applied.get(&Action::Disable).unwrap_or(&0);
        line.deleted += became.applied.get(&Action::Delete).unwrap_or(&0);
        line.blocked += became.blocked;
        line.failed += became.failed;
        line.unchanged += line.held - gone - became.failed - became.stay;
        line.held = became.stay;
    }
    Ok(())
}

/// Of memberships, edges are counted; of others, objects.
async fn became(tx: &mut Tx, work: &Work<'_>, object_type: ObjectType) -> Result<Became> {
    let rows = fetch_all!(
        tx,
        (ChangeStatus, Action, Option<Reason>, i64, i64),
        "SELECT status, action, reason, COUNT(*), CAST(SUM(edges) AS BIGINT) FROM run_change
          WHERE run_id = $1 AND object_type = $2
            AND (action IN ('disable', 'delete')
                 OR reason IN ('guard_limit', 'held_with_object'))
          GROUP BY status, action, reason",
        work.run.id,
        object_type
    )?;
    let mut became = Became::default();
    for (status, action, reason, objects, edges) in rows {
        let (action, number) = match object_type {
            ObjectType::Membership => (Action::Delete, edges),
            _ => (action, objects),
        };
        match status {
            ChangeStatus::Applied => {
                *became.applied.entry(action).or_default() += number;
                if action == Action::Disable && reason == Some(Reason::SignInBlocked) {
                    became.blocked += number;
                }
            }
            ChangeStatus::Failed => became.failed += number,
            ChangeStatus::Rejected | ChangeStatus::Held => became.stay += number,
            _ => {}
        }
    }
    Ok(became)
}
