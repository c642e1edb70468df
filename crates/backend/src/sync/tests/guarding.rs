//! What the guard holds, and what an incomplete or empty answer never does.

use domain::{
    policy::{Guard, ObjectType, OutOfScope},
    run::{RunMode, RunStatus},
};
use simulator::{Fault, FaultPlan};

use super::{
    sync_test,
    world::{World, line, no_guard, tenant},
};

async fn delete_users(w: &World, number: usize) -> usize {
    let users: Vec<_> = w
        .actual()
        .await
        .users
        .iter()
        .filter(|(_, user)| user.active)
        .map(|(id, _)| *id)
        .take(number)
        .collect();
    for id in &users {
        w.control.delete(*id).unwrap();
    }
    users.len()
}

sync_test!(
    too_many_losses_are_held_and_everything_else_goes_on,
    tenant(20, 60),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        w.policy.guard = Guard::default();
        w.save_policy().await;
        let before = w.actual().await;
        let gone = i64::try_from(delete_users(&w, 12).await).unwrap();
        w.control
            .rename(*before.users.keys().last().unwrap(), "Renamed")
            .unwrap();

        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Held);
        assert!(run.ended_at.is_none());
        let error = run.error.clone().unwrap();
        assert_eq!(error.code, "guard_limit");
        assert!(error.fix.contains("approve"), "{error:?}");
        let users = line(&run, ObjectType::User);
        assert_eq!((users.held, users.disabled, users.updated), (gone, 0, 1));
        let after = w.actual().await;
        assert_eq!(after.users.len(), before.users.len(), "nobody went");
        assert_eq!(after.edges, before.edges, "what hangs on them stays too");

        // The same set again, found by the schedule: the held run stands for it.
        let runs = w.count("SELECT COUNT(*) FROM run").await;
        let again = w.scheduled().await;
        assert_eq!(again.id, run.id);
        assert_eq!(w.count("SELECT COUNT(*) FROM run").await, runs);
        assert_eq!(w.count("SELECT MAX(folded) FROM run").await, 2);

        // A higher limit lets the pending ones through.
        w.policy.guard = no_guard();
        w.save_policy().await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        assert_eq!(line(&run, ObjectType::User).disabled, gone);
        w.assert_equal("after the limit was raised").await;
        assert_eq!(
            w.count("SELECT COUNT(*) FROM source_object WHERE pending IS NOT NULL")
                .await,
            0
        );
    }
);

sync_test!(
    memberships_are_held_by_their_share_alone,
    tenant(21, 60),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        w.policy.guard = Guard::default();
        w.save_policy().await;
        let before = w.actual().await.edges;
        for group in w.actual().await.groups.keys() {
            let members: Vec<_> = before
                .iter()
                .filter(|e| e.0 == *group)
                .map(|e| e.1)
                .collect();
            w.control
                .remove_members(*group, &members[..members.len() / 2])
                .unwrap();
        }
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        assert!(line(&run, ObjectType::Membership).held > 0);
        assert_eq!(w.actual().await.edges, before);
        w.policy.guard = no_guard();
        w.save_policy().await;
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Succeeded);
        w.assert_equal("after the limit was raised").await;
    }
);

sync_test!(
    a_complete_empty_answer_is_held_whatever_the_guard_says,
    tenant(22, 30),
    |w| {
        w.run(RunMode::Full).await;
        let before = w.actual().await;
        w.control.next("/users/delta", Fault::EmptyAnswer);
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        assert_eq!(run.error.clone().unwrap().code, "empty_answer");
        let active = before.users.values().filter(|user| user.active).count();
        assert_eq!(
            line(&run, ObjectType::User).held,
            i64::try_from(active).unwrap()
        );
        assert_eq!(w.actual().await, before);
        let cursors = "SELECT COUNT(*) FROM delta_cursor WHERE stream = 'user'";
        assert_eq!(w.count(cursors).await, 0, "the cursor isn't stored");
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::NothingToDo, "{run:#?}");
        w.assert_equal("after the source came back").await;
    }
);

sync_test!(
    an_answer_that_breaks_off_changes_nothing,
    tenant(23, 30),
    |w| {
        w.run(RunMode::Full).await;
        let before = w.actual().await;
        delete_users(&w, 5).await;
        for fault in [Fault::ShortAnswer, Fault::ForeignLink, Fault::Forbidden] {
            w.control.next("/users/delta", fault);
            let run = w.run(RunMode::Full).await;
            assert_eq!(run.status, RunStatus::Failed, "{fault:?} {run:#?}");
            assert!(!run.error.unwrap().fix.is_empty());
            assert_eq!(w.actual().await, before, "{fault:?}");
        }
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Succeeded);
        w.assert_equal("after the source came back").await;
    }
);

sync_test!(
    a_token_that_expired_makes_the_run_a_full_one,
    tenant(24, 30),
    |w| {
        w.run(RunMode::Full).await;
        for fault in [Fault::ExpiredDeltaToken, Fault::Resync] {
            delete_users(&w, 2).await;
            w.control.next("/users/delta", fault);
            let run = w.run(RunMode::Delta).await;
            assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
            assert!(
                line(&run, ObjectType::User).unchanged > 0,
                "everything was looked at"
            );
            w.assert_equal("after the resync").await;
        }
    }
);

sync_test!(
    people_who_leave_are_kept_or_deleted_as_the_policy_says,
    tenant(25, 30),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        w.policy.out_of_scope = OutOfScope::Keep;
        w.save_policy().await;
        let before = w.actual().await.users.len();
        delete_users(&w, 2).await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).disabled, 0);
        assert_eq!(w.actual().await.users.len(), before);

        w.policy.out_of_scope = OutOfScope::Delete;
        w.policy.delete_after_days = 3;
        w.save_policy().await;
        w.run(RunMode::Delta).await;
        let deleted = "SELECT COUNT(*) FROM directory_user WHERE status = 'deleted'";
        let inactive = "SELECT COUNT(*) FROM directory_user WHERE delete_at IS NOT NULL";
        let leaving = w.count(inactive).await;
        assert!(leaving >= 1);
        assert_eq!(w.count(deleted).await, 0);
        w.t.clock.advance(chrono::Duration::days(3));
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).deleted, leaving, "{run:#?}");
        assert_eq!(w.count(deleted).await, leaving);
        assert_eq!(w.count(inactive).await, 0);
    }
);

sync_test!(
    faults_that_never_end_fail_and_leave_the_directory,
    tenant(26, 30),
    |w| {
        w.run(RunMode::Full).await;
        let before = w.actual().await;
        w.control
            .set_faults(FaultPlan::new(1).with(Fault::Unavailable, 1.0));
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Failed);
        assert_eq!(w.actual().await, before);
        assert_eq!(
            w.count("SELECT COUNT(*) FROM integration WHERE state = 'failing' AND failures = 1")
                .await,
            1
        );
        assert_eq!(
            w.count("SELECT COUNT(*) FROM integration WHERE full_scan_next")
                .await,
            0
        );
        w.control.set_faults(FaultPlan::default());
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
        assert_eq!(
            w.count("SELECT COUNT(*) FROM integration WHERE state = 'ok' AND failures = 0")
                .await,
            1
        );
    }
);
