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
