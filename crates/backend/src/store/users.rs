//! Users of the customers' directories: found, shown, written out; and those made here, added and
//! changed.

mod change;
pub(crate) mod held;
mod membership;
pub(crate) mod names;
mod status;

use bytes::Bytes;
use domain::{
    DateTime,
    countdown::CountdownState,
    enrolment::EnrolmentState,
    id::{CustomerId, GroupId, IntegrationId, UserId},
    made_here::editable,
    paging::{Cursor, Direction, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
    policy::ObjectType,
    protection::{Protected, ProtectedFilter},
    run::Reason,
    user::{DirectoryStatus, MemberOf, SourceType, User, UserDetail, UserLine, WholeUser},
};
use futures::Stream;
use sqlx::FromRow;
use uuid::Uuid;

pub use self::{
    change::{change, create},
    membership::{group_choice, set_groups},
    names::set_aliases,
    status::{deactivate, delete, reactivate, restore},
};
use super::{
    attributes,
    by_name::{self, ByName},
    countdown::CountdownRow,
    elsewhere,
    enrolment::enrolment_state,
    kept_attributes,
    paging::{self, Sort},
    protected_rules,
    protection::ProtectionRow,
    read_json,
};
use crate::{Backend, Error, Result, Scope, Tx, fetch_all, fetch_optional, fetch_scalar, in_scope};

/// What the Users list is asked for.
#[derive(Debug, Clone, Default)]
pub struct UserQuery {
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// From this integration.
    pub integration_id: Option<IntegrationId>,
    /// A part of the name, the user name or the mail address.
    pub q: Option<String>,
    /// Of this status; absent: all but deleted ones.
    pub status: Option<DirectoryStatus>,
    /// From this type of source.
    pub source_type: Option<SourceType>,
    /// Direct members of this group.
    pub group_id: Option<GroupId>,
    /// Whose deletion is so.
    pub countdown: Option<CountdownState>,
    /// Who is protected so.
    pub protected: Option<ProtectedFilter>,
    /// Who has come so far with an account of their own.
    pub enrolment: Option<EnrolmentState>,
    /// Which rows.
    pub page: PageRequest,
    /// A column of [`SORTS`]; by name otherwise.
    pub sort: Option<String>,
    /// Which way.
    pub direction: Direction,
}

/// The columns by which the list sorts.
pub const SORTS: &[Sort] = &[
    ("name", "u.name_folded"),
    ("user_name", "u.user_name_folded"),
    ("status", "u.status"),
    ("source", "u.source_type"),
    ("changed", "u.changed_at"),
];

/// Whether a rule of its integration protects the user.
macro_rules! by_rule {
    () => {
        "EXISTS (SELECT 1 FROM source_object o
                  WHERE o.integration_id = u.integration_id AND o.object_type = 'user'
                    AND o.external_id = u.external_id AND o.protected)"
    };
}

