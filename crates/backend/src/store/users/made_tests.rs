//! Users made here: added, changed, in and out of use, in the bin and back.

use std::collections::BTreeMap;

use chrono::Duration;
use domain::made_here::{BIN_DAYS, NewUser, UserChange};

use super::*;
use crate::{
    db_test, fetch_scalar,
    jobs::{self, Kind, NewJob, run_until_idle},
    notify::sinks::{self, MailSink},
    store::{enrolment, sample},
    testing::TestBackend,
};

fn ada() -> NewUser {
    NewUser {
        user_principal_name: " Ada@contoso.example ".to_owned(),
        display_name: "Ada Lovelace".to_owned(),
        given_name: Some("Ada".to_owned()),
        surname: Some("Lovelace".to_owned()),
        mail: Some("ada.lovelace@contoso.example".to_owned()),
        attributes: BTreeMap::from([
            ("jobTitle".to_owned(), "Countess".to_owned()),
            ("businessPhones".to_owned(), "1, 2".to_owned()),
            ("city".to_owned(), " ".to_owned()),
        ]),
        ..NewUser::default()
    }
}

fn named(name: &str, user_name: &str) -> NewUser {
    NewUser {
        display_name: name.to_owned(),
        user_principal_name: user_name.to_owned(),
        ..NewUser::default()
    }
}

