//! Contacts and devices go the same way as people and groups.

use std::collections::BTreeMap;

use domain::{
    decision::Decision,
    id::ExternalId,
    integration::People,
    policy::{Guard, Limit, ObjectType, OutOfScope},
    run::{Run, RunMode, RunStatus, RunTrigger},
    user::DirectoryStatus,
    why::{StepKind, StepOutcome, WhyFound},
};
use serde_json::{Value, json};
use simulator::{Attributes, GroupKind, Kind};
use uuid::Uuid;

use super::{
    removing::job,
    sync_test,
    world::{World, line, no_guard, tenant},
};
use crate::{
    Scope,
    auth::command_line_scope,
    db::crash::crash_at,
    fetch_all, fetch_optional,
    jobs::{self, run_until_idle},
    store::integrations,
    sync, why,
};

const OTHERS: [ObjectType; 2] = [ObjectType::Contact, ObjectType::Device];

async fn read_all(w: &mut World) {
    w.policy.object_types = ObjectType::OBJECTS.to_vec();
    w.save_policy().await;
}

/// The first contact and the first device that is enabled.
fn one_of_each(w: &World) -> [Uuid; 2] {
    let snapshot = w.control.snapshot();
    let enabled = json!(true);
    let mut devices = snapshot.devices.iter();
    let device = devices.find(|device| device.attributes["accountEnabled"] == enabled);
    [snapshot.contacts[0].id, device.unwrap().id]
}

fn set(w: &World, id: Uuid, name: &str, value: Value) {
    let attributes = Attributes::from([(name.to_owned(), value)]);
    w.control.update(id, &attributes).unwrap();
}

fn new_group(w: &World, name: &str, members: &[Uuid]) -> ExternalId {
    let made = w
        .control
        .create_group(name, GroupKind::Security, &Attributes::new());
    let id = made.unwrap();
    w.control.add_members(id, members).unwrap();
    ExternalId(id)
}

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct Here {
    id: Uuid,
    status: DirectoryStatus,
    status_reason: Option<String>,
    delete_at: Option<domain::DateTime>,
}

async fn here(w: &World, object_type: ObjectType, external_id: Uuid) -> Here {
    let mut tx = w.t.db.read().await.unwrap();
    let sql = format!(
        "SELECT id, status, status_reason, delete_at FROM directory_{object_type}
          WHERE external_id = $1"
    );
    let sql = sqlx::AssertSqlSafe(sql);
    let found = fetch_optional!(&mut tx, Here, sql, external_id).unwrap();
    found.unwrap_or_else(|| panic!("no {object_type} {external_id}"))
}

async fn rows(w: &World, table: &str) -> i64 {
    w.count(&format!("SELECT COUNT(*) FROM {table}")).await
}

async fn of_type(w: &World, table: &str, column: &str, object_type: ObjectType) -> i64 {
    w.count(&format!(
        "SELECT COUNT(*) FROM {table} WHERE {column} = '{object_type}'"
    ))
    .await
}

