//! Both ways out, and the outbox between them and what happened.

use chrono::Duration;
use domain::{
    id::{CustomerId, NotificationRecipientId},
    notification::{
        DeliveryStatus, NewNotificationRecipient, NotificationCause, NotificationDelivery,
        NotificationRecipientChange, NotificationRecipientMade, RecipientKind,
    },
    run::{RunError, RunStatus},
};

use super::{
    WebhookHosts, Webhooks,
    causes::{Ended, run_ended},
    send_test,
    sinks::{self, GotHook, HookSink, MailSink},
};
use crate::{
    Error, Scope, db_test,
    delivery::TIMEOUT,
    fetch_one, fetch_scalar,
    jobs::{DELIVERIES_MAX, Worker, WorkerLimits, run_until_idle},
    mail::{Smtp, SmtpGiven},
    store::{notification_recipients as recipients, sample},
    testing::TestBackend,
};

async fn add(
    t: &TestBackend,
    scope: &Scope,
    customer: Option<CustomerId>,
    kind: RecipientKind,
    address: &str,
) -> NotificationRecipientMade {
    let new = NewNotificationRecipient {
        kind,
        address: address.to_owned(),
        causes: None,
    };
    recipients::create(t, scope, customer, new).await.unwrap()
}

async fn last(t: &TestBackend, id: NotificationRecipientId) -> NotificationDelivery {
    recipients::deliveries(t, &Scope::worker(), id)
        .await
        .unwrap()
        .remove(0)
}

/// As after a run that failed for the third time.
async fn fail(t: &TestBackend, customer: CustomerId) {
    let integration = sample::integration(t, &Scope::worker(), customer).await;
    let error = RunError {
        code: "AADSTS7000222".to_owned(),
        title: "Client secret expired".to_owned(),
        detail: "It ended for mina@contoso.example.".to_owned(),
        fix: "Make a new one.".to_owned(),
    };
    let run = Ended {
        integration_id: integration.id,
        customer_id: customer,
        name: &integration.name,
        run_id: sample::run(t, integration.id, RunStatus::Failed).await,
        status: RunStatus::Failed,
        state: integration.state,
        failures: 3,
        error: Some(&error),
    };
    let mut tx = t.db.write().await.unwrap();
    run_ended(t, &mut tx, &run).await.unwrap();
    tx.commit().await.unwrap();
}

/// Whether the one independent implementation signs alike.
fn is_signed_with(hook: &GotHook, secret: &str) -> bool {
    let theirs = standardwebhooks::Webhook::new(secret).unwrap();
    let timestamp = hook.header("webhook-timestamp").parse().unwrap();
    let expected = theirs
        .sign(hook.header("webhook-id"), timestamp, hook.body.as_bytes())
        .unwrap();
    hook.header("webhook-signature")
        .split(' ')
        .any(|signature| signature == expected)
}

