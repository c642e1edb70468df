//! Customers.

use serde::{Deserialize, Serialize};

use crate::{DateTime, id::CustomerId, pause::Pause};

/// The time zone of a customer of whom nothing else was said.
pub const TIME_ZONE_DEFAULT: &str = "UTC";

/// Days a deleted customer can be restored before its rows are purged.
pub const BIN_DAYS: i64 = 30;

/// An organisation whose directory is kept here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Its name, as the partner calls it. Not unique.
    pub name: String,
    /// Its time zone, an IANA name such as `Europe/Amsterdam`: the times of day of its schedules
    /// are in it.
    pub time_zone: String,
    /// Set while someone paused the scheduled runs of all its integrations.
    pub pause: Option<Pause>,
    /// When it was added.
    pub created_at: DateTime,
    /// When it was put into the bin, where it is now; null for a customer in use.
    pub deleted_at: Option<DateTime>,
}

/// What can be changed of a customer; an absent field stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CustomerChange {
    /// Another name, 1 to 256 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// Another time zone, an IANA name such as `Europe/Amsterdam`.
    #[serde(default)]
    pub time_zone: Option<String>,
}

/// A line of the Customers list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct CustomerLine {
    /// Its id.
    pub id: CustomerId,
    /// Its name.
    pub name: String,
    /// When it was added.
    pub created_at: DateTime,
    /// When it was put into the bin.
    pub deleted_at: Option<DateTime>,
    /// When the scheduled runs of all its integrations were paused, where they are.
    pub paused_at: Option<DateTime>,
    /// Integrations it has.
    pub integrations: i64,
    /// Integrations that are failing or quarantined.
    pub failing: i64,
    /// Active users.
    pub active_users: i64,
    /// Active groups.
    pub active_groups: i64,
    /// Active contacts.
    pub active_contacts: i64,
    /// Active devices.
    pub active_devices: i64,
    /// When a run of any of its integrations last started.
    pub last_sync_started_at: Option<DateTime>,
}
