//! The outbox: a row for each message and recipient, with a job that sends it. An attempt that
//! fails is made again, later and later, for a day.
//!
//! What was sent just before a worker was killed is sent again: receivers tell a repetition by its
//! id, which stays the same.

use std::collections::HashSet;

use chrono::Duration;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, NotificationDeliveryId, NotificationRecipientId},
    notification::{DeliveryStatus, NotificationCause, NotificationDelivery, RecipientKind},
    permission::Permission,
};
use secrecy::SecretString;
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    message::{Message, public_id},
    webhook::Hook,
};
use crate::{
    Backend, Error, Result, Scope, Tx,
    delivery::{Undelivered, next_attempt},
    execute, fetch_all, fetch_optional,
    jobs::queue::{self, Kind, NewJob, PRIORITY_NOTIFICATION},
    mail::{self, Letter},
    store::{notification_recipients as recipients, read_json, write_json},
};

/// Hours after which a message is given up.
const TRIED_HOURS: i64 = 24;

#[derive(FromRow)]
struct Recipient {
    id: NotificationRecipientId,
    kind: RecipientKind,
    address_folded: String,
    causes: String,
}

/// Puts a message into the outbox for everybody who wants it, in the caller's transaction: those
/// of its customer, and those of the installation. What no customer has for itself, such as a shared
/// profile, is told those of the installation alone.
pub(super) async fn put(b: &Backend, tx: &mut Tx, message: &Message) -> Result<()> {
    let Some(cause) = message.cause else {
        return Ok(());
    };
    let customer = message.customer_id();
    let all = fetch_all!(
        &mut *tx,
        Recipient,
        "SELECT id, kind, address_folded, causes FROM notification_recipient
          WHERE customer_id = $1 OR customer_id IS NULL
          ORDER BY CASE WHEN customer_id IS NULL THEN 1 ELSE 0 END, id",
        customer
    )?;
    let message_id = b.ids.uuid();
    let now = b.clock.now();
    let mut mailed = HashSet::new();
    for recipient in all {
        let causes: Vec<NotificationCause> =
            read_json("notification_recipient.causes", &recipient.causes)?;
        if !causes.contains(&cause) {
            continue;
        }
        // Nobody gets the same mail twice, for being told of the customer and of all.
        if recipient.kind == RecipientKind::Mail && !mailed.insert(recipient.address_folded) {
            continue;
        }
        let id = NotificationDeliveryId(b.ids.uuid());
        let row = Row {
            id,
            recipient_id: recipient.id,
            message_id,
            customer_id: customer,
        };
        insert(tx, &row, message, now, &Outcome::waiting(now)).await?;
        let job = NewJob {
            kind: Kind::DeliverNotification,
            subject: id.0,
            integration_id: None,
            priority: PRIORITY_NOTIFICATION,
            run_at: now,
            dedupe_key: Some(format!("notification:{id}")),
        };
        queue::enqueue(b, tx, &job).await?;
    }
    Ok(())
}

struct Row {
    id: NotificationDeliveryId,
    recipient_id: NotificationRecipientId,
    message_id: Uuid,
    customer_id: Option<CustomerId>,
}

/// How a delivery stands.
struct Outcome {
    status: DeliveryStatus,
    attempts: i64,
    error: Option<domain::run::RunError>,
    attempted_at: Option<DateTime>,
    next_at: Option<DateTime>,
}

impl Outcome {
    fn waiting(now: DateTime) -> Self {
        Self {
            status: DeliveryStatus::Queued,
            attempts: 0,
            error: None,
            attempted_at: None,
            next_at: Some(now),
        }
    }

    /// After an attempt at `now`. `next_at`: when the next would be; none where this was the last.
    fn after(
        sent: std::result::Result<(), Undelivered>,
        attempts: i64,
        now: DateTime,
        next_at: Option<DateTime>,
    ) -> Self {
        let (status, error, next_at) = match sent {
            Ok(()) => (DeliveryStatus::Delivered, None, None),
            Err(Undelivered { error, final_word }) => match next_at.filter(|_| !final_word) {
                Some(next) => (DeliveryStatus::Queued, Some(error), Some(next)),
                None => (DeliveryStatus::Failed, Some(error), None),
            },
        };
        Self {
            status,
            attempts,
            error,
            attempted_at: Some(now),
            next_at,
        }
    }

    fn error_column(&self) -> Result<Option<String>> {
        self.error.as_ref().map(write_json).transpose()
    }
}

async fn insert(
    tx: &mut Tx,
    row: &Row,
    message: &Message,
    created_at: DateTime,
    outcome: &Outcome,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO notification_delivery (id, recipient_id, customer_id, message_id, cause, title,
            message, status, attempts, error, created_at, attempted_at, next_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        row.id,
        row.recipient_id,
        row.customer_id,
        row.message_id,
        message.cause,
        message.title.as_str(),
        write_json(message)?,
        outcome.status,
        outcome.attempts,
        outcome.error_column()?,
        created_at,
        outcome.attempted_at,
        outcome.next_at
    )?;
    Ok(())
}

#[derive(FromRow)]
struct Waiting {
    recipient_id: NotificationRecipientId,
    message_id: Uuid,
    message: String,
    attempts: i64,
    created_at: DateTime,
}

