//! Which account at a provider is which operator's.

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::OperatorId,
    identity::{LinkedIdentity, WaysToSignIn},
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{provider::ProviderSettings, token::Account};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional, fetch_scalar,
    store::{
        audit::{self, Entry},
        sessions::{self, Whose},
    },
};

/// The most accounts that one operator has.
pub(super) const IDENTITIES_MAX: i64 = 20;

/// Whose account it is.
#[derive(Debug, FromRow)]
pub(super) struct Holder {
    pub id: Uuid,
    pub operator_id: OperatorId,
    pub disabled_at: Option<DateTime>,
}

/// Whose account it is; none where it is nobody's. It is found by the provider, the issuer and what
/// names the account there, and by nothing else.
pub(super) async fn holder(
    tx: &mut Tx,
    provider: &ProviderSettings,
    account: &Account,
) -> Result<Option<Holder>> {
    fetch_optional!(
        tx,
        Holder,
        "SELECT i.id, i.operator_id, o.disabled_at
           FROM operator_identity i JOIN operator o ON o.id = i.operator_id
          WHERE i.provider_id = $1 AND i.issuer = $2 AND i.subject = $3
            AND o.joined_at IS NOT NULL",
        &provider.id,
        &account.issuer,
        &account.subject
    )
}

/// How many accounts an operator has.
pub(super) async fn count(tx: &mut Tx, operator: OperatorId) -> Result<i64> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM operator_identity WHERE operator_id = $1",
        operator
    )
}

/// Makes an account an operator's. Answers false where it is somebody's already.
pub(super) async fn insert(
    b: &Backend,
    tx: &mut Tx,
    provider: &ProviderSettings,
    account: &Account,
    operator: OperatorId,
    used: bool,
) -> Result<bool> {
    let now = b.clock.now();
    let made = execute!(
        tx,
        "INSERT INTO operator_identity (id, operator_id, provider_id, issuer, subject, display,
                                        linked_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (provider_id, issuer, subject) DO NOTHING",
        b.ids.uuid(),
        operator,
        &provider.id,
        &account.issuer,
        &account.subject,
        &account.display,
        now,
        used.then_some(now)
    )?;
    Ok(made == 1)
}

/// Notes that somebody signed in with an account, and what it is called by now.
pub(super) async fn used(tx: &mut Tx, id: Uuid, account: &Account, now: DateTime) -> Result<()> {
    execute!(
        tx,
        "UPDATE operator_identity SET last_used_at = $1, display = $2 WHERE id = $3",
        now,
        &account.display,
        id
    )?;
    Ok(())
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    provider_id: String,
    display: String,
    linked_at: DateTime,
    last_used_at: Option<DateTime>,
}

/// The ways in which the operator who asks can sign in.
pub async fn ways_to_sign_in(b: &Backend, scope: &Scope) -> Result<WaysToSignIn> {
    let operator = scope.operator_id().ok_or(Error::SignedOut)?;
    let mut tx = b.db.read().await?;
    ways_of(b, &mut tx, operator).await
}

async fn ways_of(b: &Backend, tx: &mut Tx, operator: OperatorId) -> Result<WaysToSignIn> {
    let passwords = fetch_scalar!(
        &mut *tx,
        i64,
        "SELECT COUNT(*) FROM operator WHERE id = $1 AND password_hash IS NOT NULL",
        operator
    )?;
    let rows = fetch_all!(
        tx,
        Row,
        "SELECT id, provider_id, display, linked_at, last_used_at FROM operator_identity
          WHERE operator_id = $1 ORDER BY linked_at, id",
        operator
    )?;
    let providers = b.oidc.offered();
    let line = |row: Row| {
        let known = providers.iter().find(|one| one.id == row.provider_id);
        LinkedIdentity {
            id: row.id,
            usable: known.is_some(),
            provider: known.map_or(row.provider_id, |known| known.title.clone()),
            display: row.display,
            linked_at: row.linked_at,
            last_used_at: row.last_used_at,
        }
    };
    Ok(WaysToSignIn {
        has_password: passwords > 0,
        identities: rows.into_iter().map(line).collect(),
        providers,
    })
}

/// Unlinks one of the accounts of the operator who asks, and ends their other sessions: all but
/// `keep`, the public id of the one that asks. Refused for the last way to sign in.
pub async fn unlink(b: &Backend, scope: &Scope, id: Uuid, keep: Option<Uuid>) -> Result<()> {
    let operator = scope.operator_id().ok_or(Error::SignedOut)?;
    let mut tx = b.db.write().await?;
    // Two that are unlinked at once: the second finds that it is the last.
    tx.hold("operator", operator.0).await?;
    let ways = ways_of(b, &mut tx, operator).await?;
    let linked = ways.identities.iter().find(|one| one.id == id);
    let linked = linked.ok_or(Error::NotFound("linked account"))?;
    scope.require_recent_proof(b.clock.now())?;
    if !ways.can_do_without(id) {
        return Err(Error::conflict(
            "This is your only way to sign in. Set a password, or link another account first.",
        ));
    }
    execute!(&mut tx, "DELETE FROM operator_identity WHERE id = $1", id)?;
    sessions::end_others_in(&mut tx, Whose::Operator(operator), keep).await?;
    let action = AuditAction::OperatorUnlinkIdentity;
    let changes = AuditChanges::none()
        .was("provider", &linked.provider)
        .was("account", &linked.display);
    let entry = Entry::new(action, operator.0, scope.actor_name()).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}