db_test!(a_message_goes_by_mail_and_as_a_signed_webhook, |t| {
    let mut t = t;
    let (mail, hooks) = (MailSink::mail().await, HookSink::hooks().await);
    sinks::connect(&mut t.backend, Some(&mail));
    let owner = t.owner().await;
    let customer = t.customer("Contoso <&> Söhne").await;
    let to = add(
        &t,
        &owner,
        Some(customer),
        RecipientKind::Mail,
        "mina@example.com",
    )
    .await;
    let hook = add(
        &t,
        &owner,
        Some(customer),
        RecipientKind::Webhook,
        &hooks.url("/a?b=c"),
    )
    .await;
    assert!(to.secret.is_none());
    let secret = hook.secret.unwrap();
    fail(&t, customer).await;
    run_until_idle(&t).await.unwrap();

    let [got] = &mail.take()[..] else {
        panic!("one mail")
    };
    assert_eq!(got.to, "mina@example.com");
    assert_eq!(got.header("From"), "Rollcall <rollcall@example.com>");
    assert_eq!(got.header("Reply-To"), "desk@example.com");
    assert_eq!(got.header("Auto-Submitted"), "auto-generated");
    assert_eq!(got.header("Date"), "Sun, 01 Mar 2026 12:00:00 +0000");
    assert!(
        got.header("Content-Type")
            .starts_with("multipart/alternative"),
        "{got:?}"
    );
    assert!(
        got.text.contains("text/plain") && got.text.contains("text/html"),
        "{got:?}"
    );
    assert!(!got.text.contains(&secret), "{got:?}");

    let [got] = &hooks.take()[..] else {
        panic!("one webhook")
    };
    assert_eq!(got.path, "/a?b=c");
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(
        got.header("webhook-timestamp"),
        t.clock.now().timestamp().to_string()
    );
    assert!(is_signed_with(got, &secret), "{got:?}");
    assert!(!is_signed_with(
        got,
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    ));
    let json = got.json();
    assert_eq!(json["id"], got.header("webhook-id"));
    assert_eq!(json["type"], "integration.failing");
    assert_eq!(json["data"]["customer"]["name"], "Contoso <&> Söhne");
    assert!(!got.body.contains("mina@"), "{got:?}");
    for id in [to.recipient.id, hook.recipient.id] {
        let last = last(&t, id).await;
        assert_eq!(last.status, DeliveryStatus::Delivered, "{last:?}");
        assert_eq!((last.attempts, last.error, last.next_at), (1, None, None));
    }
    assert_eq!(
        run_until_idle(&t).await.unwrap(),
        0,
        "nothing is left to send"
    );
});

db_test!(what_is_refused_is_tried_for_a_day_with_the_same_id, |t| {
    let mut t = t;
    let (mail, hooks) = (MailSink::mail().await, HookSink::hooks().await);
    sinks::connect(&mut t.backend, Some(&mail));
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let to = add(
        &t,
        &owner,
        Some(customer),
        RecipientKind::Mail,
        "mina@example.com",
    )
    .await;
    let hook = add(
        &t,
        &owner,
        Some(customer),
        RecipientKind::Webhook,
        &hooks.url("/"),
    )
    .await;
    mail.answer("550 no such mailbox");
    hooks.answer("HTTP/1.1 503 Service Unavailable");
    fail(&t, customer).await;
    run_until_idle(&t).await.unwrap();
    let first = last(&t, to.recipient.id).await;
    assert_eq!((first.status, first.attempts), (DeliveryStatus::Queued, 1));
    let error = first.error.unwrap();
    assert_eq!(error.code, "mail_refused");
    assert!(error.detail.contains("no such mailbox"), "{error:?}");
    assert!(first.next_at.unwrap() > t.clock.now());
    let error = last(&t, hook.recipient.id).await.error.unwrap();
    assert_eq!(error.code, "webhook_failed");
    assert!(error.detail.contains("503"), "{error:?}");

    let id = hooks.take()[0].header("webhook-id").to_owned();
    assert!(mail.take().is_empty());
    hooks.answer("HTTP/1.1 200 OK");
    t.clock.advance(Duration::minutes(1));
    run_until_idle(&t).await.unwrap();
    let again = hooks.take();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].header("webhook-id"), id);
    assert_eq!(
        last(&t, hook.recipient.id).await.status,
        DeliveryStatus::Delivered
    );

    for _ in 0..30 {
        t.clock.advance(Duration::hours(1));
        run_until_idle(&t).await.unwrap();
    }
    let end = last(&t, to.recipient.id).await;
    assert_eq!((end.status, end.next_at), (DeliveryStatus::Failed, None));
    assert!(end.attempts > 10, "{end:?}");
    assert_eq!(end.error.unwrap().code, "mail_refused");
    mail.answer("250 OK");
    t.clock.advance(Duration::days(1));
    run_until_idle(&t).await.unwrap();
    assert!(mail.take().is_empty(), "it was given up");
});

