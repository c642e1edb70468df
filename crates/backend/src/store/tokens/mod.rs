//! API tokens, administered.
//!
//! Each operator makes tokens for themselves, and sees, rotates and revokes those. Who may administer
//! tokens makes them for programs too, and sees those of others whose customers they all look after.
//! A token never may do more than the operator who answers for it may at that moment: that is seen
//! to where it is used ([`crate::auth::token`]).

pub(crate) mod addresses;
mod change;
mod create;
mod reads;

use std::collections::HashMap;

use domain::{
    DateTime,
    api_token::{ApiToken, ApiTokenKind, ApiTokenState},
    audit::AuditAction,
    id::{ApiTokenId, CustomerId, OperatorId},
    paging::{Direction, ListRequest, Listing, Page, PageRequest},
    permission::{Permission, Role},
};
use sqlx::FromRow;

pub use change::{may_rotate, offer, offer_to_take_over, revoke, rotate, rotate_to, take_over};
pub(crate) use change::{revoke_of, revoke_personal};
pub use create::{create, create_with, offer_new};
pub use reads::{ReadsNoted, note_read};

use crate::{
    Backend, Error, Result, Scope, Tx, fetch_all, fetch_all_in, fetch_optional, fetch_scalar,
    in_scope,
    store::{
        audit::Entry,
        operators,
        paging::{self, Sort},
    },
};

/// What of a token goes into the audit log.
const TOLD: [&str; 7] = [
    "name",
    "kind",
    "role",
    "customer_ids",
    "addresses",
    "created_by",
    "expires_at",
];

/// That something was done to a token. One of a single customer stands in that customer's part.
fn entry(action: AuditAction, token: &ApiToken) -> Entry<'_> {
    let of = match token.customer_ids.as_deref() {
        Some([customer]) => Some(*customer),
        _ => None,
    };
    Entry::new(action, token.id.0, &token.name).of(of)
}

/// What the API Tokens list is asked for.
#[derive(Debug, Clone, Default)]
pub struct ApiTokenQuery {
    /// A part of the name, or of the name of who made it.
    pub q: Option<String>,
    /// Only these.
    pub state: Option<ApiTokenState>,
    /// Only those that reach this customer.
    pub customer: Option<CustomerId>,
    /// Which rows.
    pub page: PageRequest,
    /// A column of [`SORTS`]; by name otherwise.
    pub sort: Option<String>,
    /// Which way.
    pub direction: Direction,
}

/// The columns by which the list sorts. Roles sort by what they may do, the most first.
pub const SORTS: &[Sort] = &[
    ("name", "t.name_folded"),
    (
        "role",
        "CASE t.role WHEN 'owner' THEN 0 WHEN 'administrator' THEN 1 WHEN 'user_manager' THEN 2
              WHEN 'help_desk' THEN 3 ELSE 4 END",
    ),
    ("created", "t.created_at"),
    ("ends", "t.expires_at"),
    ("last_used", "t.last_used_at"),
];

/// How the token `t` of the operator `o` stands at this time.
macro_rules! state {
    ($now:literal) => {
        concat!(
            "CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at <= ",
            $now,
            " THEN 'expired'
               WHEN o.disabled_at IS NOT NULL
                    OR t.operator_id IN (SELECT f.operator_id FROM operator_without_factor f)
               THEN 'stopped' ELSE 'active' END"
        )
    };
}

/// Tokens as they stand at this time.
macro_rules! lines {
    ($now:literal) => {
        concat!(
            "SELECT t.id, t.name, t.kind, t.role, t.all_customers, t.addresses, t.operator_id,
                    o.name AS operator_name, t.created_by, t.created_at, t.secret_set_at,
                    t.previous_ends_at, t.expires_at, t.last_used_at, t.last_used_address,
                    t.revoked_at, ",
            state!($now),
            " AS state FROM api_token t LEFT JOIN operator o ON o.id = t.operator_id"
        )
    };
}

const LINE: &str = lines!("$6");

