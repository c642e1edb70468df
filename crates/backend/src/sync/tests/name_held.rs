//! Two people never sign in with one name: whom a source renames to what somebody signs in with here
//! stays as they are until one of the two is renamed.

use domain::{
    id::UserId,
    made_here::{NewUser, UserChange},
    policy::ObjectType,
    run::{Run, RunMode, RunStatus, RunTrigger},
    user::DirectoryStatus,
    why::WhyFound,
};
use uuid::Uuid;

use super::{
    protecting::{person, somebody},
    sync_test,
    world::{World, line, tenant},
};
use crate::{auth::command_line_scope, fetch_one, jobs::run_until_idle, store::users, sync, why};

const TAKEN: &str = "taken@here.example";

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
        let customer = {
            let mut tx = w.t.db.read().await.unwrap();
            let sql = "SELECT customer_id FROM integration";
            fetch_one!(&mut tx, (domain::id::CustomerId,), sql)
                .unwrap()
                .0
        };
        let owner = command_line_scope();
        let new = NewUser {
            display_name: "Made Here".to_owned(),
            user_principal_name: TAKEN.to_owned(),
            ..NewUser::default()
        };
        let here = users::create(&w.t, &owner, customer, new).await.unwrap();
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
        let renamed = UserChange {
            user_principal_name: Some("another@here.example".to_owned()),
            ..UserChange::default()
        };
        users::change(&w.t, &owner, here.user.id, renamed)
            .await
            .unwrap();
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
