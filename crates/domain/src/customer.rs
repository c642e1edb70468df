//! Customers.

use serde::{Deserialize, Serialize};

use crate::{DateTime, id::CustomerId, pause::Pause, text::FieldError};

/// The time zone of a customer of whom nothing else was said.
pub const TIME_ZONE_DEFAULT: &str = "UTC";

/// Days a deleted customer can be restored before its rows are purged.
pub const BIN_DAYS: i64 = 30;

/// The most tags of one customer.
pub const TAGS_MAX: usize = 20;
/// The most characters of a tag.
pub const TAG_CHARS_MAX: usize = 40;

/// A tag as it is kept: in small letters, with single blanks, so that people who type it
/// differently mean the same one. 1 to [`TAG_CHARS_MAX`] characters, no comma.
pub fn parse_tag(field: &str, given: &str) -> Result<String, FieldError> {
    let tag = given
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    if tag.is_empty() {
        return Err(FieldError::new(field, "Enter a tag."));
    }
    if tag.chars().count() > TAG_CHARS_MAX {
        let message = format!("A tag has at most {TAG_CHARS_MAX} characters.");
        return Err(FieldError::new(field, message));
    }
    if tag.chars().any(|c| c.is_control() || c == ',') {
        let message = "Commas and control characters can’t be used in a tag.";
        return Err(FieldError::new(field, message));
    }
    Ok(tag)
}

/// Tags as they are kept: sorted, each once.
pub fn parse_tags(field: &str, given: &[String]) -> Result<Vec<String>, FieldError> {
    let mut tags = given
        .iter()
        .map(|tag| parse_tag(field, tag))
        .collect::<Result<Vec<_>, _>>()?;
    tags.sort_unstable();
    tags.dedup();
    Ok(tags)
}

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
    /// Its tags, sorted: roles can be given for the customers that have one.
    pub tags: Vec<String>,
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
    /// Other tags, in place of all that it has.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
}

/// A line of the Customers list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct CustomerLine {
    /// Its id.
    pub id: CustomerId,
    /// Its name.
    pub name: String,
    /// Its tags, sorted.
    #[cfg_attr(feature = "sqlx", sqlx(skip))]
    pub tags: Vec<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_however_it_is_typed() {
        for given in ["North Sea", " north  sea ", "NORTH\tSEA"] {
            assert_eq!(parse_tag("tags", given).unwrap(), "north sea");
        }
        assert!(parse_tag("tags", &"🏢".repeat(TAG_CHARS_MAX)).is_ok());
        for bad in ["", " ", "a,b", "a\u{7}b", &"a".repeat(TAG_CHARS_MAX + 1)] {
            assert_eq!(parse_tag("tags", bad).unwrap_err().field, "tags", "{bad}");
        }
        let given = ["b", "A", "a "].map(str::to_owned);
        assert_eq!(parse_tags("tags", &given).unwrap(), ["a", "b"]);
    }
}
