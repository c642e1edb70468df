//! A worker that is killed anywhere leaves a run that another finishes.

use std::{future::Future, task::Poll};

use domain::run::{RunMode, RunStatus};

use super::{
    sync_test,
    world::{World, tenant},
};
use crate::jobs::run_until_idle;

/// Polls a future at most so many times and drops it then: what a killed process does to it. None
/// where it was dropped; else how many polls it took.
async fn kill_after<F: Future>(future: F, polls: usize) -> Option<(usize, F::Output)> {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future
            .as_mut()
            .poll(cx)
            .map(|output| Some((polls - left, output)))
    })
    .await
}

/// Works until a run's row stands at the phase, and is killed there.
pub(super) async fn until_phase(w: &World, phase: &str) {
    let sql = format!(
        "SELECT COUNT(*) FROM run WHERE status IN ('queued', 'running') AND phase = '{phase}'"
    );
    if w.count(&sql).await > 0 {
        return;
    }
    // A source that answers at once is read between two looks at the row.
    let latency_ms = if phase == "reading" { 700 } else { 0 };
    w.control.configure(|tenant| tenant.latency_ms = latency_ms);
    let mut working = Box::pin(run_until_idle(&w.t));
    loop {
        let step = std::future::poll_fn(|cx| match working.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending => {
                cx.waker().wake_by_ref();
                Poll::Ready(false)
            }
        })
        .await;
        assert!(!step, "the run never stood at {phase}");
        // On another connection, while the worker's statement is on its way.
        if w.count(&sql).await > 0 {
            break;
        }
    }
    w.control.configure(|tenant| tenant.latency_ms = 0);
}

async fn killed(w: &World, mode: RunMode, kills: &[usize]) {
    let id = w.start(mode).await;
    let open = "SELECT COUNT(*) FROM run WHERE ended_at IS NULL";
    let mut attempts = kills.iter();
    // PostgreSQL may still be rolling the killed worker's transaction back, and the job it locked
    // is passed over then: a worker asks again, and so do a few rounds here.
    for _ in 0..kills.len() + 5 {
        let polls = attempts.next().copied().unwrap_or(usize::MAX);
        kill_after(run_until_idle(&w.t), polls).await;
        if w.count(open).await == 0 {
            break;
        }
        // Nobody renews the lease of a killed worker.
        w.t.clock.advance(chrono::Duration::seconds(31));
    }
    let run = w.ended(id).await;
    assert!(
        matches!(run.status, RunStatus::Succeeded | RunStatus::NothingToDo),
        "{run:#?}"
    );
    w.assert_equal(&format!("after kills {kills:?}")).await;
}

sync_test!(killed_anywhere_in_a_full_run, tenant(40, 40), |w| {
    // How long a whole run is, in polls; the later ones have less to do.
    let id = w.start(RunMode::Full).await;
    let (polls, _) = kill_after(run_until_idle(&w.t), usize::MAX).await.unwrap();
    w.ended(id).await;
    for cut in 1..16 {
        w.control.random_changes(25, cut);
        let at = polls * usize::try_from(cut).unwrap() / 16;
        killed(&w, RunMode::Full, &[at]).await;
    }
});

sync_test!(killed_again_and_again, tenant(41, 40), |w| {
    let id = w.start(RunMode::Full).await;
    let (polls, _) = kill_after(run_until_idle(&w.t), usize::MAX).await.unwrap();
    w.ended(id).await;
    for (round, seed) in [
        (polls / 3, 1),
        (polls / 2, 2),
        (polls * 2 / 3, 3),
        (polls * 4 / 5, 4),
    ] {
        w.control.random_changes(40, seed);
        killed(&w, RunMode::Delta, &[round, round, round + 7, round / 2]).await;
    }
});

sync_test!(the_first_run_killed_at_every_phase, tenant(42, 40), |w| {
    let id = w.start(RunMode::Full).await;
    for phase in ["reading", "merging", "planning", "applying"] {
        until_phase(&w, phase).await;
        w.t.clock.advance(chrono::Duration::seconds(31));
    }
    run_until_idle(&w.t).await.unwrap();
    assert_eq!(w.ended(id).await.status, RunStatus::Succeeded);
    w.assert_equal("after a kill at every phase").await;
    assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
});
