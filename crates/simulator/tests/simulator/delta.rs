//! Delta queries, case by case (graph.md §3). The law they keep is in `law`.

use std::sync::Arc;

use chrono::{TimeDelta, TimeZone, Utc};
use serde_json::{Value, json};
use simulator::{Attributes, FarmConfig, GroupKind, ManualClock};

use crate::client::{Client, ids};

/// The round's objects and the link at its end.
async fn round(client: &Client, target: &str) -> (Vec<Value>, String) {
    let (objects, last) = client.all(target).await;
    let link = last
        .link("deltaLink")
        .expect("a round ends with a delta link");
    (objects, link)
}

fn removed(object: &Value) -> Option<&str> {
    object["@removed"]["reason"].as_str()
}

#[tokio::test]
async fn the_spellings_of_delta_are_one_function() {
    let client = Client::with_users(20).await;
    let (plain, _) = round(&client, "/v1.0/users/delta").await;
    for name in [
        "delta()",
        "microsoft.graph.delta",
        "microsoft.graph.delta()",
    ] {
        let (same, _) = round(&client, &format!("/v1.0/users/{name}")).await;
        assert_eq!(plain, same, "{name}");
    }
}

#[tokio::test]
async fn a_page_has_two_hundred_objects_or_five_hundred_links() {
    let client = Client::with_users(900).await;
    let mut page = client.get("/v1.0/users/delta?$top=5").await;
    assert_eq!(page.value().len(), 200, "$top is ignored");
    let mut pages = 1;
    while let Some(link) = page.link("nextLink") {
        assert_eq!(page.link("deltaLink"), None, "never both");
        page = client.get(&link).await;
        pages += 1;
    }
    let truth = client.control.snapshot();
    let people = truth.users.len() + truth.deleted_users.len();
    assert_eq!(pages, people.div_ceil(200));

    let large = client
        .control
        .create_group("Large", GroupKind::Security, &Attributes::new());
    let large = large.unwrap();
    let everyone: Vec<uuid::Uuid> = truth.users.iter().map(|user| user.id).collect();
    client.control.add_members(large, &everyone).unwrap();
    let filter = format!("/v1.0/groups/delta?$select=displayName,members&$filter=id eq '{large}'");
    let first = client.get(&filter).await;
    assert_eq!(
        first.value()[0]["members@delta"].as_array().unwrap().len(),
        500
    );
    let (pieces, link) = round(&client, &filter).await;
    assert_eq!(ids(&pieces), [large.to_string(), large.to_string()]);
    let sizes: Vec<usize> = pieces
        .iter()
        .map(|piece| piece["members@delta"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [500, 400]);
    assert!(pieces.iter().all(|piece| piece["displayName"] == "Large"));

    client
        .control
        .remove_members(large, &everyone[..700])
        .unwrap();
    let (pieces, _) = round(&client, &link).await;
    let sizes: Vec<usize> = pieces
        .iter()
        .map(|piece| piece["members@delta"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [500, 200], "removals are split too");
}

#[tokio::test]
async fn only_selected_properties_are_tracked() {
    let client = Client::with_users(20).await;
    let (_, link) = round(&client, "/v1.0/users/delta?$select=displayName").await;
    let id = client.control.snapshot().users[0].id;
    let job = Attributes::from([("jobTitle".to_owned(), json!("Wizard"))]);
    client.control.update(id, &job).unwrap();
    let (objects, link) = round(&client, &link).await;
    assert_eq!(objects, Vec::<Value>::new());
    client.control.rename(id, "Other").unwrap();
    let (objects, _) = round(&client, &link).await;
    assert_eq!(objects, [json!({"displayName": "Other", "id": id})]);
}

#[tokio::test]
async fn never_set_is_left_out_and_cleared_is_null() {
    let client = Client::with_users(5).await;
    let id = client
        .control
        .create_user("A B", "a@b.example", &Attributes::new())
        .unwrap();
    let select = "/v1.0/users/delta?$select=displayName,jobTitle,surname";
    let target = format!("{select}&$filter=id eq '{id}'");
    let (objects, link) = round(&client, &target).await;
    assert_eq!(objects, [json!({"displayName": "A B", "id": id})]);
    let set = |value: Value| Attributes::from([("jobTitle".to_owned(), value)]);
    client.control.update(id, &set(json!("Boss"))).unwrap();
    client.control.update(id, &set(Value::Null)).unwrap();
    let (objects, _) = round(&client, &link).await;
    assert_eq!(
        objects,
        [json!({"displayName": "A B", "jobTitle": null, "id": id})]
    );
    let minimal = client
        .get_with(&link, &[("prefer", "return=minimal")])
        .await;
    assert_eq!(minimal.value(), [json!({"jobTitle": null, "id": id})]);
    assert_eq!(minimal.header("preference-applied"), Some("return=minimal"));
}

#[tokio::test]
async fn removals_say_changed_then_deleted_and_restored_objects_are_whole() {
    let start = Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let config = FarmConfig {
        clock: clock.clone(),
        ..FarmConfig::with_users(1, 10)
    };
    let mut client = Client::start(config).await;
    client
        .control
        .configure(|settings| settings.token_lifetime_s = 1_000_000_000);
    client
        .control
        .configure(|settings| settings.delta_token_lifetime_s = 1_000_000_000);
    client.sign_in().await;
    let person = client.control.snapshot().users[0].id;
    let team = client
        .control
        .create_group("t", GroupKind::Security, &Attributes::new())
        .unwrap();
    client.control.add_members(team, &[person]).unwrap();
    let (_, users) = round(&client, "/v1.0/users/delta?$select=displayName").await;
    let filter = format!("/v1.0/groups/delta?$select=members&$filter=id eq '{team}'");
    let (_, groups) = round(&client, &filter).await;

    client.control.delete(person).unwrap();
    let (objects, users) = round(&client, &users).await;
    assert_eq!(removed(&objects[0]), Some("changed"));
    let (objects, groups) = round(&client, &groups).await;
    let link = &objects[0]["members@delta"][0];
    assert_eq!(
        (removed(link), &link["id"]),
        (Some("deleted"), &json!(person))
    );

    client.control.restore(person).unwrap();
    let (objects, users) = round(&client, &users).await;
    assert_eq!(removed(&objects[0]), None);
    assert!(objects[0]["displayName"].is_string());
    let (objects, _) = round(&client, &groups).await;
    assert_eq!(
        removed(&objects[0]["members@delta"][0]),
        None,
        "the membership is back"
    );

    client.control.delete(person).unwrap();
    let (_, users) = round(&client, &users).await;
    clock.advance(TimeDelta::days(31));
    let (objects, _) = round(&client, &users).await;
    let again = objects
        .iter()
        .find(|object| object["id"] == json!(person))
        .unwrap();
    assert_eq!(
        removed(again),
        Some("deleted"),
        "thirty days later it is gone for good"
    );
}

#[tokio::test]
async fn a_group_deleted_and_restored_between_two_rounds_names_who_left() {
    let client = Client::with_users(10).await;
    let people: Vec<uuid::Uuid> = client
        .control
        .snapshot()
        .users
        .iter()
        .map(|user| user.id)
        .collect();
    let kind = GroupKind::Microsoft365;
    let team = client
        .control
        .create_group("t", kind, &Attributes::new())
        .unwrap();
    client.control.add_members(team, &people[..2]).unwrap();
    let filter = format!("/v1.0/groups/delta?$select=members&$filter=id eq '{team}'");
    let (_, link) = round(&client, &filter).await;
    client.control.remove_members(team, &people[..1]).unwrap();
    client.control.delete(team).unwrap();
    client.control.restore(team).unwrap();
    let (objects, _) = round(&client, &link).await;
    let links = objects[0]["members@delta"].as_array().unwrap();
    let named: Vec<_> = links
        .iter()
        .map(|link| (link["id"].clone(), removed(link)))
        .collect();
    assert_eq!(
        named,
        [
            (json!(people[0]), Some("deleted")),
            (json!(people[1]), None)
        ]
    );
}

#[tokio::test]
async fn what_is_in_the_bin_may_show_in_a_first_round() {
    let client = Client::with_users(10).await;
    let deleted = client.control.snapshot().deleted_users[0].id.to_string();
    let (objects, _) = round(&client, "/v1.0/users/delta").await;
    let one = objects
        .iter()
        .find(|object| object["id"] == deleted.as_str())
        .unwrap();
    assert_eq!(removed(one), Some("changed"));
    client
        .control
        .configure(|settings| settings.removed_in_initial = false);
    let (objects, _) = round(&client, "/v1.0/users/delta").await;
    assert!(!ids(&objects).contains(&deleted));
}

#[tokio::test]
async fn from_now_on_begins_with_nothing() {
    let client = Client::with_users(10).await;
    let target = "/v1.0/users/delta?$deltatoken=latest&$select=displayName";
    let (objects, link) = round(&client, target).await;
    assert!(objects.is_empty());
    let id = client
        .control
        .create_user("N", "n@x.example", &Attributes::new())
        .unwrap();
    let (objects, _) = round(&client, &link).await;
    assert_eq!(objects, [json!({"displayName": "N", "id": id})]);
}

#[tokio::test]
async fn the_only_filter_is_up_to_fifty_ids() {
    let client = Client::with_users(60).await;
    let users = client.control.snapshot().users;
    let filter = |count: usize| {
        let clauses: Vec<String> = users[..count]
            .iter()
            .map(|user| format!("id eq '{}'", user.id))
            .collect();
        format!(
            "/v1.0/users/delta?$select=id&$filter={}",
            clauses.join(" or ")
        )
    };
    let (objects, link) = round(&client, &filter(50)).await;
    assert_eq!(objects.len(), 50);
    assert_eq!(
        client.get(&filter(51)).await.refusal(),
        (400, "Request_BadRequest")
    );
    client.control.rename(users[0].id, "In").unwrap();
    client.control.delete(users[1].id).unwrap();
    client.control.delete(users[55].id).unwrap();
    let (objects, _) = round(&client, &link).await;
    assert_eq!(
        ids(&objects),
        [users[1].id.to_string()],
        "the name isn't selected"
    );
    for filter in ["displayName eq 'x'", "id ne 'x'", "startswith(id,'x')"] {
        let answer = client
            .get(&format!("/v1.0/users/delta?$filter={filter}"))
            .await;
        assert_eq!(
            answer.refusal(),
            (400, "Request_UnsupportedQuery"),
            "{filter}"
        );
    }
    for option in [
        "$orderby=displayName",
        "$expand=members",
        "$search=\"displayName:x\"",
    ] {
        let answer = client.get(&format!("/v1.0/users/delta?{option}")).await;
        assert_eq!(
            answer.refusal(),
            (400, "Request_UnsupportedQuery"),
            "{option}"
        );
    }
}

#[tokio::test]
async fn tokens_expire_are_reset_and_belong_to_one_tenant_and_stream() {
    let client = Client::with_users(10).await;
    let (_, link) = round(&client, "/v1.0/users/delta").await;
    let elsewhere = link.replace("/users/", "/groups/");
    assert_eq!(
        client.get(&elsewhere).await.refusal(),
        (400, "Request_BadRequest")
    );
    client
        .control
        .configure(|settings| settings.delta_token_lifetime_s = -1);
    let answer = client.get(&link).await;
    assert_eq!(answer.refusal(), (400, "syncStateNotFound"));
    client
        .control
        .configure(|settings| settings.delta_token_lifetime_s = 1000);
    assert_eq!(client.get(&link).await.status, 200);
    client.control.require_resync();
    let answer = client.get(&link).await;
    assert_eq!(answer.refusal(), (410, "resyncRequired"));
    let location = answer.header("location").unwrap().to_owned();
    assert_eq!(
        location,
        format!("{}/v1.0/users/delta?$deltatoken=", client.origin())
    );
    let (objects, link) = round(&client, &location).await;
    assert!(!objects.is_empty(), "an empty token begins again");
    client.control.expire_delta_tokens();
    assert_eq!(
        client.get(&link).await.refusal(),
        (400, "syncStateNotFound")
    );

    let other = Client::start(FarmConfig::with_users(2, 10)).await;
    let (_, link) = round(&other, "/v1.0/users/delta").await;
    let foreign = link.replace(&other.origin(), &client.origin());
    assert_eq!(
        client.get(&foreign).await.refusal(),
        (400, "Request_BadRequest")
    );
}

#[tokio::test]
async fn changes_show_late_when_replication_lags() {
    let start = Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let config = FarmConfig {
        clock: clock.clone(),
        ..FarmConfig::with_users(1, 10)
    };
    let client = Client::start(config).await;
    client
        .control
        .configure(|settings| settings.replication_lag_s = 30);
    let (_, link) = round(&client, "/v1.0/users/delta?$select=displayName").await;
    client
        .control
        .create_user("Late", "l@x.example", &Attributes::new())
        .unwrap();
    let (objects, link) = round(&client, &link).await;
    assert!(objects.is_empty());
    clock.advance(TimeDelta::seconds(31));
    let (objects, _) = round(&client, &link).await;
    assert_eq!(objects.len(), 1);
}

#[tokio::test]
async fn contacts_and_devices_have_deltas_too() {
    let client = Client::with_users(40).await;
    let truth = client.control.snapshot();
    for (path, mut known) in [
        (
            "contacts",
            truth
                .contacts
                .iter()
                .map(|o| o.id.to_string())
                .collect::<Vec<_>>(),
        ),
        (
            "devices",
            truth
                .devices
                .iter()
                .map(|o| o.id.to_string())
                .collect::<Vec<_>>(),
        ),
    ] {
        let (objects, link) = round(&client, &format!("/v1.0/{path}/delta")).await;
        let mut found = ids(&objects);
        found.sort_unstable();
        known.sort_unstable();
        assert_eq!(found, known);
        let gone = known[0].parse().unwrap();
        client.control.delete(gone).unwrap();
        let (objects, _) = round(&client, &link).await;
        assert_eq!(
            (ids(&objects), removed(&objects[0])),
            (vec![known[0].clone()], Some("deleted"))
        );
    }
}
