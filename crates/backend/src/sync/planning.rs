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
    policy::{ObjectType, Policy},
    run::{Action, ChangeStatus, CountLine, LineStatus, Reason, RunMode, RunPhase},
    user::DirectoryStatus,
};
use planner::{
    count,
    decision::{self, Rejected},
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
    rejections::Rejections,
    rows::{IDS_MAX, push_ids, run_built},
    stop::Stop,
};
use crate::{Result, Tx, execute, fetch_all, fetch_scalar, insert_many};

/// Objects looked at together.
pub(super) const BATCH: i64 = 1_000;

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
#[derive(Debug, Default)]
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
        all: work.run.full_read
            || work.integration.planned_policy.as_deref() != Some(&*planned_policy),
        ..Plan::default()
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
    let rejections = Rejections::load(work, &plan).await?;
    member_planning::plan(work, &mut plan, &rejections).await?;
    if work.run.mode != RunMode::Preview {
        rejections.forget(work, &plan, &round.empty).await?;
    }
    finish(work, &mut plan).await
}

/// An object with what the source and the directory say of it.
#[derive(Debug, FromRow)]
pub(super) struct Row {
    pub external_id: ExternalId,
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
    #[sqlx(default)]
    rejected_action: Option<Action>,
    #[sqlx(default)]
    rejected_reason: Option<Reason>,
}

/// What is true of an object, a bit each in [`Row::flags`]: on SQLite a column takes as long to
/// hand over as all of them in one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Flag {
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
    pub const fn is(&self, flag: Flag) -> bool {
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

    /// The change that was rejected, where the source says what it said then.
    fn rejected(&self) -> Option<Rejected> {
        Some(Rejected {
            action: self.rejected_action?,
            reason: self.rejected_reason,
        })
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

/// What the planner says of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    pub outcome: Outcome,
    /// Whether its memberships are shown.
    pub keeps: bool,
    /// Whether a rejection has nothing to say any more.
    lapses: bool,
}

impl Row {
    /// Asks the planner.
    pub fn decide(&self, policy: &Policy, object_type: ObjectType, now: DateTime) -> Decided {
        let known = self.known();
        let derived = derive(policy, &self.facts(object_type));
        let differs = diff(policy, known.as_ref(), derived, &hash_of(&self.hash), now);
        let outcome = decision::respect(differs, self.rejected());
        Decided {
            outcome,
            keeps: keeps_members(policy.actions, derived, known.as_ref()),
            lapses: self.rejected_action.is_some() && outcome == differs,
        }
    }
}

fn hash_of(bytes: &[u8]) -> [u8; hash::LENGTH] {
    bytes.try_into().unwrap_or([0; hash::LENGTH])
}

/// Which objects are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All that the source has.
    All,
    /// What changed, is pending or due.
    Changed,
    /// Those of which this run holds changes.
    Held,
}

/// What a walk has to look at besides the integration's own rows.
#[derive(Debug, Clone, Copy)]
struct Beside {
    /// The customer has an older integration, whose user names come first.
    older: bool,
    /// Something was rejected.
    rejections: bool,
}

