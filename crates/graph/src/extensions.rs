//! Which directory schema extensions a tenant has: properties that applications added to its objects
//! (graph.md §6.2). Only their definitions; values come with the objects.

use serde::Deserialize;

use crate::client::Client;
use crate::error::Result;
use crate::exchange::{Ask, Priority};
use crate::reading::List;
use crate::resource::Resource;
use crate::wire::lenient;

/// One directory schema extension.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionProperty {
    /// The property's name: `extension_<application id>_<name>`.
    pub name: String,
    /// The application that added it; none where Graph doesn't tell.
    #[serde(default)]
    pub app_display_name: Option<String>,
    /// Whether a sync from on-premises brought it.
    #[serde(default)]
    pub is_synced_from_on_premises: Option<bool>,
    /// The kinds of objects that can have it, such as `User`.
    #[serde(default, deserialize_with = "lenient::list")]
    pub target_objects: Vec<String>,
}

impl Client {
    /// The directory schema extensions of the tenant, those from on-premises and all others. In a
    /// tenant with more than 1,000 service principals Graph answers that there are none
    /// (learn.microsoft.com, "directoryObject: getAvailableExtensionProperties").
    ///
    /// # Errors
    /// [`crate::Error::PermissionMissing`] without `Directory.Read.All`; any of reading.
    pub async fn extension_properties(&self) -> Result<Vec<ExtensionProperty>> {
        let resource = Resource::Extensions;
        let url = self.target.cloud.graph_url(resource.path(), &[]);
        let ask = Ask {
            method: reqwest::Method::POST,
            // Without `isSyncedFromOnPremises` all are meant.
            json: Some(b"{}".to_vec()),
            ..Ask::get(url, resource, Priority::High)
        };
        Ok(self.ask::<List<ExtensionProperty>>(&ask).await?.value.value)
    }
}
