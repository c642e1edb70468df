use domain::{
    directory::DirectoryLine,
    id::{GroupId, IntegrationId},
    paging::{Direction, PageRequest},
    policy::ObjectType,
    user::{DirectoryStatus, SourceType},
};

use super::*;
use crate::{Error, db_test, execute, store::sample, testing::TestBackend};

use DirectoryStatus::{Active, Deleted, Inactive};

fn names(page: &Page<DirectoryLine<Contact>>) -> Vec<&str> {
    page.items
        .iter()
        .map(|line| line.object.display_name.as_str())
        .collect()
}

fn is_missing<T: std::fmt::Debug>(given: Result<T>) -> bool {
    matches!(given, Err(Error::NotFound("contact")))
}

/// Three contacts of a customer and a deleted one, the first in a group; another customer has one.
async fn people(t: &TestBackend, owner: &Scope) -> (CustomerId, IntegrationId, GroupId, ContactId) {
    let (a, b) = (t.customer("Adatum").await, t.customer("Blue").await);
    let integration = sample::integration(t, owner, a).await.id;
    let zoe = t
        .contact(a, Some(integration), "Zoë Ångström", Active)
        .await;
    t.contact(a, Some(integration), "adam", Inactive).await;
    t.contact(a, None, "Bea", Active).await;
    t.contact(a, Some(integration), "Gone", Deleted).await;
    t.contact(b, None, "Carl", Active).await;
    let group = sample::group(t, a, Some(integration), "Sales").await;
    sample::member(t, group, zoe.0, ObjectType::Contact).await;
    (a, integration, group, zoe)
}

db_test!(contacts_are_found_and_filtered, |t| {
    let owner = t.owner().await;
    let (a, integration, ..) = people(&t, &owner).await;
    let all = DirectoryQuery::default;
    let cases = [
        (all(), vec!["adam", "Bea", "Carl", "Zoë Ångström"]),
        (
            DirectoryQuery {
                customer_id: Some(a),
                ..all()
            },
            vec!["adam", "Bea", "Zoë Ångström"],
        ),
        (
            DirectoryQuery {
                q: Some("ANGS".into()),
                ..all()
            },
            vec!["Zoë Ångström"],
        ),
        (
            DirectoryQuery {
                q: Some("bea@supplier".into()),
                ..all()
            },
            vec!["Bea"],
        ),
        (
            DirectoryQuery {
                status: Some(Inactive),
                ..all()
            },
            vec!["adam"],
        ),
        (
            DirectoryQuery {
                status: Some(Deleted),
                ..all()
            },
            vec!["Gone"],
        ),
        (
            DirectoryQuery {
                source_type: Some(SourceType::Manual),
                ..all()
            },
            vec!["Bea", "Carl"],
        ),
        (
            DirectoryQuery {
                integration_id: Some(integration),
                ..all()
            },
            vec!["adam", "Zoë Ångström"],
        ),
        (
            DirectoryQuery {
                countdown: Some(domain::countdown::CountdownState::Counting),
                ..all()
            },
            vec![],
        ),
    ];
    for (query, expected) in cases {
        let page = list(&t, &owner, query.clone()).await.unwrap();
        assert_eq!(names(&page), expected, "{query:?}");
        let total = i64::try_from(expected.len()).unwrap();
        assert_eq!(page.total, total, "{query:?}");
    }
});

db_test!(contacts_are_sorted_and_cut, |t| {
    let owner = t.owner().await;
    people(&t, &owner).await;
    let second = DirectoryQuery {
        page: PageRequest::new(2, 3),
        direction: Direction::Descending,
        ..DirectoryQuery::default()
    };
    let page = list(&t, &owner, second).await.unwrap();
    assert_eq!((names(&page), page.total), (vec!["adam"], 4));
    for (sort, _) in directory::SORTS {
        for direction in [Direction::Ascending, Direction::Descending] {
            let sorted = DirectoryQuery {
                sort: Some((*sort).into()),
                direction,
                ..DirectoryQuery::default()
            };
            let page = list(&t, &owner, sorted).await.unwrap();
            assert_eq!(page.items.len(), 4, "{sort}");
        }
    }
});

