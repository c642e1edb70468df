//! Batches of a run's work, several in one transaction where that keeps nobody waiting.
//!
//! SQLite writes every page that a transaction touched to its log. Rows whose order isn't that of an
//! index touch most of its pages in every batch, so a first sync of 100,000 people wrote 6 GB for
//! 300 MB of directory. There a batch stays in the transaction of the one before it until somebody
//! else wants to write, or [`LASTS`] are over. PostgreSQL writes rows to its log, and others write
//! meanwhile: there each batch is a transaction.

use std::time::{Duration, Instant};

use super::{record::Work, stop::Stop};
use crate::Tx;

/// How long a transaction goes on at most, and a batch longer: progress is seen once it ends.
const LASTS: Duration = Duration::from_millis(250);

/// The transaction of batches that follow on each other.
#[derive(Debug, Default)]
pub(super) struct Batches {
    open: Option<(Tx, Instant)>,
    /// Whether they give people names to sign in with.
    name: bool,
}

impl Batches {
    /// Batches that give people names to sign in with.
    pub fn that_name() -> Self {
        Self {
            name: true,
            ..Self::default()
        }
    }

    /// The transaction for the next batch: that of the one before, or another, which holds the run
    /// as [`Work::bulk`] says.
    pub async fn begin(&mut self, work: &mut Work<'_>) -> Result<&mut Tx, Stop> {
        let open = match self.open.take() {
            Some(open) => open,
            None if self.name => (work.bulk_that_names().await?, Instant::now()),
            None => (work.bulk().await?, Instant::now()),
        };
        Ok(&mut self.open.insert(open).0)
    }

    /// Ends a batch. Answers whether it lasts, and with it those before it.
    pub async fn end(&mut self, work: &mut Work<'_>) -> Result<bool, Stop> {
        let goes_on = |(_, begun): &(Tx, Instant)| {
            begun.elapsed() < LASTS && work.b().db.nobody_waits() && !work.cx.stop.is_cancelled()
        };
        if self.open.as_ref().is_some_and(goes_on) {
            return Ok(false);
        }
        self.commit().await?;
        work.checkpoint().await?;
        Ok(true)
    }

    /// Makes all batches last.
    pub async fn commit(&mut self) -> Result<(), Stop> {
        if let Some((tx, _)) = self.open.take() {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Undoes the batches that don't last yet.
    pub fn undo(&mut self) {
        self.open = None;
    }
}
