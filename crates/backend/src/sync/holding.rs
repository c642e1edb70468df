//! What a plan holds of users and groups: disables and deletes over the guard's limit, and
//! everything after an empty answer.

use domain::{
    id::ExternalId,
    policy::ObjectType,
    run::{Action, ChangeStatus, Reason},
};
use planner::{count, guard, protection::Rules};
use uuid::Uuid;

use super::{
    merging::FIRST,
    planning::{Change, Plan},
    record::Work,
    single,
    stop::Stop,
    walk::BATCH,
};
use crate::{Result, execute, fetch_all, fetch_scalar, store::protected_rules};

/// Holds the disables and deletes of a type where they are over the limit.
pub(super) async fn over_the_limit(
    work: &mut Work<'_>,
    plan: &mut Plan,
    object_type: ObjectType,
) -> Result<(), Stop> {
    let line = *plan.line(object_type);
    let losing = line.disabled + line.deleted;
    if losing == 0 {
        return Ok(());
    }
    let mut tx = work.bulk().await?;
    let sql = format!(
        "SELECT COUNT(*) FROM directory_{object_type}
          WHERE integration_id = $1 AND status = 'active'"
    );
    let active = fetch_scalar!(&mut tx, i64, sqlx::AssertSqlSafe(sql), work.integration.id)?;
    let limit = work.policy.guard.limit(object_type);
    if !guard::holds(limit, losing.unsigned_abs(), active.unsigned_abs())
        && !single::waits_elsewhere(work, &mut tx).await?
    {
        return Ok(());
    }
    execute!(
        &mut tx,
        "UPDATE run_change SET status = 'held'
          WHERE run_id = $1 AND object_type = $2 AND action IN ('disable', 'delete')
            AND status = 'planned'",
        work.run.id,
        object_type
    )?;
    tx.commit().await?;
    let (disabled, deleted, blocked) = (line.disabled, line.deleted, line.blocked);
    let line = plan.line(object_type);
    count::hold(line, Action::Disable, disabled, blocked);
    count::hold(line, Action::Delete, deleted, 0);
    plan.held.push(object_type);
    Ok(())
}

/// After an empty answer: everyone in use would be disabled, so everyone is held.
pub(super) async fn everything(
    work: &mut Work<'_>,
    plan: &mut Plan,
    object_type: ObjectType,
) -> Result<(), Stop> {
    let unprotected = match object_type {
        ObjectType::User => "AND d.protected_at IS NULL",
        _ => "",
    };
    let sql = format!(
        "SELECT external_id, id, display_name, name_folded FROM directory_{object_type} d
          WHERE integration_id = $1 AND status = 'active' AND external_id > $2 {unprotected}
            AND NOT EXISTS (SELECT 1 FROM kept_by_decision k
                             WHERE k.integration_id = $1 AND k.object_type = '{object_type}'
                               AND k.external_id = d.external_id AND k.reason = 'empty_answer')
          ORDER BY external_id LIMIT {BATCH}"
    );
    let rules = match object_type {
        ObjectType::User => Rules::new(&work.policy.protected),
        _ => Rules::default(),
    };
    let mut after = FIRST;
    loop {
        let mut tx = work.bulk().await?;
        let rows = fetch_all!(
            &mut tx,
            (ExternalId, Uuid, String, String),
            sqlx::AssertSqlSafe(sql.as_str()),
            work.integration.id,
            after
        )?;
        let Some((last, ..)) = rows.last() else {
            return Ok(());
        };
        after = *last;
        let ids: Vec<Uuid> = rows.iter().map(|(id, ..)| id.0).collect();
        let protected = protected_rules::among(&mut tx, work.integration.id, &rules, &ids).await?;
        let changes: Vec<Change> = rows
            .into_iter()
            .filter(|(id, ..)| !protected.contains(id))
            .map(
                |(external_id, object_id, display_name, name_folded)| Change {
                    object_type,
                    external_id,
                    object_id,
                    display_name,
                    name_folded,
                    action: Action::Disable,
                    reason: Some(Reason::EmptyAnswer),
                    status: ChangeStatus::Held,
                    edges: 0,
                    error: None,
                    before: None,
                    after: None,
                },
            )
            .collect();
        count::held(
            plan.line(object_type),
            i64::try_from(changes.len()).unwrap_or(0),
        );
        plan.store(&mut tx, work, &changes).await?;
        tx.commit().await?;
        work.checkpoint().await?;
    }
}