/// Whether the caller answers for the token `t`, or is it. `$4` is `scope.operator_id()`, `$5` is
/// `scope.token_id()`.
macro_rules! own {
    () => {
        "(t.operator_id = $4 OR t.id = $5)"
    };
}

/// Whether the token `t` is the caller's own, or everything that it reaches is the caller's too: for
/// who administers tokens. What lists customers that are all gone could be anybody's, and what was
/// made on the machine reaches everybody's.
///
/// `$3` is `scope.sees_all()`.
macro_rules! visible {
    () => {
        concat!(
            "($3 OR ",
            own!(),
            " OR (t.all_customers AND t.operator_id IN
                   (SELECT r.operator_id FROM operator_role r WHERE ",
            operators::visible!(),
            ")) OR (NOT t.all_customers
                AND EXISTS (SELECT 1 FROM api_token_customer l WHERE l.api_token_id = t.id)
                AND NOT EXISTS (SELECT 1 FROM api_token_customer l WHERE l.api_token_id = t.id
                                   AND NOT ",
            in_scope!("l.customer_id"),
            ")))"
        )
    };
}

/// The condition that keeps other tokens out. Two texts and not one with another `OR`, so that who
/// has only their own has them found by index.
fn seen_by(scope: &Scope) -> &'static str {
    if scope.can(Permission::TokensWrite) {
        visible!()
    } else {
        own!()
    }
}

#[derive(FromRow)]
struct Row {
    id: ApiTokenId,
    name: String,
    kind: ApiTokenKind,
    role: Role,
    all_customers: bool,
    addresses: String,
    operator_id: Option<OperatorId>,
    operator_name: Option<String>,
    created_by: String,
    created_at: DateTime,
    secret_set_at: DateTime,
    previous_ends_at: Option<DateTime>,
    expires_at: DateTime,
    last_used_at: Option<DateTime>,
    last_used_address: Option<String>,
    revoked_at: Option<DateTime>,
    state: ApiTokenState,
}

impl Row {
    fn token(self, customer_ids: Vec<CustomerId>, now: DateTime) -> Result<ApiToken> {
        let networks = addresses::read(&self.addresses)?;
        Ok(ApiToken {
            id: self.id,
            name: self.name,
            kind: self.kind,
            role: self.role,
            customer_ids: (!self.all_customers).then_some(customer_ids),
            addresses: networks.iter().map(ToString::to_string).collect(),
            operator_id: self.operator_id,
            operator_name: self.operator_name,
            created_by: self.created_by,
            created_at: self.created_at,
            secret_set_at: self.secret_set_at,
            previous_ends_at: self.previous_ends_at.filter(|end| *end > now),
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            last_used_address: self.last_used_address,
            revoked_at: self.revoked_at,
            state: self.state,
        })
    }
}

/// The tokens of these rows, with the customers that each lists.
async fn tokens(b: &Backend, tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<ApiToken>> {
    let ids: Vec<ApiTokenId> = rows.iter().map(|row| row.id).collect();
    let listed = fetch_all_in!(
        tx,
        (ApiTokenId, CustomerId),
        "SELECT api_token_id, customer_id FROM api_token_customer WHERE api_token_id IN",
        ids,
        "ORDER BY api_token_id, customer_id"
    )?;
    let mut customers: HashMap<ApiTokenId, Vec<CustomerId>> = HashMap::new();
    for (token, customer) in listed {
        customers.entry(token).or_default().push(customer);
    }
    let now = b.clock.now();
    rows.into_iter()
        .map(|row| {
            let listed = customers.remove(&row.id).unwrap_or_default();
            row.token(listed, now)
        })
        .collect()
}

/// What the list is filtered by. A token that lists no customers reaches those of the operator who
/// answers for it, and all where there is none.
const MATCHING: &str = concat!(
    r" AND ($7 IS NULL OR t.search_text LIKE $7 ESCAPE '\')
       AND ($8 IS NULL OR $8 = ",
    state!("$6"),
    ") AND ($9 IS NULL
         OR (t.all_customers AND (t.operator_id IS NULL
             OR t.operator_id IN (SELECT r.operator_id FROM operator_role r WHERE ",
    operators::reaches!("$9"),
    ")))
         OR t.id IN (SELECT api_token_id FROM api_token_customer WHERE customer_id = $9))"
);

/// One page of the API Tokens list: the caller's own, a token itself, and for who administers tokens
/// those of others whose customers the caller sees.
pub async fn list(b: &Backend, scope: &Scope, query: ApiTokenQuery) -> Result<Page<ApiToken>> {
    let pattern = paging::pattern(query.q.as_deref());
    let state = query.state.map(ApiTokenState::as_str);
    let (seen, now) = (seen_by(scope), b.clock.now());
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!(
            "SELECT COUNT(*) FROM api_token t LEFT JOIN operator o ON o.id = t.operator_id
              WHERE {seen}{MATCHING}"
        )),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        scope.operator_id(),
        scope.token_id(),
        now,
        &pattern,
        state,
        query.customer
    )?;
    let order = paging::order(SORTS, query.sort.as_deref(), query.direction, "t.id");
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "{LINE} WHERE {seen}{MATCHING} {order} LIMIT $10 OFFSET $11"
        )),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        scope.operator_id(),
        scope.token_id(),
        now,
        pattern,
        state,
        query.customer,
        query.page.limit(),
        query.page.offset()
    )?;
    let items = tokens(b, &mut tx, rows).await?;
    Ok(Page { items, total })
}

