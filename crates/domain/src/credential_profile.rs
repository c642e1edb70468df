//! Credential profiles: named credentials that integrations share.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{CredentialProfileId, CustomerId, IntegrationId},
    notification::MailServerCheck,
    run::RunError,
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

/// Days before its end at which somebody is warned of a secret or certificate, each once.
pub const WARNED_DAYS: [i64; 5] = [60, 30, 14, 7, 1];

/// Years for which a certificate may be made.
pub const CERTIFICATE_YEARS: std::ops::RangeInclusive<u32> = 1..=2;

/// A credential profile, without its secret: secrets go in and never come out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Its SHA-1 thumbprint, hexadecimal, as Entra ID shows it.
    pub certificate_thumbprint_sha1: Option<String>,
    /// When it was added.
    pub created_at: DateTime,
    /// When its secret or certificate was last set.
    pub secret_set_at: DateTime,
    /// When a second secret took the place of the first; null: never.
    pub switched_at: Option<DateTime>,
    /// The code by which Entra ID refused the first, such as `AADSTS7000222`; null where a person
    /// chose the second.
    pub switched_because: Option<String>,
    /// The second secret or certificate: the next one, or the one used before.
    pub second: Option<SecondCredential>,
}

impl CredentialProfile {
    /// When it stops to work, as far as is known: when its secret ends, or where the next one was
    /// tried out, the later of the two.
    pub fn ends_at(&self) -> Option<DateTime> {
        match self.second.as_ref().filter(|second| second.is_ready()) {
            Some(second) => Some(self.expires_at?.max(second.expires_at?)),
            None => self.expires_at,
        }
    }
}

/// The second secret or certificate of a profile. Where Entra ID refuses the used one as wrong or
/// expired, it is tried, and used from then on if it signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecondCredential {
    /// How it proves itself.
    pub kind: CredentialKind,
    /// When it ends, if known.
    pub expires_at: Option<DateTime>,
    /// A certificate's SHA-256 thumbprint, hexadecimal; null for a secret.
    pub certificate_thumbprint: Option<String>,
    /// Its SHA-1 thumbprint, hexadecimal, as Entra ID shows it.
    pub certificate_thumbprint_sha1: Option<String>,
    /// When it was given, or made.
    pub set_at: DateTime,
    /// When it last signed in as a test; null: not yet.
    pub tested_at: Option<DateTime>,
    /// When the other one took its place; null: it was never used.
    pub replaced_at: Option<DateTime>,
}

impl SecondCredential {
    /// Whether it is the next one, and not the one used before.
    pub fn is_next(&self) -> bool {
        self.replaced_at.is_none()
    }

    /// Whether it is the next one and was tried out.
    pub fn is_ready(&self) -> bool {
        self.is_next() && self.tested_at.is_some()
    }
}

/// The fewest days before the end at which `ends_at` is to be warned of by now: 7 where five days
/// are left. None where it is far off, or over.
pub fn warned_days(now: DateTime, ends_at: DateTime) -> Option<i64> {
    let left = ends_at - now;
    WARNED_DAYS
        .into_iter()
        .rev()
        .find(|days| left <= chrono::Duration::days(*days))
        .filter(|_| left > chrono::Duration::zero())
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
    /// For `certificate`, instead of one: Rollcall makes it, valid for 1 or 2 years. Its private key
    /// never leaves Rollcall.
    #[serde(default)]
    pub certificate_years: Option<u32>,
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

/// What is given for a profile's second secret or certificate. It takes the place of a second one
/// that is there, never of the one in use.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSecondCredential {
    /// How it proves itself, which may be otherwise than the one in use.
    pub kind: CredentialKind,
    /// The secret's value, for `client_secret`.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// The certificate in PEM, for `certificate`.
    #[serde(default)]
    pub certificate_pem: Option<String>,
    /// Its private key in PEM (PKCS #8), for `certificate`.
    #[serde(default)]
    pub private_key_pem: Option<String>,
    /// For `certificate`, instead of one: Rollcall makes it, valid for 1 or 2 years. Its private key
    /// never leaves Rollcall.
    #[serde(default)]
    pub certificate_years: Option<u32>,
    /// When the secret ends. A certificate tells by itself.
    #[serde(default)]
    pub expires_at: Option<DateTime>,
}

