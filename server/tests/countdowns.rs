//! Cancelling somebody's deletion, by programs and on the page.

use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, both_with_farm, id};

/// Someone who was deleted in the tenant and is counted down here.
async fn counted_down(app: &TestApp) -> String {
    let (customer, integration) = app.integration().await;
    let policy = json!({ "policy": {
        "out_of_scope": "delete",
        "delete_after_days": 9,
        "guard": { "user": { "max_count": null, "max_percent": 100 } },
    } });
    let path = format!("/integrations/{integration}");
    app.call(Method::PATCH, &path, Some(&app.owner), Some(policy))
        .await
        .expect(200);
    app.full_sync(&integration).await;
    let users = app
        .get(&format!("/customers/{customer}/users?limit=100"))
        .await
        .expect(200);
    let users = users["items"].as_array().unwrap();
    let one = users
        .iter()
        .find(|user| user["status"] == "active")
        .unwrap();
    let external_id = one["external_id"].as_str().unwrap();
    app.control().delete(external_id.parse().unwrap()).unwrap();
    app.full_sync(&integration).await;
    id(one)
}

both_with_farm!(a_countdown_is_cancelled_and_counts_again, |app| {
    let user = counted_down(&app).await;
    let path = format!("/users/{user}/countdown");
    let before = app.get(&path).await.expect(200);
    assert!(before["delete_at"].is_string(), "{before}");
    assert_eq!(before["cancelled"], Value::Null);

    let long = format!("{path}?note={}", "x".repeat(501));
    let owner = Some(app.owner.as_str());
    let refused = app.call(Method::DELETE, &long, owner, None).await;
    assert_eq!(refused.refused(422).as_deref(), Some("note"));
    let with_note = format!("{path}?note=On%20leave");
    let kept = app
        .call(Method::DELETE, &with_note, owner, None)
        .await
        .expect(200);
    assert_eq!(kept["delete_at"], Value::Null);
    assert_eq!(kept["cancelled"]["note"], "On leave");
    assert_eq!(app.get(&path).await.expect(200), kept);
    app.call(Method::DELETE, &path, owner, None)
        .await
        .refused(409);

    let why = app.get(&format!("/users/{user}/why")).await.expect(200);
    let answer = why["answer"].as_str().unwrap();
    assert!(answer.ends_with("Its deletion was cancelled."), "{answer}");

    let again = app
        .call(Method::PUT, &path, owner, Some(json!({})))
        .await
        .expect(200);
    assert!(again["delete_at"].is_string() && again["cancelled"].is_null());
    app.call(Method::PUT, &path, owner, Some(json!({})))
        .await
        .refused(409);
});

both_with_farm!(the_page_keeps_somebody_with_a_plain_form, |app| {
    let user = counted_down(&app).await;
    let cookie = app.session(&app.owner_scope).await;
    let path = format!("/users/{user}");
    let shown = app.page_of(&path, &cookie).await.text;
    assert!(shown.contains("To be deleted on"), "{shown}");
    let form = format!("object_type=user&id={user}&note=On+leave");
    let function = "directory/cancel-countdown";
    let answer = app.function(function, &cookie, None, &form).await;
    assert!(answer.status.is_success() || answer.status.is_redirection());
    let shown = app.page_of(&path, &cookie).await.text;
    assert!(shown.contains("Its deletion was cancelled by"), "{shown}");
    assert!(shown.contains("Count again") && shown.contains("On leave"));
});

both_with_farm!(nobody_of_another_customer_can_be_kept, |app| {
    let user = counted_down(&app).await;
    let other = app.customer("Other").await;
    let token = app.token(Role::Administrator, Some(&[other])).await;
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let path = format!("/users/{user}/countdown");
        let body = (method == Method::PUT).then(|| json!({}));
        app.call(method, &path, Some(&token), body)
            .await
            .refused(404);
    }
});
