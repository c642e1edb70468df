//! That a list was exported: what left the installation, for whom, and under which filters.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, RunId},
};

use super::{Entry, record};
use crate::{Backend, Error, Result, Scope, fetch_optional, in_scope, limits::Limited};

/// Filters that are kept of a query.
const FILTERS_MAX: usize = 20;
/// The longest value of a filter that is kept, in characters.
const FILTER_CHARS_MAX: usize = 300;

/// Writes down that the caller exports a list, before the first row goes out. `customer`: the one
/// customer that it is of, where it is of one; `query`: names and values as they were asked for.
pub async fn exported<'a>(
    b: &Backend,
    scope: &Scope,
    action: AuditAction,
    customer: Option<CustomerId>,
    query: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<()> {
    b.limits.take(Limited::Export, scope)?;
    let mut tx = b.db.write().await?;
    // A customer that the caller may not see is answered by an empty file, and is not written to.
    let of = match customer {
        Some(customer) => fetch_optional!(
            &mut tx,
            (CustomerId,),
            concat!(
                "SELECT id FROM customer WHERE ",
                in_scope!("id"),
                " AND id = $3"
            ),
            scope.all(),
            scope.grantee(),
            customer
        )?,
        None => None,
    };
    let entry = Entry::of_whole(action, what(action))
        .of(of.map(|(id,)| id))
        .changes(filters(query));
    record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

/// The same for the changes of one run.
pub async fn exported_changes<'a>(
    b: &Backend,
    scope: &Scope,
    run: RunId,
    query: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<()> {
    let mut tx = b.db.write().await?;
    let (customer, name) = fetch_optional!(
        &mut tx,
        (CustomerId, Option<String>),
        concat!(
            "SELECT r.customer_id, COALESCE(i.name, r.integration_name)
               FROM run r LEFT JOIN integration i ON i.id = r.integration_id WHERE ",
            in_scope!("r.customer_id"),
            " AND r.id = $3"
        ),
        scope.all(),
        scope.grantee(),
        run
    )?
    .ok_or(Error::NotFound("run"))?;
    b.limits.take(Limited::Export, scope)?;
    let name = name.unwrap_or_default();
    let entry = Entry::new(AuditAction::RunExportChanges, run.0, &name)
        .of(customer)
        .changes(filters(query));
    record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

fn what(action: AuditAction) -> &'static str {
    match action {
        AuditAction::RunExport => "Sync History",
        AuditAction::UserExport => "Users",
        AuditAction::GroupExport => "Groups",
        AuditAction::ContactExport => "Contacts",
        AuditAction::DeviceExport => "Devices",
        AuditAction::IntegrationExport => "Integrations",
        other => other.object().title(),
    }
}

fn filters<'a>(query: impl IntoIterator<Item = (&'a str, &'a str)>) -> AuditChanges {
    let short = |text: &str| text.chars().take(FILTER_CHARS_MAX).collect::<String>();
    query
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .take(FILTERS_MAX)
        .fold(AuditChanges::none(), |changes, (name, value)| {
            changes.now(&format!("filter.{}", short(name)), &short(value))
        })
}
