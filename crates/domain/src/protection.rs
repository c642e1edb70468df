//! People that no run touches.

use serde::{Deserialize, Serialize};

use crate::DateTime;

/// That a user is protected from sync: no run updates, disables, enables or deletes it, nor takes
/// a membership from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Protection {
    /// Who protected it: a person's or a token's name.
    pub by: String,
    /// Since when.
    pub at: DateTime,
    /// Why, in their words; may be empty.
    pub note: String,
}

/// What a user is protected with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NewProtection {
    /// Why: a sentence or a ticket number, at most 500 characters. Kept in the audit log.
    pub note: String,
}
