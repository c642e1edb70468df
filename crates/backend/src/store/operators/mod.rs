//! Operators: who they are, what they may do for which customers, and whether they can sign in.
//!
//! An operator is seen by who reaches every customer that the operator reaches, now and later, and
//! is changed only by who also holds their role. So nobody can lift anybody above themselves.

mod change;
mod invite;
mod reach;

use std::collections::HashMap;

use domain::{
    DateTime,
    id::{CustomerId, OperatorId},
    notification::DeliveryStatus,
    operator::{CustomerScope, Invitation, InvitationMail, Operator, OperatorState, ScopeKind},
    paging::{Direction, ListRequest, Listing, Page, PageRequest},
    permission::{Permission, Role},
    run::RunError,
};
use sqlx::FromRow;

pub use change::{change, end_session, end_sessions, remove, sessions};
pub(crate) use change::{end_links, end_sessions_in, find_to_change, give_role};
#[cfg(any(test, feature = "testing"))]
pub use invite::testing::{self, invite, resend};
pub use invite::{invite_with, offer_link, resend_with};
pub(crate) use reach::{listed_customers, may_be_retagged, store as store_scope};

use super::{
    paging::{self, Sort},
    read_json,
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_all_in, fetch_optional,
    fetch_scalar,
};

/// What the Operators list is asked for.
#[derive(Debug, Clone, Default)]
pub struct OperatorQuery {
    /// A part of the name or the mail address.
    pub q: Option<String>,
    /// Only these.
    pub role: Option<Role>,
    /// Only those.
    pub state: Option<OperatorState>,
    /// Which rows.
    pub page: PageRequest,
    /// A column of [`SORTS`]; by name otherwise.
    pub sort: Option<String>,
    /// Which way.
    pub direction: Direction,
}

/// The columns by which the list sorts. Roles sort by what they may do, the most first.
pub const SORTS: &[Sort] = &[
    ("name", "o.name_folded"),
    ("email", "o.email_folded"),
    (
        "role",
        "CASE r.role WHEN 'owner' THEN 0 WHEN 'administrator' THEN 1 WHEN 'user_manager' THEN 2
              WHEN 'help_desk' THEN 3 ELSE 4 END",
    ),
    ("created", "o.created_at"),
    ("last_signed_in", "o.last_signed_in_at"),
];

/// The customers that the role `r` lists or whose tags it lists.
macro_rules! listed {
    () => {
        "SELECT listed_c.customer_id FROM operator_role_customer listed_c
          WHERE listed_c.operator_id = r.operator_id
         UNION ALL SELECT listed_t.customer_id FROM operator_role_tag listed_g
           JOIN customer_tag listed_t ON listed_t.tag = listed_g.tag
          WHERE listed_g.operator_id = r.operator_id"
    };
}

/// Whether the caller reaches every customer that the role `r` reaches. Who reaches nobody (any
/// more) is known to those only who see all customers: whose operator it was, nothing tells.
///
/// `$3` is `scope.sees_all()`.
macro_rules! visible {
    () => {
        concat!(
            "($3 OR (r.scope IN ('some', 'tags') AND EXISTS (",
            $crate::store::operators::listed!(),
            ") AND NOT EXISTS (SELECT 1 FROM (",
            $crate::store::operators::listed!(),
            ") reached WHERE NOT ",
            $crate::in_scope!("reached.customer_id"),
            ")) OR (r.scope = 'all_except' AND $1 AND NOT EXISTS (
                 SELECT 1 FROM operator_role_customer mine WHERE mine.operator_id = $2
                    AND mine.customer_id NOT IN (
                          SELECT theirs.customer_id FROM operator_role_customer theirs
                           WHERE theirs.operator_id = r.operator_id))))"
        )
    };
}

/// Whether the role `r` reaches this customer.
macro_rules! reaches {
    ($customer:literal) => {
        concat!(
            "(r.scope = 'all' OR (r.scope IN ('some', 'tags') AND ",
            $customer,
            " IN (",
            $crate::store::operators::listed!(),
            ")) OR (r.scope = 'all_except' AND ",
            $customer,
            " NOT IN (SELECT theirs.customer_id FROM operator_role_customer theirs
                       WHERE theirs.operator_id = r.operator_id)))"
        )
    };
}
pub(crate) use {listed, reaches, visible};

/// What of an operator goes into the audit log.
pub(crate) const TOLD: [&str; 4] = ["email", "name", "role", "scope"];

const LINE: &str = "SELECT o.id, o.email, o.name, r.role, r.scope, o.created_at, o.joined_at,
       o.disabled_at, o.last_signed_in_at, l.created_at AS invited_at,
       l.expires_at AS invitation_ends_at, m.status AS mail_status, m.error AS mail_error
  FROM operator o JOIN operator_role r ON r.operator_id = o.id
  LEFT JOIN operator_link l ON l.operator_id = o.id AND l.purpose = 'invitation'
  LEFT JOIN operator_mail m ON m.operator_id = o.id AND m.purpose = 'invitation'";

