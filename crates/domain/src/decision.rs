//! What waits in a held run, and what was decided about it.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    policy::ObjectType,
    run::{LineStatus, Reason},
    text_enum,
};

text_enum! {
    /// What an operator says of held changes.
    pub enum Decision {
        /// They are right: apply those that still hold.
        Approved = "approved",
        /// The objects stay as they are, until the source changes them again.
        Rejected = "rejected",
    }
}

impl From<Decision> for LineStatus {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Approved => Self::Approved,
            Decision::Rejected => Self::Rejected,
        }
    }
}

/// What was decided about a run's held changes of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct RunDecision {
    /// The type.
    pub object_type: ObjectType,
    /// What was decided.
    pub decision: Decision,
    /// By whom: a person's or a token's name.
    pub decided_by: String,
    /// When.
    pub decided_at: DateTime,
    /// Why, in the operator's words.
    pub note: String,
    /// Who took the rejection back.
    pub withdrawn_by: Option<String>,
}

/// What of one type waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldChanges {
    /// The type.
    pub object_type: ObjectType,
    /// How many objects, or memberships.
    pub number: i64,
    /// How many by the reason why they would go, the most first.
    pub reasons: Vec<(Reason, i64)>,
    /// Memberships that would go with them.
    pub memberships: i64,
}
