//! That no list is read by a token without a trace, and no trace is left for each page. A new list
//! fails here until it is written down; the lists come from the description.

use backend::testing::Kind;
use domain::{
    api_token::ListKind,
    audit::{AuditAction, AuditEvent},
    id::ApiTokenId,
    permission::Role,
};
use http::Method;
use serde_json::{Value, json};

use super::{Things, audited::entries};
use crate::support::{TestApp, id};

/// The paths of calls that answer a page of a list, without the prefix.
fn lists() -> Vec<String> {
    let description: Value =
        serde_json::from_str(&server::api::describe().to_json().unwrap()).unwrap();
    let paths = description["paths"].as_object().unwrap().iter();
    paths
        .filter(|(_, item)| {
            let schema = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
            let schema = schema["$ref"].as_str().unwrap_or_default();
            schema.starts_with("#/components/schemas/Listing")
        })
        .map(|(path, _)| path.strip_prefix("/api/v1").unwrap().to_owned())
        .collect()
}

/// What is written down of a token's reading.
async fn reads(app: &TestApp, token: ApiTokenId) -> Vec<AuditEvent> {
    let mut entries = entries(app).await;
    entries.retain(|entry| {
        entry.action == AuditAction::ApiTokenRead && entry.actor_id == Some(token.0)
    });
    entries
}

#[tokio::test]
async fn every_list_that_a_token_reads_is_written_down_once() {
    let app = TestApp::with_farm(Kind::Sqlite, 8).await.unwrap();
    let things = Things::new(&app).await;
    let mut kinds = Vec::new();
    for pattern in lists() {
        // New tokens of one address are slowed down; that is another test's matter.
        app.t.clock.advance(chrono::Duration::seconds(5));
        let (token, secret) = app.made_token(Role::Owner, None).await;
        let path = if pattern.starts_with("/bulk-changes/") {
            // A token sees those alone that it prepared.
            let body = json!({ "list": "users", "action": "protect", "ids": [things.user] });
            let prepare = format!("/customers/{}/bulk-changes", things.customer);
            let prepared = app.call(Method::POST, &prepare, Some(&secret), Some(body));
            pattern.replace("{id}", &id(&prepared.await.expect(201)))
        } else {
            things.path(&pattern)
        };
        let read = async |token: Option<&str>| app.call(Method::GET, &path, token, None).await;
        let first = read(Some(&secret)).await;
        first.expect(200);
        read(Some(&secret)).await.expect(200);
        let written = reads(&app, token.id).await;
        let [entry] = &written[..] else {
            panic!("{pattern}: {written:?}");
        };
        assert_eq!(entry.request_id, first.header("x-request-id"), "{pattern}");
        assert_eq!(entry.address.as_deref(), Some("198.51.100.7"), "{pattern}");
        assert_eq!(entry.object_id, Some(token.id.0), "{pattern}");
        let kind = entry.after["list"].as_str().unwrap();
        kinds.push(kind.parse::<ListKind>().unwrap());
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, ListKind::ALL, "each kind is a list of the API");
}

#[tokio::test]
async fn what_is_refused_is_not_read() {
    let app = TestApp::new(Kind::Sqlite).await.unwrap();
    let (customer, other) = (app.customer("A").await, app.customer("B").await);
    let (token, secret) = app.made_token(Role::ReadOnly, Some(&[other])).await;
    for (path, status) in [
        (format!("/customers/{customer}/users"), 404),
        ("/operators".to_owned(), 403),
        ("/customers?limit=0".to_owned(), 400),
    ] {
        let answer = app.call(Method::GET, &path, Some(&secret), None).await;
        answer.refused(status);
    }
    assert!(reads(&app, token.id).await.is_empty());
}
