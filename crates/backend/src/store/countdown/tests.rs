use domain::policy::{OutOfScope, Policy};

use super::*;
use crate::{db_test, store::sample, testing::TestBackend};

/// A user of an integration that deletes after five days, inactive and counting.
async fn counting(t: &TestBackend, owner: &Scope) -> (Counted, CustomerId, IntegrationId) {
    let customer = t.customer("Adatum").await;
    let integration = sample::integration(t, owner, customer).await.id;
    let policy = Policy {
        out_of_scope: OutOfScope::Delete,
        delete_after_days: 5,
        ..Policy::default()
    };
    let user = sample::user(
        t,
        customer,
        Some(integration),
        "Ada",
        DirectoryStatus::Inactive,
    )
    .await;
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "UPDATE integration SET policy = $1 WHERE id = $2",
        serde_json::to_string(&policy).unwrap(),
        integration
    )
    .unwrap();
    execute!(
        &mut tx,
        "UPDATE directory_user SET delete_at = $1, status_reason = 'gone' WHERE id = $2",
        t.clock.now() + chrono::Duration::days(1),
        user
    )
    .unwrap();
    tx.commit().await.unwrap();
    (Counted::User(user), customer, integration)
}

fn is_conflict<T: std::fmt::Debug>(given: Result<T>, says: &str) -> bool {
    matches!(given, Err(Error::Conflict { message, .. }) if message.contains(says))
}

db_test!(a_countdown_is_cancelled_once_and_counts_anew, |t| {
    let owner = t.owner().await;
    let (user, ..) = counting(&t, &owner).await;
    let before = get(&t, &owner, user).await.unwrap();
    assert!(before.delete_at.is_some() && before.cancelled.is_none());
    assert!(is_conflict(restart(&t, &owner, user).await, "Nobody"));

    let kept = cancel(&t, &owner, user, " On leave ").await.unwrap();
    assert_eq!(kept, get(&t, &owner, user).await.unwrap());
    assert_eq!(kept.delete_at, None);
    let by = kept.cancelled.unwrap();
    assert_eq!(
        (by.by.as_str(), &*by.note),
        (owner.actor_name(), "On leave")
    );
    assert!(is_conflict(cancel(&t, &owner, user, "").await, "already"));

    t.clock.advance(chrono::Duration::days(90));
    let again = restart(&t, &owner, user).await.unwrap();
    assert_eq!(again, get(&t, &owner, user).await.unwrap());
    let due = t.clock.now() + chrono::Duration::days(5);
    assert_eq!(again.delete_at, Some(due), "its days begin anew");

    let log = sample::audit_log(&t).await;
    let [.., cancelled, restarted] = &log[..] else {
        panic!("{log:?}")
    };
    assert!(
        cancelled.starts_with("Owner user.cancel_countdown Ada: On leave (delete_at: 2026-")
            && cancelled.ends_with(" → –)"),
        "{log:?}"
    );
    assert!(
        restarted.starts_with("Owner user.restart_countdown Ada (delete_at: – → 2026-"),
        "{log:?}"
    );
});

db_test!(who_is_not_counted_down_can_t_be_cancelled, |t| {
    let owner = t.owner().await;
    let (user, customer, _) = counting(&t, &owner).await;
    let long = "x".repeat(domain::text::NOTE_CHARS_MAX + 1);
    assert!(matches!(
        cancel(&t, &owner, user, &long).await,
        Err(Error::Invalid(error)) if error.field == "note"
    ));
    let active = sample::user(&t, customer, None, "Bea", DirectoryStatus::Active).await;
    let active = Counted::User(active);
    assert!(is_conflict(
        cancel(&t, &owner, active, "").await,
        "Bea isn’t"
    ));
    assert!(is_conflict(restart(&t, &owner, active).await, "of Bea"));
});

db_test!(another_customers_countdown_does_not_exist, |t| {
    let owner = t.owner().await;
    let (user, ..) = counting(&t, &owner).await;
    let other = t.customer("Other").await;
    let stranger = t.administrator_of(&[other]).await;
    assert!(matches!(
        get(&t, &stranger, user).await,
        Err(Error::NotFound("user"))
    ));
    assert!(matches!(
        cancel(&t, &stranger, user, "").await,
        Err(Error::NotFound("user"))
    ));
    cancel(&t, &owner, user, "").await.unwrap();
    assert!(matches!(
        restart(&t, &stranger, user).await,
        Err(Error::NotFound("user"))
    ));
});

db_test!(no_days_count_for_who_is_protected, |t| {
    let owner = t.owner().await;
    let (user, ..) = counting(&t, &owner).await;
    cancel(&t, &owner, user, "").await.unwrap();
    let Counted::User(id) = user else {
        panic!("{user:?}");
    };
    let protected = crate::store::protection::protect(&t, &owner, id, "");
    protected.await.unwrap();
    assert!(is_conflict(restart(&t, &owner, user).await, "protected"));
    let left = get(&t, &owner, user).await.unwrap();
    assert_eq!(left.delete_at, None);
});

db_test!(
    of_two_who_cancel_at_once_the_second_hears_of_the_first,
    |t| {
        let owner = t.owner().await;
        let (user, ..) = counting(&t, &owner).await;
        let (one, other) = tokio::join!(
            cancel(&t, &owner, user, "One"),
            cancel(&t, &owner, user, "Other")
        );
        let done = [one, other].into_iter().flatten().count();
        assert_eq!(done, 1);
    }
);

db_test!(a_contact_and_a_device_count_down_too, |t| {
    let (owner, customer) = (t.owner().await, t.customer("Adatum").await);
    let inactive = DirectoryStatus::Inactive;
    let contact = t.contact(customer, None, "Con Tact", inactive).await;
    let device = t.device(customer, None, "De Vice", inactive).await;
    let elsewhere = t.customer("Elsewhere").await;
    let stranger = t.administrator_of(&[elsewhere]).await;
    for (of, noun) in [
        (Counted::Contact(contact), "contact"),
        (Counted::Device(device), "device"),
    ] {
        let at = t.clock.now() + chrono::Duration::days(1);
        let mut tx = t.db.write().await.unwrap();
        execute!(
            &mut tx,
            sqlx::AssertSqlSafe(format!("UPDATE directory_{noun} SET delete_at = $1")),
            at
        )
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(get(&t, &owner, of).await.unwrap().delete_at, Some(at));
        let hidden = cancel(&t, &stranger, of, "").await;
        assert!(matches!(hidden, Err(Error::NotFound(what)) if what == noun));
        cancel(&t, &owner, of, "T-1").await.unwrap();
        let cancelled = get(&t, &owner, of).await.unwrap().cancelled.unwrap();
        assert_eq!(cancelled.note, "T-1");
        let again = restart(&t, &owner, of).await.unwrap();
        assert_eq!(
            again.delete_at,
            Some(t.clock.now() + integrations::DELETE_AFTER)
        );
    }
});
