use axum::body::Body;
use backend::notify::sinks::{self, HookSink, MailSink};
use domain::permission::Role;
use http::{Method, Request, header};
use serde_json::{Value, json};
use server::{metrics::Metrics, router};

use crate::support::{NOBODY, TestApp, both, both_with_farm, id};

/// The same server with sinks that its notifications end up in.
fn with_sinks(mut app: TestApp, mail: Option<&MailSink>) -> TestApp {
    sinks::connect(&mut app.t.backend, mail);
    let metrics = Metrics::new(&app.t.backend);
    app.router = router::public(&app.t.backend, &app.config, &metrics);
    app
}

both!(
    a_recipient_comes_is_tested_changes_and_goes_and_its_secret_is_told_once,
    |app| {
        let (mail, hooks) = (MailSink::mail().await, HookSink::hooks().await);
        let app = with_sinks(app, Some(&mail));
        let customer = app.customer("Contoso").await;
        let path = format!("/customers/{customer}/notification-recipients");
        let answer = app
            .post(
                &path,
                json!({ "kind": "webhook", "address": hooks.url("/x") }),
            )
            .await;
        let made = answer.expect(201);
        let secret = made["secret"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("whsec_"), "{made}");
        assert_eq!(made["customer_id"], json!(customer));
        assert_eq!(
            made["causes"],
            json!([
                "run.held",
                "integration.failing",
                "integration.quarantined",
                "integration.recovered",
                "credential_profile.ends"
            ])
        );
        let one = format!("/notification-recipients/{}", id(&made));
        assert_eq!(answer.header("location"), format!("/api/v1{one}"));

        let tested = app
            .post(&format!("{one}/test"), json!({}))
            .await
            .expect(200);
        assert_eq!(tested["status"], "delivered", "{tested}");
        assert_eq!(hooks.take()[0].json()["type"], "test");
        hooks.answer("HTTP/1.1 500 Internal Server Error");
        let tested = app
            .post(&format!("{one}/test"), json!({}))
            .await
            .expect(200);
        assert_eq!(tested["status"], "failed");
        for word in ["code", "title", "detail", "fix"] {
            assert!(
                !tested["error"][word].as_str().unwrap().is_empty(),
                "{tested}"
            );
        }
        let deliveries = app.get(&format!("{one}/deliveries")).await.expect(200);
        assert_eq!(deliveries["items"][0]["id"], tested["id"]);
        assert_eq!(deliveries["items"].as_array().unwrap().len(), 2);

        let changed = app
            .patch(&one, json!({ "causes": ["integration.failing"] }))
            .await
            .expect(200);
        assert_eq!(changed["secret"], Value::Null);
        assert_eq!(changed["causes"], json!(["integration.failing"]));
        let rotated = app.patch(&one, json!({ "rotate_secret": true })).await;
        let new = rotated.expect(200)["secret"].as_str().unwrap().to_owned();
        assert_ne!(new, secret);
        for path in [&one, &path, &format!("{one}/deliveries")] {
            let answer = app.get(path).await;
            answer.expect(200);
            assert!(!answer.text.contains("whsec_"), "{}", answer.text);
        }
        app.delete(&one).await.expect(204);
        app.get(&one).await.refused(404);
        assert_eq!(app.get(&path).await.expect(200)["items"], json!([]));

        let mailed = json!({ "kind": "mail", "address": "mina@example.com" });
        let made = app
            .post("/notification-recipients", mailed)
            .await
            .expect(201);
        assert_eq!(
            (&made["secret"], &made["customer_id"]),
            (&Value::Null, &Value::Null)
        );
        let test = format!("/notification-recipients/{}/test", id(&made));
        assert_eq!(
            app.post(&test, json!({})).await.expect(200)["status"],
            "delivered"
        );
        assert_eq!(
            mail.take()[0].header("Subject"),
            "Test message from Rollcall"
        );
    }
);

