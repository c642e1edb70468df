//! An OpenID provider for tests, on this machine alone. It behaves unless it is told not to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use domain::DateTime;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rcgen::KeyPair;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use url::Url;
use x509_parser::{prelude::FromDer as _, public_key::RSAPublicKey};

use crate::auth::oidc::ProviderGiven;

const CLIENT_ID: &str = "rollcall";
/// What a client shows it. Its letters are written otherwise in forms and headers.
pub const CLIENT_SECRET: &str = "stub: secret/";

/// How a token is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signing {
    /// By the provider's key on the curve P-256.
    Es256,
    /// By the provider's RSA key, which [`StubProvider::publish_rsa`] makes.
    Rs256,
    /// Not at all.
    None,
    /// With HMAC and this secret.
    Hs256(Vec<u8>),
    /// By a key that isn't the provider's.
    Foreign,
}

/// A token that is about to be signed.
#[derive(Debug, Clone)]
pub struct Token {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    /// How it is signed.
    pub signing: Signing,
}

/// What the provider sends the browser back with.
#[derive(Debug, Clone)]
pub struct Authorized {
    /// The code.
    pub code: String,
    /// The `state` that was asked with.
    pub state: String,
    /// The `nonce` that was asked with.
    pub nonce: String,
    /// Where the browser is sent.
    pub redirect_uri: String,
}

type Change = Box<dyn Fn(&mut Token) + Send>;

struct Granted {
    challenge: String,
    redirect_uri: String,
    token: Token,
}

struct Inner {
    metadata: Value,
    key: KeyPair,
    kid: String,
    key_issuer: Option<String>,
    rsa: Option<KeyPair>,
    granted: HashMap<String, Granted>,
    change: Option<Change>,
    answers: HashMap<&'static str, usize>,
    down: bool,
}

type Shared = Arc<Mutex<Inner>>;

fn locked(shared: &Shared) -> MutexGuard<'_, Inner> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The provider. It ends with this value.
pub struct StubProvider {
    issuer: String,
    inner: Shared,
    serving: JoinHandle<()>,
}

impl std::fmt::Debug for StubProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StubProvider({})", self.issuer)
    }
}

impl Drop for StubProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key can be made")
}

impl StubProvider {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// Where it can't be started: the test can't go on.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("loopback can be listened on");
        let address = listener.local_addr().expect("it has an address");
        let issuer = format!("http://{address}");
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "authorization_response_iss_parameter_supported": true,
        });
        let inner = Arc::new(Mutex::new(Inner {
            metadata,
            key: key(),
            kid: "k1".to_owned(),
            key_issuer: None,
            rsa: None,
            granted: HashMap::new(),
            change: None,
            answers: HashMap::new(),
            down: false,
        }));
        let discovery = "/{*path}";
        let router = Router::new()
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route(discovery, get(metadata_of))
            .with_state(Arc::clone(&inner));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            issuer,
            inner,
            serving,
        }
    }

    /// Its issuer identifier, while it is of the generic kind.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What configuration says of it.
    pub fn given(&self, id: &str) -> ProviderGiven {
        ProviderGiven {
            id: id.to_owned(),
            title: Some(format!("Provider {id}")),
            kind: None,
            issuer: self.issuer.clone(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.into(),
            tenant_ids: Vec::new(),
            scopes: None,
            role_claim: None,
            role_mapping: std::collections::BTreeMap::new(),
            required_amr: Vec::new(),
            required_acr: Vec::new(),
        }
    }

    /// Changes its metadata.
    pub fn metadata(&self, name: &str, value: impl Into<Value>) {
        locked(&self.inner).metadata[name] = value.into();
    }

    /// Changes each token from now on before it is signed.
    pub fn tokens(&self, change: impl Fn(&mut Token) + Send + 'static) {
        locked(&self.inner).change = Some(Box::new(change));
    }

    /// Signs with another key from now on, and publishes that alone.
    pub fn rotate_key(&self, kid: &str) {
        let mut inner = locked(&self.inner);
        inner.key = key();
        kid.clone_into(&mut inner.kid);
    }

    /// Says of its key that it signs for this issuer alone, as Entra ID does.
    pub fn key_issuer(&self, issuer: &str) {
        locked(&self.inner).key_issuer = Some(issuer.to_owned());
    }

    /// Publishes an RSA key beside its own.
    ///
    /// # Panics
    ///
    /// Where none can be made.
    pub fn publish_rsa(&self) {
        let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key can be made");
        locked(&self.inner).rsa = Some(key);
    }

    /// The bytes of its public key: what somebody may try as a shared secret.
    pub fn public_key(&self) -> Vec<u8> {
        locked(&self.inner).key.public_key_raw().to_vec()
    }

    /// Fails, or answers again.
    pub fn down(&self, down: bool) {
        locked(&self.inner).down = down;
    }

    /// How often something was asked for: `metadata`, `keys` or `token`.
    pub fn asked(&self, what: &str) -> usize {
        locked(&self.inner)
            .answers
            .get(what)
            .copied()
            .unwrap_or_default()
    }

    /// Plays somebody who is led to `question` and signs in there as the account `subject`.
    ///
    /// # Panics
    ///
    /// Where the question isn't one of the code flow with PKCE.
    pub fn authorize(&self, question: &Url, subject: &str, now: DateTime) -> Authorized {
        let asked: HashMap<String, String> = question.query_pairs().into_owned().collect();
        let text = |name: &str| {
            let value = asked.get(name).cloned();
            value.unwrap_or_else(|| panic!("{name} is missing in {question}"))
        };
        assert_eq!(text("response_type"), "code");
        assert_eq!(text("client_id"), CLIENT_ID);
        assert_eq!(text("code_challenge_method"), "S256");
        assert!(text("scope").split(' ').any(|scope| scope == "openid"));
        let mut inner = locked(&self.inner);
        let token = Token {
            header: json!({ "alg": "ES256", "typ": "JWT", "kid": inner.kid }),
            claims: json!({
                "iss": self.issuer,
                "sub": subject,
                "aud": CLIENT_ID,
                "exp": now.timestamp() + 300,
                "iat": now.timestamp(),
                "nonce": text("nonce"),
                "preferred_username": format!("{subject}@provider.example"),
            }),
            signing: Signing::Es256,
        };
        let code = format!("code-{}", inner.granted.len());
        let granted = Granted {
            challenge: text("code_challenge"),
            redirect_uri: text("redirect_uri"),
            token,
        };
        inner.granted.insert(code.clone(), granted);
        Authorized {
            code,
            state: text("state"),
            nonce: text("nonce"),
            redirect_uri: text("redirect_uri"),
        }
    }
}

