//! Making tokens.

use chrono::Duration;
use domain::{
    DateTime,
    api_token::{
        ApiToken, ApiTokenKind, ApiTokenState, LIFETIME_DAYS, LIFETIME_DAYS_MAX, NewApiToken,
    },
    audit::{AuditAction, AuditChanges},
    id::ApiTokenId,
    permission::Permission,
    text::parse_name,
};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

use super::{
    TOLD, addresses,
    change::{offered, opened, refuse_taken},
    entry,
};
use crate::{
    Backend, Error, Result, Scope, Tx,
    auth::token,
    execute, insert_many,
    sealer::Offered,
    store::{audit, operators},
};

/// Makes the text of a new token for a form to show. Nothing is kept until the form comes back.
pub async fn offer_new(b: &Backend, scope: &Scope) -> Result<Offered> {
    may_make(scope, ApiTokenKind::Personal)?;
    offered(b, scope).await
}

/// Makes a token and answers its text, which is told this once and never again.
pub async fn create(
    b: &Backend,
    scope: &Scope,
    new: NewApiToken,
) -> Result<(ApiToken, SecretString)> {
    let secret = SecretString::from(token::make(b));
    let made = keep(b, scope, new, &secret).await?;
    Ok((made, secret))
}

/// Makes a token with the text that a form showed.
pub async fn create_with(
    b: &Backend,
    scope: &Scope,
    new: NewApiToken,
    sealed: &str,
) -> Result<ApiToken> {
    may_make(scope, new.kind)?;
    scope.require_recent_proof(b.clock.now())?;
    let secret = opened(b, scope, sealed).await?;
    keep(b, scope, new, &secret).await
}

/// A token makes no tokens: one that leaked would never be rid of.
fn may_make(scope: &Scope, kind: ApiTokenKind) -> Result<()> {
    if scope.is_token() {
        return Err(Error::Forbidden(Permission::TokensWrite));
    }
    match kind {
        ApiTokenKind::Personal => Ok(()),
        ApiTokenKind::Program => scope.require(Permission::TokensWrite),
    }
}

/// What was asked for, checked; but for its customers.
struct Checked {
    name: String,
    networks: Vec<IpNet>,
    expires_at: DateTime,
}

fn checked(b: &Backend, scope: &Scope, new: &NewApiToken) -> Result<Checked> {
    let name = parse_name("name", &new.name)?;
    if !scope.role().holds(new.role) {
        let message = "You can’t give a role that may do more than yours.";
        return Err(Error::invalid("role", message));
    }
    let now = b.clock.now();
    let expires_at = new
        .expires_at
        .unwrap_or(now + Duration::days(LIFETIME_DAYS));
    if expires_at <= now {
        return Err(Error::invalid("expires_at", "Choose a time to come."));
    }
    if expires_at > now + Duration::days(LIFETIME_DAYS_MAX) {
        let message = format!(
            "A token ends after {LIFETIME_DAYS_MAX} days at the latest. Rotating it gives it as many days again."
        );
        return Err(Error::invalid("expires_at", message));
    }
    Ok(Checked {
        name,
        networks: addresses::parse("addresses", &new.addresses)?,
        expires_at,
    })
}

async fn keep(
    b: &Backend,
    scope: &Scope,
    new: NewApiToken,
    secret: &SecretString,
) -> Result<ApiToken> {
    may_make(scope, new.kind)?;
    scope.require_recent_proof(b.clock.now())?;
    let checked = checked(b, scope, &new)?;
    let mut tx = b.db.write().await?;
    let customer_ids = match &new.customer_ids {
        None => None,
        Some(given) => {
            let given = given.clone();
            Some(operators::listed_customers(&mut tx, scope, "customer_ids", given).await?)
        }
    };
    let now = b.clock.now();
    let made = ApiToken {
        id: ApiTokenId(b.ids.uuid()),
        name: checked.name,
        kind: new.kind,
        role: new.role,
        customer_ids,
        addresses: checked.networks.iter().map(ToString::to_string).collect(),
        operator_id: scope.operator_id(),
        operator_name: scope.operator_id().map(|_| scope.actor_name().to_owned()),
        created_by: scope.actor_name().to_owned(),
        created_at: now,
        secret_set_at: now,
        previous_ends_at: None,
        expires_at: checked.expires_at,
        last_used_at: None,
        last_used_address: None,
        revoked_at: None,
        state: ApiTokenState::Active,
    };
    refuse_taken(&mut tx, secret).await?;
    insert(&mut tx, &made, &checked.networks, secret).await?;
    let changes = AuditChanges::created(&made).only(&TOLD);
    let changes = changes.now("all_customers", &made.customer_ids.is_none());
    let entry = entry(AuditAction::ApiTokenCreate, &made).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(made)
}

async fn insert(
    tx: &mut Tx,
    made: &ApiToken,
    networks: &[IpNet],
    secret: &SecretString,
) -> Result<()> {
    execute!(
        &mut *tx,
        "INSERT INTO api_token
           (id, name, name_folded, search_text, kind, role, all_customers, addresses, operator_id,
            secret_hash, secret_set_at, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11, $13)",
        made.id,
        &made.name,
        planner::key(&made.name),
        planner::fold::search_text([made.name.as_str(), &made.created_by]),
        made.kind,
        made.role,
        made.customer_ids.is_none(),
        addresses::written(networks)?,
        made.operator_id,
        token::hash(secret.expose_secret()),
        made.created_at,
        &made.created_by,
        made.expires_at
    )?;
    let rows = made.customer_ids.clone().unwrap_or_default();
    insert_many!(
        tx,
        "INSERT INTO api_token_customer (api_token_id, customer_id)",
        columns: 2, rows_max: 1000, rows,
        |bind, row| { bind.push_bind(made.id).push_bind(*row); },
        ""
    )?;
    Ok(())
}
