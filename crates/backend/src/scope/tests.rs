//! What each kind of scope reaches, in the statement and beside it, and how it is looked up.

use domain::{id::CustomerId, operator::CustomerScope, permission::Role};

use crate::{
    Scope, auth::command_line_scope, db_test, fetch_all, store::customers, testing::TestBackend,
};

/// The customers in scope as a statement finds them, which has to be as `sees` says.
async fn reached(t: &TestBackend, scope: &Scope, all: &[CustomerId]) -> Vec<CustomerId> {
    let mut tx = t.db.read().await.unwrap();
    let found: Vec<CustomerId> = fetch_all!(
        &mut tx,
        (CustomerId,),
        concat!(
            "SELECT id FROM customer WHERE ",
            in_scope!("id"),
            " ORDER BY id"
        ),
        scope.all(),
        scope.grantee()
    )
    .unwrap()
    .into_iter()
    .map(|(id,)| id)
    .collect();
    for id in all {
        assert_eq!(scope.sees(*id), found.contains(id), "{id}");
    }
    found
}

fn some(customers: &[CustomerId]) -> CustomerScope {
    CustomerScope::Some {
        customer_ids: customers.to_vec(),
    }
}

fn except(customers: &[CustomerId]) -> CustomerScope {
    CustomerScope::AllExcept {
        customer_ids: customers.to_vec(),
    }
}

fn tagged(tags: &[&str]) -> CustomerScope {
    CustomerScope::Tags {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    }
}

db_test!(
    each_kind_of_scope_reaches_its_customers_and_no_others,
    |t| {
        let (a, b, c) = (
            t.customer("A").await,
            t.customer("B").await,
            t.customer("C").await,
        );
        let all = [a, b, c];
        t.tag(a, "north").await;
        t.tag(b, "north").await;
        t.tag(b, "south").await;
        let role = Role::Administrator;
        for (scope, expected) in [
            (CustomerScope::All, vec![a, b, c]),
            (some(&[a, c]), vec![a, c]),
            (tagged(&["north"]), vec![a, b]),
            (tagged(&["north", "south"]), vec![a, b]),
            (tagged(&["nobody"]), vec![]),
            (except(&[b]), vec![a, c]),
            (except(&all), vec![]),
        ] {
            let operator = t.operator(role, scope.clone()).await;
            assert_eq!(reached(&t, &operator, &all).await, expected, "{scope:?}");
            assert_eq!(operator.sees_all(), scope == CustomerScope::All);
        }
        assert_eq!(reached(&t, &command_line_scope(), &all).await, all);
    }
);

db_test!(
    a_new_customer_is_outside_of_some_and_inside_of_all_but_some,
    |t| {
        let a = t.customer("A").await;
        t.tag(a, "north").await;
        let mut operators = Vec::new();
        for scope in [
            CustomerScope::All,
            some(&[a]),
            tagged(&["north"]),
            except(&[a]),
        ] {
            let operator = t.operator(Role::Owner, scope).await;
            operators.push(operator.operator_id().unwrap());
        }
        let later = t.customer("Later").await;
        let mut seen = Vec::new();
        for id in &operators {
            let scope = t.scope_of(*id).await;
            seen.push(reached(&t, &scope, &[a, later]).await.contains(&later));
        }
        assert_eq!(seen, [true, false, false, true]);

        // With the tag it is inside, in the very next statement of whoever asks already.
        let by_tag = t.scope_of(operators[2]).await;
        t.tag(later, "north").await;
        assert!(customers::get(&t, &by_tag, later).await.is_ok());
    }
);

#[tokio::test]
async fn sqlite_finds_what_is_in_scope_by_index() {
    let kind = crate::testing::Kind::Sqlite;
    let t = TestBackend::new(kind).await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    let plan = fetch_all!(
        &mut tx,
        (i64, i64, i64, String),
        concat!(
            "EXPLAIN QUERY PLAN SELECT COUNT(*) FROM directory_user u WHERE ",
            in_scope!("u.customer_id")
        ),
        true,
        uuid::Uuid::nil()
    )
    .unwrap();
    let plan: Vec<&str> = plan.iter().map(|(.., detail)| detail.as_str()).collect();
    let scans: Vec<_> = plan
        .iter()
        .filter(|line| line.starts_with("SCAN"))
        .collect();
    assert!(
        scans.len() == 1 && scans[0].starts_with("SCAN u "),
        "only the list itself is gone through: {plan:#?}"
    );
    for table in [
        "SEARCH operator_role_customer USING PRIMARY KEY (operator_id=?)",
        "SEARCH scope_rt USING PRIMARY KEY (operator_id=?)",
        "SEARCH scope_ct USING COVERING INDEX customer_tag_by_tag (tag=?)",
        "SEARCH c USING PRIMARY KEY (api_token_id=?)",
    ] {
        assert!(plan.contains(&table), "{table}: {plan:#?}");
    }
    assert!(
        !plan.iter().any(|line| line.contains("CORRELATED")),
        "nothing is asked again for each row: {plan:#?}"
    );
}
