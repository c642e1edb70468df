//! Pauses, back-off, quarantine, and cancelling whatever a run waits for.

use std::{sync::Arc, time::Duration};

use domain::{
    id::RunId,
    integration::{Integration, IntegrationState},
    pause::NewPause,
    run::{RunMode, RunStatus},
};
use simulator::{AppState, Fault, FaultPlan};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    super::{give_up, go_on},
    sync_test,
    world::{World, tenant},
};
use crate::{
    Backend, Clock, Scope, entra, graph_access,
    jobs::{JobContext, Lease, Outcome, queue, run_until_idle},
    store::{integrations, pauses},
    sync,
};

async fn shown(w: &World) -> Integration {
    integrations::get(&w.t, &Scope::worker(), w.integration)
        .await
        .unwrap()
}

sync_test!(
    a_pause_stops_scheduled_runs_and_nobody_elses,
    tenant(60, 20),
    |w| {
        let scope = Scope::worker();
        w.run(RunMode::Full).await;
        pauses::pause_integration(&w.t, &scope, w.integration, NewPause::default())
            .await
            .unwrap();
        let runs = w.count("SELECT COUNT(*) FROM run").await;
        w.t.clock.advance(chrono::Duration::hours(1));
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(w.count("SELECT COUNT(*) FROM run").await, runs);
        w.control.random_changes(10, 60);
        let run = w.run(RunMode::Delta).await;
        assert!(run.error.is_none(), "{run:#?}");
        w.assert_equal("after a run a person started").await;
        let paused = shown(&w).await;
        assert_eq!(
            (paused.state, paused.next_run_at),
            (IntegrationState::Paused, None)
        );
        pauses::resume_integration(&w.t, &scope, w.integration)
            .await
            .unwrap();
        assert_eq!(shown(&w).await.state, IntegrationState::Ok);
        w.control.random_changes(10, 61);
        w.scheduled().await;
        w.assert_equal("after it was resumed").await;
    }
);

sync_test!(
    a_failing_integration_is_tried_later_and_later_until_it_succeeds,
    tenant(61, 20),
    |w| {
        w.run(RunMode::Full).await;
        w.control.revoke_role("GroupMember.Read.All");
        w.t.clock.advance(chrono::Duration::hours(2));
        let mut waits = Vec::new();
        for failures in 1..=9 {
            w.run(RunMode::Delta).await;
            let failing = shown(&w).await;
            assert_eq!(failing.state, IntegrationState::Failing);
            assert_eq!(failing.failures, failures);
            waits.push((failing.next_run_at.unwrap() - w.t.clock.now()).num_minutes());
        }
        assert!(waits.is_sorted(), "{waits:?}");
        assert!((190..=256).contains(&waits[8]), "{waits:?}");
        assert_eq!(
            shown(&w).await.state,
            IntegrationState::Failing,
            "no quarantine"
        );
        w.control
            .set_roles(["User.Read.All", "GroupMember.Read.All"]);
        w.t.clock.advance(chrono::Duration::hours(5));
        run_until_idle(&w.t).await.unwrap();
        let well = shown(&w).await;
        assert_eq!((well.state, well.failures), (IntegrationState::Ok, 0));
        assert!(well.next_run_at.unwrap() - w.t.clock.now() <= chrono::Duration::minutes(5));
    }
);

sync_test!(
    a_quarantine_is_lifted_once_test_connection_passes,
    tenant(62, 20),
    |w| {
        let scope = Scope::worker();
        w.run(RunMode::Full).await;
        w.control.set_app_state(AppState::Disabled);
        w.t.clock.advance(chrono::Duration::hours(2));
        for _ in 0..10 {
            w.run(RunMode::Delta).await;
        }
        assert_eq!(shown(&w).await.state, IntegrationState::Quarantined);
        let refused = entra::test_saved(&w.t, &scope, w.integration)
            .await
            .unwrap();
        assert!(!refused.ok);
        assert_eq!(shown(&w).await.state, IntegrationState::Quarantined);

        w.control.set_app_state(AppState::Ready);
        let passed = entra::test_saved(&w.t, &scope, w.integration)
            .await
            .unwrap();
        assert!(passed.ok, "{passed:#?}");
        assert!(passed.checks.iter().any(|check| check.id == "quarantine"));
        let lifted = shown(&w).await;
        assert_eq!(
            (lifted.state, lifted.failures),
            (IntegrationState::Failing, 0)
        );
        assert!(lifted.next_run_at.is_some());
        w.scheduled().await;
        assert_eq!(shown(&w).await.state, IntegrationState::Ok);
        let again = entra::test_saved(&w.t, &scope, w.integration)
            .await
            .unwrap();
        assert!(again.checks.iter().all(|check| check.id != "quarantine"));
    }
);

