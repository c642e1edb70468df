//! Links by mail and by hand: what they are good for, for how long, and how often.

use chrono::Duration;
use domain::{
    operator::{CustomerScope, NewOperator, Operator, OperatorState},
    permission::Role,
};

use super::*;
use crate::{
    Error,
    auth::{self, SignIn, command_line_scope},
    db_test, fetch_all, fetch_scalar,
    jobs::run_until_idle,
    notify::sinks::{self, MailSink},
    store::{operators, sample, sessions},
    testing::{TestBackend, origin},
};

const PASSWORD: &str = "correct horse battery";

fn noor() -> NewOperator {
    NewOperator {
        email: "Noor@Example.com".to_owned(),
        name: "Noor <b>".to_owned(),
        role: Role::Administrator,
        scope: CustomerScope::All,
    }
}

/// What stands in the link of a mail or an answer.
fn secret_in(text: &str) -> SecretString {
    let (_, rest) = text.split_once("secret=").expect("there is a link");
    rest.chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .into()
}

/// A mail's text as it reads: lines that quoted-printable broke are whole again.
fn plain(mail: &sinks::GotMail) -> String {
    mail.text.replace("=\r\n", "").replace("=3D", "=")
}

async fn sign_in(t: &TestBackend, email: &str, password: &str) -> Result<Operator> {
    let given = SignIn {
        browser: None,
        request_id: "r".to_owned(),
        email: email.to_owned(),
        password: password.to_owned().into(),
        address: [192, 0, 2, 1].into(),
        user_agent: String::new(),
    };
    let signed_in = auth::sign_in(t, given).await?;
    Ok(signed_in.operator().expect("nothing more is asked"))
}

async fn accept(t: &TestBackend, secret: &SecretString, password: &str) -> Result<()> {
    auth::accept_invitation(
        t,
        secret.clone(),
        "Noor",
        password.to_owned().into(),
        &origin("r"),
    )
    .await
}

async fn is_good(t: &TestBackend, purpose: Purpose, secret: &SecretString) -> bool {
    auth::follow(t, purpose, secret.clone())
        .await
        .unwrap()
        .is_some()
}

fn has_ended(given: Result<()>) -> bool {
    matches!(given, Err(Error::Conflict { .. }))
}

async fn with_mail(t: &mut TestBackend) -> MailSink {
    let mail = MailSink::mail().await;
    sinks::connect(&mut t.backend, Some(&mail));
    mail
}

db_test!(an_invitation_goes_out_by_mail_and_is_good_once, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let made = operators::invite(&t, &owner, noor()).await.unwrap();
    assert_eq!(made.invitation_url, None, "it goes by mail alone");
    let invitation = made.operator.invitation.clone().unwrap();
    assert_eq!(
        invitation.mail.map(|mail| mail.status),
        Some(DeliveryStatus::Queued)
    );
    assert_eq!(invitation.expires_at, t.clock.now() + Duration::days(7));
    run_until_idle(&t).await.unwrap();
    let got = mail.take();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].to, "Noor@Example.com");
    assert_eq!(got[0].header("Subject"), "Owner invites you to Rollcall");
    let secret = secret_in(&plain(&got[0]));
    let operator = operators::get(&t, &owner, made.operator.id).await.unwrap();
    let sent = operator.invitation.unwrap().mail.unwrap();
    assert_eq!(sent.status, DeliveryStatus::Delivered);

    // Nothing of the link is left but its hash.
    let mut tx = t.db.read().await.unwrap();
    let kept = fetch_scalar!(
        &mut tx,
        Option<Vec<u8>>,
        "SELECT secret_sealed FROM operator_mail"
    );
    assert_eq!(kept.unwrap(), None);
    drop(tx);

    assert!(sign_in(&t, "noor@example.com", "").await.is_err());
    assert!(is_good(&t, Purpose::Invitation, &secret).await);
    assert!(
        is_good(&t, Purpose::Invitation, &secret).await,
        "looking uses nothing up"
    );
    assert!(!is_good(&t, Purpose::PasswordReset, &secret).await);
    let short = accept(&t, &secret, "short").await;
    assert!(matches!(short, Err(Error::Invalid(_))), "{short:?}");
    let (one, two) = tokio::join!(accept(&t, &secret, PASSWORD), accept(&t, &secret, PASSWORD));
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
    assert!(has_ended(accept(&t, &secret, PASSWORD).await));
    assert!(!is_good(&t, Purpose::Invitation, &secret).await);
    let noor = sign_in(&t, "noor@example.com", PASSWORD).await.unwrap();
    assert_eq!(
        (noor.name.as_str(), noor.state),
        ("Noor", OperatorState::Active)
    );
    assert_eq!(noor.invitation, None);
});

