//! Consent links: with one, an administrator of a customer's tenant, who has no account here, lets
//! the partner's application read it, by Microsoft's admin consent.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    DateTime,
    id::{ConsentLinkId, CredentialProfileId, CustomerId, IntegrationId, TenantId},
    policy::ObjectType,
    run::RunError,
    text_enum,
};

/// Days a link is good for.
pub const LIFETIME_DAYS: i64 = 7;

text_enum! {
    /// How far a link came.
    pub enum ConsentLinkState {
        /// Nobody has consented by it yet.
        Waiting = "waiting",
        /// What was tried last failed; it can be tried again.
        Failed = "failed",
        /// Microsoft said that somebody consented; its sign-in service doesn't know of it yet.
        Consented = "consented",
        /// A token proved the tenant.
        Proven = "proven",
        /// Its time is over, or a newer one took its place, and nothing came of it.
        Ended = "ended",
        /// Somebody ended it before its time, and nothing came of it.
        Revoked = "revoked",
    }
}

impl ConsentLinkState {
    /// The state as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Failed => "Failed",
            Self::Consented => "Consented, not known everywhere yet",
            Self::Proven => "Authorized",
            Self::Ended => "Ended",
            Self::Revoked => "Revoked",
        }
    }
}

/// An application permission of Microsoft Graph that the link is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsentPermission {
    /// Its name, such as `User.Read.All`.
    pub name: String,
    /// What Rollcall does with it.
    pub purpose: String,
    /// Whether the last token had it, or one that includes it.
    pub granted: bool,
}

/// A link, without what makes it secret, which is shown once and kept as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsentLink {
    /// Its id.
    pub id: ConsentLinkId,
    /// The one customer it is for.
    pub customer_id: CustomerId,
    /// The credential profile whose application is consented to.
    pub credential_profile_id: CredentialProfileId,
    /// The application (client) id.
    pub client_id: Uuid,
    /// The cloud's id.
    pub cloud: String,
    /// The one tenant it is for: a domain or a GUID.
    pub tenant: String,
    /// What will be read.
    pub object_types: Vec<ObjectType>,
    /// The permissions that this needs.
    pub permissions: Vec<ConsentPermission>,
    /// Whether an administrator of the tenant has to sign in beside consenting: who made the link
    /// doesn't see all customers, and the profile is a shared one.
    pub needs_sign_in: bool,
    /// How far it came.
    pub state: ConsentLinkState,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime,
    /// When it ends.
    pub expires_at: DateTime,
    /// When it was revoked.
    pub revoked_at: Option<DateTime>,
    /// When it was last opened, to the minute.
    pub opened_at: Option<DateTime>,
    /// The tenant's own id, once a token proved it.
    pub proven_tenant_id: Option<TenantId>,
    /// When that was.
    pub proven_at: Option<DateTime>,
    /// What failed last, and what to do; null once it was proven.
    pub error: Option<RunError>,
}

/// A link as those see it who look after the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsentLinkLine {
    /// The link.
    #[serde(flatten)]
    pub link: ConsentLink,
    /// The name of its credential profile.
    pub credential_profile_name: String,
    /// The customer's integration with its tenant and its profile; null while there is none.
    pub integration_id: Option<IntegrationId>,
    /// The name of that integration.
    pub integration_name: Option<String>,
}

/// A link that was made just now: its address is told this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsentLinkMade {
    /// The link.
    #[serde(flatten)]
    pub link: ConsentLink,
    /// What to send to the customer's administrator.
    pub url: String,
}

impl std::fmt::Debug for ConsentLinkMade {
    /// Without the address, which must not get into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentLinkMade")
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

/// What is given to make a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewConsentLink {
    /// The credential profile whose application is consented to: one of a multi-tenant application.
    pub credential_profile_id: CredentialProfileId,
    /// The cloud's id; `global` where absent.
    #[serde(default = "global")]
    pub cloud: String,
    /// The customer's tenant: a domain or a GUID.
    pub tenant: String,
    /// What will be read; users and groups where absent.
    #[serde(default = "users_and_groups")]
    pub object_types: Vec<ObjectType>,
}

fn global() -> String {
    "global".to_owned()
}

fn users_and_groups() -> Vec<ObjectType> {
    vec![ObjectType::User, ObjectType::Group]
}

/// A link as whoever opens it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRequest {
    /// The link.
    pub link: ConsentLink,
    /// The customer's name.
    pub customer_name: String,
    /// The host of the cloud's sign-in service.
    pub authority: String,
    /// The host of this installation.
    pub installation: String,
}
