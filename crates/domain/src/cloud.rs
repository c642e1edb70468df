//! The clouds in which tenants live. They come from configuration alone.

use serde::{Deserialize, Serialize};

/// A cloud as a page and the API show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudName {
    /// The id used in configuration and the API, such as `global`.
    pub id: String,
    /// Its name in words.
    pub name: String,
}

/// The ids and names of Microsoft's own clouds with their login and Graph origins
/// (graph.md §1).
pub const MICROSOFT_CLOUDS: [(&str, &str, &str, &str); 4] = [
    (
        "global",
        "Azure Global",
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
    ),
    (
        "us_gov_l4",
        "Azure US Government L4 (GCC High)",
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
    ),
    (
        "us_gov_l5",
        "Azure US Government L5 (DoD)",
        "https://login.microsoftonline.us",
        "https://dod-graph.microsoft.us",
    ),
    (
        "china",
        "Azure China (21Vianet)",
        "https://login.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
];
