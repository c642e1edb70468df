//! What can go wrong in the backend, as far as a caller can act on it.

use std::path::Path;

use domain::{id::RunId, permission::Permission, run::RunError, text::FieldError};

/// The backend's one error.
///
/// Pages and the API turn each variant into a status and words; `Database` and `Internal` are
/// logged where they arrive there and shown as a report id only.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or the session, token or password is not (or no longer) good.
    #[error("not signed in")]
    SignedOut,
    /// A token was known, and can't be used (now, or from there).
    #[error("{0}")]
    TokenRefused(String),
    /// The caller sees the thing but may not do this with it.
    #[error("the permission {0} is missing")]
    Forbidden(Permission),
    /// The caller may do it, and has to prove first, once more, that it is them.
    #[error("confirm who you are first")]
    ProveAgain,
    /// There is no such thing, or the caller may not see it: the two are answered alike.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// A field can't be accepted.
    #[error(transparent)]
    Invalid(#[from] FieldError),
    /// It collides with what is there now.
    #[error("{message}")]
    Conflict {
        /// With what, and what to do.
        message: String,
        /// The run in the way, where one is.
        run_id: Option<RunId>,
    },
    /// Too many tries.
    #[error("too many tries, again in {retry_after_s} s")]
    TooMany {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// More is asked for at once than can be done.
    #[error("busy, again in {retry_after_s} s")]
    Busy {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// Entra ID or Microsoft Graph said no, or could not be reached.
    #[error("{}: {}", .0.title, .0.detail)]
    Source(RunError),
    /// Something Rollcall needs can't be reached now.
    #[error("{0}")]
    Unavailable(String),
    /// A setting is wrong; the process can't start with it.
    #[error("{key}: {problem}")]
    Configuration {
        /// The key as in interfaces.md.
        key: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The database was changed by a newer Rollcall.
    #[error(
        "the database has migration {0}, which this version doesn’t know; start a newer Rollcall, or restore a backup from before the update"
    )]
    NewerDatabase(i64),
    /// A statement failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A promise inside Rollcall was broken.
    #[error("{0}")]
    Internal(String),
}

/// The backend's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Blames a field of a form or a body.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(FieldError::new(field, message))
    }

    /// Blames a setting.
    pub fn configuration(key: &str, problem: &str) -> Self {
        Self::Configuration {
            key: key.to_owned(),
            problem: problem.to_owned(),
        }
    }

    /// A collision that no run is to blame for.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict {
            message: message.into(),
            run_id: None,
        }
    }

    /// A file that can't be read, made or written.
    pub fn file(doing: &str, file: &Path, error: &std::io::Error) -> Self {
        Self::Unavailable(format!(
            "Rollcall can’t {doing} {}: {error}",
            file.display()
        ))
    }

    /// Whether a UNIQUE constraint refused a row.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}
