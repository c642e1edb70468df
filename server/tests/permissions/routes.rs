//! Every route that a browser opens by itself and that is no page: files, an upload, the ways to a
//! provider and to Microsoft and back. One that is new fails the test until it is asked something here,
//! and so does any path of the router that stands in none of the tables.

use std::{collections::BTreeSet, fmt::Write as _};

use app::routes;
use axum::body::Body;
use backend::{
    store::bulk::{self, Prepared, Targets},
    testing::Kind,
};
use domain::bulk::BulkAction;
use http::{Request, header};
use leptos::config::LeptosOptions;
use leptos_axum::generate_route_list;
use serde_json::json;

use super::{ROLES, Things, calls::calls, functions, head, line};
use crate::support::{Answer, TestApp, id};

/// What strangers may open: the ways to a provider and back, and those of a consent link, whose secret
/// lets through whoever has it. This list only ever shrinks.
const FOR_STRANGERS: [&str; 5] = [
    routes::PROVIDER_SIGN_IN,
    routes::PROVIDER_CALLBACK,
    routes::CONSENT_CONTINUE,
    routes::CONSENT_CALLBACK,
    routes::CONSENT_CHECK,
];

/// The paths that are for everybody, and tell nothing of anybody: whether it is alive, the description
/// of the API with its page, and the problem for calls that there aren't.
const FOR_EVERYBODY: [&str; 7] = [
    "/healthz",
    "/readyz",
    "/api/docs",
    "/api/docs/page.css",
    "/api/docs/page.js",
    "/api/v1/openapi.json",
    "/api/v1/{*unknown}",
];

/// What the routes are asked about.
struct World {
    things: Things,
    /// A profile of the customer whose certificate was made here.
    certificate: String,
    /// A bulk change that the owner of everything prepared.
    bulk_change: String,
}

impl World {
    async fn new(app: &TestApp) -> Self {
        let things = Things::new(app).await;
        let profile = json!({
            "customer_id": things.customer,
            "name": "Certificate",
            "kind": "certificate",
            "certificate_years": 1,
            "client_id": "63122682-6e3c-4cbb-9f35-7c1da11e1e1e",
        });
        let profile = app.post("/credential-profiles", profile).await;
        let wanted = Prepared {
            action: BulkAction::Protect,
            targets: Targets::Users(vec![things.user.parse().unwrap()]),
            group_id: None,
            note: String::new(),
            customer_id: None,
        };
        let bulk = bulk::prepare(&app.t, &app.owner_scope, wanted).await;
        Self {
            certificate: id(&profile.expect(201)),
            bulk_change: bulk.unwrap().id.to_string(),
            things,
        }
    }

    /// The address of a route, about things of the customer.
    fn address(&self, path: &str) -> String {
        let things = &self.things;
        let query = match path {
            routes::USERS_CSV
            | routes::GROUPS_CSV
            | routes::CONTACTS_CSV
            | routes::DEVICES_CSV
            | routes::INTEGRATIONS_CSV
            | routes::SYNC_HISTORY_CSV
            | routes::AUDIT_LOG_CSV
            | routes::SETTINGS_FILE => format!("customer={}", things.customer),
            routes::BULK_CSV => format!("bulk={}", self.bulk_change),
            routes::MATCHES_CSV => format!("integration={}", things.integration),
            routes::RUN_CHANGES_CSV => format!("run={}", things.run),
            routes::IMPORT_ROWS_CSV => format!("import={}", things.import),
            routes::CERTIFICATE => format!("profile={}", self.certificate),
            routes::IMPORT_FILE => String::new(),
            // To link an account, at a provider that there isn't.
            routes::PROVIDER_SIGN_IN => "link=1".to_owned(),
            routes::PROVIDER_CALLBACK => "code=x&state=x".to_owned(),
            routes::CONSENT_CONTINUE | routes::CONSENT_CHECK => "secret=x".to_owned(),
            routes::CONSENT_CALLBACK => format!("state=x&tenant={}&admin_consent=True", things.run),
            other => panic!("a new route, {other}: ask it something here"),
        };
        format!("{}?{query}", path.replace("{provider}", "nobody"))
    }
}

/// The form with a file, as a browser sends it.
fn form(customer: &str) -> String {
    let mut form = String::new();
    for (name, value) in [
        ("customer\"", customer),
        (
            "file\"; filename=\"people.csv\"",
            "upn,name\nb@x.example,Bea\n",
        ),
    ] {
        write!(
            form,
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\r\n\r\n{value}\r\n"
        )
        .unwrap();
    }
    form.push_str("--edge--\r\n");
    form
}

