//! Second factors of operators and of the users of a directory, and the roles that need one.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`totp`] | the codes of RFC 6238, without I/O |
//! | [`authenticator`] | setting up an authenticator app, and removing it |
//! | [`recovery_codes`] | ten codes for when nothing else is at hand |
//! | [`passkeys`] | adding and giving passkeys |
//! | [`questions`] | what a browser was told to ask a passkey for, until the answer comes |
//! | [`codes`] | a code that somebody typed: the app's, or one for recovery |
//! | [`required`] | the roles that need a second factor |
//! | [`mod@reset`] | taking all of them away from somebody who lost them |

mod authenticator;
mod codes;
mod passkeys;
mod questions;
mod recovery_codes;
mod required;
mod reset;
#[cfg(test)]
mod tests;
mod totp;

use domain::{
    DateTime,
    audit::{ActorKind, AuditAction, AuditChanges},
    id::{CustomerId, OperatorId},
    permission::Role,
    second_factor::{PasskeyLine, SecondFactors},
};
use uuid::Uuid;

pub use authenticator::{confirm_authenticator, offer_authenticator, remove_authenticator};
pub(super) use authenticator::{
    confirm_of as confirm_authenticator_of, delete as delete_authenticator,
    offer_to as offer_authenticator_to, remove_of as remove_authenticator_of,
};
pub(super) use codes::check_code;
#[cfg(any(test, feature = "testing"))]
pub use passkeys::testing;
pub use passkeys::{
    PasskeyAsked, PasskeySignIn, add_passkey, are_offered, ask_for_new, ask_for_sign_in,
    remove_passkey, rename_passkey, sign_in_with_passkey,
};
pub(super) use passkeys::{ask_for_proof, check_proof};
pub(crate) use questions::delete_expired;
pub(super) use recovery_codes::{
    delete_all as delete_recovery_codes, keep_of as keep_recovery_codes_of,
    offer_to as offer_recovery_codes_to,
};
pub use recovery_codes::{keep_recovery_codes, offer_recovery_codes};
pub(super) use required::require_at_first;
pub use required::{require_of_roles, required_roles};
pub use reset::{reset, reset_on_machine};
#[cfg(any(test, feature = "testing"))]
pub use totp::{code_at, key_in};

use super::half::Half;
use crate::{
    Backend, Error, Origin, Result, Scope, Tx, fetch_all, fetch_optional, fetch_scalar,
    store::{
        audit::{self, Entry},
        operators,
        sessions::{self, Whose},
    },
};

/// Who sets up a second factor.
#[derive(Debug)]
pub enum SettingUp {
    /// An operator who is signed in, in the session with this public id.
    Operator {
        /// They.
        scope: Scope,
        /// Their session, which goes on.
        session: Option<Uuid>,
    },
    /// Somebody whose role needs one before they are signed in.
    Half {
        /// They.
        half: Half,
        /// The way in.
        origin: Origin,
    },
}

/// Whose second factors are changed.
#[derive(Debug)]
pub(super) struct Bearer {
    pub whose: Whose,
    /// The customer of a user of a directory.
    pub customer: Option<CustomerId>,
    /// What they sign in with.
    pub login: String,
    pub name: String,
    pub origin: Origin,
    pub session: Option<Uuid>,
    /// They may set up their first one, and none beside another.
    pub only_first: bool,
}

/// What is done to a second factor that both operators and users have.
#[derive(Debug, Clone, Copy)]
enum Change {
    AddAuthenticator,
    RemoveAuthenticator,
    RenewRecoveryCodes,
}

impl Change {
    const fn action(self, whose: Whose) -> AuditAction {
        match (self, whose) {
            (Self::AddAuthenticator, Whose::Operator(_)) => AuditAction::OperatorAddAuthenticator,
            (Self::AddAuthenticator, Whose::User(_)) => AuditAction::UserAddAuthenticator,
            (Self::RemoveAuthenticator, Whose::Operator(_)) => {
                AuditAction::OperatorRemoveAuthenticator
            }
            (Self::RemoveAuthenticator, Whose::User(_)) => AuditAction::UserRemoveAuthenticator,
            (Self::RenewRecoveryCodes, Whose::Operator(_)) => {
                AuditAction::OperatorRenewRecoveryCodes
            }
            (Self::RenewRecoveryCodes, Whose::User(_)) => AuditAction::UserRenewRecoveryCodes,
        }
    }
}

impl SettingUp {
    async fn bearer(&self, b: &Backend) -> Result<Bearer> {
        match self {
            Self::Operator { scope, session } => Bearer::of(b, scope, *session).await,
            Self::Half { half, origin } => {
                let holder = half.holder(b).await?;
                if !holder.must_set_up() {
                    return Err(Error::SignedOut);
                }
                Ok(Bearer {
                    whose: Whose::Operator(holder.id),
                    customer: None,
                    login: holder.email,
                    name: holder.name,
                    origin: origin.clone(),
                    session: None,
                    only_first: true,
                })
            }
        }
    }
}

