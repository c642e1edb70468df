//! "Why?" against what the engine really does, and against the simulator for whoever isn't kept.

use std::collections::BTreeMap;

use domain::{
    decision::Decision,
    id::{CustomerId, ExternalId, IntegrationId, UserId},
    policy::{Actions, Guard, Limit, ObjectType, Policy},
    run::{Action, ChangeStatus, Reason, RunMode, RunStatus},
    why::{StepKind, StepOutcome, Why, WhyAnswer, WhyFound, WhyStep, WhyTarget},
};
use serde_json::json;
use simulator::{Attributes, Fault, GroupKind};
use sqlx::{Column as _, Row as _, ValueRef as _};
use uuid::Uuid;

use super::{
    sync_test,
    world::{World, no_guard, tenant},
};
use crate::{Error, Scope, Tx, execute, fetch_all, jobs::run_until_idle, sync, why};

async fn ask(w: &World, object: impl ToString) -> WhyAnswer {
    let asker = Scope::worker();
    let answer = why::of_object(&w.t, &asker, w.integration, &object.to_string()).await;
    answer.unwrap()
}

async fn explained(w: &World, object: impl ToString) -> Why {
    let answer = ask(w, object).await;
    assert_eq!(answer.found, WhyFound::One, "{answer:#?}");
    answer.why.unwrap()
}

fn step(why: &Why, kind: StepKind) -> &WhyStep {
    let found = why.steps.iter().find(|step| step.step == kind);
    found.unwrap_or_else(|| panic!("no step {kind} in {why:#?}"))
}

fn changes(why: &Why) -> Vec<&str> {
    let other = why.other.iter();
    other
        .flat_map(|other| &other.changes)
        .map(|change| change.sentence.as_str())
        .collect()
}

/// Two groups with members, of a kind that can be synced.
fn two_groups(w: &World) -> Vec<ExternalId> {
    let snapshot = w.control.snapshot();
    let held = |id: Uuid| snapshot.memberships.iter().any(|edge| edge.group_id == id);
    snapshot
        .groups
        .iter()
        .filter(|group| group.kind == GroupKind::Security && held(group.id))
        .map(|group| ExternalId(group.id))
        .take(2)
        .collect()
}

type Planned = (ObjectType, ExternalId, Action, Option<Reason>, ChangeStatus);

/// Everything that is kept is explained as the engine plans it.
async fn assert_explained(w: &World, when: &str) -> usize {
    let run = w.run(RunMode::Preview).await;
    assert_ne!(run.status, RunStatus::Failed, "{:?}", run.error);
    let mut tx = w.t.db.read().await.unwrap();
    let planned: BTreeMap<_, _> = fetch_all!(
        &mut tx,
        Planned,
        "SELECT object_type, external_id, action, reason, status FROM run_change
          WHERE run_id = $1 AND object_type <> 'membership'",
        run.id
    )
    .unwrap()
    .into_iter()
    .map(|(object_type, id, action, reason, status)| ((object_type, id), (action, reason, status)))
    .collect();
    let kept = fetch_all!(
        &mut tx,
        (ObjectType, ExternalId),
        "SELECT object_type, external_id FROM source_object"
    )
    .unwrap();
    drop(tx);
    assert!(!kept.is_empty());
    for (object_type, id) in kept {
        let why = explained(w, id).await;
        assert_eq!(why.object.object_type, object_type);
        match planned.get(&(object_type, id)) {
            Some((_, reason, ChangeStatus::Filtered)) => {
                assert_eq!(
                    (why.next_action, why.reason),
                    (None, *reason),
                    "{id} {when}"
                );
            }
            Some((action, reason, _)) => {
                assert_eq!(why.next_action, Some(*action), "{id} {when}: {why:#?}");
                assert_eq!(why.reason, *reason, "{id} {when}");
            }
            None => assert_eq!(why.next_action, None, "{id} {when}: {why:#?}"),
        }
    }
    planned.len()
}

