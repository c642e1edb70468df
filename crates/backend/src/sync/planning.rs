//! The third phase: the planner decides about every object that changed or is pending (all of them
//! after a full read or under another policy), and the plan is stored before it is applied.
//!
//! Planning that was cut short is begun again from the first object: it changes nothing but the
//! plan itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{
    DateTime,
    group::GroupKind,
    id::ExternalId,
    policy::ObjectType,
    run::{Action, ChangeStatus, CountLine, LineStatus, Reason, RunMode, RunPhase},
    user::DirectoryStatus,
};
use planner::{
    count,
    derive::{Facts, derive},
    diff::{Known, Outcome, diff, keeps_members, takes_content},
    hash,
    read::Presence,
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    counts,
    difference::{self, Differing},
    holding, member_planning,
    merging::FIRST,
    reading::Round,
    record::Work,
    rows::{IDS_MAX, push_ids, run_built},
    stop::Stop,
};
use crate::{Result, Tx, execute, fetch_all, fetch_scalar, insert_many};

/// Objects looked at together.
pub(super) const BATCH: i64 = 1_000;

/// Whether a group is selected. Stands beside `source_object`.
const IS_SELECTED: &str = "EXISTS (
    SELECT 1 FROM integration_group ig
     WHERE ig.integration_id = source_object.integration_id
       AND ig.external_id = source_object.external_id)";

/// Whether an active user of an older integration of the customer has the user name. Ids sort by
/// age.
const NAME_TAKEN: &str = "EXISTS (
    SELECT 1 FROM directory_user o
     WHERE o.customer_id = $4 AND o.user_name_folded = source_object.user_name_folded
       AND o.status = 'active' AND o.integration_id < $1)";

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
}

/// A plan on its way.
#[derive(Debug)]
pub(super) struct Plan {
    /// The counts so far.
    pub lines: BTreeMap<ObjectType, CountLine>,
    /// Whether every object is looked at.
    pub all: bool,
    /// The new directory ids of groups that are created.
    pub new_groups: HashMap<ExternalId, Uuid>,
    /// Groups that were looked at and have nothing to do of their own.
    pub unchanged_groups: HashSet<ExternalId>,
    /// Groups that were looked at.
    pub seen_groups: HashSet<ExternalId>,
    /// Objects whose memberships come or go with them, where not every group is looked at.
    pub turned: HashSet<ExternalId>,
    /// Types whose disables and deletes are held.
    pub held: Vec<ObjectType>,
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
        let run_id = work.run.id;
        let rows: Vec<(i64, &Change)> = (self.position + 1..).zip(changes).collect();
        self.position += i64::try_from(changes.len()).unwrap_or(i64::MAX);
        insert_many!(
            tx,
            "INSERT INTO run_change (run_id, position, object_type, external_id, object_id,
                display_name, name_folded, action, reason, status, edges, before_value,
                after_value)",
            columns: 13, rows_max: 1000, rows,
            |bind, row| {
                let change = row.1;
                bind.push_bind(run_id)
                    .push_bind(row.0)
                    .push_bind(change.object_type)
                    .push_bind(change.external_id)
                    .push_bind(change.object_id)
                    .push_bind(change.display_name.as_str())
                    .push_bind(change.name_folded.as_str())
                    .push_bind(change.action)
                    .push_bind(change.reason)
                    .push_bind(change.status)
                    .push_bind(change.edges)
                    .push_bind(change.before.as_deref())
                    .push_bind(change.after.as_deref());
            },
            ""
        )?;
        Ok(())
    }
}

/// Makes the plan, and goes on to applying it. A preview ends here.
pub(super) async fn plan(work: &mut Work<'_>) -> Result<(), Stop> {
    let mut tx = work.b().db.write_bulk().await?;
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
    work.write(&mut tx).await?;
    tx.commit().await?;

    let round = Round::of(work.run.round.as_deref());
    let planned_policy = super::planned_policy(&work.policy);
    let mut plan = Plan {
        lines: BTreeMap::new(),
        all: work.run.full_read
            || work.integration.planned_policy.as_deref() != Some(&*planned_policy),
        new_groups: HashMap::new(),
        unchanged_groups: HashSet::new(),
        seen_groups: HashSet::new(),
        turned: HashSet::new(),
        held: Vec::new(),
        position: 0,
    };
    for object_type in [ObjectType::User, ObjectType::Group] {
        if work.policy.reads(object_type) {
            plan.line(object_type);
        }
        if round.empty.contains(&object_type) {
            holding::everything(work, &mut plan, object_type).await?;
        } else {
            objects(work, &mut plan, object_type).await?;
            holding::over_the_limit(work, &mut plan, object_type).await?;
        }
    }
    member_planning::plan(work, &mut plan).await?;
    finish(work, &mut plan).await
}

