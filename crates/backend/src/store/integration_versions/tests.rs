use domain::{
    id::ExternalId,
    integration::IntegrationChange,
    paging::{ListRequest, PageRequest},
    policy::{OutOfScope, Policy},
    schedule::Schedule,
};
use uuid::Uuid;

use super::*;
use crate::{
    Error, db_test,
    store::{audit, sample},
    testing::TestBackend,
};

fn policy(change: impl FnOnce(&mut Policy)) -> IntegrationChange {
    let mut policy = Policy::default();
    change(&mut policy);
    IntegrationChange {
        policy: Some(policy),
        ..IntegrationChange::default()
    }
}

async fn save(t: &TestBackend, scope: &Scope, id: IntegrationId, change: IntegrationChange) {
    integrations::change(t, scope, id, change).await.unwrap();
}

async fn numbers(t: &TestBackend, scope: &Scope, id: IntegrationId) -> Vec<i64> {
    let page = versions::list::<IntegrationSettings>(t, scope, id, PageRequest::default())
        .await
        .unwrap();
    assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
    page.items.into_iter().map(|line| line.number).collect()
}

db_test!(every_save_is_a_version_and_nothing_else_is, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let id = sample::integration(&t, &owner, customer).await.id;
    assert_eq!(numbers(&t, &owner, id).await, [1]);
    save(
        &t,
        &owner,
        id,
        policy(|policy| policy.include_guests = true),
    )
    .await;
    let nothing = policy(|policy| policy.include_guests = true);
    save(&t, &owner, id, nothing).await;
    let full_scan = IntegrationChange {
        full_scan_next: Some(false),
        ..IntegrationChange::default()
    };
    save(&t, &owner, id, full_scan).await;
    let schedule = IntegrationChange {
        schedule: Some(Schedule::every(30)),
        ..IntegrationChange::default()
    };
    save(&t, &owner, id, schedule).await;
    let page = versions::list::<IntegrationSettings>(&t, &owner, id, PageRequest::default())
        .await
        .unwrap();
    let lines: Vec<_> = page
        .items
        .iter()
        .map(|line| {
            (
                line.number,
                line.changed.join(", "),
                line.source.to_string(),
            )
        })
        .collect();
    let line =
        |number, changed: &str, source: &str| (number, changed.to_owned(), source.to_owned());
    assert_eq!(
        lines,
        [
            line(3, "Schedule, minutes between runs", "Saved"),
            line(2, "Guests included", "Saved"),
            line(1, "", "Added"),
        ]
    );
    assert_eq!(page.items[0].saved_by, owner.actor_name());
    assert_eq!(page.items[0].saved_at, t.clock.now());

    // A page knows what came before it.
    let second = versions::list::<IntegrationSettings>(&t, &owner, id, PageRequest::new(2, 1))
        .await
        .unwrap();
    assert_eq!(second.items, page.items[1..2]);
    let request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let first = versions::listing::<IntegrationSettings>(&t, &owner, id, &request)
        .await
        .unwrap();
    assert_eq!(first.items, page.items[..2]);
    let rest = ListRequest {
        cursor: first.next.map(|next| next.parse().unwrap()),
        ..request
    };
    let rest = versions::listing::<IntegrationSettings>(&t, &owner, id, &rest)
        .await
        .unwrap();
    assert_eq!((rest.items, rest.next), (page.items[2..].to_vec(), None));
});

