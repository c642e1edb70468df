//! Which objects of a run's changes are in the directory, for the way to their pages.

use std::collections::HashMap;

use domain::{
    id::{RunChangeId, RunId},
    permission::Permission,
    run::RunChange,
};
use uuid::Uuid;

use super::{change_id, integration_of, position};
use crate::{
    Backend, Result, Scope,
    db::rows::{IDS_MAX, fetch_built, push_ids},
};

/// The ids in the directory of what these changes of a run are about, of a membership change its
/// group's; without those of what isn't there, and none for who may not see the directory.
pub async fn in_directory(
    b: &Backend,
    scope: &Scope,
    run: RunId,
    changes: &[RunChange],
) -> Result<HashMap<RunChangeId, Uuid>> {
    let mut tx = b.db.read().await?;
    integration_of(&mut tx, scope, run).await?;
    if !scope.can(Permission::DirectoryRead) {
        return Ok(HashMap::new());
    }
    let positions: Vec<i64> = changes
        .iter()
        .map(|change| position(run, change.id.0))
        .collect();
    let mut found = HashMap::new();
    for positions in positions.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut tx, (i64, Uuid), |query| {
            query.push("SELECT c.position, c.object_id FROM run_change c WHERE c.run_id = ");
            query.push_bind(run);
            query.push(" AND c.position");
            push_ids!(query, positions);
            query.push(
                " AND CASE c.object_type
                    WHEN 'user' THEN EXISTS
                        (SELECT 1 FROM directory_user d WHERE d.id = c.object_id)
                    WHEN 'contact' THEN EXISTS
                        (SELECT 1 FROM directory_contact d WHERE d.id = c.object_id)
                    WHEN 'device' THEN EXISTS
                        (SELECT 1 FROM directory_device d WHERE d.id = c.object_id)
                    ELSE EXISTS
                        (SELECT 1 FROM directory_group d WHERE d.id = c.object_id) END",
            );
        })?;
        found.extend(rows.into_iter().map(|(at, id)| (change_id(run, at), id)));
    }
    Ok(found)
}
