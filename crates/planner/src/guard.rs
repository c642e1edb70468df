//! Too many disables and deletes in one run are held until somebody looked (sync.md rule 7).

pub use domain::guard::SMALL_NUMBER;
use domain::policy::Limit;

/// Whether the disables and deletes of one object type are held.
///
/// `losing` is their number in this run, without what is gone already and without memberships
/// that go because their user or group goes. `active` is the number of active objects of that
/// type of this integration before the run.
pub fn holds(limit: Limit, losing: u64, active: u64) -> bool {
    let by_count = limit.max_count.is_some_and(|most| losing > u64::from(most));
    let by_percent = losing > SMALL_NUMBER
        && u128::from(losing) * 100 > u128::from(limit.max_percent) * u128::from(active);
    by_count || by_percent
}

/// What this run does about one end of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It stays.
    Stays,
    /// It goes in this run, or is gone already.
    Goes,
    /// Its going is held.
    Held,
}

/// What happens to an edge that the source has no more, or whose end isn't wanted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It goes, and counts for the guard.
    Counts,
    /// It goes because its user or its group goes: the guard has looked at that one already.
    Follows,
    /// It is held with its user or group.
    Held,
}

/// What happens to an edge between these ends.
pub const fn removal(group: End, member: End) -> Removal {
    match (group, member) {
        (End::Held, _) | (_, End::Held) => Removal::Held,
        (End::Goes, _) | (_, End::Goes) => Removal::Follows,
        (End::Stays, End::Stays) => Removal::Counts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{guard::holds_at, policy::Guard};
    use proptest::prelude::*;

    #[test]
    fn the_default_limits_hold_as_written() {
        let guard = Guard::default();
        let cases = [
            // Over the count.
            (guard.user, 20, 1_000, false),
            (guard.user, 21, 1_000, true),
            // Over the percentage, once there are more than three.
            (guard.user, 3, 3, false),
            (guard.user, 4, 40, false),
            (guard.user, 4, 39, true),
            (guard.user, 0, 0, false),
            // Memberships by percentage alone.
            (guard.membership, 30_000, 100_000, false),
            (guard.membership, 30_001, 100_000, true),
        ];
        for (limit, losing, active, held) in cases {
            assert_eq!(holds(limit, losing, active), held, "{losing} of {active}");
        }
    }

    proptest! {
        #[test]
        fn more_losses_never_let_a_held_plan_through(
            count in prop::option::of(0u32..50), percent in 0u8..=100,
            losing in 0u64..200, more in 0u64..200, active in 0u64..500,
        ) {
            let limit = Limit { max_count: count, max_percent: percent };
            if holds(limit, losing, active) {
                prop_assert!(holds(limit, losing + more, active));
            }
        }

        #[test]
        fn raising_a_limit_never_holds_more(
            count in 0u32..50, percent in 0u8..=100, up in 0u32..50,
            losing in 0u64..200, active in 0u64..500,
        ) {
            let low = Limit { max_count: Some(count), max_percent: percent };
            let high = Limit {
                max_count: Some(count + up),
                max_percent: percent.saturating_add(10).min(100),
            };
            if holds(high, losing, active) {
                prop_assert!(holds(low, losing, active));
            }
        }

        #[test]
        fn the_forecast_is_where_holding_begins(
            count in prop::option::of(0u32..50), percent in 0u8..=100,
            active in 0u64..500, inactive in 0u64..20,
        ) {
            let limit = Limit { max_count: count, max_percent: percent };
            let objects = active + inactive;
            match holds_at(limit, active, objects) {
                Some(at) => {
                    prop_assert!(at <= objects);
                    prop_assert!(holds(limit, at, active));
                    prop_assert!(!holds(limit, at - 1, active));
                }
                None => prop_assert!(!holds(limit, objects, active)),
            }
        }

        #[test]
        fn the_forecast_bears_any_number(
            count in prop::option::of(any::<u32>()), percent in any::<u8>(),
            active in any::<u64>(), objects in any::<u64>(),
        ) {
            let limit = Limit { max_count: count, max_percent: percent };
            let at = holds_at(limit, active, objects);
            prop_assert_eq!(at.is_some(), holds(limit, objects, active));
            prop_assert!(at.is_none_or(|at| holds(limit, at, active)));
        }

        #[test]
        fn up_to_three_are_held_by_count_alone(losing in 0u64..=3, active in 0u64..10) {
            let limit = Limit { max_count: None, max_percent: 0 };
            prop_assert!(!holds(limit, losing, active));
        }
    }

    #[test]
    fn what_hangs_on_a_held_object_is_held_with_it() {
        assert_eq!(removal(End::Held, End::Goes), Removal::Held);
        assert_eq!(removal(End::Stays, End::Held), Removal::Held);
        assert_eq!(removal(End::Goes, End::Stays), Removal::Follows);
        assert_eq!(removal(End::Stays, End::Stays), Removal::Counts);
    }
}