impl std::fmt::Debug for NewSecondCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSecondCredential")
            .field("kind", &self.kind)
            .field("certificate_years", &self.certificate_years)
            .finish_non_exhaustive()
    }
}

/// Who would hear of a profile's end, of those the asker may see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WarningReach {
    /// Recipients that are told when a secret ends.
    pub recipients: i64,
    /// Of these, those to whom the last message could not be delivered.
    pub unreached: i64,
    /// Of these, those that never took a message, and were sent none that failed.
    pub untried: i64,
    /// Of these, those by mail while no mail server is set up, or the one that is would take none.
    pub without_mail: i64,
    /// What came of the last look at the mail server; null where there is none, or none yet.
    pub mail_server: Option<MailServerCheck>,
    /// Whether these are all there are: recipients of the installation are seen by those who look
    /// after all customers.
    pub complete: bool,
}

impl WarningReach {
    /// Whether nobody is known to hear of a warning, as far as the asker sees.
    pub fn is_nobody(&self) -> bool {
        self.recipients <= self.in_doubt()
    }

    /// Recipients of whom nothing says that a warning would reach them.
    pub fn in_doubt(&self) -> i64 {
        self.unreached + self.untried + self.without_mail
    }

    /// Why the mail server would take no mail, where somebody is to be told by mail.
    pub fn mail_error(&self) -> Option<&RunError> {
        let check = self.mail_server.as_ref()?;
        check.error.as_ref().filter(|_| self.without_mail > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Duration;

    #[test]
    fn a_warning_is_due_by_the_fewest_days_that_are_left() {
        let now = DateTime::default();
        let due = |hours| warned_days(now, now + Duration::hours(hours));
        for (hours, days) in [
            (61 * 24, None),
            (60 * 24, Some(60)),
            (31 * 24, Some(60)),
            (30 * 24, Some(30)),
            (15 * 24, Some(30)),
            (14 * 24, Some(14)),
            (5 * 24, Some(7)),
            (25, Some(7)),
            (24, Some(1)),
            (1, Some(1)),
            (0, None),
            (-1, None),
        ] {
            assert_eq!(due(hours), days, "{hours} h");
        }
    }

    #[test]
    fn a_next_secret_counts_once_it_was_tried_out() {
        let at = |day: i64| DateTime::default() + Duration::days(day);
        let second = SecondCredential {
            kind: CredentialKind::ClientSecret,
            expires_at: Some(at(90)),
            certificate_thumbprint: None,
            certificate_thumbprint_sha1: None,
            set_at: at(0),
            tested_at: None,
            replaced_at: None,
        };
        let profile = |second| CredentialProfile {
            id: CredentialProfileId(uuid::Uuid::nil()),
            customer_id: None,
            name: "P".to_owned(),
            kind: CredentialKind::ClientSecret,
            client_id: uuid::Uuid::nil(),
            expires_at: Some(at(30)),
            certificate_thumbprint: None,
            certificate_thumbprint_sha1: None,
            created_at: at(0),
            secret_set_at: at(0),
            switched_at: None,
            switched_because: None,
            second,
        };
        assert_eq!(profile(None).ends_at(), Some(at(30)));
        assert_eq!(profile(Some(second.clone())).ends_at(), Some(at(30)));
        let tested = SecondCredential {
            tested_at: Some(at(1)),
            ..second
        };
        assert_eq!(profile(Some(tested.clone())).ends_at(), Some(at(90)));
        let unknown = SecondCredential {
            expires_at: None,
            ..tested.clone()
        };
        assert_eq!(profile(Some(unknown)).ends_at(), None);
        let used_before = SecondCredential {
            replaced_at: Some(at(2)),
            ..tested
        };
        assert_eq!(profile(Some(used_before)).ends_at(), Some(at(30)));
    }
}
