//! The walk over objects that planning and decisions share: each with what the source and the
//! directory say of it, a batch at a time, and the planner asked about each.

use domain::{
    DateTime,
    group::GroupKind,
    id::ExternalId,
    policy::{ObjectType, Policy},
    run::{Action, Reason},
    user::DirectoryStatus,
};
use planner::{
    decision::{self, Rejected},
    derive::{Facts, derive},
    diff::{Known, Outcome, diff, keeps_members},
    filter::{Filters, Judged},
    hash,
    matching::{self, Verdict},
    protection::{Rules, protect},
    read::Presence,
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    flags::{Flag, facts},
    kept_here,
    matching::Matches,
    merging::FIRST,
    name_held,
    names_by_rule::NamesByRule,
    record::Work,
};
use crate::{
    Result, Tx, fetch_all, fetch_scalar,
    store::protected_rules::{self, Compared},
};

/// Objects looked at together.
pub(super) const BATCH: i64 = 1_000;

/// An object with what the source and the directory say of it.
#[derive(Debug, FromRow)]
pub(super) struct Row {
    pub external_id: ExternalId,
    presence: String,
    pub display_name: String,
    pub name_folded: String,
    flags: i64,
    group_kind: Option<GroupKind>,
    hash: Vec<u8>,
    pub directory_id: Option<Uuid>,
    status: Option<DirectoryStatus>,
    status_reason: Option<Reason>,
    delete_at: Option<DateTime>,
    known_hash: Option<Vec<u8>>,
    #[sqlx(default)]
    rejected_action: Option<Action>,
    #[sqlx(default)]
    rejected_reason: Option<Reason>,
    /// Where its change stands in the plan, in a walk over what is held.
    #[sqlx(default)]
    pub held_position: Option<i64>,
    #[sqlx(default)]
    pub held_action: Option<Action>,
    /// Whether it was marked as protected by a rule; read where the policy has rules.
    #[sqlx(default)]
    marked: Option<bool>,
    /// What rules compare.
    #[sqlx(flatten)]
    compared: Compared,
    /// What filters look at; read where there are any.
    #[sqlx(default)]
    mapped_from: Option<String>,
    /// Why a filter fails for it.
    #[sqlx(skip)]
    pub filter_error: Option<String>,
    /// What matching says of it, where the directory hasn't got it.
    #[sqlx(skip)]
    pub matched: Verdict,
}

impl Row {
    /// Whether that is true of it.
    pub const fn is(&self, flag: Flag) -> bool {
        flag.is_in(self.flags)
    }

    /// The change that was rejected, where the source says what it said then.
    fn rejected(&self) -> Option<Rejected> {
        Some(Rejected {
            action: self.rejected_action?,
            reason: self.rejected_reason,
        })
    }

    /// The hash of what the source says of it.
    pub fn hash(&self) -> [u8; hash::LENGTH] {
        hash_of(&self.hash)
    }

    /// Notes whether one of the rules protects it.
    pub fn protect_by(&mut self, rules: &Rules) {
        if !self.compared.matching(rules).is_empty() {
            self.flags |= Flag::ByRule.bit();
        }
    }

    /// Notes what the filters say of it.
    pub fn filter(&mut self, object_type: ObjectType, filters: &Filters) {
        match filters.judge_kept(object_type, self.mapped_from.as_deref()) {
            Judged::In(_) => {}
            Judged::Out(_) => self.flags |= Flag::FilteredOut.bit(),
            Judged::Fails(why) => {
                self.flags |= Flag::FilterFails.bit();
                self.filter_error = Some(why);
            }
        }
    }

    /// What the directory has of it.
    pub fn known(&self) -> Option<Known> {
        Some(Known {
            status: self.status?,
            reason: self.status_reason,
            delete_at: self.delete_at,
            countdown_cancelled: self.is(Flag::CountdownCancelled),
            hash: hash_of(self.known_hash.as_deref().unwrap_or_default()),
        })
    }
}

/// What a batch of the walk says about marks, where the policy has rules.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Whom no rule protects any more, and whom one does now.
    pub turned: [Vec<Uuid>; 2],
    /// Those of the protected whose days are counting.
    pub counting: Vec<Uuid>,
}

