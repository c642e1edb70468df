//! What is alike in finding contacts and devices, showing them and writing them out: their tables
//! differ in a few columns only.

use bytes::Bytes;
use domain::{
    DateTime,
    countdown::CountdownState,
    directory::{DirectoryDetail, DirectoryLine, DirectoryObject},
    id::{CustomerId, ExternalId, IntegrationId},
    paging::{Cursor, Direction, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
    run::Reason,
    user::{DirectoryStatus, MemberOf, SourceType},
};
use futures::Stream;
use serde_json::{Map, Value};
use sqlx::{FromRow, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    attributes,
    by_name::{self, ByName},
    countdown::CountdownRow,
    paging::{self, Sort},
    read_json, users,
};
use crate::{Backend, Error, Result, Scope, fetch_all, fetch_optional, fetch_scalar, in_scope};

/// What the list of contacts or devices is asked for.
#[derive(Debug, Clone, Default)]
pub struct DirectoryQuery {
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// From this integration.
    pub integration_id: Option<IntegrationId>,
    /// A part of what they are found by.
    pub q: Option<String>,
    /// Of this status; absent: all but deleted ones.
    pub status: Option<DirectoryStatus>,
    /// From this type of source.
    pub source_type: Option<SourceType>,
    /// Whose deletion is so.
    pub countdown: Option<CountdownState>,
    /// Which rows.
    pub page: PageRequest,
    /// A column of [`SORTS`]; by name otherwise.
    pub sort: Option<String>,
    /// Which way.
    pub direction: Direction,
}

/// The columns by which the lists sort.
pub const SORTS: &[Sort] = &[
    ("name", "d.name_folded"),
    ("status", "d.status"),
    ("source", "d.source_type"),
    ("changed", "d.changed_at"),
];

/// A type whose table is `directory_` and its name.
pub(super) trait Listed: DirectoryObject + Sized + Send + 'static {
    /// Its own columns, as [`Self::Own`] reads them.
    const OWN: &'static str;
    /// What its own columns hold.
    type Own: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin;
    /// The titles of its CSV.
    const HEAD: &'static [&'static str];

    /// The object of a row.
    fn of(common: &Common, own: Self::Own, attributes: &Map<String, Value>) -> Self;

    /// A line of its CSV.
    fn cells(line: DirectoryLine<Self>) -> Vec<String>;
}

/// The columns that both tables have.
#[derive(FromRow)]
pub(super) struct Common {
    pub(super) id: Uuid,
    pub(super) external_id: Option<ExternalId>,
    pub(super) display_name: String,
    pub(super) status: DirectoryStatus,
    pub(super) source_type: SourceType,
    pub(super) integration_id: Option<IntegrationId>,
    attributes: String,
    customer_id: CustomerId,
    customer_name: String,
    pending: Option<String>,
    delete_at: Option<DateTime>,
    changed_at: DateTime,
}

/// A row of either table.
struct Row<T: Listed> {
    common: Common,
    own: T::Own,
}

impl<'r, R, T> FromRow<'r, R> for Row<T>
where
    R: sqlx::Row,
    T: Listed,
    Common: FromRow<'r, R>,
    T::Own: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        Ok(Self {
            common: Common::from_row(row)?,
            own: T::Own::from_row(row)?,
        })
    }
}

impl<T: Listed> Row<T> {
    fn line(self) -> Result<DirectoryLine<T>> {
        let Self { common, own } = self;
        let attributes = read_json("attributes", &common.attributes)?;
        Ok(DirectoryLine {
            object: T::of(&common, own, &attributes),
            customer_id: common.customer_id,
            customer_name: common.customer_name,
            pending: common.pending,
            delete_at: common.delete_at,
            changed_at: common.changed_at,
        })
    }
}