db_test!(a_webhook_that_is_gone_or_moved_gets_no_more, |t| {
    let mut t = t;
    let (hooks, elsewhere) = (HookSink::hooks().await, HookSink::hooks().await);
    sinks::connect(&mut t.backend, None);
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let hook = add(
        &t,
        &owner,
        Some(customer),
        RecipientKind::Webhook,
        &hooks.url("/"),
    )
    .await;
    hooks.answer("HTTP/1.1 410 Gone");
    fail(&t, customer).await;
    run_until_idle(&t).await.unwrap();
    let gone = last(&t, hook.recipient.id).await;
    assert_eq!((gone.status, gone.attempts), (DeliveryStatus::Failed, 1));
    assert_eq!(gone.error.unwrap().code, "webhook_gone");

    hooks.answer(&format!(
        "HTTP/1.1 302 Found\r\nLocation: {}",
        elsewhere.url("/")
    ));
    let test = send_test(&t, &owner, hook.recipient.id).await.unwrap();
    assert_eq!(test.error.unwrap().code, "webhook_redirected");
    assert!(elsewhere.take().is_empty(), "redirects are not followed");
});

db_test!(a_private_address_is_reached_only_where_it_is_allowed, |t| {
    let mut t = t;
    let hooks = HookSink::hooks().await;
    sinks::connect(&mut t.backend, None);
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let port = hooks.address.port();
    // A name that resolves to this machine, as one of somebody else's may at any time.
    for address in [hooks.url("/"), format!("http://localhost:{port}/")] {
        let hook = add(&t, &owner, Some(customer), RecipientKind::Webhook, &address).await;
        let allowed = t.backend.webhooks.clone();
        t.backend.webhooks = Webhooks::new(false, None).unwrap();
        let test = send_test(&t, &owner, hook.recipient.id).await.unwrap();
        assert_eq!(test.status, DeliveryStatus::Failed);
        assert_eq!(
            test.error.unwrap().code,
            "webhook_private_address",
            "{address}"
        );
        assert!(hooks.take().is_empty(), "{address}");
        t.backend.webhooks = allowed;
        let test = send_test(&t, &owner, hook.recipient.id).await.unwrap();
        assert_eq!(test.status, DeliveryStatus::Delivered, "{address} {test:?}");
        assert_eq!(hooks.take()[0].json()["type"], "test");
    }
});

db_test!(a_host_that_is_listed_no_more_gets_nothing_more, |t| {
    let mut t = t;
    let hooks = HookSink::hooks().await;
    sinks::connect(&mut t.backend, None);
    let owner = t.owner().await;
    let url = hooks.url("/");
    let hook = add(&t, &owner, None, RecipientKind::Webhook, &url).await;
    for (listed, code) in [
        ("127.0.0.1", None),
        ("hooks.example.com", Some("webhook_host_not_listed")),
    ] {
        let hosts = WebhookHosts::parse(&[listed.to_owned()]).unwrap();
        t.backend.webhooks = Webhooks::new(true, Some(hosts)).unwrap();
        let test = send_test(&t, &owner, hook.recipient.id).await.unwrap();
        assert_eq!(test.error.map(|error| error.code).as_deref(), code);
        assert_eq!(hooks.take().len(), usize::from(code.is_none()), "{listed}");
    }
    let new = NewNotificationRecipient {
        kind: RecipientKind::Webhook,
        address: "https://example.com/x".to_owned(),
        causes: None,
    };
    let refused = recipients::create(&t, &owner, None, new).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(field)
            if field.field == "address" && field.message.contains("webhook_hosts")),
        "{refused:?}"
    );
});