impl Marks {
    /// Those of some objects.
    pub fn of(rows: &[Row]) -> Self {
        let mut marks = Self::default();
        for row in rows {
            let Some(marked) = row.marked else {
                return marks;
            };
            let protected = row.is(Flag::ByRule);
            if protected != marked {
                marks.turned[usize::from(protected)].push(row.external_id.0);
            }
            if protected && row.delete_at.is_some() {
                marks.counting.push(row.external_id.0);
            }
        }
        marks
    }
}

/// What the planner says of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    pub outcome: Outcome,
    /// Whether its memberships are shown.
    pub keeps: bool,
    /// Whether a rejection has nothing to say any more.
    pub lapses: bool,
}

impl Row {
    /// Asks the planner.
    pub fn decide(&self, policy: &Policy, object_type: ObjectType, now: DateTime) -> Decided {
        let known = self.known();
        let presence = Presence::parse(&self.presence).unwrap_or(Presence::Gone);
        let facts = facts(object_type, presence, self.flags, self.group_kind);
        let facts = Facts {
            matching: self.matched.standing,
            name_taken: facts.name_taken || self.matched.name_taken,
            ..facts
        };
        let derived = derive(policy, &facts);
        let differs = diff(policy, known.as_ref(), derived, &self.hash(), now);
        let differs = matching::settle(policy.actions, derived, differs, self.matched.same);
        let respected = decision::respect(differs, self.rejected());
        Decided {
            outcome: protect(respected, self.is(Flag::Protected) || self.is(Flag::ByRule)),
            keeps: match self.matched.same {
                Some(_) => derived.is_wanted() && policy.actions.update,
                None => keeps_members(policy.actions, derived, known.as_ref()),
            },
            lapses: self.rejected_action.is_some() && respected == differs,
        }
    }
}

fn hash_of(bytes: &[u8]) -> [u8; hash::LENGTH] {
    bytes.try_into().unwrap_or([0; hash::LENGTH])
}

/// Which objects are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which<'a> {
    /// All that the source has.
    All,
    /// Those whose id is one of a list in SQL.
    These(&'a str),
    /// What changed, is pending or due.
    Changed,
    /// Those of which this run holds changes.
    Held,
    /// The one that the run is for.
    One,
}

/// What a walk has to look at besides the integration's own rows.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each a question of its own"
)]
pub(super) struct Beside {
    /// The customer has an older integration, whose user names come first.
    older: bool,
    /// The customer has people from no source, or aliases.
    names_here: bool,
    /// Something was rejected.
    rejections: bool,
    /// Attributes of its people are kept here.
    kept_here: bool,
}

impl Beside {
    /// For whoever doesn't look before what there is: everything is asked, but for what is kept here.
    pub const UNKNOWN: Self = Self {
        older: true,
        names_here: true,
        rejections: true,
        kept_here: false,
    };
}

/// The flags of an object in SQL.
fn flags(selected: bool, object_type: ObjectType, beside: Beside) -> String {
    let scope = if selected {
        "source_object.in_scope"
    } else {
        "TRUE"
    };
    let taken = if beside.older && object_type == ObjectType::User {
        name_held::TAKEN
    } else {
        "$4 <> $4"
    };
    let held = if beside.names_here && object_type == ObjectType::User {
        name_held::CONDITION
    } else {
        "FALSE"
    };
    // Only people are protected.
    let protected = match object_type {
        ObjectType::User => "d.protected_at IS NOT NULL",
        _ => "FALSE",
    };
    let flags: Vec<String> = Flag::conditions(scope, [taken, held], protected)
        .iter()
        .map(|(flag, sql)| flag.when(sql))
        .collect();
    flags.join(" + ")
}

