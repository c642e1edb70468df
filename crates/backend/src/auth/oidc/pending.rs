//! Sign-ins that are under way at a provider: each good once, in the browser that began it, for ten
//! minutes.
//!
//! Of one nothing secret is kept. `state` is kept as its hash; nonce and PKCE verifier are made from
//! it with what the browser's session holds, when they are needed. So neither who reads the database
//! nor who sees the address that the provider leads back to has what both together give.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Duration;
use domain::{DateTime, id::OperatorId};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use sqlx::FromRow;

use super::token::Secrets;
use crate::{Backend, Error, Result, Tx, auth::token, execute, fetch_optional};

/// How long somebody may take at the provider.
const GOOD_FOR: Duration = Duration::minutes(10);
/// How many may be under way in one browser. The oldest make room.
const AT_ONCE: i64 = 10;

/// What somebody wants of a provider, as it is kept meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// To sign in.
    SignIn,
    /// To accept the invitation whose link has this hash.
    AcceptInvitation(Vec<u8>),
    /// To link an account to this operator, who is signed in.
    Link(OperatorId),
}

/// A sign-in under way.
#[derive(Debug)]
pub(super) struct Pending {
    pub provider: String,
    pub wish: Wish,
    /// Where to go on afterwards.
    pub return_to: String,
}

/// The secrets of the sign-in with this state in the browser whose session holds `browser`.
pub(super) fn secrets(browser: &SecretString, state: SecretString) -> Result<Secrets> {
    let made = |purpose: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(browser.expose_secret().as_bytes())
            .map_err(|error| Error::Internal(error.to_string()))?;
        mac.update(format!("{purpose}:{}", state.expose_secret()).as_bytes());
        let text = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        Ok::<_, Error>(SecretString::from(text))
    };
    Ok(Secrets {
        nonce: made("nonce")?,
        verifier: made("pkce")?,
        state,
    })
}

/// Keeps a sign-in from now on; answers its `state`.
pub(super) async fn keep(
    b: &Backend,
    browser: &SecretString,
    pending: &Pending,
) -> Result<SecretString> {
    let state = SecretString::from(token::random_text(b));
    let now = b.clock.now();
    let browser = token::hash(browser.expose_secret());
    let (purpose, invitation, operator) = match &pending.wish {
        Wish::SignIn => ("sign_in", None, None),
        Wish::AcceptInvitation(hash) => ("invitation", Some(hash.clone()), None),
        Wish::Link(operator) => ("link", None, Some(*operator)),
    };
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM provider_sign_in WHERE browser_hash = $1 AND (expires_at <= $2 OR state_hash NOT IN (
            SELECT state_hash FROM provider_sign_in WHERE browser_hash = $1
             ORDER BY expires_at DESC, state_hash LIMIT $3))",
        &browser,
        now,
        AT_ONCE - 1
    )?;
    execute!(
        &mut tx,
        "INSERT INTO provider_sign_in (state_hash, browser_hash, provider_id, purpose,
                                       invitation_hash, operator_id, return_to, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        token::hash(state.expose_secret()),
        browser,
        &pending.provider,
        purpose,
        invitation,
        operator,
        &pending.return_to,
        now + GOOD_FOR
    )?;
    tx.commit().await?;
    Ok(state)
}

#[derive(FromRow)]
struct Row {
    browser_hash: Vec<u8>,
    provider_id: String,
    purpose: String,
    invitation_hash: Option<Vec<u8>>,
    operator_id: Option<OperatorId>,
    return_to: String,
    expires_at: DateTime,
}

/// Uses a sign-in up, whatever comes of it. None where there is no such one, where it is over, and
/// where another browser began it.
pub(super) async fn take(
    b: &Backend,
    state: &SecretString,
    browser: Option<&SecretString>,
) -> Result<Option<Pending>> {
    let hash = token::hash(state.expose_secret());
    let mut tx = b.db.write().await?;
    let row = found(&mut tx, &hash).await?;
    let deleted = execute!(
        &mut tx,
        "DELETE FROM provider_sign_in WHERE state_hash = $1",
        &hash
    )?;
    tx.commit().await?;
    let now = b.clock.now();
    let here = browser.map(|browser| token::hash(browser.expose_secret()));
    let row = row.filter(|row| {
        // On PostgreSQL two may read it at once; one deletes it.
        deleted == 1 && row.expires_at > now && here.as_ref() == Some(&row.browser_hash)
    });
    let Some(row) = row else { return Ok(None) };
    let wish = match (row.purpose.as_str(), row.invitation_hash, row.operator_id) {
        ("sign_in", ..) => Wish::SignIn,
        ("invitation", Some(hash), _) => Wish::AcceptInvitation(hash),
        ("link", _, Some(operator)) => Wish::Link(operator),
        _ => {
            let text = "a sign-in under way has no purpose that is known";
            return Err(Error::Internal(text.to_owned()));
        }
    };
    Ok(Some(Pending {
        provider: row.provider_id,
        wish,
        return_to: row.return_to,
    }))
}

async fn found(tx: &mut Tx, hash: &[u8]) -> Result<Option<Row>> {
    fetch_optional!(
        tx,
        Row,
        "SELECT browser_hash, provider_id, purpose, invitation_hash, operator_id, return_to,
                expires_at
           FROM provider_sign_in WHERE state_hash = $1",
        hash
    )
}

/// Removes those that nobody came back from.
pub(crate) async fn delete_expired(b: &Backend) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM provider_sign_in WHERE expires_at <= $1",
        b.clock.now()
    )?;
    tx.commit().await
}
