//! Devices of a customer's directory: computers and phones that its tenant knows.

use serde::{Deserialize, Serialize};

use crate::{
    directory::directory_object,
    id::{DeviceId, ExternalId, IntegrationId},
    policy::ObjectType,
    user::{DirectoryStatus, SourceType},
};

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// Its id here.
    pub id: DeviceId,
    /// Its object id in the source; null where made by hand.
    pub external_id: Option<ExternalId>,
    /// The id that the device knows of itself; another one than its object id.
    pub device_id: Option<String>,
    /// Its name.
    pub display_name: String,
    /// Its operating system, such as `Windows`.
    pub operating_system: Option<String>,
    /// The operating system's version.
    pub operating_system_version: Option<String>,
    /// How the tenant knows it: `AzureAd`, `ServerAd` or `Workplace`.
    pub trust_type: Option<String>,
    /// Whether it keeps the tenant's rules for devices; null where nobody looks.
    pub is_compliant: Option<bool>,
    /// Whether the tenant manages it; null where that isn't known.
    pub is_managed: Option<bool>,
    /// Whether it is in use.
    pub status: DirectoryStatus,
    /// Where it comes from.
    pub source_type: SourceType,
    /// The integration it comes from.
    pub integration_id: Option<IntegrationId>,
}

directory_object!(Device, ObjectType::Device);

/// A trust type in the words of Microsoft's own pages (device resource type, `trustType`); one
/// that isn't known stays as it is.
pub fn trust_words(trust_type: &str) -> &str {
    match trust_type {
        "AzureAd" => "Entra joined",
        "ServerAd" => "Entra hybrid joined",
        "Workplace" => "Entra registered",
        other => other,
    }
}
