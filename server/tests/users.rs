use std::collections::BTreeSet;

use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{NOBODY, TestApp, both_with_farm, id};

/// Every row of a list, a small page at a time.
async fn all(app: &TestApp, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app
            .get(&format!("{path}?limit=7{cursor}"))
            .await
            .expect(200);
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

both_with_farm!(users_and_groups_are_read_page_by_page_and_by_id, |app| {
    let (customer, integration) = app.integration().await;
    let run = app.full_sync(&integration).await;
    for (noun, place) in [("users", 0), ("groups", 1)] {
        let rows = all(&app, &format!("/customers/{customer}/{noun}")).await;
        let ids: BTreeSet<_> = rows.iter().map(id).collect();
        assert_eq!(ids.len(), rows.len(), "no row comes twice");
        assert_eq!(json!(rows.len()), run["counts"][place]["created"], "{noun}");
        let one = &rows[0];
        assert_eq!(one["source_type"], "EntraSync");
        let alone = app.get(&format!("/{noun}/{}", id(one))).await.expect(200);
        // By itself a user also says more, such as whether it is protected.
        for (name, value) in one.as_object().unwrap() {
            assert_eq!(alone[name], *value, "{name}");
        }
        if noun == "users" {
            assert_eq!(alone["protected"], Value::Null);
            assert_eq!(alone["aliases"], json!([]));
        }
        app.get(&format!("/{noun}/{NOBODY}")).await.refused(404);
        app.get(&format!("/customers/{NOBODY}/{noun}"))
            .await
            .refused(404);
    }

    let groups = all(&app, &format!("/customers/{customer}/groups")).await;
    let group = groups
        .iter()
        .find(|group| group["user_count"].as_i64() > Some(0))
        .unwrap();
    let members = all(&app, &format!("/groups/{}/members", id(group))).await;
    let users = members
        .iter()
        .filter(|member| member["object_type"] == "user")
        .count();
    assert_eq!(json!(users), group["user_count"]);
    assert_eq!(members[0]["direct"], true);
});

both_with_farm!(another_customers_directory_does_not_exist, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let user = all(&app, &format!("/customers/{customer}/users"))
        .await
        .remove(0);
    let group = all(&app, &format!("/customers/{customer}/groups"))
        .await
        .remove(0);
    let other = app.customer("Other").await;
    let token = app.token(Role::Administrator, Some(&[other])).await;
    for path in [
        format!("/customers/{customer}/users"),
        format!("/customers/{customer}/groups"),
        format!("/users/{}", id(&user)),
        format!("/groups/{}", id(&group)),
        format!("/groups/{}/members?limit=nonsense", id(&group)),
    ] {
        app.call(Method::GET, &path, Some(&token), None)
            .await
            .refused(404);
    }
});
