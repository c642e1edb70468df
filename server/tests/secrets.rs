//! No secret stands in an answer, in a page, in a file, in a refusal, in the log, in the metrics or in
//! the database: every secret that comes up on a long way through the product is looked for at every
//! place, as it is and written otherwise.

mod connections;
mod people;
mod places;

use axum::body::Body;
use backend::{
    auth::oidc::{ProviderSettings, Providers},
    notify::sinks::{self, HookSink, MAIL_PASSWORD, MailSink},
    testing::{
        Kind, TestBackend,
        provider::{CLIENT_SECRET, StubProvider},
        secrets::Secret,
    },
};
use domain::id::CustomerId;
use http::{Request, header};
use serde_json::Value;
use server::{metrics::Metrics, router};

use self::places::{Captured, Place, Places};
use crate::support::{Answer, TestApp, both_with_farm};

/// The name of a customer: whatever isn’t found in a list with it isn’t looked for in the right one.
const CANARY: &str = "Canary of Contoso";

/// The product with everything around it, and what has come up so far.
struct Story {
    app: TestApp,
    mail: MailSink,
    hooks: HookSink,
    provider: StubProvider,
    metrics: Metrics,
    customer: CustomerId,
    secrets: Vec<Secret>,
    places: Places,
}

impl Story {
    async fn begin(mut app: TestApp) -> Self {
        let (mail, hooks) = (MailSink::mail().await, HookSink::hooks().await);
        let provider = StubProvider::start().await;
        sinks::connect(&mut app.t.backend, Some(&mail));
        let settings = ProviderSettings::checked(provider.given("contoso")).unwrap();
        app.t.backend.oidc = Providers::new(vec![settings]).unwrap();
        let metrics = Metrics::new(&app.t.backend);
        app.router = router::public(&app.t.backend, &app.config, &metrics);
        let customer = app.customer(CANARY).await;
        let mut story = Self {
            app,
            mail,
            hooks,
            provider,
            metrics,
            customer,
            secrets: Vec::new(),
            places: Places::default(),
        };
        let token = story.app.owner.clone();
        story.token("the owner’s API token", &token);
        story.text("the mail server’s password", MAIL_PASSWORD);
        story.text("the provider’s client secret", CLIENT_SECRET);
        story.text("the head of a signed token", "eyJhbGciOi");
        story.text("the head of a private key", "PRIVATE KEY");
        story.bytes("the master key", &[7; 32]);
        story
    }

    /// A secret that came up.
    fn text(&mut self, name: &str, secret: &str) {
        self.secrets.push(Secret::text(name, secret));
    }

    fn bytes(&mut self, name: &str, secret: &[u8]) {
        self.secrets.push(Secret::bytes(name, secret));
    }

    /// A token, also without its prefix and its checksum.
    fn token(&mut self, name: &str, token: &str) {
        self.text(name, token);
        self.text(name, &token[3..46]);
    }

    /// The session that an answer begins, if it does: as its cookie holds it, and the number in that.
    /// Answers the cookie, or the one before.
    fn session(&mut self, name: &str, answer: &Answer, before: &str) -> String {
        let cookie = answer.session();
        let Some((_, value)) = cookie
            .split_once('=')
            .filter(|(_, value)| !value.is_empty())
        else {
            return before.to_owned();
        };
        self.text(name, value);
        let number: tower_sessions::session::Id = value.parse().unwrap();
        self.bytes(name, &number.0.to_be_bytes());
        self.bytes(name, &number.0.to_le_bytes());
        cookie
    }

    /// What stands in the link of the last mail to this address.
    fn link(&mut self, name: &str, to: &str) -> String {
        let mails = self.mail.take();
        let mail = mails.iter().rfind(|mail| mail.to == to);
        let mail = mail.unwrap_or_else(|| panic!("no mail to {to}: {mails:?}"));
        let text = mail.text.replace("=\r\n", "").replace("=3D", "=");
        let (_, rest) = text.split_once("secret=").expect("there is a link");
        let letters = rest.chars().take_while(char::is_ascii_alphanumeric);
        let secret: String = letters.collect();
        self.text(name, &secret);
        secret
    }

