//! A crawler. Every id that an administrator of one customer is told anywhere is tried by an
//! administrator of another customer, which has the same names and the same ids of the source
//! everywhere, at every call that takes one, in its path, its query and its body; and what the functions
//! are asked about one customer's things, the other asks too, all of it and each alone among their own.
//! Whoever asks learns as little as from an id that never was.

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
    places::Description,
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

/// A text without what differs from one time to the next: ids, hashes of what was asked, when something
/// was done and how long it took.
fn without_times(text: &str) -> String {
    let is_time = |part: &str| chrono::DateTime::parse_from_rfc3339(part).is_ok();
    let is_hash = |part: &str| part.len() == 64 && part.bytes().all(|b| b.is_ascii_hexdigit());
    // As Entra's sign-in service writes it.
    let is_of_words = |word: &&str| {
        chrono::NaiveDate::parse_from_str(word, "%Y-%m-%d").is_ok()
            || chrono::NaiveTime::parse_from_str(word, "%H:%M:%S").is_ok()
    };
    let text = without_ids(text);
    let mut before = "";
    let mut parts = Vec::new();
    for part in text.split('"') {
        if !is_time(part) && !is_hash(part) && before != "took_ms" {
            let words: Vec<_> = part.split(' ').filter(|word| !is_of_words(word)).collect();
            parts.push(words.join(" "));
        }
        before = part;
    }
    parts.join("\"")
}

#[tokio::test]
async fn queries_and_bodies_tell_nothing_of_another_customers_ids() {
    let app = TestApp::with_farm(Kind::Sqlite, 6).await.unwrap();
    let (mut a, b) = (Things::new(&app).await, Things::new(&app).await);
    let customer = b.customer.parse().unwrap();
    let token = app.token(Role::Administrator, Some(&[customer])).await;
    let description = Description::new();
    let (mut queries, mut bodies, mut blamed) = (0, 0, 0);
    for place in description.places() {
        let ask = async |id: &str| {
            app.t.clock.advance(chrono::Duration::seconds(5));
            let (path, body) = place.filled(&description, &b, id);
            app.call(place.method.clone(), &path, Some(&token), body)
                .await
        };
        let title = place.title();
        let mut never = ask(&app.t.ids.uuid().to_string()).await;
        if never.status.is_success() {
            // What this one made may be in the way of the next.
            never = ask(&app.t.ids.uuid().to_string()).await;
        }
        assert!(never.status.as_u16() < 500, "{title}: {never:?}");
        let told = without_times(&never.text);
        for (what, id) in a.each() {
            let foreign = ask(id).await;
            assert_eq!(foreign.status, never.status, "{title}: {what}: {foreign:?}");
            assert_eq!(without_times(&foreign.text), told, "{title}: {what}");
        }
        let is_query = title.contains('?');
        *(if is_query { &mut queries } else { &mut bodies }) += 1;
        let of_field = format!("\"field\":\"{}", place.field());
        if never.status == 404 || never.text.contains(&of_field) || told.contains("exist") {
            blamed += 1;
        }
    }
    // What is wrong with the body for another reason would hide that nobody looked at the id.
    assert!(
        queries > 20 && bodies > 10 && blamed > 10,
        "{queries} in queries, {bodies} in bodies; in {blamed} the id is what is wrong"
    );
}

#[tokio::test]
async fn the_functions_tell_nothing_of_one_foreign_thing_among_own_ones() {
    let app = TestApp::with_farm(Kind::Sqlite, 6).await.unwrap();
    let (mut a, mut b) = (Things::new(&app).await, Things::new(&app).await);
    let customer = b.customer.parse().unwrap();
    let of_b = app.t.role_over(Role::Administrator, &[customer]).await;
    let mut never = Things::never(&app);
    let own: Vec<String> = b.each().into_iter().map(|(_, id)| id.clone()).collect();
    let mut tried = 0;
    for function in functions::functions() {
        let question = functions::question(&app, &b, &function);
        let asked: Vec<_> = (0..own.len())
            .filter(|which| question.contains(own[*which].as_str()))
            .collect();
        if asked.len() < 2 {
            // About one thing: the test above asks about it.
            continue;
        }
        for which in asked {
            let mut answers = Vec::new();
            for others in [&mut never, &mut a] {
                let mut mixed = b.clone();
                *mixed.each()[which].1 = others.each()[which].1.clone();
                let cookie = app.session(&of_b).await;
                let answer = functions::answer(&app, &mixed, &function, &cookie).await;
                answers.push((answer.status, without_times(&answer.text)));
            }
            let what = never.each()[which].0;
            assert_eq!(answers[0], answers[1], "{function}: {what}");
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
}
