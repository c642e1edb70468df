//! What can go wrong before there is an answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use graph::{
    Chance, Client, Cloud, Connector, Credential, Error, Http, HttpOptions, Limits, Settings,
    Stage, Tenant,
};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::stub::{APPLICATION, Stub, TENANT, TestClock};

fn client(authority: &str, options: &HttpOptions) -> Client {
    Connector::new(
        Http::new(options).unwrap(),
        Arc::new(TestClock::default()),
        Chance::from_seed(1),
        Limits::default(),
        Settings::default(),
    )
    .client(
        Cloud::parse(authority, authority).unwrap(),
        Tenant::from(TENANT),
        Credential::secret(APPLICATION, "secret".into()),
    )
}

async fn refusal(authority: &str) -> Error {
    let options = HttpOptions {
        read_timeout: Duration::from_millis(30),
        ..HttpOptions::default()
    };
    let error = client(authority, &options).token().await.unwrap_err();
    assert_eq!(error.stage(), Stage::Authority, "{error}");
    error
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = refusal(&authority).await;
    assert_eq!(error.code(), "unreachable_refused");
    assert!(error.is_retryable() && !error.is_authentication());
}

#[tokio::test]
async fn the_name_does_not_exist() {
    // A label of 64 letters can't be asked for: the resolver refuses it without any traffic.
    let error = refusal(&format!("https://{}.invalid", "a".repeat(64))).await;
    assert_eq!(error.code(), "unreachable_dns", "{error}");
}

#[tokio::test]
async fn nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = format!("http://{}", listener.local_addr().unwrap());
    let held = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    assert_eq!(refusal(&authority).await.code(), "unreachable_timeout");
    held.abort();
}

#[tokio::test]
async fn the_connection_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = format!("http://{}", listener.local_addr().unwrap());
    let cutting = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 16]).await;
        }
    });
    assert_eq!(refusal(&authority).await.code(), "connection_lost");
    cutting.abort();
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_named_right() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let tls = RustlsConfig::from_pem(
        made.cert.pem().into_bytes(),
        made.signing_key.serialize_pem().into_bytes(),
    )
    .await
    .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let grant = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"a"}"#;
    let router = Router::new().fallback(move || async move { grant });
    let server = axum_server::from_tcp_rustls(listener, tls).unwrap();
    let serving = tokio::spawn(server.serve(router.into_make_service()));

    let error = refusal(&format!("https://localhost:{port}")).await;
    assert_eq!(error.code(), "tls", "{error}");
    let trusting = HttpOptions {
        extra_roots_pem: made.cert.pem(),
        ..HttpOptions::default()
    };
    client(&format!("https://localhost:{port}"), &trusting)
        .token()
        .await
        .unwrap();
    let error = client(&format!("https://127.0.0.1:{port}"), &trusting)
        .token()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "tls", "{error}");
    serving.abort();
}

#[tokio::test]
async fn graph_is_told_apart_from_sign_in() {
    let stub = Stub::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = stub.connector(Settings::default()).client(
        Cloud::parse(&stub.base, &nowhere).unwrap(),
        Tenant::from(TENANT),
        Credential::secret(APPLICATION, "secret".into()),
    );
    let error = client.organization().await.unwrap_err();
    assert_eq!(
        (error.code(), error.stage()),
        ("unreachable_refused", Stage::Graph)
    );
}

#[test]
fn extra_authorities_must_be_certificates() {
    for pem in [
        "nonsense",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
    ] {
        let options = HttpOptions {
            extra_roots_pem: pem.to_owned(),
            ..HttpOptions::default()
        };
        assert_eq!(Http::new(&options).unwrap_err().code(), "http_client");
    }
}