both!(a_recipient_is_refused_with_the_field_to_blame, |app| {
    let customer = app.customer("Contoso").await;
    let path = format!("/customers/{customer}/notification-recipients");
    for (body, field) in [
        (
            json!({ "kind": "pigeon", "address": "a@b.example" }),
            "kind",
        ),
        (json!({ "kind": "mail", "address": "nobody" }), "address"),
        (
            json!({ "kind": "webhook", "address": "http://example.com" }),
            "address",
        ),
        (
            json!({ "kind": "webhook", "address": "http://127.0.0.1:1" }),
            "address",
        ),
        (
            json!({ "kind": "webhook", "address": "https://169.254.169.254/" }),
            "address",
        ),
        (
            json!({ "kind": "mail", "address": "a@b.example", "causes": [] }),
            "causes",
        ),
        (
            json!({ "kind": "mail", "address": "a@b.example", "causes": ["x"] }),
            "causes[0]",
        ),
        (
            json!({ "kind": "mail", "address": "a@b.example", "secret": "x" }),
            "secret",
        ),
        (json!({ "kind": "mail" }), "address"),
    ] {
        let answer = app.post(&path, body).await;
        assert_eq!(
            answer.refused(422).as_deref(),
            Some(field),
            "{}",
            answer.text
        );
    }
    let of_nobody = format!("/customers/{NOBODY}/notification-recipients");
    app.get(&of_nobody).await.refused(404);
});

both!(only_owners_see_who_is_told_of_everything, |app| {
    let customer = app.customer("Contoso").await;
    let body = json!({ "kind": "mail", "address": "mina@example.com" });
    let made = app
        .post("/notification-recipients", body.clone())
        .await
        .expect(201);
    let one = format!("/notification-recipients/{}", id(&made));
    for customers in [Some(&[customer][..]), None] {
        let token = app.token(Role::Administrator, customers).await;
        let call =
            async |method, path: &str, body| app.call(method, path, Some(&token), body).await;
        call(Method::GET, "/notification-recipients", None)
            .await
            .refused(403);
        call(Method::POST, "/notification-recipients", Some(body.clone()))
            .await
            .refused(403);
        call(Method::GET, &one, None).await.refused(404);
        call(Method::POST, &format!("{one}/test"), Some(json!({})))
            .await
            .refused(404);
        call(Method::DELETE, &one, None).await.refused(404);
    }
    // An owner of one customer is no owner of the installation.
    let token = app.token(Role::Owner, Some(&[customer])).await;
    app.call(Method::GET, "/notification-recipients", Some(&token), None)
        .await
        .refused(403);
    app.call(Method::GET, &one, Some(&token), None)
        .await
        .refused(404);
    // And is told so before what was brought is looked at.
    let bad = "/notification-recipients?limit=0";
    app.call(Method::GET, bad, Some(&token), None)
        .await
        .refused(403);
    for bad in [json!({ "kind": "pigeon" }), json!([])] {
        app.call(
            Method::POST,
            "/notification-recipients",
            Some(&token),
            Some(bad),
        )
        .await
        .refused(403);
    }
});

both_with_farm!(
    a_run_that_fails_three_times_is_told_over_the_api_too,
    |app| {
        let hooks = HookSink::hooks().await;
        let app = with_sinks(app, None);
        let (customer, integration) = app.integration().await;
        let path = format!("/customers/{customer}/notification-recipients");
        let made = app
            .post(
                &path,
                json!({ "kind": "webhook", "address": hooks.url("/") }),
            )
            .await
            .expect(201);
        let profile = app.get("/credential-profiles").await.expect(200);
        let profile = format!("/credential-profiles/{}", id(&profile["items"][0]));
        app.patch(&profile, json!({ "client_secret": "wrong" }))
            .await
            .expect(200);
        for _ in 0..3 {
            assert_eq!(app.full_sync(&integration).await["status"], "failed");
        }
        let [hook] = &hooks.take()[..] else {
            panic!("one message")
        };
        let json = hook.json();
        assert_eq!(json["type"], "integration.failing");
        assert_eq!(json["data"]["integration"]["id"], integration);
        let url = json["data"]["url"].as_str().unwrap();
        assert_eq!(
            url,
            format!("http://127.0.0.1:3000/integrations/{integration}")
        );
        let path = format!("/notification-recipients/{}/deliveries", id(&made));
        let deliveries = app.get(&path).await.expect(200);
        assert_eq!(deliveries["items"][0]["cause"], "integration.failing");
        assert_eq!(deliveries["items"][0]["status"], "delivered");
    }
);

