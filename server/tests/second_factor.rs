//! Second factors without the browser code: after the password, set up before anything else, and
//! confirming who one is without losing what was typed.

use axum::body::Body;
use backend::auth::second_factor;
use domain::{operator::Operator, permission::Role};
use http::{Request, header};
use serde_json::json;

use crate::support::{Answer, TestApp, both};

const PASSWORD: &str = "a long pass phrase";

async fn mina(app: &TestApp) -> Operator {
    let (email, role) = ("mina@example.com", Role::Owner);
    let made = backend::auth::add_operator(&app.t, email, "Mina", role, PASSWORD.into());
    made.await.unwrap()
}

/// Sends a plain form of the page `from`.
async fn send(app: &TestApp, function: &str, from: &str, cookie: &str, fields: &str) -> Answer {
    let request = Request::post(format!("/api/{function}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/html")
        .header(header::REFERER, format!("http://127.0.0.1:3000{from}"))
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, cookie)
        .body(Body::from(fields.to_owned()))
        .unwrap();
    app.send(request).await
}

#[track_caller]
fn leads_to(answer: &Answer, to: &str) {
    assert!(answer.status.is_redirection(), "{answer:?}");
    assert_eq!(answer.header("location"), to);
}

fn session_of(answer: &Answer) -> String {
    answer.session()
}

async fn give_password(app: &TestApp, next: &str) -> Answer {
    let fields = format!(
        "email=mina%40example.com&password={}&next={next}",
        PASSWORD.replace(' ', "+")
    );
    send(app, "session/sign-in", "/sign-in", "", &fields).await
}

both!(the_second_factor_comes_after_the_password, |app| {
    let mina = mina(&app).await;
    let scope = app.t.scope_of(mina.id).await;
    let key = app.authenticator(&scope).await;
    let answer = give_password(&app, "%2Fcustomers%3Fq%3Da").await;
    let page = "/sign-in/second-factor?next=%2Fcustomers%3Fq%3Da";
    leads_to(&answer, page);
    let half = session_of(&answer);
    let shown = app.page_of(page, &half).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text.contains("Code of your authenticator app"));
    assert!(shown.text.contains("mina@example.com"));

    // Half signed in one is nobody anywhere else.
    for path in ["/", "/customers", "/account", "/confirm"] {
        let answer = app.page_of(path, &half).await;
        assert_eq!(answer.status, 302, "{path}");
        assert!(answer.header("location").starts_with("/sign-in"), "{path}");
        assert!(!answer.text.contains("Mina"), "{path}");
    }
    leads_to(&app.page_of("/export/users.csv", &half).await, "/sign-in");
    leads_to(
        &app.page_of("/sign-in/set-up", &half).await,
        "/sign-in/second-factor",
    );

    let wrong = "code=000000&next=%2Fcustomers%3Fq%3Da";
    let function = "session/second-factor";
    let refused = send(&app, function, page, &half, wrong).await;
    leads_to(&refused, "/sign-in/second-factor?next=%2Fcustomers%3Fq%3Da");
    let shown = app.page_of(page, &half).await;
    assert!(
        shown.text.contains("This is not the code"),
        "{}",
        shown.text
    );

    let right = format!("code={}&next=%2Fcustomers%3Fq%3Da", app.next_code(&key));
    let answer = send(&app, function, page, &half, &right).await;
    leads_to(&answer, "/customers?q=a");
    let whole = session_of(&answer);
    assert_ne!(whole, half, "the session has a new number");
    assert_eq!(app.page_of("/customers", &whole).await.status, 200);
    assert_eq!(
        app.page_of("/customers", &half).await.status,
        302,
        "the old one is worth nothing"
    );
});

