//! To a provider and back, as a browser goes.

use axum::body::Body;
use backend::{
    Scope,
    auth::{
        self,
        oidc::{ProviderSettings, Providers},
    },
    store::operators,
    testing::provider::StubProvider,
};
use domain::{
    operator::{CustomerScope, NewOperator},
    permission::Role,
};
use http::{Request, header};
use secrecy::ExposeSecret;
use serde_json::json;
use server::{metrics::Metrics, router};
use url::Url;

use crate::support::{Answer, TestApp, both, id};

/// The same server with a provider.
async fn with_provider(mut app: TestApp) -> (TestApp, StubProvider) {
    let stub = StubProvider::start().await;
    let settings = ProviderSettings::checked(stub.given("contoso")).unwrap();
    app.t.backend.oidc = Providers::new(vec![settings]).unwrap();
    app.router = router::public(&app.t.backend, &app.config, &Metrics::new(&app.t.backend));
    (app, stub)
}

/// Opens an address as a browser does that is led there by a page of this site.
async fn open(app: &TestApp, path: &str, cookie: &str, site: &str) -> Answer {
    let request = Request::get(path)
        .header(header::ACCEPT, "text/html,*/*;q=0.8")
        .header(header::COOKIE, cookie)
        .header(header::USER_AGENT, "Browser 1")
        .header("sec-fetch-dest", "document")
        .header("sec-fetch-site", site)
        .body(Body::empty())
        .unwrap();
    app.send(request).await
}

/// The cookie of a session: the one that the answer sets, else the one before.
fn kept(answer: &Answer, before: &str) -> String {
    match answer.session() {
        set if set.is_empty() => before.to_owned(),
        set => set,
    }
}

/// Goes to the provider and signs in there; answers the way back and the session's cookie.
async fn through(
    app: &TestApp,
    stub: &StubProvider,
    query: &str,
    cookie: &str,
    subject: &str,
) -> (String, String) {
    let path = format!("/sign-in/oidc/contoso{query}");
    let answer = open(app, &path, cookie, "same-origin").await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let question: Url = answer.header("location").parse().unwrap();
    assert!(question.as_str().starts_with(stub.issuer()), "{question}");
    let authorized = stub.authorize(&question, subject, app.t.clock.now());
    let mut back: Url = authorized.redirect_uri.parse().unwrap();
    back.query_pairs_mut()
        .append_pair("code", &authorized.code)
        .append_pair("state", &authorized.state)
        .append_pair("iss", stub.issuer());
    let back = format!("{}?{}", back.path(), back.query().unwrap());
    (back, kept(&answer, cookie))
}

async fn invited(app: &TestApp, email: &str) -> String {
    let new = NewOperator {
        name: "Bob".to_owned(),
        email: email.to_owned(),
        role: Role::ReadOnly,
        scope: CustomerScope::All,
    };
    let invited = operators::invite(&app.t, &app.owner_scope, new).await;
    invited.unwrap().secret().expose_secret().to_owned()
}

async fn mina(app: &TestApp) -> Scope {
    let made = auth::add_operator(
        &app.t,
        "mina@example.com",
        "Mina",
        Role::Owner,
        "a long pass phrase".into(),
    );
    app.t.scope_of(made.await.unwrap().id).await
}

both!(somebody_is_invited_and_comes_in_by_a_provider, |app| {
    let (app, stub) = with_provider(app).await;
    let page = app.page("/sign-in").await;
    assert!(page.text.contains("Provider contoso"), "{}", page.text);
    assert!(page.text.contains("href=\"/sign-in/oidc/contoso\""));
    let secret = invited(&app, "bob@example.com").await;
    let page = app.page(&format!("/invitation?secret={secret}")).await;
    assert!(page.text.contains("Accept with"), "{}", page.text);

    let query = format!("?invitation={secret}");
    let (back, cookie) = through(&app, &stub, &query, "", "bob").await;
    // Back from another site, as a provider is.
    let answer = open(&app, &back, &cookie, "cross-site").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/"),
        "{answer:?}"
    );
    let inside = kept(&answer, "");
    assert_ne!(
        inside, cookie,
        "a session that was known before is not the one signed in"
    );
    assert_eq!(open(&app, "/", &cookie, "none").await.status, 302);
    let home = open(&app, "/account", &inside, "none").await;
    assert!(home.text.contains("bob@provider.example"), "{}", home.text);

    let (back, cookie) = through(&app, &stub, "?next=/users%3Fq%3Da", "", "bob").await;
    let answer = open(&app, &back, &cookie, "cross-site").await;
    assert_eq!(answer.header("location"), "/users?q=a");
});

