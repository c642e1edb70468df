//! Every call of the API. A new one stands in the table by itself, since the calls come from the
//! description.

use std::fmt::Write;

use backend::testing::Kind;
use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use super::Things;
use crate::support::TestApp;

/// The calls of the description, without the prefix.
pub(super) fn calls() -> Vec<(Method, String)> {
    let description: Value =
        serde_json::from_str(&server::api::describe().to_json().unwrap()).unwrap();
    let mut calls = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            if ["GET", "POST", "PATCH", "PUT", "DELETE"].contains(&method.as_str()) {
                calls.push((method, path.strip_prefix("/api/v1").unwrap().to_owned()));
            }
        }
    }
    // What reads and what is refused for its empty body first; what takes away last.
    calls
        .sort_by_key(|(method, path)| (method == Method::DELETE, path.clone(), method.to_string()));
    calls
}

#[tokio::test]
async fn every_call_answers_each_caller_as_the_table_says() {
    let app = TestApp::with_farm(Kind::Sqlite, 8).await.unwrap();
    let elsewhere = app.customer("Elsewhere").await;
    let other = app.token(Role::Administrator, Some(&[elsewhere])).await;
    let mut table = format!(
        "{:<52} {:>9} {:>9} {:>9} {:>9}\n",
        "call, with an empty body", "stranger", "elsewhere", "own", "owner"
    );
    let mut things = Things::new(&app).await;
    for (method, pattern) in calls() {
        // Strangers' tries slow down new tokens of the same address; that is another test's matter.
        app.t.clock.advance(chrono::Duration::hours(1));
        let mut statuses = Vec::new();
        for caller in 0..4 {
            if method == Method::DELETE && caller >= 2 {
                things = Things::new(&app).await;
            }
            let own = [things.customer.parse().unwrap()];
            let own = app.token(Role::Administrator, Some(&own)).await;
            let token = [None, Some(&other), Some(&own), Some(&app.owner)][caller];
            let body = (method != Method::GET && method != Method::DELETE).then(|| json!({}));
            let path = things.path(&pattern);
            let answer = app
                .call(method.clone(), &path, token.map(String::as_str), body)
                .await;
            statuses.push(answer.status.as_u16());
        }
        let call = format!("{method} {pattern}");
        let [stranger, elsewhere, own, owner] = statuses[..] else {
            unreachable!()
        };
        writeln!(
            table,
            "{call:<52} {stranger:>9} {elsewhere:>9} {own:>9} {owner:>9}"
        )
        .unwrap();
        assert_eq!(stranger, 401, "{call}");
        if pattern.contains("{id}") {
            assert_eq!(elsewhere, 404, "{call}");
        }
    }
    insta::assert_snapshot!("api_permissions", table);
}
