//! Users and groups made here, by programs.

use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, both_with_farm, id};

/// The first of a customer's list.
async fn first(app: &TestApp, customer: &str, noun: &str) -> String {
    let list = app.get(&format!("/customers/{customer}/{noun}")).await;
    id(&list.expect(200)["items"][0])
}

async fn put(app: &TestApp, path: &str, body: Value) -> Answer {
    app.call(Method::PUT, path, Some(&app.owner), Some(body))
        .await
}

/// The words of a refusal.
fn detail(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap().to_owned()
}

fn blames(answer: &Answer, field: &str) {
    assert_eq!(answer.refused(422).as_deref(), Some(field), "{answer:?}");
}

both_with_farm!(a_user_is_made_changed_and_taken_away, |app| {
    let customer = app.customer("Contoso").await;
    let new = json!({
        "user_principal_name": "ada@contoso.example",
        "display_name": "Ada Lovelace",
        "attributes": { "jobTitle": "Countess" },
        "aliases": ["king@contoso.example"],
    });
    let users = format!("/customers/{customer}/users");
    let answer = app.post(&users, new.clone()).await;
    let location = answer.header("location").to_owned();
    let made = answer.expect(201);
    let user = format!("/users/{}", id(&made));
    assert_eq!(location, format!("/api/v1{user}"));
    assert_eq!(
        (&made["source_type"], &made["status"], &made["guest"]),
        (&json!("Manual"), &json!("active"), &json!(false))
    );
    assert_eq!(made["attributes"], json!({ "jobTitle": "Countess" }));
    assert_eq!(app.get(&user).await.expect(200), made);

    // Whose name it is, stands at the field.
    let answer = app.post(&users, new).await;
    blames(&answer, "user_principal_name");
    assert!(detail(&answer).starts_with("Ada Lovelace signs in with"));
    let bad = json!({
        "user_principal_name": "b@contoso.example", "display_name": "B",
        "attributes": { "shoeSize": "43" },
    });
    blames(&app.post(&users, bad).await, "attributes.shoeSize");
    let unknown = json!({ "display_name": "B", "password": "x" });
    blames(&app.post(&users, unknown).await, "password");

    let change = json!({ "display_name": "Ada King", "attributes": { "jobTitle": "" } });
    let changed = app.patch(&user, change).await.expect(200);
    assert_eq!(changed["display_name"], "Ada King");
    assert_eq!(changed["attributes"], json!({}));
    let aliases = json!({ "aliases": ["ada.king@contoso.example"] });
    let set = put(&app, &format!("{user}/aliases"), aliases.clone()).await;
    assert_eq!(set.expect(200), aliases);

    let deactivate = format!("{user}/deactivate");
    let off = app.post(&deactivate, json!({ "note": "T-1" })).await;
    assert_eq!(off.expect(200)["status"], "inactive");
    app.post(&deactivate, json!({})).await.refused(409);
    let on = app.post(&format!("{user}/reactivate"), json!({})).await;
    assert_eq!(on.expect(200)["status"], "active");
    assert_eq!(app.delete(&user).await.status, 204);
    let binned = app.get(&user).await.expect(200);
    assert_eq!(binned["status"], "deleted");
    assert!(binned["purge_at"].is_string());
    let back = app.post(&format!("{user}/restore"), json!({})).await;
    assert_eq!(back.expect(200)["status"], "active");
});

both_with_farm!(a_synced_user_is_only_decided_about_here, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let customer = customer.to_string();
    let user = format!("/users/{}", first(&app, &customer, "users").await);
    let answer = app.patch(&user, json!({ "mail": "" })).await;
    answer.refused(409);
    assert!(detail(&answer).contains("keeps it in step"));
    app.delete(&user).await.refused(409);
    let made = app.patch(&user, json!({ "administrator": true })).await;
    assert!(made.expect(200)["administrator"]["by"].is_string());

    let kept = format!("{user}/kept-attributes/jobTitle");
    let body = json!({ "value": "Countess", "note": "T-1" });
    let answer = put(&app, &kept, body).await.expect(200);
    assert_eq!(
        (&answer["name"], &answer["value"], &answer["note"]),
        (&json!("jobTitle"), &json!("Countess"), &json!("T-1"))
    );
    let unknown = format!("{user}/kept-attributes/shoeSize");
    blames(&put(&app, &unknown, json!({ "value": "43" })).await, "name");
    app.full_sync(&integration).await;
    let now = app.get(&user).await.expect(200);
    assert_eq!(now["attributes"]["jobTitle"], "Countess");
    let listed = app.get(&format!("{user}/kept-attributes")).await;
    assert_eq!(listed.expect(200)["items"], now["kept_attributes"]);
    let why = app.get(&format!("{user}/why")).await.expect(200);
    let steps = why["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["step"] == "kept_here"));
    assert_eq!(app.delete(&kept).await.status, 204);
    app.delete(&kept).await.refused(404);
});