#[derive(Debug, FromRow)]
struct Row {
    external_id: ExternalId,
    presence: String,
    display_name: String,
    name_folded: String,
    flags: i64,
    group_kind: Option<GroupKind>,
    hash: Vec<u8>,
    directory_id: Option<Uuid>,
    status: Option<DirectoryStatus>,
    status_reason: Option<Reason>,
    delete_at: Option<DateTime>,
    known_hash: Option<Vec<u8>>,
}

/// What is true of an object, a bit each in [`Row::flags`]: on SQLite a column takes as long to
/// hand over as all of them in one.
#[derive(Debug, Clone, Copy)]
enum Flag {
    GivenName,
    Surname,
    SignInBlocked,
    Guest,
    Kept,
    /// Its memberships were shown until now, or are only from now on.
    Turned,
    InScope,
    NameTaken,
}

impl Flag {
    /// All of them, with the condition of each in SQL.
    fn conditions<'a>(in_scope: &'a str, name_taken: &'a str) -> [(Self, &'a str); 8] {
        [
            (Self::GivenName, "source_object.given_name IS NOT NULL"),
            (Self::Surname, "source_object.surname IS NOT NULL"),
            (Self::SignInBlocked, "source_object.sign_in_blocked"),
            (Self::Guest, "source_object.guest"),
            (Self::Kept, "source_object.kept"),
            (Self::Turned, "source_object.pending = 'members'"),
            (Self::InScope, in_scope),
            (Self::NameTaken, name_taken),
        ]
    }

    const fn bit(self) -> i64 {
        1 << self as u8
    }
}

impl Row {
    const fn is(&self, flag: Flag) -> bool {
        self.flags & flag.bit() != 0
    }

    fn facts(&self, object_type: ObjectType) -> Facts {
        Facts {
            object_type,
            presence: Presence::parse(&self.presence).unwrap_or(Presence::Gone),
            in_scope: self.is(Flag::InScope),
            has_given_name: self.is(Flag::GivenName),
            has_surname: self.is(Flag::Surname),
            sign_in_blocked: self.is(Flag::SignInBlocked),
            guest: self.is(Flag::Guest),
            name_taken: self.is(Flag::NameTaken),
            group_kind: self.group_kind,
        }
    }

    fn known(&self) -> Option<Known> {
        Some(Known {
            status: self.status?,
            reason: self.status_reason,
            delete_at: self.delete_at,
            hash: hash_of(self.known_hash.as_deref().unwrap_or_default()),
        })
    }
}

fn hash_of(bytes: &[u8]) -> [u8; hash::LENGTH] {
    bytes.try_into().unwrap_or([0; hash::LENGTH])
}

/// The query that walks the objects to look at, in the order of their ids.
fn walk(work: &Work<'_>, object_type: ObjectType, all: bool, older: bool) -> String {
    let scope = match (work.is_selected(), object_type) {
        (false, _) => "TRUE",
        (true, ObjectType::User) => "source_object.in_scope",
        (true, _) => IS_SELECTED,
    };
    let taken = if older && object_type == ObjectType::User {
        NAME_TAKEN
    } else {
        "$4 <> $4"
    };
    let flags: Vec<String> = Flag::conditions(scope, taken)
        .iter()
        .map(|(flag, sql)| format!("CASE WHEN {sql} THEN {} ELSE 0 END", flag.bit()))
        .collect();
    let flags = flags.join(" + ");
    let from = if all {
        "source_object".to_owned()
    } else {
        format!(
            "(SELECT external_id FROM run_staging
               WHERE run_id = $5 AND object_type = $2 AND external_id > $3
              UNION SELECT external_id FROM source_object
               WHERE integration_id = $1 AND object_type = $2 AND external_id > $3
                 AND pending IS NOT NULL
              UNION SELECT external_id FROM directory_{object_type}
               WHERE integration_id = $1 AND external_id > $3
                 AND delete_at IS NOT NULL AND delete_at <= $6) AS w
              JOIN source_object ON source_object.external_id = w.external_id"
        )
    };
    // A walk over everything has no use for the run and the time, but takes the same parameters.
    let same = if all { "AND $5 = $5 AND $6 = $6" } else { "" };
    format!(
        "SELECT source_object.external_id, source_object.presence, source_object.display_name,
                source_object.name_folded, CAST({flags} AS BIGINT) AS flags,
                source_object.group_kind, source_object.hash, d.id AS directory_id, d.status,
                d.status_reason, d.delete_at, d.hash AS known_hash
           FROM {from}
           LEFT JOIN directory_{object_type} d
             ON d.integration_id = $1 AND d.external_id = source_object.external_id
          WHERE source_object.integration_id = $1 AND source_object.object_type = $2
            AND source_object.external_id > $3 {same}
          ORDER BY source_object.external_id LIMIT {BATCH}"
    )
}

