use domain::run::RunStatus;

use super::*;
use crate::{
    db_test,
    store::{integrations, sample},
    testing::TestBackend,
};

fn is_missing<T: std::fmt::Debug>(given: Result<T>) -> bool {
    matches!(given, Err(Error::NotFound("customer")))
}

fn field<T: std::fmt::Debug>(given: Result<T>) -> String {
    match given {
        Err(Error::Invalid(field)) => field.field,
        other => panic!("{other:?}"),
    }
}

async fn page(t: &TestBackend, scope: &Scope, query: CustomerQuery) -> (Vec<String>, i64) {
    let page = list(t, scope, query).await.unwrap();
    (page.items.into_iter().map(|c| c.name).collect(), page.total)
}

db_test!(a_list_is_searched_sorted_and_cut, |t| {
    let owner = t.owner().await;
    for name in ["Zoë GmbH", "contoso", "Ångström AB", "Adatum", "100%_real"] {
        create(&t, &owner, name).await.unwrap();
        t.clock.advance(chrono::Duration::seconds(1));
    }
    let query = CustomerQuery::default;
    let (names, total) = page(&t, &owner, query()).await;
    assert_eq!(
        names,
        ["100%_real", "Adatum", "Ångström AB", "contoso", "Zoë GmbH"]
    );
    assert_eq!(total, 5);
    let found = page(
        &t,
        &owner,
        CustomerQuery {
            q: Some(" ZOE".into()),
            ..query()
        },
    )
    .await;
    assert_eq!(found, (vec!["Zoë GmbH".to_owned()], 1));
    let found = page(
        &t,
        &owner,
        CustomerQuery {
            q: Some("%_".into()),
            ..query()
        },
    )
    .await;
    assert_eq!(found.1, 1);
    let newest = CustomerQuery {
        sort: Some("created".into()),
        direction: Direction::Descending,
        page: PageRequest::new(2, 2),
        ..query()
    };
    assert_eq!(page(&t, &owner, newest).await.0, ["Ångström AB", "contoso"]);
    for (sort, _) in SORTS {
        let sorted = CustomerQuery {
            sort: Some((*sort).into()),
            ..query()
        };
        assert_eq!(page(&t, &owner, sorted).await.1, 5, "{sort}");
    }
    let unknown = CustomerQuery {
        sort: Some("; DROP".into()),
        ..query()
    };
    assert_eq!(page(&t, &owner, unknown).await.0, names);
});

db_test!(a_listing_goes_on_where_it_ended, |t| {
    let owner = t.owner().await;
    for name in ["b", "A", "a", "c", "ä"] {
        create(&t, &owner, name).await.unwrap();
    }
    let mut request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let mut seen = Vec::new();
    loop {
        let part = listing(&t, &owner, &request, None).await.unwrap();
        assert!(part.items.len() <= 2);
        seen.extend(part.items.into_iter().map(|c| c.name));
        let Some(next) = part.next else { break };
        request.cursor = Some(next.parse().unwrap());
    }
    assert_eq!(seen, ["A", "a", "ä", "b", "c"]);
    let q = ListRequest {
        q: Some("Ä".into()),
        ..ListRequest::default()
    };
    assert_eq!(listing(&t, &owner, &q, None).await.unwrap().items.len(), 3);
    let names = names(&t, &owner, Some("B")).await.unwrap();
    assert_eq!(names.len(), 1);
    assert_eq!(count(&t, &owner).await.unwrap(), 5);
});

db_test!(nobody_sees_or_changes_another_customer, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let some = t.administrator_of(&[a]).await;
    assert_eq!(
        page(&t, &some, CustomerQuery::default()).await,
        (vec!["A".to_owned()], 1)
    );
    assert_eq!(
        listing(&t, &some, &ListRequest::default(), None)
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    assert_eq!(names(&t, &some, None).await.unwrap(), [(a, "A".to_owned())]);
    assert_eq!(count(&t, &some).await.unwrap(), 1);
    assert_eq!(get(&t, &some, a).await.unwrap().name, "A");
    assert_eq!(line(&t, &some, a).await.unwrap().name, "A");
    assert!(is_missing(line(&t, &some, b).await));
    assert!(is_missing(get(&t, &some, b).await));
    assert!(is_missing(rename(&t, &some, b, "x").await));
    assert!(is_missing(delete(&t, &some, b, None).await));
    assert!(is_missing(restore(&t, &some, b).await));
    let refused = create(&t, &some, "C").await;
    assert!(matches!(
        refused,
        Err(Error::Forbidden(Permission::CustomersWrite))
    ));
    assert_eq!(rename(&t, &some, a, " A2 ").await.unwrap().name, "A2");
});