both_with_farm!(a_group_is_made_and_filled, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let customer = customer.to_string();
    let user = first(&app, &customer, "users").await;
    let synced = first(&app, &customer, "groups").await;
    let new = json!({ "display_name": "Board", "description": "Decides", "member_ids": [user] });
    let groups = format!("/customers/{customer}/groups");
    let made = app.post(&groups, new).await.expect(201);
    assert_eq!(
        (&made["user_count"], &made["source_type"]),
        (&json!(1), &json!("Manual"))
    );
    let group = format!("/groups/{}", id(&made));
    let members = format!("{group}/members");
    let more = json!({ "member_ids": [user, synced] });
    assert_eq!(
        app.post(&members, more).await.expect(200),
        json!({ "changed": 1 })
    );
    let unknown = json!({ "member_ids": [customer] });
    blames(&app.post(&members, unknown).await, "member_ids");
    let both = format!("{members}?member_ids={user},{customer}");
    assert_eq!(app.delete(&both).await.expect(200), json!({ "changed": 1 }));
    app.delete(&members).await.refused(400);
    app.delete(&format!("{members}?member_ids=x"))
        .await
        .refused(400);

    // Whoever is synced is put into groups made here, and into no others.
    let own = format!("/users/{user}/groups");
    let body = json!({ "group_ids": [id(&made)] });
    let set = put(&app, &own, body).await.expect(200);
    let set = set["items"].as_array().unwrap();
    assert!(
        set.iter()
            .any(|group| group["id"] == made["id"] && group["made_here"] == true)
    );
    let of_source = json!({ "group_ids": [synced] });
    blames(&put(&app, &own, of_source).await, "group_ids");

    let renamed = app.patch(&group, json!({ "display_name": "Directors" }));
    assert_eq!(renamed.await.expect(200)["display_name"], "Directors");
    let of_source = format!("/groups/{synced}");
    for refused in [
        app.patch(&of_source, json!({ "display_name": "X" })).await,
        app.delete(&of_source).await,
        app.post(
            &format!("{of_source}/members"),
            json!({ "member_ids": [user] }),
        )
        .await,
    ] {
        refused.refused(409);
        assert!(detail(&refused).contains("is a synced group"));
    }
    assert_eq!(app.delete(&group).await.status, 204);
    let back = app.post(&format!("{group}/restore"), json!({})).await;
    assert_eq!(back.expect(200)["user_count"], 1);
});

both_with_farm!(another_customer_and_a_reader_change_nobody, |app| {
    let customer = app.customer("Contoso").await;
    let new = json!({ "display_name": "A", "user_principal_name": "a@contoso.example" });
    let users = format!("/customers/{customer}/users");
    let user = id(&app.post(&users, new.clone()).await.expect(201));
    let other = app.customer("Other").await;
    let stranger = app.token(Role::Administrator, Some(&[other])).await;
    let reader = app.token(Role::HelpDesk, Some(&[customer])).await;
    for (method, path) in [
        (Method::POST, users.clone()),
        (Method::POST, format!("/customers/{customer}/groups")),
        (Method::PATCH, format!("/users/{user}")),
        (
            Method::PUT,
            format!("/users/{user}/kept-attributes/jobTitle"),
        ),
    ] {
        // What is wrong with the body, they don't learn.
        let body = Some(json!({ "nonsense": 1 }));
        let answer = app
            .call(method.clone(), &path, Some(&stranger), body.clone())
            .await;
        answer.refused(404);
        let answer = app.call(method, &path, Some(&reader), body).await;
        answer.refused(403);
    }
});
