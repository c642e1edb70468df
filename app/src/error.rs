//! The one error that a screen can act on.
//!
//! What happened inside is logged once, where it turns into an [`AppError`], and never shown.

use domain::{id::RunId, run::RunError, text::FieldError};
use leptos::{
    prelude::FromServerFnError,
    server_fn::{Bytes, codec::JsonEncoding, error::ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// What a server function answers.
pub type AppResult<T> = Result<T, AppError>;

/// Why something could not be shown or done, as far as the person may know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AppError {
    /// Nobody is signed in, or not any more.
    #[error("Sign in to go on.")]
    SignedOut,
    /// The role doesn't allow it. Named, so that the right person can be asked.
    #[error("Your role doesn’t allow this ({permission}). Ask an owner.")]
    Forbidden {
        /// The permission that is missing, such as `customers.write`.
        permission: String,
    },
    /// It is allowed, once they confirmed that it is them.
    #[error("Confirm it’s you first.")]
    ProveAgain,
    /// It doesn't exist, or the asker may not see it: the same to them.
    #[error("This {what} doesn’t exist, or you may not see it.")]
    NotFound {
        /// The noun, in lower case.
        what: String,
    },
    /// One field can't be accepted.
    #[error("{}", .0.message)]
    Invalid(FieldError),
    /// It clashes with what already is.
    #[error("{message}")]
    Conflict {
        /// What it clashes with, and what to do.
        message: String,
        /// The run that stands in the way.
        run_id: Option<RunId>,
    },
    /// Tried too often.
    #[error("Too many tries. Wait {}, then try again.", wait(*.retry_after_s))]
    TooMany {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// More is asked for at once than the server can do.
    #[error("The server has too much to do just now. Wait {}, then try again.", wait(*.retry_after_s))]
    Busy {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// Entra ID or Graph refused, with cause and fix.
    #[error("{}. {}", .0.title, .0.fix)]
    Source(RunError),
    /// Something Rollcall needs doesn't answer just now.
    #[error("{message}")]
    Unavailable {
        /// What, in words.
        message: String,
    },
    /// The browser could not reach the server at all. Nothing was changed, as far as is known.
    #[error("The server can’t be reached. Check your connection, then try again.")]
    Unreachable,
    /// A fault of ours. The log holds the inside under this id.
    #[error("Something went wrong on our side. Tell support this report: {report}")]
    Internal {
        /// What the entry in the log is found by: the id of the request.
        report: String,
    },
}

impl AppError {
    /// Blames `field`.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(FieldError::new(field, message))
    }

    /// The status of the answer to a program (RFC 9110 §15).
    pub const fn status(&self) -> u16 {
        match self {
            Self::SignedOut => 401,
            Self::Forbidden { .. } | Self::ProveAgain => 403,
            Self::NotFound { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::Invalid(_) => 422,
            Self::TooMany { .. } => 429,
            Self::Source(_) => 502,
            Self::Busy { .. } | Self::Unavailable { .. } | Self::Unreachable => 503,
            Self::Internal { .. } => 500,
        }
    }

    /// A heading for a page that can show nothing but this error.
    pub const fn heading(&self) -> &'static str {
        match self {
            Self::SignedOut => "You are signed out",
            Self::Forbidden { .. } => "Not for your role",
            Self::ProveAgain => "Confirm it’s you",
            Self::NotFound { .. } => "Not found",
            Self::Invalid(_) => "Something in the address is wrong",
            Self::Conflict { .. } => "That doesn’t go together",
            Self::TooMany { .. } => "Too many tries",
            Self::Busy { .. } => "Too much to do",
            Self::Source(_) => "Entra ID refused",
            Self::Unavailable { .. } => "Not available just now",
            Self::Unreachable => "No connection to the server",
            Self::Internal { .. } => "Something went wrong",
        }
    }
}

/// Seconds in words, rounded up to what a person waits by.
fn wait(seconds: u64) -> String {
    match seconds {
        0 | 1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn ser(&self) -> Bytes {
        #[cfg(feature = "ssr")]
        crate::ui::load::set_program_status(self.status());
        #[cfg(feature = "ssr")]
        if let Self::TooMany { retry_after_s } | Self::Busy { retry_after_s } = self {
            crate::ui::load::say_when_to_come_back(*retry_after_s);
        }
        serde_json::to_vec(self)
            .expect("an error is made of texts and numbers")
            .into()
    }

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        match value {
            ServerFnErrorErr::Request(_) => Self::Unreachable,
            ServerFnErrorErr::Args(message) | ServerFnErrorErr::MissingArg(message) => {
                Self::invalid("", format!("The form could not be read: {message}"))
            }
            ServerFnErrorErr::Deserialization(message) if cfg!(feature = "ssr") => {
                Self::invalid("", format!("The request could not be read: {message}"))
            }
            // An answer that can't be read mostly comes from a newer server than this page.
            ServerFnErrorErr::Deserialization(_) => Self::Unavailable {
                message: "The server answered in a way this page doesn’t know. Reload the page."
                    .to_owned(),
            },
            other => {
                leptos::logging::error!("{other}");
                Self::Internal {
                    report: "none".to_owned(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_in_the_unit_people_wait_by() {
        for (seconds, words) in [
            (0, "a second"),
            (30, "30 seconds"),
            (91, "2 minutes"),
            (300, "5 minutes"),
        ] {
            assert_eq!(wait(seconds), words);
        }
    }

    #[test]
    fn an_error_survives_its_way_to_the_browser() {
        let error = AppError::Conflict {
            message: "in use".to_owned(),
            run_id: None,
        };
        assert_eq!(AppError::de(error.ser()), error);
    }
}