db_test!(
    a_customer_goes_into_the_bin_and_comes_back_with_its_syncs,
    |t| {
        let owner = t.owner().await;
        let id = create(&t, &owner, "Contoso").await.unwrap().id;
        let integration = sample::integration(&t, &owner, id).await;
        sample::first_full_done(&t, integration.id).await;
        let run = sample::run(&t, integration.id, RunStatus::Queued).await;
        assert_eq!(
            field(delete(&t, &owner, id, Some("Fabrikam")).await),
            "confirm_name"
        );
        delete(&t, &owner, id, Some(" Contoso ")).await.unwrap();

        assert!(
            is_missing(delete(&t, &owner, id, None).await),
            "it is there already"
        );
        assert!(is_missing(rename(&t, &owner, id, "x").await));
        assert_eq!(
            get(&t, &owner, id).await.unwrap().deleted_at,
            Some(t.clock.now())
        );
        assert_eq!(page(&t, &owner, CustomerQuery::default()).await.1, 0);
        let bin = CustomerQuery {
            bin: true,
            ..CustomerQuery::default()
        };
        let lines = list(&t, &owner, bin).await.unwrap().items;
        assert_eq!(
            (lines[0].name.as_str(), lines[0].integrations),
            ("Contoso", 1)
        );
        assert_eq!(sample::run_status(&t, run).await, RunStatus::Cancelled);
        let hidden = integrations::get(&t, &owner, integration.id).await;
        assert!(matches!(hidden, Err(Error::NotFound("integration"))));

        restore(&t, &owner, id).await.unwrap();
        restore(&t, &owner, id).await.unwrap();
        let back = integrations::get(&t, &owner, integration.id).await.unwrap();
        let wait = back.next_run_at.unwrap() - t.clock.now();
        assert!(wait > chrono::Duration::zero() && wait <= chrono::Duration::minutes(5));
        delete(&t, &owner, id, None).await.unwrap();
        t.clock.advance(chrono::Duration::days(BIN_DAYS));
        assert!(
            is_missing(restore(&t, &owner, id).await),
            "its days are over"
        );
    }
);

db_test!(changes_are_written_down_with_who_made_them, |t| {
    let owner = t.owner().await;
    let id = create(&t, &owner, "Contoso").await.unwrap().id;
    rename(&t, &owner, id, "Fabrikam").await.unwrap();
    rename(&t, &owner, id, "Fabrikam").await.unwrap();
    assert_eq!(field(rename(&t, &owner, id, "").await), "name");
    delete(&t, &owner, id, None).await.unwrap();
    restore(&t, &owner, id).await.unwrap();
    let told = sample::audit_log(&t).await;
    assert_eq!(
        told,
        [
            "Owner customer.create Contoso",
            "Owner customer.update Fabrikam (name: Contoso → Fabrikam)",
            "Owner customer.delete Fabrikam",
            "Owner customer.restore Fabrikam",
        ]
    );
});

db_test!(schedules_follow_the_customers_time_zone, |t| {
    let owner = t.owner().await;
    let customer = create(&t, &owner, "Contoso").await.unwrap();
    assert_eq!(customer.time_zone, "UTC");
    let integration = sample::integration(&t, &owner, customer.id).await;
    sample::first_full_done(&t, integration.id).await;
    let daily = domain::integration::IntegrationChange {
        schedule: Some(domain::schedule::Schedule::cron("0 6 * * *")),
        ..domain::integration::IntegrationChange::default()
    };
    integrations::change(&t, &owner, integration.id, daily)
        .await
        .unwrap();
    let zone = |zone: &str| CustomerChange {
        time_zone: Some(zone.to_owned()),
        ..CustomerChange::default()
    };
    // It is 12:00 UTC.
    for (name, at) in [
        ("Europe/Amsterdam", "2026-03-02T05:0"),
        ("asia/tokyo", "2026-03-01T21:0"),
        ("America/New_York", "2026-03-02T11:0"),
    ] {
        let changed = change(&t, &owner, customer.id, zone(name)).await.unwrap();
        assert!(changed.time_zone.eq_ignore_ascii_case(name));
        let next = integrations::get(&t, &owner, integration.id).await.unwrap();
        assert_eq!(next.time_zone, changed.time_zone);
        let next = next.next_run_at.unwrap().to_rfc3339();
        assert!(next.starts_with(at), "{name}: {next}");
    }
    assert_eq!(
        field(change(&t, &owner, customer.id, zone("Mars/Olympus")).await),
        "time_zone"
    );
    assert_eq!(
        get(&t, &owner, customer.id).await.unwrap().time_zone,
        "America/New_York"
    );
    let made = create_in(&t, &owner, "Fabrikam", "Europe/Berlin", &[]).await;
    assert_eq!(made.unwrap().time_zone, "Europe/Berlin");
});
