//! What the tests build on: the router over a test backend, calls to it, and a farm of tenants.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Body, extract::ConnectInfo};
use backend::{
    Cloud, Clouds, Scope,
    testing::{Kind, TestBackend, start},
};
use domain::{
    api_token::{ApiToken, NewApiToken},
    id::{ApiTokenId, CustomerId},
    permission::Role,
};
use http::{HeaderMap, Method, Request, StatusCode, header};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use server::{
    arguments::Flags,
    config::{Config, Environment},
    metrics::Metrics,
    router,
};
use simulator::{Control, Farm, FarmConfig, ManualClock, RunningFarm, TenantInfo};
use tower::ServiceExt;

/// Runs one test on both databases: `both!(name, |app| { … })`, with `app: TestApp`.
macro_rules! both {
    ($(#[$meta:meta])* $name:ident, |$app:ident| $body:block) => {
        async fn $name($app: $crate::support::TestApp) $body

        $(#[$meta])*
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                let app = $crate::support::TestApp::new(backend::testing::Kind::Sqlite).await;
                super::$name(app.expect("SQLite needs nothing")).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(app) = $crate::support::TestApp::new(backend::testing::Kind::Postgres).await {
                    super::$name(app).await;
                }
            }
        }
    };
}
pub(crate) use both;

/// The same, with a farm of one tenant of 25 users.
macro_rules! both_with_farm {
    ($(#[$meta:meta])* $name:ident, |$app:ident| $body:block) => {
        async fn $name($app: $crate::support::TestApp) $body

        $(#[$meta])*
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                let app = $crate::support::TestApp::with_farm(backend::testing::Kind::Sqlite, 25).await;
                super::$name(app.expect("SQLite needs nothing")).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(app) = $crate::support::TestApp::with_farm(backend::testing::Kind::Postgres, 25).await {
                    super::$name(app).await;
                }
            }
        }
    };
}
pub(crate) use both_with_farm;

/// A farm and its first tenant.
pub struct TestFarm {
    _running: RunningFarm,
    pub tenant: TenantInfo,
    pub control: Control,
}

/// The whole server over a test backend.
pub struct TestApp {
    pub t: TestBackend,
    pub router: Router,
    pub config: Config,
    /// May do everything.
    pub owner: String,
    /// The id of that token.
    pub owner_token: ApiTokenId,
    pub owner_scope: Scope,
    pub farm: Option<TestFarm>,
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

    /// The whole of the cookie of this name that is to be kept; empty where there is none.
    pub fn cookie(&self, name: &str) -> &str {
        let cookies = self.headers.get_all(header::SET_COOKIE).iter();
        cookies
            .map(|value| value.to_str().unwrap())
            .find(|text| text.split('=').next() == Some(name))
            .unwrap_or_default()
    }