sync_test!(
    every_object_is_explained_as_the_engine_plans_it,
    tenant(71, 40),
    |w| {
        let mut w = w;
        assert!(assert_explained(&w, "before the first run").await > 20);
        w.run(RunMode::Full).await;
        w.control.random_changes(60, 3);
        assert!(assert_explained(&w, "after changes").await > 5);
        let policies = [
            Policy {
                selected_group_ids: two_groups(&w),
                ..Policy::default()
            },
            Policy {
                include_guests: true,
                require_names: false,
                blocked_sign_in_disables: false,
                object_types: vec![ObjectType::User],
                ..Policy::default()
            },
            Policy {
                actions: Actions {
                    create: false,
                    disable: false,
                    ..Actions::default()
                },
                ..Policy::default()
            },
        ];
        for (number, policy) in policies.into_iter().enumerate() {
            w.policy = Policy {
                guard: no_guard(),
                ..policy
            };
            w.save_policy().await;
            w.execute("UPDATE integration SET full_scan_next = TRUE")
                .await;
            assert_explained(&w, &format!("under policy {number}")).await;
            w.run(RunMode::Full).await;
            assert_explained(&w, &format!("after a run under policy {number}")).await;
        }
    }
);

/// Every row of every table, as the database holds it.
async fn everything(w: &World) -> BTreeMap<String, Vec<String>> {
    let mut tx = w.t.db.read().await.unwrap();
    let tables = match &tx {
        Tx::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
        Tx::Postgres(_) => {
            "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'"
        }
    };
    let tables = fetch_all!(&mut tx, (String,), tables).unwrap();
    macro_rules! rows {
        ($tx:expr, $sql:expr) => {
            sqlx::query(sqlx::AssertSqlSafe($sql))
                .fetch_all(&mut **$tx)
                .await
                .unwrap()
                .iter()
                .map(|row| {
                    let columns = row.columns().iter().map(|column| {
                        let place = column.ordinal();
                        let none = row.try_get_raw(place).unwrap().is_null();
                        let value = (!none).then(|| row.get_unchecked::<Vec<u8>, _>(place));
                        format!("{}: {value:?}", column.name())
                    });
                    columns.collect::<Vec<_>>().join(", ")
                })
                .collect::<Vec<_>>()
        };
    }
    let mut all = BTreeMap::new();
    for (table,) in tables {
        let sql = format!("SELECT * FROM {table}");
        let mut rows = match &mut tx {
            Tx::Sqlite(t) => rows!(t, sql),
            Tx::Postgres(t) => rows!(t, sql),
        };
        rows.sort_unstable();
        all.insert(table, rows);
    }
    assert!(all["source_object"].len() > 1 && all["integration"].len() == 1);
    all
}

/// A new person with both names and a mail address that differs from the user name.
fn person(w: &World, upn: &str, name: &str) -> Uuid {
    let more = [
        ("givenName", "Zoë".to_owned()),
        ("surname", "Quist".to_owned()),
        ("mail", format!("mail.{upn}")),
    ];
    let more: Attributes = more
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    w.control.create_user(name, upn, &more).unwrap()
}

