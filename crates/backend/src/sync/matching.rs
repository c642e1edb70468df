//! Whether people whom a run finds new are here already ([`planner::matching`]): looked up before
//! they are planned, kept in the queue of matches while that waits for a decision, and made one with
//! who is here when the plan is applied.
//!
//! Where a customer has nobody but the integration's own people, two small questions are asked a run
//! and nothing else.

use std::collections::{HashMap, HashSet};

use domain::{
    id::{ExternalId, UserId},
    matching::MatchStrength,
    run::{Action, ChangeStatus, Reason},
    user::DirectoryStatus,
};
use planner::{
    diff::{Outcome, changed},
    kept_here::KeptHere,
    matching::{Candidate, Decided, Verdict, strength, verdict},
    read::Content,
};
use serde_json::{Map, Value};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    difference,
    planning::Change,
    record::Work,
    rows::{IDS_MAX, fetch_built, push_ids, run_built},
    walk::Which,
};
use crate::{
    Result, Tx, execute, fetch_all, fetch_scalar, insert_many,
    store::{
        matches::{
            before::{self, Before},
            candidates::{self, Found},
            queue,
        },
        write_json,
    },
};

/// A row of the queue.
#[derive(Debug, Clone, Default)]
struct Queued {
    decided: Decided,
    waits: bool,
}

impl Queued {
    /// Whether nothing is left of it once its person doesn't wait: it isn't decided, or about somebody
    /// who can't be meant any more.
    const fn is_over(&self) -> bool {
        self.waits || matches!(self.decided, Decided::Same { can: false, .. })
    }
}

/// What matching says of those whom a run looks at.
#[derive(Debug, Default)]
pub(super) struct Matches {
    queue: HashMap<ExternalId, Queued>,
    found: Found,
    rules: domain::matching::MatchingRules,
    actions: domain::policy::Actions,
    /// Whether anything can come of it at all.
    asked: bool,
}

impl Matches {
    /// Looks for those who are new among whom the run looks at.
    pub async fn find(work: &Work<'_>, which: Which<'_>) -> Result<Self> {
        let mut all = Self {
            rules: work.policy.matching.clone(),
            actions: work.policy.actions,
            ..Self::default()
        };
        if which == Which::Held {
            // Whose change is held is in the directory.
            return Ok(all);
        }
        let mut tx = work.b().db.read().await?;
        for row in queue::undone(&mut tx, work.integration.id).await? {
            let queued = Queued {
                decided: row.decided()?,
                waits: row.waits(),
            };
            all.queue.insert(row.external_id, queued);
        }
        let anybody = anybody_else(&mut tx, work).await?;
        all.asked = anybody || all.rules.confirm_new || !all.queue.is_empty();
        if !anybody {
            return Ok(all);
        }
        let new = new_people(&mut tx, work, which).await?;
        let (integration, customer) = (work.integration.id, work.integration.customer_id);
        let mut found = candidates::of_people(&mut tx, integration, customer, &new).await?;
        let claimed = all.claimed(&found);
        for (id, fitting) in found.drain() {
            let weighed = candidates::weighed(fitting, |user| claimed.contains(&user));
            all.found.insert(id, weighed);
        }
        Ok(all)
    }

    /// Users whom more than one of the source fit, or were decided to be.
    fn claimed(&self, found: &Found) -> HashSet<Uuid> {
        let mut fits: HashMap<Uuid, HashSet<ExternalId>> = HashMap::new();
        for (id, fitting) in found {
            for one in fitting {
                fits.entry(one.id).or_default().insert(*id);
            }
        }
        for (id, queued) in &self.queue {
            if let Decided::Same { user, .. } = queued.decided {
                fits.entry(user).or_default().insert(*id);
            }
        }
        let several = fits.into_iter().filter(|(_, ids)| ids.len() > 1);
        several.map(|(user, _)| user).collect()
    }

    fn fitting(&self, id: ExternalId) -> &[Candidate] {
        self.found.get(&id).map_or(&[], Vec::as_slice)
    }

