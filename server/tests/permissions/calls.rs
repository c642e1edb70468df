//! Every call of the API. A new one stands in the table by itself, since the calls come from the
//! description.

use axum::body::Body;
use backend::testing::Kind;
use http::{Method, Request, header};
use serde_json::{Value, json};

use super::{ROLES, Things, head, line};
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

/// A path of the description with this id in it; of what has a number, the first.
pub(super) fn filled(pattern: &str, id: &str) -> String {
    // A version, and an attribute of a user.
    let pattern = pattern.replace("{number}", "1");
    // Somebody of a source.
    let pattern = pattern.replace("{external_id}", id);
    pattern.replace("{id}", id).replace("{name}", "jobTitle")
}

const WIDTH: usize = 52;

#[tokio::test]
async fn every_call_answers_each_caller_as_the_table_says() {
    let app = TestApp::with_farm(Kind::Sqlite, 8).await.unwrap();
    let elsewhere = app.customer("Elsewhere").await;
    let mut strange = Vec::new();
    for role in ROLES {
        strange.push(app.token(role, Some(&[elsewhere])).await);
    }
    let revoked = app.revoked_token().await;
    super::with_half(&app).await;
    let mut table = head("call, with an empty body", WIDTH);
    let mut things = Things::new(&app).await;
    for (method, pattern) in calls() {
        let call = format!("{method} {pattern}");
        // It waits for a day, and the clock goes on.
        things.import = super::import(&app, things.customer.parse().unwrap()).await;
        let ask = async |things: &Things, token: Option<&str>| {
            // Strangers' tries slow down new tokens of the same address; that is another test's
            // matter.
            app.t.clock.advance(chrono::Duration::minutes(20));
            let body = (method != Method::GET && method != Method::DELETE).then(|| json!({}));
            let path = things.path(&pattern);
            let answer = app.call(method.clone(), &path, token, body).await;
            answer.status.as_u16()
        };
        let mut statuses = vec![ask(&things, None).await, ask(&things, Some(&revoked)).await];
        let half = app.half_session(super::HALF, super::HALF_PASSWORD).await;
        let by_cookie = Request::builder()
            .method(method.clone())
            .uri(format!("/api/v1{}", things.path(&pattern)))
            .header(header::COOKIE, half)
            .body(Body::empty());
        let by_cookie = app.send(by_cookie.unwrap()).await;
        statuses.push(by_cookie.status.as_u16());
        assert_eq!(statuses, [401; 3], "{call}");

        // Of another customer, whatever the role: there is no such thing.
        let mut answers = Vec::new();
        for token in &strange {
            answers.push(ask(&things, Some(token)).await);
        }
        if pattern.contains("{id}") {
            assert_eq!(answers, [404; ROLES.len()], "{call}");
        }
        statuses.push(answers[ROLES.len() - 1]);

        for caller in 0..=ROLES.len() {
            let own = [things.customer.parse().unwrap()];
            let token = match ROLES.get(caller) {
                Some(role) => app.token(*role, Some(&own)).await,
                None => app.owner.clone(),
            };
            let status = ask(&things, Some(&token)).await;
            statuses.push(status);
            // What is gone, or can be done once, is made anew for the next.
            // So is who is told, whom the customer's first version hasn't got.
            let takes_away = [Method::DELETE, Method::PUT].contains(&method)
                || pattern == "/customers/{id}/versions/{number}/restore";
            if takes_away && status < 300 {
                things = Things::new(&app).await;
            }
        }
        table.push_str(&line(&call, WIDTH, &statuses));
    }
    insta::assert_snapshot!("api_permissions", table);
}
