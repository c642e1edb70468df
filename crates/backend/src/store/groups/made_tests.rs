//! Groups made here: added, changed, with members from any source, in the bin and back.

use chrono::Duration;
use domain::made_here::{BIN_DAYS, GroupChange, NewGroup};

use super::*;
use crate::{db_test, store::sample};

fn board() -> NewGroup {
    NewGroup {
        display_name: " Board ".to_owned(),
        description: Some("Decides\nthings".to_owned()),
        member_ids: Vec::new(),
    }
}

fn refused<T: std::fmt::Debug>(given: Result<T>, says: &str) {
    match given {
        Err(Error::Conflict { message, .. }) => assert!(message.contains(says), "{message}"),
        other => panic!("{other:?}"),
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

db_test!(a_group_takes_members_from_any_source, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let integration = sample::integration(&t, &owner, customer).await.id;
    let active = DirectoryStatus::Active;
    let user = sample::user(&t, customer, Some(integration), "Ada", active).await;
    let contact = t.contact(customer, None, "Con", active).await;
    let device = t.device(customer, None, "Dev", active).await;
    let inner = sample::group(&t, customer, Some(integration), "Inner").await;
    let new = NewGroup {
        member_ids: vec![user.0],
        ..board()
    };
    let group = create(&t, &owner, customer, new).await.unwrap();
    assert_eq!(
        (
            group.display_name.as_str(),
            group.user_count,
            group.source_type
        ),
        ("Board", 1, SourceType::Manual)
    );
    let id = group.id;
    // Ada and the Board have an a in their name too.
    let found = candidates(&t, &owner, id, "a").await.unwrap();
    let names: Vec<_> = found.iter().map(|hit| hit.display_name.as_str()).collect();
    assert_eq!(names, ["Con"], "not itself, nor who is in it");

    let all = [user.0, contact.0, device.0, inner.0];
    assert_eq!(add_members(&t, &owner, id, &all).await.unwrap(), 3);
    assert_eq!(add_members(&t, &owner, id, &all).await.unwrap(), 0);
    let page = members(&t, &owner, id, None, PageRequest::new(1, 50)).await;
    let page = page.unwrap();
    let names: Vec<_> = page.items.iter().map(|m| m.display_name.as_str()).collect();
    assert_eq!(names, ["Ada", "Con", "Dev", "Inner"]);
    assert!(page.items.iter().all(|member| member.direct));
    assert_eq!(get(&t, &owner, id).await.unwrap().user_count, 1);

    let stranger = t.ids.uuid();
    let gone = [device.0, stranger];
    assert_eq!(remove_members(&t, &owner, id, &gone).await.unwrap(), 1);
    assert_eq!(remove_members(&t, &owner, id, &gone).await.unwrap(), 0);
    blamed(
        add_members(&t, &owner, id, &[stranger]).await,
        "member_ids",
        "no user",
    );
    blamed(
        add_members(&t, &owner, id, &[id.0]).await,
        "member_ids",
        "itself",
    );
    let other = t.customer("Other").await;
    let theirs = sample::user(&t, other, None, "Bo", active).await;
    blamed(
        add_members(&t, &owner, id, &[theirs.0]).await,
        "member_ids",
        "no user",
    );

    let log = sample::audit_log(&t).await;
    let [.., added, removed] = &log[..] else {
        panic!("{log:?}");
    };
    assert!(added.starts_with("Owner group.add_members Board (members: – → ["));
    // In the order of their ids, which says nothing.
    for name in ["Inner", "Con", "Dev", "number: – → 3"] {
        assert!(added.contains(name), "{added}");
    }
    let expected = r#"Owner group.remove_members Board (members: ["Dev"] → –, number: 1 → –)"#;
    assert_eq!(removed, expected);
});

db_test!(a_group_is_changed_deleted_and_restored, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let user = sample::user(&t, customer, None, "Ada", DirectoryStatus::Active).await;
    let new = NewGroup {
        member_ids: vec![user.0],
        ..board()
    };
    let id = create(&t, &owner, customer, new).await.unwrap().id;
    let described = async || detail(&t, &owner, id).await.unwrap().description;
    assert_eq!(described().await.as_deref(), Some("Decides\nthings"));
    let edit = GroupChange {
        display_name: Some("Directors".to_owned()),
        description: Some(" ".to_owned()),
    };
    let changed = change(&t, &owner, id, edit.clone()).await.unwrap();
    assert_eq!(changed.display_name, "Directors");
    change(&t, &owner, id, edit).await.unwrap();
    assert_eq!(described().await, None);
    let query = GroupQuery {
        q: Some("direc".into()),
        ..GroupQuery::default()
    };
    assert_eq!(list(&t, &owner, query).await.unwrap().total, 1);
    let nameless = GroupChange {
        display_name: Some(String::new()),
        ..GroupChange::default()
    };
    blamed(
        change(&t, &owner, id, nameless).await,
        "display_name",
        "name",
    );

    delete(&t, &owner, id).await.unwrap();
    refused(delete(&t, &owner, id).await, "already");
    refused(
        add_members(&t, &owner, id, &[user.0]).await,
        "Restore it first",
    );
    refused(
        remove_members(&t, &owner, id, &[]).await,
        "Restore it first",
    );
    refused(
        change(&t, &owner, id, GroupChange::default()).await,
        "Restore it first",
    );
    assert!(!takes_members(&t, &owner, id).await.unwrap());
    let back = restore(&t, &owner, id).await.unwrap();
    assert_eq!(back.user_count, 1, "with its members");
    refused(restore(&t, &owner, id).await, "isn’t in the bin");
    delete(&t, &owner, id).await.unwrap();
    t.clock.advance(Duration::days(BIN_DAYS));
    assert!(matches!(
        restore(&t, &owner, id).await,
        Err(Error::NotFound("group"))
    ));
    let log = sample::audit_log(&t).await;
    assert_eq!(
        log[log.len() - 5..],
        [
            "Owner group.create Board",
            "Owner group.update Board (description: Decides\nthings → –, display_name: Board → Directors)",
            "Owner group.delete Directors",
            "Owner group.restore Directors (status: deleted → active)",
            "Owner group.delete Directors",
        ]
    );
});

