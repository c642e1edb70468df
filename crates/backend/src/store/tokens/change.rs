//! Giving a token a new secret, revoking it, and answering for it in another's place.

use chrono::Duration;
use domain::{
    api_token::{ApiToken, ApiTokenKind, ApiTokenState, OVERLAP_HOURS_MAX},
    audit::{AuditAction, AuditChanges},
    id::{ApiTokenId, OperatorId},
    permission::Permission,
};
use secrecy::{ExposeSecret, SecretString};

use super::{TOLD, entry, find, is_own, of_operator};
use crate::{
    Backend, Error, Origin, Result, Scope, Tx,
    auth::token,
    execute, fetch_scalar,
    sealer::{Offered, places},
    store::audit,
};

pub(super) async fn offered(b: &Backend, scope: &Scope) -> Result<Offered> {
    let secret = SecretString::from(token::make(b));
    Offered::to(b, scope, places::OFFERED_TOKEN, &secret, secret.clone()).await
}

pub(super) async fn opened(b: &Backend, scope: &Scope, sealed: &str) -> Result<SecretString> {
    let form = places::OFFERED_TOKEN;
    b.sealer.take_back_from(scope, form, sealed).await
}

/// Refuses a text that is a token’s already: a form that was sent twice.
pub(super) async fn refuse_taken(tx: &mut Tx, secret: &SecretString) -> Result<()> {
    let holders = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM api_token WHERE secret_hash = $1 OR previous_secret_hash = $1",
        token::hash(secret.expose_secret())
    )?;
    if holders == 0 {
        return Ok(());
    }
    let message = "This token is there already. Open the form anew for another.";
    Err(Error::invalid("sealed_token", message))
}

/// A token to which the caller may do this: their own, or one that holds nothing more than their
/// role, where they administer tokens.
async fn find_to_change(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: ApiTokenId,
) -> Result<ApiToken> {
    let token = find(b, tx, scope, id).await?;
    if is_own(scope, &token)
        || (scope.can(Permission::TokensWrite) && scope.role().holds(token.role))
    {
        Ok(token)
    } else {
        Err(Error::Forbidden(Permission::TokensWrite))
    }
}

/// A token whose secret the caller may come to know.
async fn find_to_rotate(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: ApiTokenId,
) -> Result<ApiToken> {
    let token = find_to_change(b, tx, scope, id).await?;
    let own = is_own(scope, &token);
    // A program learns the secret of no other; nobody that of another's own.
    if !own && (scope.is_token() || token.kind == ApiTokenKind::Personal) {
        return Err(Error::Forbidden(Permission::TokensWrite));
    }
    match token.state {
        ApiTokenState::Active | ApiTokenState::Stopped => Ok(token),
        ApiTokenState::Expired | ApiTokenState::Revoked => Err(Error::conflict(
            "This token can’t be used any more. Make a new one.",
        )),
    }
}

/// Whether the caller may give the token a new secret; the refusal where not.
pub async fn may_rotate(b: &Backend, scope: &Scope, id: ApiTokenId) -> Result<ApiToken> {
    let mut tx = b.db.read().await?;
    find_to_rotate(b, &mut tx, scope, id).await
}

/// Makes the next text of a token for a form to show. Nothing is kept until the form comes back.
pub async fn offer(b: &Backend, scope: &Scope, id: ApiTokenId) -> Result<(ApiToken, Offered)> {
    let token = may_rotate(b, scope, id).await?;
    Ok((token, offered(b, scope).await?))
}

/// Gives a token a new secret and as many days again as it had. The one before is good for
/// `overlap_hours` more; the one before that ends.
pub async fn rotate(
    b: &Backend,
    scope: &Scope,
    id: ApiTokenId,
    overlap_hours: u32,
) -> Result<(ApiToken, SecretString)> {
    let secret = SecretString::from(token::make(b));
    let token = rotate_by(b, scope, id, overlap_hours, &secret).await?;
    Ok((token, secret))
}

/// The same, to the text that a form showed.
pub async fn rotate_to(
    b: &Backend,
    scope: &Scope,
    id: ApiTokenId,
    overlap_hours: u32,
    sealed: &str,
) -> Result<ApiToken> {
    may_rotate(b, scope, id).await?;
    scope.require_recent_proof(b.clock.now())?;
    let secret = opened(b, scope, sealed).await?;
    rotate_by(b, scope, id, overlap_hours, &secret).await
}

async fn rotate_by(
    b: &Backend,
    scope: &Scope,
    id: ApiTokenId,
    overlap_hours: u32,
    secret: &SecretString,
) -> Result<ApiToken> {
    let mut tx = b.db.write().await?;
    let before = find_to_rotate(b, &mut tx, scope, id).await?;
    scope.require_recent_proof(b.clock.now())?;
    set_secret(b, &mut tx, &before, overlap_hours, secret).await?;
    let after = find(b, &mut tx, scope, id).await?;
    let changes = renewed(&before, &after, overlap_hours);
    let entry = entry(AuditAction::ApiTokenRotate, &after).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(after)
}

