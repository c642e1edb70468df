//! Whom a rule of the policy protects isn't touched, whatever happens in the source.

use domain::{
    decision::Decision,
    integration::IntegrationChange,
    policy::{Guard, ObjectType, OutOfScope, Policy},
    protection::{Matching, ProtectedAttribute, ProtectedFilter, ProtectedRule},
    run::{Run, RunMode, RunStatus, RunTrigger},
    user::DirectoryStatus,
    why::StepKind,
};
use simulator::Fault;
use uuid::Uuid;

use super::{
    protecting::{person, somebody},
    resuming::until_phase,
    sync_test,
    world::{World, line, tenant},
};
use crate::{
    Scope,
    auth::command_line_scope,
    jobs::run_until_idle,
    store::{integrations, users},
    sync, why,
};

/// Everybody who is called Break Glass and something.
fn break_glass() -> Vec<ProtectedRule> {
    vec![ProtectedRule {
        attribute: ProtectedAttribute::DisplayName,
        matches: Matching::StartsWith,
        value: "break glass".to_owned(),
    }]
}

/// Somebody in two groups, under the name that the rule protects.
async fn break_glass_account(w: &World) -> Uuid {
    let id = somebody(w).await;
    w.control.rename(id, "Breäk GLASS 1").unwrap();
    w.run(RunMode::Delta).await;
    id
}

/// Saves rules as a person does.
async fn save_rules(w: &World, protected: Vec<ProtectedRule>) {
    let scope = command_line_scope();
    let saved = integrations::get(&w.t, &scope, w.integration)
        .await
        .unwrap();
    let change = IntegrationChange {
        policy: Some(Policy {
            protected,
            ..saved.policy
        }),
        ..IntegrationChange::default()
    };
    integrations::change(&w.t, &scope, w.integration, change)
        .await
        .unwrap();
}

async fn preview(w: &World, policy: Option<Policy>) -> Run {
    let scope = Scope::worker();
    let run = sync::preview(&w.t, &scope, w.integration, policy, RunTrigger::Operator);
    let id = run.await.unwrap().id;
    run_until_idle(&w.t).await.unwrap();
    w.ended(id).await
}

async fn listed(w: &World, protected: ProtectedFilter) -> i64 {
    let query = users::UserQuery {
        protected: Some(protected),
        ..users::UserQuery::default()
    };
    users::list(&w.t, &command_line_scope(), query)
        .await
        .unwrap()
        .total
}

sync_test!(
    whom_a_rule_protects_stays_as_they_are_until_it_goes,
    tenant(140, 40),
    |w| {
        let mut w = w;
        w.policy.out_of_scope = OutOfScope::Delete;
        w.policy.delete_after_days = 3;
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let id = break_glass_account(&w).await;
        let before = person(&w, id).await;
        save_rules(&w, break_glass()).await;
        assert_eq!(listed(&w, ProtectedFilter::ByRule).await, 1);

        // Renamed away from the rule, taken out of a group, blocked, deleted, gone.
        let directory = w.actual().await;
        let (group, _) = directory.edges.iter().find(|edge| edge.1 == id).unwrap();
        w.control.rename(id, "Somebody Else").unwrap();
        w.control.remove_members(*group, &[id]).unwrap();
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
        let answer = &explained.answer;
        assert!(answer.contains("protected by a rule"), "{answer}");
        assert!(answer.contains("the next run would"), "{answer}");
        assert_eq!(explained.next_action, None);
        let mut steps = explained.steps.iter();
        let step = steps.find(|s| s.step == StepKind::Protection).unwrap();
        assert!(
            step.sentence
                .contains("Display name starts with “break glass”"),
            "{}",
            step.sentence
        );

        save_rules(&w, Vec::new()).await;
        assert_eq!(listed(&w, ProtectedFilter::Any).await, 0);
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).disabled, 1, "{run:#?}");
        w.assert_equal("after the rule went").await;
    }
);

sync_test!(
    a_rule_protects_by_the_new_name_too_and_keeps_nobody_from_coming_in,
    tenant(141, 40),
    |w| {
        w.run(RunMode::Full).await;
        save_rules(&w, break_glass()).await;
        w.run(RunMode::Delta).await;
        assert_eq!(listed(&w, ProtectedFilter::ByRule).await, 0);
        let id = somebody(&w).await;
        let before = person(&w, id).await;
        w.control.rename(id, "Break Glass 2").unwrap();
        let given = [("givenName", "Break"), ("surname", "Glass")];
        let given = given.map(|(name, value)| (name.to_owned(), value.into()));
        w.control
            .create_user(
                "Break Glass 3",
                "glass3@x.example",
                &given.into_iter().collect(),
            )
            .unwrap();
        let run = w.run(RunMode::Delta).await;
        let users = line(&run, ObjectType::User);
        assert_eq!((users.created, users.updated), (1, 0), "{run:#?}");
        assert_eq!(person(&w, id).await, before);
        assert_eq!(listed(&w, ProtectedFilter::ByRule).await, 2);
        let everybody = w
            .count("SELECT COUNT(*) FROM directory_user WHERE status <> 'deleted'")
            .await;
        assert_eq!(listed(&w, ProtectedFilter::No).await, everybody - 2);
    }
);

