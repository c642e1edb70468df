//! Decisions about held changes, by programs.

use domain::permission::Role;
use serde_json::{Value, json};

use crate::support::{TestApp, both_with_farm, id};

/// A run that holds the going of users that the tenant deleted.
async fn held(app: &TestApp) -> (String, Value) {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let control = app.control();
    let users = app
        .get(&format!("/customers/{customer}/users?limit=100"))
        .await
        .expect(200);
    let users = users["items"].as_array().unwrap();
    let active = users.iter().filter(|user| user["status"] == "active");
    for user in active.take(8) {
        let id = user["external_id"].as_str().unwrap();
        control.delete(id.parse().unwrap()).unwrap();
    }
    let path = format!("/integrations/{integration}/runs");
    let run = app
        .post(&path, json!({ "mode": "delta" }))
        .await
        .expect(202);
    app.work().await;
    let run = app.get(&format!("/runs/{}", id(&run))).await.expect(200);
    assert_eq!(run["status"], "held", "{run}");
    assert_eq!(run["ended_at"], Value::Null);
    (integration, run)
}

fn users(run: &Value) -> &Value {
    let lines = run["counts"].as_array().unwrap();
    let line = lines.iter().find(|line| line["object_type"] == "user");
    line.unwrap()
}

both_with_farm!(held_users_are_approved_once, |app| {
    let (_, run) = held(&app).await;
    let path = format!("/runs/{}", id(&run));
    let approve = format!("{path}/approve");
    for (body, field) in [
        (json!({ "object_type": "user" }), "reason"),
        (json!({ "object_type": "user", "reason": " " }), "reason"),
        (
            json!({ "object_type": "person", "reason": "x" }),
            "object_type",
        ),
        (
            json!({ "object_type": "user", "reason": "x", "force": true }),
            "force",
        ),
    ] {
        let refused = app.post(&approve, body).await.refused(422);
        assert_eq!(refused.as_deref(), Some(field));
    }
    let of_groups = json!({ "object_type": "group", "reason": "T-1" });
    app.post(&approve, of_groups).await.refused(409);
    let elsewhere = app.customer("Elsewhere").await;
    let stranger = app.token(Role::Administrator, Some(&[elsewhere])).await;
    let body = json!({ "object_type": "user", "reason": "T-1" });
    app.call(
        http::Method::POST,
        &approve,
        Some(&stranger),
        Some(body.clone()),
    )
    .await
    .refused(404);

    let answer = app.post(&approve, body.clone()).await.expect(202);
    assert_eq!(answer["status"], "running");
    assert_eq!(users(&answer)["status"], "approved");
    app.work().await;
    let ended = app.get(&path).await.expect(200);
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(users(&ended)["disabled"], 8);
    assert_eq!(users(&ended)["held"], 0);
    let again = app.post(&format!("{path}/reject"), body).await;
    let detail = again.expect(409)["detail"].to_string();
    assert!(detail.contains("approved this already"), "{detail}");
});

both_with_farm!(a_rejection_stands_until_it_is_taken_back, |app| {
    let (integration, run) = held(&app).await;
    let path = format!("/runs/{}", id(&run));
    let body = json!({ "object_type": "user", "reason": "They come back on Monday" });
    app.post(&format!("{path}/reject"), body).await.expect(202);
    app.work().await;
    let ended = app.get(&path).await.expect(200);
    assert_eq!(users(&ended)["status"], "rejected");
    assert_eq!(users(&ended)["held"], 8);
    let changes = app.get(&format!("{path}/changes")).await.expect(200);
    let changes = changes["items"].as_array().unwrap();
    let rejected = changes
        .iter()
        .filter(|change| change["object_type"] == "user" && change["status"] == "rejected");
    assert_eq!(rejected.count(), 8);
    assert_eq!(app.full_sync(&integration).await["status"], "nothing_to_do");

    let withdraw = format!("{path}/withdraw");
    let of_users = json!({ "object_type": "user" });
    app.post(&withdraw, of_users.clone()).await.expect(202);
    app.post(&withdraw, of_users).await.refused(409);
    let next = app
        .post(
            &format!("/integrations/{integration}/runs"),
            json!({ "mode": "delta" }),
        )
        .await
        .expect(202);
    app.work().await;
    let next = app.get(&format!("/runs/{}", id(&next))).await.expect(200);
    assert_eq!(next["status"], "held", "{next}");
});
