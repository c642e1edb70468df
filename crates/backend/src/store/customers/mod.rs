//! Customers, and their bin.

use domain::{
    DateTime,
    customer::{BIN_DAYS, Customer, CustomerLine},
    id::{CustomerId, IntegrationId},
    paging::{Direction, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
    schedule::Schedule,
    text::parse_name,
};

use super::{
    audit,
    integrations::schedule,
    paging::{self, Sort},
    read_json,
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional, fetch_scalar, in_scope,
    sync,
};

/// What the Customers list is asked for.
#[derive(Debug, Clone, Default)]
pub struct CustomerQuery {
    /// A part of the name.
    pub q: Option<String>,
    /// Those in the bin, instead of those in use.
    pub bin: bool,
    /// Which rows.
    pub page: PageRequest,
    /// A column of [`SORTS`]; by name otherwise.
    pub sort: Option<String>,
    /// Which way.
    pub direction: Direction,
}

/// The columns by which the list sorts.
pub const SORTS: &[Sort] = &[
    ("name", "c.name_folded"),
    ("created", "c.created_at"),
    ("integrations", "integrations"),
    ("failing", "failing"),
    ("users", "active_users"),
    ("groups", "active_groups"),
    ("last_sync", "last_sync_started_at"),
];

/// The most names that [`names`] answers.
pub const NAMES_MAX: i64 = 1000;

const LINE: &str = "SELECT c.id, c.name, c.created_at, c.deleted_at,
       (SELECT COUNT(*) FROM integration i WHERE i.customer_id = c.id) AS integrations,
       (SELECT COUNT(*) FROM integration i WHERE i.customer_id = c.id
           AND i.state IN ('failing', 'quarantined')) AS failing,
       (SELECT COUNT(*) FROM directory_user u
         WHERE u.customer_id = c.id AND u.status = 'active') AS active_users,
       (SELECT COUNT(*) FROM directory_group g
         WHERE g.customer_id = c.id AND g.status = 'active') AS active_groups,
       (SELECT MAX(i.last_sync_started_at) FROM integration i
         WHERE i.customer_id = c.id) AS last_sync_started_at
     FROM customer c";

const MATCHING: &str = concat!(
    "WHERE ",
    in_scope!("c.id"),
    r" AND (c.deleted_at IS NOT NULL) = $3
       AND ($4 IS NULL OR c.name_folded LIKE $4 ESCAPE '\')"
);

/// One page of the Customers list.
pub async fn list(b: &Backend, scope: &Scope, query: CustomerQuery) -> Result<Page<CustomerLine>> {
    scope.require(Permission::CustomersRead)?;
    let pattern = paging::pattern(query.q.as_deref());
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM customer c {MATCHING}")),
        scope.all(),
        scope.grantee(),
        query.bin,
        &pattern
    )?;
    let order = paging::order(SORTS, query.sort.as_deref(), query.direction, "c.id");
    let items = fetch_all!(
        &mut tx,
        CustomerLine,
        sqlx::AssertSqlSafe(format!("{LINE} {MATCHING} {order} LIMIT $5 OFFSET $6")),
        scope.all(),
        scope.grantee(),
        query.bin,
        pattern,
        query.page.limit(),
        query.page.offset()
    )?;
    Ok(Page { items, total })
}

/// Customers in use, by name, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    request: &ListRequest,
) -> Result<Listing<Customer>> {
    scope.require(Permission::CustomersRead)?;
    let (after, id) = paging::after(request);
    let mut tx = b.db.read().await?;
    let items = fetch_all!(
        &mut tx,
        Customer,
        concat!(
            "SELECT id, name, created_at, deleted_at FROM customer WHERE ",
            in_scope!("id"),
            r" AND deleted_at IS NULL AND (name_folded, id) > ($3, $4)
               AND ($5 IS NULL OR name_folded LIKE $5 ESCAPE '\')
             ORDER BY name_folded, id LIMIT $6"
        ),
        scope.all(),
        scope.grantee(),
        after,
        id,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    Ok(paging::listing(items, request, |c| {
        paging::by_name(&c.name, c.id.0)
    }))
}

/// Ids and names of customers in use whose name holds `q`, by name: for the switcher. At most
/// [`NAMES_MAX`].
pub async fn names(
    b: &Backend,
    scope: &Scope,
    q: Option<&str>,
) -> Result<Vec<(CustomerId, String)>> {
    scope.require(Permission::CustomersRead)?;
    let mut tx = b.db.read().await?;
    fetch_all!(
        &mut tx,
        (CustomerId, String),
        concat!(
            "SELECT id, name FROM customer WHERE ",
            in_scope!("id"),
            r" AND deleted_at IS NULL AND ($3 IS NULL OR name_folded LIKE $3 ESCAPE '\')
             ORDER BY name_folded, id LIMIT $4"
        ),
        scope.all(),
        scope.grantee(),
        paging::pattern(q),
        NAMES_MAX
    )
}

/// How many customers in use the caller sees.
pub async fn count(b: &Backend, scope: &Scope) -> Result<i64> {
    scope.require(Permission::CustomersRead)?;
    let mut tx = b.db.read().await?;
    fetch_scalar!(
        &mut tx,
        i64,
        concat!(
            "SELECT COUNT(*) FROM customer WHERE deleted_at IS NULL AND ",
            in_scope!("id")
        ),
        scope.all(),
        scope.grantee()
    )
}

/// One customer, also one in the bin.
pub async fn get(b: &Backend, scope: &Scope, id: CustomerId) -> Result<Customer> {
    scope.require(Permission::CustomersRead)?;
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await
}

/// One customer with its counts, as its line in the list; also one in the bin.
pub async fn line(b: &Backend, scope: &Scope, id: CustomerId) -> Result<CustomerLine> {
    scope.require(Permission::CustomersRead)?;
    let mut tx = b.db.read().await?;
    fetch_optional!(
        &mut tx,
        CustomerLine,
        sqlx::AssertSqlSafe(format!("{LINE} WHERE c.id = $3 AND {}", in_scope!("c.id"))),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("customer"))
}

pub(crate) async fn find(tx: &mut Tx, scope: &Scope, id: CustomerId) -> Result<Customer> {
    fetch_optional!(
        tx,
        Customer,
        concat!(
            "SELECT id, name, created_at, deleted_at FROM customer WHERE id = $3 AND ",
            in_scope!("id")
        ),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("customer"))
}

/// One customer that is in use: what belongs to one in the bin is out of reach.
pub(crate) async fn find_in_use(tx: &mut Tx, scope: &Scope, id: CustomerId) -> Result<Customer> {
    let customer = find(tx, scope, id).await?;
    match customer.deleted_at {
        None => Ok(customer),
        Some(_) => Err(Error::NotFound("customer")),
    }
}

/// Adds a customer. Only for who sees all customers: nobody else would see it.
pub async fn create(b: &Backend, scope: &Scope, name: &str) -> Result<Customer> {
    scope.require(Permission::CustomersWrite)?;
    if !scope.sees_all() {
        return Err(Error::Forbidden(Permission::CustomersWrite));
    }
    let customer = Customer {
        id: CustomerId(b.ids.uuid()),
        name: parse_name("name", name)?,
        created_at: b.clock.now(),
        deleted_at: None,
    };
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "INSERT INTO customer (id, name, name_folded, created_at) VALUES ($1, $2, $3, $4)",
        customer.id,
        &customer.name,
        planner::fold(&customer.name),
        customer.created_at
    )?;
    let id = Some(customer.id);
    audit::record(b, &mut tx, scope, "customer.create", id, &customer.name).await?;
    tx.commit().await?;
    Ok(customer)
}

/// Gives a customer another name.
pub async fn rename(b: &Backend, scope: &Scope, id: CustomerId, name: &str) -> Result<Customer> {
    let mut tx = b.db.write().await?;
    let customer = find_in_use(&mut tx, scope, id).await?;
    scope.require(Permission::CustomersWrite)?;
    let name = parse_name("name", name)?;
    if name == customer.name {
        return Ok(customer);
    }
    execute!(
        &mut tx,
        "UPDATE customer SET name = $1, name_folded = $2 WHERE id = $3",
        &name,
        planner::fold(&name),
        id
    )?;
    let subject = format!("{} → {name}", customer.name);
    audit::record(b, &mut tx, scope, "customer.rename", Some(id), &subject).await?;
    tx.commit().await?;
    Ok(Customer { name, ..customer })
}

/// Puts a customer into the bin and stops its syncs. `confirm_name`, where given, has to be its
/// name.
pub async fn delete(
    b: &Backend,
    scope: &Scope,
    id: CustomerId,
    confirm_name: Option<&str>,
) -> Result<()> {
    let mut tx = b.db.write().await?;
    let customer = find_in_use(&mut tx, scope, id).await?;
    scope.require(Permission::CustomersWrite)?;
    if confirm_name.is_some_and(|typed| typed.trim() != customer.name) {
        let message = format!("Type the customer’s name, {}.", customer.name);
        return Err(Error::invalid("confirm_name", message));
    }
    execute!(
        &mut tx,
        "UPDATE customer SET deleted_at = $1 WHERE id = $2",
        b.clock.now(),
        id
    )?;
    let integrations = fetch_all!(
        &mut tx,
        (IntegrationId,),
        "SELECT id FROM integration WHERE customer_id = $1",
        id
    )?;
    for (integration,) in integrations {
        sync::cancel_open(b, &mut tx, integration, scope.actor_name()).await?;
        schedule::set_next(&mut tx, integration, None).await?;
    }
    audit::record(
        b,
        &mut tx,
        scope,
        "customer.delete",
        Some(id),
        &customer.name,
    )
    .await?;
    tx.commit().await
}

/// Takes a customer out of the bin; its syncs go on by their schedules.
pub async fn restore(b: &Backend, scope: &Scope, id: CustomerId) -> Result<Customer> {
    let mut tx = b.db.write().await?;
    let customer = find(&mut tx, scope, id).await?;
    scope.require(Permission::CustomersWrite)?;
    let now = b.clock.now();
    match customer.deleted_at {
        None => return Ok(customer),
        Some(at) if now - at >= chrono::Duration::days(BIN_DAYS) => {
            return Err(Error::NotFound("customer"));
        }
        Some(_) => {}
    }
    execute!(
        &mut tx,
        "UPDATE customer SET deleted_at = NULL WHERE id = $1",
        id
    )?;
    let integrations = fetch_all!(
        &mut tx,
        (IntegrationId, String, bool),
        "SELECT id, schedule, (enabled AND first_full_done
                               AND state NOT IN ('paused', 'quarantined')) FROM integration
         WHERE customer_id = $1",
        id
    )?;
    for (integration, text, runs_by_itself) in integrations {
        let schedule: Schedule = read_json("integration.schedule", &text)?;
        let next: Option<DateTime> = schedule::next(&schedule, now).filter(|_| runs_by_itself);
        schedule::set_next(&mut tx, integration, next).await?;
    }
    audit::record(
        b,
        &mut tx,
        scope,
        "customer.restore",
        Some(id),
        &customer.name,
    )
    .await?;
    tx.commit().await?;
    Ok(Customer {
        deleted_at: None,
        ..customer
    })
}

#[cfg(test)]
mod tests;
