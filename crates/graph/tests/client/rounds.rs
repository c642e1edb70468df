//! Rounds: following links, ending, breaking off.

use graph::{
    After, DeltaStart, Error, ObjectKind, Page, Removed, RoundLimits, Select, Settings, UserItem,
};
use serde_json::json as value;
use uuid::Uuid;

use crate::stub::{Reply, Stub, json, status};

fn user(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn next(stub: &Stub, number: u32, items: &[u128]) -> Reply {
    let items: Vec<_> = items.iter().map(|n| value!({"id": user(*n)})).collect();
    json(
        value!({"@odata.nextLink": stub.link(&format!("users/delta?$skiptoken={number}")),
        "value": items}),
    )
}

fn last(stub: &Stub, items: &[u128]) -> Reply {
    let items: Vec<_> = items.iter().map(|n| value!({"id": user(*n)})).collect();
    json(value!({"@odata.deltaLink": stub.link("users/delta?$deltatoken=d1"), "value": items}))
}

async fn round(stub: &Stub, start: DeltaStart) -> Result<(Vec<UserItem>, After), Error> {
    stub.client()
        .users_delta(start, &Select::all_of::<UserItem>())
        .all()
        .await
}

#[tokio::test]
async fn a_round_follows_its_links_to_the_delta_link() {
    let stub = Stub::start().await;
    stub.then(next(&stub, 1, &[1, 2]))
        .then(next(&stub, 2, &[]))
        .then(last(&stub, &[3]));
    let (items, after) = round(&stub, DeltaStart::Beginning).await.unwrap();
    let ids: Vec<Uuid> = items.iter().map(|item| item.id).collect();
    assert_eq!(ids, [user(1), user(2), user(3)]);
    assert_eq!(after, After::Delta(stub.link("users/delta?$deltatoken=d1")));

    let seen = stub.graph_seen();
    assert_eq!(stub.token_requests(), 1);
    assert!(
        seen[0]
            .param("$select")
            .starts_with("id,accountEnabled,userType,displayName,")
    );
    assert_eq!(seen[1].query, [("$skiptoken".to_owned(), "1".to_owned())]);
    for request in &seen {
        assert_eq!(request.path, "/v1.0/users/delta");
        assert_eq!(request.header("x-ms-throttle-priority"), "Low");
        assert!(request.header("authorization").starts_with("Bearer e30."));
        assert!(Uuid::try_parse(request.header("client-request-id")).is_ok());
        assert_eq!(request.header("prefer"), "");
    }
    assert_ne!(
        seen[0].header("client-request-id"),
        seen[1].header("client-request-id")
    );
}

#[tokio::test]
async fn a_stored_link_goes_on_and_latest_starts_from_now() {
    let stub = Stub::start().await;
    stub.then(last(&stub, &[])).then(last(&stub, &[9]));
    let (items, after) = round(&stub, DeltaStart::Latest).await.unwrap();
    assert!(items.is_empty());
    let After::Delta(link) = after else {
        panic!("{after:?}")
    };
    let (items, _) = round(&stub, DeltaStart::Link(link)).await.unwrap();
    assert_eq!(items[0].id, user(9));
    let seen = stub.graph_seen();
    assert_eq!(seen[0].param("$deltatoken"), "latest");
    assert_eq!(seen[1].query, [("$deltatoken".to_owned(), "d1".to_owned())]);
}

#[tokio::test]
async fn a_round_that_just_stops_is_incomplete() {
    let stub = Stub::start().await;
    stub.then(next(&stub, 1, &[1]))
        .then(json(value!({"value": [{"id": user(2)}]})));
    let mut pages = stub
        .client()
        .users_delta(DeltaStart::Beginning, &Select::all_of::<UserItem>());
    assert!(matches!(
        pages.next_page().await.unwrap(),
        Some(Page {
            number: 1,
            after: After::Next(_),
            ..
        })
    ));
    let error = pages.next_page().await.unwrap_err();
    assert_eq!(error.code(), "incomplete");
    assert!(
        pages.next_page().await.unwrap().is_none(),
        "nothing comes after an error"
    );
}

#[tokio::test]
async fn a_page_with_both_links_is_not_understood() {
    let stub = Stub::start().await;
    let both = json(value!({"value": [],
        "@odata.nextLink": stub.link("users/delta?$skiptoken=1"),
        "@odata.deltaLink": stub.link("users/delta?$deltatoken=1")}));
    stub.then(both);
    assert_eq!(
        round(&stub, DeltaStart::Beginning)
            .await
            .unwrap_err()
            .code(),
        "bad_answer"
    );
}

#[tokio::test]
async fn endless_rounds_are_broken_off() {
    let settings = Settings {
        round: RoundLimits {
            pages: 6,
            empty_pages: 3,
            ..RoundLimits::default()
        },
        pages_ahead: 0,
        ..Settings::default()
    };
    let select = Select::id();
    for (links, items, pages) in [
        (
            vec![1, 2, 1],
            vec![1],
            "After 3 pages a link came for the second time.",
        ),
        (
            (1..9).collect(),
            vec![1],
            "It was broken off after 6 pages.",
        ),
        (
            (1..9).collect(),
            vec![],
            "It was broken off after 3 pages, the last ones all empty.",
        ),
    ] {
        let stub = Stub::start().await;
        for link in links {
            stub.then(next(&stub, link, &items));
        }
        let rounds = stub
            .client_with(settings)
            .users_delta(DeltaStart::Beginning, &select);
        let error = rounds.all().await.unwrap_err();
        assert_eq!(
            (error.code(), error.detail().as_str()),
            ("endless_round", pages)
        );
    }
}

#[tokio::test]
async fn foreign_links_get_no_token() {
    let other = Stub::start().await;
    let stub = Stub::start().await;
    let away = other.link("users/delta?$skiptoken=1");
    // In the middle of a round, at its end, as a stored link, and as the place to go after a 410.
    stub.then(json(value!({"value": [], "@odata.nextLink": away})));
    assert_eq!(
        round(&stub, DeltaStart::Beginning)
            .await
            .unwrap_err()
            .code(),
        "foreign_link"
    );
    stub.then(json(value!({"value": [], "@odata.deltaLink": away})));
    assert_eq!(
        round(&stub, DeltaStart::Beginning)
            .await
            .unwrap_err()
            .code(),
        "foreign_link"
    );
    let start = DeltaStart::Link(away.clone());
    assert_eq!(
        round(&stub, start).await.unwrap_err().code(),
        "foreign_link"
    );
    stub.then(status(410, "resyncRequired", "").with("location", away));
    let start = DeltaStart::Link(stub.link("users/delta?$deltatoken=1"));
    assert_eq!(
        round(&stub, start).await.unwrap_err().code(),
        "foreign_link"
    );
    // A link of another resource is as foreign.
    let groups = stub.link("groups/delta?$skiptoken=1");
    stub.then(json(value!({"value": [], "@odata.nextLink": groups})));
    assert_eq!(
        round(&stub, DeltaStart::Beginning)
            .await
            .unwrap_err()
            .code(),
        "foreign_link"
    );
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Stub::start().await;
    let stub = Stub::start().await;
    for code in [301, 302, 307, 308] {
        stub.then(status(code, "", "").with("location", other.link("users/delta")));
        let error = round(&stub, DeltaStart::Beginning).await.unwrap_err();
        assert_eq!(error.code(), "redirected");
    }
    stub.then_token(status(307, "", "").with("location", other.link("token")));
    let error = stub.client().token().await.unwrap_err();
    assert_eq!(error.code(), "redirected");
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_lost_position_is_told_apart_from_a_refusal() {
    let stub = Stub::start().await;
    let link = DeltaStart::Link(stub.link("users/delta?$deltatoken=old"));
    let home = stub.link("users/delta?$deltatoken=");
    for reply in [
        status(410, "resyncRequired", "Resync required.").with("location", home),
        status(410, "", ""),
        status(
            400,
            "SyncStateNotFound",
            "The sync state generation is not found.",
        ),
        status(404, "resyncApplyDifferences", ""),
    ] {
        stub.then(reply);
        let error = round(&stub, link.clone()).await.unwrap_err();
        assert!(matches!(error, Error::DeltaExpired { .. }), "{error}");
        assert!(error.is_retryable() && !error.is_authentication());
    }
    stub.then(status(400, "Request_BadRequest", "Invalid token"));
    assert_eq!(round(&stub, link).await.unwrap_err().code(), "refused");
    assert!(
        stub.clock.waits().is_empty(),
        "none of these is tried again"
    );
}

#[tokio::test]
async fn items_are_read_as_they_come() {
    let stub = Stub::start().await;
    let reply = json(value!({
        "@odata.context": "x", "@odata.deltaLink": stub.link("users/delta?$deltatoken=1"),
        "value": [
            {"@odata.type": "#microsoft.graph.user", "id": user(1), "displayName": null,
             "accountEnabled": false, "businessPhones": null, "otherMails": ["a@b.c"],
             "createdDateTime": "2024-05-01T10:00:00Z", "assignedLicenses": [{"skuId": user(5),
             "disabledPlans": []}], "surname": "NUL", "somethingNew": {"a": [1]}},
            {"id": user(2), "@removed": {"reason": "changed"}},
            {"id": user(3), "@removed": {"reason": "deleted"}},
            {"id": user(4), "@removed": {"reason": "whatever"}, "createdDateTime": "no time"},
        ],
    }));
    stub.then(Reply {
        body: reply.body.replace("NUL", "a\\u0000b"),
        ..reply
    });
    let (items, _) = round(&stub, DeltaStart::Beginning).await.unwrap();
    assert_eq!(items[0].display_name, None);
    assert_eq!(items[0].account_enabled, Some(false));
    assert_eq!(items[0].other_mails, ["a@b.c"]);
    assert_eq!(items[0].surname.as_deref(), Some("a\u{fffd}b"));
    assert_eq!(
        items[0].created_date_time.unwrap().to_rfc3339(),
        "2024-05-01T10:00:00+00:00"
    );
    assert_eq!(items[0].assigned_licenses[0].sku_id, user(5));
    let removed: Vec<_> = items.iter().map(|item| item.removed).collect();
    assert_eq!(
        removed,
        [
            None,
            Some(Removed::Changed),
            Some(Removed::Deleted),
            Some(Removed::Changed)
        ]
    );
    let json = serde_json::to_value(&items[0]).unwrap();
    assert_eq!(serde_json::from_value::<UserItem>(json).unwrap(), items[0]);
}

#[tokio::test]
async fn groups_bring_the_changes_of_their_members() {
    let stub = Stub::start().await;
    stub.then(json(value!({
        "@odata.deltaLink": stub.link("groups/microsoft.graph.delta()?$deltatoken=1"),
        "value": [{"id": user(1), "displayName": "G", "groupTypes": ["DynamicMembership"],
            "mailEnabled": false, "securityEnabled": true, "members@delta": [
            {"@odata.type": "#microsoft.graph.user", "id": user(2)},
            {"@odata.type": "#microsoft.graph.group", "id": user(3),
             "@removed": {"reason": "deleted"}},
            {"@odata.type": "#microsoft.graph.servicePrincipal", "id": user(4)},
        ]}],
    })));
    let ids: Vec<Uuid> = (1..=50).map(user).collect();
    let select = Select::all_of::<graph::GroupItem>().and("members");
    let client = stub.client();
    let round = client.groups_delta(DeltaStart::Beginning, &select, &ids);
    let (items, _) = round.all().await.unwrap();
    let ops: Vec<_> = items[0]
        .members
        .iter()
        .map(|op| (op.id, op.kind, op.removed))
        .collect();
    assert_eq!(
        ops,
        [
            (user(2), ObjectKind::User, false),
            (user(3), ObjectKind::Group, true),
            (user(4), ObjectKind::Other, false),
        ]
    );
    assert_eq!(items[0].kind().unwrap().as_str(), "security");
    assert!(items[0].is_dynamic());
    let seen = &stub.graph_seen()[0];
    assert!(seen.param("$select").ends_with(",members"));
    let filter = seen.param("$filter");
    assert!(filter.starts_with(&format!("id eq '{}' or id eq '{}'", user(1), user(2))));
    assert_eq!(filter.matches("id eq").count(), 50);

    let ids: Vec<Uuid> = (1..=51).map(user).collect();
    let round = client.groups_delta(DeltaStart::Beginning, &select, &ids);
    assert_eq!(round.all().await.unwrap_err().code(), "invalid_call");
}

#[tokio::test]
async fn pages_are_read_ahead_but_not_without_bound() {
    let stub = Stub::start().await;
    for number in 1..30 {
        stub.then(next(&stub, number, &[u128::from(number)]));
    }
    stub.then(last(&stub, &[30]));
    let mut pages = stub
        .client()
        .users_delta(DeltaStart::Beginning, &Select::id());
    let mut furthest = 0;
    while let Some(page) = pages.next_page().await.unwrap() {
        // Give the reader every chance to run ahead: it may hold two pages and ask for no more.
        for _ in 0..500 {
            tokio::task::yield_now().await;
        }
        let ahead = stub.graph_seen().len() - usize::try_from(page.number).unwrap();
        assert!(ahead <= 2, "{ahead} pages ahead");
        furthest = furthest.max(ahead);
    }
    assert_eq!(stub.graph_seen().len(), 30);
    assert!(furthest > 0, "it never read ahead");
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused() {
    let settings = Settings {
        answer_bytes_max: 1_000,
        ..Settings::default()
    };
    let big = json(value!({"value": ["x".repeat(2_000)]}));
    for reply in [big.clone(), big.unannounced()] {
        let stub = Stub::start().await;
        stub.then(reply);
        let round = stub
            .client_with(settings)
            .users_delta(DeltaStart::Beginning, &Select::id());
        assert_eq!(round.all().await.unwrap_err().code(), "answer_too_large");
    }
}
