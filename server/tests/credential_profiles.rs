use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{NOBODY, both, both_with_farm, id};

const CLIENT: &str = "63122682-6e3c-4cbb-9f35-7c1da11e1e1e";

fn with_secret(name: &str) -> Value {
    json!({
        "name": name,
        "kind": "client_secret",
        "client_id": CLIENT,
        "client_secret": "s3cret-value",
        "expires_at": "2027-01-31T00:00:00Z",
    })
}

both!(
    a_profile_comes_changes_and_goes_and_its_secret_never_comes_out,
    |app| {
        let answer = app
            .post("/credential-profiles", with_secret("Partner app"))
            .await;
        let made = answer.expect(201);
        assert_eq!(made["client_id"], CLIENT);
        assert_eq!(made["customer_id"], Value::Null);
        let path = format!("/credential-profiles/{}", id(&made));
        assert_eq!(answer.header("location"), format!("/api/v1{path}"));

        app.t.clock.advance(chrono::Duration::days(1));
        let changed = app
            .patch(&path, json!({ "client_secret": "other-s3cret" }))
            .await
            .expect(200);
        assert_eq!(changed["name"], "Partner app");
        assert_ne!(changed["secret_set_at"], made["secret_set_at"]);
        for answer in [app.get(&path).await, app.get("/credential-profiles").await] {
            answer.expect(200);
            assert!(!answer.text.contains("s3cret"), "{}", answer.text);
        }
        app.delete(&path).await.expect(204);
        app.get(&path).await.refused(404);
    }
);

both!(a_profile_is_refused_with_the_field_to_blame, |app| {
    for (change, field) in [
        (json!({ "name": " " }), "name"),
        (json!({ "client_id": "not a guid" }), "client_id"),
        (json!({ "client_secret": null }), "client_secret"),
        (json!({ "kind": "password" }), "kind"),
        (json!({ "customer_id": NOBODY }), "customer_id"),
        (json!({ "customer_id": "nonsense" }), "customer_id"),
        (json!({ "expires_at": "soon" }), "expires_at"),
        (json!({ "tenant": "a.example" }), "tenant"),
    ] {
        let mut body = with_secret("Partner app");
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let answer = app.post("/credential-profiles", body).await;
        assert_eq!(
            answer.refused(422).as_deref(),
            Some(field),
            "{}",
            answer.text
        );
        assert!(!answer.text.contains("s3cret"), "{}", answer.text);
    }
});

both!(a_token_of_one_customer_makes_no_shared_profile, |app| {
    let customer = app.customer("Contoso").await;
    let token = app.token(Role::Administrator, Some(&[customer])).await;
    let send = async |body| {
        app.call(
            Method::POST,
            "/credential-profiles",
            Some(&token),
            Some(body),
        )
        .await
    };
    assert_eq!(
        send(with_secret("Shared")).await.refused(422).as_deref(),
        Some("customer_id")
    );
    let mut body = with_secret("Own");
    body["customer_id"] = json!(customer);
    send(body).await.expect(201);
});

both_with_farm!(a_second_secret_is_tried_out_and_used_by_the_api, |app| {
    let (_, integration) = app.integration().await;
    let profile = app
        .get(&format!("/integrations/{integration}"))
        .await
        .expect(200);
    let path = format!(
        "/credential-profiles/{}",
        profile["credential_profile_id"].as_str().unwrap()
    );
    let second = format!("{path}/second");
    assert_eq!(app.get(&path).await.expect(200)["second"], Value::Null);
    app.delete(&second).await.refused(404);
    app.post(&format!("{second}/use"), json!({}))
        .await
        .refused(404);
    let put = async |body| {
        app.call(Method::PUT, &second, Some(&app.owner), Some(body))
            .await
    };
    for (body, field) in [
        (json!({}), "kind"),
        (json!({ "kind": "client_secret" }), "client_secret"),
        (
            json!({ "kind": "certificate", "certificate_years": 3 }),
            "certificate_years",
        ),
        (
            json!({ "kind": "client_secret", "client_secret": "x", "name": "y" }),
            "name",
        ),
    ] {
        assert_eq!(put(body).await.refused(422).as_deref(), Some(field));
    }
    let value = app.control().add_secret(None);
    let answer = put(json!({ "kind": "client_secret", "client_secret": value })).await;
    assert!(!answer.text.contains(&value));
    assert_eq!(answer.expect(200)["second"]["tested_at"], Value::Null);
    let test = format!("{second}/test-connection");
    let other = app.post(&test, json!({ "integration_id": NOBODY })).await;
    assert_eq!(other.refused(422).as_deref(), Some("integration_id"));
    let tested = app
        .post(&test, json!({ "integration_id": integration }))
        .await;
    assert_eq!(tested.expect(200)["ok"], true, "{tested:?}");
    assert!(app.get(&path).await.expect(200)["second"]["tested_at"].is_string());
    let used = app
        .post(&format!("{second}/use"), json!({}))
        .await
        .expect(200);
    assert!(used["switched_at"].is_string() && used["switched_because"].is_null());
    assert!(used["second"]["replaced_at"].is_string());
    app.delete(&second).await.expect(204);
    assert_eq!(app.get(&path).await.expect(200)["second"], Value::Null);
});

both!(
    a_certificate_is_made_and_only_its_public_part_is_answered,
    |app| {
        let mut body = with_secret("Käse & Co");
        body["kind"] = json!("certificate");
        body["certificate_years"] = json!(1);
        body["client_secret"] = Value::Null;
        body["expires_at"] = Value::Null;
        let made = app.post("/credential-profiles", body).await.expect(201);
        assert_eq!(
            made["certificate_thumbprint_sha1"].as_str().map(str::len),
            Some(40)
        );
        let path = format!("/credential-profiles/{}/certificate", id(&made));
        let pem = app.get(&path).await;
        assert_eq!(pem.status, 200);
        assert!(
            pem.text.starts_with("-----BEGIN CERTIFICATE-----"),
            "{pem:?}"
        );
        assert!(!pem.text.contains("PRIVATE"));
        let name = pem.header("content-disposition");
        assert_eq!(name, "attachment; filename=\"rollcall-k-se-co.pem\"");
        let cer = app.get(&format!("{path}?format=cer")).await;
        assert_eq!(
            (cer.status.as_u16(), cer.header("content-type")),
            (200, "application/pkix-cert")
        );
        app.get(&format!("{path}?second=1")).await.refused(404);
        assert_eq!(
            app.get(&format!("{path}?format=p12"))
                .await
                .refused(400)
                .as_deref(),
            Some("format")
        );

        // The same in the interface, by a session.
        let session = app.session(&app.owner_scope).await;
        let file = |query: &str| format!("/export/certificate?profile={}{query}", id(&made));
        let saved = app.page_of(&file("&format=pem"), &session).await;
        assert_eq!((saved.status.as_u16(), saved.text), (200, pem.text));
        assert_eq!(app.page_of(&file("&second=1"), &session).await.status, 404);
        assert_eq!(
            app.page_of("/export/certificate", &session).await.status,
            404
        );
    }
);
