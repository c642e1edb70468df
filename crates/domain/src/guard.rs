//! What the guard would say: the number of disables and deletes at which a run would be held, with
//! the directory as it is today.
//!
//! The guard itself is `planner::guard`, which proves that this says the same. It stands here
//! because the page that sets the limits asks it while they are typed.

use serde::{Deserialize, Serialize};

use crate::policy::{Limit, ObjectType};

/// The number of disables and deletes up to which the percentage isn't looked at: in a small
/// directory every person is many percent.
pub const SMALL_NUMBER: u64 = 3;

/// How many objects of one type an integration has in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardSize {
    /// The type.
    pub object_type: ObjectType,
    /// Those in use: what the percentage is of.
    pub active: u64,
    /// Those that a run could disable or delete: the active and the inactive ones.
    pub objects: u64,
}

/// What the guard would say of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuardForecast {
    /// The type.
    pub object_type: ObjectType,
    /// Objects of this type in use today.
    pub active: u64,
    /// The smallest number of disables and deletes in one run that would be held today; null where
    /// the directory has too few objects for any run to be held.
    pub holds_at: Option<u64>,
}

impl GuardSize {
    /// What the guard with this limit would say.
    pub fn forecast(self, limit: Limit) -> GuardForecast {
        GuardForecast {
            object_type: self.object_type,
            active: self.active,
            holds_at: holds_at(limit, self.active, self.objects),
        }
    }
}

/// The smallest number of disables and deletes that would be held, where there are `active`
/// objects in use and `objects` that could be lost; none where not even losing all would be.
pub fn holds_at(limit: Limit, active: u64, objects: u64) -> Option<u64> {
    let by_count = limit.max_count.map(|most| u64::from(most) + 1);
    let share = u128::from(limit.max_percent) * u128::from(active) / 100;
    let by_percent = u64::try_from(share)
        .unwrap_or(u64::MAX)
        .saturating_add(1)
        .max(SMALL_NUMBER + 1);
    let at = by_count.map_or(by_percent, |by_count| by_count.min(by_percent));
    (at <= objects).then_some(at)
}
