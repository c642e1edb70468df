//! Proving once more, within a session, that one is the operator who is signed in: asked for
//! before what is dangerous ([`Scope::require_recent_proof`]).

use chrono::Duration;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    operator::Operator,
    second_factor::Way,
};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    half::{wrong_code, wrong_passkey},
    password,
    second_factor::{self, PasskeyAsked},
    slow_down,
};
use crate::{
    Backend, Error, Result, Scope, fetch_scalar,
    store::{
        audit::{self, Entry},
        sessions::Whose,
    },
};

/// How long a proof is enough, where configuration says nothing else.
pub const PROOF_GOOD_FOR: Duration = Duration::minutes(10);

/// What somebody gives to prove it.
#[derive(Debug)]
pub enum Proof {
    /// Their password: enough only where they have no second factor.
    Password(SecretString),
    /// A code of their app, or a recovery code.
    Code(String),
    /// What the browser answered with a passkey.
    Passkey {
        /// The id of what was asked, from the session.
        asked: Uuid,
        /// The answer, as JSON.
        answer: String,
    },
}

/// How the operator who asks can prove it, the best way first. Empty for somebody who has neither a
/// password nor a second factor here.
pub async fn ways_to_prove(b: &Backend, scope: &Scope) -> Result<Vec<Way>> {
    let operator = super::operator(b, scope).await?;
    let mut tx = b.db.read().await?;
    let factors = second_factor::of(&mut tx, Whose::Operator(operator.id)).await?;
    let passwords = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM operator WHERE id = $1 AND password_hash IS NOT NULL",
        operator.id
    )?;
    Ok(factors.ways(passwords > 0))
}

/// Asks for one of the passkeys of the operator who asks.
pub async fn ask_to_prove(b: &Backend, scope: &Scope) -> Result<PasskeyAsked> {
    let operator = super::operator(b, scope).await?;
    second_factor::ask_for_proof(b, operator.id).await
}

/// Takes a proof. Answers when it was given, which belongs into the session.
pub async fn prove(b: &Backend, scope: &Scope, given: Proof) -> Result<DateTime> {
    let operator = super::operator(b, scope).await?;
    let (way, refused) = match given {
        Proof::Password(given) => (
            check_password(b, scope, &operator, given).await?,
            Error::invalid("password", "This is not your password."),
        ),
        Proof::Code(code) => (
            second_factor::check_code(b, Whose::Operator(operator.id), &code, scope.origin())
                .await?,
            wrong_code(),
        ),
        Proof::Passkey { asked, answer } => {
            let origin = scope.origin();
            let fits = second_factor::check_proof(b, operator.id, origin, asked, &answer).await?;
            (fits.then_some(Way::Passkey), wrong_passkey())
        }
    };
    let mut tx = b.db.write().await?;
    let (action, changes) = match way {
        Some(way) => (
            AuditAction::OperatorConfirm,
            AuditChanges::none().now("by", &way),
        ),
        None => (AuditAction::OperatorConfirmRefused, AuditChanges::none()),
    };
    let entry = Entry::new(action, operator.id.0, &operator.email).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    if way.is_some() {
        Ok(b.clock.now())
    } else {
        Err(refused)
    }
}

async fn check_password(
    b: &Backend,
    scope: &Scope,
    operator: &Operator,
    given: SecretString,
) -> Result<Option<Way>> {
    if !ways_to_prove(b, scope).await?.contains(&Way::Password) {
        return Ok(None);
    }
    let subject = slow_down::Subject::password_of(operator.id);
    slow_down::count_try(b, &[&subject], scope.origin()).await?;
    let mut tx = b.db.read().await?;
    let hash = fetch_scalar!(
        &mut tx,
        Option<String>,
        "SELECT password_hash FROM operator WHERE id = $1",
        operator.id
    )?;
    drop(tx);
    if !password::verify(given, hash).await? {
        return Ok(None);
    }
    let mut tx = b.db.write().await?;
    slow_down::forget(&mut tx, &subject).await?;
    tx.commit().await?;
    Ok(Some(Way::Password))
}
