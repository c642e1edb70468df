use domain::policy::ObjectType;

use super::*;
use crate::{db_test, store::sample, testing::TestBackend};

fn names(page: &Page<UserLine>) -> Vec<&str> {
    page.items
        .iter()
        .map(|line| line.user.display_name.as_str())
        .collect()
}

fn is_missing<T: std::fmt::Debug>(given: Result<T>) -> bool {
    matches!(given, Err(Error::NotFound("user")))
}

use DirectoryStatus::{Active, Deleted, Inactive};

/// Four users of two customers, and one who is deleted; one of them in a group.
async fn people(t: &TestBackend, owner: &Scope) -> (CustomerId, IntegrationId, GroupId) {
    let (a, b) = (t.customer("Adatum").await, t.customer("Blue").await);
    let integration = sample::integration(t, owner, a).await.id;
    let zoe = sample::user(t, a, Some(integration), "Zoë Ångström", Active).await;
    sample::user(t, a, Some(integration), "adam", Inactive).await;
    sample::user(t, a, None, "Bea", Active).await;
    sample::user(t, a, None, "Gone", Deleted).await;
    sample::user(t, b, None, "Carl", Active).await;
    let group = sample::group(t, a, Some(integration), "Sales").await;
    sample::member(t, group, zoe.0, ObjectType::User).await;
    (a, integration, group)
}

db_test!(users_are_found_and_filtered, |t| {
    let owner = t.owner().await;
    let (a, integration, group) = people(&t, &owner).await;
    let all = UserQuery::default;
    let cases = [
        (all(), vec!["adam", "Bea", "Carl", "Zoë Ångström"]),
        (
            UserQuery {
                customer_id: Some(a),
                ..all()
            },
            vec!["adam", "Bea", "Zoë Ångström"],
        ),
        (
            UserQuery {
                q: Some("ANGS".into()),
                ..all()
            },
            vec!["Zoë Ångström"],
        ),
        (
            UserQuery {
                q: Some("bea@x".into()),
                ..all()
            },
            vec!["Bea"],
        ),
        (
            UserQuery {
                status: Some(Inactive),
                ..all()
            },
            vec!["adam"],
        ),
        (
            UserQuery {
                status: Some(Deleted),
                ..all()
            },
            vec!["Gone"],
        ),
        (
            UserQuery {
                source_type: Some(SourceType::Manual),
                ..all()
            },
            vec!["Bea", "Carl"],
        ),
        (
            UserQuery {
                integration_id: Some(integration),
                ..all()
            },
            vec!["adam", "Zoë Ångström"],
        ),
        (
            UserQuery {
                group_id: Some(group),
                ..all()
            },
            vec!["Zoë Ångström"],
        ),
    ];
    for (query, expected) in cases {
        let page = list(&t, &owner, query.clone()).await.unwrap();
        assert_eq!(names(&page), expected, "{query:?}");
        assert_eq!(
            page.total,
            i64::try_from(expected.len()).unwrap(),
            "{query:?}"
        );
    }
});

db_test!(users_are_sorted_and_cut, |t| {
    let owner = t.owner().await;
    people(&t, &owner).await;
    let all = UserQuery::default;
    let second = UserQuery {
        page: PageRequest::new(2, 3),
        direction: Direction::Descending,
        ..all()
    };
    let page = list(&t, &owner, second).await.unwrap();
    assert_eq!((names(&page), page.total), (vec!["adam"], 4));
    for (sort, _) in SORTS {
        for direction in [Direction::Ascending, Direction::Descending] {
            let sorted = UserQuery {
                sort: Some((*sort).into()),
                direction,
                ..all()
            };
            assert_eq!(
                list(&t, &owner, sorted).await.unwrap().items.len(),
                4,
                "{sort}"
            );
        }
    }
    let line = &list(
        &t,
        &owner,
        UserQuery {
            q: Some("zoe".into()),
            ..all()
        },
    )
    .await
    .unwrap()
    .items[0];
    assert_eq!(
        (line.groups, line.customer_name.as_str(), &line.pending),
        (1, "Adatum", &None)
    );
});

