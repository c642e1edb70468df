//! A profile’s second secret: given beside the one in use, tried out, used from now on, removed.

use std::pin::Pin;

use domain::{
    DateTime,
    audit::AuditAction,
    credential_profile::{CredentialProfile, NewSecondCredential, SecondCredential},
    id::CredentialProfileId,
};
use graph::SignInRefusal;
use uuid::Uuid;

use super::{
    change::may_change,
    find,
    material::{Given, second_place},
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional,
    store::audit::{self, Entry},
};

/// Gives a profile a second secret or certificate, in the place of a second one that is there. The
/// one in use stays in use.
pub async fn put_second(
    b: &Backend,
    scope: &Scope,
    id: CredentialProfileId,
    new: NewSecondCredential,
) -> Result<CredentialProfile> {
    let before = find(&mut b.db.read().await?, scope, id).await?;
    may_change(scope, &before)?;
    scope.require_recent_proof(b.clock.now())?;
    let given = Given {
        client_secret: new.client_secret,
        certificate_pem: new.certificate_pem,
        private_key_pem: new.private_key_pem,
        certificate_years: new.certificate_years,
        expires_at: new.expires_at,
    };
    let given = given
        .with_certificate_made(b, new.kind, &before.name)
        .await?;
    let material = given.check(new.kind)?;
    let mut tx = b.db.write().await?;
    // Once more: making a certificate took its time.
    let mut profile = find(&mut tx, scope, id).await?;
    may_change(scope, &profile)?;
    let now = b.clock.now();
    let sealed = b
        .sealer
        .seal(&mut tx, second_place(id), &material.secret)
        .await?;
    let second = SecondCredential {
        kind: new.kind,
        expires_at: material.expires_at,
        certificate_thumbprint: material.thumbprint,
        certificate_thumbprint_sha1: material.thumbprint_sha1,
        set_at: now,
        tested_at: None,
        replaced_at: None,
    };
    execute!(
        &mut tx,
        "UPDATE credential_profile SET second_id = $2, second_kind = $3, second_secret_sealed = $4,
                second_certificate_pem = $5, second_certificate_thumbprint = $6,
                second_certificate_thumbprint_sha1 = $7, second_expires_at = $8,
                second_set_at = $9, second_tested_at = NULL, second_replaced_at = NULL
          WHERE id = $1",
        id,
        b.ids.uuid(),
        second.kind,
        sealed,
        material.certificate_pem,
        &second.certificate_thumbprint,
        &second.certificate_thumbprint_sha1,
        second.expires_at,
        now
    )?;
    profile.second = Some(second);
    let action = AuditAction::CredentialProfileAddSecond;
    record(b, &mut tx, scope, &profile, action, "").await?;
    tx.commit().await?;
    Ok(profile)
}

/// Removes the second one, and the secret with it.
pub async fn remove_second(b: &Backend, scope: &Scope, id: CredentialProfileId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let profile = find(&mut tx, scope, id).await?;
    may_change(scope, &profile)?;
    scope.require_recent_proof(b.clock.now())?;
    if profile.second.is_none() {
        return Err(Error::NotFound("second secret"));
    }
    execute!(
        &mut tx,
        "UPDATE credential_profile SET second_id = NULL, second_kind = NULL,
                second_secret_sealed = NULL, second_certificate_pem = NULL,
                second_certificate_thumbprint = NULL, second_certificate_thumbprint_sha1 = NULL,
                second_expires_at = NULL, second_set_at = NULL, second_tested_at = NULL,
                second_replaced_at = NULL
          WHERE id = $1",
        id
    )?;
    let action = AuditAction::CredentialProfileRemoveSecond;
    record(b, &mut tx, scope, &profile, action, "").await?;
    tx.commit().await
}

