//! A mail that was taken by the mail server and came back later. Rollcall has no mailbox that it could
//! come back to: whoever reads that mailbox, or whom the mail provider tells, says it here.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, UserId},
    permission::Permission,
    run::RunError,
    text::parse_note,
};
use uuid::Uuid;

use crate::{
    Backend, Error, Result, Scope, execute, fetch_all,
    mail::check_address,
    store::{
        audit::{self, Entry},
        customers, write_json,
    },
};

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
    let error = RunError {
        code: "mail_bounced".to_owned(),
        title: "The mail came back".to_owned(),
        detail: reason.to_owned(),
        fix: "Correct the address, then invite them again.".to_owned(),
    };
    for (mail, user, name) in &mails {
        execute!(
            &mut tx,
            "UPDATE enrolment_mail SET status = 'failed', error = $2 WHERE id = $1",
            mail,
            write_json(&error)?
        )?;
        execute!(
            &mut tx,
            "UPDATE enrolment SET mail_failed = TRUE WHERE user_id = $1",
            user
        )?;
        let changes = AuditChanges::none().now("address", &address);
        let entry = Entry::new(AuditAction::UserMailBounced, user.0, name)
            .of(customer)
            .changes(changes.now("reason", &reason));
        audit::record(b, &mut tx, scope, entry).await?;
    }
    tx.commit().await?;
    Ok(mails.len() as u64)
}