sync_test!(
    whoever_is_out_of_scope_is_asked_for_and_nothing_of_it_is_stored,
    tenant(72, 30),
    |w| {
        let mut w = w;
        let outside = person(&w, "zoe.quist@contoso.example", "Zoë Quist");
        let inside = person(&w, "inside@contoso.example", "Inside Person");
        let groups = two_groups(&w);
        w.control.add_members(groups[0].0, &[inside]).unwrap();
        w.policy.selected_group_ids.clone_from(&groups);
        w.save_policy().await;
        w.run(RunMode::Full).await;

        let before = everything(&w).await;
        assert!(
            !before["source_object"]
                .iter()
                .any(|row| row.contains("Quist"))
        );
        w.control.reset_stats();
        let ways = [
            outside.to_string(),
            "ZOE.quist@contoso.example".to_owned(),
            "mail.zoe.quist@contoso.example".to_owned(),
            "zoë quist".to_owned(),
        ];
        for object in ways {
            let why = explained(&w, &object).await;
            assert_eq!(
                why.object.external_id,
                Some(ExternalId(outside)),
                "{object}"
            );
            assert!(!why.object.kept && why.object.directory_id.is_none());
            assert_eq!(
                step(&why, StepKind::Seen).title,
                "Asked for in Entra ID just now"
            );
            assert_eq!(step(&why, StepKind::Scope).outcome, StepOutcome::Stopped);
            assert_eq!(why.answer, "Not here: in no selected group.");
            assert_eq!(
                (why.next_action, why.reason),
                (None, Some(Reason::OutOfScope))
            );
            let [add] = changes(&why)[..] else {
                panic!("{why:#?}")
            };
            let snapshot = w.control.snapshot();
            for group in &snapshot.groups {
                let named = format!("“{}”", group.display_name.clone().unwrap_or_default());
                let selected = groups.contains(&ExternalId(group.id));
                assert_eq!(add.contains(&named), selected, "{add}");
            }
        }
        assert!(
            w.control
                .request_log()
                .iter()
                .any(|r| r.target.contains("/memberOf"))
        );
        let group = w.control.snapshot().groups.into_iter().find(|group| {
            group.kind == GroupKind::Security && !groups.contains(&ExternalId(group.id))
        });
        let why = explained(&w, group.unwrap().id).await;
        assert_eq!(why.object.object_type, ObjectType::Group);
        assert_eq!(why.answer, "Not here: not a selected group.");
        for unknown in [Uuid::from_u128(3).to_string(), "nobody at all".to_owned()] {
            let answer = ask(&w, &unknown).await;
            assert_eq!(answer.found, WhyFound::Nothing, "{unknown}");
            assert_eq!(answer.asked.len(), 2, "here and there: {answer:?}");
        }
        assert!(everything(&w).await == before, "nothing was stored");

        // What the explanation said would change it does.
        w.control.add_members(groups[1].0, &[outside]).unwrap();
        let why = explained(&w, outside).await;
        assert_eq!(step(&why, StepKind::Scope).outcome, StepOutcome::Passed);
        assert_eq!(why.answer, "Not here yet. The next run would add it.");
        w.run(RunMode::Delta).await;
        w.control.reset_stats();
        let why = explained(&w, "zoe.quist@contoso.example").await;
        assert_eq!(why.answer, "Active, and nothing would change that.");
        assert!(why.object.kept);
        assert!(
            w.control.request_log().is_empty(),
            "what is kept needs no asking"
        );
        let last = step(&why, StepKind::LastChange);
        assert_eq!(last.sentence, "A delta sync added it.");
        assert!(matches!(last.links[0].target, WhyTarget::Run { .. }));
        assert!(changes(&why)[0].starts_with("Take this person out of “"));
    }
);

sync_test!(
    several_that_fit_are_offered_to_choose_from,
    tenant(73, 20),
    |w| {
        let mut w = w;
        let twin = |upn: &str| {
            let none = Attributes::new();
            w.control.create_user("Robin Twin", upn, &none).unwrap()
        };
        let (kept, other) = (
            twin("robin1@contoso.example"),
            twin("robin2@contoso.example"),
        );
        let group = two_groups(&w)[0];
        w.control.add_members(group.0, &[kept]).unwrap();
        w.policy.selected_group_ids = vec![group];
        w.save_policy().await;
        w.run(RunMode::Full).await;
        for asked in ["robin twin", "Robin"] {
            let answer = ask(&w, asked).await;
            assert_eq!(answer.found, WhyFound::Several);
            let ids: Vec<_> = answer
                .candidates
                .iter()
                .map(|one| (one.external_id.unwrap().0, one.kept))
                .collect();
            assert_eq!(ids, [(kept, true), (other, false)], "{asked}");
        }
        assert!(!explained(&w, other).await.object.kept);
        // Where the source can't be asked, what is kept is an answer all the same.
        w.control.expire_secrets();
        w.control.set_app_state(simulator::AppState::Unknown);
        w.t.clock.advance(chrono::Duration::hours(2));
        let answer = ask(&w, "robin twin").await;
        assert_eq!(answer.found, WhyFound::One);
        assert!(answer.asked[1].contains("didn’t answer"), "{answer:?}");
        let owner = w.t.owner().await;
        let refused = why::of_object(&w.t, &owner, w.integration, "robin2@contoso.example").await;
        assert!(matches!(refused, Err(Error::Source(_))), "{refused:?}");
    }
);

