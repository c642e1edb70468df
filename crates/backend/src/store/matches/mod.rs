//! The queue of matches: people of a source who may be here already, as runs found them, and what
//! was decided about them (decision 0034).

pub(crate) mod before;
pub(crate) mod candidates;
mod csv;
mod decide;
pub(crate) mod queue;
mod take_back;

use std::collections::HashMap;

use domain::{
    DateTime,
    id::{ExternalId, IntegrationId, UserId},
    matching::{
        Identifiers, MatchCandidate, MatchCounts, MatchDecided, MatchDecision, MatchFilter,
        MatchState, MatchStrength, UserMatch,
    },
    paging::{Cursor, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
    run::RunPhase,
    user::{DirectoryStatus, SourceType},
};
use planner::matching::Candidate;
use sqlx::FromRow;
use uuid::Uuid;

pub use self::{csv::csv, decide::decide, take_back::take_back};
use super::{integrations, paging, read_json};
use crate::{
    Backend, Error, Result, Scope, Tx,
    db::rows::{IDS_MAX, fetch_built, push_ids},
    fetch_all, fetch_optional, fetch_scalar, sync,
};

/// A row of the queue with what the source says.
#[derive(Debug, FromRow)]
struct Row {
    external_id: ExternalId,
    display_name: String,
    name_folded: String,
    user_principal_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    attributes: String,
    strength: MatchStrength,
    found_at: DateTime,
    decision: Option<MatchDecision>,
    user_id: Option<UserId>,
    decided_by: Option<String>,
    decided_at: Option<DateTime>,
    note: String,
    automatic: bool,
    applied_at: Option<DateTime>,
    /// Whether the integration has it in the directory by now.
    is_here: bool,
}

const COLUMNS: &str = "m.external_id, s.display_name, s.name_folded, s.user_principal_name,
    s.given_name, s.surname, s.mail, s.attributes, m.strength, m.found_at, m.decision, m.user_id,
    m.decided_by, m.decided_at, m.note, m.automatic, m.applied_at,
    EXISTS (SELECT 1 FROM directory_user k WHERE k.integration_id = m.integration_id
                                             AND k.external_id = m.external_id) AS is_here";

/// The rows of the integration `$1` that are listed: `$2` waiting or decided, `$3` the strength, `$4`
/// what is looked for.
const LISTED: &str = r"FROM user_match m
    JOIN source_object s ON s.integration_id = m.integration_id AND s.object_type = 'user'
         AND s.external_id = m.external_id
   WHERE m.integration_id = $1
     AND (($2 = 'waiting' AND m.decision IS NULL) OR ($2 = 'decided' AND m.decision IS NOT NULL))
     AND ($3 IS NULL OR m.strength = $3)
     AND ($4 IS NULL OR s.search_text LIKE $4 ESCAPE '\')";

/// How many matches of an integration wait, and how many are decided.
pub async fn counts(b: &Backend, scope: &Scope, id: IntegrationId) -> Result<MatchCounts> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    integrations::find(&mut tx, scope, id).await?;
    let rows = fetch_all!(
        &mut tx,
        (MatchStrength, bool, i64),
        "SELECT strength, (decision IS NOT NULL) AS decided, COUNT(*) FROM user_match
          WHERE integration_id = $1 GROUP BY strength, (decision IS NOT NULL)",
        id
    )?;
    let mut counts = MatchCounts::default();
    for (strength, decided, number) in rows {
        match (decided, strength) {
            (true, _) => counts.decided += number,
            (false, MatchStrength::Exact) => counts.exact += number,
            (false, MatchStrength::Likely) => counts.likely += number,
            (false, MatchStrength::New) => counts.new += number,
        }
    }
    Ok(counts)
}

/// A page of an integration's matches, by name.
pub async fn list(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    filter: &MatchFilter,
    q: Option<&str>,
    page: PageRequest,
) -> Result<Page<UserMatch>> {
    scope.require(Permission::DirectoryRead)?;
    b.limits.take_search(q, scope)?;
    let mut tx = b.db.read().await?;
    integrations::find(&mut tx, scope, id).await?;
    let state = filter.state.unwrap_or(MatchState::Waiting);
    let pattern = paging::pattern(q);
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {LISTED}")),
        id,
        state,
        filter.strength,
        &pattern
    )?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} {LISTED} ORDER BY s.name_folded, m.external_id LIMIT $5 OFFSET $6"
        )),
        id,
        state,
        filter.strength,
        &pattern,
        page.limit(),
        page.offset()
    )?;
    let items = dressed(&mut tx, id, rows).await?;
    Ok(Page { items, total })
}

