use chrono::Duration;
use domain::{
    group::GroupKind,
    integration::{GroupHit, IntegrationChange, NewIntegration, People},
    policy::{ObjectType, OutOfScope},
    schedule::Schedule,
    user::{DirectoryStatus, SourceType},
};

use super::*;
use crate::{
    db_test, fetch_one,
    store::{across, sample},
    testing::TestBackend,
};

fn field<T: std::fmt::Debug>(given: Result<T>) -> String {
    match given {
        Err(Error::Invalid(field)) => field.field,
        other => panic!("{other:?}"),
    }
}

fn is_missing<T: std::fmt::Debug>(given: Result<T>) -> bool {
    matches!(given, Err(Error::NotFound("integration")))
}

fn no_change() -> IntegrationChange {
    IntegrationChange::default()
}

db_test!(
    an_integration_begins_with_a_full_scan_and_waits_for_a_person,
    |t| {
        let (owner, customer) = (t.owner().await, t.customer("A").await);
        let profile = sample::profile(&t, &owner, None, "Shared").await;
        let groups = [2, 1, 2].map(|n| ExternalId(uuid::Uuid::from_u128(n)));
        let new = NewIntegration {
            policy: Policy {
                selected_group_ids: groups.to_vec(),
                ..Policy::default()
            },
            ..sample::new_integration(&profile, " Contoso.Example ")
        };
        let made = create(&t, &owner, customer, new).await.unwrap();
        assert_eq!(get(&t, &owner, made.id).await.unwrap(), made);
        assert_eq!(
            (made.name.as_str(), made.tenant.as_str()),
            ("contoso.example", "contoso.example")
        );
        assert!(made.full_scan_next && made.enabled && made.next_run_at.is_none());
        assert_eq!(made.state, IntegrationState::NotStarted);
        assert_eq!(made.policy.selected_group_ids, [groups[1], groups[0]]);
        let part = listing(&t, &owner, Some(customer), &ListRequest::default())
            .await
            .unwrap();
        assert_eq!(part.items, [made]);
    }
);

db_test!(what_does_not_fit_is_refused_by_its_field, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let profile = sample::profile(&t, &owner, None, "Shared").await;
    let ok = || sample::new_integration(&profile, "contoso.example");
    let cases = [
        (
            NewIntegration {
                tenant: "a/b".into(),
                ..ok()
            },
            "tenant",
        ),
        (
            NewIntegration {
                cloud: "moon".into(),
                ..ok()
            },
            "cloud",
        ),
        (
            NewIntegration {
                schedule: Schedule::every(0),
                ..ok()
            },
            "schedule.every_minutes",
        ),
        (
            NewIntegration {
                schedule: Schedule::cron("x"),
                ..ok()
            },
            "schedule.cron",
        ),
        (
            NewIntegration {
                credential_profile_id: CredentialProfileId(t.ids.uuid()),
                ..ok()
            },
            "credential_profile_id",
        ),
        (
            NewIntegration {
                policy: Policy {
                    object_types: vec![],
                    ..Policy::default()
                },
                ..ok()
            },
            "policy.object_types",
        ),
    ];
    for (new, blamed) in cases {
        assert_eq!(field(create(&t, &owner, customer, new).await), blamed);
    }
    let nobody = CustomerId(t.ids.uuid());
    let refused = create(&t, &owner, nobody, ok()).await;
    assert!(matches!(refused, Err(Error::NotFound("customer"))));
});

db_test!(
    a_shared_profile_is_connected_only_by_who_sees_all_customers,
    |t| {
        let (a, b) = (t.customer("A").await, t.customer("B").await);
        let (owner, some) = (t.owner().await, t.administrator_of(&[a]).await);
        let shared = sample::profile(&t, &owner, None, "Shared").await;
        let of_b = sample::profile(&t, &owner, Some(b), "Of B").await;
        let of_a = sample::profile(&t, &some, Some(a), "Of A").await;
        let new = |profile| sample::new_integration(profile, "contoso.example");
        assert_eq!(
            field(create(&t, &some, a, new(&shared)).await),
            "credential_profile_id"
        );
        assert_eq!(
            field(create(&t, &some, a, new(&of_b)).await),
            "credential_profile_id"
        );
        assert_eq!(
            field(create(&t, &owner, a, new(&of_b)).await),
            "credential_profile_id"
        );
        let made = create(&t, &some, a, new(&of_a)).await.unwrap();

        let with = |profile: &_| IntegrationChange {
            credential_profile_id: Some(
                domain::credential_profile::CredentialProfile::clone(profile).id,
            ),
            ..no_change()
        };
        assert_eq!(
            field(change(&t, &some, made.id, with(&shared)).await),
            "credential_profile_id"
        );
        change(&t, &owner, made.id, with(&shared)).await.unwrap();
        // What is connected already can be kept while other settings change.
        let off = IntegrationChange {
            enabled: Some(false),
            ..with(&shared)
        };
        assert!(!change(&t, &some, made.id, off).await.unwrap().enabled);
    }
);

