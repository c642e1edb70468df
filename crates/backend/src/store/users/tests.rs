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
        let all = UserQuery::default();
        let part = listing(&t, &owner, customer, all, &request).await.unwrap();
        seen.extend(
            part.items
                .into_iter()
                .map(|listed| listed.user.display_name),
        );
        let Some(next) = part.next else { break };
        request.cursor = Some(next.parse().unwrap());
    }
    assert_eq!(seen, ["A", "a", "ä", "b", "c"]);
});

/// Everybody of a listing of all customers, two at a time.
async fn walked(t: &TestBackend, scope: &Scope, query: UserQuery) -> Vec<ListedUser> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let request = ListRequest {
            limit: 2,
            cursor,
            q: None,
        };
        let part = listing_of_all(t, scope, query.clone(), &request).await;
        let part = part.unwrap();
        found.extend(part.items);
        let Some(next) = part.next else { return found };
        cursor = Some(next.parse().unwrap());
    }
}

db_test!(
    programs_walk_the_users_of_all_customers_that_they_see,
    |t| {
        let owner = t.owner().await;
        let (a, integration, group) = people(&t, &owner).await;
        let names = async |scope: &Scope, query: UserQuery| -> Vec<String> {
            let found = walked(&t, scope, query).await.into_iter();
            found.map(|listed| listed.user.display_name).collect()
        };
        let all = UserQuery::default;
        // Also deleted ones.
        assert_eq!(
            names(&owner, all()).await,
            ["adam", "Bea", "Carl", "Gone", "Zoë Ångström"]
        );
        let of_status = |status| UserQuery {
            status: Some(status),
            ..all()
        };
        let of_group = UserQuery {
            group_id: Some(group),
            integration_id: Some(integration),
            ..all()
        };
        for (query, found) in [
            (of_status(Active), vec!["Bea", "Carl", "Zoë Ångström"]),
            (of_status(Deleted), vec!["Gone"]),
            (of_group, vec!["Zoë Ångström"]),
        ] {
            assert_eq!(names(&owner, query.clone()).await, found, "{query:?}");
        }
        let (other, third) = (t.customer("C").await, t.customer("D").await);
        let here = t.administrator_of(&[a]).await;
        let here_too = t.administrator_of(&[a, other]).await;
        let elsewhere = t.administrator_of(&[other, third]).await;
        let of_a = ["adam", "Bea", "Gone", "Zoë Ångström"];
        assert_eq!(names(&here, all()).await, of_a);
        assert_eq!(names(&here_too, all()).await, of_a);
        assert_eq!(names(&elsewhere, all()).await, [""; 0]);
    }
);

db_test!(a_listed_user_tells_how_it_stands, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let user = sample::user(&t, customer, None, "Ada", Inactive).await;
    let now = t.clock.now();
    let mut tx = t.db.write().await.unwrap();
    crate::execute!(
        &mut tx,
        "UPDATE directory_user SET protected_at = $1, delete_at = $1 WHERE id = $2",
        now,
        user
    )
    .unwrap();
    tx.commit().await.unwrap();
    let found = walked(&t, &owner, UserQuery::default()).await;
    let whole = whole(&t, &owner, user).await.unwrap();
    assert_eq!(found[0].user, whole.user);
    assert_eq!(found[0].standing, whole.standing);
    let standing = &whole.standing;
    assert_eq!(
        (standing.customer_id, standing.delete_at),
        (customer, Some(now))
    );
    assert_eq!(
        (standing.is_protected, standing.enrolment),
        (true, EnrolmentState::NotInvited)
    );
});

