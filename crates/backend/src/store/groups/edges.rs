//! Putting members into groups made here, and taking them out. Members come from any source; when a
//! synced one becomes inactive it stays a member, and when it is deleted it isn't shown until it is
//! restored.

use std::collections::BTreeMap;

use domain::{
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, GroupId},
    made_here::{MEMBERS_MAX, MemberHit},
    permission::Permission,
    policy::ObjectType,
};
use uuid::Uuid;

use super::held::{self, hold};
use crate::{
    Backend, Error, Result, Scope, Tx,
    db::{
        self,
        rows::{IDS_MAX, fetch_built, push_ids, run_built},
    },
    fetch_all,
    limits::Limited,
    store::paging,
};

/// Members that are named in the audit log; of more, how many.
const NAMED_MAX: usize = 50;
/// How many the search answers.
const HITS_MAX: i64 = 20;

/// Everything of a customer's directory that can be a member, as [`MemberHit`] has it.
macro_rules! everything {
    ($where:literal) => {
        concat!(
            "SELECT id, 'user' AS object_type, display_name, name_folded,
                    COALESCE(user_principal_name, mail) AS detail
               FROM directory_user WHERE status <> 'deleted' AND ",
            $where,
            " UNION ALL
             SELECT id, 'group' AS object_type, display_name, name_folded, mail AS detail
               FROM directory_group WHERE status <> 'deleted' AND ",
            $where,
            " UNION ALL
             SELECT id, 'contact' AS object_type, display_name, name_folded, mail AS detail
               FROM directory_contact WHERE status <> 'deleted' AND ",
            $where,
            " UNION ALL
             SELECT id, 'device' AS object_type, display_name, name_folded, NULL AS detail
               FROM directory_device WHERE status <> 'deleted' AND ",
            $where
        )
    };
}

/// Who of the customer's directory could become a member of a group made here: whose name or address
/// holds `q`, by name.
pub async fn candidates(
    b: &Backend,
    scope: &Scope,
    id: GroupId,
    q: &str,
) -> Result<Vec<MemberHit>> {
    scope.require(Permission::DirectoryRead)?;
    b.limits.take(Limited::Search, scope)?;
    let mut tx = b.db.read().await?;
    let group = held::find(&mut tx, scope, id).await?;
    fetch_all!(
        &mut tx,
        MemberHit,
        concat!(
            "SELECT x.id, x.object_type, x.display_name, x.detail FROM (",
            everything!(r"customer_id = $1 AND search_text LIKE $2 ESCAPE '\'"),
            ") x WHERE x.id <> $3
               AND NOT EXISTS (SELECT 1 FROM directory_membership m
                                WHERE m.group_id = $3 AND m.member_id = x.id)
             ORDER BY x.name_folded, x.id LIMIT $4"
        ),
        group.customer_id,
        paging::pattern(Some(q)),
        id,
        HITS_MAX
    )
}

/// Whether members are put into a group here: it is made here, and isn't in the bin.
pub async fn takes_members(b: &Backend, scope: &Scope, id: GroupId) -> Result<bool> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    let group = held::find(&mut tx, scope, id).await?;
    Ok(group.made_here("").is_ok() && group.not_deleted().is_ok())
}

/// Who of the customer these ids are of; else the first that is of nobody is blamed.
pub(super) async fn find(
    tx: &mut Tx,
    customer: CustomerId,
    group: GroupId,
    ids: &[Uuid],
) -> Result<Vec<MemberHit>> {
    const FIELD: &str = "member_ids";
    at_most(ids)?;
    if ids.contains(&group.0) {
        return Err(Error::invalid(
            FIELD,
            "A group can’t be a member of itself.",
        ));
    }
    let mut found: BTreeMap<Uuid, MemberHit> = BTreeMap::new();
    for object_type in ObjectType::OBJECTS {
        for ids in ids.chunks(IDS_MAX) {
            let hits = fetch_built!(&mut *tx, MemberHit, |query| {
                query.push(format!(
                    "SELECT id, '{object_type}' AS object_type, display_name, NULL AS detail
                       FROM directory_{object_type} WHERE status <> 'deleted' AND customer_id = "
                ));
                query.push_bind(customer).push(" AND id");
                push_ids!(query, ids);
            })?;
            found.extend(hits.into_iter().map(|hit| (hit.id, hit)));
        }
    }
    if let Some(unknown) = ids.iter().find(|id| !found.contains_key(id)) {
        return Err(Error::invalid(
            FIELD,
            format!("This customer has no user, group, contact or device {unknown}."),
        ));
    }
    Ok(found.into_values().collect())
}

