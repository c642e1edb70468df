//! A server on loopback that answers from a script and remembers what it was asked.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use graph::{
    Chance, Client, Clock, Cloud, Connector, Credential, Http, HttpOptions, Limits, Settings,
    Tenant,
};
use uuid::Uuid;

pub const APPLICATION: Uuid = Uuid::from_u128(0xA);
pub const TENANT: Uuid = Uuid::from_u128(0x7);
pub const SECRET: &str = "s3cr3t+of/the=application";

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// Decoded pairs, in order.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn param(&self, name: &str) -> &str {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }

    pub fn field(&self, name: &str) -> String {
        self.form()
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, v)| v)
            .unwrap_or_default()
    }
}

/// What it answers.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Announce more bytes than are sent, and cut the connection.
    pub cut: bool,
    /// Don't say how long it is.
    pub unannounced: bool,
}

pub fn json(value: serde_json::Value) -> Reply {
    Reply {
        status: 200,
        headers: Vec::new(),
        body: value.to_string(),
        cut: false,
        unannounced: false,
    }
}

pub fn status(status: u16, code: &str, message: &str) -> Reply {
    let error = serde_json::json!({"error": {"code": code, "message": message, "innerError": {
        "date": "2026-03-01T10:17:06", "request-id": "11111111-2222-3333-4444-555555555555"}}});
    Reply {
        status,
        ..json(error)
    }
}

impl Reply {
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn unannounced(mut self) -> Self {
        self.unannounced = true;
        self
    }

    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }
}

pub fn token(text: &str, expires_in: u32) -> Reply {
    json(serde_json::json!({
        "token_type": "Bearer", "expires_in": expires_in, "ext_expires_in": expires_in,
        "access_token": text,
    }))
}

/// A token-shaped text whose payload names `tenant` and `roles`.
pub fn jwt(tenant: Uuid, roles: &[&str], mark: &str) -> String {
    let payload = serde_json::json!({"tid": tenant, "appid": APPLICATION, "oid": TENANT,
        "roles": roles, "uti": mark});
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload.to_string()))
}

pub fn aadsts(status: u16, error: &str, number: u32, words: &str) -> Reply {
    let body = serde_json::json!({
        "error": error,
        "error_description": format!("AADSTS{number}: {words} Trace ID: t-1 Correlation ID: c-1 \
            Timestamp: 2026-03-01 07:21:29Z"),
        "error_codes": [number], "timestamp": "2026-03-01 07:21:29Z",
        "trace_id": "t-1", "correlation_id": "c-1",
    });
    Reply {
        status,
        ..json(body)
    }
}

#[derive(Default)]
struct Script {
    tokens: VecDeque<Reply>,
    graph: VecDeque<Reply>,
    seen: Vec<Seen>,
}

/// The server; ends with the test's runtime.
#[derive(Clone)]
pub struct Stub {
    pub base: String,
    pub clock: TestClock,
    script: Arc<Mutex<Script>>,
}

impl Stub {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            base: format!("http://{address}"),
            clock: TestClock::default(),
            script,
        }
    }

    /// The next answer of Graph.
    pub fn then(&self, reply: Reply) -> &Self {
        self.script.lock().unwrap().graph.push_back(reply);
        self
    }

    /// The next answer of the token endpoint; without one it grants.
    pub fn then_token(&self, reply: Reply) -> &Self {
        self.script.lock().unwrap().tokens.push_back(reply);
        self
    }

    /// Everything asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    /// What Graph was asked.
    pub fn graph_seen(&self) -> Vec<Seen> {
        self.seen()
            .into_iter()
            .filter(|seen| seen.path.starts_with("/v1.0/"))
            .collect()
    }

    /// How often the token endpoint was asked.
    pub fn token_requests(&self) -> usize {
        self.seen().len() - self.graph_seen().len()
    }

    pub fn link(&self, path: &str) -> String {
        format!("{}/v1.0/{path}", self.base)
    }

    pub fn cloud(&self) -> Cloud {
        Cloud::parse(&self.base, &self.base).unwrap()
    }

    pub fn connector(&self, settings: Settings) -> Connector {
        Connector::new(
            Http::new(&HttpOptions::default()).unwrap(),
            Arc::new(self.clock.clone()),
            Chance::from_seed(7),
            Limits::default(),
            settings,
        )
    }

    pub fn client(&self) -> Client {
        self.client_with(Settings::default())
    }

    pub fn client_with(&self, settings: Settings) -> Client {
        self.connector(settings).client(
            self.cloud(),
            Tenant::from(TENANT),
            Credential::secret(APPLICATION, SECRET.into()),
        )
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let query = parts.uri.query().unwrap_or_default();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let mut script = script.lock().unwrap();
    let reply = if seen.path.starts_with("/v1.0/") {
        script
            .graph
            .pop_front()
            .unwrap_or_else(|| status(418, "offScript", &seen.path))
    } else {
        let grant = || token(&jwt(TENANT, &["User.Read.All"], "x"), 3599);
        script.tokens.pop_front().unwrap_or_else(grant)
    };
    script.seen.push(seen);
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    if reply.unannounced {
        let pieces = reply
            .body
            .into_bytes()
            .chunks(100)
            .map(Bytes::copy_from_slice)
            .map(Ok::<_, std::io::Error>)
            .collect::<Vec<_>>();
        return response
            .body(Body::from_stream(futures::stream::iter(pieces)))
            .unwrap();
    }
    if reply.cut {
        let half = Bytes::from(reply.body[..reply.body.len() / 2].to_owned());
        let pieces = futures::stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
        return response.body(Body::from_stream(pieces)).unwrap();
    }
    response.body(Body::from(reply.body)).unwrap()
}

/// A clock that moves when someone waits, and remembers for how long.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<(DateTime<Utc>, Vec<Duration>)>>);

impl Default for TestClock {
    fn default() -> Self {
        let start = DateTime::parse_from_rfc3339("2026-03-01T08:00:00Z")
            .unwrap()
            .to_utc();
        Self(Arc::new(Mutex::new((start, Vec::new()))))
    }
}

impl TestClock {
    pub fn advance(&self, by: TimeDelta) {
        self.0.lock().unwrap().0 += by;
    }

    pub fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().1.clone()
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.lock().unwrap().0
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut inner = self.0.lock().unwrap();
        inner.0 += TimeDelta::from_std(duration).unwrap();
        inner.1.push(duration);
        Box::pin(std::future::ready(()))
    }
}
