use axum::body::Body;
use domain::permission::Role;
use http::{Method, Request, header};
use serde_json::json;

use crate::support::{NOBODY, both_with_farm, id};

both_with_farm!(a_user_is_explained_by_id_and_by_name, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let users = app
        .get(&format!("/customers/{customer}/users?limit=1"))
        .await
        .expect(200);
    let user = &users["items"][0];
    let why = app
        .get(&format!("/users/{}/why", id(user)))
        .await
        .expect(200);
    assert_eq!(why["object"]["external_id"], user["external_id"]);
    assert_eq!(why["object"]["status"], user["status"]);
    assert_eq!(why["integration_id"], json!(integration));
    let steps = why["steps"].as_array().unwrap();
    let kinds: Vec<_> = steps
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds[..8],
        [
            "seen",
            "scope",
            "guest",
            "names",
            "sign_in",
            "user_name",
            "mapping",
            "actions"
        ]
    );
    for step in steps {
        for key in ["title", "sentence"] {
            assert!(!step[key].as_str().unwrap().is_empty(), "{step}");
        }
        let outcomes = ["passed", "stopped", "not_reached", "unknown"];
        assert!(outcomes.contains(&step["outcome"].as_str().unwrap()));
    }
    for object in ["external_id", "user_principal_name"] {
        let object = user[object].as_str().unwrap().replace('#', "%23");
        let path = format!("/integrations/{integration}/why?object={object}");
        let answer = app.get(&path).await.expect(200);
        assert_eq!(answer["found"], "one");
        assert_eq!(answer["why"], why);
    }
    let path = format!("/integrations/{integration}/why?object=nobody%20at%20all");
    let answer = app.get(&path).await.expect(200);
    assert_eq!(answer["found"], "nothing");
    assert_eq!(answer["asked"].as_array().unwrap().len(), 2);
});

both_with_farm!(what_is_asked_in_the_wrong_way_is_refused, |app| {
    let (_, integration) = app.integration().await;
    let path = format!("/integrations/{integration}/why");
    let short = app.get(&format!("{path}?object=x")).await;
    assert_eq!(short.refused(422).as_deref(), Some("object"));
    app.get(&path).await.refused(400);
    let unknown = app.get(&format!("{path}?object=abc&who=me")).await;
    assert_eq!(unknown.refused(400).as_deref(), Some("who"));
    app.get(&format!("/users/{NOBODY}/why")).await.refused(404);
    app.get(&format!("/integrations/{NOBODY}/why?object=abc"))
        .await
        .refused(404);
});

both_with_farm!(another_customers_objects_are_not_explained, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let users = app
        .get(&format!("/customers/{customer}/users?limit=1"))
        .await
        .expect(200);
    let other = app.customer("Other").await;
    let token = app.token(Role::Administrator, Some(&[other])).await;
    for path in [
        format!("/users/{}/why", id(&users["items"][0])),
        format!("/integrations/{integration}/why?object=somebody"),
        format!("/integrations/{integration}/why"),
    ] {
        app.call(Method::GET, &path, Some(&token), None)
            .await
            .refused(404);
    }
});

both_with_farm!(the_pages_tell_it_before_the_browser_code, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let cookie = app.session(&app.owner_scope).await;
    let page = async |path: &str| {
        let request = Request::get(path)
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, &cookie)
            .body(Body::empty())
            .unwrap();
        app.send(request).await
    };
    let first = async |noun: &str| {
        let path = format!("/customers/{customer}/{noun}?limit=1");
        app.get(&path).await.expect(200)["items"][0].clone()
    };
    let (user, group) = (first("users").await, first("groups").await);
    let why = app
        .get(&format!("/users/{}/why", id(&user)))
        .await
        .expect(200);
    let answer = why["answer"].as_str().unwrap();
    let external = user["external_id"].as_str().unwrap();
    let of_integration = format!("/integrations/{integration}/why");
    for path in [
        format!("/users/{}", id(&user)),
        format!("{of_integration}?object={external}"),
    ] {
        let shown = page(&path).await;
        assert_eq!(shown.status, 200, "{path}");
        assert!(shown.text.contains(answer), "{path}");
        for step in why["steps"].as_array().unwrap() {
            assert!(
                shown.text.contains(step["title"].as_str().unwrap()),
                "{step}"
            );
        }
        assert!(shown.text.contains("What would change it"), "{path}");
    }
    let shown = page(&format!("/groups/{}", id(&group))).await;
    assert!(shown.text.contains("Of a kind that can be synced"));

    let form = page(&format!("/integrations/{integration}")).await;
    assert!(form.text.contains(&format!("action=\"{of_integration}\"")));
    let empty = page(&of_integration).await;
    assert!(empty.text.contains("Ask about anybody in the tenant"));
    let nobody = page(&format!("{of_integration}?object=nobody+at+all")).await;
    assert!(nobody.text.contains("Nothing fits"));
    let several = page(&format!("{of_integration}?object=%40")).await;
    assert_eq!(several.status, 422, "too short");
    let missing = page(&format!("/integrations/{NOBODY}/why?object=abc")).await;
    assert_eq!(missing.status, 404);
});
