//! Consent links: made for one customer, one application and one tenant, and what came of them.
//!
//! The tenant is named by whoever makes the link. Either they are somebody who may connect it
//! (`integrations::may_connect`), or an administrator of it has to sign in as well
//! (`integrations::may_ask`). So whoever opens the link decides whether that tenant consents, and never
//! which tenant it is about.

mod make;
mod opened;
#[cfg(test)]
mod tests;

use domain::{
    DateTime,
    audit::AuditAction,
    consent_link::{ConsentLink, ConsentLinkLine, ConsentLinkState, ConsentPermission},
    id::{ConsentLinkId, CredentialProfileId, CustomerId, IntegrationId, TenantId},
    paging::{Cursor, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
    policy::ObjectType,
    run::RunError,
};
use graph::Resource;
use sqlx::FromRow;
use uuid::Uuid;

pub use make::{create, create_with, offer, revoke};
pub(crate) use opened::{
    Opened, SignedIn, Step, may_check, note_consent, note_error, note_opened, note_roles,
    note_signed_in, opened, prove, send_out, take_state,
};

use super::{audit::Entry, customers, paging, read_json};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional, fetch_scalar, in_scope,
};

/// How long a link that ended and proved nothing is kept to be seen.
const KEPT_DAYS: i64 = 30;

/// What of a link goes into the audit log.
const TOLD: [&str; 7] = [
    "credential_profile_id",
    "client_id",
    "cloud",
    "tenant",
    "object_types",
    "needs_sign_in",
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
    needs_sign_in: bool,
    created_by: String,
    created_at: DateTime,
    expires_at: DateTime,
    revoked_at: Option<DateTime>,
    opened_at: Option<DateTime>,
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
         l.object_types, l.needs_sign_in, l.created_by, l.created_at, l.expires_at, l.revoked_at, l.opened_at,
         l.consented_at, l.proven_at, l.proven_tenant_id, l.roles, l.error"
    };
}
use columns;

impl Row {
    fn link(self, now: DateTime) -> Result<ConsentLink> {
        let state = if self.proven_at.is_some() {
            ConsentLinkState::Proven
        } else if self.revoked_at.is_some() {
            ConsentLinkState::Revoked
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
            needs_sign_in: self.needs_sign_in,
            state,
            created_by: self.created_by,
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            opened_at: self.opened_at,
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

/// A link with what it is for. Its integration is the first that was added of those that fit.
#[derive(FromRow)]
struct LineRow {
    #[sqlx(flatten)]
    row: Row,
    credential_profile_name: String,
    integration_id: Option<IntegrationId>,
    integration_name: Option<String>,
}

impl LineRow {
    fn line(self, now: DateTime) -> Result<ConsentLinkLine> {
        Ok(ConsentLinkLine {
            link: self.row.link(now)?,
            credential_profile_name: self.credential_profile_name,
            integration_id: self.integration_id,
            integration_name: self.integration_name,
        })
    }
}

const LINE: &str = concat!(
    "SELECT ",
    columns!(),
    ", p.name AS credential_profile_name, i.id AS integration_id, i.name AS integration_name
       FROM consent_link l
       JOIN customer c ON c.id = l.customer_id AND c.deleted_at IS NULL
       JOIN credential_profile p ON p.id = l.credential_profile_id
       LEFT JOIN integration i ON i.id = (
            SELECT f.id FROM integration f
             WHERE f.customer_id = l.customer_id AND f.cloud = l.cloud
               AND f.credential_profile_id = l.credential_profile_id
               AND (f.tenant = l.tenant OR f.tenant_id = l.proven_tenant_id)
             ORDER BY f.id LIMIT 1)
      WHERE ",
    in_scope!("l.customer_id")
);

/// One page of the links of a customer, the newest first.
pub async fn list(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    page: PageRequest,
) -> Result<Page<ConsentLinkLine>> {
    let mut tx = b.db.read().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    scope.require(Permission::IntegrationsRead)?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM consent_link WHERE customer_id = $1",
        customer
    )?;
    let rows = fetch_all!(
        &mut tx,
        LineRow,
        sqlx::AssertSqlSafe(format!(
            "{LINE} AND l.customer_id = $3 ORDER BY l.id DESC LIMIT $4 OFFSET $5"
        )),
        scope.all(),
        scope.grantee(),
        customer,
        page.limit(),
        page.offset()
    )?;
    Ok(Page {
        items: lines(b, rows)?,
        total,
    })
}

fn lines(b: &Backend, rows: Vec<LineRow>) -> Result<Vec<ConsentLinkLine>> {
    let now = b.clock.now();
    rows.into_iter().map(|row| row.line(now)).collect()
}

/// The links of a customer, the newest first, for programs. `q` is a part of the tenant.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    request: &ListRequest,
) -> Result<Listing<ConsentLinkLine>> {
    let mut tx = b.db.read().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    scope.require(Permission::IntegrationsRead)?;
    let before = request.cursor.as_ref().map(|cursor| cursor.id);
    let rows = fetch_all!(
        &mut tx,
        LineRow,
        sqlx::AssertSqlSafe(format!(
            r"{LINE} AND l.customer_id = $3 AND ($4 IS NULL OR l.id < $4)
               AND ($5 IS NULL OR l.tenant LIKE $5 ESCAPE '\')
             ORDER BY l.id DESC LIMIT $6"
        )),
        scope.all(),
        scope.grantee(),
        customer,
        before,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    let items = lines(b, rows)?;
    Ok(paging::listing(items, request, |of: &ConsentLinkLine| {
        Cursor {
            after: String::new(),
            id: of.link.id.0,
        }
    }))
}

/// One link.
pub async fn get(b: &Backend, scope: &Scope, id: ConsentLinkId) -> Result<ConsentLinkLine> {
    let mut tx = b.db.read().await?;
    let line = find(b, &mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsRead)?;
    Ok(line)
}

async fn find(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: ConsentLinkId,
) -> Result<ConsentLinkLine> {
    let row = fetch_optional!(
        tx,
        LineRow,
        sqlx::AssertSqlSafe(format!("{LINE} AND l.id = $3")),
        scope.all(),
        scope.grantee(),
        id
    )?;
    row.ok_or(Error::NotFound("consent link"))?
        .line(b.clock.now())
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