fn blamed<T: std::fmt::Debug>(given: Result<T>, field: &str, says: &str) {
    match given {
        Err(Error::Invalid(error)) => {
            assert_eq!(error.field, field, "{error}");
            assert!(error.message.contains(says), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

fn refused<T: std::fmt::Debug>(given: Result<T>, says: &str) {
    match given {
        Err(Error::Conflict { message, .. }) => assert!(message.contains(says), "{message}"),
        other => panic!("{other:?}"),
    }
}

/// Has what was in the bin for its days purged.
async fn purge(t: &TestBackend) {
    let mut tx = t.db.write().await.unwrap();
    let job = NewJob {
        kind: Kind::PurgeBins,
        subject: Uuid::nil(),
        integration_id: None::<IntegrationId>,
        priority: 0,
        run_at: t.clock.now(),
        dedupe_key: None,
    };
    jobs::enqueue(t, &mut tx, &job).await.unwrap();
    tx.commit().await.unwrap();
    run_until_idle(t).await.unwrap();
}

db_test!(a_user_is_made_and_changed_with_all_it_has, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let group = sample::group(&t, customer, None, "Board").await;
    let new = NewUser {
        administrator: true,
        guest: true,
        aliases: vec!["Countess@contoso.example".to_owned(), String::new()],
        group_ids: vec![group],
        ..ada()
    };
    let made = create(&t, &owner, customer, new).await.unwrap();
    let id = made.user.id;
    assert_eq!(
        made.user.user_principal_name.as_deref(),
        Some("Ada@contoso.example")
    );
    assert_eq!(
        (made.user.source_type, made.user.status, made.guest),
        (SourceType::Manual, DirectoryStatus::Active, true)
    );
    assert_eq!(made.administrator.unwrap().by, owner.actor_name());
    assert_eq!(made.aliases, ["Countess@contoso.example"]);
    assert_eq!(
        serde_json::to_value(&made.attributes).unwrap(),
        serde_json::json!({ "jobTitle": "Countess", "businessPhones": ["1", "2"] })
    );
    let groups = member_of(&t, &owner, id).await.unwrap();
    assert_eq!((groups.len(), groups[0].made_here), (1, true));

    let edit = UserChange {
        display_name: Some("Ada King".to_owned()),
        given_name: Some(String::new()),
        guest: Some(false),
        attributes: BTreeMap::from([
            ("jobTitle".to_owned(), String::new()),
            ("department".to_owned(), "Engines".to_owned()),
        ]),
        ..UserChange::default()
    };
    let changed = change(&t, &owner, id, edit.clone()).await.unwrap();
    assert_eq!(changed.user.given_name, None);
    assert_eq!(changed.user.surname.as_deref(), Some("Lovelace"));
    assert!(!changed.guest && changed.administrator.is_some());
    assert_eq!(
        serde_json::to_value(&changed.attributes).unwrap(),
        serde_json::json!({ "department": "Engines", "businessPhones": ["1", "2"] })
    );
    // The same again changes nothing, and leaves no entry.
    change(&t, &owner, id, edit).await.unwrap();
    // Found by what it is called now.
    let query = UserQuery {
        q: Some("ada king".into()),
        ..UserQuery::default()
    };
    assert_eq!(list(&t, &owner, query).await.unwrap().total, 1);
    let log = sample::audit_log(&t).await;
    assert_eq!(
        log[log.len() - 2..],
        [
            "Owner user.create Ada Lovelace",
            "Owner user.update Ada Lovelace (attributes.department: – → Engines, attributes.jobTitle: Countess → –, display_name: Ada Lovelace → Ada King, given_name: Ada → –, guest: true → false)",
        ]
    );
});

db_test!(bad_input_is_blamed_by_its_field, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let bad = [
        ("user_principal_name", named("A", "nobody")),
        ("display_name", named(" ", "a@contoso.example")),
        (
            "mail",
            NewUser {
                mail: Some("x".to_owned()),
                ..ada()
            },
        ),
        (
            "attributes.shoeSize",
            NewUser {
                attributes: BTreeMap::from([("shoeSize".to_owned(), "43".to_owned())]),
                ..ada()
            },
        ),
        (
            "aliases",
            NewUser {
                aliases: vec!["ADA@contoso.example".to_owned()],
                ..ada()
            },
        ),
        (
            "group_ids",
            NewUser {
                group_ids: vec![GroupId(t.ids.uuid())],
                ..ada()
            },
        ),
    ];
    for (field, new) in bad {
        blamed(create(&t, &owner, customer, new).await, field, "");
    }
    let mut tx = t.db.read().await.unwrap();
    let users = fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM directory_user").unwrap();
    assert_eq!(users, 0, "nothing half-done stays");
});

db_test!(a_name_to_sign_in_with_is_one_active_persons, |t| {
    let owner = t.owner().await;
    let (customer, other) = (t.customer("Contoso").await, t.customer("Other").await);
    let first = create(&t, &owner, customer, ada()).await.unwrap().user.id;
    let taken = "Ada Lovelace signs in with";
    // Whatever its case; by user name and by alias.
    let same = named("Second", "ADA@CONTOSO.example");
    let field = "user_principal_name";
    blamed(
        create(&t, &owner, customer, same.clone()).await,
        field,
        taken,
    );
    set_aliases(&t, &owner, first, &["king@contoso.example".to_owned()])
        .await
        .unwrap();
    let king = named("King", "King@contoso.example");
    blamed(
        create(&t, &owner, customer, king.clone()).await,
        field,
        "as an alias",
    );
    let second = create(&t, &owner, customer, named("Bo", "bo@contoso.example"))
        .await
        .unwrap()
        .user
        .id;
    blamed(
        set_aliases(&t, &owner, second, &["ada@contoso.example".to_owned()]).await,
        "aliases",
        taken,
    );
    let rename = UserChange {
        user_principal_name: Some("king@contoso.example".to_owned()),
        ..UserChange::default()
    };
    blamed(
        change(&t, &owner, second, rename.clone()).await,
        field,
        taken,
    );
    // Its own alias has to go first.
    blamed(
        change(&t, &owner, first, rename).await,
        field,
        "one of its aliases",
    );
    // Another customer's people have their own names.
    create(&t, &owner, other, ada()).await.unwrap();

    // Once the first is out of use its names are free; then it can't come back while they are taken.
    deactivate(&t, &owner, first, "On leave").await.unwrap();
    create(&t, &owner, customer, king).await.unwrap();
    refused(reactivate(&t, &owner, first).await, "King signs in with");
    delete(&t, &owner, first).await.unwrap();
    let restored = restore(&t, &owner, first).await.unwrap();
    assert_eq!(restored.user.status, DirectoryStatus::Inactive, "as it was");
});

db_test!(who_is_in_the_bin_comes_back_or_goes_for_good, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let group = sample::group(&t, customer, None, "Board").await;
    let new = NewUser {
        group_ids: vec![group],
        aliases: vec!["king@contoso.example".to_owned()],
        ..ada()
    };
    let id = create(&t, &owner, customer, new).await.unwrap().user.id;
    refused(restore(&t, &owner, id).await, "isn’t in the bin");
    refused(reactivate(&t, &owner, id).await, "active already");
    delete(&t, &owner, id).await.unwrap();
    refused(delete(&t, &owner, id).await, "already");
    refused(deactivate(&t, &owner, id, "").await, "Restore it first");
    let edit = UserChange {
        administrator: Some(true),
        ..UserChange::default()
    };
    refused(change(&t, &owner, id, edit).await, "Restore it first");
    refused(set_groups(&t, &owner, id, &[]).await, "Restore it first");
    refused(set_aliases(&t, &owner, id, &[]).await, "Restore it first");
    let detail = async || detail(&t, &owner, id).await.unwrap();
    assert_eq!(
        detail().await.purge_at,
        Some(t.clock.now() + Duration::days(BIN_DAYS))
    );

    t.clock
        .advance(Duration::days(BIN_DAYS) - Duration::hours(1));
    purge(&t).await;
    let back = restore(&t, &owner, id).await.unwrap();
    assert_eq!(back.user.status, DirectoryStatus::Active);
    assert_eq!((back.aliases.len(), back.purge_at), (1, None));
    assert_eq!(member_of(&t, &owner, id).await.unwrap().len(), 1);

    // The account of their own goes with them: an address and a password of nobody.
    let mail = MailSink::mail().await;
    let mut with_mail = t.backend.clone();
    sinks::connect(&mut with_mail, Some(&mail));
    enrolment::invite(&with_mail, &owner, id).await.unwrap();
    delete(&t, &owner, id).await.unwrap();
    t.clock.advance(Duration::days(BIN_DAYS));
    assert!(matches!(
        restore(&t, &owner, id).await,
        Err(Error::NotFound("user"))
    ));
    purge(&t).await;
    let mut tx = t.db.read().await.unwrap();
    for table in [
        "directory_user",
        "directory_user_alias",
        "directory_membership",
        "enrolment",
        "enrolment_mail",
    ] {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let left = fetch_scalar!(&mut tx, i64, sqlx::AssertSqlSafe(sql)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
});

db_test!(a_synced_user_is_changed_in_its_source, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let integration = sample::integration(&t, &owner, customer).await;
    let active = DirectoryStatus::Active;
    let id = sample::user(&t, customer, Some(integration.id), "Ada", active).await;
    let says = format!("{} keeps it in step", integration.name);
    let edit = UserChange {
        display_name: Some("X".to_owned()),
        ..UserChange::default()
    };
    refused(change(&t, &owner, id, edit).await, &says);
    refused(deactivate(&t, &owner, id, "").await, &says);
    refused(reactivate(&t, &owner, id).await, &says);
    refused(delete(&t, &owner, id).await, &says);
    refused(restore(&t, &owner, id).await, &says);
    let detail = detail(&t, &owner, id).await.unwrap();
    let elsewhere = detail.elsewhere.unwrap();
    assert_eq!(elsewhere.integration_id, integration.id);
    let external = detail.line.user.external_id.unwrap();
    assert!(elsewhere.portal.unwrap().ends_with(&external.to_string()));

    // What no source says is decided here: administrator, aliases, groups made here.
    let edit = UserChange {
        administrator: Some(true),
        ..UserChange::default()
    };
    let changed = change(&t, &owner, id, edit).await.unwrap();
    assert!(changed.administrator.is_some());
    let alias = ["a@contoso.example".to_owned()];
    assert_eq!(set_aliases(&t, &owner, id, &alias).await.unwrap(), alias);
    let (here, there) = (
        sample::group(&t, customer, None, "Board").await,
        sample::group(&t, customer, Some(integration.id), "Sales").await,
    );
    sample::member(&t, there, id.0, ObjectType::User).await;
    blamed(
        set_groups(&t, &owner, id, &[there]).await,
        "group_ids",
        "Sales is a synced group",
    );
    assert_eq!(set_groups(&t, &owner, id, &[here]).await.unwrap().len(), 2);
    // Those of sources stay.
    let left = set_groups(&t, &owner, id, &[]).await.unwrap();
    assert_eq!((left.len(), left[0].id), (1, there));

    // Of an integration that is gone, nobody changes anything; unless they were kept.
    let gone = integration.id;
    crate::store::integrations::delete(&t, &owner, gone, domain::integration::People::Keep)
        .await
        .unwrap();
    let edit = UserChange {
        display_name: Some("Ada King".to_owned()),
        ..UserChange::default()
    };
    change(&t, &owner, id, edit).await.unwrap();
    delete(&t, &owner, id).await.unwrap();
});

db_test!(who_was_left_by_a_deleted_integration_stays_as_it_is, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let integration = sample::integration(&t, &owner, customer).await.id;
    let active = DirectoryStatus::Active;
    let id = sample::user(&t, customer, Some(integration), "Ada", active).await;
    let people = domain::integration::People::Deactivate;
    crate::store::integrations::delete(&t, &owner, integration, people)
        .await
        .unwrap();
    refused(reactivate(&t, &owner, id).await, "that was deleted");
    refused(delete(&t, &owner, id).await, "that was deleted");
});

db_test!(another_customers_people_can_t_be_changed, |t| {
    let owner = t.owner().await;
    let (customer, other) = (t.customer("Contoso").await, t.customer("Other").await);
    let id = create(&t, &owner, customer, ada()).await.unwrap().user.id;
    let stranger = t.administrator_of(&[other]).await;
    let missing = |error: Error| assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    missing(create(&t, &stranger, customer, ada()).await.unwrap_err());
    let nothing = UserChange::default();
    missing(change(&t, &stranger, id, nothing).await.unwrap_err());
    missing(deactivate(&t, &stranger, id, "").await.unwrap_err());
    missing(reactivate(&t, &stranger, id).await.unwrap_err());
    missing(delete(&t, &stranger, id).await.unwrap_err());
    missing(restore(&t, &stranger, id).await.unwrap_err());
    missing(set_groups(&t, &stranger, id, &[]).await.unwrap_err());
    missing(set_aliases(&t, &stranger, id, &[]).await.unwrap_err());
    missing(
        group_choice(&t, &stranger, customer, None)
            .await
            .unwrap_err(),
    );
    // Nor do groups of others take them in.
    let elsewhere = sample::group(&t, other, None, "Theirs").await;
    blamed(
        set_groups(&t, &owner, id, &[elsewhere]).await,
        "group_ids",
        "no group",
    );
});
