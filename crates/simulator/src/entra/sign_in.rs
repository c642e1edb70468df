//! `/{tenant}/oauth2/v2.0/authorize` and the ID tokens for its codes: an account of the tenant that is
//! signed in already and always agrees (graph.md §2.6).

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::PublicKeyData as _;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded::Serializer;
use uuid::Uuid;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::RSAPublicKey;

use super::certificate::shared_key;
use super::{JSON, Refusal};
use crate::config::AppState;
use crate::incoming::Incoming;
use crate::reply::Reply;
use crate::tenant::Tenant;

/// How long a code is good, seconds.
const CODE_LIFE_S: i64 = 600;
/// How long an ID token is good, seconds.
const TOKEN_LIFE_S: i64 = 3600;

/// Somebody who signed in and whose code wasn't redeemed yet.
#[derive(Debug)]
struct Granted {
    redirect_uri: String,
    nonce: Option<String>,
    /// base64url of the SHA-256 of the verifier (RFC 7636 §4.2).
    challenge: Option<String>,
    /// Unix seconds.
    at: i64,
}

/// The codes of a tenant.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    given: u64,
    granted: HashMap<String, Granted>,
}

impl Codes {
    fn give(&mut self, tenant: &Tenant, granted: Granted) -> String {
        self.given += 1;
        let now = granted.at;
        self.granted.retain(|_, of| now - of.at <= CODE_LIFE_S);
        let unique = Sha256::new_with_prefix(tenant.key)
            .chain_update(b"code")
            .chain_update(self.given.to_be_bytes());
        let code = format!("0.{}", URL_SAFE_NO_PAD.encode(unique.finalize()));
        self.granted.insert(code.clone(), granted);
        code
    }
}

/// Signs in and sends the browser back; with `simulate=denied` the account declines.
pub(crate) fn authorize(tenant: &Tenant, request: &Incoming) -> Result<Reply, Refusal> {
    let given = |name: &'static str| {
        let value = request.query_value(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| Refusal::missing_parameter(name))
    };
    let back = given("redirect_uri")?;
    let client = given("client_id")?;
    let (scope, kind) = (given("scope")?, given("response_type")?);
    let mut query = Serializer::new(String::new());
    let mut error = |error: &str, description: &str| {
        query.append_pair("error", error);
        query.append_pair("error_description", description);
    };
    let app = tenant.app().clone();
    let known = Uuid::try_parse(client).is_ok_and(|id| id == app.client_id);
    if !known || app.state == AppState::Unknown {
        return Err(Refusal::unknown_app(client, &tenant.display_name));
    } else if kind != "code" || !scope.split_whitespace().any(|part| part == "openid") {
        error(
            "unsupported_response_type",
            "AADSTS70005: only codes are given here, and only with openid",
        );
    } else if request.query_value("simulate") == Some("denied") {
        error(
            "access_denied",
            "AADSTS65004: User declined to consent to access the app.",
        );
    } else {
        let granted = Granted {
            redirect_uri: back.to_owned(),
            nonce: request.query_value("nonce").map(str::to_owned),
            challenge: request.query_value("code_challenge").map(str::to_owned),
            at: tenant.now(),
        };
        let code = tenant.codes().give(tenant, granted);
        query.append_pair("code", &code);
    }
    query.append_pair("state", request.query_value("state").unwrap_or_default());
    let joint = if back.contains('?') { '&' } else { '?' };
    let target = format!("{back}{joint}{}", query.finish());
    Ok(Reply::new(302, "text/html", Vec::new()).header("location", target))
}

/// The ID token for a code, of an application that has proven itself.
pub(super) fn redeem(
    tenant: &Tenant,
    request: &Incoming,
    client_id: Uuid,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&str>,
) -> Result<String, Refusal> {
    let now = tenant.now();
    let granted = tenant.codes().granted.remove(code);
    let granted = granted
        .filter(|granted| now - granted.at <= CODE_LIFE_S)
        .ok_or_else(Refusal::bad_code)?;
    if granted.redirect_uri != redirect_uri {
        return Err(Refusal::other_redirect_uri());
    }
    let hash = |verifier: &str| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    if granted.challenge != verifier.map(hash) {
        return Err(Refusal::bad_verifier());
    }
    Ok(sign(&claims(tenant, request, client_id, granted.nonce)))
}

fn claims(tenant: &Tenant, request: &Incoming, client_id: Uuid, nonce: Option<String>) -> Value {
    let now = tenant.now();
    let roles = tenant.settings().directory_roles;
    let account = made_up(tenant, b"administrator");
    let mut claims = json!({
        "ver": "2.0",
        "iss": format!("{}/{}/v2.0", request.origin, tenant.id),
        "sub": made_up(tenant, client_id.as_bytes()).simple().to_string(),
        "aud": client_id,
        "iat": now, "nbf": now, "exp": now + TOKEN_LIFE_S,
        "name": "Adele Administrator",
        "preferred_username": format!("adele@{}", tenant.domain),
        "oid": account, "tid": tenant.id,
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    if !roles.is_empty() {
        claims["wids"] = json!(roles);
    }
    claims
}

/// An id that is always the same in this tenant.
fn made_up(tenant: &Tenant, of: &[u8]) -> Uuid {
    let hash = Sha256::new_with_prefix(tenant.id.as_bytes()).chain_update(of);
    let hash: [u8; 32] = hash.finalize().into();
    uuid::Builder::from_random_bytes(hash[..16].try_into().expect("a hash has 32 bytes"))
        .into_uuid()
}

fn kid() -> String {
    let key = shared_key().expect("a key can be made");
    URL_SAFE_NO_PAD.encode(Sha256::digest(key.subject_public_key_info()))
}

fn sign(claims: &Value) -> String {
    let key = shared_key().expect("a key can be made");
    let header = Header {
        typ: Some("JWT".to_owned()),
        kid: Some(kid()),
        ..Header::new(Algorithm::RS256)
    };
    let key = EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes());
    jsonwebtoken::encode(&header, claims, &key.expect("the key is an RSA key"))
        .expect("claims of texts and numbers can always be signed")
}

/// `/{tenant}/discovery/v2.0/keys`.
pub(crate) fn keys(tenant: &Tenant, request: &Incoming) -> Reply {
    let key = shared_key().expect("a key can be made");
    let der = key.der_bytes();
    let (_, public) = RSAPublicKey::from_der(der).expect("the key is an RSA key");
    let number = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(&bytes[start..])
    };
    let keys = json!({ "keys": [{
        "kty": "RSA", "use": "sig", "kid": kid(),
        "n": number(public.modulus), "e": number(public.exponent),
        "issuer": format!("{}/{}/v2.0", request.origin, tenant.id),
    }] });
    Reply::new(200, JSON, keys.to_string())
}
