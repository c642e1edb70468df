//! Integrations: a customer's connection to one source.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    group::GroupKind,
    id::{CredentialProfileId, CustomerId, ExternalId, IntegrationId, RunId, TenantId},
    pause::Pause,
    policy::Policy,
    run::RunStatus,
    schedule::Schedule,
    text_enum,
};

text_enum! {
    /// What kind of source an integration connects to. The others of product.md come with
    /// their sources.
    pub enum IntegrationKind {
        /// An Entra ID tenant.
        EntraId = "entra_id",
    }
}

impl IntegrationKind {
    /// The kind in the seed's words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::EntraId => "Entra ID Sync",
        }
    }
}

text_enum! {
    /// How an integration is.
    pub enum IntegrationState {
        /// Its first full run was not started yet, or did not succeed.
        NotStarted = "not_started",
        /// Its last run succeeded.
        Ok = "ok",
        /// Its last run failed; it is tried again.
        Failing = "failing",
        /// Sign-in failed again and again; scheduled runs stopped.
        Quarantined = "quarantined",
        /// Someone paused its scheduled runs, its customer's or all.
        Paused = "paused",
        /// Switched off.
        Disabled = "disabled",
    }
}

impl IntegrationState {
    /// The state in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NotStarted => "Not started",
            Self::Ok => "Current",
            Self::Failing => "Failing",
            Self::Quarantined => "Quarantined",
            Self::Paused => "Paused",
            Self::Disabled => "Disabled",
        }
    }
}

/// A group chosen in `policy.selected_group_ids`, as it was known when it was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct SelectedGroup {
    /// Its object id in the source.
    pub external_id: ExternalId,
    /// Its name when last seen; null where it was given by id alone and not seen yet.
    pub display_name: Option<String>,
    /// Its kind when last seen.
    pub kind: Option<GroupKind>,
    /// Its direct members when last counted.
    pub member_count: Option<i64>,
}

/// An integration with its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Its customer.
    pub customer_id: CustomerId,
    /// What it connects to.
    pub kind: IntegrationKind,
    /// The tenant's display name once known, else the tenant as given.
    pub name: String,
    /// The tenant as given: a domain or a GUID.
    pub tenant: String,
    /// The tenant's own id, pinned at the first proven connection.
    pub tenant_id: Option<TenantId>,
    /// The cloud's id.
    pub cloud: String,
    /// The credential in use.
    pub credential_profile_id: CredentialProfileId,
    /// Whether it runs.
    pub enabled: bool,
    /// "Perform a full scan on next run".
    pub full_scan_next: bool,
    /// When it runs by itself.
    pub schedule: Schedule,
    /// The customer's time zone, in which the schedule's times of day are.
    pub time_zone: String,
    /// What decides.
    pub policy: Policy,
    /// How it is.
    pub state: IntegrationState,
    /// Set while it doesn't run by itself since someone paused it, its customer or everything;
    /// the nearest of them.
    pub pause: Option<Pause>,
    /// Runs that failed since the last that didn't: the more, the later the next try.
    pub failures: i64,
    /// When its last run started.
    pub last_sync_started_at: Option<DateTime>,
    /// How its last run ended, or is.
    pub last_sync_status: Option<RunStatus>,
    /// When it runs next by itself; null where it doesn't.
    pub next_run_at: Option<DateTime>,
}

/// A line of the Integrations list, with the names the list shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationLine {
    /// Its id.
    pub id: IntegrationId,
    /// Its customer.
    pub customer_id: CustomerId,
    /// The customer's name.
    pub customer_name: String,
    /// Its name.
    pub name: String,
    /// The tenant as given.
    pub tenant: String,
    /// The cloud's id.
    pub cloud: String,
    /// Whether it runs.
    pub enabled: bool,
    /// The credential profile.
    pub credential_profile_id: CredentialProfileId,
    /// The credential profile's name.
    pub profile_name: String,
    /// How it is.
    pub state: IntegrationState,
    /// Its last run.
    pub last_run_id: Option<RunId>,
    /// When that started.
    pub last_sync_started_at: Option<DateTime>,
    /// How that ended, or is.
    pub last_sync_status: Option<RunStatus>,
    /// What came of it in a few words: "3 changed", "Client secret expired, AADSTS7000222",
    /// "62 %".
    pub last_sync_detail: String,
}

/// What is given to add an integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewIntegration {
    /// What it connects to.
    pub kind: IntegrationKind,
    /// A domain or a GUID.
    pub tenant: String,
    /// The cloud's id.
    #[serde(default = "global")]
    pub cloud: String,
    /// The credential.
    pub credential_profile_id: CredentialProfileId,
    /// Whether it runs; on by default.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// When it runs by itself.
    #[serde(default)]
    pub schedule: Schedule,
    /// What decides.
    #[serde(default)]
    pub policy: Policy,
}

fn yes() -> bool {
    true
}

fn global() -> String {
    "global".to_owned()
}

/// What can be changed of an integration; an absent field stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct IntegrationChange {
    /// Another credential.
    #[serde(default)]
    pub credential_profile_id: Option<CredentialProfileId>,
    /// On or off. Off cancels the running run.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// "Perform a full scan on next run".
    #[serde(default)]
    pub full_scan_next: Option<bool>,
    /// When it runs by itself.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// The whole policy, replacing the old one.
    #[serde(default)]
    pub policy: Option<Policy>,
}

text_enum! {
    /// What happens to an integration's people when it is deleted.
    pub enum People {
        /// They stay and become Manual.
        Keep = "keep",
        /// They become inactive (the default).
        Deactivate = "deactivate",
        /// They become inactive and are deleted after 30 days.
        Delete = "delete",
    }
}

/// A group found by typing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupHit {
    /// Its object id.
    pub id: ExternalId,
    /// Its name.
    pub display_name: String,
    /// Its kind.
    pub kind: GroupKind,
    /// Whether its members follow a rule.
    pub dynamic: bool,
    /// Whether it can be chosen.
    pub can_sync: bool,
    /// Why it can't be chosen.
    pub reason: Option<String>,
    /// Its direct members; null until asked for.
    pub member_count: Option<i64>,
}
