//! What runs did about one user, and the groups it is in by way of others.

use std::collections::{HashMap, HashSet, VecDeque};

use domain::{
    group::GroupKind,
    id::{GroupId, UserId},
    run::{Action, ChangeStatus},
    user::{DirectoryStatus, Membership, RunOfObject},
};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Backend, Result, Scope, fetch_all, fetch_optional};

/// Lines of either that a page shows.
const SHOWN: i64 = 50;
/// Groups that are looked at on the way up.
const GROUPS_MAX: i64 = 5_000;

/// What runs did about a user, the newest first; of the one that brought it in, by its time.
pub async fn runs(b: &Backend, scope: &Scope, id: UserId) -> Result<Vec<RunOfObject>> {
    super::get(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    let mut runs = fetch_all!(
        &mut tx,
        RunOfObject,
        "SELECT h.run_id, COALESCE(r.started_at, r.queued_at) AS at, r.mode, h.action, h.reason,
                h.status
           FROM run_change h JOIN run r ON r.id = h.run_id
          WHERE h.object_id = $1
            AND h.action IN ('update', 'disable', 'enable', 'delete', 'restore')
          ORDER BY h.run_id DESC, h.position DESC LIMIT $2",
        id,
        SHOWN
    )?;
    let brought_in = fetch_optional!(
        &mut tx,
        RunOfObject,
        "SELECT r.id AS run_id, COALESCE(r.started_at, r.queued_at) AS at, r.mode,
                $2 AS action, NULL AS reason, $3 AS status
           FROM directory_user u JOIN run r ON r.integration_id = u.integration_id
          WHERE u.id = $1 AND r.mode <> 'preview' AND r.queued_at <= u.created_at
            AND (r.ended_at IS NULL OR r.ended_at >= u.created_at)
          ORDER BY r.queued_at DESC LIMIT 1",
        id,
        Action::Create,
        ChangeStatus::Applied
    )?;
    runs.extend(brought_in);
    Ok(runs)
}

#[derive(FromRow)]
struct Edge {
    member_id: Uuid,
    id: GroupId,
    display_name: String,
    kind: GroupKind,
    status: DirectoryStatus,
    made_here: bool,
}

/// The groups that a user is in, directly or through others, with the shortest way to each: the direct
/// ones first, by name.
pub async fn memberships(b: &Backend, scope: &Scope, id: UserId) -> Result<Vec<Membership>> {
    super::get(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    let edges = fetch_all!(
        &mut tx,
        Edge,
        "WITH RECURSIVE held (id) AS (
             SELECT $1
             UNION
             SELECT m.group_id FROM held
               JOIN directory_membership m ON m.member_id = held.id
               JOIN directory_group n ON n.id = m.group_id AND n.status <> 'deleted')
         SELECT m.member_id, g.id, g.display_name, g.kind, g.status,
                (g.integration_id IS NULL AND g.source_type IN ('Manual', 'Import')) AS made_here
           FROM held JOIN directory_membership m ON m.member_id = held.id
           JOIN directory_group g ON g.id = m.group_id AND g.status <> 'deleted'
          ORDER BY g.name_folded, g.id LIMIT $2",
        id,
        GROUPS_MAX
    )?;
    Ok(walk(id.0, edges))
}

/// Each group once, by the shortest way from the member up.
fn walk(member: Uuid, edges: Vec<Edge>) -> Vec<Membership> {
    let mut above: HashMap<Uuid, Vec<Edge>> = HashMap::new();
    for edge in edges {
        above.entry(edge.member_id).or_default().push(edge);
    }
    let mut met = HashSet::from([member]);
    let mut queue = VecDeque::from([(member, Vec::<String>::new())]);
    let mut found = Vec::new();
    while let Some((at, way)) = queue.pop_front() {
        for edge in above.remove(&at).into_iter().flatten() {
            if !met.insert(edge.id.0) {
                continue;
            }
            let mut onward = way.clone();
            onward.push(edge.display_name.clone());
            queue.push_back((edge.id.0, onward));
            found.push(Membership {
                id: edge.id,
                display_name: edge.display_name,
                kind: edge.kind,
                status: edge.status,
                made_here: edge.made_here,
                direct: at == member,
                path: way.clone(),
            });
        }
    }
    found
}
