use domain::{
    integration::IntegrationChange,
    policy::{ObjectType, Policy},
};

use super::*;
use crate::{
    db_test,
    store::{integrations, sample},
    testing::TestBackend,
};

fn is_missing<T: std::fmt::Debug>(given: Result<T>) -> bool {
    matches!(given, Err(Error::NotFound("group")))
}

/// What the tests begin with.
struct World {
    owner: Scope,
    customer: CustomerId,
    integration: IntegrationId,
    sales: GroupId,
    inner: GroupId,
}

/// Sales holds two users, a deleted one, and the Inner Circle; another customer has one group.
async fn world(t: &TestBackend) -> World {
    let (customer, other) = (t.customer("A").await, t.customer("B").await);
    let owner = t.owner().await;
    let integration = sample::integration(t, &owner, customer).await.id;
    let sales = sample::group(t, customer, Some(integration), "Sales").await;
    let inner = sample::group(t, customer, None, "Inner Circle").await;
    sample::group(t, other, None, "Other").await;
    for (name, status) in [
        ("Ada", DirectoryStatus::Active),
        ("Bo", DirectoryStatus::Inactive),
        ("Gone", DirectoryStatus::Deleted),
    ] {
        let user = sample::user(t, customer, None, name, status).await;
        sample::member(t, sales, user.0, ObjectType::User).await;
    }
    sample::member(t, sales, inner.0, ObjectType::Group).await;
    World {
        owner,
        customer,
        integration,
        sales,
        inner,
    }
}

db_test!(groups_are_found_filtered_and_sorted, |t| {
    let World {
        owner, customer: a, ..
    } = world(&t).await;
    let all = GroupQuery::default;
    let names = async |query: GroupQuery| -> Vec<String> {
        let page = list(&t, &owner, query).await.unwrap();
        assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
        page.items
            .into_iter()
            .map(|line| line.group.display_name)
            .collect()
    };
    assert_eq!(names(all()).await, ["Inner Circle", "Other", "Sales"]);
    assert_eq!(
        names(GroupQuery {
            customer_id: Some(a),
            ..all()
        })
        .await,
        ["Inner Circle", "Sales"]
    );
    assert_eq!(
        names(GroupQuery {
            q: Some("CIRC".into()),
            ..all()
        })
        .await,
        ["Inner Circle"]
    );
    let manual = GroupQuery {
        source_type: Some(SourceType::Manual),
        ..all()
    };
    assert_eq!(names(manual).await, ["Inner Circle", "Other"]);
    for (sort, _) in SORTS {
        assert_eq!(
            names(GroupQuery {
                sort: Some((*sort).into()),
                ..all()
            })
            .await
            .len(),
            3,
            "{sort}"
        );
    }

    let part = listing(&t, &owner, a, all(), &ListRequest::default())
        .await
        .unwrap();
    assert_eq!(part.items.len(), 2);
    let text = sample::text(csv(&t, &owner, all())).await;
    assert_eq!(text.lines().count(), 4);
});

/// The names of a listing of all customers, one at a time.
async fn walked(t: &TestBackend, scope: &Scope, query: GroupQuery) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let request = ListRequest {
            limit: 1,
            cursor,
            q: None,
        };
        let part = listing_of_all(t, scope, query.clone(), &request).await;
        let part = part.unwrap();
        names.extend(part.items.into_iter().map(|one| one.group.display_name));
        let Some(next) = part.next else { return names };
        cursor = Some(next.parse().unwrap());
    }
}

db_test!(
    programs_walk_the_groups_of_all_customers_that_they_see,
    |t| {
        let World {
            owner,
            customer,
            integration,
            sales,
            inner,
        } = world(&t).await;
        let mut tx = t.db.write().await.unwrap();
        crate::execute!(
            &mut tx,
            "UPDATE directory_group SET status = 'deleted', delete_at = $1 WHERE id = $2",
            t.clock.now(),
            inner
        )
        .unwrap();
        tx.commit().await.unwrap();
        let all = GroupQuery::default;
        assert_eq!(
            walked(&t, &owner, all()).await,
            ["Inner Circle", "Other", "Sales"]
        );
        let here = t.administrator_of(&[customer]).await;
        assert_eq!(walked(&t, &here, all()).await, ["Inner Circle", "Sales"]);
        let active = GroupQuery {
            status: Some(DirectoryStatus::Active),
            ..all()
        };
        assert_eq!(walked(&t, &here, active).await, ["Sales"]);
        let counting = GroupQuery {
            countdown: Some(CountdownState::Counting),
            ..all()
        };
        assert_eq!(walked(&t, &owner, counting).await, ["Inner Circle"]);
        let synced = GroupQuery {
            integration_id: Some(integration),
            source_type: Some(SourceType::EntraSync),
            ..all()
        };
        assert_eq!(walked(&t, &owner, synced).await, ["Sales"]);
        let whole = whole(&t, &here, sales).await.unwrap();
        assert_eq!(whole.group, get(&t, &owner, sales).await.unwrap());
        assert_eq!((whole.customer_id, whole.delete_at), (customer, None));
    }
);

