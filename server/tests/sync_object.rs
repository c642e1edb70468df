//! One person synced alone, by programs and on the pages.

use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{NOBODY, TestApp, both_with_farm, id};

/// Somebody in use, with the integration they come from.
async fn somebody(app: &TestApp) -> (String, Value) {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let users = app
        .get(&format!("/customers/{customer}/users?limit=100"))
        .await
        .expect(200);
    let users = users["items"].as_array().unwrap();
    let one = users.iter().find(|user| user["status"] == "active");
    (integration, one.unwrap().clone())
}

both_with_farm!(one_person_is_synced_alone, |app| {
    let (integration, user) = somebody(&app).await;
    let path = format!("/integrations/{integration}/sync-object");
    let external_id = user["external_id"].as_str().unwrap();
    app.control()
        .rename(external_id.parse().unwrap(), "Ada Alone")
        .unwrap();
    let asked = json!({ "object": user["user_principal_name"] });
    let run = app.post(&path, asked.clone()).await.expect(202);
    assert_eq!(
        (&run["mode"], &run["trigger"], &run["status"]),
        (&json!("object"), &json!("api"), &json!("queued"))
    );
    assert_eq!(run["object"]["external_id"], user["external_id"]);
    let second = app.post(&path, asked).await;
    assert_eq!(second.json()["run_id"], run["id"]);
    second.refused(409);
    app.work().await;

    let run_path = format!("/runs/{}", id(&run));
    let ended = app.get(&run_path).await.expect(200);
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(ended["object"]["display_name"], "Ada Alone");
    assert_eq!(ended["object"]["reason"], Value::Null);
    let changes = app.get(&format!("{run_path}/changes")).await.expect(200);
    assert_eq!(changes["items"].as_array().unwrap().len(), 1, "{changes}");
    let seen = app.get(&format!("/users/{}", id(&user))).await.expect(200);
    assert_eq!(seen["display_name"], "Ada Alone");
    let found = app.get("/runs?q=ada%20alone").await.expect(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");

    let cookie = app.session(&app.owner_scope).await;
    let page = async |path: String| app.page_of(&path, &cookie).await.text;
    let text = page(format!("/runs/{}", id(&run))).await;
    assert!(text.contains("Single sync of Ada Alone"), "{text}");
    let text = page(format!("/integrations/{integration}/sync-history")).await;
    assert!(text.contains("Ada Alone alone"), "{text}");
    for path in [
        format!("/users/{}", id(&user)),
        format!("/integrations/{integration}/why?object={external_id}"),
    ] {
        let text = page(path.clone()).await;
        assert!(text.contains("Sync now"), "{path}: {text}");
    }
    let form = format!("id={integration}&object={external_id}");
    let answer = app
        .function("integrations/sync-object", &cookie, None, &form)
        .await
        .expect(200);
    let to = answer["to"].as_str().unwrap_or_default();
    assert!(to.starts_with("/runs/"), "{answer}");
    app.work().await;
});

both_with_farm!(whom_nobody_can_mean_is_refused, |app| {
    let (_, integration) = app.integration().await;
    let path = format!("/integrations/{integration}/sync-object");
    let user = app.control().snapshot().users[0].id.to_string();
    app.post(&path, json!({ "object": user }))
        .await
        .refused(409);
    app.full_sync(&integration).await;
    for (body, field) in [
        (json!({}), "object"),
        (json!({ "object": "x" }), "object"),
        (json!({ "object": NOBODY }), "object"),
        (json!({ "object": "nobody at all" }), "object"),
        (json!({ "object": user, "who": "me" }), "who"),
    ] {
        let refused = app.post(&path, body.clone()).await.refused(422);
        assert_eq!(refused.as_deref(), Some(field), "{body}");
    }
    let other = app.customer("Other").await;
    let token = app.token(Role::Administrator, Some(&[other])).await;
    let body = Some(json!({ "object": user }));
    app.call(Method::POST, &path, Some(&token), body)
        .await
        .refused(404);
});
