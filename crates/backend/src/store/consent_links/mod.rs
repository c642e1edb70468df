//! Consent links: made for one customer, one application and one tenant, and what came of them.
//!
//! The tenant is named by whoever makes the link, who has to be somebody who may connect it
//! (`integrations::may_connect`). So whoever opens the link decides whether that tenant consents,
//! and never which tenant it is about.

mod make;
mod opened;
#[cfg(test)]
mod tests;

use domain::{
    DateTime,
    audit::AuditAction,
    consent_link::{ConsentLink, ConsentLinkState, ConsentPermission},
    id::{ConsentLinkId, CredentialProfileId, CustomerId, TenantId},
    permission::Permission,
    policy::ObjectType,
    run::RunError,
};
use graph::Resource;
use sqlx::FromRow;
use uuid::Uuid;

pub use make::{create, create_with, delete, offer};
pub(crate) use opened::{
    Opened, may_check, note_consent, note_error, note_roles, opened, prove, send_out, take_state,
};

use super::{audit::Entry, customers, read_json};
use crate::{Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional, in_scope};

/// How long a link that ended and proved nothing is kept to be seen.
const KEPT_DAYS: i64 = 30;

/// What of a link goes into the audit log.
const TOLD: [&str; 6] = [
    "credential_profile_id",
    "client_id",
    "cloud",
    "tenant",
    "object_types",
    "expires_at",
];

fn entry(action: AuditAction, link: &ConsentLink) -> Entry<'_> {
    Entry::new(action, link.id.0, &link.tenant).of(link.customer_id)
}

#[derive(Debug, FromRow)]
struct Row {
    id: ConsentLinkId,
    customer_id: CustomerId,
    credential_profile_id: CredentialProfileId,
    client_id: Uuid,
    cloud: String,
    tenant: String,
    object_types: String,
    created_by: String,
    created_at: DateTime,
    expires_at: DateTime,
    consented_at: Option<DateTime>,
    proven_at: Option<DateTime>,
    proven_tenant_id: Option<TenantId>,
    roles: String,
    error: Option<String>,
}

/// The columns of a [`Row`], of `consent_link l`.
macro_rules! columns {
    () => {
        "l.id, l.customer_id, l.credential_profile_id, l.client_id, l.cloud, l.tenant,
         l.object_types, l.created_by, l.created_at, l.expires_at, l.consented_at, l.proven_at,
         l.proven_tenant_id, l.roles, l.error"
    };
}
use columns;

impl Row {
    fn link(self, now: DateTime) -> Result<ConsentLink> {
        let state = if self.proven_at.is_some() {
            ConsentLinkState::Proven
        } else if self.expires_at <= now {
            ConsentLinkState::Ended
        } else if self.error.is_some() {
            ConsentLinkState::Failed
        } else if self.consented_at.is_some() {
            ConsentLinkState::Consented
        } else {
            ConsentLinkState::Waiting
        };
        let object_types: Vec<ObjectType> =
            read_json("consent_link.object_types", &self.object_types)?;
        let roles: Vec<String> = read_json("consent_link.roles", &self.roles)?;
        let error: Option<RunError> = match &self.error {
            Some(error) => Some(read_json("consent_link.error", error)?),
            None => None,
        };
        Ok(ConsentLink {
            id: self.id,
            customer_id: self.customer_id,
            credential_profile_id: self.credential_profile_id,
            client_id: self.client_id,
            cloud: self.cloud,
            tenant: self.tenant,
            permissions: permissions(&object_types, &roles),
            object_types,
            state,
            created_by: self.created_by,
            created_at: self.created_at,
            expires_at: self.expires_at,
            proven_tenant_id: self.proven_tenant_id,
            proven_at: self.proven_at,
            error,
        })
    }
}

