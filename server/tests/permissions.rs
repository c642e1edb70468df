//! Who may call what: every call of the API by a stranger, by an administrator of another
//! customer, by one of the customer and by an owner. The golden file is the policy in one table;
//! a new call stands in it by itself, since the calls come from the description.

use std::fmt::Write;

use backend::testing::Kind;
use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, id};

/// One of everything, of one customer.
struct Things {
    customer: String,
    credential_profile: String,
    integration: String,
    run: String,
    user: String,
    group: String,
}

impl Things {
    async fn new(app: &TestApp) -> Self {
        let (customer, integration) = app.integration().await;
        let run = app.full_sync(&integration).await;
        let first = async |noun: &str| {
            let list = app
                .get(&format!("/customers/{customer}/{noun}"))
                .await
                .expect(200);
            id(&list["items"][0])
        };
        let profile = json!({
            "customer_id": customer,
            "name": "Own",
            "kind": "client_secret",
            "client_id": "63122682-6e3c-4cbb-9f35-7c1da11e1e1e",
            "client_secret": "x",
        });
        Self {
            user: first("users").await,
            group: first("groups").await,
            credential_profile: id(&app.post("/credential-profiles", profile).await.expect(201)),
            customer: customer.to_string(),
            run: id(&run),
            integration,
        }
    }

    fn path(&self, pattern: &str) -> String {
        let of = match pattern.split('/').nth(1).unwrap_or_default() {
            "customers" => &self.customer,
            "credential-profiles" => &self.credential_profile,
            "integrations" => &self.integration,
            "runs" | "runs.csv" => &self.run,
            "users" => &self.user,
            "groups" => &self.group,
            other => panic!("a new noun, {other}: give it an id here"),
        };
        pattern.replace("{id}", of)
    }
}

/// The calls of the description, without the prefix.
fn calls() -> Vec<(Method, String)> {
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
