//! Who sees what of the log, and how it is looked through.

use chrono::Duration;
use domain::{
    audit::ActorKind,
    id::{AuditEventId, OperatorId},
    operator::CustomerScope,
    paging::{Direction, ListRequest, PageRequest},
    permission::Role,
};

use super::*;
use crate::{Error, auth, db_test, store::sample, testing::origin};

/// The names of the objects of the entries that somebody sees, the latest first.
async fn seen(t: &TestBackend, scope: &Scope, filter: AuditFilter) -> Vec<String> {
    let query = AuditQuery {
        filter: filter.clone(),
        page: PageRequest::default(),
        direction: Direction::Descending,
    };
    let page = list(t, scope, query).await.unwrap();
    let names: Vec<_> = page.items.iter().map(|e| e.object_name.clone()).collect();
    assert_eq!(page.total, i64::try_from(names.len()).unwrap());
    let request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let mut paged = Vec::new();
    let mut request = Some(request);
    while let Some(asked) = request {
        let part = listing(t, scope, &filter, &asked).await.unwrap();
        paged.extend(part.items.into_iter().map(|event| event.object_name));
        request = part.next.map(|next| ListRequest {
            cursor: Some(next.parse().unwrap()),
            ..asked
        });
    }
    assert_eq!(paged, names, "pages and listings show the same");
    names
}

db_test!(
    entries_of_other_customers_and_of_nobody_are_not_there,
    |t| {
        let (a, b) = (t.customer("A").await, t.customer("B").await);
        let (owner, of_a) = (t.owner().await, t.administrator_of(&[a]).await);
        write(&t, &owner, Some(a), "a").await;
        write(&t, &owner, Some(b), "b").await;
        write(&t, &owner, None, "none").await;
        let all = AuditFilter::default();
        assert_eq!(seen(&t, &owner, all.clone()).await, ["none", "b", "a"]);
        assert_eq!(seen(&t, &of_a, all.clone()).await, ["a"]);
        // All but some is not all: who is kept from whom stands in entries of nobody.
        let customer_ids = vec![a];
        let but_a = CustomerScope::AllExcept { customer_ids };
        let but_a = t.operator(Role::Administrator, but_a).await;
        assert_eq!(seen(&t, &but_a, all.clone()).await, ["b"]);
        let of_b = AuditFilter {
            customer_id: Some(b),
            ..AuditFilter::default()
        };
        assert_eq!(seen(&t, &of_a, of_b.clone()).await, [""; 0]);
        assert_eq!(seen(&t, &owner, of_b).await, ["b"]);

        let page = AuditQuery {
            filter: all,
            page: PageRequest::default(),
            direction: Direction::Ascending,
        };
        let every = list(&t, &owner, page).await.unwrap().items;
        for (event, may) in every.iter().zip([true, false, false]) {
            let got = get(&t, &of_a, event.id).await;
            assert_eq!(got.is_ok(), may, "{got:?}");
            if !may {
                assert!(matches!(got, Err(Error::NotFound(_))));
            }
            assert_eq!(&get(&t, &owner, event.id).await.unwrap(), event);
        }
        let nothing = get(&t, &owner, AuditEventId(Uuid::nil())).await;
        assert!(matches!(nothing, Err(Error::NotFound(_))));
    }
);

db_test!(people_see_how_it_was_tried_to_sign_in_as_them, |t| {
    let a = t.customer("A").await;
    let of_a = t.administrator_of(&[a]).await;
    let sign_in = async |id: OperatorId, action: AuditAction, name: &str| {
        let mut tx = t.db.write().await.unwrap();
        let actor = Actor {
            kind: ActorKind::Nobody,
            id: None,
            name: "Not signed in",
        };
        let entry = Entry::new(action, id.0, name);
        record_as(&t, &mut tx, actor, &origin("r"), entry)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    let (me, other) = (
        of_a.operator_id().unwrap(),
        t.owner().await.operator_id().unwrap(),
    );
    sign_in(me, AuditAction::OperatorSignIn, "mine").await;
    sign_in(me, AuditAction::OperatorSignInFailed, "guessed").await;
    sign_in(other, AuditAction::OperatorSignInFailed, "another's").await;
    sign_in(me, AuditAction::OperatorCreate, "how I came").await;
    let all = AuditFilter::default();
    assert_eq!(seen(&t, &of_a, all).await, ["guessed", "mine"]);
});

db_test!(the_log_is_looked_through_by_every_filter, |t| {
    let (owner, a) = (t.owner().await, t.customer("Contoso").await);
    auth::add_operator(
        &t,
        "m@x.example",
        "Mína",
        Role::Owner,
        "long enough, sure".into(),
    )
    .await
    .unwrap();
    t.clock.advance(Duration::hours(1));
    let later = t.clock.now();
    let profile = sample::profile(&t, &owner, Some(a), "Partner").await;
    write(&t, &owner, Some(a), "last").await;
    let look = async |filter: AuditFilter| seen(&t, &owner, filter).await;
    let none = AuditFilter::default;
    assert_eq!(look(none()).await, ["last", "Partner", "m@x.example"]);
    for (filter, found) in [
        (
            AuditFilter {
                action: Some(AuditAction::CredentialProfileCreate),
                ..none()
            },
            &["Partner"][..],
        ),
        (
            AuditFilter {
                actor_kind: Some(ActorKind::CommandLine),
                ..none()
            },
            &["m@x.example"],
        ),
        (
            AuditFilter {
                actor_id: owner.actor_id(),
                ..none()
            },
            &["last", "Partner"],
        ),
        (
            AuditFilter {
                object_type: Some(domain::audit::AuditObject::Operator),
                ..none()
            },
            &["m@x.example"],
        ),
        (
            AuditFilter {
                object_id: Some(profile.id.0),
                ..none()
            },
            &["Partner"],
        ),
        (
            AuditFilter {
                from: Some(later),
                ..none()
            },
            &["last", "Partner"],
        ),
        (
            AuditFilter {
                to: Some(later),
                ..none()
            },
            &["m@x.example"],
        ),
        (
            AuditFilter {
                q: Some("PARTNER".to_owned()),
                ..none()
            },
            &["Partner"],
        ),
        (
            AuditFilter {
                q: Some("contoso".to_owned()),
                ..none()
            },
            &["last", "Partner"],
        ),
        (
            AuditFilter {
                q: Some("192.0.2.1".to_owned()),
                ..none()
            },
            &["last", "Partner"],
        ),
        (
            AuditFilter {
                q: Some("nothing like it".to_owned()),
                ..none()
            },
            &[],
        ),
    ] {
        assert_eq!(look(filter.clone()).await, found, "{filter:?}");
    }
});

db_test!(the_file_has_every_matching_entry_and_runs_nothing, |t| {
    let (owner, a) = (t.owner().await, t.customer("=A").await);
    for n in 0..1_001 {
        write(&t, &owner, Some(a), &format!("@{n}")).await;
    }
    let text = sample::text(csv(&t, &owner, AuditFilter::default())).await;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1_002);
    assert!(
        lines[0].starts_with("Time,Who,Kind,Way,Address,Customer,Action,"),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].contains(",192.0.2.1,'=A,Customer changed,"),
        "{}",
        lines[1]
    );
    assert!(lines[1].contains(",'@1000,"), "{}", lines[1]);
    assert!(lines[1_001].contains(",'@0,"), "{}", lines[1_001]);
});
