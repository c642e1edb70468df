//! Devices (graph.md §6.4). Without when one was last used (`approximateLastSignInDateTime`): that
//! changes all the time, and a delta round would bring every device for nothing else.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Extensions, Item, Removed, lenient};
use crate::resource::Resource;

/// A device, or the mark that one is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceItem {
    /// The object id; not the same as [`DeviceItem::device_id`].
    pub id: Uuid,
    /// Set where the device is gone; then nothing else is.
    #[serde(
        default,
        rename = "@removed",
        deserialize_with = "Removed::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub removed: Option<Removed>,
    /// The id the device itself knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_enabled: Option<bool>,
    /// Operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system_version: Option<String>,
    /// Whether it meets the tenant's rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_compliant: Option<bool>,
    /// Whether it is managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_managed: Option<bool>,
    /// `AzureAd`, `ServerAd` or `Workplace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_type: Option<String>,
    /// Maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When it was registered.
    #[serde(
        default,
        deserialize_with = "lenient::time",
        skip_serializing_if = "Option::is_none"
    )]
    pub registration_date_time: Option<DateTime<Utc>>,
    /// True while synced from on-premises, false when it was, none when never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_sync_enabled: Option<bool>,
    /// Directory schema extensions; none unless `$select` names them.
    #[serde(flatten)]
    pub extensions: Extensions,
}

impl Item for DeviceItem {
    const RESOURCE: Resource = Resource::Devices;
    const TYPE: &'static str = "device";
    const SELECT: &'static [&'static str] = &[
        "id",
        "deviceId",
        "displayName",
        "accountEnabled",
        "operatingSystem",
        "operatingSystemVersion",
        "isCompliant",
        "isManaged",
        "trustType",
        "manufacturer",
        "model",
        "registrationDateTime",
        "onPremisesSyncEnabled",
    ];
}
