//! Adding, changing and deleting profiles.

use domain::{
    audit::{AuditAction, AuditChanges},
    credential_profile::{
        CredentialKind, CredentialProfile, CredentialProfileChange, NewCredentialProfile,
        ProfileUse,
    },
    id::CredentialProfileId,
    permission::Permission,
    text::parse_name,
};
use uuid::Uuid;

use super::{
    find,
    material::{Given, place},
    uses_in,
};
use crate::{
    Backend, Error, Result, Scope, execute, fetch_scalar,
    store::{
        audit::{self, Entry},
        customers,
    },
};

/// Uses that a refusal names; the rest it counts.
const NAMED_MAX: usize = 5;

/// Adds a profile. A shared one only for who sees all customers.
pub async fn create(
    b: &Backend,
    scope: &Scope,
    new: NewCredentialProfile,
) -> Result<CredentialProfile> {
    scope.require(Permission::CredentialProfilesWrite)?;
    scope.require_recent_proof(b.clock.now())?;
    let given = Given {
        client_secret: new.client_secret,
        certificate_pem: new.certificate_pem,
        private_key_pem: new.private_key_pem,
        certificate_years: new.certificate_years,
        expires_at: new.expires_at,
    };
    let given = given.with_certificate_made(b, new.kind, &new.name).await?;
    let mut tx = b.db.write().await?;
    match new.customer_id {
        Some(customer) => {
            let found = customers::find_in_use(&mut tx, scope, customer).await;
            found.map_err(|error| match error {
                Error::NotFound(_) => {
                    Error::invalid("customer_id", format!("There is no customer {customer}."))
                }
                other => other,
            })?;
        }
        None if scope.sees_all() => {}
        None => {
            let message = "Only someone who administers all customers can add a shared profile. Choose a customer.";
            return Err(Error::invalid("customer_id", message));
        }
    }
    let id = CredentialProfileId(b.ids.uuid());
    let now = b.clock.now();
    let name = parse_name("name", &new.name)?;
    let client_id = parse_client_id(&new.client_id)?;
    let material = given.check(new.kind)?;
    let profile = CredentialProfile {
        id,
        customer_id: new.customer_id,
        name,
        kind: new.kind,
        client_id,
        expires_at: material.expires_at,
        certificate_thumbprint: material.thumbprint,
        certificate_thumbprint_sha1: material.thumbprint_sha1,
        created_at: now,
        secret_set_at: now,
        switched_at: None,
        switched_because: None,
        second: None,
    };
    let sealed = b.sealer.seal(&mut tx, place(id), &material.secret).await?;
    execute!(
        &mut tx,
        "INSERT INTO credential_profile
           (id, customer_id, name, name_folded, kind, client_id, secret_sealed, certificate_pem,
            certificate_thumbprint, certificate_thumbprint_sha1, expires_at, created_at,
            secret_set_at, secret_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)",
        profile.id,
        profile.customer_id,
        &profile.name,
        planner::key(&profile.name),
        profile.kind,
        profile.client_id,
        sealed,
        material.certificate_pem,
        &profile.certificate_thumbprint,
        &profile.certificate_thumbprint_sha1,
        profile.expires_at,
        now,
        b.ids.uuid()
    )?;
    let changes = AuditChanges::created(&profile)
        .only(&TOLD)
        .secret(secret_of(&profile));
    let entry = entry(AuditAction::CredentialProfileCreate, &profile).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(profile)
}

