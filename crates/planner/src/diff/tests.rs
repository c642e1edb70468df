use super::*;
use crate::filter::Answer;
use chrono::TimeZone;
use domain::policy::ObjectType;
use proptest::prelude::*;

use crate::{
    derive::{Facts, derive},
    read::Presence,
};

fn now() -> DateTime {
    chrono::Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap()
}

fn known(status: DirectoryStatus, reason: Option<Reason>) -> Known {
    Known {
        status,
        reason,
        delete_at: None,
        countdown_cancelled: false,
        hash: [1; hash::LENGTH],
    }
}

const SAME: [u8; hash::LENGTH] = [1; hash::LENGTH];
const OTHER: [u8; hash::LENGTH] = [2; hash::LENGTH];

fn step(action: Action, reason: Option<Reason>) -> Outcome {
    Outcome::Change(Step { action, reason })
}

#[test]
fn one_action_an_object() {
    use DirectoryStatus::{Active, Deleted, Inactive};
    let policy = Policy::default();
    let gone = Derived::Absent(Reason::Gone);
    let guest = Derived::Filtered(Reason::Guest);
    let cases = [
        (None, Derived::Active, SAME, step(Action::Create, None)),
        (
            None,
            Derived::Blocked,
            SAME,
            step(Action::Create, Some(Reason::SignInBlocked)),
        ),
        (None, guest, SAME, Outcome::Filtered(Reason::Guest)),
        (None, gone, SAME, Outcome::Absent),
        (
            Some((Active, None)),
            Derived::Active,
            SAME,
            Outcome::Unchanged,
        ),
        (
            Some((Active, None)),
            Derived::Active,
            OTHER,
            step(Action::Update, None),
        ),
        (
            Some((Active, None)),
            Derived::Blocked,
            OTHER,
            step(Action::Disable, Some(Reason::SignInBlocked)),
        ),
        (
            Some((Active, None)),
            gone,
            OTHER,
            step(Action::Disable, Some(Reason::Gone)),
        ),
        (
            Some((Active, None)),
            guest,
            SAME,
            step(Action::Disable, Some(Reason::Guest)),
        ),
        (
            Some((Inactive, Some(Reason::Gone))),
            Derived::Active,
            OTHER,
            step(Action::Enable, None),
        ),
        (
            Some((Inactive, Some(Reason::Gone))),
            gone,
            OTHER,
            Outcome::Absent,
        ),
        (
            Some((Inactive, Some(Reason::Guest))),
            guest,
            OTHER,
            Outcome::Filtered(Reason::Guest),
        ),
        (
            Some((Inactive, Some(Reason::SignInBlocked))),
            Derived::Blocked,
            OTHER,
            step(Action::Update, None),
        ),
        (
            Some((Inactive, Some(Reason::Gone))),
            Derived::Blocked,
            SAME,
            step(Action::Update, Some(Reason::SignInBlocked)),
        ),
        (
            Some((Inactive, Some(Reason::SignInBlocked))),
            gone,
            SAME,
            step(Action::Update, Some(Reason::Gone)),
        ),
        (
            Some((Deleted, Some(Reason::DeleteAfterDays))),
            Derived::Active,
            SAME,
            step(Action::Restore, None),
        ),
        (
            Some((Deleted, Some(Reason::DeleteAfterDays))),
            gone,
            SAME,
            Outcome::Absent,
        ),
    ];
    for (before, derived, hash, expected) in cases {
        let before = before.map(|(status, reason)| known(status, reason));
        let outcome = diff(&policy, before.as_ref(), derived, &hash, now());
        assert_eq!(outcome, expected, "{before:?} {derived:?}");
    }
}

#[test]
fn someone_gone_is_deleted_once_their_days_are_over_and_not_before() {
    let policy = Policy {
        out_of_scope: OutOfScope::Delete,
        delete_after_days: 30,
        ..Policy::default()
    };
    let gone = Derived::Absent(Reason::Gone);
    let active = known(DirectoryStatus::Active, None);
    let disable = Step {
        action: Action::Disable,
        reason: Some(Reason::Gone),
    };
    assert_eq!(
        diff(&policy, Some(&active), gone, &SAME, now()),
        Outcome::Change(disable)
    );
    let inactive = target(&policy, Some(&active), disable, SAME, now());
    let due = now() + chrono::Duration::days(30);
    assert_eq!(inactive.delete_at, Some(due));
    let later = due - chrono::Duration::microseconds(1);
    assert_eq!(
        diff(&policy, Some(&inactive), gone, &SAME, later),
        Outcome::Absent
    );
    assert_eq!(
        diff(&policy, Some(&inactive), gone, &SAME, due),
        step(Action::Delete, Some(Reason::DeleteAfterDays))
    );
    // Coming back stops the countdown, and so does a policy that no longer deletes.
    let back = target(
        &policy,
        Some(&inactive),
        Step {
            action: Action::Enable,
            reason: None,
        },
        SAME,
        now(),
    );
    assert_eq!(back.delete_at, None);
    let milder = Policy {
        out_of_scope: OutOfScope::Disable,
        ..policy
    };
    assert_eq!(
        diff(&milder, Some(&inactive), gone, &SAME, due),
        step(Action::Update, Some(Reason::Gone))
    );
}

