//! What an operator keeps of a synced person stays, whatever the source says; and people and groups
//! made here are none of a sync's business.

use domain::{
    id::{ExternalId, UserId},
    integration::People,
    made_here::{NewGroup, NewKeptAttribute, NewUser},
    policy::OutOfScope,
    run::{RunMode, RunStatus, RunTrigger},
    user::{DirectoryStatus, WholeUser},
    why::StepKind,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    protecting::{person, somebody},
    sync_test,
    world::{World, line, tenant},
};
use crate::{
    Scope,
    auth::command_line_scope,
    fetch_all, fetch_one,
    jobs::run_until_idle,
    store::{groups, integrations, kept_attributes, users},
    sync, why,
};
use domain::policy::ObjectType;

async fn whole(w: &World, id: UserId) -> WholeUser {
    users::whole(&w.t, &command_line_scope(), id).await.unwrap()
}

async fn keep(w: &World, id: UserId, name: &str, value: &str) {
    let new = NewKeptAttribute {
        value: Some(value.to_owned()),
        note: "They say so".to_owned(),
    };
    kept_attributes::keep(&w.t, &command_line_scope(), id, name, new)
        .await
        .unwrap();
}

fn says(w: &World, id: Uuid, attributes: &serde_json::Value) {
    let attributes = attributes.as_object().unwrap().clone();
    w.control
        .update(id, &attributes.into_iter().collect())
        .unwrap();
}

/// The hashes of the directory's row and of the source object it was made from.
async fn hashes(w: &World, id: Uuid) -> (Option<Vec<u8>>, Vec<u8>) {
    let mut tx = w.t.db.read().await.unwrap();
    fetch_one!(
        &mut tx,
        (Option<Vec<u8>>, Vec<u8>),
        "SELECT u.hash, s.hash FROM directory_user u
           JOIN source_object s ON s.integration_id = u.integration_id
                AND s.object_type = 'user' AND s.external_id = u.external_id
          WHERE u.external_id = $1",
        ExternalId(id)
    )
    .unwrap()
}

sync_test!(
    what_is_kept_stays_and_the_rest_follows,
    tenant(140, 40),
    |w| {
        w.run(RunMode::Full).await;
        let source = somebody(&w).await;
        let id = person(&w, source).await.id;
        keep(&w, id, "jobTitle", "Countess").await;
        keep(&w, id, "display_name", "Ada King").await;
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);

        // Only what is kept changes in the source: there is nothing to do, by delta and by full run.
        says(
            &w,
            source,
            &json!({ "jobTitle": "Analyst", "displayName": "Other" }),
        );
        for mode in [RunMode::Delta, RunMode::Full, RunMode::Full] {
            assert_eq!(w.run(mode).await.status, RunStatus::NothingToDo, "{mode}");
        }
        let now = whole(&w, id).await;
        assert_eq!(now.attributes["jobTitle"], "Countess");
        assert_eq!(now.user.display_name, "Ada King");

        // Others follow, and what is kept still stays.
        says(
            &w,
            source,
            &json!({ "jobTitle": "Clerk", "department": "Engines" }),
        );
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).updated, 1);
        let now = whole(&w, id).await;
        assert_eq!(now.attributes["department"], "Engines");
        assert_eq!(now.attributes["jobTitle"], "Countess");
        assert_eq!(now.user.display_name, "Ada King");
        let (directory, there) = hashes(&w, source).await;
        assert_eq!(directory, Some(there), "a glance finds nothing to do");
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);

        // In the plan it stands what the source says otherwise.
        let mut tx = w.t.db.read().await.unwrap();
        let after = fetch_all!(
            &mut tx,
            (String,),
            "SELECT after_value FROM run_change WHERE run_id = $1 AND object_type = 'user'
                AND action = 'update'",
            run.id
        )
        .unwrap();
        drop(tx);
        let after: serde_json::Value = serde_json::from_str(&after[0].0).unwrap();
        assert_eq!(
            after,
            json!({ "department": "Engines", "kept_here": ["display_name", "jobTitle"] })
        );

        // Through disabling and enabling too.
        w.control.set_enabled(source, false).unwrap();
        says(&w, source, &json!({ "city": "Oslo" }));
        w.run(RunMode::Delta).await;
        let now = whole(&w, id).await;
        assert_eq!(now.user.status, DirectoryStatus::Inactive);
        assert_eq!(now.attributes["city"], "Oslo");
        assert_eq!(now.attributes["jobTitle"], "Countess");
        w.control.set_enabled(source, true).unwrap();
        w.run(RunMode::Delta).await;
        assert_eq!(whole(&w, id).await.user.display_name, "Ada King");
    }
);

sync_test!(what_is_taken_back_follows_again, tenant(141, 40), |w| {
    w.run(RunMode::Full).await;
    let source = somebody(&w).await;
    let id = person(&w, source).await.id;
    says(&w, source, &json!({ "jobTitle": "Analyst" }));
    w.run(RunMode::Delta).await;
    keep(&w, id, "jobTitle", "Countess").await;
    keep(&w, id, "city", "London").await;
    let release = async |name: &str| {
        kept_attributes::release(&w.t, &command_line_scope(), id, name)
            .await
            .unwrap();
    };
    // What the source says of it meanwhile is not lost, whichever run comes.
    says(&w, source, &json!({ "jobTitle": "Clerk" }));
    assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::NothingToDo);
    release("jobTitle").await;
    let run = w.run(RunMode::Delta).await;
    assert_eq!(line(&run, ObjectType::User).updated, 1);
    let now = whole(&w, id).await;
    assert_eq!(now.attributes["jobTitle"], "Clerk");
    assert_eq!(now.attributes["city"], "London", "kept still");
    release("city").await;
    assert_eq!(
        line(&w.run(RunMode::Full).await, ObjectType::User).updated,
        1
    );
    w.assert_equal("as the source says, all of it").await;
    assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
});

