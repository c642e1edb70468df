//! Pausing: scheduled runs stop until someone resumes. Runs that a person or a program starts
//! always go (sync.md rule 14).

use serde::{Deserialize, Serialize};

use crate::{DateTime, text::FieldError, text_enum};

/// The longest reason for a pause, characters.
pub const REASON_CHARS_MAX: usize = 500;

text_enum! {
    /// What was paused.
    pub enum PauseLevel {
        /// One integration.
        Integration = "integration",
        /// Every integration of a customer.
        Customer = "customer",
        /// Everything of this installation.
        All = "all",
    }
}

/// That scheduled runs are paused, since when, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pause {
    /// What was paused.
    pub level: PauseLevel,
    /// When.
    pub at: DateTime,
    /// Who paused it, by name.
    pub by: String,
    /// Why, where they said so.
    pub reason: Option<String>,
}

impl Pause {
    /// From the columns `paused_at`, `paused_by` and `pause_reason` of a row.
    pub fn of(
        level: PauseLevel,
        at: Option<DateTime>,
        by: Option<String>,
        reason: Option<String>,
    ) -> Option<Self> {
        Some(Self {
            level,
            at: at?,
            by: by.unwrap_or_default(),
            reason,
        })
    }
}

/// What is given to pause.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPause {
    /// Why, for whoever finds it paused; at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

impl NewPause {
    /// The reason, trimmed; none where it is blank.
    pub fn checked(self) -> Result<Option<String>, FieldError> {
        let Some(reason) = self.reason else {
            return Ok(None);
        };
        let reason = reason.trim();
        if reason.chars().count() > REASON_CHARS_MAX {
            return Err(FieldError::new(
                "reason",
                format!("Use at most {REASON_CHARS_MAX} characters."),
            ));
        }
        if reason.chars().any(char::is_control) {
            return Err(FieldError::new(
                "reason",
                "Line breaks and control characters can’t be used here.",
            ));
        }
        Ok((!reason.is_empty()).then(|| reason.to_owned()))
    }
}

/// How the sync of the whole installation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncStanding {
    /// Set while everything is paused.
    pub pause: Option<Pause>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_trimmed_and_bounded() {
        let given = |reason: &str| NewPause {
            reason: Some(reason.to_owned()),
        };
        assert_eq!(NewPause::default().checked().unwrap(), None);
        assert_eq!(given("  ").checked().unwrap(), None);
        assert_eq!(
            given(" Migration 🚚 ").checked().unwrap().as_deref(),
            Some("Migration 🚚")
        );
        assert!(given(&"x".repeat(501)).checked().is_err());
        assert!(given("a\nb").checked().is_err());
    }
}
