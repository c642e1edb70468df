use domain::{
    id::NotificationRecipientId,
    notification::{
        NewNotificationRecipient, NotificationCause, NotificationRecipientChange, RECIPIENTS_MAX,
        RecipientKind,
    },
    paging::ListRequest,
    permission::Permission,
};
use secrecy::ExposeSecret;

use super::*;
use crate::{db_test, fetch_all, testing::TestBackend};

fn new(kind: RecipientKind, address: &str) -> NewNotificationRecipient {
    NewNotificationRecipient {
        kind,
        address: address.to_owned(),
        causes: None,
    }
}

fn mail(address: &str) -> NewNotificationRecipient {
    new(RecipientKind::Mail, address)
}

async fn listed(
    t: &TestBackend,
    scope: &Scope,
    customer: Option<domain::id::CustomerId>,
) -> Vec<String> {
    let listing = listing(t, scope, customer, &ListRequest::default()).await;
    let items = listing.unwrap().items;
    items
        .into_iter()
        .map(|recipient| recipient.address)
        .collect()
}

fn field<T: std::fmt::Debug>(given: Result<T>) -> String {
    match given {
        Err(Error::Invalid(field)) => field.field,
        other => panic!("{other:?}"),
    }
}

db_test!(
    a_recipient_comes_changes_and_goes_and_each_is_written_down,
    |t| {
        let owner = t.owner().await;
        let customer = t.customer("Contoso").await;
        let made = create(&t, &owner, Some(customer), mail(" Mina@example.com "))
            .await
            .unwrap()
            .recipient;
        assert_eq!(made.address, "Mina@example.com");
        assert_eq!(made.causes, NotificationCause::ALL);
        let hook = new(RecipientKind::Webhook, "https://example.com/key-in-path");
        let hook = create(&t, &owner, Some(customer), hook).await.unwrap();
        assert!(hook.secret.as_ref().unwrap().starts_with("whsec_"));
        assert!(!format!("{hook:?}").contains("whsec_"));
        assert_eq!(
            listed(&t, &owner, Some(customer)).await,
            ["https://example.com/key-in-path", "Mina@example.com"]
        );

        let wanted = NotificationRecipientChange {
            address: Some("desk@example.com".to_owned()),
            causes: Some(vec![NotificationCause::Recovered, NotificationCause::Held]),
            rotate_secret: false,
        };
        let changed = change(&t, &owner, made.id, wanted.clone()).await.unwrap();
        assert_eq!(changed.recipient, get(&t, &owner, made.id).await.unwrap());
        assert_eq!(changed.recipient.address, "desk@example.com");
        assert_eq!(
            changed.recipient.causes,
            [NotificationCause::Held, NotificationCause::Recovered]
        );
        change(&t, &owner, made.id, wanted).await.unwrap();
        delete(&t, &owner, made.id).await.unwrap();
        assert!(matches!(
            get(&t, &owner, made.id).await,
            Err(Error::NotFound(_))
        ));

        let log = crate::store::sample::audit_log(&t).await;
        assert_eq!(log.len(), 4, "{log:?}");
        assert_eq!(
            [&log[0], &log[1], &log[3]],
            [
                "Owner notification_recipient.create Mina@example.com",
                "Owner notification_recipient.create example.com",
                "Owner notification_recipient.delete desk@example.com",
            ]
        );
        let update = "Owner notification_recipient.update Mina@example.com (address: \
                      Mina@example.com → desk@example.com, causes: ";
        assert!(log[2].starts_with(update), "{log:?}");
    }
);

