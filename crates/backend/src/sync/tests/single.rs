//! One person alone: what a run of everybody would do about them, and nothing else.

use domain::{
    decision::Decision,
    id::{ExternalId, UserId},
    policy::{Guard, ObjectType, OutOfScope},
    run::{Reason, Run, RunMode, RunStatus, RunTrigger},
};
use serde_json::json;
use simulator::{Attributes, GroupKind};
use uuid::Uuid;

use super::{
    sync_test,
    world::{World, line, tenant},
};
use crate::{
    Error, Result, Scope, auth::command_line_scope, db::crash::crash_at, fetch_all, fetch_one,
    jobs::run_until_idle, store::protection, sync,
};

async fn start(w: &World, object: impl ToString) -> Result<Run> {
    let (scope, object) = (Scope::worker(), object.to_string());
    let trigger = RunTrigger::Operator;
    sync::sync_object(&w.t, &scope, w.integration, &object, trigger).await
}

/// Syncs one person from start to end.
async fn alone(w: &World, object: impl ToString) -> Run {
    let run = start(w, object).await.unwrap();
    assert_eq!((run.mode, run.status), (RunMode::Object, RunStatus::Queued));
    run_until_idle(&w.t).await.unwrap();
    w.ended(run.id).await
}

/// The runs that follow have nothing left to do, and the directory is what the tenant says.
async fn assert_quiet(w: &World, when: &str) {
    for mode in [RunMode::Delta, RunMode::Delta, RunMode::Full] {
        let run = w.run(mode).await;
        assert_eq!(
            run.status,
            RunStatus::NothingToDo,
            "{mode} {when}: {run:#?}"
        );
        w.assert_equal(when).await;
    }
}

/// What a run of one object never touches.
async fn of_the_integration(w: &World) -> Vec<String> {
    let mut tx = w.t.db.read().await.unwrap();
    let integration = "SELECT COALESCE(CAST(next_run_at AS TEXT), '-') || ' '
            || COALESCE(CAST(last_full_at AS TEXT), '-') || ' ' || COALESCE(read_key, '-') || ' '
            || COALESCE(planned_policy, '-') || ' ' || state || ' '
            || COALESCE(last_sync_status, '-') || ' ' || CAST(failures AS TEXT) || ' '
            || CASE WHEN full_scan_next THEN 'full' ELSE '' END
       FROM integration
      UNION ALL SELECT stream || ' ' || link FROM delta_cursor ORDER BY 1";
    let rows = fetch_all!(&mut tx, (String,), integration).unwrap();
    rows.into_iter().map(|(row,)| row).collect()
}

fn reason(run: &Run) -> Option<Reason> {
    run.object.as_ref().unwrap().reason
}

async fn name(w: &World, id: Uuid) -> String {
    w.actual().await.users[&id].display_name.clone()
}

/// People in use who are in groups of the directory.
async fn people(w: &World) -> Vec<Uuid> {
    let directory = w.actual().await;
    let active = directory.users.iter().filter(|(_, user)| user.active);
    let ids = active.map(|(id, _)| *id);
    ids.filter(|id| directory.edges.iter().any(|edge| edge.1 == *id))
        .collect()
}

/// Somebody new with both names.
fn person(w: &World, upn: &str) -> Uuid {
    let more = [("givenName", json!("Ada")), ("surname", json!("Byron"))];
    let more: Attributes = more
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    w.control.create_user(upn, upn, &more).unwrap()
}

/// Security groups with members.
fn groups(w: &World) -> Vec<ExternalId> {
    let snapshot = w.control.snapshot();
    let held = |id: Uuid| snapshot.memberships.iter().any(|edge| edge.group_id == id);
    let security = snapshot
        .groups
        .iter()
        .filter(|group| group.kind == GroupKind::Security && !group.dynamic && held(group.id));
    security.map(|group| ExternalId(group.id)).collect()
}

fn requests(w: &World) -> Vec<String> {
    let log = w.control.request_log();
    let graph = log
        .iter()
        .filter(|request| request.target.contains("/v1.0/"));
    graph.map(|request| request.target.clone()).collect()
}

