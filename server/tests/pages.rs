//! What a browser gets: headers, sessions, refusals of other sites, files.

use axum::body::Body;
use backend::testing::Kind;
use domain::permission::Role;
use http::{Method, Request, header};
use secrecy::SecretString;
use serde_json::json;
use server::metrics::Metrics;
use tower::ServiceExt;

use crate::support::{Answer, TestApp, both, both_with_farm, id};

const PASSWORD: &str = "a long pass phrase";

async fn with_owner(app: &TestApp) {
    backend::auth::add_operator(
        &app.t,
        "mina@example.com",
        "Mina",
        Role::Owner,
        SecretString::from(PASSWORD),
    )
    .await
    .unwrap();
}

/// A plain form, as a browser without our code sends it.
fn form(path: &str, fields: &str) -> http::request::Builder {
    let _ = fields;
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/html")
        .header(header::REFERER, "http://127.0.0.1:3000/sign-in")
        .header(header::USER_AGENT, "Browser 1")
}

async fn sign_in(app: &TestApp, cookie: &str, password: &str) -> Answer {
    let fields = format!(
        "email=mina%40example.com&password={}&next=",
        password.replace(' ', "+")
    );
    let request = form("/api/session/sign-in", &fields)
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, cookie)
        .body(Body::from(fields))
        .unwrap();
    app.send(request).await
}

/// `name=value` of the session's cookie.
fn session_of(answer: &Answer) -> String {
    answer.session()
}

async fn page(app: &TestApp, path: &str, cookie: &str) -> Answer {
    let request = Request::get(path)
        .header(header::ACCEPT, "text/html")
        .header(header::COOKIE, cookie)
        .body(Body::empty())
        .unwrap();
    app.send(request).await
}

both!(
    strangers_are_led_to_the_sign_in_and_see_nothing_else,
    |app| {
        with_owner(&app).await;
        for path in [
            "/",
            "/customers",
            "/users",
            "/groups",
            "/credential-profiles",
            "/account",
        ] {
            let answer = app.page(path).await;
            assert_eq!(answer.status, 302, "{path}");
            assert!(
                answer.header("location").starts_with("/sign-in"),
                "{answer:?}"
            );
        }
        assert_eq!(app.page("/sign-in").await.status, 200);
        for path in [
            "/export/users.csv",
            "/export/groups.csv",
            "/export/contacts.csv",
            "/export/devices.csv",
            "/export/sync-history.csv",
            "/export/certificate?profile=00000000-0000-0000-0000-000000000000",
        ] {
            let answer = app.page(path).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("location")),
                (303, "/sign-in")
            );
        }
    }
);

both!(a_session_has_a_new_number_at_each_sign_in_and_ends, |app| {
    with_owner(&app).await;
    let wrong = sign_in(&app, "", "something else").await;
    assert!(wrong.status.is_redirection());
    assert!(!wrong.header("location").contains("__err"), "{wrong:?}");

    let answer = sign_in(&app, "", PASSWORD).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/"),
        "{answer:?}"
    );
    let cookie = answer.cookie("rollcall_session");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "this one is served by http");
    let first = session_of(&answer);
    let home = page(&app, "/", &first).await;
    assert_eq!(home.status, 200);
    assert_eq!(home.header("cache-control"), "no-store");
    assert!(home.text.contains("Mina"));

    let second = session_of(&sign_in(&app, &first, PASSWORD).await);
    assert_ne!(first, second);
    assert_eq!(
        page(&app, "/", &first).await.status,
        302,
        "the old number is gone"
    );
    assert_eq!(page(&app, "/", &second).await.status, 200);
    assert_eq!(page(&app, "/export/users.csv", &second).await.status, 200);

    app.t.clock.advance(chrono::Duration::hours(12));
    assert_eq!(
        page(&app, "/", &second).await.status,
        302,
        "unused for 12 hours"
    );
});

