//! One user as it is before it is changed, held so that nobody else changes it meanwhile.

use std::collections::BTreeMap;

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, ExternalId, IntegrationId, UserId},
    made_here::{Administrator, Editable, changed_elsewhere, editable},
    permission::Permission,
    policy::ObjectType,
    user::{DirectoryStatus, SourceType},
};
use planner::{kept_here, read::Content};
use serde::Serialize;
use sqlx::FromRow;

use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional, in_scope,
    store::{
        audit::{self, Entry},
        read_json, write_json,
    },
    sync,
};

#[derive(FromRow)]
struct Row {
    customer_id: CustomerId,
    integration_id: Option<IntegrationId>,
    integration_name: Option<String>,
    external_id: Option<ExternalId>,
    source_type: SourceType,
    status: DirectoryStatus,
    status_before: Option<DirectoryStatus>,
    purge_at: Option<DateTime>,
    guest: bool,
    administrator_at: Option<DateTime>,
    administrator_by: Option<String>,
    display_name: String,
    user_principal_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    attributes: String,
}

/// A user, held.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub id: UserId,
    pub customer_id: CustomerId,
    pub integration_id: Option<IntegrationId>,
    pub integration_name: Option<String>,
    pub external_id: Option<ExternalId>,
    source_type: SourceType,
    pub status: DirectoryStatus,
    pub status_before: Option<DirectoryStatus>,
    pub purge_at: Option<DateTime>,
    pub administrator: Option<Administrator>,
    /// Names, addresses, attributes, and whether it is a guest.
    pub content: Content,
}

/// The user, held until the transaction ends, and not while a run is in the middle of a batch.
pub(crate) async fn hold(tx: &mut Tx, scope: &Scope, id: UserId) -> Result<Held> {
    let before = find(tx, scope, id).await?;
    scope.require(Permission::DirectoryWrite)?;
    hold_names(tx, before.customer_id).await?;
    sync::hold_open(tx, before.integration_id).await?;
    tx.hold("directory_user", id.0).await?;
    find(tx, scope, id).await
}

/// Has everybody wait who gives somebody of the customer a name to sign in with.
pub(crate) async fn hold_names(tx: &mut Tx, customer: CustomerId) -> Result<()> {
    let (_, name) = customer.0.as_u64_pair();
    tx.hold_name(i64::from_ne_bytes(name.to_ne_bytes())).await
}

pub(super) async fn find(tx: &mut Tx, scope: &Scope, id: UserId) -> Result<Held> {
    let row = fetch_optional!(
        tx,
        Row,
        concat!(
            "SELECT u.customer_id, u.integration_id, i.name AS integration_name, u.external_id,
                    u.source_type, u.status, u.status_before, u.purge_at,
                    COALESCE(s.guest, u.guest) AS guest, u.administrator_at, u.administrator_by,
                    u.display_name, u.user_principal_name, u.given_name, u.surname, u.mail,
                    u.attributes
               FROM directory_user u JOIN customer c ON c.id = u.customer_id
               LEFT JOIN integration i ON i.id = u.integration_id
               LEFT JOIN source_object s ON s.integration_id = u.integration_id
                     AND s.object_type = 'user' AND s.external_id = u.external_id
              WHERE ",
            in_scope!("u.customer_id"),
            " AND c.deleted_at IS NULL AND u.id = $3"
        ),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("user"))?;
    Ok(Held {
        id,
        customer_id: row.customer_id,
        integration_id: row.integration_id,
        integration_name: row.integration_name,
        external_id: row.external_id,
        source_type: row.source_type,
        status: row.status,
        status_before: row.status_before,
        purge_at: row.purge_at,
        administrator: administrator(row.administrator_at, row.administrator_by),
        content: Content {
            display_name: row.display_name,
            user_principal_name: row.user_principal_name,
            given_name: row.given_name,
            surname: row.surname,
            mail: row.mail,
            guest: row.guest,
            attributes: read_json("attributes", &row.attributes)?,
            ..Content::default()
        },
    })
}

/// Who made somebody administrator, from their columns.
pub(super) fn administrator(at: Option<DateTime>, by: Option<String>) -> Option<Administrator> {
    at.map(|at| Administrator {
        by: by.unwrap_or_default(),
        at,
    })
}

impl Held {
    pub fn name(&self) -> &str {
        &self.content.display_name
    }

    pub fn editable(&self) -> Editable {
        editable(self.source_type, self.integration_id)
    }

    /// Refuses who isn't changed here, and says where to change `what`.
    pub fn made_here(&self, what: &str) -> Result<()> {
        match self.editable() {
            Editable::Here => Ok(()),
            Editable::InSource | Editable::Nowhere => Err(Error::conflict(changed_elsewhere(
                ObjectType::User,
                self.name(),
                self.integration_name.as_deref(),
                what,
            ))),
        }
    }

    /// Refuses who is in the bin, or was deleted by a run.
    pub fn not_deleted(&self) -> Result<()> {
        if self.status != DirectoryStatus::Deleted {
            return Ok(());
        }
        let name = self.name();
        Err(Error::conflict(match self.editable() {
            Editable::Here => format!("{name} is in the bin. Restore it first."),
            _ => format!("{name} is deleted: there is nothing to change."),
        }))
    }

    /// Writes down what was done to it.
    pub async fn record(
        &self,
        b: &Backend,
        tx: &mut Tx,
        scope: &Scope,
        action: AuditAction,
        (note, changes): (&str, AuditChanges),
    ) -> Result<()> {
        let entry = Entry::new(action, self.id.0, self.name())
            .of(self.customer_id)
            .note(note)
            .changes(changes);
        audit::record(b, tx, scope, entry).await
    }
}

/// What of a user goes into the audit log.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    user_principal_name: Option<&'a str>,
    display_name: &'a str,
    given_name: Option<&'a str>,
    surname: Option<&'a str>,
    mail: Option<&'a str>,
    guest: bool,
    administrator: bool,
    attributes: BTreeMap<&'a str, String>,
}

pub(super) fn told(content: &Content, administrator: bool) -> Told<'_> {
    let attributes = content.attributes.iter();
    Told {
        user_principal_name: content.user_principal_name.as_deref(),
        display_name: &content.display_name,
        given_name: content.given_name.as_deref(),
        surname: content.surname.as_deref(),
        mail: content.mail.as_deref(),
        guest: content.guest,
        administrator,
        attributes: attributes
            .map(|(name, value)| (name.as_str(), kept_here::typed(value)))
            .collect(),
    }
}

/// Writes a user's names, addresses and attributes, with what is made of them to sort and search.
/// Whose source says whether it is a guest keeps that.
pub(crate) async fn write(tx: &mut Tx, id: UserId, content: &Content, now: DateTime) -> Result<()> {
    execute!(
        tx,
        "UPDATE directory_user SET user_principal_name = $2, user_name_folded = $3,
                display_name = $4, name_folded = $5, search_text = $6, given_name = $7,
                surname = $8, mail = $9, attributes = $10, changed_at = $11, mail_folded = $12,
                employee_id_folded = $13
          WHERE id = $1",
        id,
        content.user_principal_name.as_deref(),
        content.user_name_folded(),
        &content.display_name,
        content.name_folded(),
        content.search_text(),
        content.given_name.as_deref(),
        content.surname.as_deref(),
        content.mail.as_deref(),
        write_json(&content.attributes)?,
        now,
        content.mail_folded(),
        content.employee_id_folded()
    )?;
    Ok(())
}
