//! Who may connect what (interfaces.md).
//!
//! A tenant of a cloud belongs to one customer, and a shared credential profile opens many
//! tenants. So only someone who sees all customers connects a shared profile, or a tenant that is
//! another customer's already: otherwise whoever may add an integration to one customer could
//! read another's directory. A shared profile may be connected by others too once a consent link
//! proved that tenant for that customer: one that was made by someone who may connect it, or one by
//! which an administrator of the tenant signed in.

use domain::{
    audit::{AuditAction, AuditChanges},
    credential_profile::CredentialProfile,
    id::{CredentialProfileId, CustomerId, IntegrationId, TenantId},
    run::RunError,
    tenant::Tenant,
};
use uuid::Uuid;

use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional,
    store::{
        across,
        audit::{self, Entry},
        consent_links, credential_profiles,
    },
};

/// What someone wishes to connect.
pub(crate) struct Wish<'a> {
    pub customer: CustomerId,
    pub cloud: &'a str,
    pub tenant: &'a Tenant,
    pub profile: CredentialProfileId,
}

/// What may be connected.
pub(crate) struct Connectable {
    pub profile: CredentialProfile,
    /// The tenant, where a consent link proved it.
    pub proven: Option<TenantId>,
}

/// Whether the caller may connect this; answers the profile.
///
/// Blames the field in the body: ids there are looked at last, and one that the caller may not
/// see is answered like one that doesn't exist.
pub(crate) async fn may_connect(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    wish: &Wish<'_>,
) -> Result<Connectable> {
    known_cloud(b, wish)?;
    let proven = proven(tx, wish).await?;
    let profile = may_use(tx, scope, wish.customer, wish.profile, proven.is_some()).await?;
    refuse_elsewhere(tx, scope, wish, proven).await?;
    Ok(Connectable { profile, proven })
}

/// Whether the caller may ask an administrator of the tenant to consent, for this customer. A shared
/// profile they may name, too: where they may not connect it, the administrator has to sign in.
pub(crate) async fn may_ask(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    wish: &Wish<'_>,
) -> Result<Connectable> {
    known_cloud(b, wish)?;
    let proven = proven(tx, wish).await?;
    let profile = may_use(tx, scope, wish.customer, wish.profile, true).await?;
    refuse_elsewhere(tx, scope, wish, proven).await?;
    Ok(Connectable { profile, proven })
}

fn known_cloud(b: &Backend, wish: &Wish<'_>) -> Result<()> {
    if b.clouds.get(wish.cloud).is_some() {
        return Ok(());
    }
    let ids: Vec<_> = b.clouds.names().into_iter().map(|cloud| cloud.id).collect();
    let message = format!("Choose one of {}.", ids.join(", "));
    Err(Error::invalid("cloud", message))
}

/// The tenant, where a consent link proved it.
async fn proven(tx: &mut Tx, wish: &Wish<'_>) -> Result<Option<TenantId>> {
    let (tenant, profile) = (wish.tenant.as_str(), wish.profile);
    consent_links::proven_tenant(tx, wish.customer, wish.cloud, tenant, profile).await
}

async fn refuse_elsewhere(
    tx: &mut Tx,
    scope: &Scope,
    wish: &Wish<'_>,
    proven: Option<TenantId>,
) -> Result<()> {
    let (customer, cloud, tenant) = (wish.customer, wish.cloud, wish.tenant);
    let mut known = across::tenant_is_elsewhere(tx, customer, cloud, tenant).await?;
    if let Some(proven) = proven {
        let others = across::customers_of_tenant(tx, customer, cloud, proven).await?;
        known |= !others.is_empty();
    }
    if known && !scope.sees_all() {
        return Err(Error::invalid("tenant", ELSEWHERE));
    }
    Ok(())
}

const ELSEWHERE: &str = "This tenant can be connected here only by someone who administers all customers: it is connected elsewhere already.";

/// Refuses a second integration of one tenant at one customer: everybody in it would come in
/// twice. Several groups are one integration's.
pub(super) async fn refuse_twice(tx: &mut Tx, wish: &Wish<'_>) -> Result<()> {
    let connected = fetch_optional!(
        tx,
        (String,),
        "SELECT name FROM integration WHERE customer_id = $1 AND cloud = $2
           AND (tenant = $3 OR tenant_id = $4) ORDER BY name_folded LIMIT 1",
        wish.customer,
        wish.cloud,
        wish.tenant.as_str(),
        Uuid::try_parse(wish.tenant.as_str()).ok()
    )?;
    match connected {
        Some((name,)) => Err(Error::invalid(
            "tenant",
            format!("This customer has an integration with this tenant already: {name}."),
        )),
        None => Ok(()),
    }
}

