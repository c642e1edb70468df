//! Whom other settings would touch, by the planner and without a run: everybody whom the source is known
//! to have is decided about twice, with the saved settings and with the others. Nothing is read from the
//! source, and nothing is stored.

use domain::{
    DateTime,
    id::{ExternalId, IntegrationId, RunId},
    policy::{ObjectType, Policy},
};
use planner::{diff::Outcome, filter::Filters, protection::Rules};
use uuid::Uuid;

use super::{
    merging::FIRST,
    reading::read_key,
    record::{IntegrationRow, with_groups},
    walk::{Beside, Row, Which, walk},
};
use crate::{Backend, Result, Tx, fetch_all};

/// Settings, and what asking the planner with them needs.
struct Side {
    policy: Policy,
    rules: Rules,
    filters: Filters,
    sql: String,
}

impl Side {
    fn of(policy: Policy) -> Result<Self> {
        let rules = Rules::new(&policy.protected);
        let filters = Filters::new(&policy.filters)?;
        let is_filtered = filters.concern(ObjectType::User);
        let sql = walk(
            !policy.selected_group_ids.is_empty(),
            ObjectType::User,
            Which::All,
            Beside::UNKNOWN,
            &rules,
            is_filtered,
        );
        Ok(Self {
            policy,
            rules,
            filters,
            sql,
        })
    }

    async fn rows(
        &self,
        tx: &mut Tx,
        at: &IntegrationRow,
        after: ExternalId,
        now: DateTime,
    ) -> Result<Vec<Row>> {
        let mut rows = fetch_all!(
            tx,
            Row,
            sqlx::AssertSqlSafe(self.sql.as_str()),
            at.id,
            ObjectType::User,
            after,
            at.customer_id,
            // No run.
            RunId(Uuid::nil()),
            now
        )?;
        for row in &mut rows {
            if !self.rules.is_empty() {
                row.protect_by(&self.rules);
            }
            if self.filters.concern(ObjectType::User) {
                row.filter(ObjectType::User, &self.filters);
            }
        }
        Ok(rows)
    }

    fn outcome(&self, row: &Row, now: DateTime) -> Outcome {
        row.decide(&self.policy, ObjectType::User, now).outcome
    }
}

/// How many people of an integration a run would treat otherwise with `policy` than with the saved one;
/// none where what is known of the source says too little: it has to be read for these settings, or who is
/// here already would be asked otherwise. The groups in `policy` are left aside: they are the
/// integration's own.
pub(crate) async fn people(
    b: &Backend,
    integration: IntegrationId,
    policy: &Policy,
) -> Result<Option<i64>> {
    let (at, saved) = {
        let mut tx = b.db.read().await?;
        let at = IntegrationRow::load(&mut tx, integration).await?;
        let saved = with_groups(&mut tx, integration, &at.policy).await?;
        (at, saved)
    };
    let policy = Policy {
        selected_group_ids: saved.selected_group_ids.clone(),
        administrators_group_id: saved.administrators_group_id,
        ..policy.clone()
    };
    let is_read = at.read_key.as_deref() == Some(read_key(&policy).as_str());
    if !is_read || policy.matching != saved.matching {
        return Ok(None);
    }
    let now = b.clock.now();
    let (saved, other) = (Side::of(saved)?, Side::of(policy)?);
    let mut touched = 0;
    let mut after = FIRST;
    loop {
        // Both are asked about the same people, whatever a run does meanwhile.
        let mut tx = b.db.read_standing().await?;
        let present = saved.rows(&mut tx, &at, after, now).await?;
        let becomes = other.rows(&mut tx, &at, after, now).await?;
        drop(tx);
        let Some(last) = becomes.last() else {
            return Ok(Some(touched));
        };
        after = last.external_id;
        for (present, becomes) in present.iter().zip(&becomes) {
            let before = saved.outcome(present, now);
            let after = other.outcome(becomes, now);
            let acts = [before, after]
                .iter()
                .any(|one| matches!(one, Outcome::Change(_)));
            if acts && before != after {
                touched += 1;
            }
        }
        // Everybody else gets a turn.
        tokio::task::yield_now().await;
    }
}
