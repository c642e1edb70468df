//! After any changes, read in full or as changes, with or without selected groups, with or without
//! faults, the directory equals the tenant.

use std::collections::BTreeSet;

use domain::{
    id::ExternalId,
    policy::ObjectType,
    run::{RunMode, RunStatus},
};
use simulator::{Attributes, FarmConfig, FaultPlan, GroupKind, Kind as Member};

use super::{
    sync_test,
    world::{World, line, tenant},
};
use crate::{Scope, store::integrations::selected_groups};

/// Random changes in all, with a delta run after each batch of them.
const CHANGES: usize = 500;
const BATCHES: usize = 10;

async fn follow(w: &mut World, seed: u64, faults: bool) {
    if faults {
        w.control.set_faults(FaultPlan::recoverable(seed, 0.03));
    }
    let first = w.run(RunMode::Full).await;
    assert_eq!(first.status, RunStatus::Succeeded, "{:?}", first.error);
    w.assert_equal("after the first full run").await;
    for batch in 0..BATCHES {
        let number = u64::try_from(batch).unwrap();
        let done = w
            .control
            .random_changes(CHANGES / BATCHES, seed * 1000 + number);
        assert_eq!(done.len(), CHANGES / BATCHES);
        if w.policy.reads(ObjectType::Device) {
            w.control
                .random_changes_of_others(CHANGES / BATCHES / 2, seed * 1000 + number);
        }
        let run = w.run(RunMode::Delta).await;
        assert!(
            matches!(run.status, RunStatus::Succeeded | RunStatus::NothingToDo),
            "{run:#?}"
        );
        w.assert_equal(&format!("after batch {batch}:\n{}", done.join("\n")))
            .await;
    }
    w.control.set_faults(FaultPlan::default());
    for mode in [RunMode::Delta, RunMode::Full] {
        let again = w.run(mode).await;
        assert_eq!(again.status, RunStatus::NothingToDo, "{again:#?}");
    }
    w.assert_equal("after a second look").await;
}

/// Selects five groups that can be in step, with members.
async fn select(w: &mut World) {
    let snapshot = w.control.snapshot();
    let mut ids: Vec<_> = snapshot
        .groups
        .iter()
        .filter(|group| matches!(group.kind, GroupKind::Security | GroupKind::Microsoft365))
        .filter(|group| {
            snapshot
                .memberships
                .iter()
                .any(|edge| edge.group_id == group.id)
        })
        .map(|group| ExternalId(group.id))
        .take(5)
        .collect();
    ids.sort_unstable();
    w.policy.selected_group_ids = ids;
    w.save_policy().await;
}

/// Selects groups that hold others, which then count too.
async fn select_nested(w: &mut World) {
    let snapshot = w.control.snapshot();
    let outer: BTreeSet<_> = snapshot
        .memberships
        .iter()
        .filter(|edge| edge.member_type == Member::Group)
        .map(|edge| ExternalId(edge.group_id))
        .collect();
    w.policy.selected_group_ids = outer.into_iter().take(3).collect();
    w.policy.include_nested = true;
    w.save_policy().await;
}

/// Reads contacts and devices too, of which some are in each of the selected groups.
async fn read_all(w: &mut World) {
    w.policy.object_types = ObjectType::OBJECTS.to_vec();
    w.save_policy().await;
    let snapshot = w.control.snapshot();
    let others = snapshot.contacts.iter().chain(&snapshot.devices);
    let others: Vec<_> = others.map(|object| object.id).collect();
    for group in &w.policy.selected_group_ids {
        w.control.add_members(group.0, &others).unwrap();
    }
}

#[derive(Clone, Copy)]
enum Chosen {
    Nothing,
    Groups,
    Nested,
}

/// Which types are read.
#[derive(Clone, Copy)]
enum Types {
    Usual,
    All,
}

macro_rules! seeds {
    ($($name:ident: $seed:literal, $chosen:ident, $types:ident, faults: $faults:literal;)+) => { $(
        sync_test!($name, tenant($seed, 60), |w| {
            let mut w = w;
            match Chosen::$chosen {
                Chosen::Nothing => {}
                Chosen::Groups => select(&mut w).await,
                Chosen::Nested => select_nested(&mut w).await,
            }
            if matches!(Types::$types, Types::All) {
                read_all(&mut w).await;
            }
            follow(&mut w, $seed, $faults).await;
        });
    )+ };
}

