//! Who is told what, from the end of real runs: each cause once, and nobody behind a wall.

use chrono::Duration;
use domain::{
    decision::Decision,
    id::{CustomerId, RunId},
    integration::IntegrationChange,
    notification::{NewNotificationRecipient, RecipientKind},
    policy::{Guard, ObjectType},
    run::{RunMode, RunStatus},
};
use simulator::{AppState, Fault, FaultPlan};

use super::{
    sync_test,
    world::{World, no_guard, tenant},
};
use crate::{
    Scope, entra, fetch_one,
    jobs::run_until_idle,
    notify::sinks::{self, GotHook, HookSink},
    store::{integrations, notification_recipients},
    sync,
};

/// A receiver that is told of the world's customer at `/own`, of another customer at `/other` and
/// of all at `/all`.
async fn receiver(w: &mut World) -> HookSink {
    let hooks = HookSink::hooks().await;
    sinks::connect(&mut w.t.backend, None);
    let own = customer(w).await;
    let other = w.t.customer("Other").await;
    for (customer, path) in [(Some(own), "/own"), (Some(other), "/other"), (None, "/all")] {
        let new = NewNotificationRecipient {
            kind: RecipientKind::Webhook,
            address: hooks.url(path),
            causes: None,
        };
        notification_recipients::create(&w.t, &Scope::worker(), customer, new)
            .await
            .unwrap();
    }
    hooks
}

async fn customer(w: &World) -> CustomerId {
    let mut tx = w.t.db.read().await.unwrap();
    let (id,) = fetch_one!(
        &mut tx,
        (CustomerId,),
        "SELECT customer_id FROM integration WHERE id = $1",
        w.integration
    )
    .unwrap();
    id
}

/// What the world's customer was told since the last time, which is also what everybody of the
/// installation was, and nobody else.
async fn told(w: &World, hooks: &HookSink) -> Vec<GotHook> {
    run_until_idle(&w.t).await.unwrap();
    let got = hooks.take();
    let of = |path: &str| -> Vec<GotHook> {
        got.iter()
            .filter(|hook| hook.path == path)
            .cloned()
            .collect()
    };
    let ids = |hooks: &[GotHook]| -> Vec<String> {
        let ids = hooks
            .iter()
            .map(|hook| hook.header("webhook-id").to_owned());
        ids.collect()
    };
    let own = of("/own");
    assert_eq!(ids(&of("/all")), ids(&own));
    assert!(of("/other").is_empty(), "{got:?}");
    own
}

/// The types of what was told.
async fn types(w: &World, hooks: &HookSink) -> Vec<String> {
    let told = told(w, hooks).await;
    let types = told.iter().map(|hook| {
        let json = hook.json();
        assert!(
            json["data"]["url"]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:3000/")
        );
        json["type"].as_str().unwrap().to_owned()
    });
    types.collect()
}

async fn delete_users(w: &World, number: usize) {
    let living: Vec<_> = w.control.snapshot().users.iter().map(|u| u.id).collect();
    let users = w.actual().await.users;
    let active = users
        .iter()
        .filter(|(id, user)| user.active && living.contains(id));
    for (id, _) in active.take(number) {
        w.control.delete(*id).unwrap();
    }
}

sync_test!(
    a_held_set_is_told_once_and_another_again,
    tenant(60, 60),
    |w| {
        let mut w = w;
        let hooks = receiver(&mut w).await;
        w.run(RunMode::Full).await;
        assert!(types(&w, &hooks).await.is_empty(), "all is well");
        w.policy.guard = Guard::default();
        w.save_policy().await;
        delete_users(&w, 12).await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Held);
        let told = told(&w, &hooks).await;
        assert_eq!(told.len(), 1, "{told:?}");
        let json = told[0].json();
        assert_eq!(json["type"], "run.held");
        assert_eq!(
            json["data"]["title"],
            "Held: 12 users of C would be disabled"
        );
        assert_eq!(json["data"]["run_id"], run.id.to_string());
        assert_eq!(
            json["data"]["url"],
            format!("http://127.0.0.1:3000/runs/{}", run.id)
        );

        // The same set, by the schedule and by a person.
        w.scheduled().await;
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Held);
        assert!(types(&w, &hooks).await.is_empty());
        // A run that breaks off in between says nothing of the set.
        w.control.next("/users/delta", Fault::Forbidden);
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Failed);
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Held);
        assert!(types(&w, &hooks).await.is_empty());

        delete_users(&w, 15).await;
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Held);
        assert_eq!(types(&w, &hooks).await, ["run.held"]);
        w.policy.guard = no_guard();
        w.save_policy().await;
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Succeeded);
        assert_eq!(types(&w, &hooks).await, ["integration.recovered"]);
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::NothingToDo);
        assert!(types(&w, &hooks).await.is_empty());
        assert_eq!(w.count("SELECT COUNT(*) FROM notification_cause").await, 0);
    }
);

