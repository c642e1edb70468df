//! States, schedules, folding, cancelling.

use domain::{
    permission::Permission,
    policy::ObjectType,
    run::{RunMode, RunStatus, RunTrigger},
};
use simulator::AppState;

use super::{
    resuming::until_phase,
    sync_test,
    world::{World, line, tenant},
};
use crate::{Error, Scope, jobs::run_until_idle, sync};

sync_test!(
    nothing_starts_by_itself_before_the_first_full_run,
    tenant(30, 20),
    |w| {
        w.execute("UPDATE integration SET next_run_at = created_at")
            .await;
        w.t.clock.advance(chrono::Duration::days(1));
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(w.count("SELECT COUNT(*) FROM run").await, 0);
        w.run(RunMode::Full).await;
        let state = "SELECT COUNT(*) FROM integration
        WHERE state = 'ok' AND first_full_done AND NOT full_scan_next AND next_run_at IS NOT NULL";
        assert_eq!(w.count(state).await, 1);
        w.control.random_changes(20, 1);
        let run = w.scheduled().await;
        assert_eq!(run.trigger, RunTrigger::Schedule);
        w.assert_equal("after a scheduled run").await;
    }
);

sync_test!(
    quiet_scheduled_runs_fold_into_one_line,
    tenant(31, 20),
    |w| {
        w.run(RunMode::Full).await;
        let first = w.scheduled().await;
        assert_eq!(first.status, RunStatus::NothingToDo);
        assert_eq!(first.requests, 2, "one request an object type");
        for _ in 0..3 {
            assert_eq!(w.scheduled().await.id, first.id);
        }
        assert_eq!(w.count("SELECT COUNT(*) FROM run").await, 2);
        assert_eq!(w.count("SELECT MAX(folded) FROM run").await, 4);
        // What a person starts keeps its own line, and the next quiet one begins a new line.
        let own = w.run(RunMode::Delta).await;
        assert_eq!(own.status, RunStatus::NothingToDo);
        assert_ne!(w.scheduled().await.id, own.id);
        assert_eq!(w.count("SELECT COUNT(*) FROM run").await, 4);
    }
);

sync_test!(
    a_run_has_its_lines_from_the_press_of_the_button_on,
    tenant(39, 20),
    |w| {
        const LINES: &str = "SELECT COUNT(*) FROM run_count n JOIN run r ON r.id = n.run_id
            WHERE n.total = 0 AND n.status = r.status AND r.status = ";
        w.start(RunMode::Full).await;
        assert_eq!(w.count(&format!("{LINES}'queued'")).await, 3);
        for phase in ["reading", "planning"] {
            until_phase(&w, phase).await;
            assert_eq!(w.count(&format!("{LINES}'running'")).await, 3, "{phase}");
            // Nobody renews the lease of a killed worker.
            w.t.clock.advance(chrono::Duration::minutes(1));
        }
        run_until_idle(&w.t).await.unwrap();
        w.assert_equal("after all").await;
    }
);

sync_test!(a_second_run_names_the_first, tenant(32, 20), |w| {
    let first = w.start(RunMode::Full).await;
    let second = sync::start(
        &w.t,
        &Scope::worker(),
        w.integration,
        RunMode::Full,
        RunTrigger::Api,
    )
    .await;
    assert!(
        matches!(&second, Err(Error::Conflict { run_id: Some(id), .. }) if *id == first),
        "{second:?}"
    );
    assert!(Scope::worker().can(Permission::RunsStart));
});

sync_test!(
    a_run_nobody_took_is_cancelled_at_once,
    tenant(33, 20),
    |w| {
        let id = w.start(RunMode::Full).await;
        let run = sync::cancel(&w.t, &Scope::worker(), id).await.unwrap();
        assert_eq!(run.status, RunStatus::Cancelled);
        assert_eq!(w.count("SELECT COUNT(*) FROM job").await, 0);
        assert!(matches!(
            sync::cancel(&w.t, &Scope::worker(), id).await,
            Err(Error::Conflict { .. })
        ));
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::Succeeded);
    }
);

