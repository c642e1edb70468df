//! What filters make of the objects that are kept of an integration.

use serde::{Deserialize, Serialize};

use crate::{id::ExternalId, policy::ObjectType, run::Reason};

/// How the objects in scope fall: in, out, or into neither because a rule fails for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FilterCounts {
    /// All of them: the sum of the others.
    pub total: i64,
    /// Who comes in.
    pub included: i64,
    /// Who is kept out.
    pub excluded: i64,
    /// For whom a rule fails: they stay as they are.
    pub failed: i64,
}

/// What decided about objects, and about how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FilterCount {
    /// What decided.
    pub cause: FilterCause,
    /// About how many objects.
    pub count: i64,
}

/// What decided about an object that is kept out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FilterCause {
    /// The reason, as a run has it.
    pub reason: Reason,
    /// The rule, in words; null where the reason says all.
    pub rule: Option<String>,
}

/// One object that a filter was tried on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FilteredObject {
    /// Its object id in the source.
    pub external_id: ExternalId,
    /// Its name.
    pub display_name: String,
    /// A user's sign-in name.
    pub user_principal_name: Option<String>,
    /// Its id in the directory, where it is or was there.
    pub directory_id: Option<uuid::Uuid>,
    /// What keeps it out; null where it comes in.
    pub cause: Option<FilterCause>,
    /// Why a rule fails for it.
    pub error: Option<String>,
}

/// How filters would let in and keep out what is known of an integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FilterTrial {
    /// What was counted.
    pub object_type: ObjectType,
    /// How many fall where.
    pub counts: FilterCounts,
    /// What keeps how many out, the most first.
    pub causes: Vec<FilterCount>,
    /// Some who come in.
    pub included: Vec<FilteredObject>,
    /// Some who are kept out.
    pub excluded: Vec<FilteredObject>,
    /// Some for whom a rule fails.
    pub failed: Vec<FilteredObject>,
    /// Attributes that the filters look at and no run has read yet: the counts take them for empty.
    /// A preview reads them.
    pub not_read: Vec<String>,
}
