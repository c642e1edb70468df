//! API tokens, administered.
//!
//! Each operator makes tokens for themselves, and sees, rotates and revokes those. Who may administer
//! tokens makes them for programs too, and sees those of others whose customers they all look after.
//! A token never may do more than the operator who answers for it may at that moment: that is seen
//! to where it is used ([`crate::auth::token`]).

pub(crate) mod addresses;
mod change;
mod create;

use std::collections::{HashMap, HashSet};

use domain::{
    DateTime,
    api_token::{ApiToken, ApiTokenKind, ApiTokenState},
    audit::AuditAction,
    id::{ApiTokenId, CustomerId, OperatorId},
    paging::{ListRequest, Listing},
    permission::{Permission, Role},
};
use sqlx::FromRow;

pub(crate) use change::revoke_of;
pub use change::{OfferedToken, may_rotate, offer, revoke, rotate, rotate_to, take_over};
pub use create::{create, create_with, offer_new};

use crate::{
    Backend, Error, Result, Scope, Tx, fetch_all,
    store::{audit::Entry, operators, paging},
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
    disabled_at: Option<DateTime>,
    created_by: String,
    created_at: DateTime,
    secret_set_at: DateTime,
    previous_ends_at: Option<DateTime>,
    expires_at: DateTime,
    last_used_at: Option<DateTime>,
    last_used_address: Option<String>,
    revoked_at: Option<DateTime>,
}

impl Row {
    fn token(self, customer_ids: Vec<CustomerId>, now: DateTime) -> Result<ApiToken> {
        let networks = addresses::read(&self.addresses)?;
        let state = if self.revoked_at.is_some() {
            ApiTokenState::Revoked
        } else if self.expires_at <= now {
            ApiTokenState::Expired
        } else if self.disabled_at.is_some() {
            ApiTokenState::Stopped
        } else {
            ApiTokenState::Active
        };
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
            state,
        })
    }
}

/// Every token that the caller may see, the newest first: their own, a token itself, and for who
/// administers tokens those of others whose customers the caller sees.
pub async fn list(b: &Backend, scope: &Scope) -> Result<Vec<ApiToken>> {
    let mut tx = b.db.read().await?;
    visible(b, &mut tx, scope).await
}

/// Tokens by name, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    request: &ListRequest,
) -> Result<Listing<ApiToken>> {
    let place = |token: &ApiToken| paging::by_name(&token.name, token.id.0);
    let after = paging::after(request);
    let wanted = request.q.as_deref().map(planner::fold);
    let mut tokens = list(b, scope).await?;
    tokens.retain(|token| {
        let place = place(token);
        (place.after, place.id) > after
            && wanted
                .as_ref()
                .is_none_or(|q| planner::fold(&token.name).contains(q.trim()))
    });
    tokens.sort_by_cached_key(|token| {
        let place = place(token);
        (place.after, place.id)
    });
    tokens.truncate(request.limit as usize + 1);
    Ok(paging::listing(tokens, request, place))
}

/// One token that the caller may see.
pub async fn get(b: &Backend, scope: &Scope, id: ApiTokenId) -> Result<ApiToken> {
    let mut tx = b.db.read().await?;
    find(b, &mut tx, scope, id).await
}

async fn find(b: &Backend, tx: &mut Tx, scope: &Scope, id: ApiTokenId) -> Result<ApiToken> {
    let tokens = visible(b, tx, scope).await?;
    let token = tokens.into_iter().find(|token| token.id == id);
    token.ok_or(Error::NotFound("API token"))
}

async fn visible(b: &Backend, tx: &mut Tx, scope: &Scope) -> Result<Vec<ApiToken>> {
    let mut tokens = all(b, tx).await?;
    let administers = scope.can(Permission::TokensWrite);
    let operators: HashSet<OperatorId> = if administers {
        operators::visible_ids(tx, scope).await?
    } else {
        HashSet::new()
    };
    tokens.retain(|token| is_own(scope, token) || (administers && sees(scope, token, &operators)));
    Ok(tokens)
}

async fn all(b: &Backend, tx: &mut Tx) -> Result<Vec<ApiToken>> {
    let rows = fetch_all!(
        &mut *tx,
        Row,
        "SELECT t.id, t.name, t.kind, t.role, t.all_customers, t.addresses, t.operator_id,
                o.name AS operator_name, o.disabled_at, t.created_by, t.created_at, t.secret_set_at, t.previous_ends_at,
                t.expires_at, t.last_used_at, t.last_used_address, t.revoked_at
         FROM api_token t LEFT JOIN operator o ON o.id = t.operator_id ORDER BY t.id DESC"
    )?;
    let mut customers: HashMap<ApiTokenId, Vec<CustomerId>> = HashMap::new();
    for (token, customer) in fetch_all!(
        tx,
        (ApiTokenId, CustomerId),
        "SELECT api_token_id, customer_id FROM api_token_customer
         ORDER BY api_token_id, customer_id"
    )? {
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

/// Whether the caller answers for the token, or is it.
fn is_own(scope: &Scope, token: &ApiToken) -> bool {
    let mine = scope.operator_id().is_some() && scope.operator_id() == token.operator_id;
    mine || scope.token_id() == Some(token.id)
}

/// Whether everything that the token reaches is the caller's too.
fn sees(scope: &Scope, token: &ApiToken, operators: &HashSet<OperatorId>) -> bool {
    match &token.customer_ids {
        // Whose customers are all gone could be anybody's.
        Some(ids) if ids.is_empty() => scope.sees_all(),
        Some(ids) => ids.iter().all(|id| scope.sees(*id)),
        None => match &token.operator_id {
            Some(id) => operators.contains(id),
            None => scope.sees_all(),
        },
    }
}

#[cfg(test)]
mod tests;
