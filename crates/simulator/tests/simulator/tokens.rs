//! Every row of graph.md §2.4 that client credentials can meet.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{TimeDelta, TimeZone, Utc};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use simulator::{AppState, CertificatePair, Clock, FarmConfig, Fault, ManualClock};
use std::sync::Arc;

use crate::client::{Answer, Client, http, read};

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str, code: u64) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.json["error"], error);
    assert_eq!(answer.json["error_codes"], json!([code]));
    let description = answer.json["error_description"].as_str().unwrap();
    assert!(
        description.starts_with(&format!("AADSTS{code}: ")),
        "{description}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store, no-cache"));
    assert_eq!(
        answer.header("x-ms-request-id"),
        answer.json["trace_id"].as_str()
    );
}

/// The right form with one field changed, or left out.
fn but(client: &Client, name: &'static str, value: Option<&str>) -> Vec<(&'static str, String)> {
    let mut form = client.form();
    form.retain(|(key, _)| *key != name);
    form.extend(value.map(|value| (name, value.to_owned())));
    form
}

#[tokio::test]
async fn gives_tokens_by_id_by_domain_and_with_basic_authentication() {
    let client = Client::with_users(5).await;
    let tenant = client.tenant.clone();
    for name in [tenant.tenant_id.to_string(), tenant.domain.to_uppercase()] {
        let answer = client.token(&name, &client.form()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["expires_in"], 3599);
        assert_eq!(answer.json["token_type"], "Bearer");
    }
    let url = format!("{}/{}/oauth2/v2.0/token", client.origin(), tenant.domain);
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let secret = tenant.client_secret.replace('~', "%7E");
    let basic = STANDARD.encode(format!("{}:{secret}", tenant.client_id));
    let request = http()
        .post(url)
        .header("authorization", format!("Basic {basic}"))
        .form(&form);
    let answer = read(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn refuses_what_the_form_gets_wrong() {
    let client = Client::with_users(5).await;
    let domain = client.tenant.domain.clone();
    let client_id = uuid::Uuid::nil().to_string();
    let other = format!("{0}/.default {0}/User.Read", client.origin());
    let cases: [(&str, Option<&str>, u16, &str, u64); 10] = [
        (
            "client_secret",
            Some("wrong"),
            401,
            "invalid_client",
            7_000_215,
        ),
        ("client_secret", None, 401, "invalid_client", 7_000_216),
        (
            "client_id",
            Some(&client_id),
            400,
            "unauthorized_client",
            700_016,
        ),
        ("client_id", None, 400, "invalid_request", 900_144),
        ("scope", None, 400, "invalid_request", 900_144),
        ("scope", Some("User.Read.All"), 400, "invalid_scope", 70_011),
        ("scope", Some(&other), 400, "invalid_scope", 28_000),
        (
            "scope",
            Some("https://vault.example/.default"),
            400,
            "invalid_resource",
            500_011,
        ),
        ("grant_type", None, 400, "invalid_request", 900_144),
        (
            "grant_type",
            Some("password"),
            400,
            "unsupported_grant_type",
            70_003,
        ),
    ];
    for (name, value, status, error, code) in cases {
        // The list outlives the loop only as literals.
        let name = client
            .form()
            .into_iter()
            .map(|(key, _)| key)
            .find(|key| *key == name)
            .unwrap();
        refused(
            &client.token(&domain, &but(&client, name, value)).await,
            status,
            error,
            code,
        );
    }
}

#[tokio::test]
async fn refuses_tenants_that_do_not_exist() {
    let client = Client::with_users(5).await;
    let form = client.form();
    for (name, error, code) in [
        ("nobody.onmicrosoft.example", "invalid_tenant", 90_002),
        (
            "00000000-0000-4000-8000-000000000000",
            "invalid_tenant",
            90_002,
        ),
        ("not%20a%20name", "invalid_request", 900_023),
        ("common", "invalid_request", 9_001_023),
    ] {
        refused(&client.token(name, &form).await, 400, error, code);
    }
}

#[tokio::test]
async fn knows_every_state_of_the_application() {
    let client = Client::with_users(5).await;
    for (state, status, error, code) in [
        (AppState::Unknown, 400, "unauthorized_client", 700_016),
        (AppState::NotConsented, 401, "invalid_client", 7_000_229),
        (AppState::Disabled, 400, "unauthorized_client", 7_000_112),
        (AppState::Blocked, 400, "invalid_grant", 53_003),
        (AppState::ResourceDisabled, 400, "invalid_resource", 500_014),
    ] {
        client.control.set_app_state(state);
        let answer = client.token(&client.tenant.domain, &client.form()).await;
        refused(&answer, status, error, code);
    }
}

#[tokio::test]
async fn secrets_are_rotated_and_expire() {
    let client = Client::with_users(5).await;
    let domain = client.tenant.domain.clone();
    let second = client.control.add_secret(Some(3600));
    let with_second = but(&client, "client_secret", Some(&second));
    assert_eq!(client.token(&domain, &client.form()).await.status, 200);
    assert_eq!(client.token(&domain, &with_second).await.status, 200);
    client.control.remove_secret(&client.tenant.client_secret);
    refused(
        &client.token(&domain, &client.form()).await,
        401,
        "invalid_client",
        7_000_215,
    );
    client.control.expire_secrets();
    refused(
        &client.token(&domain, &with_second).await,
        401,
        "invalid_client",
        7_000_222,
    );
}

#[tokio::test]
async fn transient_faults_look_like_entras() {
    let client = Client::with_users(5).await;
    let domain = client.tenant.domain.clone();
    client.control.next("/token", Fault::Throttled);
    let answer = client.token(&domain, &client.form()).await;
    refused(&answer, 429, "temporarily_unavailable", 90_055);
    assert_eq!(answer.header("retry-after"), Some("1"));
    client.control.next("/token", Fault::UnavailableSilently);
    let answer = client.token(&domain, &client.form()).await;
    refused(&answer, 503, "temporarily_unavailable", 90_033);
    assert_eq!(answer.header("retry-after"), None);
    assert_eq!(client.token(&domain, &client.form()).await.status, 200);
}

/// An assertion as a client would sign it, with parts replaced by those given.
struct Assertion {
    algorithm: Algorithm,
    header: Value,
    claims: Value,
}

impl Assertion {
    fn right(client: &Client, now: i64) -> Self {
        let pem = client.tenant.certificate_pem.as_bytes();
        let (_, block) = x509_parser::pem::parse_x509_pem(pem).unwrap();
        let print = URL_SAFE_NO_PAD.encode(Sha256::digest(&block.contents));
        let id = client.tenant.client_id;
        let tenant = client.tenant.tenant_id;
        Self {
            algorithm: Algorithm::PS256,
            header: json!({"alg": "PS256", "typ": "JWT", "x5t#S256": print}),
            claims: json!({
                "aud": format!("{}/{tenant}/oauth2/v2.0/token", client.origin()),
                "iss": id, "sub": id, "jti": "1", "nbf": now, "iat": now, "exp": now + 600,
            }),
        }
    }

    fn form(&self, client: &Client) -> Vec<(&'static str, String)> {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&self.header), part(&self.claims));
        let key = EncodingKey::from_rsa_pem(client.tenant.private_key_pem.as_bytes()).unwrap();
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &key, self.algorithm).unwrap();
        let mut form = but(client, "client_secret", None);
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        form.push(("client_assertion_type", kind.to_owned()));
        form.push(("client_assertion", format!("{signed}.{signature}")));
        form
    }
}

async fn with_manual_clock() -> (Client, Arc<ManualClock>) {
    let start = Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let config = FarmConfig {
        clock: clock.clone(),
        ..FarmConfig::with_users(3, 5)
    };
    (Client::start(config).await, clock)
}

#[tokio::test]
async fn assertions_are_believed_only_when_everything_is_right() {
    let (client, clock) = with_manual_clock().await;
    let domain = client.tenant.domain.clone();
    let now = clock.now().timestamp();
    let right = || Assertion::right(&client, now);
    let answer = client.token(&domain, &right().form(&client)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let mut rs256 = right();
    rs256.algorithm = Algorithm::RS256;
    rs256.header["alg"] = json!("RS256");
    assert_eq!(
        client.token(&domain, &rs256.form(&client)).await.status,
        200
    );

    let change = |claim: &str, value: Value| {
        let mut assertion = right();
        assertion.claims[claim] = value;
        assertion
    };
    let mut bad_signature = right();
    bad_signature.header["alg"] = json!("RS256");
    let mut unknown_key = right();
    unknown_key.header["x5t#S256"] = json!("AAAA");
    let mut no_print = right();
    no_print.header = json!({"alg": "PS256", "typ": "JWT"});
    let mut federated = change("iss", json!("https://issuer.example"));
    federated.header = json!({"alg": "RS256", "typ": "JWT", "kid": "1"});
    for (what, assertion, status, error, code) in [
        ("signature", bad_signature, 401, "invalid_client", 700_027),
        ("key", unknown_key, 401, "invalid_client", 700_027),
        ("thumbprint", no_print, 400, "invalid_request", 50_027),
        ("federation", federated, 401, "invalid_client", 70_021),
        (
            "issuer",
            change("iss", json!("else")),
            401,
            "invalid_client",
            700_021,
        ),
        (
            "audience",
            change("aud", json!("https://login.example/")),
            401,
            "invalid_client",
            700_023,
        ),
        (
            "expired",
            change("exp", json!(now - 1000)),
            401,
            "invalid_client",
            700_024,
        ),
        (
            "early",
            change("nbf", json!(now + 1000)),
            401,
            "invalid_client",
            700_024,
        ),
    ] {
        let answer = client.token(&domain, &assertion.form(&client)).await;
        assert_eq!(
            answer.json["error_codes"],
            json!([code]),
            "{what}: {}",
            answer.text
        );
        refused(&answer, status, error, code);
    }
}

#[tokio::test]
async fn an_expired_certificate_is_named_as_such() {
    let (mut client, clock) = with_manual_clock().await;
    let now = clock.now().timestamp();
    let pair = CertificatePair::generate("soon over", now - 60, now + 60).unwrap();
    client.control.remove_certificates();
    client
        .control
        .add_certificate(&pair.certificate_pem)
        .unwrap();
    client.tenant.certificate_pem = pair.certificate_pem;
    client.tenant.private_key_pem = pair.private_key_pem;
    let domain = client.tenant.domain.clone();
    let form = |at| Assertion::right(&client, at).form(&client);
    assert_eq!(client.token(&domain, &form(now)).await.status, 200);
    clock.advance(TimeDelta::seconds(120));
    let answer = client.token(&domain, &form(now + 120)).await;
    refused(&answer, 401, "invalid_client", 700_027);
    assert!(
        answer.text.contains("The key used is expired"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn graph_takes_only_tokens_that_are_in_force() {
    let (mut client, clock) = with_manual_clock().await;
    client
        .control
        .configure(|settings| settings.token_lifetime_s = 60);
    client.sign_in().await;
    assert_eq!(client.get("/v1.0/users").await.status, 200);
    clock.advance(TimeDelta::seconds(61));
    let answer = client.get("/v1.0/users").await;
    assert_eq!(answer.refusal(), (401, "InvalidAuthenticationToken"));
    assert_eq!(
        answer.message(),
        "Lifetime validation failed, the token is expired."
    );
    client.sign_in().await;
    assert_eq!(client.get("/v1.0/users").await.status, 200);
    for wrong in ["", "Bearer ", "Bearer a.b.c"] {
        let url = format!("{}/v1.0/users", client.origin());
        let answer = read(http().get(url).header("authorization", wrong)).await;
        assert_eq!(
            answer.refusal(),
            (401, "InvalidAuthenticationToken"),
            "{wrong:?}"
        );
    }
}

#[tokio::test]
async fn a_token_without_oid_has_no_identity_and_one_without_roles_no_rights() {
    let mut client = Client::with_users(5).await;
    client
        .control
        .configure(|settings| settings.oidless_tokens = true);
    client.sign_in().await;
    let answer = client.get("/v1.0/users").await;
    assert_eq!(answer.refusal(), (401, "Authorization_IdentityNotFound"));
    client
        .control
        .configure(|settings| settings.oidless_tokens = false);
    client.control.set_roles(Vec::<String>::new());
    client.sign_in().await;
    for path in [
        "users",
        "groups/delta",
        "contacts",
        "devices",
        "organization",
    ] {
        let answer = client.get(&format!("/v1.0/{path}")).await;
        assert_eq!(
            answer.refusal(),
            (403, "Authorization_RequestDenied"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn admin_consent_sends_the_browser_back() {
    let client = Client::with_users(5).await;
    client.control.set_app_state(AppState::NotConsented);
    let url = format!(
        "{}/{}/v2.0/adminconsent?client_id={}&scope=s&redirect_uri=http%3A%2F%2Fback.example%2F&state=x%20y",
        client.origin(),
        client.tenant.domain,
        client.tenant.client_id
    );
    let answer = read(http().get(url)).await;
    assert_eq!(answer.status, 302);
    let back = answer.header("location").unwrap();
    let tenant = client.tenant.tenant_id;
    assert_eq!(
        back,
        format!("http://back.example/?admin_consent=True&tenant={tenant}&scope=s&state=x+y")
    );
    assert_eq!(client.control.app_state(), AppState::Ready);
}
