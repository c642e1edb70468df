//! Every state of settings that was ever saved: of an integration, of a policy template, and of a
//! customer.

use serde::{Deserialize, Serialize};

use super::SettingsDifference;
use crate::{DateTime, text_enum};

text_enum! {
    /// Why a version was saved.
    pub enum VersionCause {
        /// The integration, template or customer was added.
        Created = "created",
        /// Somebody saved settings.
        Saved = "saved",
        /// A preview was applied with the settings it was made for.
        PreviewApplied = "preview_applied",
        /// An older version was restored.
        Restored = "restored",
        /// A settings file was imported.
        Imported = "imported",
        /// It follows a policy template.
        Template = "template",
    }
}

/// Why a version was saved, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionSource {
    /// Why.
    pub cause: VersionCause,
    /// The version that was restored, or the template's.
    pub number: Option<i64>,
    /// The template's name.
    pub name: Option<String>,
}

impl VersionSource {
    /// A cause that names nothing else.
    pub const fn of(cause: VersionCause) -> Self {
        Self {
            cause,
            number: None,
            name: None,
        }
    }

    /// An older version.
    pub const fn restored(number: i64) -> Self {
        Self {
            cause: VersionCause::Restored,
            number: Some(number),
            name: None,
        }
    }

    /// A version of a template.
    pub const fn template(name: String, number: i64) -> Self {
        Self {
            cause: VersionCause::Template,
            number: Some(number),
            name: Some(name),
        }
    }
}

impl std::fmt::Display for VersionSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = self.number.unwrap_or_default();
        match self.cause {
            VersionCause::Created => f.write_str("Added"),
            VersionCause::Saved => f.write_str("Saved"),
            VersionCause::PreviewApplied => f.write_str("Preview applied"),
            VersionCause::Restored => write!(f, "Restored from version {number}"),
            VersionCause::Imported => f.write_str("Imported from a file"),
            VersionCause::Template => {
                let name = self.name.as_deref().unwrap_or_default();
                write!(f, "Template {name}, version {number}")
            }
        }
    }
}

/// One version of settings: of an integration, a policy template or a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Version<S> {
    /// Its number, from 1.
    pub number: i64,
    /// Why it was saved.
    pub source: VersionSource,
    /// Who saved it: a person's or a token's name.
    pub saved_by: String,
    /// When.
    pub saved_at: DateTime,
    /// The settings.
    pub settings: S,
}

/// A version as its page shows it: with how it differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView<S> {
    /// The version.
    pub version: Version<S>,
    /// What restoring it would change.
    pub from_now: SettingsDifference,
    /// How it differs from the version that was asked for.
    pub from_other: Option<(i64, SettingsDifference)>,
    /// The number of the newest version.
    pub newest: i64,
}

/// A line of a list of versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionLine {
    /// Its number, from 1.
    pub number: i64,
    /// Why it was saved.
    pub source: VersionSource,
    /// Who saved it: a person's or a token's name.
    pub saved_by: String,
    /// When.
    pub saved_at: DateTime,
    /// What the settings are called that differ from the version before; none of the first.
    pub changed: Vec<String>,
}

/// What a version is restored with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RestoreRequest {
    /// The hash of the difference, or of a template's effect, that was looked at. Where it is given and something else is saved
    /// by now, nothing is restored.
    pub hash: Option<String>,
}
