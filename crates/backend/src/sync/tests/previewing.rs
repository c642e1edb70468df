//! A preview shows what a run would do, and changes nothing; then exactly that is applied.

use domain::{
    id::RunId,
    policy::{ObjectType, OutOfScope, Policy},
    run::{LineStatus, Run, RunMode, RunStatus, RunTrigger},
};

use super::{
    sync_test,
    world::{World, line, no_guard, tenant},
};
use crate::{Error, Scope, fetch_all, jobs::run_until_idle, sync};

async fn preview(w: &World, policy: Option<Policy>) -> Run {
    let scope = Scope::worker();
    let run = sync::preview(&w.t, &scope, w.integration, policy, RunTrigger::Operator);
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

fn refusal<T: std::fmt::Debug>(result: crate::Result<T>) -> (String, Option<RunId>) {
    match result.unwrap_err() {
        Error::Conflict { message, run_id } => (message, run_id),
        other => panic!("{other:?}"),
    }
}

type Planned = (ObjectType, String, String, Option<String>, Option<String>);

/// What a run's plan changes, without the ids that are made with it. Who is filtered depends on how
/// many it looks at.
async fn plan(w: &World, id: RunId) -> Vec<Planned> {
    let mut tx = w.t.db.read().await.unwrap();
    let mut rows = fetch_all!(
        &mut tx,
        Planned,
        "SELECT object_type, display_name, action, reason, after_value FROM run_change
          WHERE run_id = $1 AND status <> 'filtered'",
        id
    )
    .unwrap();
    rows.sort();
    rows
}

sync_test!(
    a_first_preview_changes_nothing_and_is_applied_as_it_is,
    tenant(70, 60),
    |w| {
        let shown = preview(&w, None).await;
        assert_eq!(
            (shown.mode, shown.status),
            (RunMode::Preview, RunStatus::Succeeded)
        );
        assert!(line(&shown, ObjectType::User).created > 20);
        assert_eq!(w.count("SELECT COUNT(*) FROM directory_user").await, 0);
        let waiting = "SELECT COUNT(*) FROM integration
                        WHERE state = 'not_started' AND NOT first_full_done AND last_run_id IS NULL";
        assert_eq!(w.count(waiting).await, 1, "a preview is no run of it");

        let requests = shown.requests;
        let applied = apply(&w, shown.id).await;
        assert_eq!(
            (applied.mode, applied.status),
            (RunMode::Full, RunStatus::Succeeded)
        );
        assert_eq!(applied.requests, requests, "nothing was read again");
        for was in &shown.counts {
            let now = line(&applied, was.object_type);
            assert_eq!((now.created, now.filtered), (was.created, was.filtered));
        }
        w.assert_equal("after the preview was applied").await;
        assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
        let again = sync::apply_preview(&w.t, &Scope::worker(), shown.id).await;
        assert!(refusal(again).0.contains("applied already"));
    }
);

sync_test!(
    a_preview_of_other_settings_is_what_they_would_do,
    tenant(71, 60),
    |w| {
        let mut w = w;
        w.policy.out_of_scope = OutOfScope::Keep;
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let before = w.actual().await;
        let group = w.actual().await.groups.keys().next().copied().unwrap();
        let members: Vec<_> = before.edges.iter().filter(|edge| edge.0 == group).collect();
        assert!(!members.is_empty());
        let asked = Policy {
            selected_group_ids: vec![domain::id::ExternalId(group)],
            out_of_scope: OutOfScope::Disable,
            guard: no_guard(),
            ..w.policy.clone()
        };
        let shown = preview(&w, Some(asked.clone())).await;
        assert!(line(&shown, ObjectType::User).disabled > 0, "{shown:#?}");
        assert_eq!(w.actual().await, before, "nothing was changed");
        let (policy, groups) = (
            "SELECT COUNT(*) FROM integration WHERE policy LIKE '%\"out_of_scope\":\"keep\"%'",
            "SELECT COUNT(*) FROM integration_group",
        );
        assert_eq!((w.count(policy).await, w.count(groups).await), (1, 0));
        let planned = plan(&w, shown.id).await;

        // What the saved settings bring is the same as before.
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::NothingToDo, "{run:#?}");
        assert_eq!(w.actual().await, before);
        let late = sync::apply_preview(&w.t, &Scope::worker(), shown.id).await;
        assert_eq!(refusal(late).1, Some(run.id), "the world moved on");

        // The same question again has the same answer, and is applied with its settings.
        let shown = preview(&w, Some(asked)).await;
        assert_eq!(plan(&w, shown.id).await, planned);
        let applied = apply(&w, shown.id).await;
        assert_eq!(applied.status, RunStatus::Succeeded, "{applied:#?}");
        assert_eq!((w.count(policy).await, w.count(groups).await), (0, 1));
        w.policy.selected_group_ids = vec![domain::id::ExternalId(group)];
        w.policy.out_of_scope = OutOfScope::Disable;
        w.assert_equal("after the settings were applied").await;
        assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
    }
);

