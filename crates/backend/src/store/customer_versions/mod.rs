//! Versions of a customer's settings: name, time zone, tags, how its people are invited, and who is
//! told. Kept with every save, and restored part by part, as changing it by hand does. The settings of
//! its integrations have versions of their own.

use domain::{
    customer::{Customer, CustomerChange},
    id::{CustomerId, NotificationRecipientId},
    notification::{
        NewNotificationRecipient, NotificationRecipient, NotificationRecipientChange, RecipientKind,
    },
    permission::Permission,
    settings::{
        customer::CustomerSettings,
        file::{NotApplied, RecipientInFile},
        version::{VersionCause, VersionSource},
    },
};

use super::{
    customers, enrolment, notification_recipients as recipients, still,
    versions::{self, Versioned},
};
use crate::{Backend, Result, Scope, Tx};

impl Versioned for CustomerSettings {
    type Id = CustomerId;
    const TABLE: &'static str = "customer_version";
    const OF: &'static str = "customer_id";

    async fn present(tx: &mut Tx, scope: &Scope, id: CustomerId) -> Result<Self> {
        let settings = load(tx, scope, id).await?;
        scope.require(Permission::CustomersRead)?;
        scope.require(Permission::DirectoryRead)?;
        scope.require(Permission::NotificationsRead)?;
        Ok(settings)
    }

    fn restored_over(&self, present: &Self) -> (Self, Vec<NotApplied>) {
        Self::restored_over(self, present)
    }
}

/// The settings as they are.
async fn load(tx: &mut Tx, scope: &Scope, id: CustomerId) -> Result<CustomerSettings> {
    let customer = customers::find_in_use(tx, scope, id).await?;
    let told = recipients::of_customer(tx, id).await?;
    let mut told: Vec<_> = told.iter().map(in_version).collect();
    told.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(CustomerSettings {
        name: customer.name,
        time_zone: customer.time_zone,
        tags: customer.tags,
        enrolment: enrolment::load_settings(tx, id).await?,
        notification_recipients: told,
    })
}

/// A recipient without its secrets.
fn in_version(of: &NotificationRecipient) -> RecipientInFile {
    RecipientInFile {
        kind: of.kind,
        address: recipients::told(of),
        causes: of.causes.clone(),
    }
}

/// Holds a customer before its settings are changed, so that versions are numbered one after the
/// other, and nobody waits for it who is at the end of the audit log.
pub(crate) async fn hold(tx: &mut Tx, id: CustomerId) -> Result<()> {
    tx.hold("customer", id.0).await
}

/// Keeps the settings as the customer's next version, where they aren't those of the last one. The
/// caller holds the customer.
pub(crate) async fn keep(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: CustomerId,
    source: &VersionSource,
) -> Result<()> {
    let settings = load(tx, scope, id).await?;
    let last = versions::last::<CustomerSettings>(tx, id).await?;
    if last.is_some_and(|last| last.settings == settings) {
        return Ok(());
    }
    versions::keep(b, tx, scope, id, &settings, source).await
}

/// The same after somebody saved something.
pub(crate) async fn keep_saved(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: CustomerId,
) -> Result<()> {
    keep(b, tx, scope, id, &VersionSource::of(VersionCause::Saved)).await
}

/// Makes the settings those of a version again, and a version of its own. Each part asks for the
/// permission that changing it by hand does, where it changes. `hash`: of the difference that was
/// looked at.
pub async fn restore(
    b: &Backend,
    scope: &Scope,
    id: CustomerId,
    number: i64,
    hash: Option<&str>,
) -> Result<Customer> {
    let mut tx = b.db.write().await?;
    hold(&mut tx, id).await?;
    let present = CustomerSettings::present(&mut tx, scope, id).await?;
    let (wanted, compared) = versions::restoring(&mut tx, id, number, &present).await?;
    scope.require(Permission::CustomersWrite)?;
    still(hash, &compared.hash)?;
    let change = CustomerChange {
        name: (wanted.name != present.name).then_some(wanted.name),
        time_zone: (wanted.time_zone != present.time_zone).then_some(wanted.time_zone),
        tags: (wanted.tags != present.tags).then_some(wanted.tags),
    };
    if change != CustomerChange::default() {
        customers::change_in(b, &mut tx, scope, id, change).await?;
    }
    if wanted.enrolment != present.enrolment {
        enrolment::change_settings_in(b, &mut tx, scope, id, wanted.enrolment).await?;
    }
    restore_recipients(b, &mut tx, scope, id, wanted.notification_recipients).await?;
    let source = VersionSource::restored(number);
    keep(b, &mut tx, scope, id, &source).await?;
    let customer = customers::find(&mut tx, scope, id).await?;
    tx.commit().await?;
    Ok(customer)
}

/// Has these be told, and no other mail address. Of webhooks only what they are told of is changed.
async fn restore_recipients(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: CustomerId,
    wanted: Vec<RecipientInFile>,
) -> Result<()> {
    let present = recipients::of_customer(tx, id).await?;
    let same = |kind: RecipientKind, address: &str, one: &RecipientInFile| {
        one.kind == kind && one.address == address
    };
    for one in &present {
        let address = recipients::told(one);
        let mut wanted = wanted
            .iter()
            .filter(|wanted| same(one.kind, &address, wanted));
        match (wanted.next(), wanted.next()) {
            (Some(wanted), None) if wanted.causes != one.causes => {
                change_causes(b, tx, scope, one.id, wanted).await?;
            }
            (None, _) if one.kind == RecipientKind::Mail => {
                recipients::delete_in(b, tx, scope, one.id).await?;
            }
            _ => {}
        }
    }
    for new in wanted {
        let is_known = present
            .iter()
            .any(|one| same(one.kind, &recipients::told(one), &new));
        if new.kind == RecipientKind::Mail && !is_known {
            let new = NewNotificationRecipient {
                kind: new.kind,
                address: new.address,
                causes: Some(new.causes),
            };
            recipients::add_mail(b, tx, scope, id, new).await?;
        }
    }
    Ok(())
}

async fn change_causes(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: NotificationRecipientId,
    wanted: &RecipientInFile,
) -> Result<()> {
    let change = NotificationRecipientChange {
        causes: Some(wanted.causes.clone()),
        ..NotificationRecipientChange::default()
    };
    recipients::change_in(b, tx, scope, id, change).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