sync_test!(a_change_comes_alone, tenant(120, 40), |w| {
    w.run(RunMode::Full).await;
    let ids = people(&w).await;
    let (one, other) = (ids[0], ids[1]);
    let was = name(&w, other).await;
    w.control.rename(one, "Ada Alone").unwrap();
    w.control.rename(other, "Somebody Else").unwrap();
    let group = groups(&w)[0];
    let newcomer = person(&w, "new@contoso.example");
    w.control.add_members(group.0, &[newcomer]).unwrap();
    let before = of_the_integration(&w).await;
    w.control.reset_stats();

    let run = alone(&w, one).await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
    let object = run.object.clone().unwrap();
    assert_eq!(object.external_id, ExternalId(one));
    assert_eq!(object.display_name.as_deref(), Some("Ada Alone"));
    let users = line(&run, ObjectType::User);
    assert_eq!((users.total, users.updated), (1, 1));
    assert_eq!(line(&run, ObjectType::Group).total, 0);
    assert!(requests(&w).len() <= 4, "{:?}", requests(&w));
    assert!(run.requests >= 2 && run.resource_units >= 2, "{run:#?}");
    assert_eq!(name(&w, one).await, "Ada Alone");
    assert_eq!(name(&w, other).await, was);
    assert!(!w.actual().await.users.contains_key(&newcomer));
    assert_eq!(of_the_integration(&w).await, before, "nothing else moved");
    let told = "SELECT COUNT(*) FROM audit_event WHERE action = 'run.sync_object'";
    assert_eq!(w.count(told).await, 1);

    // Somebody new is asked for by a name that only the source knows.
    let run = alone(&w, "new@contoso.example").await;
    let users = line(&run, ObjectType::User);
    assert_eq!((users.total, users.created), (1, 1), "{run:#?}");
    assert_eq!(line(&run, ObjectType::Membership).created, 1);
    assert_eq!(run.object.unwrap().external_id, ExternalId(newcomer));
    assert_eq!(name(&w, other).await, was);

    let run = w.run(RunMode::Delta).await;
    let users = line(&run, ObjectType::User);
    assert_eq!((users.updated, users.created), (1, 0), "{run:#?}");
    assert_quiet(&w, "after the rest came").await;
});

sync_test!(
    whatever_happens_to_one_is_as_a_run_of_all_does_it,
    tenant(121, 40),
    |w| {
        w.run(RunMode::Full).await;
        let one = people(&w).await[0];
        let edges = w.actual().await.edges;
        let group = edges.iter().find(|edge| edge.1 == one).unwrap().0;
        w.control.remove_members(group, &[one]).unwrap();
        let run = alone(&w, one).await;
        assert_eq!(line(&run, ObjectType::Membership).deleted, 1, "{run:#?}");
        assert_quiet(&w, "out of a group").await;
        w.control.add_members(group, &[one]).unwrap();
        alone(&w, one).await;
        assert_quiet(&w, "in the group again").await;

        w.control.set_enabled(one, false).unwrap();
        let run = alone(&w, one).await;
        let users = line(&run, ObjectType::User);
        assert_eq!((users.disabled, users.blocked), (1, 1));
        assert_eq!(reason(&run), Some(Reason::SignInBlocked));
        assert_quiet(&w, "blocked").await;
        w.control.set_enabled(one, true).unwrap();
        let run = alone(&w, one).await;
        assert_eq!(line(&run, ObjectType::User).enabled, 1);
        assert_quiet(&w, "unblocked").await;

        let blank: Attributes = [("surname".to_owned(), json!(null))].into();
        w.control.update(one, &blank).unwrap();
        let run = alone(&w, one).await;
        assert_eq!(reason(&run), Some(Reason::MissingName));
        assert_eq!(line(&run, ObjectType::User).disabled, 1);
        let run = alone(&w, one).await;
        assert_eq!(run.status, RunStatus::NothingToDo, "{run:#?}");
        assert_eq!(line(&run, ObjectType::User).filtered, 1);
        let blank: Attributes = [("surname".to_owned(), json!("Byron"))].into();
        w.control.update(one, &blank).unwrap();
        alone(&w, one).await;
        assert_quiet(&w, "with a surname again").await;

        w.control.delete(one).unwrap();
        w.control.reset_stats();
        let run = alone(&w, one).await;
        assert_eq!(reason(&run), Some(Reason::SoftDeleted));
        assert_eq!(requests(&w).len(), 2, "{:?}", requests(&w));
        assert_eq!(line(&run, ObjectType::User).disabled, 1);
        assert_quiet(&w, "deleted").await;
        w.control.restore(one).unwrap();
        let run = alone(&w, one).await;
        assert_eq!(line(&run, ObjectType::User).enabled, 1, "{run:#?}");
        assert_quiet(&w, "restored").await;
        w.control.hard_delete(one).unwrap();
        let run = alone(&w, one).await;
        assert_eq!(reason(&run), Some(Reason::Gone));
        assert_quiet(&w, "gone for good").await;
    }
);

