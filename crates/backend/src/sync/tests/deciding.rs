//! Decisions about held changes (sync.md rule 8).

use domain::{
    decision::Decision,
    id::RunId,
    policy::{Guard, ObjectType, OutOfScope},
    run::{LineStatus, Run, RunMode, RunStatus, RunTrigger},
};
use simulator::Fault;
use uuid::Uuid;

use super::{
    removing::job,
    resuming::until_phase,
    sync_test,
    world::{World, line, tenant},
};
use crate::{
    Error, Scope,
    auth::command_line_scope,
    jobs::{Kind, run_until_idle},
    store::integrations,
    sync,
};

/// A first full sync without a guard, and the guard of every day from then on.
async fn guarded(w: &mut World) {
    w.run(RunMode::Full).await;
    w.policy.guard = Guard::default();
    w.save_policy().await;
}

async fn active_users(w: &World) -> Vec<Uuid> {
    let users = w.actual().await.users;
    let active = users.iter().filter(|(_, user)| user.active);
    active.map(|(id, _)| *id).collect()
}

/// Deletes so many users in the source, and has a delta run hold their going.
async fn held(w: &mut World, number: usize) -> (Run, Vec<Uuid>) {
    guarded(w).await;
    let users: Vec<Uuid> = active_users(w).await.into_iter().take(number).collect();
    for id in &users {
        w.control.delete(*id).unwrap();
    }
    let run = w.run(RunMode::Delta).await;
    assert_eq!(run.status, RunStatus::Held, "{run:#?}");
    (run, users)
}

async fn decide(
    w: &World,
    run: RunId,
    object_type: ObjectType,
    decision: Decision,
) -> crate::Result<Run> {
    let scope = Scope::worker();
    sync::decide(&w.t, &scope, run, object_type, decision, "T-1").await
}

async fn decided(w: &World, run: RunId, object_type: ObjectType, decision: Decision) -> Run {
    let answer = decide(w, run, object_type, decision).await.unwrap();
    assert_eq!(answer.status, RunStatus::Running);
    run_until_idle(&w.t).await.unwrap();
    w.ended(run).await
}

fn refusal<T: std::fmt::Debug>(result: crate::Result<T>) -> (String, Option<RunId>) {
    match result.unwrap_err() {
        Error::Conflict { message, run_id } => (message, run_id),
        other => panic!("{other:?}"),
    }
}

async fn status(w: &World, id: RunId) -> String {
    let sql = "SELECT COUNT(*) FROM run WHERE status = 'held' AND replaced_by IS NULL";
    let held = w.count(sql).await;
    format!("{held} {}", w.ended(id).await.status)
}

sync_test!(
    what_is_approved_is_applied_with_what_hangs_on_it,
    tenant(60, 60),
    |w| {
        let mut w = w;
        let (run, gone) = held(&mut w, 12).await;
        let waiting = line(&run, ObjectType::Membership).held;
        assert!(waiting > 0, "their memberships wait with them");
        // A browser that was left open rejects, and approves nothing.
        let stale = w.t.owner().await.operator_id().unwrap();
        let stale = w.t.stale_scope_of(stale).await;
        let (id, user) = (run.id, ObjectType::User);
        let approved = sync::decide(&w.t, &stale, id, user, Decision::Approved, "T-1").await;
        assert!(matches!(approved, Err(Error::ProveAgain)), "{approved:?}");

        let with_users = decide(&w, run.id, ObjectType::Membership, Decision::Approved).await;
        assert!(refusal(with_users).0.contains("decided with it"));

        let run = decided(&w, run.id, ObjectType::User, Decision::Approved).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        assert!(run.ended_at.is_some() && run.error.is_none());
        let users = line(&run, ObjectType::User);
        assert_eq!(users.status, LineStatus::Approved);
        assert_eq!(
            (users.held, users.disabled),
            (0, i64::try_from(gone.len()).unwrap())
        );
        let memberships = line(&run, ObjectType::Membership);
        assert_eq!((memberships.held, memberships.deleted), (0, waiting));
        w.assert_equal("after the approval").await;

        let again = refusal(decide(&w, run.id, ObjectType::User, Decision::Rejected).await).0;
        assert!(again.contains("approved this already"), "{again}");
        let next = w.scheduled().await;
        assert_eq!(next.status, RunStatus::NothingToDo, "{next:#?}");
        let pending = "SELECT COUNT(*) FROM source_object WHERE pending IS NOT NULL";
        assert_eq!(w.count(pending).await, 0);
    }
);

