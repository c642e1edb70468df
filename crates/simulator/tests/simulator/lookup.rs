//! Single objects, several by id, members, what a missing role hides.

use serde_json::{Value, json};
use simulator::{Attributes, GroupKind, Kind};

use crate::client::{Client, ids};

#[tokio::test]
async fn people_are_found_by_id_and_by_name() {
    let client = Client::with_users(40).await;
    let truth = client.control.snapshot();
    let guest = truth
        .users
        .iter()
        .find(|user| user.user_type.as_deref() == Some("Guest"))
        .unwrap();
    let upn = guest
        .user_principal_name
        .clone()
        .unwrap()
        .replace('#', "%23");
    for name in [guest.id.to_string(), upn] {
        let answer = client.get(&format!("/v1.0/users/{name}")).await;
        assert_eq!(answer.json["id"], guest.id.to_string(), "{}", answer.text);
    }
    let answer = client
        .get("/v1.0/users/00000000-0000-4000-8000-000000000000")
        .await;
    assert_eq!(answer.refusal(), (404, "Request_ResourceNotFound"));
    let answer = client.get("/v1.0/groups/nonsense").await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    assert_eq!(answer.message(), "Invalid object identifier 'nonsense'.");
    let answer = client
        .call(reqwest::Method::DELETE, "/v1.0/users", &[], None)
        .await;
    assert_eq!(answer.refusal(), (405, "Request_BadRequest"));
}

#[tokio::test]
async fn several_are_read_by_their_ids_and_missing_ones_left_out() {
    let client = Client::with_users(40).await;
    let truth = client.control.snapshot();
    let (user, group) = (truth.users[0].id, truth.groups[0].id);
    let body = json!({"ids": [user, group, uuid::Uuid::nil()]});
    let answer = client
        .post(
            "/v1.0/directoryObjects/getByIds?$select=id,displayName",
            &body,
        )
        .await;
    assert_eq!(ids(answer.value()), [user.to_string(), group.to_string()]);
    assert_eq!(answer.value()[0]["@odata.type"], "#microsoft.graph.user");
    let only_groups = json!({"ids": [user, group], "types": ["group"]});
    let answer = client
        .post("/v1.0/directoryObjects/getByIds", &only_groups)
        .await;
    assert_eq!(ids(answer.value()), [group.to_string()]);
    let many = json!({"ids": vec![user; 1001]});
    let answer = client.post("/v1.0/directoryObjects/getByIds", &many).await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    let answer = client
        .post("/v1.0/directoryObjects/getByIds", &json!({"ids": 1}))
        .await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
}

#[tokio::test]
async fn the_extensions_of_a_tenant_are_told_to_who_may_read_its_directory() {
    let mut client = Client::with_users(12).await;
    let path = "/v1.0/directoryObjects/getAvailableExtensionProperties";
    let answer = client.post(path, &json!({})).await;
    assert_eq!(answer.refusal(), (403, "Authorization_RequestDenied"));
    client.control.set_roles(["Directory.Read.All"]);
    client.sign_in().await;
    for (asked, number) in [
        (json!({}), 2),
        (json!({"isSyncedFromOnPremises": true}), 1),
        (json!({"isSyncedFromOnPremises": false}), 1),
    ] {
        let answer = client.post(path, &asked).await;
        assert_eq!(answer.value().len(), number, "{}", answer.text);
        for defined in answer.value() {
            // Somebody of the tenant has a value of it.
            let name = defined["name"].as_str().unwrap();
            let (users, _) = client.all(&format!("/v1.0/users?$select=id,{name}")).await;
            assert!(users.iter().any(|user| user[name].is_string()), "{name}");
        }
    }
}

#[tokio::test]
async fn members_are_direct_and_transitive_ones_safe_against_cycles() {
    let client = Client::with_users(6).await;
    let control = &client.control;
    let group = |name| {
        control
            .create_group(name, GroupKind::Security, &Attributes::new())
            .unwrap()
    };
    let (one, two, three) = (group("one"), group("two"), group("three"));
    let people: Vec<uuid::Uuid> = control
        .snapshot()
        .users
        .iter()
        .map(|user| user.id)
        .collect();
    control.add_members(one, &[two, people[0]]).unwrap();
    control.add_members(two, &[three, people[1]]).unwrap();
    control
        .add_members(three, &[one, people[0], people[2]])
        .unwrap();
    let found = async |path: String| {
        let mut found = ids(client.all(&path).await.0.as_slice());
        found.sort_unstable();
        found
    };
    let sorted = |ids: &[uuid::Uuid]| {
        let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        ids.sort_unstable();
        ids
    };
    let direct = found(format!("/v1.0/groups/{one}/members")).await;
    assert_eq!(direct, sorted(&[two, people[0]]));
    let all = found(format!("/v1.0/groups/{one}/transitiveMembers?$top=2")).await;
    assert_eq!(all, sorted(&[two, three, people[0], people[1], people[2]]));
    let above = found(format!("/v1.0/users/{}/transitiveMemberOf", people[1])).await;
    assert_eq!(
        above[..]
            .iter()
            .filter(|id| [one, two, three].map(|g| g.to_string()).contains(id))
            .count(),
        3
    );
    let cast = format!("/v1.0/groups/{one}/transitiveMembers/microsoft.graph.user");
    assert_eq!(
        client.get(&cast).await.refusal(),
        (400, "Request_UnsupportedQuery")
    );
    let answer = client.eventual(&format!("{cast}?$count=true")).await;
    assert_eq!(answer.value().len(), 3);
    let answer = client
        .eventual(&format!("/v1.0/groups/{one}/members/$count"))
        .await;
    assert_eq!(answer.text, "2");
}