db_test!(a_new_secret_leaves_the_old_one_a_day, |t| {
    let mut t = t;
    let hooks = HookSink::hooks().await;
    sinks::connect(&mut t.backend, None);
    let owner = t.owner().await;
    let made = add(&t, &owner, None, RecipientKind::Webhook, &hooks.url("/")).await;
    let id = made.recipient.id;
    let old = made.secret.unwrap();
    t.clock.advance(Duration::hours(1));
    let change = NotificationRecipientChange {
        rotate_secret: true,
        ..NotificationRecipientChange::default()
    };
    let changed = recipients::change(&t, &owner, id, change).await.unwrap();
    let new = changed.secret.unwrap();
    assert_ne!(old, new);
    assert_eq!(changed.recipient.secret_set_at, Some(t.clock.now()));
    send_test(&t, &owner, id).await.unwrap();
    let [got] = &hooks.take()[..] else {
        panic!("one webhook")
    };
    assert!(
        is_signed_with(got, &old) && is_signed_with(got, &new),
        "{got:?}"
    );
    t.clock.advance(Duration::days(1));
    send_test(&t, &owner, id).await.unwrap();
    let [got] = &hooks.take()[..] else {
        panic!("one webhook")
    };
    assert!(
        !is_signed_with(got, &old) && is_signed_with(got, &new),
        "{got:?}"
    );
});

db_test!(without_a_mail_server_webhooks_still_go, |t| {
    let mut t = t;
    let hooks = HookSink::hooks().await;
    sinks::connect(&mut t.backend, None);
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let to = add(
        &t,
        &owner,
        Some(customer),
        RecipientKind::Mail,
        "mina@example.com",
    )
    .await;
    add(
        &t,
        &owner,
        Some(customer),
        RecipientKind::Webhook,
        &hooks.url("/"),
    )
    .await;
    fail(&t, customer).await;
    run_until_idle(&t).await.unwrap();
    assert_eq!(hooks.take().len(), 1);
    let waiting = last(&t, to.recipient.id).await;
    assert_eq!(waiting.status, DeliveryStatus::Queued);
    let error = waiting.error.unwrap();
    assert_eq!(error.code, "mail_not_set_up");
    assert!(error.fix.contains("smtp"), "{error:?}");
    // Somebody sets it up within the day.
    let mail = MailSink::mail().await;
    sinks::connect(&mut t.backend, Some(&mail));
    t.clock.advance(Duration::minutes(1));
    run_until_idle(&t).await.unwrap();
    assert_eq!(mail.take().len(), 1);
});

db_test!(
    a_mail_server_without_tls_gets_nothing_where_tls_is_configured,
    |t| {
        let mut t = t;
        let mail = MailSink::mail().await;
        let owner = t.owner().await;
        let to = add(&t, &owner, None, RecipientKind::Mail, "mina@example.com").await;
        for (security, port, code) in [
            ("starttls", mail.address.port(), "mail_not_offered"),
            // Nothing listens there.
            ("tls", 1, "mail_unreachable"),
        ] {
            let smtp = Smtp::checked(SmtpGiven {
                host: "127.0.0.1".to_owned(),
                port: Some(port),
                security: Some(security.to_owned()),
                username: Some("rollcall".to_owned()),
                password: Some("hunter2".into()),
                from: "rollcall@example.com".to_owned(),
                reply_to: None,
            });
            t.backend.settings = std::sync::Arc::new(crate::Settings {
                smtp: Some(smtp.unwrap()),
                ..(*t.settings).clone()
            });
            let test = send_test(&t, &owner, to.recipient.id).await.unwrap();
            let error = test.error.unwrap();
            assert_eq!(error.code, code, "{error:?}");
            assert!(error.fix.contains("smtp."), "{error:?}");
            assert!(mail.take().is_empty());
        }
    }
);

db_test!(
    only_who_wants_it_of_this_customer_is_told_and_nobody_twice,
    |t| {
        let mut t = t;
        let mail = MailSink::mail().await;
        sinks::connect(&mut t.backend, Some(&mail));
        let owner = t.owner().await;
        let (contoso, other) = (t.customer("Contoso").await, t.customer("Other").await);
        let kind = RecipientKind::Mail;
        add(&t, &owner, Some(contoso), kind, "both@example.com").await;
        add(&t, &owner, None, kind, "Both@example.com").await;
        add(&t, &owner, None, kind, "all@example.com").await;
        add(&t, &owner, Some(other), kind, "other@example.com").await;
        let held = add(&t, &owner, Some(contoso), kind, "held@example.com").await;
        let change = NotificationRecipientChange {
            causes: Some(vec![NotificationCause::Held]),
            ..NotificationRecipientChange::default()
        };
        recipients::change(&t, &owner, held.recipient.id, change)
            .await
            .unwrap();
        fail(&t, contoso).await;
        run_until_idle(&t).await.unwrap();
        let mut told: Vec<_> = mail.take().into_iter().map(|mail| mail.to).collect();
        told.sort();
        assert_eq!(told, ["all@example.com", "both@example.com"]);
    }
);

