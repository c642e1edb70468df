//! When to try again, and how long to wait before it (`sync.md` 15).

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::error::{Error, Result};
use crate::outside::{Chance, Clock};

/// An answer that can't be understood is asked for this often: cut bodies heal, a wrong server
/// doesn't.
const BAD_ANSWERS_MAX: u32 = 3;

/// How long a request may be tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Tries, the first one included.
    pub tries: u32,
    /// From the first try to the last, waiting included.
    pub total: Duration,
    /// The first wait where the service asks for none or a shorter one; doubled from then on, with
    /// jitter up to as much again.
    pub first_wait: Duration,
    /// The longest such wait before jitter.
    pub longest_wait: Duration,
}

impl Patience {
    /// For a run in the background: 10 tries within 15 minutes.
    pub const BACKGROUND: Self = Self {
        tries: 10,
        total: Duration::from_mins(15),
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_mins(1),
    };

    /// For someone who waits for the answer: 3 tries within 10 seconds.
    pub const INTERACTIVE: Self = Self {
        tries: 3,
        total: Duration::from_secs(10),
        first_wait: Duration::from_millis(300),
        longest_wait: Duration::from_secs(2),
    };
}

/// The tries of one request.
pub(crate) struct Attempts<'a> {
    clock: &'a dyn Clock,
    patience: Patience,
    began_at: DateTime<Utc>,
    failed: u32,
    waits: ExponentialBackoff,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(clock: &'a dyn Clock, chance: &Chance, patience: Patience) -> Self {
        let waits = ExponentialBuilder::new()
            .with_min_delay(patience.first_wait)
            .with_max_delay(patience.longest_wait)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(chance.seed())
            .build();
        Self {
            clock,
            patience,
            began_at: clock.now(),
            failed: 0,
            waits,
        }
    }

    /// What is left of the time.
    pub(crate) fn left(&self) -> Duration {
        let spent = (self.clock.now() - self.began_at).max(TimeDelta::zero());
        self.patience
            .total
            .saturating_sub(spent.to_std().unwrap_or_default())
    }

    /// Waits until it is time to try again; gives the error back where that is no use or patience
    /// is at its end.
    pub(crate) async fn again(&mut self, error: Error) -> Result<()> {
        self.failed += 1;
        let tries = match &error {
            Error::BadAnswer { .. } => self.patience.tries.min(BAD_ANSWERS_MAX),
            Error::Throttled { .. } | Error::Unavailable { .. } | Error::Unreachable { .. } => {
                self.patience.tries
            }
            Error::SignIn(refusal) if refusal.is_transient() => self.patience.tries,
            _ => return Err(error),
        };
        if self.failed >= tries {
            return Err(error);
        }
        // Never sooner than asked; later where it asks for a short rest again and again.
        let asked = error.retry_after().unwrap_or_default();
        let wait = self
            .waits
            .next()
            .unwrap_or(self.patience.longest_wait)
            .max(asked);
        if wait > self.left() {
            return Err(error);
        }
        tracing::debug!(
            code = error.code(),
            failed = self.failed,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "trying again"
        );
        self.clock.sleep(wait).await;
        Ok(())
    }
}

/// `Retry-After`, as seconds or as a date (RFC 9110 §10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z")
            .unwrap()
            .to_utc();
        for (text, expected) in [
            ("10", Some(10)),
            (" 0 ", Some(0)),
            ("Thu, 01 Jan 2026 00:00:30 GMT", Some(30)),
            ("Wed, 31 Dec 2025 00:00:30 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(
                retry_after(&headers, now),
                expected.map(Duration::from_secs),
                "{text}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
