//! Importing a file into a customer: its time zone and tags, how its people are invited, who is told,
//! and its integrations, all in one transaction or not at all. What the customer has beside the file
//! stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    customer::{Customer, CustomerChange, parse_tags},
    enrolment::EnrolmentSettings,
    id::{CustomerId, IntegrationId, NotificationRecipientId},
    integration::Integration,
    notification::{
        NewNotificationRecipient, NotificationRecipient, NotificationRecipientChange,
        RecipientKind, parse_causes,
    },
    permission::Permission,
    settings::{
        IntegrationSettings, SettingDifference,
        file::{
            CustomerFile, FileContent, ImportChange, ImportPlan, IntegrationFile, NotApplied,
            RecipientInFile,
        },
        settings_differences,
        version::{VersionCause, VersionSource},
    },
};
use serde_json::json;

use super::{
    Import, at,
    export::{address_in_file, all_integrations, all_recipients},
    integration::Wanted,
    other_kind, plan_with_hash, read,
};
use crate::{
    Backend, Error, Result, Scope, Tx,
    mail::check_address,
    store::{
        customer_versions, customers, enrolment, integrations, notification_recipients, still,
    },
    timetable,
};

/// What importing the file into a customer would change.
pub async fn plan_customer(
    b: &Backend,
    scope: &Scope,
    id: CustomerId,
    import: &Import<'_>,
) -> Result<ImportPlan> {
    let prepared = Prepared::of(b, scope, id, import).await?;
    let mut tx = b.db.read().await?;
    Ok(prepared.steps(&mut tx, scope).await?.plan)
}

/// Imports the file into a customer. Each part asks for the permission that changing it by hand
/// does, where it changes.
pub async fn import_customer(
    b: &Backend,
    scope: &Scope,
    id: CustomerId,
    import: &Import<'_>,
) -> Result<ImportPlan> {
    let prepared = Prepared::of(b, scope, id, import).await?;
    let mut tx = b.db.write().await?;
    tx.hold("customer", id.0).await?;
    for pair in &prepared.pairs {
        integrations::hold(&mut tx, pair.0).await?;
    }
    let steps = prepared.steps(&mut tx, scope).await?;
    still(import.hash, &steps.plan.hash)?;
    if let Some(change) = steps.customer {
        customers::change_in(b, &mut tx, scope, id, change).await?;
    }
    if let Some(settings) = steps.enrolment {
        enrolment::change_settings_in(b, &mut tx, scope, id, settings).await?;
    }
    for step in steps.recipients {
        match step {
            RecipientStep::Add(new) => {
                notification_recipients::add_mail(b, &mut tx, scope, id, new).await?;
            }
            RecipientStep::Change(recipient, change) => {
                notification_recipients::change_in(b, &mut tx, scope, recipient, change).await?;
            }
        }
    }
    let source = VersionSource::of(VersionCause::Imported);
    let mut changed = Vec::new();
    for (integration, settings) in steps.integrations {
        let change = settings.change();
        let one = integrations::change_in(b, &mut tx, scope, integration, change, &source).await?;
        changed.push(one);
    }
    customer_versions::keep(b, &mut tx, scope, id, &source).await?;
    tx.commit().await?;
    for one in changed {
        one.follow_up(b).await;
    }
    Ok(steps.plan)
}

/// A file and the integrations it is for, in the order of their ids: so two imports never wait for
/// each other.
struct Prepared {
    customer: CustomerId,
    /// In their one form; absent where the file says nothing of them.
    enrolment: Option<EnrolmentSettings>,
    file: CustomerFile,
    pairs: Vec<(IntegrationId, Wanted)>,
    recipients: Vec<NotificationRecipient>,
    not_applied: Vec<NotApplied>,
}

/// What an import does, and its plan.
struct Steps {
    customer: Option<CustomerChange>,
    enrolment: Option<EnrolmentSettings>,
    recipients: Vec<RecipientStep>,
    integrations: Vec<(IntegrationId, IntegrationSettings)>,
    plan: ImportPlan,
}

enum RecipientStep {
    Add(NewNotificationRecipient),
    Change(NotificationRecipientId, NotificationRecipientChange),
}

impl Prepared {
    async fn of(b: &Backend, scope: &Scope, id: CustomerId, import: &Import<'_>) -> Result<Self> {
        {
            let mut tx = b.db.read().await?;
            customers::find_in_use(&mut tx, scope, id).await?;
        }
        scope.require(Permission::IntegrationsWrite)?;
        let mut file = match read(import.text)? {
            FileContent::Customer(file) => file,
            other => return Err(other_kind(&other, "one of a customer")),
        };
        let enrolment = match file.enrolment.take() {
            Some(given) => Some(at(
                "customer.enrolment",
                enrolment::checked_settings(given),
            )?),
            None => None,
        };
        let present = all_integrations(b, scope, id).await?;
        let mut pairs = Vec::new();
        let mut not_applied = Vec::new();
        let files = std::mem::take(&mut file.integrations);
        let only_one = files.len() == 1;
        let mut taken = BTreeSet::new();
        for (at, one) in files.into_iter().enumerate() {
            let Some(integration) = counterpart(&present, &one, only_one) else {
                not_applied.push(NotApplied::new(
                    one.tenant,
                    "The customer has no integration of this tenant. Add it, then import the file \
                     again.",
                ));
                continue;
            };
            if !taken.insert(integration.id) {
                let field = format!("customer.integrations[{at}]");
                let message = "The file has this tenant twice.";
                return Err(Error::invalid(&field, message));
            }
            let place = format!("customer.integrations[{at}]");
            let find = import.find_groups;
            let wanted = Wanted::of(b, scope, integration, one, find, &place).await?;
            pairs.push((integration.id, wanted));
        }
        pairs.sort_by_key(|pair| pair.0);
        Ok(Self {
            customer: id,
            enrolment,
            pairs,
            recipients: all_recipients(b, scope, id).await?,
            not_applied,
            file,
        })
    }