sync_test!(
    what_is_rejected_stays_until_the_source_changes_it,
    tenant(61, 60),
    |w| {
        let mut w = w;
        let (run, gone) = held(&mut w, 12).await;
        let before = w.actual().await;
        let run = decided(&w, run.id, ObjectType::User, Decision::Rejected).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        let users = line(&run, ObjectType::User);
        assert_eq!(users.status, LineStatus::Rejected);
        assert_eq!((users.held, users.disabled), (12, 0));
        assert_eq!(w.actual().await, before, "nobody went, and no membership");

        // Neither the next delta nor a full run asks again.
        for mode in [RunMode::Delta, RunMode::Full] {
            let next = w.run(mode).await;
            assert_eq!(next.status, RunStatus::NothingToDo, "{next:#?}");
            assert_eq!(w.actual().await, before);
        }
        // Back in the source, and gone again: a new event, for this one person.
        w.control.restore(gone[0]).unwrap();
        w.run(RunMode::Delta).await;
        w.control.delete(gone[0]).unwrap();
        let next = w.run(RunMode::Delta).await;
        assert_eq!(next.status, RunStatus::Succeeded, "{next:#?}");
        assert_eq!(line(&next, ObjectType::User).disabled, 1);
        assert_eq!(
            w.count("SELECT COUNT(*) FROM kept_by_decision").await,
            11,
            "the others stand"
        );
    }
);

sync_test!(
    a_rejection_that_is_taken_back_is_asked_again,
    tenant(62, 60),
    |w| {
        let mut w = w;
        let (run, _) = held(&mut w, 12).await;
        let none = sync::withdraw(&w.t, &Scope::worker(), run.id, ObjectType::User).await;
        assert!(refusal(none).0.contains("no rejection"));
        decided(&w, run.id, ObjectType::User, Decision::Rejected).await;
        w.run(RunMode::Delta).await;
        sync::withdraw(&w.t, &Scope::worker(), run.id, ObjectType::User)
            .await
            .unwrap();
        let next = w.scheduled().await;
        assert_eq!(next.status, RunStatus::Held, "{next:#?}");
        assert_eq!(line(&next, ObjectType::User).held, 12);
        decided(&w, next.id, ObjectType::User, Decision::Approved).await;
        w.assert_equal("after all").await;
    }
);

sync_test!(
    only_what_still_holds_is_applied_and_the_rest_is_said,
    tenant(63, 60),
    |w| {
        let mut w = w;
        let (run, _) = held(&mut w, 12).await;
        let before = w.actual().await;
        w.policy.out_of_scope = OutOfScope::Keep;
        w.save_policy().await;
        let run = decided(&w, run.id, ObjectType::User, Decision::Approved).await;
        assert_eq!(run.status, RunStatus::Succeeded);
        let users = line(&run, ObjectType::User);
        assert_eq!((users.disabled, users.held), (0, 0));
        assert_eq!(w.actual().await, before);
        let said = "SELECT COUNT(*) FROM run_change
                     WHERE status = 'overtaken' AND error IS NOT NULL AND object_type = 'user'";
        assert_eq!(w.count(said).await, 12);
    }
);

