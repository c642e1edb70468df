//! What people do while a run is at work, while it waits, and between a preview and its application.

use domain::{
    decision::Decision,
    id::{ExternalId, RunId, UserId},
    policy::{Guard, ObjectType, OutOfScope},
    run::{Run, RunMode, RunStatus, RunTrigger},
};
use uuid::Uuid;

use super::{
    resuming::until_phase,
    sync_test,
    world::{World, line, tenant},
};
use crate::{
    Scope,
    auth::command_line_scope,
    db::crash::stall_at,
    fetch_one,
    jobs::{
        queue::{self, Kind, NewJob, PRIORITY_NOTIFICATION},
        run_until_idle, schedule,
    },
    store::{
        countdown::{self, Counted},
        protection,
    },
    sync::{self, starting},
};

async fn preview(w: &World) -> Run {
    let scope = Scope::worker();
    let run = sync::preview(&w.t, &scope, w.integration, None, RunTrigger::Operator);
    let id = run.await.unwrap().id;
    run_until_idle(&w.t).await.unwrap();
    w.ended(id).await
}

async fn apply(w: &World, id: RunId) -> Run {
    sync::apply_preview(&w.t, &Scope::worker(), id)
        .await
        .unwrap();
    run_until_idle(&w.t).await.unwrap();
    w.ended(id).await
}

async fn active(w: &World) -> Vec<Uuid> {
    let users = w.actual().await.users;
    let active = users.iter().filter(|(_, user)| user.active);
    active.map(|(id, _)| *id).collect()
}

async fn id_here(w: &World, external_id: Uuid) -> UserId {
    let mut tx = w.t.db.read().await.unwrap();
    let sql = "SELECT id FROM directory_user WHERE external_id = $1";
    fetch_one!(&mut tx, (UserId,), sql, ExternalId(external_id))
        .unwrap()
        .0
}

async fn with_status(w: &World, external_id: Uuid, status: &str) -> bool {
    let mut tx = w.t.db.read().await.unwrap();
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM directory_user
                WHERE external_id = $1 AND status = $2";
    fetch_one!(&mut tx, (i64,), sql, ExternalId(external_id), status)
        .unwrap()
        .0
        == 1
}

sync_test!(
    a_pause_strands_no_run_that_a_worker_gave_back,
    tenant(100, 30),
    |w| {
        w.run(RunMode::Full).await;
        w.control.random_changes(20, 1);
        w.t.clock.advance(chrono::Duration::minutes(6));
        until_phase(&w, "applying").await;
        // As a worker that shuts down leaves it: the attempt isn't counted.
        w.execute("UPDATE job SET lease_until = NULL, lease_token = NULL, attempts = 0")
            .await;
        let mut tx = w.t.db.write().await.unwrap();
        starting::drop_waiting(&mut tx, starting::Reach::All)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        w.recover().await;
        w.assert_equal("after the pause").await;
    }
);

sync_test!(
    what_an_applied_preview_holds_is_decided_by_what_is_saved,
    tenant(101, 60),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        w.policy.guard = Guard::default();
        w.save_policy().await;
        for id in active(&w).await.into_iter().take(12) {
            w.control.delete(id).unwrap();
        }
        let before = active(&w).await;
        let shown = preview(&w).await;
        let run = apply(&w, shown.id).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        w.policy.out_of_scope = OutOfScope::Keep;
        w.save_policy().await;
        let scope = Scope::worker();
        let (user, approved) = (ObjectType::User, Decision::Approved);
        sync::decide(&w.t, &scope, run.id, user, approved, "T-1")
            .await
            .unwrap();
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(line(&w.ended(run.id).await, ObjectType::User).disabled, 0);
        assert_eq!(active(&w).await, before, "the saved policy keeps them");
    }
);

sync_test!(
    a_protection_removed_after_a_preview_counts_in_the_next_run,
    tenant(102, 30),
    |w| {
        w.run(RunMode::Full).await;
        let scope = command_line_scope();
        let people = active(&w).await;
        let here = id_here(&w, people[0]).await;
        protection::protect(&w.t, &scope, here, "").await.unwrap();
        w.control.delete(people[0]).unwrap();
        w.control.rename(people[1], "Somebody Else").unwrap();
        let shown = preview(&w).await;
        protection::withdraw(&w.t, &scope, here).await.unwrap();
        assert_eq!(apply(&w, shown.id).await.status, RunStatus::Succeeded);
        assert!(with_status(&w, people[0], "active").await);
        w.run(RunMode::Delta).await;
        assert!(with_status(&w, people[0], "inactive").await);
        w.assert_equal("after the run behind the preview").await;
    }
);

sync_test!(
    nobody_is_deleted_whose_days_begin_anew_after_a_preview,
    tenant(103, 30),
    |w| {
        let mut w = w;
        w.policy.out_of_scope = OutOfScope::Delete;
        w.policy.delete_after_days = 2;
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let gone = active(&w).await[0];
        w.control.delete(gone).unwrap();
        w.run(RunMode::Delta).await;
        w.t.clock.advance(chrono::Duration::days(3));
        let shown = preview(&w).await;
        assert_eq!(line(&shown, ObjectType::User).deleted, 1);
        let scope = command_line_scope();
        let here = Counted::User(id_here(&w, gone).await);
        countdown::cancel(&w.t, &scope, here, "").await.unwrap();
        countdown::restart(&w.t, &scope, here).await.unwrap();
        let applied = apply(&w, shown.id).await;
        assert_eq!(line(&applied, ObjectType::User).deleted, 0);
        assert!(with_status(&w, gone, "inactive").await);
    }
);