sync_test!(
    with_groups_selected_scope_is_asked_for,
    tenant(122, 40),
    |w| {
        let mut w = w;
        let selected = groups(&w);
        let outside = person(&w, "outside@contoso.example");
        w.policy.selected_group_ids = selected[..2].to_vec();
        w.save_policy().await;
        w.run(RunMode::Full).await;

        let stored = "SELECT COUNT(*) FROM source_object";
        let before = w.count(stored).await;
        for asked in [outside.to_string(), "outside@contoso.example".to_owned()] {
            let run = alone(&w, asked).await;
            assert_eq!(run.status, RunStatus::NothingToDo);
            let object = run.object.unwrap();
            assert_eq!(object.reason, Some(Reason::OutOfScope));
            assert_eq!(object.display_name, None);
        }
        assert_eq!(w.count(stored).await, before, "nothing of them is kept");
        let named = "SELECT COUNT(*) FROM run WHERE search_text LIKE '%outside%'";
        assert_eq!(w.count(named).await, 0);

        w.control.add_members(selected[1].0, &[outside]).unwrap();
        w.control.reset_stats();
        let run = alone(&w, outside).await;
        assert_eq!(line(&run, ObjectType::User).created, 1, "{run:#?}");
        assert!(requests(&w).len() <= 4, "{:?}", requests(&w));
        assert_quiet(&w, "a newcomer").await;
        w.control.remove_members(selected[1].0, &[outside]).unwrap();
        let run = alone(&w, "outside@contoso.example").await;
        assert_eq!(reason(&run), Some(Reason::OutOfScope));
        assert_eq!(line(&run, ObjectType::User).disabled, 1);
        assert_quiet(&w, "who left").await;
        w.control.add_members(selected[0].0, &[outside]).unwrap();
        let run = alone(&w, outside).await;
        assert_eq!(line(&run, ObjectType::User).enabled, 1);
        assert_quiet(&w, "who is back").await;
    }
);

sync_test!(nested_groups_count_as_they_are_now, tenant(123, 40), |w| {
    let mut w = w;
    let group = |name: &str| {
        let none = Attributes::new();
        w.control
            .create_group(name, GroupKind::Security, &none)
            .unwrap()
    };
    let (outer, inner, late) = (group("Outer"), group("Inner"), group("Late"));
    let people: Vec<Uuid> = (0..4)
        .map(|number| person(&w, &format!("nested{number}@contoso.example")))
        .collect();
    w.control.add_members(outer, &[inner, people[0]]).unwrap();
    w.control
        .add_members(late, &[people[2], people[3]])
        .unwrap();
    w.policy.selected_group_ids = vec![ExternalId(outer)];
    w.policy.include_nested = true;
    w.save_policy().await;
    w.run(RunMode::Full).await;

    w.control.add_members(inner, &[people[1]]).unwrap();
    w.control.reset_stats();
    let run = alone(&w, people[1]).await;
    assert_eq!(line(&run, ObjectType::User).created, 1, "{run:#?}");
    assert!(requests(&w).len() <= 4, "{:?}", requests(&w));
    assert_quiet(&w, "in a nested group").await;

    // A group that is nested only since the last full read: its members are in scope by it.
    w.control.add_members(inner, &[late]).unwrap();
    let run = alone(&w, people[2]).await;
    assert_eq!(line(&run, ObjectType::User).created, 1, "{run:#?}");
    assert!(!w.actual().await.users.contains_key(&people[3]));
    let run = w.run(RunMode::Delta).await;
    assert_eq!(line(&run, ObjectType::User).created, 1, "{run:#?}");
    assert_quiet(&w, "with the rest of them").await;
    w.control.remove_members(outer, &[inner]).unwrap();
    let run = alone(&w, people[1]).await;
    assert_eq!(line(&run, ObjectType::User).disabled, 1, "{run:#?}");
    w.run(RunMode::Delta).await;
    assert_quiet(&w, "without the nested group").await;
});