db_test!(a_contact_shows_what_the_source_gave_and_its_groups, |t| {
    let owner = t.owner().await;
    let (customer, integration, group, zoe) = people(&t, &owner).await;
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "UPDATE directory_contact SET delete_at = $1, status_reason = 'gone' WHERE id = $2",
        t.clock.now(),
        zoe
    )
    .unwrap();
    tx.commit().await.unwrap();
    let detail = detail(&t, &owner, zoe).await.unwrap();
    let contact = get(&t, &owner, zoe).await.unwrap();
    assert_eq!(detail.line.object, contact);
    assert_eq!(contact.integration_id, Some(integration));
    assert_eq!(contact.given_name.as_deref(), Some("Given"));
    assert_eq!(
        contact.mail.as_deref(),
        Some("zoe.angstrom@supplier.example")
    );
    assert_eq!(contact.company_name.as_deref(), Some("Supplier & Sons"));
    assert_eq!(
        (detail.line.customer_id, detail.line.customer_name.as_str()),
        (customer, "Adatum")
    );
    assert_eq!(detail.line.delete_at, Some(t.clock.now()));
    assert_eq!(detail.countdown.delete_at, Some(t.clock.now()));
    assert_eq!(detail.status_reason, Some(domain::run::Reason::Gone));
    let known: Vec<_> = detail
        .attributes
        .iter()
        .map(|a| (a.name.as_str(), a.value.as_str()))
        .collect();
    assert!(
        known.contains(&("phones", "+1 555 0100 (mobile)")),
        "{known:?}"
    );
    let groups = member_of(&t, &owner, zoe).await.unwrap();
    assert_eq!((groups.len(), groups[0].id), (1, group));
});

db_test!(programs_walk_all_contacts_once, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    for name in ["b", "A", "a", "ä", "c"] {
        t.contact(customer, None, name, Active).await;
    }
    let mut request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let mut seen = Vec::new();
    loop {
        let part = listing(&t, &owner, customer, &request).await.unwrap();
        seen.extend(part.items.into_iter().map(|contact| contact.display_name));
        let Some(next) = part.next else { break };
        request.cursor = Some(next.parse().unwrap());
    }
    assert_eq!(seen, ["A", "a", "ä", "b", "c"]);
});

db_test!(nobody_sees_another_customers_contacts, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let some = t.administrator_of(&[a]).await;
    let contact = t.contact(b, None, "Carl", Active).await;
    assert!(is_missing(get(&t, &some, contact).await));
    assert!(is_missing(detail(&t, &some, contact).await));
    assert!(is_missing(member_of(&t, &some, contact).await));
    let missing = listing(&t, &some, b, &ListRequest::default()).await;
    assert!(matches!(missing, Err(Error::NotFound("customer"))));
    let of_b = DirectoryQuery {
        customer_id: Some(b),
        ..DirectoryQuery::default()
    };
    for query in [DirectoryQuery::default(), of_b] {
        assert_eq!(list(&t, &some, query.clone()).await.unwrap(), Page::empty());
        let text = sample::text(csv(&t, &some, query)).await;
        assert_eq!(text.lines().count(), 1, "the head alone");
    }
});

db_test!(the_csv_holds_every_matching_contact_and_no_formula, |t| {
    let (owner, customer) = (t.owner().await, t.customer("=A").await);
    for n in 0..1005 {
        t.contact(customer, None, &format!("Contact {n:04}"), Active)
            .await;
    }
    t.contact(customer, None, "=1+1", Active).await;
    t.contact(customer, None, "Other", Inactive).await;
    let active = DirectoryQuery {
        status: Some(Active),
        ..DirectoryQuery::default()
    };
    let text = sample::text(csv(&t, &owner, active)).await;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 1006);
    assert!(lines[0].starts_with("Name,Given Name,"), "{}", lines[0]);
    assert!(
        lines[1].starts_with("'=1+1,") && lines[1].contains(",'=A,"),
        "{}",
        lines[1]
    );
    assert!(lines[1006].starts_with("Contact 1004,"), "{}", lines[1006]);
});