db_test!(an_invitation_ends_and_is_sent_again, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let made = operators::invite(&t, &owner, noor())
        .await
        .unwrap()
        .operator;
    run_until_idle(&t).await.unwrap();
    let first = secret_in(&plain(&mail.take()[0]));
    t.clock.advance(Duration::days(7) - Duration::seconds(1));
    assert!(is_good(&t, Purpose::Invitation, &first).await);
    t.clock.advance(Duration::seconds(1));
    assert!(!is_good(&t, Purpose::Invitation, &first).await);
    assert!(has_ended(accept(&t, &first, PASSWORD).await));
    let ended = operators::get(&t, &owner, made.id).await.unwrap();
    assert!(
        ended
            .invitation
            .is_some_and(|i| i.expires_at <= t.clock.now())
    );

    operators::resend(&t, &owner, made.id).await.unwrap();
    run_until_idle(&t).await.unwrap();
    let second = secret_in(&plain(&mail.take()[0]));
    operators::resend(&t, &owner, made.id).await.unwrap();
    run_until_idle(&t).await.unwrap();
    let third = secret_in(&plain(&mail.take()[0]));
    assert!(
        has_ended(accept(&t, &second, PASSWORD).await),
        "a newer one took its place"
    );
    // Disabling ends the link, too.
    let change = domain::operator::OperatorChange {
        enabled: Some(false),
        ..domain::operator::OperatorChange::default()
    };
    operators::change(&t, &owner, made.id, change.clone())
        .await
        .unwrap();
    assert!(has_ended(accept(&t, &third, PASSWORD).await));
    let change = domain::operator::OperatorChange {
        enabled: Some(true),
        ..change
    };
    operators::change(&t, &owner, made.id, change)
        .await
        .unwrap();
    assert!(has_ended(accept(&t, &third, PASSWORD).await));
    operators::resend(&t, &owner, made.id).await.unwrap();
    run_until_idle(&t).await.unwrap();
    let fourth = secret_in(&plain(&mail.take()[0]));
    accept(&t, &fourth, PASSWORD).await.unwrap();
    let again = operators::resend(&t, &owner, made.id).await;
    assert!(matches!(again, Err(Error::Conflict { .. })));
});

db_test!(mail_that_is_not_taken_is_tried_again_and_given_up, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    mail.answer("550 no such user");
    let made = operators::invite(&t, &owner, noor())
        .await
        .unwrap()
        .operator;
    let told = async || {
        let operator = operators::get(&t, &owner, made.id).await.unwrap();
        operator.invitation.unwrap().mail.unwrap()
    };
    run_until_idle(&t).await.unwrap();
    let waiting = told().await;
    assert_eq!(waiting.status, DeliveryStatus::Queued);
    assert_eq!(waiting.error.unwrap().code, "mail_refused");
    for _ in 0..30 {
        t.clock.advance(Duration::hours(3));
        run_until_idle(&t).await.unwrap();
    }
    assert_eq!(told().await.status, DeliveryStatus::Failed);
    assert!(mail.take().is_empty());
    mail.answer("250 OK");
    operators::resend(&t, &owner, made.id).await.unwrap();
    run_until_idle(&t).await.unwrap();
    assert_eq!(told().await.status, DeliveryStatus::Delivered);
    accept(&t, &secret_in(&plain(&mail.take()[0])), PASSWORD)
        .await
        .unwrap();
});

