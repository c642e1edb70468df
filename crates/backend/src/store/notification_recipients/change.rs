//! Adding, changing and removing recipients.

use chrono::Duration;
use domain::{
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, NotificationRecipientId},
    notification::{
        NewNotificationRecipient, NotificationCause, NotificationRecipient,
        NotificationRecipientChange, NotificationRecipientMade, OLD_SECRET_HOURS, RECIPIENTS_MAX,
        RecipientKind, parse_causes,
    },
    permission::Permission,
};
use secrecy::SecretString;
use serde::Serialize;

use super::{
    find, may,
    secret::{is_kept, seal, signs, take_offered, tell},
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_scalar,
    mail::check_address,
    notify::make_secret,
    store::{
        audit::{self, Entry},
        customer_versions, write_json,
    },
};

/// Adds a recipient to a customer, or to the installation where there is none. The answer holds
/// the signing secret of a webhook.
pub async fn create(
    b: &Backend,
    scope: &Scope,
    customer: Option<CustomerId>,
    new: NewNotificationRecipient,
) -> Result<NotificationRecipientMade> {
    let id = NotificationRecipientId(b.ids.uuid());
    let secret = (new.kind == RecipientKind::Webhook).then(|| make_secret(&b.ids));
    let recipient = insert(b, scope, customer, id, new, secret.as_ref()).await?;
    Ok(NotificationRecipientMade {
        recipient,
        secret: secret.as_ref().map(tell),
    })
}

/// Adds a webhook whose id and secret were offered by [`super::offer_secret`].
pub async fn create_with(
    b: &Backend,
    scope: &Scope,
    customer: Option<CustomerId>,
    new: NewNotificationRecipient,
    id: NotificationRecipientId,
    sealed: &str,
) -> Result<NotificationRecipient> {
    {
        let mut tx = b.db.read().await?;
        may(&mut tx, scope, customer, Permission::NotificationsWrite).await?;
    }
    scope.require_recent_proof(b.clock.now())?;
    let secret = take_offered(b, id, sealed).await?;
    insert(b, scope, customer, id, new, Some(&secret)).await
}

async fn insert(
    b: &Backend,
    scope: &Scope,
    customer: Option<CustomerId>,
    id: NotificationRecipientId,
    new: NewNotificationRecipient,
    secret: Option<&SecretString>,
) -> Result<NotificationRecipient> {
    let mut tx = b.db.write().await?;
    hold(&mut tx, customer).await?;
    let recipient = insert_in(b, &mut tx, scope, customer, (id, new), secret).await?;
    keep_version(b, &mut tx, scope, customer).await?;
    tx.commit().await?;
    Ok(recipient)
}

/// Holds the customer whose recipients are changed; those of the installation have no versions.
async fn hold(tx: &mut Tx, customer: Option<CustomerId>) -> Result<()> {
    match customer {
        Some(customer) => customer_versions::hold(tx, customer).await,
        None => Ok(()),
    }
}

/// Keeps what the customer's settings are now.
async fn keep_version(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    customer: Option<CustomerId>,
) -> Result<()> {
    match customer {
        Some(customer) => customer_versions::keep_saved(b, tx, scope, customer).await,
        None => Ok(()),
    }
}

/// Adds a mail address to a customer in the caller's transaction, which goes on, and keeps the version.
pub(crate) async fn add_mail(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    customer: CustomerId,
    new: NewNotificationRecipient,
) -> Result<NotificationRecipient> {
    let id = NotificationRecipientId(b.ids.uuid());
    insert_in(b, tx, scope, Some(customer), (id, new), None).await
}