#[tokio::test]
async fn memberships_of_named_groups_are_checked_through_nested_ones() {
    let mut client = Client::with_users(6).await;
    let control = client.control.clone();
    let group = |name| {
        control
            .create_group(name, GroupKind::Security, &Attributes::new())
            .unwrap()
    };
    let (outer, inner, other) = (group("outer"), group("inner"), group("other"));
    let person = &control.snapshot().users[0];
    let upn = person
        .user_principal_name
        .clone()
        .unwrap()
        .replace('#', "%23");
    control.add_members(outer, &[inner]).unwrap();
    control.add_members(inner, &[person.id]).unwrap();
    let asked = json!({"groupIds": [other, outer, inner, uuid::Uuid::nil(), person.id]});
    for name in [person.id.to_string(), upn] {
        let path = format!("/v1.0/users/{name}/checkMemberGroups");
        let answer = client.post(&path, &asked).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["value"], json!([outer, inner]));
        assert_eq!(answer.header("x-ms-resource-unit"), Some("4"));
    }
    let path = format!("/v1.0/users/{}/checkMemberGroups", person.id);
    let of_group = format!("/v1.0/groups/{inner}/microsoft.graph.checkMemberGroups");
    let answer = client.post(&of_group, &asked).await;
    assert_eq!(answer.json["value"], json!([outer]));

    let many = json!({"groupIds": vec![outer; 21]});
    let answer = client.post(&path, &many).await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    let answer = client.post(&path, &json!({"groupIds": ["x"]})).await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    assert_eq!(client.get(&path).await.refusal().0, 405);
    let nobody = format!("/v1.0/users/{}/checkMemberGroups", uuid::Uuid::nil());
    let answer = client.post(&nobody, &asked).await;
    assert_eq!(answer.refusal(), (404, "Request_ResourceNotFound"));

    // Both are needed: to read the person, and to read memberships.
    for role in ["User.Read.All", "GroupMember.Read.All"] {
        client.control.set_roles([role]);
        client.sign_in().await;
        let answer = client.post(&path, &asked).await;
        assert_eq!(answer.refusal(), (403, "Authorization_RequestDenied"));
    }
}

#[tokio::test]
async fn without_the_role_for_a_type_only_type_and_id_are_shown() {
    let mut client = Client::with_users(40).await;
    client.control.set_roles(["GroupMember.Read.All"]);
    client.sign_in().await;
    let truth = client.control.snapshot();
    let large = truth
        .groups
        .iter()
        .find(|g| g.display_name.as_deref() == Some("All employees"));
    let path = format!(
        "/v1.0/groups/{}/members?$select=id,displayName,mail",
        large.unwrap().id
    );
    let answer = client.get(&path).await;
    for member in answer.value() {
        assert_eq!(member["displayName"], Value::Null);
        assert!(member["id"].is_string() && member["@odata.type"].is_string());
    }
    assert_eq!(
        client.get("/v1.0/users").await.refusal(),
        (403, "Authorization_RequestDenied")
    );
    assert_eq!(client.get("/v1.0/groups").await.status, 200);
}

#[tokio::test]
async fn hidden_memberships_need_a_role_of_their_own() {
    let mut client = Client::with_users(10).await;
    let hidden = Attributes::from([("visibility".to_owned(), json!("HiddenMembership"))]);
    let group = client
        .control
        .create_group("secret", GroupKind::Microsoft365, &hidden)
        .unwrap();
    let person = client.control.snapshot().users[0].id;
    client.control.add_members(group, &[person]).unwrap();
    let path = format!("/v1.0/groups/{group}/members");
    assert!(client.get(&path).await.value().is_empty());
    let mut roles = client.control.roles();
    roles.push("Member.Read.Hidden".to_owned());
    client.control.set_roles(roles);
    client.sign_in().await;
    assert_eq!(client.get(&path).await.value().len(), 1);
}

#[tokio::test]
async fn every_kind_is_there_and_the_bin_is_listed() {
    let client = Client::with_users(60).await;
    let truth = client.control.snapshot();
    for kind in [
        GroupKind::Security,
        GroupKind::Microsoft365,
        GroupKind::MailEnabledSecurity,
        GroupKind::Distribution,
    ] {
        assert!(
            truth.groups.iter().any(|group| group.kind == kind),
            "{kind:?}"
        );
    }
    assert!(truth.groups.iter().any(|group| group.dynamic));
    let kinds = [
        Kind::User,
        Kind::Group,
        Kind::Contact,
        Kind::Device,
        Kind::ServicePrincipal,
    ];
    for kind in kinds {
        assert!(
            truth
                .memberships
                .iter()
                .any(|edge| edge.member_type == kind),
            "{kind:?}"
        );
    }
    let bin = client
        .get("/v1.0/directory/deletedItems/microsoft.graph.user")
        .await;
    assert_eq!(bin.value().len(), truth.deleted_users.len());
    let id = bin.value()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1.0/directory/deletedItems/{id}");
    let one = client.get(&path).await;
    assert_eq!(one.json["@odata.type"], "#microsoft.graph.user");
    let alive = truth.users[0].id;
    let path = format!("/v1.0/directory/deletedItems/{alive}");
    assert_eq!(client.get(&path).await.status, 404);
    let organization = client
        .get("/v1.0/organization?$select=id,displayName")
        .await;
    assert_eq!(
        organization.value()[0],
        json!({"id": client.tenant.tenant_id, "displayName": client.tenant.display_name})
    );
}
