//! API tokens by REST: seen, rotated by themselves, revoked, and refused from other networks.

use domain::{api_token::NewApiToken, permission::Role};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::{NOBODY, TestApp, both};

/// Asks with another token than the owner's.
async fn with(app: &TestApp, token: &str, path: &str) -> crate::support::Answer {
    app.call(http::Method::GET, path, Some(token), None).await
}

both!(a_program_sees_and_rotates_itself_alone, |app| {
    let customer = app.customer("Contoso").await;
    let (token, secret) = app.made_token(Role::ReadOnly, Some(&[customer])).await;
    let listed = with(&app, &secret, "/api-tokens").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let seen = &listed["items"][0];
    assert_eq!(seen["id"], json!(token.id));
    assert_eq!(seen["state"], "active");
    assert_eq!(seen["last_used_address"], "198.51.100.7");
    let path = format!("/api-tokens/{}", token.id);
    assert_eq!(with(&app, &secret, &path).await.expect(200), *seen);
    let other = format!("/api-tokens/{}", app.owner_token);
    with(&app, &secret, &other).await.refused(404);

    let rotate = async |token: &str, path: &str, body| {
        let path = format!("{path}/rotation");
        app.call(http::Method::POST, &path, Some(token), Some(body))
            .await
    };
    rotate(&app.owner, &path, json!({})).await.refused(403);
    let field = rotate(&secret, &path, json!({ "overlap_hours": 1000 }))
        .await
        .refused(422);
    assert_eq!(field.as_deref(), Some("overlap_hours"));
    let field = rotate(&secret, &path, json!({ "hours": 1 }))
        .await
        .refused(422);
    assert_eq!(field.as_deref(), Some("hours"));
    let rotated = rotate(&secret, &path, json!({})).await.expect(200);
    let next = rotated["secret"].as_str().unwrap();
    assert!(rotated["previous_ends_at"].is_string());
    for good in [&secret, next] {
        with(&app, good, "/customers").await.expect(200);
    }
    let shown = with(&app, next, &path).await.expect(200);
    assert!(!shown.to_string().contains(next));
    app.t.clock.advance(chrono::Duration::hours(24));
    with(&app, &secret, "/customers").await.refused(401);
    with(&app, next, "/customers").await.expect(200);

    app.delete(&path).await.expect(204);
    let refused = with(&app, next, "/customers").await;
    assert_eq!(refused.status, 401);
    assert!(refused.text.contains("was revoked"), "{refused:?}");
    app.get(&format!("/api-tokens/{NOBODY}")).await.refused(404);
});

both!(tokens_are_listed_by_name_and_paged, |app| {
    for name in ["Beta", "alpha", "Gamma"] {
        let new = NewApiToken::of_everything(name, Role::ReadOnly);
        backend::store::tokens::create(&app.t, &app.owner_scope, new)
            .await
            .unwrap();
    }
    let mut names = Vec::new();
    let mut path = "/api-tokens?limit=1".to_owned();
    loop {
        let page = app.get(&path).await.expect(200);
        names.push(page["items"][0]["name"].as_str().unwrap().to_owned());
        match page["next"].as_str() {
            Some(next) => path = format!("/api-tokens?limit=1&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["alpha", "Beta", "Gamma", "test"]);
    let found = app.get("/api-tokens?q=BET").await.expect(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
});

both!(
    a_token_of_other_networks_is_refused_with_the_address,
    |app| {
        let new = NewApiToken {
            addresses: vec!["203.0.113.0/24".to_owned()],
            ..NewApiToken::of_everything("CI", Role::ReadOnly)
        };
        let made = backend::store::tokens::create(&app.t, &app.owner_scope, new).await;
        let (token, secret) = made.unwrap();
        let refused = with(&app, secret.expose_secret(), "/customers").await;
        assert_eq!(refused.status, 401);
        assert!(refused.text.contains("198.51.100.7"), "{refused:?}");
        let path = format!(
            "/audit-events?object_id={}&action=api_token.refused",
            token.id
        );
        let written = app.get(&path).await.expect(200);
        assert_eq!(written["items"].as_array().unwrap().len(), 1);
        assert_eq!(written["items"][0]["address"], "198.51.100.7");
    }
);
