//! Who is in a group: directly, or through groups in it, with the way to each.

use std::collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry};

use domain::{
    group::MemberLine,
    id::{ExternalId, GroupId},
    paging::{Cursor, ListRequest, Listing, Page, PageRequest},
    policy::ObjectType,
    user::DirectoryStatus,
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{super::paging, name};
use crate::{
    Backend, Result, Scope, Tx,
    db::rows::{IDS_MAX, fetch_built, push_ids},
    fetch_all, fetch_scalar,
};

#[derive(FromRow)]
struct MemberRow {
    id: Uuid,
    external_id: Option<ExternalId>,
    object_type: ObjectType,
    display_name: String,
    name_folded: String,
    user_principal_name: Option<String>,
    status: DirectoryStatus,
    direct: bool,
}

/// The group `$1` and the groups in it, each once, so that a cycle ends.
const INSIDE: &str = "WITH RECURSIVE inside (id) AS (
    SELECT id FROM directory_group WHERE id = $1
    UNION
    SELECT m.member_id FROM inside
      JOIN directory_membership m ON m.group_id = inside.id AND m.member_type = 'group'
      JOIN directory_group n ON n.id = m.member_id AND n.status <> 'deleted')";

/// Its members: what is not deleted, of every type.
const MEMBERS: &str = "FROM (
    SELECT u.id, u.external_id, 'user' AS object_type, u.display_name, u.name_folded,
           u.search_text, u.user_principal_name, u.status,
           EXISTS (SELECT 1 FROM directory_membership d
                    WHERE d.group_id = $1 AND d.member_id = u.id) AS direct
      FROM directory_user u
     WHERE u.status <> 'deleted'
       AND u.id IN (SELECT m.member_id FROM inside
                      JOIN directory_membership m ON m.group_id = inside.id
                     WHERE m.member_type = 'user')
    UNION ALL
    SELECT g.id, g.external_id, 'group' AS object_type, g.display_name, g.name_folded,
           g.search_text, NULL AS user_principal_name, g.status,
           EXISTS (SELECT 1 FROM directory_membership d
                    WHERE d.group_id = $1 AND d.member_id = g.id) AS direct
      FROM directory_group g
     WHERE g.status <> 'deleted' AND g.id <> $1 AND g.id IN (SELECT id FROM inside)
    UNION ALL
    SELECT k.id, k.external_id, 'contact' AS object_type, k.display_name, k.name_folded,
           k.search_text, NULL AS user_principal_name, k.status,
           EXISTS (SELECT 1 FROM directory_membership d
                    WHERE d.group_id = $1 AND d.member_id = k.id) AS direct
      FROM directory_contact k
     WHERE k.status <> 'deleted'
       AND k.id IN (SELECT m.member_id FROM inside
                      JOIN directory_membership m ON m.group_id = inside.id
                     WHERE m.member_type = 'contact')
    UNION ALL
    SELECT v.id, v.external_id, 'device' AS object_type, v.display_name, v.name_folded,
           v.search_text, NULL AS user_principal_name, v.status,
           EXISTS (SELECT 1 FROM directory_membership d
                    WHERE d.group_id = $1 AND d.member_id = v.id) AS direct
      FROM directory_device v
     WHERE v.status <> 'deleted'
       AND v.id IN (SELECT m.member_id FROM inside
                      JOIN directory_membership m ON m.group_id = inside.id
                     WHERE m.member_type = 'device')) x";

/// One page of a group's members by name, those of groups in it too.
pub async fn members(
    b: &Backend,
    scope: &Scope,
    id: GroupId,
    q: Option<&str>,
    page: PageRequest,
) -> Result<Page<MemberLine>> {
    name(b, scope, id).await?;
    b.limits.take_search(q, scope)?;
    let pattern = paging::pattern(q);
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!(
            r"{INSIDE} SELECT COUNT(*) {MEMBERS}
               WHERE $2 IS NULL OR x.search_text LIKE $2 ESCAPE '\'"
        )),
        id,
        &pattern
    )?;
    let rows = fetch_all!(
        &mut tx,
        MemberRow,
        sqlx::AssertSqlSafe(format!(
            r"{INSIDE} SELECT * {MEMBERS}
               WHERE $2 IS NULL OR x.search_text LIKE $2 ESCAPE '\'
               ORDER BY x.name_folded, x.id LIMIT $3 OFFSET $4"
        )),
        id,
        pattern,
        page.limit(),
        page.offset()
    )?;
    Ok(Page {
        items: with_paths(&mut tx, id, rows).await?,
        total,
    })
}

