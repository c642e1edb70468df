//! Where a user or a group is changed that an integration keeps in step: in its source.

use domain::{
    id::{ExternalId, GroupId, IntegrationId},
    made_here::{AdministratorsGroup, Elsewhere},
    policy::{ObjectType, Policy},
};
use sqlx::FromRow;

use super::read_json;
use crate::{Result, Tx, fetch_optional};

/// The portal of each of Microsoft's clouds (learn.microsoft.com, entra/identity-platform/
/// authentication-national-cloud, "App registration endpoints"). The two of the US Government share
/// one.
const PORTALS: [(&str, &str); 4] = [
    ("global", "https://portal.azure.com"),
    ("us_gov_l4", "https://portal.azure.us"),
    ("us_gov_l5", "https://portal.azure.us"),
    ("china", "https://portal.azure.cn"),
];

#[derive(FromRow)]
struct Row {
    id: IntegrationId,
    name: String,
    cloud: String,
    tenant: String,
}

/// Where an object of an integration is changed; none where the integration is gone.
pub(super) async fn of(
    tx: &mut Tx,
    integration: Option<IntegrationId>,
    object_type: ObjectType,
    external_id: Option<ExternalId>,
) -> Result<Option<Elsewhere>> {
    let Some(integration) = integration else {
        return Ok(None);
    };
    let row = fetch_optional!(
        tx,
        Row,
        "SELECT id, name, cloud, tenant FROM integration WHERE id = $1",
        integration
    )?;
    Ok(row.map(|row| Elsewhere {
        portal: external_id.and_then(|id| portal(&row.cloud, &row.tenant, object_type, id)),
        integration_id: row.id,
        integration_name: row.name,
    }))
}

/// The group whose members administer the workspace, where an integration's policy says so.
pub(super) async fn administrators(
    tx: &mut Tx,
    integration: Option<IntegrationId>,
) -> Result<Option<AdministratorsGroup>> {
    let Some(integration_id) = integration else {
        return Ok(None);
    };
    let row = fetch_optional!(
        &mut *tx,
        (String, String),
        "SELECT name, policy FROM integration WHERE id = $1",
        integration_id
    )?;
    let Some((integration_name, policy)) = row else {
        return Ok(None);
    };
    let policy: Policy = read_json("policy", &policy)?;
    let Some(external_id) = policy.administrators_group_id else {
        return Ok(None);
    };
    let group = fetch_optional!(
        tx,
        (GroupId, String),
        "SELECT id, display_name FROM directory_group
          WHERE integration_id = $1 AND external_id = $2",
        integration_id,
        external_id
    )?;
    let (id, display_name) = group.unzip();
    Ok(Some(AdministratorsGroup {
        external_id,
        display_name,
        id,
        integration_id,
        integration_name,
    }))
}

/// The page of a user or a group in the portal of its cloud, in its tenant. Clouds that only
/// configuration knows have none.
fn portal(cloud: &str, tenant: &str, object_type: ObjectType, id: ExternalId) -> Option<String> {
    let (_, portal) = PORTALS.iter().find(|(known, _)| *known == cloud)?;
    let page = match object_type {
        ObjectType::User => "Microsoft_AAD_UsersAndTenants/UserProfileMenuBlade/~/overview/userId",
        ObjectType::Group => "Microsoft_AAD_IAM/GroupDetailsMenuBlade/~/Overview/groupId",
        _ => return None,
    };
    Some(format!("{portal}/#@{tenant}/view/{page}/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_changed_in_the_portal_of_its_cloud() {
        let id = ExternalId(uuid::Uuid::nil());
        assert_eq!(
            portal("china", "contoso.example", ObjectType::User, id).unwrap(),
            "https://portal.azure.cn/#@contoso.example/view/Microsoft_AAD_UsersAndTenants/\
             UserProfileMenuBlade/~/overview/userId/00000000-0000-0000-0000-000000000000"
        );
        assert!(portal("sim", "a.example", ObjectType::User, id).is_none());
        assert!(portal("global", "a.example", ObjectType::Device, id).is_none());
    }

    #[test]
    fn every_cloud_of_microsoft_has_a_portal() {
        for (cloud, ..) in graph::MICROSOFT_CLOUDS {
            assert!(PORTALS.iter().any(|(known, _)| *known == cloud), "{cloud}");
        }
    }
}
