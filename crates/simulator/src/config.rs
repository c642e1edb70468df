//! What a farm is made of, and the switches of one tenant.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::{Clock, SystemClock};

/// What to build. The same configuration gives the same farm, ids and all; only the keys of the
/// certificates differ.
#[derive(Debug, Clone)]
pub struct FarmConfig {
    /// Decides every name and id.
    pub seed: u64,
    /// The tenants.
    pub tenants: Vec<TenantConfig>,
    /// One application id and secret for all tenants, as a partner with a multi-tenant
    /// application has (graph.md §12.1), instead of one for each.
    pub shared_app: bool,
    /// Where the farm takes the time from.
    pub clock: Arc<dyn Clock>,
}

impl Default for FarmConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            tenants: vec![TenantConfig::default()],
            shared_app: false,
            clock: Arc::new(SystemClock),
        }
    }
}

impl FarmConfig {
    /// A farm of one tenant with this many users and, in proportion, groups and memberships.
    pub fn with_users(seed: u64, users: usize) -> Self {
        Self {
            seed,
            tenants: vec![TenantConfig::sized(users)],
            ..Self::default()
        }
    }
}

/// What one tenant holds at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantConfig {
    /// Users, guests and disabled ones included.
    pub users: usize,
    /// Groups of all kinds.
    pub groups: usize,
    /// Direct memberships, about: what the groups can't hold is left out.
    pub memberships: usize,
    /// Organisational contacts.
    pub contacts: usize,
    /// Devices.
    pub devices: usize,
    /// Users already in the bin.
    pub deleted_users: usize,
    /// The initial domain, such as `contoso.onmicrosoft.example`; made up where absent.
    pub domain: Option<String>,
    /// The display name; made up where absent.
    pub display_name: Option<String>,
}

impl Default for TenantConfig {
    fn default() -> Self {
        Self::sized(30)
    }
}

impl TenantConfig {
    /// A tenant of this many users with groups, memberships, contacts and devices in proportion.
    pub fn sized(users: usize) -> Self {
        Self {
            users,
            groups: users / 20 + 6,
            memberships: users * 5,
            contacts: users / 10 + 2,
            devices: users / 4 + 2,
            deleted_users: users / 100 + 1,
            domain: None,
            display_name: None,
        }
    }
}

/// How one tenant behaves; changed while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Waited before every answer, milliseconds.
    pub latency_ms: u64,
    /// `expires_in` of access tokens, seconds (graph.md §2.1).
    pub token_lifetime_s: i64,
    /// How long a delta token is good for, seconds (graph.md §3.7: seven days).
    pub delta_token_lifetime_s: i64,
    /// How long a `$skiptoken` of a listing is good for, seconds.
    pub page_token_lifetime_s: i64,
    /// `Retry-After` of 429 and 503 answers, seconds.
    pub retry_after_s: u64,
    /// Resource units in ten seconds; absent: by the size of the tenant (graph.md §4).
    pub quota_units: Option<u64>,
    /// Objects on a delta page (graph.md §3.5).
    pub delta_page_objects: usize,
    /// Memberships on a delta page (graph.md §3.5).
    pub delta_page_links: usize,
    /// Whether a first delta round names what is in the bin (graph.md §3.3).
    pub removed_in_initial: bool,
    /// Whether delta rounds come in a shuffled order.
    pub shuffle_delta: bool,
    /// A delta round ends this many seconds in the past (graph.md §3.6, delayed visibility).
    pub replication_lag_s: i64,
    /// How long the bin keeps what was deleted, seconds (graph.md §3.3: thirty days).
    pub bin_s: i64,
    /// Access tokens lack the `oid` claim; Graph then knows no such caller (graph.md §2.1).
    pub oidless_tokens: bool,
    /// The directory roles of whoever signs in, by the ids of their templates: `wids` of ID tokens.
    /// Empty: the claim is left out, as where the application doesn't ask for it.
    pub directory_roles: Vec<Uuid>,
}

/// Global Administrator (learn.microsoft.com, "Microsoft Entra built-in roles").
pub const GLOBAL_ADMINISTRATOR: Uuid = Uuid::from_u128(0x62e9_0394_69f5_4237_9190_0121_7714_5e10);

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            token_lifetime_s: 3599,
            delta_token_lifetime_s: 7 * 86_400,
            page_token_lifetime_s: 3600,
            retry_after_s: 1,
            quota_units: None,
            delta_page_objects: 200,
            delta_page_links: 500,
            removed_in_initial: true,
            shuffle_delta: false,
            replication_lag_s: 0,
            bin_s: 30 * 86_400,
            oidless_tokens: false,
            directory_roles: vec![GLOBAL_ADMINISTRATOR],
        }
    }
}

/// How the tenant stands to the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppState {
    /// Registered, consented, enabled.
    Ready,
    /// AADSTS700016: the directory doesn't know it.
    Unknown,
    /// AADSTS7000229: known, but without a service principal here.
    NotConsented,
    /// AADSTS7000112: switched off by an administrator.
    Disabled,
    /// AADSTS53003: stopped by Conditional Access.
    Blocked,
    /// AADSTS500014: Graph's own service principal is switched off here.
    ResourceDisabled,
}

/// The application roles a tenant grants by default (graph.md §8).
pub(crate) fn default_roles() -> BTreeSet<String> {
    [
        "User.Read.All",
        "GroupMember.Read.All",
        "OrgContact.Read.All",
        "Device.Read.All",
        "Organization.Read.All",
    ]
    .map(str::to_owned)
    .into()
}