seeds! {
    whole_tenant_1: 1, Nothing, Usual, faults: false;
    whole_tenant_2: 2, Nothing, Usual, faults: false;
    whole_tenant_3: 3, Nothing, Usual, faults: false;
    whole_tenant_with_faults_1: 1, Nothing, Usual, faults: true;
    whole_tenant_with_faults_2: 2, Nothing, Usual, faults: true;
    whole_tenant_with_faults_3: 3, Nothing, Usual, faults: true;
    selected_groups_1: 1, Groups, Usual, faults: false;
    selected_groups_2: 2, Groups, Usual, faults: false;
    selected_groups_3: 3, Groups, Usual, faults: false;
    selected_groups_with_faults_1: 1, Groups, Usual, faults: true;
    selected_groups_with_faults_2: 2, Groups, Usual, faults: true;
    selected_groups_with_faults_3: 3, Groups, Usual, faults: true;
    nested_groups_1: 1, Nested, Usual, faults: false;
    nested_groups_2: 2, Nested, Usual, faults: false;
    nested_groups_3: 3, Nested, Usual, faults: false;
    nested_groups_with_faults_1: 1, Nested, Usual, faults: true;
    nested_groups_with_faults_2: 2, Nested, Usual, faults: true;
    nested_groups_with_faults_3: 3, Nested, Usual, faults: true;
    every_type_1: 1, Nothing, All, faults: false;
    every_type_2: 2, Nothing, All, faults: true;
    every_type_3: 3, Nothing, All, faults: true;
    every_type_of_selected_groups_1: 1, Groups, All, faults: false;
    every_type_of_selected_groups_2: 2, Groups, All, faults: true;
    every_type_of_selected_groups_3: 3, Groups, All, faults: true;
    every_type_of_nested_groups_1: 1, Nested, All, faults: false;
    every_type_of_nested_groups_2: 2, Nested, All, faults: true;
    every_type_of_nested_groups_3: 3, Nested, All, faults: true;
}

sync_test!(
    selected_groups_have_the_names_that_were_read,
    tenant(6, 30),
    |w| {
        let mut w = w;
        select(&mut w).await;
        let names = async |w: &World| -> Vec<Option<String>> {
            let groups = selected_groups(&w.t, &Scope::worker(), w.integration).await;
            groups
                .unwrap()
                .into_iter()
                .map(|g| g.display_name)
                .collect()
        };
        assert_eq!(names(&w).await, [const { None }; 5]);
        w.run(RunMode::Full).await;
        assert!(names(&w).await.iter().all(Option::is_some));
        let renamed = w.policy.selected_group_ids[0];
        w.control.rename(renamed.0, "Renamed since").unwrap();
        w.run(RunMode::Delta).await;
        assert!(names(&w).await.contains(&Some("Renamed since".to_owned())));
    }
);

sync_test!(
    people_come_and_go_with_the_groups_between,
    tenant(12, 40),
    |w| {
        let mut w = w;
        let make = |name| {
            let none = Attributes::new();
            let made = w.control.create_group(name, GroupKind::Security, &none);
            ExternalId(made.unwrap())
        };
        let (outer, middle, inner, other) =
            (make("Outer"), make("Middle"), make("Inner"), make("Other"));
        let people: Vec<_> = w.expected().users.into_keys().take(3).collect();
        let hold = |group: ExternalId, members: &[_]| {
            w.control.add_members(group.0, members).unwrap();
        };
        hold(outer, &[people[0], middle.0]);
        // A cycle.
        hold(middle, &[inner.0, outer.0]);
        hold(inner, &[people[1], middle.0]);
        hold(other, &[people[2]]);
        w.policy.selected_group_ids = vec![outer];
        w.save_policy().await;
        w.run(RunMode::Full).await;
        assert_eq!(w.actual().await.users.len(), 1, "direct members alone");
        w.policy.include_nested = true;
        w.save_policy().await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).created, 1);
        assert_eq!(line(&run, ObjectType::Group).created, 2);
        w.assert_equal("with nested groups").await;
        assert_eq!(w.actual().await.edges.len(), 6, "the cycle is kept too");

        // Nobody of those concerned changes; a group between does.
        w.control.add_members(inner.0, &[other.0]).unwrap();
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).created, 1);
        w.assert_equal("with one group more").await;
        w.control.remove_members(outer.0, &[middle.0]).unwrap();
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).disabled, 2);
        assert_eq!(line(&run, ObjectType::Group).disabled, 3);
        w.assert_equal("without the group between").await;
        // Its members change while nobody looks at it.
        w.control.add_members(inner.0, &[people[0]]).unwrap();
        w.control.remove_members(inner.0, &[people[1]]).unwrap();
        w.run(RunMode::Delta).await;
        w.control.add_members(outer.0, &[middle.0]).unwrap();
        w.run(RunMode::Delta).await;
        w.assert_equal("with the group between again").await;
        w.control.delete(middle.0).unwrap();
        w.run(RunMode::Delta).await;
        w.assert_equal("with the group between deleted").await;
        assert_eq!(w.actual().await.users.len(), 1);
        let quiet = w.run(RunMode::Delta).await;
        assert_eq!(quiet.status, RunStatus::NothingToDo, "{quiet:#?}");
        assert!(quiet.requests <= 4, "{}", quiet.requests);
        w.policy.include_nested = false;
        w.save_policy().await;
        w.run(RunMode::Delta).await;
        w.assert_equal("with direct members alone again").await;
    }
);

