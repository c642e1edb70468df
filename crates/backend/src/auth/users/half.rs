//! Half signed in: a user gave the right password, and has a second factor. Their session holds a
//! [`UserHalf`] and no user, so that nothing but what is in here knows them.

use chrono::Duration;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::UserId,
    second_factor::{AskedMore, SecondFactors},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{UserScope, factors, scope_of, signed_in, with_account};
use crate::{
    Backend, Error, Origin, Result, Tx, auth::half::wrong_code, fetch_optional,
    store::sessions::Whose,
};

/// How long one has for the second half.
const GOOD_FOR: Duration = Duration::minutes(10);

/// What the session of a user holds who is half signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UserHalf {
    user_id: UserId,
    /// Tells whether the password is still the one that was given: SHA-256 of its hash.
    password: String,
    ends_at: DateTime,
}

/// Who is half signed in.
struct Holder {
    user_name: String,
    factors: SecondFactors,
}

/// What they sign in with, and what tells their password from another.
async fn account(tx: &mut Tx, id: UserId) -> Result<(String, String)> {
    let (user_name, hash) = fetch_optional!(
        tx,
        (Option<String>, String),
        concat!(
            "SELECT u.user_principal_name, e.password_hash FROM ",
            with_account!(),
            " AND u.id = $1"
        ),
        id
    )?
    .ok_or(Error::SignedOut)?;
    Ok((
        user_name.unwrap_or_default(),
        hex::encode(Sha256::digest(hash)),
    ))
}

impl UserHalf {
    pub(super) async fn new(b: &Backend, tx: &mut Tx, user_id: UserId) -> Result<Self> {
        let (_, password) = account(tx, user_id).await?;
        Ok(Self {
            user_id,
            password,
            ends_at: b.clock.now() + GOOD_FOR,
        })
    }

    /// Who it is. `SignedOut` once it took too long, they aren't in use any more, their password was
    /// changed, or their second factor is gone: then they begin anew.
    async fn holder(&self, b: &Backend) -> Result<Holder> {
        if self.ends_at <= b.clock.now() {
            return Err(Error::SignedOut);
        }
        let mut tx = b.db.read().await?;
        let (user_name, password) = account(&mut tx, self.user_id).await?;
        let factors = factors::of(&mut tx, Whose::User(self.user_id)).await?;
        if password != self.password || factors.is_empty() {
            return Err(Error::SignedOut);
        }
        Ok(Holder { user_name, factors })
    }

    /// What is asked of them; none where they have to begin anew.
    pub async fn asked(&self, b: &Backend) -> Result<Option<AskedMore>> {
        match self.holder(b).await {
            Err(Error::SignedOut) => Ok(None),
            Err(error) => Err(error),
            Ok(holder) => Ok(Some(AskedMore {
                email: holder.user_name,
                ways: holder.factors.ways(false),
                must_set_up: false,
            })),
        }
    }

    /// Signs them in by a code of their app, or a recovery code.
    pub async fn give_code(
        &self,
        b: &Backend,
        code: &str,
        origin: &Origin,
        user_agent: &str,
    ) -> Result<UserScope> {
        self.holder(b).await?;
        let way = factors::check_code(b, Whose::User(self.user_id), code, origin).await?;
        let mut tx = b.db.write().await?;
        let scope = scope_of(&mut tx, self.user_id, origin.clone()).await?;
        if let Some(way) = way {
            signed_in(b, &mut tx, &scope, way, user_agent).await?;
        } else {
            let changes = AuditChanges::none().now("user_agent", &user_agent);
            let entry = scope
                .entry(AuditAction::UserSecondFactorRefused)
                .changes(changes);
            scope.record(b, &mut tx, entry).await?;
        }
        tx.commit().await?;
        if way.is_some() {
            Ok(scope)
        } else {
            Err(wrong_code())
        }
    }
}