db_test!(without_mail_the_link_is_handed_over, |t| {
    let owner = t.owner().await;
    let made = operators::invite(&t, &owner, noor()).await.unwrap();
    let url = made.invitation_url.unwrap();
    assert!(
        url.starts_with("http://127.0.0.1:3000/invitation?secret="),
        "{url}"
    );
    assert_eq!(made.operator.invitation.unwrap().mail, None);

    // A form shows the link first; what it sends back opens for the same person only.
    let offered = operators::offer_link(&t, &owner).await.unwrap().unwrap();
    let other = t.owner().await;
    let id = made.operator.id;
    for (by, sealed) in [
        (&other, Some(offered.sealed.as_str())),
        (&owner, Some("00")),
        (&owner, None),
    ] {
        let refused = operators::resend_with(&t, by, id, sealed).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(field)) if field.field == "sealed_link"),
            "{refused:?}"
        );
    }
    let sealed = Some(offered.sealed.as_str());
    operators::resend_with(&t, &owner, id, sealed)
        .await
        .unwrap();
    assert!(has_ended(accept(&t, &secret_in(&url), PASSWORD).await));
    let twice = NewOperator {
        email: "other@example.com".to_owned(),
        ..noor()
    };
    let twice = operators::invite_with(&t, &owner, twice, sealed).await;
    assert!(matches!(twice, Err(Error::Invalid(_))), "{twice:?}");
    accept(&t, &secret_in(&offered.shown()), PASSWORD)
        .await
        .unwrap();
    let asked = auth::ask_for_reset(&t, "noor@example.com", [192, 0, 2, 1].into(), None).await;
    assert!(matches!(asked, Err(Error::Unavailable(_))));
});

db_test!(
    a_forgotten_password_is_reset_by_mail_once_within_an_hour,
    |t| {
        let mut t = t;
        let mail = with_mail(&mut t).await;
        let address = [192, 0, 2, 1].into();
        let mina = auth::add_operator(&t, "Mina@Example.com", "Mina", Role::Owner, PASSWORD.into())
            .await
            .unwrap();
        let data = format!(r#"{{"operator_id":"{}"}}"#, mina.id);
        sessions::create(&t, 1, &data).await.unwrap();
        auth::ask_for_reset(&t, " mina@example.COM", address, None)
            .await
            .unwrap();
        run_until_idle(&t).await.unwrap();
        let got = mail.take();
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].to, "Mina@Example.com", "the address as it is kept");
        let first = secret_in(&plain(&got[0]));
        assert!(!plain(&got[0]).contains("invites"));
        t.clock.advance(Duration::hours(1));
        let reset = async |secret: &SecretString, password: &str| {
            auth::reset_password(
                &t,
                secret.clone(),
                password.to_owned().into(),
                true,
                &origin("r"),
            )
            .await
        };
        assert!(has_ended(reset(&first, "another pass phrase").await));

        auth::ask_for_reset(&t, "mina@example.com", address, None)
            .await
            .unwrap();
        run_until_idle(&t).await.unwrap();
        let second = secret_in(&plain(&mail.take()[0]));
        assert!(!is_good(&t, Purpose::Invitation, &second).await);
        reset(&second, "another pass phrase").await.unwrap();
        assert!(has_ended(reset(&second, "a third pass phrase").await));
        assert_eq!(
            sessions::load(&t, 1).await.unwrap(),
            None,
            "it ends every session"
        );
        assert!(sign_in(&t, "mina@example.com", PASSWORD).await.is_err());
        sign_in(&t, "mina@example.com", "another pass phrase")
            .await
            .unwrap();
        // Nothing is left that says who forgot what.
        let mut tx = t.db.read().await.unwrap();
        for table in ["operator_mail", "operator_link"] {
            let left = fetch_scalar!(
                &mut tx,
                i64,
                sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"))
            );
            assert_eq!(left.unwrap(), 0, "{table}");
        }
        let told = fetch_all!(
        &mut tx,
        (String, String),
        "SELECT actor, action FROM audit_event WHERE action LIKE 'operator.%password' ORDER BY id"
    )
    .unwrap();
        let told: Vec<_> = told.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let asked = ("Not signed in", "operator.forgot_password");
        assert_eq!(told, [asked, asked, ("Mina", "operator.reset_password")]);
    }
);

