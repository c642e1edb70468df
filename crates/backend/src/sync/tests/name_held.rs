//! Two people never sign in with one name: whom a source renames to what somebody signs in with here
//! stays as they are until one of the two is renamed.

use domain::{
    id::{CustomerId, UserId},
    made_here::{NewUser, UserChange},
    policy::ObjectType,
    run::{Run, RunMode, RunStatus, RunTrigger},
    user::DirectoryStatus,
    why::{StepKind, WhyFound},
};
use simulator::Attributes;
use uuid::Uuid;

use super::{
    protecting::{person, somebody},
    resuming::until_phase,
    sync_test,
    world::{World, line, tenant},
};
use crate::{auth::command_line_scope, fetch_one, jobs::run_until_idle, store::users, sync, why};

const TAKEN: &str = "taken@here.example";

/// Makes somebody by hand who signs in with that.
async fn make(w: &World, name: &str, user_name: &str) -> UserId {
    let customer = {
        let mut tx = w.t.db.read().await.unwrap();
        let sql = "SELECT customer_id FROM integration";
        fetch_one!(&mut tx, (CustomerId,), sql).unwrap().0
    };
    let new = NewUser {
        display_name: name.to_owned(),
        user_principal_name: user_name.to_owned(),
        ..NewUser::default()
    };
    let made = users::create(&w.t, &command_line_scope(), customer, new).await;
    made.unwrap().user.id
}

async fn rename(w: &World, id: UserId, user_name: &str) {
    let renamed = UserChange {
        user_principal_name: Some(user_name.to_owned()),
        ..UserChange::default()
    };
    users::change(&w.t, &command_line_scope(), id, renamed)
        .await
        .unwrap();
}

async fn user_name(w: &World, id: UserId) -> String {
    let user = users::get(&w.t, &command_line_scope(), id).await.unwrap();
    user.user_principal_name.unwrap()
}

/// One waits in this run and in the next ones, which say so once; "Why?" says with whom.
async fn waits(w: &World, source: Uuid, run: &Run, holder: &str) {
    assert_eq!(run.status, RunStatus::Partial, "{run:#?}");
    let users = line(run, ObjectType::User);
    assert_eq!((users.failed, users.disabled), (1, 0), "{run:#?}");
    let error = run.error.as_ref().unwrap();
    assert_eq!(error.code, "user_name_held");
    assert!(error.detail.contains(holder), "{error:?}");
    let owner = command_line_scope();
    let answer = why::of_object(&w.t, &owner, w.integration, &source.to_string())
        .await
        .unwrap();
    assert_eq!(answer.found, WhyFound::One);
    let words = answer.why.unwrap().answer;
    let says = format!(
        "Active, and it stays as it is: somebody here signs in with its user name. “{holder}”"
    );
    assert!(words.contains(&says), "{words}");
    assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
}

sync_test!(
    whom_a_source_renames_to_a_name_of_somebody_here_stays_as_they_are,
    tenant(350, 60),
    |w| {
        w.run(RunMode::Full).await;
        let source = somebody(&w).await;
        let one = person(&w, source).await;
        let name = user_name(&w, one.id).await;
        let owner = command_line_scope();
        let here = make(&w, "Made Here", TAKEN).await;
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);

        w.control.move_upn(source, TAKEN).unwrap();
        let shown = sync::preview(&w.t, &owner, w.integration, None, RunTrigger::Operator)
            .await
            .unwrap();
        run_until_idle(&w.t).await.unwrap();
        let shown = w.ended(shown.id).await;
        assert_eq!(
            line(&shown, ObjectType::User).failed,
            1,
            "a preview tells it"
        );
        let run = w.run(RunMode::Delta).await;
        waits(&w, source, &run, "Made Here").await;
        assert_eq!(person(&w, source).await, one);
        assert_eq!(user_name(&w, one.id).await, name);
        let run = w.run(RunMode::Full).await;
        assert_eq!(line(&run, ObjectType::User).failed, 1, "{run:#?}");
        assert_eq!(person(&w, source).await.status, DirectoryStatus::Active);

        // The next run of the schedule sees by itself that the name is free.
        rename(&w, here, "another@here.example").await;
        let run = w.scheduled().await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        assert_eq!(line(&run, ObjectType::User).updated, 1, "{run:#?}");
        assert_eq!(user_name(&w, one.id).await, TAKEN);
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
    }
);

sync_test!(
    an_alias_is_a_name_that_somebody_signs_in_with,
    tenant(351, 60),
    |w| {
        w.run(RunMode::Full).await;
        let source = somebody(&w).await;
        let one = person(&w, source).await;
        let name = user_name(&w, one.id).await;
        let directory = w.actual().await;
        let mut others = directory.users.iter().filter(|(_, user)| user.active);
        let other = others.find(|(id, _)| **id != source).unwrap();
        let other = users::get(&w.t, &command_line_scope(), person(&w, *other.0).await.id)
            .await
            .unwrap();
        let owner = command_line_scope();
        users::set_aliases(&w.t, &owner, other.id, &[TAKEN.to_owned()])
            .await
            .unwrap();
        w.control.move_upn(source, TAKEN).unwrap();
        let run = w.run(RunMode::Delta).await;
        waits(&w, source, &run, &other.display_name).await;
        assert_eq!(user_name(&w, one.id).await, name);
        users::set_aliases(&w.t, &owner, other.id, &[])
            .await
            .unwrap();
        assert_eq!(w.scheduled().await.status, RunStatus::Succeeded);
        assert_eq!(user_name(&w, one.id).await, TAKEN);

        // Whoever has the alias may be renamed to it.
        users::set_aliases(&w.t, &owner, other.id, &["own@here.example".to_owned()])
            .await
            .unwrap();
        let theirs = other.external_id.unwrap().0;
        w.control.move_upn(theirs, "own@here.example").unwrap();
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Succeeded);
        assert_eq!(user_name(&w, other.id).await, "own@here.example");
    }
);