async fn objects(
    work: &mut Work<'_>,
    plan: &mut Plan,
    object_type: ObjectType,
) -> Result<(), Stop> {
    let sql = walk(work, object_type, plan.all, has_older(work).await?);
    let now = work.run.planned_at.unwrap_or(work.started_at);
    let mut after = FIRST;
    loop {
        let mut tx = work.b().db.read().await?;
        let rows = fetch_all!(
            &mut tx,
            Row,
            sqlx::AssertSqlSafe(sql.as_str()),
            work.integration.id,
            object_type,
            after,
            work.integration.customer_id,
            work.run.id,
            now
        )?;
        drop(tx);
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.external_id;
        let full = rows.len() == usize::try_from(BATCH).unwrap_or(0);
        batch(work, plan, object_type, rows, now).await?;
        work.checkpoint().await?;
        if !full {
            return Ok(());
        }
    }
}

/// Whether the customer has an older integration, whose user names come first.
async fn has_older(work: &Work<'_>) -> Result<bool> {
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

async fn batch(
    work: &mut Work<'_>,
    plan: &mut Plan,
    object_type: ObjectType,
    rows: Vec<Row>,
    now: DateTime,
) -> Result<(), Stop> {
    let mut changes = Vec::new();
    let mut differing = Vec::new();
    let mut kept: [Vec<Uuid>; 2] = [Vec::new(), Vec::new()];
    for row in rows {
        let known = row.known();
        let derived = derive(&work.policy, &row.facts(object_type));
        let hash = hash_of(&row.hash);
        let outcome = diff(&work.policy, known.as_ref(), derived, &hash, now);
        count::tally(plan.line(object_type), outcome);
        let keeps = keeps_members(work.policy.actions, derived, known.as_ref());
        let turns = keeps != row.is(Flag::Kept);
        if turns {
            kept[usize::from(keeps)].push(row.external_id.0);
        }
        if !plan.all && (turns || row.is(Flag::Turned) || creates(outcome)) {
            plan.turned.insert(row.external_id);
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
    let mut tx = work.b().db.write_bulk().await?;
    plan.store(&mut tx, work, &changes).await?;
    for (keeps, ids) in [false, true].into_iter().zip(&kept) {
        mark_kept(&mut tx, work, object_type, ids, keeps).await?;
    }
    work.run.planned += i64::try_from(changes.len()).unwrap_or(0);
    tx.commit().await?;
    Ok(())
}

const fn creates(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Change(step) if matches!(step.action, Action::Create))
}

fn note_group(plan: &mut Plan, row: &Row, outcome: Outcome) {
    plan.seen_groups.insert(row.external_id);
    if outcome == Outcome::Unchanged {
        plan.unchanged_groups.insert(row.external_id);
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
        Outcome::Change(step) => (step.action, step.reason, ChangeStatus::Planned),
    };
    let object_id = row.directory_id.unwrap_or_else(|| work.b().ids.uuid());
    if object_type == ObjectType::Group && action == Action::Create {
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
    })
}

/// Marks whose memberships are shown from now on. Noted as pending too, so that planning which is
/// begun again still knows who turned.
async fn mark_kept(
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
            query.push(" AND external_id IN ");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

/// Stores the counts. What was decided stands from here on, whoever applies it.
async fn finish(work: &mut Work<'_>, plan: &mut Plan) -> Result<(), Stop> {
    let mut tx = work.b().db.write_bulk().await?;
    let run_id = work.run.id;
    for line in plan.lines.values() {
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
