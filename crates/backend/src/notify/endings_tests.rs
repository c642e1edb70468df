use chrono::Duration;
use domain::{
    credential_profile::{NewCredentialProfile, WARNED_DAYS},
    notification::{
        NewNotificationRecipient, NotificationCause, NotificationRecipientChange, RecipientKind,
    },
};

use super::warn;
use crate::{
    db_test, execute, fetch_all,
    notify::{check_mail_server, mail_server, mail_server::look, sinks},
    store::{credential_profiles, customers, notification_recipients, overview, sample},
    testing::TestBackend,
};

/// Titles of what waits in the outbox, with the address it goes to; the outbox is emptied.
async fn told(t: &TestBackend) -> Vec<String> {
    let mut tx = t.db.write().await.unwrap();
    let rows = fetch_all!(
        &mut tx,
        (String, String),
        "SELECT r.address, d.title FROM notification_delivery d
           JOIN notification_recipient r ON r.id = d.recipient_id ORDER BY d.id"
    );
    execute!(&mut tx, "DELETE FROM notification_delivery").unwrap();
    tx.commit().await.unwrap();
    let rows = rows.unwrap();
    rows.into_iter()
        .map(|(to, title)| format!("{to}: {title}"))
        .collect()
}

async fn recipient(t: &TestBackend, customer: Option<domain::id::CustomerId>, address: &str) {
    let new = NewNotificationRecipient {
        kind: RecipientKind::Mail,
        address: address.to_owned(),
        causes: Some(vec![NotificationCause::SecretEnds]),
    };
    let scope = t.owner().await;
    notification_recipients::create(t, &scope, customer, new)
        .await
        .unwrap();
}

async fn ending(
    t: &TestBackend,
    customer: Option<domain::id::CustomerId>,
    name: &str,
    days: i64,
) -> domain::id::CredentialProfileId {
    let new = NewCredentialProfile {
        expires_at: Some(t.clock.now() + Duration::days(days)),
        ..sample::new_profile(customer, name)
    };
    let scope = t.owner().await;
    credential_profiles::create(t, &scope, new)
        .await
        .unwrap()
        .id
}

db_test!(
    an_end_is_told_once_at_each_threshold_to_those_it_concerns,
    |t| {
        let (a, b) = (t.customer("Adatum").await, t.customer("Blue").await);
        recipient(&t, None, "all@x.example").await;
        recipient(&t, Some(a), "a@x.example").await;
        recipient(&t, Some(b), "b@x.example").await;
        ending(&t, None, "Shared", 62).await;
        ending(&t, Some(a), "Own", 62).await;
        let mut days = Vec::new();
        for _ in 0..(64 * 4) {
            warn(&t).await.unwrap();
            for line in told(&t).await {
                days.push(line);
            }
            t.clock.advance(Duration::hours(6));
        }
        let mut wanted = Vec::new();
        for left in WARNED_DAYS {
            let left = if left == 1 {
                "1 day".to_owned()
            } else {
                format!("{left} days")
            };
            wanted.push(format!(
                "all@x.example: Ends in {left}: the client secret of Shared"
            ));
            wanted.push(format!(
                "a@x.example: Ends in {left}: the client secret of Own"
            ));
            wanted.push(format!(
                "all@x.example: Ends in {left}: the client secret of Own"
            ));
        }
        assert_eq!(days, wanted);
    }
);