both!(a_proof_gives_the_session_a_new_number, |app| {
    with_owner(&app).await;
    let before = sign_in(&app, "", PASSWORD).await.session();
    let form = format!("password={}&next=", PASSWORD.replace(' ', "+"));
    let wrong = app
        .function("session/confirm", &before, None, "password=x&next=")
        .await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.session()),
        (422, String::new())
    );
    let proved = app.function("session/confirm", &before, None, &form).await;
    assert_eq!(proved.status, 200, "{proved:?}");
    let after = proved.session();
    assert!(!after.is_empty() && after != before);
    assert_eq!(page(&app, "/", &before).await.status, 302);
    assert_eq!(page(&app, "/", &after).await.status, 200);
    assert_eq!(app.t.sessions().await, 1, "it is the same session");
});

both!(signing_out_clears_what_the_browser_keeps, |app| {
    with_owner(&app).await;
    let signed_in = sign_in(&app, "", PASSWORD).await;
    let cookie = signed_in.session();
    let out = app.function("session/sign-out", &cookie, None, "").await;
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!(page(&app, "/", &cookie).await.status, 302);
    // Not that the browser is known: it is what keeps strangers from making its owner wait.
    assert!(!signed_in.cookie("rollcall_browser").is_empty());
    assert_eq!(out.cookie("rollcall_browser"), "");
});

both!(other_sites_change_nothing, |app| {
    with_owner(&app).await;
    let cookie = session_of(&sign_in(&app, "", PASSWORD).await);
    let add = async |site: Option<&str>, origin: Option<&str>| {
        let fields = "name=Added";
        let mut request = form("/api/customers/add", fields).header(header::COOKIE, &cookie);
        for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        app.send(request.body(Body::from(fields)).unwrap())
            .await
            .status
            .as_u16()
    };
    for (site, origin) in [
        (None, None),
        (Some("cross-site"), Some("https://evil.example")),
        (Some("same-site"), Some("https://other.example")),
        (Some("none"), None),
        (None, Some("https://evil.example")),
        (None, Some("null")),
    ] {
        assert_eq!(add(site, origin).await, 403, "{site:?} {origin:?}");
    }
    assert_eq!(app.get("/customers").await.json()["items"], json!([]));
    assert_eq!(add(Some("same-origin"), None).await, 303);
    assert_eq!(add(None, Some("http://127.0.0.1:3000")).await, 303);
    assert_eq!(
        app.get("/customers").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let request = Request::builder()
            .method(method)
            .uri("/api/customers/add")
            .header("sec-fetch-site", "same-origin")
            .body(Body::empty())
            .unwrap();
        assert_eq!(app.send(request).await.status, 405);
    }
    // A change by GET doesn't exist.
    assert_ne!(
        page(&app, "/api/customers/add?name=x", &cookie)
            .await
            .status,
        200
    );
});

#[tokio::test]
async fn pages_tell_the_browser_what_to_refuse() {
    let app = TestApp::new(Kind::Sqlite).await.unwrap();
    with_owner(&app).await;
    let answer = app.page("/sign-in").await;
    let policy = answer.header("content-security-policy");
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    assert_eq!(
        policy,
        format!(
            "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
             style-src 'self' {}; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
             form-action 'self'; frame-ancestors 'none'",
            backend::store::enrolment::STYLE_SOURCES.as_str()
        )
    );
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    for script in answer.text.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(
            tag.contains(&format!("nonce=\"{nonce}\"")) || tag.contains("src="),
            "{tag}"
        );
    }
    assert!(
        !answer.text.contains(" style=\""),
        "style attributes are refused by the policy"
    );
    assert_ne!(
        app.page("/sign-in").await.header("content-security-policy"),
        policy
    );
    for (name, value) in [
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", ""),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert!(answer.header("permissions-policy").contains("camera=()"));

    let missing = app.page("/no/such/page").await;
    assert_eq!(missing.status, 404);
    assert!(
        missing
            .header("content-security-policy")
            .contains("script-src")
    );
    assert_eq!(app.page("/healthz").await.text, "alive\n");
    assert_eq!(app.page("/readyz").await.text, "ready\n");
    // Metrics are for another listener.
    assert_eq!(app.page("/metrics").await.status, 404);
}