sync_test!(
    another_held_set_takes_the_place_of_the_older_one,
    tenant(64, 60),
    |w| {
        let mut w = w;
        let (first, gone) = held(&mut w, 12).await;
        // The same set, with something else to do: the held run stays the place to decide.
        w.control
            .rename(*active_users(&w).await.last().unwrap(), "Renamed")
            .unwrap();
        let other = w.scheduled().await;
        assert_ne!(other.id, first.id);
        assert_eq!(other.status, RunStatus::Succeeded, "{other:#?}");
        assert_eq!(line(&other, ObjectType::User).updated, 1);
        assert_eq!(line(&other, ObjectType::User).held, 12);
        assert_eq!(status(&w, first.id).await, "1 held");
        let refused = decide(&w, other.id, ObjectType::User, Decision::Approved).await;
        assert!(refusal(refused).0.contains("holds nothing"));

        // Another set.
        w.control.restore(gone[0]).unwrap();
        let second = w.scheduled().await;
        assert_eq!(second.status, RunStatus::Held, "{second:#?}");
        assert_eq!(line(&second, ObjectType::User).held, 11);
        assert_eq!(status(&w, first.id).await, "1 cancelled");
        let (message, newer) =
            refusal(decide(&w, first.id, ObjectType::User, Decision::Approved).await);
        assert_eq!(newer, Some(second.id), "{message}");

        // All are back: nothing waits any more.
        for id in &gone[1..] {
            w.control.restore(*id).unwrap();
        }
        w.scheduled().await;
        assert_eq!(status(&w, second.id).await, "0 cancelled");
        w.assert_equal("after all came back").await;
    }
);

sync_test!(
    memberships_over_the_limit_are_decided_by_themselves,
    tenant(65, 60),
    |w| {
        let mut w = w;
        guarded(&mut w).await;
        let before = w.actual().await.edges;
        for group in w.actual().await.groups.keys() {
            let of_group = before.iter().filter(|edge| edge.0 == *group);
            let members: Vec<_> = of_group.map(|edge| edge.1).collect();
            w.control
                .remove_members(*group, &members[..members.len() / 2])
                .unwrap();
        }
        let run = w.run(RunMode::Delta).await;
        let waiting = line(&run, ObjectType::Membership).held;
        assert!(waiting > 0, "{run:#?}");
        let run = decided(&w, run.id, ObjectType::Membership, Decision::Rejected).await;
        assert_eq!(line(&run, ObjectType::Membership).held, waiting);
        assert_eq!(w.actual().await.edges, before);
        let next = w.run(RunMode::Full).await;
        assert_eq!(next.status, RunStatus::NothingToDo, "{next:#?}");

        // In the source again: kept no longer by decision.
        let (group, member) = {
            let mut tx = w.t.db.read().await.unwrap();
            crate::fetch_one!(
                &mut tx,
                (Uuid, Uuid),
                "SELECT external_id, member_external_id FROM kept_by_decision LIMIT 1"
            )
            .unwrap()
        };
        w.control.add_members(group, &[member]).unwrap();
        w.run(RunMode::Delta).await;
        let kept = "SELECT COUNT(*) FROM kept_by_decision";
        assert_eq!(w.count(kept).await, waiting - 1);
        sync::withdraw(&w.t, &Scope::worker(), run.id, ObjectType::Membership)
            .await
            .unwrap();
        let run = w.run(RunMode::Delta).await;
        decided(&w, run.id, ObjectType::Membership, Decision::Approved).await;
        w.assert_equal("after the approval").await;
    }
);

sync_test!(
    an_empty_answer_is_believed_only_when_approved,
    tenant(66, 30),
    |w| {
        let mut w = w;
        guarded(&mut w).await;
        let before = w.actual().await;
        let active = active_users(&w).await.len();
        w.control.next("/users/delta", Fault::EmptyAnswer);
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        let run = decided(&w, run.id, ObjectType::User, Decision::Approved).await;
        assert_eq!(
            line(&run, ObjectType::User).disabled,
            i64::try_from(active).unwrap(),
            "{run:#?}"
        );
        assert_eq!(active_users(&w).await.len(), 0);
        // The source comes back, and with it everyone.
        w.run(RunMode::Full).await;
        w.assert_equal("after the source came back").await;
        assert_eq!(w.actual().await, before);
    }
);