db_test!(
    a_tenant_of_another_customer_is_connected_only_by_who_sees_all_customers,
    |t| {
        let (a, b) = (t.customer("A").await, t.customer("B").await);
        let (owner, some) = (t.owner().await, t.administrator_of(&[a]).await);
        let of_a = sample::profile(&t, &some, Some(a), "Of A").await;
        let tenant = TenantId(uuid::Uuid::from_u128(9));
        let of_b = sample::integration(&t, &owner, b).await;
        let mut tx = t.db.write().await.unwrap();
        pin(
            &t,
            &mut tx,
            of_b.id,
            tenant,
            Some("Blue Yonder"),
            Some(&owner),
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(get(&t, &owner, of_b.id).await.unwrap().name, "Blue Yonder");

        let by_guid = sample::new_integration(&of_a, &tenant.to_string());
        let by_name = sample::new_integration(&of_a, &of_b.tenant);
        assert_eq!(field(create(&t, &some, a, by_guid.clone()).await), "tenant");
        assert_eq!(field(create(&t, &some, a, by_name.clone()).await), "tenant");
        create(&t, &owner, a, by_guid).await.unwrap();
        let other_cloud = NewIntegration {
            cloud: "china".into(),
            ..by_name
        };
        create(&t, &some, a, other_cloud).await.unwrap();

        // Another of the tenant's domains, which nobody knew to be it.
        let alias = sample::new_integration(&of_a, "alias.example");
        let alias = create(&t, &some, a, alias).await.unwrap().id;
        let mut tx = t.db.write().await.unwrap();
        for by in [None, Some(&some)] {
            let refused = pin(&t, &mut tx, alias, tenant, None, by).await;
            assert!(matches!(&refused, Err(Error::Source(e)) if e.code == "tenant_elsewhere"));
        }
        pin(&t, &mut tx, alias, tenant, None, Some(&owner))
            .await
            .unwrap();
        pin(&t, &mut tx, alias, tenant, None, None).await.unwrap();
        let refused = pin(
            &t,
            &mut tx,
            alias,
            TenantId(t.ids.uuid()),
            None,
            Some(&owner),
        )
        .await;
        assert!(matches!(&refused, Err(Error::Source(e)) if e.code == "tenant_changed"));
        let others = across::customers_of_tenant(&mut tx, a, "global", tenant)
            .await
            .unwrap();
        assert_eq!(others, [(b, "B".to_owned())]);
        tx.commit().await.unwrap();

        // Who sees all customers vouched for this one when they added it.
        let vouched = sample::new_integration(&of_a, "alias2.example");
        let vouched = create(&t, &owner, a, vouched).await.unwrap().id;
        let mut tx = t.db.write().await.unwrap();
        pin(&t, &mut tx, vouched, tenant, None, None).await.unwrap();
    }
);

db_test!(nobody_sees_or_changes_another_customers_integration, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let (owner, some) = (t.owner().await, t.administrator_of(&[a]).await);
    let of_a = sample::integration(&t, &owner, a).await;
    let of_b = sample::integration(&t, &owner, b).await;
    assert!(is_missing(get(&t, &some, of_b.id).await));
    assert!(is_missing(change(&t, &some, of_b.id, no_change()).await));
    assert!(is_missing(delete(&t, &some, of_b.id, People::Keep).await));
    assert!(is_missing(people_count(&t, &some, of_b.id).await));
    assert!(is_missing(selected_groups(&t, &some, of_b.id).await));
    assert!(is_missing(remember_groups(&t, &some, of_b.id, &[]).await));
    let page = list(&t, &some, IntegrationQuery::default()).await.unwrap();
    assert_eq!((page.items[0].id, page.total), (of_a.id, 1));
    let part = listing(&t, &some, None, &ListRequest::default())
        .await
        .unwrap();
    assert_eq!(part.items, [of_a]);
    let part = listing(&t, &some, Some(b), &ListRequest::default())
        .await
        .unwrap();
    assert!(part.items.is_empty());
});