db_test!(a_synced_group_is_filled_in_its_source, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let integration = sample::integration(&t, &owner, customer).await;
    let id = sample::group(&t, customer, Some(integration.id), "Sales").await;
    let user = sample::user(&t, customer, None, "Ada", DirectoryStatus::Active).await;
    let says = format!("{} keeps it in step", integration.name);
    let edit = GroupChange {
        display_name: Some("X".to_owned()),
        ..GroupChange::default()
    };
    refused(change(&t, &owner, id, edit).await, &says);
    refused(delete(&t, &owner, id).await, &says);
    refused(restore(&t, &owner, id).await, &says);
    refused(add_members(&t, &owner, id, &[user.0]).await, &says);
    refused(remove_members(&t, &owner, id, &[user.0]).await, &says);
    assert!(!takes_members(&t, &owner, id).await.unwrap());
    let detail = detail(&t, &owner, id).await.unwrap();
    assert_eq!(detail.elsewhere.unwrap().integration_name, integration.name);
});

db_test!(another_customers_groups_can_t_be_changed, |t| {
    let owner = t.owner().await;
    let (customer, other) = (t.customer("Contoso").await, t.customer("Other").await);
    let id = create(&t, &owner, customer, board()).await.unwrap().id;
    let stranger = t.administrator_of(&[other]).await;
    let missing = |error: Error| assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    missing(create(&t, &stranger, customer, board()).await.unwrap_err());
    let nothing = GroupChange::default();
    missing(change(&t, &stranger, id, nothing).await.unwrap_err());
    missing(delete(&t, &stranger, id).await.unwrap_err());
    missing(restore(&t, &stranger, id).await.unwrap_err());
    missing(add_members(&t, &stranger, id, &[]).await.unwrap_err());
    missing(remove_members(&t, &stranger, id, &[]).await.unwrap_err());
    missing(candidates(&t, &stranger, id, "a").await.unwrap_err());
    missing(takes_members(&t, &stranger, id).await.unwrap_err());
});
