//! What mails and webhooks have in common on their way out: how long an attempt may take, when the
//! next one is made, and why the other side didn't take a message.

use std::time::Duration;

use domain::{DateTime, run::RunError};

/// How long one attempt may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Seconds before the second, third … attempt; the last counts for all further ones.
const PAUSES_S: [i64; 6] = [30, 120, 600, 1_800, 3_600, 7_200];

/// Why a message was not taken by the other side.
#[derive(Debug)]
pub(crate) struct Undelivered {
    /// What came back, and what to do.
    pub error: RunError,
    /// Whether trying again is of no use.
    pub final_word: bool,
}

impl Undelivered {
    /// The other side can be asked again.
    pub fn new(code: &str, title: impl Into<String>, detail: impl Into<String>, fix: &str) -> Self {
        Self {
            error: RunError {
                code: code.to_owned(),
                title: title.into(),
                detail: detail.into(),
                fix: fix.to_owned(),
            },
            final_word: false,
        }
    }

    /// What Rollcall itself could not do. It is tried again like everything else, and no longer.
    pub fn by_our_fault(error: &crate::Error) -> Self {
        tracing::error!(%error, "a message can’t be sent");
        Self::new(
            "internal_error",
            "Rollcall could not send the message",
            "This is a fault of Rollcall’s.",
            "The log of the worker says what is wrong.",
        )
    }
}

/// An error with what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

/// When the next attempt is due after so many: up to a fifth later than the pause, so that what
/// failed together isn't tried together. None where that is after `given_up_at`.
pub(crate) fn next_attempt(
    given_up_at: DateTime,
    now: DateTime,
    attempts: i64,
    random: u64,
) -> Option<DateTime> {
    let made = usize::try_from(attempts - 1).unwrap_or(0);
    let pause = PAUSES_S[made.min(PAUSES_S.len() - 1)];
    let jitter = i64::try_from(random % 200).unwrap_or(0) * pause / 1_000;
    let next = now + chrono::Duration::seconds(pause + jitter);
    (next <= given_up_at).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::start;

    #[test]
    fn attempts_come_later_and_later_and_end_after_a_day() {
        let day = chrono::Duration::hours(24);
        let mut now = start();
        let mut attempts = 0;
        let mut pauses = Vec::new();
        loop {
            attempts += 1;
            let Some(next) = next_attempt(start() + day, now, attempts, 0) else {
                break;
            };
            pauses.push((next - now).num_seconds());
            now = next;
        }
        assert_eq!(pauses[..7], [30, 120, 600, 1_800, 3_600, 7_200, 7_200]);
        assert!(now - start() > chrono::Duration::hours(22), "{now}");
        assert!(now - start() <= day, "{now}");
        let jittered = next_attempt(start() + day, start(), 1, 199).unwrap();
        assert_eq!((jittered - start()).num_seconds(), 35);
    }
}
