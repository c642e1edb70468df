//! That the audit log forgets nothing: everything that changes something is asked so that it does,
//! and leaves an entry that says who, from where and by which request. What is new fails until it
//! is asked here; the golden files say which entry each leaves.

use std::fmt::Write;

use backend::{
    Scope,
    auth::{self, second_factor},
    store::audit::{self, AuditFilter, AuditQuery},
    testing::Kind,
};
use domain::{
    audit::AuditEvent,
    paging::{Direction, PageRequest},
    permission::Role,
    policy::ObjectType,
};
use http::Method;
use serde_json::{Value, json};

use super::{Things, calls::calls, functions};
use crate::support::{Answer, TestApp, id};

/// The functions that keep nothing: they ask a source, try something out, or set a cookie.
const KEEP_NOTHING: [&str; 3] = [
    "credential-profiles/test-second",
    "integrations/test",
    "theme/choose",
];
/// The same of calls.
const CALLS_THAT_KEEP_NOTHING: [&str; 3] = [
    "POST /credential-profiles/{id}/second/test-connection",
    "POST /integrations/test-connection",
    "POST /integrations/{id}/protected-forecast",
];
/// There is an owner already; that the first one is written down is tested where they are made. So
/// are links that come by mail, which a test without a mail server doesn't get.
/// So are second factors of who is half signed in, and passkeys, which a test at an address without
/// a name has none of.
const TESTED_ELSEWHERE: [&str; 6] = [
    "setup/create-owner",
    "password/forgot",
    "password/reset",
    "passkeys/remove",
    "passkeys/rename",
    "session/second-factor",
];

const PASSWORD: &str = "correct horse battery";

/// Every entry, the latest last.
async fn entries(app: &TestApp) -> Vec<AuditEvent> {
    let query = AuditQuery {
        filter: AuditFilter::default(),
        page: PageRequest::new(1, 1_000),
        direction: Direction::Descending,
    };
    let page = audit::list(&app.t, &app.owner_scope, query).await.unwrap();
    page.items.into_iter().rev().collect()
}

/// What was written since: the actions, of which each says where it came from.
async fn written(app: &TestApp, last: Option<&AuditEvent>, answer: &Answer, way: &str) -> String {
    let new = entries(app).await;
    let new = new
        .iter()
        .filter(|event| last.is_none_or(|last| event.id > last.id));
    let actions: Vec<_> = new
        .map(|event| {
            assert_eq!(event.channel.as_str(), way, "{event:?}");
            assert_eq!(event.address.as_deref(), Some("198.51.100.7"), "{event:?}");
            assert_eq!(event.request_id, answer.header("x-request-id"), "{event:?}");
            event.action.as_str()
        })
        .collect();
    actions.join(", ")
}

/// Things, and what has to be the case with them before something can be done.
struct World<'a> {
    app: &'a TestApp,
    things: Things,
    /// The operator who asks.
    caller: &'a Scope,
}