/// Gives a token this secret, and as many days again as it had.
async fn set_secret(
    b: &Backend,
    tx: &mut Tx,
    before: &ApiToken,
    overlap_hours: u32,
    secret: &SecretString,
) -> Result<()> {
    if overlap_hours > OVERLAP_HOURS_MAX {
        let message = format!("Use at most {OVERLAP_HOURS_MAX} hours.");
        return Err(Error::invalid("overlap_hours", message));
    }
    refuse_taken(tx, secret).await?;
    let now = b.clock.now();
    let expires_at = now + (before.expires_at - before.secret_set_at);
    let overlap = (overlap_hours > 0).then(|| now + Duration::hours(overlap_hours.into()));
    execute!(
        tx,
        "UPDATE api_token
            SET previous_secret_hash = CASE WHEN $1 IS NULL THEN NULL ELSE secret_hash END,
                previous_ends_at = $1, secret_hash = $2, secret_set_at = $3, expires_at = $4
          WHERE id = $5",
        overlap,
        token::hash(secret.expose_secret()),
        now,
        expires_at,
        before.id
    )?;
    Ok(())
}

fn renewed(before: &ApiToken, after: &ApiToken, overlap_hours: u32) -> AuditChanges {
    AuditChanges::none()
        .secret("secret")
        .field("expires_at", &before.expires_at, &after.expires_at)
        .now("overlap_hours", &overlap_hours)
}

/// Ends a token at once and for good, with its secret before. One that is revoked already stays so.
pub async fn revoke(b: &Backend, scope: &Scope, id: ApiTokenId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let token = find_to_change(b, &mut tx, scope, id).await?;
    revoke_one(b, &mut tx, by(scope), &token).await?;
    tx.commit().await
}

/// Ends every token that an operator answers for.
pub(crate) async fn revoke_of(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    operator: OperatorId,
) -> Result<()> {
    for token in of_operator(b, tx, operator).await? {
        revoke_one(b, tx, by(scope), &token).await?;
    }
    Ok(())
}

/// Ends every token that an operator made for themselves: they, or who helps them, set a new
/// password.
pub(crate) async fn revoke_personal(
    b: &Backend,
    tx: &mut Tx,
    by: (audit::Actor<'_>, &Origin),
    operator: OperatorId,
) -> Result<()> {
    let tokens = of_operator(b, tx, operator).await?;
    for token in tokens
        .iter()
        .filter(|token| token.kind == ApiTokenKind::Personal)
    {
        revoke_one(b, tx, by, token).await?;
    }
    Ok(())
}

fn by(scope: &Scope) -> (audit::Actor<'_>, &Origin) {
    (audit::Actor::of(scope), scope.origin())
}

async fn revoke_one(
    b: &Backend,
    tx: &mut Tx,
    (actor, origin): (audit::Actor<'_>, &Origin),
    token: &ApiToken,
) -> Result<()> {
    let revoked = execute!(
        &mut *tx,
        "UPDATE api_token SET revoked_at = $1, previous_secret_hash = NULL, previous_ends_at = NULL
          WHERE id = $2 AND revoked_at IS NULL",
        b.clock.now(),
        token.id
    )?;
    if revoked == 1 {
        let changes = AuditChanges::deleted(token).only(&TOLD);
        let entry = entry(AuditAction::ApiTokenRevoke, token).changes(changes);
        audit::record_as(b, tx, actor, origin, entry).await?;
    }
    Ok(())
}

/// A program's token for which the caller may come to answer.
async fn find_to_take_over(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: ApiTokenId,
) -> Result<(ApiToken, OperatorId)> {
    let token = find(b, tx, scope, id).await?;
    scope.require(Permission::TokensWrite)?;
    let operator = scope
        .operator_id()
        .filter(|_| scope.role().holds(token.role));
    let operator = operator.ok_or(Error::Forbidden(Permission::TokensWrite))?;
    if token.kind == ApiTokenKind::Personal {
        return Err(Error::conflict(
            "A personal token ends with its operator. Make a token for the program instead.",
        ));
    }
    if token.operator_id == Some(operator) {
        return Err(Error::conflict("You answer for this token already."));
    }
    match token.state {
        ApiTokenState::Active | ApiTokenState::Stopped => Ok((token, operator)),
        ApiTokenState::Expired | ApiTokenState::Revoked => Err(Error::conflict(
            "This token can’t be used any more. Make a new one.",
        )),
    }
}

/// Makes the next text of a token for the form that takes it over.
pub async fn offer_to_take_over(
    b: &Backend,
    scope: &Scope,
    id: ApiTokenId,
) -> Result<(ApiToken, Offered)> {
    let mut tx = b.db.read().await?;
    let (token, _) = find_to_take_over(b, &mut tx, scope, id).await?;
    drop(tx);
    Ok((token, offered(b, scope).await?))
}

/// Makes the caller the operator who answers for a program's token: from now on it may do no more
/// than they may, and where it lists no customers it reaches theirs.
///
/// It gets the secret that the form showed, since whoever answered for it before may have the one it
/// had; that is good for `overlap_hours` more.
pub async fn take_over(
    b: &Backend,
    scope: &Scope,
    id: ApiTokenId,
    overlap_hours: u32,
    sealed: &str,
) -> Result<ApiToken> {
    let mut tx = b.db.read().await?;
    find_to_take_over(b, &mut tx, scope, id).await?;
    drop(tx);
    scope.require_recent_proof(b.clock.now())?;
    let secret = opened(b, scope, sealed).await?;
    let mut tx = b.db.write().await?;
    let (before, operator) = find_to_take_over(b, &mut tx, scope, id).await?;
    set_secret(b, &mut tx, &before, overlap_hours, &secret).await?;
    execute!(
        &mut tx,
        "UPDATE api_token SET operator_id = $1 WHERE id = $2",
        operator,
        id
    )?;
    let after = find(b, &mut tx, scope, id).await?;
    let changes = renewed(&before, &after, overlap_hours).field(
        "operator_id",
        &before.operator_id,
        &after.operator_id,
    );
    let entry = entry(AuditAction::ApiTokenTakeOver, &after).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(after)
}