/// The query that walks the objects to look at, in the order of their ids.
fn walk(work: &Work<'_>, object_type: ObjectType, which: Which, beside: Beside) -> String {
    let is_selected = format!(
        "EXISTS (SELECT 1 FROM {} AND ig.external_id = source_object.external_id)",
        work.selected_groups()
    );
    let scope = match (work.is_selected(), object_type) {
        (false, _) => "TRUE",
        (true, ObjectType::User) => "source_object.in_scope",
        (true, _) => is_selected.as_str(),
    };
    let taken = if beside.older && object_type == ObjectType::User {
        NAME_TAKEN
    } else {
        "$4 <> $4"
    };
    let flags: Vec<String> = Flag::conditions(scope, taken)
        .iter()
        .map(|(flag, sql)| format!("CASE WHEN {sql} THEN {} ELSE 0 END", flag.bit()))
        .collect();
    let flags = flags.join(" + ");
    let from = match which {
        Which::All => "source_object".to_owned(),
        Which::Changed => format!(
            "(SELECT external_id FROM run_staging
               WHERE run_id = $5 AND object_type = $2 AND external_id > $3
              UNION SELECT external_id FROM source_object
               WHERE integration_id = $1 AND object_type = $2 AND external_id > $3
                 AND pending IS NOT NULL
              UNION SELECT external_id FROM directory_{object_type}
               WHERE integration_id = $1 AND external_id > $3
                 AND delete_at IS NOT NULL AND delete_at <= $6) AS w
              JOIN source_object ON source_object.external_id = w.external_id"
        ),
        Which::Held => "run_change AS w
              JOIN source_object ON w.run_id = $5 AND w.object_type = $2 AND w.status = 'held'
                   AND source_object.external_id = w.external_id"
            .to_owned(),
    };
    let (rejected, rejections) = if beside.rejections {
        (
            ", k.action AS rejected_action, k.reason AS rejected_reason",
            "LEFT JOIN kept_by_decision k ON k.integration_id = $1 AND k.object_type = $2
                  AND k.external_id = source_object.external_id
                  AND k.presence = source_object.presence AND k.hash = source_object.hash",
        )
    } else {
        ("", "")
    };
    // Not every walk has a use for the run and the time, but each takes the same parameters.
    let same = if which == Which::Changed {
        ""
    } else {
        "AND $5 = $5 AND $6 = $6"
    };
    format!(
        "SELECT source_object.external_id, source_object.presence, source_object.display_name,
                source_object.name_folded, CAST({flags} AS BIGINT) AS flags,
                source_object.group_kind, source_object.hash, d.id AS directory_id, d.status,
                d.status_reason, d.delete_at, d.hash AS known_hash{rejected}
           FROM {from}
           LEFT JOIN directory_{object_type} d
             ON d.integration_id = $1 AND d.external_id = source_object.external_id
           {rejections}
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
    let which = if plan.all { Which::All } else { Which::Changed };
    let mut walk = Walk::new(work, object_type, which).await?;
    loop {
        let rows = walk.next(work).await?;
        if rows.is_empty() {
            return Ok(());
        }
        batch(work, plan, object_type, rows, walk.now).await?;
        work.checkpoint().await?;
    }
}

/// A walk over objects, a batch at a time, in the order of their ids.
pub(super) struct Walk {
    object_type: ObjectType,
    sql: String,
    after: ExternalId,
    /// When the plan is made.
    pub now: DateTime,
}

impl Walk {
    /// Begins before the first object.
    pub async fn new(work: &Work<'_>, object_type: ObjectType, which: Which) -> Result<Self> {
        let beside = Beside {
            older: has_older(work).await?,
            rejections: has_rejections(work).await?,
        };
        Ok(Self {
            object_type,
            sql: walk(work, object_type, which, beside),
            after: FIRST,
            now: work.run.planned_at.unwrap_or(work.started_at),
        })
    }

    /// The next objects; none at the end.
    pub async fn next(&mut self, work: &Work<'_>) -> Result<Vec<Row>> {
        let mut tx = work.b().db.read().await?;
        let rows = fetch_all!(
            &mut tx,
            Row,
            sqlx::AssertSqlSafe(self.sql.as_str()),
            work.integration.id,
            self.object_type,
            self.after,
            work.integration.customer_id,
            work.run.id,
            self.now
        )?;
        if let Some(last) = rows.last() {
            self.after = last.external_id;
        }
        Ok(rows)
    }
}

/// Whether anything of the integration stays as it is by a rejection.
async fn has_rejections(work: &Work<'_>) -> Result<bool> {
    let mut tx = work.b().db.read().await?;
    fetch_scalar!(
        &mut tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM kept_by_decision WHERE integration_id = $1)",
        work.integration.id
    )
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
        let (known, hash) = (row.known(), hash_of(&row.hash));
        let Decided {
            outcome,
            keeps,
            lapses,
        } = row.decide(&work.policy, object_type, now);
        count::tally(plan.line(object_type), outcome);
        if lapses {
            plan.lapsed.insert((object_type, row.external_id));
        }
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
