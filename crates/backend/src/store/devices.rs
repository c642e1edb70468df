//! Devices of the customers' directories: found, shown, written out.

use bytes::Bytes;
use domain::{
    device::{Device, trust_words},
    directory::{DirectoryDetail, DirectoryLine},
    id::{CustomerId, DeviceId},
    paging::{ListRequest, Listing, Page},
    user::MemberOf,
};
use futures::Stream;
use serde_json::{Map, Value};
use sqlx::FromRow;

use super::directory::{self, Common, DirectoryQuery, Listed, text};
use crate::{Backend, Result, Scope};

/// What only devices have stands in their attributes.
#[derive(FromRow)]
pub(super) struct DeviceRow {}

impl Listed for Device {
    const OWN: &'static str = "";
    type Own = DeviceRow;
    const HEAD: &'static [&'static str] = &[
        "Name",
        "Operating System",
        "Version",
        "Trust Type",
        "Compliant",
        "Managed",
        "Status",
        "Source Type",
        "Customer",
        "Device Id",
        "Object Id",
    ];

    fn of(common: &Common, _own: DeviceRow, attributes: &Map<String, Value>) -> Self {
        let flag = |name: &str| attributes.get(name).and_then(Value::as_bool);
        Self {
            id: DeviceId(common.id),
            external_id: common.external_id,
            device_id: text(attributes, "deviceId"),
            display_name: common.display_name.clone(),
            operating_system: text(attributes, "operatingSystem"),
            operating_system_version: text(attributes, "operatingSystemVersion"),
            trust_type: text(attributes, "trustType"),
            is_compliant: flag("isCompliant"),
            is_managed: flag("isManaged"),
            status: common.status,
            source_type: common.source_type,
            integration_id: common.integration_id,
        }
    }

    fn cells(line: DirectoryLine<Self>) -> Vec<String> {
        let device = line.object;
        let flag = |flag: Option<bool>| match flag {
            Some(true) => "Yes".to_owned(),
            Some(false) => "No".to_owned(),
            None => String::new(),
        };
        vec![
            device.display_name,
            device.operating_system.unwrap_or_default(),
            device.operating_system_version.unwrap_or_default(),
            device
                .trust_type
                .map(|trust_type| trust_words(&trust_type).to_owned())
                .unwrap_or_default(),
            flag(device.is_compliant),
            flag(device.is_managed),
            device.status.title().to_owned(),
            device.source_type.to_string(),
            line.customer_name,
            device.device_id.unwrap_or_default(),
            device
                .external_id
                .map(|id| id.to_string())
                .unwrap_or_default(),
        ]
    }
}

/// One page of the Devices list.
pub async fn list(
    b: &Backend,
    scope: &Scope,
    query: DirectoryQuery,
) -> Result<Page<DirectoryLine<Device>>> {
    directory::list(b, scope, query).await
}

/// A customer's devices by name, also deleted ones, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    request: &ListRequest,
) -> Result<Listing<Device>> {
    directory::listing(b, scope, customer, request).await
}

/// One device.
pub async fn get(b: &Backend, scope: &Scope, id: DeviceId) -> Result<Device> {
    Ok(directory::line(b, scope, id.0).await?.object)
}

/// One device with everything its page shows.
pub async fn detail(b: &Backend, scope: &Scope, id: DeviceId) -> Result<DirectoryDetail<Device>> {
    directory::detail(b, scope, id.0).await
}

/// The groups that a device is a direct member of, by name.
pub async fn member_of(b: &Backend, scope: &Scope, id: DeviceId) -> Result<Vec<MemberOf>> {
    directory::member_of::<Device>(b, scope, id.0).await
}

/// Every matching device as CSV, by name.
pub fn csv(
    b: &Backend,
    scope: &Scope,
    query: DirectoryQuery,
) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
    directory::csv::<Device>(b, scope, query)
}

#[cfg(test)]
mod tests;