db_test!(the_list_is_filtered_searched_and_sorted, |t| {
    let (a, b) = (t.customer("Adatum").await, t.customer("Blue").await);
    let owner = t.owner().await;
    let of_a = sample::integration(&t, &owner, a).await;
    let of_b = sample::integration(&t, &owner, b).await;
    sample::run(&t, of_a.id, RunStatus::Failed).await;
    let off = IntegrationChange {
        enabled: Some(false),
        ..no_change()
    };
    change(&t, &owner, of_b.id, off).await.unwrap();
    let all = IntegrationQuery::default;
    let cases = [
        (
            IntegrationQuery {
                q: Some("ADA".into()),
                ..all()
            },
            of_a.id,
        ),
        (
            IntegrationQuery {
                q: Some(b.to_string()),
                ..all()
            },
            of_b.id,
        ),
        (
            IntegrationQuery {
                customer_id: Some(b),
                ..all()
            },
            of_b.id,
        ),
        (
            IntegrationQuery {
                enabled: Some(true),
                ..all()
            },
            of_a.id,
        ),
        (
            IntegrationQuery {
                profile: Some(of_b.credential_profile_id),
                ..all()
            },
            of_b.id,
        ),
        (
            IntegrationQuery {
                state: Some(IntegrationState::Disabled),
                ..all()
            },
            of_b.id,
        ),
        (
            IntegrationQuery {
                status: Some(RunStatus::Failed),
                ..all()
            },
            of_a.id,
        ),
    ];
    for (query, expected) in cases {
        let page = list(&t, &owner, query.clone()).await.unwrap();
        let ids: Vec<_> = page.items.iter().map(|line| line.id).collect();
        assert_eq!((ids, page.total), (vec![expected], 1), "{query:?}");
    }
    let none = IntegrationQuery {
        cloud: Some("china".into()),
        ..all()
    };
    assert_eq!(list(&t, &owner, none).await.unwrap(), Page::empty());
    for (sort, _) in SORTS {
        let sorted = IntegrationQuery {
            sort: Some((*sort).into()),
            ..all()
        };
        assert_eq!(
            list(&t, &owner, sorted).await.unwrap().items.len(),
            2,
            "{sort}"
        );
    }
    let by_customer = IntegrationQuery {
        sort: Some("customer".into()),
        direction: Direction::Descending,
        ..all()
    };
    let page = list(&t, &owner, by_customer).await.unwrap();
    assert_eq!(page.items[0].customer_name, "Blue");
    assert_eq!(page.items[1].profile_name, "Own");
});

db_test!(switching_off_cancels_and_switching_on_schedules, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let id = sample::integration(&t, &owner, customer).await.id;
    let set = |enabled| IntegrationChange {
        enabled: Some(enabled),
        ..no_change()
    };
    let queued = sample::run(&t, id, RunStatus::Queued).await;
    let off = change(&t, &owner, id, set(false)).await.unwrap();
    assert_eq!(off.state, IntegrationState::Disabled);
    assert_eq!(sample::run_status(&t, queued).await, RunStatus::Cancelled);
    let on = change(&t, &owner, id, set(true)).await.unwrap();
    assert_eq!(
        (on.state, on.next_run_at),
        (IntegrationState::NotStarted, None)
    );

    sample::first_full_done(&t, id).await;
    let running = sample::run(&t, id, RunStatus::Running).await;
    let off = change(&t, &owner, id, set(false)).await.unwrap();
    assert_eq!(
        (off.state, off.next_run_at),
        (IntegrationState::Disabled, None)
    );
    assert_eq!(
        sample::run_status(&t, running).await,
        RunStatus::Running,
        "the worker ends it"
    );
    let mut tx = t.db.read().await.unwrap();
    let (by,) = fetch_one!(
        &mut tx,
        (Option<String>,),
        "SELECT cancelled_by FROM run WHERE id = $1",
        running
    )
    .unwrap();
    drop(tx);
    assert_eq!(by.as_deref(), Some("Owner"));
    let on = change(&t, &owner, id, set(true)).await.unwrap();
    assert_eq!(on.state, IntegrationState::Ok);
    // Its own place within the five minutes.
    let wait = on.next_run_at.unwrap() - t.clock.now();
    assert!(wait > Duration::zero() && wait <= Duration::minutes(5));
    let daily = IntegrationChange {
        schedule: Some(Schedule::cron("0 6 * * *")),
        ..no_change()
    };
    let on = change(&t, &owner, id, daily).await.unwrap();
    let at = on.next_run_at.unwrap().to_rfc3339();
    assert!(at.starts_with("2026-03-02T06:0"), "{at}");
    assert_eq!(get(&t, &owner, id).await.unwrap(), on);
});

