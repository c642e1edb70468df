//! Deciding about matches, one by one or many at once. What is decided is done by the next run, by
//! the planner, so that a preview shows it first.

use std::collections::{HashMap, HashSet};

use domain::{
    audit::{AuditAction, AuditChanges},
    id::{ExternalId, IntegrationId, UserId},
    matching::{MatchDecision, MatchDecisions, MatchOutcome},
    permission::Permission,
};
use planner::matching::Candidate;
use uuid::Uuid;

use super::{Row, Shown, candidates, hold, look_again, read_ids, read_note};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all,
    store::{
        audit::{self, Entry},
        integrations, write_json,
    },
};

/// A decision that can be kept.
struct Made {
    id: ExternalId,
    name: String,
    user: Option<UserId>,
    refused: Vec<Uuid>,
}

/// Decides about people of an integration's source. What can't be decided so is answered with the
/// reason, and the rest is kept; where it is one person, the reason is the error.
pub async fn decide(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    decisions: &MatchDecisions,
) -> Result<Vec<MatchOutcome>> {
    let mut tx = b.db.write().await?;
    let integration = integrations::find(&mut tx, scope, id).await?;
    scope.require(Permission::RunsDecide)?;
    let note = read_note(&decisions.note)?;
    let ids = read_ids(&decisions.external_ids)?;
    let decision = decisions.decision;
    if decisions.user_id.is_some() && (decision != MatchDecision::Same || ids.len() > 1) {
        return Err(Error::invalid(
            "user_id",
            "Say who is meant only with “same”, and of one person at a time.",
        ));
    }
    hold(&mut tx, &integration).await?;
    let known = Known::read(&mut tx, &integration, &ids).await?;
    let mut chosen = known.chosen.clone();
    let (mut made, mut outcomes) = (Vec::new(), Vec::new());
    for person in &ids {
        let person = ExternalId(*person);
        let found = known.decide(person, decision, decisions.user_id, &mut chosen);
        outcomes.push(MatchOutcome {
            external_id: person,
            display_name: known.rows.get(&person).map(|row| row.display_name.clone()),
            refused: found.as_ref().err().cloned(),
        });
        made.extend(found);
    }
    if let ([only], []) = (outcomes.as_slice(), made.as_slice()) {
        return match &only.display_name {
            None => Err(Error::invalid(
                "external_ids",
                only.refused.clone().unwrap_or_default(),
            )),
            Some(_) => Err(Error::conflict(only.refused.clone().unwrap_or_default())),
        };
    }
    if !made.is_empty() {
        keep(b, &mut tx, scope, (id, decision, note), &made).await?;
        let done: Vec<Uuid> = made.iter().map(|made| made.id.0).collect();
        look_again(&mut tx, id, &done).await?;
        let names: Vec<&str> = made.iter().map(|made| made.name.as_str()).collect();
        let changes = AuditChanges::none()
            .now("decision", &decision)
            .now("people", &names)
            .now("external_ids", &done);
        let entry = Entry::new(
            AuditAction::IntegrationDecideMatches,
            id.0,
            &integration.name,
        )
        .of(integration.customer_id)
        .note(note)
        .changes(changes);
        audit::record(b, &mut tx, scope, entry).await?;
    }
    tx.commit().await?;
    Ok(outcomes)
}

/// What decides whether something can be decided, as it is now.
struct Known {
    rows: HashMap<ExternalId, Row>,
    fitting: HashMap<ExternalId, Vec<Candidate>>,
    shown: HashMap<Uuid, Shown>,
    /// Users who were decided to be somebody else of the source, by their ids.
    chosen: HashSet<Uuid>,
}

impl Known {
    async fn read(
        tx: &mut Tx,
        integration: &domain::integration::Integration,
        ids: &[Uuid],
    ) -> Result<Self> {
        let id = integration.id;
        let rows = super::of(tx, id, ids).await?;
        let found = candidates::of_people(tx, id, integration.customer_id, ids).await?;
        let fitting: HashMap<_, _> = found
            .into_iter()
            .map(|(person, fitting)| (person, candidates::weighed(fitting, |_| false)))
            .collect();
        let users: Vec<Uuid> = fitting.values().flatten().map(|one| one.id).collect();
        let shown = super::shown(tx, &users).await?;
        let chosen = fetch_all!(
            tx,
            (Uuid,),
            "SELECT user_id FROM user_match
              WHERE integration_id = $1 AND decision = 'same' AND applied_at IS NULL",
            id
        )?;
        Ok(Self {
            rows,
            fitting,
            shown,
            chosen: chosen.into_iter().map(|(user,)| user).collect(),
        })
    }