sync_test!(counts_are_those_of_the_tenant, tenant(5, 80), |w| {
    let run = w.run(RunMode::Full).await;
    let snapshot = w.control.snapshot();
    let expected = w.expected();
    let size = |n: usize| i64::try_from(n).unwrap();
    let users = line(&run, ObjectType::User);
    assert_eq!(users.total, size(snapshot.users.len()));
    assert_eq!(users.created, size(expected.users.len()));
    assert_eq!(
        users.filtered,
        size(snapshot.users.len() - expected.users.len())
    );
    let groups = line(&run, ObjectType::Group);
    assert_eq!(groups.total, size(snapshot.groups.len()));
    assert_eq!(groups.created, size(expected.groups.len()));
    let edges = line(&run, ObjectType::Membership);
    assert_eq!(edges.created, size(expected.edges.len()));

    let again = w.run(RunMode::Full).await;
    assert_eq!(again.status, RunStatus::NothingToDo);
    assert_eq!(line(&again, ObjectType::User).unchanged, users.created);
    assert_eq!(line(&again, ObjectType::User).filtered, users.filtered);
    assert_eq!(
        line(&again, ObjectType::Membership).unchanged,
        edges.created
    );
});

sync_test!(people_out_of_scope_leave_no_trace, tenant(6, 60), |w| {
    let mut w = w;
    select(&mut w).await;
    w.run(RunMode::Full).await;
    w.control.random_changes(100, 7);
    w.run(RunMode::Delta).await;
    let kept = w
        .count("SELECT COUNT(*) FROM source_object WHERE object_type = 'user'")
        .await;
    let members = w
        .count("SELECT SUM(LENGTH(members)) / 16 FROM source_membership")
        .await;
    assert!(kept < 60 && members <= kept + 40, "{kept} {members}");
    let strangers = "SELECT COUNT(*) FROM source_object s WHERE object_type = 'user'
        AND NOT s.in_scope
        AND NOT EXISTS (SELECT 1 FROM directory_user d WHERE d.external_id = s.external_id)
        AND s.presence = 'present'";
    let known_before = w.count(strangers).await;
    assert!(known_before < 15, "{known_before}");
});

sync_test!(
    a_user_name_that_moves_stays_the_same_person,
    tenant(8, 20),
    |w| {
        w.run(RunMode::Full).await;
        let who = *w.actual().await.users.keys().next().unwrap();
        let id =
            "SELECT COUNT(*) FROM directory_user WHERE user_principal_name = 'moved@x.example'";
        w.control.move_upn(who, "moved@x.example").unwrap();
        let before = w.count("SELECT COUNT(*) FROM directory_user").await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).updated, 1);
        assert_eq!(w.count("SELECT COUNT(*) FROM directory_user").await, before);
        assert_eq!(w.count(id).await, 1);
        w.assert_equal("after the move").await;
    }
);

sync_test!(
    selecting_groups_later_disables_who_is_not_in_them,
    tenant(9, 60),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        let before = w.actual().await.users.len();
        select(&mut w).await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        assert!(w.actual().await.users.len() < before);
        w.assert_equal("with groups selected").await;
        w.policy.selected_group_ids.clear();
        w.save_policy().await;
        w.run(RunMode::Delta).await;
        assert_eq!(w.actual().await.users.len(), before);
        w.assert_equal("with the whole tenant again").await;
    }
);

sync_test!(
    another_policy_is_planned_for_everyone,
    tenant(10, 60),
    |w| {
        let mut w = w;
        let run = w.run(RunMode::Full).await;
        let guests = "SELECT COUNT(*) FROM run_change WHERE reason = 'guest'";
        let number = w.count(guests).await;
        assert!(number > 0 && line(&run, ObjectType::User).filtered >= number);
        w.policy.include_guests = true;
        w.policy.require_names = false;
        w.save_policy().await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).filtered, 0);
        assert!(line(&run, ObjectType::User).created >= number);
        assert_eq!(
            w.actual().await.users.len(),
            w.control.snapshot().users.len()
        );
    }
);

/// A tenant without anything.
fn nothing() -> FarmConfig {
    let mut config = tenant(11, 0);
    let tenant = &mut config.tenants[0];
    (tenant.users, tenant.groups, tenant.memberships) = (0, 0, 0);
    (tenant.deleted_users, tenant.contacts, tenant.devices) = (0, 0, 0);
    config
}

sync_test!(an_empty_tenant_is_nothing_to_do, nothing(), |w| {
    if !w.control.snapshot().users.is_empty() {
        return;
    }
    let run = w.run(RunMode::Full).await;
    assert_eq!(run.status, RunStatus::NothingToDo, "{run:#?}");
});
