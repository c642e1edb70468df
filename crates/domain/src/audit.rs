//! The audit log: who changed what, when.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{AuditEventId, CustomerId},
};

/// One entry. Secrets are never in it, only that they changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// When.
    pub at: DateTime,
    /// Who: an operator's or a token's name, or "system".
    pub actor: String,
    /// The customer it concerns.
    pub customer_id: Option<CustomerId>,
    /// What was done, such as `integration.update`.
    pub action: String,
    /// On what, in words.
    pub subject: String,
}
