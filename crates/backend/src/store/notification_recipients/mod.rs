//! Who is told what goes wrong: recipients of one customer, and those of the installation, who are
//! told of every customer and whom only an owner of all of them sees.

mod change;
mod secret;

use domain::{
    DateTime,
    credential_profile::WarningReach,
    id::{CustomerId, NotificationDeliveryId, NotificationRecipientId},
    notification::{
        DeliveryStatus, NotificationCause, NotificationDelivery, NotificationRecipient,
        NotificationRecipientLine, RecipientKind,
    },
    paging::{Cursor, ListRequest, Listing},
    permission::Permission,
};
use sqlx::FromRow;

pub(crate) use change::{add_mail, change_in, delete_in, record, told};
pub use change::{change, create, create_with, delete, rotate_to};
pub(crate) use secret::target;
pub use secret::{OfferedSecret, offer_secret};

use super::{customers, paging, read_json};
use crate::{
    Backend, Error, Result, Scope, Tx, fetch_all, fetch_optional, in_scope, notify::mail_server,
};

/// Deliveries that a page shows of one recipient.
const SHOWN: i64 = 20;

/// Recipients the caller sees; `$3`: whether those of the installation are among them. The
/// customer is joined as `c`.
macro_rules! visible {
    () => {
        concat!(
            "((r.customer_id IS NULL AND $3)
              OR (r.customer_id IS NOT NULL AND c.deleted_at IS NULL AND ",
            in_scope!("r.customer_id"),
            "))"
        )
    };
}

const RECIPIENT: &str = "SELECT r.id, r.customer_id, r.kind, r.address, r.causes, r.created_at,
       r.secret_set_at
     FROM notification_recipient r LEFT JOIN customer c ON c.id = r.customer_id";

#[derive(FromRow)]
struct Row {
    id: NotificationRecipientId,
    customer_id: Option<CustomerId>,
    kind: RecipientKind,
    address: String,
    causes: String,
    created_at: DateTime,
    secret_set_at: Option<DateTime>,
}

impl Row {
    fn recipient(self) -> Result<NotificationRecipient> {
        let causes: Vec<NotificationCause> =
            read_json("notification_recipient.causes", &self.causes)?;
        Ok(NotificationRecipient {
            id: self.id,
            customer_id: self.customer_id,
            kind: self.kind,
            address: self.address,
            causes,
            created_at: self.created_at,
            secret_set_at: self.secret_set_at,
        })
    }
}

/// Whether the caller looks after the whole installation.
fn sees_installation(scope: &Scope) -> bool {
    scope.sees_all() && scope.can(Permission::InstallationWrite)
}

/// Refuses a caller who doesn't look after the whole installation, and so may not know of its
/// recipients: before anything is looked at that the caller brought.
pub fn require_installation(scope: &Scope) -> Result<()> {
    if sees_installation(scope) {
        Ok(())
    } else {
        Err(Error::Forbidden(Permission::InstallationWrite))
    }
}

/// Refuses a caller who may not do it with recipients of `customer`, or with those of the
/// installation where there is none.
async fn may(
    tx: &mut Tx,
    scope: &Scope,
    customer: Option<CustomerId>,
    permission: Permission,
) -> Result<()> {
    match customer {
        Some(customer) => {
            customers::find_in_use(tx, scope, customer).await?;
        }
        None => require_installation(scope)?,
    }
    scope.require(permission)
}

const NEXT: &str = concat!(
    "WHERE ",
    visible!(),
    r" AND (r.customer_id = $4 OR (r.customer_id IS NULL AND $5))
       AND (r.address_folded, r.id) > ($6, $7)
       AND ($8 IS NULL OR r.address_folded LIKE $8 ESCAPE '\')
     ORDER BY r.address_folded, r.id LIMIT $9"
);

/// Recipients of a customer, or of the installation where there is none, by address.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    customer: Option<CustomerId>,
    request: &ListRequest,
) -> Result<Listing<NotificationRecipient>> {
    let mut tx = b.db.read().await?;
    may(&mut tx, scope, customer, Permission::NotificationsRead).await?;
    let (after, id) = paging::after(request);
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!("{RECIPIENT} {NEXT}")),
        scope.all(),
        scope.grantee(),
        sees_installation(scope),
        customer,
        customer.is_none(),
        after,
        id,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    let items = rows
        .into_iter()
        .map(Row::recipient)
        .collect::<Result<_>>()?;
    Ok(paging::listing(
        items,
        request,
        |recipient: &NotificationRecipient| Cursor {
            after: planner::fold(&recipient.address),
            id: recipient.id.0,
        },
    ))
}

/// Every recipient of a customer, by address. Whoever asks has found the customer.
pub(crate) async fn of_customer(
    tx: &mut Tx,
    customer: CustomerId,
) -> Result<Vec<NotificationRecipient>> {
    let rows = fetch_all!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "{RECIPIENT} WHERE r.customer_id = $1 ORDER BY r.address_folded, r.id"
        )),
        customer
    )?;
    rows.into_iter().map(Row::recipient).collect()
}

