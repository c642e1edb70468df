use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{NOBODY, both, id};

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