/// A filter by protection, whose parameter is given as text.
macro_rules! protected_so {
    ($parameter:literal) => {
        concat!(
            "(",
            $parameter,
            " IS NULL
              OR (",
            $parameter,
            " IN ('yes', 'by_hand') AND u.protected_at IS NOT NULL)
              OR (",
            $parameter,
            " IN ('yes', 'by_rule') AND ",
            by_rule!(),
            ")
              OR (",
            $parameter,
            " = 'no' AND u.protected_at IS NULL AND NOT ",
            by_rule!(),
            "))"
        )
    };
}

const MATCHING: &str = concat!(
    "FROM directory_user u JOIN customer c ON c.id = u.customer_id WHERE ",
    in_scope!("u.customer_id"),
    r" AND c.deleted_at IS NULL
       AND ($3 IS NULL OR u.customer_id = $3)
       AND ($4 IS NULL OR u.integration_id = $4)
       AND ($5 IS NULL OR u.search_text LIKE $5 ESCAPE '\')
       AND (u.status = $6 OR ($6 IS NULL AND u.status <> 'deleted'))
       AND ($7 IS NULL OR u.source_type = $7)
       AND ($8 IS NULL OR EXISTS (SELECT 1 FROM directory_membership m
                                   WHERE m.group_id = $8 AND m.member_id = u.id))
       AND ($9 IS NULL OR ($9 = 'counting' AND u.delete_at IS NOT NULL)
            OR ($9 = 'cancelled' AND u.countdown_cancelled_at IS NOT NULL))
       AND ",
    protected_so!("$10"),
    " AND ($11 IS NULL OR ",
    enrolment_state!("$12"),
    " = $11)"
);

/// A line, where the parameter is the time now.
macro_rules! line {
    ($now:literal) => {
        concat!(
            "SELECT u.id, u.external_id, u.user_principal_name, u.display_name,
    u.given_name, u.surname, u.mail, u.status, u.source_type, u.integration_id, u.customer_id,
    c.name AS customer_name, u.changed_at, s.pending, u.delete_at,
    (u.protected_at IS NOT NULL OR COALESCE(s.protected, FALSE)) AS protected, ",
            enrolment_state!($now),
            " AS enrolment,
    (SELECT COUNT(*) FROM directory_membership m JOIN directory_group g ON g.id = m.group_id
      WHERE m.member_id = u.id AND g.status <> 'deleted') AS groups
  FROM directory_user u JOIN customer c ON c.id = u.customer_id
  LEFT JOIN source_object s ON s.integration_id = u.integration_id AND s.object_type = 'user'
        AND s.external_id = u.external_id"
        )
    };
}

/// One page of the Users list.
pub async fn list(b: &Backend, scope: &Scope, query: UserQuery) -> Result<Page<UserLine>> {
    scope.require(Permission::DirectoryRead)?;
    let pattern = paging::pattern(query.q.as_deref());
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {MATCHING}")),
        scope.all(),
        scope.grantee(),
        query.customer_id,
        query.integration_id,
        &pattern,
        query.status,
        query.source_type,
        query.group_id,
        query.countdown,
        query.protected,
        query.enrolment,
        b.clock.now()
    )?;
    let order = paging::order(SORTS, query.sort.as_deref(), query.direction, "u.id");
    // The page is cut first and dressed afterwards, so that counting groups costs a page's rows.
    let items = fetch_all!(
        &mut tx,
        UserLine,
        sqlx::AssertSqlSafe(format!(
            "{} WHERE u.id IN (SELECT u.id {MATCHING} {order} LIMIT $13 OFFSET $14) {order}",
            line!("$12")
        )),
        scope.all(),
        scope.grantee(),
        query.customer_id,
        query.integration_id,
        pattern,
        query.status,
        query.source_type,
        query.group_id,
        query.countdown,
        query.protected,
        query.enrolment,
        b.clock.now(),
        query.page.limit(),
        query.page.offset()
    )?;
    Ok(Page { items, total })
}

/// A customer's users by name, also deleted ones, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    protected: Option<ProtectedFilter>,
    request: &ListRequest,
) -> Result<Listing<User>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    super::customers::find_in_use(&mut tx, scope, customer).await?;
    let (after, id) = paging::after(request);
    let items = fetch_all!(
        &mut tx,
        User,
        concat!(
            "SELECT u.id, u.external_id, u.user_principal_name, u.display_name, u.given_name,
                    u.surname, u.mail, u.status, u.source_type, u.integration_id
               FROM directory_user u WHERE ",
            in_scope!("u.customer_id"),
            r" AND u.customer_id = $3 AND (u.name_folded, u.id) > ($4, $5)
               AND ($6 IS NULL OR u.search_text LIKE $6 ESCAPE '\')
               AND ",
            protected_so!("$8"),
            " ORDER BY u.name_folded, u.id LIMIT $7"
        ),
        scope.all(),
        scope.grantee(),
        customer,
        after,
        id,
        paging::pattern(request.q.as_deref()),
        paging::limit(request),
        protected
    )?;
    Ok(paging::listing(items, request, |user| {
        paging::by_name(&user.display_name, user.id.0)
    }))
}

/// One user.
pub async fn get(b: &Backend, scope: &Scope, id: UserId) -> Result<User> {
    Ok(line(b, scope, id).await?.user)
}

/// One user with all that programs are told of it.
pub async fn whole(b: &Backend, scope: &Scope, id: UserId) -> Result<WholeUser> {
    let user = get(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    let more = more(&mut tx, id).await?;
    let by_rule = protected_rules::of_user(&mut tx, id).await?;
    let administrators_group = elsewhere::administrators(&mut tx, user.integration_id).await?;
    Ok(WholeUser {
        user,
        protected: Protected::of(more.protection.into(), by_rule),
        guest: more.guest,
        administrator: held::administrator(more.administrator_at, more.administrator_by),
        administrators_group,
        aliases: names::aliases(&mut tx, id).await?,
        kept_attributes: kept_attributes::of_user(&mut tx, id).await?,
        attributes: read_json("attributes", &more.attributes)?,
        purge_at: more.purge_at,
    })
}

async fn line(b: &Backend, scope: &Scope, id: UserId) -> Result<UserLine> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    fetch_optional!(
        &mut tx,
        UserLine,
        sqlx::AssertSqlSafe(format!(
            "{} WHERE {} AND c.deleted_at IS NULL AND u.id = $3",
            line!("$4"),
            in_scope!("u.customer_id")
        )),
        scope.all(),
        scope.grantee(),
        id,
        b.clock.now()
    )?
    .ok_or(Error::NotFound("user"))
}

#[derive(FromRow)]
struct More {
    integration_name: Option<String>,
    status_reason: Option<Reason>,
    created_at: DateTime,
    #[sqlx(flatten)]
    countdown: CountdownRow,
    #[sqlx(flatten)]
    protection: ProtectionRow,
    attributes: String,
    guest: bool,
    administrator_at: Option<DateTime>,
    administrator_by: Option<String>,
    purge_at: Option<DateTime>,
}

async fn more(tx: &mut Tx, id: UserId) -> Result<More> {
    fetch_optional!(
        tx,
        More,
        "SELECT i.name AS integration_name, u.status_reason, u.created_at, u.delete_at,
                u.countdown_cancelled_at, u.countdown_cancelled_by, u.countdown_cancelled_note,
                u.protected_at, u.protected_by, u.protected_note,
                u.attributes, COALESCE(s.guest, u.guest) AS guest, u.administrator_at,
                u.administrator_by, u.purge_at
           FROM directory_user u LEFT JOIN integration i ON i.id = u.integration_id
           LEFT JOIN source_object s ON s.integration_id = u.integration_id
                 AND s.object_type = 'user' AND s.external_id = u.external_id
          WHERE u.id = $1",
        id
    )?
    .ok_or(Error::NotFound("user"))
}

/// One user with everything its page shows.
pub async fn detail(b: &Backend, scope: &Scope, id: UserId) -> Result<UserDetail> {
    let line = line(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    let more = more(&mut tx, id).await?;
    let user = &line.user;
    let (integration, source) = (user.integration_id, user.source_type);
    let administrators_group = elsewhere::administrators(&mut tx, integration).await?;
    Ok(UserDetail {
        elsewhere: elsewhere::of(&mut tx, integration, ObjectType::User, user.external_id).await?,
        line,
        integration_name: more.integration_name,
        status_reason: more.status_reason,
        created_at: more.created_at,
        countdown: more.countdown.into(),
        protection: more.protection.into(),
        protecting_rule: protected_rules::of_user(&mut tx, id).await?,
        attributes: attributes::in_words(&more.attributes)?,
        guest: more.guest,
        administrator: held::administrator(more.administrator_at, more.administrator_by),
        administrators_group,
        aliases: names::aliases(&mut tx, id).await?,
        kept: kept_attributes::of_user(&mut tx, id).await?,
        editable: editable(source, integration),
        purge_at: more.purge_at,
    })
}

/// The groups that a user is a direct member of, by name.
pub async fn member_of(b: &Backend, scope: &Scope, id: UserId) -> Result<Vec<MemberOf>> {
    get(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    groups_of(&mut tx, id.0).await
}

/// The groups that an object is a direct member of, by name.
pub(super) async fn groups_of(tx: &mut Tx, member: Uuid) -> Result<Vec<MemberOf>> {
    fetch_all!(
        tx,
        MemberOf,
        "SELECT g.id, g.display_name, g.kind, g.status,
                (g.integration_id IS NULL AND g.source_type IN ('Manual', 'Import')) AS made_here
           FROM directory_membership m JOIN directory_group g ON g.id = m.group_id
          WHERE m.member_id = $1 AND g.status <> 'deleted'
          ORDER BY g.name_folded, g.id LIMIT 5000",
        member
    )
}

/// Every matching user as CSV, by name.
pub fn csv(
    b: &Backend,
    scope: &Scope,
    query: UserQuery,
) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
    by_name::csv(b, scope, query)
}

const HEAD: [&str; 10] = [
    "Name",
    "User Name",
    "Given Name",
    "Surname",
    "Mail",
    "User Status",
    "Source Type",
    "Enrolment",
    "Customer",
    "Object Id",
];

fn cells(line: UserLine) -> [String; 10] {
    let user = line.user;
    [
        user.display_name,
        user.user_principal_name.unwrap_or_default(),
        user.given_name.unwrap_or_default(),
        user.surname.unwrap_or_default(),
        user.mail.unwrap_or_default(),
        user.status.title().to_owned(),
        user.source_type.to_string(),
        line.enrolment.title().to_owned(),
        line.customer_name,
        user.external_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
    ]
}

impl ByName for UserQuery {
    type Row = UserLine;
    const HEAD: &'static [&'static str] = &HEAD;

    async fn step(
        &self,
        b: &Backend,
        scope: &Scope,
        after: Option<&Cursor>,
    ) -> Result<Vec<UserLine>> {
        scope.require(Permission::DirectoryRead)?;
        let mut tx = b.db.read().await?;
        fetch_all!(
            &mut tx,
            UserLine,
            sqlx::AssertSqlSafe(format!(
                "{} WHERE u.id IN
                     (SELECT u.id {MATCHING}
                         AND ($13 IS NULL OR (u.name_folded, u.id) > ($13, $14))
                       ORDER BY u.name_folded, u.id LIMIT $15)
                 ORDER BY u.name_folded, u.id",
                line!("$12")
            )),
            scope.all(),
            scope.grantee(),
            self.customer_id,
            self.integration_id,
            paging::pattern(self.q.as_deref()),
            self.status,
            self.source_type,
            self.group_id,
            self.countdown,
            self.protected,
            self.enrolment,
            b.clock.now(),
            after.map(|cursor| cursor.after.as_str()),
            after.map(|cursor| cursor.id),
            by_name::ROWS
        )
    }

    fn place(line: &UserLine) -> (&str, Uuid) {
        (&line.user.display_name, line.user.id.0)
    }

    fn cells(line: UserLine) -> Vec<String> {
        cells(line).into()
    }
}

#[cfg(test)]
mod made_tests;
#[cfg(test)]
mod tests;
