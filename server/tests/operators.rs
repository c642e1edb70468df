//! Operators by REST and by the pages: invited, changed, signed out, removed.

use axum::body::Body;
use backend::{
    Error, Scope,
    store::operators::{self, testing::Invited},
};
use domain::permission::{Permission, Role};
use http::{Method, Request, header};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{Answer, NOBODY, TestApp, both, id};

const PASSWORD: &str = "a long pass phrase";

/// A plain form of a stranger, as a browser without our code sends it from `referer`.
async fn plain(app: &TestApp, function: &str, fields: &str, cookie: &str) -> Answer {
    let request = Request::post(format!("/api/{function}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/html")
        .header(header::REFERER, "http://127.0.0.1:3000/invitation?secret=x")
        .header(
            header::USER_AGENT,
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0",
        )
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, cookie)
        .body(Body::from(fields.to_owned()))
        .unwrap();
    app.send(request).await
}

/// Invites somebody, as the page does.
async fn invite(app: &TestApp, scope: &Scope, new: Value) -> backend::Result<Invited> {
    let new = serde_json::from_value(new).unwrap();
    operators::invite(&app.t, scope, new).await
}

fn blamed<T>(given: backend::Result<T>) -> String {
    match given {
        Err(Error::Invalid(error)) => error.field,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

fn forbidden<T>(given: backend::Result<T>) -> Option<Permission> {
    match given {
        Err(Error::Forbidden(permission)) => Some(permission),
        _ => None,
    }
}

/// `name=value` of the session's cookie.
fn session_of(answer: &Answer) -> String {
    answer.session()
}

both!(an_operator_is_invited_joins_is_changed_and_removed, |app| {
    let customer = app.customer("Contoso").await;
    let body = json!({
        "email": "noor@example.com",
        "name": "Noor",
        "role": "administrator",
        "scope": { "kind": "some", "customer_ids": [customer] },
    });
    let made = invite(&app, &app.owner_scope, body.clone()).await.unwrap();
    let path = format!("/operators/{}", made.operator.id);
    let secret = made.secret();
    let secret = secret.expose_secret();
    let again = invite(&app, &app.owner_scope, body.clone()).await;
    assert_eq!(blamed(again), "email");
    // No program is told it.
    let read = app.get(&path).await.expect(200);
    assert_eq!(
        (&read["state"], &read["role"], &read["scope"]),
        (&json!("invited"), &json!("administrator"), &body["scope"])
    );
    assert!(!read.to_string().contains(secret));
    let listed = app.get("/operators?q=noor").await.expect(200);
    assert_eq!(listed["items"], json!([read]));

    let page = app.page(&format!("/invitation?secret={secret}")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("noor@example.com"), "{}", page.text);
    let fields = format!(
        "secret={secret}&name=Noor+N.&password={}&password_again={}",
        PASSWORD.replace(' ', "+"),
        PASSWORD.replace(' ', "+")
    );
    let joined = plain(&app, "invitation/accept", &fields, "").await;
    assert_eq!(joined.header("location"), "/sign-in", "{joined:?}");
    let gone = app.page(&format!("/invitation?secret={secret}")).await;
    assert!(gone.text.contains("This link has ended"));

    let fields = format!(
        "email=noor%40example.com&password={}&next=",
        PASSWORD.replace(' ', "+")
    );
    let signed_in = plain(&app, "session/sign-in", &fields, "").await;
    let cookie = session_of(&signed_in);
    assert_eq!(app.page_of("/customers", &cookie).await.status, 200);
    let sessions = app.get(&format!("{path}/sessions")).await.expect(200);
    let session = &sessions["items"][0];
    assert_eq!(session["address"], "198.51.100.7");
    assert!(session["user_agent"].as_str().unwrap().contains("Firefox"));

    // What is taken is gone at the next request, in the same session.
    let own = format!("/customers/{customer}");
    assert_eq!(app.page_of(&own, &cookie).await.status, 200);
    assert_eq!(app.page_of("/operators", &cookie).await.status, 200);
    app.patch(&path, json!({ "role": "read_only" }))
        .await
        .expect(200);
    assert_eq!(app.page_of("/operators", &cookie).await.status, 403);
    let other = app.customer("Fabrikam").await;
    let scope = json!({ "kind": "some", "customer_ids": [other] });
    let changed = app
        .patch(&path, json!({ "scope": scope }))
        .await
        .expect(200);
    assert_eq!(changed["scope"], scope);
    assert_eq!(app.page_of(&own, &cookie).await.status, 404);
    app.delete(&format!("{path}/sessions?session_id={NOBODY}"))
        .await
        .refused(404);
    app.delete(&format!("{path}/sessions")).await.expect(204);
    assert_eq!(app.page_of("/customers", &cookie).await.status, 302);

    let off = app
        .patch(&path, json!({ "enabled": false }))
        .await
        .expect(200);
    assert_eq!(off["state"], "disabled");
    let refused = plain(&app, "session/sign-in", &fields, "").await;
    assert_ne!(refused.header("location"), "/", "{refused:?}");
    app.patch(&path, json!({ "enabled": true }))
        .await
        .expect(200);
    let signed_in = plain(&app, "session/sign-in", &fields, "").await;
    let cookie = session_of(&signed_in);
    app.delete(&path).await.expect(204);
    assert_eq!(app.page_of("/customers", &cookie).await.status, 302);
    app.get(&path).await.refused(404);
});

both!(
    what_an_invitation_asks_for_is_refused_with_its_field,
    |app| {
        let customer = app.customer("Contoso").await;
        let of_one = app.t.administrator_of(&[customer]).await;
        let good = json!({
            "email": "noor@example.com",
            "name": "Noor",
            "role": "help_desk",
            "scope": { "kind": "some", "customer_ids": [customer] },
        });
        for (field, value, expected) in [
            ("email", json!("noor"), "email"),
            ("name", json!(" "), "name"),
            ("role", json!("owner"), "role"),
            ("scope", json!({ "kind": "all" }), "scope"),
            (
                "scope",
                json!({ "kind": "some", "customer_ids": [] }),
                "scope.customer_ids",
            ),
            (
                "scope",
                json!({ "kind": "some", "customer_ids": [NOBODY] }),
                "scope.customer_ids",
            ),
            (
                "scope",
                json!({ "kind": "all_except", "customer_ids": [customer] }),
                "scope",
            ),
            (
                "scope",
                json!({ "kind": "tags", "tags": ["north"] }),
                "scope.tags",
            ),
        ] {
            let mut body = good.clone();
            body[field] = value.clone();
            let refused = blamed(invite(&app, &of_one, body).await);
            assert!(refused.starts_with(expected), "{value}: {refused}");
        }
        let made = invite(&app, &of_one, good).await.unwrap();
        let again = operators::resend(&app.t, &of_one, made.operator.id).await;
        assert_ne!(again.unwrap().invitation_url, made.invitation_url);
    }
);

both!(a_program_invites_nobody, |app| {
    let body = json!({
        "email": "noor@example.com",
        "name": "Noor",
        "role": "read_only",
        "scope": { "kind": "all" },
    });
    let call = app.post("/operators", body.clone()).await;
    assert_eq!(call.status, 405, "there is no such call");
    let made = invite(&app, &app.owner_scope, body.clone()).await.unwrap();
    let path = format!("/operators/{}/invitation", made.operator.id);
    assert_eq!(app.post(&path, json!({})).await.status, 404);

    // Nor below the calls, whatever the token may.
    let origin = backend::Origin::api(None, "r");
    let token = backend::auth::token_scope(&app.t, &app.owner, origin);
    let token = token.await.unwrap();
    let refused = Some(Permission::OperatorsWrite);
    assert_eq!(forbidden(invite(&app, &token, body).await), refused);
    let again = operators::resend(&app.t, &token, made.operator.id).await;
    assert_eq!(forbidden(again), refused);
    let form = operators::offer_link(&app.t, &token).await;
    assert_eq!(forbidden(form), refused);
});

both!(customers_have_tags_to_find_them_and_give_roles_by, |app| {
    let body = json!({ "name": "Contoso", "tags": ["North Sea", "vip", " VIP "] });
    let made = app.post("/customers", body).await.expect(201);
    assert_eq!(made["tags"], json!(["north sea", "vip"]));
    app.customer("Fabrikam").await;
    let path = format!("/customers/{}", id(&made));
    let found = app.get("/customers?tag=NORTH%20sea").await.expect(200);
    assert_eq!(found["items"], json!([made]));
    assert_eq!(
        app.get("/customers?tag=none").await.expect(200)["items"],
        json!([])
    );
    let bad = app.get("/customers?tag=a,b").await;
    assert_eq!(bad.refused(422).as_deref(), Some("tag"));

    let role = json!({
        "email": "noor@example.com",
        "name": "Noor",
        "role": "help_desk",
        "scope": { "kind": "tags", "tags": ["VIP"] },
    });
    let invited = invite(&app, &app.owner_scope, role).await.unwrap();
    let operator = format!("/operators/{}", invited.operator.id);
    assert_eq!(
        app.get(&operator).await.expect(200)["scope"],
        json!({ "kind": "tags", "tags": ["vip"] })
    );
    let changed = app
        .patch(&path, json!({ "tags": ["vip"] }))
        .await
        .expect(200);
    assert_eq!(changed["tags"], json!(["vip"]));
    // Who holds the customer alone can't change who looks after it by the tag, and others.
    let other = app.customer("Adatum").await;
    app.t.tag(other, "vip").await;
    let own = [id(&made).parse().unwrap()];
    let of_one = app.token(Role::Administrator, Some(&own)).await;
    let refused = app
        .call(
            Method::PATCH,
            &path,
            Some(&of_one),
            Some(json!({ "tags": [] })),
        )
        .await;
    assert_eq!(refused.refused(422).as_deref(), Some("tags"));

    let cookie = app.session(&app.owner_scope).await;
    let list = app.page_of("/customers?tag=vip", &cookie).await;
    assert!(list.text.contains("Contoso") && !list.text.contains("Fabrikam"));
    for (page, text) in [
        ("/operators", "Noor"),
        ("/operators/invite", "Link to hand over"),
        ("/operators/roles", "Approve and reject held changes"),
        (&operator, "Customers tagged vip"),
        (&format!("{operator}/edit"), "Edit Operator"),
        (&format!("{path}/tags"), "New tags"),
        ("/account", "Where you are signed in"),
    ] {
        let answer = app.page_of(page, &cookie).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(answer.text.contains(text), "{page}");
    }
});

both!(all_but_some_is_not_all, |app| {
    use domain::operator::CustomerScope;
    let customer = app.customer("Contoso").await;
    let kept = app.customer("Kept").await;
    let except = CustomerScope::AllExcept {
        customer_ids: vec![kept],
    };
    let scope = app.t.operator(Role::Owner, except).await;
    let cookie = app.session(&scope).await;
    let form = async |function: &str, form: &str| {
        app.function(function, &cookie, None, form)
            .await
            .status
            .as_u16()
    };
    // A shared profile, the installation's recipients, a pause of all: not theirs.
    let profile = "name=Shared&client_id=63122682-6e3c-4cbb-9f35-7c1da11e1e1e&client_secret=x";
    assert_eq!(form("credential-profiles/add", profile).await, 422);
    assert_eq!(form("sync/pause", "").await, 403);
    let told = "kind=mail&address=a%40example.com&causes[]=run.held";
    assert_eq!(form("notifications/add", told).await, 403);
    assert_eq!(
        app.page_of(&format!("/customers/{kept}"), &cookie)
            .await
            .status,
        404
    );
    assert_eq!(
        app.page_of(&format!("/customers/{customer}"), &cookie)
            .await
            .status,
        200
    );
    // A customer that is added later is theirs, so they may add one.
    assert_eq!(form("customers/add", "name=Later").await, 200);
    let seen = app.page_of("/customers", &cookie).await.text;
    assert!(seen.contains("Later") && !seen.contains("Kept"));
    // And by the API, which knows tokens for all and for some: nothing that all may.
    let made = app.token(Role::Owner, Some(&[customer])).await;
    let pause = app
        .call(Method::POST, "/sync/pause", Some(&made), Some(json!({})))
        .await;
    pause.refused(403);
});