    /// What it says of somebody whom the directory doesn't have from the integration.
    pub fn verdict(&self, id: ExternalId) -> Verdict {
        if !self.asked {
            return Verdict::default();
        }
        let none = Decided::Nothing;
        let decided = self.queue.get(&id).map_or(&none, |queued| &queued.decided);
        verdict(&self.rules, self.actions, self.fitting(id), decided)
    }

    /// What a batch of the plan does to the queue.
    pub fn note(&self, turns: &mut Turns, id: ExternalId, outcome: Outcome) {
        if !self.asked {
            return;
        }
        let waits = matches!(
            outcome,
            Outcome::Filtered(Reason::MatchUndecided | Reason::NewUndecided)
        );
        if waits {
            let fitting = self.fitting(id);
            let first = fitting.first().map(|one| one.id);
            turns.waiting.push((id, strength(fitting), first));
        } else if self.queue.get(&id).is_some_and(Queued::is_over) {
            turns.settled.push(id.0);
        }
    }
}

/// What changes in the queue: who waits, and who doesn't any more.
#[derive(Debug, Default)]
pub(super) struct Turns {
    waiting: Vec<(ExternalId, MatchStrength, Option<Uuid>)>,
    settled: Vec<Uuid>,
}

impl Turns {
    /// Writes it. A decision about somebody who waits all the same isn't so any more: who was meant is
    /// gone, or somebody else fits by now.
    pub async fn write(&self, tx: &mut Tx, work: &Work<'_>) -> Result<()> {
        let (integration, now) = (work.integration.id, work.b().clock.now());
        insert_many!(
            &mut *tx,
            "INSERT INTO user_match (integration_id, external_id, strength, user_id, found_at,
                taken_back, note, automatic)",
            columns: 8, rows_max: 1000, self.waiting,
            |bind, row| {
                bind.push_bind(integration)
                    .push_bind(row.0)
                    .push_bind(row.1)
                    .push_bind(row.2)
                    .push_bind(now)
                    .push_bind(false)
                    .push_bind("")
                    .push_bind(false);
            },
            "ON CONFLICT (integration_id, external_id) DO UPDATE SET strength = excluded.strength,
                user_id = excluded.user_id, found_at = excluded.found_at, decision = NULL,
                refused = NULL, decided_by = NULL, decided_at = NULL, note = '', automatic = FALSE,
                applied_at = NULL, before_value = NULL"
        )?;
        for ids in self.settled.chunks(IDS_MAX) {
            run_built!(&mut *tx, |query| {
                query.push("DELETE FROM user_match WHERE integration_id = ");
                query.push_bind(integration);
                query.push(" AND applied_at IS NULL");
                query.push(" AND (decision IS NULL OR decision = 'same') AND external_id");
                push_ids!(query, ids);
            })?;
        }
        Ok(())
    }
}

/// Whether the customer has people that the integration didn't bring.
async fn anybody_else(tx: &mut Tx, work: &Work<'_>) -> Result<bool> {
    fetch_scalar!(
        tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM directory_user
                         WHERE customer_id = $1 AND integration_id IS NULL)
             OR EXISTS (SELECT 1 FROM integration i
                         WHERE i.customer_id = $1 AND i.id <> $2
                           AND EXISTS (SELECT 1 FROM directory_user d
                                        WHERE d.integration_id = i.id))",
        work.integration.customer_id,
        work.integration.id
    )
}

/// Those whom the source has, the policy's scope holds, and the directory hasn't got from it. Whom
/// the run doesn't look at waits in the queue, or is kept out for another reason.
async fn new_people(tx: &mut Tx, work: &Work<'_>, which: Which<'_>) -> Result<Vec<Uuid>> {
    let looked_at = match which {
        Which::All | Which::These(_) => "$2 = $2",
        _ => {
            "s.external_id IN (
                 SELECT external_id FROM run_staging WHERE run_id = $2 AND object_type = 'user'
                 UNION SELECT external_id FROM source_object
                        WHERE integration_id = $1 AND object_type = 'user'
                          AND pending IS NOT NULL)"
        }
    };
    let scope = if work.is_selected() {
        "s.in_scope AND"
    } else {
        ""
    };
    let rows = fetch_all!(
        tx,
        (Uuid,),
        sqlx::AssertSqlSafe(format!(
            "SELECT s.external_id FROM source_object s
              WHERE s.integration_id = $1 AND s.object_type = 'user' AND s.presence = 'present'
                AND s.mapping_error IS NULL AND {scope} {looked_at}
                AND NOT EXISTS (SELECT 1 FROM directory_user k
                                 WHERE k.integration_id = $1 AND k.external_id = s.external_id)"
        )),
        work.integration.id,
        work.run.id
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether somebody here changed with whom somebody is compared that waits: then a run that finds
/// nothing else has something to look at.
pub(super) async fn moved_on(tx: &mut Tx, work: &Work<'_>) -> Result<bool> {
    fetch_scalar!(
        tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM user_match m
                          LEFT JOIN directory_user d ON d.id = m.user_id
                         WHERE m.integration_id = $1 AND m.decision IS NULL
                           AND m.user_id IS NOT NULL
                           AND (d.id IS NULL OR d.changed_at > m.found_at))",
        work.integration.id
    )
}

