//! Half signed in: somebody gave the right password, and a second factor is asked of them, or has
//! to be set up by them first.
//!
//! Their session holds a [`Half`] and no operator, so that nothing but what is in here, and setting
//! up the first second factor, knows them.

use chrono::Duration;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::OperatorId,
    operator::Operator,
    second_factor::{AskedMore, SecondFactors, Way},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    By, admit, operator_actor,
    second_factor::{self, PasskeyAsked},
};
use crate::{
    Backend, Error, Origin, Result, fetch_optional,
    store::{
        audit::{self, Entry},
        operators,
        sessions::Whose,
    },
};

/// How long one has for the second half.
const GOOD_FOR: Duration = Duration::minutes(10);

/// What the session of somebody holds who is half signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Half {
    operator_id: OperatorId,
    /// Tells whether the password is still the one that was given: SHA-256 of its hash.
    password: String,
    ends_at: DateTime,
}

/// Who is half signed in.
#[derive(Debug)]
pub(super) struct Holder {
    pub id: OperatorId,
    pub email: String,
    pub name: String,
    factors: SecondFactors,
}

impl Holder {
    /// Whether they have to set one up first. Who has one is asked for it, and can add none.
    pub(super) fn must_set_up(&self) -> bool {
        self.factors.is_empty() && self.factors.required
    }
}

fn digest(password_hash: &str) -> String {
    hex::encode(Sha256::digest(password_hash))
}

impl Half {
    pub(super) fn new(b: &Backend, operator_id: OperatorId, password_hash: &str) -> Self {
        Self {
            operator_id,
            password: digest(password_hash),
            ends_at: b.clock.now() + GOOD_FOR,
        }
    }

    /// Who it is. `SignedOut` once it took too long, they may not sign in any more, or their
    /// password was changed.
    pub(super) async fn holder(&self, b: &Backend) -> Result<Holder> {
        if self.ends_at <= b.clock.now() {
            return Err(Error::SignedOut);
        }
        let mut tx = b.db.read().await?;
        let (email, name, password_hash) = fetch_optional!(
            &mut tx,
            (String, String, String),
            "SELECT email, name, password_hash FROM operator
              WHERE id = $1 AND password_hash IS NOT NULL AND joined_at IS NOT NULL
                AND disabled_at IS NULL",
            self.operator_id
        )?
        .ok_or(Error::SignedOut)?;
        if digest(&password_hash) != self.password {
            return Err(Error::SignedOut);
        }
        Ok(Holder {
            id: self.operator_id,
            email,
            name,
            factors: second_factor::of(&mut tx, Whose::Operator(self.operator_id)).await?,
        })
    }

    /// What is asked of them; none where they have to begin anew.
    pub async fn asked(&self, b: &Backend) -> Result<Option<AskedMore>> {
        let holder = match self.holder(b).await {
            Err(Error::SignedOut) => return Ok(None),
            other => other?,
        };
        Ok(Some(AskedMore {
            must_set_up: holder.must_set_up(),
            ways: holder.factors.ways(false),
            email: holder.email,
        }))
    }

    /// Signs them in by a code of their app, or a recovery code.
    pub async fn give_code(
        &self,
        b: &Backend,
        code: &str,
        origin: &Origin,
        user_agent: &str,
    ) -> Result<Operator> {
        let holder = self.with_factor(b).await?;
        let whose = Whose::Operator(holder.id);
        if let Some(way) = second_factor::check_code(b, whose, code, origin).await? {
            self.let_in(b, way, origin, user_agent).await
        } else {
            self.refuse(b, origin, user_agent).await?;
            Err(wrong_code())
        }
    }

    /// Asks for one of their passkeys.
    pub async fn ask_for_passkey(&self, b: &Backend) -> Result<PasskeyAsked> {
        let holder = self.with_factor(b).await?;
        second_factor::ask_for_proof(b, holder.id).await
    }

    /// Signs them in by one of their passkeys.
    pub async fn give_passkey(
        &self,
        b: &Backend,
        asked: Uuid,
        answer: &str,
        origin: &Origin,
        user_agent: &str,
    ) -> Result<Operator> {
        let holder = self.with_factor(b).await?;
        if second_factor::check_proof(b, holder.id, origin, asked, answer).await? {
            self.let_in(b, Way::Passkey, origin, user_agent).await
        } else {
            self.refuse(b, origin, user_agent).await?;
            Err(wrong_passkey())
        }
    }

    /// Signs them in after they set up what their role needs, by which they proved it too.
    pub async fn set_up(
        &self,
        b: &Backend,
        with: Way,
        origin: &Origin,
        user_agent: &str,
    ) -> Result<Operator> {
        self.with_factor(b).await?;
        self.let_in(b, with, origin, user_agent).await
    }

    async fn with_factor(&self, b: &Backend) -> Result<Holder> {
        let holder = self.holder(b).await?;
        if holder.factors.is_empty() {
            return Err(Error::SignedOut);
        }
        Ok(holder)
    }

    async fn let_in(
        &self,
        b: &Backend,
        way: Way,
        origin: &Origin,
        user_agent: &str,
    ) -> Result<Operator> {
        let by = [Way::Password, way];
        admit(b, self.operator_id, By::Ways(&by), origin, user_agent).await
    }

    /// Writes down that the second factor was refused: somebody has the password.
    async fn refuse(&self, b: &Backend, origin: &Origin, user_agent: &str) -> Result<()> {
        let mut tx = b.db.write().await?;
        let operator = operators::by_id(&mut tx, self.operator_id).await?;
        let operator = operator.ok_or(Error::SignedOut)?;
        let action = AuditAction::OperatorSecondFactorRefused;
        let entry = Entry::new(action, operator.id.0, &operator.email)
            .changes(AuditChanges::none().now("user_agent", &user_agent));
        audit::record_as(b, &mut tx, operator_actor(&operator), origin, entry).await?;
        tx.commit().await
    }
}

pub(super) fn wrong_code() -> Error {
    Error::invalid(
        "code",
        "This is not the code that the app shows now, and no recovery code that is left.",
    )
}

pub(super) fn wrong_passkey() -> Error {
    Error::invalid("passkey", "This passkey was not accepted.")
}
