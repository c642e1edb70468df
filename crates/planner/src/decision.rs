//! A rejection stands for exactly one object and action, until the source changes the object again
//! (sync.md rule 8).

use domain::run::{Action, Reason};

use crate::diff::{Outcome, Step};

/// A change that was rejected, of an object of which the source says the same now as then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// What would have happened.
    pub action: Action,
    /// Why.
    pub reason: Option<Reason>,
}

/// What a run does about an object of which a change was rejected: nothing, where it would be that
/// change.
pub fn respect(outcome: Outcome, rejected: Option<Rejected>) -> Outcome {
    match (outcome, rejected) {
        (Outcome::Change(step), Some(rejected)) if is(step, rejected) => Outcome::Unchanged,
        (outcome, _) => outcome,
    }
}

fn is(step: Step, rejected: Rejected) -> bool {
    step.action == rejected.action && step.reason == rejected.reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rejected_change_stays_undone() {
        let disable = |reason| {
            Outcome::Change(Step {
                action: Action::Disable,
                reason: Some(reason),
            })
        };
        let rejected = Some(Rejected {
            action: Action::Disable,
            reason: Some(Reason::OutOfScope),
        });
        let cases = [
            (disable(Reason::OutOfScope), Outcome::Unchanged),
            (disable(Reason::Gone), disable(Reason::Gone)),
            (Outcome::Absent, Outcome::Absent),
            (
                Outcome::Filtered(Reason::Guest),
                Outcome::Filtered(Reason::Guest),
            ),
        ];
        for (outcome, expected) in cases {
            assert_eq!(respect(outcome, rejected), expected);
            assert_eq!(respect(outcome, None), outcome);
        }
    }
}
