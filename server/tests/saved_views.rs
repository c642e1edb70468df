use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{NOBODY, TestApp, both, id};

/// The names of the views of users that a token is told.
async fn names(app: &TestApp, token: &str) -> Vec<String> {
    let views = app
        .call(Method::GET, "/saved-views?list=users", Some(token), None)
        .await
        .expect(200);
    let views = views["items"].as_array().unwrap().iter();
    views
        .map(|view| view["name"].as_str().unwrap().to_owned())
        .collect()
}

both!(views_are_shared_changed_and_deleted, |app| {
    let customer = app.customer("A").await;
    let new = json!({
        "list": "users", "name": "Inactive", "shared": true,
        "query": format!("customer={customer}&status=inactive&page=3"),
    });
    let made = app.post("/saved-views", new).await;
    let view = made.expect(201);
    let path = format!("/saved-views/{}", id(&view));
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    assert_eq!(
        view["query"],
        format!("customer={customer}&status=inactive")
    );
    assert_eq!(
        (&view["own"], &view["customer_id"]),
        (&json!(true), &json!(customer))
    );
    assert_eq!(app.get(&path).await.expect(200), view);

    let (reader, other) = (
        app.token(Role::ReadOnly, Some(&[customer])).await,
        app.customer("B").await,
    );
    let elsewhere = app.token(Role::Administrator, Some(&[other])).await;
    assert_eq!(names(&app, &reader).await, ["Inactive"]);
    assert_eq!(names(&app, &elsewhere).await, [""; 0]);
    let named = json!({ "name": "Out of use" });
    let change = async |token: &str, body: Value| {
        app.call(Method::PATCH, &path, Some(token), Some(body))
            .await
    };
    change(&reader, named.clone()).await.refused(403);
    change(&elsewhere, named.clone()).await.refused(404);
    let changed = change(&app.owner, named).await.expect(200);
    assert_eq!(changed["name"], "Out of use");
    for (body, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "shared": false }), "shared"),
        (json!({ "is_default": true }), "is_default"),
        (json!({ "query": format!("customer={NOBODY}") }), "query"),
        (json!({ "query": "q=<" }), "query"),
        (json!({ "list": "groups" }), "list"),
    ] {
        let refused = change(&app.owner, body).await.refused(422);
        assert_eq!(refused.as_deref(), Some(field));
    }

    let deleted = async |token: &str| app.call(Method::DELETE, &path, Some(token), None).await;
    deleted(&reader).await.refused(403);
    deleted(&elsewhere).await.refused(404);
    assert_eq!(deleted(&app.owner).await.status, 204);
    app.get(&path).await.refused(404);
    deleted(&app.owner).await.refused(404);
});

both!(what_a_program_cannot_save_is_said_at_its_field, |app| {
    let customer = app.customer("A").await;
    let of_a = app.token(Role::UserManager, Some(&[customer])).await;
    let save = async |token: &str, body: Value| {
        app.call(Method::POST, "/saved-views", Some(token), Some(body))
            .await
    };
    let view =
        |query: &str| json!({ "list": "groups", "name": "x", "query": query, "shared": true });
    for (body, field) in [
        (json!({ "list": "groups", "name": "x" }), "shared"),
        (json!({ "list": "contacts", "name": "x" }), "list"),
        (json!({ "name": "x" }), "list"),
        (view(""), "query"),
        (view(&format!("customer={NOBODY}")), "query"),
    ] {
        assert_eq!(save(&of_a, body).await.refused(422).as_deref(), Some(field));
    }
    save(&of_a, view(&format!("customer={customer}&kind=security")))
        .await
        .expect(201);
    let reader = app.token(Role::ReadOnly, None).await;
    save(&reader, view("")).await.refused(403);
});