#[derive(sqlx::FromRow)]
struct Step {
    detail: String,
}

#[tokio::test]
async fn a_listing_is_read_in_the_order_of_an_index() {
    let t = TestBackend::new(crate::testing::Kind::Sqlite)
        .await
        .unwrap();
    let owner = t.owner().await;
    let a = t.customer("A").await;
    for (customer_id, index) in [
        (
            Some(a),
            "directory_group_by_name (customer_id=? AND (name_folded,id)>(?,?))",
        ),
        (
            None,
            "directory_group_by_name_of_all ((name_folded,id)>(?,?))",
        ),
    ] {
        let query = GroupQuery {
            customer_id,
            deleted_too: true,
            ..GroupQuery::default()
        };
        let text = format!(
            "EXPLAIN QUERY PLAN SELECT g.id {} AND (g.name_folded, g.id) > ($10, $11)
              ORDER BY g.name_folded, g.id LIMIT $12",
            query.text()
        );
        let mut tx = t.db.read().await.unwrap();
        let (name, id) = ("sales", Uuid::nil());
        let steps = bound!(
            query, owner, fetch_all, &mut tx, Step, text, name, id, 50_i64
        );
        let steps: Vec<_> = steps.unwrap().into_iter().map(|step| step.detail).collect();
        let plan = steps.join("\n");
        let index = format!("g USING COVERING INDEX {index}");
        assert!(plan.contains(&index), "{plan}");
        assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{plan}");
    }
}

db_test!(a_group_tells_its_numbers_and_whether_it_is_selected, |t| {
    let World {
        owner,
        integration,
        sales,
        ..
    } = world(&t).await;
    let detail = detail(&t, &owner, sales).await.unwrap();
    assert_eq!(detail.line.group, get(&t, &owner, sales).await.unwrap());
    assert_eq!(detail.group_count, 1);
    assert_eq!(detail.description.as_deref(), Some("About it"));
    assert!(!detail.line.selected);
    let external = detail.line.group.external_id.unwrap();
    let select = IntegrationChange {
        policy: Some(Policy {
            selected_group_ids: vec![external],
            ..Policy::default()
        }),
        ..IntegrationChange::default()
    };
    integrations::change(&t, &owner, integration, select)
        .await
        .unwrap();
    let page = list(
        &t,
        &owner,
        GroupQuery {
            q: Some("sales".into()),
            ..GroupQuery::default()
        },
    )
    .await
    .unwrap();
    assert!(page.items[0].selected);
});

db_test!(memberships_are_shown_both_ways, |t| {
    let World {
        owner,
        sales,
        inner,
        ..
    } = world(&t).await;
    let members = members(&t, &owner, sales, None, PageRequest::new(1, 2))
        .await
        .unwrap();
    let page: Vec<_> = members
        .items
        .iter()
        .map(|m| m.display_name.as_str())
        .collect();
    assert_eq!(
        (page, members.total),
        (vec!["Ada", "Bo"], 3),
        "deleted ones are not members"
    );
    let mut request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let part = members_listing(&t, &owner, sales, &request).await.unwrap();
    request.cursor = Some(part.next.unwrap().parse().unwrap());
    let part = members_listing(&t, &owner, sales, &request).await.unwrap();
    assert_eq!(
        (part.items[0].id, part.items[0].object_type),
        (inner.0, ObjectType::Group)
    );
    assert_eq!(part.next, None);
    let above = member_of(&t, &owner, inner).await.unwrap();
    assert_eq!(above[0].id, sales);
});

