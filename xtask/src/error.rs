//! What can go wrong here, always with what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// Why a task could not be done.
#[derive(Debug, Error)]
pub enum Error {
    /// An outside command could not be started or ended with a failure.
    #[error("{purpose} failed\n  command: {command}\n  cause:   {cause}\n  to do:   {fix}")]
    Step {
        /// What the command was for.
        purpose: String,
        /// The command as it can be typed.
        command: String,
        /// The exit status, or why it could not be started.
        cause: String,
        /// What the reader can do.
        fix: String,
    },
    /// A file or folder could not be read or written.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done, such as "reading".
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something found is not as it has to be.
    #[error("{what}\n  to do:   {fix}")]
    Found {
        /// What was found.
        what: String,
        /// What the reader can do.
        fix: String,
    },
}

impl Error {
    /// Something is not as it has to be.
    pub fn found(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Found {
            what: what.into(),
            fix: fix.into(),
        }
    }

    /// For `map_err`: names what was being done to which path.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}
