//! Tags of customers. Roles can be given for the customers that have one, so a tag that a role uses
//! is changed only by who holds that role over all that it reaches.

use std::collections::HashMap;

use domain::{
    customer::{Customer, TAGS_MAX, parse_tags},
    id::CustomerId,
    permission::Permission,
};

use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_all_in, in_scope, insert_many,
    store::operators,
};

/// The tags of some customers, sorted.
pub(super) async fn of(
    tx: &mut Tx,
    customers: &[CustomerId],
) -> Result<HashMap<CustomerId, Vec<String>>> {
    let rows = fetch_all_in!(
        tx,
        (CustomerId, String),
        "SELECT customer_id, tag FROM customer_tag WHERE customer_id IN",
        customers,
        ""
    )?;
    let mut tags: HashMap<CustomerId, Vec<String>> = HashMap::new();
    for (customer, tag) in rows {
        tags.entry(customer).or_default().push(tag);
    }
    // Here, since each database has its own order of letters.
    for tags in tags.values_mut() {
        tags.sort_unstable();
    }
    Ok(tags)
}

/// The tags of a customer, sorted.
pub(super) async fn of_one(tx: &mut Tx, customer: CustomerId) -> Result<Vec<String>> {
    let mut tags = of(tx, &[customer]).await?;
    Ok(tags.remove(&customer).unwrap_or_default())
}

/// The tags that customers of the caller have, sorted.
pub async fn known(b: &Backend, scope: &Scope) -> Result<Vec<String>> {
    scope.require(Permission::CustomersRead)?;
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        (String,),
        concat!(
            "SELECT DISTINCT t.tag FROM customer_tag t JOIN customer c ON c.id = t.customer_id
              WHERE c.deleted_at IS NULL AND ",
            in_scope!("t.customer_id")
        ),
        scope.all(),
        scope.grantee()
    )?;
    let mut tags: Vec<String> = rows.into_iter().map(|(tag,)| tag).collect();
    tags.sort_unstable();
    Ok(tags)
}

/// Gives a customer these tags in place of those it has; answers them as they are kept.
pub(super) async fn change(
    tx: &mut Tx,
    scope: &Scope,
    customer: &Customer,
    given: &[String],
) -> Result<Vec<String>> {
    let tags = parse_tags("tags", given)?;
    if tags.len() > TAGS_MAX {
        let message = format!("A customer has at most {TAGS_MAX} tags.");
        return Err(Error::invalid("tags", message));
    }
    if tags == customer.tags {
        return Ok(tags);
    }
    operators::one_at_a_time(tx).await?;
    // Once more: another may have changed them before it was our turn.
    let before = of_one(tx, customer.id).await?;
    let changed: Vec<String> = tags
        .iter()
        .filter(|tag| !before.contains(tag))
        .chain(before.iter().filter(|tag| !tags.contains(tag)))
        .cloned()
        .collect();
    operators::may_be_retagged(tx, scope, &changed).await?;
    execute!(
        &mut *tx,
        "DELETE FROM customer_tag WHERE customer_id = $1",
        customer.id
    )?;
    insert_many!(
        &mut *tx,
        "INSERT INTO customer_tag (customer_id, tag)",
        columns: 2, rows_max: 1000, tags,
        |bind, row| { bind.push_bind(customer.id).push_bind(row.clone()); },
        ""
    )?;
    Ok(tags)
}
