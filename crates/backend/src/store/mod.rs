//! What is kept, a file or a folder a noun. Every function that touches a customer's data takes
//! [`Scope`](crate::Scope); what the caller may not see is not found.

pub mod across;
mod attributes;
pub mod audit;
pub mod bulk;
mod by_name;
pub mod consent_links;
pub mod contacts;
pub mod countdown;
pub mod credential_profiles;
pub mod customer_versions;
pub mod customers;
pub mod devices;
pub mod directory;
mod elsewhere;
pub mod enrolment;
pub mod grid;
pub mod groups;
pub mod imports;
pub mod integration_versions;
pub mod integrations;
pub mod kept_attributes;
pub mod matches;
pub mod notification_recipients;
pub mod operators;
pub mod overview;
mod paging;
pub mod pauses;
pub mod policy_templates;
pub mod protected_rules;
pub mod protection;
pub mod runs;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod secrets_tests;
pub mod sessions;
pub mod settings_files;
pub mod tokens;
pub mod users;
pub mod versions;

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::{Error, Result};

/// Reads a JSON column; `column` names it where that fails.
pub(crate) fn read_json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::Internal(format!("{column} can’t be read: {error}")))
}

/// The text of a JSON column.
pub(crate) fn write_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::Internal(format!("a value can’t be written as JSON: {error}")))
}

/// Names a value: no other has the same hash. What somebody looked at before they confirm.
pub(crate) fn hash_of<T: Serialize>(value: &T) -> Result<String> {
    Ok(hex::encode(Sha256::digest(write_json(value)?)))
}

/// Refuses what was confirmed where something else is saved than what was looked at.
pub(crate) fn still(looked_at: Option<&str>, now: &str) -> Result<()> {
    if looked_at.is_none_or(|hash| hash == now) {
        return Ok(());
    }
    Err(Error::conflict(
        "The settings were changed since the difference was shown. Look at it again.",
    ))
}
