//! Settings written into a file. What goes out is an entry of the audit log first.

use domain::{
    audit::{AuditAction, AuditChanges},
    customer::Customer,
    id::{CredentialProfileId, CustomerId, IntegrationId, PolicyTemplateId},
    integration::Integration,
    notification::{NotificationRecipient, RecipientKind},
    paging::{LIMIT_MAX, ListRequest},
    permission::Permission,
    settings::{
        file::{
            AdministratorsInFile, CustomerFile, FileContent, FileFormat, GroupInFile,
            IntegrationFile, RecipientInFile, SettingsFile, TemplateFile,
        },
        template::PolicyTemplate,
    },
};

use super::text;
use crate::{
    Backend, Result, Scope, fetch_optional,
    limits::Limited,
    store::{
        audit::{self, Entry},
        customers, enrolment, integrations, notification_recipients, policy_templates,
    },
};

/// The settings of one integration as a file.
pub async fn of_integration(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    format: FileFormat,
) -> Result<String> {
    let integration = integrations::get(b, scope, id).await?;
    let file = integration_file(b, scope, &integration).await?;
    let text = text::write(&SettingsFile::of(FileContent::Integration(file)), format)?;
    let action = AuditAction::IntegrationExportSettings;
    let entry = integrations::entry(action, &integration);
    written_down(b, scope, entry, format).await?;
    Ok(text)
}

/// All settings of a customer as a file.
pub async fn of_customer(
    b: &Backend,
    scope: &Scope,
    id: CustomerId,
    format: FileFormat,
) -> Result<String> {
    let customer = customers::get(b, scope, id).await?;
    let file = customer_file(b, scope, &customer).await?;
    let text = text::write(&SettingsFile::of(FileContent::Customer(file)), format)?;
    let entry = customers::entry(AuditAction::CustomerExportSettings, &customer);
    written_down(b, scope, entry, format).await?;
    Ok(text)
}

/// A policy template as a file.
pub async fn of_template(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    format: FileFormat,
) -> Result<String> {
    let template = policy_templates::get(b, scope, id).await?;
    let text = template_as(&template, format)?;
    let name = template.name;
    let entry = Entry::new(AuditAction::PolicyTemplateExportSettings, id.0, &name);
    written_down(b, scope, entry, format).await?;
    Ok(text)
}

/// A template as TOML, to be changed on its page.
pub fn template_text(template: &PolicyTemplate) -> Result<String> {
    template_as(template, FileFormat::Toml)
}

fn template_as(template: &PolicyTemplate, format: FileFormat) -> Result<String> {
    let file = TemplateFile {
        name: template.name.clone(),
        policy: template.policy.clone(),
    };
    text::write(&SettingsFile::of(FileContent::Template(file)), format)
}

async fn written_down(
    b: &Backend,
    scope: &Scope,
    entry: Entry<'_>,
    format: FileFormat,
) -> Result<()> {
    b.limits.take(Limited::Export, scope)?;
    let mut tx = b.db.write().await?;
    let entry = entry.changes(AuditChanges::none().now("format", &format));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

pub(super) async fn integration_file(
    b: &Backend,
    scope: &Scope,
    of: &Integration,
) -> Result<IntegrationFile> {
    let groups = integrations::selected_groups(b, scope, of.id).await?;
    let selected_groups = groups
        .into_iter()
        .map(|group| GroupInFile {
            id: group.external_id,
            name: group.display_name,
        })
        .collect();
    Ok(IntegrationFile {
        kind: of.kind,
        tenant: of.tenant.clone(),
        cloud: of.cloud.clone(),
        credential_profile: profile_name(b, of.credential_profile_id).await?,
        enabled: of.enabled,
        schedule: of.schedule.clone(),
        selected_groups,
        administrators: Some(administrators(b, of).await?),
        policy: of.policy.clone(),
    })
}

/// Who administers the workspace, with the name of their group where it is known.
async fn administrators(b: &Backend, of: &Integration) -> Result<AdministratorsInFile> {
    let Some(id) = of.policy.administrators_group_id else {
        return Ok(AdministratorsInFile::default());
    };
    let mut tx = b.db.read().await?;
    let name = integrations::group_names(&mut tx, of.id, &[id])
        .await?
        .remove(&id);
    Ok(AdministratorsInFile {
        group: Some(GroupInFile { id, name }),
    })
}

/// The name of the profile that an integration of the caller's uses: the list shows it too.
async fn profile_name(b: &Backend, id: CredentialProfileId) -> Result<Option<String>> {
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        (String,),
        "SELECT name FROM credential_profile WHERE id = $1",
        id
    )?;
    Ok(row.map(|(name,)| name))
}

async fn customer_file(b: &Backend, scope: &Scope, of: &Customer) -> Result<CustomerFile> {
    scope.require(Permission::IntegrationsRead)?;
    let mut files = Vec::new();
    for integration in all_integrations(b, scope, of.id).await? {
        files.push(integration_file(b, scope, &integration).await?);
    }
    let recipients = all_recipients(b, scope, of.id).await?;
    Ok(CustomerFile {
        name: of.name.clone(),
        time_zone: of.time_zone.clone(),
        tags: of.tags.clone(),
        enrolment: Some(enrolment::settings(b, scope, of.id).await?),
        notification_recipients: recipients.iter().map(recipient).collect(),
        integrations: files,
    })
}

fn recipient(of: &NotificationRecipient) -> RecipientInFile {
    RecipientInFile {
        kind: of.kind,
        address: address_in_file(of),
        causes: of.causes.clone(),
    }
}

/// The address as it may leave: of a webhook only its host, since its path is often its key.
pub(super) fn address_in_file(of: &NotificationRecipient) -> String {
    match of.kind {
        RecipientKind::Mail => of.address.clone(),
        RecipientKind::Webhook => notification_recipients::told(of),
    }
}

/// Every integration of a customer, by name.
pub(super) async fn all_integrations(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
) -> Result<Vec<Integration>> {
    let mut request = ListRequest {
        limit: LIMIT_MAX,
        ..ListRequest::default()
    };
    let mut all = Vec::new();
    loop {
        let page = integrations::listing(b, scope, Some(customer), &request).await?;
        all.extend(page.items);
        request.cursor = page.next.and_then(|next| next.parse().ok());
        if request.cursor.is_none() {
            return Ok(all);
        }
    }
}

/// Every recipient of a customer, by address: there are never more than a page holds.
pub(super) async fn all_recipients(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
) -> Result<Vec<NotificationRecipient>> {
    let request = ListRequest {
        limit: LIMIT_MAX,
        ..ListRequest::default()
    };
    let listing = notification_recipients::listing(b, scope, Some(customer), &request).await?;
    Ok(listing.items)
}