impl World<'_> {
    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.app.post(path, body).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        serde_json::from_str(&answer.text).unwrap_or_default()
    }

    async fn delete(&self, path: &str) {
        let answer = self.app.delete(path).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
    }

    /// A run that waits for a worker.
    async fn queued(&self) -> String {
        let path = format!("/integrations/{}/runs", self.things.integration);
        id(&self.post(&path, json!({ "mode": "full" })).await)
    }

    /// A preview that can be applied.
    async fn preview(&self) -> String {
        let path = format!("/integrations/{}", self.things.integration);
        let mut policy = self.app.get(&path).await.expect(200)["policy"].clone();
        policy["require_names"] = json!(false);
        policy["include_guests"] = json!(true);
        let body = json!({ "mode": "preview", "policy": policy });
        let run = id(&self.post(&format!("{path}/runs"), body).await);
        self.app.work().await;
        run
    }

    /// A run that holds users that left.
    async fn held(&self) -> String {
        let path = format!("/integrations/{}", self.things.integration);
        let guard =
            json!({ "policy": { "guard": { "user": { "max_count": 0, "max_percent": 1 } } } });
        self.app.patch(&path, guard).await.expect(200);
        let users = format!("/customers/{}/users?limit=100", self.things.customer);
        let users = self.app.get(&users).await.expect(200);
        let one = users["items"].as_array().unwrap().iter();
        let one = one.filter(|user| user["status"] == "active").take(1);
        for user in one {
            let id = user["external_id"].as_str().unwrap();
            self.app.control().delete(id.parse().unwrap()).unwrap();
        }
        let run = self.queued().await;
        self.app.work().await;
        let shown = self.app.get(&format!("/runs/{run}")).await.expect(200);
        assert_eq!(shown["status"], "held", "{shown}");
        run
    }

    async fn rejected(&self) -> String {
        let run = self.held().await;
        let body = json!({ "object_type": "user", "reason": "T-1" });
        self.post(&format!("/runs/{run}/reject"), body).await;
        self.app.work().await;
        run
    }

    fn object(&self, object_type: ObjectType) -> &str {
        match object_type {
            ObjectType::User => &self.things.user,
            ObjectType::Group => &self.things.group,
            ObjectType::Contact => &self.things.contact,
            _ => &self.things.device,
        }
    }

    async fn counting(&self, object_type: ObjectType) {
        let id = self.object(object_type).parse().unwrap();
        self.app.t.count_down(object_type, id).await;
    }

    async fn cancelled(&self, object_type: ObjectType) {
        self.counting(object_type).await;
        let path = format!("/{object_type}s/{}/countdown", self.object(object_type));
        self.delete(&path).await;
    }

    async fn webhook(&self) -> String {
        let path = format!(
            "/customers/{}/notification-recipients",
            self.things.customer
        );
        let body = json!({ "kind": "webhook", "address": "https://hooks.example/a" });
        id(&self.post(&path, body).await)
    }

    /// Gives the profile a second secret.
    async fn second(&self) {
        self.second_of(&self.things.credential_profile).await;
    }

    /// Gives the profile of the integration a second secret, and answers which one that is.
    async fn second_in_use(&self) -> String {
        let path = format!("/integrations/{}", self.things.integration);
        let integration = self.app.get(&path).await.expect(200);
        let profile = integration["credential_profile_id"].as_str().unwrap();
        self.second_of(profile).await;
        profile.to_owned()
    }

    async fn second_of(&self, profile: &str) {
        let path = format!("/credential-profiles/{profile}/second");
        let body = json!({ "kind": "client_secret", "client_secret": "z" });
        let answer = self
            .app
            .call(Method::PUT, &path, Some(&self.app.owner), Some(body));
        answer.await.expect(200);
    }

    /// Somebody who was invited, and the secret of the link.
    async fn invited(&self) -> (String, String) {
        let answer = self.post("/operators", invitation(self, "some")).await;
        let url = answer["invitation_url"].as_str().unwrap();
        let (_, secret) = url.split_once("secret=").unwrap();
        (id(&answer), secret.to_owned())
    }

    /// The sealed form of a link that a form showed.
    async fn sealed_link(&self, cookie: &str, form: &str, asked: Value) -> String {
        let offered = self.app.function(form, cookie, Some(&asked), "").await;
        let offered = offered.expect(200);
        offered["link"]["sealed"].as_str().unwrap().to_owned()
    }

    /// The sealed text of a token that a form showed.
    async fn sealed_token(&self, cookie: &str, form: &str, asked: Value) -> String {
        let offered = self.app.function(form, cookie, Some(&asked), "").await;
        let offered = offered.expect(200);
        offered["offered"]["sealed"].as_str().unwrap().to_owned()
    }

    /// An integration of which nothing was read yet.
    async fn fresh(&self) -> String {
        self.app.integration().await.1
    }
}

/// Somebody to invite, over the customer.
fn invitation(w: &World<'_>, kind: &str) -> Value {
    json!({
        "name": "Noa",
        "email": format!("{}@example.com", w.app.t.ids.uuid()),
        "role": "read_only",
        "scope": { "kind": kind, "customer_ids": [w.things.customer] },
    })
}