/// Asks a route about the things of the world, as a browser does on a page of this site.
async fn ask(app: &TestApp, world: &World, (method, path): (&str, &str), cookie: &str) -> Answer {
    // So many files one after the other wait; that is another test's matter.
    app.t.clock.advance(chrono::Duration::minutes(2));
    let body = if path == routes::IMPORT_FILE {
        Body::from(form(&world.things.customer))
    } else {
        Body::empty()
    };
    let request = Request::builder()
        .method(method)
        .uri(world.address(path))
        .header(header::ACCEPT, "text/html,*/*;q=0.8")
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge")
        .header("sec-fetch-dest", "document")
        .header("sec-fetch-site", "same-origin")
        .body(body);
    app.send(request.unwrap()).await
}

/// Whether a route answers a method.
async fn takes(app: &TestApp, world: &World, route: (&str, &str)) -> bool {
    ask(app, world, route, "").await.status != 405
}

/// Whether an answer tells of the things of the world, or of the rows of a list of theirs.
fn tells(world: &World, path: &str, answer: &Answer) -> bool {
    let rows =
        answer.header("content-type").starts_with("text/csv") && answer.text.lines().count() > 1;
    rows || world.things.are_told_by(&answer.text, &world.address(path))
}

/// Whether somebody is led to sign in.
fn leads_to_the_sign_in(answer: &Answer) -> bool {
    answer.status == 303 && answer.header("location").starts_with(routes::SIGN_IN)
}

const WIDTH: usize = 40;

#[tokio::test]
async fn every_route_answers_each_caller_as_the_table_says() {
    let app = TestApp::with_farm(Kind::Sqlite, 8).await.unwrap();
    let elsewhere = [app.customer("Elsewhere").await];
    let mut strange = Vec::new();
    for role in ROLES {
        strange.push(app.session(&app.t.role_over(role, &elsewhere).await).await);
    }
    super::with_half(&app).await;
    let mut table = head("route", WIDTH);
    let world = World::new(&app).await;
    let customer = [world.things.customer.parse().unwrap()];
    let mut within = Vec::new();
    for role in ROLES {
        within.push(app.session(&app.t.role_over(role, &customer).await).await);
    }
    within.push(app.session(&app.owner_scope).await);
    for path in server::router::paths_beside_pages() {
        for method in ["GET", "POST"] {
            let route = (method, path);
            if !takes(&app, &world, route).await {
                continue;
            }
            let mut statuses = Vec::new();
            let ended = app.ended_session(&app.t.owner().await).await;
            let half = app.half_session(super::HALF, super::HALF_PASSWORD).await;
            for cookie in ["", &ended, &half] {
                let answer = ask(&app, &world, route, cookie).await;
                assert!(
                    leads_to_the_sign_in(&answer) || FOR_STRANGERS.contains(&path),
                    "{path}: {answer:?}"
                );
                assert!(!tells(&world, path, &answer), "{path} tells a stranger");
                statuses.push(answer.status.as_u16());
            }

            // Of another customer: there is no such thing, or a list of theirs has no rows.
            let mut answers = Vec::new();
            for cookie in &strange {
                let answer = ask(&app, &world, route, cookie).await;
                assert!(!tells(&world, path, &answer), "{path} tells {answer:?}");
                answers.push(answer.status.as_u16());
            }
            let owner_elsewhere = answers[ROLES.len() - 1];
            assert!(
                answers
                    .iter()
                    .all(|status| [owner_elsewhere, 403].contains(status)),
                "{path}: {answers:?}"
            );
            statuses.push(owner_elsewhere);

            for cookie in &within {
                let answer = ask(&app, &world, route, cookie).await;
                statuses.push(answer.status.as_u16());
            }
            table.push_str(&line(&format!("{method} {path}"), WIDTH, &statuses));
        }
    }
    insta::assert_snapshot!("route_permissions", table);
}

/// The paths that a router serves, as it prints itself.
fn served(router: &axum::Router) -> BTreeSet<String> {
    let printed = format!("{router:?}");
    let ids = printed.split("RouteId(").skip(1);
    ids.filter_map(|id| id.split_once("): \"")?.1.split('"').next())
        // Not what stands for every address that leads nowhere.
        .filter(|path| path.starts_with('/') && !path.contains("__private__axum_fallback"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_path_of_the_router_stands_in_a_table() {
    let app = TestApp::new(Kind::Sqlite).await.unwrap();
    let mut known: BTreeSet<String> = FOR_EVERYBODY.map(str::to_owned).into();
    known.extend(server::router::paths_beside_pages().map(str::to_owned));
    known.extend(calls().iter().map(|(_, path)| format!("/api/v1{path}")));
    known.extend(
        functions::functions()
            .iter()
            .map(|name| format!("/api/{name}")),
    );
    let options = LeptosOptions::builder().output_name("rollcall").build();
    let pages = generate_route_list(move || app::shell(options.clone()));
    known.extend(pages.iter().map(|page| page.path().to_owned()));
    let served = served(&app.router);
    assert!(
        served.len() > 300,
        "the router doesn’t print its paths any more: {served:?}"
    );
    let unknown: Vec<_> = served.difference(&known).collect();
    assert!(unknown.is_empty(), "in no table: {unknown:?}");
}
