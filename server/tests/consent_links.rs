//! A consent link from the API call to the permissions, as a browser of somebody without an account
//! goes through it.

use axum::body::Body;
use backend::testing::Kind;
use domain::permission::Role;
use http::{Method, Request, header};
use serde_json::{Value, json};
use simulator::AppState;

use crate::support::{Answer, NOBODY, TestApp, both_with_farm, id};

/// A page as a browser asks for it that was sent here by Microsoft, with these cookies.
async fn sent_back(app: &TestApp, path: &str, cookie: &str) -> Answer {
    let request = Request::get(path)
        .header(header::ACCEPT, "text/html,*/*;q=0.8")
        .header("sec-fetch-site", "cross-site")
        .header(header::COOKIE, cookie)
        .body(Body::empty())
        .unwrap();
    app.send(request).await
}

/// The same by a link on one of our own pages.
async fn clicked(app: &TestApp, path: &str) -> Answer {
    let request = Request::get(path)
        .header(header::ACCEPT, "text/html,*/*;q=0.8")
        .header("sec-fetch-site", "same-origin")
        .body(Body::empty())
        .unwrap();
    app.send(request).await
}

async fn made(app: &TestApp) -> (Value, String) {
    let customer = app.customer("Contoso & Söhne").await;
    let body = json!({
        "credential_profile_id": app.profile().await,
        "cloud": "sim",
        "tenant": app.tenant().domain,
    });
    let path = format!("/customers/{customer}/consent-links");
    let answer = app.post(&path, body).await;
    let made = answer.expect(201);
    let of = format!("/api/v1/consent-links/{}", id(&made));
    assert_eq!(answer.header("location"), of);
    let url = made["url"].as_str().unwrap();
    let secret = url.strip_prefix("http://127.0.0.1:3000/consent?secret=");
    let secret = secret.expect("a link to the page").to_owned();
    (made, secret)
}

/// The cookie that was set, as `name=value`, and the whole of it.
fn cookie_of(answer: &Answer) -> (String, String) {
    let whole = answer.header("set-cookie").to_owned();
    (whole.split(';').next().unwrap().to_owned(), whole)
}

fn state_of(answer: &Answer) -> String {
    let to = answer.header("location");
    let (_, state) = to.split_once("&state=").expect("a state");
    state.to_owned()
}

