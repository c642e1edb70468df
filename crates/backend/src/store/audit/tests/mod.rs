//! What the audit log promises.

mod append_only;
mod law;
mod log;
mod reading;
mod tampering;

use domain::{audit::AuditAction, id::CustomerId};
use uuid::Uuid;

use super::*;
use crate::testing::TestBackend;

/// Writes an entry as somebody.
async fn write(t: &TestBackend, scope: &Scope, customer: Option<CustomerId>, name: &str) {
    let mut tx = t.db.write().await.unwrap();
    let entry = Entry::new(AuditAction::CustomerUpdate, Uuid::nil(), name)
        .of(customer)
        .changes(AuditChanges::none().field("name", &"before", &name));
    record(t, &mut tx, scope, entry).await.unwrap();
    tx.commit().await.unwrap();
}

/// What is wrong with the log, a line a place.
async fn wrong(t: &TestBackend) -> Vec<String> {
    let found = verify(t, None).await.unwrap();
    found.broken.iter().map(ToString::to_string).collect()
}