/// The query that walks the objects to look at, in the order of their ids.
pub(super) fn walk(
    selected: bool,
    object_type: ObjectType,
    which: Which<'_>,
    beside: Beside,
    rules: &Rules,
    is_filtered: bool,
) -> String {
    let flags = flags(selected, object_type, beside);
    // `CROSS JOIN` has SQLite begin with the ids: it would else walk everything the source has, and
    // look for each among them.
    let (from, ids) = match which {
        Which::All => ("source_object".to_owned(), String::new()),
        Which::These(list) => (
            "source_object".to_owned(),
            format!("source_object.external_id {list} AND"),
        ),
        Which::Changed => (
            format!(
                "(SELECT external_id FROM run_staging
               WHERE run_id = $5 AND object_type = $2 AND external_id > $3
              UNION SELECT external_id FROM source_object
               WHERE integration_id = $1 AND object_type = $2 AND external_id > $3
                 AND pending IS NOT NULL
              UNION SELECT external_id FROM directory_{object_type}
               WHERE integration_id = $1 AND external_id > $3
                 AND delete_at IS NOT NULL AND delete_at <= $6) AS w
              CROSS JOIN source_object"
            ),
            "source_object.external_id = w.external_id AND".to_owned(),
        ),
        Which::Held => (
            "run_change AS w CROSS JOIN source_object".to_owned(),
            "w.run_id = $5 AND w.object_type = $2 AND w.status = 'held'
              AND source_object.external_id = w.external_id AND"
                .to_owned(),
        ),
        Which::One => (
            "run AS w CROSS JOIN source_object".to_owned(),
            "w.id = $5 AND w.object_type = source_object.object_type
              AND source_object.external_id = w.object_external_id AND"
                .to_owned(),
        ),
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
    let held = if which == Which::Held {
        ", w.position AS held_position, w.action AS held_action"
    } else {
        ""
    };
    let compared = if rules.is_empty() {
        String::new()
    } else {
        let columns = protected_rules::columns(rules, "d", "source_object");
        format!(", source_object.protected AS marked{columns}")
    };
    let filtered = if is_filtered {
        ", source_object.mapped_from"
    } else {
        ""
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
                d.status_reason, d.delete_at, d.hash AS known_hash{rejected}{held}{compared}{filtered}
           FROM {from}
           LEFT JOIN directory_{object_type} d
             ON d.integration_id = $1 AND d.external_id = source_object.external_id
           {rejections}
          WHERE {ids} source_object.integration_id = $1 AND source_object.object_type = $2
            AND source_object.external_id > $3 {same}
          ORDER BY source_object.external_id LIMIT {BATCH}"
    )
}

/// A walk over objects, a batch at a time, in the order of their ids.
pub(super) struct Walk {
    object_type: ObjectType,
    sql: String,
    after: ExternalId,
    beside: Beside,
    /// When the plan is made.
    pub now: DateTime,
    /// The policy's rules that protect people; none for other objects.
    rules: Rules,
    /// The policy's filters.
    filters: Filters,
    /// Who of those that are new is here already.
    pub matches: Matches,
    /// Whose user name a rule gives to another, too.
    pub names: NamesByRule,
}

impl Walk {
    /// Begins before the first object.
    pub async fn new(work: &Work<'_>, object_type: ObjectType, which: Which<'_>) -> Result<Self> {
        let beside = Beside {
            older: name_held::has_older(work).await?,
            names_here: object_type == ObjectType::User && name_held::may_be(work).await?,
            rejections: has_rejections(work).await?,
            kept_here: object_type == ObjectType::User && kept_here::any(work).await?,
        };
        // Only people are protected.
        let rules = match object_type {
            ObjectType::User => Rules::new(&work.policy.protected),
            _ => Rules::default(),
        };
        let filters = Filters::new(&work.policy.filters)?;
        let is_filtered = filters.concern(object_type);
        let is_selected = work.is_selected();
        let matches = match object_type {
            ObjectType::User => Matches::find(work, which).await?,
            _ => Matches::default(),
        };
        let mut walk = Self {
            object_type,
            matches,
            names: NamesByRule::default(),
            sql: walk(is_selected, object_type, which, beside, &rules, is_filtered),
            rules,
            filters,
            beside,
            after: FIRST,
            now: work.run.planned_at.unwrap_or(work.started_at),
        };
        if object_type == ObjectType::User {
            walk.names = NamesByRule::find(work, &walk).await?;
        }
        Ok(walk)
    }

    /// Whether anything of the integration was rejected.
    pub const fn rejections(&self) -> bool {
        self.beside.rejections
    }

    /// The flags of its objects in SQL; none where a look at them alone says too little.
    pub fn flags(&self, work: &Work<'_>) -> Option<String> {
        let enough = self.rules.is_empty()
            && !self.beside.rejections
            && self.names.is_empty()
            && !self.filters.concern(self.object_type);
        enough.then(|| flags(work.is_selected(), self.object_type, self.beside))
    }

