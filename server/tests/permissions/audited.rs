//! That the audit log forgets nothing: everything that changes something is asked so that it does,
//! and leaves an entry that says who, from where and by which request. What is new fails until it
//! is asked here; the golden files say which entry each leaves.

mod bodies;
mod forms;
pub(super) mod grid;
pub(super) mod settings;
mod world;

use std::fmt::Write;

use backend::{
    auth,
    store::audit::{self, AuditFilter, AuditQuery},
    testing::Kind,
};
use domain::{
    audit::AuditEvent,
    paging::{Direction, PageRequest},
    permission::Role,
};
use http::Method;

use self::{bodies::body, forms::form, world::World};
use super::{Things, calls::calls, functions};
use crate::support::{Answer, TestApp};

/// The functions that keep nothing worth an entry: they ask a source, try something out, put something
/// aside to be looked at, set a cookie, or remember what columns somebody likes.
const KEEP_NOTHING: [&str; 10] = [
    "bulk/prepare",
    "credential-profiles/test-second",
    "grid/choose-columns",
    "imports/change",
    "imports/from-groups",
    "integrations/test",
    "notifications/check-mail-server",
    "policy-templates/look",
    "settings-files/look",
    "theme/choose",
];
/// The same of calls.
const CALLS_THAT_KEEP_NOTHING: [&str; 10] = [
    "PATCH /imports/{id}",
    "POST /credential-profiles/{id}/second/test-connection",
    "POST /customers/{id}/bulk-changes",
    "POST /customers/{id}/enrolment-settings/preview",
    "POST /customers/{id}/imports/from-groups",
    "POST /integrations/test-connection",
    "POST /integrations/{id}/filter-test",
    "POST /integrations/{id}/mapping-test",
    "POST /integrations/{id}/protected-forecast",
    "POST /policy-templates/{id}/effect",
];
/// There is an owner already; that the first one is written down is tested where they are made. So
/// are links that come by mail, which a test without a mail server doesn't get.
/// So are second factors of who is half signed in, and passkeys, which a test at an address without
/// a name has none of.
/// Nor are people invited without one: what comes of that is tested with enrolments.
const TESTED_ELSEWHERE: [&str; 23] = [
    "enrolment/activate",
    "enrolment/forgot",
    "enrolment/invite",
    "enrolment/invite-first",
    "enrolment/mark-bounced",
    "enrolment/reset-second-factor",
    "enrolment/sign-in",
    "enrolment/test",
    "enrolment/unmark-bounced",
    "own-account/change-password",
    "own-account/end-other-sessions",
    "own-account/end-session",
    "own-account/second-factor",
    "own-account/sign-out",
    "own-authenticator/confirm",
    "own-authenticator/remove",
    "own-recovery-codes/keep",
    "setup/create-owner",
    "password/forgot",
    "password/reset",
    "passkeys/remove",
    "passkeys/rename",
    "session/second-factor",
];

/// Calls that go by mail, or are about who has an account, and one that takes a file, which is put
/// aside to be looked at.
const CALLS_TESTED_ELSEWHERE: [&str; 8] = [
    "POST /customers/{id}/imports",
    "POST /customers/{id}/enrolment-bounces",
    "DELETE /users/{id}/enrolment-bounce",
    "PUT /users/{id}/enrolment-bounce",
    "DELETE /users/{id}/second-factor",
    "POST /customers/{id}/enrolment-settings/test",
    "POST /customers/{id}/invitations",
    "POST /users/{id}/invitation",
];

const PASSWORD: &str = "correct horse battery";

/// Every entry, the latest last.
pub(super) async fn entries(app: &TestApp) -> Vec<AuditEvent> {
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
        if CALLS_TESTED_ELSEWHERE.contains(&call.as_str()) {
            continue;
        }
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
        format!("{}?import={}", routes::IMPORT_ROWS_CSV, things.import),
        format!(
            "{}?integration={}",
            routes::SETTINGS_FILE,
            things.integration
        ),
        of(routes::SETTINGS_FILE),
        format!("{}?integration={}", routes::MATCHES_CSV, things.integration),
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