async fn insert_in(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    customer: Option<CustomerId>,
    (id, new): (NotificationRecipientId, NewNotificationRecipient),
    secret: Option<&SecretString>,
) -> Result<NotificationRecipient> {
    may(tx, scope, customer, Permission::NotificationsWrite).await?;
    if secret.is_some() {
        scope.require_recent_proof(b.clock.now())?;
    }
    let address = check(b, new.kind, &new.address)?;
    let causes = parse_causes(new.causes.as_deref().unwrap_or(NotificationCause::ALL))?;
    refuse_twice(tx, customer, id, &address).await?;
    let number = fetch_scalar!(
        &mut *tx,
        i64,
        "SELECT COUNT(*) FROM notification_recipient
          WHERE customer_id = $1 OR (customer_id IS NULL AND $2)",
        customer,
        customer.is_none()
    )?;
    if number >= RECIPIENTS_MAX {
        return Err(Error::conflict(format!(
            "There are {RECIPIENTS_MAX} recipients already. Remove one first, or have one address pass the messages on."
        )));
    }
    let now = b.clock.now();
    let recipient = NotificationRecipient {
        id,
        customer_id: customer,
        kind: new.kind,
        address,
        causes,
        created_at: now,
        secret_set_at: secret.is_some().then_some(now),
    };
    let sealed = match secret {
        Some(secret) => Some(seal(b, tx, id, secret).await?),
        None => None,
    };
    let inserted = execute!(
        &mut *tx,
        "INSERT INTO notification_recipient (id, customer_id, kind, address, address_folded, causes,
            secret_sealed, secret_set_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        recipient.id,
        recipient.customer_id,
        recipient.kind,
        &recipient.address,
        planner::fold(&recipient.address),
        write_json(&recipient.causes)?,
        sealed,
        recipient.secret_set_at,
        now
    );
    match inserted {
        // The same form, sent twice.
        Err(error) if error.is_unique_violation() => {
            return Err(Error::conflict("This recipient was added already."));
        }
        other => other?,
    };
    let changes = AuditChanges::created(&shown(&recipient));
    let changes = with_secret(changes, recipient.secret_set_at.is_some());
    let action = AuditAction::NotificationRecipientCreate;
    record(b, tx, scope, &recipient, action, changes).await?;
    Ok(recipient)
}

/// Changes a recipient. The answer holds the new signing secret where one was asked for.
pub async fn change(
    b: &Backend,
    scope: &Scope,
    id: NotificationRecipientId,
    change: NotificationRecipientChange,
) -> Result<NotificationRecipientMade> {
    let mut tx = b.db.write().await?;
    let customer = find(&mut tx, scope, id).await?.customer_id;
    hold(&mut tx, customer).await?;
    let made = change_in(b, &mut tx, scope, id, change).await?;
    keep_version(b, &mut tx, scope, customer).await?;
    tx.commit().await?;
    Ok(made)
}

/// The same in the caller's transaction, which goes on, and keeps the version.
pub(crate) async fn change_in(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: NotificationRecipientId,
    change: NotificationRecipientChange,
) -> Result<NotificationRecipientMade> {
    let mut recipient = find(tx, scope, id).await?;
    scope.require(Permission::NotificationsWrite)?;
    let before = recipient.clone();
    if let Some(address) = change.address {
        recipient.address = check(b, recipient.kind, &address)?;
        if recipient.address != before.address {
            refuse_twice(tx, recipient.customer_id, id, &recipient.address).await?;
        }
    }
    if let Some(causes) = change.causes {
        recipient.causes = parse_causes(&causes)?;
    }
    let mut secret = None;
    if change.rotate_secret {
        scope.require_recent_proof(b.clock.now())?;
        signs(recipient.kind)?;
        let new = make_secret(&b.ids);
        keep_secret(b, tx, &mut recipient, &new).await?;
        secret = Some(tell(&new));
    }
    let mut changes = AuditChanges::between(&shown(&before), &shown(&recipient));
    if before.address != recipient.address && told(&before) == told(&recipient) {
        // Another path at the same host.
        changes = changes.secret("address");
    }
    let changes = with_secret(changes, secret.is_some());
    if !changes.is_empty() {
        execute!(
            &mut *tx,
            "UPDATE notification_recipient SET address = $2, address_folded = $3, causes = $4,
                    reached_at = CASE WHEN address = $2 THEN reached_at END
              WHERE id = $1",
            id,
            &recipient.address,
            planner::fold(&recipient.address),
            write_json(&recipient.causes)?
        )?;
        let action = AuditAction::NotificationRecipientUpdate;
        record(b, tx, scope, &before, action, changes).await?;
    }
    Ok(NotificationRecipientMade { recipient, secret })
}

/// Gives a webhook the secret that was offered for it. A second time changes nothing.
pub async fn rotate_to(
    b: &Backend,
    scope: &Scope,
    id: NotificationRecipientId,
    sealed: &str,
) -> Result<NotificationRecipient> {
    let mut tx = b.db.write().await?;
    let mut recipient = find(&mut tx, scope, id).await?;
    scope.require(Permission::NotificationsWrite)?;
    scope.require_recent_proof(b.clock.now())?;
    signs(recipient.kind)?;
    let secret = take_offered(b, id, sealed).await?;
    if !keep_secret(b, &mut tx, &mut recipient, &secret).await? {
        return find(&mut tx, scope, id).await;
    }
    let action = AuditAction::NotificationRecipientUpdate;
    let changes = with_secret(AuditChanges::none(), true);
    record(b, &mut tx, scope, &recipient, action, changes).await?;
    tx.commit().await?;
    Ok(recipient)
}