/// The world's backend by the machine's own clock, so that waiting really waits.
fn by_the_clock(w: &World) -> Backend {
    let clock = Clock::system();
    Backend {
        graph: graph_access::connector(&clock, &w.t.ids).unwrap(),
        clock,
        ..w.t.backend.clone()
    }
}

/// Leases the run that waits, and begins it in the background.
async fn begin(b: &Backend, applying: &Arc<Semaphore>) -> (JobContext, CancellationToken) {
    let lease: Lease = queue::lease(b, 10)
        .await
        .unwrap()
        .into_iter()
        .find(|lease| lease.kind == "sync_run")
        .unwrap();
    let stop = CancellationToken::new();
    let cx = JobContext {
        b: b.clone(),
        lease,
        stop: stop.clone(),
        reading: Arc::new(Semaphore::new(1)),
        applying: applying.clone(),
    };
    (cx, stop)
}

/// Cancels a run that waits for something that doesn't come for a minute, and sees it end soon.
async fn cancelled_while(w: &World, applying: Arc<Semaphore>, waits: impl AsyncFn()) {
    let b = by_the_clock(w);
    let id = sync::start(
        &b,
        &Scope::worker(),
        w.integration,
        RunMode::Full,
        domain::run::RunTrigger::Operator,
    )
    .await
    .unwrap()
    .id;
    let (cx, _stop) = begin(&b, &applying).await;
    let working = tokio::spawn(async move { go_on(&cx, id).await });
    waits().await;
    assert!(!working.is_finished());
    let asked = std::time::Instant::now();
    sync::cancel(&b, &Scope::worker(), id).await.unwrap();
    assert_eq!(working.await.unwrap().unwrap(), Outcome::Finished);
    let took = asked.elapsed();
    // A second is the promise; a busy machine under test gets some more.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(w.ended(id).await.status, RunStatus::Cancelled);
}

/// Ends once the tenant was asked for `path`.
async fn asked_for(w: &World, path: &str) {
    while !w
        .control
        .request_log()
        .iter()
        .any(|request| request.target.contains(path))
    {
        tokio::task::yield_now().await;
    }
}

sync_test!(
    a_run_that_obeys_retry_after_is_cancelled,
    tenant(63, 20),
    |w| {
        w.control
            .set_faults(FaultPlan::new(1).with(Fault::Throttled, 1.0).on("delta"));
        w.control.configure(|settings| settings.retry_after_s = 60);
        cancelled_while(&w, Arc::new(Semaphore::new(1)), async || {
            asked_for(&w, "delta").await;
        })
        .await;
        w.control.clear_faults();
        w.run(RunMode::Full).await;
        w.assert_equal("after the cancelled run").await;
    }
);

sync_test!(
    a_run_that_waits_for_a_slow_answer_is_cancelled,
    tenant(64, 20),
    |w| {
        w.control.configure(|settings| settings.latency_ms = 60_000);
        cancelled_while(&w, Arc::new(Semaphore::new(1)), async || {
            asked_for(&w, "").await;
        })
        .await;
        w.control.configure(|settings| settings.latency_ms = 0);
        w.run(RunMode::Full).await;
        w.assert_equal("after the cancelled run").await;
    }
);

sync_test!(
    a_run_that_waits_to_apply_is_cancelled,
    tenant(65, 20),
    |w| {
        // Nobody gives it the right to apply.
        cancelled_while(&w, Arc::new(Semaphore::new(0)), async || {
            while w
                .count("SELECT COUNT(*) FROM run WHERE phase = 'applying'")
                .await
                == 0
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(w.actual().await.users.is_empty());
        w.run(RunMode::Full).await;
        w.assert_equal("after the cancelled run").await;
    }
);

sync_test!(
    a_worker_that_shuts_down_waits_for_no_answer,
    tenant(66, 20),
    |w| {
        w.control.configure(|settings| settings.latency_ms = 60_000);
        let b = by_the_clock(&w);
        let id: RunId = w.start(RunMode::Full).await;
        let (cx, stop) = begin(&b, &Arc::new(Semaphore::new(1))).await;
        let working = tokio::spawn(async move { (go_on(&cx, id).await, cx) });
        asked_for(&w, "").await;
        stop.cancel();
        let (outcome, cx) = working.await.unwrap();
        assert_eq!(outcome.unwrap(), Outcome::Stopped);
        w.control.configure(|settings| settings.latency_ms = 0);
        give_up(&cx, id, &crate::Error::Unavailable("the test".to_owned()))
            .await
            .unwrap();
        assert_eq!(w.ended(id).await.status, RunStatus::Failed);
    }
);