/// What a function that changes something is sent, so that it does, after whatever it needs.
async fn form(w: &World<'_>, function: &str, cookie: &str, session: &str) -> String {
    let app = w.app;
    let (customer, user) = (&w.things.customer, &w.things.user);
    let (integration, recipient) = (&w.things.integration, &w.things.recipient);
    match function {
        "account/change-password" => format!(
            "old_password={PASSWORD}&new_password=another+long+one&password_again=another+long+one"
        ),
        "account/end-session" => format!("id={session}"),
        "account/unlink" => {
            let asked = json!({});
            let ways = app.function("account/ways-to-sign-in", cookie, Some(&asked), "");
            format!("id={}", id(&ways.await.expect(200)["identities"][0]))
        }
        "session/sign-in" => format!("email=noor%40example.com&password={PASSWORD}&next="),
        "customers/add" => "name=New".to_owned(),
        "customers/rename" => format!("id={customer}&name=Fabrikam"),
        "customers/restore" => {
            w.delete(&format!("/customers/{customer}")).await;
            format!("id={customer}")
        }
        "customers/resume" => {
            w.post(&format!("/customers/{customer}/pause"), json!({}))
                .await;
            format!("id={customer}")
        }
        "credential-profiles/change" => format!(
            "id={}&name=Other&client_id=63122682-6e3c-4cbb-9f35-7c1da11e1e1e",
            w.things.credential_profile
        ),
        "directory/cancel-countdown" => {
            w.counting(ObjectType::User).await;
            format!("object_type=user&id={user}&note=")
        }
        "directory/restart-countdown" => {
            w.cancelled(ObjectType::User).await;
            format!("object_type=user&id={user}")
        }
        "integrations/add" => format!(
            "customer_id={customer}&tenant=fabrikam.example&cloud=sim&credential_profile_id={}",
            w.things.credential_profile
        ),
        "integrations/cancel-run" => format!("run_id={}", w.queued().await),
        "integrations/resume" => {
            w.post(&format!("/integrations/{integration}/pause"), json!({}))
                .await;
            format!("id={integration}")
        }
        "integrations/sync-object" => {
            let user = app.get(&format!("/users/{user}")).await.expect(200);
            let object = user["external_id"].as_str().unwrap();
            format!("id={integration}&object={object}")
        }
        "integrations/save" => functions::settings(integration, &w.things.credential_profile)
            .replace("[every_minutes]=5", "[every_minutes]=15"),
        "integrations/test-saved" => {
            let fresh = w.fresh().await;
            let profile = app.get(&format!("/integrations/{fresh}")).await.expect(200);
            let profile = profile["credential_profile_id"]
                .as_str()
                .unwrap()
                .to_owned();
            functions::settings(&fresh, &profile)
        }
        "notifications/add" => {
            format!("customer_id={customer}&kind=mail&address=new%40example.com&causes[]=run.held")
        }
        "notifications/change" => {
            format!("id={recipient}&address=other%40example.com&causes[]=run.held")
        }
        "notifications/rotate-secret" => {
            let hook = w.webhook().await;
            let asked = json!({ "customer": null, "id": hook });
            let offered = app.function("notifications/offer-secret", cookie, Some(&asked), "");
            let offered = offered.await.expect(200);
            let sealed = offered["sealed"].as_str().unwrap().to_owned();
            format!("id={hook}&sealed_secret={sealed}")
        }
        "runs/apply" => format!("id={}", w.preview().await),
        "runs/cancel" => format!("id={}", w.queued().await),
        "runs/decide" => {
            let run = w.held().await;
            format!("id={run}&object_type=user&decision=approved&reason=T-1")
        }
        "runs/withdraw" => format!("id={}&object_type=user", w.rejected().await),
        "sync/resume" => {
            w.post("/sync/pause", json!({})).await;
            String::new()
        }
        "users/unprotect" => {
            let path = format!("/users/{user}/protection");
            let answer = app.call(Method::PUT, &path, Some(&app.owner), Some(json!({})));
            answer.await.expect(200);
            format!("id={user}")
        }
        other if is_of_second_factors(other) => form_of_second_factors(w, other, cookie).await,
        other => form_of_access(w, other, cookie, session).await,
    }
}

fn is_of_second_factors(function: &str) -> bool {
    ["authenticator/", "recovery-codes/", "session/confirm"]
        .iter()
        .any(|part| function.starts_with(part))
        || function.ends_with("-second-factor")
}