db_test!(what_cannot_be_is_refused_with_the_field_to_blame, |t| {
    let owner = t.owner().await;
    let customer = Some(t.customer("Contoso").await);
    let first = create(&t, &owner, customer, mail("mina@example.com"))
        .await
        .unwrap();
    for bad in [
        mail("mina"),
        mail("MINA@example.com"),
        new(RecipientKind::Webhook, "http://example.com/"),
        new(RecipientKind::Webhook, "https://127.0.0.1/"),
    ] {
        assert_eq!(field(create(&t, &owner, customer, bad).await), "address");
    }
    let none = NewNotificationRecipient {
        causes: Some(Vec::new()),
        ..mail("other@example.com")
    };
    assert_eq!(field(create(&t, &owner, customer, none).await), "causes");
    let rotate = NotificationRecipientChange {
        rotate_secret: true,
        ..NotificationRecipientChange::default()
    };
    let refused = change(&t, &owner, first.recipient.id, rotate).await;
    assert_eq!(field(refused), "rotate_secret");
    for number in 1..RECIPIENTS_MAX {
        let address = format!("{number}@example.com");
        create(&t, &owner, customer, mail(&address)).await.unwrap();
    }
    let one_more = create(&t, &owner, customer, mail("more@example.com")).await;
    assert!(
        matches!(one_more, Err(Error::Conflict { .. })),
        "{one_more:?}"
    );
    create(&t, &owner, None, mail("mina@example.com"))
        .await
        .unwrap();
});

db_test!(nobody_sees_recipients_behind_a_wall, |t| {
    let owner = t.owner().await;
    let (own, other) = (t.customer("Own").await, t.customer("Other").await);
    let some = t.administrator_of(&[own]).await;
    let mut hidden = Vec::new();
    for customer in [Some(other), None] {
        let made = create(&t, &owner, customer, mail("mina@example.com"))
            .await
            .unwrap();
        hidden.push(made.recipient.id);
        let listing = listing(&t, &some, customer, &ListRequest::default()).await;
        let lines = lines(&t, &some, customer).await;
        let made = create(&t, &some, customer, mail("eve@example.com")).await;
        let offered = offer_secret(&t, &some, customer, None).await;
        let refused = |error: Error| match customer {
            Some(_) => matches!(error, Error::NotFound(_)),
            None => matches!(error, Error::Forbidden(Permission::InstallationWrite)),
        };
        assert!(refused(listing.unwrap_err()) && refused(lines.unwrap_err()));
        assert!(refused(made.unwrap_err()) && refused(offered.unwrap_err()));
    }
    for id in hidden {
        let not_found = |error: Error| matches!(error, Error::NotFound(_));
        assert!(not_found(get(&t, &some, id).await.unwrap_err()));
        assert!(not_found(deliveries(&t, &some, id).await.unwrap_err()));
        assert!(not_found(delete(&t, &some, id).await.unwrap_err()));
        assert!(not_found(
            crate::notify::send_test(&t, &some, id).await.unwrap_err()
        ));
        assert!(not_found(
            offer_secret(&t, &some, None, Some(id)).await.unwrap_err()
        ));
        let nothing = NotificationRecipientChange::default();
        assert!(not_found(change(&t, &some, id, nothing).await.unwrap_err()));
        assert!(get(&t, &owner, id).await.is_ok());
    }
    let made = create(&t, &some, Some(own), mail("mina@example.com"))
        .await
        .unwrap();
    assert_eq!(listed(&t, &some, Some(own)).await, ["mina@example.com"]);
    assert!(get(&t, &some, made.recipient.id).await.is_ok());
    crate::store::customers::delete(&t, &owner, own, None)
        .await
        .unwrap();
    let binned = get(&t, &owner, made.recipient.id).await;
    assert!(matches!(binned, Err(Error::NotFound(_))), "{binned:?}");
});

