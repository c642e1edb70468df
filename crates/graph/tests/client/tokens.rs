//! Tokens: had, kept, renewed, refused.

use chrono::TimeDelta;
use futures::future::join_all;
use graph::{AuthorizationCode, Blame, Error, Resource, Stage, Tenant};
use secrecy::ExposeSecret;
use serde_json::json as value;
use uuid::Uuid;

use crate::stub::{APPLICATION, SECRET, Stub, TENANT, aadsts, json, jwt, status, token};

fn empty() -> crate::stub::Reply {
    json(value!({"value": []}))
}

#[tokio::test]
async fn a_secret_is_exchanged_for_a_token() {
    let stub = Stub::start().await;
    let roles = ["User.Read.All", "GroupMember.Read.All"];
    stub.then_token(token(&jwt(TENANT, &roles, "a"), 3599));
    let info = stub.client().token().await.unwrap();
    assert_eq!(
        (info.tenant_id, info.application_id),
        (Some(TENANT), Some(APPLICATION))
    );
    assert_eq!(info.roles, roles);
    assert!(info.allows(Resource::Users) && info.allows(Resource::Groups));
    assert!(!info.allows(Resource::Devices));
    assert_eq!(info.expires_at.to_rfc3339(), "2026-03-01T08:59:59+00:00");
    let seen = &stub.seen()[0];
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.path, format!("/{TENANT}/oauth2/v2.0/token"));
    let mut form = seen.form();
    form.sort();
    let expected = [
        ("client_id", APPLICATION.to_string()),
        ("client_secret", SECRET.to_owned()),
        ("grant_type", "client_credentials".to_owned()),
        ("scope", format!("{}/.default", stub.base)),
    ];
    assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value)));
}

fn code() -> AuthorizationCode {
    AuthorizationCode {
        code: "the-code".into(),
        redirect_uri: "https://rollcall.example/consent/callback".parse().unwrap(),
        verifier: "the-verifier".into(),
    }
}

#[tokio::test]
async fn a_code_is_exchanged_for_an_id_token_that_is_kept_nowhere() {
    let stub = Stub::start().await;
    let client = stub.client();
    stub.then_token(json(value!({
        "token_type": "Bearer", "expires_in": 3599, "access_token": "theirs", "id_token": "who",
    })));
    let id_token = client.redeem(&code()).await.unwrap();
    assert_eq!(id_token.expose_secret(), "who");
    let mut form = stub.seen()[0].form();
    form.sort();
    let expected = [
        ("client_id", APPLICATION.to_string()),
        ("client_secret", SECRET.to_owned()),
        ("code", "the-code".to_owned()),
        ("code_verifier", "the-verifier".to_owned()),
        ("grant_type", "authorization_code".to_owned()),
        (
            "redirect_uri",
            "https://rollcall.example/consent/callback".to_owned(),
        ),
        ("scope", "openid profile".to_owned()),
    ];
    assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value)));
    // What reads goes on with the application's own token.
    client.token().await.unwrap();
    assert_eq!(stub.token_requests(), 2);

    stub.then_token(token("theirs", 3599));
    let none = client.redeem(&code()).await.unwrap_err();
    assert!(matches!(none, Error::BadAnswer { .. }), "{none:?}");
    stub.then_token(aadsts(
        400,
        "invalid_grant",
        70_000,
        "The code the-code isn't valid.",
    ));
    let refused = client.redeem(&code()).await.unwrap_err();
    assert!(matches!(refused, Error::SignIn(_)), "{refused:?}");
    assert!(!format!("{refused:?} {}", refused.detail()).contains("the-code"));
    assert_eq!(stub.token_requests(), 4, "a code is tried once");
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_it_expires() {
    let stub = Stub::start().await;
    let client = stub.client();
    client.token().await.unwrap();
    stub.clock.advance(TimeDelta::seconds(3_298));
    client.token().await.unwrap();
    assert_eq!(stub.token_requests(), 1);
    stub.clock.advance(TimeDelta::seconds(2));
    client.token().await.unwrap();
    assert_eq!(stub.token_requests(), 2);
    // A short life is used to three quarters.
    stub.then_token(token("opaque", 60));
    assert_eq!(client.fresh_token().await.unwrap().tenant_id, None);
    stub.clock.advance(TimeDelta::seconds(44));
    client.token().await.unwrap();
    assert_eq!(stub.token_requests(), 3);
    stub.clock.advance(TimeDelta::seconds(2));
    client.token().await.unwrap();
    assert_eq!(stub.token_requests(), 4);
}

#[tokio::test]
async fn many_at_once_ask_for_one_token() {
    let stub = Stub::start().await;
    let client = stub.client();
    for _ in 0..20 {
        stub.then(empty());
    }
    let probes = join_all((0..20).map(|_| client.probe(Resource::Users))).await;
    assert!(probes.iter().all(Result::is_ok));
    assert_eq!(stub.token_requests(), 1);
    assert_eq!(client.usage().requests, 21);
}