#[test]
fn a_cancelled_countdown_stays_so_until_the_cause_is_another() {
    let policy = Policy {
        out_of_scope: OutOfScope::Delete,
        delete_after_days: 30,
        ..Policy::default()
    };
    let kept = Known {
        countdown_cancelled: true,
        ..known(DirectoryStatus::Inactive, Some(Reason::SoftDeleted))
    };
    let later = now() + chrono::Duration::days(1_000);
    let soft_deleted = Derived::Absent(Reason::SoftDeleted);
    assert_eq!(
        diff(&policy, Some(&kept), soft_deleted, &SAME, later),
        Outcome::Absent
    );
    // Entra ID forgets what it deleted: the same cause, noted and nothing more.
    let noted = Step {
        action: Action::Update,
        reason: Some(Reason::Gone),
    };
    assert_eq!(
        diff(
            &policy,
            Some(&kept),
            Derived::Absent(Reason::Gone),
            &SAME,
            later
        ),
        Outcome::Change(noted)
    );
    let gone = target(&policy, Some(&kept), noted, SAME, later);
    assert!(gone.countdown_cancelled && gone.delete_at.is_none());
    // Another cause counts anew.
    let left = Step {
        action: Action::Update,
        reason: Some(Reason::OutOfScope),
    };
    let out = Derived::Absent(Reason::OutOfScope);
    assert_eq!(
        diff(&policy, Some(&kept), out, &SAME, later),
        Outcome::Change(left)
    );
    let counting = target(&policy, Some(&kept), left, SAME, later);
    assert!(!counting.countdown_cancelled);
    assert_eq!(counting.delete_at, Some(later + chrono::Duration::days(30)));
    // So does a removal after somebody was wanted again, whether in use or not.
    for reason in [None, Some(Reason::SignInBlocked)] {
        let (derived, action) = match reason {
            None => (Derived::Active, Action::Enable),
            Some(_) => (Derived::Blocked, Action::Update),
        };
        let back = Step { action, reason };
        assert_eq!(
            diff(&policy, Some(&kept), derived, &SAME, later),
            Outcome::Change(back)
        );
        let back = target(&policy, Some(&kept), back, SAME, later);
        assert!(!back.countdown_cancelled);
    }
}

#[test]
fn a_difference_names_what_changed_and_nothing_else() {
    let mut before = Content::named("Ada");
    before.attributes.insert("city".into(), "Turin".into());
    let mut after = before.clone();
    after.attributes.remove("city");
    after.mail = Some("ada@x.example".into());
    let (was, becomes) = changed(&before, &after);
    assert_eq!(
        serde_json::to_value((was, becomes)).unwrap(),
        serde_json::json!([
            {"city": "Turin", "mail": null},
            {"city": null, "mail": "ada@x.example"},
        ])
    );
}

fn reasons() -> impl Strategy<Value = Option<Reason>> {
    prop_oneof![
        Just(None),
        Just(Some(Reason::SignInBlocked)),
        Just(Some(Reason::SoftDeleted)),
        Just(Some(Reason::Gone)),
        Just(Some(Reason::Guest)),
        Just(Some(Reason::OutOfScope)),
    ]
}

fn any_known() -> impl Strategy<Value = Option<Known>> {
    let days = prop_oneof![Just(None), (-40i64..40).prop_map(Some)];
    let one = (0usize..3, reasons(), days, any::<bool>(), 1u8..3).prop_map(|one| {
        let (status, reason, days, cancelled, hash) = one;
        let status = DirectoryStatus::ALL[status];
        let cancelled = cancelled && status == DirectoryStatus::Inactive;
        Known {
            status,
            // Somebody in use has no reason not to be.
            reason: reason.filter(|_| status != DirectoryStatus::Active),
            delete_at: days
                .filter(|_| status == DirectoryStatus::Inactive && !cancelled)
                .map(|days| now() + chrono::Duration::days(days)),
            countdown_cancelled: cancelled,
            hash: [hash; hash::LENGTH],
        }
    });
    prop::option::of(one)
}