sync_test!(a_preview_plans_what_a_run_then_does, tenant(72, 60), |w| {
    w.run(RunMode::Full).await;
    for seed in 0..3 {
        w.control.random_changes(40, seed);
        let shown = preview(&w, None).await;
        let planned = plan(&w, shown.id).await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(plan(&w, run.id).await, planned, "seed {seed}");
        w.assert_equal("after the run").await;
    }
});

sync_test!(
    a_preview_says_what_would_be_held_and_applies_the_rest,
    tenant(73, 60),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        w.policy.guard = domain::policy::Guard::default();
        w.save_policy().await;
        let before = w.actual().await;
        let active = before.users.iter().filter(|(_, user)| user.active);
        let active: Vec<_> = active.map(|(id, _)| *id).collect();
        for id in &active[..12] {
            w.control.delete(*id).unwrap();
        }
        w.control.rename(active[20], "Renamed").unwrap();
        let shown = preview(&w, None).await;
        let users = line(&shown, ObjectType::User);
        assert_eq!(
            (shown.status, users.status, users.held, users.updated),
            (RunStatus::Succeeded, LineStatus::WouldHold, 12, 1)
        );
        let applied = apply(&w, shown.id).await;
        assert_eq!(applied.status, RunStatus::Held, "{applied:#?}");
        assert_eq!(w.actual().await.users.len(), before.users.len());
        assert_eq!(line(&applied, ObjectType::User).updated, 1);
    }
);

sync_test!(
    a_preview_is_not_applied_when_it_is_no_longer_so,
    tenant(74, 30),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        let nothing = preview(&w, None).await;
        assert_eq!(nothing.status, RunStatus::NothingToDo);
        let refused = sync::apply_preview(&w.t, &Scope::worker(), nothing.id).await;
        assert!(refusal(refused).0.contains("nothing to do"));

        w.control.random_changes(20, 1);
        let shown = preview(&w, None).await;
        w.policy.include_guests = !w.policy.include_guests;
        w.save_policy().await;
        let refused = sync::apply_preview(&w.t, &Scope::worker(), shown.id).await;
        assert!(refusal(refused).0.contains("settings were changed"));
        w.policy.include_guests = !w.policy.include_guests;
        w.save_policy().await;
        w.t.clock.advance(chrono::Duration::hours(25));
        let refused = sync::apply_preview(&w.t, &Scope::worker(), shown.id).await;
        assert!(refusal(refused).0.contains("older than a day"));
    }
);

sync_test!(
    a_preview_that_breaks_off_says_nothing_of_the_integration,
    tenant(75, 30),
    |w| {
        w.run(RunMode::Full).await;
        let how = "SELECT COUNT(*) FROM integration
                    WHERE state = 'ok' AND failures = 0 AND last_sync_status = 'succeeded'";
        assert_eq!(w.count(how).await, 1);
        for _ in 0..4 {
            w.control.next("/users/delta", simulator::Fault::Forbidden);
            assert_eq!(preview(&w, None).await.status, RunStatus::Failed);
        }
        let next = "SELECT COUNT(*) FROM integration WHERE next_run_at IS NOT NULL";
        assert_eq!((w.count(how).await, w.count(next).await), (1, 1));
        let told = "SELECT COUNT(*) FROM notification_cause";
        assert_eq!(w.count(told).await, 0);
    }
);

sync_test!(
    an_applied_preview_begins_when_it_is_applied,
    tenant(76, 30),
    |w| {
        let shown = preview(&w, None).await;
        w.t.clock.advance(chrono::Duration::hours(3));
        let applied = apply(&w, shown.id).await;
        let waited = applied.started_at.unwrap() - shown.started_at.unwrap();
        assert!(waited >= chrono::Duration::hours(3), "{waited}");
    }
);

sync_test!(
    who_is_touched_without_a_run_is_who_a_preview_changes,
    tenant(79, 60),
    |w| {
        let mut w = w;
        w.policy.include_guests = true;
        w.policy.guard = no_guard();
        w.save_policy().await;
        let people =
            async |policy: &Policy| sync::touched::people(&w.t, w.integration, policy).await;
        let others = Policy {
            include_guests: false,
            require_names: !w.policy.require_names,
            ..w.policy.clone()
        };
        assert_eq!(people(&others).await.unwrap(), None, "nothing was read yet");
        w.run(RunMode::Full).await;
        assert_eq!(people(&w.policy).await.unwrap(), Some(0));
        let shown = preview(&w, Some(others.clone())).await;
        let counts = line(&shown, ObjectType::User);
        let changed = counts.created + counts.updated + counts.disabled + counts.enabled;
        assert!(changed > 0, "{counts:?}");
        assert_eq!(people(&others).await.unwrap(), Some(changed));
        let reads_more = Policy {
            normalize_user_names: !w.policy.normalize_user_names,
            ..w.policy.clone()
        };
        assert_eq!(people(&reads_more).await.unwrap(), None);
    }
);
