//! Groups of the customers' directories, and who is in them; and those made here, added and changed.

mod change;
mod columns;
mod edges;
mod held;
mod members;

use bytes::Bytes;
use domain::{
    DateTime,
    countdown::CountdownState,
    group::{Group, GroupDetail, GroupKind, GroupLine, ListedGroup},
    id::{CustomerId, GroupId, IntegrationId},
    made_here::editable,
    paging::{COUNTED_MAX, Cursor, Direction, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
    policy::ObjectType,
    run::Reason,
    user::{DirectoryStatus, MemberOf, SourceType},
};
use futures::Stream;
use sqlx::FromRow;
use uuid::Uuid;

pub use self::{
    change::{change, create, delete, restore},
    columns::more_cells,
    edges::{add_members, candidates, remove_members, takes_members},
    members::{members, members_listing},
};
use super::{
    attributes,
    by_name::{self, ByName},
    countdown::CountdownRow,
    elsewhere,
    paging::{self, Sort},
    users,
};
use crate::{Backend, Error, Result, Scope, Tx, fetch_optional, in_scope};

/// What the Groups list is asked for.
#[derive(Debug, Clone, Default)]
pub struct GroupQuery {
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// From this integration.
    pub integration_id: Option<IntegrationId>,
    /// A part of the name or the mail address.
    pub q: Option<String>,
    /// Of this status; absent: all but deleted ones.
    pub status: Option<DirectoryStatus>,
    /// Also deleted ones, where no status is asked for.
    pub deleted_too: bool,
    /// From this type of source.
    pub source_type: Option<SourceType>,
    /// Of this kind.
    pub kind: Option<GroupKind>,
    /// Whose deletion is so.
    pub countdown: Option<CountdownState>,
    /// Which rows.
    pub page: PageRequest,
    /// A column of [`SORTS`]; by name otherwise.
    pub sort: Option<String>,
    /// Which way.
    pub direction: Direction,
}

/// User Count counts users that are not deleted, as the members list shows them.
macro_rules! user_count {
    () => {
        "(SELECT COUNT(*) FROM directory_membership m JOIN directory_user u ON u.id = m.member_id
           WHERE m.group_id = g.id AND m.member_type = 'user' AND u.status <> 'deleted')"
    };
}

/// Users that are not deleted, of the group and of the groups in it: each once, and each group once,
/// so that a cycle ends.
macro_rules! effective_user_count {
    () => {
        "(WITH RECURSIVE inside (id) AS (
             SELECT g.id
             UNION
             SELECT m.member_id FROM inside
               JOIN directory_membership m ON m.group_id = inside.id AND m.member_type = 'group'
               JOIN directory_group n ON n.id = m.member_id AND n.status <> 'deleted')
           SELECT COUNT(DISTINCT u.id) FROM inside
             JOIN directory_membership m ON m.group_id = inside.id AND m.member_type = 'user'
             JOIN directory_user u ON u.id = m.member_id AND u.status <> 'deleted')"
    };
}

/// The columns by which the list sorts.
pub const SORTS: &[Sort] = &[
    ("name", "g.name_folded"),
    ("kind", "g.kind"),
    ("status", "g.status"),
    ("source", "g.source_type"),
    ("users", user_count!()),
    ("changed", "g.changed_at"),
];

impl GroupQuery {
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
                "kind" => query.kind = value.parse().ok(),
                "countdown" => query.countdown = value.parse().ok(),
                _ => {}
            }
        }
        query
    }

    /// `FROM` and `WHERE`, over the parameters `$1` to `$9` of `bound!`: a condition stands in it
    /// only where it was asked for, as with users (`users::matching`).
    fn text(&self) -> String {
        let from = if self.customer_id.is_some() {
            concat!(
                "customer c CROSS JOIN directory_group g
                 WHERE g.customer_id = c.id AND c.id = $3 AND c.deleted_at IS NULL AND ",
                in_scope!("c.id")
            )
        } else {
            concat!(
                "directory_group g CROSS JOIN customer c
                 WHERE c.id = g.customer_id AND $3 IS NULL AND c.deleted_at IS NULL AND ",
                in_scope!("g.customer_id")
            )
        };
        let when = |asked: bool, condition: &str, parameter: &str| {
            if asked {
                format!(" AND {condition}")
            } else {
                format!(" AND {parameter} IS NULL")
            }
        };
        let looks_for = paging::pattern(self.q.as_deref()).is_some();
        let status = match self.status {
            Some(_) => " AND g.status = $6",
            None if self.deleted_too => " AND $6 IS NULL",
            None => " AND $6 IS NULL AND g.status <> 'deleted'",
        };
        let countdown = "(($9 = 'counting' AND g.delete_at IS NOT NULL)
                          OR ($9 = 'cancelled' AND g.countdown_cancelled_at IS NOT NULL))";
        [
            format!("FROM {from}"),
            when(self.integration_id.is_some(), "g.integration_id = $4", "$4"),
            when(looks_for, r"g.search_text LIKE $5 ESCAPE '\'", "$5"),
            status.to_owned(),
            when(self.source_type.is_some(), "g.source_type = $7", "$7"),
            when(self.kind.is_some(), "g.kind = $8", "$8"),
            when(self.countdown.is_some(), countdown, "$9"),
        ]
        .concat()
    }
}

