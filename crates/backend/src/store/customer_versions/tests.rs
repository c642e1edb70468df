use domain::{
    enrolment::EnrolmentSettings,
    notification::NotificationCause,
    paging::PageRequest,
    permission::{Permission, Role},
};

use super::*;
use crate::{Error, db_test, testing::TestBackend};

async fn made(t: &TestBackend, owner: &Scope) -> CustomerId {
    customers::create(t, owner, "Contoso").await.unwrap().id
}

fn mail(address: &str) -> NewNotificationRecipient {
    NewNotificationRecipient {
        kind: RecipientKind::Mail,
        address: address.to_owned(),
        causes: Some(vec![NotificationCause::Held]),
    }
}

async fn told(t: &TestBackend, scope: &Scope, id: CustomerId, address: &str) {
    recipients::create(t, scope, Some(id), mail(address))
        .await
        .unwrap();
}

async fn lines(t: &TestBackend, scope: &Scope, id: CustomerId) -> Vec<(i64, String, String)> {
    let page = versions::list::<CustomerSettings>(t, scope, id, PageRequest::default())
        .await
        .unwrap();
    assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
    page.items
        .into_iter()
        .map(|line| {
            (
                line.number,
                line.changed.join(", "),
                line.source.to_string(),
            )
        })
        .collect()
}

/// One of each kind of change.
async fn change_all(t: &TestBackend, owner: &Scope, id: CustomerId) {
    let zone = CustomerChange {
        time_zone: Some("Europe/Amsterdam".to_owned()),
        tags: Some(vec!["gold".to_owned()]),
        ..CustomerChange::default()
    };
    customers::change(t, owner, id, zone).await.unwrap();
    let invites = EnrolmentSettings {
        link_days: 7,
        ..EnrolmentSettings::default()
    };
    enrolment::change_settings(t, owner, id, invites)
        .await
        .unwrap();
    told(t, owner, id, "it@contoso.example").await;
}

db_test!(every_save_of_a_customer_is_a_version, |t| {
    let owner = t.owner().await;
    let id = made(&t, &owner).await;
    change_all(&t, &owner, id).await;
    // Nothing changes by this.
    customers::rename(&t, &owner, id, "Contoso").await.unwrap();
    let line =
        |number, changed: &str, source: &str| (number, changed.to_owned(), source.to_owned());
    assert_eq!(
        lines(&t, &owner, id).await,
        [
            line(4, "Notification recipients", "Saved"),
            line(3, "Invitations: days the link is good", "Saved"),
            line(2, "Tags, Time zone", "Saved"),
            line(1, "", "Added"),
        ]
    );
    let newest = versions::get::<CustomerSettings>(&t, &owner, id, 4)
        .await
        .unwrap();
    assert_eq!(newest.saved_by, owner.actor_name());
    assert_eq!(newest.saved_at, t.clock.now());
});

db_test!(a_customer_becomes_what_it_was, |t| {
    let owner = t.owner().await;
    let id = made(&t, &owner).await;
    let first = versions::get::<CustomerSettings>(&t, &owner, id, 1)
        .await
        .unwrap()
        .settings;
    change_all(&t, &owner, id).await;
    let last = versions::get::<CustomerSettings>(&t, &owner, id, 4)
        .await
        .unwrap()
        .settings;
    let shown = versions::difference::<CustomerSettings>(&t, &owner, id, 1, None)
        .await
        .unwrap();
    assert_eq!(shown.differences.len(), 4, "{shown:?}");
    for (number, wanted) in [(1, &first), (4, &last)] {
        let shown = versions::difference::<CustomerSettings>(&t, &owner, id, number, None)
            .await
            .unwrap();
        restore(&t, &owner, id, number, Some(&shown.hash))
            .await
            .unwrap();
        let mut tx = t.db.read().await.unwrap();
        assert_eq!(load(&mut tx, &owner, id).await.unwrap(), *wanted);
        drop(tx);
        let left = versions::difference::<CustomerSettings>(&t, &owner, id, number, None)
            .await
            .unwrap();
        assert_eq!(left.differences, []);
    }
    let sources: Vec<_> = lines(&t, &owner, id)
        .await
        .into_iter()
        .map(|(_, _, source)| source)
        .collect();
    assert_eq!(
        sources[..2],
        ["Restored from version 4", "Restored from version 1"]
    );
    // It is so already.
    restore(&t, &owner, id, 4, None).await.unwrap();
    assert_eq!(lines(&t, &owner, id).await.len(), 6);
});

db_test!(what_was_looked_at_of_a_customer_is_what_is_restored, |t| {
    let owner = t.owner().await;
    let id = made(&t, &owner).await;
    customers::rename(&t, &owner, id, "Fabrikam").await.unwrap();
    let shown = versions::difference::<CustomerSettings>(&t, &owner, id, 1, None)
        .await
        .unwrap();
    told(&t, &owner, id, "it@contoso.example").await;
    let late = restore(&t, &owner, id, 1, Some(&shown.hash)).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
    let other = versions::difference::<CustomerSettings>(&t, &owner, id, 1, Some(2))
        .await
        .unwrap();
    assert_eq!(other.differences[0].after, Some("Contoso".into()));
});

db_test!(versions_of_a_customer_stay_within_it, |t| {
    let owner = t.owner().await;
    let id = made(&t, &owner).await;
    customers::rename(&t, &owner, id, "Fabrikam").await.unwrap();
    let other = t.customer("B").await;
    let elsewhere = t.administrator_of(&[other]).await;
    let missing = |error: Error| assert!(matches!(error, Error::NotFound("customer")), "{error:?}");
    let page = versions::list::<CustomerSettings>(&t, &elsewhere, id, PageRequest::default()).await;
    missing(page.unwrap_err());
    missing(
        versions::get::<CustomerSettings>(&t, &elsewhere, id, 1)
            .await
            .unwrap_err(),
    );
    missing(
        versions::difference::<CustomerSettings>(&t, &elsewhere, id, 1, None)
            .await
            .unwrap_err(),
    );
    missing(restore(&t, &elsewhere, id, 1, None).await.unwrap_err());
    for role in Role::ALL {
        let scope = t.role_over(*role, &[id]).await;
        if !scope.can(Permission::CustomersWrite) {
            let refused = restore(&t, &scope, id, 1, None).await;
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{role}");
        }
    }
    let none = versions::get::<CustomerSettings>(&t, &owner, id, 9).await;
    assert!(matches!(none, Err(Error::NotFound("version"))), "{none:?}");
});
