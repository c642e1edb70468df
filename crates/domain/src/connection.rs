//! Test Connection: what was tried, what came back, what to do.

use serde::{Deserialize, Serialize};

use crate::{id::TenantId, text_enum};

text_enum! {
    /// How one check went.
    pub enum CheckStatus {
        /// It is right.
        Passed = "passed",
        /// It is wrong.
        Failed = "failed",
        /// It could not be tried, since one before it failed, or it isn't needed.
        Skipped = "skipped",
    }
}

/// One step of Test Connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// A stable name, such as `credential` or `read_users`.
    pub id: String,
    /// What was checked, in words.
    pub title: String,
    /// How it went.
    pub status: CheckStatus,
    /// What came back.
    pub detail: String,
    /// What to do; null where nothing is wrong.
    pub fix: Option<String>,
    /// Milliseconds it took.
    pub took_ms: i64,
}

/// The outcome of Test Connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionTest {
    /// Whether no check failed.
    pub ok: bool,
    /// The checks in the order they were made.
    pub checks: Vec<Check>,
    /// The tenant's own id, where the token proved it.
    pub tenant_id: Option<TenantId>,
    /// The tenant's display name, where it could be read.
    pub tenant_name: Option<String>,
}
