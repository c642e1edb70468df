//! Making links, and ending them before their time.

use chrono::Duration;
use domain::{
    audit::{AuditAction, AuditChanges},
    consent_link::{ConsentLink, ConsentLinkMade, ConsentLinkState, LIFETIME_DAYS, NewConsentLink},
    id::{ConsentLinkId, CustomerId},
    permission::Permission,
    policy::ObjectType,
    tenant::Tenant,
};
use secrecy::{ExposeSecret, SecretString};

use super::{TOLD, entry, find, permissions};
use crate::{
    Backend, Error, Result, Scope, Tx,
    auth::{link, token},
    execute,
    limits::Limited,
    sealer::{Offered, places},
    store::{
        audit, customers,
        integrations::{Wish, may_ask},
        write_json,
    },
};

/// The page that a link leads to, as `app::routes` has it.
fn url(b: &Backend, secret: &SecretString) -> SecretString {
    let mut url = b.settings.public_url.clone();
    url.set_path("/consent");
    url.set_query(Some(&format!("secret={}", secret.expose_secret())));
    url.to_string().into()
}

/// Makes a link for a form to show. Nothing is kept until the form comes back.
pub async fn offer(b: &Backend, scope: &Scope) -> Result<Offered> {
    scope.require(Permission::IntegrationsWrite)?;
    let secret = link::make(b);
    let url = url(b, &secret);
    Offered::to(b, scope, places::OFFERED_CONSENT_LINK, &secret, url).await
}

/// Makes a link, for programs: the answer holds it, this once.
pub async fn create(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    new: NewConsentLink,
) -> Result<ConsentLinkMade> {
    let secret = link::make(b);
    let link = keep(b, scope, customer, new, &secret).await?;
    let url = url(b, &secret).expose_secret().to_owned();
    Ok(ConsentLinkMade { link, url })
}

/// Makes the link that a form showed.
pub async fn create_with(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    new: NewConsentLink,
    sealed: &str,
) -> Result<ConsentLink> {
    scope.require(Permission::IntegrationsWrite)?;
    let form = places::OFFERED_CONSENT_LINK;
    let secret = b.sealer.take_back_from(scope, form, sealed).await?;
    keep(b, scope, customer, new, &secret).await
}

/// What can be read is in the order of its pages, once each.
fn checked(given: &[ObjectType]) -> Result<Vec<ObjectType>> {
    if given.contains(&ObjectType::Membership) || given.is_empty() {
        let message = "Choose at least one of users, groups, contacts and devices.";
        return Err(Error::invalid("object_types", message));
    }
    let chosen = ObjectType::OBJECTS.into_iter();
    Ok(chosen.filter(|of| given.contains(of)).collect())
}

async fn keep(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    new: NewConsentLink,
    secret: &SecretString,
) -> Result<ConsentLink> {
    let mut tx = b.db.write().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let tenant = Tenant::parse(&new.tenant)?;
    let object_types = checked(&new.object_types)?;
    let wish = Wish {
        customer,
        cloud: &new.cloud,
        tenant: &tenant,
        profile: new.credential_profile_id,
    };
    let may = may_ask(b, &mut tx, scope, &wish).await?;
    let profile = may.profile;
    // Who may use a shared profile only since a link proved the tenant names that tenant, and not the
    // domain by which it was found then.
    let tenant = match may.proven {
        Some(proven) if !scope.sees_all() => proven.to_string(),
        _ => tenant.as_str().to_owned(),
    };
    b.limits.take(Limited::Invitation, scope)?;
    let now = b.clock.now();
    let made = ConsentLink {
        id: ConsentLinkId(b.ids.uuid()),
        customer_id: customer,
        credential_profile_id: profile.id,
        client_id: profile.client_id,
        cloud: new.cloud,
        tenant,
        permissions: permissions(&object_types, &[]),
        object_types,
        needs_sign_in: profile.customer_id.is_none() && may.proven.is_none() && !scope.sees_all(),
        state: ConsentLinkState::Waiting,
        created_by: scope.actor_name().to_owned(),
        created_at: now,
        expires_at: now + Duration::days(LIFETIME_DAYS),
        revoked_at: None,
        opened_at: None,
        proven_tenant_id: None,
        proven_at: None,
        error: None,
    };
    end_earlier(&mut tx, &made).await?;
    insert(&mut tx, &made, scope, secret).await?;
    let changes = AuditChanges::created(&made).only(&TOLD);
    let entry = entry(AuditAction::ConsentLinkCreate, &made).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(made)
}

/// A new link takes the place of the one before for the same; what that proved stays.
async fn end_earlier(tx: &mut Tx, made: &ConsentLink) -> Result<()> {
    execute!(
        tx,
        "UPDATE consent_link SET expires_at = $1, state_hash = NULL, state_ends_at = NULL
          WHERE customer_id = $2 AND credential_profile_id = $3 AND cloud = $4 AND tenant = $5
            AND expires_at > $1",
        made.created_at,
        made.customer_id,
        made.credential_profile_id,
        &made.cloud,
        &made.tenant
    )?;
    Ok(())
}

async fn insert(
    tx: &mut Tx,
    made: &ConsentLink,
    scope: &Scope,
    secret: &SecretString,
) -> Result<()> {
    let kept = execute!(
        tx,
        "INSERT INTO consent_link
           (id, customer_id, credential_profile_id, client_id, cloud, tenant, object_types, vouched,
            needs_sign_in, secret_hash, created_by, created_at, expires_at, roles)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '[]')",
        made.id,
        made.customer_id,
        made.credential_profile_id,
        made.client_id,
        &made.cloud,
        &made.tenant,
        write_json(&made.object_types)?,
        scope.sees_all(),
        made.needs_sign_in,
        token::hash(secret.expose_secret()),
        &made.created_by,
        made.created_at,
        made.expires_at
    );
    match kept {
        // A form that offered a link was sent twice.
        Err(error) if error.is_unique_violation() => Err(Error::invalid(
            "sealed_link",
            "This link was made already. Open the form anew.",
        )),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// Ends a link before its time. What it proved stays; one that has ended stays as it is.
pub async fn revoke(b: &Backend, scope: &Scope, id: ConsentLinkId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let link = find(b, &mut tx, scope, id).await?.link;
    scope.require(Permission::IntegrationsWrite)?;
    let revoked = execute!(
        &mut tx,
        "UPDATE consent_link SET expires_at = $1, revoked_at = $1, state_hash = NULL,
                state_ends_at = NULL
          WHERE id = $2 AND expires_at > $1",
        b.clock.now(),
        id
    )?;
    if revoked == 1 {
        let changes = AuditChanges::deleted(&link).only(&TOLD);
        let entry = entry(AuditAction::ConsentLinkRevoke, &link).changes(changes);
        audit::record(b, &mut tx, scope, entry).await?;
    }
    tx.commit().await
}