db_test!(what_is_late_is_told_once_and_a_new_end_anew, |t| {
    let owner = t.owner().await;
    recipient(&t, None, "all@x.example").await;
    let id = ending(&t, None, "P", 5).await;
    assert_eq!(warn(&t).await.unwrap(), 1);
    assert_eq!(
        told(&t).await,
        ["all@x.example: Ends in 5 days: the client secret of P"]
    );
    assert_eq!(warn(&t).await.unwrap(), 0);
    let change = domain::credential_profile::CredentialProfileChange {
        expires_at: Some(t.clock.now() + Duration::days(6)),
        ..Default::default()
    };
    credential_profiles::change(&t, &owner, id, change)
        .await
        .unwrap();
    warn(&t).await.unwrap();
    assert_eq!(
        told(&t).await,
        ["all@x.example: Ends in 6 days: the client secret of P"]
    );

    // A next one that was tried out puts the end off; one that wasn't doesn't.
    let second = domain::credential_profile::NewSecondCredential {
        kind: domain::credential_profile::CredentialKind::ClientSecret,
        client_secret: Some("next".to_owned()),
        certificate_pem: None,
        private_key_pem: None,
        certificate_years: None,
        expires_at: Some(t.clock.now() + Duration::days(300)),
    };
    credential_profiles::put_second(&t, &owner, id, second)
        .await
        .unwrap();
    t.clock.advance(Duration::days(5));
    assert_eq!(warn(&t).await.unwrap(), 1);
    let mut tx = t.db.write().await.unwrap();
    let (message,) = fetch_all!(
        &mut tx,
        (String,),
        "SELECT message FROM notification_delivery"
    )
    .unwrap()
    .remove(0);
    assert!(
        message.contains("nobody tried it out") && message.contains("/credential-profiles/"),
        "{message}"
    );
    let (tested, _) = credential_profiles::second_credential(&t, &mut tx, id)
        .await
        .unwrap();
    credential_profiles::tested(&t, &mut tx, id, tested)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    told(&t).await;
    t.clock.advance(Duration::hours(23));
    assert_eq!(warn(&t).await.unwrap(), 0);
    let seen = overview::summary(&t, &owner, None).await.unwrap();
    assert_eq!(seen.troubles, 0);

    // Nothing is told of who is in the bin, nor of what is over.
    let gone = t.customer("Gone").await;
    ending(&t, Some(gone), "Of gone", 3).await;
    let ends = ending(&t, None, "Over", 1).await;
    customers::delete(&t, &owner, gone, None).await.unwrap();
    t.clock.advance(Duration::days(1));
    assert_eq!(warn(&t).await.unwrap(), 0);
    let seen = overview::summary(&t, &owner, None).await.unwrap();
    assert_eq!(seen.worst_first.len(), 1);
    let line = &seen.worst_first[0];
    assert_eq!(
        (line.credential_profile_id, line.what.as_str()),
        (Some(ends), "Its secret or certificate has ended")
    );
});

db_test!(who_would_be_warned_is_told_to_those_who_may_know, |t| {
    let (a, b) = (t.customer("Adatum").await, t.customer("Blue").await);
    let (owner, some) = (t.owner().await, t.administrator_of(&[a]).await);
    let mut t = t;
    let reach = async |t: &TestBackend, scope, customer| {
        notification_recipients::warning_reach(t, scope, customer)
            .await
            .unwrap()
            .unwrap()
    };
    assert!(
        overview::summary(&t, &owner, None)
            .await
            .unwrap()
            .warnings
            .is_none(),
        "nothing ends"
    );
    ending(&t, Some(a), "Own", 20).await;
    let nobody = overview::summary(&t, &owner, None)
        .await
        .unwrap()
        .warnings
        .unwrap();
    assert!(nobody.is_nobody() && nobody.complete);
    assert!(
        overview::summary(&t, &some, None)
            .await
            .unwrap()
            .warnings
            .is_none()
    );
    let own = reach(&t, &some, Some(a)).await;
    assert_eq!((own.recipients, own.complete), (0, false));

    recipient(&t, None, "all@x.example").await;
    recipient(&t, Some(b), "b@x.example").await;
    let unsent = reach(&t, &owner, Some(a)).await;
    assert_eq!(
        (unsent.recipients, unsent.without_mail, unsent.is_nobody()),
        (1, 1, true)
    );
    assert_eq!(
        reach(&t, &some, Some(a)).await.recipients,
        0,
        "of the installation nothing is told"
    );

    let server = sinks::MailSink::mail().await;
    sinks::connect(&mut t.backend, Some(&server));
    let untried = reach(&t, &owner, Some(a)).await;
    assert_eq!(
        (untried.untried, untried.is_nobody()),
        (1, true),
        "no message reached it yet"
    );
    server.answer("550 unknown");
    warn(&t).await.unwrap();
    crate::jobs::run_until_idle(&t).await.unwrap();
    let failed = reach(&t, &owner, Some(a)).await;
    assert_eq!(
        (failed.recipients, failed.unreached, failed.is_nobody()),
        (1, 1, true)
    );
    let noted = overview::summary(&t, &owner, None)
        .await
        .unwrap()
        .warnings
        .unwrap();
    assert!(noted.is_nobody());
    server.answer("250 OK");
    let line = notification_recipients::lines(&t, &owner, None)
        .await
        .unwrap()
        .remove(0);
    crate::notify::send_test(&t, &owner, line.recipient.id)
        .await
        .unwrap();
    assert!(
        !reach(&t, &owner, Some(a)).await.is_nobody(),
        "a test message reached it"
    );
});

