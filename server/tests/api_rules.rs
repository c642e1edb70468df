//! What holds for every call.

use axum::body::Body;
use http::{Method, Request, header};
use serde_json::json;

use crate::support::{NOBODY, TestApp, both};

both!(a_call_needs_a_good_token, |app| {
    let answer = app.call(Method::GET, "/customers", None, None).await;
    answer.refused(401);
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    for token in ["", "rc_", "rc_guess", &app.owner[..app.owner.len() - 1]] {
        app.call(Method::GET, "/customers", Some(token), None)
            .await
            .refused(401);
    }
    // 401 comes before everything else.
    app.call(Method::GET, "/customers/nonsense", None, None)
        .await
        .refused(401);
    app.call(Method::POST, "/customers", None, Some(json!(1)))
        .await
        .refused(401);
});

both!(
    guessing_tokens_is_slowed_down_and_working_programs_are_not,
    |app| {
        app.get("/customers").await.expect(200);
        let mut slowed = None;
        for guess in 0..50 {
            let token = format!("rc_guess{guess}");
            let answer = app
                .call(Method::GET, "/customers", Some(&token), None)
                .await;
            if answer.status == 429 {
                answer.refused(429);
                slowed = Some(answer.header("retry-after").parse::<u64>().unwrap());
                break;
            }
            answer.refused(401);
        }
        let wait = slowed.expect("fifty guesses from one address are too many");
        app.get("/customers").await.expect(200);
        app.t
            .clock
            .advance(chrono::Duration::seconds(i64::try_from(wait).unwrap()));
        app.call(Method::GET, "/customers", Some("rc_guess"), None)
            .await
            .refused(401);
    }
);

both!(a_thousand_reads_a_second_pass, |app| {
    for _ in 0..1000 {
        assert_eq!(app.get("/customers?limit=1").await.status, 200);
    }
});

both!(refusals_are_problems_whatever_is_wrong, |app| {
    app.get("/nothing").await.refused(404);
    app.get("/customers/nonsense").await.refused(404);
    app.get(&format!("/customers/{NOBODY}")).await.refused(404);
    let answer = app
        .call(Method::PUT, "/customers", Some(&app.owner), None)
        .await;
    answer.refused(405);
    assert!(answer.header("allow").contains("GET"));

    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=many", "limit"),
        ("cursor=nonsense", "cursor"),
        ("page=2", "page"),
    ] {
        let answer = app.get(&format!("/customers?{query}")).await;
        assert_eq!(answer.refused(400).as_deref(), Some(field), "{query}");
    }

    let raw = async |media_type: &str, body: Vec<u8>| {
        let request = Request::post("/api/v1/customers")
            .header(header::AUTHORIZATION, format!("Bearer {}", app.owner))
            .header(header::CONTENT_TYPE, media_type)
            .body(Body::from(body))
            .unwrap();
        app.send(request).await
    };
    raw("text/plain", b"{}".to_vec()).await.refused(415);
    raw("application/json", b"{\"name\": ".to_vec())
        .await
        .refused(400);
    raw("application/json", b"{\"name\": \"\xff\"}".to_vec())
        .await
        .refused(400);
    raw("application/json", vec![b' '; 2 * 1024 * 1024])
        .await
        .refused(413);
});

both!(answers_are_never_kept_and_run_nothing, |app| {
    let answer = app.get("/customers").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(
        answer
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("set-cookie"), "");
    assert_eq!(answer.header("x-request-id").len(), 36);
});

#[tokio::test]
async fn a_session_cookie_is_no_token() {
    let app = TestApp::new(backend::testing::Kind::Sqlite).await.unwrap();
    let request = Request::get("/api/v1/customers")
        .header(header::COOKIE, "rollcall_session=AAAAAAAAAAAAAAAAAAAAAA")
        .body(Body::empty())
        .unwrap();
    app.send(request).await.refused(401);
}
