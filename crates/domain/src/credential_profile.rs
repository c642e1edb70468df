//! Credential profiles: named credentials that integrations share.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{CredentialProfileId, CustomerId, IntegrationId},
    text_enum,
};

text_enum! {
    /// How a profile proves itself to Entra ID.
    pub enum CredentialKind {
        /// A client secret.
        ClientSecret = "client_secret",
        /// A certificate with its private key.
        Certificate = "certificate",
    }
}

impl CredentialKind {
    /// The kind as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::ClientSecret => "Client secret",
            Self::Certificate => "Certificate",
        }
    }
}

/// A credential profile, without its secret: secrets go in and never come out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CredentialProfile {
    /// Its id.
    pub id: CredentialProfileId,
    /// The one customer it is for; null: shared by all.
    pub customer_id: Option<CustomerId>,
    /// Its name.
    pub name: String,
    /// How it proves itself.
    pub kind: CredentialKind,
    /// The application (client) id, a GUID.
    pub client_id: uuid::Uuid,
    /// When the secret or certificate ends, if known.
    pub expires_at: Option<DateTime>,
    /// A certificate's SHA-256 thumbprint, hexadecimal; null for a secret.
    pub certificate_thumbprint: Option<String>,
    /// When it was added.
    pub created_at: DateTime,
    /// When its secret or certificate was last set.
    pub secret_set_at: DateTime,
}

/// An integration that uses a profile, as far as the asker may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct ProfileUse {
    /// The integration.
    pub integration_id: IntegrationId,
    /// Its name.
    pub integration_name: String,
    /// Its customer.
    pub customer_id: CustomerId,
    /// The customer's name.
    pub customer_name: String,
}

/// A line of the Credential Profiles list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialProfileLine {
    /// The profile.
    pub profile: CredentialProfile,
    /// The customer's name where it is for one customer.
    pub customer_name: Option<String>,
    /// Integrations that use it, of those the asker may see.
    pub used_by: i64,
}

/// What is given to add a profile. Secrets are plain text on their way in and nowhere else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewCredentialProfile {
    /// The one customer it is for; absent: shared by all.
    #[serde(default)]
    pub customer_id: Option<CustomerId>,
    /// Its name.
    pub name: String,
    /// How it proves itself.
    pub kind: CredentialKind,
    /// The application (client) id.
    pub client_id: String,
    /// The secret's value, for `client_secret`.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// The certificate in PEM, for `certificate`.
    #[serde(default)]
    pub certificate_pem: Option<String>,
    /// Its private key in PEM (PKCS #8), for `certificate`.
    #[serde(default)]
    pub private_key_pem: Option<String>,
    /// When the secret ends. A certificate tells by itself.
    #[serde(default)]
    pub expires_at: Option<DateTime>,
}

impl std::fmt::Debug for NewCredentialProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewCredentialProfile")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// What can be changed of a profile; an absent field stays as it is. A new secret or certificate
/// replaces the old one whole.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CredentialProfileChange {
    /// A new name.
    #[serde(default)]
    pub name: Option<String>,
    /// Another application id.
    #[serde(default)]
    pub client_id: Option<String>,
    /// A new secret.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// A new certificate, together with its key.
    #[serde(default)]
    pub certificate_pem: Option<String>,
    /// The new certificate's key.
    #[serde(default)]
    pub private_key_pem: Option<String>,
    /// When the new secret ends.
    #[serde(default)]
    pub expires_at: Option<DateTime>,
}

impl std::fmt::Debug for CredentialProfileChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialProfileChange")
            .field("name", &self.name)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