both!(
    whose_role_needs_one_sets_it_up_before_anything_else,
    |app| {
        let mina = mina(&app).await;
        app.authenticator(&app.owner_scope).await;
        let before = app.session(&app.t.scope_of(mina.id).await).await;
        let roles = vec![Role::Owner];
        second_factor::require_of_roles(&app.t, &app.owner_scope, roles)
            .await
            .unwrap();
        assert_eq!(
            app.page_of("/customers", &before).await.status,
            302,
            "signed in without one"
        );

        let answer = give_password(&app, "").await;
        let half = session_of(&answer);
        leads_to(
            &app.page_of(answer.header("location"), &half).await,
            "/sign-in/set-up",
        );
        let page = app.page_of("/sign-in/set-up", &half).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("QR code for the authenticator app"));
        // There are no passkeys at an address without a name.
        assert!(!page.text.contains("Add a passkey"));

        let asked = json!({ "sealed": null });
        let offer = app
            .function("authenticator/offer", &half, Some(&asked), "")
            .await
            .expect(200);
        let key = second_factor::key_in(offer["key"].as_str().unwrap());
        let sealed = offer["sealed"].as_str().unwrap();
        let wrong = format!("sealed_key={sealed}&code=000000&next=");
        let function = "authenticator/confirm";
        let answer = send(&app, function, "/sign-in/set-up", &half, &wrong).await;
        leads_to(&answer, "/sign-in/set-up");
        // The page shows the same key again.
        let again = app.page_of("/sign-in/set-up", &half).await.text;
        assert!(again.contains(offer["key"].as_str().unwrap()), "{again}");

        let code = second_factor::code_at(&key, app.t.clock.now());
        let right = format!("sealed_key={sealed}&code={code}&next=");
        let answer = send(&app, function, "/sign-in/set-up", &half, &right).await;
        leads_to(&answer, "/account/recovery-codes");
        let whole = session_of(&answer);
        let codes = app.page_of("/account/recovery-codes", &whole).await;
        assert_eq!(codes.status, 200);
        assert!(
            codes.text.contains("I kept them"),
            "it counts as a proof too"
        );
        // Who is half signed in and has one by now can set up no other.
        let other = app
            .function("authenticator/offer", &half, Some(&asked), "")
            .await;
        assert_eq!(other.status, 401);
    }
);

both!(what_was_typed_waits_while_one_confirms_who_one_is, |app| {
    let mina = mina(&app).await;
    let scope = app.t.scope_of(mina.id).await;
    let key = app.authenticator(&scope).await;
    let profile = json!({
        "name": "Own",
        "kind": "client_secret",
        "client_id": "63122682-6e3c-4cbb-9f35-7c1da11e1e1e",
        "client_secret": "x",
    });
    let profile = app.post("/credential-profiles", profile).await.expect(201);
    let page = format!(
        "/credential-profiles/{}/secret",
        profile["id"].as_str().unwrap()
    );
    let cookie = app.stale_session(&scope).await;
    let fields = format!(
        "id={}&kind=client_secret&client_secret=y&expires_at=2027-05-06",
        profile["id"].as_str().unwrap()
    );
    let function = "credential-profiles/replace-secret";
    // The browser code is told so, and asks beside the form.
    let told = app.function(function, &cookie, None, &fields).await;
    assert_eq!(
        (told.status.as_u16(), told.text.as_str()),
        (403, "\"ProveAgain\"")
    );

    let answer = send(&app, function, &page, &cookie, &fields).await;
    let confirm = format!("/confirm?next={}", page.replace('/', "%2F"));
    leads_to(&answer, &confirm);
    let shown = app.page_of(&confirm, &cookie).await;
    assert_eq!(shown.status, 200);
    assert!(
        shown.text.contains("Code of your authenticator app"),
        "{}",
        shown.text
    );

    let next = format!("code=000000&next={}", page.replace('/', "%2F"));
    let wrong = send(&app, "session/confirm", &confirm, &cookie, &next).await;
    leads_to(&wrong, &confirm);
    assert!(
        app.page_of(&confirm, &cookie)
            .await
            .text
            .contains("This is not the code")
    );
    let right = next.replace("000000", &app.next_code(&key));
    let answer = send(&app, "session/confirm", &confirm, &cookie, &right).await;
    leads_to(&answer, &page);
    // The proof gave the session a new number, and the form waits on in it.
    let cookie = answer.session();

    // The form is as it was, but for the secret.
    let back = app.page_of(&page, &cookie).await.text;
    assert!(back.contains("2027-05-06"), "{back}");
    assert!(back.contains("send this again"), "{back}");
    let answer = send(&app, function, &page, &cookie, &fields).await;
    leads_to(&answer, page.trim_end_matches("/secret"));
});