sync_test!(they_come_change_and_go, tenant(101, 40), |w| {
    let mut w = w;
    read_all(&mut w).await;
    let first = w.run(RunMode::Full).await;
    let snapshot = w.control.snapshot();
    for (object_type, number) in [
        (ObjectType::Contact, snapshot.contacts.len()),
        (ObjectType::Device, snapshot.devices.len()),
    ] {
        let created = line(&first, object_type).created;
        assert_eq!(created, i64::try_from(number).unwrap());
        assert_eq!(line(&first, object_type).total, created);
        assert!(of_type(&w, "directory_membership", "member_type", object_type).await > 0);
    }
    w.assert_equal("after the first run").await;
    let quiet = w.scheduled().await;
    assert_eq!(quiet.status, RunStatus::NothingToDo, "{quiet:#?}");
    assert_eq!(quiet.requests, 4, "one request an object type");

    let [contact, device] = one_of_each(&w);
    set(&w, contact, "displayName", json!("Renamed"));
    set(&w, device, "operatingSystemVersion", json!("11.1"));
    let run = w.run(RunMode::Delta).await;
    for object_type in OTHERS {
        let counts = line(&run, object_type);
        assert_eq!((counts.updated, counts.total), (1, 1), "{run:#?}");
    }
    let mut tx = w.t.db.read().await.unwrap();
    let changes = fetch_all!(
        &mut tx,
        (ObjectType, String, String),
        "SELECT object_type, before_value, after_value FROM run_change WHERE run_id = $1",
        run.id
    );
    drop(tx);
    let changes: BTreeMap<ObjectType, Value> = changes
        .unwrap()
        .into_iter()
        .map(|(object_type, _, after)| (object_type, serde_json::from_str(&after).unwrap()))
        .collect();
    assert_eq!(
        changes[&ObjectType::Contact],
        json!({"display_name": "Renamed"})
    );
    assert_eq!(
        changes[&ObjectType::Device],
        json!({"operatingSystemVersion": "11.1"})
    );

    // What changes all the time isn't noticed.
    let time = json!("2026-01-01T00:00:00Z");
    set(&w, device, "approximateLastSignInDateTime", time);
    assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::NothingToDo);

    for (gone, soft) in [(false, true), (true, false)] {
        for id in [contact, device] {
            let deleted = if soft {
                w.control.delete_softly(id)
            } else {
                w.control.delete(id)
            };
            deleted.unwrap();
        }
        let run = w.run(RunMode::Delta).await;
        for (object_type, id) in OTHERS.into_iter().zip([contact, device]) {
            assert_eq!(line(&run, object_type).disabled, 1, "{run:#?}");
            let reason = here(&w, object_type, id).await.status_reason;
            let expected = if gone { "gone" } else { "soft_deleted" };
            assert_eq!(reason.as_deref(), Some(expected));
        }
        w.assert_equal("with two deleted").await;
        if soft {
            let before = here(&w, ObjectType::Device, device).await.id;
            w.control.restore(contact).unwrap();
            w.control.restore(device).unwrap();
            let run = w.run(RunMode::Delta).await;
            for object_type in OTHERS {
                assert_eq!(line(&run, object_type).enabled, 1, "{run:#?}");
            }
            assert_eq!(here(&w, ObjectType::Device, device).await.id, before);
            w.assert_equal("with two restored").await;
        }
    }
});

sync_test!(a_disabled_device_is_inactive, tenant(102, 40), |w| {
    let mut w = w;
    read_all(&mut w).await;
    let disabled = Attributes::from([
        ("deviceId".to_owned(), json!("d-1")),
        ("accountEnabled".to_owned(), json!(false)),
    ]);
    let made = w.control.create_object(Kind::Device, &disabled).unwrap();
    let [_, device] = one_of_each(&w);
    w.run(RunMode::Full).await;
    let created = here(&w, ObjectType::Device, made).await;
    assert_eq!(created.status, DirectoryStatus::Inactive);
    assert_eq!(created.status_reason.as_deref(), Some("sign_in_blocked"));

    w.control.set_enabled(device, false).unwrap();
    let run = w.run(RunMode::Delta).await;
    let counts = line(&run, ObjectType::Device);
    assert_eq!((counts.disabled, counts.blocked), (1, 1), "{run:#?}");
    let id = here(&w, ObjectType::Device, device).await.id;
    let asker = Scope::worker();
    let why = why::of_device(&w.t, &asker, id).await.unwrap();
    assert_eq!(
        why.answer, "Inactive: the device is disabled in Entra ID.",
        "{why:#?}"
    );
    w.control.set_enabled(device, true).unwrap();
    let run = w.run(RunMode::Delta).await;
    assert_eq!(line(&run, ObjectType::Device).enabled, 1, "{run:#?}");

    w.policy.blocked_sign_in_disables = false;
    w.save_policy().await;
    let run = w.run(RunMode::Delta).await;
    assert!(line(&run, ObjectType::Device).enabled > 1, "{run:#?}");
    w.assert_equal("where a blocked sign-in doesn’t count")
        .await;
});

