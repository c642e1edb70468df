//! The history lines of a run.

use domain::{
    id::RunId,
    policy::{ObjectType, Policy},
    run::{CountLine, LineStatus},
};

use crate::{Result, Tx, execute, fetch_all};

/// Stores a line.
pub(crate) async fn insert(tx: &mut Tx, run_id: RunId, line: &CountLine) -> Result<u64> {
    execute!(
        tx,
        "INSERT INTO run_count (run_id, object_type, status, total, unchanged, created, updated,
            disabled, enabled, deleted, restored, filtered, failed, held, blocked)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (run_id, object_type) DO UPDATE SET status = excluded.status,
            total = excluded.total, unchanged = excluded.unchanged, created = excluded.created,
            updated = excluded.updated, disabled = excluded.disabled, enabled = excluded.enabled,
            deleted = excluded.deleted, restored = excluded.restored,
            filtered = excluded.filtered, failed = excluded.failed, held = excluded.held,
            blocked = excluded.blocked",
        run_id,
        line.object_type,
        line.status,
        line.total,
        line.unchanged,
        line.created,
        line.updated,
        line.disabled,
        line.enabled,
        line.deleted,
        line.restored,
        line.filtered,
        line.failed,
        line.held,
        line.blocked
    )
}

/// Puts the lines of a run that hasn't counted yet, one a type that the policy reads and one for
/// memberships, so that the run shows in the history from the press of the button on.
pub(super) async fn open(
    tx: &mut Tx,
    run_id: RunId,
    policy: &Policy,
    status: LineStatus,
) -> Result<()> {
    let types = policy.object_types.iter().copied();
    for object_type in types.chain([ObjectType::Membership]) {
        insert(tx, run_id, &CountLine::new(object_type, status)).await?;
    }
    Ok(())
}

/// A run's lines, in the order in which a person expects the types.
pub(super) async fn load(tx: &mut Tx, run_id: RunId) -> Result<Vec<CountLine>> {
    let mut lines = fetch_all!(
        tx,
        CountLine,
        "SELECT object_type, status, total, unchanged, created, updated, disabled, enabled,
                deleted, restored, filtered, failed, held, blocked
           FROM run_count WHERE run_id = $1",
        run_id
    )?;
    lines.sort_unstable_by_key(|line| line.object_type);
    Ok(lines)
}