impl Bearer {
    /// The operator who asks, where they proved lately that it is them.
    async fn of(b: &Backend, scope: &Scope, session: Option<Uuid>) -> Result<Self> {
        let operator = super::operator(b, scope).await?;
        scope.require_recent_proof(b.clock.now())?;
        Ok(Self {
            whose: Whose::Operator(operator.id),
            customer: None,
            login: operator.email,
            name: operator.name,
            origin: scope.origin().clone(),
            session,
            only_first: false,
        })
    }

    /// The operator. Users of a directory have no passkeys here.
    fn operator(&self) -> Result<OperatorId> {
        self.whose.operator().ok_or(Error::SignedOut)
    }

    /// Begins a change. One comes after the other, so that what there is now is so until the end.
    async fn begin(&self, b: &Backend) -> Result<(Tx, SecondFactors)> {
        let mut tx = b.db.write().await?;
        match self.whose {
            Whose::Operator(_) => operators::one_at_a_time(&mut tx).await?,
            Whose::User(id) => super::users::one_at_a_time(&mut tx, id).await?,
        }
        let before = of(&mut tx, self.whose).await?;
        if self.only_first && !before.is_empty() {
            return Err(Error::SignedOut);
        }
        Ok((tx, before))
    }

    /// After a second factor was added. With the first one their other sessions end: they were begun
    /// without it.
    async fn added(&self, tx: &mut Tx, before: &SecondFactors) -> Result<()> {
        if before.is_empty() {
            sessions::end_others_in(tx, self.whose, self.session).await?;
        }
        Ok(())
    }

    /// After one was removed. Recovery codes stand in for a second factor: without any they go.
    async fn removed(&self, tx: &mut Tx) -> Result<()> {
        if of(tx, self.whose).await?.is_empty() {
            recovery_codes::delete_all(tx, self.whose).await?;
        }
        Ok(())
    }

    async fn record(
        &self,
        b: &Backend,
        tx: &mut Tx,
        change: Change,
        changes: AuditChanges,
    ) -> Result<()> {
        self.record_action(b, tx, change.action(self.whose), changes)
            .await
    }

    async fn record_action(
        &self,
        b: &Backend,
        tx: &mut Tx,
        action: AuditAction,
        changes: AuditChanges,
    ) -> Result<()> {
        let id = self.whose.id();
        let (kind, target) = match self.whose {
            Whose::Operator(_) => (ActorKind::Operator, &self.login),
            Whose::User(_) => (ActorKind::User, &self.name),
        };
        let actor = audit::Actor {
            kind,
            id: Some(id),
            name: &self.name,
        };
        let mut entry = Entry::new(action, id, target).changes(changes);
        if let Some(customer) = self.customer {
            entry = entry.of(customer);
        }
        audit::record_as(b, tx, actor, &self.origin, entry).await
    }
}

/// Refuses to remove one where it is the last and their role needs one.
fn may_remove_one(before: &SecondFactors) -> Result<()> {
    if before.required && before.count() <= 1 {
        return Err(Error::conflict(
            "Your role needs a second factor, and this is the last one. Add another first.",
        ));
    }
    Ok(())
}

/// What somebody has, for the code that authenticates.
pub(crate) async fn of(tx: &mut Tx, whose: Whose) -> Result<SecondFactors> {
    let id = whose.id();
    let authenticator = fetch_optional!(
        &mut *tx,
        (DateTime,),
        "SELECT created_at FROM authenticator WHERE holder_id = $1",
        id
    )?;
    let passkeys = fetch_all!(
        &mut *tx,
        PasskeyLine,
        "SELECT id, name, created_at, last_used_at FROM operator_passkey
          WHERE operator_id = $1 ORDER BY created_at, id",
        id
    )?;
    let recovery_codes = fetch_scalar!(
        &mut *tx,
        i64,
        "SELECT COUNT(*) FROM recovery_code WHERE holder_id = $1 AND used_at IS NULL",
        id
    )?;
    let required = fetch_optional!(
        tx,
        (Role,),
        "SELECT r.role FROM operator_role r JOIN second_factor_role s ON s.role = r.role
          WHERE r.operator_id = $1",
        id
    )?;
    Ok(SecondFactors {
        authenticator_since: authenticator.map(|(at,)| at),
        passkeys,
        recovery_codes,
        required: required.is_some(),
    })
}

/// What the operator who asks has.
pub async fn mine(b: &Backend, scope: &Scope) -> Result<SecondFactors> {
    let operator = super::operator(b, scope).await?;
    let mut tx = b.db.read().await?;
    of(&mut tx, Whose::Operator(operator.id)).await
}

/// What an operator has, for whoever sees them.
pub async fn of_operator(b: &Backend, scope: &Scope, id: OperatorId) -> Result<SecondFactors> {
    operators::get(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    of(&mut tx, Whose::Operator(id)).await
}
