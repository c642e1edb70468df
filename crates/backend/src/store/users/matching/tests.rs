use domain::{paging::PageRequest, user::DirectoryStatus};

use super::*;
use crate::{
    db_test,
    store::{sample, users},
    testing::{Kind, TestBackend},
};

/// More than are looked through for two.
const PEOPLE: u32 = 250;

/// The people of two customers, by name from 000 on, and whoever the last is.
async fn people(t: &TestBackend) -> domain::id::UserId {
    let customers = [t.customer("A").await, t.customer("B").await];
    let mut last = domain::id::UserId(Uuid::nil());
    for number in 0..PEOPLE {
        let customer = customers[usize::from(number % 2 == 1)];
        let name = format!("Person {number:03}");
        last = sample::user(t, customer, None, &name, DirectoryStatus::Active).await;
    }
    last
}

fn looks_for(q: &str) -> UserQuery {
    UserQuery {
        q: Some(q.to_owned()),
        page: PageRequest::new(1, 1),
        ..UserQuery::default()
    }
}

/// What is asked, as it is asked among very many.
async fn of_many<'a>(tx: &mut Tx, scope: &Scope, query: &'a UserQuery) -> Matching<'a> {
    let matching = Matching::new(tx, scope, query).await.unwrap();
    assert!(!matching.of_many, "these are few");
    Matching {
        of_many: true,
        ..matching
    }
}

/// The names and the total of a page.
async fn page(t: &TestBackend, scope: &Scope, query: &UserQuery) -> Result<(Vec<String>, i64)> {
    let mut tx = t.db.read().await.unwrap();
    let matching = of_many(&mut tx, scope, query).await;
    let page = users::page(t, &mut tx, scope, &matching).await?;
    let names = page.items.into_iter().map(|line| line.user.display_name);
    Ok((names.collect(), page.total))
}

db_test!(among_very_many_one_finds_what_one_finds_among_few, |t| {
    let owner = t.owner().await;
    let last = people(&t).await;
    users::set_aliases(&t, &owner, last, &["quite.another@b.example".to_owned()])
        .await
        .unwrap();
    let found = async |q: &str| page(&t, &owner, &looks_for(q)).await.unwrap();
    let named = |name: &str| vec![name.to_owned()];
    // Frequent: found near the beginning, and nobody counts the others.
    assert_eq!(found("son 0").await, (named("Person 000"), UNCOUNTED));
    // Rare, and by an alias: found among everybody, and counted.
    assert_eq!(found("person 249").await, (named("Person 249"), 1));
    assert_eq!(found("quite.another").await, (named("Person 249"), 1));
    assert_eq!(found("nobody").await, (vec![], 0));
    // Few are behind the place where a page begins: they are looked for among everybody.
    let mut query = looks_for("son 24");
    query.page = PageRequest::new(10, 1);
    let (on_page, total) = page(&t, &owner, &query).await.unwrap();
    assert_eq!((on_page, total), (named("Person 249"), 10));
    // Whose they are counts as ever.
    let of_none = t.administrator_of(&[]).await;
    let nobody = page(&t, &of_none, &looks_for("person")).await.unwrap();
    assert_eq!(nobody, (vec![], 0));
});

db_test!(what_tells_too_little_is_refused_where_it_is_rare, |t| {
    let owner = t.owner().await;
    people(&t).await;
    // "00" stands near the beginning often enough, "49" doesn't.
    assert!(page(&t, &owner, &looks_for("00")).await.is_ok());
    let mut query = looks_for("49");
    query.page = PageRequest::new(2, 1);
    let refused = page(&t, &owner, &query).await;
    let Err(Error::Invalid(error)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(error.field, "q");
    assert!(error.message.contains("at least three"), "{error}");
});

db_test!(programs_go_on_behind_a_place_among_very_many, |t| {
    let owner = t.owner().await;
    people(&t).await;
    for q in ["son", "son 2", "9", "person 249", "nobody"] {
        let query = looks_for(q);
        let mut tx = t.db.read().await.unwrap();
        let among_few = Matching::new(&mut tx, &owner, &query).await.unwrap();
        let among_many = of_many(&mut tx, &owner, &query).await;
        let wanted = among_few
            .ids(&t, &mut tx, &owner, None, 1_000)
            .await
            .unwrap();
        let mut ids: Vec<Uuid> = Vec::new();
        let mut after = None;
        loop {
            let some = among_many.ids(&t, &mut tx, &owner, after.as_ref(), 2).await;
            let some = some.unwrap();
            let Some(last) = some.last() else { break };
            let user = users::lines(&t, &mut tx, &[*last]).await.unwrap();
            after = Some(paging::by_name(&user[0].user.display_name, *last));
            ids.extend(some);
        }
        assert_eq!(ids, wanted, "{q}");
    }
});

#[derive(sqlx::FromRow)]
struct Step {
    detail: String,
}

#[tokio::test]
async fn whoever_is_rare_is_found_in_one_index_alone() {
    let t = TestBackend::new(Kind::Sqlite).await.unwrap();
    let owner = t.owner().await;
    let query = looks_for("ann");
    let mut tx = t.db.read().await.unwrap();
    let matching = of_many(&mut tx, &owner, &query).await;
    for (order, index) in [
        (
            Order::OfFound,
            "SCAN u USING COVERING INDEX directory_user_by_name",
        ),
        (
            Order::OfIndex(None),
            "u USING INDEX directory_user_by_name_of_all",
        ),
    ] {
        let text = format!(
            "EXPLAIN QUERY PLAN SELECT u.id {} ORDER BY {}, u.id LIMIT $15",
            matching.text_in(order),
            order.name()
        );
        let steps = bound!(matching, t, owner, fetch_all, &mut tx, Step, text, 50_i64).unwrap();
        let steps: Vec<_> = steps.into_iter().map(|step| step.detail).collect();
        assert!(
            steps.iter().any(|step| step.contains(index)),
            "{index}: {steps:?}"
        );
    }
}
