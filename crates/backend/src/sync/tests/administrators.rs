//! Administrators of the workspace by a group of the source.

use std::collections::BTreeSet;

use domain::{
    group::GroupKind,
    id::{ExternalId, UserId},
    made_here::UserChange,
    policy::{ObjectType, Policy},
    run::RunMode,
};
use simulator::Attributes;
use uuid::Uuid;

use super::{
    filtering::{active, people},
    sync_test,
    world::{World, tenant},
};
use crate::{auth::command_line_scope, fetch_all, store::users};

async fn administrators(w: &World) -> BTreeSet<Uuid> {
    let mut tx = w.t.db.read().await.unwrap();
    let rows = fetch_all!(
        &mut tx,
        (Uuid,),
        "SELECT external_id FROM directory_user WHERE administrator_at IS NOT NULL"
    );
    rows.unwrap().into_iter().map(|(id,)| id).collect()
}

async fn user(w: &World, external: Uuid) -> UserId {
    let mut tx = w.t.db.read().await.unwrap();
    let found = fetch_all!(
        &mut tx,
        (UserId,),
        "SELECT id FROM directory_user WHERE external_id = $1",
        ExternalId(external)
    );
    found.unwrap().first().unwrap().0
}

sync_test!(
    members_of_the_chosen_group_are_administrators,
    tenant(927, 40),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        let in_use: Vec<Uuid> = active(&people(&w).await).into_iter().collect();
        let [one, two, by_hand] = [in_use[0], in_use[1], in_use[2]];
        let none = Attributes::new();
        let group = w
            .control
            .create_group("Workspace admins", GROUP, &none)
            .unwrap();
        let inner = w.control.create_group("Deputies", GROUP, &none).unwrap();
        w.control.add_members(group, &[one, inner]).unwrap();
        w.control.add_members(inner, &[two]).unwrap();
        w.run(RunMode::Delta).await;
        let scope = command_line_scope();
        let make = |administrator| UserChange {
            administrator: Some(administrator),
            ..UserChange::default()
        };
        users::change(&w.t, &scope, user(&w, by_hand).await, make(true))
            .await
            .unwrap();
        assert_eq!(administrators(&w).await, [by_hand].into());

        w.policy.administrators_group_id = Some(ExternalId(group));
        w.policy = w.policy.clone().checked().unwrap();
        w.save_policy().await;
        w.run(RunMode::Delta).await;
        assert_eq!(
            administrators(&w).await,
            [one].into(),
            "direct members alone"
        );
        w.policy.include_nested = true;
        w.save_policy().await;
        w.run(RunMode::Delta).await;
        assert_eq!(administrators(&w).await, [one, two].into());
        let whole = users::whole(&w.t, &scope, user(&w, one).await)
            .await
            .unwrap();
        assert_eq!(
            whole.administrator.unwrap().by,
            "the group Workspace admins"
        );
        let decides = whole.administrators_group.unwrap();
        assert_eq!(decides.external_id.0, group);
        let refused = users::change(&w.t, &scope, user(&w, one).await, make(false)).await;
        let words = refused.unwrap_err().to_string();
        assert!(
            words.contains("members of the group Workspace admins"),
            "{words}"
        );

        w.control.remove_members(inner, &[two]).unwrap();
        w.run(RunMode::Delta).await;
        assert_eq!(administrators(&w).await, [one].into());
        // That the group is gone says nothing of people.
        w.control.delete(group).unwrap();
        w.run(RunMode::Delta).await;
        assert_eq!(administrators(&w).await, [one].into());

        w.policy.administrators_group_id = None;
        w.save_policy().await;
        w.run(RunMode::Delta).await;
        assert_eq!(administrators(&w).await, [one].into(), "decided here again");
        users::change(&w.t, &scope, user(&w, one).await, make(false))
            .await
            .unwrap();
        assert_eq!(administrators(&w).await, BTreeSet::new());
    }
);

const GROUP: simulator::GroupKind = simulator::GroupKind::Security;

#[test]
fn only_a_group_whose_members_are_read_can_be_chosen() {
    let group = ExternalId(Uuid::from_u128(1));
    let with = |types: &[ObjectType], selected: &[ExternalId]| {
        let policy = Policy {
            object_types: types.to_vec(),
            selected_group_ids: selected.to_vec(),
            administrators_group_id: Some(group),
            ..Policy::default()
        };
        policy.checked().map(|_| ()).map_err(|error| error.field)
    };
    let refused = Err("policy.administrators_group_id".to_owned());
    assert_eq!(with(&[ObjectType::User], &[]), refused);
    let both = [ObjectType::User, ObjectType::Group];
    assert_eq!(with(&both, &[ExternalId(Uuid::from_u128(2))]), refused);
    assert_eq!(with(&both, &[]), Ok(()));
    assert_eq!(with(&both, &[group]), Ok(()));
    assert_eq!(GroupKind::Security.as_str(), "security");
}
