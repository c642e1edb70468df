//! When an integration runs by itself.

use serde::{Deserialize, Serialize};

use crate::text::FieldError;

/// Minutes between two runs where nobody said otherwise.
pub const EVERY_MINUTES_DEFAULT: u32 = 5;

/// `{"every_minutes": 5}` or `{"cron": "0 6 * * 1-5"}` (five fields, UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// A run every so many minutes, 1 to 10,080 (a week).
    EveryMinutes(u32),
    /// A cron expression.
    Cron(String),
}

impl Default for Schedule {
    fn default() -> Self {
        Self::EveryMinutes(EVERY_MINUTES_DEFAULT)
    }
}

impl Schedule {
    /// Checks the interval's limits. A cron expression is checked where it can be read
    /// (`backend`), which knows the crate for it.
    pub fn check(&self) -> Result<(), FieldError> {
        match self {
            Self::EveryMinutes(1..=10_080) => Ok(()),
            Self::EveryMinutes(_) => Err(FieldError::new(
                "schedule",
                "Choose between 1 minute and 10,080 minutes (a week).",
            )),
            Self::Cron(text) if text.trim().is_empty() => Err(FieldError::new(
                "schedule",
                "Enter a cron expression, such as 0 6 * * 1-5.",
            )),
            Self::Cron(_) => Ok(()),
        }
    }

    /// The schedule in words.
    pub fn title(&self) -> String {
        match self {
            Self::EveryMinutes(1) => "every minute".to_owned(),
            Self::EveryMinutes(n) => format!("every {n} min"),
            Self::Cron(text) => format!("cron {text}"),
        }
    }
}
