//! Users of the customers' directories: found, shown, written out; and those made here, added and
//! changed.

mod change;
mod columns;
pub(crate) mod held;
mod matching;
mod membership;
pub(crate) mod names;
mod origins;
mod runs;
mod sessions;
mod status;

use std::collections::HashMap;

use bytes::Bytes;
use domain::{
    DateTime,
    countdown::CountdownState,
    enrolment::EnrolmentState,
    id::{CustomerId, GroupId, IntegrationId, UserId},
    made_here::editable,
    paging::{Cursor, Direction, ListRequest, Listing, Page, PageRequest, UNCOUNTED},
    permission::Permission,
    policy::ObjectType,
    protection::{Protected, ProtectedFilter},
    run::Reason,
    user::{
        DirectoryStatus, ListedUser, MemberOf, SourceType, User, UserDetail, UserLine, WholeUser,
    },
};
use futures::Stream;
use sqlx::FromRow;
use uuid::Uuid;

pub(super) use self::columns::attribute_cells;
use self::matching::{Matching, Order, bound};
pub use self::{
    change::{change, create},
    columns::{MoreCells, more_cells},
    membership::{group_choice, set_groups},
    names::set_aliases,
    origins::origins,
    runs::{memberships, runs},
    sessions::{end_session, end_sessions, sessions},
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
use crate::{
    Backend, Error, Result, Scope, Tx, db::rows::IDS_MAX, fetch_all, fetch_optional, in_scope,
};

/// What the Users list is asked for.
#[derive(Debug, Clone, Default)]
pub struct UserQuery {
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// From this integration.
    pub integration_id: Option<IntegrationId>,
    /// A part of the name, the user name, the mail address or an alias.
    pub q: Option<String>,
    /// Of this status; absent: all but deleted ones.
    pub status: Option<DirectoryStatus>,
    /// Also deleted ones, where no status is asked for.
    pub deleted_too: bool,
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
    /// Whether they are guests.
    pub guest: Option<bool>,
    /// Whether they administer their customer's workspace.
    pub administrator: Option<bool>,
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

impl UserQuery {
    /// What the pairs of a list's address say, as a page reads them: what can't be read counts as
    /// absent.
    pub fn of_address<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut query = Self::default();
        for (name, value) in pairs {
            let value = value.trim();
            match name {
                "customer" => query.customer_id = value.parse().ok(),
                "integration" => query.integration_id = value.parse().ok(),
                "q" => query.q = Some(value.to_owned()).filter(|q| !q.is_empty()),
                "status" => query.status = value.parse().ok(),
                "source_type" => query.source_type = value.parse().ok(),
                "group" => query.group_id = value.parse().ok(),
                "countdown" => query.countdown = value.parse().ok(),
                "protected" => query.protected = value.parse().ok(),
                "enrolment" => query.enrolment = value.parse().ok(),
                "guest" => query.guest = value.parse().ok(),
                "administrator" => query.administrator = value.parse().ok(),
                _ => {}
            }
        }
        query
    }
}

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

/// Rows behind its page that a search looks for.
const SEARCHED_AHEAD: i64 = 1_000;

/// One page of the Users list.
pub async fn list(b: &Backend, scope: &Scope, query: UserQuery) -> Result<Page<UserLine>> {
    scope.require(Permission::DirectoryRead)?;
    b.limits.take_search(query.q.as_deref(), scope)?;
    let mut tx = b.db.read().await?;
    let matching = Matching::new(&mut tx, scope, &query).await?;
    page(b, &mut tx, scope, &matching).await
}

async fn page(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    matching: &Matching<'_>,
) -> Result<Page<UserLine>> {
    let query = matching.query();
    let mut order = paging::order(SORTS, query.sort.as_deref(), query.direction, "u.id");
    let mut text = matching.text();
    let wanted = query.page.limit() + 1;
    if let Some(end) = matching.end_of_near(tx, (None, wanted)).await? {
        if order.starts_with("ORDER BY u.name_folded ASC") {
            let near = (&end, query.page);
            if let Some(mut ids) = matching.page_before(b, tx, scope, near).await? {
                ids.truncate(query.page.rows as usize);
                let items = lines(b, tx, &ids).await?;
                let total = UNCOUNTED;
                return Ok(Page { items, total });
            }
        }
        matching.require_telling()?;
        order = order.replace("u.name_folded", Order::OfFound.name());
        text = matching.text_in(Order::OfFound);
    }
    // One row more tells whether the list goes on. Where it doesn't, it need not be counted. A search
    // looks further ahead, so that one that finds some hundreds reads everything once, not twice.
    let ahead = matching.pattern.as_ref().map_or(0, |_| SEARCHED_AHEAD);
    let limit = query.page.limit() + ahead;
    let rows = bound!(
        matching,
        b,
        scope,
        fetch_all,
        &mut *tx,
        (Uuid,),
        format!("SELECT u.id {text} {order} LIMIT $15 OFFSET $16"),
        limit + 1,
        query.page.offset()
    )?;
    let mut ids: Vec<Uuid> = rows.into_iter().map(|(id,)| id).collect();
    let found = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    ids.truncate(query.page.rows as usize);
    let total = if found > limit && matching.searches_many() {
        UNCOUNTED
    } else if found > limit || (found == 0 && query.page.page > 1) {
        matching.count(b, tx, scope).await?
    } else {
        query.page.offset() + found
    };
    Ok(Page {
        items: lines(b, tx, &ids).await?,
        total,
    })
}

/// The lines of these users, in this order: only a page's rows are dressed.
async fn lines(b: &Backend, tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<UserLine>> {
    let mut found: HashMap<Uuid, UserLine> = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(IDS_MAX) {
        let sql = format!("{} WHERE u.id {}", line!("$1"), tx.one_of(ids));
        let lines = fetch_all!(&mut *tx, UserLine, sqlx::AssertSqlSafe(sql), b.clock.now())?;
        found.extend(lines.into_iter().map(|line| (line.user.id.0, line)));
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Which users match, by name, at most so many.
pub(super) async fn ids_matching(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    query: &UserQuery,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let matching = Matching::new(tx, scope, query).await?;
    matching.ids(b, tx, scope, None, limit).await
}

/// The users of a customer that are asked for, by name, also deleted ones, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    query: UserQuery,
    request: &ListRequest,
) -> Result<Listing<ListedUser>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    super::customers::find_in_use(&mut tx, scope, customer).await?;
    let query = UserQuery {
        customer_id: Some(customer),
        ..query
    };
    listed(b, &mut tx, scope, query, request).await
}

/// The same of all customers that the caller sees.
pub async fn listing_of_all(
    b: &Backend,
    scope: &Scope,
    query: UserQuery,
    request: &ListRequest,
) -> Result<Listing<ListedUser>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    let query = UserQuery {
        // The index of one customer's names is shorter than that of all.
        customer_id: scope.only_customer(),
        ..query
    };
    listed(b, &mut tx, scope, query, request).await
}

async fn listed(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    query: UserQuery,
    request: &ListRequest,
) -> Result<Listing<ListedUser>> {
    let query = UserQuery {
        q: request.q.clone(),
        deleted_too: true,
        ..query
    };
    let (after, limit) = (request.cursor.as_ref(), paging::limit(request));
    let matching = Matching::new(tx, scope, &query).await?;
    let ids = matching.ids(b, tx, scope, after, limit).await?;
    let items = lines(b, tx, &ids).await?;
    let items = items.into_iter().map(ListedUser::from).collect();
    Ok(paging::listing(items, request, |listed: &ListedUser| {
        paging::by_name(&listed.user.display_name, listed.user.id.0)
    }))
}

/// One user.
pub async fn get(b: &Backend, scope: &Scope, id: UserId) -> Result<User> {
    Ok(line(b, scope, id).await?.user)
}

/// One user with all that programs are told of it.
pub async fn whole(b: &Backend, scope: &Scope, id: UserId) -> Result<WholeUser> {
    let ListedUser { user, standing } = line(b, scope, id).await?.into();
    let mut tx = b.db.read().await?;
    let more = more(&mut tx, id).await?;
    let by_rule = protected_rules::of_user(&mut tx, id).await?;
    let administrators_group = elsewhere::administrators(&mut tx, user.integration_id).await?;
    Ok(WholeUser {
        user,
        standing,
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
        let matching = Matching::new(&mut tx, scope, self).await?;
        let ids = matching
            .ids(b, &mut tx, scope, after, by_name::ROWS)
            .await?;
        lines(b, &mut tx, &ids).await
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