    /// The next objects; none at the end.
    pub async fn next(&mut self, work: &Work<'_>) -> Result<Vec<Row>> {
        let mut tx = work.b().db.read().await?;
        let rows = self.rows(&mut tx, work, &self.sql, self.after).await?;
        if let Some(last) = rows.last() {
            self.after = last.external_id;
        }
        Ok(rows)
    }

    /// These objects, in order.
    pub async fn these(&self, work: &Work<'_>, ids: &[Uuid]) -> Result<Vec<Row>> {
        let mut tx = work.b().db.read().await?;
        let which = Which::These(&tx.one_of(ids));
        let sql = walk(
            work.is_selected(),
            self.object_type,
            which,
            self.beside,
            &self.rules,
            self.filters.concern(self.object_type),
        );
        self.rows(&mut tx, work, &sql, FIRST).await
    }

    async fn rows(
        &self,
        tx: &mut Tx,
        work: &Work<'_>,
        sql: &str,
        after: ExternalId,
    ) -> Result<Vec<Row>> {
        let mut rows = fetch_all!(
            tx,
            Row,
            sqlx::AssertSqlSafe(sql),
            work.integration.id,
            self.object_type,
            after,
            work.integration.customer_id,
            work.run.id,
            self.now
        )?;
        if self.beside.kept_here {
            settle(tx, work, &mut rows).await?;
        }
        for row in rows.iter_mut().filter(|row| row.directory_id.is_none()) {
            row.matched = self.matches.verdict(row.external_id);
        }
        if !self.names.is_empty() {
            for row in &mut rows {
                if self.names.refuses(row.external_id) {
                    row.flags |= Flag::NameHeld.bit();
                }
            }
        }
        if !self.rules.is_empty() {
            for row in &mut rows {
                row.protect_by(&self.rules);
            }
        }
        if self.filters.concern(self.object_type) {
            for row in &mut rows {
                row.filter(self.object_type, &self.filters);
            }
        }
        Ok(rows)
    }
}

/// Who differs from the source only in what is kept here counts as made from what it says now.
async fn settle(tx: &mut Tx, work: &Work<'_>, rows: &mut [Row]) -> Result<()> {
    let differs = |row: &Row| {
        row.directory_id.is_some() && row.known_hash.as_deref() != Some(row.hash.as_slice())
    };
    let ids: Vec<Uuid> = rows
        .iter()
        .filter(|row| differs(row))
        .map(|row| row.external_id.0)
        .collect();
    let settled = kept_here::settled(tx, work, &ids).await?;
    for row in rows {
        if settled.contains(&row.external_id) {
            row.known_hash = Some(row.hash.clone());
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::testing::{Kind, TestBackend};

    /// PostgreSQL knows how many rows there are, and plans by that.
    #[tokio::test]
    async fn sqlite_looks_up_what_changed_and_not_for_it() {
        let t = TestBackend::new(Kind::Sqlite).await.unwrap();
        let mut tx = t.db.read().await.unwrap();
        let beside = Beside {
            older: false,
            names_here: true,
            rejections: false,
            kept_here: false,
        };
        for which in [Which::Changed, Which::Held, Which::One] {
            let sql = walk(
                false,
                ObjectType::User,
                which,
                beside,
                &Rules::default(),
                true,
            );
            let plan = fetch_all!(
                &mut tx,
                (i64, i64, i64, String),
                sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")),
                Uuid::nil(),
                ObjectType::User,
                FIRST,
                Uuid::nil(),
                Uuid::nil(),
                t.clock.now()
            )
            .unwrap();
            let steps: Vec<&str> = plan.iter().map(|(_, _, _, step)| step.as_str()).collect();
            let at = |what: &str| steps.iter().position(|step| step.contains(what));
            let ids = at(" w").expect("the ids are walked");
            let object = steps.iter().position(|step| {
                step.starts_with("SEARCH source_object") && step.ends_with("external_id=?)")
            });
            assert!(
                object.is_some_and(|object| ids < object),
                "{which:?}: {steps:#?}"
            );
        }
    }
}
