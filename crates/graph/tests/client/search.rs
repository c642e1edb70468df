//! Typeahead and member counts.

use std::collections::BTreeMap;
use std::time::Duration;

use graph::{GroupKind, Resource, Usage};
use serde_json::{Value, json as value};
use uuid::Uuid;

use crate::stub::{Stub, json, status};

fn group(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn hits(groups: &[Value]) -> crate::stub::Reply {
    json(value!({"value": groups}))
}

#[tokio::test]
async fn words_are_searched_first() {
    let stub = Stub::start().await;
    stub.then(hits(&[
        value!({"id": group(1), "displayName": "Marketing", "mail": "m@x.y",
            "groupTypes": ["Unified", "DynamicMembership"], "mailEnabled": true,
            "securityEnabled": false}),
        value!({"id": group(2), "displayName": "Market list", "groupTypes": [],
            "mailEnabled": true, "securityEnabled": false}),
        value!({"id": group(3), "displayName": null}),
    ]));
    let found = stub
        .client()
        .search_groups("  say \"mark\\et\"\n& sons ", 10)
        .await
        .unwrap();
    assert_eq!(
        (found[0].kind, found[0].dynamic),
        (Some(GroupKind::Microsoft365), true)
    );
    assert_eq!(
        (found[1].kind, found[1].dynamic),
        (Some(GroupKind::Distribution), false)
    );
    assert_eq!((found[2].kind, found[2].display_name.as_str()), (None, ""));
    let seen = &stub.graph_seen()[0];
    assert_eq!(seen.path, "/v1.0/groups");
    assert_eq!(
        seen.param("$search"),
        r#""displayName:say \"mark\\et\" & sons""#
    );
    assert_eq!((seen.param("$top"), seen.param("$count")), ("10", "true"));
    assert_eq!(seen.header("consistencylevel"), "eventual");
    assert_eq!(seen.header("x-ms-throttle-priority"), "High");
}

#[tokio::test]
async fn without_hits_or_without_search_the_beginning_of_names_is_asked_for() {
    let unsupported = status(400, "Request_UnsupportedQuery", "no $search here");
    for first in [hits(&[]), unsupported] {
        let stub = Stub::start().await;
        stub.then(first)
            .then(hits(&[value!({"id": group(1), "displayName": "O'Neill"})]));
        let found = stub.client().search_groups("O'Ne", 500).await.unwrap();
        assert_eq!(found.len(), 1);
        let seen = &stub.graph_seen()[1];
        assert_eq!(seen.param("$filter"), "startswith(displayName,'O''Ne')");
        assert_eq!(seen.param("$top"), "50");
        assert_eq!(seen.header("consistencylevel"), "");
        assert_eq!(seen.header("x-ms-throttle-priority"), "High");
    }
}

#[tokio::test]
async fn a_missing_permission_is_not_taken_for_a_missing_search() {
    let stub = Stub::start().await;
    stub.then(status(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges.",
    ));
    let error = stub.client().search_groups("mark", 10).await.unwrap_err();
    assert_eq!(error.code(), "permission_missing");
    assert!(error.fix().contains(Resource::Groups.least_role()));
}

#[tokio::test]
async fn nothing_is_asked_for_nothing() {
    let stub = Stub::start().await;
    assert!(
        stub.client()
            .search_groups(" \t\n", 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(stub.client().member_counts(&[]).await.unwrap().is_empty());
    assert!(stub.seen().is_empty());
}

#[tokio::test]
async fn members_are_counted_in_one_batch_and_the_throttled_asked_again() {
    let stub = Stub::start().await;
    let busy = |id: &str, wait: u32| {
        value!({"id": id, "status": 429, "headers": {"Retry-After": wait.to_string()},
            "body": {"error": {"code": "TooManyRequests", "message": ""}}})
    };
    let counted = |id: &str, count: u32| value!({"id": id, "status": 200, "body": {"@odata.count": count, "value": []}});
    let gone = value!({"id": "3", "status": 404, "headers": {}, "body": {"error": {}}});
    stub.then(json(
        value!({"responses": [busy("2", 2), counted("0", 7), busy("1", 3), gone]}),
    ))
    .then(json(
        value!({"responses": [counted("1", 9), counted("0", 8)]}),
    ));
    let groups: Vec<Uuid> = (1..=4).map(group).collect();
    let client = stub.client();
    let counts = client.member_counts(&groups).await.unwrap();
    assert_eq!(stub.clock.waits(), [Duration::from_secs(3)]);
    assert_eq!(
        client.usage(),
        Usage {
            requests: 3,
            resource_units: 6
        }
    );

    let seen = stub.graph_seen();
    assert_eq!(
        (seen[0].path.as_str(), seen[0].method.as_str()),
        ("/v1.0/$batch", "POST")
    );
    let first: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(first["requests"].as_array().unwrap().len(), 4);
    let request = &first["requests"][0];
    let url = format!("/groups/{}/members?$count=true&$top=1&$select=id", group(1));
    assert_eq!(request["url"], url);
    assert_eq!(request["headers"]["ConsistencyLevel"], "eventual");
    // The second batch asks for groups 3 and 2, in the order in which they were refused.
    assert_eq!(
        counts,
        BTreeMap::from([(group(1), 7), (group(3), 8), (group(2), 9)])
    );
}

#[tokio::test]
async fn counts_that_stay_throttled_are_left_out() {
    let stub = Stub::start().await;
    for _ in 0..3 {
        stub.then(json(
            value!({"responses": [{"id": "0", "status": 429, "body": null}]}),
        ));
    }
    assert!(
        stub.client()
            .member_counts(&[group(1)])
            .await
            .unwrap()
            .is_empty()
    );
    let many: Vec<Uuid> = (0..21).map(group).collect();
    let error = stub.client().member_counts(&many).await.unwrap_err();
    assert_eq!(error.code(), "invalid_call");
}