/// The permissions that reading these types needs, and which of them are among `roles`.
fn permissions(object_types: &[ObjectType], roles: &[String]) -> Vec<ConsentPermission> {
    let needed = ObjectType::OBJECTS
        .into_iter()
        .filter(|of| object_types.contains(of))
        .map(|of| match of {
            ObjectType::User => (Resource::Users, "Read people, and what changed about them."),
            ObjectType::Group | ObjectType::Membership => (
                Resource::Groups,
                "Read groups and who is in them; nothing of what groups contain.",
            ),
            ObjectType::Contact => (Resource::Contacts, "Read the contacts of the organization."),
            ObjectType::Device => (Resource::Devices, "Read the devices that are registered."),
        });
    let name = (
        Resource::Organization,
        "Read the organization’s name, to show it.",
    );
    needed
        .chain([name])
        .map(|(resource, purpose)| ConsentPermission {
            name: resource.least_role().to_owned(),
            purpose: purpose.to_owned(),
            granted: resource
                .roles()
                .iter()
                .any(|role| roles.iter().any(|has| has == role)),
        })
        .collect()
}

/// The links of a customer, the newest first.
pub async fn list(b: &Backend, scope: &Scope, customer: CustomerId) -> Result<Vec<ConsentLink>> {
    let mut tx = b.db.read().await?;
    customers::find(&mut tx, scope, customer).await?;
    scope.require(Permission::IntegrationsRead)?;
    let now = b.clock.now();
    let rows = fetch_all!(
        &mut tx,
        Row,
        concat!(
            "SELECT ",
            columns!(),
            " FROM consent_link l WHERE l.customer_id = $1 ORDER BY l.id DESC LIMIT 100"
        ),
        customer
    )?;
    rows.into_iter().map(|row| row.link(now)).collect()
}

/// One link.
pub async fn get(b: &Backend, scope: &Scope, id: ConsentLinkId) -> Result<ConsentLink> {
    let mut tx = b.db.read().await?;
    let link = find(b, &mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsRead)?;
    Ok(link)
}

async fn find(b: &Backend, tx: &mut Tx, scope: &Scope, id: ConsentLinkId) -> Result<ConsentLink> {
    let row = fetch_optional!(
        tx,
        Row,
        concat!(
            "SELECT ",
            columns!(),
            " FROM consent_link l JOIN customer c ON c.id = l.customer_id
              WHERE l.id = $3 AND c.deleted_at IS NULL AND ",
            in_scope!("l.customer_id")
        ),
        scope.all(),
        scope.grantee(),
        id
    )?;
    row.ok_or(Error::NotFound("consent link"))?
        .link(b.clock.now())
}

/// The tenant that a link proved for this customer and this profile, by the text by which it was
/// named or by its id. None where the profile has another application by now.
pub(crate) async fn proven_tenant(
    tx: &mut Tx,
    customer: CustomerId,
    cloud: &str,
    tenant: &str,
    profile: CredentialProfileId,
) -> Result<Option<TenantId>> {
    let found = fetch_optional!(
        tx,
        (TenantId,),
        "SELECT l.proven_tenant_id FROM consent_link l
           JOIN credential_profile p ON p.id = l.credential_profile_id AND p.client_id = l.client_id
          WHERE l.customer_id = $1 AND l.cloud = $2 AND l.credential_profile_id = $3
            AND l.proven_tenant_id IS NOT NULL AND (l.tenant = $4 OR l.proven_tenant_id = $5)
          ORDER BY l.id DESC LIMIT 1",
        customer,
        cloud,
        profile,
        tenant,
        Uuid::try_parse(tenant).ok()
    )?;
    Ok(found.map(|(tenant,)| tenant))
}

/// Removes links that ended a while ago and proved nothing.
pub(crate) async fn delete_old(b: &Backend) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM consent_link WHERE proven_at IS NULL AND expires_at <= $1",
        b.clock.now() - chrono::Duration::days(KEPT_DAYS)
    )?;
    tx.commit().await
}