sync_test!(
    a_preview_says_what_rules_would_do_and_is_applied_with_them,
    tenant(142, 40),
    |w| {
        w.run(RunMode::Full).await;
        let id = break_glass_account(&w).await;
        let before = person(&w, id).await;
        let active = w.actual().await.users;
        let mut active = active.iter().filter(|(_, user)| user.active);
        let (other, _) = active.find(|(other, _)| **other != id).unwrap();
        for gone in [id, *other] {
            w.control.delete(gone).unwrap();
        }
        let without = preview(&w, None).await;
        assert_eq!(line(&without, ObjectType::User).disabled, 2);
        let saved = integrations::get(&w.t, &command_line_scope(), w.integration).await;
        let policy = Policy {
            protected: break_glass(),
            ..saved.unwrap().policy
        };
        let shown = preview(&w, Some(policy.clone())).await;
        assert_eq!(line(&shown, ObjectType::User).disabled, 1);
        // A preview marks nobody.
        assert_eq!(listed(&w, ProtectedFilter::ByRule).await, 0);
        sync::apply_preview(&w.t, &command_line_scope(), shown.id)
            .await
            .unwrap();
        assert_eq!(listed(&w, ProtectedFilter::ByRule).await, 1);
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(line(&w.ended(shown.id).await, ObjectType::User).failed, 0);
        assert_eq!(person(&w, id).await, before);
        assert_eq!(person(&w, *other).await.status, DirectoryStatus::Inactive);
        let saved = integrations::get(&w.t, &command_line_scope(), w.integration).await;
        assert_eq!(saved.unwrap().policy, policy);
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
    }
);

sync_test!(
    a_rule_that_is_saved_while_a_run_applies_protects_from_the_next_batch_on,
    tenant(143, 40),
    |w| {
        w.run(RunMode::Full).await;
        let id = break_glass_account(&w).await;
        let before = person(&w, id).await;
        w.control.delete(id).unwrap();
        let run = w.start(RunMode::Delta).await;
        until_phase(&w, "applying").await;
        save_rules(&w, break_glass()).await;
        w.recover().await;
        let users = line(&w.ended(run).await, ObjectType::User);
        assert_eq!((users.disabled, users.failed), (0, 1));
        assert_eq!(person(&w, id).await, before);
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
    }
);

sync_test!(
    what_was_held_before_a_rule_is_overtaken_by_it,
    tenant(144, 60),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        let id = break_glass_account(&w).await;
        w.policy.guard = Guard::default();
        w.save_policy().await;
        let active = w.actual().await.users;
        let active = active.iter().filter(|(_, user)| user.active);
        let others = active.map(|(other, _)| *other).filter(|other| *other != id);
        let gone: Vec<Uuid> = others.take(11).chain([id]).collect();
        for gone in &gone {
            w.control.delete(*gone).unwrap();
        }
        let held = w.run(RunMode::Delta).await;
        assert_eq!(line(&held, ObjectType::User).held, 12, "{held:#?}");
        let before = person(&w, id).await;
        save_rules(&w, break_glass()).await;
        let scope = Scope::worker();
        let (user, approved) = (ObjectType::User, Decision::Approved);
        sync::decide(&w.t, &scope, held.id, user, approved, "T-1")
            .await
            .unwrap();
        run_until_idle(&w.t).await.unwrap();
        let users = line(&w.ended(held.id).await, ObjectType::User);
        assert_eq!((users.disabled, users.held), (11, 0));
        assert_eq!(person(&w, id).await, before);
    }
);

sync_test!(
    an_empty_answer_holds_nobody_whom_a_rule_protects,
    tenant(145, 40),
    |w| {
        w.run(RunMode::Full).await;
        break_glass_account(&w).await;
        save_rules(&w, break_glass()).await;
        let active = w
            .count("SELECT COUNT(*) FROM directory_user WHERE status = 'active'")
            .await;
        w.control.next("/users/delta", Fault::EmptyAnswer);
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        assert_eq!(line(&run, ObjectType::User).held, active - 1);
    }
);

sync_test!(
    days_that_count_end_with_the_rule_and_begin_anew_without_it,
    tenant(146, 40),
    |w| {
        let mut w = w;
        w.policy.out_of_scope = OutOfScope::Delete;
        w.policy.delete_after_days = 3;
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let id = break_glass_account(&w).await;
        w.control.delete(id).unwrap();
        w.run(RunMode::Delta).await;
        let counting = "SELECT COUNT(*) FROM directory_user WHERE delete_at IS NOT NULL";
        let others = w.count(counting).await - 1;
        save_rules(&w, break_glass()).await;
        assert_eq!(w.count(counting).await, others);
        w.t.clock.advance(chrono::Duration::days(4));
        w.run(RunMode::Delta).await;
        assert_eq!(person(&w, id).await.status, DirectoryStatus::Inactive);
        save_rules(&w, Vec::new()).await;
        w.run(RunMode::Delta).await;
        assert_eq!(person(&w, id).await.status, DirectoryStatus::Inactive);
        w.t.clock.advance(chrono::Duration::days(4));
        w.run(RunMode::Delta).await;
        assert_eq!(person(&w, id).await.status, DirectoryStatus::Deleted);
    }
);
