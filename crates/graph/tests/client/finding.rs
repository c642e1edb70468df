//! One object at a time, and the groups that hold it.

use graph::{GroupItem, Resource, UserItem};
use serde_json::{Value, json as value};
use uuid::Uuid;

use crate::stub::{Stub, json, status};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn nobody() -> crate::stub::Reply {
    status(404, "Request_ResourceNotFound", "Resource does not exist.")
}

#[tokio::test]
async fn a_user_is_found_by_id_or_by_name_and_may_be_nobody() {
    let stub = Stub::start().await;
    let ada = value!({"id": id(1), "displayName": "Ada", "accountEnabled": true});
    stub.then(json(ada)).then(nobody()).then(nobody());
    let client = stub.client();
    let name = "ada_x.y#EXT#@contoso.example";
    let found = client.user(name).await.unwrap().unwrap();
    assert_eq!(found.display_name.as_deref(), Some("Ada"));
    assert!(client.user("../groups").await.unwrap().is_none());
    assert!(client.group(id(2)).await.unwrap().is_none());
    let seen = stub.graph_seen();
    assert_eq!(
        seen[0].path,
        "/v1.0/users/ada_x.y%23EXT%23%40contoso.example"
    );
    assert!(seen[0].param("$select").contains("accountEnabled"));
    assert_eq!(seen[0].header("x-ms-throttle-priority"), "High");
    assert_eq!(seen[1].path, "/v1.0/users/..%2Fgroups");
    assert_eq!(seen[2].path, format!("/v1.0/groups/{}", id(2)));
}

#[tokio::test]
async fn a_missing_permission_is_not_taken_for_nobody() {
    let stub = Stub::start().await;
    stub.then(status(403, "Authorization_RequestDenied", "Insufficient."));
    let error = stub.client().user("ada@contoso.example").await.unwrap_err();
    assert_eq!(error.code(), "permission_missing");
}

#[tokio::test]
async fn only_graphs_own_word_says_that_there_is_nobody() {
    let stub = Stub::start().await;
    for other in [
        status(404, "", "Not here."),
        status(404, "itemNotFound", ""),
    ] {
        stub.then(other);
        let error = stub.client().user("ada@contoso.example").await;
        assert_eq!(error.unwrap_err().code(), "not_found");
    }
}

#[tokio::test]
async fn deleted_is_told_from_gone() {
    let stub = Stub::start().await;
    stub.then(json(
        value!({"@odata.type": "#microsoft.graph.user", "id": id(1)}),
    ))
    .then(nobody())
    .then(status(403, "Authorization_RequestDenied", "Insufficient."))
    .then(status(404, "", "Not here."));
    let client = stub.client();
    assert!(client.is_deleted_user(id(1)).await.unwrap());
    assert!(!client.is_deleted_user(id(2)).await.unwrap());
    for code in ["permission_missing", "not_found"] {
        let error = client.is_deleted_user(id(3)).await.unwrap_err();
        assert_eq!(error.code(), code);
    }
    let path = format!("/v1.0/directory/deletedItems/{}", id(1));
    assert_eq!(stub.graph_seen()[0].path, path);
}