db_test!(asking_is_answered_alike_whoever_it_is, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let address = [192, 0, 2, 1].into();
    let owner = command_line_scope();
    auth::add_operator(&t, "mina@example.com", "Mina", Role::Owner, PASSWORD.into())
        .await
        .unwrap();
    let off = auth::add_operator(
        &t,
        "off@example.com",
        "Off",
        Role::ReadOnly,
        PASSWORD.into(),
    )
    .await
    .unwrap();
    auth::set_enabled(&t, &off.email, false).await.unwrap();
    let by_provider = auth::add_operator(
        &t,
        "provider@example.com",
        "Signs in by a provider alone",
        Role::ReadOnly,
        PASSWORD.into(),
    )
    .await
    .unwrap();
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "UPDATE operator SET password_hash = NULL WHERE id = $1",
        by_provider.id
    )
    .unwrap();
    tx.commit().await.unwrap();
    let invited = NewOperator {
        email: "invited@example.com".to_owned(),
        ..noor()
    };
    operators::invite(&t, &owner, invited).await.unwrap();
    run_until_idle(&t).await.unwrap();
    mail.take();
    // Known, unknown, disabled, without a password, invited: the same rows are written before the answer.
    for email in [
        "mina@example.com",
        "nobody@example.com",
        "off@example.com",
        "provider@example.com",
        "invited@example.com",
    ] {
        auth::ask_for_reset(&t, email, address, None).await.unwrap();
        let mut tx = t.db.read().await.unwrap();
        let waiting = fetch_scalar!(
            &mut tx,
            i64,
            "SELECT COUNT(*) FROM operator_mail m JOIN job j ON j.kind = 'deliver_operator_mail'
              WHERE m.purpose = 'password_reset' AND m.operator_id IS NULL"
        );
        assert_eq!(waiting.unwrap(), 1, "{email}");
        drop(tx);
        run_until_idle(&t).await.unwrap();
        let sent = mail.take();
        assert_eq!(
            sent.len(),
            usize::from(email == "mina@example.com"),
            "{email}"
        );
    }
    // And who asks too often waits, whoever it is.
    for email in ["mina@example.com", "nobody@example.com"] {
        for _ in 0..2 {
            auth::ask_for_reset(&t, email, address, None).await.unwrap();
        }
        let often = auth::ask_for_reset(&t, email, address, None).await;
        assert!(
            matches!(often, Err(Error::TooMany { retry_after_s: 5 })),
            "{often:?}"
        );
    }
    let mut tx = t.db.read().await.unwrap();
    let kept = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM operator_mail
                              WHERE purpose = 'password_reset' AND operator_id IS NULL"
    );
    assert_eq!(kept.unwrap(), 4);
    drop(tx);
    run_until_idle(&t).await.unwrap();
    t.clock.advance(Duration::hours(25));
    run_until_idle(&t).await.unwrap();
});

db_test!(whose_second_factor_was_reset_is_told, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let (email, role) = ("mina@example.com", Role::HelpDesk);
    let mina = auth::add_operator(&t, email, "Mina", role, PASSWORD.into());
    let mina = t.scope_of(mina.await.unwrap().id).await;
    let id = mina.operator_id().unwrap();
    sample::authenticator(&t, &mina).await;
    auth::second_factor::reset(&t, &owner, id).await.unwrap();
    run_until_idle(&t).await.unwrap();
    let got = mail.take();
    assert_eq!((got.len(), got[0].to.as_str()), (1, email));
    assert_eq!(
        got[0].header("Subject"),
        "Your second factor for Rollcall was reset"
    );
    let text = plain(&got[0]);
    assert!(text.contains("Owner took away"), "{text}");
    assert!(!text.contains("secret="), "no link signs anybody in");
    let mut tx = t.db.read().await.unwrap();
    let left = fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM operator_mail");
    assert_eq!(left.unwrap(), 0, "what was told is kept nowhere");
});
