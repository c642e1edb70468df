//! A mail that was taken by the mail server and came back later. Rollcall has no mailbox that it could
//! come back to: whoever reads that mailbox, or whom the mail provider tells, says it here, and takes it
//! back where it was a mistake.

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    enrolment::Enrolment,
    id::{CustomerId, UserId},
    notification::DeliveryStatus,
    permission::Permission,
    run::RunError,
    text::parse_note,
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{find, load};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional,
    mail::check_address,
    store::{
        audit::{self, Entry},
        customers, write_json,
    },
};

/// A mail that came back, or didn't.
struct Sent<'a> {
    mail: Uuid,
    user: UserId,
    name: &'a str,
    customer: CustomerId,
    address: &'a str,
}

/// Notes that the last mail to an address of a customer's users came back, and why; answers how many
/// users that concerns. An older mail changes nothing: a newer one took its place.
///
/// `NotFound` where no last mail to anybody went to this address.
pub async fn bounced(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    address: &str,
    reason: &str,
) -> Result<u64> {
    let mut tx = b.db.write().await?;
    customers::find(&mut tx, scope, customer).await?;
    scope.require(Permission::DirectoryWrite)?;
    let address = check_address(address)?;
    let reason = parse_note("reason", reason)?;
    let mails = fetch_all!(
        &mut tx,
        (Uuid, UserId, String),
        "SELECT m.id, m.user_id, u.display_name
           FROM enrolment_mail m JOIN directory_user u ON u.id = m.user_id
          WHERE m.customer_id = $1 AND m.address = $2 AND m.status = 'delivered'
            AND NOT EXISTS (SELECT 1 FROM enrolment_mail n
                             WHERE n.user_id = m.user_id AND n.created_at > m.created_at)
          ORDER BY m.id",
        customer,
        &address
    )?;
    if mails.is_empty() {
        return Err(Error::NotFound("sent mail"));
    }
    for (mail, user, name) in &mails {
        let sent = Sent {
            mail: *mail,
            user: *user,
            name,
            customer,
            address: &address,
        };
        came_back(b, &mut tx, scope, &sent, reason).await?;
    }
    tx.commit().await?;
    Ok(mails.len() as u64)
}

/// Notes that the last mail to one user came back, and why where that is known.
pub async fn mark_bounced(
    b: &Backend,
    scope: &Scope,
    id: UserId,
    reason: &str,
) -> Result<Enrolment> {
    let mut tx = b.db.write().await?;
    let user = find(&mut tx, scope, id).await?;
    scope.require(Permission::DirectoryWrite)?;
    let reason = parse_note("reason", reason)?;
    let last = last(&mut tx, id).await?;
    let last = last.filter(|last| last.status == DeliveryStatus::Delivered);
    let Some(last) = last else {
        return Err(Error::conflict(
            "No mail server took the last mail to this user, so it can’t have come back.",
        ));
    };
    let sent = Sent {
        mail: last.id,
        user: id,
        name: &user.display_name,
        customer: user.customer_id,
        address: &last.address,
    };
    came_back(b, &mut tx, scope, &sent, reason).await?;
    let enrolment = load(b, &mut tx, id).await?;
    tx.commit().await?;
    Ok(enrolment)
}

/// Takes back that the last mail to a user came back.
pub async fn unmark_bounced(b: &Backend, scope: &Scope, id: UserId) -> Result<Enrolment> {
    let mut tx = b.db.write().await?;
    let user = find(&mut tx, scope, id).await?;
    scope.require(Permission::DirectoryWrite)?;
    let last = last(&mut tx, id).await?;
    let Some(last) = last.filter(|last| last.bounced_at.is_some()) else {
        return Err(Error::conflict(
            "The last mail to this user isn’t marked as bounced.",
        ));
    };
    execute!(
        &mut tx,
        "UPDATE enrolment_mail SET status = $2, error = NULL, bounced_at = NULL WHERE id = $1",
        last.id,
        DeliveryStatus::Delivered
    )?;
    execute!(
        &mut tx,
        "UPDATE enrolment SET mail_failed = FALSE WHERE user_id = $1",
        id
    )?;
    let entry = Entry::new(AuditAction::UserMailArrived, id.0, &user.display_name)
        .of(user.customer_id)
        .changes(AuditChanges::none().now("address", &last.address));
    let enrolment = load(b, &mut tx, id).await?;
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(enrolment)
}

#[derive(FromRow)]
struct Last {
    id: Uuid,
    address: String,
    status: DeliveryStatus,
    bounced_at: Option<DateTime>,
}

async fn last(tx: &mut Tx, user: UserId) -> Result<Option<Last>> {
    fetch_optional!(
        tx,
        Last,
        "SELECT id, address, status, bounced_at FROM enrolment_mail
          WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1",
        user
    )
}

async fn came_back(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    sent: &Sent<'_>,
    reason: &str,
) -> Result<()> {
    let error = RunError {
        code: "mail_bounced".to_owned(),
        title: "The mail came back".to_owned(),
        detail: if reason.is_empty() {
            format!("{} said so, without a reason.", scope.actor_name())
        } else {
            reason.to_owned()
        },
        fix: "Correct the address, then invite them again.".to_owned(),
    };
    execute!(
        &mut *tx,
        "UPDATE enrolment_mail SET status = $2, error = $3, bounced_at = $4 WHERE id = $1",
        sent.mail,
        DeliveryStatus::Failed,
        write_json(&error)?,
        b.clock.now()
    )?;
    execute!(
        &mut *tx,
        "UPDATE enrolment SET mail_failed = TRUE WHERE user_id = $1",
        sent.user
    )?;
    let changes = AuditChanges::none().now("address", &sent.address);
    let entry = Entry::new(AuditAction::UserMailBounced, sent.user.0, sent.name)
        .of(sent.customer)
        .changes(changes.now("reason", &reason));
    audit::record(b, tx, scope, entry).await
}