    /// `name=value` of the session's cookie; empty where there is none.
    pub fn session(&self) -> String {
        let cookie = self.cookie("rollcall_session");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl TestApp {
    pub async fn new(kind: Kind) -> Option<Self> {
        Self::with(kind, Clouds::new([]).unwrap(), None, &[]).await
    }

    /// With a farm of one tenant of this many users, which is the cloud `sim`.
    pub async fn with_farm(kind: Kind, users: usize) -> Option<Self> {
        Self::with_this_farm(kind, FarmConfig::with_users(7, users)).await
    }

    /// The same, where the farm’s clock stands as that of the server does: for who signs in there.
    pub async fn with_standing_farm(kind: Kind, users: usize) -> Option<Self> {
        let config = FarmConfig {
            clock: Arc::new(ManualClock::new(start())),
            ..FarmConfig::with_users(7, users)
        };
        Self::with_this_farm(kind, config).await
    }

    async fn with_this_farm(kind: Kind, config: FarmConfig) -> Option<Self> {
        let farm = Farm::new(config);
        let tenant = farm.tenants().remove(0);
        let running = farm.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let origin = running.origin();
        let sim = Cloud::parse("sim", "Simulator", &origin, &origin).unwrap();
        Self::with(
            kind,
            Clouds::new([sim]).unwrap(),
            Some(TestFarm {
                _running: running,
                control: farm.control(tenant.tenant_id),
                tenant,
            }),
            &[],
        )
        .await
    }

    /// With these variables of the environment.
    pub async fn with(
        kind: Kind,
        clouds: Clouds,
        farm: Option<TestFarm>,
        variables: &[(&str, &str)],
    ) -> Option<Self> {
        let mut t = TestBackend::with_clouds(kind, clouds).await?;
        let flags = Flags {
            data_dir: Some(t.folder.path().display().to_string()),
            ..Flags::default()
        };
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let config = Config::load(&flags, &Environment::new(variables)).unwrap();
        t.backend.settings = std::sync::Arc::new(backend::Settings {
            public_url: config.public_url.clone(),
            ..(*t.backend.settings).clone()
        });
        let router = router::public(&t.backend, &config, &Metrics::new(&t.backend));
        let owner_scope = t.owner().await;
        let mut app = Self {
            t,
            router,
            config,
            owner: String::new(),
            owner_token: ApiTokenId(uuid::Uuid::nil()),
            owner_scope,
            farm,
        };
        let (token, secret) = app.made_token(Role::Owner, None).await;
        (app.owner, app.owner_token) = (secret, token.id);
        Some(app)
    }

    /// The same server over another database.
    pub fn on(mut self, db: backend::Db) -> Self {
        self.t.backend.db = db;
        self.router = router::public(
            &self.t.backend,
            &self.config,
            &Metrics::new(&self.t.backend),
        );
        self
    }

    /// A new token's text.
    pub async fn token(&self, role: Role, customers: Option<&[CustomerId]>) -> String {
        self.made_token(role, customers).await.1
    }

    /// A new token, for a program, with its text.
    pub async fn made_token(
        &self,
        role: Role,
        customers: Option<&[CustomerId]>,
    ) -> (ApiToken, String) {
        let new = NewApiToken {
            customer_ids: customers.map(<[CustomerId]>::to_vec),
            ..NewApiToken::of_everything("test", role)
        };
        let made = backend::store::tokens::create(&self.t, &self.owner_scope, new);
        let (token, secret) = made.await.unwrap();
        (token, secret.expose_secret().to_owned())
    }

    /// A token that was good once.
    pub async fn revoked_token(&self) -> String {
        use backend::store::tokens;
        let made = tokens::create(
            &self.t,
            &self.owner_scope,
            NewApiToken::of_everything("revoked", Role::Owner),
        );
        let (token, secret) = made.await.unwrap();
        tokens::revoke(&self.t, &self.owner_scope, token.id)
            .await
            .unwrap();
        secret.expose_secret().to_owned()
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
            // A file may be of bytes that are no text.
            text: String::from_utf8_lossy(&bytes).into_owned(),
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

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(&self.owner), Some(body))
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

    /// A new profile with the farm's first tenant's secret; answers its id.
    pub async fn profile(&self) -> String {
        let tenant = self.tenant();
        let body = json!({
            "name": "Partner app",
            "kind": "client_secret",
            "client_id": tenant.client_id.to_string(),
            "client_secret": tenant.client_secret,
        });
        id(&self.post("/credential-profiles", body).await.expect(201))
    }

    /// The farm's first tenant.
    pub fn tenant(&self) -> &TenantInfo {
        &self.farm.as_ref().expect("a test with a farm").tenant
    }

    /// Changes the farm's first tenant.
    pub fn control(&self) -> &Control {
        &self.farm.as_ref().expect("a test with a farm").control
    }

    /// The body of a new integration with the farm's first tenant.
    pub fn integration_body(&self, profile: &str) -> Value {
        json!({
            "kind": "entra_id",
            "tenant": self.tenant().domain,
            "cloud": "sim",
            "credential_profile_id": profile,
        })
    }

    /// A customer with an integration with the farm's first tenant.
    pub async fn integration(&self) -> (CustomerId, String) {
        let customer = self.customer("Contoso").await;
        let profile = self.profile().await;
        let path = format!("/customers/{customer}/integrations");
        let made = self
            .post(&path, self.integration_body(&profile))
            .await
            .expect(201);
        (customer, id(&made))
    }

    /// A page or a file, as a browser asks for it.
    pub async fn page(&self, path: &str) -> Answer {
        let request = Request::get(path)
            .header(header::ACCEPT, "text/html,*/*;q=0.8")
            .body(Body::empty())
            .unwrap();
        self.send(request).await
    }

    /// The same by somebody who is signed in.
    pub async fn page_of(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path)
            .header(header::ACCEPT, "text/html,*/*;q=0.8")
            .header(header::COOKIE, cookie)
            .body(Body::empty())
            .unwrap();
        self.send(request).await
    }

    /// Calls a server function as the browser code does: with JSON, or with a form.
    pub async fn function(
        &self,
        function: &str,
        cookie: &str,
        json: Option<&Value>,
        form: &str,
    ) -> Answer {
        let (kind, body) = match json {
            Some(json) => ("application/json", json.to_string()),
            None => ("application/x-www-form-urlencoded", form.to_owned()),
        };
        let request = Request::post(format!("/api/{function}"))
            .header(header::CONTENT_TYPE, kind)
            .header(header::ACCEPT, "application/json")
            .header(header::COOKIE, cookie)
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    /// A new session of an operator, as `name=value` of its cookie.
    pub async fn session(&self, operator: &Scope) -> String {
        use backend::store::sessions;
        // A proof of a time that is far: it never grows old.
        let data = json!({
            sessions::OPERATOR: operator.operator_id(),
            sessions::PROVED_AT: "2200-01-01T00:00:00Z",
        });
        self.session_of(&data).await
    }

    /// Sets up an authenticator app for an operator; answers its key.
    pub async fn authenticator(&self, operator: &Scope) -> Vec<u8> {
        use backend::auth::second_factor::{self, SettingUp};
        let who = SettingUp::Operator {
            scope: operator.clone(),
            session: None,
        };
        let offer = second_factor::offer_authenticator(&self.t, &who, None).await;
        let offer = offer.unwrap();
        let key = second_factor::key_in(&offer.key);
        let code = second_factor::code_at(&key, self.t.clock.now());
        second_factor::confirm_authenticator(&self.t, &who, &offer.sealed, &code)
            .await
            .unwrap();
        key
    }

    /// The code that an app with this key shows next.
    pub fn next_code(&self, key: &[u8]) -> String {
        self.t.clock.advance(chrono::Duration::seconds(30));
        backend::auth::second_factor::code_at(key, self.t.clock.now())
    }

    /// A session that is half signed in: by the password of an operator of whom more is asked.
    pub async fn half_session(&self, email: &str, password: &str) -> String {
        use backend::{auth, store::sessions};
        let given = auth::SignIn {
            browser: None,
            email: email.to_owned(),
            password: password.into(),
            address: [203, 0, 113, 1].into(),
            user_agent: String::new(),
            request_id: String::new(),
        };
        let auth::SignedIn::Half(half) = auth::sign_in(&self.t, given).await.unwrap() else {
            panic!("the password alone was enough");
        };
        self.session_of(&json!({ sessions::HALF: half })).await
    }

    /// A session in which an operator did not prove lately that it is them.
    pub async fn stale_session(&self, operator: &Scope) -> String {
        use backend::store::sessions;
        let data = json!({ sessions::OPERATOR: operator.operator_id() });
        self.session_of(&data).await
    }

    /// A session with these data.
    pub async fn session_of(&self, data: &Value) -> String {
        use backend::store::sessions;
        let mut number = [0; 16];
        self.t.ids.fill(&mut number);
        let number = i128::from_be_bytes(number);
        assert!(
            sessions::create(&self.t, number, &data.to_string())
                .await
                .unwrap()
        );
        format!("rollcall_session={}", tower_sessions::session::Id(number))
    }

    /// The cookie of a session that was ended.
    pub async fn ended_session(&self, operator: &Scope) -> String {
        use backend::store::sessions;
        let cookie = self.session(operator).await;
        sessions::end_all_others(&self.t, operator, None)
            .await
            .unwrap();
        cookie
    }

    /// The public id of a new session of an operator.
    pub async fn session_id(&self, operator: &Scope) -> String {
        self.session(operator).await;
        let sessions = backend::store::sessions::list(&self.t, operator, None).await;
        sessions.unwrap()[0].id.to_string()
    }

    /// Runs the worker until nothing is left to do.
    pub async fn work(&self) {
        backend::jobs::run_until_idle(&self.t).await.unwrap();
    }

    /// A full sync of an integration, from start to end; answers the run.
    pub async fn full_sync(&self, integration: &str) -> Value {
        let path = format!("/integrations/{integration}/runs");
        let run = self
            .post(&path, json!({ "mode": "full" }))
            .await
            .expect(202);
        self.work().await;
        self.get(&format!("/runs/{}", id(&run))).await.expect(200)
    }
}

/// The `id` of an answer.
pub fn id(of: &Value) -> String {
    of["id"].as_str().expect("an id").to_owned()
}

/// An id that belongs to nothing.
pub const NOBODY: &str = "00000000-0000-7000-8000-000000000000";