/// One person of an integration's queue.
pub async fn get(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    person: ExternalId,
) -> Result<UserMatch> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    integrations::find(&mut tx, scope, id).await?;
    let row = of(&mut tx, id, &[person.0]).await?.remove(&person);
    let rows = row.into_iter().collect();
    let mut found = dressed(&mut tx, id, rows).await?;
    found.pop().ok_or(Error::NotFound("match"))
}

/// The same for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    filter: &MatchFilter,
    request: &ListRequest,
) -> Result<Listing<UserMatch>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    integrations::find(&mut tx, scope, id).await?;
    let rows = by_name(&mut tx, id, filter, request).await?;
    let names: HashMap<ExternalId, String> = rows
        .iter()
        .map(|row| (row.external_id, row.name_folded.clone()))
        .collect();
    let items = dressed(&mut tx, id, rows).await?;
    Ok(paging::listing(items, request, |one| Cursor {
        after: names.get(&one.external_id).cloned().unwrap_or_default(),
        id: one.external_id.0,
    }))
}

async fn by_name(
    tx: &mut Tx,
    id: IntegrationId,
    filter: &MatchFilter,
    request: &ListRequest,
) -> Result<Vec<Row>> {
    let (after, after_id) = paging::after(request);
    fetch_all!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} {LISTED} AND (s.name_folded, m.external_id) > ($5, $6)
              ORDER BY s.name_folded, m.external_id LIMIT $7"
        )),
        id,
        filter.state.unwrap_or(MatchState::Waiting),
        filter.strength,
        paging::pattern(request.q.as_deref()),
        after,
        after_id,
        paging::limit(request)
    )
}

/// The rows of these people, in no order.
async fn of(tx: &mut Tx, id: IntegrationId, ids: &[Uuid]) -> Result<HashMap<ExternalId, Row>> {
    let mut all = HashMap::new();
    for ids in ids.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut *tx, Row, |query| {
            query.push("SELECT ").push(COLUMNS);
            query.push(
                " FROM user_match m JOIN source_object s ON s.integration_id = m.integration_id
                       AND s.object_type = 'user' AND s.external_id = m.external_id
                  WHERE m.integration_id = ",
            );
            query.push_bind(id).push(" AND m.external_id");
            push_ids!(query, ids);
        })?;
        all.extend(rows.into_iter().map(|row| (row.external_id, row)));
    }
    Ok(all)
}

/// Rows with who fits them at this moment.
async fn dressed(tx: &mut Tx, id: IntegrationId, rows: Vec<Row>) -> Result<Vec<UserMatch>> {
    let customer = fetch_scalar!(
        &mut *tx,
        domain::id::CustomerId,
        "SELECT customer_id FROM integration WHERE id = $1",
        id
    )?;
    let ids: Vec<Uuid> = rows
        .iter()
        .filter(|row| row.applied_at.is_none())
        .map(|row| row.external_id.0)
        .collect();
    let mut found = candidates::of_people(tx, id, customer, &ids).await?;
    let claimed = candidates::claimed(tx, id, &found).await?;
    let mut weighed = HashMap::new();
    for (person, fitting) in found.drain() {
        let fitting = candidates::weighed(fitting, |user| claimed.contains(&user));
        weighed.insert(person, fitting);
    }
    let mut users: Vec<Uuid> = weighed.values().flatten().map(|one| one.id).collect();
    // Who is matched is from the integration by now, and shown as they are.
    users.extend(rows.iter().filter_map(|row| Some(row.user_id?.0)));
    let shown = shown(tx, &users).await?;
    let matches = rows.into_iter().map(|row| {
        let mut fitting = weighed.remove(&row.external_id).unwrap_or_default();
        if let Some(user) = row.user_id.filter(|_| row.decision.is_some())
            && !fitting.iter().any(|one| one.id == user.0)
        {
            fitting.insert(0, matched(user));
        }
        let candidates = fitting
            .into_iter()
            .filter_map(|one| Some(shown.get(&one.id)?.candidate(one)))
            .collect();
        row.with(id, candidates)
    });
    matches.collect()
}