sync_test!(
    a_decision_is_told_and_closes_its_cause,
    tenant(65, 60),
    |w| {
        let mut w = w;
        let hooks = receiver(&mut w).await;
        w.run(RunMode::Full).await;
        w.policy.guard = Guard::default();
        w.save_policy().await;
        delete_users(&w, 12).await;
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Held);
        assert_eq!(types(&w, &hooks).await, ["run.held"]);

        // Another run changes something and leaves the held one its place.
        w.control.random_changes(3, 1);
        w.scheduled().await;
        let waiting = "SELECT COUNT(*) FROM run WHERE status = 'held'";
        assert_eq!(w.count(waiting).await, 1);
        types(&w, &hooks).await;

        let mut tx = w.t.db.read().await.unwrap();
        let sql = "SELECT id FROM run WHERE status = 'held'";
        let (waits,) = fetch_one!(&mut tx, (RunId,), sql).unwrap();
        drop(tx);
        let (user, approved) = (ObjectType::User, Decision::Approved);
        sync::decide(&w.t, &Scope::worker(), waits, user, approved, "T-1")
            .await
            .unwrap();
        let told = told(&w, &hooks).await;
        assert_eq!(told.len(), 1, "{told:?}");
        let json = told[0].json();
        assert_eq!(json["type"], "integration.recovered");
        assert_eq!(json["data"]["title"], "Decided: C, Contoso");
        assert_eq!(w.count("SELECT COUNT(*) FROM notification_cause").await, 0);
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::NothingToDo);
        assert!(types(&w, &hooks).await.is_empty());
    }
);

sync_test!(
    a_period_of_failing_is_told_once_at_its_third_run,
    tenant(61, 20),
    |w| {
        let mut w = w;
        let hooks = receiver(&mut w).await;
        w.run(RunMode::Full).await;
        let break_off = || {
            let plan = FaultPlan::new(1).with(Fault::Unavailable, 1.0);
            w.control.set_faults(plan);
        };
        break_off();
        // Two failures that pass by themselves are nobody's business.
        for _ in 0..2 {
            assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Failed);
        }
        w.control.set_faults(FaultPlan::default());
        w.run(RunMode::Delta).await;
        assert!(types(&w, &hooks).await.is_empty());
        break_off();
        for _ in 0..2 {
            w.run(RunMode::Delta).await;
            assert!(types(&w, &hooks).await.is_empty());
        }
        w.run(RunMode::Delta).await;
        assert_eq!(types(&w, &hooks).await, ["integration.failing"]);
        w.run(RunMode::Delta).await;
        assert!(types(&w, &hooks).await.is_empty());
        w.control.set_faults(FaultPlan::default());
        w.run(RunMode::Delta).await;
        assert_eq!(types(&w, &hooks).await, ["integration.recovered"]);
        w.run(RunMode::Delta).await;
        assert!(types(&w, &hooks).await.is_empty());
    }
);

sync_test!(
    an_hour_of_failing_is_told_though_nothing_is_tried,
    tenant(62, 20),
    |w| {
        let mut w = w;
        let hooks = receiver(&mut w).await;
        w.run(RunMode::Full).await;
        w.execute("UPDATE integration SET schedule = '{\"every_minutes\":1440}'")
            .await;
        w.control
            .set_faults(FaultPlan::new(1).with(Fault::Unavailable, 1.0));
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Failed);
        // The clock went on while the run waited for the source.
        let look = "SELECT COUNT(*) FROM job WHERE kind = 'tell_failing'";
        assert_eq!(w.count(look).await, 1);
        w.t.clock.advance(Duration::minutes(58));
        assert!(types(&w, &hooks).await.is_empty());
        let runs = w.count("SELECT COUNT(*) FROM run").await;
        w.t.clock.advance(Duration::minutes(2));
        assert_eq!(types(&w, &hooks).await, ["integration.failing"]);
        assert_eq!(w.count("SELECT COUNT(*) FROM run").await, runs);
        assert_eq!(w.count(look).await, 0);
        w.t.clock.advance(Duration::hours(2));
        assert!(types(&w, &hooks).await.is_empty());
    }
);

