//! Telling somebody: what happened goes into an outbox together with what it tells of, and leaves
//! from there by mail or as a signed webhook.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`causes`] | from the end of a run to what is told, each cause once |
//! | [`endings`] | from the calendar to warnings of secrets that end, each once |
//! | [`message`] | the words, and the body of a webhook |
//! | [`outbox`] | a row for each recipient, tried for a day |
//! | [`mail`], [`webhook`] | the two ways out |
//! | [`public`] | which addresses a webhook may reach |

pub(crate) mod causes;
pub(crate) mod endings;
mod mail;
mod message;
mod outbox;
mod public;
mod webhook;

#[cfg(any(test, feature = "testing"))]
pub mod sinks;
#[cfg(test)]
mod tests;

use std::time::Duration;

use domain::run::RunError;

pub(crate) use mail::check_address;
pub use mail::{Smtp, SmtpGiven, SmtpSecurity};
pub use outbox::send_test;
pub(crate) use outbox::{Target, deliver};
pub use webhook::Webhooks;
pub(crate) use webhook::{check_url, make_secret};

/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a message was not taken by the other side.
#[derive(Debug)]
struct Undelivered {
    /// What came back, and what to do.
    error: RunError,
    /// Whether trying again is of no use.
    final_word: bool,
}

impl Undelivered {
    fn new(code: &str, title: impl Into<String>, detail: impl Into<String>, fix: &str) -> Self {
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
}

/// An error with what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
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
