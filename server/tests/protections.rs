//! Protecting somebody from sync, by programs and on the page.

use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, both_with_farm, id};

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

both_with_farm!(a_protected_user_outlives_its_source, |app| {
    let (integration, user) = somebody(&app).await;
    let user_id = id(&user);
    let path = format!("/users/{user_id}/protection");
    let owner = Some(app.owner.as_str());
    let put = async |body| app.call(Method::PUT, &path, owner, Some(body)).await;
    let long = json!({ "note": "x".repeat(501) });
    assert_eq!(put(long).await.refused(422).as_deref(), Some("note"));
    let unknown = put(json!({ "until": "Monday" })).await;
    assert_eq!(unknown.refused(422).as_deref(), Some("until"));
    let made = put(json!({ "note": "Break glass" })).await.expect(200);
    assert_eq!(made["note"], "Break glass");
    put(json!({})).await.refused(409);

    let external_id = user["external_id"].as_str().unwrap();
    app.control().delete(external_id.parse().unwrap()).unwrap();
    app.full_sync(&integration).await;
    let seen = app.get(&format!("/users/{user_id}")).await.expect(200);
    assert_eq!(seen["status"], "active");
    let cookie = app.session(&app.owner_scope).await;
    let page = app
        .page_of(&format!("/users/{user_id}"), &cookie)
        .await
        .text;
    assert!(page.contains("Protected from sync by"), "{page}");

    app.call(Method::DELETE, &path, owner, None)
        .await
        .expect(204);
    app.call(Method::DELETE, &path, owner, None)
        .await
        .refused(409);
    app.full_sync(&integration).await;
    let seen = app.get(&format!("/users/{user_id}")).await.expect(200);
    assert_eq!(seen["status"], "inactive");
});

both_with_farm!(another_customers_user_is_not_protected, |app| {
    let (_, user) = somebody(&app).await;
    let path = format!("/users/{}/protection", id(&user));
    let other = app.customer("Other").await;
    let token = app.token(Role::Administrator, Some(&[other])).await;
    for (method, body) in [(Method::PUT, Some(json!({}))), (Method::DELETE, None)] {
        app.call(method, &path, Some(&token), body)
            .await
            .refused(404);
    }
});