db_test!(
    a_recipient_that_wants_something_else_keeps_nothing_from_another,
    |t| {
        let mut t = t;
        let mail = MailSink::mail().await;
        sinks::connect(&mut t.backend, Some(&mail));
        let owner = t.owner().await;
        let customer = t.customer("Contoso").await;
        let kind = RecipientKind::Mail;
        let held = add(&t, &owner, Some(customer), kind, "mina@example.com").await;
        let change = NotificationRecipientChange {
            causes: Some(vec![NotificationCause::Held]),
            ..NotificationRecipientChange::default()
        };
        recipients::change(&t, &owner, held.recipient.id, change)
            .await
            .unwrap();
        add(&t, &owner, None, kind, "Mina@example.com").await;
        fail(&t, customer).await;
        run_until_idle(&t).await.unwrap();
        let told: Vec<_> = mail.take().into_iter().map(|mail| mail.to).collect();
        assert_eq!(told, ["Mina@example.com"]);
    }
);

db_test!(a_test_is_written_down_without_the_webhooks_path, |t| {
    let mut t = t;
    let hooks = HookSink::hooks().await;
    sinks::connect(&mut t.backend, None);
    let owner = t.owner().await;
    let url = hooks.url("/key-in-path");
    let hook = add(&t, &owner, None, RecipientKind::Webhook, &url).await;
    send_test(&t, &owner, hook.recipient.id).await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    let (subject,) = fetch_one!(
        &mut tx,
        (String,),
        "SELECT object_name FROM audit_event WHERE action = 'notification_recipient.test'"
    )
    .unwrap();
    assert_eq!(subject, "127.0.0.1");
});

db_test!(receivers_that_never_answer_leave_the_worker_its_room, |t| {
    let mut t = t;
    // It takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = silent.local_addr().unwrap();
    sinks::connect(&mut t.backend, None);
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    for number in 0..DELIVERIES_MAX * 3 {
        let url = format!("http://{at}/{number}");
        add(&t, &owner, Some(customer), RecipientKind::Webhook, &url).await;
    }
    fail(&t, customer).await;
    let limits = WorkerLimits {
        reading: 1,
        applying: 1,
        poll: std::time::Duration::from_millis(5),
        shutdown: std::time::Duration::from_millis(5),
    };
    let shutdown = tokio_util::sync::CancellationToken::new();
    let worker = tokio::spawn(Worker::new(t.backend.clone(), limits).run(shutdown.clone()));
    let count = async |condition: &'static str| {
        let mut tx = t.db.read().await.unwrap();
        let sql = format!("SELECT COUNT(*) FROM job WHERE {condition}");
        fetch_scalar!(&mut tx, i64, sqlx::AssertSqlSafe(sql)).unwrap()
    };
    // All of these come after the messages.
    let waits = "kind LIKE 'purge%' AND (last_error IS NOT NULL OR lease_until IS NOT NULL
                 OR attempts > 0 OR run_at <= created_at)";
    let done = async {
        while count("kind LIKE 'purge%'").await == 0 || count(waits).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    // Half of what an attempt may take.
    let done = tokio::time::timeout(TIMEOUT / 2, done).await;
    let at_work = count("kind = 'deliver_notification' AND lease_until IS NOT NULL").await;
    shutdown.cancel();
    worker.await.unwrap();
    assert!(done.is_ok(), "the messages take every place");
    assert_eq!(at_work, i64::try_from(DELIVERIES_MAX).unwrap());
});
