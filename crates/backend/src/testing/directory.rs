//! Contacts and devices that tests begin with, as a sync leaves them in the directory.

use domain::{
    id::{ContactId, CustomerId, DeviceId, ExternalId, IntegrationId},
    policy::ObjectType,
    user::{DirectoryStatus, SourceType},
};

use super::TestBackend;
use crate::execute;

/// What Graph gives of a contact, beside the columns of its own.
const CONTACT: &str = r#"{"companyName":"Supplier & Sons","department":"",
    "phones":[{"type":"mobile","number":"+1 555 0100"},{"type":"business","number":null}],
    "addresses":[{"city":"Oslo","street":"Storgata 1","postalCode":"0155","state":null,
    "countryOrRegion":"Norway","officeLocation":null}]}"#;

/// What Graph gives of a device.
const DEVICE: &str = r#"{"deviceId":"d-1","operatingSystem":"Windows",
    "operatingSystemVersion":"10.0.22631","trustType":"AzureAd","isCompliant":true,
    "isManaged":null,"registrationDateTime":"2026-02-01T08:00:00Z"}"#;

impl TestBackend {
    /// A contact of Supplier & Sons; from the integration where one is given.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn contact(
        &self,
        customer: CustomerId,
        integration: Option<IntegrationId>,
        name: &str,
        status: DirectoryStatus,
    ) -> ContactId {
        let id = ContactId(self.ids.uuid());
        let mail = format!("{}@supplier.example", planner::fold(name).replace(' ', "."));
        let mut tx = self.db.write().await.expect("the test's database writes");
        execute!(
            &mut tx,
            "INSERT INTO directory_contact (id, customer_id, integration_id, external_id,
               source_type, display_name, name_folded, search_text, given_name, surname, mail,
               attributes, status, created_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'Given', 'Surname', $9, $10, $11, $12, $12)",
            id,
            customer,
            integration,
            integration.map(|_| ExternalId(self.ids.uuid())),
            source_type(integration),
            name,
            planner::fold(name),
            planner::fold::search_text([name, mail.as_str()]),
            &mail,
            CONTACT,
            status,
            self.clock.now()
        )
        .expect("a contact can be added");
        tx.commit().await.expect("the test's database writes");
        id
    }

    /// A device with Windows; from the integration where one is given.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn device(
        &self,
        customer: CustomerId,
        integration: Option<IntegrationId>,
        name: &str,
        status: DirectoryStatus,
    ) -> DeviceId {
        let id = DeviceId(self.ids.uuid());
        let mut tx = self.db.write().await.expect("the test's database writes");
        execute!(
            &mut tx,
            "INSERT INTO directory_device (id, customer_id, integration_id, external_id,
               source_type, display_name, name_folded, search_text, attributes, status,
               created_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $10)",
            id,
            customer,
            integration,
            integration.map(|_| ExternalId(self.ids.uuid())),
            source_type(integration),
            name,
            planner::fold(name),
            DEVICE,
            status,
            self.clock.now()
        )
        .expect("a device can be added");
        tx.commit().await.expect("the test's database writes");
        id
    }

    /// Has the days of an object of the directory count: inactive, to be deleted in ten days.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn count_down(&self, object_type: ObjectType, id: uuid::Uuid) {
        let mut tx = self.db.write().await.expect("the test's database writes");
        let changed = execute!(
            &mut tx,
            sqlx::AssertSqlSafe(format!(
                "UPDATE directory_{object_type} SET status = 'inactive', delete_at = $2
                  WHERE id = $1"
            )),
            id,
            self.clock.now() + chrono::Duration::days(10)
        )
        .expect("an object can be counted down");
        assert_eq!(changed, 1, "there is such an object");
        tx.commit().await.expect("the test's database writes");
    }
}

const fn source_type(integration: Option<IntegrationId>) -> SourceType {
    match integration {
        Some(_) => SourceType::EntraSync,
        None => SourceType::Manual,
    }
}