both_with_farm!(a_stranger_consents_and_sees_what_was_granted, |app| {
    app.control().set_app_state(AppState::NotConsented);
    let (link, secret) = made(&app).await;
    let path = format!("/consent?secret={secret}");
    let page = app.page(&path).await;
    assert_eq!(page.status, 200);
    for told in [
        app.tenant().domain.as_str(),
        &app.tenant().client_id.to_string(),
        "Contoso &amp; Söhne",
        "User.Read.All",
        "Nothing is ever written to your tenant.",
        "Continue to Microsoft",
    ] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    assert!(!page.text.contains("Device.Read.All"));

    // Nobody gets past the page that says for whom it is.
    let on = format!("/consent/continue?secret={secret}");
    for past in [app.page(&on).await, sent_back(&app, &on, "").await] {
        assert_eq!(
            (past.header("location"), past.header("set-cookie")),
            (path.as_str(), "")
        );
    }
    let left = clicked(&app, &on).await;
    assert_eq!(left.status, 303, "{left:?}");
    let to = left.header("location");
    let tenant = &app.tenant().domain;
    assert!(
        to.contains(&format!("/{tenant}/v2.0/adminconsent?client_id=")),
        "{to}"
    );
    assert!(!to.contains(&secret));
    let (cookie, whole) = cookie_of(&left);
    assert!(
        whole.contains("; Path=/consent; Max-Age=3600; HttpOnly; SameSite=Lax"),
        "{whole}"
    );
    let state = state_of(&left);
    app.control().set_app_state(AppState::Ready);
    let tenant_id = app.tenant().tenant_id;
    let callback =
        format!("/consent/callback?admin_consent=True&tenant={tenant_id}&scope=s&state={state}");

    // Another browser has no cookie, or another link's: nothing is done, and the state stays good.
    for other in ["", "rollcall_consent=guess", "rollcall_consent=", "x=y"] {
        let refused = sent_back(&app, &callback, other).await;
        assert_eq!(
            refused.header("location"),
            "/consent?answer=unknown",
            "{other}"
        );
    }
    let shown = app.page("/consent?answer=unknown").await;
    assert!(shown.text.contains("in this browser"), "{}", shown.text);
    let of = format!("/consent-links/{}", id(&link));
    assert_eq!(app.get(&of).await.expect(200)["state"], "waiting");

    let back = sent_back(&app, &callback, &format!("a=b; {cookie}")).await;
    assert_eq!(
        (back.status.as_u16(), back.header("location")),
        (303, path.as_str())
    );
    assert!(
        back.header("set-cookie").starts_with("rollcall_consent=; "),
        "{back:?}"
    );
    let again = sent_back(&app, &callback, &cookie).await;
    assert_eq!(again.header("location"), "/consent?answer=unknown", "used");
    let page = app.page(&path).await;
    assert!(
        page.text.contains("that’s all") && page.text.contains("Granted"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("Missing"));
    let proven = app.get(&of).await.expect(200);
    assert_eq!(proven["state"], "proven");
    assert!(proven["opened_at"].is_string() && proven["integration_id"].is_null());
    assert_eq!(proven["proven_tenant_id"], tenant_id.to_string());
    assert!(!proven.to_string().contains(&secret));
    let listed = format!(
        "/customers/{}/consent-links",
        link["customer_id"].as_str().unwrap()
    );
    let only = json!({ "items": [proven], "next": null });
    assert_eq!(app.get(&listed).await.expect(200), only);
    let odd = app.get(&format!("{listed}?limit=0")).await.refused(400);
    assert_eq!(odd.as_deref(), Some("limit"));

    app.delete(&of).await.expect(204);
    let revoked = app.get(&of).await.expect(200);
    assert!(revoked["revoked_at"].is_string(), "{revoked}");
    let page = app.page(&path).await;
    assert!(page.text.contains("This link has ended"), "{}", page.text);
    for way in ["continue", "check"] {
        let ended = clicked(&app, &format!("/consent/{way}?secret={secret}")).await;
        assert_eq!(ended.header("location"), path);
        assert_eq!(ended.header("set-cookie"), "");
    }
});

#[tokio::test]
async fn a_declined_consent_is_shown_and_one_that_takes_time_is_asked_for_again() {
    let app = TestApp::with_farm(Kind::Sqlite, 5).await.unwrap();
    app.control().set_app_state(AppState::NotConsented);
    let (_, secret) = made(&app).await;
    let (path, ways) = (
        format!("/consent?secret={secret}"),
        format!("?secret={secret}"),
    );
    let left = clicked(&app, &format!("/consent/continue{ways}")).await;
    let (cookie, _) = cookie_of(&left);
    let callback = format!(
        "/consent/callback?admin_consent=True&error=access_denied\
         &error_description=AADSTS65004%3A+%3Cb%3Edeclined%3C%2Fb%3E&state={}",
        state_of(&left)
    );
    sent_back(&app, &callback, &cookie).await;
    let page = app.page(&path).await;
    assert!(
        page.text.contains("The consent was declined"),
        "{}",
        page.text
    );
    assert!(page.text.contains("&lt;b&gt;declined") && !page.text.contains("<b>declined"));

    let left = clicked(&app, &format!("/consent/continue{ways}")).await;
    let tenant = app.tenant().tenant_id;
    let callback = format!(
        "/consent/callback?tenant={tenant}&state={}",
        state_of(&left)
    );
    sent_back(&app, &callback, &cookie).await;
    let page = app.page(&path).await;
    assert!(
        page.text.contains("Microsoft needs a few minutes"),
        "{}",
        page.text
    );
    app.control().set_app_state(AppState::Ready);
    app.t.clock.advance(chrono::Duration::seconds(5));
    let checked = app.page(&format!("/consent/check{ways}")).await;
    assert_eq!(checked.header("location"), path);
    assert!(app.page(&path).await.text.contains("Granted"));
}

/// Signs in at the simulator; answers the address that it sends the browser back to.
#[expect(
    clippy::disallowed_methods,
    reason = "it plays a browser, and stops at each redirect"
)]
async fn signs_in(url: &str) -> String {
    let browser = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let answer = browser.get(url).send().await.unwrap();
    let to = answer.headers()[header::LOCATION].to_str().unwrap();
    let path = to.strip_prefix("http://127.0.0.1:3000");
    path.expect("our callback").to_owned()
}

