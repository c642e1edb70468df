//! Answers that take too long to begin.

use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::{Request, StatusCode, header};
use server::{metrics::Metrics, router};

use crate::support::both;

both!(who_never_ends_a_request_is_answered_all_the_same, |app| {
    let mut app = app;
    let metrics = Metrics::new(&app.t.backend);
    let answer_max = Duration::from_millis(300);
    app.router = router::public_within(answer_max, &app.t.backend, &app.config, &metrics);
    let bearer = format!("Bearer {}", app.owner);
    let asked = |body: Body| {
        let request = Request::post("/api/v1/customers")
            .header(header::AUTHORIZATION, &bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        request.unwrap()
    };
    // As a client that was cut off behind a proxy which doesn’t notice.
    let endless = stream::pending::<Result<Bytes, Infallible>>();
    let answer = app.send(asked(Body::from_stream(endless))).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    let whole = app.send(asked(Body::from("{}"))).await;
    assert!(whole.status.is_client_error(), "{}", whole.status);
});