/// Has the two change places: the second one is used from now on, and the one before stays as the
/// second until it is removed.
pub async fn use_second(
    b: &Backend,
    scope: &Scope,
    id: CredentialProfileId,
) -> Result<CredentialProfile> {
    let mut tx = b.db.write().await?;
    let profile = find(&mut tx, scope, id).await?;
    may_change(scope, &profile)?;
    scope.require_recent_proof(b.clock.now())?;
    let ids = fetch_optional!(
        &mut tx,
        (Uuid, Option<Uuid>),
        "SELECT secret_id, second_id FROM credential_profile WHERE id = $1",
        id
    )?;
    let Some((first, Some(second))) = ids else {
        return Err(Error::NotFound("second secret"));
    };
    if !switch(&mut tx, id, (first, second), None, b.clock.now()).await? {
        return Err(Error::conflict(
            "The profile’s secrets were changed at this moment. Look at them again.",
        ));
    }
    let action = AuditAction::CredentialProfileUseSecond;
    record(b, &mut tx, scope, &profile, action, "").await?;
    let profile = find(&mut tx, scope, id).await?;
    tx.commit().await?;
    Ok(profile)
}

/// Notes that the second one, if it is still this one, signed in.
pub(crate) async fn tested(
    b: &Backend,
    tx: &mut Tx,
    id: CredentialProfileId,
    second: Uuid,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE credential_profile SET second_tested_at = $3 WHERE id = $1 AND second_id = $2",
        id,
        second,
        b.clock.now()
    )?;
    Ok(())
}

/// Has the two change places, where they are still these two. `because`: the code by which the
/// first was refused.
async fn switch(
    tx: &mut Tx,
    id: CredentialProfileId,
    (first, second): (Uuid, Uuid),
    because: Option<&str>,
    now: DateTime,
) -> Result<bool> {
    // Both sides of an assignment are read before any is made.
    let switched = execute!(
        tx,
        "UPDATE credential_profile SET
                secret_id = second_id, second_id = secret_id,
                kind = second_kind, second_kind = kind,
                secret_sealed = second_secret_sealed, second_secret_sealed = secret_sealed,
                certificate_pem = second_certificate_pem, second_certificate_pem = certificate_pem,
                certificate_thumbprint = second_certificate_thumbprint,
                second_certificate_thumbprint = certificate_thumbprint,
                certificate_thumbprint_sha1 = second_certificate_thumbprint_sha1,
                second_certificate_thumbprint_sha1 = certificate_thumbprint_sha1,
                expires_at = second_expires_at, second_expires_at = expires_at,
                secret_set_at = second_set_at, second_set_at = secret_set_at,
                second_tested_at = NULL, second_replaced_at = $4,
                switched_at = $4, switched_because = $5
          WHERE id = $1 AND secret_id = $2 AND second_id = $3",
        id,
        first,
        second,
        now,
        because
    )?;
    Ok(switched == 1)
}

async fn record(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    profile: &CredentialProfile,
    action: AuditAction,
    note: &str,
) -> Result<()> {
    let entry = Entry::new(action, profile.id.0, &profile.name)
        .of(profile.customer_id)
        .note(note);
    audit::record(b, tx, scope, entry).await
}

/// Makes the second one the one in use, once Entra refused the first and took the second.
pub(super) struct FallOver {
    b: Backend,
    id: CredentialProfileId,
    first: Uuid,
    second: Uuid,
}

impl FallOver {
    pub fn new(b: &Backend, id: CredentialProfileId, first: Uuid, second: Uuid) -> Self {
        Self {
            b: b.clone(),
            id,
            first,
            second,
        }
    }

    async fn keep(&self, refusal: &SignInRefusal) -> Result<bool> {
        let (b, scope) = (&self.b, Scope::by_itself());
        let mut tx = b.db.write().await?;
        let (both, code) = ((self.first, self.second), refusal.code.as_str());
        if !switch(&mut tx, self.id, both, Some(code), b.clock.now()).await? {
            // Another one was faster, or somebody changed the profile.
            return Ok(false);
        }
        let profile = find(&mut tx, &scope, self.id).await?;
        let note = format!("Entra refused the first ({code})");
        let action = AuditAction::CredentialProfileUseSecond;
        record(b, &mut tx, &scope, &profile, action, &note).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl graph::Switched for FallOver {
    fn switched<'a>(
        &'a self,
        refusal: &'a SignInRefusal,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            match self.keep(refusal).await {
                Ok(true) => {
                    tracing::warn!(profile = %self.id, code = refusal.code, "the second secret is used from now on");
                }
                Ok(false) => {}
                // The token is good all the same; the next client comes here again.
                Err(error) => {
                    tracing::error!(%error, profile = %self.id, "that the second secret is used can’t be kept");
                }
            }
        })
    }
}
