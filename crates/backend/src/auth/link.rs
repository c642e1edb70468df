//! Links with which somebody sets a password: an invitation, and a forgotten password. What stands
//! in one is 32 random bytes; its SHA-256 is kept, it is good once and until a time, and a new one
//! ends the one before.

use chrono::Duration;
use domain::{
    DateTime,
    id::OperatorId,
    operator::{INVITATION_HOURS, RESET_HOURS},
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::FromRow;

use super::token;
use crate::{Backend, Error, Result, Tx, execute, fetch_optional};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody who was invited becomes an operator.
    Invitation,
    /// An operator forgot their password.
    PasswordReset,
}

impl Purpose {
    /// The text in the table.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
        }
    }

    /// The page that the link leads to, as `app::routes` has it.
    const fn path(self) -> &'static str {
        match self {
            Self::Invitation => "/invitation",
            Self::PasswordReset => "/reset-password",
        }
    }

    const fn good_for(self) -> Duration {
        match self {
            Self::Invitation => Duration::hours(INVITATION_HOURS),
            Self::PasswordReset => Duration::hours(RESET_HOURS),
        }
    }
}

/// What stands in a new link.
pub(crate) fn make(b: &Backend) -> SecretString {
    token::random_text(b).into()
}

/// The link. What makes it secret stands in its query, which is not logged.
pub(crate) fn url(b: &Backend, purpose: Purpose, secret: &SecretString) -> SecretString {
    let mut url = b.settings.public_url.clone();
    url.set_path(purpose.path());
    url.set_query(Some(&format!("secret={}", secret.expose_secret())));
    url.to_string().into()
}

/// Keeps a link from now on; answers when it ends. The one before of this purpose ends.
pub(crate) async fn keep(
    b: &Backend,
    tx: &mut Tx,
    operator: OperatorId,
    purpose: Purpose,
    secret: &SecretString,
) -> Result<DateTime> {
    let now = b.clock.now();
    let expires_at = now + purpose.good_for();
    execute!(
        &mut *tx,
        "DELETE FROM operator_link WHERE operator_id = $1 AND purpose = $2",
        operator,
        purpose.as_str()
    )?;
    let kept = execute!(
        tx,
        "INSERT INTO operator_link (operator_id, purpose, secret_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
        operator,
        purpose.as_str(),
        token::hash(secret.expose_secret()),
        now,
        expires_at
    );
    match kept {
        // A form that offered a link was sent twice.
        Err(error) if error.is_unique_violation() => Err(Error::invalid(
            "sealed_link",
            "This link was used already. Open the form anew.",
        )),
        Err(error) => Err(error),
        Ok(_) => Ok(expires_at),
    }
}

/// Whom a good link belongs to.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Holder {
    pub id: OperatorId,
    pub email: String,
    pub name: String,
    pub expires_at: DateTime,
}

/// Whom a link belongs to; none where it was used, replaced, or has ended, and where there never
/// was such a link.
pub(crate) async fn holder(
    tx: &mut Tx,
    purpose: Purpose,
    secret: &SecretString,
    now: DateTime,
) -> Result<Option<Holder>> {
    holder_of(tx, purpose, &token::hash(secret.expose_secret()), now).await
}

/// The same of a link of which only the hash is known.
pub(crate) async fn holder_of(
    tx: &mut Tx,
    purpose: Purpose,
    secret_hash: &[u8],
    now: DateTime,
) -> Result<Option<Holder>> {
    fetch_optional!(
        tx,
        Holder,
        "SELECT o.id, o.email, o.name, l.expires_at
           FROM operator_link l JOIN operator o ON o.id = l.operator_id
          WHERE l.secret_hash = $1 AND l.purpose = $2 AND l.expires_at > $3
            AND o.disabled_at IS NULL",
        secret_hash,
        purpose.as_str(),
        now
    )
}

/// Uses a link up. False where somebody else was first.
pub(crate) async fn take(tx: &mut Tx, purpose: Purpose, secret: &SecretString) -> Result<bool> {
    let taken = execute!(
        tx,
        "DELETE FROM operator_link WHERE secret_hash = $1 AND purpose = $2",
        token::hash(secret.expose_secret()),
        purpose.as_str()
    )?;
    Ok(taken == 1)
}

/// Removes links of forgotten passwords past their end. Those of invitations stay, to be seen.
pub(crate) async fn delete_expired(b: &Backend) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM operator_link WHERE purpose = $1 AND expires_at <= $2",
        Purpose::PasswordReset.as_str(),
        b.clock.now()
    )?;
    tx.commit().await
}