async fn who_looks_after_one_customer_has_its_administrator_sign_in(kind: Kind) {
    let Some(app) = TestApp::with_standing_farm(kind, 5).await else {
        return;
    };
    app.control().set_app_state(AppState::NotConsented);
    let customer = app.customer("Contoso").await;
    let (_, some) = app.made_token(Role::Administrator, Some(&[customer])).await;
    let ask =
        async |path: &str, body: Value| app.call(Method::POST, path, Some(&some), Some(body)).await;
    let of = |more: Value| {
        let mut body = json!({ "cloud": "sim", "tenant": app.tenant().domain });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let profile = json!({ "credential_profile_id": app.profile().await });
    let mut integration = of(profile.clone());
    integration["kind"] = json!("entra_id");
    let integrations = format!("/customers/{customer}/integrations");
    let refused = ask(&integrations, integration.clone()).await.refused(422);
    assert_eq!(refused.as_deref(), Some("credential_profile_id"));

    let path = format!("/customers/{customer}/consent-links");
    let link = ask(&path, of(profile)).await.expect(201);
    assert_eq!(link["needs_sign_in"], true);
    let secret = link["url"]
        .as_str()
        .unwrap()
        .split_once("secret=")
        .unwrap()
        .1;
    let page = format!("/consent?secret={secret}");
    let shown = app.page(&page).await;
    assert!(shown.text.contains("asks you to sign in"), "{}", shown.text);
    let left = clicked(&app, &format!("/consent/continue?secret={secret}")).await;
    let (cookie, _) = cookie_of(&left);
    app.control().set_app_state(AppState::Ready);
    let tenant = app.tenant().tenant_id;
    let callback = format!(
        "/consent/callback?tenant={tenant}&state={}",
        state_of(&left)
    );
    let on = sent_back(&app, &callback, &cookie).await;
    assert_eq!((on.status.as_u16(), on.header("set-cookie")), (303, ""));
    let to = on.header("location");
    assert!(
        to.contains(&format!("/{tenant}/oauth2/v2.0/authorize?")),
        "{to}"
    );
    assert!(!to.contains(secret));
    let back = signs_in(to).await;
    let elsewhere = sent_back(&app, &back, "").await;
    assert_eq!(elsewhere.header("location"), "/consent?answer=unknown");
    let back = sent_back(&app, &back, &cookie).await;
    assert_eq!(back.header("location"), page);
    assert!(
        back.header("set-cookie").starts_with("rollcall_consent=; "),
        "{back:?}"
    );
    let shown = app.page(&page).await;
    assert!(shown.text.contains("that’s all"), "{}", shown.text);
    ask(&integrations, integration).await.expect(201);
}

#[tokio::test]
async fn an_administrator_signs_in_on_sqlite() {
    who_looks_after_one_customer_has_its_administrator_sign_in(Kind::Sqlite).await;
}

#[tokio::test]
async fn an_administrator_signs_in_on_postgresql() {
    who_looks_after_one_customer_has_its_administrator_sign_in(Kind::Postgres).await;
}

#[tokio::test]
async fn odd_addresses_lead_to_a_page_and_odd_calls_are_refused() {
    let app = TestApp::with_farm(Kind::Sqlite, 5).await.unwrap();
    for secret in [
        "",
        "?secret=",
        "?secret=guess",
        "?secret=%0d%0aa%3Ab",
        "?secret=a&secret=b",
    ] {
        for path in [
            "/consent",
            "/consent/continue",
            "/consent/check",
            "/consent/callback",
        ] {
            let answer = clicked(&app, &format!("{path}{secret}")).await;
            assert!(answer.status.as_u16() < 500, "{path}{secret}: {answer:?}");
            assert_eq!(answer.header("set-cookie"), "", "{path}{secret}");
        }
    }
    let ended = app.page("/consent?secret=guess").await;
    assert!(ended.text.contains("This link has ended"));
    let of = format!("/consent-links/{NOBODY}");
    app.get(&of).await.refused(404);
    app.delete(&of).await.refused(404);
    let customer = app.customer("Contoso").await;
    let path = format!("/customers/{customer}/consent-links");
    let body = json!({
        "credential_profile_id": app.profile().await, "tenant": "common", "cloud": "sim",
    });
    let refused = app.post(&path, body).await.refused(422);
    assert_eq!(refused.as_deref(), Some("tenant"));
}