db_test!(what_is_restored_is_what_was, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let id = sample::integration(&t, &owner, customer).await.id;
    let group = ExternalId(Uuid::from_u128(7));
    let states = [
        policy(|policy| {
            policy.selected_group_ids = vec![group];
            policy.include_nested = true;
        }),
        policy(|policy| policy.out_of_scope = OutOfScope::Delete),
        IntegrationChange {
            enabled: Some(false),
            schedule: Some(Schedule::cron("0 6 * * 1-5")),
            ..IntegrationChange::default()
        },
    ];
    for state in states {
        save(&t, &owner, id, state).await;
    }
    for number in [1, 3, 2, 4] {
        let wanted = versions::get::<IntegrationSettings>(&t, &owner, id, number)
            .await
            .unwrap()
            .settings;
        restore(&t, &owner, id, number, None).await.unwrap();
        let now = integrations::get(&t, &owner, id).await.unwrap();
        assert_eq!(IntegrationSettings::of(&now), wanted);
        let left = versions::difference::<IntegrationSettings>(&t, &owner, id, number, None)
            .await
            .unwrap();
        assert_eq!(left.differences, []);
    }
    assert_eq!(numbers(&t, &owner, id).await, [8, 7, 6, 5, 4, 3, 2, 1]);
    let newest = versions::get::<IntegrationSettings>(&t, &owner, id, 8)
        .await
        .unwrap();
    assert_eq!(newest.source, VersionSource::restored(4));
    // Once more: it is so already.
    restore(&t, &owner, id, 4, None).await.unwrap();
    assert_eq!(numbers(&t, &owner, id).await.len(), 8);
    let query = audit::AuditQuery {
        filter: audit::AuditFilter::default(),
        page: PageRequest::new(1, 1000),
        direction: domain::paging::Direction::Ascending,
    };
    let log = audit::list(&t, &owner, query).await.unwrap();
    assert!(
        log.items
            .iter()
            .any(|entry| entry.note == "Restored from version 4"),
        "{log:?}"
    );
});

db_test!(what_was_looked_at_is_what_is_restored, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let id = sample::integration(&t, &owner, customer).await.id;
    save(
        &t,
        &owner,
        id,
        policy(|policy| policy.include_guests = true),
    )
    .await;
    let shown = versions::difference::<IntegrationSettings>(&t, &owner, id, 1, None)
        .await
        .unwrap();
    let [guests] = &shown.differences[..] else {
        panic!("{shown:?}");
    };
    assert_eq!(guests.path, "policy.include_guests");
    assert_eq!(guests.before, Some(true.into()));
    assert_eq!(guests.after, Some(false.into()));
    save(
        &t,
        &owner,
        id,
        policy(|policy| policy.require_names = false),
    )
    .await;
    let late = restore(&t, &owner, id, 1, Some(&shown.hash)).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
    let shown = versions::difference::<IntegrationSettings>(&t, &owner, id, 1, None)
        .await
        .unwrap();
    restore(&t, &owner, id, 1, Some(&shown.hash)).await.unwrap();
    let two = versions::difference::<IntegrationSettings>(&t, &owner, id, 2, Some(3))
        .await
        .unwrap();
    assert_eq!(two.differences.len(), 2, "{two:?}");
});

db_test!(versions_stay_within_their_customer, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let id = sample::integration(&t, &owner, customer).await.id;
    let other = t.customer("B").await;
    let elsewhere = t.administrator_of(&[other]).await;
    let missing = |error: Error| assert!(matches!(error, Error::NotFound("integration")));
    let page =
        versions::list::<IntegrationSettings>(&t, &elsewhere, id, PageRequest::default()).await;
    missing(page.unwrap_err());
    missing(
        versions::get::<IntegrationSettings>(&t, &elsewhere, id, 1)
            .await
            .unwrap_err(),
    );
    missing(
        versions::difference::<IntegrationSettings>(&t, &elsewhere, id, 1, None)
            .await
            .unwrap_err(),
    );
    missing(restore(&t, &elsewhere, id, 1, None).await.unwrap_err());
    let reader = t
        .role_over(domain::permission::Role::HelpDesk, &[customer])
        .await;
    assert!(
        versions::get::<IntegrationSettings>(&t, &reader, id, 1)
            .await
            .is_ok()
    );
    let refused = restore(&t, &reader, id, 1, None).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let none = versions::get::<IntegrationSettings>(&t, &owner, id, 9).await;
    assert!(matches!(none, Err(Error::NotFound("version"))), "{none:?}");
});
