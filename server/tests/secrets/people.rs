//! What comes up with people: operators, and users of a directory.

use axum::body::Body;
use backend::{
    auth::{self, second_factor},
    store::operators,
};
use domain::{
    operator::{CustomerScope, NewOperator},
    permission::Role,
};
use http::{Request, header};
use serde_json::json;
use url::Url;

use super::Story;
use crate::support::id;

const EMAIL: &str = "mina@example.com";
const PASSWORD: &str = "wide orange windows whistle";
const NEXT_PASSWORD: &str = "nine violet ladders listen";

/// An operator who signs in wrongly and rightly, sets up a second factor, forgets the password, and
/// invites another.
pub async fn operator(story: &mut Story) {
    story.text("an operator’s password", PASSWORD);
    let added = auth::add_operator(&story.app.t, EMAIL, "Mina", Role::Owner, PASSWORD.into());
    added.await.unwrap();
    story.text("a wrong password", "some other pass phrase");
    let mistyped = "some other pass phrase";
    sign_in(story, "", mistyped, "a session of nobody").await;
    let cookie = sign_in(story, "", PASSWORD, "an operator’s session").await;
    let cookie = two_factors(story, cookie).await;
    story.page("/account", &cookie).await;
    story.form("session/sign-out", &cookie, &[]).await;
    forgotten_password(story).await;
    invitation(story).await;
}

/// Gives a password; answers the session’s cookie.
async fn sign_in(story: &mut Story, cookie: &str, password: &str, name: &str) -> String {
    let fields = [("email", EMAIL), ("password", password), ("next", "")];
    let answer = story.form("session/sign-in", cookie, &fields).await;
    let browser = answer.cookie("rollcall_browser").split(';').next();
    if let Some((_, value)) = browser.and_then(|cookie| cookie.split_once('=')) {
        story.text("a known browser’s cookie", value);
    }
    story.session(name, &answer, cookie)
}

/// Sets up an app and recovery codes, and signs in with one of these; answers the session’s cookie.
async fn two_factors(story: &mut Story, cookie: String) -> String {
    let asked = json!({ "sealed": null });
    let offer = story.offered("authenticator/offer", &cookie, asked).await;
    let shown = offer["key"].as_str().unwrap();
    let key = second_factor::key_in(shown);
    story.bytes("the key of an app", &key);
    story.text("the key of an app as it is typed", shown);
    story.text("the key of an app in letters", &shown.replace(' ', ""));
    let code = second_factor::code_at(&key, story.app.t.clock.now());
    let sealed = offer["sealed"].as_str().unwrap();
    let fields = [("sealed_key", sealed), ("code", &code), ("next", "")];
    let answer = story.form("authenticator/confirm", &cookie, &fields).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = story.session("a session with an app", &answer, &cookie);

    let offer = story.offered("recovery-codes/offer", &cookie, json!({}));
    let offer = offer.await;
    let codes = offer["codes"].as_array().unwrap();
    for code in codes {
        let code = code.as_str().unwrap();
        story.text("a recovery code", code);
        story.text("a recovery code’s letters", &code.replace('-', ""));
    }
    let sealed = [
        ("sealed_codes", offer["sealed"].as_str().unwrap()),
        ("next", ""),
    ];
    let answer = story.form("recovery-codes/keep", &cookie, &sealed).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let half = sign_in(story, "", PASSWORD, "a session that is half signed in").await;
    for code in ["wrong-wrong", codes[0].as_str().unwrap()] {
        let fields = [("code", code), ("next", "")];
        let answer = story.form("session/second-factor", &half, &fields).await;
        let whole = story.session("a session by a recovery code", &answer, &half);
        if whole != half {
            return whole;
        }
    }
    panic!("the recovery code signed nobody in");
}

async fn forgotten_password(story: &mut Story) {
    const LINK: &str = "a link to a new password";
    story.text("an operator’s next password", NEXT_PASSWORD);
    let fields = [("email", EMAIL)];
    story.form("password/forgot", "", &fields).await;
    story.app.work().await;
    let secret = story.link(LINK, EMAIL);
    let page = format!("/reset-password?secret={secret}");
    story.page_with(&page, "", &[LINK]).await;
    let mut fields = [
        ("secret", &*secret),
        ("password", NEXT_PASSWORD),
        ("password_again", "another"),
    ];
    story.form("password/reset", "", &fields).await;
    fields[2].1 = NEXT_PASSWORD;
    let answer = story.form("password/reset", "", &fields).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    story.form("password/reset", "", &fields).await;
    sign_in(story, "", PASSWORD, "a session of nobody").await;
}

fn invited(email: &str) -> NewOperator {
    NewOperator {
        name: "Noor".to_owned(),
        email: email.to_owned(),
        role: Role::ReadOnly,
        scope: CustomerScope::All,
    }
}

/// Invites somebody by mail; answers what stands in the link.
async fn invite(story: &mut Story, name: &str, email: &str) -> String {
    let (t, owner) = (&story.app.t, &story.app.owner_scope);
    let made = operators::invite_with(t, owner, invited(email), None).await;
    made.unwrap();
    story.app.work().await;
    story.link(name, email)
}

