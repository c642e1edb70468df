//! The second factor of a user of a directory: an authenticator app, and recovery codes for when it
//! isn't at hand. Each change asks for the password: whoever sits at a browser left open has none of
//! it.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::UserId,
    permission::Permission,
    second_factor::{AuthenticatorOffer, RecoveryCodesOffer},
};
use secrecy::SecretString;
use uuid::Uuid;

use super::{UserScope, end_sessions, factors, own::prove_password};
use crate::{
    Backend, Error, Result, Scope,
    auth::{second_factor::Bearer, slow_down},
    fetch_optional,
    store::{
        audit::{self, Entry},
        enrolment,
        sessions::Whose,
        users,
    },
};

async fn bearer(b: &Backend, scope: &UserScope, session: Option<Uuid>) -> Result<Bearer> {
    let mut tx = b.db.read().await?;
    let user_name = fetch_optional!(
        &mut tx,
        (Option<String>,),
        "SELECT user_principal_name FROM directory_user WHERE id = $1",
        scope.id
    )?;
    Ok(Bearer {
        whose: Whose::User(scope.id),
        customer: Some(scope.customer),
        login: user_name.and_then(|(name,)| name).unwrap_or_default(),
        name: scope.name.clone(),
        origin: scope.origin.clone(),
        session,
        only_first: false,
    })
}

/// Makes a key for an app to be shown, or shows once more what `sealed` holds, for a form that came
/// back.
pub async fn offer_authenticator(
    b: &Backend,
    scope: &UserScope,
    sealed: Option<&str>,
) -> Result<AuthenticatorOffer> {
    let bearer = bearer(b, scope, None).await?;
    factors::offer_authenticator_to(b, &bearer, sealed).await
}

/// Takes the app in use once it showed a right code, in place of the one before. With the first one
/// their other sessions end, but for `session`.
pub async fn confirm_authenticator(
    b: &Backend,
    scope: &UserScope,
    session: Option<Uuid>,
    password: SecretString,
    sealed: &str,
    code: &str,
) -> Result<()> {
    prove_password(b, scope, "password", password).await?;
    let bearer = bearer(b, scope, session).await?;
    factors::confirm_authenticator_of(b, &bearer, sealed, code).await
}

/// Removes their app, and with it their recovery codes.
pub async fn remove_authenticator(
    b: &Backend,
    scope: &UserScope,
    password: SecretString,
) -> Result<()> {
    prove_password(b, scope, "password", password).await?;
    let bearer = bearer(b, scope, None).await?;
    factors::remove_authenticator_of(b, &bearer).await
}

/// Makes codes to be shown. They are good once they are sent back.
pub async fn offer_recovery_codes(b: &Backend, scope: &UserScope) -> Result<RecoveryCodesOffer> {
    factors::offer_recovery_codes_to(b, &bearer(b, scope, None).await?).await
}

/// Keeps codes that were shown, in place of those before.
pub async fn keep_recovery_codes(
    b: &Backend,
    scope: &UserScope,
    password: SecretString,
    sealed: &str,
) -> Result<()> {
    prove_password(b, scope, "password", password).await?;
    let bearer = bearer(b, scope, None).await?;
    factors::keep_recovery_codes_of(b, &bearer, sealed).await
}

/// Takes the second factor away from a user who lost it, and ends their sessions: by an operator who
/// may change them.
pub async fn reset(b: &Backend, scope: &Scope, id: UserId) -> Result<()> {
    let user = users::get(b, scope, id).await?;
    let customer = enrolment::get(b, scope, id).await?.customer_id;
    scope.require(Permission::DirectoryWrite)?;
    scope.require_recent_proof(b.clock.now())?;
    let whose = Whose::User(id);
    let mut tx = b.db.write().await?;
    let before = factors::of(&mut tx, whose).await?;
    if before.is_empty() {
        return Err(Error::conflict("They have no second factor."));
    }
    factors::delete_authenticator(&mut tx, whose).await?;
    factors::delete_recovery_codes(&mut tx, whose).await?;
    end_sessions(&mut tx, id, None).await?;
    slow_down::forget(&mut tx, &slow_down::Subject::second_factor_of(whose)).await?;
    let changes = AuditChanges::none()
        .was("second_factors", &before.summary())
        .was("recovery_codes", &before.recovery_codes);
    let entry = Entry::new(AuditAction::UserResetSecondFactor, id.0, &user.display_name)
        .of(customer)
        .changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}