/// The same for a page: all of them, each with the last message to it.
pub async fn lines(
    b: &Backend,
    scope: &Scope,
    customer: Option<CustomerId>,
) -> Result<Vec<NotificationRecipientLine>> {
    let request = ListRequest {
        limit: domain::paging::LIMIT_MAX,
        ..ListRequest::default()
    };
    let recipients = listing(b, scope, customer, &request).await?.items;
    let mut tx = b.db.read().await?;
    let mut lines = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        let last = load_deliveries(&mut tx, recipient.id, 1).await?.pop();
        lines.push(NotificationRecipientLine { recipient, last });
    }
    Ok(lines)
}

/// One recipient.
pub async fn get(
    b: &Backend,
    scope: &Scope,
    id: NotificationRecipientId,
) -> Result<NotificationRecipient> {
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await
}

pub(crate) async fn find(
    tx: &mut Tx,
    scope: &Scope,
    id: NotificationRecipientId,
) -> Result<NotificationRecipient> {
    let row = fetch_optional!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!("{RECIPIENT} WHERE r.id = $4 AND {}", visible!())),
        scope.all(),
        scope.grantee(),
        sees_installation(scope),
        id
    )?
    .ok_or(Error::NotFound("recipient"))?;
    scope.require(Permission::NotificationsRead)?;
    row.recipient()
}

/// The last messages to a recipient, the newest first.
pub async fn deliveries(
    b: &Backend,
    scope: &Scope,
    id: NotificationRecipientId,
) -> Result<Vec<NotificationDelivery>> {
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    load_deliveries(&mut tx, id, SHOWN).await
}

#[derive(FromRow)]
struct ReachRow {
    kind: RecipientKind,
    causes: String,
    /// Of the last message; none where there was no message yet.
    status: Option<DeliveryStatus>,
    attempts: Option<i64>,
    reached_at: Option<DateTime>,
}

impl ReachRow {
    /// Whether what was tried last did not reach it, though it may be tried again.
    fn failed(&self) -> bool {
        match self.status {
            Some(DeliveryStatus::Failed) => true,
            Some(DeliveryStatus::Queued) => self.attempts.is_some_and(|attempts| attempts > 0),
            Some(DeliveryStatus::Delivered) | None => false,
        }
    }
}

/// Who would be told that a secret ends: of `customer`, or of a shared profile where there is none.
/// None for callers who may not know of recipients.
pub async fn warning_reach(
    b: &Backend,
    scope: &Scope,
    customer: Option<CustomerId>,
) -> Result<Option<WarningReach>> {
    let mut tx = b.db.read().await?;
    warning_reach_in(b, &mut tx, scope, customer).await
}

pub(crate) async fn warning_reach_in(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    customer: Option<CustomerId>,
) -> Result<Option<WarningReach>> {
    if !scope.can(Permission::NotificationsRead) {
        return Ok(None);
    }
    let rows = fetch_all!(
        &mut *tx,
        ReachRow,
        concat!(
            "SELECT r.kind, r.causes, r.reached_at, d.status, d.attempts
               FROM notification_recipient r LEFT JOIN customer c ON c.id = r.customer_id
               LEFT JOIN notification_delivery d ON d.id = (
                    SELECT l.id FROM notification_delivery l WHERE l.recipient_id = r.id
                     ORDER BY l.created_at DESC, l.id DESC LIMIT 1)
              WHERE ",
            visible!(),
            " AND (r.customer_id IS NULL OR r.customer_id = $4)"
        ),
        scope.all(),
        scope.grantee(),
        sees_installation(scope),
        customer
    )?;
    let mut reach = WarningReach {
        complete: sees_installation(scope),
        mail_server: mail_server::last(b, tx).await?,
        ..WarningReach::default()
    };
    let mails_leave = b.settings.smtp.is_some()
        && reach
            .mail_server
            .as_ref()
            .is_none_or(|check| check.error.is_none());
    for row in rows {
        let causes: Vec<NotificationCause> =
            read_json("notification_recipient.causes", &row.causes)?;
        if !causes.contains(&NotificationCause::SecretEnds) {
            continue;
        }
        reach.recipients += 1;
        if row.kind == RecipientKind::Mail && !mails_leave {
            reach.without_mail += 1;
        } else if row.failed() {
            reach.unreached += 1;
        } else if row.reached_at.is_none() {
            reach.untried += 1;
        }
    }
    Ok(Some(reach))
}

#[derive(FromRow)]
struct DeliveryRow {
    id: NotificationDeliveryId,
    cause: Option<NotificationCause>,
    title: String,
    status: DeliveryStatus,
    attempts: i64,
    error: Option<String>,
    created_at: DateTime,
    attempted_at: Option<DateTime>,
    next_at: Option<DateTime>,
}

async fn load_deliveries(
    tx: &mut Tx,
    id: NotificationRecipientId,
    limit: i64,
) -> Result<Vec<NotificationDelivery>> {
    let rows = fetch_all!(
        tx,
        DeliveryRow,
        "SELECT id, cause, title, status, attempts, error, created_at, attempted_at, next_at
           FROM notification_delivery WHERE recipient_id = $1
          ORDER BY created_at DESC, id DESC LIMIT $2",
        id,
        limit
    )?;
    rows.into_iter()
        .map(|row| {
            Ok(NotificationDelivery {
                id: row.id,
                cause: row.cause,
                title: row.title,
                status: row.status,
                attempts: row.attempts,
                error: row
                    .error
                    .map(|text| read_json("notification_delivery.error", &text))
                    .transpose()?,
                created_at: row.created_at,
                attempted_at: row.attempted_at,
                next_at: row.next_at,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
