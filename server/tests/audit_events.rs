//! The audit log, by programs, as a file, and on its page.

use domain::permission::Role;
use http::Method;
use serde_json::json;

use crate::support::{NOBODY, TestApp, both, id};

/// The actions of the log under a query, the latest first.
async fn actions(app: &TestApp, token: &str, query: &str) -> Vec<String> {
    let path = format!("/audit-events?{query}");
    let list = app
        .call(Method::GET, &path, Some(token), None)
        .await
        .expect(200);
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|event| event["action"].as_str().unwrap().to_owned())
        .collect()
}

both!(
    an_entry_says_who_from_where_on_what_and_what_was_before,
    |app| {
        let customer = app.customer("Contoso").await;
        let path = format!("/customers/{customer}");
        let answer = app.patch(&path, json!({ "name": "Fabrikam" })).await;
        let request = answer.header("x-request-id").to_owned();
        let list = app
            .get(&format!("/audit-events?customer_id={customer}&limit=1"))
            .await
            .expect(200);
        let event = &list["items"][0];
        for (field, value) in [
            ("action", json!("customer.update")),
            ("actor", json!("test")),
            ("actor_kind", json!("api_token")),
            ("address", json!("198.51.100.7")),
            ("after", json!({ "name": "Fabrikam" })),
            ("before", json!({ "name": "Contoso" })),
            ("channel", json!("api")),
            ("customer_id", json!(customer)),
            ("customer_name", json!("Fabrikam")),
            ("object_id", json!(customer)),
            ("object_name", json!("Fabrikam")),
            ("object_type", json!("customer")),
            ("position", json!(2)),
            ("request_id", json!(request)),
            ("day", json!("2026-03-01")),
        ] {
            assert_eq!(event[field], value, "{field}");
        }
        assert_eq!(event["hash"].as_str().unwrap().len(), 64);
        let one = app.get(&format!("/audit-events/{}", id(event))).await;
        assert_eq!(&one.expect(200), event);
        assert!(list["next"].is_string());
        app.get(&format!("/audit-events/{NOBODY}"))
            .await
            .refused(404);
    }
);

both!(
    a_token_sees_the_entries_of_its_customers_and_no_others,
    |app| {
        let (a, b) = (app.customer("A").await, app.customer("B").await);
        let of_a = app.token(Role::Administrator, Some(&[a])).await;
        assert_eq!(
            actions(&app, &of_a, "").await,
            ["api_token.create", "customer.create"]
        );
        assert_eq!(
            actions(&app, &of_a, &format!("customer_id={b}")).await,
            [""; 0]
        );
        let others = app
            .get(&format!("/audit-events?customer_id={b}"))
            .await
            .expect(200);
        let path = format!("/audit-events/{}", id(&others["items"][0]));
        let refused = app.call(Method::GET, &path, Some(&of_a), None).await;
        refused.refused(404);
        app.get(&path).await.expect(200);
        let mut all = actions(&app, &app.owner, "").await;
        // That tokens read this list stands in it too, once for each.
        all.retain(|action| action != "api_token.read");
        assert_eq!(all.len(), 4, "{all:?}");
        let found = actions(
            &app,
            &app.owner,
            "action=customer.create&object_type=customer",
        )
        .await;
        assert_eq!(found, ["customer.create"; 2]);
        let tokens = actions(&app, &app.owner, "q=test&actor_kind=operator").await;
        assert_eq!(tokens, ["api_token.create"; 2], "made by an operator");
        for (query, field) in [
            ("action=customer.explode", "action"),
            ("actor_kind=ghost", "actor_kind"),
            ("actor=x", "actor"),
            ("limit=0", "limit"),
        ] {
            let refused = app.get(&format!("/audit-events?{query}")).await;
            assert_eq!(refused.refused(400).as_deref(), Some(field));
        }
    }
);

both!(the_file_is_an_entry_itself, |app| {
    let customer = app.customer("=Contoso").await;
    let path = format!("/audit-events.csv?customer_id={customer}&q=contoso");
    let file = app.get(&path).await;
    assert_eq!(file.status, 200);
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"audit-log.csv\""
    );
    let lines: Vec<_> = file.text.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[1].contains("Audit log exported"), "{lines:?}");
    assert!(
        lines[2].contains("Customer added,Customer,'=Contoso"),
        "{lines:?}"
    );
    let list = app.get("/audit-events?limit=1").await.expect(200);
    assert_eq!(
        list["items"][0]["after"],
        json!({ "filter.customer_id": customer, "filter.q": "contoso" })
    );
    app.call(Method::GET, "/audit-events.csv", None, None)
        .await
        .refused(401);
});

both!(the_page_shows_the_log_and_one_entry, |app| {
    let customer = app.customer("Contoso").await;
    app.patch(
        &format!("/customers/{customer}"),
        json!({ "name": "Fabrikam" }),
    )
    .await
    .expect(200);
    let cookie = app.session(&app.owner_scope).await;
    let shown = app.page_of("/audit-log", &cookie).await.text;
    for text in ["Audit Log", "Customer changed", "Fabrikam", "198.51.100.7"] {
        assert!(shown.contains(text), "{text}");
    }
    let shown = app
        .page_of("/audit-log?action=customer.create", &cookie)
        .await;
    assert!(!shown.text.contains(">Customer changed</a></span>"));
    let list = app.get("/audit-events?limit=1").await.expect(200);
    let path = format!("/audit-log/{}", id(&list["items"][0]));
    let shown = app.page_of(&path, &cookie).await.text;
    for text in [
        "Before and after",
        "Contoso",
        "Fabrikam",
        "customer.update",
        "API token",
    ] {
        assert!(shown.contains(text), "{text}");
    }
    let elsewhere = app.customer("Elsewhere").await;
    let stranger = app.t.administrator_of(&[elsewhere]).await;
    let stranger = app.session(&stranger).await;
    assert_eq!(app.page_of(&path, &stranger).await.status, 404);
    let shown = app.page_of("/audit-log", &stranger).await.text;
    assert!(!shown.contains("Fabrikam"));
});

both!(signing_in_and_out_is_in_the_log, |app| {
    let made = backend::auth::add_operator(
        &app.t,
        "mina@example.com",
        "Mina",
        Role::Owner,
        "correct horse battery".into(),
    );
    made.await.unwrap();
    let sign_in = async |password: &str| {
        let form = format!("email=mina%40example.com&password={password}&next=");
        app.function("session/sign-in", "", None, &form).await
    };
    assert_eq!(sign_in("wrong").await.status, 422);
    let answer = sign_in("correct+horse+battery").await;
    let cookie = answer.session();
    app.function("session/sign-out", &cookie, None, "").await;
    let again = app.function("session/sign-out", &cookie, None, "").await;
    assert!(again.status.is_success());
    let found = actions(&app, &app.owner, "object_type=operator&limit=3").await;
    assert_eq!(
        found,
        [
            "operator.sign_out",
            "operator.sign_in",
            "operator.sign_in_failed"
        ]
    );
});