sync_test!(
    what_cannot_be_synced_alone_is_refused,
    tenant(124, 30),
    |w| {
        let conflict = |refused: Result<Run>| match refused {
            Err(Error::Conflict { message, run_id }) => (message, run_id),
            other => panic!("{other:?}"),
        };
        let invalid = |refused: Result<Run>| match refused {
            Err(Error::Invalid(error)) => error.to_string(),
            other => panic!("{other:?}"),
        };
        let none = Attributes::new();
        let twins = ["robin1@contoso.example", "robin2@contoso.example"]
            .map(|upn| w.control.create_user("Robin Twin", upn, &none).unwrap());
        let (message, _) = conflict(start(&w, twins[0]).await);
        assert!(message.contains("first full sync"), "{message}");
        w.run(RunMode::Full).await;

        let message = invalid(start(&w, "Robin Twin").await);
        for part in twins
            .iter()
            .map(Uuid::to_string)
            .chain(["robin2@contoso.example".to_owned()])
        {
            assert!(message.contains(&part), "{message}");
        }
        let message = invalid(start(&w, "nobody at all").await);
        assert!(message.contains("Nothing fits"), "{message}");
        invalid(start(&w, Uuid::from_u128(5)).await);
        let message = invalid(start(&w, groups(&w)[0]).await);
        assert!(message.contains("group"), "{message}");

        let open = start(&w, twins[0]).await.unwrap();
        let (_, run_id) = conflict(start(&w, twins[1]).await);
        assert_eq!(run_id, Some(open.id));
        run_until_idle(&w.t).await.unwrap();
        let cancelled = start(&w, twins[0]).await.unwrap();
        let cancelled = sync::cancel(&w.t, &Scope::worker(), cancelled.id)
            .await
            .unwrap();
        assert_eq!(cancelled.status, RunStatus::Cancelled);
        w.execute("UPDATE integration SET enabled = FALSE").await;
        let (message, _) = conflict(start(&w, twins[0]).await);
        assert!(message.contains("disabled"), "{message}");
    }
);

async fn held_in(w: &World, run: &Run) -> Option<Uuid> {
    let mut tx = w.t.db.read().await.unwrap();
    let sql = "SELECT held_in FROM run WHERE id = $1";
    fetch_one!(&mut tx, (Option<Uuid>,), sql, run.id).unwrap().0
}

sync_test!(
    what_waits_for_a_decision_is_not_let_through_alone,
    tenant(125, 60),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        w.policy.guard = Guard::default();
        w.save_policy().await;
        let gone = people(&w).await[..12].to_vec();
        for id in &gone {
            w.control.delete(*id).unwrap();
        }
        let held = w.run(RunMode::Delta).await;
        assert_eq!(held.status, RunStatus::Held);
        let before = w.actual().await;
        let run = alone(&w, gone[0]).await;
        assert_eq!(run.status, RunStatus::NothingToDo, "{run:#?}");
        assert_eq!(line(&run, ObjectType::User).held, 1);
        assert_eq!(held_in(&w, &run).await, Some(held.id.0));
        assert_eq!(w.actual().await, before);
        let still = w.scheduled().await;
        assert_eq!((still.id, still.status), (held.id, RunStatus::Held));

        // Somebody else isn't held with them, and the held run stands.
        let other = people(&w)
            .await
            .into_iter()
            .find(|id| !gone.contains(id))
            .unwrap();
        w.control.delete(other).unwrap();
        let run = alone(&w, other).await;
        assert_eq!(line(&run, ObjectType::User).disabled, 1, "{run:#?}");
        assert_eq!(w.ended(held.id).await.status, RunStatus::Held);

        // What was rejected stays, and what the source takes back leaves nothing to decide.
        let scope = Scope::worker();
        let (user, rejected) = (ObjectType::User, Decision::Rejected);
        let decided = sync::decide(&w.t, &scope, held.id, user, rejected, "T-1");
        decided.await.unwrap();
        run_until_idle(&w.t).await.unwrap();
        let run = alone(&w, gone[1]).await;
        assert_eq!(run.status, RunStatus::NothingToDo, "{run:#?}");
        assert!(w.actual().await.users[&gone[1]].active);
        w.control.restore(gone[1]).unwrap();
        alone(&w, gone[1]).await;
        let kept = "SELECT COUNT(*) FROM kept_by_decision WHERE object_type = 'user'";
        assert_eq!(w.count(kept).await, 11);
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::NothingToDo, "{run:#?}");
    }
);

sync_test!(
    a_guard_that_lets_nobody_through_holds_one_too,
    tenant(126, 40),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        w.policy.guard.user.max_count = Some(0);
        w.save_policy().await;
        let one = people(&w).await[0];
        w.control.delete(one).unwrap();
        let run = alone(&w, one).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        let scope = Scope::worker();
        let (user, approved) = (ObjectType::User, Decision::Approved);
        let decided = sync::decide(&w.t, &scope, run.id, user, approved, "T-1");
        decided.await.unwrap();
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(w.ended(run.id).await.status, RunStatus::Succeeded);
        w.run(RunMode::Delta).await;
        assert_quiet(&w, "once it was approved").await;
    }
);

