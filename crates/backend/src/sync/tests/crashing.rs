//! A worker that dies before or after any of its commits.

use domain::{
    decision::Decision,
    policy::{Guard, ObjectType},
    run::{RunMode, RunStatus, RunTrigger},
};

use super::{
    sync_test,
    world::{World, tenant},
};
use crate::{
    Scope,
    db::crash::{crash_at, stall_at},
    jobs::run_until_idle,
    sync,
};

/// More moments than any run of these tests has.
const MOMENTS_MAX: usize = 500;
/// Fewer than any of them has.
const MOMENTS_MIN: usize = 12;

/// Has another worker go on, and looks whether nothing is missing and nothing is done twice.
async fn assert_made_up_for(w: &World, when: &str) {
    w.recover().await;
    w.assert_equal(when).await;
    let again = w.run(RunMode::Delta).await;
    assert_eq!(again.status, RunStatus::NothingToDo, "{when}: {again:#?}");
}

sync_test!(at_every_commit_of_full_runs, tenant(80, 30), |w| {
    w.run(RunMode::Full).await;
    for moment in 0..MOMENTS_MAX {
        w.control.random_changes(12, u64::try_from(moment).unwrap());
        w.start(RunMode::Full).await;
        let done = crash_at(moment, run_until_idle(&w.t)).await;
        assert_made_up_for(&w, &format!("after a crash at moment {moment}")).await;
        if done.is_some() {
            assert!(moment > MOMENTS_MIN, "{moment}");
            return;
        }
    }
    panic!("no run came to its end");
});

sync_test!(at_every_commit_of_the_first_run, tenant(81, 20), |w| {
    for moment in 0..MOMENTS_MAX {
        w.start(RunMode::Full).await;
        let done = crash_at(moment, run_until_idle(&w.t)).await;
        assert_made_up_for(&w, &format!("after a crash at moment {moment}")).await;
        if done.is_some() {
            assert!(moment > MOMENTS_MIN, "{moment}");
            return;
        }
        w.forget_everything().await;
    }
    panic!("no run came to its end");
});

sync_test!(at_every_commit_of_a_run_of_one, tenant(85, 20), |w| {
    w.run(RunMode::Full).await;
    let edges = w.actual().await.edges;
    let (group, one) = *edges.first().unwrap();
    for moment in 0..MOMENTS_MAX {
        w.control.rename(one, &format!("Name {moment}")).unwrap();
        if moment % 2 == 0 {
            w.control.remove_members(group, &[one]).unwrap();
        } else {
            w.control.add_members(group, &[one]).unwrap();
        }
        let (scope, object) = (Scope::worker(), one.to_string());
        let operator = RunTrigger::Operator;
        let run = sync::sync_object(&w.t, &scope, w.integration, &object, operator).await;
        let done = crash_at(moment, run_until_idle(&w.t)).await;
        let when = format!("after a crash at moment {moment}");
        assert_made_up_for(&w, &when).await;
        let run = w.ended(run.unwrap().id).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{when}: {run:#?}");
        if done.is_some() {
            assert!(moment > MOMENTS_MIN, "{moment}");
            return;
        }
    }
    panic!("no run came to its end");
});

sync_test!(at_every_commit_of_a_decided_run, tenant(82, 40), |w| {
    let mut w = w;
    w.run(RunMode::Full).await;
    w.policy.guard = Guard::default();
    w.save_policy().await;
    for moment in 0..MOMENTS_MAX {
        let users = w.actual().await.users;
        let gone: Vec<_> = users.into_keys().take(5).collect();
        for id in &gone {
            w.control.delete(*id).unwrap();
        }
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        let scope = Scope::worker();
        let (user, approved) = (ObjectType::User, Decision::Approved);
        let decided = sync::decide(&w.t, &scope, run.id, user, approved, "T-1");
        decided.await.unwrap();
        let done = crash_at(moment, run_until_idle(&w.t)).await;
        assert_made_up_for(&w, &format!("after a crash at moment {moment}")).await;
        if done.is_some() {
            assert!(moment > MOMENTS_MIN / 2, "{moment}");
            return;
        }
        for id in &gone {
            w.control.restore(*id).unwrap();
        }
        w.run(RunMode::Delta).await;
        w.assert_equal("with everybody restored").await;
    }
    panic!("no run came to its end");
});

sync_test!(
    a_worker_that_stalled_does_nothing_to_a_run_that_another_has,
    tenant(83, 30),
    |w| {
        w.run(RunMode::Full).await;
        for moment in (1..MOMENTS_MAX).step_by(2) {
            let seed = u64::try_from(moment).unwrap();
            w.control.random_changes(12, seed);
            w.start(RunMode::Full).await;
            let when = format!("while a worker stalls at moment {moment}");
            let stalled = stall_at(moment, run_until_idle(&w.t), async || {
                w.control.random_changes(12, 10_000 + seed);
                w.recover().await;
                // What changed after the run had read is the next one's.
                w.run(RunMode::Delta).await;
                w.assert_equal(&when).await;
            });
            if !stalled.await {
                assert!(moment > MOMENTS_MIN, "{moment}");
                return;
            }
            let staged = "SELECT (SELECT COUNT(*) FROM run_staging)
                               + (SELECT COUNT(*) FROM run_staging_member)
                               + (SELECT COUNT(*) FROM run_staging_seen)";
            assert_eq!(w.count(staged).await, 0, "{when}");
            assert_made_up_for(&w, &when).await;
        }
        panic!("no run came to its end");
    }
);

sync_test!(
    a_worker_that_stalled_goes_not_on_where_another_died,
    tenant(84, 20),
    |w| {
        w.run(RunMode::Full).await;
        // While the first one reads, and goes to the next phase.
        for (stalls, dies) in (1..=11)
            .step_by(2)
            .flat_map(|stalls| (1..=13).step_by(2).map(move |dies| (stalls, dies)))
        {
            let seed = u64::try_from(stalls * 100 + dies).unwrap();
            w.control.random_changes(6, seed);
            w.start(RunMode::Full).await;
            let stalled = stall_at(stalls, run_until_idle(&w.t), async || {
                w.t.clock.advance(chrono::Duration::seconds(31));
                crash_at(dies, run_until_idle(&w.t)).await;
            });
            stalled.await;
            let when = format!("one stalls at moment {stalls}, another dies at {dies}");
            assert_made_up_for(&w, &when).await;
        }
    }
);
