//! What somebody may do who isn't signed in: as much as an office needs, and it leaves only so much.

use axum::body::Body;
use backend::testing::Kind;
use http::{Request, header};

use crate::support::{Answer, TestApp, both};

/// A plain form that is refused, since nobody is signed in or the password is wrong.
async fn plain(app: &TestApp, function: &str, cookie: &str) -> Answer {
    let request = Request::post(format!("/api/{function}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/html")
        .header(header::REFERER, "http://127.0.0.1:3000/sign-in")
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, cookie)
        .body(Body::from("name=x&email=x%40example.com&password=x&next="))
        .unwrap();
    app.send(request).await
}

both!(forms_of_strangers_leave_only_so_many_sessions, |app| {
    for _ in 0..100 {
        let refused = plain(&app, "customers/add", "").await;
        assert_eq!(refused.status, 303, "{refused:?}");
    }
    assert_eq!(app.t.sessions().await, 100);
    let mut last = plain(&app, "customers/add", "").await;
    for _ in 0..50 {
        last = plain(&app, "customers/add", "").await;
    }
    assert_eq!(last.status, 429);
    assert_eq!(last.header("retry-after"), "10");
    assert_eq!(last.header("set-cookie"), "");
    assert!(last.text.contains("Wait 10 seconds"), "{last:?}");
    assert_eq!(app.t.sessions().await, 100, "no more is kept");

    // Who has one goes on with it, and signing in leaves one of its own.
    let cookie = app.session_of(&serde_json::json!({})).await;
    assert_eq!(plain(&app, "customers/add", &cookie).await.status, 303);
    let signed_in = app.session(&app.owner_scope).await;
    let added = plain(&app, "customers/add", &signed_in).await;
    assert_eq!(added.status, 303);
    app.t.clock.advance(chrono::Duration::seconds(10));
    assert_eq!(plain(&app, "customers/add", "").await.status, 303);
});

#[tokio::test]
async fn a_network_of_strangers_is_sent_away_before_anything_is_done() {
    let app = TestApp::new(Kind::Sqlite).await.unwrap();
    let ask = async || {
        app.function("session/ways", "", Some(&serde_json::json!({})), "")
            .await
    };
    for _ in 0..600 {
        assert_eq!(ask().await.status, 401);
    }
    let refused = ask().await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(
        refused.json(),
        serde_json::json!({ "TooMany": { "retry_after_s": 1 } }),
        "as the browser code reads it"
    );
    let refused = app.page("/sign-in/oidc/contoso").await;
    assert_eq!(refused.status, 429);
    assert!(refused.text.contains("Nothing was changed"), "{refused:?}");

    // Pages open, and who is signed in isn’t counted.
    assert_eq!(app.page("/sign-in").await.status, 200);
    let cookie = app.session(&app.owner_scope).await;
    let nothing = serde_json::json!({});
    let asked = app.function("session/ways", &cookie, Some(&nothing), "");
    assert_eq!(asked.await.status, 200);
    app.get("/customers").await.expect(200);
}