/// A text of the attributes; none where it is missing or empty.
pub(super) fn text(attributes: &Map<String, Value>, name: &str) -> Option<String> {
    let text = attributes.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

const MATCHING: &str = concat!(
    in_scope!("d.customer_id"),
    r" AND c.deleted_at IS NULL
       AND ($3 IS NULL OR d.customer_id = $3)
       AND ($4 IS NULL OR d.integration_id = $4)
       AND ($5 IS NULL OR d.search_text LIKE $5 ESCAPE '\')
       AND (d.status = $6 OR ($6 IS NULL AND d.status <> 'deleted'))
       AND ($7 IS NULL OR d.source_type = $7)
       AND ($8 IS NULL OR ($8 = 'counting' AND d.delete_at IS NOT NULL)
            OR ($8 = 'cancelled' AND d.countdown_cancelled_at IS NOT NULL))"
);

/// `FROM` the table of this type and its customer.
fn from<T: Listed>() -> String {
    let noun = T::TYPE;
    format!("FROM directory_{noun} d JOIN customer c ON c.id = d.customer_id")
}

/// Everything of a row, up to `WHERE`.
fn select<T: Listed>() -> String {
    let (noun, own, from) = (T::TYPE, T::OWN, from::<T>());
    format!(
        "SELECT d.id, d.external_id, d.display_name, d.status, d.source_type, d.integration_id,
                d.attributes, d.customer_id, c.name AS customer_name, s.pending, d.delete_at,
                d.changed_at{own}
           {from}
           LEFT JOIN source_object s ON s.integration_id = d.integration_id
                 AND s.object_type = '{noun}' AND s.external_id = d.external_id"
    )
}

/// One page of the list.
pub(super) async fn list<T: Listed>(
    b: &Backend,
    scope: &Scope,
    query: DirectoryQuery,
) -> Result<Page<DirectoryLine<T>>> {
    scope.require(Permission::DirectoryRead)?;
    b.limits.take_search(query.q.as_deref(), scope)?;
    let pattern = paging::pattern(query.q.as_deref());
    let from = from::<T>();
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {from} WHERE {MATCHING}")),
        scope.all(),
        scope.grantee(),
        query.customer_id,
        query.integration_id,
        &pattern,
        query.status,
        query.source_type,
        query.countdown
    )?;
    let order = paging::order(SORTS, query.sort.as_deref(), query.direction, "d.id");
    let select = select::<T>();
    // The page is cut first: only its rows look for what waits.
    let rows = fetch_all!(
        &mut tx,
        Row<T>,
        sqlx::AssertSqlSafe(format!(
            "{select} WHERE d.id IN
                 (SELECT d.id {from} WHERE {MATCHING} {order} LIMIT $9 OFFSET $10) {order}"
        )),
        scope.all(),
        scope.grantee(),
        query.customer_id,
        query.integration_id,
        pattern,
        query.status,
        query.source_type,
        query.countdown,
        query.page.limit(),
        query.page.offset()
    )?;
    let items = rows.into_iter().map(Row::line).collect::<Result<_>>()?;
    Ok(Page { items, total })
}

/// A customer's objects of this type by name, also deleted ones, for programs.
pub(super) async fn listing<T: Listed>(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    request: &ListRequest,
) -> Result<Listing<T>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    super::customers::find_in_use(&mut tx, scope, customer).await?;
    let (after, id) = paging::after(request);
    let rows = fetch_all!(
        &mut tx,
        Row<T>,
        sqlx::AssertSqlSafe(format!(
            r"{} WHERE {} AND d.customer_id = $3 AND (d.name_folded, d.id) > ($4, $5)
                AND ($6 IS NULL OR d.search_text LIKE $6 ESCAPE '\')
              ORDER BY d.name_folded, d.id LIMIT $7",
            select::<T>(),
            in_scope!("d.customer_id")
        )),
        scope.all(),
        scope.grantee(),
        customer,
        after,
        id,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    let objects = rows
        .into_iter()
        .map(|row| Ok(row.line()?.object))
        .collect::<Result<_>>()?;
    Ok(paging::listing(objects, request, |object: &T| {
        paging::by_name(object.display_name(), object.id())
    }))
}

/// One object as its line in the list.
pub(super) async fn line<T: Listed>(
    b: &Backend,
    scope: &Scope,
    id: Uuid,
) -> Result<DirectoryLine<T>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    fetch_optional!(
        &mut tx,
        Row<T>,
        sqlx::AssertSqlSafe(format!(
            "{} WHERE {} AND c.deleted_at IS NULL AND d.id = $3",
            select::<T>(),
            in_scope!("d.customer_id")
        )),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound(T::TYPE.as_str()))?
    .line()
}

#[derive(FromRow)]
struct More {
    integration_name: Option<String>,
    status_reason: Option<Reason>,
    created_at: DateTime,
    #[sqlx(flatten)]
    countdown: CountdownRow,
    attributes: String,
}

/// One object with everything its page shows.
pub(super) async fn detail<T: Listed>(
    b: &Backend,
    scope: &Scope,
    id: Uuid,
) -> Result<DirectoryDetail<T>> {
    let line = line(b, scope, id).await?;
    let noun = T::TYPE.as_str();
    let mut tx = b.db.read().await?;
    let more = fetch_optional!(
        &mut tx,
        More,
        sqlx::AssertSqlSafe(format!(
            "SELECT i.name AS integration_name, d.status_reason, d.created_at, d.delete_at,
                    d.countdown_cancelled_at, d.countdown_cancelled_by,
                    d.countdown_cancelled_note, d.attributes
               FROM directory_{noun} d LEFT JOIN integration i ON i.id = d.integration_id
              WHERE d.id = $1"
        )),
        id
    )?
    .ok_or(Error::NotFound(noun))?;
    Ok(DirectoryDetail {
        line,
        integration_name: more.integration_name,
        status_reason: more.status_reason,
        created_at: more.created_at,
        countdown: more.countdown.into(),
        attributes: attributes::in_words(&more.attributes)?,
    })
}

/// The groups that an object is a direct member of, by name.
pub(super) async fn member_of<T: Listed>(
    b: &Backend,
    scope: &Scope,
    id: Uuid,
) -> Result<Vec<MemberOf>> {
    line::<T>(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    users::groups_of(&mut tx, id).await
}

/// Every matching object as CSV, by name.
pub(super) fn csv<T: Listed>(
    b: &Backend,
    scope: &Scope,
    query: DirectoryQuery,
) -> impl Stream<Item = Result<Bytes>> + Send + use<T> {
    by_name::csv(b, scope, Matching::<T>(query, std::marker::PhantomData))
}

/// The rows of a CSV.
struct Matching<T>(DirectoryQuery, std::marker::PhantomData<fn() -> T>);

impl<T: Listed> ByName for Matching<T> {
    type Row = DirectoryLine<T>;
    const HEAD: &'static [&'static str] = T::HEAD;

    async fn step(
        &self,
        b: &Backend,
        scope: &Scope,
        after: Option<&Cursor>,
    ) -> Result<Vec<Self::Row>> {
        scope.require(Permission::DirectoryRead)?;
        let (Self(query, _), select, from) = (self, select::<T>(), from::<T>());
        let mut tx = b.db.read().await?;
        let rows = fetch_all!(
            &mut tx,
            Row<T>,
            sqlx::AssertSqlSafe(format!(
                "{select} WHERE d.id IN
                     (SELECT d.id {from} WHERE {MATCHING}
                         AND ($9 IS NULL OR (d.name_folded, d.id) > ($9, $10))
                       ORDER BY d.name_folded, d.id LIMIT $11)
                 ORDER BY d.name_folded, d.id"
            )),
            scope.all(),
            scope.grantee(),
            query.customer_id,
            query.integration_id,
            paging::pattern(query.q.as_deref()),
            query.status,
            query.source_type,
            query.countdown,
            after.map(|cursor| cursor.after.as_str()),
            after.map(|cursor| cursor.id),
            by_name::ROWS
        )?;
        rows.into_iter().map(Row::line).collect()
    }

    fn place(line: &Self::Row) -> (&str, Uuid) {
        (line.object.display_name(), line.object.id())
    }

    fn cells(line: Self::Row) -> Vec<String> {
        T::cells(line)
    }
}