both!(a_secret_is_shown_in_the_form_and_nowhere_else, |app| {
    let hooks = HookSink::hooks().await;
    let app = with_sinks(app, None);
    let customer = app.customer("Contoso").await;
    let cookie = app.session(&app.owner_scope).await;
    let page = async |path: &str| {
        let request = Request::get(path)
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, &cookie)
            .body(Body::empty())
            .unwrap();
        let answer = app.send(request).await;
        assert_eq!(answer.status, 200, "{path} {answer:?}");
        answer.text
    };
    let of_customer = page(&format!("/customers/{customer}")).await;
    assert!(of_customer.contains("Nobody is told yet"), "{of_customer}");
    assert!(of_customer.contains("Mail isn’t set up"), "{of_customer}");

    let form = page(&format!(
        "/customers/{customer}/notifications/add?with=webhook"
    ))
    .await;
    let value = |of: &str, at: &str| {
        let (_, rest) = of
            .split_once(at)
            .unwrap_or_else(|| panic!("no {at} in {of}"));
        rest.split('"').next().unwrap().to_owned()
    };
    let secret = value(&form, "value=\"whsec_");
    let own = value(&form, "name=\"id\" value=\"");
    let sealed = value(&form, "name=\"sealed_secret\" value=\"");
    let fields = format!(
        "customer_id={customer}&kind=webhook&id={own}&sealed_secret={sealed}&address={}\
         &causes[]=run.held&causes[]=integration.recovered",
        hooks.url("/").replace(':', "%3A").replace('/', "%2F")
    );
    let post = async |function: &str, fields: String| {
        let request = Request::post(format!("/api/{function}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, &cookie)
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(fields))
            .unwrap();
        let answer = app.send(request).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.header("location").to_owned()
    };
    let one = post("notifications/add", fields).await;
    assert_eq!(one, format!("/notification-recipients/{own}"));
    let shown = page(&one).await;
    assert!(shown.contains("Held, Recovered"), "{shown}");
    assert!(!shown.contains(&secret), "{shown}");

    assert_eq!(post("notifications/test", format!("id={own}")).await, one);
    let [got] = &hooks.take()[..] else {
        panic!("one message")
    };
    assert!(
        got.header("webhook-signature").starts_with("v1,"),
        "{got:?}"
    );
    assert!(page(&one).await.contains("The test message was delivered"));
    hooks.answer("HTTP/1.1 404 Not Found");
    post("notifications/test", format!("id={own}")).await;
    let shown = page(&one).await;
    for words in [
        "The webhook refused the message",
        "404 Not Found",
        "receiver’s log",
    ] {
        assert!(shown.contains(words), "{words} {shown}");
    }

    let all = page("/notifications").await;
    assert!(all.contains("Nobody is told of everything yet"), "{all}");
    let offer = "href=\"/notifications\"";
    assert!(page("/").await.contains(offer));
    let some = app.t.administrator_of(&[customer]).await;
    let cookie = app.session(&some).await;
    let as_some = async |path: &str| {
        let request = Request::get(path)
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, &cookie)
            .body(Body::empty())
            .unwrap();
        app.send(request).await
    };
    assert_eq!(as_some("/notifications").await.status, 403);
    assert!(!as_some("/").await.text.contains(offer));
});