async fn invitation(story: &mut Story) {
    const LINK: &str = "an invitation";
    let secret = invite(story, LINK, "noor@example.com").await;
    let page = format!("/invitation?secret={secret}");
    story.page_with(&page, "", &[LINK]).await;
    let password = "seven small green teapots";
    story.text("an invited operator’s password", password);
    let fields = [
        ("secret", &*secret),
        ("name", "Noor"),
        ("password", password),
        ("password_again", password),
    ];
    for _ in 0..2 {
        story.form("invitation/accept", "", &fields).await;
    }
    story.page_with(&page, "", &[LINK]).await;
}

/// Somebody who accepts an invitation with their account at a provider.
pub async fn by_a_provider(story: &mut Story) {
    const LINK: &str = "an invitation for a provider";
    const UNDER_WAY: [&str; 2] = ["a sign-in’s state", "a sign-in’s nonce"];
    let secret = invite(story, LINK, "bob@example.com").await;
    let way = format!("/sign-in/oidc/contoso?invitation={secret}");
    let left = story.page_with(&way, "", &UNDER_WAY).await;
    let cookie = story.session("a session under way", &left, "");
    let question: Url = left.header("location").parse().unwrap();
    let now = story.app.t.clock.now();
    let authorized = story.provider.authorize(&question, "bob", now);
    for (name, value) in UNDER_WAY
        .into_iter()
        .zip([&authorized.state, &authorized.nonce])
    {
        story.text(name, value);
    }
    let mut back: Url = authorized.redirect_uri.parse().unwrap();
    back.query_pairs_mut()
        .append_pair("code", &authorized.code)
        .append_pair("state", &authorized.state)
        .append_pair("iss", story.provider.issuer());
    let path = format!("{}?{}", back.path(), back.query().unwrap());
    let mut cookie = cookie;
    // The second time it was used already.
    for _ in 0..2 {
        let request = Request::get(&path)
            .header(header::ACCEPT, "text/html,*/*;q=0.8")
            .header(header::COOKIE, &cookie)
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-site", "cross-site")
            .body(Body::empty())
            .unwrap();
        let answer = story.app.send(request).await;
        let answer = story.keep("the way back from a provider", answer, &[]);
        assert_eq!(answer.status, 303, "{answer:?}");
        cookie = story.session("a session by a provider", &answer, &cookie);
        story.page("/account", &cookie).await;
        story.page("/sign-in", &cookie).await;
    }
}

/// Somebody of a directory who activates the account.
pub async fn user(story: &mut Story, integration: &str) {
    const LINK: &str = "an activation link";
    let path = format!(
        "/customers/{}/users?limit=1000&status=active",
        story.customer
    );
    let users = story.get(&path).await;
    let users = users["items"].as_array().unwrap();
    let of_it = users
        .iter()
        .find(|user| user["integration_id"] == integration);
    let user = of_it.expect("the run brought people");
    let user_name = user["user_principal_name"].as_str().unwrap();
    let own = format!("/users/{}", id(user));
    let invite = format!("{own}/invitation");
    story.app.post(&invite, json!({})).await.expect(202);
    story.app.work().await;
    let secret = story.link(LINK, user["mail"].as_str().unwrap_or(user_name));
    let page = format!("/activate?secret={secret}");
    story.page_with(&page, "", &[LINK]).await;
    let password = "green+kettle+sings+often";
    story.text("a user’s password", password);
    let fields = [
        ("secret", &*secret),
        ("password", password),
        ("password_again", password),
    ];
    let answer = story.form("enrolment/activate", "", &fields).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = story.session("a user’s session", &answer, "");
    story.form("enrolment/activate", "", &fields).await;
    let page = story.page("/my", &cookie).await;
    assert_eq!(page.status, 200, "{page:?}");
    for given in ["some other pass phrase", password] {
        let fields = [("user_name", user_name), ("password", given)];
        let answer = story.form("enrolment/sign-in", "", &fields).await;
        story.session("a user’s next session", &answer, "");
    }
    story.get(&own).await;
    story.get(&format!("{own}/enrolment")).await;
}

/// People of a file with passwords in it.
pub async fn imported(story: &mut Story) {
    let password = "what-an-imported-person-signs-in-with";
    story.text("an imported password", password);
    let file = format!(
        "upn;name;password\r\nada@x.example;Ada;{password}\r\nno address;Bea;{password}\r\n"
    );
    let path = format!("/customers/{}/imports?name=people.csv", story.customer);
    let request = Request::post(format!("/api/v1{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", story.app.owner))
        .header(header::CONTENT_TYPE, "text/csv")
        .body(Body::from(file))
        .unwrap();
    let answer = story.app.send(request).await;
    let import = story.keep(&path, answer, &[]).expect(201);
    let own = format!("/imports/{}", id(&import));
    story.get(&format!("{own}/rows")).await;
    let rows = story.app.get(&format!("{own}/rows.csv")).await;
    story.keep("an import’s rows", rows, &[]);
    let body = json!({ "rows": "good", "plan": import["plan"] });
    let applied = story.app.post(&format!("{own}/apply"), body).await;
    story.keep(&own, applied, &[]).expect(200);
    let owner = story.app.owner_scope.clone();
    let cookie = story.app.session(&owner).await;
    story.page(&own, &cookie).await;
}