/// Somebody who was chosen, and has nothing in common any more that would be looked for.
fn matched(user: UserId) -> Candidate {
    Candidate {
        id: user.0,
        keys: Vec::new(),
        doubts: Vec::new(),
        can_be_same: true,
        holds_name: false,
    }
}

impl Row {
    fn source(&self) -> Result<Identifiers> {
        Ok(Identifiers {
            display_name: self.display_name.clone(),
            user_principal_name: self.user_principal_name.clone(),
            given_name: self.given_name.clone(),
            surname: self.surname.clone(),
            mail: self.mail.clone(),
            employee_id: employee_id(&self.attributes)?,
        })
    }

    /// Why its decision can't be taken back.
    fn final_because(&self) -> Option<String> {
        match (self.decision, self.applied_at) {
            (Some(MatchDecision::Other), _) if self.is_here => Some(format!(
                "{} came in as somebody of their own. Two people can’t be made one any more: take one of them out of use.",
                self.display_name
            )),
            _ => None,
        }
    }

    fn with(self, id: IntegrationId, candidates: Vec<MatchCandidate>) -> Result<UserMatch> {
        let source = self.source()?;
        let final_because = self.final_because();
        let decided = self.decision.map(|decision| MatchDecided {
            decision,
            user_id: self.user_id.filter(|_| decision == MatchDecision::Same),
            by: self.decided_by.unwrap_or_default(),
            at: self.decided_at.unwrap_or(self.found_at),
            note: self.note,
            automatic: self.automatic,
            applied_at: self.applied_at,
            final_because,
        });
        Ok(UserMatch {
            integration_id: id,
            external_id: self.external_id,
            source,
            strength: self.strength,
            found_at: self.found_at,
            candidates,
            decided,
        })
    }
}

fn employee_id(attributes: &str) -> Result<Option<String>> {
    let all: serde_json::Map<String, serde_json::Value> = read_json("attributes", attributes)?;
    let id = all.get("employeeId").and_then(|id| id.as_str());
    Ok(id.map(str::to_owned))
}

/// Somebody here, as the queue shows them.
#[derive(Debug, FromRow)]
struct Shown {
    id: Uuid,
    display_name: String,
    user_principal_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    attributes: String,
    status: DirectoryStatus,
    source_type: SourceType,
    integration_name: Option<String>,
    is_protected: bool,
    #[sqlx(skip)]
    aliases: Vec<String>,
}

async fn shown(tx: &mut Tx, users: &[Uuid]) -> Result<HashMap<Uuid, Shown>> {
    let mut all: HashMap<Uuid, Shown> = HashMap::new();
    for users in users.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut *tx, Shown, |query| {
            query.push(
                "SELECT d.id, d.display_name, d.user_principal_name, d.given_name, d.surname,
                        d.mail, d.attributes, d.status, d.source_type, i.name AS integration_name,
                        (d.protected_at IS NOT NULL) AS is_protected
                   FROM directory_user d LEFT JOIN integration i ON i.id = d.integration_id
                  WHERE d.id",
            );
            push_ids!(query, users);
        })?;
        all.extend(rows.into_iter().map(|row| (row.id, row)));
        let aliases = fetch_built!(&mut *tx, (Uuid, String), |query| {
            query.push("SELECT user_id, address FROM directory_user_alias WHERE user_id");
            push_ids!(query, users);
            query.push(" ORDER BY user_id, address_folded");
        })?;
        for (user, address) in aliases {
            if let Some(shown) = all.get_mut(&user) {
                shown.aliases.push(address);
            }
        }
    }
    Ok(all)
}