sync_test!(
    a_decision_needs_a_reason_and_an_integration_at_rest,
    tenant(67, 60),
    |w| {
        let mut w = w;
        let (run, _) = held(&mut w, 12).await;
        let scope = Scope::worker();
        for note in ["", "  ", &"x".repeat(501)] {
            let user = ObjectType::User;
            let refused = sync::decide(&w.t, &scope, run.id, user, Decision::Approved, note).await;
            assert!(
                matches!(&refused, Err(Error::Invalid(error)) if error.field == "reason"),
                "{refused:?}"
            );
        }
        let open = w.start(RunMode::Delta).await;
        let refused = decide(&w, run.id, ObjectType::User, Decision::Approved).await;
        assert_eq!(refusal(refused).1, Some(open));
        run_until_idle(&w.t).await.unwrap();
        w.execute("UPDATE integration SET enabled = FALSE").await;
        let held = w.ended(open).await;
        let refused = decide(&w, held.id, ObjectType::User, Decision::Approved).await;
        assert!(refusal(refused).0.contains("disabled"));
    }
);

/// Users and groups gone in the source, over the limit of each.
async fn held_twice(w: &mut World) -> Run {
    guarded(w).await;
    let groups: Vec<Uuid> = w.actual().await.groups.into_keys().take(9).collect();
    for id in groups.iter().chain(&active_users(w).await[..12]) {
        w.control.delete(*id).unwrap();
    }
    let run = w.run(RunMode::Delta).await;
    for object_type in [ObjectType::User, ObjectType::Group] {
        assert!(line(&run, object_type).held > 0, "{run:#?}");
    }
    run
}

sync_test!(
    two_people_who_decide_at_once_are_both_heard,
    tenant(68, 60),
    |w| {
        let mut w = w;
        let run = held_twice(&mut w).await;
        let (users, groups) = tokio::join!(
            decide(&w, run.id, ObjectType::User, Decision::Approved),
            decide(&w, run.id, ObjectType::Group, Decision::Approved)
        );
        users.unwrap();
        groups.unwrap();
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(w.ended(run.id).await.status, RunStatus::Succeeded);
    }
);

sync_test!(
    two_people_who_decide_the_same_at_once_hear_of_each_other,
    tenant(80, 60),
    |w| {
        let mut w = w;
        let run = held_twice(&mut w).await;
        let (one, other) = tokio::join!(
            decide(&w, run.id, ObjectType::User, Decision::Approved),
            decide(&w, run.id, ObjectType::User, Decision::Rejected)
        );
        let refused = if one.is_ok() { other } else { one };
        assert!(refusal(refused).0.contains("this already"));
    }
);

sync_test!(
    a_decision_that_waits_for_another_is_neither_done_nor_taken_back,
    tenant(69, 60),
    |w| {
        let mut w = w;
        let run = held_twice(&mut w).await;
        let waits = decide(&w, run.id, ObjectType::User, Decision::Rejected).await;
        assert_eq!(waits.unwrap().status, RunStatus::Held);
        let scope = Scope::worker();
        let taken = sync::withdraw(&w.t, &scope, run.id, ObjectType::User).await;
        assert!(refusal(taken).0.contains("not done yet"));

        // Another set takes the place of the run: nothing of it was decided in the end.
        let user = active_users(&w).await.pop().unwrap();
        w.control.delete(user).unwrap();
        let newer = w.run(RunMode::Delta).await;
        assert_eq!(newer.status, RunStatus::Held);
        let replaced = w.ended(run.id).await;
        assert_eq!(replaced.status, RunStatus::Cancelled);
        assert_eq!(replaced.error, None, "an error has a fix; this needs none");
        for line in replaced.counts.iter().filter(|line| line.held > 0) {
            assert_eq!(line.status, LineStatus::Cancelled, "{line:?}");
        }
        assert_eq!(w.count("SELECT COUNT(*) FROM kept_by_decision").await, 0);
    }
);

sync_test!(
    an_approval_that_is_cancelled_counts_what_was_not_done,
    tenant(76, 60),
    |w| {
        let mut w = w;
        let (run, _) = held(&mut w, 12).await;
        let integration = "SELECT COUNT(*) FROM integration WHERE failures = 0 AND state = 'ok'";
        decide(&w, run.id, ObjectType::User, Decision::Approved)
            .await
            .unwrap();
        until_phase(&w, "applying").await;
        sync::cancel(&w.t, &Scope::worker(), run.id).await.unwrap();
        w.t.clock.advance(chrono::Duration::seconds(31));
        run_until_idle(&w.t).await.unwrap();
        let ended = w.ended(run.id).await;
        assert_eq!(ended.status, RunStatus::Cancelled);
        let users = line(&ended, ObjectType::User);
        assert_eq!(users.disabled + users.failed + users.held, 12, "{users:?}");
        assert_eq!(w.count(integration).await, 1);
        let next = w.run(RunMode::Delta).await;
        assert!(
            matches!(next.status, RunStatus::Held | RunStatus::Succeeded),
            "{next:#?}"
        );
    }
);

