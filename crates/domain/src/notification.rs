//! Notifications: who is told that something needs a person, of what, and how it reached them.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{CustomerId, NotificationDeliveryId, NotificationRecipientId},
    run::RunError,
    text::FieldError,
    text_enum,
};

/// The most recipients of one customer, and of the installation: each gets a row in the
/// transaction that ends a run.
pub const RECIPIENTS_MAX: i64 = 20;

/// Failed runs in a row after which an integration is told to be failing.
pub const FAILURES_TOLD: i64 = 3;

/// Minutes after which an integration that fails is told to be failing, however few runs failed.
pub const FAILING_TOLD_MIN: i64 = 60;

/// Hours during which a webhook is signed with its old secret too, after it got a new one.
pub const OLD_SECRET_HOURS: i64 = 24;

text_enum! {
    /// What somebody is told of. The text is the `type` of a webhook.
    pub enum NotificationCause {
        /// A plan waits for a decision.
        Held = "run.held",
        /// An integration failed three times in a row, or for an hour.
        Failing = "integration.failing",
        /// Scheduled runs of an integration stopped.
        Quarantined = "integration.quarantined",
        /// What was told is over.
        Recovered = "integration.recovered",
        /// A secret or certificate ends soon.
        SecretEnds = "credential_profile.ends",
    }
}

impl NotificationCause {
    /// The cause as a list shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Held => "Held",
            Self::Failing => "Failing",
            Self::Quarantined => "Quarantined",
            Self::Recovered => "Recovered",
            Self::SecretEnds => "Secret ends",
        }
    }

    /// When it is told.
    pub const fn when(self) -> &'static str {
        match self {
            Self::Held => "A plan waits for a decision",
            Self::Failing => "Three failed runs in a row, or an hour of failing",
            Self::Quarantined => "Scheduled runs stopped, since sign-in failed again and again",
            Self::Recovered => "What was told is over",
            Self::SecretEnds => "60, 30, 14, 7 and 1 days before a secret or certificate ends",
        }
    }
}

text_enum! {
    /// How a recipient is told.
    pub enum RecipientKind {
        /// By mail.
        Mail = "mail",
        /// By a signed POST to an address.
        Webhook = "webhook",
    }
}

impl RecipientKind {
    /// The kind in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Mail => "Mail",
            Self::Webhook => "Webhook",
        }
    }
}

text_enum! {
    /// How a delivery is.
    pub enum DeliveryStatus {
        /// It is tried, again and again for a day.
        Queued = "queued",
        /// The other side took it.
        Delivered = "delivered",
        /// It was given up.
        Failed = "failed",
    }
}

impl DeliveryStatus {
    /// The status in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Delivered => "Delivered",
            Self::Failed => "Failed",
        }
    }
}

/// What came of a look whether the mail server would take a mail: a connection, secured and signed in,
/// by which none was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailServerCheck {
    /// When that was.
    pub checked_at: DateTime,
    /// Why it would not, and what to do; null where it would.
    pub error: Option<RunError>,
}

/// Somebody, or something, that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationRecipient {
    /// Its id.
    pub id: NotificationRecipientId,
    /// The customer it is told of; null: every customer.
    pub customer_id: Option<CustomerId>,
    /// How it is told.
    pub kind: RecipientKind,
    /// A mail address, or the URL of a webhook.
    pub address: String,
    /// What it wants to be told of.
    pub causes: Vec<NotificationCause>,
    /// When it was added.
    pub created_at: DateTime,
    /// When a webhook's signing secret was made; null for mail.
    pub secret_set_at: Option<DateTime>,
}

/// A recipient, and its signing secret where one was made just now: it is told this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationRecipientMade {
    /// The recipient.
    #[serde(flatten)]
    pub recipient: NotificationRecipient,
    /// `whsec_…`, what a webhook is signed with (Standard Webhooks); null where none was made.
    pub secret: Option<String>,
}

impl std::fmt::Debug for NotificationRecipientMade {
    /// Without the secret, which must not get into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotificationRecipientMade")
            .field("recipient", &self.recipient)
            .finish_non_exhaustive()
    }
}

/// What is given to add a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewNotificationRecipient {
    /// How it is told.
    pub kind: RecipientKind,
    /// A mail address, or the URL of a webhook: https, or http to this machine itself.
    pub address: String,
    /// What it wants to be told of; everything where absent.
    #[serde(default)]
    pub causes: Option<Vec<NotificationCause>>,
}

/// What can be changed of a recipient; an absent field stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NotificationRecipientChange {
    /// Another address of the same kind.
    #[serde(default)]
    pub address: Option<String>,
    /// What it wants to be told of.
    #[serde(default)]
    pub causes: Option<Vec<NotificationCause>>,
    /// Makes a new signing secret, which the answer holds. The old one signs too for a day.
    #[serde(default)]
    pub rotate_secret: bool,
}

/// A message on its way to a recipient, or what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationDelivery {
    /// Its id.
    pub id: NotificationDeliveryId,
    /// What it tells of; null: a test message.
    pub cause: Option<NotificationCause>,
    /// What it says, in one line.
    pub title: String,
    /// How it is.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last attempt failed, and what to do.
    pub error: Option<RunError>,
    /// When it was written.
    pub created_at: DateTime,
    /// When it was last tried.
    pub attempted_at: Option<DateTime>,
    /// When it is tried next; null once it is over.
    pub next_at: Option<DateTime>,
}

/// A recipient as a page lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationRecipientLine {
    /// The recipient.
    pub recipient: NotificationRecipient,
    /// The last message to it.
    pub last: Option<NotificationDelivery>,
}

/// The causes as they are kept: at least one, each once, in their order.
pub fn parse_causes(given: &[NotificationCause]) -> Result<Vec<NotificationCause>, FieldError> {
    let causes: Vec<_> = NotificationCause::ALL
        .iter()
        .copied()
        .filter(|cause| given.contains(cause))
        .collect();
    if causes.is_empty() {
        return Err(FieldError::new("causes", "Choose at least one cause."));
    }
    Ok(causes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_kept_once_each_and_in_their_order() {
        use NotificationCause::{Held, Recovered};
        assert_eq!(
            parse_causes(&[Recovered, Held, Recovered]),
            Ok(vec![Held, Recovered])
        );
        assert_eq!(parse_causes(&[]).unwrap_err().field, "causes");
    }
}
