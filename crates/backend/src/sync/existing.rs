//! A run that somebody does something about after it stopped: decides, takes back, applies.

use domain::{
    DateTime,
    id::{CustomerId, IntegrationId, RunId},
    policy::Policy,
    run::{RunMode, RunPhase, RunStatus},
};
use sqlx::FromRow;

use super::{
    reading::read_key,
    record::with_groups,
    starting::{self, Reach},
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional, jobs::queue::PRIORITY_PERSON,
};

/// The run, and what its integration is now.
#[derive(Debug, FromRow)]
pub(super) struct Existing {
    pub id: RunId,
    pub customer_id: CustomerId,
    /// Of an import, which has none and is over at once, nobody's.
    pub integration_id: IntegrationId,
    pub mode: RunMode,
    pub status: RunStatus,
    pub queued_at: DateTime,
    pub replaced_by: Option<RunId>,
    pub policy: Option<String>,
    pub base_policy: Option<String>,
    name: Option<String>,
    enabled: Option<bool>,
    saved_policy: Option<String>,
    read_key: Option<String>,
    planned_policy: Option<String>,
}

impl Existing {
    /// The run, where the caller may see it. Whoever else does something about it waits until this
    /// transaction ends, and sees then what it did.
    pub async fn find(tx: &mut Tx, scope: &Scope, id: RunId) -> Result<Self> {
        tx.hold("run", id.0).await?;
        Self::read(tx, scope, id).await
    }

    /// The run, where the caller may see it, only to tell of it.
    pub async fn read(tx: &mut Tx, scope: &Scope, id: RunId) -> Result<Self> {
        fetch_optional!(
            tx,
            Self,
            sqlx::AssertSqlSafe(format!(
                "SELECT r.id, r.customer_id,
                        COALESCE(r.integration_id, r.id) AS integration_id, r.mode, r.status, r.queued_at,
                        r.replaced_by, r.policy, r.base_policy, i.name, i.enabled,
                        i.policy AS saved_policy, i.read_key, i.planned_policy
                   FROM run r JOIN customer c ON c.id = r.customer_id
                              LEFT JOIN integration i ON i.id = r.integration_id
                  WHERE {} AND c.deleted_at IS NULL AND r.id = $3",
                crate::in_scope!("r.customer_id")
            )),
            scope.all(),
            scope.grantee(),
            id
        )?
        .ok_or(Error::NotFound("run"))
    }

    /// The integration's name, for the audit log.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// What is saved now, with the selected groups.
    pub async fn saved(&self, tx: &mut Tx) -> Result<Policy> {
        let saved = self.saved_policy.as_deref().unwrap_or_default();
        with_groups(tx, self.integration_id, saved).await
    }

    /// Whether what was read is for the settings that are saved now, and planned by them: not after
    /// a preview, an unfinished run, or a choice of other groups.
    pub async fn is_planned(&self, tx: &mut Tx) -> Result<bool> {
        let key = read_key(&self.saved(tx).await?);
        Ok(self.planned_policy.is_some() && self.read_key.as_deref() == Some(key.as_str()))
    }

    /// Refuses where the integration is gone, switched off, or at work.
    pub async fn at_rest(&self, tx: &mut Tx) -> Result<()> {
        match self.enabled {
            None => Err(Error::conflict(
                "The integration was deleted: nothing of it can be changed any more.",
            )),
            Some(false) => Err(Error::conflict(
                "The integration is disabled. Enable it, then try again.",
            )),
            Some(true) => match self.in_the_way(tx).await? {
                None => Ok(()),
                Some(open) => Err(starting::in_progress(Some(open))),
            },
        }
    }

    /// The integration's open run, unless it is a scheduled one that no worker has begun: that
    /// makes way.
    async fn in_the_way(&self, tx: &mut Tx) -> Result<Option<RunId>> {
        let open = fetch_optional!(
            tx,
            (RunId,),
            "SELECT r.id FROM run r
              WHERE r.integration_id = $1 AND r.status IN ('queued', 'running')
                AND NOT (r.status = 'queued' AND r.triggered_by = 'schedule'
                         AND NOT EXISTS (SELECT 1 FROM job j
                                          WHERE j.kind = 'sync_run' AND j.attempts > 0
                                            AND j.integration_id = r.integration_id))",
            self.integration_id
        )?;
        Ok(open.map(|(id,)| id))
    }

    /// Lets the worker go on with the run at this phase.
    pub async fn go_on(&self, b: &Backend, tx: &mut Tx, phase: RunPhase) -> Result<()> {
        starting::drop_waiting(tx, Reach::Integration(self.integration_id)).await?;
        execute!(
            &mut *tx,
            "UPDATE run SET status = 'running', phase = $2, ended_at = NULL, cancelled_by = NULL
              WHERE id = $1",
            self.id,
            phase
        )
        .map_err(|error| {
            // Another run of the integration began just now.
            if error.is_unique_violation() {
                starting::in_progress(None)
            } else {
                error
            }
        })?;
        starting::put_job(b, tx, self.id, self.integration_id, PRIORITY_PERSON).await
    }
}