fn counted<'a>(
    shared: &'a Shared,
    what: &'static str,
) -> Result<MutexGuard<'a, Inner>, StatusCode> {
    let mut inner = locked(shared);
    *inner.answers.entry(what).or_default() += 1;
    if inner.down {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(inner)
}

async fn metadata_of(State(shared): State<Shared>) -> Result<Json<Value>, StatusCode> {
    Ok(Json(counted(&shared, "metadata")?.metadata.clone()))
}

async fn keys(State(shared): State<Shared>) -> Result<Json<Value>, StatusCode> {
    let inner = counted(&shared, "keys")?;
    // The point without compression: 4, x, y.
    let point = inner.key.public_key_raw();
    let mut key = json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "kid": inner.kid,
        "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
    });
    if let Some(issuer) = &inner.key_issuer {
        key["issuer"] = json!(issuer);
    }
    // One that no library knows, as providers have them.
    let mut all = vec![json!({ "kty": "FUTURE", "kid": "f1" }), key];
    if let Some(rsa) = &inner.rsa {
        let (_, public) = RSAPublicKey::from_der(rsa.public_key_raw()).expect("an RSA key is read");
        let number = |bytes: &[u8]| {
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or_default();
            URL_SAFE_NO_PAD.encode(&bytes[start..])
        };
        all.push(json!({
            "kty": "RSA", "use": "sig", "kid": "r1",
            "n": number(public.modulus), "e": number(public.exponent),
        }));
    }
    Ok(Json(json!({ "keys": all })))
}

async fn token(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response, StatusCode> {
    let mut inner = counted(&shared, "token")?;
    let refused = |error: &str| {
        let body = json!({ "error": error, "error_description": "stub" });
        Ok((StatusCode::BAD_REQUEST, Json(body)).into_response())
    };
    // Encoded before they are joined (RFC 6749 §2.3.1).
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(CLIENT_ID), encode(CLIENT_SECRET));
    let expected = format!("Basic {}", STANDARD.encode(pair));
    let by = headers.get(header::AUTHORIZATION);
    if by.and_then(|value| value.to_str().ok()) != Some(&*expected) {
        return refused("invalid_client");
    }
    let text = |name: &str| form.get(name).map_or("", String::as_str);
    let Some(granted) = inner.granted.remove(text("code")) else {
        return refused("invalid_grant");
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier")));
    if text("grant_type") != "authorization_code"
        || challenge != granted.challenge
        || text("redirect_uri") != granted.redirect_uri
    {
        return refused("invalid_grant");
    }
    let mut token = granted.token;
    if let Some(change) = &inner.change {
        change(&mut token);
    }
    let body = json!({
        "access_token": "opaque", "token_type": "Bearer", "expires_in": 300,
        "id_token": signed(&inner, &token),
    });
    Ok(Json(body).into_response())
}

/// The token as it goes over the wire (RFC 7515 §3.1).
fn signed(inner: &Inner, token: &Token) -> String {
    let ec = |key: &KeyPair| {
        EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).expect("a key is read")
    };
    let rsa = || {
        let key = inner.rsa.as_ref().expect("publish_rsa comes first");
        EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes()).expect("a key is read")
    };
    let (name, by) = match &token.signing {
        Signing::Es256 => ("ES256", Some((ec(&inner.key), Algorithm::ES256))),
        Signing::Foreign => ("ES256", Some((ec(&key()), Algorithm::ES256))),
        Signing::Rs256 => ("RS256", Some((rsa(), Algorithm::RS256))),
        Signing::Hs256(secret) => (
            "HS256",
            Some((EncodingKey::from_secret(secret), Algorithm::HS256)),
        ),
        Signing::None => ("none", None),
    };
    let mut header = token.header.clone();
    header["alg"] = json!(name);
    if token.signing == Signing::Rs256 {
        header["kid"] = json!("r1");
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(&token.claims));
    let signature = by.map_or_else(String::new, |(key, algorithm)| {
        crypto::sign(message.as_bytes(), &key, algorithm).expect("a token can be signed")
    });
    format!("{message}.{signature}")
}