sync_test!(
    a_held_change_and_a_failed_one_are_told,
    tenant(74, 40),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        let people: Vec<Uuid> = w
            .actual()
            .await
            .users
            .iter()
            .filter(|(_, user)| user.active)
            .map(|(id, _)| *id)
            .take(5)
            .collect();
        w.policy.guard = Guard {
            user: Limit {
                max_count: Some(2),
                max_percent: 100,
            },
            ..w.policy.guard
        };
        w.save_policy().await;
        for id in &people {
            w.control.hard_delete(*id).unwrap();
        }
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Held);
        let why = explained(&w, people[0]).await;
        assert_eq!(
            why.answer,
            "Active now. The next step is to make it Inactive, and it waits for a decision: gone from Entra ID."
        );
        let pending = step(&why, StepKind::Pending);
        assert_eq!(pending.title, "Held by the guard");
        assert_eq!(pending.links[0].target, WhyTarget::Run { id: run.id });
        assert_eq!(
            step(&why, StepKind::LastChange).sentence,
            "A full sync added it."
        );
        // By a row that stands as if applying it had failed.
        w.execute(
            "UPDATE run_change SET status = 'failed', error = 'No room.' WHERE status = 'held'",
        )
        .await;
        w.execute("UPDATE source_object SET pending = 'failed' WHERE pending IS NOT NULL")
            .await;
        let why = explained(&w, people[1]).await;
        assert_eq!(step(&why, StepKind::LastError).sentence, "No room.");
    }
);

sync_test!(
    who_is_kept_by_decision_is_told_by_whom_and_until_when,
    tenant(78, 40),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        w.policy.guard = Guard::default();
        w.save_policy().await;
        let people: Vec<Uuid> = w.actual().await.users.into_keys().collect();
        for id in &people {
            w.control.delete(*id).unwrap();
        }
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Held);
        let decider = Scope::worker();
        let (user, rejected) = (ObjectType::User, Decision::Rejected);
        let note = "They are on leave";
        sync::decide(&w.t, &decider, run.id, user, rejected, note)
            .await
            .unwrap();
        run_until_idle(&w.t).await.unwrap();

        assert_explained(&w, "after a rejection").await;
        let active = w.actual().await.users;
        let (one, _) = active.iter().find(|(_, user)| user.active).unwrap();
        let why = explained(&w, *one).await;
        assert_eq!(
            why.answer,
            "Active, although deleted in Entra ID, where it can be restored: an operator rejected making it Inactive."
        );
        let kept = step(&why, StepKind::Pending);
        assert_eq!(kept.title, "Kept by decision");
        assert!(
            kept.sentence
                .contains("rejected the change (“They are on leave”)")
        );
        assert_eq!(kept.links[0].target, WhyTarget::Run { id: run.id });
        assert!(changes(&why)[0].starts_with("Take the rejection back"));

        // The source says something else: the rejection has nothing to say any more.
        w.control.restore(*one).unwrap();
        w.run(RunMode::Delta).await;
        assert_eq!(
            explained(&w, *one).await.answer,
            "Active, and nothing would change that."
        );
    }
);

