//! Accounts of people by REST and by the pages' functions: invited, activated, signed in, and out.

use backend::notify::sinks::{self, MailSink};
use domain::id::CustomerId;
use http::{StatusCode, header};
use serde_json::{Value, json};
use server::{metrics::Metrics, router};

use crate::support::{NOBODY, TestApp, both, both_with_farm, id};

const PASSWORD: &str = "green+kettle+sings+often";

fn with_mail(mut app: TestApp, mail: &MailSink) -> TestApp {
    sinks::connect(&mut app.t.backend, Some(mail));
    let metrics = Metrics::new(&app.t.backend);
    app.router = router::public(&app.t.backend, &app.config, &metrics);
    app
}

/// What stands in the link of a mail.
fn secret_in(mail: &sinks::GotMail) -> String {
    let text = mail.text.replace("=\r\n", "").replace("=3D", "=");
    let (_, rest) = text.split_once("secret=").expect("there is a link");
    rest.chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect()
}

async fn the_mail_is_written_and_tried(app: &TestApp, customer: CustomerId, mail: &MailSink) {
    let settings = format!("/customers/{customer}/enrolment-settings");
    let default = app.get(&settings).await.expect(200);
    assert_eq!(default["language"], "en");
    let dutch = json!({ "language": "nl", "link_days": 3 });
    app.put(&settings, dutch).await.expect(200);
    let shown = app.post(&format!("{settings}/preview"), json!({})).await;
    assert!(
        shown.expect(200)["subject"]
            .as_str()
            .unwrap()
            .starts_with("Activate")
    );
    let field = app.put(&settings, json!({ "subject": "{x}" })).await;
    assert_eq!(field.refused(422).as_deref(), Some("subject"));
    let test = json!({ "to": "me@example.com" });
    app.post(&format!("{settings}/test"), test)
        .await
        .expect(204);
    let got = mail.take();
    assert!(
        got[0].header("Subject").starts_with("Activeer"),
        "{}",
        got[0].text
    );
}

async fn everything_is_written_down(app: &TestApp, customer: CustomerId, secret: &str) {
    let audit: Value = app
        .get(&format!("/audit-events?customer_id={customer}&limit=100"))
        .await
        .expect(200);
    let told: Vec<_> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    for action in [
        "user.invite",
        "user.enrol",
        "user.sign_in",
        "customer.update_enrolment",
        "customer.test_enrolment",
    ] {
        assert!(told.contains(&action), "{action}: {told:?}");
    }
    assert!(!audit.to_string().contains(secret));
}

both_with_farm!(people_are_invited_activate_and_sign_in, |app| {
    let mail = MailSink::mail().await;
    let app = with_mail(app, &mail);
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    the_mail_is_written_and_tried(&app, customer, &mail).await;

    let users = app
        .get(&format!("/customers/{customer}/users?limit=1000"))
        .await
        .expect(200);
    let users = users["items"].as_array().unwrap().clone();
    let active = users.iter().filter(|user| user["status"] == "active");
    let user = active.clone().next().unwrap();
    let active = active.count();
    let one = format!("/users/{}", user["id"].as_str().unwrap());
    app.post(&format!("{one}/invitation"), json!({}))
        .await
        .expect(202);
    let invited = app
        .post(
            &format!("/customers/{customer}/invitations"),
            json!({ "first": 5 }),
        )
        .await
        .expect(202);
    assert_eq!(invited["invited"], 5);
    assert_eq!(invited["left"], active - 6);
    app.work().await;
    let got = mail.take();
    assert_eq!(got.len(), 6);
    let user_name = user["user_principal_name"].as_str().unwrap();
    let address = user["mail"].as_str().unwrap_or(user_name);
    let own = got.iter().find(|mail| mail.to == address).unwrap();
    let secret = secret_in(own);
    let mails = app.get(&format!("{one}/enrolment")).await.expect(200);
    assert_eq!(
        (&mails["state"], &mails["mails"][0]["status"]),
        (&json!("invited"), &json!("delivered"))
    );

    let form = format!("secret={secret}&password={PASSWORD}&password_again={PASSWORD}");
    let entered = app.function("enrolment/activate", "", None, &form).await;
    assert_eq!(entered.status, StatusCode::OK, "{}", entered.text);
    let cookie = entered.session();
    let account = app
        .function("own-account/view", &cookie, Some(&json!({})), "")
        .await;
    assert_eq!(account.json()["account"]["user_name"], user_name);
    // Nothing of the portal, nor another's.
    for (function, body) in [
        ("users/view", json!({ "id": user["id"] })),
        ("customers/view", json!({ "id": customer })),
        ("account/sessions", json!({})),
    ] {
        let refused = app.function(function, &cookie, Some(&body), "").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{function}");
    }
    let page = app.page_of("/users", &cookie).await;
    assert_eq!(page.status, StatusCode::FOUND);
    let again = app.function("enrolment/activate", "", None, &form).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let signed_in = format!(
        "user_name={}&password={PASSWORD}",
        user_name.replace('@', "%40")
    );
    let answer = app
        .function("enrolment/sign-in", "", None, &signed_in)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let enrolled = app.get(&format!("{one}/enrolment")).await.expect(200);
    assert_eq!(enrolled["state"], "enrolled");
    let list = app
        .page_of(
            "/users?enrolment=enrolled",
            &app.session(&app.t.owner().await).await,
        )
        .await;
    assert!(list.text.contains(user_name));

    // Blocked in the source, and out with the run that says so.
    let object = user["external_id"].as_str().unwrap().parse().unwrap();
    let blocked = simulator::Attributes::from([("accountEnabled".to_owned(), json!(false))]);
    app.control().update(object, &blocked).unwrap();
    app.full_sync(&integration).await;
    let out = app
        .function("own-account/view", &cookie, Some(&json!({})), "")
        .await;
    assert_eq!(out.status, StatusCode::UNAUTHORIZED);
    let answer = app
        .function("enrolment/sign-in", "", None, &signed_in)
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let refused = app.post(&format!("{one}/invitation"), json!({})).await;
    refused.refused(409);
    everything_is_written_down(&app, customer, &secret).await;
    app.get(&format!("/users/{NOBODY}/enrolment"))
        .await
        .refused(404);
    assert!(
        entered
            .header(header::SET_COOKIE.as_str())
            .contains("HttpOnly")
    );
});