db_test!(the_mail_server_is_looked_at_before_there_is_a_mail, |t| {
    let owner = t.owner().await;
    let mut t = t;
    ending(&t, None, "Shared", 20).await;
    recipient(&t, None, "all@x.example").await;
    let reach = async |t: &TestBackend| {
        notification_recipients::warning_reach(t, &owner, None)
            .await
            .unwrap()
            .unwrap()
    };
    assert_eq!(check_mail_server(&t, &owner).await.unwrap(), None);

    let server = sinks::MailSink::mail().await;
    sinks::connect(&mut t.backend, Some(&server));
    assert_eq!(
        mail_server(&t, &owner).await.unwrap(),
        None,
        "not looked at yet"
    );
    let fine = check_mail_server(&t, &owner).await.unwrap().unwrap();
    assert_eq!(fine.error, None);
    assert!(server.take().is_empty(), "no mail is sent");
    assert_eq!(reach(&t).await.without_mail, 0);

    drop(server);
    t.clock.advance(Duration::hours(1));
    look(&t).await.unwrap();
    let seen = mail_server(&t, &owner).await.unwrap().unwrap();
    let error = seen.error.clone().unwrap();
    assert!(error.fix.contains("smtp."), "{error:?}");
    assert_eq!(seen.checked_at, t.clock.now());
    let failed = reach(&t).await;
    assert_eq!((failed.without_mail, failed.is_nobody()), (1, true));
    assert_eq!(failed.mail_error(), Some(&error));
    let noted = overview::summary(&t, &owner, None).await.unwrap().warnings;
    assert_eq!(noted.unwrap().mail_server, Some(seen));
});

db_test!(another_address_was_never_reached, |t| {
    let owner = t.owner().await;
    let mut t = t;
    let server = sinks::MailSink::mail().await;
    sinks::connect(&mut t.backend, Some(&server));
    recipient(&t, None, "all@x.example").await;
    let line = notification_recipients::lines(&t, &owner, None)
        .await
        .unwrap()
        .remove(0);
    let id = line.recipient.id;
    crate::notify::send_test(&t, &owner, id).await.unwrap();
    let reach = async |t: &TestBackend| {
        notification_recipients::warning_reach(t, &owner, None)
            .await
            .unwrap()
            .unwrap()
    };
    let reached = reach(&t).await;
    assert_eq!((reached.untried, reached.is_nobody()), (0, false));
    let change = NotificationRecipientChange {
        address: Some("other@x.example".to_owned()),
        ..NotificationRecipientChange::default()
    };
    notification_recipients::change(&t, &owner, id, change)
        .await
        .unwrap();
    assert_eq!(reach(&t).await.untried, 1);
});