sync_test!(
    a_schedule_set_during_a_run_stands_at_its_end,
    tenant(104, 30),
    |w| {
        w.run(RunMode::Full).await;
        w.control.random_changes(20, 1);
        w.start(RunMode::Full).await;
        let stalled = stall_at(9, run_until_idle(&w.t), async || {
            w.execute("UPDATE integration SET schedule = '{\"every_minutes\":1440}'")
                .await;
        });
        assert!(stalled.await);
        w.recover().await;
        let mut tx = w.t.db.read().await.unwrap();
        let (next,) = fetch_one!(
            &mut tx,
            (domain::DateTime,),
            "SELECT next_run_at FROM integration"
        )
        .unwrap();
        assert!(
            next - w.t.clock.now() > chrono::Duration::hours(12),
            "{next}"
        );
    }
);

sync_test!(
    a_run_that_never_began_is_not_in_the_way_of_a_preview,
    tenant(105, 30),
    |w| {
        w.run(RunMode::Full).await;
        w.control.random_changes(10, 1);
        let shown = preview(&w).await;
        let queued = w.start(RunMode::Full).await;
        sync::cancel(&w.t, &Scope::worker(), queued).await.unwrap();
        assert_eq!(apply(&w, shown.id).await.status, RunStatus::Succeeded);
    }
);

sync_test!(
    who_stayed_by_a_rejection_leaves_with_the_memberships,
    tenant(106, 60),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        w.policy.guard = Guard::default();
        w.save_policy().await;
        let gone: Vec<Uuid> = active(&w).await.into_iter().take(12).collect();
        for id in &gone {
            w.control.delete(*id).unwrap();
        }
        let held = w.run(RunMode::Delta).await;
        let scope = Scope::worker();
        let (user, rejected) = (ObjectType::User, Decision::Rejected);
        sync::decide(&w.t, &scope, held.id, user, rejected, "T-1")
            .await
            .unwrap();
        run_until_idle(&w.t).await.unwrap();
        // The source says something else of one in a delta, and of another in a full read.
        for (id, mode) in [(gone[0], RunMode::Delta), (gone[1], RunMode::Full)] {
            w.control.hard_delete(id).unwrap();
            w.run(mode).await;
            assert!(with_status(&w, id, "inactive").await, "{mode}");
            let here = id_here(&w, id).await;
            let mut tx = w.t.db.read().await.unwrap();
            let sql = "SELECT COUNT(*) FROM directory_membership WHERE member_id = $1";
            let (left,) = fetch_one!(&mut tx, (i64,), sql, here).unwrap();
            assert_eq!(left, 0, "{mode}");
        }
    }
);

sync_test!(
    an_empty_answer_holds_the_memberships_with_their_people,
    tenant(107, 40),
    |w| {
        let mut w = w;
        let people: Vec<Uuid> = w.expected().users.into_keys().take(3).collect();
        let none = simulator::Attributes::new();
        let group = w
            .control
            .create_group("Three", simulator::GroupKind::Security, &none)
            .unwrap();
        w.control.add_members(group, &people).unwrap();
        w.policy.selected_group_ids = vec![ExternalId(group)];
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let edges = w.actual().await.edges;
        assert_eq!(edges.len(), 3);
        w.control.remove_members(group, &people).unwrap();
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        assert_eq!(line(&run, ObjectType::User).held, 3);
        assert_eq!(line(&run, ObjectType::Membership).held, 3);
        assert_eq!(w.actual().await.edges, edges);
        let scope = Scope::worker();
        let (user, approved) = (ObjectType::User, Decision::Approved);
        sync::decide(&w.t, &scope, run.id, user, approved, "T-1")
            .await
            .unwrap();
        run_until_idle(&w.t).await.unwrap();
        w.assert_equal("once it is believed").await;
    }
);

sync_test!(
    a_run_that_finds_nothing_after_all_adds_no_line,
    tenant(108, 30),
    |w| {
        w.run(RunMode::Full).await;
        w.scheduled().await;
        let runs = w.count("SELECT COUNT(*) FROM run").await;
        for _ in 0..3 {
            w.execute("UPDATE source_object SET pending = 'failed' WHERE object_type = 'user'")
                .await;
            assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
        }
        assert_eq!(w.count("SELECT COUNT(*) FROM run").await, runs);
        let waits = "SELECT COUNT(*) FROM source_object WHERE pending IS NOT NULL";
        assert_eq!(w.count(waits).await, 0);
    }
);

sync_test!(
    what_waits_to_be_told_takes_no_place_in_the_schedule,
    tenant(109, 20),
    |w| {
        w.run(RunMode::Full).await;
        let mut tx = w.t.db.write().await.unwrap();
        for _ in 0..60 {
            let job = NewJob {
                kind: Kind::TellFailing,
                subject: w.integration.0,
                integration_id: Some(w.integration),
                priority: PRIORITY_NOTIFICATION,
                run_at: w.t.clock.now() + chrono::Duration::hours(1),
                dedupe_key: None,
            };
            queue::enqueue(&w.t, &mut tx, &job).await.unwrap();
        }
        tx.commit().await.unwrap();
        w.t.clock.advance(chrono::Duration::minutes(6));
        assert_eq!(schedule::start_due(&w.t).await.unwrap(), 1);
    }
);
