//! No secret stands in an answer, in the log or in the database.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use backend::{
    notify::sinks::{self, HookSink},
    testing::Kind,
};
use http::Method;
use serde_json::json;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::support::{Answer, TestApp, id};

/// Everything that is logged.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

#[tokio::test]
async fn no_secret_is_found_anywhere() {
    let captured = Captured::default();
    // Everything, also what the libraries say at their most talkative.
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("trace"))
        .with_writer(captured.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let hooks = HookSink::hooks().await;
    let mut app = TestApp::with_farm(Kind::Sqlite, 25).await.unwrap();
    sinks::connect(&mut app.t.backend, None);
    let db = app.t.backend.db.clone();
    let app = app.on(db);
    let (_, integration) = app.integration().await;
    let tenant = app.tenant().clone();
    let certificate = json!({
        "name": "With a certificate",
        "kind": "certificate",
        "client_id": tenant.client_id.to_string(),
        "certificate_pem": tenant.certificate_pem,
        "private_key_pem": tenant.private_key_pem,
    });
    let mut answers = vec![app.post("/credential-profiles", certificate).await];
    let key_line = tenant.private_key_pem.lines().nth(1).unwrap().to_owned();
    let wrong = "a-secret-that-is-refused";
    let profile = id(&app.get("/credential-profiles").await.expect(200)["items"][0]);

    let run = app.full_sync(&integration).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    let change = json!({ "client_secret": wrong });
    answers.push(
        app.patch(&format!("/credential-profiles/{profile}"), change)
            .await,
    );
    answers.push(
        app.post("/credential-profiles", json!({ "client_secret": wrong }))
            .await,
    );
    let run = app.full_sync(&integration).await;
    let next = app.control().add_secret(None);
    let given = (next.as_str(), wrong);
    answers.extend(with_second_secrets(&app, &profile, &integration, given).await);
    for path in [
        "/credential-profiles",
        "/integrations",
        "/runs",
        "/runs.csv",
        "/customers",
    ] {
        answers.push(app.get(path).await);
    }
    answers.push(app.get(&format!("/runs/{}", id(&run))).await);
    answers.push(app.get(&format!("/runs/{}/changes", id(&run))).await);

    let hook = json!({ "kind": "webhook", "address": hooks.url("/") });
    let hook = app.post("/notification-recipients", hook).await.expect(201);
    let told = format!("/notification-recipients/{}", id(&hook));
    let rotate = json!({ "rotate_secret": true });
    let rotated = app.patch(&told, rotate).await.expect(200);
    answers.push(app.post(&format!("{told}/test"), json!({})).await);
    answers.push(app.get(&told).await);
    answers.push(app.get("/notification-recipients").await);
    assert_eq!(hooks.take().len(), 1, "it was signed with both");
    answers.extend(pages_and_files(&app, &profile, &told).await);
    let signing = |made: &serde_json::Value| made["secret"].as_str().unwrap()[6..].to_owned();
    let (first, second) = (signing(&hook), signing(&rotated));

    let secrets = [
        tenant.client_secret.as_str(),
        &key_line,
        wrong,
        &next,
        "PRIVATE KEY",
        &app.owner,
        &first,
        &second,
    ];
    for answer in &answers {
        for secret in secrets {
            assert!(!answer.text.contains(secret), "{answer:?}");
        }
    }
    let log = captured.0.lock().unwrap().clone();
    assert!(holds(&log, "request"), "the log was captured");
    for secret in secrets {
        assert!(
            !holds(&log, secret),
            "a secret is in the log: {}",
            found(&log, secret)
        );
    }
    app.t.db.close().await;
    assert_not_in_files(app.t.folder.path(), &secrets);
}

/// What people see of it: pages as HTML, files as CSV, and what is measured.
async fn pages_and_files(app: &TestApp, profile: &str, told: &str) -> Vec<Answer> {
    use app::routes;
    let cookie = app.session(&app.owner_scope).await;
    let mut answers = Vec::new();
    for path in [
        routes::OVERVIEW,
        routes::CREDENTIAL_PROFILES,
        &format!("{}/{profile}", routes::CREDENTIAL_PROFILES),
        &format!("{}/{profile}/edit", routes::CREDENTIAL_PROFILES),
        told,
        routes::API_TOKENS,
        routes::AUDIT_LOG,
        routes::SYNC_HISTORY,
        routes::AUDIT_LOG_CSV,
        routes::SYNC_HISTORY_CSV,
        routes::INTEGRATIONS_CSV,
        routes::USERS_CSV,
    ] {
        let answer = app.page_of(path, &cookie).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text.len() > 100, "{path} is empty");
        answers.push(answer);
    }
    answers
}

/// No file of the folder holds one of them.
fn assert_not_in_files(folder: &std::path::Path, secrets: &[&str]) {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        for secret in secrets {
            assert!(!holds(&bytes, secret), "a secret is in the database");
        }
    }
    assert!(files > 0);
}

/// What is answered about second secrets of a profile, one of which signs in.
async fn with_second_secrets(
    app: &TestApp,
    profile: &str,
    integration: &str,
    (next, wrong): (&str, &str),
) -> Vec<Answer> {
    let mut answers = Vec::new();
    let second = format!("/credential-profiles/{profile}/second");
    for body in [
        json!({ "kind": "client_secret", "client_secret": next }),
        json!({ "kind": "client_secret", "client_secret": wrong, "name": "no such field" }),
    ] {
        answers.push(
            app.call(Method::PUT, &second, Some(&app.owner), Some(body))
                .await,
        );
    }
    let with = json!({ "integration_id": integration });
    answers.push(app.post(&format!("{second}/test-connection"), with).await);
    // The first is wrong: the run goes over to the second.
    let went_over = app.full_sync(integration).await;
    assert_eq!(went_over["status"], "nothing_to_do", "{went_over}");
    answers.push(app.get(&format!("/credential-profiles/{profile}")).await);
    let made = json!({ "kind": "certificate", "certificate_years": 1 });
    answers.push(
        app.call(Method::PUT, &second, Some(&app.owner), Some(made))
            .await,
    );
    answers.push(
        app.get(&format!(
            "/credential-profiles/{profile}/certificate?second=1"
        ))
        .await,
    );
    answers
}

/// The line of the log that holds it.
fn found(log: &[u8], secret: &str) -> String {
    let log = String::from_utf8_lossy(log);
    log.lines()
        .find(|line| line.contains(secret))
        .unwrap_or_default()
        .to_owned()
}