sync_test!(
    who_is_protected_and_whose_days_are_over,
    tenant(127, 40),
    |w| {
        let mut w = w;
        w.policy.out_of_scope = OutOfScope::Delete;
        w.policy.delete_after_days = 3;
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let ids = people(&w).await;
        let (kept, gone) = (ids[0], ids[1]);
        let mut tx = w.t.db.read().await.unwrap();
        let sql = "SELECT id FROM directory_user WHERE external_id = $1";
        let (user,) = fetch_one!(&mut tx, (UserId,), sql, ExternalId(kept)).unwrap();
        drop(tx);
        protection::protect(&w.t, &command_line_scope(), user, "Break glass")
            .await
            .unwrap();
        for id in [kept, gone] {
            w.control.delete(id).unwrap();
        }
        let before = w.actual().await;
        let run = alone(&w, kept).await;
        assert_eq!(run.status, RunStatus::NothingToDo, "{run:#?}");
        assert_eq!(w.actual().await, before);
        let run = alone(&w, gone).await;
        assert_eq!(line(&run, ObjectType::User).disabled, 1);
        w.t.clock.advance(chrono::Duration::days(4));
        w.execute("UPDATE integration SET next_run_at = NULL").await;
        let run = alone(&w, gone).await;
        assert_eq!(line(&run, ObjectType::User).deleted, 1, "{run:#?}");
    }
);

sync_test!(
    a_run_of_one_says_nothing_of_its_integration_but_that_it_was_let_in,
    tenant(128, 30),
    |w| {
        w.run(RunMode::Full).await;
        let one = people(&w).await[0];
        let before = of_the_integration(&w).await;
        w.control.delete(one).unwrap();
        w.control.set_roles(["GroupMember.Read.All"]);
        w.execute("UPDATE integration SET next_run_at = NULL").await;
        // Until the token that has the permission is no longer good.
        w.t.clock.advance(chrono::Duration::hours(2));
        let run = alone(&w, one).await;
        assert_eq!(run.status, RunStatus::Failed, "{run:#?}");
        assert!(w.actual().await.users[&one].active, "nothing was changed");
        let after = of_the_integration(&w).await;
        assert_eq!(before.len(), after.len());
        assert!(after.iter().any(|row| row.contains(" ok ")), "{after:?}");
        w.control
            .set_roles(["User.Read.All", "GroupMember.Read.All"]);
        w.t.clock.advance(chrono::Duration::hours(2));

        w.execute("UPDATE integration SET state = 'quarantined', refusals = 10")
            .await;
        let run = alone(&w, one).await;
        assert!(!run.status.is_open());
        assert_eq!(line(&run, ObjectType::User).disabled, 1, "{run:#?}");
        let lifted = "SELECT COUNT(*) FROM integration
                       WHERE state = 'failing' AND refusals = 0 AND next_run_at IS NOT NULL";
        assert_eq!(w.count(lifted).await, 1);
    }
);

sync_test!(
    one_that_is_cancelled_anywhere_is_made_up_for_by_the_next_run,
    tenant(129, 20),
    |w| {
        w.run(RunMode::Full).await;
        let one = people(&w).await[0];
        let group = groups(&w)[0].0;
        for moment in 0..200 {
            w.control.rename(one, &format!("Name {moment}")).unwrap();
            let snapshot = w.control.snapshot();
            let is_member = snapshot
                .memberships
                .iter()
                .any(|edge| edge.group_id == group && edge.member_id == one);
            if is_member {
                w.control.remove_members(group, &[one]).unwrap();
            } else {
                w.control.add_members(group, &[one]).unwrap();
            }
            let run = start(&w, one).await.unwrap();
            let done = crash_at(moment, run_until_idle(&w.t)).await;
            let cancelled = sync::cancel(&w.t, &Scope::worker(), run.id).await;
            w.recover().await;
            let when = format!("cancelled after a crash at moment {moment}");
            if cancelled.is_ok() {
                // What came meanwhile is kept in mind even where the source says it once.
                w.run(RunMode::Delta).await;
            }
            w.assert_equal(&when).await;
            let again = w.run(RunMode::Delta).await;
            assert_eq!(again.status, RunStatus::NothingToDo, "{when}: {again:#?}");
            if done.is_some() {
                assert!(moment > 12, "{moment}");
                return;
            }
        }
        panic!("no run came to its end");
    }
);
