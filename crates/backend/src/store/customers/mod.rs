//! Customers, their tags, and their bin.

mod tags;

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    customer::{BIN_DAYS, Customer, CustomerChange, CustomerLine, TIME_ZONE_DEFAULT},
    id::{CustomerId, IntegrationId},
    paging::{Direction, ListRequest, Listing, Page, PageRequest},
    pause::{Pause, PauseLevel},
    permission::Permission,
    settings::version::{VersionCause, VersionSource},
    text::parse_name,
};
use sqlx::FromRow;

pub use tags::known as known_tags;

use super::{
    audit::{self, Entry},
    customer_versions,
    integrations::schedule,
    paging::{self, Sort},
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional, fetch_scalar, in_scope,
    sync, timetable,
};

/// What the Customers list is asked for.
#[derive(Debug, Clone, Default)]
pub struct CustomerQuery {
    /// A part of the name.
    pub q: Option<String>,
    /// Those with this tag.
    pub tag: Option<String>,
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

#[derive(FromRow)]
struct Row {
    id: CustomerId,
    name: String,
    time_zone: String,
    paused_at: Option<DateTime>,
    paused_by: Option<String>,
    pause_reason: Option<String>,
    created_at: DateTime,
    deleted_at: Option<DateTime>,
}

impl Row {
    fn customer(self, tags: Vec<String>) -> Customer {
        Customer {
            id: self.id,
            name: self.name,
            time_zone: self.time_zone,
            tags,
            pause: Pause::of(
                PauseLevel::Customer,
                self.paused_at,
                self.paused_by,
                self.pause_reason,
            ),
            created_at: self.created_at,
            deleted_at: self.deleted_at,
        }
    }
}

/// The most names that [`names`] answers.
pub const NAMES_MAX: i64 = 1000;

const LINE: &str = "SELECT c.id, c.name, c.created_at, c.deleted_at, c.paused_at,
       (SELECT COUNT(*) FROM integration i WHERE i.customer_id = c.id) AS integrations,
       (SELECT COUNT(*) FROM integration i WHERE i.customer_id = c.id
           AND i.state IN ('failing', 'quarantined')) AS failing,
       (SELECT COUNT(*) FROM directory_user u
         WHERE u.customer_id = c.id AND u.status = 'active') AS active_users,
       (SELECT COUNT(*) FROM directory_group g
         WHERE g.customer_id = c.id AND g.status = 'active') AS active_groups,
       (SELECT COUNT(*) FROM directory_contact k
         WHERE k.customer_id = c.id AND k.status = 'active') AS active_contacts,
       (SELECT COUNT(*) FROM directory_device v
         WHERE v.customer_id = c.id AND v.status = 'active') AS active_devices,
       (SELECT MAX(i.last_sync_started_at) FROM integration i
         WHERE i.customer_id = c.id) AS last_sync_started_at
     FROM customer c";

const MATCHING: &str = concat!(
    "WHERE ",
    in_scope!("c.id"),
    r" AND (c.deleted_at IS NOT NULL) = $3
       AND ($4 IS NULL OR c.name_folded LIKE $4 ESCAPE '\')
       AND ($5 IS NULL OR c.id IN (SELECT customer_id FROM customer_tag WHERE tag = $5))"
);

/// One page of the Customers list.
pub async fn list(b: &Backend, scope: &Scope, query: CustomerQuery) -> Result<Page<CustomerLine>> {
    scope.require(Permission::CustomersRead)?;
    b.limits.take_search(query.q.as_deref(), scope)?;
    let pattern = paging::pattern(query.q.as_deref());
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM customer c {MATCHING}")),
        scope.all(),
        scope.grantee(),
        query.bin,
        &pattern,
        &query.tag
    )?;
    let order = paging::order(SORTS, query.sort.as_deref(), query.direction, "c.id");
    let mut items = fetch_all!(
        &mut tx,
        CustomerLine,
        sqlx::AssertSqlSafe(format!("{LINE} {MATCHING} {order} LIMIT $6 OFFSET $7")),
        scope.all(),
        scope.grantee(),
        query.bin,
        pattern,
        query.tag,
        query.page.limit(),
        query.page.offset()
    )?;
    let ids: Vec<CustomerId> = items.iter().map(|line| line.id).collect();
    let mut tags = tags::of(&mut tx, &ids).await?;
    for line in &mut items {
        line.tags = tags.remove(&line.id).unwrap_or_default();
    }
    Ok(Page { items, total })
}

/// Customers in use, by name, for programs; only those with `tag`, where there is one.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    request: &ListRequest,
    tag: Option<&str>,
) -> Result<Listing<Customer>> {
    scope.require(Permission::CustomersRead)?;
    let (after, id) = paging::after(request);
    let mut tx = b.db.read().await?;
    let items = fetch_all!(
        &mut tx,
        Row,
        concat!(
            "SELECT id, name, time_zone, paused_at, paused_by, pause_reason, created_at, deleted_at
               FROM customer WHERE ",
            in_scope!("id"),
            r" AND deleted_at IS NULL AND (name_folded, id) > ($3, $4)
               AND ($5 IS NULL OR name_folded LIKE $5 ESCAPE '\')
               AND ($6 IS NULL OR id IN (SELECT customer_id FROM customer_tag WHERE tag = $6))
             ORDER BY name_folded, id LIMIT $7"
        ),
        scope.all(),
        scope.grantee(),
        after,
        id,
        paging::pattern(request.q.as_deref()),
        tag,
        paging::limit(request)
    )?;
    let ids: Vec<CustomerId> = items.iter().map(|row| row.id).collect();
    let mut tags = tags::of(&mut tx, &ids).await?;
    let items = items
        .into_iter()
        .map(|row| {
            let tags = tags.remove(&row.id).unwrap_or_default();
            row.customer(tags)
        })
        .collect();
    Ok(paging::listing(items, request, |c: &Customer| {
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
    b.limits.take_search(q, scope)?;
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
    let mut line = fetch_optional!(
        &mut tx,
        CustomerLine,
        sqlx::AssertSqlSafe(format!("{LINE} WHERE c.id = $3 AND {}", in_scope!("c.id"))),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("customer"))?;
    line.tags = tags::of_one(&mut tx, id).await?;
    Ok(line)
}

pub(crate) async fn find(tx: &mut Tx, scope: &Scope, id: CustomerId) -> Result<Customer> {
    let row = fetch_optional!(
        &mut *tx,
        Row,
        concat!(
            "SELECT id, name, time_zone, paused_at, paused_by, pause_reason, created_at, deleted_at
               FROM customer WHERE id = $3 AND ",
            in_scope!("id")
        ),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("customer"))?;
    Ok(row.customer(tags::of_one(tx, id).await?))
}

/// One customer that is in use: what belongs to one in the bin is out of reach.
pub(crate) async fn find_in_use(tx: &mut Tx, scope: &Scope, id: CustomerId) -> Result<Customer> {
    let customer = find(tx, scope, id).await?;
    match customer.deleted_at {
        None => Ok(customer),
        Some(_) => Err(Error::NotFound("customer")),
    }
}

/// What of a customer goes into the audit log.
const TOLD: [&str; 3] = ["name", "time_zone", "tags"];

/// That something was done to a customer, for its own part of the audit log.
pub(crate) fn entry(action: AuditAction, customer: &Customer) -> Entry<'_> {
    Entry::new(action, customer.id.0, &customer.name).of(customer.id)
}

/// Whether the caller may add a customer: only who sees customers that are added later, since nobody
/// else would see it.
pub fn may_add(scope: &Scope) -> Result<()> {
    scope.require(Permission::CustomersWrite)?;
    if scope.sees_later_ones() {
        Ok(())
    } else {
        Err(Error::Forbidden(Permission::CustomersWrite))
    }
}

/// Adds a customer in UTC.
pub async fn create(b: &Backend, scope: &Scope, name: &str) -> Result<Customer> {
    create_in(b, scope, name, TIME_ZONE_DEFAULT, &[]).await
}

/// The same, in this time zone and with these tags.
pub async fn create_in(
    b: &Backend,
    scope: &Scope,
    name: &str,
    time_zone: &str,
    tags: &[String],
) -> Result<Customer> {
    may_add(scope)?;
    let mut customer = Customer {
        id: CustomerId(b.ids.uuid()),
        tags: Vec::new(),
        name: parse_name("name", name)?,
        time_zone: timetable::check_zone(time_zone)?,
        pause: None,
        created_at: b.clock.now(),
        deleted_at: None,
    };
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "INSERT INTO customer (id, name, name_folded, time_zone, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        customer.id,
        &customer.name,
        planner::key(&customer.name),
        &customer.time_zone,
        customer.created_at
    )?;
    customer.tags = tags::change(&mut tx, scope, &customer, tags).await?;
    let created = VersionSource::of(VersionCause::Created);
    customer_versions::keep(b, &mut tx, scope, customer.id, &created).await?;
    let entry = entry(AuditAction::CustomerCreate, &customer)
        .changes(AuditChanges::created(&customer).only(&TOLD));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(customer)
}

/// Gives a customer another name.
pub async fn rename(b: &Backend, scope: &Scope, id: CustomerId, name: &str) -> Result<Customer> {
    let renaming = CustomerChange {
        name: Some(name.to_owned()),
        ..CustomerChange::default()
    };
    change(b, scope, id, renaming).await
}

/// Gives a customer another name, other tags, or another time zone, in which its schedules are
/// understood from now on.
pub async fn change(
    b: &Backend,
    scope: &Scope,
    id: CustomerId,
    change: CustomerChange,
) -> Result<Customer> {
    let mut tx = b.db.write().await?;
    customer_versions::hold(&mut tx, id).await?;
    let after = change_in(b, &mut tx, scope, id, change).await?;
    customer_versions::keep_saved(b, &mut tx, scope, id).await?;
    tx.commit().await?;
    Ok(after)
}

/// The same in the caller's transaction, which goes on, and keeps the version.
pub(crate) async fn change_in(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: CustomerId,
    change: CustomerChange,
) -> Result<Customer> {
    let before = find_in_use(tx, scope, id).await?;
    scope.require(Permission::CustomersWrite)?;
    let name = match &change.name {
        Some(name) => parse_name("name", name)?,
        None => before.name.clone(),
    };
    let time_zone = match &change.time_zone {
        Some(zone) => timetable::check_zone(zone)?,
        None => before.time_zone.clone(),
    };
    if name != before.name {
        execute!(
            &mut *tx,
            "UPDATE customer SET name = $1, name_folded = $2 WHERE id = $3",
            &name,
            planner::key(&name),
            id
        )?;
    }
    if time_zone != before.time_zone {
        execute!(
            &mut *tx,
            "UPDATE customer SET time_zone = $1 WHERE id = $2",
            &time_zone,
            id
        )?;
        schedule::set_next_of_customer(tx, id, b.clock.now()).await?;
    }
    let tags = match &change.tags {
        Some(tags) => tags::change(tx, scope, &before, tags).await?,
        None => before.tags.clone(),
    };
    let after = Customer {
        name,
        time_zone,
        tags,
        ..before.clone()
    };
    let changes = AuditChanges::between(&before, &after);
    if !changes.is_empty() {
        let entry = entry(AuditAction::CustomerUpdate, &after).changes(changes);
        audit::record(b, tx, scope, entry).await?;
    }
    Ok(after)
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
    let entry = entry(AuditAction::CustomerDelete, &customer);
    audit::record(b, &mut tx, scope, entry).await?;
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
    schedule::set_next_of_customer(&mut tx, id, now).await?;
    let entry = entry(AuditAction::CustomerRestore, &customer);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(Customer {
        deleted_at: None,
        ..customer
    })
}

#[cfg(test)]
mod tests;