/// The same about second factors.
async fn form_of_second_factors(w: &World<'_>, function: &str, cookie: &str) -> String {
    let app = w.app;
    if function == "operators/reset-second-factor" {
        let operator = app.t.scope_of(w.things.operator.parse().unwrap()).await;
        app.authenticator(&operator).await;
        return format!("id={}", w.things.operator);
    }
    let key = app.authenticator(w.caller).await;
    let offered = async |offer: &str| {
        let asked = json!({ "sealed": null });
        let offered = app.function(offer, cookie, Some(&asked), "").await;
        offered.expect(200)
    };
    match function {
        "authenticator/confirm" => {
            let offer = offered("authenticator/offer").await;
            let key = second_factor::key_in(offer["key"].as_str().unwrap());
            let code = second_factor::code_at(&key, app.t.clock.now());
            format!(
                "sealed_key={}&code={code}",
                offer["sealed"].as_str().unwrap()
            )
        }
        "recovery-codes/keep" => {
            let offer = offered("recovery-codes/offer").await;
            format!("sealed_codes={}&next=", offer["sealed"].as_str().unwrap())
        }
        "session/confirm" => format!("code={}&next=", app.next_code(&key)),
        // Nobody of these tests is one.
        "operators/require-second-factor" => "roles[]=help_desk".to_owned(),
        "authenticator/remove" => String::new(),
        other => panic!("{other} is not asked yet"),
    }
}

/// The same about operators and credentials.
async fn form_of_access(w: &World<'_>, function: &str, cookie: &str, session: &str) -> String {
    let (app, integration) = (w.app, &w.things.integration);
    match function {
        "api-tokens/add" => {
            let sealed = w.sealed_token(cookie, "api-tokens/form", json!({})).await;
            functions::changing(app, &w.things, session, function)
                .replace("sealed_token=x", &format!("sealed_token={sealed}"))
        }
        "api-tokens/rotate" | "api-tokens/take-over" => {
            let asked = json!({ "id": w.things.api_token });
            let offering = match function {
                "api-tokens/rotate" => "api-tokens/rotation-form",
                _ => "api-tokens/take-over-form",
            };
            let sealed = w.sealed_token(cookie, offering, asked);
            let sealed = sealed.await;
            functions::changing(app, &w.things, session, function)
                .replace("sealed_token=x", &format!("sealed_token={sealed}"))
        }
        "consent-links/add" => {
            let asked = json!({ "customer": w.things.customer, "integration": null });
            let offered = app.function("consent-links/form", cookie, Some(&asked), "");
            let offered = offered.await.expect(200);
            let sealed = offered["sealed"].as_str().unwrap();
            functions::changing(app, &w.things, session, function)
                .replace("sealed_link=x", &format!("sealed_link={sealed}"))
        }
        "credential-profiles/test-second" => {
            let profile = w.second_in_use().await;
            format!("id={profile}&integration_id={integration}")
        }
        "credential-profiles/use-second" | "credential-profiles/remove-second" => {
            w.second().await;
            functions::changing(app, &w.things, session, function)
        }
        "invitation/accept" => {
            let (_, secret) = w.invited().await;
            format!("secret={secret}&name=Noa&password={PASSWORD}&password_again={PASSWORD}")
        }
        "operators/change" => format!("id={}&name=Another", w.things.operator),
        "operators/enable" => {
            let path = format!("/operators/{}", w.things.operator);
            app.patch(&path, json!({ "enabled": false }))
                .await
                .expect(200);
            format!("id={}", w.things.operator)
        }
        "operators/invite" => {
            let sealed = w.sealed_link(cookie, "operators/invitation-form", json!({}));
            let sealed = sealed.await;
            functions::changing(app, &w.things, session, function)
                .replace("sealed_link=x", &format!("sealed_link={sealed}"))
        }
        "operators/invite-again" => {
            let (invited, _) = w.invited().await;
            let asked = json!({ "id": invited });
            let sealed = w.sealed_link(cookie, "operators/again-form", asked).await;
            format!("id={invited}&sealed_link={sealed}")
        }
        other => functions::changing(app, &w.things, session, other),
    }
}

#[tokio::test]
async fn every_function_that_changes_something_is_written_down() {
    let app = TestApp::with_farm(Kind::Sqlite, 24).await.unwrap();
    // Mina changes her password; Noor signs in.
    let operator = async |email: &str, name: &str| {
        let made = auth::add_operator(&app.t, email, name, Role::Owner, PASSWORD.into());
        made.await.unwrap()
    };
    operator("noor@example.com", "Noor").await;
    let mina = operator("mina@example.com", "Mina").await;
    app.t.identity(mina.id).await;
    let mina = app.t.scope_of(mina.id).await;
    // Later ones end no sessions.
    app.authenticator(&mina).await;
    let first = Things::new(&app).await;
    let mut table = String::new();
    for function in functions::functions() {
        if functions::reading(&first, &function).is_some()
            || TESTED_ELSEWHERE.contains(&function.as_str())
        {
            continue;
        }
        let things = Things::new(&app).await;
        let w = World {
            app: &app,
            things,
            caller: &mina,
        };
        let (cookie, session) = (app.session(&mina).await, app.session_id(&mina).await);
        let form = form(&w, &function, &cookie, &session).await;
        let before = entries(&app).await;
        let answer = app.function(&function, &cookie, None, &form).await;
        assert!(answer.status.is_success(), "{function}: {answer:?}");
        let written = written(&app, before.last(), &answer, "page").await;
        assert_eq!(
            written.is_empty(),
            KEEP_NOTHING.contains(&function.as_str()),
            "{function} leaves “{written}”"
        );
        app.work().await;
        writeln!(table, "{function:<34} {written}").unwrap();
    }
    insta::assert_snapshot!("audited_functions", table);
}