db_test!(
    reading_differently_asks_for_a_full_scan_and_deciding_differently_does_not,
    |t| {
        let (owner, customer) = (t.owner().await, t.customer("A").await);
        let made = sample::integration(&t, &owner, customer).await;
        sample::first_full_done(&t, made.id).await;
        let policy = |policy| IntegrationChange {
            policy: Some(policy),
            ..no_change()
        };
        let decides = Policy {
            out_of_scope: OutOfScope::Delete,
            ..Policy::default()
        };
        let after = change(&t, &owner, made.id, policy(decides.clone()))
            .await
            .unwrap();
        assert!(!after.full_scan_next);
        let reads = Policy {
            object_types: vec![ObjectType::User],
            ..decides.clone()
        };
        let refused_off = IntegrationChange {
            full_scan_next: Some(false),
            ..policy(reads)
        };
        assert!(
            change(&t, &owner, made.id, refused_off)
                .await
                .unwrap()
                .full_scan_next
        );
        let off = IntegrationChange {
            full_scan_next: Some(false),
            ..no_change()
        };
        assert!(
            !change(&t, &owner, made.id, off)
                .await
                .unwrap()
                .full_scan_next
        );
        let group = ExternalId(uuid::Uuid::from_u128(1));
        let selects = Policy {
            selected_group_ids: vec![group],
            ..decides
        };
        let after = change(&t, &owner, made.id, policy(selects)).await.unwrap();
        assert!(after.full_scan_next);
        assert_eq!(get(&t, &owner, made.id).await.unwrap(), after);
        let bad = Policy {
            delete_after_days: 0,
            ..Policy::default()
        };
        assert_eq!(
            field(change(&t, &owner, made.id, policy(bad)).await),
            "policy.delete_after_days"
        );
        let log = sample::audit_log(&t).await;
        for field in [
            "full_scan_next: false → true",
            "policy.selected_group_ids: ",
        ] {
            assert!(log.last().unwrap().contains(field), "{log:?}");
        }
    }
);

db_test!(selected_groups_keep_what_is_known_of_them, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let id = sample::integration(&t, &owner, customer).await.id;
    let group = |n| ExternalId(uuid::Uuid::from_u128(n));
    let select = |ids: &[u128]| IntegrationChange {
        policy: Some(Policy {
            selected_group_ids: ids.iter().map(|n| group(*n)).collect(),
            ..Policy::default()
        }),
        ..no_change()
    };
    let hit = |n, name: &str, member_count| GroupHit {
        id: group(n),
        display_name: name.to_owned(),
        kind: GroupKind::Security,
        dynamic: false,
        can_sync: true,
        reason: None,
        member_count,
    };
    change(&t, &owner, id, select(&[1, 2, 3])).await.unwrap();
    let hits = [
        hit(1, "Zoo", Some(7)),
        hit(3, "Ärzte", None),
        hit(9, "Not selected", None),
    ];
    remember_groups(&t, &owner, id, &hits).await.unwrap();
    remember_groups(&t, &owner, id, &[hit(1, "Zoo", None)])
        .await
        .unwrap();
    change(&t, &owner, id, select(&[1, 3, 4])).await.unwrap();
    let known: Vec<_> = selected_groups(&t, &owner, id).await.unwrap();
    let known: Vec<_> = known
        .iter()
        .map(|g| {
            (
                g.external_id.0.as_u128(),
                g.display_name.as_deref(),
                g.member_count,
            )
        })
        .collect();
    assert_eq!(
        known,
        [
            (3, Some("Ärzte"), None),
            (1, Some("Zoo"), Some(7)),
            (4, None, None)
        ]
    );
});

