use chrono::Duration;
use domain::{paging::Direction, run::LineStatus};

use super::*;
use crate::{Scope, db_test, execute, store::sample, testing::TestBackend};

fn is_missing<T: std::fmt::Debug>(given: Result<T>) -> bool {
    matches!(given, Err(Error::NotFound("run")))
}

/// Three runs of two customers, an hour apart, each with a line of users and one of groups.
async fn runs(t: &TestBackend, owner: &Scope) -> (Vec<IntegrationId>, Vec<RunId>) {
    let (a, b) = (t.customer("=Adatum").await, t.customer("Blue").await);
    let of_a = sample::integration(t, owner, a).await.id;
    let of_b = sample::integration(t, owner, b).await.id;
    let mut made = Vec::new();
    for (at, (integration, status)) in [
        (of_a, RunStatus::Succeeded),
        (of_b, RunStatus::Failed),
        (of_a, RunStatus::Partial),
    ]
    .into_iter()
    .enumerate()
    {
        let run = sample::run(t, integration, status).await;
        let at = i64::try_from(at).unwrap();
        sample::count(t, run, ObjectType::User, 10 + at, at).await;
        sample::count(t, run, ObjectType::Group, 3, 0).await;
        made.push(run);
        t.clock.advance(Duration::hours(1));
    }
    (vec![of_a, of_b], made)
}

db_test!(a_run_is_shown_with_its_counts, |t| {
    let owner = t.owner().await;
    let (integrations, runs) = runs(&t, &owner).await;
    let run = get(&t, &owner, runs[0]).await.unwrap();
    assert_eq!(
        (run.integration_id, run.status),
        (Some(integrations[0]), RunStatus::Succeeded)
    );
    let counts: Vec<_> = run
        .counts
        .iter()
        .map(|line| (line.object_type, line.total))
        .collect();
    assert_eq!(counts, [(ObjectType::User, 10), (ObjectType::Group, 3)]);
    let detail = detail(&t, &owner, runs[0]).await.unwrap();
    assert_eq!(
        (detail.customer_name.as_str(), detail.started_by.as_deref()),
        ("=Adatum", Some("Mina"))
    );
    assert_eq!((detail.progress.objects_read, detail.folded), (40, 1));
});

db_test!(history_is_filtered_and_searched, |t| {
    let owner = t.owner().await;
    let (integrations, runs) = runs(&t, &owner).await;
    let from = get(&t, &owner, runs[1]).await.unwrap().started_at.unwrap();
    let all = HistoryQuery::default;
    let cases = [
        (all(), 6),
        (
            HistoryQuery {
                integration_id: Some(integrations[0]),
                ..all()
            },
            4,
        ),
        (
            HistoryQuery {
                object_type: Some(ObjectType::Group),
                ..all()
            },
            3,
        ),
        (
            HistoryQuery {
                status: Some(LineStatus::Failed),
                ..all()
            },
            2,
        ),
        (
            HistoryQuery {
                from: Some(from),
                ..all()
            },
            4,
        ),
        (
            HistoryQuery {
                to: Some(from),
                ..all()
            },
            2,
        ),
        (
            HistoryQuery {
                q: Some("BLUE".into()),
                ..all()
            },
            2,
        ),
        (
            HistoryQuery {
                q: Some("nothing".into()),
                ..all()
            },
            0,
        ),
    ];
    for (query, expected) in cases {
        let page = history(&t, &owner, query.clone()).await.unwrap();
        assert_eq!(
            (page.total, page.items.len()),
            (expected, usize::try_from(expected).unwrap()),
            "{query:?}"
        );
    }
});

db_test!(history_is_sorted_and_cut, |t| {
    let owner = t.owner().await;
    let (_, runs) = runs(&t, &owner).await;
    let all = HistoryQuery::default;
    let page = history(&t, &owner, all()).await.unwrap();
    let lines: Vec<_> = page
        .items
        .iter()
        .map(|l| (l.run_id, l.counts.object_type))
        .collect();
    assert_eq!(
        lines[..2],
        [(runs[2], ObjectType::User), (runs[2], ObjectType::Group)],
        "the latest first"
    );
    let cut = HistoryQuery {
        page: PageRequest::new(3, 2),
        ..all()
    };
    let page = history(&t, &owner, cut).await.unwrap();
    assert_eq!((page.items[0].run_id, page.total), (runs[0], 6));
    for (sort, _) in SORTS {
        let sorted = HistoryQuery {
            sort: Some((*sort).into()),
            direction: Direction::Ascending,
            ..all()
        };
        assert_eq!(
            history(&t, &owner, sorted).await.unwrap().items.len(),
            6,
            "{sort}"
        );
    }
    let largest = HistoryQuery {
        sort: Some("total".into()),
        ..all()
    };
    let page = history(&t, &owner, largest).await.unwrap();
    assert_eq!(page.items[0].counts.total, 14);
});