fn at_most(ids: &[Uuid]) -> Result<()> {
    if ids.len() > MEMBERS_MAX {
        return Err(Error::invalid(
            "member_ids",
            format!("Give at most {MEMBERS_MAX} members at once."),
        ));
    }
    Ok(())
}

/// Puts them into a group.
pub(super) async fn put_into(tx: &mut Tx, group: GroupId, members: &[MemberHit]) -> Result<()> {
    let rows: Vec<_> = members
        .iter()
        .map(|member| db::Membership {
            group_id: group.0,
            member_id: member.id,
            member_type: member.object_type,
        })
        .collect();
    tx.insert_memberships(&rows).await
}

/// Their names, for the audit log.
pub(super) fn names(members: &[MemberHit]) -> Vec<String> {
    let names = members.iter().map(|member| member.display_name.clone());
    names.take(NAMED_MAX).collect()
}

/// Which of these are direct members.
async fn members_among(tx: &mut Tx, group: GroupId, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let mut found = Vec::new();
    for ids in ids.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut *tx, (Uuid,), |query| {
            query.push("SELECT member_id FROM directory_membership WHERE group_id = ");
            query.push_bind(group).push(" AND member_id");
            push_ids!(query, ids);
        })?;
        found.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

/// Puts members into a group made here; who is in it already stays. Answers how many came.
pub async fn add_members(
    b: &Backend,
    scope: &Scope,
    id: GroupId,
    member_ids: &[Uuid],
) -> Result<usize> {
    let mut tx = b.db.write().await?;
    let group = hold(&mut tx, scope, id).await?;
    let mut members = find(&mut tx, group.customer_id, id, member_ids).await?;
    group.made_here("its members")?;
    group.not_deleted()?;
    let there = members_among(&mut tx, id, member_ids).await?;
    members.retain(|member| !there.contains(&member.id));
    if !members.is_empty() {
        put_into(&mut tx, id, &members).await?;
        let changes = AuditChanges::none()
            .now("number", &members.len())
            .now("members", &names(&members));
        group
            .record(b, &mut tx, scope, AuditAction::GroupAddMembers, changes)
            .await?;
    }
    tx.commit().await?;
    Ok(members.len())
}

/// Takes members out of a group made here; who isn't in it is passed over. Answers how many went.
pub async fn remove_members(
    b: &Backend,
    scope: &Scope,
    id: GroupId,
    member_ids: &[Uuid],
) -> Result<usize> {
    let mut tx = b.db.write().await?;
    let group = hold(&mut tx, scope, id).await?;
    at_most(member_ids)?;
    group.made_here("its members")?;
    group.not_deleted()?;
    let there = members_among(&mut tx, id, member_ids).await?;
    if there.is_empty() {
        tx.commit().await?;
        return Ok(0);
    }
    let members = named(&mut tx, &there).await?;
    for ids in there.chunks(IDS_MAX) {
        run_built!(&mut tx, |query| {
            query.push("DELETE FROM directory_membership WHERE group_id = ");
            query.push_bind(id).push(" AND member_id");
            push_ids!(query, ids);
        })?;
    }
    let changes = AuditChanges::none()
        .was("number", &there.len())
        .was("members", &names(&members));
    group
        .record(b, &mut tx, scope, AuditAction::GroupRemoveMembers, changes)
        .await?;
    tx.commit().await?;
    Ok(there.len())
}

/// Whatever these ids are of, also what is deleted.
async fn named(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<MemberHit>> {
    let mut all = Vec::new();
    for object_type in ObjectType::OBJECTS {
        for ids in ids.chunks(IDS_MAX) {
            all.extend(fetch_built!(&mut *tx, MemberHit, |query| {
                query.push(format!(
                    "SELECT id, '{object_type}' AS object_type, display_name, NULL AS detail
                       FROM directory_{object_type} WHERE id"
                ));
                push_ids!(query, ids);
            })?);
        }
    }
    Ok(all)
}