sync_test!(
    a_user_name_that_an_older_integration_keeps_is_told_with_its_holder,
    tenant(75, 20),
    |w| {
        w.run(RunMode::Full).await;
        let mut tx = w.t.db.write().await.unwrap();
        let older = IntegrationId(Uuid::from_u128(1));
        execute!(
            &mut tx,
            "INSERT INTO integration (id, customer_id, kind, name, name_folded, tenant, cloud,
                credential_profile_id, enabled, full_scan_next, first_full_done, schedule, policy,
                state, failures, last_sync_detail, created_at)
             SELECT $1, customer_id, kind, 'Fabrikam', 'fabrikam', 'fabrikam.example', cloud,
                credential_profile_id, enabled, full_scan_next, first_full_done, schedule, policy,
                state, failures, last_sync_detail, created_at FROM integration",
            older
        )
        .unwrap();
        let person = fetch_all!(
            &mut tx,
            (UserId, ExternalId),
            "SELECT id, external_id FROM directory_user WHERE status = 'active' ORDER BY id LIMIT 1"
        )
        .unwrap()
        .remove(0);
        let holder = UserId(w.t.ids.uuid());
        execute!(
            &mut tx,
            "INSERT INTO directory_user (id, customer_id, integration_id, external_id, source_type,
                user_principal_name, user_name_folded, display_name, name_folded, search_text,
                attributes, status, created_at, changed_at)
             SELECT $1, customer_id, $2, external_id, source_type, user_principal_name,
                user_name_folded, 'Old Hand', 'old hand', '', '{}', 'active', created_at,
                changed_at FROM directory_user WHERE id = $3",
            holder,
            older,
            person.0
        )
        .unwrap();
        tx.commit().await.unwrap();
        let why = explained(&w, person.1).await;
        let name = step(&why, StepKind::UserName);
        assert_eq!(name.outcome, StepOutcome::Stopped);
        assert!(name.sentence.starts_with("“Old Hand” from Fabrikam has it"));
        assert_eq!(name.links[0].target, WhyTarget::User { id: holder });
        assert_eq!(why.next_action, Some(Action::Disable));
        assert_eq!(why.reason, Some(Reason::DuplicateUserName));
        let owner = w.t.owner().await;
        let same = why::of_user(&w.t, &owner, person.0).await.unwrap();
        assert_eq!(same, why);
    }
);

sync_test!(
    nested_groups_are_followed_where_they_count,
    tenant(76, 20),
    |w| {
        let mut w = w;
        let make = |name| {
            let none = Attributes::new();
            let made = w.control.create_group(name, GroupKind::Security, &none);
            ExternalId(made.unwrap())
        };
        let (outer, middle, inner) = (make("Outer"), make("Middle"), make("Inner"));
        let person = w.control.snapshot().users[0].id;
        w.control.add_members(outer.0, &[middle.0]).unwrap();
        w.control
            .add_members(middle.0, &[inner.0, outer.0])
            .unwrap();
        w.control.add_members(inner.0, &[person]).unwrap();
        w.policy.selected_group_ids = vec![outer];
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let why = explained(&w, person).await;
        let scope = step(&why, StepKind::Scope);
        assert_eq!(scope.outcome, StepOutcome::Stopped);
        assert!(
            scope
                .sentence
                .contains("Members of groups inside them don’t count")
        );

        w.policy.include_nested = true;
        w.save_policy().await;
        let why = explained(&w, person).await;
        let scope = step(&why, StepKind::Scope);
        assert_eq!(
            scope.outcome,
            StepOutcome::Passed,
            "{scope:?} {:?}",
            w.control
                .request_log()
                .into_iter()
                .rev()
                .take(4)
                .map(|r| (r.status, r.target.chars().take(90).collect::<String>()))
                .collect::<Vec<_>>()
        );
        assert!(
            scope.sentence.starts_with("It is in “Outer” through"),
            "{scope:?}"
        );

        // With the groups between kept, the whole way is told.
        w.execute("UPDATE integration SET full_scan_next = TRUE")
            .await;
        let held = |group: ExternalId, member: Uuid| {
            format!(
                "INSERT INTO source_membership (integration_id, group_external_id, member_type,
                    members)
                 SELECT integration_id, {}, 'group', {} FROM source_membership LIMIT 1",
                literal(&w, group.0),
                bytes(&w, member)
            )
        };
        w.execute(&held(middle, inner.0)).await;
        let why = explained(&w, person).await;
        let scope = step(&why, StepKind::Scope);
        let whole = format!("It is in “Outer” through “{middle}” › “Inner”.");
        assert_eq!(scope.sentence, whole);
        w.control.next("memberOf", Fault::Forbidden);
        let why = explained(&w, person).await;
        assert_eq!(step(&why, StepKind::Scope).outcome, StepOutcome::Unknown);
        assert_eq!(step(&why, StepKind::Result).outcome, StepOutcome::Unknown);
        assert!(why.answer.starts_with("It can’t be told"), "{}", why.answer);
    }
);