/// Somebody new in the source, with both names.
fn new_in_source(w: &World, user_name: &str) -> Uuid {
    let names = [("givenName", "Nova"), ("surname", "Komer")];
    let names = names.map(|(name, value)| (name.to_owned(), value.into()));
    let names = Attributes::from(names);
    w.control
        .create_user("Nova Komer", user_name, &names)
        .unwrap()
}

/// How many failed for a name that was given out meanwhile, and wait for the next run.
async fn failed_meanwhile(w: &World) -> (i64, i64) {
    let named = "SELECT COUNT(*) FROM run_change
                  WHERE status = 'failed' AND reason = 'user_name_taken'
                    AND error LIKE '“%” signs in with % here since this was planned%'";
    let pending = "SELECT COUNT(*) FROM source_object WHERE pending = 'failed'";
    (w.count(named).await, w.count(pending).await)
}

const NEW: &str = "new@here.example";

sync_test!(
    a_name_that_was_given_out_since_a_preview_goes_to_nobody_else,
    tenant(352, 60),
    |w| {
        w.run(RunMode::Full).await;
        let owner = command_line_scope();
        let source = somebody(&w).await;
        let one = person(&w, source).await;
        let name = user_name(&w, one.id).await;
        let directory = w.actual().await;
        let other = directory.users.iter().find(|(id, _)| **id != source);
        let other = *other.unwrap().0;
        w.control.move_upn(source, TAKEN).unwrap();
        w.control.rename(other, "Somebody Else").unwrap();
        let new = new_in_source(&w, NEW);
        let shown = sync::preview(&w.t, &owner, w.integration, None, RunTrigger::Operator)
            .await
            .unwrap();
        run_until_idle(&w.t).await.unwrap();
        let users = line(&w.ended(shown.id).await, ObjectType::User);
        assert_eq!((users.created, users.updated, users.failed), (1, 2, 0));

        let here = make(&w, "Made Here", TAKEN).await;
        let there = make(&w, "Made There", "there@here.example").await;
        users::set_aliases(&w.t, &owner, there, &[NEW.to_owned()])
            .await
            .unwrap();
        sync::apply_preview(&w.t, &owner, shown.id).await.unwrap();
        run_until_idle(&w.t).await.unwrap();
        let run = w.ended(shown.id).await;
        assert_eq!(run.status, RunStatus::Partial, "{run:#?}");
        let users = line(&run, ObjectType::User);
        assert_eq!((users.created, users.updated, users.failed), (0, 1, 2));
        assert_eq!(failed_meanwhile(&w).await, (2, 2));
        assert_eq!(person(&w, source).await, one);
        assert_eq!(user_name(&w, one.id).await, name);
        let here_now = w.actual().await.users;
        assert_eq!(here_now[&other].display_name, "Somebody Else");
        assert!(!here_now.contains_key(&new));
        for id in [source, new] {
            let answer = why::of_object(&w.t, &owner, w.integration, &id.to_string()).await;
            let steps = answer.unwrap().why.unwrap().steps;
            let error = steps.iter().find(|step| step.step == StepKind::LastError);
            let error = error.expect("what failed is told");
            assert!(
                error.sentence.contains("since this was planned"),
                "{error:?}"
            );
        }

        // The next run says what is so now: one waits for the name, the other may be somebody here.
        let run = w.scheduled().await;
        assert_eq!(line(&run, ObjectType::User).failed, 1);
        assert!(!w.actual().await.users.contains_key(&new));
        assert_eq!(run.error.unwrap().code, "user_name_held");
        assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
        rename(&w, here, "another@here.example").await;
        users::set_aliases(&w.t, &owner, there, &[]).await.unwrap();
        rename(&w, there, "nobody@here.example").await;
        let run = w.scheduled().await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        assert_eq!(user_name(&w, one.id).await, TAKEN);
        assert!(w.actual().await.users.contains_key(&new));
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
    }
);

sync_test!(
    a_name_that_was_given_out_while_a_run_waited_to_be_applied_goes_to_nobody_else,
    tenant(353, 60),
    |w| {
        w.run(RunMode::Full).await;
        let source = somebody(&w).await;
        let one = person(&w, source).await;
        w.control.set_enabled(source, false).unwrap();
        w.run(RunMode::Delta).await;
        assert_eq!(person(&w, source).await.status, DirectoryStatus::Inactive);
        // Out of use, so the name is free; in the source they are in use again.
        w.control.set_enabled(source, true).unwrap();
        let new = new_in_source(&w, NEW);
        let id = w.start(RunMode::Delta).await;
        until_phase(&w, "applying").await;
        let name = user_name(&w, one.id).await;
        let here = make(&w, "Made Here", &name).await;
        w.recover().await;
        let run = w.ended(id).await;
        assert_eq!(run.status, RunStatus::Partial, "{run:#?}");
        let users = line(&run, ObjectType::User);
        assert_eq!((users.created, users.enabled, users.failed), (1, 0, 1));
        assert_eq!(failed_meanwhile(&w).await, (1, 1));
        assert_eq!(person(&w, source).await.status, DirectoryStatus::Inactive);
        assert!(w.actual().await.users.contains_key(&new));
        rename(&w, here, "another@here.example").await;
        let run = w.scheduled().await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        assert_eq!(person(&w, source).await.status, DirectoryStatus::Active);
    }
);
