use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{both, both_with_farm};

both_with_farm!(an_integration_is_paused_and_resumed, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let path = format!("/integrations/{integration}");
    let before = app.get(&path).await.expect(200);
    assert_eq!(
        (&before["state"], &before["pause"]),
        (&json!("ok"), &Value::Null)
    );
    let paused = app
        .post(
            &format!("{path}/pause"),
            json!({ "reason": "Moving house" }),
        )
        .await
        .expect(200);
    assert_eq!(paused["state"], "paused");
    assert_eq!(paused["next_run_at"], Value::Null);
    assert_eq!(paused["pause"]["level"], "integration");
    assert_eq!(paused["pause"]["reason"], "Moving house");
    assert!(
        paused["pause"]["by"]
            .as_str()
            .is_some_and(|by| !by.is_empty())
    );
    assert_eq!(app.get(&path).await.expect(200), paused);

    // What a program starts always goes.
    app.t.clock.advance(chrono::Duration::hours(1));
    app.work().await;
    let runs = app.get("/runs").await.expect(200);
    assert_eq!(runs["items"].as_array().unwrap().len(), 1);
    let run = app
        .post(&format!("{path}/runs"), json!({ "mode": "delta" }))
        .await
        .expect(202);
    app.work().await;
    let run = app
        .get(&format!("/runs/{}", run["id"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(run["status"], "nothing_to_do", "{run}");

    let of_customer = format!("/customers/{customer}");
    let all = app
        .post(&format!("{of_customer}/pause"), json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&all["pause"]["level"], &all["pause"]["reason"]),
        (&json!("customer"), &Value::Null)
    );
    let resumed = app
        .post(&format!("{path}/resume"), json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&resumed["state"], &resumed["pause"]["level"]),
        (&json!("paused"), &json!("customer"))
    );
    app.post(&format!("{of_customer}/resume"), json!({}))
        .await
        .expect(200);
    let resumed = app.get(&path).await.expect(200);
    assert_eq!(
        (&resumed["state"], &resumed["pause"]),
        (&json!("ok"), &Value::Null)
    );
    assert_ne!(resumed["next_run_at"], Value::Null);
    app.work().await;
});

both_with_farm!(a_window_is_kept_and_followed, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    app.patch(
        &format!("/customers/{customer}"),
        json!({ "time_zone": "Europe/Amsterdam" }),
    )
    .await
    .expect(200);
    let schedule = json!({
        "every_minutes": 30,
        "window": { "from": "22:00", "until": "06:00", "days": ["mon", "tue"] },
    });
    let path = format!("/integrations/{integration}");
    let saved = app
        .patch(&path, json!({ "schedule": schedule }))
        .await
        .expect(200);
    assert_eq!(saved["schedule"], schedule);
    assert_eq!(saved["time_zone"], "Europe/Amsterdam");
    // Sunday noon: the window opens on Monday at 22:00 in Amsterdam.
    let next = saved["next_run_at"].as_str().unwrap();
    assert!(next.starts_with("2026-03-02T21:0"), "{next}");
    app.t.clock.advance(chrono::Duration::hours(30));
    app.work().await;
    let count = async || {
        app.get("/runs").await.expect(200)["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count().await, 1);
    app.t.clock.advance(chrono::Duration::hours(4));
    app.work().await;
    assert_eq!(count().await, 2);
});

both!(everything_is_paused_by_owners_only, |app| {
    let customer = app.customer("Contoso").await;
    let some = app.token(Role::Administrator, Some(&[customer])).await;
    let narrow = app.token(Role::Owner, Some(&[customer])).await;
    for token in [&some, &narrow] {
        for call in ["pause", "resume"] {
            app.call(
                Method::POST,
                &format!("/sync/{call}"),
                Some(token),
                Some(json!({})),
            )
            .await
            .refused(403);
        }
    }
    assert_eq!(app.get("/sync").await.expect(200), json!({ "pause": null }));
    let too_long = json!({ "reason": "x".repeat(501) });
    let answer = app.post("/sync/pause", too_long).await;
    assert_eq!(answer.refused(422).as_deref(), Some("reason"));
    let paused = app
        .post("/sync/pause", json!({ "reason": "Maintenance" }))
        .await
        .expect(200);
    assert_eq!(paused["pause"]["level"], "all");
    assert_eq!(paused["pause"]["reason"], "Maintenance");
    let seen = app.call(Method::GET, "/sync", Some(&some), None).await;
    assert_eq!(seen.expect(200), paused);
    let resumed = app.post("/sync/resume", json!({})).await.expect(200);
    assert_eq!(resumed, json!({ "pause": null }));
    app.work().await;
});