/// Puts what a match changes of who is here into the plan.
pub(super) async fn fill(work: &Work<'_>, changes: &mut [Change]) -> Result<()> {
    let is_match =
        |change: &Change| change.action == Action::Match && change.status == ChangeStatus::Planned;
    let (mut users, mut people) = (Vec::new(), Vec::new());
    for change in changes.iter().filter(|change| is_match(change)) {
        users.push(change.object_id);
        people.push(change.external_id.0);
    }
    if users.is_empty() {
        return Ok(());
    }
    let mut tx = work.b().db.read().await?;
    let was: HashMap<UserId, Before> = before::of(&mut tx, &users).await?.into_iter().collect();
    let object_type = domain::policy::ObjectType::User;
    let becomes = difference::in_source(&mut tx, work, object_type, &people).await?;
    let kept = kept(&mut tx, &users).await?;
    for change in changes.iter_mut().filter(|change| is_match(change)) {
        let id = UserId(change.object_id);
        let Some((was, becomes)) = was.get(&id).zip(becomes.get(&change.external_id)) else {
            continue;
        };
        let becomes = match kept.get(&id) {
            Some(kept) => kept.over(becomes.clone()),
            None => becomes.clone(),
        };
        let (before, after) = told(was, &becomes, change.reason, &work.integration.name);
        change.before = Some(Value::Object(before).to_string());
        change.after = Some(Value::Object(after).to_string());
    }
    Ok(())
}

/// What is kept here of users from no source: they came from one before.
async fn kept(tx: &mut Tx, users: &[Uuid]) -> Result<HashMap<UserId, KeptHere>> {
    let mut all: HashMap<UserId, KeptHere> = HashMap::new();
    for users in users.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut *tx, (UserId, String, Option<String>), |query| {
            query.push("SELECT user_id, name, value FROM directory_user_kept_attribute");
            query.push(" WHERE user_id");
            push_ids!(query, users);
        })?;
        for (user, name, value) in rows {
            all.entry(user).or_default().keep(&name, value);
        }
    }
    Ok(all)
}

/// What changes, as a plan shows it: attributes, status, and where it comes from.
fn told(
    was: &Before,
    becomes: &Content,
    reason: Option<Reason>,
    integration: &str,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut before, mut after) = changed(&was.content, becomes);
    let status = match reason {
        None => DirectoryStatus::Active,
        Some(_) => DirectoryStatus::Inactive,
    };
    let mut note = |name: &str, old: Option<String>, new: Option<String>| {
        if old != new {
            before.insert(name.to_owned(), old.map_or(Value::Null, Value::String));
            after.insert(name.to_owned(), new.map_or(Value::Null, Value::String));
        }
    };
    let text = |reason: Option<Reason>| reason.map(|reason| reason.to_string());
    note(
        "status",
        Some(was.status.to_string()),
        Some(status.to_string()),
    );
    note("status_reason", text(was.reason), text(reason));
    note(
        "source",
        Some(was.source_type.to_string()),
        Some(integration.to_owned()),
    );
    (before, after)
}

/// A planned match.
#[derive(FromRow)]
struct Planned {
    external_id: ExternalId,
    object_id: Uuid,
}

