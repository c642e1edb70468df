//! The audit log as it is read: pages for the interface, listings for programs, CSV.

use bytes::Bytes;
use domain::{
    DateTime,
    audit::{ActorKind, AuditAction, AuditChanges, AuditEvent, AuditObject, Channel},
    id::{AuditEventId, CustomerId},
    paging::{Cursor, Direction, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
};
use futures::{Stream, stream};
use uuid::Uuid;

use super::chain::{COLUMNS, NOBODYS, Row};
use crate::{
    Backend, Error, Result, Scope, csv as file, fetch_all, fetch_optional, fetch_scalar, in_scope,
    store::{paging, read_json},
};

/// Which entries.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// That concern this customer.
    pub customer_id: Option<CustomerId>,
    /// Of this action.
    pub action: Option<AuditAction>,
    /// By such an actor.
    pub actor_kind: Option<ActorKind>,
    /// By this operator or token.
    pub actor_id: Option<Uuid>,
    /// About such an object.
    pub object_type: Option<AuditObject>,
    /// About this object.
    pub object_id: Option<Uuid>,
    /// Of this time or later.
    pub from: Option<DateTime>,
    /// Before this time.
    pub to: Option<DateTime>,
    /// A part of who, on what, why, from where, of the customer's name or the request's id.
    pub q: Option<String>,
}

/// Which page of them.
#[derive(Debug, Clone)]
pub struct AuditQuery {
    /// Which entries.
    pub filter: AuditFilter,
    /// Which page.
    pub page: PageRequest,
    /// The latest first, or the earliest.
    pub direction: Direction,
}

/// Entries that a step of the CSV reads.
const CSV_ROWS: u32 = 1_000;

/// What the caller sees: entries of customers in scope; what belongs to no customer only who sees all
/// of them, which all but some is not; and how it was tried to sign in as them.
///
/// `$12` is `scope.sees_all()`, `$13` is [`NOBODYS`].
const MATCHING: &str = concat!(
    "FROM audit_event e
     WHERE ((",
    in_scope!("e.customer_id"),
    r" AND ($12 OR e.customer_id <> $13)) OR (e.object_id = $2 AND e.action IN
                ('operator.sign_in', 'operator.sign_in_failed', 'operator.sign_in_slowed',
                 'operator.sign_out')))
       AND ($3 IS NULL OR e.customer_id = $3)
       AND ($4 IS NULL OR e.action = $4)
       AND ($5 IS NULL OR e.actor_kind = $5)
       AND ($6 IS NULL OR e.actor_id = $6)
       AND ($7 IS NULL OR e.object_type = $7)
       AND ($8 IS NULL OR e.object_id = $8)
       AND ($9 IS NULL OR e.at >= $9)
       AND ($10 IS NULL OR e.at < $10)
       AND ($11 IS NULL OR e.search_text LIKE $11 ESCAPE '\')"
);

impl Row {
    pub(super) fn event(self) -> Result<AuditEvent> {
        let unknown = |error: domain::text::UnknownText| Error::Internal(error.to_string());
        let changes: AuditChanges = read_json("audit_event.changes", &self.changes)?;
        Ok(AuditEvent {
            id: AuditEventId(self.id),
            at: self.at,
            actor_kind: self.actor_kind.parse().map_err(unknown)?,
            actor_id: self.actor_id,
            actor: self.actor,
            channel: self.channel.parse::<Channel>().map_err(unknown)?,
            address: self.address,
            customer_id: Some(self.customer_id).filter(|id| *id != NOBODYS),
            customer_name: self.customer_name,
            action: self.action.parse().map_err(unknown)?,
            object_type: self.object_type.parse().map_err(unknown)?,
            object_id: self.object_id,
            object_name: self.object_name,
            note: self.note,
            before: changes.before,
            after: changes.after,
            request_id: self.request_id,
            day: self.day,
            position: self.position,
            hash: hex::encode(self.hash),
        })
    }
}

/// One page of the log.
pub async fn list(b: &Backend, scope: &Scope, query: AuditQuery) -> Result<Page<AuditEvent>> {
    scope.require(Permission::AuditRead)?;
    let filter = query.filter;
    b.limits.take_search(filter.q.as_deref(), scope)?;
    let pattern = paging::pattern(filter.q.as_deref());
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {MATCHING}")),
        scope.all(),
        scope.grantee(),
        filter.customer_id,
        filter.action,
        filter.actor_kind,
        filter.actor_id,
        filter.object_type,
        filter.object_id,
        filter.from,
        filter.to,
        &pattern,
        scope.sees_all(),
        NOBODYS
    )?;
    let way = match query.direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} {MATCHING} ORDER BY e.id {way} LIMIT $14 OFFSET $15"
        )),
        scope.all(),
        scope.grantee(),
        filter.customer_id,
        filter.action,
        filter.actor_kind,
        filter.actor_id,
        filter.object_type,
        filter.object_id,
        filter.from,
        filter.to,
        pattern,
        scope.sees_all(),
        NOBODYS,
        query.page.limit(),
        query.page.offset()
    )?;
    let items = rows.into_iter().map(Row::event).collect::<Result<_>>()?;
    Ok(Page { items, total })
}

