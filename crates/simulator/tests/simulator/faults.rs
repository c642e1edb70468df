//! Faults on demand, throttling and its headers (graph.md §4, §13).

use std::sync::Arc;

use chrono::{TimeDelta, TimeZone, Utc};
use reqwest::Method;
use simulator::{FarmConfig, Fault, FaultPlan, ManualClock, OneShot};

use crate::client::{Client, ids};

#[tokio::test]
async fn refusals_have_their_status_code_and_headers() {
    let client = Client::with_users(5).await;
    client
        .control
        .configure(|settings| settings.retry_after_s = 7);
    for (fault, status, code, retry_after) in [
        (Fault::Throttled, 429, "TooManyRequests", Some("7")),
        (Fault::ThrottledSilently, 429, "TooManyRequests", None),
        (Fault::InternalError, 500, "generalException", None),
        (Fault::NotImplemented, 501, "NotImplemented", None),
        (Fault::BadGateway, 502, "UnknownError", None),
        (Fault::Unavailable, 503, "serviceNotAvailable", Some("7")),
        (Fault::UnavailableSilently, 503, "ServiceUnavailable", None),
        (Fault::GatewayTimeout, 504, "GatewayTimeout", None),
        (Fault::Unauthorized, 401, "InvalidAuthenticationToken", None),
        (Fault::Forbidden, 403, "Authorization_RequestDenied", None),
        (Fault::Conflict, 409, "Directory_ConcurrencyViolation", None),
    ] {
        client.control.next("/users", fault);
        let answer = client.get("/v1.0/users").await;
        assert_eq!(answer.refusal(), (status, code), "{fault:?}");
        assert_eq!(answer.header("retry-after"), retry_after, "{fault:?}");
        assert_eq!(client.get("/v1.0/users").await.status, 200, "once is once");
    }
}

#[tokio::test]
async fn connections_are_cut_and_bodies_are_short() {
    let client = Client::with_users(50).await;
    client.control.next("/users", Fault::Cut);
    let answer = client
        .request(Method::GET, "/v1.0/users", &[], None)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err(), "the body never ends");
    client.control.next("/users", Fault::Truncated);
    let answer = client.get("/v1.0/users").await;
    assert_eq!(answer.status, 200);
    assert!(answer.json.is_null(), "half of the JSON isn't JSON");
    let statuses: Vec<u16> = client
        .control
        .request_log()
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses[statuses.len() - 2..], [0, 200]);
}

#[tokio::test]
async fn rounds_go_wrong_in_their_own_ways() {
    let client = Client::with_users(500).await;
    let start = "/v1.0/users/delta?$select=id";
    let once = async |fault| {
        client.control.next("/users/delta", fault);
        client.get(start).await
    };
    let page = once(Fault::ShortAnswer).await;
    assert_eq!(
        (page.link("nextLink"), page.link("deltaLink")),
        (None, None)
    );
    assert!(!page.value().is_empty());

    let page = once(Fault::ForeignLink).await;
    let link = page.link("nextLink").unwrap();
    assert!(
        link.starts_with("https://graph.elsewhere.example/v1.0/"),
        "{link}"
    );

    let page = once(Fault::EmptyAnswer).await;
    assert!(page.value().is_empty() && page.link("deltaLink").is_some());

    let page = once(Fault::EmptyPage).await;
    assert!(page.value().is_empty());
    let (rest, _) = client.all(&page.link("nextLink").unwrap()).await;
    assert_eq!(
        rest.len(),
        500 + client.control.snapshot().deleted_users.len()
    );

    let page = once(Fault::EndlessLink).await;
    let mut link = page.link("nextLink").unwrap();
    for _ in 0..3 {
        let again = client.get(&link).await;
        assert_eq!(
            again.link("nextLink").as_ref(),
            Some(&link),
            "the same for ever"
        );
        link = again.link("nextLink").unwrap();
    }

    let mut page = once(Fault::EndlessChain).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..5 {
        assert!(page.value().is_empty());
        let link = page.link("nextLink").unwrap();
        assert!(seen.insert(link.clone()), "ever new links");
        page = client.get(&link).await;
    }

    let page = once(Fault::Replay).await;
    let mut found = ids(page.value());
    let before = found.len();
    found.sort_unstable();
    found.dedup();
    assert!(found.len() < before, "some came twice");

    let link = client.all(start).await.1.link("deltaLink").unwrap();
    client
        .control
        .next("/users/delta", Fault::ExpiredDeltaToken);
    assert_eq!(
        client.get(&link).await.refusal(),
        (400, "syncStateNotFound")
    );
    client.control.next("/users/delta", Fault::Resync);
    assert_eq!(client.get(&link).await.refusal(), (410, "resyncRequired"));
    assert_eq!(client.get(&link).await.status, 200);
}