db_test!(
    an_administrator_of_all_customers_is_no_owner_of_the_installation,
    |t| {
        let owner = t.owner().await;
        let made = create(&t, &owner, None, mail("mina@example.com"))
            .await
            .unwrap();
        let (_, token) = crate::store::tokens::create(
            &t,
            &owner,
            domain::api_token::NewApiToken::of_everything(
                "all",
                domain::permission::Role::Administrator,
            ),
        )
        .await
        .unwrap();
        let all = crate::auth::token_scope(&t, token.expose_secret(), crate::testing::origin("r"))
            .await
            .unwrap();
        assert!(all.sees_all());
        let hidden = get(&t, &all, made.recipient.id).await;
        assert!(matches!(hidden, Err(Error::NotFound(_))), "{hidden:?}");
        let refused = listing(&t, &all, None, &ListRequest::default()).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
);

db_test!(
    a_secret_that_was_offered_is_taken_only_for_its_own_recipient,
    |t| {
        let owner = t.owner().await;
        let customer = Some(t.customer("Contoso").await);
        let hook = |path: &str| {
            new(
                RecipientKind::Webhook,
                &format!("https://example.com/{path}"),
            )
        };
        let offered = offer_secret(&t, &owner, customer, None).await.unwrap();
        let elsewhere = NotificationRecipientId(t.ids.uuid());
        for (id, sealed) in [
            (elsewhere, offered.sealed.as_str()),
            (offered.id, "AAAA"),
            (offered.id, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
        ] {
            let refused = create_with(&t, &owner, customer, hook("a"), id, sealed).await;
            assert_eq!(field(refused), "sealed_secret");
        }
        let made = create_with(&t, &owner, customer, hook("a"), offered.id, &offered.sealed)
            .await
            .unwrap();
        let again = create_with(&t, &owner, customer, hook("b"), offered.id, &offered.sealed).await;
        assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
        let secrets = async || {
            let mut tx = t.db.read().await.unwrap();
            let target = target(&t, &mut tx, made.id).await.unwrap().unwrap();
            let secrets = target.secrets.iter();
            secrets
                .map(|secret| secret.expose_secret().to_owned())
                .collect::<Vec<_>>()
        };
        let first = offered.secret.expose_secret().to_owned();
        assert_eq!(secrets().await, std::slice::from_ref(&first));
        let next = offer_secret(&t, &owner, None, Some(made.id)).await.unwrap();
        assert_eq!(next.id, made.id);
        let unchanged = secrets().await;
        assert_eq!(unchanged, std::slice::from_ref(&first));
        rotate_to(&t, &owner, made.id, &next.sealed).await.unwrap();
        assert_eq!(
            secrets().await,
            [next.secret.expose_secret().to_owned(), first]
        );
    }
);

db_test!(an_address_is_measured_as_it_is_kept, |t| {
    let owner = t.owner().await;
    let customer = Some(t.customer("Contoso").await);
    let mut bytes = [0_u8; 1_200];
    t.ids.fill(&mut bytes);
    // 600 ideographs, of 3 bytes each as they are given and of 9 as they are kept.
    let path: String = bytes
        .chunks(2)
        .filter_map(|two| char::from_u32(0x4e00 + u32::from(two[0]) * 64 + u32::from(two[1] % 64)))
        .collect();
    let hook = |path: &str| {
        new(
            RecipientKind::Webhook,
            &format!("https://example.com/{path}"),
        )
    };
    let refused = create(&t, &owner, customer, hook(&path)).await;
    assert_eq!(field(refused), "address");
    let longest: String = path.chars().take(225).collect();
    let made = create(&t, &owner, customer, hook(&longest)).await.unwrap();
    assert_eq!(made.recipient.address.len(), 20 + 225 * 9);
});

db_test!(a_form_sent_twice_leaves_the_old_secret_its_day, |t| {
    let owner = t.owner().await;
    let customer = Some(t.customer("Contoso").await);
    let hook = new(RecipientKind::Webhook, "https://example.com/a");
    let made = create(&t, &owner, customer, hook).await.unwrap();
    let (id, old) = (made.recipient.id, made.secret.unwrap());
    let offered = offer_secret(&t, &owner, None, Some(id)).await.unwrap();
    let first = rotate_to(&t, &owner, id, &offered.sealed).await.unwrap();
    t.clock.advance(chrono::Duration::minutes(1));
    let second = rotate_to(&t, &owner, id, &offered.sealed).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(get(&t, &owner, id).await.unwrap(), first);
    let mut tx = t.db.read().await.unwrap();
    let target = target(&t, &mut tx, id).await.unwrap().unwrap();
    let secrets = target.secrets.iter().map(ExposeSecret::expose_secret);
    assert_eq!(
        secrets.collect::<Vec<_>>(),
        [offered.secret.expose_secret(), old.as_str()]
    );
    let written = fetch_all!(
        &mut tx,
        (String,),
        "SELECT object_name FROM audit_event WHERE action = 'notification_recipient.update'"
    );
    assert_eq!(written.unwrap().len(), 1);
});