both!(a_mail_that_came_back_is_marked_and_taken_back, |app| {
    let mail = MailSink::mail().await;
    let app = with_mail(app, &mail);
    let customer = app.customer("Adatum").await;
    let new = json!({ "user_principal_name": "ada@adatum.example", "display_name": "Ada" });
    let made = app
        .post(&format!("/customers/{customer}/users"), new)
        .await
        .expect(201);
    let one = format!("/users/{}", id(&made));
    let bounce = format!("{one}/enrolment-bounce");
    app.put(&bounce, json!({})).await.refused(409);
    app.delete(&bounce).await.refused(409);
    app.post(&format!("{one}/invitation"), json!({}))
        .await
        .expect(202);
    app.work().await;
    assert_eq!(mail.take().len(), 1);
    let marked = app.put(&bounce, json!({ "reason": "Mailbox full" })).await;
    assert_eq!(marked.expect(200)["state"], "mail_failed");
    let stands = app.get(&format!("{one}/enrolment")).await.expect(200);
    let last = &stands["mails"][0];
    assert_eq!(last["error"]["detail"], "Mailbox full");
    assert!(last["bounced_at"].is_string(), "{last}");
    let back = app.delete(&bounce).await.expect(200);
    assert_eq!(back["state"], "invited");
    let wrong = app.put(&bounce, json!({ "why": "x" })).await;
    wrong.refused(422);
    app.put(&format!("/users/{NOBODY}/enrolment-bounce"), json!({}))
        .await
        .refused(404);

    // The pages' functions do the same, and one looks at the mail server.
    let cookie = app.session(&app.t.owner().await).await;
    let form = format!("id={}&reason=", id(&made));
    for (function, state) in [
        ("enrolment/mark-bounced", "mail_failed"),
        ("enrolment/unmark-bounced", "invited"),
    ] {
        let done = app.function(function, &cookie, None, &form).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        let stands = app.get(&format!("{one}/enrolment")).await.expect(200);
        assert_eq!(stands["state"], state);
    }
    let checked = app
        .function("notifications/check-mail-server", &cookie, None, "")
        .await;
    assert!(
        checked.text.contains("The mail server would take a mail"),
        "{}",
        checked.text
    );
    let typed = json!({ "customer": customer, "form": { "language": "nl", "link_days": "3" } });
    let shown = app
        .function("enrolment/preview", &cookie, Some(&typed), "")
        .await;
    assert_eq!(
        shown.json()["subject"],
        "Activeer uw account bij Adatum",
        "{}",
        shown.text
    );
});
