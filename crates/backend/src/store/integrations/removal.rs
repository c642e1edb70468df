//! Deleting an integration, and what becomes of its people.

use chrono::Duration;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::IntegrationId,
    integration::People,
    permission::Permission,
    policy::ObjectType,
    run::Reason,
    user::{DirectoryStatus, SourceType},
};

use super::{entry, find, told};
use crate::{Backend, Result, Scope, Tx, execute, fetch_scalar, store::audit};

/// With [`People::Delete`]: days until they are deleted.
pub(crate) const DELETE_AFTER: Duration = Duration::days(30);

/// How many people of the customer's directory come from the integration and are not deleted:
/// the number that the confirmation names.
pub async fn people_count(b: &Backend, scope: &Scope, id: IntegrationId) -> Result<i64> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM directory_user WHERE integration_id = $1 AND status <> $2",
        id,
        DirectoryStatus::Deleted
    )
}

/// Deletes an integration with what it read. Its people, groups, contacts and devices stay in the
/// directory as `people` says, and its history stays too; what was not over is cancelled.
///
/// A run at work finds at its next batch that it has ended, and writes nothing any more.
pub async fn delete(b: &Backend, scope: &Scope, id: IntegrationId, people: People) -> Result<()> {
    let mut tx = b.db.write().await?;
    let integration = find(&mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let now = b.clock.now();
    // First: a batch of a run at work begins with the run's row, as this does.
    end_runs(&mut tx, id, &integration.name, scope.actor_name(), now).await?;
    // Nothing of a source is left that it would stand against.
    execute!(
        &mut tx,
        "DELETE FROM directory_user_kept_attribute WHERE user_id IN
            (SELECT id FROM directory_user WHERE integration_id = $1)",
        id
    )?;
    keep_guests(&mut tx, id).await?;
    match people {
        People::Keep => keep(&mut tx, id, now).await?,
        People::Deactivate => deactivate(&mut tx, id, now, None).await?,
        People::Delete => deactivate(&mut tx, id, now, Some(now + DELETE_AFTER)).await?,
    }
    for statement in [
        "DELETE FROM run_staging WHERE run_id IN (SELECT id FROM run WHERE integration_id = $1)",
        "DELETE FROM run_staging_seen
         WHERE run_id IN (SELECT id FROM run WHERE integration_id = $1)",
        "DELETE FROM run_staging_member
         WHERE run_id IN (SELECT id FROM run WHERE integration_id = $1)",
        "DELETE FROM source_membership WHERE integration_id = $1",
        "DELETE FROM source_object WHERE integration_id = $1",
        "DELETE FROM integration WHERE id = $1",
    ] {
        execute!(&mut tx, statement, id)?;
    }
    let changes = told(AuditChanges::deleted(&integration)).now("people", &people);
    let entry = entry(AuditAction::IntegrationDelete, &integration).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

/// Who is a guest stays so: the source objects, which say it, go.
async fn keep_guests(tx: &mut Tx, id: IntegrationId) -> Result<()> {
    execute!(
        tx,
        "UPDATE directory_user SET guest = TRUE
          WHERE integration_id = $1 AND external_id IN
                (SELECT external_id FROM source_object
                  WHERE integration_id = $1 AND object_type = 'user' AND guest)",
        id
    )?;
    Ok(())
}

/// Ends what is open or held, and gives every run the name under which it is found from now on.
async fn end_runs(
    tx: &mut Tx,
    id: IntegrationId,
    name: &str,
    by: &str,
    now: DateTime,
) -> Result<()> {
    execute!(
        &mut *tx,
        "UPDATE run_count SET status = 'cancelled' WHERE status IN ('queued', 'running', 'held')
            AND run_id IN (SELECT id FROM run WHERE integration_id = $1)",
        id
    )?;
    execute!(
        &mut *tx,
        "UPDATE run SET status = 'cancelled', phase = 'done', ended_at = $2, cancelled_by = $3
          WHERE integration_id = $1 AND status IN ('queued', 'running', 'held')",
        id,
        now,
        by
    )?;
    execute!(
        tx,
        "UPDATE run SET integration_name = $2, search_text = search_text || $3
          WHERE integration_id = $1",
        id,
        name,
        format!("\n{}", planner::fold(name))
    )?;
    Ok(())
}

/// They become Manual: nothing in a source stands behind them any more.
async fn keep(tx: &mut Tx, id: IntegrationId, now: DateTime) -> Result<()> {
    for object_type in ObjectType::OBJECTS {
        execute!(
            &mut *tx,
            sqlx::AssertSqlSafe(format!(
                "UPDATE directory_{object_type}
                    SET integration_id = NULL, external_id = NULL, hash = NULL, source_type = $2,
                        delete_at = NULL, countdown_cancelled_at = NULL,
                        countdown_cancelled_by = NULL, countdown_cancelled_note = NULL,
                        changed_at = $3
                  WHERE integration_id = $1"
            )),
            id,
            SourceType::Manual,
            now
        )?;
    }
    Ok(())
}

/// The active become inactive; all keep where they came from.
async fn deactivate(
    tx: &mut Tx,
    id: IntegrationId,
    now: DateTime,
    delete_at: Option<DateTime>,
) -> Result<()> {
    for object_type in ObjectType::OBJECTS {
        execute!(
            &mut *tx,
            sqlx::AssertSqlSafe(format!(
                "UPDATE directory_{object_type} SET status = $2, status_reason = $3, changed_at = $4
                  WHERE integration_id = $1 AND status = $5"
            )),
            id,
            DirectoryStatus::Inactive,
            Reason::IntegrationDeleted,
            now,
            DirectoryStatus::Active
        )?;
        // Only people are protected.
        let protected = match object_type {
            ObjectType::User => "protected_at IS NOT NULL",
            _ => "FALSE",
        };
        execute!(
            &mut *tx,
            sqlx::AssertSqlSafe(format!(
                "UPDATE directory_{object_type}
                    SET integration_id = NULL, hash = NULL,
                        delete_at = CASE WHEN status = $3 OR {protected} THEN NULL
                                         ELSE COALESCE($2, delete_at) END,
                        countdown_cancelled_at = CASE WHEN $2 IS NULL
                                                      THEN countdown_cancelled_at END
                  WHERE integration_id = $1"
            )),
            id,
            delete_at,
            DirectoryStatus::Deleted
        )?;
    }
    Ok(())
}