sync_test!(why_and_previews_say_what_is_kept, tenant(142, 40), |w| {
    w.run(RunMode::Full).await;
    let source = somebody(&w).await;
    let id = person(&w, source).await.id;
    keep(&w, id, "jobTitle", "Countess").await;
    says(&w, source, &json!({ "jobTitle": "Analyst" }));
    assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::NothingToDo);
    let explained = why::of_user(&w.t, &command_line_scope(), id).await.unwrap();
    assert_eq!(explained.next_action, None, "nothing is to be done");
    let step = explained
        .steps
        .iter()
        .find(|step| step.step == StepKind::KeptHere)
        .unwrap();
    let [fact] = &step.facts[..] else {
        panic!("{step:?}");
    };
    assert_eq!(fact.name, "jobTitle");
    assert!(fact.value.starts_with("Countess; Entra ID says Analyst ("));
    assert!(fact.value.ends_with("“They say so”)"), "{}", fact.value);

    says(&w, source, &json!({ "department": "Engines" }));
    let scope = Scope::worker();
    let run = sync::preview(&w.t, &scope, w.integration, None, RunTrigger::Operator);
    let run = run.await.unwrap().id;
    run_until_idle(&w.t).await.unwrap();
    let mut tx = w.t.db.read().await.unwrap();
    let (after,) = fetch_one!(
        &mut tx,
        (String,),
        "SELECT after_value FROM run_change WHERE run_id = $1 AND action = 'update'",
        run
    )
    .unwrap();
    let after: serde_json::Value = serde_json::from_str(&after).unwrap();
    assert_eq!(
        after,
        json!({ "department": "Engines", "kept_here": ["jobTitle"] })
    );
});

/// Everything that the directory keeps of what was made here.
async fn made_here(w: &World) -> Vec<(Uuid, String, String)> {
    let mut tx = w.t.db.read().await.unwrap();
    fetch_all!(
        &mut tx,
        (Uuid, String, String),
        "SELECT id, display_name, status FROM directory_user WHERE source_type = 'Manual'
         UNION ALL
         SELECT id, display_name, status FROM directory_group WHERE source_type = 'Manual'
         UNION ALL
         SELECT m.group_id, 'edge', m.member_type FROM directory_membership m
           JOIN directory_group g ON g.id = m.group_id WHERE g.source_type = 'Manual'
         ORDER BY 1, 2, 3"
    )
    .unwrap()
}

sync_test!(
    a_sync_leaves_alone_what_was_made_here,
    tenant(143, 40),
    |w| {
        let mut w = w;
        w.policy.out_of_scope = OutOfScope::Delete;
        w.policy.delete_after_days = 1;
        w.policy.include_guests = true;
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let source = somebody(&w).await;
        let id = person(&w, source).await.id;
        let owner = command_line_scope();
        let mut tx = w.t.db.read().await.unwrap();
        let (customer,) = fetch_one!(&mut tx, (Uuid,), "SELECT id FROM customer").unwrap();
        drop(tx);
        let customer = domain::id::CustomerId(customer);
        let new = NewUser {
            display_name: "Here".to_owned(),
            user_principal_name: "here@contoso.example".to_owned(),
            ..NewUser::default()
        };
        let here = users::create(&w.t, &owner, customer, new).await.unwrap();
        let new = NewGroup {
            display_name: "Both".to_owned(),
            description: None,
            member_ids: vec![here.user.id.0, id.0],
        };
        let group = groups::create(&w.t, &owner, customer, new)
            .await
            .unwrap()
            .id;
        let before = made_here(&w).await;
        assert_eq!(before.len(), 4);
        let count = async || groups::get(&w.t, &owner, group).await.unwrap().user_count;
        assert_eq!(count().await, 2);

        // Deleted in the source: inactive, and still a member; then deleted, and not shown.
        w.control.delete(source).unwrap();
        w.run(RunMode::Delta).await;
        assert_eq!(person(&w, source).await.status, DirectoryStatus::Inactive);
        assert_eq!(count().await, 2);
        w.t.clock.advance(chrono::Duration::days(2));
        w.run(RunMode::Full).await;
        assert_eq!(person(&w, source).await.status, DirectoryStatus::Deleted);
        assert_eq!(count().await, 1);
        assert_eq!(made_here(&w).await, before);
        // Restored: it is a member again.
        w.control.restore(source).unwrap();
        w.run(RunMode::Full).await;
        assert_eq!(person(&w, source).await.status, DirectoryStatus::Active);
        assert_eq!(count().await, 2);
        assert_eq!(made_here(&w).await, before);

        // With its integration gone, whoever was kept is made here from then on, guests as guests.
        let guests = w
            .count(
                "SELECT COUNT(*) FROM directory_user u
                   JOIN source_object s ON s.integration_id = u.integration_id
                        AND s.object_type = 'user' AND s.external_id = u.external_id
                  WHERE s.guest",
            )
            .await;
        assert!(guests > 0, "the seed has guests");
        integrations::delete(&w.t, &owner, w.integration, People::Keep)
            .await
            .unwrap();
        let still = "SELECT COUNT(*) FROM directory_user WHERE guest";
        assert_eq!(w.count(still).await, guests);
        users::deactivate(&w.t, &owner, id, "").await.unwrap();
        assert_eq!(count().await, 2, "who is inactive stays a member");
    }
);