sync_test!(a_missing_permission_reads_nothing, tenant(103, 20), |w| {
    let mut w = w;
    read_all(&mut w).await;
    for role in ["OrgContact.Read.All", "Device.Read.All"] {
        let roles = w.control.roles();
        w.control.revoke_role(role);
        w.control.reset_stats();
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Failed);
        let error = run.error.unwrap();
        assert_eq!(error.code, "permission_missing");
        assert!(error.title.contains(role), "{error:?}");
        let asked = w.control.stats().requests;
        assert!(
            asked.keys().all(|what| !what.contains("delta")),
            "{asked:?}"
        );
        assert_eq!(rows(&w, "source_object").await, 0);
        w.control.set_roles(roles);
        // The token that was given out has the roles that there were.
        w.t.clock.advance(chrono::Duration::hours(2));
    }
});

sync_test!(nothing_is_kept_of_what_isn_t_read, tenant(104, 40), |w| {
    let mut w = w;
    let first = w.run(RunMode::Full).await;
    for object_type in OTHERS {
        assert!(first.counts.iter().all(|c| c.object_type != object_type));
        assert_eq!(
            of_type(&w, "source_object", "object_type", object_type).await,
            0
        );
        let members = of_type(&w, "source_membership", "member_type", object_type).await;
        assert_eq!(members, 0);
    }
    read_all(&mut w).await;
    let run = w.run(RunMode::Delta).await;
    for object_type in OTHERS {
        assert!(line(&run, object_type).created > 3, "{run:#?}");
    }
    assert_eq!(line(&run, ObjectType::User).updated, 0);
    w.assert_equal("with every type").await;

    // Read no more, they leave as out of scope: over the guard's limit, so held.
    w.policy.object_types = vec![ObjectType::User, ObjectType::Group, ObjectType::Device];
    w.policy.guard = Guard::default();
    w.save_policy().await;
    let held = w.run(RunMode::Delta).await;
    assert_eq!(held.status, RunStatus::Held, "{held:#?}");
    let contacts = line(&held, ObjectType::Contact);
    assert_eq!(
        (contacts.held, contacts.total),
        (contacts.total, rows(&w, "directory_contact").await)
    );
    assert!(
        line(&held, ObjectType::Membership).held > 0,
        "with their contacts"
    );
    let active = "SELECT COUNT(*) FROM directory_contact WHERE status = 'active'";
    assert!(w.count(active).await > 3);
    decide(&w, &held, ObjectType::Contact, Decision::Approved).await;
    assert_eq!(w.count(active).await, 0);
    let reasons = "SELECT COUNT(*) FROM directory_contact WHERE status_reason <> 'out_of_scope'";
    assert_eq!(w.count(reasons).await, 0);
    w.assert_equal("without contacts").await;
    let again = w.run(RunMode::Delta).await;
    assert_eq!(again.status, RunStatus::NothingToDo, "{again:#?}");
    assert!(
        again
            .counts
            .iter()
            .all(|c| c.object_type != ObjectType::Contact)
    );
    read_all(&mut w).await;
    let run = w.run(RunMode::Delta).await;
    assert_eq!(line(&run, ObjectType::Contact).enabled, contacts.total);
    w.assert_equal("with contacts again").await;
});

async fn decide(w: &World, run: &Run, object_type: ObjectType, decision: Decision) {
    let scope = Scope::worker();
    sync::decide(&w.t, &scope, run.id, object_type, decision, "T-1")
        .await
        .unwrap();
    run_until_idle(&w.t).await.unwrap();
}

