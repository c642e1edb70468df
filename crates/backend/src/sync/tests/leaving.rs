//! What becomes of people after they left: counted down, kept by somebody, deleted, and back again
//! as the same person.

use domain::{
    DateTime,
    decision::Decision,
    id::{ExternalId, UserId},
    policy::{Guard, Limit, ObjectType, OutOfScope},
    run::{RunMode, RunStatus, RunTrigger},
    user::DirectoryStatus,
    why::StepKind,
};
use uuid::Uuid;

use super::{
    sync_test,
    world::{World, line, no_guard, tenant},
};
use crate::{
    Scope,
    auth::command_line_scope,
    fetch_one,
    jobs::run_until_idle,
    store::countdown::{self, Counted},
    sync, why,
};

const DAYS: i64 = 3;

/// Someone as the directory has them.
#[derive(Debug, PartialEq, sqlx::FromRow)]
struct Person {
    id: UserId,
    status: DirectoryStatus,
    delete_at: Option<DateTime>,
    countdown_cancelled_at: Option<DateTime>,
}

async fn person(w: &World, external_id: Uuid) -> Person {
    let mut tx = w.t.db.read().await.unwrap();
    fetch_one!(
        &mut tx,
        Person,
        "SELECT id, status, delete_at, countdown_cancelled_at FROM directory_user
          WHERE external_id = $1",
        ExternalId(external_id)
    )
    .unwrap()
}

/// Under a policy that deletes after [`DAYS`], two people who were in use are gone from the source
/// and counted down.
async fn two_leave(w: &mut World) -> [Uuid; 2] {
    w.policy.out_of_scope = OutOfScope::Delete;
    w.policy.delete_after_days = u32::try_from(DAYS).unwrap();
    w.save_policy().await;
    w.run(RunMode::Full).await;
    let users = w.actual().await.users;
    let mut active = users.iter().filter(|(_, user)| user.active);
    let mut next = || *active.next().unwrap().0;
    let two = [next(), next()];
    for id in two {
        w.control.delete(id).unwrap();
    }
    let run = w.run(RunMode::Delta).await;
    assert_eq!(line(&run, ObjectType::User).disabled, 2, "{run:#?}");
    for id in two {
        let due = person(w, id).await.delete_at.expect("counted down");
        assert!(due > w.t.clock.now());
    }
    two
}

async fn keep(w: &World, external_id: Uuid, note: &str) {
    let of = Counted::User(person(w, external_id).await.id);
    countdown::cancel(&w.t, &command_line_scope(), of, note)
        .await
        .unwrap();
}

sync_test!(
    one_person_is_kept_and_the_other_deleted,
    tenant(90, 30),
    |w| {
        let mut w = w;
        let [kept, other] = two_leave(&mut w).await;
        let before = person(&w, kept).await;
        keep(&w, kept, "T-7").await;
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);

        w.t.clock.advance(chrono::Duration::days(DAYS));
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).deleted, 1, "{run:#?}");
        assert_eq!(person(&w, other).await.status, DirectoryStatus::Deleted);
        w.t.clock.advance(chrono::Duration::days(100));
        for mode in [RunMode::Delta, RunMode::Full] {
            assert_eq!(w.run(mode).await.status, RunStatus::NothingToDo);
        }
        let still = person(&w, kept).await;
        assert_eq!(still.status, DirectoryStatus::Inactive);
        assert_eq!(still.delete_at, None);

        let explained = why::of_user(&w.t, &Scope::worker(), still.id)
            .await
            .unwrap();
        assert!(explained.answer.ends_with("Its deletion was cancelled."));
        let step = explained
            .steps
            .iter()
            .find(|s| s.step == StepKind::Countdown);
        let step = step.expect("who cancelled it is told");
        assert!(step.sentence.contains("T-7") && step.at.is_some());

        // Wanted again: forgotten, and a later removal counts anew.
        w.control.restore(kept).unwrap();
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).enabled, 1, "{run:#?}");
        let back = person(&w, kept).await;
        assert_eq!(back.id, before.id);
        assert_eq!(back.countdown_cancelled_at, None);
        w.control.delete(kept).unwrap();
        w.run(RunMode::Delta).await;
        assert!(person(&w, kept).await.delete_at > Some(w.t.clock.now()));
    }
);

