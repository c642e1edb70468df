//! What people did after the plan was made, and what of it is in the way of a planned change. A plan
//! may wait: a preview is applied hours later, and a killed worker's run goes on behind it. Such a
//! change fails with its cause, and the next run looks again.

use domain::{id::ExternalId, policy::ObjectType, run::Reason};
use planner::protection::Rules;
use uuid::Uuid;

use super::{Batch, IN_BATCH};
use crate::{
    Result, execute, fetch_all, fetch_scalar,
    store::protected_rules,
    sync::rows::{IDS_MAX, push_ids, run_built},
};

/// Who has the name that a change gives: somebody from no source, or of an older integration. Whom
/// this integration has is the plan's business ([`planner::user_names`]).
const BY_NAME: &str = "CROSS JOIN directory_user h
    WHERE h.customer_id = $5 AND h.user_name_folded = {name}
      AND (h.integration_id IS NULL OR h.integration_id < $4)";

/// Who has it as an alias.
const BY_ALIAS: &str = "CROSS JOIN directory_user_alias a CROSS JOIN directory_user h
    WHERE a.customer_id = $5 AND a.address_folded = {name} AND h.id = a.user_id";

/// The user name that a change gives: the source's, or the directory's where that stays and its
/// person is in use again.
const NAME: &str = "CASE WHEN c.action IN ('create', 'restore', 'match') OR $6
                         THEN s.user_name_folded ELSE d.user_name_folded END";

impl Batch<'_, '_> {
    /// Nobody comes to a name that somebody else signs in with by now. The directory's names are held
    /// while this batch lasts, so nobody else gets one of them either.
    pub(super) async fn fail_name_taken(&mut self) -> Result<()> {
        if !self.may_be_taken().await? {
            return Ok(());
        }
        for by in [BY_NAME, BY_ALIAS] {
            let by = by.replace("{name}", NAME);
            // `CROSS JOIN` has SQLite begin with the changes.
            let taken = fetch_all!(
                self.tx,
                (i64, Option<String>, String),
                sqlx::AssertSqlSafe(format!(
                    "SELECT c.position, s.user_principal_name, h.display_name
                       FROM run_change c
                       CROSS JOIN source_object s
                       LEFT JOIN directory_user d ON d.id = c.object_id
                       {by}
                        AND {IN_BATCH} AND c.object_type = 'user' AND c.reason IS NULL
                        AND c.action IN ('create', 'update', 'enable', 'restore', 'match')
                        AND s.integration_id = $4 AND s.object_type = 'user'
                        AND s.external_id = c.external_id
                        AND (c.action <> 'update' OR (d.status = 'active' AND $6))
                        AND h.status = 'active' AND h.id <> c.object_id
                      ORDER BY c.position, h.id"
                )),
                self.work.run.id,
                self.after,
                self.end,
                self.work.integration.id,
                self.work.integration.customer_id,
                self.work.policy.actions.update
            )?;
            for (position, name, holder) in taken {
                let name = name.unwrap_or_default();
                let error = format!(
                    "“{holder}” signs in with {name} here since this was planned, and two can’t. Change the name of one of the two."
                );
                execute!(
                    self.tx,
                    "UPDATE run_change SET status = 'failed', reason = $3, error = $4
                      WHERE run_id = $1 AND position = $2 AND status = 'planned'",
                    self.work.run.id,
                    position,
                    Reason::UserNameTaken,
                    error
                )?;
            }
        }
        Ok(())
    }

    /// Whether anybody of the customer may sign in with a name that this integration didn't give, or
    /// doesn't come first with.
    async fn may_be_taken(&mut self) -> Result<bool> {
        fetch_scalar!(
            self.tx,
            bool,
            "SELECT EXISTS (SELECT 1 FROM directory_user
                             WHERE customer_id = $1 AND integration_id IS NULL)
                 OR EXISTS (SELECT 1 FROM directory_user_alias WHERE customer_id = $1)
                 OR EXISTS (SELECT 1 FROM integration WHERE customer_id = $1 AND id < $2)",
            self.work.integration.customer_id,
            self.work.integration.id
        )
    }

    /// Who was protected after the plan was made isn't touched.
    pub(super) async fn fail_protected(&mut self) -> Result<()> {
        execute!(
            self.tx,
            "UPDATE run_change SET status = 'failed',
                    error = 'It was protected while the run was at work.'
              WHERE run_id = $1 AND position > $2 AND position <= $3 AND status = 'planned'
                AND object_type = 'user' AND action NOT IN ('create', 'restore')
                AND EXISTS (SELECT 1 FROM directory_user d
                             WHERE d.id = run_change.object_id AND d.protected_at IS NOT NULL)",
            self.work.run.id,
            self.after,
            self.end
        )?;
        Ok(())
    }

    /// The rules that are saved at this moment: they may be others than those of the plan.
    pub(super) async fn rules(&mut self) -> Result<Rules> {
        let saved = protected_rules::saved(self.tx, self.work.integration.id).await?;
        Ok(Rules::new(&saved))
    }

    /// Who is protected by a rule that was saved after the plan was made isn't touched.
    pub(super) async fn fail_protected_by_rule(&mut self) -> Result<()> {
        let rules = self.rules().await?;
        if rules.is_empty() {
            return Ok(());
        }
        let planned = fetch_all!(
            self.tx,
            (i64, ExternalId),
            sqlx::AssertSqlSafe(format!(
                "SELECT c.position, c.external_id FROM run_change c
                  WHERE {IN_BATCH} AND c.object_type = 'user'
                    AND c.action NOT IN ('create', 'restore')"
            )),
            self.work.run.id,
            self.after,
            self.end
        )?;
        let ids: Vec<Uuid> = planned.iter().map(|(_, id)| id.0).collect();
        let integration = self.work.integration.id;
        let protected = protected_rules::among(self.tx, integration, &rules, &ids).await?;
        let positions: Vec<i64> = planned
            .iter()
            .filter(|(_, id)| protected.contains(id))
            .map(|(position, _)| *position)
            .collect();
        for positions in positions.chunks(IDS_MAX) {
            run_built!(self.tx, |query| {
                query.push(
                    "UPDATE run_change SET status = 'failed',
                            error = 'A rule that was saved since this was planned protects it.'
                      WHERE run_id = ",
                );
                query.push_bind(self.work.run.id).push(" AND position");
                push_ids!(query, positions);
            })?;
        }
        Ok(())
    }

    /// Whoever's countdown was cancelled after the plan was made, or begun anew, isn't deleted.
    pub(super) async fn fail_cancelled(&mut self, object_type: ObjectType) -> Result<()> {
        execute!(
            self.tx,
            sqlx::AssertSqlSafe(format!(
                "UPDATE run_change SET status = 'failed',
                        error = 'Its deletion was cancelled, or put off, since this was planned.'
                  WHERE run_id = $1 AND position > $2 AND position <= $3 AND status = 'planned'
                    AND object_type = '{object_type}' AND action = 'delete'
                    AND EXISTS (SELECT 1 FROM directory_{object_type} d
                                 WHERE d.id = run_change.object_id
                                   AND (d.countdown_cancelled_at IS NOT NULL
                                        OR d.delete_at IS NULL OR d.delete_at > $4))"
            )),
            self.work.run.id,
            self.after,
            self.end,
            self.work.run.planned_at.unwrap_or(self.work.started_at)
        )?;
        Ok(())
    }
}
