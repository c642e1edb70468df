//! The countdown from inactive to deleted, and that an operator cancelled it.

use serde::{Deserialize, Serialize};

use crate::{DateTime, text_enum};

text_enum! {
    /// How an inactive object of the directory stands to being deleted.
    pub enum CountdownState {
        /// Its days are counting.
        Counting = "counting",
        /// They were cancelled: it is kept.
        Cancelled = "cancelled",
    }
}

impl CountdownState {
    /// The state in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Counting => "Will be deleted",
            Self::Cancelled => "Deletion cancelled",
        }
    }
}

/// Whether and when an object of the directory will be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Countdown {
    /// When it will be deleted; null where no days are counting.
    pub delete_at: Option<DateTime>,
    /// That its deletion was cancelled; null where it wasn't. Stands until it is wanted again or
    /// leaves for another reason.
    pub cancelled: Option<CountdownCancelled>,
}

/// Who cancelled a countdown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CountdownCancelled {
    /// A person's or a token's name.
    pub by: String,
    /// When.
    pub at: DateTime,
    /// Why, in their words; may be empty.
    pub note: String,
}