sync_test!(
    a_run_asked_to_end_in_the_middle_is_made_up_for_by_the_next,
    tenant(34, 40),
    |w| {
        // Cancelled at each phase in turn: the wish stands in the row when the phase begins.
        for phase in ["waiting", "merging", "planning", "applying"] {
            w.control.random_changes(30, 34);
            let id = w.start(RunMode::Delta).await;
            until_phase(&w, phase).await;
            w.execute("UPDATE run SET cancelled_by = 'Ada' WHERE status IN ('queued', 'running')")
                .await;
            w.t.clock.advance(chrono::Duration::seconds(31));
            run_until_idle(&w.t).await.unwrap();
            let run = w.ended(id).await;
            assert_eq!(run.status, RunStatus::Cancelled, "{phase}");
            let next = w.run(RunMode::Delta).await;
            assert!(next.error.is_none(), "{phase} {next:#?}");
            w.assert_equal(&format!("after a run cancelled at {phase}"))
                .await;
        }
    }
);

sync_test!(a_missing_permission_is_named, tenant(35, 20), |w| {
    w.control.revoke_role("GroupMember.Read.All");
    let run = w.run(RunMode::Full).await;
    assert_eq!(run.status, RunStatus::Failed);
    let error = run.error.unwrap();
    assert_eq!(error.code, "permission_missing");
    assert!(error.title.contains("GroupMember.Read.All"), "{error:?}");
    assert!(w.actual().await.users.is_empty());
});

sync_test!(
    another_tenant_than_the_pinned_one_ends_the_run_unread,
    tenant(36, 20),
    |w| {
        w.run(RunMode::Full).await;
        let before = w.actual().await;
        let other = w.t.ids.uuid();
        let mut tx = w.t.db.write().await.unwrap();
        crate::execute!(&mut tx, "UPDATE integration SET tenant_id = $1", other).unwrap();
        tx.commit().await.unwrap();
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Failed);
        assert_eq!(run.error.unwrap().code, "tenant_changed");
        assert_eq!(w.actual().await, before);
    }
);

sync_test!(
    a_refused_credential_backs_off_and_is_quarantined,
    tenant(37, 20),
    |w| {
        w.run(RunMode::Full).await;
        w.control.set_app_state(AppState::Disabled);
        // Another secret, so that no token from before is used.
        w.t.clock.advance(chrono::Duration::hours(2));
        for _ in 0..10 {
            let run = w.run(RunMode::Delta).await;
            assert_eq!(run.status, RunStatus::Failed);
        }
        let quarantined = "SELECT COUNT(*) FROM integration
        WHERE state = 'quarantined' AND next_run_at IS NULL AND failures = 10";
        assert_eq!(w.count(quarantined).await, 1);
        w.t.clock.advance(chrono::Duration::days(1));
        let runs = w.count("SELECT COUNT(*) FROM run").await;
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(
            w.count("SELECT COUNT(*) FROM run").await,
            runs,
            "no scheduled run"
        );
        w.control.set_app_state(AppState::Ready);
        w.run(RunMode::Delta).await;
        let lifted = "SELECT COUNT(*) FROM integration WHERE state = 'ok' AND failures = 0";
        assert_eq!(w.count(lifted).await, 1);
    }
);

sync_test!(
    a_preview_changes_nothing_and_the_run_after_it_everything,
    tenant(38, 30),
    |w| {
        let preview = w.run(RunMode::Preview).await;
        assert_eq!(preview.status, RunStatus::Succeeded);
        assert!(line(&preview, ObjectType::User).created > 0);
        assert!(w.actual().await.users.is_empty());
        assert_eq!(
            w.count("SELECT COUNT(*) FROM integration WHERE state = 'not_started'")
                .await,
            1
        );
        w.run(RunMode::Full).await;
        w.assert_equal("after the preview").await;
    }
);
