//! Decisions that no run has done yet, and who waits for one, as the planner needs them.

use std::collections::HashSet;

use domain::{
    DateTime,
    id::{ExternalId, IntegrationId},
    matching::MatchDecision,
};
use planner::matching::Decided;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Tx, fetch_all, store::read_json};

/// A row of the queue.
#[derive(Debug, FromRow)]
pub(crate) struct Queued {
    /// The source's id of the person.
    pub external_id: ExternalId,
    /// What was decided; none while it waits.
    pub decision: Option<MatchDecision>,
    user_id: Option<Uuid>,
    can: bool,
    refused: Option<String>,
    taken_back: bool,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTime>,
    /// Why.
    pub note: String,
}

impl Queued {
    /// Whether it waits for a decision.
    pub fn waits(&self) -> bool {
        self.decision.is_none()
    }

    /// What was decided.
    pub fn decided(&self) -> Result<Decided> {
        Ok(match (self.decision, self.user_id) {
            (None, _) if self.taken_back => Decided::TakenBack,
            (None, _) | (Some(MatchDecision::Same), None) => Decided::Nothing,
            (Some(MatchDecision::Same), Some(user)) => Decided::Same {
                user,
                can: self.can,
            },
            (Some(MatchDecision::Other), _) => Decided::Other {
                refused: match &self.refused {
                    Some(refused) => read_json("user_match.refused", refused)?,
                    None => Vec::new(),
                },
            },
            (Some(MatchDecision::Ignore), _) => Decided::Ignored,
        })
    }
}

/// The queue of an integration without what runs have done.
pub(crate) async fn undone(tx: &mut Tx, integration: IntegrationId) -> Result<Vec<Queued>> {
    let mut rows = fetch_all!(
        tx,
        Queued,
        "SELECT m.external_id, m.decision, m.user_id, m.refused, m.taken_back, m.decided_by,
                m.decided_at, m.note,
                (d.id IS NOT NULL AND d.integration_id IS NULL AND d.status <> 'deleted'
                 AND d.protected_at IS NULL) AS can
           FROM user_match m LEFT JOIN directory_user d ON d.id = m.user_id
          WHERE m.integration_id = $1 AND m.applied_at IS NULL
          ORDER BY m.external_id",
        integration
    )?;
    let mut chosen = HashSet::new();
    for row in &mut rows {
        if row.decision == Some(MatchDecision::Same)
            && let Some(user) = row.user_id
        {
            // Nobody is two people.
            row.can = row.can && chosen.insert(user);
        }
    }
    Ok(rows)
}