#[derive(FromRow)]
struct Row {
    id: OperatorId,
    email: String,
    name: String,
    role: Role,
    scope: ScopeKind,
    created_at: DateTime,
    joined_at: Option<DateTime>,
    disabled_at: Option<DateTime>,
    last_signed_in_at: Option<DateTime>,
    invited_at: Option<DateTime>,
    invitation_ends_at: Option<DateTime>,
    mail_status: Option<DeliveryStatus>,
    mail_error: Option<String>,
}

impl Row {
    fn operator(self, listed: &mut Lists) -> Result<Operator> {
        let mail = match self.mail_status {
            Some(status) => Some(InvitationMail {
                status,
                error: self
                    .mail_error
                    .map(|error| read_json::<RunError>("operator_mail.error", &error))
                    .transpose()?,
            }),
            None => None,
        };
        let invitation = match (self.joined_at, self.invited_at, self.invitation_ends_at) {
            (None, Some(created_at), Some(expires_at)) => Some(Invitation {
                created_at,
                expires_at,
                mail,
            }),
            _ => None,
        };
        let state = match (self.disabled_at, self.joined_at) {
            (Some(_), _) => OperatorState::Disabled,
            (None, None) => OperatorState::Invited,
            (None, Some(_)) => OperatorState::Active,
        };
        Ok(Operator {
            id: self.id,
            email: self.email,
            name: self.name,
            role: self.role,
            scope: listed.scope(self.id, self.scope),
            state,
            created_at: self.created_at,
            last_signed_in_at: self.last_signed_in_at,
            invitation,
        })
    }
}

/// What the scopes of some operators list.
#[derive(Default)]
struct Lists {
    customers: HashMap<OperatorId, Vec<CustomerId>>,
    tags: HashMap<OperatorId, Vec<String>>,
}

impl Lists {
    /// As far as `scope` may know: excluded customers that it doesn't see are left out.
    async fn read(tx: &mut Tx, scope: Option<&Scope>, of: &[OperatorId]) -> Result<Self> {
        let mut lists = Self::default();
        let customers = fetch_all_in!(
            &mut *tx,
            (OperatorId, CustomerId),
            "SELECT operator_id, customer_id FROM operator_role_customer WHERE operator_id IN",
            of,
            "ORDER BY operator_id, customer_id"
        )?;
        for (operator, customer) in customers {
            if scope.is_none_or(|scope| scope.sees(customer)) {
                lists.customers.entry(operator).or_default().push(customer);
            }
        }
        let tags = fetch_all_in!(
            tx,
            (OperatorId, String),
            "SELECT operator_id, tag FROM operator_role_tag WHERE operator_id IN",
            of,
            "ORDER BY operator_id, tag"
        )?;
        for (operator, tag) in tags {
            lists.tags.entry(operator).or_default().push(tag);
        }
        Ok(lists)
    }

    fn scope(&mut self, operator: OperatorId, kind: ScopeKind) -> CustomerScope {
        let customer_ids = self.customers.remove(&operator).unwrap_or_default();
        match kind {
            ScopeKind::All => CustomerScope::All,
            ScopeKind::Some => CustomerScope::Some { customer_ids },
            ScopeKind::AllExcept => CustomerScope::AllExcept { customer_ids },
            ScopeKind::Tags => CustomerScope::Tags {
                tags: self.tags.remove(&operator).unwrap_or_default(),
            },
        }
    }
}

async fn operators(tx: &mut Tx, scope: Option<&Scope>, rows: Vec<Row>) -> Result<Vec<Operator>> {
    let ids: Vec<OperatorId> = rows.iter().map(|row| row.id).collect();
    let mut lists = Lists::read(tx, scope, &ids).await?;
    rows.into_iter()
        .map(|row| row.operator(&mut lists))
        .collect()
}

const MATCHING: &str = concat!(
    "WHERE ",
    visible!(),
    r" AND ($4 IS NULL OR o.name_folded LIKE $4 ESCAPE '\' OR o.email_folded LIKE $4 ESCAPE '\')
       AND ($5 IS NULL OR r.role = $5)
       AND ($6 IS NULL OR $6 = CASE WHEN o.disabled_at IS NOT NULL THEN 'disabled'
                                    WHEN o.joined_at IS NULL THEN 'invited' ELSE 'active' END)"
);

/// One page of the Operators list.
pub async fn list(b: &Backend, scope: &Scope, query: OperatorQuery) -> Result<Page<Operator>> {
    scope.require(Permission::OperatorsRead)?;
    let pattern = paging::pattern(query.q.as_deref());
    let (role, state) = (
        query.role.map(Role::as_str),
        query.state.map(OperatorState::as_str),
    );
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!(
            "SELECT COUNT(*) FROM operator o JOIN operator_role r ON r.operator_id = o.id {MATCHING}"
        )),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        &pattern,
        role,
        state
    )?;
    let order = paging::order(SORTS, query.sort.as_deref(), query.direction, "o.id");
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!("{LINE} {MATCHING} {order} LIMIT $7 OFFSET $8")),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        pattern,
        role,
        state,
        query.page.limit(),
        query.page.offset()
    )?;
    let items = operators(&mut tx, Some(scope), rows).await?;
    Ok(Page { items, total })
}

