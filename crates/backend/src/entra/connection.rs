//! Test Connection: from the sign-in service to the first page of each kind of object, one step
//! after the other, until one fails.

use std::collections::BTreeSet;

use domain::{
    connection::{Check, CheckStatus, ConnectionTest},
    id::{CredentialProfileId, CustomerId, IntegrationId, TenantId},
    integration::NewIntegration,
    permission::Permission,
    policy::{ObjectType, Policy},
    tenant::Tenant,
};
use graph::{Client, Resource, Stage, TokenInfo};

use super::{checks::Checks, client};
use crate::{
    Backend, Error, Result, Scope,
    limits::Limited,
    store::{
        across, credential_profiles, customers,
        integrations::{self, Wish, may_connect},
    },
};

/// The check that the application signs in.
const CREDENTIAL: &str = "credential";
const SKIPPED: &str = "Not tried, since a check before it failed.";

/// Tests the connection of an integration that isn't saved. Under the same rule as adding it:
/// "Who may connect what" of interfaces.md.
pub async fn test_connection(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    new: NewIntegration,
) -> Result<ConnectionTest> {
    scope.require(Permission::IntegrationsWrite)?;
    let mut tx = b.db.read().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    let tenant = Tenant::parse(&new.tenant)?;
    let policy = crate::mapping::checked(new.policy)?;
    let wish = Wish {
        customer,
        cloud: &new.cloud,
        tenant: &tenant,
        profile: new.credential_profile_id,
    };
    let may = may_connect(b, &mut tx, scope, &wish).await?;
    b.limits.take(Limited::ConnectionTest, scope)?;
    let credential = credential_profiles::credential(b, &mut tx, may.profile.id).await?;
    drop(tx);
    let subject = Subject {
        customer,
        cloud: &new.cloud,
        expected: may.proven.or_else(|| uuid(&tenant)),
        vouched: scope.sees_all(),
        policy: &policy,
    };
    let client = client(b, &new.cloud, tenant.as_str(), credential)?;
    run(b, scope, &subject, &client).await
}

/// Tests a saved integration's connection. Where the tenant is proven, it is pinned and the
/// integration gets its name.
pub async fn test_saved(b: &Backend, scope: &Scope, id: IntegrationId) -> Result<ConnectionTest> {
    let mut tx = b.db.read().await?;
    let integration = integrations::find(&mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    b.limits.take(Limited::ConnectionTest, scope)?;
    let profile = integration.credential_profile_id;
    let credential = credential_profiles::credential(b, &mut tx, profile).await?;
    let vouched = integrations::is_vouched(&mut tx, id).await?;
    drop(tx);
    let tenant = Tenant::parse(&integration.tenant)?;
    let subject = Subject {
        customer: integration.customer_id,
        cloud: &integration.cloud,
        expected: integration.tenant_id.or_else(|| uuid(&tenant)),
        vouched: vouched || scope.sees_all(),
        policy: &integration.policy,
    };
    let client = client(b, &integration.cloud, tenant.as_str(), credential)?;
    let mut test = run(b, scope, &subject, &client).await?;
    let is_elsewhere = test
        .checks
        .iter()
        .any(|check| check.id == "elsewhere" && check.fix.is_some());
    if let Some(proven) = test.tenant_id
        && !is_elsewhere
    {
        let mut tx = b.db.write().await?;
        let name = test.tenant_name.as_deref();
        integrations::pin(b, &mut tx, id, proven, name, Some(scope)).await?;
        tx.commit().await?;
    }
    if test.ok && integrations::lift_quarantine(b, scope, id).await? {
        test.checks.push(Check {
            id: "quarantine".to_owned(),
            title: "Quarantine lifted".to_owned(),
            status: CheckStatus::Passed,
            detail: "Scheduled runs go on.".to_owned(),
            fix: None,
            took_ms: 0,
        });
    }
    Ok(test)
}

/// Tests the second secret of a profile, alone, against the tenant of an integration that uses the
/// profile. That it signed in is kept with it.
pub async fn test_second(
    b: &Backend,
    scope: &Scope,
    id: CredentialProfileId,
    with: IntegrationId,
) -> Result<ConnectionTest> {
    let mut tx = b.db.read().await?;
    let profile = credential_profiles::find(&mut tx, scope, id).await?;
    credential_profiles::may_change(scope, &profile)?;
    let (second, credential) = credential_profiles::second_credential(b, &mut tx, id).await?;
    let other = || {
        let message = "Choose an integration that uses this profile.";
        Error::invalid("integration_id", message)
    };
    let integration = match integrations::find(&mut tx, scope, with).await {
        Ok(integration) if integration.credential_profile_id == id => integration,
        Ok(_) | Err(Error::NotFound(_)) => return Err(other()),
        Err(error) => return Err(error),
    };
    let vouched = integrations::is_vouched(&mut tx, with).await?;
    drop(tx);
    b.limits.take(Limited::ConnectionTest, scope)?;
    let tenant = Tenant::parse(&integration.tenant)?;
    let subject = Subject {
        customer: integration.customer_id,
        cloud: &integration.cloud,
        expected: integration.tenant_id.or_else(|| uuid(&tenant)),
        vouched: vouched || scope.sees_all(),
        policy: &integration.policy,
    };
    let client = client(b, &integration.cloud, tenant.as_str(), credential)?;
    let test = run(b, scope, &subject, &client).await?;
    let signed_in = test
        .checks
        .iter()
        .any(|check| check.id == CREDENTIAL && check.status == CheckStatus::Passed);
    if signed_in {
        let mut tx = b.db.write().await?;
        credential_profiles::tested(b, &mut tx, id, second).await?;
        tx.commit().await?;
    }
    Ok(test)
}

fn uuid(tenant: &Tenant) -> Option<TenantId> {
    tenant.as_str().parse().ok()
}

/// What is tested.
struct Subject<'a> {
    customer: CustomerId,
    cloud: &'a str,
    /// The tenant it has to be, where that is known.
    expected: Option<TenantId>,
    /// Whether the tenant may be another customer's too.
    vouched: bool,
    policy: &'a Policy,
}