sync_test!(
    a_kept_person_counts_anew_for_another_cause_or_when_that_is_taken_back,
    tenant(91, 30),
    |w| {
        let mut w = w;
        let [left, taken_back] = two_leave(&mut w).await;
        keep(&w, left, "").await;
        keep(&w, taken_back, "").await;
        let of = Counted::User(person(&w, taken_back).await.id);
        countdown::restart(&w.t, &command_line_scope(), of)
            .await
            .unwrap();
        // Gone for good is the same cause as deleted in the source.
        w.control.hard_delete(left).unwrap();
        w.run(RunMode::Full).await;
        assert!(person(&w, left).await.countdown_cancelled_at.is_some());
        w.execute(
            "UPDATE directory_user SET status_reason = 'guest'
              WHERE countdown_cancelled_at IS NOT NULL",
        )
        .await;
        let run = w.run(RunMode::Full).await;
        assert_eq!(line(&run, ObjectType::User).updated, 1, "{run:#?}");
        for id in [left, taken_back] {
            let counting = person(&w, id).await;
            assert_eq!(counting.countdown_cancelled_at, None);
            assert!(counting.delete_at > Some(w.t.clock.now()), "{counting:?}");
        }
    }
);

sync_test!(
    who_is_kept_after_the_plan_was_made_is_not_deleted,
    tenant(92, 30),
    |w| {
        let mut w = w;
        let [kept, other] = two_leave(&mut w).await;
        w.t.clock.advance(chrono::Duration::days(DAYS));
        // Planned by a preview, and applied exactly so.
        let scope = Scope::worker();
        let shown = sync::preview(&w.t, &scope, w.integration, None, RunTrigger::Operator);
        let shown = shown.await.unwrap().id;
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(line(&w.ended(shown).await, ObjectType::User).deleted, 2);
        keep(&w, kept, "").await;
        sync::apply_preview(&w.t, &scope, shown).await.unwrap();
        run_until_idle(&w.t).await.unwrap();
        let applied = w.ended(shown).await;
        let users = line(&applied, ObjectType::User);
        assert_eq!((users.deleted, users.failed), (1, 1), "{applied:#?}");
        assert_eq!(person(&w, kept).await.status, DirectoryStatus::Inactive);
        assert_eq!(person(&w, other).await.status, DirectoryStatus::Deleted);
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::NothingToDo);
    }
);

sync_test!(
    an_approval_deletes_nobody_who_was_kept_meanwhile,
    tenant(93, 30),
    |w| {
        let mut w = w;
        let [kept, other] = two_leave(&mut w).await;
        w.policy.guard = Guard {
            user: Limit {
                max_count: Some(0),
                max_percent: 100,
            },
            ..no_guard()
        };
        w.save_policy().await;
        w.t.clock.advance(chrono::Duration::days(DAYS));
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).held, 2, "{run:#?}");
        keep(&w, kept, "").await;
        let (scope, users) = (Scope::worker(), ObjectType::User);
        sync::decide(&w.t, &scope, run.id, users, Decision::Approved, "T-1")
            .await
            .unwrap();
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(person(&w, kept).await.status, DirectoryStatus::Inactive);
        assert_eq!(person(&w, other).await.status, DirectoryStatus::Deleted);
    }
);

sync_test!(
    who_comes_back_in_the_source_is_the_same_person_here,
    tenant(94, 30),
    |w| {
        let mut w = w;
        let two = two_leave(&mut w).await;
        let before = [person(&w, two[0]).await.id, person(&w, two[1]).await.id];
        w.t.clock.advance(chrono::Duration::days(DAYS));
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).deleted, 2, "{run:#?}");
        for id in two {
            w.control.restore(id).unwrap();
        }
        let run = w.run(RunMode::Delta).await;
        let users = line(&run, ObjectType::User);
        assert_eq!((users.restored, users.created), (2, 0), "{run:#?}");
        for (id, was) in two.into_iter().zip(before) {
            let now = person(&w, id).await;
            assert_eq!((now.id, now.status), (was, DirectoryStatus::Active));
        }
        w.assert_equal("after two came back, with their memberships")
            .await;
    }
);
