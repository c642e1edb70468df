//! API tokens: what programs sign in with.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{ApiTokenId, CustomerId, OperatorId},
    permission::Role,
    text_enum,
};

/// What every token begins with, so that a leaked one can be found.
pub const PREFIX: &str = "rc_";
/// Days a token is good for where nothing else is chosen.
pub const LIFETIME_DAYS: i64 = 90;
/// The most days a token is good for. Rotating it gives it as many days again as it had.
pub const LIFETIME_DAYS_MAX: i64 = 366;
/// Hours for which the secret before is good too, where nothing else is chosen.
pub const OVERLAP_HOURS: u32 = 24;
/// The most hours for which the secret before is good too.
pub const OVERLAP_HOURS_MAX: u32 = 7 * 24;
/// The most network ranges from which a token can be used.
pub const ADDRESSES_MAX: usize = 20;

text_enum! {
    /// Whom a token is for. Either way it may do no more than the operator who answers for it may
    /// at that moment.
    pub enum ApiTokenKind {
        /// For the operator's own use: nobody else rotates it or takes it over.
        Personal = "personal",
        /// For a program that others look after too, and that outlives the operator who made it.
        Program = "program",
    }
}

text_enum! {
    /// A kind of list that programs read by pages. Which a token read on a day is in the audit log.
    pub enum ListKind {
        /// Customers.
        Customers = "customers",
        /// Versions of a customer's settings.
        CustomerVersions = "customer_versions",
        /// Credential profiles.
        CredentialProfiles = "credential_profiles",
        /// Integrations.
        Integrations = "integrations",
        /// Versions of an integration's settings.
        IntegrationVersions = "integration_versions",
        /// Matches of an integration.
        Matches = "matches",
        /// Policy templates.
        PolicyTemplates = "policy_templates",
        /// Integrations that follow a policy template.
        PolicyTemplateFollowers = "policy_template_followers",
        /// Versions of a policy template.
        PolicyTemplateVersions = "policy_template_versions",
        /// Runs.
        Runs = "runs",
        /// Changes of a run.
        RunChanges = "run_changes",
        /// Users of a directory.
        Users = "users",
        /// Groups of a directory.
        Groups = "groups",
        /// Members of a group.
        GroupMembers = "group_members",
        /// Contacts of a directory.
        Contacts = "contacts",
        /// Devices of a directory.
        Devices = "devices",
        /// Notification recipients.
        NotificationRecipients = "notification_recipients",
        /// Operators.
        Operators = "operators",
        /// API tokens.
        ApiTokens = "api_tokens",
        /// Consent links of a customer.
        ConsentLinks = "consent_links",
        /// The audit log.
        AuditEvents = "audit_events",
    }
}

impl ApiTokenKind {
    /// The kind as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Personal => "Personal",
            Self::Program => "Program",
        }
    }

    /// What the kind means, in a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Personal => "For what you do yourself. It ends with your account.",
            Self::Program => {
                "For something that runs without you. Another administrator can take it over."
            }
        }
    }
}

text_enum! {
    /// Whether a token can be used.
    pub enum ApiTokenState {
        /// It can.
        Active = "active",
        /// The operator who answers for it is disabled, or has a role that needs a second factor and
        /// none; it can be used again once that is mended, or once somebody takes it over.
        Stopped = "stopped",
        /// Its time is over.
        Expired = "expired",
        /// It was revoked.
        Revoked = "revoked",
    }
}

impl ApiTokenState {
    /// The state as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Stopped => "Stopped",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }
}

/// A token, without its secret, which is shown once and kept as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiToken {
    /// Its id.
    pub id: ApiTokenId,
    /// What it is for.
    pub name: String,
    /// Whom it is for.
    pub kind: ApiTokenKind,
    /// What it may do at most.
    pub role: Role,
    /// The customers it may see at most; null: all those of the operator who answers for it.
    pub customer_ids: Option<Vec<CustomerId>>,
    /// The networks it can be used from, as in RFC 4632; from anywhere where there are none.
    pub addresses: Vec<String>,
    /// The operator who answers for it: it never may do more than they may. Null: it was made on
    /// the machine itself.
    pub operator_id: Option<OperatorId>,
    /// Their name.
    pub operator_name: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime,
    /// When its present secret was made.
    pub secret_set_at: DateTime,
    /// Until when the secret before is good too; null where it isn't any more.
    pub previous_ends_at: Option<DateTime>,
    /// When it ends.
    pub expires_at: DateTime,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime>,
    /// From which network address that was.
    pub last_used_address: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime>,
    /// Whether it can be used.
    pub state: ApiTokenState,
}

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewApiToken {
    /// What it is for, 1 to 256 characters.
    pub name: String,
    /// Whom it is for.
    pub kind: ApiTokenKind,
    /// What it may do at most: nothing that the maker may not.
    pub role: Role,
    /// The customers it may see at most; none: all those of the maker.
    pub customer_ids: Option<Vec<CustomerId>>,
    /// The networks it can be used from, such as `203.0.113.0/24`; empty: from anywhere.
    pub addresses: Vec<String>,
    /// When it ends; none: after [`LIFETIME_DAYS`].
    pub expires_at: Option<DateTime>,
}

impl NewApiToken {
    /// For a program, over all customers of the maker, from anywhere, for the usual time.
    pub fn of_everything(name: &str, role: Role) -> Self {
        Self {
            name: name.to_owned(),
            kind: ApiTokenKind::Program,
            role,
            customer_ids: None,
            addresses: Vec::new(),
            expires_at: None,
        }
    }
}

/// A token with a new secret, which is told this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiTokenRotated {
    /// The token.
    #[serde(flatten)]
    pub token: ApiToken,
    /// Its new secret, to be sent as `Authorization: Bearer …`.
    pub secret: String,
}

/// For how long the secret before stays good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ApiTokenRotation {
    /// Hours, 0 to 168; 24 where absent.
    #[serde(default)]
    pub overlap_hours: Option<u32>,
}
