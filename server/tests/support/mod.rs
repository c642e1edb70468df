//! What the tests build on: the router over a test backend, calls to it, and a farm of tenants.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo};
use backend::{
    Clouds, Scope,
    testing::{Kind, TestBackend},
};
use domain::{id::CustomerId, permission::Role};
use http::{HeaderMap, Method, Request, StatusCode, header};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use server::{
    arguments::Flags,
    config::{Config, Environment},
    metrics::Metrics,
    router,
};
use tower::ServiceExt;

/// Runs one test on both databases: `both!(name, |app| { … })`, with `app: TestApp`.
macro_rules! both {
    ($(#[$meta:meta])* $name:ident, |$app:ident| $body:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn check($app: $crate::support::TestApp) $body

            #[tokio::test]
            async fn sqlite() {
                let app = $crate::support::TestApp::new(backend::testing::Kind::Sqlite).await;
                check(app.expect("SQLite needs nothing")).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(app) = $crate::support::TestApp::new(backend::testing::Kind::Postgres).await {
                    check(app).await;
                }
            }
        }
    };
}
pub(crate) use both;

/// The whole server over a test backend.
pub struct TestApp {
    pub t: TestBackend,
    pub router: Router,
    /// May do everything.
    pub owner: String,
    pub owner_scope: Scope,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Asserts the status and answers the body as JSON.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// Asserts a problem of this status and answers its field.
    #[track_caller]
    pub fn refused(&self, status: u16) -> Option<String> {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        for key in ["title", "detail"] {
            assert!(
                problem[key].as_str().is_some_and(|text| !text.is_empty()),
                "{problem}"
            );
        }
        problem["field"].as_str().map(str::to_owned)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl TestApp {
    pub async fn new(kind: Kind) -> Option<Self> {
        Self::with(kind, Clouds::new([]).unwrap(), &[]).await
    }

    /// With these variables of the environment.
    pub async fn with(kind: Kind, clouds: Clouds, variables: &[(&str, &str)]) -> Option<Self> {
        let t = TestBackend::with_clouds(kind, clouds).await?;
        let flags = Flags {
            data_dir: Some(t.folder.path().display().to_string()),
            ..Flags::default()
        };
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let config = Config::load(&flags, &Environment::new(variables)).unwrap();
        let router = router::public(&t.backend, &config, &Metrics::new(&t.backend));
        let owner_scope = t.owner().await;
        let mut app = Self {
            t,
            router,
            owner: String::new(),
            owner_scope,
        };
        app.owner = app.token(Role::Owner, None).await;
        Some(app)
    }

    /// A new token.
    pub async fn token(&self, role: Role, customers: Option<&[CustomerId]>) -> String {
        let made = backend::store::tokens::create(
            &self.t,
            &self.owner_scope,
            "test",
            role,
            customers,
            None,
        );
        made.await.unwrap().1.expose_secret().to_owned()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let mut request = request;
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from(([198, 51, 100, 7], 4711))));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 * 1024 * 1024).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// A call of the API with any token and any body.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, Some(&self.owner), None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(&self.owner), Some(body))
            .await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(&self.owner), Some(body))
            .await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, Some(&self.owner), None)
            .await
    }

    /// A new customer; answers its id.
    pub async fn customer(&self, name: &str) -> CustomerId {
        let made = self
            .post("/customers", json!({ "name": name }))
            .await
            .expect(201);
        made["id"].as_str().unwrap().parse().unwrap()
    }

    /// A page or a file, as a browser asks for it.
    pub async fn page(&self, path: &str) -> Answer {
        let request = Request::get(path)
            .header(header::ACCEPT, "text/html,*/*;q=0.8")
            .body(Body::empty())
            .unwrap();
        self.send(request).await
    }
}

/// The `id` of an answer.
pub fn id(of: &Value) -> String {
    of["id"].as_str().expect("an id").to_owned()
}

/// An id that belongs to nothing.
pub const NOBODY: &str = "00000000-0000-7000-8000-000000000000";
