//! 429, 5xx, cut connections: waiting and trying again.

use std::time::Duration;

use graph::{
    Chance, Connector, Credential, DeltaStart, Error, Http, HttpOptions, Limits, Quota, Quotas,
    Resource, Select, Settings, Tenant, Usage, UserItem,
};
use serde_json::json as value;

use crate::stub::{APPLICATION, Reply, Stub, TENANT, json, status};

fn last(stub: &Stub) -> Reply {
    json(value!({"@odata.deltaLink": stub.link("users/delta?$deltatoken=d1"), "value": []}))
}

async fn round(stub: &Stub) -> Result<(Vec<UserItem>, graph::After), Error> {
    stub.client()
        .users_delta(DeltaStart::Beginning, &Select::id())
        .all()
        .await
}

fn throttled() -> Reply {
    status(429, "TooManyRequests", "Please retry again later.")
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn retry_after_is_obeyed() {
    let stub = Stub::start().await;
    stub.then(throttled().with("retry-after", "17"))
        .then(status(503, "", "").with("retry-after", "Sun, 01 Mar 2026 08:01:00 GMT"))
        .then(last(&stub));
    round(&stub).await.unwrap();
    assert_eq!(stub.clock.waits(), [17 * SECOND, 43 * SECOND]);
}

#[tokio::test]
async fn without_it_the_waits_grow_with_jitter_and_end() {
    let stub = Stub::start().await;
    for _ in 0..10 {
        stub.then(throttled());
    }
    let error = round(&stub).await.unwrap_err();
    assert!(matches!(error, Error::Throttled { .. }), "{error}");
    let waits = stub.clock.waits();
    assert_eq!(waits.len(), 9);
    for (number, wait) in (0..).zip(&waits) {
        let plain = SECOND * 2_u32.pow(number).min(60);
        assert!(
            (plain..=2 * plain).contains(wait),
            "wait {number} is {wait:?}"
        );
    }
    assert!(
        waits.iter().any(|wait| wait.subsec_nanos() != 0),
        "no jitter in {waits:?}"
    );
}

#[tokio::test]
async fn a_rest_longer_than_patience_ends_the_run_at_once() {
    let stub = Stub::start().await;
    stub.then(throttled().with("retry-after", "1000"));
    let error = round(&stub).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(1_000 * SECOND));
    assert!(error.is_retryable());
    assert!(stub.clock.waits().is_empty());
}

#[tokio::test]
async fn one_throttled_request_holds_the_others_of_its_tenant_back() {
    let stub = Stub::start().await;
    let client = stub.client();
    stub.then(throttled().with("retry-after", "30"));
    assert!(
        client.probe(Resource::Users).await.is_err(),
        "someone at a screen doesn't wait 30 s"
    );
    stub.then(last(&stub));
    client
        .users_delta(DeltaStart::Beginning, &Select::id())
        .all()
        .await
        .unwrap();
    assert_eq!(stub.clock.waits(), [30 * SECOND]);
}

#[tokio::test]
async fn someone_at_a_screen_is_told_soon() {
    let stub = Stub::start().await;
    for _ in 0..3 {
        stub.then(status(504, "GatewayTimeout", ""));
    }
    let error = stub.client().probe(Resource::Users).await.unwrap_err();
    assert_eq!(error.code(), "unavailable");
    assert!(stub.clock.waits().iter().sum::<Duration>() < 3 * SECOND);
    assert_eq!(
        stub.graph_seen()[0].header("x-ms-throttle-priority"),
        "Normal"
    );
}

#[tokio::test]
async fn cut_answers_are_asked_for_again() {
    let stub = Stub::start().await;
    let page = last(&stub);
    let half = Reply {
        body: page.body[..20].to_owned(),
        ..page.clone()
    };
    stub.then(page.clone().cut()).then(half).then(page);
    round(&stub).await.unwrap();
    assert_eq!(stub.graph_seen().len(), 3);
}

#[tokio::test]
async fn what_is_no_json_is_given_up_soon() {
    let stub = Stub::start().await;
    for _ in 0..3 {
        stub.then(Reply {
            body: "<html>Please sign in to the Wi-Fi".to_owned(),
            ..last(&stub)
        });
    }
    let error = round(&stub).await.unwrap_err();
    assert_eq!(error.code(), "bad_answer");
    assert!(!error.to_string().contains("Wi-Fi"));
}

#[tokio::test]
async fn usage_counts_retries_tokens_and_units() {
    let stub = Stub::start().await;
    let page = last(&stub);
    stub.then(
        throttled()
            .with("retry-after", "1")
            .with("x-ms-resource-unit", "1"),
    )
    .then(page.clone().with("x-ms-resource-unit", "5"))
    .then(page.with("x-ms-resource-unit", "3"));
    let client = stub.client();
    let one = client.metered();
    one.users_delta(DeltaStart::Beginning, &Select::id())
        .all()
        .await
        .unwrap();
    let other = client.metered();
    other
        .users_delta(DeltaStart::Beginning, &Select::id())
        .all()
        .await
        .unwrap();
    assert_eq!(
        one.usage(),
        Usage {
            requests: 3,
            resource_units: 6
        }
    );
    assert_eq!(
        other.usage(),
        Usage {
            requests: 1,
            resource_units: 3
        }
    );
    assert_eq!(client.usage(), Usage::default());
}

#[tokio::test]
async fn other_refusals_are_not_tried_again() {
    let stub = Stub::start().await;
    for (code, expected) in [
        (400, "refused"),
        (403, "permission_missing"),
        (404, "not_found"),
        (405, "refused"),
        (501, "refused"),
    ] {
        stub.then(status(code, "Some_Code", "Some words."));
        let error = round(&stub).await.unwrap_err();
        assert_eq!(error.code(), expected);
        assert!(!error.is_retryable());
        assert_eq!(error.http_status(), Some(code));
        assert_eq!(
            error.request_id(),
            Some("11111111-2222-3333-4444-555555555555")
        );
        assert_eq!(
            error.date().unwrap().to_rfc3339(),
            "2026-03-01T10:17:06+00:00"
        );
    }
    assert!(stub.clock.waits().is_empty());
}

#[tokio::test]
async fn what_graph_bills_counts_against_the_quota() {
    let stub = Stub::start().await;
    let quotas = Quotas {
        tenant: Quota {
            units: 10,
            per: 10 * SECOND,
        },
        ..Quotas::default()
    };
    let client = Connector::new(
        Http::new(&HttpOptions::default()).unwrap(),
        std::sync::Arc::new(stub.clock.clone()),
        Chance::from_seed(1),
        Limits::new(quotas),
        Settings::default(),
    )
    .client(
        stub.cloud(),
        Tenant::from(TENANT),
        Credential::secret(APPLICATION, "x".into()),
    );
    stub.then(last(&stub).with("x-ms-resource-unit", "15"))
        .then(last(&stub));
    for _ in 0..2 {
        client
            .users_delta(DeltaStart::Beginning, &Select::id())
            .all()
            .await
            .unwrap();
    }
    assert_eq!(stub.clock.waits(), [6 * SECOND]);
}
