//! What ends a run's work before its end.

use std::time::Duration;

use domain::run::RunError;

use crate::{Error, entra::words};

/// Why the work on a run stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Somebody asked for it, named here.
    Cancelled(String),
    /// The worker shuts down or lost its lease: the run stays as it is, for the next worker.
    Stopped,
    /// A delta link is no longer good: everything has to be read.
    Expired,
    /// The source said no; the run ends `failed`.
    Failed(Box<Failure>),
    /// Something of ours broke; the run is tried again.
    Broken(Error),
}

/// Why a run ends `failed`.
#[derive(Debug)]
pub(crate) struct Failure {
    /// For people.
    pub error: RunError,
    /// Whether the credential isn't accepted: trying again is of no use until someone acts.
    pub authentication: bool,
    /// How long the source asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl Stop {
    /// Ends the run with these words.
    pub fn failed(code: &str, title: &str, detail: String, fix: &str) -> Self {
        Self::Failed(Box::new(Failure {
            error: RunError {
                code: code.to_owned(),
                title: title.to_owned(),
                detail,
                fix: fix.to_owned(),
            },
            authentication: false,
            retry_after: None,
        }))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Source(error) => Self::Failed(Box::new(Failure {
                error,
                authentication: false,
                retry_after: None,
            })),
            other => Self::Broken(other),
        }
    }
}

impl From<graph::Error> for Stop {
    fn from(error: graph::Error) -> Self {
        if matches!(error, graph::Error::DeltaExpired { .. }) {
            return Self::Expired;
        }
        Self::Failed(Box::new(Failure {
            authentication: error.is_authentication(),
            retry_after: error.retry_after(),
            error: words(&error),
        }))
    }
}