    /// Keeps an answer at its place; `gives` are the secrets that are told in it, once and on purpose.
    fn keep(&mut self, what: &str, answer: Answer, gives: &[&'static str]) -> Answer {
        self.places.keep(what, &answer, gives);
        answer
    }

    async fn get(&mut self, path: &str) -> Value {
        let answer = self.app.get(path).await;
        self.keep(path, answer, &[]).expect(200)
    }

    async fn page(&mut self, path: &str, cookie: &str) -> Answer {
        self.page_with(path, cookie, &[]).await
    }

    /// A page that tells secrets on purpose.
    async fn page_with(&mut self, path: &str, cookie: &str, gives: &[&'static str]) -> Answer {
        let request = Request::get(path)
            .header(header::ACCEPT, "text/html,*/*;q=0.8")
            .header(header::COOKIE, cookie)
            .header("sec-fetch-site", "same-origin")
            .body(Body::empty())
            .unwrap();
        let answer = self.app.send(request).await;
        self.keep(path, answer, gives)
    }

    /// Sends a form to a server function.
    async fn form(&mut self, function: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let form = form.extend_pairs(fields).finish();
        let answer = self.app.function(function, cookie, None, &form).await;
        self.keep(function, answer, &[])
    }

    /// Asks a server function for what it tells once, on purpose.
    async fn offered(&mut self, function: &str, cookie: &str, asked: Value) -> Value {
        let answer = self.app.function(function, cookie, Some(&asked), "").await;
        answer.expect(200)
    }

    /// Reads what people and programs read.
    async fn look_around(&mut self, profile: &str, told: &str) {
        use app::routes;
        let operators = self.app.owner_scope.clone();
        let cookie = self.app.session(&operators).await;
        let customer = self.customer;
        for path in [
            routes::OVERVIEW,
            routes::ACCOUNT,
            routes::CUSTOMERS,
            &format!("/customers/{customer}"),
            routes::OPERATORS,
            routes::CREDENTIAL_PROFILES,
            &format!("{}/{profile}", routes::CREDENTIAL_PROFILES),
            &format!("{}/{profile}/edit", routes::CREDENTIAL_PROFILES),
            routes::NOTIFICATIONS,
            told,
            routes::API_TOKENS,
            routes::USERS,
            routes::INTEGRATIONS,
            routes::AUDIT_LOG,
            routes::SYNC_HISTORY,
            routes::AUDIT_LOG_CSV,
            routes::SYNC_HISTORY_CSV,
            routes::INTEGRATIONS_CSV,
            routes::USERS_CSV,
            routes::GROUPS_CSV,
        ] {
            let answer = self.page(path, &cookie).await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.text.len() > 50, "{path} is empty");
        }
        for path in [
            "/customers",
            "/operators",
            "/api-tokens",
            "/credential-profiles",
            "/integrations",
            "/notification-recipients",
            "/runs",
            "/audit-events?limit=1000",
            &format!("/customers/{customer}/consent-links"),
            &format!("/customers/{customer}/imports"),
            &format!("/customers/{customer}/users?limit=1000"),
        ] {
            self.get(path).await;
        }
        for path in ["/runs.csv", "/audit-events.csv"] {
            let answer = self.app.get(path).await;
            self.keep(path, answer, &[]);
        }
    }
}

/// The first start: a server of its own, since here is an owner already.
async fn the_first_owner(story: &mut Story) -> TestBackend {
    let kind = match story.app.t.db {
        backend::Db::Sqlite { .. } => Kind::Sqlite,
        backend::Db::Postgres(_) => Kind::Postgres,
    };
    let new = TestBackend::new(kind).await.expect("as the story’s own");
    let code = backend::auth::setup_code(&new).await.unwrap().unwrap();
    story.text("the setup code", &code);
    let router = router::public(&new, &story.app.config, &Metrics::new(&new));
    let before = std::mem::replace(&mut story.app.router, router);
    story.page("/setup", "").await;
    let password = "purple tractors under glass";
    story.text("the first owner’s password", password);
    for given in ["not-the-setup-code", &code] {
        let fields = [
            ("code", given),
            ("name", "Olga"),
            ("email", "olga@example.com"),
            ("password", password),
        ];
        let answer = story.form("setup/create-owner", "", &fields).await;
        let cookie = story.session("the first owner’s session", &answer, "");
        story.page("/account", &cookie).await;
    }
    story.app.router = before;
    new
}

both_with_farm!(no_secret_is_found_anywhere, |app| {
    let log = Captured::default();
    let _guard = log.everything();
    let mut story = Story::begin(app).await;
    let (profile, integration) = connections::tenant(&mut story).await;
    let told = connections::webhook(&mut story).await;
    connections::consent_link(&mut story, &profile).await;
    connections::rotated_token(&mut story).await;
    people::operator(&mut story).await;
    people::by_a_provider(&mut story).await;
    people::user(&mut story, &integration).await;
    people::imported(&mut story).await;
    let first = the_first_owner(&mut story).await;
    story.look_around(&profile, &told).await;

    let Story {
        app,
        metrics,
        secrets,
        mut places,
        ..
    } = story;
    places.metrics(metrics).await;
    places.put(Place::Log, "the log", log.bytes(), &[]);
    for t in [&app.t, &first] {
        places.database(t).await;
    }
    places.assert_found(Place::Page, &Secret::text("a customer", CANARY));
    places.assert_found(Place::Csv, &Secret::text("a customer", CANARY));
    places.assert_found(Place::Answer, &Secret::text("a customer", CANARY));
    places.assert_found(Place::Database, &Secret::text("a customer", CANARY));
    // What is sealed begins with these bytes of its key’s fingerprint.
    let key = &app.t.sealer.fingerprint()[..8];
    places.assert_found(Place::Database, &Secret::bytes("the key’s id", key));
    let words = Secret::text("a refusal", "don’t belong together");
    places.assert_found(Place::Refusal, &words);
    let route = Secret::text("a route", "/api/v1/credential-profiles");
    places.assert_found(Place::Metrics, &route);
    places.assert_found(Place::Log, &route);

    let names: std::collections::BTreeSet<_> = secrets.iter().map(|of| &*of.name).collect();
    insta::assert_snapshot!(names.into_iter().collect::<Vec<_>>().join("\n"));
    places.assert_holds_none(&secrets);
});