/// Makes one attempt to deliver a message. Answers when the next is due, where there is one.
pub(crate) async fn deliver(b: &Backend, id: NotificationDeliveryId) -> Result<Option<DateTime>> {
    let mut tx = b.db.read().await?;
    let waiting = fetch_optional!(
        &mut tx,
        Waiting,
        "SELECT recipient_id, message_id, message, attempts, created_at
           FROM notification_delivery WHERE id = $1 AND status = 'queued'",
        id
    )?;
    // It was delivered, or its recipient removed.
    let Some(waiting) = waiting else {
        return Ok(None);
    };
    let target = recipients::target(b, &mut tx, waiting.recipient_id).await;
    drop(tx);
    let sent = match (
        target,
        read_json::<Message>("notification_delivery.message", &waiting.message),
    ) {
        (Ok(Some(target)), Ok(message)) => send(b, &target, &message, waiting.message_id).await,
        (Ok(None), _) => return Ok(None),
        (Err(error), _) | (_, Err(error)) => Err(Undelivered::by_our_fault(&error)),
    };
    let now = b.clock.now();
    let attempts = waiting.attempts + 1;
    let given_up_at = waiting.created_at + Duration::hours(TRIED_HOURS);
    let next = next_attempt(given_up_at, now, attempts, b.ids.random());
    let outcome = Outcome::after(sent, attempts, now, next);
    if let Some(error) = &outcome.error {
        tracing::warn!(delivery = %id, code = error.code, attempts, "a notification was not delivered");
    }
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE notification_delivery SET status = $2, attempts = $3, error = $4,
                attempted_at = $5, next_at = $6 WHERE id = $1",
        id,
        outcome.status,
        outcome.attempts,
        outcome.error_column()?,
        outcome.attempted_at,
        outcome.next_at
    )?;
    note_reached(&mut tx, waiting.recipient_id, &outcome).await?;
    tx.commit().await?;
    Ok(outcome.next_at)
}

/// Keeps with the recipient that the other side took a message: messages themselves are removed after
/// a while.
async fn note_reached(
    tx: &mut Tx,
    recipient: NotificationRecipientId,
    outcome: &Outcome,
) -> Result<()> {
    if outcome.status != DeliveryStatus::Delivered {
        return Ok(());
    }
    execute!(
        tx,
        "UPDATE notification_recipient SET reached_at = $2 WHERE id = $1",
        recipient,
        outcome.attempted_at
    )?;
    Ok(())
}

/// Where a message goes, with what it needs on the way.
pub(crate) struct Target {
    pub kind: RecipientKind,
    pub address: String,
    /// What a webhook is signed with: the present secret, and the one before for a while.
    pub secrets: Vec<SecretString>,
}

async fn send(
    b: &Backend,
    target: &Target,
    message: &Message,
    message_id: Uuid,
) -> std::result::Result<(), Undelivered> {
    let (now, id) = (b.clock.now(), public_id(message_id));
    let public_url = &b.settings.public_url;
    match target.kind {
        RecipientKind::Mail => {
            let smtp = b.settings.smtp.as_ref().ok_or_else(mail::not_set_up)?;
            let letter = Letter {
                to: &target.address,
                sender: mail::Sender::default(),
                subject: &message.title,
                text: message.text(public_url),
                html: message.html(public_url),
                id: &id,
                at: now,
                public_url,
            };
            smtp.send(&letter).await
        }
        RecipientKind::Webhook => {
            let hook = Hook {
                url: &target.address,
                secrets: &target.secrets,
                id: &id,
                at: now,
                body: &message.body(&id, public_url),
            };
            b.webhooks.post(&hook).await
        }
    }
}

/// Sends a test message now, once, and answers what came of it.
pub async fn send_test(
    b: &Backend,
    scope: &Scope,
    id: NotificationRecipientId,
) -> Result<NotificationDelivery> {
    let mut tx = b.db.read().await?;
    recipients::find(&mut tx, scope, id).await?;
    scope.require(Permission::NotificationsWrite)?;
    let target = recipients::target(b, &mut tx, id)
        .await?
        .ok_or(Error::NotFound("recipient"))?;
    drop(tx);
    let begun = b.clock.now();
    let message = Message::test(
        begun,
        scope.actor_name(),
        format!("/notification-recipients/{id}"),
    );
    let message_id = b.ids.uuid();
    let sent = send(b, &target, &message, message_id).await;
    let outcome = Outcome::after(sent, 1, b.clock.now(), None);
    let row = Row {
        id: NotificationDeliveryId(b.ids.uuid()),
        recipient_id: id,
        message_id,
        customer_id: None,
    };
    let mut tx = b.db.write().await?;
    // Once more: sending took its time, and it may be gone.
    let recipient = recipients::find(&mut tx, scope, id).await?;
    insert(&mut tx, &row, &message, begun, &outcome).await?;
    note_reached(&mut tx, id, &outcome).await?;
    let action = AuditAction::NotificationRecipientTest;
    let changes = AuditChanges::none().now("status", &outcome.status);
    recipients::record(b, &mut tx, scope, &recipient, action, changes).await?;
    tx.commit().await?;
    Ok(NotificationDelivery {
        id: row.id,
        cause: None,
        title: message.title,
        status: outcome.status,
        attempts: outcome.attempts,
        error: outcome.error,
        created_at: begun,
        attempted_at: outcome.attempted_at,
        next_at: None,
    })
}
