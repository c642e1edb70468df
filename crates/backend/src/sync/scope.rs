//! Who is in scope where groups are selected: `source_object.in_scope` of users follows the members
//! of the selected groups that are there (sync.md rule 11).

use domain::{id::ExternalId, policy::ObjectType};
use uuid::Uuid;

use super::{
    members::List,
    merging::FIRST,
    record::Work,
    rows::{IDS_MAX, push_ids, run_built},
    stop::Stop,
};
use crate::{Result, fetch_all, fetch_scalar};

/// Users looked at together.
const BATCH: i64 = 5_000;

/// Brings the column in step with what was merged.
pub(super) async fn refresh(work: &mut Work<'_>) -> Result<(), Stop> {
    if !work.is_selected() || !may_have_moved(work).await? {
        return Ok(());
    }
    let scope = members_of_selected(work).await?;
    let mut after = FIRST;
    loop {
        let mut tx = work.bulk().await?;
        let users = fetch_all!(
            &mut tx,
            (ExternalId, bool),
            "SELECT external_id, in_scope FROM source_object
              WHERE integration_id = $1 AND object_type = $2 AND external_id > $3
              ORDER BY external_id LIMIT $4",
            work.integration.id,
            ObjectType::User,
            after,
            BATCH
        )?;
        let Some((last, _)) = users.last() else {
            return Ok(());
        };
        after = *last;
        for in_scope in [false, true] {
            let moved: Vec<Uuid> = users
                .iter()
                .filter(|(id, was)| *was != in_scope && scope.binary_search(id).is_ok() == in_scope)
                .map(|(id, _)| id.0)
                .collect();
            for ids in moved.chunks(IDS_MAX) {
                run_built!(&mut tx, |query| {
                    query
                        .push("UPDATE source_object SET in_scope = ")
                        .push_bind(in_scope);
                    query
                        .push(" WHERE integration_id = ")
                        .push_bind(work.integration.id);
                    query.push(" AND object_type = 'user' AND external_id IN ");
                    push_ids!(query, ids);
                })?;
            }
        }
        tx.commit().await?;
        work.checkpoint().await?;
    }
}

/// Whether the round said anything of groups or their members. Asked of staging, so that merging
/// which is done again still knows.
async fn may_have_moved(work: &Work<'_>) -> Result<bool> {
    if work.run.full_read {
        return Ok(true);
    }
    let mut tx = work.b().db.read().await?;
    fetch_scalar!(
        &mut tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM run_staging_member WHERE run_id = $1)
             OR EXISTS (SELECT 1 FROM run_staging WHERE run_id = $1 AND object_type = 'group')",
        work.run.id
    )
}

/// The users that the selected groups have, sorted.
async fn members_of_selected(work: &Work<'_>) -> Result<Vec<ExternalId>> {
    let mut tx = work.b().db.read().await?;
    let sql = format!(
        "SELECT m.group_external_id, m.member_type, m.members
           FROM source_membership m
           JOIN source_object g ON g.integration_id = m.integration_id
                AND g.object_type = 'group' AND g.external_id = m.group_external_id
                AND g.presence = 'present'
          WHERE m.integration_id = $1 AND m.member_type = 'user'
            AND EXISTS (SELECT 1 FROM {} AND ig.external_id = m.group_external_id)
            AND $2 = $2",
        work.selected_groups("$2")
    );
    let lists = fetch_all!(
        &mut tx,
        List,
        sqlx::AssertSqlSafe(sql),
        work.integration.id,
        work.run.id
    )?;
    let mut scope: Vec<ExternalId> = lists.iter().flat_map(List::ids).collect();
    scope.sort_unstable();
    scope.dedup();
    Ok(scope)
}
