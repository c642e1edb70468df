//! What an invitation looks like, before anybody gets one.

use domain::{
    audit::{AuditAction, AuditChanges},
    enrolment::{EnrolmentMail, EnrolmentSettings},
    id::CustomerId,
    permission::Permission,
};

use super::settings::checked;
use crate::{
    Backend, Error, Result, Scope, Tx,
    enrolment_mail::{self, Whose},
    fetch_optional,
    limits::Limited,
    mail::check_address,
    store::{
        audit::{self, Entry},
        customers,
    },
};

/// Who stands in the mail where a customer has nobody yet.
const SOMEBODY: (&str, &str) = ("Ada Lovelace", "ada@example.com");

/// What an invitation looks like with these settings, saved or not, for the first of the customer’s
/// active users by name.
pub async fn preview(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    settings: EnrolmentSettings,
) -> Result<EnrolmentMail> {
    let mut tx = b.db.read().await?;
    let name = customers::find_in_use(&mut tx, scope, customer).await?.name;
    scope.require(Permission::DirectoryRead)?;
    let settings = checked(settings)?;
    of_somebody(b, &mut tx, (customer, &name), &settings).await
}

async fn of_somebody(
    b: &Backend,
    tx: &mut Tx,
    (customer, name): (CustomerId, &str),
    settings: &EnrolmentSettings,
) -> Result<EnrolmentMail> {
    let somebody = fetch_optional!(
        tx,
        (String, String),
        "SELECT display_name, user_principal_name FROM directory_user
          WHERE customer_id = $1 AND status = 'active' AND user_principal_name IS NOT NULL
          ORDER BY name_folded, id LIMIT 1",
        customer
    )?;
    let (person, user_name) =
        somebody.unwrap_or_else(|| (SOMEBODY.0.to_owned(), SOMEBODY.1.to_owned()));
    let whose = Whose {
        name: &person,
        user_name: &user_name,
        customer: name,
        days: settings.link_days,
    };
    Ok(enrolment_mail::sample(b, settings, whose))
}

/// Sends that mail to an address, once, while the caller waits. Its link leads nowhere.
pub async fn send_test(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    settings: EnrolmentSettings,
    to: &str,
) -> Result<()> {
    let mut tx = b.db.read().await?;
    let name = customers::find_in_use(&mut tx, scope, customer).await?.name;
    scope.require(Permission::DirectoryWrite)?;
    let settings = checked(settings)?;
    let to = check_address(to).map_err(|error| Error::invalid("to", error.message))?;
    b.limits.take(Limited::Invitation, scope)?;
    let mail = of_somebody(b, &mut tx, (customer, &name), &settings).await?;
    drop(tx);
    let sent = enrolment_mail::send_sample(b, &settings, &to, mail).await;
    let mut tx = b.db.write().await?;
    let changes = AuditChanges::none()
        .now("address", &to)
        .now("sent", &sent.is_ok());
    let entry = Entry::new(AuditAction::CustomerTestEnrolment, customer.0, &name)
        .of(customer)
        .changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    sent.map_err(|undelivered| {
        let error = undelivered.error;
        Error::conflict(format!("{}: {} {}", error.title, error.detail, error.fix))
    })
}
