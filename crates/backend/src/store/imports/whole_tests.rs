//! Imports of many rows, and whatever rows: what is applied is what was shown.

use std::fmt::Write as _;

use domain::{
    import::{ApplyRows, RowOutcome},
    made_here::{NewUser, UserChange},
    paging::ListRequest,
};
use planner::import::Named;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    tests::{all_rows, applied, counts, group, staged, user_named},
    *,
};
use crate::{
    db_test,
    store::{
        runs,
        users::{self, UserQuery},
    },
};

db_test!(whom_a_file_names_is_found_by_index_as_among_all, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let other = t.customer("Fabrikam").await;
    for (of, name) in [
        (customer, "ada"),
        (customer, "bea"),
        (customer, "cleo"),
        (other, "ada"),
    ] {
        let id = format!("E-{name}");
        let new = NewUser {
            display_name: name.to_owned(),
            user_principal_name: format!("{name}@x.example"),
            mail: Some(format!("{name}@mail.example")),
            aliases: vec![format!("{name}@alias.example")],
            attributes: [("employeeId".to_owned(), id)].into_iter().collect(),
            ..NewUser::default()
        };
        users::create(&t, &owner, of, new).await.unwrap();
    }
    let mut tx = t.db.read().await.unwrap();
    for (addresses, ids, expected) in [
        (vec!["ada@x.example"], vec![], 1),
        (vec!["ada@mail.example", "bea@alias.example"], vec![], 2),
        (vec!["nobody@x.example"], vec!["e-cleo"], 1),
        (
            vec!["ada@x.example", "ada@mail.example"],
            vec!["e-ada", "e-bea"],
            2,
        ),
        (vec![], vec!["ada@x.example"], 0),
    ] {
        let set = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect();
        let named = Named {
            addresses: set(addresses),
            employee_ids: set(ids),
        };
        let by_index = planning::by_index(&mut tx, customer, &named).await.unwrap();
        let among_all = planning::among_all(&mut tx, customer, &named)
            .await
            .unwrap();
        assert_eq!(by_index.len(), expected, "{named:?}");
        assert_eq!(by_index, among_all, "{named:?}");
    }
});

db_test!(many_rows_go_in_order_and_can_be_paged, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let mut text = "upn,name,aliases,admin\n".to_owned();
    for at in 0..2_345 {
        let administrator = if at == 7 { "yes" } else { "" };
        writeln!(
            text,
            "p{at}@x.example,P {at},a{at}@x.example,{administrator}"
        )
        .unwrap();
    }
    let import = staged(&t, &owner, customer, &text).await;
    assert_eq!(counts(&import), (2_345, 0, 0, 0));
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let request = ListRequest {
            limit: 1_000,
            cursor,
            q: None,
        };
        let page = rows_listing(&t, &owner, import.id, None, &request)
            .await
            .unwrap();
        seen.extend(page.items.iter().map(|row| row.number));
        match page.next {
            Some(next) => cursor = Some(next.parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(seen, (2..2_347).collect::<Vec<_>>());
    let query = RowQuery {
        q: Some("p 2344".to_owned()),
        outcome: Some(RowOutcome::Create),
        ..RowQuery::default()
    };
    assert_eq!(rows(&t, &owner, import.id, query).await.unwrap().total, 1);
    applied(&t, &owner, &import, ApplyRows::All).await.unwrap();
    let found = users::list(&t, &owner, UserQuery::default()).await.unwrap();
    assert_eq!(found.total, 2_345);
    let one = user_named(&t, &owner, "p7@x.example").await;
    assert_eq!(one.aliases, ["a7@x.example"]);
    assert!(one.administrator.is_some());
});

/// A row over few names, so that rows and people meet.
fn a_row() -> impl Strategy<Value = String> {
    (
        "[a-d]",
        "[A-C]?",
        "(Lead|Clerk)?",
        "([e-f]@x.example)?",
        "(Sales)?",
        "(yes|no)?",
        "(yes|no)?",
    )
        .prop_map(|(name, display, title, alias, group, admin, guest)| {
            format!("{name}@x.example;{display};{title};{alias};{group};{admin};{guest}")
        })
}

db_test!(what_is_applied_is_what_was_shown, |t| {
    let owner = t.owner().await;
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let files = prop::collection::vec(a_row(), 1..8);
    for _ in 0..12 {
        let rows = files.new_tree(&mut runner).unwrap().current();
        let customer = t.customer("Adatum").await;
        group(&t, &owner, customer, "Sales").await;
        let known = NewUser {
            user_principal_name: "a@x.example".to_owned(),
            display_name: "Anna".to_owned(),
            ..NewUser::default()
        };
        let known = users::create(&t, &owner, customer, known).await.unwrap();
        let title = UserChange {
            attributes: [("jobTitle".to_owned(), "Lead".to_owned())].into(),
            ..UserChange::default()
        };
        users::change(&t, &owner, known.user.id, title)
            .await
            .unwrap();
        let text = format!(
            "upn;name;title;alias;group;admin;guest\n{}\n",
            rows.join("\n")
        );
        let shown = staged(&t, &owner, customer, &text).await;
        let (create, update, unchanged, error) = counts(&shown);
        if error == shown.counts.unwrap().total() {
            continue;
        }
        let before = all_rows(&t, &owner, shown.id).await;
        let done = applied(&t, &owner, &shown, ApplyRows::Good).await.unwrap();
        let run = runs::get(&t, &owner, done.run_id.unwrap()).await.unwrap();
        let line = run.counts[0];
        assert_eq!(
            (line.created, line.updated, line.unchanged, line.failed),
            (create, update, unchanged, error)
        );
        let again = staged(&t, &owner, customer, &text).await;
        let after = all_rows(&t, &owner, again.id).await;
        for (before, after) in before.iter().zip(&after) {
            match before.outcome {
                RowOutcome::Error => {}
                _ => assert_eq!(after.outcome, RowOutcome::Unchanged, "{text}\n{after:?}"),
            }
        }
    }
});
