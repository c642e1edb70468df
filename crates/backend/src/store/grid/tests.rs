use domain::permission::Role;

use super::*;
use crate::{db_test, store::sample, testing::TestBackend};

fn new(name: &str, query: &str, shared: bool) -> NewSavedView {
    NewSavedView {
        list: GridList::Users,
        name: name.to_owned(),
        query: query.to_owned(),
        shared,
        is_default: false,
    }
}

async fn names(t: &TestBackend, scope: &Scope) -> Vec<String> {
    let views = views(t, scope, GridList::Users).await.unwrap();
    views.into_iter().map(|view| view.name).collect()
}

db_test!(columns_are_each_operators_own, |t| {
    let (mina, noor) = (t.owner().await, t.owner().await);
    let list = GridList::Users;
    assert_eq!(columns(&t, &mina, list).await.unwrap(), None);
    let chosen = [GridColumn::Mail, GridColumn::UserName];
    choose_columns(&t, &mina, list, &chosen).await.unwrap();
    // In the order in which they stand.
    assert_eq!(
        columns(&t, &mina, list).await.unwrap(),
        Some(vec![GridColumn::UserName, GridColumn::Mail])
    );
    assert_eq!(columns(&t, &noor, list).await.unwrap(), None);
    assert_eq!(columns(&t, &mina, GridList::Groups).await.unwrap(), None);
    choose_columns(&t, &mina, list, &[]).await.unwrap();
    assert_eq!(columns(&t, &mina, list).await.unwrap(), Some(Vec::new()));
    // The usual ones are none of one's own.
    choose_columns(&t, &mina, list, list.usual()).await.unwrap();
    assert_eq!(columns(&t, &mina, list).await.unwrap(), None);
});

db_test!(a_view_is_seen_by_those_who_look_after_its_customer, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let mina = t.owner().await;
    let of_a = t.role_over(Role::UserManager, &[a]).await;
    let of_b = t.role_over(Role::Administrator, &[b]).await;
    let everything = t.owner().await;
    for (name, query, shared) in [
        ("1 mine", String::new(), false),
        ("2 of all", "q=jansen".to_owned(), true),
        ("3 of A", format!("customer={a}&status=inactive"), true),
        ("4 of A, mine", format!("customer={a}"), false),
    ] {
        save(&t, &mina, new(name, &query, shared)).await.unwrap();
    }
    assert_eq!(
        names(&t, &mina).await,
        ["1 mine", "2 of all", "3 of A", "4 of A, mine"]
    );
    assert_eq!(names(&t, &everything).await, ["2 of all", "3 of A"]);
    assert_eq!(names(&t, &of_a).await, ["3 of A"]);
    assert_eq!(names(&t, &of_b).await, [""; 0]);
    // What names a customer that one doesn't see can't be saved either.
    let refused = save(&t, &of_b, new("x", &format!("customer={a}"), true)).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(error)) if error.field == "query"),
        "{refused:?}"
    );
    // Whoever no longer looks after the customer has the view no longer, also their own.
    let own = new("of A's", &format!("customer={a}"), false);
    let own = save(&t, &of_a, own).await.unwrap();
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "DELETE FROM operator_role_customer WHERE operator_id = $1",
        of_a.operator_id()
    )
    .unwrap();
    tx.commit().await.unwrap();
    let of_a = t.scope_of(of_a.operator_id().unwrap()).await;
    assert_eq!(names(&t, &of_a).await, [""; 0]);
    let gone = view(&t, &of_a, own.id).await;
    assert!(matches!(gone, Err(Error::NotFound("view"))), "{gone:?}");
});

db_test!(a_view_is_changed_by_who_made_it, |t| {
    let (mina, noor) = (t.owner().await, t.owner().await);
    let customer = t.customer("A").await;
    let reader = t.role_over(Role::ReadOnly, &[customer]).await;
    let query = format!("customer={customer}&page=3&evil=1");
    let view = save(&t, &mina, new("Left", &query, true)).await.unwrap();
    assert_eq!(view.query, format!("customer={customer}"));
    let name = SavedViewChange {
        name: Some("Others".to_owned()),
        ..SavedViewChange::default()
    };
    let refused = change(&t, &noor, view.id, name.clone()).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );
    // To open the list with it is each one's own.
    let default = SavedViewChange {
        is_default: Some(true),
        ..SavedViewChange::default()
    };
    assert!(
        change(&t, &reader, view.id, default)
            .await
            .unwrap()
            .is_default
    );
    assert!(!super::view(&t, &mina, view.id).await.unwrap().is_default);
    let renamed = change(&t, &mina, view.id, name).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.shared), ("Others", true));
    let refused = delete(&t, &reader, view.id).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );
    // Whoever administers operators may take a shared one away.
    delete(&t, &noor, view.id).await.unwrap();
    assert_eq!(names(&t, &reader).await, [""; 0]);
    let log = sample::audit_log(&t).await;
    assert_eq!(
        log.iter()
            .filter(|line| line.contains("saved_view"))
            .count(),
        4,
        "{log:?}"
    );
});