async fn people(t: &TestBackend) -> Vec<(String, DirectoryStatus, SourceType, bool, bool)> {
    let mut tx = t.db.read().await.unwrap();
    fetch_all!(
        &mut tx,
        (String, DirectoryStatus, SourceType, bool, bool),
        "SELECT display_name, status, source_type, (external_id IS NOT NULL),
                (delete_at IS NOT NULL) FROM directory_user
         UNION ALL SELECT display_name, status, source_type, (external_id IS NOT NULL),
                (delete_at IS NOT NULL) FROM directory_group ORDER BY 1"
    )
    .unwrap()
}

async fn with_people(t: &TestBackend, owner: &Scope) -> IntegrationId {
    let customer = t.customer("A").await;
    let id = sample::integration(t, owner, customer).await.id;
    sample::user(t, customer, Some(id), "Ada", DirectoryStatus::Active).await;
    sample::user(t, customer, Some(id), "Bo", DirectoryStatus::Deleted).await;
    sample::group(t, customer, Some(id), "Group").await;
    sample::user(t, customer, None, "Manual", DirectoryStatus::Active).await;
    sample::run(t, id, RunStatus::Running).await;
    assert_eq!(people_count(t, owner, id).await.unwrap(), 1);
    id
}

use DirectoryStatus::{Active, Deleted, Inactive};
use SourceType::{EntraSync, Manual};

db_test!(people_of_a_deleted_integration_can_stay, |t| {
    let owner = t.owner().await;
    let id = with_people(&t, &owner).await;
    delete(&t, &owner, id, People::Keep).await.unwrap();
    assert!(is_missing(get(&t, &owner, id).await));
    let line = |name: &str, status| (name.to_owned(), status, Manual, false, false);
    let left = [
        line("Ada", Active),
        line("Bo", Deleted),
        line("Group", Active),
        line("Manual", Active),
    ];
    assert_eq!(people(&t).await, left);
});

db_test!(the_history_of_a_deleted_integration_stays, |t| {
    use crate::store::runs::{HistoryQuery, detail, history};
    let owner = t.owner().await;
    let id = with_people(&t, &owner).await;
    let name = get(&t, &owner, id).await.unwrap().name;
    for status in [RunStatus::Held, RunStatus::Succeeded] {
        let run = sample::run(&t, id, status).await;
        sample::count(&t, run, ObjectType::User, 1, 0).await;
    }
    delete(&t, &owner, id, People::Keep).await.unwrap();
    for q in [None, Some(name.to_uppercase())] {
        let query = HistoryQuery {
            q,
            ..HistoryQuery::default()
        };
        let lines = history(&t, &owner, query).await.unwrap().items;
        let mut statuses: Vec<_> = lines.iter().map(|line| line.run_status).collect();
        statuses.sort();
        statuses.dedup();
        assert_eq!(statuses, [RunStatus::Succeeded, RunStatus::Cancelled]);
        for line in lines {
            assert!(line.integration_deleted);
            assert_eq!(line.integration_name, name);
            let run = detail(&t, &owner, line.run_id).await.unwrap();
            assert_eq!(
                (run.integration_name, run.integration_deleted),
                (name.clone(), true)
            );
            assert!(run.run.ended_at.is_some());
        }
    }
});

db_test!(people_of_a_deleted_integration_become_inactive, |t| {
    let owner = t.owner().await;
    let id = with_people(&t, &owner).await;
    delete(&t, &owner, id, People::Deactivate).await.unwrap();
    let line = |name: &str, status| (name.to_owned(), status, EntraSync, true, false);
    let manual = ("Manual".to_owned(), Active, Manual, false, false);
    let left = [
        line("Ada", Inactive),
        line("Bo", Deleted),
        line("Group", Inactive),
        manual,
    ];
    assert_eq!(people(&t).await, left);
});