db_test!(nobody_sees_another_customers_users, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let some = t.administrator_of(&[a]).await;
    let user = sample::user(&t, b, None, "Carl", Active).await;
    assert!(is_missing(get(&t, &some, user).await));
    assert!(is_missing(detail(&t, &some, user).await));
    assert!(is_missing(member_of(&t, &some, user).await));
    let (all, request) = (UserQuery::default(), ListRequest::default());
    let missing = listing(&t, &some, b, all, &request).await;
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

db_test!(an_alias_finds_its_user, |t| {
    let owner = t.owner().await;
    let (a, _, _) = people(&t, &owner).await;
    let all = UserQuery::default;
    let find = async |query: UserQuery| {
        let page = list(&t, &owner, query).await.unwrap();
        page.items
            .into_iter()
            .map(|line| line.user.display_name)
            .collect::<Vec<_>>()
    };
    let of = |q: &str, customer| UserQuery {
        q: Some(q.to_owned()),
        customer_id: customer,
        ..all()
    };
    let bea = list(&t, &owner, of("bea", Some(a))).await.unwrap().items[0]
        .user
        .id;
    set_aliases(&t, &owner, bea, &["Chief_Officer@x.example".to_owned()])
        .await
        .unwrap();
    for customer in [None, Some(a)] {
        assert_eq!(find(of("FICER@", customer)).await, ["Bea"]);
        assert_eq!(find(of("f_o", customer)).await, ["Bea"]);
    }
    assert_eq!(
        find(of("feo", None)).await,
        [""; 0],
        "a sign stands for itself"
    );
    let listed = ListRequest {
        q: Some("chief".to_owned()),
        ..ListRequest::default()
    };
    let listed = listing(&t, &owner, a, all(), &listed).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    // Aliases of those one doesn't see find nobody.
    let b = t.customer("Other").await;
    let elsewhere = t.administrator_of(&[b]).await;
    let hidden = list(&t, &elsewhere, of("ficer@", None)).await.unwrap();
    assert_eq!((hidden.total, hidden.items.len()), (0, 0));
    assert_eq!(
        list(&t, &elsewhere, of("bea", Some(a)))
            .await
            .unwrap()
            .total,
        0,
        "nor does a customer that one names"
    );
});

db_test!(each_filter_finds_whom_it_says, |t| {
    let owner = t.owner().await;
    let (a, integration, group) = people(&t, &owner).await;
    let all = UserQuery::default;
    let find = async |query: UserQuery| {
        let page = list(&t, &owner, query).await.unwrap();
        let items = page.items.into_iter();
        items.map(|line| line.user.display_name).collect::<Vec<_>>()
    };
    let bea = UserQuery {
        q: Some("bea".to_owned()),
        ..all()
    };
    let bea = list(&t, &owner, bea).await.unwrap().items[0].user.id;
    let mut tx = t.db.write().await.unwrap();
    crate::execute!(
        &mut tx,
        "UPDATE directory_user SET administrator_at = $1, administrator_by = 'Mina',
                protected_at = $1, guest = TRUE, delete_at = $1 WHERE id = $2",
        t.clock.now(),
        bea
    )
    .unwrap();
    tx.commit().await.unwrap();
    let yes = |change: fn(&mut UserQuery)| {
        let mut query = all();
        change(&mut query);
        query
    };
    for (query, found) in [
        (yes(|q| q.administrator = Some(true)), vec!["Bea"]),
        (
            yes(|q| q.administrator = Some(false)),
            vec!["adam", "Carl", "Zoë Ångström"],
        ),
        (yes(|q| q.guest = Some(true)), vec!["Bea"]),
        (
            yes(|q| q.guest = Some(false)),
            vec!["adam", "Carl", "Zoë Ångström"],
        ),
        (
            yes(|q| q.protected = Some(ProtectedFilter::Any)),
            vec!["Bea"],
        ),
        (
            yes(|q| q.protected = Some(ProtectedFilter::No)),
            vec!["adam", "Carl", "Zoë Ångström"],
        ),
        (
            yes(|q| q.countdown = Some(CountdownState::Counting)),
            vec!["Bea"],
        ),
        (
            yes(|q| q.countdown = Some(CountdownState::Cancelled)),
            vec![],
        ),
        (
            yes(|q| q.enrolment = Some(EnrolmentState::NotInvited)),
            vec!["adam", "Bea", "Carl", "Zoë Ångström"],
        ),
        (
            yes(|q| q.enrolment = Some(EnrolmentState::Enrolled)),
            vec![],
        ),
    ] {
        assert_eq!(find(query.clone()).await, found, "{query:?}");
        let within = UserQuery {
            customer_id: Some(a),
            ..query
        };
        let found: Vec<_> = found.into_iter().filter(|name| *name != "Carl").collect();
        assert_eq!(find(within.clone()).await, found, "{within:?}");
    }
    let whole = UserQuery {
        customer_id: Some(a),
        integration_id: Some(integration),
        group_id: Some(group),
        status: Some(Active),
        source_type: Some(SourceType::EntraSync),
        q: Some("zo".to_owned()),
        ..all()
    };
    assert_eq!(find(whole).await, ["Zoë Ångström"]);
});

db_test!(what_columns_show_is_read_where_they_are_chosen, |t| {
    use domain::grid::GridColumn as C;
    let owner = t.owner().await;
    let (_, _, _) = people(&t, &owner).await;
    let page = list(&t, &owner, UserQuery::default()).await.unwrap();
    let ids: Vec<_> = page.items.iter().map(|line| line.user.id).collect();
    let usual = domain::grid::GridList::Users.usual();
    assert!(
        more_cells(&t, &owner, &ids, usual)
            .await
            .unwrap()
            .is_empty()
    );
    let chosen = [C::Department, C::Guest, C::Created, C::Mail];
    let cells = more_cells(&t, &owner, &ids, &chosen).await.unwrap();
    assert_eq!(cells.len(), 4);
    let bea = &cells[&ids[1].0];
    assert_eq!(bea[&C::Department], "Sales");
    assert_eq!(bea[&C::Guest], "No");
    assert!(bea[&C::Created].parse::<DateTime>().is_ok());
    assert!(!bea.contains_key(&C::Mail), "it has none");
    let nobodys = t.administrator_of(&[]).await;
    assert!(
        more_cells(&t, &nobodys, &ids, &chosen)
            .await
            .unwrap()
            .is_empty()
    );
});

db_test!(where_everything_of_a_user_comes_from, |t| {
    use domain::{
        mapping::{AttributeRule, MappingKind, MappingRule},
        policy::Policy,
        user::ValueFrom,
    };
    let owner = t.owner().await;
    let a = t.customer("A").await;
    let integration = sample::integration(&t, &owner, a).await.id;
    let zoe = sample::user(&t, a, Some(integration), "Zoë", Active).await;
    let bea = sample::user(&t, a, None, "Bea", Active).await;
    let mut policy = Policy::default();
    policy.mapping.user = vec![
        AttributeRule {
            attribute: "department".to_owned(),
            rule: MappingRule::Constant("Sales".to_owned()),
        },
        AttributeRule {
            attribute: "city".to_owned(),
            rule: MappingRule::Source("officeLocation".to_owned()),
        },
    ];
    let mut tx = t.db.write().await.unwrap();
    crate::execute!(
        &mut tx,
        "UPDATE integration SET policy = $2 WHERE id = $1",
        integration,
        crate::store::write_json(&policy).unwrap()
    )
    .unwrap();
    crate::execute!(
        &mut tx,
        "INSERT INTO directory_user_kept_attribute (user_id, name, value, kept_by, kept_at, note)
         VALUES ($1, 'jobTitle', 'Lead', 'Mina', $2, 'T-1')",
        zoe,
        t.clock.now()
    )
    .unwrap();
    tx.commit().await.unwrap();
    let origins = super::origins(&t, &owner, zoe).await.unwrap();
    let from = |name: &str| {
        let mut found = origins.iter().filter(|origin| origin.name == name);
        found.next().map(|origin| origin.from.clone())
    };
    assert_eq!(
        from("displayName"),
        Some(ValueFrom::Source {
            attribute: "displayName".to_owned()
        })
    );
    assert_eq!(
        from("department"),
        Some(ValueFrom::Rule {
            rule: MappingKind::Constant,
            value: "Sales".to_owned()
        })
    );
    assert_eq!(
        from("city"),
        Some(ValueFrom::Source {
            attribute: "officeLocation".to_owned()
        })
    );
    assert!(matches!(from("jobTitle"), Some(ValueFrom::Kept { by, .. }) if by == "Mina"));
    let of_bea = super::origins(&t, &owner, bea).await.unwrap();
    assert!(of_bea.iter().all(|origin| origin.from == ValueFrom::Here));

    // Sales is in Board, and Board in All: the way to each is told, cycles end.
    let [sales, board, all] =
        ["Sales", "Board", "All"].map(|name| sample::group(&t, a, None, name));
    let (sales, board, all) = (sales.await, board.await, all.await);
    sample::member(&t, sales, zoe.0, ObjectType::User).await;
    sample::member(&t, board, sales.0, ObjectType::Group).await;
    sample::member(&t, all, board.0, ObjectType::Group).await;
    sample::member(&t, sales, all.0, ObjectType::Group).await;
    let ways = memberships(&t, &owner, zoe).await.unwrap();
    let ways: Vec<_> = ways
        .into_iter()
        .map(|way| (way.display_name, way.direct, way.path.join(" › ")))
        .collect();
    let way = |name: &str, direct, path: &str| (name.to_owned(), direct, path.to_owned());
    assert_eq!(
        ways,
        [
            way("Sales", true, ""),
            way("Board", false, "Sales"),
            way("All", false, "Sales › Board"),
        ]
    );
    assert!(runs(&t, &owner, bea).await.unwrap().is_empty());
});

db_test!(an_operator_ends_the_sessions_of_a_user, |t| {
    let owner = t.owner().await;
    let a = t.customer("A").await;
    let bea = sample::user(&t, a, None, "Bea", Active).await;
    for cookie in 1..=3 {
        let data = serde_json::json!({ "user_id": bea, "user_agent": "B" }).to_string();
        assert!(
            crate::store::sessions::create(&t, cookie, &data)
                .await
                .unwrap()
        );
    }
    let lines = sessions(&t, &owner, bea).await.unwrap();
    assert_eq!(lines.len(), 3);
    end_session(&t, &owner, bea, lines[0].id).await.unwrap();
    let again = end_session(&t, &owner, bea, lines[0].id).await;
    assert!(
        matches!(again, Err(Error::NotFound("session"))),
        "{again:?}"
    );
    let reader = t.role_over(domain::permission::Role::HelpDesk, &[a]).await;
    let refused = end_sessions(&t, &reader, bea).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let elsewhere = t.administrator_of(&[]).await;
    assert!(is_missing(end_sessions(&t, &elsewhere, bea).await));
    assert_eq!(end_sessions(&t, &owner, bea).await.unwrap(), 2);
    assert_eq!(end_sessions(&t, &owner, bea).await.unwrap(), 0);
    let log = sample::audit_log(&t).await;
    let ended = log
        .iter()
        .filter(|line| line.contains("sign_out_by_operator"));
    assert_eq!(ended.count(), 2, "{log:?}");
});

#[derive(sqlx::FromRow)]
struct Step {
    detail: String,
}

/// The plan of the statement of a page, as a text.
async fn plan(t: &TestBackend, owner: &Scope, query: &UserQuery) -> String {
    let mut tx = t.db.read().await.unwrap();
    let matching = matching::Matching::new(&mut tx, owner, query)
        .await
        .unwrap();
    let order = paging::order(SORTS, None, Direction::Ascending, "u.id");
    let text = format!(
        "EXPLAIN QUERY PLAN SELECT u.id {} {order} LIMIT $15",
        matching.text()
    );
    let steps = matching::bound!(matching, t, owner, fetch_all, &mut tx, Step, text, 50_i64);
    let steps = steps.unwrap().into_iter();
    steps.map(|step| step.detail).collect::<Vec<_>>().join("\n")
}

/// The plan of the statement of a listing behind somebody.
async fn plan_behind(t: &TestBackend, owner: &Scope, query: &UserQuery) -> String {
    let mut tx = t.db.read().await.unwrap();
    let matching = matching::Matching::new(&mut tx, owner, query)
        .await
        .unwrap();
    let text = format!(
        "EXPLAIN QUERY PLAN SELECT u.id {} AND (u.name_folded, u.id) > ($15, $16)
          ORDER BY u.name_folded, u.id LIMIT $17",
        matching.text()
    );
    let (name, id) = ("ada", Uuid::nil());
    let steps = matching::bound!(
        matching, t, owner, fetch_all, &mut tx, Step, text, name, id, 50_i64
    );
    let steps = steps.unwrap().into_iter();
    steps.map(|step| step.detail).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_listing_goes_on_in_the_index_where_it_ended() {
    let t = TestBackend::new(crate::testing::Kind::Sqlite)
        .await
        .unwrap();
    let owner = t.owner().await;
    let a = t.customer("A").await;
    for (customer_id, index) in [
        (
            Some(a),
            "directory_user_by_name (customer_id=? AND (name_folded,id)>(?,?))",
        ),
        (
            None,
            "directory_user_by_name_of_all ((name_folded,id)>(?,?))",
        ),
    ] {
        let query = UserQuery {
            customer_id,
            deleted_too: true,
            ..UserQuery::default()
        };
        let plan = plan_behind(&t, &owner, &query).await;
        let index = format!("u USING COVERING INDEX {index}");
        assert!(plan.contains(&index), "{plan}");
        assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{plan}");
    }
}

#[tokio::test]
async fn a_page_is_read_in_the_order_of_an_index_and_from_it_alone() {
    let t = TestBackend::new(crate::testing::Kind::Sqlite)
        .await
        .unwrap();
    let owner = t.owner().await;
    let a = t.customer("A").await;
    let of_customer = UserQuery {
        customer_id: Some(a),
        ..UserQuery::default()
    };
    let filtered = UserQuery {
        status: Some(Inactive),
        source_type: Some(SourceType::EntraSync),
        ..of_customer.clone()
    };
    let looked_for = UserQuery {
        q: Some("ann".to_owned()),
        ..of_customer.clone()
    };
    for query in [&of_customer, &filtered, &looked_for] {
        let plan = plan(&t, &owner, query).await;
        let index = "u USING COVERING INDEX directory_user_by_name (customer_id=?)";
        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{plan}");
    }
    let everybody = plan(&t, &owner, &UserQuery::default()).await;
    let index = "u USING COVERING INDEX directory_user_by_name_of_all";
    assert!(everybody.contains(index), "{everybody}");
    assert!(
        !everybody.contains("TEMP B-TREE FOR ORDER BY"),
        "{everybody}"
    );
}
