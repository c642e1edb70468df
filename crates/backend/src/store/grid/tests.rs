use domain::{api_token::NewApiToken, permission::Role};
use secrecy::ExposeSecret as _;

use super::*;
use crate::{
    auth::token_scope,
    db_test,
    store::{sample, tokens},
    testing::{TestBackend, origin},
};

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

/// A program of somebody's, for these customers or for all of theirs.
async fn program(t: &TestBackend, by: &Scope, role: Role, of: Option<&[CustomerId]>) -> Scope {
    let new = NewApiToken {
        customer_ids: of.map(<[CustomerId]>::to_vec),
        ..NewApiToken::of_everything("program", role)
    };
    let (_, secret) = tokens::create(t, by, new).await.unwrap();
    let scope = token_scope(t, secret.expose_secret(), origin("r")).await;
    scope.unwrap()
}

/// The field that is to blame.
fn blamed<T: std::fmt::Debug>(refused: Result<T>) -> String {
    match refused {
        Err(Error::Invalid(error)) => error.field,
        other => panic!("{other:?}"),
    }
}

db_test!(a_program_shares_views_for_whoever_answers_for_it, |t| {
    let (mina, noor) = (t.owner().await, t.owner().await);
    let a = t.customer("A").await;
    let of_all = program(&t, &mina, Role::Administrator, None).await;
    let of_a = program(&t, &mina, Role::Administrator, Some(&[a])).await;
    let reader = program(&t, &mina, Role::ReadOnly, None).await;
    save(&t, &mina, new("1 private", "", false)).await.unwrap();

    let refused = save(&t, &reader, new("x", "", true)).await;
    let lacks = matches!(refused, Err(Error::Forbidden(Permission::DirectoryWrite)));
    assert!(lacks, "{refused:?}");
    assert_eq!(
        blamed(save(&t, &of_all, new("x", "", false)).await),
        "shared"
    );
    assert_eq!(blamed(save(&t, &of_a, new("x", "", true)).await), "query");
    let opens = NewSavedView {
        is_default: true,
        ..new("x", "", true)
    };
    assert_eq!(blamed(save(&t, &of_all, opens).await), "is_default");

    let view = save(&t, &of_all, new("2 of all", "", true)).await.unwrap();
    let query = format!("customer={a}");
    let narrow = save(&t, &of_a, new("3 of A", &query, true)).await.unwrap();
    assert!(view.own && narrow.own);
    assert_eq!(narrow.by, mina.actor_name());
    // It is Mina's, who may change it; Noor may not. Her private ones are no program's business.
    assert_eq!(names(&t, &mina).await, ["1 private", "2 of all", "3 of A"]);
    assert_eq!(names(&t, &of_all).await, ["2 of all", "3 of A"]);
    assert_eq!(names(&t, &of_a).await, ["3 of A"]);
    assert!(super::view(&t, &mina, view.id).await.unwrap().own);
    let others = program(&t, &noor, Role::UserManager, None).await;
    let renamed = SavedViewChange {
        name: Some("Renamed".to_owned()),
        ..SavedViewChange::default()
    };
    for refused in [
        change(&t, &others, view.id, renamed.clone()).await.err(),
        delete(&t, &others, view.id).await.err(),
    ] {
        assert!(
            matches!(refused, Some(Error::Conflict { .. })),
            "{refused:?}"
        );
    }
    let private = SavedViewChange {
        shared: Some(false),
        ..SavedViewChange::default()
    };
    assert_eq!(
        blamed(change(&t, &of_all, view.id, private).await),
        "shared"
    );
    let wider = SavedViewChange {
        query: Some(String::new()),
        ..SavedViewChange::default()
    };
    assert_eq!(blamed(change(&t, &of_a, narrow.id, wider).await), "query");
    let changed = change(&t, &of_all, view.id, renamed).await.unwrap();
    assert_eq!(changed.name, "Renamed");
    delete(&t, &of_a, narrow.id).await.unwrap();
    let missing = delete(&t, &of_a, view.id).await;
    assert!(
        matches!(missing, Err(Error::NotFound("view"))),
        "{missing:?}"
    );

    // Nobody answers for what the machine made.
    let machine = crate::auth::command_line_scope();
    let machines = program(&t, &machine, Role::Owner, None).await;
    let refused = save(&t, &machines, new("x", "", true)).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );
});