    async fn steps(&self, tx: &mut Tx, scope: &Scope) -> Result<Steps> {
        let customer = customers::find_in_use(tx, scope, self.customer).await?;
        let mut plan = ImportPlan {
            changes: Vec::new(),
            not_applied: self.not_applied.clone(),
            group_names: BTreeMap::new(),
            hash: String::new(),
        };
        let invites = enrolment::load_settings(tx, self.customer).await?;
        let change = self.customer_change(&customer)?;
        let enrolment = self.enrolment.clone().filter(|given| *given != invites);
        plan.changes
            .extend(self.shown(&customer, &invites, change.as_ref()));
        let recipients = self.recipient_steps(&mut plan)?;
        let (mut integrations, mut before) = (Vec::new(), Vec::new());
        for (id, wanted) in &self.pairs {
            let present = integrations::find(tx, scope, *id).await?;
            let (change, names) = wanted.change(tx, &present).await?;
            plan.group_names.extend(names);
            plan.not_applied
                .extend(wanted.not_applied().iter().map(|one| NotApplied {
                    what: format!("{}: {}", present.name, one.what),
                    ..one.clone()
                }));
            before.push((*id, IntegrationSettings::of(&present)));
            integrations.push((*id, wanted.settings(&present)?));
            plan.changes.extend(change);
        }
        let of_customer = (
            &customer.tags,
            &customer.time_zone,
            &invites,
            &self.enrolment,
        );
        let made_from = (before, &integrations, of_customer);
        let plan = plan_with_hash(plan, &made_from)?;
        Ok(Steps {
            customer: change,
            enrolment,
            recipients,
            integrations,
            plan,
        })
    }

    fn customer_change(&self, present: &Customer) -> Result<Option<CustomerChange>> {
        let tags = parse_tags("customer.tags", &self.file.tags)?;
        let time_zone = at("customer", timetable::check_zone(&self.file.time_zone))?;
        let change = CustomerChange {
            time_zone: (time_zone != present.time_zone).then_some(time_zone),
            tags: (tags != present.tags).then_some(tags),
            name: None,
        };
        Ok((change != CustomerChange::default()).then_some(change))
    }

    /// What changes of the customer itself; none where nothing does.
    fn shown(
        &self,
        present: &Customer,
        invites: &EnrolmentSettings,
        change: Option<&CustomerChange>,
    ) -> Option<ImportChange> {
        let time_zone = change.and_then(|change| change.time_zone.as_ref());
        let tags = change.and_then(|change| change.tags.as_ref());
        let differences = settings_differences(
            &json!({
                "time_zone": present.time_zone,
                "tags": present.tags,
                "enrolment": invites,
            }),
            &json!({
                "time_zone": time_zone.unwrap_or(&present.time_zone),
                "tags": tags.unwrap_or(&present.tags),
                "enrolment": self.enrolment.as_ref().unwrap_or(invites),
            }),
        );
        (!differences.is_empty()).then(|| ImportChange {
            of: present.name.clone(),
            integration_id: None,
            differences,
        })
    }

    fn recipient_steps(&self, plan: &mut ImportPlan) -> Result<Vec<RecipientStep>> {
        let mut steps = Vec::new();
        for (nth, given) in self.file.notification_recipients.iter().enumerate() {
            let place = format!("customer.notification_recipients[{nth}]");
            let causes = at(&place, parse_causes(&given.causes).map_err(Error::from))?;
            let present = self.recipients.iter().filter(|one| is_same(one, given));
            let present: Vec<_> = present.collect();
            if present.iter().any(|one| one.causes == causes) {
                continue;
            }
            let before = match (given.kind, &present[..]) {
                (_, [present]) => {
                    let change = NotificationRecipientChange {
                        causes: Some(causes.clone()),
                        ..NotificationRecipientChange::default()
                    };
                    steps.push(RecipientStep::Change(present.id, change));
                    Some(json!(present.causes))
                }
                (RecipientKind::Webhook, _) => {
                    plan.not_applied.push(NotApplied::new(
                        &given.address,
                        "A file holds neither the path nor the signing secret of a webhook. Add or \
                         change it by hand.",
                    ));
                    continue;
                }
                (RecipientKind::Mail, _) => {
                    at(&place, check_address(&given.address).map_err(Error::from))?;
                    steps.push(RecipientStep::Add(NewNotificationRecipient {
                        kind: given.kind,
                        address: given.address.clone(),
                        causes: Some(causes.clone()),
                    }));
                    None
                }
            };
            plan.changes.push(ImportChange {
                of: given.address.clone(),
                integration_id: None,
                differences: vec![SettingDifference {
                    path: "notification_recipients.causes".to_owned(),
                    name: "Told of".to_owned(),
                    before,
                    after: Some(json!(causes)),
                }],
            });
        }
        Ok(steps)
    }
}

fn is_same(present: &NotificationRecipient, given: &RecipientInFile) -> bool {
    let address = |text: &str| planner::fold(text.trim());
    present.kind == given.kind && address(&address_in_file(present)) == address(&given.address)
}

/// The integration that a file means: the one of its tenant; where the file and the customer have
/// one each, that one.
fn counterpart<'a>(
    present: &'a [Integration],
    file: &IntegrationFile,
    only_one: bool,
) -> Option<&'a Integration> {
    let of_tenant = present
        .iter()
        .find(|one| one.kind == file.kind && one.cloud == file.cloud && one.tenant == file.tenant);
    match present {
        [one] if only_one && one.kind == file.kind => of_tenant.or(Some(one)),
        _ => of_tenant,
    }
}