both!(a_refusal_is_told_on_the_sign_in_page_once, |app| {
    let (app, stub) = with_provider(app).await;
    let (back, cookie) = through(&app, &stub, "", "", "eve").await;
    let answer = open(&app, &back, &cookie, "cross-site").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/sign-in")
    );
    let page = open(&app, "/sign-in", &cookie, "none").await;
    assert!(page.text.contains("Ask for an invitation"), "{}", page.text);
    let again = open(&app, "/sign-in", &cookie, "none").await;
    assert!(!again.text.contains("Ask for an invitation"));

    // The way back opened once more, and in another browser.
    for cookie in [cookie.as_str(), ""] {
        let answer = open(&app, &back, cookie, "cross-site").await;
        assert_eq!(answer.header("location"), "/sign-in");
        let cookie = kept(&answer, cookie);
        let page = open(&app, "/sign-in", &cookie, "none").await;
        assert!(page.text.contains("used already"), "{}", page.text);
    }
    let events = app
        .get("/audit-events?action=operator.sign_in_failed")
        .await;
    let events = events.expect(200);
    let reasons = events["items"].as_array().unwrap().iter();
    let reasons: Vec<_> = reasons
        .map(|event| event["after"]["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons.len(), 3);
    assert!(reasons.contains(&"unknown_account") && reasons.contains(&"not_under_way"));
});

both!(a_sign_in_leads_to_no_other_site, |app| {
    let (app, stub) = with_provider(app).await;
    let secret = invited(&app, "bob@example.com").await;
    let (back, cookie) = through(&app, &stub, &format!("?invitation={secret}"), "", "bob").await;
    open(&app, &back, &cookie, "cross-site").await;
    for next in [
        "//evil.example",
        "/%5Cevil.example",
        "https:%2F%2Fevil.example",
        "/%09/evil.example",
        "/%0D%0ALocation:%20x",
        "/%00x",
        "javascript:alert(1)",
        "",
    ] {
        let (back, cookie) = through(&app, &stub, &format!("?next={next}"), "", "bob").await;
        let answer = open(&app, &back, &cookie, "cross-site").await;
        assert_eq!(answer.header("location"), "/", "{next}");
    }
});

both!(a_sign_in_begins_on_a_page_of_ours, |app| {
    let (app, stub) = with_provider(app).await;
    for (query, page) in [
        ("", "/sign-in"),
        ("?next=/users%3Fq%3Da", "/sign-in?next=%2Fusers%3Fq%3Da"),
        ("?next=//evil.example", "/sign-in"),
        ("?invitation=abc", "/invitation?secret=abc"),
    ] {
        for site in ["cross-site", "same-site", "none"] {
            let path = format!("/sign-in/oidc/contoso{query}");
            let answer = open(&app, &path, "", site).await;
            assert_eq!(answer.status, 303, "{query} {site}");
            assert_eq!(answer.header("location"), page, "{query} {site}");
            assert_eq!(answer.header("set-cookie"), "", "{query} {site}");
        }
    }
    assert_eq!(stub.asked("metadata"), 0);
});

both!(linking_begins_on_a_page_of_ours, |app| {
    let (app, stub) = with_provider(app).await;
    let mina = mina(&app).await;
    let cookie = app.session(&mina).await;
    for site in ["cross-site", "same-site", "none"] {
        let answer = open(&app, "/sign-in/oidc/contoso?link=1", &cookie, site).await;
        assert_eq!(answer.header("location"), "/account", "{site}");
    }
    assert_eq!(stub.asked("metadata"), 0);
    let answer = open(&app, "/sign-in/oidc/contoso?link=1", "", "same-origin").await;
    assert_eq!(answer.header("location"), "/sign-in?next=%2Faccount");

    let page = open(&app, "/account", &cookie, "none").await;
    assert!(page.text.contains("Link an account of"), "{}", page.text);
    let (back, cookie) = through(&app, &stub, "?link=1", &cookie, "mina").await;
    let answer = open(&app, &back, &cookie, "cross-site").await;
    assert_eq!(answer.header("location"), "/account");
    let page = open(&app, "/account", &cookie, "none").await;
    assert!(page.text.contains("mina@provider.example"), "{}", page.text);

    let (back, fresh) = through(&app, &stub, "", "", "mina").await;
    let answer = open(&app, &back, &fresh, "cross-site").await;
    assert_eq!(answer.header("location"), "/");
    let nothing = json!({});
    let ways = app.function("account/ways-to-sign-in", &cookie, Some(&nothing), "");
    let ways = ways.await.expect(200);
    let form = format!("id={}", id(&ways["identities"][0]));
    app.function("account/unlink", &cookie, None, &form)
        .await
        .expect(200);
    let other = open(&app, "/account", &kept(&answer, ""), "none").await;
    assert_eq!(other.status, 302, "the session that began with it ended");
    assert_eq!(open(&app, "/account", &cookie, "none").await.status, 200);
});

both!(what_is_no_page_or_no_provider_begins_nothing, |app| {
    let (app, stub) = with_provider(app).await;
    let picture = Request::get("/sign-in/oidc/contoso")
        .header("sec-fetch-dest", "image")
        .body(Body::empty())
        .unwrap();
    assert_eq!(app.send(picture).await.status, 403);
    for path in [
        "/sign-in/oidc/nobody",
        "/sign-in/oidc/nobody/callback?state=a&code=b",
    ] {
        let answer = open(&app, path, "", "same-origin").await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(stub.asked("metadata"), 0);
    stub.down(true);
    let answer = open(&app, "/sign-in/oidc/contoso", "", "same-origin").await;
    assert_eq!(answer.header("location"), "/sign-in");
    let page = open(&app, "/sign-in", &kept(&answer, ""), "none").await;
    assert!(
        page.text.contains("can’t be reached just now"),
        "{}",
        page.text
    );
});