/// A group's members by name, those of groups in it too, for programs.
pub async fn members_listing(
    b: &Backend,
    scope: &Scope,
    id: GroupId,
    request: &ListRequest,
) -> Result<Listing<MemberLine>> {
    name(b, scope, id).await?;
    let (after, after_id) = paging::after(request);
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        MemberRow,
        sqlx::AssertSqlSafe(format!(
            r"{INSIDE} SELECT * {MEMBERS}
               WHERE (x.name_folded, x.id) > ($2, $3)
                 AND ($4 IS NULL OR x.search_text LIKE $4 ESCAPE '\')
               ORDER BY x.name_folded, x.id LIMIT $5"
        )),
        id,
        after,
        after_id,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    let listing = paging::listing(rows, request, |row| Cursor {
        after: row.name_folded.clone(),
        id: row.id,
    });
    Ok(Listing {
        items: with_paths(&mut tx, id, listing.items).await?,
        next: listing.next,
    })
}

/// The rows, with the shortest way to each that is no direct member.
async fn with_paths(tx: &mut Tx, group: GroupId, rows: Vec<MemberRow>) -> Result<Vec<MemberLine>> {
    let nested = |row: &&MemberRow| !row.direct;
    let ids: Vec<Uuid> = rows.iter().filter(nested).map(|row| row.id).collect();
    let mut paths = if ids.is_empty() {
        HashMap::new()
    } else {
        paths(tx, group, &ids).await?
    };
    let lines = rows.into_iter().map(|row| MemberLine {
        path: paths.remove(&row.id).unwrap_or_default(),
        id: row.id,
        external_id: row.external_id,
        object_type: row.object_type,
        display_name: row.display_name,
        direct: row.direct,
        user_principal_name: row.user_principal_name,
        status: Some(row.status),
    });
    Ok(lines.collect())
}

#[derive(FromRow)]
struct Edge {
    group_id: Uuid,
    member_id: Uuid,
    display_name: String,
}

/// The shortest way to each of these members, by the names of the groups between.
async fn paths(
    tx: &mut Tx,
    group: GroupId,
    members: &[Uuid],
) -> Result<HashMap<Uuid, Vec<String>>> {
    let edges = fetch_all!(
        &mut *tx,
        Edge,
        sqlx::AssertSqlSafe(format!(
            "{INSIDE} SELECT m.group_id, m.member_id, n.display_name FROM inside
               JOIN directory_membership m ON m.group_id = inside.id AND m.member_type = 'group'
               JOIN directory_group n ON n.id = m.member_id AND n.status <> 'deleted'
              ORDER BY n.name_folded, n.id"
        )),
        group
    )?;
    let inside = walk(group.0, &edges);
    let mut best: HashMap<Uuid, &Vec<String>> = HashMap::new();
    for ids in members.chunks(IDS_MAX) {
        let holders = fetch_built!(&mut *tx, (Uuid, Uuid), |query| {
            query.push(
                "SELECT m.member_id, m.group_id FROM directory_membership m
                   JOIN directory_group g ON g.id = m.group_id
                  WHERE m.member_id",
            );
            push_ids!(query, ids);
            query.push(" ORDER BY g.name_folded, g.id");
        })?;
        for (member, holder) in holders {
            let Some(path) = inside.get(&holder) else {
                continue;
            };
            match best.entry(member) {
                Entry::Vacant(entry) => drop(entry.insert(path)),
                Entry::Occupied(mut entry) if path.len() < entry.get().len() => {
                    entry.insert(path);
                }
                Entry::Occupied(_) => {}
            }
        }
    }
    Ok(best
        .into_iter()
        .map(|(member, path)| (member, path.clone()))
        .collect())
}

/// The groups in a group, each with the names on the shortest way to it, its own last. The group
/// itself has none.
fn walk(group: Uuid, edges: &[Edge]) -> HashMap<Uuid, Vec<String>> {
    let mut below: BTreeMap<Uuid, Vec<&Edge>> = BTreeMap::new();
    for edge in edges {
        below.entry(edge.group_id).or_default().push(edge);
    }
    let mut ways = HashMap::from([(group, Vec::new())]);
    let mut queue = VecDeque::from([group]);
    while let Some(at) = queue.pop_front() {
        let way = ways.get(&at).cloned().unwrap_or_default();
        for edge in below.get(&at).into_iter().flatten() {
            if let Entry::Vacant(new) = ways.entry(edge.member_id) {
                let mut way = way.clone();
                way.push(edge.display_name.clone());
                new.insert(way);
                queue.push_back(edge.member_id);
            }
        }
    }
    ways
}