db_test!(
    people_of_a_deleted_integration_can_be_deleted_after_30_days,
    |t| {
        let owner = t.owner().await;
        let id = with_people(&t, &owner).await;
        delete(&t, &owner, id, People::Delete).await.unwrap();
        let line = |name: &str, status| (name.to_owned(), status, EntraSync, true, true);
        let manual = ("Manual".to_owned(), Active, Manual, false, false);
        let left = [
            line("Ada", Inactive),
            // Deleted before: nothing is left to wait for.
            ("Bo".to_owned(), Deleted, EntraSync, true, false),
            line("Group", Inactive),
            manual,
        ];
        assert_eq!(people(&t).await, left);
        let mut tx = t.db.read().await.unwrap();
        let (at,) = fetch_one!(
            &mut tx,
            (DateTime,),
            "SELECT delete_at FROM directory_user WHERE display_name = 'Ada'"
        )
        .unwrap();
        drop(tx);
        assert_eq!(at, t.clock.now() + Duration::days(30));
        let mut tx = t.db.read().await.unwrap();
        let changes = fetch_scalar!(
            &mut tx,
            String,
            "SELECT changes FROM audit_event WHERE action = 'integration.delete'"
        )
        .unwrap();
        assert!(changes.contains(r#""people":"delete""#), "{changes}");
    }
);

db_test!(a_guard_says_at_how_many_it_would_hold_today, |t| {
    use domain::guard::GuardForecast;

    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let id = sample::integration(&t, &owner, customer).await.id;
    let of = Some(id);
    for (number, status) in [
        (45, DirectoryStatus::Active),
        (2, DirectoryStatus::Inactive),
        (3, DirectoryStatus::Deleted),
    ] {
        for i in 0..number {
            sample::user(&t, customer, of, &format!("{status} {i}"), status).await;
        }
    }
    sample::user(&t, customer, None, "By hand", DirectoryStatus::Active).await;
    let group = sample::group(&t, customer, of, "Sales").await;
    sample::member(&t, group, uuid::Uuid::from_u128(1), ObjectType::User).await;
    t.contact(customer, of, "Con Tact", DirectoryStatus::Active)
        .await;
    for i in 0..5 {
        let name = format!("Device {i}");
        t.device(customer, of, &name, DirectoryStatus::Active).await;
    }

    let sizes = guard_sizes(&t, &owner, id).await.unwrap();
    let counted: Vec<_> = sizes
        .iter()
        .map(|size| (size.active, size.objects))
        .collect();
    assert_eq!(counted, [(45, 47), (1, 1), (1, 1), (5, 5), (1, 1)]);
    let line = |object_type, active, holds_at| GuardForecast {
        object_type,
        active,
        holds_at,
    };
    assert_eq!(
        guard_forecast(&t, &owner, id).await.unwrap(),
        [
            // Over 10 % of 45.
            line(ObjectType::User, 45, Some(5)),
            line(ObjectType::Group, 1, None),
            line(ObjectType::Contact, 1, None),
            line(ObjectType::Device, 5, Some(4)),
            line(ObjectType::Membership, 1, None),
        ]
    );
    let other = t.customer("Other").await;
    let stranger = t.administrator_of(&[other]).await;
    assert!(is_missing(guard_sizes(&t, &stranger, id).await));
    assert!(is_missing(guard_forecast(&t, &stranger, id).await));
});

db_test!(of_two_who_save_at_once_neither_undoes_the_other, |t| {
    let owner = t.owner().await;
    let customer = t.customer("A").await;
    let integration = sample::integration(&t, &owner, customer).await;
    let id = integration.id;
    let schedule = IntegrationChange {
        full_scan_next: Some(!integration.full_scan_next),
        ..IntegrationChange::default()
    };
    let policy = IntegrationChange {
        policy: Some(Policy {
            require_names: false,
            ..integration.policy
        }),
        ..IntegrationChange::default()
    };
    let (one, other) = tokio::join!(
        change(&t, &owner, id, schedule),
        change(&t, &owner, id, policy)
    );
    one.unwrap();
    other.unwrap();
    let now = get(&t, &owner, id).await.unwrap();
    assert_eq!(now.full_scan_next, !integration.full_scan_next);
    assert!(!now.policy.require_names);
});