impl Shown {
    /// Why it can't be the same as somebody of a source, and what to do.
    fn refusal(&self) -> Option<String> {
        let name = &self.display_name;
        if let Some(integration) = &self.integration_name {
            return Some(format!(
                "{name} comes from {integration}, which keeps them in step: two sources can’t. Ignore the one here, or delete {integration} and keep its people, then decide."
            ));
        }
        self.is_protected.then(|| {
            format!("{name} is protected from every run. Remove the protection, then decide.")
        })
    }

    fn candidate(&self, one: Candidate) -> MatchCandidate {
        MatchCandidate {
            user_id: UserId(self.id),
            here: Identifiers {
                display_name: self.display_name.clone(),
                user_principal_name: self.user_principal_name.clone(),
                given_name: self.given_name.clone(),
                surname: self.surname.clone(),
                mail: self.mail.clone(),
                employee_id: employee_id(&self.attributes).ok().flatten(),
            },
            aliases: self.aliases.clone(),
            status: self.status,
            source_type: self.source_type,
            integration_name: self.integration_name.clone(),
            // Who has nothing in common was chosen, and may be from the integration itself by now.
            refusal: self.refusal().filter(|_| !one.keys.is_empty()),
            keys: one.keys,
            doubts: one.doubts,
        }
    }
}

/// Holds what a decision has to find unchanged: the names of the customer's people, and the batches
/// of the integration's run. Refused while a run goes by what was decided until now.
async fn hold(tx: &mut Tx, integration: &domain::integration::Integration) -> Result<()> {
    super::users::held::hold_names(tx, integration.customer_id).await?;
    sync::hold_open(tx, Some(integration.id)).await?;
    let open = fetch_optional!(
        tx,
        (domain::id::RunId, RunPhase),
        "SELECT id, phase FROM run
          WHERE integration_id = $1 AND status IN ('queued', 'running')",
        integration.id
    )?;
    match open {
        Some((run, RunPhase::Planning | RunPhase::Deciding | RunPhase::Applying)) => {
            Err(Error::Conflict {
                message: "A run is just making changes by what was decided until now. It takes a moment: try again when it has ended.".to_owned(),
                run_id: Some(run),
            })
        }
        _ => Ok(()),
    }
}

/// The words of a decision, which can't be none.
fn read_note(note: &str) -> Result<&str> {
    let note = domain::text::parse_note("note", note)?;
    if note.is_empty() {
        return Err(Error::invalid(
            "note",
            "Say why, in a sentence or with a ticket number: it is kept with the decision.",
        ));
    }
    Ok(note)
}

/// Whom a decision is about, each once.
fn read_ids(ids: &[ExternalId]) -> Result<Vec<Uuid>> {
    let mut ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Err(Error::invalid(
            "external_ids",
            "Choose at least one person.",
        ));
    }
    if ids.len() > domain::matching::MATCHES_AT_ONCE {
        return Err(Error::invalid(
            "external_ids",
            format!(
                "Decide about at most {} people at once.",
                domain::number::grouped(
                    i64::try_from(domain::matching::MATCHES_AT_ONCE).unwrap_or(0)
                )
            ),
        ));
    }
    Ok(ids)
}

/// Has the next run look at these people of the source, whatever it reads.
async fn look_again(tx: &mut Tx, integration: IntegrationId, ids: &[Uuid]) -> Result<()> {
    for ids in ids.chunks(IDS_MAX) {
        crate::db::rows::run_built!(&mut *tx, |query| {
            query.push("UPDATE source_object SET pending = ");
            query.push(sync::WITHDRAWN);
            query
                .push(" WHERE integration_id = ")
                .push_bind(integration);
            query.push(" AND object_type = 'user' AND external_id");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
