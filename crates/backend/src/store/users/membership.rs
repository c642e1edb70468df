//! The groups made here that a user is in. Those of a source are the source's to fill.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, GroupId, UserId},
    made_here::{GROUPS_MAX, GroupChoice, changed_elsewhere},
    permission::Permission,
    policy::ObjectType,
    user::MemberOf,
};
use sqlx::FromRow;
use uuid::Uuid;

use super::held::hold;
use crate::{
    Backend, Error, Result, Scope, Tx,
    db::{
        self,
        rows::{IDS_MAX, fetch_built, push_ids, run_built},
    },
    fetch_all,
    store::{customers, paging},
};

/// How many groups the choice offers.
const CHOICE_MAX: i64 = 1_000;

/// The groups made here that people of a customer can be put into, by name.
pub async fn group_choice(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    q: Option<&str>,
) -> Result<Vec<GroupChoice>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    fetch_all!(
        &mut tx,
        GroupChoice,
        r"SELECT id, display_name FROM directory_group
           WHERE customer_id = $1 AND integration_id IS NULL
             AND source_type IN ('Manual', 'Import') AND status <> 'deleted'
             AND ($2 IS NULL OR search_text LIKE $2 ESCAPE '\')
           ORDER BY name_folded, id LIMIT $3",
        customer,
        paging::pattern(q),
        CHOICE_MAX
    )
}

#[derive(FromRow)]
struct GroupRow {
    id: GroupId,
    display_name: String,
    made_here: bool,
    integration_name: Option<String>,
}

/// These groups of a customer, all made here; else the first that can't be chosen is blamed.
pub(super) async fn choose(
    tx: &mut Tx,
    customer: CustomerId,
    ids: &[GroupId],
) -> Result<Vec<GroupChoice>> {
    if ids.len() > GROUPS_MAX {
        return Err(Error::invalid(
            "group_ids",
            format!("Give at most {GROUPS_MAX} groups at once."),
        ));
    }
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut rows = Vec::new();
    for wanted in wanted.chunks(IDS_MAX) {
        rows.extend(fetch_built!(&mut *tx, GroupRow, |query| {
            query.push(
                "SELECT g.id, g.display_name,
                        (g.integration_id IS NULL AND g.source_type IN ('Manual', 'Import'))
                        AS made_here, i.name AS integration_name
                   FROM directory_group g LEFT JOIN integration i ON i.id = g.integration_id
                  WHERE g.status <> 'deleted' AND g.customer_id = ",
            );
            query.push_bind(customer).push(" AND g.id");
            push_ids!(query, wanted);
            query.push(" ORDER BY g.name_folded, g.id");
        })?);
    }
    if let Some(unknown) = ids.iter().find(|id| rows.iter().all(|row| row.id != **id)) {
        return Err(Error::invalid(
            "group_ids",
            format!("This customer has no group {unknown}."),
        ));
    }
    let choice = |row: GroupRow| {
        if row.made_here {
            return Ok(GroupChoice {
                id: row.id,
                display_name: row.display_name,
            });
        }
        let integration = row.integration_name.as_deref();
        let (of, what) = (ObjectType::Group, "its members");
        let words = changed_elsewhere(of, &row.display_name, integration, what);
        Err(Error::invalid("group_ids", words))
    };
    rows.into_iter().map(choice).collect()
}

/// Puts a user into these groups.
pub(super) async fn put_into(tx: &mut Tx, id: UserId, groups: &[GroupId]) -> Result<()> {
    let rows: Vec<_> = groups
        .iter()
        .map(|group| db::Membership {
            group_id: group.0,
            member_id: id.0,
            member_type: ObjectType::User,
        })
        .collect();
    tx.insert_memberships(&rows).await
}

/// Sets the groups made here that a user is in; those of sources stay. Also for a synced user.
pub async fn set_groups(
    b: &Backend,
    scope: &Scope,
    id: UserId,
    group_ids: &[GroupId],
) -> Result<Vec<MemberOf>> {
    let mut tx = b.db.write().await?;
    let user = hold(&mut tx, scope, id).await?;
    let wanted = choose(&mut tx, user.customer_id, group_ids).await?;
    user.not_deleted()?;
    let before = fetch_all!(
        &mut tx,
        GroupChoice,
        "SELECT g.id, g.display_name FROM directory_membership m
           JOIN directory_group g ON g.id = m.group_id
          WHERE m.member_id = $1 AND g.integration_id IS NULL
            AND g.source_type IN ('Manual', 'Import') AND g.status <> 'deleted'
          ORDER BY g.name_folded, g.id",
        id
    )?;
    let not_in = |some: &[GroupChoice], others: &[GroupChoice]| -> Vec<GroupId> {
        let ids = some.iter().map(|group| group.id);
        ids.filter(|id| others.iter().all(|other| other.id != *id))
            .collect()
    };
    let (comes, goes) = (not_in(&wanted, &before), not_in(&before, &wanted));
    if !comes.is_empty() || !goes.is_empty() {
        put_into(&mut tx, id, &comes).await?;
        take_out_of(&mut tx, id, &goes).await?;
        let names = |groups: &[GroupChoice]| -> Vec<String> {
            let names = groups.iter().map(|group| group.display_name.clone());
            names.collect()
        };
        let changes = AuditChanges::none().field("groups", &names(&before), &names(&wanted));
        // Two groups of one name look alike.
        let changes = changes
            .now("added", &comes.len())
            .now("removed", &goes.len());
        let action = AuditAction::UserSetGroups;
        user.record(b, &mut tx, scope, action, ("", changes))
            .await?;
    }
    let groups = super::groups_of(&mut tx, id.0).await?;
    tx.commit().await?;
    Ok(groups)
}

async fn take_out_of(tx: &mut Tx, id: UserId, groups: &[GroupId]) -> Result<()> {
    let groups: Vec<Uuid> = groups.iter().map(|group| group.0).collect();
    for groups in groups.chunks(IDS_MAX) {
        run_built!(&mut *tx, |query| {
            query.push("DELETE FROM directory_membership WHERE member_id = ");
            query.push_bind(id).push(" AND group_id");
            push_ids!(query, groups);
        })?;
    }
    Ok(())
}
