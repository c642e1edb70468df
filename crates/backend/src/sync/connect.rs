//! From an integration to a client for its tenant.

use domain::{
    credential_profile::CredentialKind,
    id::{CredentialProfileId, TenantId},
    policy::{ObjectType, Policy},
};
use graph::{Certificate, Client, Cloud, Credential, Resource, Tenant, TokenInfo};
use secrecy::SecretString;
use sqlx::FromRow;

use super::{record::Work, stop::Stop};
use crate::{Backend, Error, Result, execute, fetch_one, sealer::Place};

#[derive(FromRow)]
struct Profile {
    kind: CredentialKind,
    client_id: uuid::Uuid,
    secret_sealed: Vec<u8>,
    certificate_pem: Option<String>,
}

/// Opens a stored credential.
pub(crate) async fn credential(b: &Backend, id: CredentialProfileId) -> Result<Credential> {
    let mut tx = b.db.read().await?;
    let profile = fetch_one!(
        &mut tx,
        Profile,
        "SELECT kind, client_id, secret_sealed, certificate_pem
           FROM credential_profile WHERE id = $1",
        id
    )?;
    drop(tx);
    let place = Place {
        table: "credential_profile",
        column: "secret_sealed",
        row: id.0,
    };
    let secret: SecretString = b.sealer.open(place, &profile.secret_sealed)?;
    Ok(match profile.kind {
        CredentialKind::ClientSecret => Credential::secret(profile.client_id, secret),
        CredentialKind::Certificate => {
            let pem = profile.certificate_pem.unwrap_or_default();
            let certificate = Certificate::parse(&pem, &secret)
                .map_err(|error| Error::Source(super::stop::words(&error)))?;
            Credential::certificate(profile.client_id, certificate)
        }
    })
}

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
    let credential = credential(b, integration.credential_profile_id).await?;
    let client = b.graph.client(cloud, tenant, credential).metered();
    Ok(match integration.tenant_id {
        Some(TenantId(id)) => client.pinned(id),
        None => client,
    })
}

/// Proves the tenant and the permissions before anything is read: a token for another tenant ends
/// the run (sync.md rule 1), and so does a missing permission, by name (rule 6).
pub(super) async fn prove(work: &mut Work<'_>, client: &Client) -> Result<(), Stop> {
    let token = client.token().await?;
    require_roles(&work.policy, &token)?;
    let Some(proven) = token.tenant_id else {
        return Ok(());
    };
    if work.integration.tenant_id.is_none() {
        let mut tx = work.b().db.write().await?;
        execute!(
            &mut tx,
            "UPDATE integration SET tenant_id = $1 WHERE id = $2 AND tenant_id IS NULL",
            proven,
            work.integration.id
        )?;
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
        planner::fold(&name),
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
