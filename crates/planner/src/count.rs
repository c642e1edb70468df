//! One line of counts an object type: every object once, by its strongest action, and the total
//! is the sum of the others because it is nothing else.

use domain::{
    policy::ObjectType,
    run::{Action, CountLine, LineStatus, Reason},
};

use crate::diff::Outcome;

/// Counts an object's outcome. What isn't there isn't counted.
pub fn tally(line: &mut CountLine, outcome: Outcome) {
    match outcome {
        Outcome::Absent => {}
        Outcome::Unchanged => add(line, |line| &mut line.unchanged, 1),
        Outcome::Filtered(_) => add(line, |line| &mut line.filtered, 1),
        Outcome::Failed(_) => add(line, |line| &mut line.failed, 1),
        Outcome::Change(step) => {
            change(line, step.action, 1);
            if step.action == Action::Disable && step.reason == Some(Reason::SignInBlocked) {
                line.blocked += 1;
            }
        }
    }
}

/// Counts `number` changes of one action.
pub fn change(line: &mut CountLine, action: Action, number: i64) {
    add(line, |line| column(line, action), number);
}

/// Counts `number` objects that are as they should be.
pub fn unchanged(line: &mut CountLine, number: i64) {
    add(line, |line| &mut line.unchanged, number);
}

/// Moves `number` changes of one action to `held`; `blocked` of them were disabled because their
/// sign-in is blocked.
pub fn hold(line: &mut CountLine, action: Action, number: i64, blocked: i64) {
    *column(line, action) -= number;
    line.held += number;
    line.blocked -= blocked;
}

/// Counts an object that was found unchanged as updated after all: a group whose members change.
pub fn touch(line: &mut CountLine) {
    line.unchanged -= 1;
    line.updated += 1;
}

/// Counts `number` objects whose change waits for a decision.
pub fn held(line: &mut CountLine, number: i64) {
    add(line, |line| &mut line.held, number);
}

/// Moves `number` changes of one action to `failed`; `blocked` of them would have been disabled
/// because their sign-in is blocked.
pub fn fail(line: &mut CountLine, action: Action, number: i64, blocked: i64) {
    *column(line, action) -= number;
    line.failed += number;
    line.blocked -= blocked;
}

/// A line of zeros for a run at work.
pub const fn line(object_type: ObjectType) -> CountLine {
    CountLine::new(object_type, LineStatus::Running)
}

fn add(line: &mut CountLine, column: impl Fn(&mut CountLine) -> &mut i64, number: i64) {
    *column(line) += number;
    line.total += number;
}

fn column(line: &mut CountLine, action: Action) -> &mut i64 {
    match action {
        Action::Create => &mut line.created,
        // Somebody who was here follows the source from now on.
        Action::Update | Action::Match => &mut line.updated,
        Action::Disable => &mut line.disabled,
        Action::Enable => &mut line.enabled,
        Action::Delete => &mut line.deleted,
        Action::Restore => &mut line.restored,
        Action::Filter => &mut line.filtered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Step;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_line_adds_up_whatever_happens(
            kinds in prop::collection::vec((0usize..5, 0usize..8, any::<bool>()), 0..60),
            holds in prop::collection::vec(any::<bool>(), 60),
        ) {
            let mut line = line(ObjectType::User);
            let mut seen = 0;
            for ((kind, action, blocked), hold_it) in kinds.into_iter().zip(holds) {
                let action = Action::ALL[action];
                let reason = blocked.then_some(Reason::SignInBlocked);
                let outcome = match kind {
                    0 => Outcome::Absent,
                    1 => Outcome::Unchanged,
                    2 => Outcome::Filtered(Reason::Guest),
                    4 => Outcome::Failed(Reason::MappingFailed),
                    _ => Outcome::Change(Step { action, reason }),
                };
                tally(&mut line, outcome);
                seen += i64::from(kind != 0);
                if kind == 3 && hold_it {
                    let was_blocked = blocked && action == Action::Disable;
                    hold(&mut line, action, 1, i64::from(was_blocked));
                }
                prop_assert_eq!(line.total, line.sum());
                prop_assert_eq!(line.total, seen);
                prop_assert!(line.blocked <= line.disabled);
            }
        }
    }
}