/// Keeps a new secret; the old one signs too for a while, so that a receiver can change over
/// without losing a message. False where it is kept already, as after a form that was sent twice:
/// the old one would be lost.
async fn keep_secret(
    b: &Backend,
    tx: &mut Tx,
    recipient: &mut NotificationRecipient,
    secret: &SecretString,
) -> Result<bool> {
    tx.hold("notification_recipient", recipient.id.0).await?;
    if is_kept(b, tx, recipient.id, secret).await? {
        return Ok(false);
    }
    let now = b.clock.now();
    let sealed = seal(b, tx, recipient.id, secret).await?;
    execute!(
        tx,
        "UPDATE notification_recipient SET previous_secret_sealed = secret_sealed,
                previous_secret_until = $2, secret_sealed = $3, secret_set_at = $4
          WHERE id = $1",
        recipient.id,
        now + Duration::hours(OLD_SECRET_HOURS),
        sealed,
        now
    )?;
    recipient.secret_set_at = Some(now);
    Ok(true)
}

/// Removes a recipient, and with it what waits for it and what it was told.
pub async fn delete(b: &Backend, scope: &Scope, id: NotificationRecipientId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let customer = find(&mut tx, scope, id).await?.customer_id;
    hold(&mut tx, customer).await?;
    delete_in(b, &mut tx, scope, id).await?;
    keep_version(b, &mut tx, scope, customer).await?;
    tx.commit().await
}

/// The same in the caller's transaction, which goes on, and keeps the version.
pub(crate) async fn delete_in(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: NotificationRecipientId,
) -> Result<()> {
    let recipient = find(tx, scope, id).await?;
    scope.require(Permission::NotificationsWrite)?;
    execute!(
        &mut *tx,
        "DELETE FROM notification_recipient WHERE id = $1",
        id
    )?;
    let action = AuditAction::NotificationRecipientDelete;
    let changes = AuditChanges::deleted(&shown(&recipient));
    record(b, tx, scope, &recipient, action, changes).await
}

fn check(b: &Backend, kind: RecipientKind, address: &str) -> Result<String> {
    Ok(match kind {
        RecipientKind::Mail => check_address(address)?,
        RecipientKind::Webhook => b.webhooks.check_url(address)?,
    })
}

async fn refuse_twice(
    tx: &mut Tx,
    customer: Option<CustomerId>,
    id: NotificationRecipientId,
    address: &str,
) -> Result<()> {
    let others = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM notification_recipient
          WHERE (customer_id = $1 OR (customer_id IS NULL AND $2)) AND address_folded = $3
            AND id <> $4",
        customer,
        customer.is_none(),
        planner::fold(address),
        id
    )?;
    if others > 0 {
        return Err(Error::invalid("address", "This address is told already."));
    }
    Ok(())
}

/// A recipient's address as it may be told: of a webhook only the host, since its path is often its
/// key.
pub(crate) fn told(recipient: &NotificationRecipient) -> String {
    match recipient.kind {
        RecipientKind::Mail => recipient.address.clone(),
        RecipientKind::Webhook => url::Url::parse(&recipient.address)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default(),
    }
}

/// What of a recipient goes into the audit log.
#[derive(Serialize)]
struct Shown<'a> {
    kind: RecipientKind,
    address: String,
    causes: &'a [NotificationCause],
}

fn shown(recipient: &NotificationRecipient) -> Shown<'_> {
    Shown {
        kind: recipient.kind,
        address: told(recipient),
        causes: &recipient.causes,
    }
}

/// The changes, with a new signing secret where there is one.
fn with_secret(changes: AuditChanges, secret: bool) -> AuditChanges {
    if secret {
        changes.secret("signing_secret")
    } else {
        changes
    }
}

/// Writes down what was done.
pub(crate) async fn record(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    recipient: &NotificationRecipient,
    action: AuditAction,
    changes: AuditChanges,
) -> Result<()> {
    let name = told(recipient);
    let entry = Entry::new(action, recipient.id.0, &name)
        .of(recipient.customer_id)
        .changes(changes);
    audit::record(b, tx, scope, entry).await
}
