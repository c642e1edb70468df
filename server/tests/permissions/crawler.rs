//! A crawler. Every id that an administrator of one customer is told anywhere is tried by an
//! administrator of another customer, which has the same names and the same ids of the source
//! everywhere, at every call that takes one; and what the functions are asked about one customer's
//! things, the other asks too. Whoever asks learns as little as from an id that never was.

use std::collections::BTreeSet;

use backend::testing::Kind;
use domain::permission::Role;
use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::{
    Things,
    calls::{calls, filled},
    functions,
};
use crate::support::{Answer, TestApp};

/// Every id in a text.
fn ids(text: &str) -> impl Iterator<Item = Uuid> + '_ {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    text.split(move |c| !is_part(c))
        .filter(|part| part.len() == 36)
        .filter_map(|part| part.parse().ok())
}

/// A text without the ids in it: an answer may name the one that was asked for.
fn without_ids(text: &str) -> String {
    let found: Vec<_> = ids(text).collect();
    found.into_iter().fold(text.to_owned(), |text, id| {
        text.replace(&id.to_string(), "an id")
    })
}

async fn ask(app: &TestApp, token: &str, method: &Method, path: &str) -> Answer {
    // Limits and slowed tries are another test's matter.
    app.t.clock.advance(chrono::Duration::seconds(5));
    let body = (method != Method::GET && method != Method::DELETE).then(|| json!({}));
    app.call(method.clone(), path, Some(token), body).await
}

/// Every id that whoever has the token is told, by following each to every call that reads.
async fn crawl(app: &TestApp, token: &str) -> BTreeSet<Uuid> {
    let (with_id, without): (Vec<_>, Vec<_>) = calls()
        .into_iter()
        .filter(|(method, _)| method == Method::GET)
        .map(|(_, pattern)| pattern)
        .partition(|pattern| pattern.contains("{id}"));
    let mut seen = BTreeSet::new();
    for path in without {
        seen.extend(ids(&ask(app, token, &Method::GET, &path).await.text));
    }
    let mut tried = BTreeSet::new();
    while let Some(id) = seen.difference(&tried).next().copied() {
        tried.insert(id);
        for pattern in &with_id {
            let path = filled(pattern, &id.to_string());
            let answer = ask(app, token, &Method::GET, &path).await;
            if answer.status.is_success() {
                seen.extend(ids(&answer.text));
            }
        }
    }
    seen
}

#[tokio::test]
async fn the_calls_tell_nothing_of_another_customers_ids() {
    let app = TestApp::with_farm(Kind::Sqlite, 6).await.unwrap();
    let (a, b) = (Things::new(&app).await, Things::new(&app).await);
    let token = async |things: &Things| {
        let customer = things.customer.parse().unwrap();
        app.token(Role::Administrator, Some(&[customer])).await
    };
    let (of_a, of_b) = (token(&a).await, token(&b).await);
    let (seen_by_a, seen_by_b) = (crawl(&app, &of_a).await, crawl(&app, &of_b).await);
    for id in [&a.customer, &a.user, &a.run, &a.operator, &a.api_token] {
        assert!(
            seen_by_a.contains(&id.parse().unwrap()),
            "{id} wasn’t found"
        );
    }
    let shared = seen_by_a.intersection(&seen_by_b).count();
    assert!(shared >= 6, "the ids of the source are the same: {shared}");
    let foreign: Vec<_> = seen_by_a.difference(&seen_by_b).collect();
    assert!(foreign.len() > 20, "{}", foreign.len());

    for (method, pattern) in calls() {
        if !pattern.contains("{id}") {
            continue;
        }
        let never = filled(&pattern, &app.t.ids.uuid().to_string());
        let never = ask(&app, &of_b, &method, &never).await;
        assert_eq!(never.status, 404, "{method} {pattern}");
        for id in &foreign {
            let path = filled(&pattern, &id.to_string());
            let answer = ask(&app, &of_b, &method, &path).await;
            assert_eq!(
                (answer.status, &answer.text),
                (never.status, &never.text),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn the_functions_tell_nothing_of_another_customers_things() {
    let app = TestApp::with_farm(Kind::Sqlite, 6).await.unwrap();
    let (a, b) = (Things::new(&app).await, Things::new(&app).await);
    let customer = b.customer.parse().unwrap();
    let of_b = app.t.role_over(Role::Administrator, &[customer]).await;
    for function in functions::functions() {
        let cookie = app.session(&of_b).await;
        let never = functions::answer(&app, &Things::never(&app), &function, &cookie).await;
        let cookie = app.session(&of_b).await;
        let foreign = functions::answer(&app, &a, &function, &cookie).await;
        assert_eq!(foreign.status, never.status, "{function}");
        if !never.status.is_success() {
            let (told, wanted) = (without_ids(&foreign.text), without_ids(&never.text));
            assert_eq!(told, wanted, "{function}");
        }
    }
}
