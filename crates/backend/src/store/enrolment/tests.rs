use domain::{
    bulk::BulkAction,
    enrolment::{EnrolmentSettings, EnrolmentState, Language},
    user::DirectoryStatus,
};

use super::*;
use crate::{
    db_test,
    jobs::run_until_idle,
    notify::sinks::{self, MailSink},
    store::{
        bulk, sample,
        users::{self, UserQuery},
    },
    testing::TestBackend,
};

use DirectoryStatus::{Active, Inactive};

async fn with_mail(t: &mut TestBackend) -> MailSink {
    let mail = MailSink::mail().await;
    sinks::connect(&mut t.backend, Some(&mail));
    mail
}

/// A mail's text as it reads: lines that quoted-printable broke are whole again.
fn plain(mail: &sinks::GotMail) -> String {
    mail.text.replace("=\r\n", "").replace("=3D", "=")
}

async fn states(t: &TestBackend, scope: &Scope) -> Vec<(String, EnrolmentState)> {
    let page = users::list(t, scope, UserQuery::default()).await.unwrap();
    let states = page.items.into_iter();
    states
        .map(|line| (line.user.display_name, line.enrolment))
        .collect()
}

db_test!(the_first_are_invited_then_more_and_nobody_twice, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    for name in ["Ada", "Bea", "Carl"] {
        sample::user(&t, customer, None, name, Active).await;
    }
    sample::user(&t, customer, None, "Off", Inactive).await;
    let elsewhere = t.customer("Elsewhere").await;
    sample::user(&t, elsewhere, None, "Zoe", Active).await;
    let invited = invite_first(&t, &owner, customer, 2).await.unwrap();
    assert_eq!((invited.invited, invited.left), (2, 1));
    run_until_idle(&t).await.unwrap();
    let to: Vec<_> = mail.take().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["ada@x.example", "bea@x.example"]);
    let invited = invite_first(&t, &owner, customer, 2).await.unwrap();
    assert_eq!((invited.invited, invited.left), (1, 0));
    let invited = invite_first(&t, &owner, customer, 2).await.unwrap();
    assert_eq!((invited.invited, invited.left), (0, 0));
    run_until_idle(&t).await.unwrap();
    assert_eq!(mail.take().len(), 1);
    let not = EnrolmentState::NotInvited;
    let invited = EnrolmentState::Invited;
    assert_eq!(
        states(&t, &owner).await,
        [
            ("Ada".to_owned(), invited),
            ("Bea".to_owned(), invited),
            ("Carl".to_owned(), invited),
            ("Off".to_owned(), not),
            ("Zoe".to_owned(), not),
        ]
    );
    let query = UserQuery {
        enrolment: Some(not),
        ..UserQuery::default()
    };
    assert_eq!(users::list(&t, &owner, query).await.unwrap().total, 2);
    for wrong in [0, AT_ONCE + 1] {
        let refused = invite_first(&t, &owner, customer, wrong).await;
        assert!(matches!(refused, Err(Error::Invalid(field)) if field.field == "first"));
    }
});

const AT_ONCE: u32 = domain::enrolment::AT_ONCE_MAX;

db_test!(a_mail_that_is_refused_shows_with_its_reason, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    mail.answer("550 5.1.1 No such user here");
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let ada = sample::user(&t, customer, None, "Ada", Active).await;
    let enrolment = invite(&t, &owner, ada).await.unwrap();
    assert_eq!(enrolment.state, EnrolmentState::Invited);
    for _ in 0..30 {
        run_until_idle(&t).await.unwrap();
        t.clock.advance(chrono::Duration::hours(1));
    }
    let enrolment = get(&t, &owner, ada).await.unwrap();
    assert_eq!(enrolment.state, EnrolmentState::MailFailed);
    let mails = mails(&t, &owner, ada).await.unwrap();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].status, DeliveryStatus::Failed);
    let error = mails[0].error.clone().unwrap();
    assert!(error.detail.contains("No such user here"), "{error:?}");
    // Nothing of the link is left but its hash.
    assert_eq!(sealed(&t).await, 0);

    mail.answer("250 OK");
    invite(&t, &owner, ada).await.unwrap();
    run_until_idle(&t).await.unwrap();
    let enrolment = get(&t, &owner, ada).await.unwrap();
    assert_eq!(enrolment.state, EnrolmentState::Invited);
    t.clock.advance(chrono::Duration::days(14));
    let enrolment = get(&t, &owner, ada).await.unwrap();
    assert_eq!(enrolment.state, EnrolmentState::Expired);
});

async fn sealed(t: &TestBackend) -> i64 {
    let mut tx = t.db.read().await.unwrap();
    crate::fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM enrolment_mail WHERE secret_sealed IS NOT NULL"
    )
    .unwrap()
}

