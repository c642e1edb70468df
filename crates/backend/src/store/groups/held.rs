//! One group as it is before it is changed, held so that nobody else changes it meanwhile.

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, GroupId, IntegrationId},
    made_here::{Editable, changed_elsewhere, editable},
    permission::Permission,
    policy::ObjectType,
    user::{DirectoryStatus, SourceType},
};
use serde_json::{Map, Value};
use sqlx::FromRow;

use crate::{
    Backend, Error, Result, Scope, Tx, fetch_optional, in_scope,
    store::{
        audit::{self, Entry},
        read_json,
    },
    sync,
};

#[derive(FromRow)]
struct Row {
    customer_id: CustomerId,
    integration_id: Option<IntegrationId>,
    integration_name: Option<String>,
    source_type: SourceType,
    status: DirectoryStatus,
    status_before: Option<DirectoryStatus>,
    purge_at: Option<DateTime>,
    display_name: String,
    attributes: String,
}

/// A group, held.
pub(super) struct Held {
    pub id: GroupId,
    pub customer_id: CustomerId,
    integration_id: Option<IntegrationId>,
    integration_name: Option<String>,
    source_type: SourceType,
    pub status: DirectoryStatus,
    pub status_before: Option<DirectoryStatus>,
    pub purge_at: Option<DateTime>,
    pub display_name: String,
    pub attributes: Map<String, Value>,
}

/// The group, held until the transaction ends, and not while a run is in the middle of a batch.
pub(super) async fn hold(tx: &mut Tx, scope: &Scope, id: GroupId) -> Result<Held> {
    let before = find(tx, scope, id).await?;
    scope.require(Permission::DirectoryWrite)?;
    sync::hold_open(tx, before.integration_id).await?;
    tx.hold("directory_group", id.0).await?;
    find(tx, scope, id).await
}

/// The group, to look at.
pub(super) async fn find(tx: &mut Tx, scope: &Scope, id: GroupId) -> Result<Held> {
    let row = fetch_optional!(
        tx,
        Row,
        concat!(
            "SELECT g.customer_id, g.integration_id, i.name AS integration_name, g.source_type,
                    g.status, g.status_before, g.purge_at, g.display_name, g.attributes
               FROM directory_group g JOIN customer c ON c.id = g.customer_id
               LEFT JOIN integration i ON i.id = g.integration_id WHERE ",
            in_scope!("g.customer_id"),
            " AND c.deleted_at IS NULL AND g.id = $3"
        ),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("group"))?;
    Ok(Held {
        id,
        customer_id: row.customer_id,
        integration_id: row.integration_id,
        integration_name: row.integration_name,
        source_type: row.source_type,
        status: row.status,
        status_before: row.status_before,
        purge_at: row.purge_at,
        display_name: row.display_name,
        attributes: read_json("attributes", &row.attributes)?,
    })
}

impl Held {
    /// Refuses what isn't changed here, and says where to change `what`.
    pub fn made_here(&self, what: &str) -> Result<()> {
        match editable(self.source_type, self.integration_id) {
            Editable::Here => Ok(()),
            Editable::InSource | Editable::Nowhere => Err(Error::conflict(changed_elsewhere(
                ObjectType::Group,
                &self.display_name,
                self.integration_name.as_deref(),
                what,
            ))),
        }
    }

    /// Refuses what is in the bin.
    pub fn not_deleted(&self) -> Result<()> {
        match self.status {
            DirectoryStatus::Deleted => Err(Error::conflict(format!(
                "{} is in the bin. Restore it first.",
                self.display_name
            ))),
            DirectoryStatus::Active | DirectoryStatus::Inactive => Ok(()),
        }
    }

    pub fn description(&self) -> Option<&str> {
        self.attributes.get("description").and_then(Value::as_str)
    }

    /// Writes down what was done to it.
    pub async fn record(
        &self,
        b: &Backend,
        tx: &mut Tx,
        scope: &Scope,
        action: AuditAction,
        changes: AuditChanges,
    ) -> Result<()> {
        let entry = Entry::new(action, self.id.0, &self.display_name)
            .of(self.customer_id)
            .changes(changes);
        audit::record(b, tx, scope, entry).await
    }
}