/// Runs a statement over [`GroupQuery::text`] with its parameters, and others behind them.
macro_rules! bound {
    ($query:expr, $scope:expr, $fetch:ident, $tx:expr, $row:ty, $text:expr $(, $more:expr)* $(,)?) => {
        $crate::$fetch!(
            $tx,
            $row,
            sqlx::AssertSqlSafe($text),
            $scope.all(),
            $scope.grantee(),
            $query.customer_id,
            $query.integration_id,
            paging::pattern($query.q.as_deref()),
            $query.status,
            $query.source_type,
            $query.kind,
            $query.countdown
            $(, $more)*
        )
    };
}

const LINE: &str = concat!(
    "SELECT g.id, g.external_id, g.display_name, g.kind, g.status, g.source_type, ",
    user_count!(),
    " AS user_count, ",
    effective_user_count!(),
    " AS effective_user_count, g.customer_id, c.name AS customer_name, g.dynamic, g.changed_at,
    g.delete_at,
    EXISTS (SELECT 1 FROM integration_group s WHERE s.integration_id = g.integration_id
               AND s.external_id = g.external_id) AS selected
  FROM directory_group g JOIN customer c ON c.id = g.customer_id"
);

/// One page of the Groups list.
pub async fn list(b: &Backend, scope: &Scope, query: GroupQuery) -> Result<Page<GroupLine>> {
    scope.require(Permission::DirectoryRead)?;
    b.limits.take_search(query.q.as_deref(), scope)?;
    let mut tx = b.db.read().await?;
    let text = query.text();
    let total = bound!(
        query,
        scope,
        fetch_scalar,
        &mut tx,
        i64,
        format!("SELECT COUNT(*) FROM (SELECT 1 AS one {text} LIMIT $10) x"),
        COUNTED_MAX + 1
    )?;
    let order = paging::order(SORTS, query.sort.as_deref(), query.direction, "g.id");
    let items = bound!(
        query,
        scope,
        fetch_all,
        &mut tx,
        GroupLine,
        format!("{LINE} WHERE g.id IN (SELECT g.id {text} {order} LIMIT $10 OFFSET $11) {order}"),
        query.page.limit(),
        query.page.offset()
    )?;
    Ok(Page { items, total })
}

/// Which groups match, by name, at most so many.
pub(super) async fn ids_matching(
    tx: &mut Tx,
    scope: &Scope,
    query: &GroupQuery,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let text = query.text();
    let rows = bound!(
        query,
        scope,
        fetch_all,
        tx,
        (Uuid,),
        format!("SELECT g.id {text} ORDER BY g.name_folded, g.id LIMIT $10"),
        limit
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The groups of a customer that are asked for, by name, also deleted ones, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    query: GroupQuery,
    request: &ListRequest,
) -> Result<Listing<ListedGroup>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    super::customers::find_in_use(&mut tx, scope, customer).await?;
    let query = GroupQuery {
        customer_id: Some(customer),
        ..query
    };
    query.listed(&mut tx, scope, request).await
}

/// The same of all customers that the caller sees.
pub async fn listing_of_all(
    b: &Backend,
    scope: &Scope,
    query: GroupQuery,
    request: &ListRequest,
) -> Result<Listing<ListedGroup>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    let query = GroupQuery {
        // As with users.
        customer_id: scope.only_customer(),
        ..query
    };
    query.listed(&mut tx, scope, request).await
}

impl GroupQuery {
    async fn listed(
        self,
        tx: &mut Tx,
        scope: &Scope,
        request: &ListRequest,
    ) -> Result<Listing<ListedGroup>> {
        let query = Self {
            q: request.q.clone(),
            deleted_too: true,
            ..self
        };
        let (after, limit) = (request.cursor.as_ref(), paging::limit(request));
        let items = query.lines(tx, scope, after, limit).await?;
        let items = items.into_iter().map(ListedGroup::from).collect();
        Ok(paging::listing(items, request, |listed: &ListedGroup| {
            paging::by_name(&listed.group.display_name, listed.group.id.0)
        }))
    }

    /// Those that match by name, behind a place, at most so many.
    async fn lines(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Vec<GroupLine>> {
        let text = self.text();
        let place = match after {
            None => "$10 IS NULL AND $11 IS NULL",
            Some(_) => "(g.name_folded, g.id) > ($10, $11)",
        };
        bound!(
            self,
            scope,
            fetch_all,
            tx,
            GroupLine,
            format!(
                "{LINE} WHERE g.id IN (SELECT g.id {text} AND {place}
                                        ORDER BY g.name_folded, g.id LIMIT $12)
                  ORDER BY g.name_folded, g.id"
            ),
            after.map(|cursor| cursor.after.as_str()),
            after.map(|cursor| cursor.id),
            limit
        )
    }
}

