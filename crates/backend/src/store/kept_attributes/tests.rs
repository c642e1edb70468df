use domain::user::DirectoryStatus;

use super::*;
use crate::{
    db_test,
    store::{sample, users},
};

fn is(value: &str) -> NewKeptAttribute {
    NewKeptAttribute {
        value: Some(value.to_owned()),
        note: " T-1 ".to_owned(),
    }
}

fn says<T: std::fmt::Debug>(given: Result<T>, says: &str) {
    match given {
        Err(Error::Conflict { message, .. }) => assert!(message.contains(says), "{message}"),
        Err(Error::Invalid(error)) => assert!(error.to_string().contains(says), "{error}"),
        other => panic!("{other:?}"),
    }
}

db_test!(an_attribute_is_kept_at_once_and_taken_back, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let integration = sample::integration(&t, &owner, customer).await.id;
    let active = DirectoryStatus::Active;
    let id = sample::user(&t, customer, Some(integration), "Ada", active).await;
    let whole = async || users::whole(&t, &owner, id).await.unwrap();

    let kept = keep(&t, &owner, id, "jobTitle", is("Countess"))
        .await
        .unwrap();
    assert_eq!((kept.by.as_str(), &*kept.note), (owner.actor_name(), "T-1"));
    assert_eq!(whole().await.attributes["jobTitle"], "Countess");
    // Once more in place of that; and a name, by which it is found and sorted.
    keep(&t, &owner, id, "jobTitle", is("Lead")).await.unwrap();
    keep(&t, &owner, id, "display_name", is("Zoë"))
        .await
        .unwrap();
    let now = whole().await;
    assert_eq!(now.attributes["jobTitle"], "Lead");
    assert_eq!(now.attributes["department"], "Sales", "others stay");
    let names: Vec<_> = now.kept_attributes.iter().map(|kept| &*kept.name).collect();
    assert_eq!(names, ["display_name", "jobTitle"]);
    assert_eq!(list(&t, &owner, id).await.unwrap(), now.kept_attributes);
    let query = users::UserQuery {
        q: Some("zoe".into()),
        ..users::UserQuery::default()
    };
    assert_eq!(users::list(&t, &owner, query).await.unwrap().total, 1);
    // Empty is a value too.
    keep(&t, &owner, id, "department", is("")).await.unwrap();
    assert!(!whole().await.attributes.contains_key("department"));

    release(&t, &owner, id, "jobTitle").await.unwrap();
    assert!(matches!(
        release(&t, &owner, id, "jobTitle").await,
        Err(Error::NotFound("kept attribute"))
    ));
    assert_eq!(list(&t, &owner, id).await.unwrap().len(), 2);
    let log = sample::audit_log(&t).await;
    let log: Vec<_> = log
        .iter()
        .filter(|line| line.contains("_attribute"))
        .collect();
    assert_eq!(
        log,
        [
            "Owner user.keep_attribute Ada: T-1 (attribute: – → jobTitle, value: Lead → Countess)",
            "Owner user.keep_attribute Ada: T-1 (attribute: – → jobTitle, value: Countess → Lead)",
            "Owner user.keep_attribute Ada: T-1 (attribute: – → display_name, value: Ada → Zoë)",
            "Owner user.keep_attribute Zoë: T-1 (attribute: – → department, value: Sales → –)",
            "Owner user.release_attribute Zoë (attribute: jobTitle → –, value: Lead → –)",
        ]
    );
});

db_test!(only_what_a_sync_would_change_is_kept, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let integration = sample::integration(&t, &owner, customer).await.id;
    let active = DirectoryStatus::Active;
    let id = sample::user(&t, customer, Some(integration), "Ada", active).await;
    let here = sample::user(&t, customer, None, "Bo", active).await;
    for (name, value, why) in [
        ("user_principal_name", "a@x.example", "can’t be kept"),
        ("shoeSize", "43", "can’t be kept"),
        ("display_name", "  ", "value: "),
        ("mail", "x", "value: "),
    ] {
        says(keep(&t, &owner, id, name, is(value)).await, why);
    }
    says(
        keep(&t, &owner, here, "jobTitle", is("x")).await,
        "made here",
    );
    let stranger = t.administrator_of(&[t.customer("Other").await]).await;
    for missing in [
        keep(&t, &stranger, id, "jobTitle", is("x")).await.err(),
        release(&t, &stranger, id, "jobTitle").await.err(),
        list(&t, &stranger, id).await.err(),
    ] {
        assert!(matches!(missing, Some(Error::NotFound("user"))));
    }
    // What nothing syncs any more, nothing keeps.
    keep(&t, &owner, id, "jobTitle", is("x")).await.unwrap();
    let people = domain::integration::People::Keep;
    crate::store::integrations::delete(&t, &owner, integration, people)
        .await
        .unwrap();
    let whole = users::whole(&t, &owner, id).await.unwrap();
    assert!(whole.kept_attributes.is_empty());
    assert_eq!(whole.attributes["jobTitle"], "x", "it stays as it is");
});
