//! What ends a run's work before its end.

use std::time::Duration;

use domain::{id::RunId, run::RunError};

use crate::{Error, entra::words, fetch_optional, jobs::JobContext};

/// How often a wish to cancel is looked for, whatever the work waits for meanwhile.
const LOOKED_EVERY: Duration = Duration::from_millis(300);

/// Why the work on a run stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Somebody asked for it, named here.
    Cancelled(String),
    /// The worker shuts down or lost its lease: the run stays as it is, for the next worker.
    Stopped,
    /// A delta link is no longer good: everything has to be read.
    Expired,
    /// Groups came into the scope or left it through other groups: everything has to be read.
    Rescoped,
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

/// Ends when the work has to stop, wherever it stands: within a second after someone asked for it,
/// at once where the worker shuts down or lost its lease. A phase that is dropped then is as one
/// whose worker was killed: the rows say how far it came.
pub(super) async fn wanted(cx: &JobContext, run_id: RunId) -> Stop {
    loop {
        tokio::select! {
            () = cx.stop.cancelled() => return Stop::Stopped,
            () = tokio::time::sleep(LOOKED_EVERY) => {}
        }
        match cancelled_by(cx, run_id).await {
            Ok(Some(by)) => return Stop::Cancelled(by),
            Ok(None) => {}
            // The work itself meets what is wrong with the database.
            Err(error) => tracing::debug!(%error, run = %run_id, "a run can’t be looked at"),
        }
    }
}

/// Who asked the run to end.
async fn cancelled_by(cx: &JobContext, run_id: RunId) -> crate::Result<Option<String>> {
    let mut tx = cx.b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        (Option<String>,),
        "SELECT cancelled_by FROM run WHERE id = $1",
        run_id
    )?;
    Ok(row.and_then(|(by,)| by))
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