sync_test!(
    with_selected_groups_their_members_alone_are_kept,
    tenant(105, 60),
    |w| {
        let mut w = w;
        let snapshot = w.control.snapshot();
        let [contact, device] = one_of_each(&w);
        let stranger = snapshot.devices.iter().find(|d| d.id != device).unwrap().id;
        let inner = new_group(&w, "Inner", &[contact]);
        let outer = new_group(&w, "Outer", &[device, inner.0]);
        w.policy.selected_group_ids = vec![outer];
        read_all(&mut w).await;
        w.run(RunMode::Full).await;
        w.assert_equal("direct members alone").await;
        let kept = "SELECT COUNT(*) FROM source_object WHERE object_type IN ('contact', 'device')";
        assert_eq!(w.count(kept).await, 1);
        w.policy.include_nested = true;
        w.save_policy().await;
        w.run(RunMode::Delta).await;
        w.assert_equal("with the group inside").await;
        assert_eq!(w.count(kept).await, 2);

        // Strangers change, and nobody looks.
        set(&w, stranger, "displayName", json!("Stranger"));
        let quiet = w.run(RunMode::Delta).await;
        assert_eq!(quiet.status, RunStatus::NothingToDo, "{quiet:#?}");
        assert_eq!(quiet.requests, 5, "two levels of groups, three other types");
        assert_eq!(w.count(kept).await, 2);

        let other = snapshot.contacts[1].id;
        w.control.add_members(outer.0, &[stranger, other]).unwrap();
        w.control.remove_members(outer.0, &[device]).unwrap();
        let run = w.run(RunMode::Delta).await;
        let devices = line(&run, ObjectType::Device);
        assert_eq!((devices.created, devices.disabled), (1, 1), "{run:#?}");
        assert_eq!(line(&run, ObjectType::Contact).created, 1);
        let left = here(&w, ObjectType::Device, device).await;
        assert_eq!(left.status_reason.as_deref(), Some("out_of_scope"));
        w.assert_equal("after some came and one left").await;
        w.control.add_members(inner.0, &[device]).unwrap();
        w.run(RunMode::Delta).await;
        assert_eq!(here(&w, ObjectType::Device, device).await.id, left.id);
        w.assert_equal("after one came back").await;
        w.control.delete(other).unwrap();
        w.run(RunMode::Delta).await;
        w.assert_equal("after one was deleted").await;
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
    }
);

sync_test!(
    the_guard_holds_and_a_rejection_keeps,
    tenant(106, 60),
    |w| {
        let mut w = w;
        let limit = Limit {
            max_count: Some(1),
            max_percent: 100,
        };
        w.policy.guard = Guard {
            contact: limit,
            device: limit,
            ..no_guard()
        };
        read_all(&mut w).await;
        w.run(RunMode::Full).await;
        let snapshot = w.control.snapshot();
        let objects = snapshot
            .contacts
            .iter()
            .take(2)
            .chain(snapshot.devices.iter().take(2));
        for object in objects {
            w.control.delete(object.id).unwrap();
        }
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        for object_type in OTHERS {
            assert_eq!(line(&run, object_type).held, 2);
        }
        decide(&w, &run, ObjectType::Contact, Decision::Rejected).await;
        decide(&w, &run, ObjectType::Device, Decision::Approved).await;
        let [contact, device] = [snapshot.contacts[0].id, snapshot.devices[0].id];
        let kept = here(&w, ObjectType::Contact, contact).await;
        assert_eq!(kept.status, DirectoryStatus::Active);
        let gone = here(&w, ObjectType::Device, device).await;
        assert_eq!(gone.status, DirectoryStatus::Inactive);
        for mode in [RunMode::Delta, RunMode::Full] {
            assert_eq!(w.run(mode).await.status, RunStatus::NothingToDo);
        }
        let asker = Scope::worker();
        let why = why::of_contact(&w.t, &asker, kept.id).await.unwrap();
        assert!(
            why.answer.contains("an operator rejected"),
            "{}",
            why.answer
        );
        let step = why.steps.iter().find(|s| s.step == StepKind::LastChange);
        assert!(step.is_some(), "{why:#?}");
        sync::withdraw(&w.t, &asker, run.id, ObjectType::Contact)
            .await
            .unwrap();
        w.policy.guard = no_guard();
        w.save_policy().await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::Contact).disabled, 2, "{run:#?}");
        w.assert_equal("with the rejection taken back").await;
    }
);

sync_test!(an_empty_answer_is_held, tenant(107, 20), |w| {
    let mut w = w;
    read_all(&mut w).await;
    w.run(RunMode::Full).await;
    w.control
        .next("/devices/delta", simulator::Fault::EmptyAnswer);
    let run = w.run(RunMode::Full).await;
    assert_eq!(run.status, RunStatus::Held, "{run:#?}");
    assert!(line(&run, ObjectType::Device).held > 0);
    assert_eq!(line(&run, ObjectType::Contact).held, 0);
    w.assert_equal("after an empty answer").await;
    assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::NothingToDo);
});

