//! From an integration to a client for its tenant.

use domain::{
    id::TenantId,
    policy::{ObjectType, Policy},
};
use graph::{Client, Cloud, Resource, Tenant, TokenInfo};

use super::{record::Work, stop::Stop};
use crate::{
    execute,
    store::{credential_profiles, integrations},
};

/// A client for the run's tenant, pinned to its GUID where that is known, with a meter of its own.
/// Nothing is sent yet.
pub(super) async fn client(work: &Work<'_>) -> Result<Client, Stop> {
    let (b, integration) = (work.b(), &work.integration);
    let Some(cloud) = b.clouds.get(&integration.cloud) else {
        return Err(Stop::failed(
            "cloud_unknown",
            "The integration’s cloud is not configured",
            format!("The configuration has no cloud “{}”.", integration.cloud),
            "Add the cloud to the configuration of this installation, or delete the integration.",
        ));
    };
    let cloud = Cloud::parse(cloud.authority.as_str(), cloud.graph.as_str())?;
    let tenant = Tenant::parse(&integration.tenant)?;
    let mut tx = b.db.read().await?;
    let profile = integration.credential_profile_id;
    let credential = credential_profiles::credential(b, &mut tx, profile).await?;
    drop(tx);
    let client = b.graph.client(cloud, tenant, credential).metered();
    Ok(match integration.tenant_id {
        Some(TenantId(id)) => client.pinned(id),
        None => client,
    })
}

/// Proves the tenant and the permissions before anything is read: a token for another tenant ends
/// the run (sync.md rule 1), one that is another customer's too (interfaces.md, "Who may connect
/// what"), and so does a missing permission, by name (rule 6).
pub(super) async fn prove(work: &mut Work<'_>, client: &Client) -> Result<(), Stop> {
    let token = client.token().await?;
    require_roles(&work.policy, &token)?;
    let Some(proven) = token.tenant_id else {
        return Ok(());
    };
    if work.integration.tenant_id.is_none() {
        let mut tx = work.b().db.write().await?;
        let id = work.integration.id;
        integrations::pin(work.b(), &mut tx, id, TenantId(proven), None, None).await?;
        tx.commit().await?;
        work.integration.tenant_id = Some(TenantId(proven));
    }
    Ok(())
}

/// The tenant's display name, where the application may read it and the integration is still
/// called by its domain.
pub(super) async fn name(work: &mut Work<'_>, client: &Client) -> Result<(), Stop> {
    if work.integration.name != work.integration.tenant {
        return Ok(());
    }
    let Ok(organization) = client.organization().await else {
        return Ok(());
    };
    let Some(name) = organization
        .display_name
        .filter(|name| !name.trim().is_empty())
    else {
        return Ok(());
    };
    let mut tx = work.b().db.write().await?;
    execute!(
        &mut tx,
        "UPDATE integration SET name = $1, name_folded = $2 WHERE id = $3",
        &name,
        planner::key(&name),
        work.integration.id
    )?;
    tx.commit().await?;
    work.integration.name = name;
    Ok(())
}

/// Which application permissions are needed, given that the token can be read at all: a token is
/// opaque by right, and then Graph itself says what is missing.
fn require_roles(policy: &Policy, token: &TokenInfo) -> Result<(), Stop> {
    if token.tenant_id.is_none() {
        return Ok(());
    }
    let missing: Vec<Resource> = policy
        .object_types
        .iter()
        .filter_map(|object_type| match object_type {
            ObjectType::User => Some(Resource::Users),
            ObjectType::Group => Some(Resource::Groups),
            ObjectType::Contact => Some(Resource::Contacts),
            ObjectType::Device => Some(Resource::Devices),
            ObjectType::Membership => None,
        })
        .chain((!policy.selected_group_ids.is_empty()).then_some(Resource::Groups))
        .filter(|resource| !token.allows(*resource))
        .collect();
    let Some(first) = missing.first() else {
        return Ok(());
    };
    let names: std::collections::BTreeSet<&str> = missing
        .iter()
        .map(|resource| resource.least_role())
        .collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    Err(Stop::failed(
        "permission_missing",
        &format!("The permission {names} is missing"),
        format!(
            "The token for this tenant doesn’t allow reading {}. Nothing was read.",
            first.noun()
        ),
        &format!(
            "In Entra, give the application the application permission {names} for Microsoft Graph, grant admin consent, and run again."
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(roles: &[&str]) -> TokenInfo {
        TokenInfo {
            tenant_id: Some(uuid::Uuid::from_u128(1)),
            application_id: None,
            object_id: None,
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            expires_at: domain::DateTime::default(),
        }
    }

    fn missing(roles: &[&str]) -> Option<String> {
        match require_roles(&Policy::default(), &token(roles)) {
            Ok(()) => None,
            Err(Stop::Failed(failure)) => Some(failure.error.title),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_missing_permission_is_named_and_a_wider_one_is_enough() {
        assert_eq!(missing(&["User.Read.All", "GroupMember.Read.All"]), None);
        assert_eq!(missing(&["Directory.Read.All"]), None);
        assert_eq!(
            missing(&["User.Read.All"]).unwrap(),
            "The permission GroupMember.Read.All is missing"
        );
        assert_eq!(
            missing(&[]).unwrap(),
            "The permission GroupMember.Read.All, User.Read.All is missing"
        );
    }
}
