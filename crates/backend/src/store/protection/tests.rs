use super::*;
use crate::{
    db_test,
    store::{sample, users},
};

fn is_conflict<T: std::fmt::Debug>(given: Result<T>, says: &str) -> bool {
    matches!(given, Err(Error::Conflict { message, .. }) if message.contains(says))
}

db_test!(a_user_is_protected_once_and_that_is_taken_back_once, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let user = sample::user(&t, customer, None, "Ada", DirectoryStatus::Active).await;
    let seen = async || users::detail(&t, &owner, user).await.unwrap().protection;
    assert_eq!(seen().await, None);
    let long = "x".repeat(domain::text::NOTE_CHARS_MAX + 1);
    assert!(matches!(
        protect(&t, &owner, user, &long).await,
        Err(Error::Invalid(error)) if error.field == "note"
    ));
    let made = protect(&t, &owner, user, " Break glass ").await.unwrap();
    assert_eq!(seen().await, Some(made.clone()));
    assert_eq!(
        (made.by.as_str(), &*made.note),
        (owner.actor_name(), "Break glass")
    );
    assert!(is_conflict(protect(&t, &owner, user, "").await, "already"));
    withdraw(&t, &owner, user).await.unwrap();
    assert_eq!(seen().await, None);
    assert!(is_conflict(
        withdraw(&t, &owner, user).await,
        "isn’t protected"
    ));
    let gone = sample::user(&t, customer, None, "Gone", DirectoryStatus::Deleted).await;
    assert!(is_conflict(
        protect(&t, &owner, gone, "").await,
        "is deleted"
    ));

    let entries = sample::audit_log(&t).await;
    assert_eq!(
        entries[entries.len() - 2..],
        [
            "Owner user.protect Ada: Break glass (protected: false → true)",
            "Owner user.unprotect Ada (protected: true → false)",
        ]
    );
});

db_test!(another_customers_user_can_t_be_protected, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let user = sample::user(&t, customer, None, "Ada", DirectoryStatus::Active).await;
    let other = t.customer("Other").await;
    let stranger = t.administrator_of(&[other]).await;
    assert!(matches!(
        protect(&t, &stranger, user, "").await,
        Err(Error::NotFound("user"))
    ));
    protect(&t, &owner, user, "").await.unwrap();
    assert!(matches!(
        withdraw(&t, &stranger, user).await,
        Err(Error::NotFound("user"))
    ));
});