#[tokio::test]
async fn tokens_belong_to_tenant_and_credential() {
    let stub = Stub::start().await;
    let connector = stub.connector(graph::Settings::default());
    let secret = |text: &str| graph::Credential::secret(APPLICATION, text.into());
    let other = Tenant::parse("contoso.com").unwrap();
    for (tenant, credential) in [
        (Tenant::from(TENANT), secret("a")),
        (Tenant::from(TENANT), secret("b")),
        (other.clone(), secret("b")),
        (other, secret("b")),
    ] {
        connector
            .client(stub.cloud(), tenant, credential)
            .token()
            .await
            .unwrap();
    }
    assert_eq!(stub.token_requests(), 3);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let stub = Stub::start().await;
    let client = stub.client();
    let refused = || {
        status(
            401,
            "InvalidAuthenticationToken",
            "Lifetime validation failed",
        )
    };
    stub.then(refused()).then(empty());
    client.probe(Resource::Users).await.unwrap();
    assert_eq!(stub.token_requests(), 2);
    stub.then(refused()).then(refused());
    let error = client.probe(Resource::Users).await.unwrap_err();
    assert!(matches!(error, Error::TokenRefused { .. }), "{error}");
    assert!(error.is_authentication());
    assert_eq!(stub.token_requests(), 3);
    assert!(stub.clock.waits().is_empty());
}

#[tokio::test]
async fn another_tenants_token_reads_nothing() {
    let stub = Stub::start().await;
    let pinned = Uuid::from_u128(0x99);
    let client = stub.client().pinned(pinned);
    let error = client.probe(Resource::Users).await.unwrap_err();
    assert_eq!(
        (error.code(), error.stage()),
        ("tenant_changed", Stage::TokenTenant)
    );
    assert!(stub.graph_seen().is_empty());
    // A token that can't be read proves nothing.
    stub.then_token(token("opaque", 3599));
    let error = client.fresh_token().await.unwrap_err();
    assert!(matches!(error, Error::TenantChanged { found: None, .. }));
    stub.then(empty());
    stub.client()
        .pinned(TENANT)
        .probe(Resource::Users)
        .await
        .unwrap();
}

#[tokio::test]
async fn refusals_name_code_blame_and_ids() {
    let stub = Stub::start().await;
    stub.then_token(aadsts(
        401,
        "invalid_client",
        7_000_215,
        "Invalid client secret provided.",
    ));
    let error = stub.client().token().await.unwrap_err();
    assert_eq!(
        (error.code(), error.stage()),
        ("AADSTS7000215", Stage::Credential)
    );
    assert_eq!(
        (error.http_status(), error.request_id()),
        (Some(401), Some("t-1"))
    );
    assert_eq!(
        error.date().unwrap().to_rfc3339(),
        "2026-03-01T07:21:29+00:00"
    );
    assert!(error.is_authentication() && !error.is_retryable());
    let Error::SignIn(refusal) = error else {
        panic!("{error}")
    };
    assert_eq!(refusal.blame(), Blame::Credential);
    assert_eq!(refusal.message, "Invalid client secret provided.");
    assert_eq!(stub.token_requests(), 1, "a wrong secret isn't tried again");
}

#[tokio::test]
async fn passing_failures_of_sign_in_are_tried_again() {
    let stub = Stub::start().await;
    stub.then_token(aadsts(
        503,
        "temporarily_unavailable",
        90_033,
        "A transient error.",
    ))
    .then_token(aadsts(400, "invalid_request", 90_024, "Try again."));
    assert!(stub.client().token().await.is_ok());
    assert_eq!(stub.token_requests(), 3);
    // And the readings of a run wait longer than someone at a screen would.
    let client = stub.client();
    for _ in 0..6 {
        stub.then_token(status(500, "", ""));
    }
    stub.then(json(
        value!({"value": [], "@odata.deltaLink": stub.link("users/delta?$deltatoken=1")}),
    ));
    let round = client.users_delta(graph::DeltaStart::Beginning, &graph::Select::id());
    round.all().await.unwrap();
    for _ in 0..9 {
        stub.then_token(aadsts(
            503,
            "temporarily_unavailable",
            90_033,
            "A transient error.",
        ));
    }
    let error = stub.client().token().await.unwrap_err();
    assert!(error.is_retryable() && !error.is_authentication());
}

#[tokio::test]
async fn a_grant_that_makes_no_sense_is_a_bad_answer() {
    let stub = Stub::start().await;
    for body in [
        value!({"token_type": "Bearer"}),
        value!({"access_token": "a", "expires_in": "soon"}),
        value!({"access_token": "a\nb", "expires_in": "3599"}),
        value!([]),
    ] {
        for _ in 0..3 {
            stub.then_token(json(body.clone()));
        }
        assert_eq!(
            stub.client().token().await.unwrap_err().code(),
            "bad_answer",
            "{body}"
        );
    }
    stub.then_token(json(value!({"access_token": "a", "expires_in": "3599"})));
    assert!(stub.client().token().await.is_ok());
}