#[tokio::test]
async fn behind_https_cookies_and_transport_are_bound_to_it() {
    let variables = [("ROLLCALL_PUBLIC_URL", "https://rollcall.example")];
    let clouds = backend::Clouds::new([]).unwrap();
    let app = TestApp::with(Kind::Sqlite, clouds, None, &variables)
        .await
        .unwrap();
    with_owner(&app).await;
    let answer = sign_in(&app, "", PASSWORD).await;
    let theme = app.function("theme/choose", "", None, "theme=dark").await;
    for (answer, name) in [
        (&answer, "__Host-rollcall_session"),
        (&answer, "__Host-rollcall_browser"),
        (&theme, "__Host-rollcall_theme"),
    ] {
        let cookie = answer.cookie(name);
        for attribute in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(attribute), "{name}: {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    let brought = "__Host-rollcall_theme=dark";
    let page = app.page_of("/sign-in", brought).await;
    assert!(page.text.contains("data-theme=\"rollcall-dark\""));
    // What another host of the domain could have set is not read.
    let page = app.page_of("/sign-in", "rollcall_theme=dark").await;
    assert!(!page.text.contains("data-theme=\"rollcall-dark\""));
    assert!(
        answer
            .header("strict-transport-security")
            .starts_with("max-age=63072000")
    );
}

#[tokio::test]
async fn files_are_served_compressed_and_kept_as_long_as_they_may_be() {
    let site = tempfile::tempdir().unwrap();
    let pkg = site.path().join("pkg");
    std::fs::create_dir(&pkg).unwrap();
    let name = "rollcall.0123456789abcdef.js";
    std::fs::write(pkg.join(name), "plain").unwrap();
    std::fs::write(pkg.join(format!("{name}.br")), "brotli").unwrap();
    std::fs::write(pkg.join(format!("{name}.gz")), "gzip").unwrap();
    std::fs::write(site.path().join("robots.txt"), "User-agent: *\n").unwrap();
    let root = site.path().display().to_string();
    let clouds = backend::Clouds::new([]).unwrap();
    let variables = [("LEPTOS_SITE_ROOT", root.as_str())];
    let app = TestApp::with(Kind::Sqlite, clouds, None, &variables)
        .await
        .unwrap();
    let get = async |path: &str, encoding: &str| {
        let request = Request::get(path)
            .header(header::ACCEPT_ENCODING, encoding)
            .body(Body::empty())
            .unwrap();
        app.send(request).await
    };
    for (encoding, body) in [
        ("br, gzip", "brotli"),
        ("gzip", "gzip"),
        ("identity", "plain"),
    ] {
        let answer = get(&format!("/pkg/{name}"), encoding).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, body));
        assert!(answer.header("content-type").starts_with("text/javascript"));
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(
        get("/robots.txt", "").await.header("cache-control"),
        "no-cache"
    );
    let missing = get("/pkg/rollcall.fedcba9876543210.js", "").await;
    assert_eq!(
        (missing.status.as_u16(), missing.header("cache-control")),
        (404, "no-store")
    );
    assert_eq!(get("/pkg/../../etc/passwd", "").await.status, 404);
}

both_with_farm!(metrics_count_and_name_nobody, |app| {
    let (customer, integration) = app.integration().await;
    app.post(
        &format!("/integrations/{integration}/runs"),
        json!({ "mode": "full" }),
    )
    .await
    .expect(202);
    let scrape = async || {
        let metrics = server::metrics::router(Metrics::new(&app.t.backend));
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let answer = metrics.oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20)
            .await
            .unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    };
    let text = scrape().await;
    for line in [
        "rollcall_database_up 1",
        "rollcall_integrations{state=\"not_started\"} 1",
        "rollcall_integrations{state=\"ok\"} 0",
        "rollcall_runs{status=\"queued\"} 1",
        "rollcall_jobs_waiting 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    app.work().await;
    let text = scrape().await;
    for line in [
        "rollcall_integrations{state=\"ok\"} 1",
        "rollcall_runs{status=\"queued\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    for name in [
        customer.to_string(),
        integration,
        app.tenant().domain.clone(),
    ] {
        assert!(!text.contains(&name), "{name} in\n{text}");
    }
});

both!(
    behind_a_trusted_proxy_the_client_is_the_one_it_names,
    |app| {
        // The tests' peer is not trusted: a made-up header changes nothing, and a guesser who sends
        // a new one each time is slowed down all the same.
        let mut statuses = Vec::new();
        for guess in 0..30 {
            let request = Request::get("/api/v1/customers")
                .header(header::AUTHORIZATION, format!("Bearer rc_guess{guess}"))
                .header("x-forwarded-for", format!("203.0.113.{guess}"))
                .body(Body::empty())
                .unwrap();
            statuses.push(app.send(request).await.status.as_u16());
        }
        assert!(statuses.contains(&429));
    }
);