#[tokio::test]
async fn listings_can_be_endless_foreign_and_empty_too() {
    let client = Client::with_users(250).await;
    client.control.next("/users", Fault::EndlessLink);
    let link = client.get("/v1.0/users").await.link("nextLink").unwrap();
    let again = client.get(&link).await.link("nextLink").unwrap();
    assert_eq!(again, client.get(&again).await.link("nextLink").unwrap());
    client.control.next("/users", Fault::ForeignLink);
    let link = client.get("/v1.0/users").await.link("nextLink").unwrap();
    assert!(
        link.starts_with("https://graph.elsewhere.example/"),
        "{link}"
    );
    client.control.next("/users", Fault::EmptyAnswer);
    let page = client.get("/v1.0/users").await;
    assert!(page.value().is_empty() && page.link("nextLink").is_none());
}

/// The statuses that one plan gives to thirty requests.
async fn statuses(plan: &FaultPlan) -> Vec<u16> {
    let client = Client::with_users(5).await;
    client.control.set_faults(plan.clone());
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(client.get("/v1.0/users").await.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed() {
    let plan = |seed| {
        FaultPlan::new(seed)
            .with(Fault::BadGateway, 0.3)
            .on("/users")
    };
    let first = statuses(&plan(5)).await;
    assert_eq!(first, statuses(&plan(5)).await);
    assert_ne!(first, statuses(&plan(6)).await);
    let failed = first.iter().filter(|status| **status == 502).count();
    assert!(
        (3..20).contains(&failed),
        "{failed} of 30 failed at a rate of 0.3"
    );
    let elsewhere = FaultPlan::new(5).with(Fault::BadGateway, 1.0).on("/groups");
    assert!(
        statuses(&elsewhere)
            .await
            .iter()
            .all(|status| *status == 200)
    );
    let few = FaultPlan {
        at_most: Some(2),
        ..plan(5).with(Fault::BadGateway, 1.0)
    };
    assert_eq!(
        statuses(&few)
            .await
            .iter()
            .filter(|status| **status == 502)
            .count(),
        2
    );
}

#[tokio::test]
async fn an_order_is_kept_as_often_as_it_says() {
    let client = Client::with_users(5).await;
    client.control.order(OneShot {
        path: "/users".to_owned(),
        fault: Fault::Throttled,
        times: 2,
    });
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(client.get("/v1.0/users").await.status.as_u16());
    }
    assert_eq!(seen, [429, 429, 200]);
}

#[tokio::test]
async fn the_bucket_fills_warns_refuses_and_empties() {
    let start = Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let config = FarmConfig {
        clock: clock.clone(),
        ..FarmConfig::with_users(1, 5)
    };
    let client = Client::start(config).await;
    client
        .control
        .configure(|settings| settings.quota_units = Some(10));
    let mut percentages = Vec::new();
    for _ in 0..10 {
        let answer = client.get("/v1.0/groups").await;
        assert_eq!(answer.status, 200);
        percentages.push(
            answer
                .header("x-ms-throttle-limit-percentage")
                .map(str::to_owned),
        );
    }
    assert_eq!(percentages[6], None);
    assert_eq!(percentages[7].as_deref(), Some("0.80"));
    assert_eq!(percentages[9].as_deref(), Some("1.00"));
    let refused = client
        .get_with("/v1.0/groups", &[("x-ms-throttle-priority", "low")])
        .await;
    assert_eq!(refused.refusal(), (429, "TooManyRequests"));
    assert!(
        refused
            .header("x-ms-throttle-scope")
            .unwrap()
            .starts_with("Tenant_Application/")
    );
    let information = refused.header("x-ms-throttle-information");
    assert_eq!(information, Some("ResourceUnitLimitExceeded"));
    let high = client
        .get_with("/v1.0/groups", &[("x-ms-throttle-priority", "High")])
        .await;
    assert_eq!(high.status, 200, "what is urgent is shed last");
    clock.advance(TimeDelta::seconds(10));
    assert_eq!(client.get("/v1.0/groups").await.status, 200);
}