/// Makes who is here follow the source, of this batch. `content` sets the columns that do; `in_batch`
/// is its condition, whose parameters are `$1` to `$3`. What each was like is kept first.
pub(super) async fn apply(
    tx: &mut Tx,
    work: &Work<'_>,
    (in_batch, content): (&str, &str),
    (after, end): (i64, i64),
) -> Result<()> {
    let (integration, now) = (&work.integration, work.b().clock.now());
    execute!(
        &mut *tx,
        "UPDATE run_change SET status = 'failed',
                error = 'Who it was to be made one with was deleted or protected, or is from a source by now. The next run looks again.'
          WHERE run_id = $1 AND position > $2 AND position <= $3 AND status = 'planned'
            AND object_type = 'user' AND action = 'match'
            AND NOT EXISTS (SELECT 1 FROM directory_user d
                             WHERE d.id = run_change.object_id AND d.customer_id = $4
                               AND d.integration_id IS NULL AND d.status <> 'deleted'
                               AND d.protected_at IS NULL)",
        work.run.id,
        after,
        end,
        integration.customer_id
    )?;
    let planned = fetch_all!(
        &mut *tx,
        Planned,
        sqlx::AssertSqlSafe(format!(
            "SELECT c.external_id, c.object_id FROM run_change c
              WHERE {in_batch} AND c.object_type = 'user' AND c.action = 'match'"
        )),
        work.run.id,
        after,
        end
    )?;
    if planned.is_empty() {
        return Ok(());
    }
    let users: Vec<Uuid> = planned.iter().map(|one| one.object_id).collect();
    let was: HashMap<UserId, Before> = before::of(tx, &users).await?.into_iter().collect();
    for one in &planned {
        if let Some(was) = was.get(&UserId(one.object_id)) {
            keep(tx, work, one, was).await?;
        }
    }
    execute!(
        tx,
        sqlx::AssertSqlSafe(format!(
            "UPDATE directory_user AS d SET integration_id = $4, external_id = c.external_id,
                    source_type = 'EntraSync', {content},
                    status = CASE WHEN c.reason IS NULL THEN 'active' ELSE 'inactive' END,
                    status_reason = c.reason, status_before = NULL, purge_at = NULL,
                    delete_at = NULL, countdown_cancelled_at = NULL, changed_at = $5
               FROM run_change c
               JOIN source_object s ON s.integration_id = $4 AND s.object_type = 'user'
                    AND s.external_id = c.external_id
              WHERE {in_batch} AND c.object_type = 'user' AND c.action = 'match'
                AND d.id = c.object_id AND d.integration_id IS NULL"
        )),
        work.run.id,
        after,
        end,
        integration.id,
        now
    )?;
    Ok(())
}

/// What the queue says of a match that the integration's rule made.
const BY_RULE: &str = "The integration’s rule";

/// Keeps what a match did. Where nobody decided it, the integration's rule did.
async fn keep(tx: &mut Tx, work: &Work<'_>, one: &Planned, was: &Before) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO user_match (integration_id, external_id, strength, user_id, found_at,
            taken_back, decision, decided_by, decided_at, note, automatic, applied_at, before_value)
         VALUES ($1, $2, 'exact', $3, $4, FALSE, 'same', $5, $4, '', TRUE, $4, $6)
         ON CONFLICT (integration_id, external_id) DO UPDATE SET
            decided_by = CASE WHEN user_match.decision = 'same' AND user_match.applied_at IS NULL
                              THEN user_match.decided_by ELSE excluded.decided_by END,
            decided_at = CASE WHEN user_match.decision = 'same' AND user_match.applied_at IS NULL
                              THEN user_match.decided_at ELSE excluded.decided_at END,
            note = CASE WHEN user_match.decision = 'same' AND user_match.applied_at IS NULL
                        THEN user_match.note ELSE '' END,
            automatic = NOT (user_match.decision IS NOT NULL AND user_match.decision = 'same'
                             AND user_match.applied_at IS NULL),
            decision = 'same', user_id = excluded.user_id, refused = NULL,
            applied_at = excluded.applied_at, before_value = excluded.before_value",
        work.integration.id,
        one.external_id,
        one.object_id,
        work.b().clock.now(),
        BY_RULE,
        write_json(was)?
    )?;
    Ok(())
}