db_test!(a_user_shows_its_attributes_and_its_groups, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let user = sample::user(&t, customer, None, "Zoë", Active).await;
    let group = sample::group(&t, customer, None, "Sales").await;
    sample::member(&t, group, user.0, ObjectType::User).await;
    let detail = detail(&t, &owner, user).await.unwrap();
    assert_eq!(detail.line.user, get(&t, &owner, user).await.unwrap());
    let known: Vec<_> = detail
        .attributes
        .iter()
        .map(|a| (a.name.as_str(), a.value.as_str()))
        .collect();
    assert!(known.contains(&("department", "Sales")), "{known:?}");
    let groups = member_of(&t, &owner, user).await.unwrap();
    assert_eq!((groups.len(), groups[0].id), (1, group));
});

db_test!(programs_walk_all_users_once, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    for name in ["b", "A", "a", "ä", "c"] {
        sample::user(&t, customer, None, name, Active).await;
    }
    let mut request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let mut seen = Vec::new();
    loop {
        let part = listing(&t, &owner, customer, None, &request).await.unwrap();
        seen.extend(part.items.into_iter().map(|u| u.display_name));
        let Some(next) = part.next else { break };
        request.cursor = Some(next.parse().unwrap());
    }
    assert_eq!(seen, ["A", "a", "ä", "b", "c"]);
});

db_test!(nobody_sees_another_customers_users, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let some = t.administrator_of(&[a]).await;
    let user = sample::user(&t, b, None, "Carl", Active).await;
    assert!(is_missing(get(&t, &some, user).await));
    assert!(is_missing(detail(&t, &some, user).await));
    assert!(is_missing(member_of(&t, &some, user).await));
    let missing = listing(&t, &some, b, None, &ListRequest::default()).await;
    assert!(matches!(missing, Err(Error::NotFound("customer"))));
    assert_eq!(
        list(&t, &some, UserQuery::default()).await.unwrap(),
        Page::empty()
    );
    let of_b = UserQuery {
        customer_id: Some(b),
        ..UserQuery::default()
    };
    assert_eq!(list(&t, &some, of_b.clone()).await.unwrap(), Page::empty());
    assert_eq!(
        sample::text(csv(&t, &some, of_b)).await.lines().count(),
        1,
        "the head alone"
    );
});

db_test!(the_csv_holds_every_matching_user_and_no_formula, |t| {
    let (owner, customer) = (t.owner().await, t.customer("=A").await);
    for n in 0..1005 {
        sample::user(&t, customer, None, &format!("User {n:04}"), Active).await;
    }
    sample::user(&t, customer, None, "=1+1", Active).await;
    sample::user(&t, customer, None, "Other", Inactive).await;
    let active = UserQuery {
        status: Some(Active),
        ..UserQuery::default()
    };
    let text = sample::text(csv(&t, &owner, active)).await;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 1006);
    assert!(lines[0].starts_with("Name,User Name,"), "{}", lines[0]);
    assert!(
        lines[1].starts_with("'=1+1,") && lines[1].contains(",'=A,"),
        "{}",
        lines[1]
    );
    assert!(lines[1006].starts_with("User 1004,"), "{}", lines[1006]);
});

db_test!(people_who_go_while_a_csv_is_read_move_nobody, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let mut first = None;
    for n in 0..1005 {
        let id = sample::user(&t, customer, None, &format!("User {n:04}"), Active).await;
        first.get_or_insert(id);
    }
    let mut steps = std::pin::pin!(csv(&t, &owner, UserQuery::default()));
    let mut text = futures::TryStreamExt::try_next(&mut steps)
        .await
        .unwrap()
        .unwrap()
        .to_vec();
    let mut tx = t.db.write().await.unwrap();
    crate::execute!(
        &mut tx,
        "DELETE FROM directory_user WHERE id = $1",
        first.unwrap()
    )
    .unwrap();
    tx.commit().await.unwrap();
    while let Some(step) = futures::TryStreamExt::try_next(&mut steps).await.unwrap() {
        text.extend_from_slice(&step);
    }
    let text = String::from_utf8(text).unwrap();
    for n in 0..1005 {
        let name = format!("User {n:04},");
        assert_eq!(
            text.lines().filter(|line| line.starts_with(&name)).count(),
            1,
            "{name}"
        );
    }
});