const NEXT: &str = concat!(
    " WHERE ",
    visible!(),
    r" AND (o.name_folded, o.id) > ($4, $5)
       AND ($6 IS NULL OR o.name_folded LIKE $6 ESCAPE '\' OR o.email_folded LIKE $6 ESCAPE '\')
     ORDER BY o.name_folded, o.id LIMIT $7"
);

/// Operators by name, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    request: &ListRequest,
) -> Result<Listing<Operator>> {
    scope.require(Permission::OperatorsRead)?;
    let (after, id) = paging::after(request);
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!("{LINE}{NEXT}")),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        after,
        id,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    let items = operators(&mut tx, Some(scope), rows).await?;
    Ok(paging::listing(items, request, |operator: &Operator| {
        paging::by_name(&operator.name, operator.id.0)
    }))
}

/// One operator.
pub async fn get(b: &Backend, scope: &Scope, id: OperatorId) -> Result<Operator> {
    let mut tx = b.db.read().await?;
    let operator = find(&mut tx, scope, id).await?;
    scope.require(Permission::OperatorsRead)?;
    Ok(operator)
}

const THE_ONE: &str = concat!(" WHERE o.id = $4 AND ", visible!());

/// One operator whom the caller may see.
async fn find(tx: &mut Tx, scope: &Scope, id: OperatorId) -> Result<Operator> {
    let row = fetch_optional!(
        &mut *tx,
        Row,
        sqlx::AssertSqlSafe(format!("{LINE}{THE_ONE}")),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        id
    )?;
    let found = operators(tx, Some(scope), row.into_iter().collect()).await?;
    found.into_iter().next().ok_or(Error::NotFound("operator"))
}

/// An operator of whom only the id is known, for the code that authenticates.
pub(crate) async fn by_id(tx: &mut Tx, id: OperatorId) -> Result<Option<Operator>> {
    let row = fetch_optional!(
        &mut *tx,
        Row,
        sqlx::AssertSqlSafe(format!("{LINE} WHERE o.id = $1")),
        id
    )?;
    let found = operators(tx, None, row.into_iter().collect()).await?;
    Ok(found.into_iter().next())
}

/// The id that belongs to a mail address.
pub(crate) async fn id_of(tx: &mut Tx, email: &str) -> Result<Option<OperatorId>> {
    let row = fetch_optional!(
        tx,
        (OperatorId,),
        "SELECT id FROM operator WHERE email_folded = $1",
        planner::fold(email.trim())
    )?;
    Ok(row.map(|(id,)| id))
}

/// An operator to add, with checked fields.
pub(crate) struct Added {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub scope: CustomerScope,
    /// None for who is invited, and sets one when following the link.
    pub password_hash: Option<String>,
}

/// Adds an operator; refused where the mail address is another's.
pub(crate) async fn insert(b: &Backend, tx: &mut Tx, added: Added) -> Result<OperatorId> {
    let id = OperatorId(b.ids.uuid());
    let now = b.clock.now();
    let inserted = execute!(
        &mut *tx,
        "INSERT INTO operator (id, email, email_folded, name, name_folded, password_hash,
                               created_at, joined_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        &added.email,
        planner::fold(&added.email),
        &added.name,
        planner::key(&added.name),
        added.password_hash.as_deref(),
        now,
        added.password_hash.as_ref().map(|_| now)
    );
    match inserted {
        Err(error) if error.is_unique_violation() => {
            let message = "An operator with this e-mail address exists already.";
            return Err(Error::invalid("email", message));
        }
        other => other?,
    };
    execute!(
        &mut *tx,
        "INSERT INTO operator_role (operator_id, role, scope) VALUES ($1, $2, $3)",
        id,
        added.role,
        added.scope.kind().as_str()
    )?;
    store_scope(tx, id, &added.scope).await?;
    Ok(id)
}

/// Lets changes to operators, their scopes and the tags in them come one after the other, on
/// PostgreSQL too: what one looks at, such as who is the last owner, no other changes meanwhile.
pub(crate) async fn one_at_a_time(tx: &mut Tx) -> Result<()> {
    tx.hold_table("operator_role").await
}

/// What of a scope's listed customers the caller may see, in the order of their names: for pages.
pub async fn names_of(
    b: &Backend,
    scope: &Scope,
    customers: &[CustomerId],
) -> Result<Vec<(CustomerId, String)>> {
    let mut tx = b.db.read().await?;
    let mut names = fetch_all_in!(
        &mut tx,
        (CustomerId, String),
        "SELECT id, name FROM customer WHERE id IN",
        customers,
        "ORDER BY name_folded, id"
    )?;
    names.retain(|(id, _)| scope.sees(*id));
    Ok(names)
}

#[cfg(test)]
mod tests;
