//! The line of the log that tells of a refusal: who asked for what, by which way, and what they lack.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use axum::body::Body;
use domain::{api_token::NewApiToken, operator::CustomerScope, permission::Role};
use http::{Method, Request, header};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tracing::{level_filters::LevelFilter, subscriber::DefaultGuard};
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Answer, both};

/// What this thread logs, as JSON.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Keeps what is logged for as long as the guard lives.
    fn kept() -> (Self, DefaultGuard) {
        let log = Self::default();
        let to = log.clone();
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(move || to.clone());
        let layers = tracing_subscriber::registry()
            .with(LevelFilter::INFO)
            .with(lines);
        (log, tracing::subscriber::set_default(layers))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of refusals so far.
    fn refusals(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &Value| line["message"] == "refused")
            .collect()
    }
}

/// The line of an answer, which is the last one.
fn line(log: &Log, answer: &Answer) -> Value {
    let line = log.refusals().pop().expect("it is logged");
    assert_eq!(line["span"]["id"], answer.header("x-request-id"), "{line}");
    assert_eq!(line["status"], answer.status.as_u16(), "{line}");
    assert_eq!(line["from"], "198.51.100.7", "{line}");
    line
}

/// Who asked, why they were refused, and by which route.
fn told(line: &Value) -> [&str; 3] {
    let text = |value: &'static str| line[value].as_str().unwrap_or("-");
    [
        text("caller"),
        text("why"),
        line["span"]["route"].as_str().unwrap_or("-"),
    ]
}

both!(a_refusal_is_one_line_that_says_who_what_and_where, |app| {
    let (log, _guard) = Log::kept();
    let stranger = app.call(Method::GET, "/customers", None, None).await;
    stranger.refused(401);
    let told_of = line(&log, &stranger);
    assert_eq!(
        told(&told_of),
        ["nobody", "signed_out", "/api/v1/customers"]
    );
    assert!(told_of.get("caller_id").is_none());

    let (reader, secret) = app.made_token(Role::ReadOnly, None).await;
    let body = Some(json!({ "name": "Contoso" }));
    let answer = app
        .call(Method::POST, "/customers", Some(&secret), body)
        .await;
    answer.refused(403);
    let told_of = line(&log, &answer);
    assert_eq!(
        told(&told_of),
        ["api_token", "permission", "/api/v1/customers"]
    );
    assert_eq!(told_of["permission"], "customers.write");
    assert_eq!(told_of["caller_id"], reader.id.to_string());

    let elsewhere = NewApiToken {
        addresses: vec!["203.0.113.0/24".to_owned()],
        ..NewApiToken::of_everything("CI", Role::Owner)
    };
    let made = backend::store::tokens::create(&app.t, &app.owner_scope, elsewhere).await;
    let (elsewhere, other) = made.unwrap();
    let other = other.expose_secret();
    let answer = app.call(Method::GET, "/runs", Some(other), None).await;
    answer.refused(401);
    let told_of = line(&log, &answer);
    assert_eq!(
        told(&told_of),
        ["api_token", "token_refused", "/api/v1/runs"]
    );
    assert_eq!(told_of["caller_id"], elsewhere.id.to_string());

    for _ in 0..20 {
        app.get("/runs.csv").await;
    }
    let answer = app.get("/runs.csv").await;
    answer.refused(429);
    let told_of = line(&log, &answer);
    assert_eq!(
        told(&told_of),
        ["api_token", "too_many", "/api/v1/runs.csv"]
    );
    assert_eq!(told_of["caller_id"], app.owner_token.to_string());

    assert_eq!(log.refusals().len(), 4, "what is answered is no refusal");
    for secret in [secret.as_str(), other, &app.owner] {
        assert!(!log.text().contains(&secret[3..]), "no secret is logged");
    }
});

both!(a_refused_page_export_and_form_are_lines_too, |app| {
    let helper = app.t.operator(Role::HelpDesk, CustomerScope::All).await;
    let id = helper.operator_id().unwrap().to_string();
    let cookie = app.session(&helper).await;
    let (log, _guard) = Log::kept();

    let function = "/api/customers/add";
    let answer = app.function("customers/add", &cookie, None, "name=X").await;
    assert_eq!(answer.status, 403);
    let told_of = line(&log, &answer);
    assert_eq!(told(&told_of), ["operator", "permission", function]);
    assert_eq!(
        [&told_of["permission"], &told_of["caller_id"]],
        ["customers.write", &*id]
    );

    // A browser without the code of the page is led back, and refused all the same.
    let form = |site: &str| {
        Request::post(function)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "text/html")
            .header(header::REFERER, "http://127.0.0.1:3000/customers")
            .header(header::COOKIE, &cookie)
            .header("sec-fetch-site", site)
            .body(Body::from("name=X"))
            .unwrap()
    };
    let answer = app.send(form("same-origin")).await;
    assert!(answer.status.is_redirection(), "{answer:?}");
    let told_of = line(&log, &answer);
    assert_eq!(told(&told_of), ["operator", "permission", function]);
    assert_eq!(told_of["permission"], "customers.write");

    let answer = app.send(form("cross-site")).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        told(&line(&log, &answer)),
        ["nobody", "other_site", function]
    );

    let file = app::routes::AUDIT_LOG_CSV;
    let answer = app.page_of(file, &cookie).await;
    assert_eq!(answer.status, 403);
    let told_of = line(&log, &answer);
    assert_eq!(told(&told_of), ["operator", "permission", file]);
    assert_eq!(told_of["permission"], "audit.read");

    let stale = app.stale_session(&app.owner_scope).await;
    let answer = app
        .function(
            "operators/require-second-factor",
            &stale,
            None,
            "roles[0]=owner",
        )
        .await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        told(&line(&log, &answer))[..2],
        ["operator", "proof_wanted"]
    );

    let answer = app.function("customers/add", "", None, "name=X").await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        told(&line(&log, &answer)),
        ["nobody", "signed_out", function]
    );
    assert_eq!(log.refusals().len(), 6);

    // A page that somebody may open is none, nor one that leads strangers to the sign-in.
    let owner = app.session(&app.owner_scope).await;
    assert_eq!(app.page_of("/customers", &owner).await.status, 200);
    assert_eq!(app.page("/customers").await.status, 302);
    assert_eq!(log.refusals().len(), 6);
});
