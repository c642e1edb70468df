//! Who is protected is never touched by a run, whatever the source and the policy say.

use domain::run::Action;

use crate::diff::{Outcome, Step};

/// What a run does about an object: nothing, where it is protected and in the directory. Coming in
/// and coming back are no harm to anybody, so they go on; who is protected counts as unchanged.
pub fn protect(outcome: Outcome, protected: bool) -> Outcome {
    match outcome {
        Outcome::Change(step) if protected && touches(step) => Outcome::Unchanged,
        outcome => outcome,
    }
}

/// Whether a step changes somebody who is there.
const fn touches(step: Step) -> bool {
    !matches!(step.action, Action::Create | Action::Restore)
}

#[cfg(test)]
mod tests {
    use domain::run::Reason;
    use proptest::prelude::*;

    use super::*;

    fn any_outcome() -> impl Strategy<Value = Outcome> {
        let action = prop::sample::select(Action::ALL.to_vec());
        let reason = prop::option::of(prop::sample::select(Reason::ALL.to_vec()));
        prop_oneof![
            Just(Outcome::Absent),
            Just(Outcome::Unchanged),
            Just(Outcome::Filtered(Reason::Guest)),
            (action, reason).prop_map(|(action, reason)| Outcome::Change(Step { action, reason })),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_done_to_whoever_is_protected(outcome in any_outcome()) {
            let protected = protect(outcome, true);
            if let Outcome::Change(step) = protected {
                prop_assert!(matches!(step.action, Action::Create | Action::Restore));
            }
            prop_assert_eq!(protect(protected, true), protected);
            // Without the protection everything is planned as before.
            prop_assert_eq!(protect(outcome, false), outcome);
        }
    }
}