/// The latest entries first, or those after a cursor.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    filter: &AuditFilter,
    request: &ListRequest,
) -> Result<Listing<AuditEvent>> {
    scope.require(Permission::AuditRead)?;
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} {MATCHING} AND ($14 IS NULL OR e.id < $14)
              ORDER BY e.id DESC LIMIT $15"
        )),
        scope.all(),
        scope.grantee(),
        filter.customer_id,
        filter.action,
        filter.actor_kind,
        filter.actor_id,
        filter.object_type,
        filter.object_id,
        filter.from,
        filter.to,
        paging::pattern(filter.q.as_deref()),
        scope.sees_all(),
        NOBODYS,
        request.cursor.as_ref().map(|cursor| cursor.id),
        paging::limit(request)
    )?;
    let items = rows.into_iter().map(Row::event).collect::<Result<_>>()?;
    Ok(paging::listing(items, request, |event: &AuditEvent| {
        Cursor {
            after: String::new(),
            id: event.id.0,
        }
    }))
}

/// One entry.
pub async fn get(b: &Backend, scope: &Scope, id: AuditEventId) -> Result<AuditEvent> {
    let mut tx = b.db.read().await?;
    // What may not be seen is not found, whatever the caller may do elsewhere.
    let row = fetch_optional!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} {MATCHING} AND e.id = $14")),
        scope.all(),
        scope.grantee(),
        None::<CustomerId>,
        None::<AuditAction>,
        None::<ActorKind>,
        None::<Uuid>,
        None::<AuditObject>,
        None::<Uuid>,
        None::<DateTime>,
        None::<DateTime>,
        None::<String>,
        scope.sees_all(),
        NOBODYS,
        id
    )?
    .ok_or(Error::NotFound("audit event"))?;
    scope.require(Permission::AuditRead)?;
    row.event()
}

/// Every matching entry as CSV, the latest first, read in steps. Who is to write down that it was
/// exported does so before ([`super::exported()`]).
pub fn csv(
    b: &Backend,
    scope: &Scope,
    filter: AuditFilter,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    let state = Some((b.clone(), scope.clone(), filter, None::<Cursor>));
    stream::try_unfold(state, |state| async move {
        let Some((b, scope, filter, cursor)) = state else {
            return Ok(None);
        };
        let head = cursor.is_none().then(|| HEAD.map(str::to_owned).to_vec());
        let request = ListRequest {
            limit: CSV_ROWS,
            cursor,
            q: None,
        };
        let page = listing(&b, &scope, &filter, &request).await?;
        let next = page.next.as_ref().and_then(|next| next.parse().ok());
        let rows = page.items.into_iter().map(cells);
        let bytes = file::rows(head.into_iter().chain(rows)).await?;
        Ok(Some((
            bytes,
            next.map(|next| (b, scope, filter, Some(next))),
        )))
    })
}

const HEAD: [&str; 18] = [
    "Time",
    "Who",
    "Kind",
    "Way",
    "Address",
    "Customer",
    "Action",
    "Object Type",
    "Object",
    "Object Id",
    "Reason",
    "Before",
    "After",
    "Request",
    "Entry",
    "Day",
    "Position",
    "Hash",
];

fn cells(event: AuditEvent) -> Vec<String> {
    let json = |fields: &domain::audit::AuditFields| {
        if fields.is_empty() {
            String::new()
        } else {
            serde_json::to_string(fields).unwrap_or_default()
        }
    };
    vec![
        event
            .at
            .to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        event.actor,
        event.actor_kind.title().to_owned(),
        event.channel.title().to_owned(),
        event.address.unwrap_or_default(),
        event.customer_name.unwrap_or_default(),
        event.action.title().to_owned(),
        event.object_type.title().to_owned(),
        event.object_name,
        event.object_id.map(|id| id.to_string()).unwrap_or_default(),
        event.note,
        json(&event.before),
        json(&event.after),
        event.request_id,
        event.id.to_string(),
        event.day,
        event.position.to_string(),
        event.hash,
    ]
}