/// Changes a profile. A new secret or certificate replaces the old one whole, together with the
/// date on which it ends. A shared profile only for who sees all customers.
pub async fn change(
    b: &Backend,
    scope: &Scope,
    id: CredentialProfileId,
    change: CredentialProfileChange,
) -> Result<CredentialProfile> {
    let mut tx = b.db.write().await?;
    let mut profile = find(&mut tx, scope, id).await?;
    may_change(scope, &profile)?;
    let before = profile.clone();
    if let Some(name) = change.name {
        profile.name = parse_name("name", &name)?;
    }
    if let Some(client_id) = change.client_id {
        profile.client_id = parse_client_id(&client_id)?;
    }
    let given = Given {
        client_secret: change.client_secret,
        certificate_pem: change.certificate_pem,
        private_key_pem: change.private_key_pem,
        certificate_years: None,
        expires_at: change.expires_at,
    };
    let replaced = given.is_some();
    if replaced {
        scope.require_recent_proof(b.clock.now())?;
        let material = given.check(profile.kind)?;
        profile.expires_at = material.expires_at;
        profile.certificate_thumbprint = material.thumbprint;
        profile.certificate_thumbprint_sha1 = material.thumbprint_sha1;
        profile.secret_set_at = b.clock.now();
        (profile.switched_at, profile.switched_because) = (None, None);
        let sealed = b.sealer.seal(&mut tx, place(id), &material.secret).await?;
        execute!(
            &mut tx,
            "UPDATE credential_profile SET secret_sealed = $1, certificate_pem = $2,
               secret_id = $3, switched_at = NULL, switched_because = NULL WHERE id = $4",
            sealed,
            material.certificate_pem,
            b.ids.uuid(),
            id
        )?;
    } else if let Some(end) = given.expires_at {
        if profile.certificate_thumbprint.is_some() {
            let message = "A certificate tells by itself when it ends.";
            return Err(Error::invalid("expires_at", message));
        }
        profile.expires_at = Some(end);
    }
    execute!(
        &mut tx,
        "UPDATE credential_profile SET name = $1, name_folded = $2, client_id = $3,
           expires_at = $4, certificate_thumbprint = $5, certificate_thumbprint_sha1 = $6,
           secret_set_at = $7 WHERE id = $8",
        &profile.name,
        planner::key(&profile.name),
        profile.client_id,
        profile.expires_at,
        &profile.certificate_thumbprint,
        &profile.certificate_thumbprint_sha1,
        profile.secret_set_at,
        id
    )?;
    let mut changes = AuditChanges::between(&before, &profile).only(&TOLD);
    if replaced {
        changes = changes.secret(secret_of(&profile));
    }
    if !changes.is_empty() {
        let entry = entry(AuditAction::CredentialProfileUpdate, &profile).changes(changes);
        audit::record(b, &mut tx, scope, entry).await?;
    }
    tx.commit().await?;
    Ok(profile)
}

/// Deletes a profile, and its secret with it. Refused while an integration uses it, naming those
/// that the caller may see.
pub async fn delete(b: &Backend, scope: &Scope, id: CredentialProfileId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let profile = find(&mut tx, scope, id).await?;
    may_change(scope, &profile)?;
    let number = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM integration WHERE credential_profile_id = $1",
        id
    )?;
    if number > 0 {
        let uses = uses_in(&mut tx, scope, id).await?;
        return Err(Error::conflict(in_use(&uses)));
    }
    execute!(&mut tx, "DELETE FROM credential_profile WHERE id = $1", id)?;
    let changes = AuditChanges::deleted(&profile).only(&TOLD);
    let entry = entry(AuditAction::CredentialProfileDelete, &profile).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

/// What of a profile goes into the audit log beside its secret.
const TOLD: [&str; 5] = [
    "name",
    "kind",
    "client_id",
    "expires_at",
    "certificate_thumbprint",
];

/// What its secret is called there.
const fn secret_of(profile: &CredentialProfile) -> &'static str {
    match profile.kind {
        CredentialKind::ClientSecret => "client_secret",
        CredentialKind::Certificate => "certificate_and_private_key",
    }
}

/// That something was done to a profile; a shared one belongs to no customer.
fn entry(action: AuditAction, profile: &CredentialProfile) -> Entry<'_> {
    Entry::new(action, profile.id.0, &profile.name).of(profile.customer_id)
}

fn in_use(uses: &[ProfileUse]) -> String {
    let named: Vec<_> = uses
        .iter()
        .take(NAMED_MAX)
        .map(|used| format!("{} ({})", used.integration_name, used.customer_name))
        .collect();
    let more = match uses.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let by = match named.len() {
        0 => "an integration".to_owned(),
        _ => named.join(", "),
    };
    format!("It is used by {by}{more}. Give them another profile first.")
}

pub(crate) fn may_change(scope: &Scope, profile: &CredentialProfile) -> Result<()> {
    scope.require(Permission::CredentialProfilesWrite)?;
    if profile.customer_id.is_none() && !scope.sees_all() {
        return Err(Error::Forbidden(Permission::CredentialProfilesWrite));
    }
    Ok(())
}

fn parse_client_id(given: &str) -> Result<Uuid> {
    Uuid::try_parse(given.trim()).map_err(|_| {
        let message = "Enter the application (client) id, a GUID such as 00001111-aaaa-2222-bbbb-3333cccc4444.";
        Error::invalid("client_id", message)
    })
}