both_with_farm!(pages_tell_of_schedules_and_pauses, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let api = format!("/integrations/{integration}");
    app.patch(
        &api,
        json!({ "schedule": { "every_minutes": 5, "window": { "from": "22:00", "until": "06:00" } } }),
    )
    .await
    .expect(200);
    let zone = json!({ "time_zone": "Europe/Amsterdam" });
    app.patch(&format!("/customers/{customer}"), zone)
        .await
        .expect(200);
    let cookie = app.session(&app.owner_scope).await;
    let shows = async |path: &str, text: &str| {
        let answer = page(&app, path, &cookie).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.text.contains(text),
            "{path}: {text}\n{}",
            answer.text
        );
    };
    shows(
        &api,
        "Runs every 5 minutes, between 22:00 and 06:00, Europe/Amsterdam; next at Sun 1 Mar, 22:0",
    )
    .await;
    shows(&format!("/customers/{customer}"), "Europe/Amsterdam").await;
    for dialog in ["time-zone", "pause"] {
        shows(&format!("/customers/{customer}/{dialog}"), "<dialog").await;
    }
    shows(&format!("{api}/pause"), "Shown to whoever finds it paused").await;

    // As a browser without our code presses it.
    for (function, fields) in [
        (
            "integrations/pause",
            format!("id={integration}&reason=Moving+house"),
        ),
        ("customers/pause", format!("id={customer}&reason=")),
        ("sync/pause", "reason=Maintenance".to_owned()),
    ] {
        let request = form(&format!("/api/{function}"), &fields)
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, &cookie)
            .body(Body::from(fields))
            .unwrap();
        assert_eq!(app.send(request).await.status, 303, "{function}");
    }
    shows(&api, "Scheduled runs are paused").await;
    shows(&api, "Moving house").await;
    shows(
        &format!("/customers/{customer}"),
        "Scheduled runs of all its integrations are paused",
    )
    .await;
    for path in ["/", "/users"] {
        shows(path, "All scheduled runs are paused").await;
        shows(path, "Maintenance").await;
        shows(path, "Resume all").await;
    }
    shows("/integrations", "Paused").await;
    // Others see that it is so, and have no button for it.
    let other = app.t.administrator_of(&[customer]).await;
    let other = page(&app, "/", &app.session(&other).await).await;
    assert!(other.text.contains("All scheduled runs are paused"));
    assert!(!other.text.contains("Resume all"));
});

both!(
    the_forms_of_a_profile_take_a_secret_or_have_a_certificate_made,
    |app| {
        let session = app.session(&app.owner_scope).await;
        let add = "credential-profiles/add";
        let common = "name=P&client_id=63122682-6e3c-4cbb-9f35-7c1da11e1e1e&customer_id=";
        for more in [
            "client_secret=x&expires_at=2030-01-31",
            "certificate_years=2",
        ] {
            let answer = app
                .function(add, &session, None, &format!("{common}&{more}"))
                .await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let profiles = app.get("/credential-profiles").await.expect(200);
        let kinds: Vec<_> = profiles["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| &p["kind"])
            .collect();
        assert_eq!(kinds, ["client_secret", "certificate"]);
        let id = id(&profiles["items"][0]);
        let second = "credential-profiles/add-second";
        let made = format!("id={id}&kind=certificate&certificate_years=1");
        assert_eq!(
            app.function(second, &session, None, &made).await.status,
            200
        );
        let refused = format!("id={id}&kind=client_secret&client_secret=&expires_at=");
        let answer = app.function(second, &session, None, &refused).await;
        assert!(answer.text.contains("client_secret"), "{answer:?}");
        let page = app
            .page_of(&format!("/credential-profiles/{id}"), &session)
            .await;
        assert!(
            page.text.contains("Next certificate") && page.text.contains("Download .cer"),
            "{page:?}"
        );
        assert!(
            page.text
                .contains("Nobody is told before this secret ends."),
            "{page:?}"
        );
    }
);
