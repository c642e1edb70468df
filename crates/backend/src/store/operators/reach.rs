//! Which customers a role reaches, and that nobody gives out more than they have.

use std::collections::HashSet;

use domain::{
    customer::{TAGS_MAX, parse_tags},
    id::{CustomerId, OperatorId},
    operator::CustomerScope,
    permission::{Permission, Role},
};

use super::visible;
use crate::{
    Error, Result, Scope, Tx, execute, fetch_all, fetch_all_in, fetch_scalar, in_scope, insert_many,
};

/// The most customers that one role or one token lists.
const LISTED_MAX: usize = 10_000;
/// What is to blame for the customers that a role lists.
const FIELD: &str = "scope.customer_ids";

/// A scope as it is kept, where the caller reaches all that it reaches, now and later.
pub(super) async fn checked(
    tx: &mut Tx,
    scope: &Scope,
    wanted: CustomerScope,
) -> Result<CustomerScope> {
    match wanted {
        CustomerScope::All if scope.sees_all() => Ok(CustomerScope::All),
        CustomerScope::All => Err(beyond()),
        CustomerScope::Some { customer_ids } => {
            let customer_ids = listed_customers(tx, scope, FIELD, customer_ids).await?;
            Ok(CustomerScope::Some { customer_ids })
        }
        CustomerScope::AllExcept { .. } if !scope.sees_later_ones() => Err(beyond()),
        CustomerScope::AllExcept { customer_ids } => {
            let mut customer_ids = known(tx, scope, FIELD, customer_ids).await?;
            // What is kept from the caller stays kept from everyone they let in.
            customer_ids.extend(scope.excluded());
            customer_ids.sort_unstable();
            customer_ids.dedup();
            if customer_ids.is_empty() {
                return Err(none_chosen(FIELD));
            }
            Ok(CustomerScope::AllExcept { customer_ids })
        }
        CustomerScope::Tags { tags } => {
            let tags = parse_tags("scope.tags", &tags)?;
            if tags.is_empty() || tags.len() > TAGS_MAX {
                let message = format!("Choose tags: at least one, at most {TAGS_MAX}.");
                return Err(Error::invalid("scope.tags", message));
            }
            if !scope.sees_all() && !reaches_tagged(tx, scope, &tags).await? {
                let message = "Choose tags that only customers have whom you look after.";
                return Err(Error::invalid("scope.tags", message));
            }
            Ok(CustomerScope::Tags { tags })
        }
    }
}

fn beyond() -> Error {
    let message = "You don’t look after all customers yourself. Choose some, or their tags.";
    Error::invalid("scope", message)
}

fn none_chosen(field: &str) -> Error {
    Error::invalid(field, "Choose at least one customer.")
}

/// The customers as given, in order and once each: at least one, and all of them known to the
/// caller. `field` is to blame otherwise.
pub(crate) async fn listed_customers(
    tx: &mut Tx,
    scope: &Scope,
    field: &str,
    given: Vec<CustomerId>,
) -> Result<Vec<CustomerId>> {
    let known = known(tx, scope, field, given).await?;
    if known.is_empty() {
        return Err(none_chosen(field));
    }
    Ok(known)
}

/// The same, where none at all is right too.
async fn known(
    tx: &mut Tx,
    scope: &Scope,
    field: &str,
    mut given: Vec<CustomerId>,
) -> Result<Vec<CustomerId>> {
    given.sort_unstable();
    given.dedup();
    if given.len() > LISTED_MAX {
        let message = format!("Choose at most {LISTED_MAX} customers one by one.");
        return Err(Error::invalid(field, message));
    }
    let there = fetch_all_in!(
        tx,
        (CustomerId,),
        "SELECT id FROM customer WHERE id IN",
        given,
        ""
    )?;
    let there: HashSet<_> = there.into_iter().map(|(id,)| id).collect();
    let unknown = given
        .iter()
        .find(|id| !there.contains(id) || !scope.sees(**id));
    match unknown {
        None => Ok(given),
        Some(id) => {
            let message = format!("There is no customer {id}.");
            Err(Error::invalid(field, message))
        }
    }
}

/// Whether customers have these tags, and none of them is kept from the caller.
async fn reaches_tagged(tx: &mut Tx, scope: &Scope, tags: &[String]) -> Result<bool> {
    for tag in tags {
        let (there, beyond) = fetch_all!(
            &mut *tx,
            (i64, i64),
            concat!(
                "SELECT COUNT(*), COUNT(CASE WHEN ",
                in_scope!("t.customer_id"),
                " THEN NULL ELSE 1 END) FROM customer_tag t WHERE t.tag = $3"
            ),
            scope.all(),
            scope.grantee(),
            tag
        )?
        .into_iter()
        .next()
        .unwrap_or_default();
        if there == 0 || beyond > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Keeps a scope that was [`checked`], in place of the one before.
pub(crate) async fn store(tx: &mut Tx, id: OperatorId, scope: &CustomerScope) -> Result<()> {
    execute!(
        &mut *tx,
        "UPDATE operator_role SET scope = $1 WHERE operator_id = $2",
        scope.kind().as_str(),
        id
    )?;
    execute!(
        &mut *tx,
        "DELETE FROM operator_role_customer WHERE operator_id = $1",
        id
    )?;
    execute!(
        &mut *tx,
        "DELETE FROM operator_role_tag WHERE operator_id = $1",
        id
    )?;
    insert_many!(
        &mut *tx,
        "INSERT INTO operator_role_customer (operator_id, customer_id)",
        columns: 2, rows_max: 1000, scope.customer_ids(),
        |bind, row| { bind.push_bind(id).push_bind(*row); },
        ""
    )?;
    insert_many!(
        tx,
        "INSERT INTO operator_role_tag (operator_id, tag)",
        columns: 2, rows_max: 1000, scope.tags(),
        |bind, row| { bind.push_bind(id).push_bind(row.clone()); },
        ""
    )?;
    Ok(())
}

/// Refuses to give a customer a tag, or to take one away, where that changes what operators reach
/// whom the caller may not change: who has more rights, or reaches more customers.
pub(crate) async fn may_be_retagged(tx: &mut Tx, scope: &Scope, tags: &[String]) -> Result<()> {
    for tag in tags {
        let roles = fetch_all!(
            &mut *tx,
            (Role, bool),
            concat!(
                "SELECT r.role, CASE WHEN ",
                visible!(),
                " THEN TRUE ELSE FALSE END AS seen FROM operator_role r
                   JOIN operator_role_tag g ON g.operator_id = r.operator_id WHERE g.tag = $4"
            ),
            scope.all(),
            scope.grantee(),
            scope.sees_all(),
            tag
        )?;
        let may = |(role, seen): &(Role, bool)| {
            *seen && scope.role().holds(*role) && scope.can(Permission::OperatorsWrite)
        };
        if !roles.iter().all(may) {
            let message = format!(
                "The tag “{tag}” decides which customers operators look after. Only someone with their rights over all of these customers can give it or take it away."
            );
            return Err(Error::invalid("tags", message));
        }
    }
    Ok(())
}

/// Whether there is an operator who can sign in and may do everything for all customers.
pub(super) async fn has_owner(tx: &mut Tx) -> Result<bool> {
    let owners = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM operator o JOIN operator_role r ON r.operator_id = o.id
          WHERE r.role = 'owner' AND r.scope = 'all' AND o.joined_at IS NOT NULL
            AND o.disabled_at IS NULL"
    )?;
    Ok(owners > 0)
}