/// What a call that changes something is sent, so that it does, and its path where that is not the
/// one of the first thing of its noun.
async fn body(w: &World<'_>, call: &str) -> (Option<String>, Value) {
    if let Some(asked) = body_of_access(w, call).await {
        return asked;
    }
    let things = &w.things;
    let of_run = |run: String, what: &str| Some(format!("/runs/{run}/{what}"));
    let decision = json!({ "object_type": "user", "reason": "T-1" });
    let body = match call {
        "POST /credential-profiles" => json!({
            "name": "Another", "kind": "client_secret", "client_secret": "x",
            "client_id": "63122682-6e3c-4cbb-9f35-7c1da11e1e1e",
        }),
        "PATCH /credential-profiles/{id}" => json!({ "client_secret": "y" }),
        "POST /customers" => json!({ "name": "New" }),
        "PATCH /customers/{id}" => json!({ "time_zone": "Europe/Amsterdam" }),
        "POST /customers/{id}/integrations" => json!({
            "kind": "entra_id", "tenant": "fabrikam.example", "cloud": "sim",
            "credential_profile_id": things.credential_profile,
        }),
        "POST /customers/{id}/notification-recipients" | "POST /notification-recipients" => {
            json!({ "kind": "mail", "address": "new@example.com" })
        }
        "POST /customers/{id}/resume" => {
            w.post(&format!("/customers/{}/pause", things.customer), json!({}))
                .await;
            json!({})
        }
        "POST /integrations/test-connection" => json!({
            "customer_id": things.customer, "kind": "entra_id", "cloud": "sim",
            "tenant": w.app.tenant().domain,
            "credential_profile_id": things.credential_profile,
        }),
        "POST /integrations/{id}/test-connection" => {
            let path = format!("/integrations/{}/test-connection", w.fresh().await);
            return (Some(path), json!({}));
        }
        "PATCH /integrations/{id}" => json!({ "enabled": false }),
        "POST /integrations/{id}/protected-forecast" => json!({ "protected": [] }),
        "POST /integrations/{id}/resume" => {
            w.post(
                &format!("/integrations/{}/pause", things.integration),
                json!({}),
            )
            .await;
            json!({})
        }
        "POST /integrations/{id}/runs" => json!({ "mode": "full" }),
        "POST /integrations/{id}/sync-object" => {
            let user = w
                .app
                .get(&format!("/users/{}", things.user))
                .await
                .expect(200);
            json!({ "object": user["external_id"] })
        }
        "PATCH /notification-recipients/{id}" => json!({ "address": "other@example.com" }),
        "POST /runs/{id}/apply" => return (of_run(w.preview().await, "apply"), json!({})),
        "POST /runs/{id}/approve" => return (of_run(w.held().await, "approve"), decision),
        "POST /runs/{id}/reject" => return (of_run(w.held().await, "reject"), decision),
        "POST /runs/{id}/withdraw" => {
            let only_type = json!({ "object_type": "user" });
            return (of_run(w.rejected().await, "withdraw"), only_type);
        }
        "POST /runs/{id}/cancel" => return (of_run(w.queued().await, "cancel"), json!({})),
        "POST /sync/resume" => {
            w.post("/sync/pause", json!({})).await;
            json!({})
        }
        "DELETE /users/{id}/protection" => {
            let path = format!("/users/{}/protection", things.user);
            let app = w.app;
            let answer = app.call(Method::PUT, &path, Some(&app.owner), Some(json!({})));
            answer.await.expect(200);
            json!({})
        }
        _ => {
            for object_type in ObjectType::OBJECTS {
                if call == format!("DELETE /{object_type}s/{{id}}/countdown") {
                    w.counting(object_type).await;
                } else if call == format!("PUT /{object_type}s/{{id}}/countdown") {
                    w.cancelled(object_type).await;
                }
            }
            json!({})
        }
    };
    (None, body)
}