/// One group.
pub async fn get(b: &Backend, scope: &Scope, id: GroupId) -> Result<Group> {
    Ok(line(b, scope, id).await?.group)
}

/// One group with all that programs are told of it.
pub async fn whole(b: &Backend, scope: &Scope, id: GroupId) -> Result<ListedGroup> {
    Ok(line(b, scope, id).await?.into())
}

/// The name of a group, where the caller may see it.
pub async fn name(b: &Backend, scope: &Scope, id: GroupId) -> Result<String> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    let found = fetch_optional!(
        &mut tx,
        (String,),
        concat!(
            "SELECT g.display_name FROM directory_group g JOIN customer c ON c.id = g.customer_id
              WHERE ",
            in_scope!("g.customer_id"),
            " AND c.deleted_at IS NULL AND g.id = $3"
        ),
        scope.all(),
        scope.grantee(),
        id
    )?;
    found.map(|(name,)| name).ok_or(Error::NotFound("group"))
}

async fn line(b: &Backend, scope: &Scope, id: GroupId) -> Result<GroupLine> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    fetch_optional!(
        &mut tx,
        GroupLine,
        sqlx::AssertSqlSafe(format!(
            "{LINE} WHERE {} AND c.deleted_at IS NULL AND g.id = $3",
            in_scope!("g.customer_id")
        )),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("group"))
}

#[derive(FromRow)]
struct More {
    integration_id: Option<IntegrationId>,
    integration_name: Option<String>,
    mail: Option<String>,
    status_reason: Option<Reason>,
    #[sqlx(flatten)]
    countdown: CountdownRow,
    created_at: DateTime,
    attributes: String,
    group_count: i64,
    purge_at: Option<DateTime>,
}

/// One group with everything its page shows.
pub async fn detail(b: &Backend, scope: &Scope, id: GroupId) -> Result<GroupDetail> {
    let line = line(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    let more = fetch_optional!(
        &mut tx,
        More,
        "SELECT g.integration_id, i.name AS integration_name, g.mail, g.status_reason,
                g.delete_at, g.countdown_cancelled_at, g.countdown_cancelled_by,
                g.countdown_cancelled_note,
                g.created_at, g.attributes, g.purge_at,
                (SELECT COUNT(*) FROM directory_membership m
                   JOIN directory_group n ON n.id = m.member_id
                  WHERE m.group_id = g.id AND m.member_type = 'group' AND n.status <> 'deleted')
                AS group_count
           FROM directory_group g LEFT JOIN integration i ON i.id = g.integration_id
          WHERE g.id = $1",
        id
    )?
    .ok_or(Error::NotFound("group"))?;
    let description = attributes::in_words(&more.attributes)?
        .into_iter()
        .find(|attribute| attribute.name == "description")
        .map(|attribute| attribute.value);
    let group = &line.group;
    let integration = more.integration_id;
    Ok(GroupDetail {
        elsewhere: elsewhere::of(&mut tx, integration, ObjectType::Group, group.external_id)
            .await?,
        editable: editable(group.source_type, integration),
        purge_at: more.purge_at,
        line,
        integration_id: more.integration_id,
        integration_name: more.integration_name,
        description,
        mail: more.mail,
        status_reason: more.status_reason,
        countdown: more.countdown.into(),
        created_at: more.created_at,
        group_count: more.group_count,
    })
}

/// The groups that a group is a direct member of, by name.
pub async fn member_of(b: &Backend, scope: &Scope, id: GroupId) -> Result<Vec<MemberOf>> {
    name(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    users::groups_of(&mut tx, id.0).await
}

/// Every matching group as CSV, by name.
pub fn csv(
    b: &Backend,
    scope: &Scope,
    query: GroupQuery,
) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
    by_name::csv(b, scope, query)
}

impl ByName for GroupQuery {
    type Row = GroupLine;
    const HEAD: &'static [&'static str] = &HEAD;

    async fn step(
        &self,
        b: &Backend,
        scope: &Scope,
        after: Option<&Cursor>,
    ) -> Result<Vec<GroupLine>> {
        scope.require(Permission::DirectoryRead)?;
        let mut tx = b.db.read().await?;
        self.lines(&mut tx, scope, after, by_name::ROWS).await
    }

    fn place(line: &GroupLine) -> (&str, Uuid) {
        (&line.group.display_name, line.group.id.0)
    }

    fn cells(line: GroupLine) -> Vec<String> {
        cells(line).into()
    }
}

const HEAD: [&str; 8] = [
    "Name",
    "Type",
    "User Count",
    "Effective User Count",
    "Group Status",
    "Source Type",
    "Customer",
    "Object Id",
];

fn cells(line: GroupLine) -> [String; 8] {
    let group = line.group;
    [
        group.display_name,
        group.kind.title().to_owned(),
        group.user_count.to_string(),
        group.effective_user_count.to_string(),
        group.status.title().to_owned(),
        group.source_type.to_string(),
        line.customer_name,
        group
            .external_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
    ]
}

#[cfg(test)]
mod made_tests;
#[cfg(test)]
mod tests;
