//! What holds of every explanation, whatever it is of.

use proptest::prelude::*;

use super::*;
use crate::why::change::needs;

#[test]
fn a_long_list_of_groups_is_cut() {
    let names: Vec<String> = (1..=12).map(|n| n.to_string()).collect();
    let list = |n: usize| words::list(names[..n].iter().map(String::as_str), "or");
    assert_eq!(list(1), "“1”");
    assert_eq!(list(3), "“1”, “2” or “3”");
    assert!(list(12).ends_with("“10” and 2 more"));
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let object_type = prop::sample::select(vec![
        ObjectType::User,
        ObjectType::Group,
        ObjectType::Contact,
        ObjectType::Device,
    ]);
    let presence = prop::sample::select(vec![
        Presence::Present,
        Presence::SoftDeleted,
        Presence::Gone,
    ]);
    let out_of_scope = prop::sample::select(OutOfScope::ALL.to_vec());
    let kind = prop::option::of(prop::sample::select(GroupKind::ALL.to_vec()));
    let status = prop::sample::select(DirectoryStatus::ALL.to_vec());
    let reason = prop::option::of(prop::sample::select(Reason::ALL.to_vec()));
    let have = prop::option::of((status, reason, any::<[bool; 3]>()));
    let types = prop::sample::subsequence(ObjectType::ALL.to_vec(), 0..=5);
    let filter = prop::sample::select(vec![Answer::In, Answer::Out, Answer::Fails]);
    let decided = (object_type, presence, kind, filter, any::<[bool; 8]>());
    let policy = (types, out_of_scope, any::<[bool; 7]>());
    (decided, policy, have).prop_map(|(decided, policy, have)| {
        let (object_type, presence, group_kind, filter, flags) = decided;
        let (object_types, out_of_scope, switches) = policy;
        let mut subject = subject(object_type);
        subject.facts = Facts {
            object_type,
            presence,
            in_scope: flags[0],
            has_given_name: flags[1],
            has_surname: flags[2],
            sign_in_blocked: flags[3],
            guest: flags[4],
            name_taken: flags[5],
            name_held: flags[7],
            filter,
            unmapped: flags[6],
            matching: subject.facts.matching,
            group_kind,
        };
        subject.policy = Policy {
            object_types,
            out_of_scope,
            include_guests: switches[0],
            require_names: switches[1],
            blocked_sign_in_disables: switches[2],
            actions: Actions {
                create: switches[3],
                update: switches[4],
                disable: switches[5],
                delete: switches[6],
            },
            ..Policy::default()
        };
        subject.known = have.map(|(status, reason, flags)| Known {
            delete_at: (flags[0] && !flags[2]).then(now),
            countdown_cancelled: flags[2] && status == DirectoryStatus::Inactive,
            hash: [1 + u8::from(flags[1]); hash::LENGTH],
            ..known(status, reason)
        });
        subject
    })
}

proptest! {
    #[test]
    fn what_is_explained_is_what_a_run_would_do(subject in any_subject()) {
        let why = explain(&subject);
        let derived = derive(&subject.policy, &subject.facts);
        let outcome = diff(
            &subject.policy, subject.known.as_ref(), derived, &subject.hash, subject.now,
        );
        let action = match outcome {
            Outcome::Change(step) => Some(step.action),
            _ => None,
        };
        prop_assert_eq!(why.next_action, action);
        // The one question that stopped is the one that decided.
        let stopped: Vec<_> = why
            .steps
            .iter()
            .take_while(|step| step.step != StepKind::Mapping)
            .filter(|step| step.outcome == StepOutcome::Stopped)
            .collect();
        prop_assert_eq!(stopped.len(), usize::from(derived != Derived::Active));
        for step in &why.steps {
            prop_assert!(!step.title.is_empty() && !step.sentence.is_empty());
        }
    }

    #[test]
    fn nothing_is_done_to_whoever_is_protected(subject in any_subject()) {
        let mut subject = subject;
        let bare = explain(&subject).next_action;
        protected(&mut subject);
        subject.facts.presence = Presence::Present;
        let why = explain(&subject);
        let harmless = [None, Some(Action::Create), Some(Action::Restore)];
        prop_assert!(harmless.contains(&why.next_action), "{bare:?} {why:?}");
        prop_assert!(why.steps.iter().any(|step| step.step == StepKind::Protection));
    }

    #[test]
    fn all_that_is_needed_is_enough_and_nothing_of_it_is_too_much(subject in any_subject()) {
        let needed = needs(&subject.policy, &subject.facts);
        for left_out in needed.iter().map(Some).chain([None]) {
            let (mut policy, mut facts) = (subject.policy.clone(), subject.facts);
            for question in needed.iter().filter(|question| Some(*question) != left_out) {
                change::mend(*question, &mut policy, &mut facts);
            }
            let active = derive(&policy, &facts) == Derived::Active;
            prop_assert_eq!(active, left_out.is_none());
        }
    }

    #[test]
    fn what_would_change_it_is_named_unless_nothing_would(subject in any_subject()) {
        let verdict = subject.verdict(&subject.policy, &subject.facts);
        let why = explain(&subject);
        if verdict.derived != Derived::Active {
            let other = why.other.expect("something keeps it out, so that can change");
            prop_assert!(!other.changes.is_empty());
        }
    }
}