db_test!(
    the_history_as_csv_has_every_matching_line_and_the_seeds_titles,
    |t| {
        let owner = t.owner().await;
        let (_, runs) = runs(&t, &owner).await;
        let text = sample::text(history_csv(&t, &owner, HistoryQuery::default())).await;
        let lines: Vec<_> = text.split("\r\n").collect();
        assert_eq!(lines.len(), 1 + 6 + 1);
        assert!(lines[0].starts_with(
        "Start Time,End Time,Type,Total Objects,Objects Changed,Objects Deleted,Objects Filtered,Status,"
    ));
        assert!(
            lines[1].starts_with(
                "2026-03-01T14:00:00Z,2026-03-01T14:00:30Z,User,14,12,0,2,Partial,'=Adatum,"
            ),
            "{}",
            lines[1]
        );
        assert!(lines[1].ends_with(&runs[2].to_string()));
        let failed = HistoryQuery {
            status: Some(LineStatus::Failed),
            ..HistoryQuery::default()
        };
        assert_eq!(
            sample::text(history_csv(&t, &owner, failed))
                .await
                .lines()
                .count(),
            3
        );
    }
);

db_test!(the_history_as_csv_goes_on_past_one_step, |t| {
    let owner = t.owner().await;
    let customer = t.customer("A").await;
    let integration = sample::integration(&t, &owner, customer).await.id;
    for _ in 0..505 {
        let run = sample::run(&t, integration, RunStatus::Succeeded).await;
        sample::count(&t, run, ObjectType::User, 1, 0).await;
        sample::count(&t, run, ObjectType::Group, 1, 0).await;
    }
    let text = sample::text(history_csv(&t, &owner, HistoryQuery::default())).await;
    let mut rows: Vec<_> = text.lines().skip(1).collect();
    assert_eq!(rows.len(), 1010);
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), 1010, "no line twice");
});

db_test!(programs_walk_all_runs_once, |t| {
    let owner = t.owner().await;
    let (integrations, runs) = runs(&t, &owner).await;
    let mut request = ListRequest {
        limit: 1,
        ..ListRequest::default()
    };
    let mut seen = Vec::new();
    loop {
        let part = listing(&t, &owner, &RunFilter::default(), &request)
            .await
            .unwrap();
        seen.extend(part.items.iter().map(|run| (run.id, run.counts.len())));
        let Some(next) = part.next else { break };
        request.cursor = Some(next.parse().unwrap());
    }
    assert_eq!(seen, [(runs[2], 2), (runs[1], 2), (runs[0], 2)]);
    let number = async |filter: RunFilter| {
        let part = listing(&t, &owner, &filter, &ListRequest::default()).await;
        part.unwrap().items.len()
    };
    let none = RunFilter::default;
    assert_eq!(
        number(RunFilter {
            integration_id: Some(integrations[1]),
            ..none()
        })
        .await,
        1
    );
    assert_eq!(
        number(RunFilter {
            status: Some(RunStatus::Partial),
            ..none()
        })
        .await,
        1
    );
    assert_eq!(
        number(RunFilter {
            object_type: Some(ObjectType::Device),
            ..none()
        })
        .await,
        0
    );
});

async fn change(t: &TestBackend, run: RunId, position: i64, name: &str, status: ChangeStatus) {
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "INSERT INTO run_change (run_id, position, object_type, external_id, object_id,
           display_name, name_folded, action, status, edges, before_value, after_value)
         VALUES ($1, $2, 'user', $3, $3, $4, $5, $6, $7, 0, $8, $9)",
        run,
        position,
        t.ids.uuid(),
        name,
        planner::fold(name),
        Action::Update,
        status,
        r#"{"mail":null}"#,
        r#"{"mail":"a@x.example"}"#
    )
    .unwrap();
    tx.commit().await.unwrap();
}

db_test!(changes_lead_to_what_is_in_the_directory, |t| {
    use domain::user::DirectoryStatus::Active;

    let owner = t.owner().await;
    let (_, runs) = runs(&t, &owner).await;
    let customer = t.customer("Third").await;
    let ids = [
        (
            "user",
            sample::user(&t, customer, None, "Ada", Active).await.0,
        ),
        ("group", sample::group(&t, customer, None, "Sales").await.0),
        ("contact", t.contact(customer, None, "Con", Active).await.0),
        ("device", t.device(customer, None, "De", Active).await.0),
    ];
    let of_group = ("membership", ids[1].1);
    let rows = [
        ids[0],
        ids[1],
        ids[2],
        ids[3],
        of_group,
        // Planned, or kept out: not in the directory.
        ("user", t.ids.uuid()),
        ("device", ids[2].1),
    ];
    let mut tx = t.db.write().await.unwrap();
    for (at, (object_type, id)) in rows.into_iter().enumerate() {
        execute!(
            &mut tx,
            "INSERT INTO run_change (run_id, position, object_type, external_id, object_id,
               display_name, name_folded, action, status, edges)
             VALUES ($1, $2, $3, $4, $4, 'One', 'one', 'create', 'applied', 0)",
            runs[0],
            i64::try_from(at).unwrap(),
            object_type,
            id
        )
        .unwrap();
    }
    tx.commit().await.unwrap();
    let page = changes(&t, &owner, runs[0], ChangeQuery::default()).await;
    let page = page.unwrap().items;
    let found = in_directory(&t, &owner, runs[0], &page).await.unwrap();
    let found: Vec<_> = page.iter().map(|one| found.get(&one.id).copied()).collect();
    let expected: Vec<_> = rows.iter().map(|(_, id)| Some(*id)).collect();
    assert_eq!(found[..5], expected[..5]);
    assert_eq!(found[5..], [None, None]);
    let other = t.administrator_of(&[customer]).await;
    assert!(is_missing(in_directory(&t, &other, runs[0], &page).await));
});

