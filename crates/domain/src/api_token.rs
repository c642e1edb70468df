//! API tokens: what programs sign in with.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{ApiTokenId, CustomerId},
    permission::Role,
};

/// What every token begins with, so that a leaked one can be found.
pub const PREFIX: &str = "rc_";

/// A token, without its secret, which is shown once and kept as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Its id.
    pub id: ApiTokenId,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The customers it may see; null: all.
    pub customer_ids: Option<Vec<CustomerId>>,
    /// When it was made.
    pub created_at: DateTime,
    /// When it ends.
    pub expires_at: Option<DateTime>,
    /// When it was last used.
    pub last_used_at: Option<DateTime>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime>,
}