async fn run(
    b: &Backend,
    scope: &Scope,
    subject: &Subject<'_>,
    client: &Client,
) -> Result<ConnectionTest> {
    let mut checks = Checks::new(&b.clock);
    let token = sign_in(&mut checks, client).await;
    let tenant_id = right_tenant(&mut checks, subject, token.as_ref());
    let free = not_elsewhere(b, scope, &mut checks, subject, tenant_id).await?;
    // Nothing is read before it is sure whose it is.
    let token = token.filter(|_| free && tenant_id.is_some());
    let name = organization(&mut checks, client, token.as_ref()).await;
    for resource in needed(subject.policy) {
        read(&mut checks, client, token.as_ref(), resource).await;
    }
    Ok(checks.finish(tenant_id, name))
}

/// Authority, tenant and credential are one request; how it fails tells how far it came.
async fn sign_in(checks: &mut Checks<'_>, client: &Client) -> Option<TokenInfo> {
    let token = client.fresh_token().await;
    let host = client.cloud().authority().host_str().unwrap_or_default();
    let tenant = client.tenant();
    let steps = [
        (
            "authority",
            "Sign-in service reachable",
            format!("{host} answered."),
        ),
        (
            "tenant",
            "Tenant known",
            format!("{host} knows {tenant} in this cloud."),
        ),
        (
            CREDENTIAL,
            "Credential accepted",
            match client.switched() {
                None => "The application signed in.".to_owned(),
                Some(refusal) => format!(
                    "The second secret signed in and is used from now on: the first was refused ({}).",
                    refusal.code
                ),
            },
        ),
    ];
    let failed_at = match &token {
        Ok(_) => steps.len(),
        Err(error) => match error.stage() {
            Stage::Authority => 0,
            Stage::Tenant => 1,
            _ => 2,
        },
    };
    for (at, (id, title, detail)) in steps.into_iter().enumerate() {
        match &token {
            Err(error) if at == failed_at => checks.refused(id, title, error),
            _ if at < failed_at => checks.passed(id, title, detail),
            _ => checks.skipped(id, title, SKIPPED),
        }
    }
    token.ok()
}

/// The tenant that the token proves, where it is the right one.
fn right_tenant(
    checks: &mut Checks<'_>,
    subject: &Subject<'_>,
    token: Option<&TokenInfo>,
) -> Option<TenantId> {
    let (id, title) = ("token_tenant", "Token is for the right tenant");
    let Some(token) = token else {
        checks.skipped(id, title, SKIPPED);
        return None;
    };
    match (token.tenant_id.map(TenantId), subject.expected) {
        (None, _) => {
            let detail = "The token doesn’t tell which tenant it is for.";
            let fix = "Try again. Where it stays so, the cloud’s sign-in address is not that of Entra ID; check the configuration.";
            checks.failed(id, title, detail, fix);
            None
        }
        (Some(found), Some(expected)) if found != expected => {
            let detail = format!("It is for {found}; this integration belongs to {expected}.");
            let fix =
                "Check who moved the domain. To read the other tenant, add an integration for it.";
            checks.failed(id, title, detail, fix);
            None
        }
        (Some(found), _) => {
            checks.passed(id, title, format!("Tenant {found}."));
            Some(found)
        }
    }
}