db_test!(members_are_of_every_type, |t| {
    use DirectoryStatus::{Active, Deleted};
    let World {
        owner,
        customer,
        sales,
        inner,
        ..
    } = world(&t).await;
    let contact = t.contact(customer, None, "Con Tact", Active).await;
    let device = t.device(customer, None, "De Vice", Active).await;
    let gone = t.device(customer, None, "Wiped", Deleted).await;
    sample::member(&t, sales, contact.0, ObjectType::Contact).await;
    sample::member(&t, inner, device.0, ObjectType::Device).await;
    sample::member(&t, inner, gone.0, ObjectType::Device).await;
    let all = members(&t, &owner, sales, None, PageRequest::default())
        .await
        .unwrap();
    let said: Vec<_> = all
        .items
        .iter()
        .map(|m| format!("{} {} {}", m.display_name, m.object_type, m.path.join("/")))
        .collect();
    assert_eq!(
        said,
        [
            "Ada user ",
            "Bo user ",
            "Con Tact contact ",
            "De Vice device Inner Circle",
            "Inner Circle group ",
        ]
    );
    assert_eq!(all.total, 5);
    let group = get(&t, &owner, sales).await.unwrap();
    assert_eq!(
        (group.user_count, group.effective_user_count),
        (2, 2),
        "User Count counts users alone"
    );
    let request = ListRequest {
        q: Some("vice".into()),
        ..ListRequest::default()
    };
    let found = members_listing(&t, &owner, sales, &request).await.unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(found.items[0].id, device.0);
});

db_test!(nobody_sees_another_customers_groups, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let some = t.administrator_of(&[a]).await;
    let group = sample::group(&t, b, None, "Other").await;
    assert!(is_missing(get(&t, &some, group).await));
    assert!(is_missing(detail(&t, &some, group).await));
    assert!(is_missing(member_of(&t, &some, group).await));
    assert!(is_missing(
        members(&t, &some, group, None, PageRequest::default()).await
    ));
    assert!(is_missing(
        members_listing(&t, &some, group, &ListRequest::default()).await
    ));
    let (all, request) = (GroupQuery::default(), ListRequest::default());
    let missing = listing(&t, &some, b, all, &request).await;
    assert!(matches!(missing, Err(Error::NotFound("customer"))));
    assert_eq!(
        list(&t, &some, GroupQuery::default()).await.unwrap(),
        Page::empty()
    );
    let text = sample::text(csv(&t, &some, GroupQuery::default())).await;
    assert_eq!(text.lines().count(), 1);
});

db_test!(a_csv_of_many_groups_goes_on_after_each_step, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    for n in 0..1005 {
        sample::group(&t, customer, None, &format!("Group {n:04}")).await;
    }
    let text = sample::text(csv(&t, &owner, GroupQuery::default())).await;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 1005);
    assert!(lines[1005].starts_with("Group 1004,"), "{}", lines[1005]);
});

db_test!(who_is_in_a_group_of_a_group_is_a_member_with_the_way, |t| {
    let World {
        owner,
        customer,
        sales,
        inner,
        ..
    } = world(&t).await;
    let deep = sample::group(&t, customer, None, "Deep").await;
    sample::member(&t, inner, deep.0, ObjectType::Group).await;
    // A cycle.
    sample::member(&t, deep, sales.0, ObjectType::Group).await;
    let eve = sample::user(&t, customer, None, "Eve", DirectoryStatus::Active).await;
    sample::member(&t, deep, eve.0, ObjectType::User).await;

    let page = PageRequest::default();
    let found = members(&t, &owner, sales, None, page).await.unwrap();
    let told: Vec<String> = found
        .items
        .iter()
        .map(|m| format!("{} {} {}", m.display_name, m.direct, m.path.join(">")))
        .collect();
    let expected = [
        "Ada true ",
        "Bo true ",
        "Deep false Inner Circle",
        "Eve false Inner Circle>Deep",
        "Inner Circle true ",
    ];
    assert_eq!(told, expected);
    assert_eq!(found.total, 5);
    let request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let first = members_listing(&t, &owner, sales, &request).await.unwrap();
    assert_eq!(first.items, found.items[..2]);

    let counts = async |id| {
        let group = get(&t, &owner, id).await.unwrap();
        (group.user_count, group.effective_user_count)
    };
    assert_eq!(counts(sales).await, (2, 3));
    assert_eq!(counts(inner).await, (0, 3));
    assert_eq!(counts(deep).await, (1, 3));
});
