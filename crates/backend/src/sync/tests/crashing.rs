//! A worker that dies before or after any of its commits.

use domain::{
    decision::Decision,
    policy::{Guard, ObjectType},
    run::{RunMode, RunStatus},
};

use super::{
    sync_test,
    world::{World, tenant},
};
use crate::{Scope, db::crash::crash_at, jobs::run_until_idle, sync};

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
