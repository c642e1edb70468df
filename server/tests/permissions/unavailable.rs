//! What stands as 502 or 503 in the tables, since a permission at the source, a mail server or a
//! domain isn't there in those tests: that the refusal says what is missing and what to do, and that
//! the same callers are answered where it is there.

use std::sync::Arc;

use backend::{
    Clouds, Settings,
    mail::{Smtp, SmtpGiven},
    testing::Kind,
};
use domain::permission::Role;
use serde_json::json;

use crate::support::{TestApp, both, both_with_farm};

both_with_farm!(
    extensions_are_listed_once_the_application_may_read_them,
    |app| {
        let (customer, integration) = app.integration().await;
        let administrator = app.t.role_over(Role::Administrator, &[customer]).await;
        let reader = app.t.role_over(Role::ReadOnly, &[customer]).await;
        let (administrator, reader) = (
            app.session(&administrator).await,
            app.session(&reader).await,
        );
        let asked = json!({ "id": integration });
        let ask = async |cookie: &str| {
            app.function("mapping/extensions", cookie, Some(&asked), "")
                .await
        };
        let refused = ask(&administrator).await;
        assert_eq!(refused.status, 502, "{refused:?}");
        for part in ["Source", "permission_missing", "Directory.Read.All"] {
            assert!(refused.text.contains(part), "{part}: {refused:?}");
        }
        assert_eq!(ask(&reader).await.status, 403);

        app.control().set_roles(["Directory.Read.All"]);
        let test = format!("/integrations/{integration}/test-connection");
        app.post(&test, json!({})).await.expect(200);
        let listed = ask(&administrator).await.expect(200);
        assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
        assert_eq!(ask(&reader).await.status, 403);
    }
);

both!(links_are_mailed_once_there_is_a_mail_server, |app| {
    let forms = [
        ("password/forgot", "email=nobody%40example.com"),
        ("enrolment/forgot", "user_name=nobody%40example.com"),
    ];
    for (function, form) in forms {
        let refused = app.function(function, "", None, form).await;
        assert_eq!(refused.status, 503, "{function}: {refused:?}");
        assert!(
            refused.text.contains("Mail isn’t set up here. Ask"),
            "{refused:?}"
        );
    }
    let smtp = Smtp::checked(SmtpGiven {
        host: "mail.example".to_owned(),
        from: "rollcall@example.com".to_owned(),
        ..SmtpGiven::default()
    });
    let mut app = app;
    app.t.backend.settings = Arc::new(Settings {
        smtp: Some(smtp.unwrap()),
        ..(*app.t.backend.settings).clone()
    });
    let db = app.t.backend.db.clone();
    let app = app.on(db);
    for (function, form) in forms {
        let taken = app.function(function, "", None, form).await;
        assert!(taken.status.is_success(), "{function}: {taken:?}");
    }
});

#[tokio::test]
async fn passkeys_are_asked_for_where_browsers_see_a_domain() {
    let asked = json!({ "purpose": "SignIn" });
    let app = TestApp::new(Kind::Sqlite).await.unwrap();
    let refused = app.function("passkeys/ask", "", Some(&asked), "").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(
        refused.text.contains("Passkeys need a domain name") && refused.text.contains("public_url"),
        "{refused:?}"
    );
    let variables = [("ROLLCALL_PUBLIC_URL", "https://rollcall.example")];
    let app = TestApp::with(Kind::Sqlite, Clouds::new([]).unwrap(), None, &variables);
    let app = app.await.unwrap();
    let question = app.function("passkeys/ask", "", Some(&asked), "").await;
    let question = question.expect(200);
    assert!(
        question.to_string().contains("rollcall.example"),
        "{question}"
    );
}