sync_test!(a_quarantine_and_its_end_are_told, tenant(63, 20), |w| {
    let mut w = w;
    let hooks = receiver(&mut w).await;
    w.run(RunMode::Full).await;
    w.control.set_app_state(AppState::Disabled);
    w.t.clock.advance(Duration::hours(2));
    run_until_idle(&w.t).await.unwrap();
    hooks.take();
    while w.count("SELECT failures FROM integration").await < 9 {
        w.run(RunMode::Delta).await;
    }
    let before = types(&w, &hooks).await;
    assert!(
        !before.contains(&"integration.quarantined".to_owned()),
        "{before:?}"
    );
    w.run(RunMode::Delta).await;
    let quarantined = told(&w, &hooks).await;
    assert_eq!(quarantined.len(), 1, "{quarantined:?}");
    let json = quarantined[0].json();
    assert_eq!(json["type"], "integration.quarantined");
    assert_eq!(json["data"]["integration"]["id"], w.integration.to_string());
    w.run(RunMode::Delta).await;
    assert!(types(&w, &hooks).await.is_empty());
    w.control.set_app_state(AppState::Ready);
    w.run(RunMode::Delta).await;
    assert_eq!(
        types(&w, &hooks).await,
        ["integration.recovered"],
        "one for both"
    );
});

sync_test!(
    a_quarantine_is_told_again_after_it_was_left,
    tenant(66, 20),
    |w| {
        let mut w = w;
        let hooks = receiver(&mut w).await;
        w.run(RunMode::Full).await;
        let quarantines = async || {
            w.control.set_app_state(AppState::Disabled);
            // No token from before is used.
            w.t.clock.advance(Duration::hours(2));
            let quarantined = "SELECT COUNT(*) FROM integration WHERE state = 'quarantined'";
            while w.count(quarantined).await == 0 {
                w.run(RunMode::Delta).await;
            }
            let told = types(&w, &hooks).await;
            let of = told
                .iter()
                .filter(|told| *told == "integration.quarantined");
            of.count()
        };
        assert_eq!(quarantines().await, 1);
        w.control.set_app_state(AppState::Ready);
        let scope = Scope::worker();
        let test = entra::test_saved(&w.t, &scope, w.integration).await;
        assert!(test.unwrap().ok);
        assert_eq!(quarantines().await, 1, "it was lifted");
        for enabled in [false, true] {
            let change = IntegrationChange {
                enabled: Some(enabled),
                ..IntegrationChange::default()
            };
            integrations::change(&w.t, &scope, w.integration, change)
                .await
                .unwrap();
        }
        assert_eq!(quarantines().await, 1, "it was switched off and on");
        w.control.set_app_state(AppState::Ready);
        w.run(RunMode::Delta).await;
        assert_eq!(types(&w, &hooks).await, ["integration.recovered"]);
        assert_eq!(w.count("SELECT COUNT(*) FROM notification_cause").await, 0);
    }
);

sync_test!(
    a_run_that_is_cancelled_tells_and_closes_nothing,
    tenant(64, 20),
    |w| {
        let mut w = w;
        let hooks = receiver(&mut w).await;
        w.run(RunMode::Full).await;
        w.control
            .set_faults(FaultPlan::new(1).with(Fault::Unavailable, 1.0));
        for _ in 0..3 {
            w.run(RunMode::Delta).await;
        }
        assert_eq!(types(&w, &hooks).await, ["integration.failing"]);
        let id = w.start(RunMode::Delta).await;
        w.execute("UPDATE run SET cancelled_by = 'Ada' WHERE status = 'queued'")
            .await;
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(w.ended(id).await.status, RunStatus::Cancelled);
        w.run(RunMode::Delta).await;
        assert!(types(&w, &hooks).await.is_empty());
    }
);