/// A list of one id as it stands in a statement.
fn bytes(w: &World, id: Uuid) -> String {
    match &w.t.db {
        crate::Db::Sqlite { .. } => format!("x'{}'", id.simple()),
        crate::Db::Postgres(_) => format!("'\\x{}'::bytea", id.simple()),
    }
}

/// An id as it stands in a statement.
fn literal(w: &World, id: Uuid) -> String {
    match &w.t.db {
        crate::Db::Sqlite { .. } => format!("x'{}'", id.simple()),
        crate::Db::Postgres(_) => format!("'{id}'"),
    }
}

sync_test!(
    strangers_are_told_nothing_and_ask_for_nothing,
    tenant(77, 20),
    |w| {
        w.run(RunMode::Full).await;
        let elsewhere = w.t.customer("Elsewhere").await;
        let stranger = w.t.administrator_of(&[elsewhere]).await;
        let person = w.control.snapshot().users[0].id;
        w.control.reset_stats();
        for object in [person.to_string(), "somebody".to_owned(), "x".to_owned()] {
            let missing = why::of_object(&w.t, &stranger, w.integration, &object).await;
            assert!(matches!(missing, Err(Error::NotFound("integration"))));
        }
        let mut tx = w.t.db.read().await.unwrap();
        let (user,) = fetch_all!(&mut tx, (UserId,), "SELECT id FROM directory_user LIMIT 1")
            .unwrap()
            .remove(0);
        let (group,) = fetch_all!(
            &mut tx,
            (domain::id::GroupId,),
            "SELECT id FROM directory_group LIMIT 1"
        )
        .unwrap()
        .remove(0);
        drop(tx);
        let missing = why::of_user(&w.t, &stranger, user).await;
        assert!(matches!(missing, Err(Error::NotFound("user"))));
        let missing = why::of_group(&w.t, &stranger, group).await;
        assert!(matches!(missing, Err(Error::NotFound("group"))));
        assert!(why::of_group(&w.t, &w.t.owner().await, group).await.is_ok());
        assert!(w.control.request_log().is_empty());
        for wrong in ["", " x ", &"x".repeat(300)] {
            let refused = why::of_object(&w.t, &w.t.owner().await, w.integration, wrong).await;
            assert!(matches!(refused, Err(Error::Invalid(field)) if field.field == "object"));
        }
    }
);

sync_test!(
    a_tenant_that_is_another_customers_is_not_asked,
    tenant(78, 20),
    |w| {
        w.run(RunMode::Full).await;
        let elsewhere: CustomerId = w.t.customer("Elsewhere").await;
        let sly = IntegrationId(w.t.ids.uuid());
        let mut tx = w.t.db.write().await.unwrap();
        execute!(
            &mut tx,
            "INSERT INTO integration (id, customer_id, kind, name, name_folded, tenant, cloud,
                credential_profile_id, enabled, full_scan_next, first_full_done, schedule, policy,
                state, failures, last_sync_detail, created_at)
             SELECT $1, $2, kind, 'Sly', 'sly', tenant, cloud, credential_profile_id, enabled,
                full_scan_next, first_full_done, schedule, policy, state, failures,
                last_sync_detail, created_at FROM integration",
            sly,
            elsewhere
        )
        .unwrap();
        tx.commit().await.unwrap();
        let person = w.control.snapshot().users[0].id.to_string();
        let some = w.t.administrator_of(&[elsewhere]).await;
        w.control.reset_stats();
        let refused = why::of_object(&w.t, &some, sly, &person).await;
        assert!(
            matches!(&refused, Err(Error::Source(error)) if error.code == "tenant_elsewhere"),
            "{refused:?}"
        );
        let asked = w.control.request_log();
        assert!(
            asked
                .iter()
                .all(|request| !request.target.contains("/v1.0/"))
        );
        // Who sees all customers may, and the question alone pins nothing.
        let owner: Scope = w.t.owner().await;
        let answer = why::of_object(&w.t, &owner, sly, &person).await.unwrap();
        assert_eq!(answer.found, WhyFound::One);
        let unpinned = "SELECT COUNT(*) FROM integration WHERE name = 'Sly' AND tenant_id IS NULL";
        assert_eq!(w.count(unpinned).await, 1);
    }
);
