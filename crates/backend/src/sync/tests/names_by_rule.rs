//! A mapping rule that gives several people of a source one user name: nobody gets a name that another
//! has, who was there first keeps it, and the others say so.

use std::collections::BTreeMap;

use domain::{
    mapping::{AttributeRule, Mapping, MappingRule, MappingTestRequest},
    policy::{ObjectType, Policy},
    run::{Run, RunMode, RunStatus, RunTrigger},
    why::{StepKind, StepOutcome},
};
use serde_json::json;
use simulator::Attributes;
use uuid::Uuid;

use super::{
    sync_test,
    world::{World, line, tenant},
};
use crate::{auth::command_line_scope, fetch_all, jobs::run_until_idle, mapping, sync, why};

/// The nickname of a mailbox makes the user name.
fn by_nickname() -> Mapping {
    Mapping {
        user: vec![AttributeRule {
            attribute: "user_principal_name".to_owned(),
            rule: MappingRule::Expression(
                "coalesce(mailNickname, id) + '@here.example'".to_owned(),
            ),
        }],
        ..Mapping::default()
    }
}

/// Somebody new in the source, whose nickname that is.
fn person(w: &World, name: &str, nickname: &str) -> Uuid {
    let more = [
        ("givenName", json!("Nova")),
        ("surname", json!("Komer")),
        ("mailNickname", json!(nickname)),
    ];
    let more = more.map(|(name, value)| (name.to_owned(), value));
    let user_name = format!("{}@source.example", name.to_lowercase());
    w.control
        .create_user(name, &user_name, &Attributes::from(more))
        .unwrap()
}

fn call(w: &World, id: Uuid, nickname: &str) {
    let nickname = [("mailNickname".to_owned(), json!(nickname))];
    w.control.update(id, &Attributes::from(nickname)).unwrap();
}

/// The user names of those in use, by the source's ids. No two are the same.
async fn names(w: &World) -> BTreeMap<Uuid, String> {
    let mut tx = w.t.db.read().await.unwrap();
    let rows = fetch_all!(
        &mut tx,
        (Uuid, String),
        "SELECT external_id, user_name_folded FROM directory_user
          WHERE status = 'active' AND user_name_folded IS NOT NULL"
    );
    let names: BTreeMap<Uuid, String> = rows.unwrap().into_iter().collect();
    let mut once: Vec<&String> = names.values().collect();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len(), "a name is given twice: {names:#?}");
    names
}

/// The errors of a run about names, in order of the people.
async fn errors(w: &World, run: &Run) -> Vec<String> {
    let mut tx = w.t.db.read().await.unwrap();
    let rows = fetch_all!(
        &mut tx,
        (String,),
        "SELECT error FROM run_change WHERE run_id = $1 AND status = 'failed'
            AND reason = 'user_name_held' ORDER BY position",
        run.id
    );
    rows.unwrap().into_iter().map(|(error,)| error).collect()
}

sync_test!(
    two_who_are_new_get_one_name_and_the_other_says_who_has_it,
    tenant(950, 30),
    |w| {
        let mut w = w;
        w.policy.mapping = by_nickname();
        w.save_policy().await;
        let twins = [person(&w, "One", "twin"), person(&w, "Two", "twin")];
        let (first, second) = (twins.iter().min().unwrap(), twins.iter().max().unwrap());
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Partial, "{run:#?}");
        assert_eq!(line(&run, ObjectType::User).failed, 1, "{run:#?}");
        let there = names(&w).await;
        assert_eq!(there[first], "twin@here.example");
        assert!(!there.contains_key(second));
        let holder = if *first == twins[0] { "One" } else { "Two" };
        let says =
            format!("The user name twin@here.example is already given to “{holder}” by this rule");
        let told = errors(&w, &run).await;
        assert!(told.len() == 1 && told[0].starts_with(&says), "{told:?}");
        assert!(run.error.as_ref().unwrap().detail.contains(&says));

        // Said once: nothing but the rule or the source can help.
        assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
        let again = w.run(RunMode::Full).await;
        assert_eq!(line(&again, ObjectType::User).failed, 1, "{again:#?}");
        assert_eq!(names(&w).await, there);

        // Why?
        let owner = command_line_scope();
        let answer = why::of_object(&w.t, &owner, w.integration, &second.to_string()).await;
        let why = answer.unwrap().why.unwrap();
        let words = format!("“{holder}” does, by the same rule, and two can’t.");
        assert!(why.answer.contains(&words), "{}", why.answer);
        let step = why
            .steps
            .iter()
            .find(|step| step.step == StepKind::UserName);
        assert_eq!(step.unwrap().outcome, StepOutcome::Stopped);

        // Once the first is gone the schedule gives the name to the second by itself.
        w.control.delete(*first).unwrap();
        w.run(RunMode::Delta).await;
        let run = w.scheduled().await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        assert_eq!(names(&w).await[second], "twin@here.example");
    }
);

sync_test!(
    who_has_a_name_keeps_it_and_names_can_be_swapped,
    tenant(951, 30),
    |w| {
        let mut w = w;
        w.policy.mapping = by_nickname();
        w.save_policy().await;
        let ids = ["ann", "bob", "cat"].map(|name| person(&w, name, name));
        let [ann, bob, cat] = ids;
        w.run(RunMode::Full).await;
        let before = names(&w).await;

        // One comes to the name of another, and a third to theirs: both stay as they are.
        call(&w, bob, "ann");
        call(&w, cat, "bob");
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).failed, 2, "{run:#?}");
        assert_eq!(names(&w).await, before);

        // All three change places.
        call(&w, ann, "cat");
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        let after = names(&w).await;
        assert_eq!(after[&ann], "cat@here.example");
        assert_eq!(after[&bob], "ann@here.example");
        assert_eq!(after[&cat], "bob@here.example");
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
    }
);

sync_test!(
    a_preview_of_unsaved_rules_counts_and_names_them,
    tenant(952, 30),
    |w| {
        w.run(RunMode::Full).await;
        let before = names(&w).await;
        let one = MappingRule::Constant("one@here.example".to_owned());
        let policy = Policy {
            mapping: Mapping {
                user: vec![AttributeRule {
                    attribute: "user_principal_name".to_owned(),
                    rule: one,
                }],
                ..Mapping::default()
            },
            ..w.policy.clone()
        };
        let owner = command_line_scope();
        let trigger = RunTrigger::Operator;
        let shown = sync::preview(&w.t, &owner, w.integration, Some(policy.clone()), trigger);
        let id = shown.await.unwrap().id;
        run_until_idle(&w.t).await.unwrap();
        let shown = w.ended(id).await;
        let users = line(&shown, ObjectType::User);
        let others = i64::try_from(before.len()).unwrap() - 1;
        // Besides the one, whoever is blocked is updated: they need no name of their own.
        assert!(users.updated > 0 && users.failed == others, "{users:?}");
        assert_eq!(errors(&w, &shown).await.len(), before.len() - 1);
        assert_eq!(names(&w).await, before, "a preview changes nothing");

        // Rules that are tried on people say it too.
        let request = MappingTestRequest {
            policy: Some(policy),
            ..MappingTestRequest::default()
        };
        let test = mapping::test(&w.t, &owner, w.integration, request).await;
        let told: Vec<bool> = test
            .unwrap()
            .objects
            .iter()
            .map(|one| one.attributes[0].error.is_some())
            .collect();
        assert_eq!(told, [false, true, true]);
    }
);