db_test!(the_mail_says_what_the_customer_wants_in_its_language, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let customer = t.customer("Adatum & Zn.").await;
    let ada = sample::user(&t, customer, None, "Ada & Bea", Active).await;
    let settings = EnrolmentSettings {
        language: Language::Dutch,
        sender_name: Some("IT van Adatum".to_owned()),
        reply_to: Some("it@adatum.example".to_owned()),
        subject: Some("Welkom {name}".to_owned()),
        text: Some("Dag {name},\n\nu bent {user_name} bij {customer}, {days} dagen.".to_owned()),
        link_days: 3,
    };
    let before = preview(&t, &owner, customer, EnrolmentSettings::default()).await;
    assert_eq!(
        before.unwrap().subject,
        "Activate your account at Adatum & Zn."
    );
    change_settings(&t, &owner, customer, settings.clone())
        .await
        .unwrap();
    assert_eq!(
        super::settings(&t, &owner, customer).await.unwrap(),
        settings
    );
    let shown = preview(&t, &owner, customer, settings.clone())
        .await
        .unwrap();
    assert_eq!(shown.from, "IT van Adatum <rollcall@example.com>");
    invite(&t, &owner, ada).await.unwrap();
    run_until_idle(&t).await.unwrap();
    let got = mail.take().remove(0);
    assert_eq!(got.header("Subject"), "Welkom Ada & Bea");
    let from = got.header("From").replace('"', "");
    assert_eq!(from, "IT van Adatum <rollcall@example.com>");
    assert_eq!(got.header("Reply-To"), "it@adatum.example");
    let text = plain(&got);
    assert!(
        text.contains("u bent ada.&.bea@x.example bij Adatum & Zn., 3 dagen."),
        "{text}"
    );
    assert!(text.contains("De link werkt "), "{text}");
    assert!(
        text.contains("Dag Ada &amp; Bea,"),
        "html is escaped: {text}"
    );
    // What a test mail shows is what comes.
    send_test(&t, &owner, customer, settings, "me@example.com")
        .await
        .unwrap();
    let sample_mail = mail.take().remove(0);
    assert_eq!(
        (
            sample_mail.to.as_str(),
            sample_mail.header("Subject").as_str()
        ),
        ("me@example.com", "Welkom Ada & Bea")
    );
    assert!(plain(&sample_mail).contains("secret=sample"));
});

db_test!(every_customer_is_a_wall, |t| {
    let mut t = t;
    let _mail = with_mail(&mut t).await;
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let ada = sample::user(&t, a, None, "Ada", Active).await;
    let of_b = t.administrator_of(&[b]).await;
    let missing = |given: Result<()>| matches!(given, Err(Error::NotFound(_)));
    assert!(missing(get(&t, &of_b, ada).await.map(drop)));
    assert!(missing(mails(&t, &of_b, ada).await.map(drop)));
    assert!(missing(invite(&t, &of_b, ada).await.map(drop)));
    assert!(missing(invite_first(&t, &of_b, a, 1).await.map(drop)));
    assert!(missing(not_invited(&t, &of_b, a).await.map(drop)));
    assert!(missing(settings(&t, &of_b, a).await.map(drop)));
    let default = EnrolmentSettings::default;
    assert!(missing(
        change_settings(&t, &of_b, a, default()).await.map(drop)
    ));
    assert!(missing(preview(&t, &of_b, a, default()).await.map(drop)));
    assert!(missing(
        send_test(&t, &of_b, a, default(), "x@y.example").await
    ));
    let reader = t.role_over(domain::permission::Role::HelpDesk, &[a]).await;
    assert!(get(&t, &reader, ada).await.is_ok());
    assert!(matches!(
        invite(&t, &reader, ada).await,
        Err(Error::Forbidden(_))
    ));
});

db_test!(without_mail_nobody_is_invited, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let ada = sample::user(&t, customer, None, "Ada", Active).await;
    let off = sample::user(&t, customer, None, "Off", Inactive).await;
    assert!(matches!(
        invite(&t, &owner, ada).await,
        Err(Error::Conflict { .. })
    ));
    let mut t = t;
    let _mail = with_mail(&mut t).await;
    assert!(matches!(
        invite(&t, &owner, off).await,
        Err(Error::Conflict { .. })
    ));
    assert_eq!(
        get(&t, &owner, ada).await.unwrap().state,
        EnrolmentState::NotInvited
    );
});

db_test!(a_mail_that_came_back_is_said_of_the_last_one_alone, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let ada = sample::user(&t, customer, None, "Ada", Active).await;
    let said = async |scope: &Scope, address: &str| {
        bounced(&t, scope, customer, address, "Mailbox full").await
    };
    let none = said(&owner, "ada@x.example").await;
    assert!(
        matches!(none, Err(Error::NotFound("sent mail"))),
        "{none:?}"
    );
    invite(&t, &owner, ada).await.unwrap();
    run_until_idle(&t).await.unwrap();
    assert_eq!(mail.take().len(), 1);
    let elsewhere = t.customer("Elsewhere").await;
    let stranger = t.administrator_of(&[elsewhere]).await;
    let refused = said(&stranger, "ada@x.example").await;
    assert!(
        matches!(refused, Err(Error::NotFound("customer"))),
        "{refused:?}"
    );
    assert_eq!(said(&owner, " ada@x.example ").await.unwrap(), 1);
    let stands = get(&t, &owner, ada).await.unwrap();
    assert_eq!(stands.state, EnrolmentState::MailFailed);
    let last = mails(&t, &owner, ada).await.unwrap().remove(0);
    assert_eq!(last.error.unwrap().detail, "Mailbox full");
    let twice = said(&owner, "ada@x.example").await;
    assert!(
        matches!(twice, Err(Error::NotFound("sent mail"))),
        "{twice:?}"
    );
    t.clock.advance(chrono::Duration::minutes(1));
    invite(&t, &owner, ada).await.unwrap();
    let waits = said(&owner, "ada@x.example").await;
    assert!(waits.is_err(), "the newer one is on its way");
    assert_eq!(
        get(&t, &owner, ada).await.unwrap().state,
        EnrolmentState::Invited
    );
    let log = sample::audit_log(&t).await.join("\n");
    assert!(log.contains("user.mail_bounced"), "{log}");
});