db_test!(changes_of_a_run_are_found_and_walked, |t| {
    let owner = t.owner().await;
    let (_, runs) = runs(&t, &owner).await;
    for (at, name) in ["Zoë", "Ada", "Bo"].into_iter().enumerate() {
        let status = if at == 0 {
            ChangeStatus::Failed
        } else {
            ChangeStatus::Applied
        };
        change(&t, runs[0], i64::try_from(at).unwrap(), name, status).await;
    }
    let all = ChangeQuery::default;
    let page = changes(&t, &owner, runs[0], all()).await.unwrap();
    assert_eq!((page.total, page.items.len()), (3, 3));
    assert_eq!(
        page.items[0].after,
        Some(serde_json::json!({"mail": "a@x.example"}))
    );
    let found = changes(
        &t,
        &owner,
        runs[0],
        ChangeQuery {
            q: Some("zoe".into()),
            ..all()
        },
    )
    .await
    .unwrap();
    assert_eq!(found.items[0].display_name, "Zoë");
    let failed = ChangeQuery {
        status: Some(ChangeStatus::Failed),
        ..all()
    };
    assert_eq!(changes(&t, &owner, runs[0], failed).await.unwrap().total, 1);
    let mut request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let part = changes_listing(&t, &owner, runs[0], &request)
        .await
        .unwrap();
    assert_eq!(part.items.len(), 2);
    request.cursor = Some(part.next.unwrap().parse().unwrap());
    let part = changes_listing(&t, &owner, runs[0], &request)
        .await
        .unwrap();
    assert_eq!((part.items.len(), part.next), (1, None));
});

db_test!(changes_as_csv_go_on_past_one_step, |t| {
    let owner = t.owner().await;
    let (_, runs) = runs(&t, &owner).await;
    let mut tx = t.db.write().await.unwrap();
    for position in 0..1005_i64 {
        // Two groups that have more members than one step takes.
        let edges = if position == 3 || position == 4 {
            15_000_i64
        } else {
            0
        };
        let name = format!("Nr {position:04}");
        execute!(
            &mut tx,
            "INSERT INTO run_change (run_id, position, object_type, external_id, object_id,
               display_name, name_folded, action, status, edges)
             VALUES ($1, $2, 'user', $3, $3, $4, $4, 'create', 'planned', $5)",
            runs[0],
            position,
            t.ids.uuid(),
            name,
            edges
        )
        .unwrap();
    }
    tx.commit().await.unwrap();
    let rows = changes_csv(&t, &owner, runs[0], ChangeQuery::default()).await;
    let text = sample::text(rows.unwrap()).await;
    assert!(text.starts_with("Type,Name,User Name,Object Id,"), "{text}");
    let names: Vec<_> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap())
        .collect();
    let all: Vec<_> = (0..1005).map(|at| format!("Nr {at:04}")).collect();
    assert_eq!(names, all, "each once, in the order they were planned");
    assert_eq!(text.matches(",members,,15000,").count(), 2);
});

db_test!(nobody_sees_another_customers_runs, |t| {
    let owner = t.owner().await;
    let (_, runs) = runs(&t, &owner).await;
    let stranger = t.customer("Mine").await;
    let some = t.administrator_of(&[stranger]).await;
    assert!(is_missing(get(&t, &some, runs[0]).await));
    assert!(is_missing(detail(&t, &some, runs[0]).await));
    assert!(is_missing(
        changes(&t, &some, runs[0], ChangeQuery::default()).await
    ));
    assert!(is_missing(
        changes_listing(&t, &some, runs[0], &ListRequest::default()).await
    ));
    let file = changes_csv(&t, &some, runs[0], ChangeQuery::default()).await;
    assert!(is_missing(file.map(|_| ())));
    assert_eq!(
        history(&t, &some, HistoryQuery::default()).await.unwrap(),
        Page::empty()
    );
    let part = listing(&t, &some, &RunFilter::default(), &ListRequest::default()).await;
    assert!(part.unwrap().items.is_empty());
    let text = sample::text(history_csv(&t, &some, HistoryQuery::default())).await;
    assert_eq!(text.lines().count(), 1);
});
