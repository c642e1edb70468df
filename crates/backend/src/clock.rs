//! The time, passed in so that a test can set it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::DateTime;

/// Tells the time in whole microseconds, the finest unit both databases keep.
#[derive(Clone, Debug)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's own clock.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until it is moved.
    pub fn standing(start: DateTime) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.timestamp_micros()))))
    }

    /// Now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine"
    )]
    pub fn now(&self) -> DateTime {
        let micros = match &self.0 {
            Some(micros) => micros.load(Ordering::SeqCst),
            None => chrono::Utc::now().timestamp_micros(),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }

    /// Whether it stands until it is moved.
    pub const fn stands(&self) -> bool {
        self.0.is_some()
    }

    /// Moves a standing clock; the machine's own goes by itself.
    pub fn advance(&self, by: chrono::Duration) {
        if let (Some(micros), Some(by)) = (&self.0, by.num_microseconds()) {
            micros.fetch_add(by, Ordering::SeqCst);
        }
    }
}
