//! Signing in to a tenant: a code, the ID token for it, and the key that it is signed with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use simulator::{AppState, GLOBAL_ADMINISTRATOR};
use url::Url;

use crate::client::{Answer, Client, http, read};

const BACK: &str = "https://rollcall.example/consent/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0";

fn question(client: &Client) -> Url {
    let tenant = &client.tenant;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let mut url = Url::parse(&client.origin()).unwrap();
    url.set_path(&format!("/{}/oauth2/v2.0/authorize", tenant.tenant_id));
    url.query_pairs_mut()
        .append_pair("client_id", &tenant.client_id.to_string())
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", BACK)
        .append_pair("scope", "openid profile")
        .append_pair("state", "s1")
        .append_pair("nonce", "n1")
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    url
}

/// What the browser is sent back with.
async fn sent_back(url: Url) -> Vec<(String, String)> {
    let answer = read(http().get(url)).await;
    assert_eq!(answer.status, 302, "{}", answer.text);
    let to = Url::parse(answer.header("location").unwrap()).unwrap();
    assert!(to.as_str().starts_with(BACK), "{to}");
    to.query_pairs().into_owned().collect()
}

fn named(pairs: &[(String, String)], name: &str) -> Option<String> {
    let pair = pairs.iter().find(|(key, _)| key == name);
    pair.map(|(_, value)| value.clone())
}

async fn code(client: &Client) -> String {
    let pairs = sent_back(question(client)).await;
    assert_eq!(named(&pairs, "state").as_deref(), Some("s1"));
    named(&pairs, "code").expect("a code")
}

async fn redeemed(client: &Client, code: &str, verifier: &str, back: &str) -> Answer {
    let tenant = client.tenant.tenant_id.to_string();
    let mut form = client.form();
    form.retain(|(name, _)| !["grant_type", "scope"].contains(name));
    form.extend([
        ("grant_type", "authorization_code".to_owned()),
        ("scope", "openid profile".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", back.to_owned()),
        ("code_verifier", verifier.to_owned()),
    ]);
    client.token(&tenant, &form).await
}

/// The claims of a token that the tenant's own key signed.
async fn claims(client: &Client, token: &str) -> Value {
    let url = format!(
        "{}/{}/v2.0/.well-known/openid-configuration",
        client.origin(),
        client.tenant.tenant_id
    );
    let document = read(http().get(url)).await.json;
    let keys = read(http().get(document["jwks_uri"].as_str().unwrap())).await;
    let keys: JwkSet = serde_json::from_str(&keys.text).unwrap();
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[client.tenant.client_id]);
    validation.set_issuer(&[document["issuer"].as_str().unwrap()]);
    jsonwebtoken::decode(token, &key, &validation)
        .unwrap()
        .claims
}

#[tokio::test]
async fn a_code_is_redeemed_once_for_an_id_token() {
    let client = Client::with_users(5).await;
    let code = code(&client).await;
    let answer = redeemed(&client, &code, VERIFIER, BACK).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let token = answer.json["id_token"].as_str().unwrap();
    let claims = claims(&client, token).await;
    assert_eq!(claims["tid"], json!(client.tenant.tenant_id));
    assert_eq!(claims["nonce"], "n1");
    assert_eq!(claims["wids"], json!([GLOBAL_ADMINISTRATOR]));
    let again = redeemed(&client, &code, VERIFIER, BACK).await;
    assert_eq!(again.json["error_codes"], json!([70_000]), "{}", again.text);
}

#[tokio::test]
async fn a_code_belongs_to_who_asked_for_it() {
    let client = Client::with_users(5).await;
    for (verifier, back, number) in [
        (
            "another-verifier-of-forty-three-characters-00",
            BACK,
            501_481,
        ),
        ("", BACK, 501_481),
        (VERIFIER, "https://rollcall.example/elsewhere", 50_011),
    ] {
        let code = code(&client).await;
        let answer = redeemed(&client, &code, verifier, back).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(answer.json["error_codes"], json!([number]));
    }
}

#[tokio::test]
async fn who_declines_or_asks_wrongly_gets_no_code() {
    let client = Client::with_users(5).await;
    let mut denied = question(&client);
    denied.query_pairs_mut().append_pair("simulate", "denied");
    let pairs = sent_back(denied).await;
    assert_eq!(named(&pairs, "error").as_deref(), Some("access_denied"));
    assert_eq!(named(&pairs, "code"), None);

    client
        .control
        .configure(|settings| settings.directory_roles.clear());
    let code = code(&client).await;
    let answer = redeemed(&client, &code, VERIFIER, BACK).await;
    let token = answer.json["id_token"].as_str().unwrap();
    assert!(claims(&client, token).await.get("wids").is_none());

    client.control.set_app_state(AppState::Unknown);
    let answer = read(http().get(question(&client))).await;
    assert_eq!(answer.json["error_codes"], json!([700_016]));
}