/// Whether the tenant may be connected to this customer.
async fn not_elsewhere(
    b: &Backend,
    scope: &Scope,
    checks: &mut Checks<'_>,
    subject: &Subject<'_>,
    tenant_id: Option<TenantId>,
) -> Result<bool> {
    let (id, title) = ("elsewhere", "Not connected to another customer");
    let Some(tenant_id) = tenant_id else {
        checks.skipped(id, title, SKIPPED);
        return Ok(false);
    };
    let mut tx = b.db.read().await?;
    let (customer, cloud) = (subject.customer, subject.cloud);
    let others = across::customers_of_tenant(&mut tx, customer, cloud, tenant_id).await?;
    if others.is_empty() {
        checks.passed(id, title, "No other customer has this tenant.");
        return Ok(true);
    }
    if !subject.vouched {
        let detail = "Another customer’s integration is connected to this tenant.";
        let fix = "Ask someone who administers all customers to connect it here.";
        checks.failed(id, title, detail, fix);
        return Ok(false);
    }
    let seen: Vec<_> = others
        .into_iter()
        .filter(|(id, _)| scope.sees(*id))
        .map(|(_, name)| name)
        .collect();
    let detail = match seen.len() {
        0 => "It is connected elsewhere too, which someone who administers all customers allowed."
            .to_owned(),
        _ => format!("It is also connected to {}.", seen.join(", ")),
    };
    checks.passed(id, title, detail);
    Ok(true)
}

/// The tenant's display name. Nothing needs it, so doing without is no failure.
async fn organization(
    checks: &mut Checks<'_>,
    client: &Client,
    token: Option<&TokenInfo>,
) -> Option<String> {
    let (id, title) = ("organization", "Tenant’s name");
    if token.is_none() {
        checks.skipped(id, title, SKIPPED);
        return None;
    }
    match client.organization().await {
        Ok(organization) => {
            let name = organization.display_name.unwrap_or_default();
            let name = planner::fold::outside(name.trim().to_owned());
            checks.passed(id, title, format!("“{name}”."));
            Some(name).filter(|name| !name.is_empty())
        }
        Err(error) => {
            let detail = format!(
                "Not needed: without the permission {} the integration is shown by its domain. {}",
                Resource::Organization.least_role(),
                error.title()
            );
            checks.skipped(id, title, detail);
            None
        }
    }
}

/// What the policy reads, in the order in which it is shown.
fn needed(policy: &Policy) -> BTreeSet<Resource> {
    let groups = (!policy.selected_group_ids.is_empty()).then_some(Resource::Groups);
    policy
        .object_types
        .iter()
        .filter_map(|object_type| match object_type {
            ObjectType::User => Some(Resource::Users),
            ObjectType::Group => Some(Resource::Groups),
            ObjectType::Contact => Some(Resource::Contacts),
            ObjectType::Device => Some(Resource::Devices),
            ObjectType::Membership => None,
        })
        .chain(groups)
        .collect()
}

/// The permission for one kind of object, and its first page.
async fn read(
    checks: &mut Checks<'_>,
    client: &Client,
    token: Option<&TokenInfo>,
    resource: Resource,
) {
    let path = resource.path();
    let permission = (
        format!("permission_{path}"),
        format!("Permission to read {resource}"),
    );
    let page = (format!("read_{path}"), format!("First page of {resource}"));
    let Some(token) = token else {
        checks.skipped(&permission.0, &permission.1, SKIPPED);
        checks.skipped(&page.0, &page.1, SKIPPED);
        return;
    };
    if !token.allows(resource) {
        let least = resource.least_role();
        let detail = format!("The token has none of {}.", resource.roles().join(", "));
        let fix = format!(
            "In Entra, give the application the application permission {least} for Microsoft Graph and grant admin consent. It can take some minutes to show."
        );
        checks.failed(&permission.0, &permission.1, detail, fix);
        checks.skipped(&page.0, &page.1, SKIPPED);
        return;
    }
    let granted = resource
        .roles()
        .iter()
        .find(|role| token.roles.iter().any(|has| has == *role))
        .copied()
        .unwrap_or_default();
    checks.passed(
        &permission.0,
        &permission.1,
        format!("{granted} is granted."),
    );
    match client.probe(resource).await {
        Ok(()) => checks.passed(&page.0, &page.1, "Microsoft Graph answered."),
        Err(error) => checks.refused(&page.0, &page.1, &error),
    }
}