#[tokio::test]
async fn addresses_and_names_are_quoted() {
    let stub = Stub::start().await;
    let empty = || json(value!({"value": []}));
    stub.then(empty()).then(empty()).then(empty());
    let client = stub.client();
    let users: Vec<UserItem> = client.with_address(" o'n@x.y ", 9).await.unwrap();
    assert!(users.is_empty());
    let groups: Vec<GroupItem> = client.named("say \"O'N\"", 9).await.unwrap();
    assert!(groups.is_empty());
    let seen = stub.graph_seen();
    assert_eq!(
        seen[0].param("$filter"),
        "mail eq 'o''n@x.y' or proxyAddresses/any(p:p eq 'smtp:o''n@x.y')"
    );
    assert_eq!(seen[1].param("$search"), r#""displayName:say \"O'N\"""#);
    assert_eq!(seen[1].header("consistencylevel"), "eventual");
    assert_eq!(
        seen[2].param("$filter"),
        r#"startswith(displayName,'say "O''N"')"#
    );
    assert_eq!(seen[2].path, "/v1.0/groups");
    let none: Vec<UserItem> = client.named(" \n", 9).await.unwrap();
    assert!(none.is_empty() && stub.graph_seen().len() == 3);
}

#[tokio::test]
async fn the_groups_of_a_user_are_read_to_the_end_and_nothing_but_groups() {
    let stub = Stub::start().await;
    let holder = |kind: &str, number| value!({"@odata.type": kind, "id": id(number), "displayName": "Sales"});
    let path = format!("users/{}/memberOf", id(1));
    let next = stub.link(&format!("{path}?$skiptoken=a"));
    let first = [
        holder("#microsoft.graph.group", 2),
        holder("#microsoft.graph.directoryRole", 3),
    ];
    stub.then(json(value!({"@odata.nextLink": next, "value": first})))
        .then(json(
            value!({"value": [holder("#microsoft.graph.group", 4)]}),
        ));
    let client = stub.client();
    let holders = client.groups_of(Resource::Users, id(1)).await.unwrap();
    let ids: Vec<Uuid> = holders.iter().map(|holder| holder.id).collect();
    assert_eq!(ids, [id(2), id(4)]);
    assert_eq!(holders[0].display_name.as_deref(), Some("Sales"));
    assert_eq!(stub.graph_seen()[0].param("$top"), "999");

    let foreign = "https://elsewhere.example/v1.0/users";
    stub.then(json(value!({"@odata.nextLink": foreign, "value": []})));
    let error = client.groups_of(Resource::Users, id(1)).await.unwrap_err();
    assert_eq!(error.code(), "foreign_link");
}

#[tokio::test]
async fn memberships_are_checked_by_the_twenty() {
    let stub = Stub::start().await;
    stub.then(json(value!({"value": [id(3)]})))
        .then(json(value!({"value": [id(21)]})));
    let groups: Vec<Uuid> = (1..=21).map(id).collect();
    let client = stub.client();
    let held = client
        .groups_holding(Resource::Users, id(99), &groups)
        .await;
    assert_eq!(held.unwrap(), [id(3), id(21)]);
    let seen = stub.graph_seen();
    let asked: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(asked["groupIds"].as_array().unwrap().len(), 20);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path.clone()),
        ("POST", format!("/v1.0/users/{}/checkMemberGroups", id(99)))
    );
}

#[tokio::test]
async fn the_extensions_of_a_tenant_are_listed_and_a_missing_permission_is_named() {
    let stub = Stub::start().await;
    let name = "extension_0123456789abcdef0123456789abcdef_costCenter";
    stub.then(json(value!({"value": [
        {"@odata.type": "#microsoft.graph.extensionProperty", "name": name, "appDisplayName": "Payroll",
            "dataType": "String", "isSyncedFromOnPremises": false, "targetObjects": ["User", "Group"]},
        {"name": "extension_x_y", "appDisplayName": null, "targetObjects": null},
    ]})))
    .then(status(403, "Authorization_RequestDenied", "Insufficient."));
    let client = stub.client();
    let found = client.extension_properties().await.unwrap();
    assert_eq!(
        (
            found[0].name.as_str(),
            found[0].app_display_name.as_deref(),
            found[0].is_synced_from_on_premises,
        ),
        (name, Some("Payroll"), Some(false))
    );
    assert_eq!(found[0].target_objects, ["User", "Group"]);
    assert_eq!(
        (
            found[1].app_display_name.as_deref(),
            found[1].target_objects.len()
        ),
        (None, 0)
    );
    let seen = &stub.graph_seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str(), seen.body.as_str()),
        (
            "POST",
            "/v1.0/directoryObjects/getAvailableExtensionProperties",
            "{}"
        )
    );
    let error = client.extension_properties().await.unwrap_err();
    assert_eq!(error.code(), "permission_missing");
    assert_eq!(
        error.title(),
        "The permission to read directory extensions is missing"
    );
    assert!(
        error.fix().contains("Directory.Read.All"),
        "{}",
        error.fix()
    );
}