db_test!(a_mail_is_marked_as_bounced_by_hand_and_taken_back, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let ada = sample::user(&t, customer, None, "Ada", Active).await;
    let bea = sample::user(&t, customer, None, "Bea", Active).await;
    invite(&t, &owner, ada).await.unwrap();
    let waits = mark_bounced(&t, &owner, ada, "").await;
    assert!(matches!(waits, Err(Error::Conflict { .. })), "{waits:?}");
    run_until_idle(&t).await.unwrap();
    assert_eq!(mail.take().len(), 1);

    let elsewhere = t.customer("Elsewhere").await;
    let stranger = t.administrator_of(&[elsewhere]).await;
    for refused in [
        mark_bounced(&t, &stranger, ada, "").await,
        unmark_bounced(&t, &stranger, ada).await,
    ] {
        assert!(
            matches!(refused, Err(Error::NotFound("user"))),
            "{refused:?}"
        );
    }
    let marked = mark_bounced(&t, &owner, ada, " Mailbox full ").await;
    assert_eq!(marked.unwrap().state, EnrolmentState::MailFailed);
    let last = mails(&t, &owner, ada).await.unwrap().remove(0);
    assert_eq!(last.error.unwrap().detail, "Mailbox full");
    assert_eq!(last.bounced_at, Some(t.clock.now()));
    let twice = mark_bounced(&t, &owner, ada, "").await;
    assert!(matches!(twice, Err(Error::Conflict { .. })), "{twice:?}");
    let back = unmark_bounced(&t, &owner, ada).await.unwrap();
    assert_eq!(back.state, EnrolmentState::Invited);
    let last = mails(&t, &owner, ada).await.unwrap().remove(0);
    assert_eq!((last.status, last.error), (DeliveryStatus::Delivered, None));
    let twice = unmark_bounced(&t, &owner, ada).await;
    assert!(matches!(twice, Err(Error::Conflict { .. })), "{twice:?}");

    let both = |action| bulk::Prepared {
        action,
        targets: bulk::Targets::Users(vec![ada.0, bea.0]),
        group_id: None,
        note: "Wrong domain".to_owned(),
        customer_id: None,
    };
    for (action, state) in [
        (BulkAction::MarkBounced, EnrolmentState::MailFailed),
        (BulkAction::UnmarkBounced, EnrolmentState::Invited),
    ] {
        let prepared = bulk::prepare(&t, &owner, both(action)).await.unwrap();
        assert_eq!((prepared.counts.would, prepared.counts.skipped), (1, 1));
        let done = bulk::apply(&t, &owner, prepared.id).await.unwrap();
        assert_eq!(done.counts.done, 1);
        assert_eq!(get(&t, &owner, ada).await.unwrap().state, state);
    }
    let log = sample::audit_log(&t).await.join("\n");
    assert!(log.contains("user.mail_arrived"), "{log}");
});

db_test!(invitations_are_limited_by_the_press_not_by_the_mail, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let mut people = Vec::new();
    for n in 0..40 {
        people.push(sample::user(&t, customer, None, &format!("P{n}"), Active).await);
    }
    let all = bulk::Prepared {
        action: BulkAction::Invite,
        targets: bulk::Targets::Users(people.iter().map(|id| id.0).collect()),
        group_id: None,
        note: String::new(),
        customer_id: None,
    };
    let prepared = bulk::prepare(&t, &owner, all).await.unwrap();
    let done = bulk::apply(&t, &owner, prepared.id).await.unwrap();
    assert_eq!(done.counts.done, 40, "that was one press");
    let none_left = invite_first(&t, &owner, customer, 1).await.unwrap();
    assert_eq!(none_left.invited, 0, "and that another");

    let mut taken = 2;
    let refused = loop {
        match invite(&t, &owner, people[0]).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken <= 30, "there is no end to it");
    };
    assert!(matches!(refused, Error::TooMany { .. }), "{refused:?}");
    assert_eq!(taken, 30, "as many as of operators");
    let refused = invite_first(&t, &owner, customer, 1).await;
    assert!(matches!(refused, Err(Error::TooMany { .. })), "{refused:?}");
    t.clock.advance(chrono::Duration::minutes(1));
    invite(&t, &owner, people[1]).await.unwrap();
    run_until_idle(&t).await.unwrap();
    assert!(mail.take().len() >= 40);
});
