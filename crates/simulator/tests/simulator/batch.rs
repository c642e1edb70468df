//! `$batch` (graph.md §4).

use serde_json::{Value, json};
use simulator::Fault;

use crate::client::Client;

fn get(id: &str, url: &str) -> Value {
    json!({"id": id, "method": "GET", "url": url})
}

async fn send(client: &Client, requests: Vec<Value>) -> Vec<Value> {
    let answer = client
        .post("/v1.0/$batch", &json!({"requests": requests}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["responses"].as_array().unwrap().clone()
}

#[tokio::test]
async fn each_request_has_its_own_answer() {
    let client = Client::with_users(30).await;
    let group = client.control.snapshot().groups[0].id;
    let mut count = get("2", &format!("groups/{group}/members/$count"));
    count["headers"] = json!({"ConsistencyLevel": "eventual"});
    let answers = send(
        &client,
        vec![
            get("1", "/users?$top=1"),
            count,
            get("3", "/groups/nonsense"),
        ],
    )
    .await;
    let status: Vec<&Value> = answers.iter().map(|answer| &answer["status"]).collect();
    assert_eq!(status, [200, 200, 400]);
    assert_eq!(answers[0]["body"]["value"].as_array().unwrap().len(), 1);
    assert!(answers[1]["body"].is_number());
    assert_eq!(answers[2]["body"]["error"]["code"], "Request_BadRequest");
}

#[tokio::test]
async fn one_is_throttled_and_the_others_are_not() {
    let client = Client::with_users(30).await;
    client.control.next("/v1.0/groups", Fault::Throttled);
    let answers = send(&client, vec![get("a", "/users"), get("b", "/groups")]).await;
    assert_eq!(answers[0]["status"], 200);
    assert_eq!(answers[1]["status"], 429);
    assert_eq!(answers[1]["headers"]["Retry-After"], "1");
}

#[tokio::test]
async fn what_depends_on_a_failure_fails() {
    let client = Client::with_users(30).await;
    let mut second = get("2", "/users");
    second["dependsOn"] = json!(["1"]);
    let answers = send(&client, vec![get("1", "/nowhere"), second]).await;
    assert_eq!(answers[1]["status"], 424);
}

#[tokio::test]
async fn malformed_batches_are_refused_whole() {
    let client = Client::with_users(5).await;
    let many: Vec<Value> = (0..21).map(|id| get(&id.to_string(), "/users")).collect();
    let twice = vec![get("a", "/users"), get("A", "/users")];
    let mut untyped = get("1", "/directoryObjects/getByIds");
    untyped["body"] = json!({"ids": []});
    for body in [
        json!({"requests": many}),
        json!({"requests": twice}),
        json!({"requests": [untyped]}),
        json!({"wrong": []}),
    ] {
        let answer = client.post("/v1.0/$batch", &body).await;
        assert_eq!(answer.refusal(), (400, "BadRequest"), "{body}");
    }
    let nested = send(&client, vec![get("1", "/$batch")]).await;
    assert_eq!(nested[0]["status"], 400);
}