sync_test!(
    nothing_is_decided_by_what_another_question_read,
    tenant(77, 60),
    |w| {
        let mut w = w;
        let (run, gone) = held(&mut w, 12).await;
        let group = w.actual().await.groups.keys().next().copied().unwrap();
        let asked = domain::policy::Policy {
            selected_group_ids: vec![domain::id::ExternalId(group)],
            ..w.policy.clone()
        };
        // They come back, which only a preview of other settings has seen.
        for id in &gone {
            w.control.restore(*id).unwrap();
        }
        let scope = Scope::worker();
        let asked = Some(asked);
        sync::preview(&w.t, &scope, w.integration, asked, RunTrigger::Operator)
            .await
            .unwrap();
        run_until_idle(&w.t).await.unwrap();
        let refused = decide(&w, run.id, ObjectType::User, Decision::Approved).await;
        assert!(refusal(refused).0.contains("Run a sync"));

        // Nor by groups that nothing was read for.
        w.run(RunMode::Full).await;
        for id in &gone {
            w.control.delete(*id).unwrap();
        }
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        w.policy.selected_group_ids = vec![domain::id::ExternalId(group)];
        w.save_policy().await;
        let refused = decide(&w, run.id, ObjectType::User, Decision::Approved).await;
        assert!(refusal(refused).0.contains("Run a sync"));
    }
);

sync_test!(
    memberships_of_people_who_are_kept_are_kept_with_them,
    tenant(78, 60),
    |w| {
        let mut w = w;
        let (run, _) = held(&mut w, 12).await;
        let waiting = line(&run, ObjectType::Membership).held;
        let run = decided(&w, run.id, ObjectType::User, Decision::Rejected).await;
        let memberships = line(&run, ObjectType::Membership);
        assert_eq!(
            (memberships.status, memberships.held),
            (LineStatus::Rejected, waiting)
        );
        let overtaken = "SELECT COUNT(*) FROM run_change WHERE status = 'overtaken'";
        assert_eq!(w.count(overtaken).await, 0, "nothing is said to have moved");
        let scope = command_line_scope();
        let keep = domain::integration::People::Keep;
        integrations::delete(&w.t, &scope, w.integration, keep)
            .await
            .unwrap();
        let kept = "SELECT COUNT(*) FROM kept_by_decision";
        assert_eq!(w.count(kept).await, 0, "decisions go with the integration");
    }
);

sync_test!(
    what_waits_is_kept_until_it_is_decided,
    tenant(79, 60),
    |w| {
        let mut w = w;
        let (run, _) = held(&mut w, 12).await;
        w.execute("UPDATE integration SET next_run_at = NULL").await;
        w.t.clock.advance(chrono::Duration::days(500));
        job(&w, Kind::PurgeHistory).await;
        let run = decided(&w, run.id, ObjectType::User, Decision::Approved).await;
        assert_eq!(line(&run, ObjectType::User).disabled, 12);
    }
);

sync_test!(
    a_scheduled_run_that_waits_makes_way_for_a_decision,
    tenant(68, 60),
    |w| {
        let mut w = w;
        let (run, gone) = held(&mut w, 12).await;
        w.t.clock.advance(chrono::Duration::hours(1));
        // The schedule comes true, and no worker is free.
        let b = &w.t.backend;
        assert_eq!(crate::jobs::schedule::start_due(b).await.unwrap(), 1);
        let waiting = "SELECT COUNT(*) FROM run WHERE status = 'queued'";
        assert_eq!(w.count(waiting).await, 1);
        let run = decided(&w, run.id, ObjectType::User, Decision::Approved).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        let users = line(&run, ObjectType::User);
        assert_eq!(users.disabled, i64::try_from(gone.len()).unwrap());
        assert_eq!(w.count(waiting).await, 0);
    }
);