/// The same about operators and second secrets; none for other calls.
async fn body_of_access(w: &World<'_>, call: &str) -> Option<(Option<String>, Value)> {
    let body = match call {
        "PUT /credential-profiles/{id}/second" => {
            json!({ "kind": "client_secret", "client_secret": "z" })
        }
        "POST /credential-profiles/{id}/second/test-connection" => {
            let profile = w.second_in_use().await;
            let path = format!("/credential-profiles/{profile}/second/test-connection");
            let body = json!({ "integration_id": w.things.integration });
            return Some((Some(path), body));
        }
        "POST /credential-profiles/{id}/second/use" | "DELETE /credential-profiles/{id}/second" => {
            w.second().await;
            json!({})
        }
        // A program gives a new secret to itself alone.
        "POST /api-tokens/{id}/rotation" => {
            let path = format!("/api-tokens/{}/rotation", w.app.owner_token);
            return Some((Some(path), json!({})));
        }
        "POST /customers/{id}/consent-links" => json!({
            "credential_profile_id": w.things.credential_profile, "cloud": "sim",
            "tenant": "fabrikam.example",
        }),
        "POST /operators" => invitation(w, "some"),
        "PATCH /operators/{id}" => json!({ "name": "Another" }),
        "POST /operators/{id}/invitation" => {
            let (invited, _) = w.invited().await;
            let path = format!("/operators/{invited}/invitation");
            return Some((Some(path), json!({})));
        }
        _ => return None,
    };
    Some((None, body))
}

#[tokio::test]
async fn every_call_that_changes_something_is_written_down() {
    let app = TestApp::with_farm(Kind::Sqlite, 24).await.unwrap();
    let mut table = String::new();
    for (method, pattern) in calls() {
        let exports = pattern.split('.').next_back() == Some("csv");
        if method == Method::GET && !exports {
            continue;
        }
        let call = format!("{method} {pattern}");
        let things = Things::new(&app).await;
        let w = World {
            app: &app,
            things,
            caller: &app.owner_scope,
        };
        let (path, body) = body(&w, &call).await;
        let path = path.unwrap_or_else(|| w.things.path(&pattern));
        let sent = (!matches!(method, Method::GET | Method::DELETE)).then_some(body);
        let before = entries(&app).await;
        let answer = app.call(method, &path, Some(&app.owner), sent).await;
        assert!(answer.status.is_success(), "{call}: {answer:?}");
        let written = written(&app, before.last(), &answer, "api").await;
        assert_eq!(
            written.is_empty(),
            CALLS_THAT_KEEP_NOTHING.contains(&call.as_str()),
            "{call} leaves “{written}”"
        );
        app.work().await;
        writeln!(table, "{call:<46} {written}").unwrap();
    }
    insta::assert_snapshot!("audited_calls", table);
}

#[tokio::test]
async fn every_export_is_written_down_before_its_first_row() {
    use app::routes;
    let app = TestApp::with_farm(Kind::Sqlite, 8).await.unwrap();
    let things = Things::new(&app).await;
    let cookie = app.session(&app.owner_scope).await;
    let run = format!("{}?run={}", routes::RUN_CHANGES_CSV, things.run);
    let of = |path: &str| format!("{path}?customer={}&q=a", things.customer);
    let mut table = String::new();
    for path in [
        of(routes::USERS_CSV),
        of(routes::GROUPS_CSV),
        of(routes::CONTACTS_CSV),
        of(routes::DEVICES_CSV),
        of(routes::INTEGRATIONS_CSV),
        of(routes::SYNC_HISTORY_CSV),
        of(routes::AUDIT_LOG_CSV),
        run,
    ] {
        let before = entries(&app).await;
        let answer = app.page_of(&path, &cookie).await;
        assert_eq!(answer.status, 200, "{path}");
        let written = written(&app, before.last(), &answer, "page").await;
        let last = entries(&app).await.pop().unwrap();
        assert_eq!(
            last.customer_id.unwrap().to_string(),
            things.customer,
            "{path}"
        );
        let path = path.split('?').next().unwrap();
        writeln!(table, "{path:<28} {written}").unwrap();
    }
    insta::assert_snapshot!("audited_exports", table);
}