/// Whether the caller may use the profile for the customer: with a tenant that a consent link
/// `proved` for it, or with any.
pub(super) async fn may_use(
    tx: &mut Tx,
    scope: &Scope,
    customer: CustomerId,
    id: CredentialProfileId,
    proved: bool,
) -> Result<CredentialProfile> {
    let blamed = |message: String| Error::invalid("credential_profile_id", message);
    let profile = match credential_profiles::find(tx, scope, id).await {
        Err(Error::NotFound(_)) => {
            return Err(blamed(format!("There is no credential profile {id}.")));
        }
        other => other?,
    };
    match profile.customer_id {
        Some(of) if of == customer => Ok(profile),
        Some(_) => Err(blamed("This profile is another customer’s.".to_owned())),
        None if scope.sees_all() || proved => Ok(profile),
        None => Err(blamed(
            "A shared profile can be connected only by someone who administers all customers, or once the tenant’s administrator consented by a link. Choose a profile of this customer, or make a link.".to_owned(),
        )),
    }
}

/// Whether someone who sees all customers added the integration, so that its tenant may be another
/// customer's too.
pub(crate) async fn is_vouched(tx: &mut Tx, id: IntegrationId) -> Result<bool> {
    let by = fetch_optional!(
        tx,
        (Option<String>,),
        "SELECT tenant_vouched_by FROM integration WHERE id = $1",
        id
    )?;
    Ok(by.is_some_and(|(by,)| by.is_some()))
}

/// Pins an integration to the tenant that a token proved, and names it by the tenant's display
/// name where that is known.
///
/// Refused with `tenant_changed` where it is pinned to another tenant, and with
/// `tenant_elsewhere` where the tenant is another customer's and nobody who sees all customers
/// stood for that: they added the integration, or `by` is one of them.
pub(crate) async fn pin(
    b: &Backend,
    tx: &mut Tx,
    id: IntegrationId,
    proven: TenantId,
    name: Option<&str>,
    by: Option<&Scope>,
) -> Result<()> {
    let (customer, cloud, pinned, vouched_by, old_name, tenant) = fetch_optional!(
        &mut *tx,
        (
            CustomerId,
            String,
            Option<TenantId>,
            Option<String>,
            String,
            String
        ),
        "SELECT customer_id, cloud, tenant_id, tenant_vouched_by, name, tenant
         FROM integration WHERE id = $1",
        id
    )?
    .ok_or(Error::NotFound("integration"))?;
    let name = name
        .map(str::trim)
        .filter(|name| !name.is_empty() && *name != old_name);
    let mut pinning = None;
    match pinned {
        Some(pinned) if pinned != proven => return Err(tenant_changed(pinned, proven)),
        Some(_) => {}
        None => {
            let vouched = vouched_by.is_some() || by.is_some_and(Scope::sees_all);
            let others = across::customers_of_tenant(tx, customer, &cloud, proven).await?;
            if !others.is_empty() && !vouched {
                return Err(tenant_elsewhere());
            }
            execute!(
                &mut *tx,
                "UPDATE integration SET tenant_id = $1 WHERE id = $2",
                proven,
                id
            )?;
            pinning = by;
        }
    }
    if let Some(name) = name {
        execute!(
            &mut *tx,
            "UPDATE integration SET name = $1, name_folded = $2 WHERE id = $3",
            name,
            planner::key(name),
            id
        )?;
    }
    let Some(scope) = pinning else { return Ok(()) };
    let changes = AuditChanges::none()
        .now("tenant_id", &proven)
        .now("tenant", &tenant);
    let entry = Entry::new(AuditAction::IntegrationPin, id.0, name.unwrap_or(&old_name))
        .of(customer)
        .changes(changes);
    audit::record(b, tx, scope, entry).await
}

fn tenant_changed(pinned: TenantId, proven: TenantId) -> Error {
    Error::Source(RunError {
        code: "tenant_changed".to_owned(),
        title: "The token is for another tenant".to_owned(),
        detail: format!("This integration belongs to tenant {pinned}; the token is for {proven}."),
        fix: "Check who moved the domain. To read the other tenant, add an integration for it."
            .to_owned(),
    })
}

pub(crate) fn tenant_elsewhere() -> Error {
    Error::Source(RunError {
        code: "tenant_elsewhere".to_owned(),
        title: "The tenant belongs to another customer".to_owned(),
        detail: "Another customer’s integration is connected to this tenant already.".to_owned(),
        fix: "Ask someone who administers all customers to connect it here.".to_owned(),
    })
}