const NEXT: &str = r" AND (t.name_folded, t.id) > ($7, $8)
       AND ($9 IS NULL OR t.name_folded LIKE $9 ESCAPE '\')
     ORDER BY t.name_folded, t.id LIMIT $10";

/// Tokens by name, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    request: &ListRequest,
) -> Result<Listing<ApiToken>> {
    let (after, id) = paging::after(request);
    let seen = seen_by(scope);
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!("{LINE} WHERE {seen}{NEXT}")),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        scope.operator_id(),
        scope.token_id(),
        b.clock.now(),
        after,
        id,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    let items = tokens(b, &mut tx, rows).await?;
    Ok(paging::listing(items, request, |token: &ApiToken| {
        paging::by_name(&token.name, token.id.0)
    }))
}

/// One token that the caller may see.
pub async fn get(b: &Backend, scope: &Scope, id: ApiTokenId) -> Result<ApiToken> {
    let mut tx = b.db.read().await?;
    find(b, &mut tx, scope, id).await
}

async fn find(b: &Backend, tx: &mut Tx, scope: &Scope, id: ApiTokenId) -> Result<ApiToken> {
    let seen = seen_by(scope);
    let row = fetch_optional!(
        &mut *tx,
        Row,
        sqlx::AssertSqlSafe(format!("{LINE} WHERE t.id = $7 AND {seen}")),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        scope.operator_id(),
        scope.token_id(),
        b.clock.now(),
        id
    )?;
    let found = tokens(b, tx, row.into_iter().collect()).await?;
    found.into_iter().next().ok_or(Error::NotFound("API token"))
}

/// Every token for which an operator answers and that isn't revoked, whoever sees it: for the code
/// that takes the operator away.
async fn of_operator(b: &Backend, tx: &mut Tx, operator: OperatorId) -> Result<Vec<ApiToken>> {
    let rows = fetch_all!(
        &mut *tx,
        Row,
        concat!(
            lines!("$2"),
            " WHERE t.operator_id = $1 AND t.revoked_at IS NULL ORDER BY t.id DESC"
        ),
        operator,
        b.clock.now()
    )?;
    tokens(b, tx, rows).await
}

/// Whether the caller answers for the token, or is it.
fn is_own(scope: &Scope, token: &ApiToken) -> bool {
    let mine = scope.operator_id().is_some() && scope.operator_id() == token.operator_id;
    mine || scope.token_id() == Some(token.id)
}

#[cfg(test)]
mod many_tests;
#[cfg(test)]
mod tests;
