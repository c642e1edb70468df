//! Many at once, by programs; and where everything of a user comes from.

use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, both_with_farm, id};

async fn made(app: &TestApp, customer: &str, name: &str) -> String {
    let new = json!({
        "user_principal_name": format!("{}@contoso.example", name.to_lowercase()),
        "display_name": name,
    });
    let path = format!("/customers/{customer}/users");
    id(&app.post(&path, new).await.expect(201))
}

fn names(list: &Value) -> Vec<(&str, &str)> {
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let text = |name: &str| item[name].as_str().unwrap();
            (text("name"), text("outcome"))
        })
        .collect()
}

both_with_farm!(many_are_looked_at_and_then_changed, |app| {
    let customer = app.customer("Contoso").await.to_string();
    let (ada, bea) = (
        made(&app, &customer, "Ada").await,
        made(&app, &customer, "Bea").await,
    );
    let group = json!({ "display_name": "Board" });
    let group = app
        .post(&format!("/customers/{customer}/groups"), group)
        .await;
    let group = id(&group.expect(201));
    let path = format!("/customers/{customer}/bulk-changes");

    // What is wrong is said at its field.
    let of = |action: &str, more: Value| {
        let mut body = json!({ "list": "users", "action": action });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    for (body, field) in [
        (of("protect", json!({})), "ids"),
        (
            of("protect", json!({ "ids": [ada], "filter": "" })),
            "filter",
        ),
        (of("add_to_group", json!({ "ids": [ada] })), "group_id"),
        (
            of("add_to_group", json!({ "ids": [ada], "group_id": ada })),
            "group_id",
        ),
        (of("protect", json!({ "ids": [group] })), "ids"),
    ] {
        let answer = app.post(&path, body.clone()).await;
        assert_eq!(answer.refused(422).as_deref(), Some(field), "{body}");
    }

    let body = of(
        "add_to_group",
        json!({ "filter": "q=a", "group_id": group }),
    );
    let prepared = app.post(&path, body).await.expect(201);
    assert_eq!(prepared["status"], "preview");
    assert_eq!(prepared["counts"]["would"], 2);
    let change = format!("/bulk-changes/{}", id(&prepared));
    let first = app
        .get(&format!("{change}/items?limit=1"))
        .await
        .expect(200);
    assert_eq!(names(&first), [("Ada", "would")]);
    let cursor = first["next"].as_str().unwrap();
    let rest = app.get(&format!("{change}/items?cursor={cursor}")).await;
    let rest = rest.expect(200);
    assert_eq!(
        (names(&rest), &rest["next"]),
        (vec![("Bea", "would")], &Value::Null)
    );
    // Bea is changed meanwhile.
    app.t.clock.advance(chrono::Duration::minutes(1));
    app.patch(&format!("/users/{bea}"), json!({ "surname": "Bee" }))
        .await
        .expect(200);
    let done = app
        .post(&format!("{change}/apply"), json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&done["status"], &done["counts"]["done"]),
        (&json!("done"), &json!(1))
    );
    let refused = app.get(&format!("{change}/items?outcome=refused")).await;
    assert_eq!(names(&refused.expect(200)), [("Bea", "refused")]);
    app.post(&format!("{change}/apply"), json!({}))
        .await
        .refused(409);
    let members = app
        .get(&format!("/groups/{group}/members"))
        .await
        .expect(200);
    assert_eq!(members["items"].as_array().unwrap().len(), 1);

    // Another token sees nothing of it, whatever it may do.
    let other = app.token(Role::Owner, None).await;
    let answer = app.call(Method::GET, &change, Some(&other), None).await;
    answer.refused(404);
});

both_with_farm!(a_user_tells_where_everything_comes_from, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let users = format!("/customers/{customer}/users");
    let list = app.get(&users).await.expect(200);
    let user = format!("/users/{}", id(&list["items"][0]));
    let kept = json!({ "value": "Lead", "note": "T-1" });
    let path = format!("{user}/kept-attributes/jobTitle");
    let kept = app.call(Method::PUT, &path, Some(&app.owner), Some(kept));
    kept.await.expect(200);
    let told = app.get(&format!("{user}/attributes")).await.expect(200);
    let from = |name: &str| {
        let mut items = told["items"].as_array().unwrap().iter();
        items.find(|item| item["name"] == name).unwrap()["from"].clone()
    };
    assert_eq!(
        from("displayName"),
        json!({ "kind": "source", "attribute": "displayName" })
    );
    assert_eq!(
        (&from("jobTitle")["kind"], &from("jobTitle")["note"]),
        (&json!("kept"), &json!("T-1"))
    );
    let runs = app.get(&format!("{user}/runs")).await.expect(200);
    assert_eq!(runs["items"][0]["action"], "create");
    let ways = app.get(&format!("{user}/memberships")).await.expect(200);
    assert!(ways["items"].is_array());
    let sessions = app.get(&format!("{user}/sessions")).await.expect(200);
    assert_eq!(sessions, json!({ "items": [] }));
    let ended = app.delete(&format!("{user}/sessions")).await;
    assert_eq!(ended.status.as_u16(), 204);
    let views = app.get("/saved-views?list=users").await.expect(200);
    assert_eq!(views, json!({ "items": [] }));
});