    /// The decision about one person, or why it can't be made, with what to do.
    fn decide(
        &self,
        person: ExternalId,
        decision: MatchDecision,
        user: Option<UserId>,
        chosen: &mut HashSet<Uuid>,
    ) -> Result<Made, String> {
        let Some(row) = self.rows.get(&person) else {
            return Err(format!(
                "Nobody with the id {person} waits here: a run may have found since that there is nothing to decide. Look at the queue again."
            ));
        };
        if let Some(made) = row.decision {
            return Err(format!(
                "{} decided this already, at {}: {}. Take that back first.",
                row.decided_by.as_deref().unwrap_or("Somebody"),
                row.decided_at
                    .unwrap_or(row.found_at)
                    .format("%Y-%m-%d %H:%M UTC"),
                made.done()
            ));
        }
        if row.is_here {
            return Err(format!(
                "{} is in the directory by now: there is nothing to decide.",
                row.display_name
            ));
        }
        let fitting = self.fitting.get(&person).map_or(&[][..], Vec::as_slice);
        let user = match decision {
            MatchDecision::Same => Some(self.whom(row, fitting, user, chosen)?),
            MatchDecision::Other => {
                self.refuse_taken(row, fitting)?;
                None
            }
            MatchDecision::Ignore => None,
        };
        Ok(Made {
            id: person,
            name: row.display_name.clone(),
            user,
            refused: fitting.iter().map(|one| one.id).collect(),
        })
    }

    /// Who here is meant.
    fn whom(
        &self,
        row: &Row,
        fitting: &[Candidate],
        user: Option<UserId>,
        chosen: &mut HashSet<Uuid>,
    ) -> Result<UserId, String> {
        let name = &row.display_name;
        let one = match (user, fitting) {
            (Some(user), _) => fitting.iter().find(|one| one.id == user.0).ok_or_else(|| {
                format!("{name} has nothing in common any more with who is meant: somebody changed one of the two. Look at the queue again.")
            })?,
            (None, [one]) => one,
            (None, []) => {
                return Err(format!(
                    "Nobody here has anything in common with {name} any more. Decide that it is somebody of their own, or ignore it."
                ));
            }
            (None, several) => {
                return Err(format!(
                    "{} here fit {name}. Decide about it alone, and say who is meant.",
                    several.len()
                ));
            }
        };
        let shown = self.shown.get(&one.id);
        if let Some(refusal) = shown.and_then(Shown::refusal) {
            return Err(refusal);
        }
        if !chosen.insert(one.id) {
            let here = shown.map_or("The one here", |shown| shown.display_name.as_str());
            return Err(format!(
                "{here} was decided to be somebody else of this source already. Take that back first, or decide otherwise about {name}."
            ));
        }
        Ok(UserId(one.id))
    }

    /// Refuses to bring somebody in whose user name an active person made here signs in by.
    fn refuse_taken(&self, row: &Row, fitting: &[Candidate]) -> Result<(), String> {
        let holder = fitting.iter().find(|one| one.holds_name);
        let Some(shown) = holder.and_then(|one| self.shown.get(&one.id)) else {
            return Ok(());
        };
        let name = row.user_principal_name.as_deref().unwrap_or_default();
        Err(format!(
            "{} signs in here with {name} already, and two active people can’t. Give one of the two another user name (or take the alias away), or take {} out of use, then decide.",
            shown.display_name, shown.display_name
        ))
    }
}

async fn keep(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    (id, decision, note): (IntegrationId, MatchDecision, &str),
    made: &[Made],
) -> Result<()> {
    for made in made {
        execute!(
            &mut *tx,
            "UPDATE user_match SET decision = $3, user_id = $4, refused = $5, decided_by = $6,
                    decided_at = $7, note = $8, automatic = FALSE, taken_back = FALSE
              WHERE integration_id = $1 AND external_id = $2",
            id,
            made.id,
            decision,
            made.user,
            (decision == MatchDecision::Other)
                .then(|| write_json(&made.refused))
                .transpose()?,
            scope.actor_name(),
            b.clock.now(),
            note
        )?;
    }
    Ok(())
}
