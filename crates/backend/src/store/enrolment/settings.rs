//! How a customer's people are invited.

use domain::{
    audit::{AuditAction, AuditChanges},
    enrolment::EnrolmentSettings,
    id::CustomerId,
    permission::Permission,
};

use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional,
    mail::check_address,
    store::{
        audit::{self, Entry},
        customer_versions, customers, read_json, write_json,
    },
};

/// The settings of a customer; the defaults where nobody changed them.
pub async fn settings(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
) -> Result<EnrolmentSettings> {
    let mut tx = b.db.read().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    scope.require(Permission::DirectoryRead)?;
    load(&mut tx, customer).await
}

pub(crate) async fn load(tx: &mut Tx, customer: CustomerId) -> Result<EnrolmentSettings> {
    let kept = fetch_optional!(
        tx,
        (String,),
        "SELECT settings FROM enrolment_settings WHERE customer_id = $1",
        customer
    )?;
    match kept {
        Some((json,)) => read_json("enrolment_settings.settings", &json),
        None => Ok(EnrolmentSettings::default()),
    }
}

/// Brings settings into the form in which they are kept, or says what can't be.
pub(crate) fn checked(settings: EnrolmentSettings) -> Result<EnrolmentSettings> {
    let settings = settings.checked()?;
    if let Some(reply_to) = &settings.reply_to {
        check_address(reply_to).map_err(|error| Error::invalid("reply_to", error.message))?;
    }
    Ok(settings)
}

/// Changes the settings of a customer. What is mailed from then on follows them.
pub async fn change_settings(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    settings: EnrolmentSettings,
) -> Result<EnrolmentSettings> {
    let mut tx = b.db.write().await?;
    let settings = change_settings_in(b, &mut tx, scope, customer, settings).await?;
    customer_versions::keep_saved(b, &mut tx, scope, customer).await?;
    tx.commit().await?;
    Ok(settings)
}

/// The same in the caller's transaction, which goes on, and keeps the version.
pub(crate) async fn change_settings_in(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    customer: CustomerId,
    settings: EnrolmentSettings,
) -> Result<EnrolmentSettings> {
    tx.hold("customer", customer.0).await?;
    let name = customers::find_in_use(tx, scope, customer).await?.name;
    scope.require(Permission::DirectoryWrite)?;
    let settings = checked(settings)?;
    let before = load(tx, customer).await?;
    if before == settings {
        return Ok(settings);
    }
    execute!(
        &mut *tx,
        "INSERT INTO enrolment_settings (customer_id, settings) VALUES ($1, $2)
         ON CONFLICT (customer_id) DO UPDATE SET settings = $2",
        customer,
        write_json(&settings)?
    )?;
    let entry = Entry::new(AuditAction::CustomerUpdateEnrolment, customer.0, &name)
        .of(customer)
        .changes(AuditChanges::between(&before, &settings));
    audit::record(b, tx, scope, entry).await?;
    Ok(settings)
}