fn any_policy() -> impl Strategy<Value = Policy> {
    (any::<[bool; 7]>(), 0usize..3, 1u32..60).prop_map(|(on, out, days)| Policy {
        include_guests: on[0],
        require_names: on[1],
        blocked_sign_in_disables: on[2],
        out_of_scope: OutOfScope::ALL[out],
        delete_after_days: days,
        actions: Actions {
            create: on[3],
            update: on[4],
            disable: on[5],
            delete: on[6],
        },
        ..Policy::default()
    })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let filter = prop::sample::select(vec![Answer::In, Answer::Out, Answer::Fails]);
    (any::<[bool; 7]>(), 0usize..3, filter).prop_map(|(on, presence, filter)| Facts {
        filter,
        object_type: ObjectType::User,
        presence: [Presence::Present, Presence::SoftDeleted, Presence::Gone][presence],
        in_scope: on[0],
        has_given_name: on[1],
        has_surname: on[2],
        sign_in_blocked: on[3],
        guest: on[4],
        name_taken: on[5],
        name_held: on[6],
        matching: crate::matching::Standing::Settled,
        unmapped: false,
        group_kind: None,
    })
}

proptest! {
    #[test]
    fn applying_a_plan_leaves_nothing_to_plan(
        policy in any_policy(), facts in any_facts(), before in any_known(),
    ) {
        let derived = derive(&policy, &facts);
        let mut at = before;
        // Two steps at most: someone can be over their days the moment the countdown is set right.
        for _ in 0..2 {
            match diff(&policy, at.as_ref(), derived, &SAME, now()) {
                Outcome::Change(step) => {
                    at = Some(target(&policy, at.as_ref(), step, SAME, now()));
                }
                _ => break,
            }
        }
        let again = diff(&policy, at.as_ref(), derived, &SAME, now());
        prop_assert!(!matches!(again, Outcome::Change(_)), "{again:?} from {at:?}");
    }

    #[test]
    fn with_every_action_on_the_directory_becomes_what_is_wanted(
        policy in any_policy(), facts in any_facts(), before in any_known(),
    ) {
        let policy = Policy { actions: Actions::default(), ..policy };
        let derived = derive(&policy, &facts);
        let Outcome::Change(step) = diff(&policy, before.as_ref(), derived, &SAME, now()) else {
            let fits = match (derived, before) {
                (Derived::Active, Some(at)) => at.status == DirectoryStatus::Active && at.hash == SAME,
                (Derived::Blocked, Some(at)) => at.status == DirectoryStatus::Inactive && at.hash == SAME,
                (Derived::Active | Derived::Blocked, None) => false,
                // Whom a filter or a rule fails for stays as they are.
                (Derived::Undecided { .. }, _) | (_, None) => true,
                (_, Some(at)) => {
                    policy.out_of_scope == OutOfScope::Keep || at.status != DirectoryStatus::Active
                }
            };
            prop_assert!(fits, "{derived:?} {before:?}");
            return Ok(());
        };
        let after = target(&policy, before.as_ref(), step, SAME, now());
        match derived {
            Derived::Active => prop_assert_eq!(after, known(DirectoryStatus::Active, None)),
            Derived::Blocked => prop_assert_eq!(
                after,
                known(DirectoryStatus::Inactive, Some(Reason::SignInBlocked))
            ),
            // Whoever is blocked follows the source in the rest.
            Derived::Undecided { .. } => prop_assert_eq!(
                after,
                known(DirectoryStatus::Inactive, Some(Reason::SignInBlocked))
            ),
            _ => {
                prop_assert!(after.status != DirectoryStatus::Active);
                prop_assert_eq!(after.hash, before.unwrap().hash);
            }
        }
    }

    #[test]
    fn nobody_whose_countdown_was_cancelled_is_deleted_or_counted_down_for_the_same_cause(
        policy in any_policy(), facts in any_facts(), before in any_known(), days in 0i64..4_000,
    ) {
        let derived = derive(&policy, &facts);
        prop_assume!(!derived.is_wanted());
        let Some(mut before) = before else { return Ok(()) };
        before.countdown_cancelled = before.status == DirectoryStatus::Inactive;
        prop_assume!(before.countdown_cancelled);
        before.delete_at = None;
        let later = now() + chrono::Duration::days(days);
        if let Outcome::Change(step) = diff(&policy, Some(&before), derived, &SAME, later) {
            prop_assert!(step.action != Action::Delete);
            let after = target(&policy, Some(&before), step, SAME, later);
            if before.reason == derived.reason() {
                prop_assert!(after.countdown_cancelled && after.delete_at.is_none());
            }
            prop_assert!(!(after.countdown_cancelled && after.delete_at.is_some()));
        }
    }

    #[test]
    fn a_switched_off_action_never_happens(
        policy in any_policy(), facts in any_facts(), before in any_known(),
    ) {
        let derived = derive(&policy, &facts);
        if let Outcome::Change(step) = diff(&policy, before.as_ref(), derived, &SAME, now()) {
            let on = match step.action {
                Action::Create | Action::Restore => policy.actions.create,
                Action::Update if step.reason.is_none() => policy.actions.update,
                Action::Update | Action::Disable | Action::Enable => policy.actions.disable,
                Action::Delete => policy.actions.delete,
                Action::Match | Action::Filter => false,
            };
            prop_assert!(on, "{step:?}");
        }
    }
}