sync_test!(
    they_are_counted_down_deleted_and_come_back,
    tenant(108, 40),
    |w| {
        let mut w = w;
        w.policy.out_of_scope = OutOfScope::Delete;
        w.policy.delete_after_days = 3;
        read_all(&mut w).await;
        let two = one_of_each(&w);
        w.run(RunMode::Full).await;
        let before = here(&w, ObjectType::Device, two[1]).await.id;
        let spared = w.control.snapshot().contacts[1].id;
        for id in [two[0], two[1], spared] {
            w.control.delete_softly(id).unwrap();
        }
        w.run(RunMode::Delta).await;
        for (object_type, id) in OTHERS.into_iter().zip(two) {
            let counted = here(&w, object_type, id).await;
            assert!(counted.delete_at > Some(w.t.clock.now()), "{counted:?}");
        }
        cancel_countdown(&w, spared).await;
        w.t.clock.advance(chrono::Duration::days(3));
        let run = w.scheduled().await;
        for object_type in OTHERS {
            assert_eq!(line(&run, object_type).deleted, 1, "{run:#?}");
        }
        let still = here(&w, ObjectType::Contact, spared).await;
        assert_eq!(still.status, DirectoryStatus::Inactive);
        let why = why::of_contact(&w.t, &Scope::worker(), still.id)
            .await
            .unwrap();
        assert!(
            why.answer.ends_with("Its deletion was cancelled."),
            "{}",
            why.answer
        );
        for id in two {
            w.control.restore(id).unwrap();
        }
        let run = w.run(RunMode::Delta).await;
        for object_type in OTHERS {
            let counts = line(&run, object_type);
            assert_eq!((counts.restored, counts.created), (1, 0), "{run:#?}");
        }
        assert_eq!(here(&w, ObjectType::Device, two[1]).await.id, before);
        w.control.restore(spared).unwrap();
        w.run(RunMode::Delta).await;
        w.assert_equal("with everything back").await;
    }
);

async fn cancel_countdown(w: &World, contact: Uuid) {
    let id = here(w, ObjectType::Contact, contact).await.id;
    let mut tx = w.t.db.write().await.unwrap();
    crate::execute!(
        &mut tx,
        "UPDATE directory_contact SET delete_at = NULL, countdown_cancelled_at = created_at,
            countdown_cancelled_by = 'Mina', countdown_cancelled_note = 'T-7' WHERE id = $1",
        id
    )
    .unwrap();
    tx.commit().await.unwrap();
}

sync_test!(a_preview_is_what_is_applied, tenant(109, 40), |w| {
    let mut w = w;
    w.run(RunMode::Full).await;
    let mut policy = w.policy.clone();
    policy.object_types = ObjectType::OBJECTS.to_vec();
    let scope = Scope::worker();
    let asked = Some(policy.clone());
    let shown = sync::preview(&w.t, &scope, w.integration, asked, RunTrigger::Operator);
    let shown = shown.await.unwrap().id;
    run_until_idle(&w.t).await.unwrap();
    let shown = w.ended(shown).await;
    for object_type in OTHERS {
        assert!(line(&shown, object_type).created > 0, "{shown:#?}");
        assert_eq!(rows(&w, &format!("directory_{object_type}")).await, 0);
    }
    sync::apply_preview(&w.t, &scope, shown.id).await.unwrap();
    run_until_idle(&w.t).await.unwrap();
    let applied = w.ended(shown.id).await;
    w.policy = policy;
    w.assert_equal("after the preview was applied").await;
    for object_type in OTHERS {
        let created = line(&shown, object_type).created;
        assert_eq!(line(&applied, object_type).created, created);
    }
    assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::NothingToDo);
});

sync_test!(a_worker_may_die_at_any_commit, tenant(110, 20), |w| {
    const MOMENTS_MAX: usize = 500;
    let mut w = w;
    read_all(&mut w).await;
    w.run(RunMode::Full).await;
    for moment in 0..MOMENTS_MAX {
        let seed = u64::try_from(moment).unwrap();
        w.control.random_changes(6, seed);
        w.control.random_changes_of_others(10, seed);
        w.start(RunMode::Delta).await;
        let done = crash_at(moment, run_until_idle(&w.t)).await;
        w.recover().await;
        w.assert_equal(&format!("after a crash at moment {moment}"))
            .await;
        let again = w.run(RunMode::Delta).await;
        assert_eq!(again.status, RunStatus::NothingToDo, "{again:#?}");
        if done.is_some() {
            assert!(moment > 8, "{moment}");
            return;
        }
    }
    panic!("no run came to its end");
});

