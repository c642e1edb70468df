//! Telling somebody: what happened goes into an outbox together with what it tells of, and leaves
//! from there by mail or as a signed webhook.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`causes`] | from the end of a run to what is told, each cause once |
//! | [`endings`] | from the calendar to warnings of secrets that end, each once |
//! | [`message`] | the words, and the body of a webhook |
//! | [`mod@mail_server`] | whether the mail server would take a mail, once an hour |
//! | [`outbox`] | a row for each recipient, tried for a day |
//! | [`webhook`] | one way out; [`mail`](crate::mail) is the other |
//! | [`public`] | which addresses a webhook may reach |
//! | [`hosts`] | which hosts, where configuration lists them |

pub(crate) mod causes;
pub(crate) mod endings;
mod hosts;
pub(crate) mod mail_server;
mod message;
mod outbox;
mod public;
mod webhook;

#[cfg(any(test, feature = "testing"))]
pub mod sinks;
#[cfg(test)]
mod tests;

pub use hosts::WebhookHosts;
pub use mail_server::{check_mail_server, mail_server};
pub use outbox::send_test;
pub(crate) use outbox::{Target, deliver};
pub use webhook::Webhooks;
pub(crate) use webhook::make_secret;
