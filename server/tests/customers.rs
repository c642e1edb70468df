use domain::permission::Role;
use http::Method;
use serde_json::json;

use crate::support::{NOBODY, both, id};

both!(a_customer_comes_changes_and_goes, |app| {
    let answer = app
        .post("/customers", json!({ "name": "  Contoso 🏢 " }))
        .await;
    let made = answer.expect(201);
    assert_eq!(made["name"], "Contoso 🏢");
    assert_eq!(made["deleted_at"], json!(null));
    assert_eq!(
        (&made["time_zone"], &made["pause"]),
        (&json!("UTC"), &json!(null))
    );
    let path = format!("/customers/{}", id(&made));
    assert_eq!(answer.header("location"), format!("/api/v1{path}"));
    assert_eq!(app.get(&path).await.expect(200), made);

    let renamed = app
        .patch(&path, json!({ "name": "Fabrikam" }))
        .await
        .expect(200);
    assert_eq!(renamed["name"], "Fabrikam");
    app.delete(&path).await.expect(204);
    // In the bin it can still be read, and nothing else.
    assert_ne!(app.get(&path).await.expect(200)["deleted_at"], json!(null));
    app.patch(&path, json!({ "name": "x" })).await.refused(404);
    app.delete(&path).await.refused(404);
    assert_eq!(app.get("/customers").await.expect(200)["items"], json!([]));
});

both!(a_customer_needs_a_name, |app| {
    for name in ["", "   ", "a\nb", &"x".repeat(257)] {
        let answer = app.post("/customers", json!({ "name": name })).await;
        assert_eq!(answer.refused(422).as_deref(), Some("name"), "{name:?}");
    }
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": null }), "name"),
        (json!({ "name": "a", "id": NOBODY }), "id"),
    ] {
        let answer = app.post("/customers", body).await;
        assert_eq!(answer.refused(422).as_deref(), Some(field));
    }
});

both!(a_customer_has_a_time_zone, |app| {
    let body = json!({ "name": "Contoso", "time_zone": "Europe/Amsterdam" });
    let made = app.post("/customers", body).await.expect(201);
    assert_eq!(made["time_zone"], "Europe/Amsterdam");
    let path = format!("/customers/{}", id(&made));
    let changed = app
        .patch(&path, json!({ "time_zone": "asia/tokyo" }))
        .await
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["time_zone"]),
        (&json!("Contoso"), &json!("Asia/Tokyo"))
    );
    assert_eq!(app.patch(&path, json!({})).await.expect(200), changed);
    for zone in ["", "Tokyo", "+09:00"] {
        let answer = app.patch(&path, json!({ "time_zone": zone })).await;
        assert_eq!(answer.refused(422).as_deref(), Some("time_zone"), "{zone}");
        let body = json!({ "name": "x", "time_zone": zone });
        let answer = app.post("/customers", body).await;
        assert_eq!(answer.refused(422).as_deref(), Some("time_zone"), "{zone}");
    }
});

both!(customers_are_listed_by_name_page_by_page, |app| {
    for name in ["Émile", "contoso", "Bravo", "Alpha", "Zulu", "contoso"] {
        app.customer(name).await;
    }
    let mut names = Vec::new();
    let mut path = "/customers?limit=2".to_owned();
    loop {
        let page = app.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(
            items
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/customers?limit=2&cursor={next}");
    }
    assert_eq!(
        names,
        ["Alpha", "Bravo", "contoso", "contoso", "Émile", "Zulu"]
    );

    let found = app.get("/customers?q=EMI").await.expect(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["next"], json!(null));
});

both!(a_token_of_one_customer_sees_no_other, |app| {
    let (mine, other) = (app.customer("Mine").await, app.customer("Other").await);
    let token = app.token(Role::Administrator, Some(&[mine])).await;
    let call = async |method, path: String, body| app.call(method, &path, Some(&token), body).await;

    let list = call(Method::GET, "/customers".to_owned(), None)
        .await
        .expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let other = format!("/customers/{other}");
    call(Method::GET, other.clone(), None).await.refused(404);
    // The path is looked at before the body: a bad body of a stranger's customer tells nothing.
    call(Method::PATCH, other.clone(), Some(json!({ "nam": 1 })))
        .await
        .refused(404);
    call(Method::DELETE, other, None).await.refused(404);
    call(
        Method::PATCH,
        format!("/customers/{mine}"),
        Some(json!({ "nam": 1 })),
    )
    .await
    .refused(422);
});