async fn removed(w: World, people: People) -> World {
    let mut w = w;
    read_all(&mut w).await;
    w.run(RunMode::Full).await;
    let owner = command_line_scope();
    integrations::delete(&w.t, &owner, w.integration, people)
        .await
        .unwrap();
    w
}

sync_test!(
    an_integration_goes_and_they_stay_by_hand,
    tenant(111, 20),
    |w| {
        let w = Box::pin(removed(w, People::Keep)).await;
        for object_type in OTHERS {
            let table = format!("directory_{object_type}");
            let all = rows(&w, &table).await;
            assert!(all > 0);
            let manual = format!(
                "SELECT COUNT(*) FROM {table} WHERE source_type = 'Manual' AND integration_id IS NULL"
            );
            assert_eq!(w.count(&manual).await, all);
        }
        let mut tx = w.t.db.read().await.unwrap();
        let device = fetch_optional!(&mut tx, (Uuid,), "SELECT id FROM directory_device LIMIT 1");
        drop(tx);
        let device = device.unwrap().unwrap().0;
        let why = why::of_device(&w.t, &Scope::worker(), device)
            .await
            .unwrap();
        assert!(
            why.answer.ends_with("no source decides about it."),
            "{}",
            why.answer
        );
        assert_eq!(why.object.object_type, ObjectType::Device);
    }
);

sync_test!(
    an_integration_goes_and_they_are_deactivated,
    tenant(112, 20),
    |w| {
        let w = Box::pin(removed(w, People::Deactivate)).await;
        for object_type in OTHERS {
            let active = format!(
                "SELECT COUNT(*) FROM directory_{object_type}
              WHERE status <> 'inactive' OR delete_at IS NOT NULL OR integration_id IS NOT NULL"
            );
            assert_eq!(w.count(&active).await, 0);
        }
    }
);

sync_test!(
    an_integration_goes_and_they_are_deleted_later,
    tenant(113, 20),
    |w| {
        let w = Box::pin(removed(w, People::Delete)).await;
        w.t.clock.advance(integrations::DELETE_AFTER);
        job(&w, jobs::Kind::PurgePeople).await;
        for object_type in OTHERS {
            let table = format!("directory_{object_type}");
            let deleted = format!("SELECT COUNT(*) FROM {table} WHERE status = 'deleted'");
            assert_eq!(w.count(&deleted).await, rows(&w, &table).await);
        }
    }
);

sync_test!(
    what_isn_t_kept_is_asked_for_in_the_source,
    tenant(114, 40),
    |w| {
        let mut w = w;
        let [contact, device] = one_of_each(&w);
        let asker = Scope::worker();
        let ask = async |w: &World, object: String| {
            why::of_object(&w.t, &asker, w.integration, &object)
                .await
                .unwrap()
        };
        // Where the policy doesn't read them, nobody asks for them.
        w.run(RunMode::Full).await;
        let answer = ask(&w, device.to_string()).await;
        assert_eq!(answer.found, WhyFound::Nothing, "{answer:#?}");
        let group = new_group(&w, "Chosen", &[contact]);
        w.policy.selected_group_ids = vec![group];
        w.policy.include_nested = true;
        read_all(&mut w).await;
        let mail = w.control.snapshot().contacts[0].attributes["mail"].clone();
        let by_mail = ask(&w, mail.as_str().unwrap().to_owned()).await;
        for (answer, passed) in [
            (ask(&w, contact.to_string()).await, true),
            (by_mail, true),
            (ask(&w, device.to_string()).await, false),
        ] {
            let why = answer
                .why
                .unwrap_or_else(|| panic!("{:#?}", answer.candidates));
            assert!(!why.object.kept);
            let scope = why
                .steps
                .iter()
                .find(|s| s.step == StepKind::Scope)
                .unwrap();
            assert_eq!(scope.outcome == StepOutcome::Passed, passed, "{why:#?}");
        }
        w.run(RunMode::Delta).await;
        let why = ask(&w, contact.to_string()).await.why.unwrap();
        assert!(why.object.kept && why.object.directory_id.is_some());
        assert_eq!(why.object.status, Some(DirectoryStatus::Active));
    }
);
