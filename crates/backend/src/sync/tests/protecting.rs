//! Who is protected isn't touched, whatever happens in the source.

use domain::{
    id::{ExternalId, UserId},
    policy::{ObjectType, OutOfScope},
    run::{RunMode, RunStatus, RunTrigger},
    user::DirectoryStatus,
    why::StepKind,
};
use simulator::Fault;
use uuid::Uuid;

use super::{
    sync_test,
    world::{World, line, tenant},
};
use crate::{
    Scope, auth::command_line_scope, fetch_one, jobs::run_until_idle, store::protection, sync, why,
};

/// Someone as the directory has them.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct Person {
    pub id: UserId,
    pub status: DirectoryStatus,
    display_name: String,
    groups: i64,
}

pub(super) async fn person(w: &World, external_id: Uuid) -> Person {
    let mut tx = w.t.db.read().await.unwrap();
    fetch_one!(
        &mut tx,
        Person,
        "SELECT id, status, display_name,
                (SELECT COUNT(*) FROM directory_membership m WHERE m.member_id = u.id) AS groups
           FROM directory_user u WHERE external_id = $1",
        ExternalId(external_id)
    )
    .unwrap()
}

/// Somebody in use who is in groups of the directory.
pub(super) async fn somebody(w: &World) -> Uuid {
    let directory = w.actual().await;
    let active = directory.users.iter().filter(|(_, user)| user.active);
    let mut ids = active.map(|(id, _)| *id);
    ids.find(|id| directory.edges.iter().filter(|edge| edge.1 == *id).count() > 1)
        .expect("somebody is in two groups")
}

async fn protect(w: &World, external_id: Uuid) {
    let id = person(w, external_id).await.id;
    protection::protect(&w.t, &command_line_scope(), id, "Break glass")
        .await
        .unwrap();
}

sync_test!(
    who_is_protected_stays_as_they_are_until_that_is_removed,
    tenant(95, 40),
    |w| {
        let mut w = w;
        w.policy.out_of_scope = OutOfScope::Delete;
        w.policy.delete_after_days = 3;
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let id = somebody(&w).await;
        protect(&w, id).await;
        let before = person(&w, id).await;

        // Renamed, taken out of a group, blocked, deleted, gone; by a delta and by a full run.
        let groups: Vec<Uuid> = w
            .actual()
            .await
            .edges
            .iter()
            .filter(|edge| edge.1 == id)
            .map(|edge| edge.0)
            .collect();
        w.control.rename(id, "Somebody Else").unwrap();
        w.control.remove_members(groups[0], &[id]).unwrap();
        for mode in [RunMode::Delta, RunMode::Full] {
            assert_eq!(w.run(mode).await.status, RunStatus::NothingToDo);
            assert_eq!(person(&w, id).await, before);
        }
        w.control.set_enabled(id, false).unwrap();
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::NothingToDo);
        w.control.delete(id).unwrap();
        for mode in [RunMode::Delta, RunMode::Full] {
            assert_eq!(w.run(mode).await.status, RunStatus::NothingToDo);
            w.t.clock.advance(chrono::Duration::days(4));
            assert_eq!(person(&w, id).await, before);
        }
        let explained = why::of_user(&w.t, &Scope::worker(), before.id)
            .await
            .unwrap();
        assert!(
            explained.answer.contains("protected"),
            "{}",
            explained.answer
        );
        assert_eq!(explained.next_action, None);
        let step = explained
            .steps
            .iter()
            .find(|s| s.step == StepKind::Protection);
        assert!(step.unwrap().sentence.contains("Break glass"));

        protection::withdraw(&w.t, &command_line_scope(), before.id)
            .await
            .unwrap();
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).disabled, 1, "{run:#?}");
        w.assert_equal("after the protection was removed").await;
    }
);

sync_test!(
    who_is_protected_after_the_plan_was_made_is_not_touched,
    tenant(96, 40),
    |w| {
        w.run(RunMode::Full).await;
        let id = somebody(&w).await;
        w.control.delete(id).unwrap();
        let scope = Scope::worker();
        let shown = sync::preview(&w.t, &scope, w.integration, None, RunTrigger::Operator);
        let shown = shown.await.unwrap().id;
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(line(&w.ended(shown).await, ObjectType::User).disabled, 1);
        protect(&w, id).await;
        let before = person(&w, id).await;
        sync::apply_preview(&w.t, &scope, shown).await.unwrap();
        run_until_idle(&w.t).await.unwrap();
        let users = line(&w.ended(shown).await, ObjectType::User);
        assert_eq!((users.disabled, users.failed), (0, 1));
        assert_eq!(person(&w, id).await, before);
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
    }
);

sync_test!(
    an_empty_answer_holds_nobody_who_is_protected,
    tenant(97, 40),
    |w| {
        w.run(RunMode::Full).await;
        let active = w
            .count("SELECT COUNT(*) FROM directory_user WHERE status = 'active'")
            .await;
        let id = somebody(&w).await;
        protect(&w, id).await;
        w.control.next("/users/delta", Fault::EmptyAnswer);
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        assert_eq!(line(&run, ObjectType::User).held, active - 1);
    }
);
