//! Writing: places, days, writers at the same time, and what is no longer kept.

use chrono::Duration;
use domain::id::CustomerId;

use super::*;
use crate::{Error, db_test, fetch_all, fetch_scalar};

/// How the chains of all days end: day, customer's name, entries.
async fn chains(t: &TestBackend) -> Vec<(String, String, i64)> {
    let mut tx = t.db.read().await.unwrap();
    fetch_all!(
        &mut tx,
        (String, String, i64),
        "SELECT a.day, COALESCE(c.name, ''), a.entries FROM audit_chain a
           LEFT JOIN customer c ON c.id = a.customer_id ORDER BY 1, 2"
    )
    .unwrap()
}

fn chain(day: &str, customer: &str, entries: i64) -> (String, String, i64) {
    (day.to_owned(), customer.to_owned(), entries)
}

db_test!(
    each_customer_and_day_has_a_chain_and_days_hang_together,
    |t| {
        let (owner, a, b) = (
            t.owner().await,
            t.customer("A").await,
            t.customer("B").await,
        );
        assert_eq!(head(&t).await.unwrap(), None);
        for (customer, name) in [(Some(a), "1"), (None, "2"), (Some(b), "3"), (Some(a), "4")] {
            write(&t, &owner, customer, name).await;
        }
        t.clock.advance(Duration::days(1));
        write(&t, &owner, Some(a), "5").await;
        assert_eq!(
            chains(&t).await,
            [
                chain("2026-03-01", "", 1),
                chain("2026-03-01", "A", 2),
                chain("2026-03-01", "B", 1),
                chain("2026-03-02", "A", 1),
            ]
        );
        let found = verify(&t, None).await.unwrap();
        assert!(found.holds(), "{found:?}");
        assert_eq!((found.entries, found.days, found.dropped_days), (5, 2, 0));
        let kept = head(&t).await.unwrap().unwrap();
        assert_eq!(kept.day, "2026-03-01");
        assert_eq!(kept.to_string().parse(), Ok(kept.clone()));
        assert_eq!(found.head, Some(kept));
    }
);

db_test!(a_clock_that_goes_back_forks_nothing, |t| {
    let (owner, a) = (t.owner().await, t.customer("A").await);
    t.clock.advance(Duration::days(2));
    write(&t, &owner, Some(a), "1").await;
    t.clock.advance(-Duration::days(1));
    write(&t, &owner, Some(a), "2").await;
    assert_eq!(chains(&t).await, [chain("2026-03-03", "A", 2)]);
    t.clock.advance(Duration::days(2));
    close_past_days(&t).await.unwrap();
    t.clock.advance(-Duration::days(1));
    write(&t, &owner, Some(a), "3").await;
    assert_eq!(
        chains(&t).await,
        [chain("2026-03-03", "A", 2), chain("2026-03-04", "A", 1)]
    );
    assert_eq!(wrong(&t).await, [""; 0]);
});

db_test!(writers_at_the_same_time_stand_in_line, |t| {
    let owner = t.owner().await;
    let customers: Vec<Option<CustomerId>> = vec![
        None,
        Some(t.customer("A").await),
        Some(t.customer("B").await),
    ];
    let t = std::sync::Arc::new(t);
    let writers = (0..6).map(|writer| {
        let (t, owner, customers) = (t.clone(), owner.clone(), customers.clone());
        tokio::spawn(async move {
            for n in 0..12 {
                // All of them come upon a new day in the middle of it.
                if writer == 0 && n % 4 == 3 {
                    t.clock.advance(Duration::days(1));
                }
                let customer = customers[(writer + n) % customers.len()];
                write(&t, &owner, customer, &format!("{writer}.{n}")).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let found = verify(&t, None).await.unwrap();
    assert!(found.holds(), "{found:?}");
    assert_eq!(found.entries, 72);
    assert!(found.days >= 2, "{found:?}");
});

db_test!(what_is_not_done_is_not_written_down, |t| {
    let (owner, a) = (t.owner().await, t.customer("A").await);
    write(&t, &owner, Some(a), "1").await;
    let mut tx = t.db.write().await.unwrap();
    let entry = Entry::new(AuditAction::CustomerUpdate, Uuid::nil(), "2").of(a);
    record(&t, &mut tx, &owner, entry).await.unwrap();
    drop(tx);
    write(&t, &owner, Some(a), "3").await;
    assert_eq!(chains(&t).await, [chain("2026-03-01", "A", 2)]);
    assert_eq!(wrong(&t).await, [""; 0]);
});

db_test!(days_that_are_too_old_go_whole_and_leave_their_heads, |t| {
    let (owner, a, b) = (
        t.owner().await,
        t.customer("A").await,
        t.customer("B").await,
    );
    let mut heads = Vec::new();
    for day in 0..5 {
        for customer in [Some(a), Some(b), None] {
            write(&t, &owner, customer, &format!("{day}")).await;
        }
        t.clock.advance(Duration::days(1));
        close_past_days(&t).await.unwrap();
        heads.push(head(&t).await.unwrap().unwrap());
    }
    t.clock
        .advance(Duration::days(i64::from(RETENTION_DAYS) - 3));
    write(&t, &owner, Some(a), "now").await;
    drop_old_days(&t).await.unwrap();
    drop_old_days(&t).await.unwrap();
    let found = verify(&t, None).await.unwrap();
    assert!(found.holds(), "{found:?}");
    assert_eq!((found.entries, found.days, found.dropped_days), (10, 4, 2));
    for head in &heads {
        assert!(verify(&t, Some(head)).await.unwrap().holds(), "{head}");
    }
    let mut tx = t.db.read().await.unwrap();
    let first = fetch_scalar!(&mut tx, String, "SELECT MIN(day) FROM audit_event").unwrap();
    assert_eq!(first, "2026-03-03");
    let left = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM audit_chain WHERE day < '2026-03-03'"
    );
    assert_eq!(left.unwrap(), 0);
    drop(tx);

    t.clock.advance(Duration::days(2));
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "UPDATE audit_event SET day = '2026-03-01' WHERE object_name = 'now'"
    )
    .unwrap();
    tx.commit().await.unwrap();
    let smuggled = "2026-03-01: it has entries, though retention removed them all";
    assert!(wrong(&t).await.iter().any(|line| line == smuggled));
});

db_test!(
    a_head_that_was_kept_elsewhere_tells_a_log_that_was_written_anew,
    |t| {
        let (owner, a) = (t.owner().await, t.customer("A").await);
        write(&t, &owner, Some(a), "as it was").await;
        t.clock.advance(Duration::days(1));
        write(&t, &owner, Some(a), "later").await;
        let kept = head(&t).await.unwrap().unwrap();
        assert!(verify(&t, Some(&kept)).await.unwrap().holds());

        // Somebody with the database and this very code writes another history.
        let mut tx = t.db.write().await.unwrap();
        for table in ["audit_event", "audit_chain", "audit_day"] {
            execute!(&mut tx, sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).unwrap();
        }
        tx.commit().await.unwrap();
        t.clock.advance(-Duration::days(1));
        write(&t, &owner, Some(a), "as it should have been").await;
        t.clock.advance(Duration::days(1));
        write(&t, &owner, Some(a), "later").await;
        assert_eq!(wrong(&t).await, [""; 0]);
        let found = verify(&t, Some(&kept)).await.unwrap();
        assert_eq!(found.broken.len(), 1, "{found:?}");
        assert!(found.broken[0].what.contains("rewritten"), "{found:?}");

        let cut = AuditHead {
            day: "2026-02-27".to_owned(),
            hash: vec![1; 32],
        };
        assert!(!verify(&t, Some(&cut)).await.unwrap().holds());
    }
);

#[test]
fn a_head_is_read_as_it_is_printed_and_nothing_else_is_one() {
    let hash = "ab".repeat(32);
    for bad in [
        "",
        &hash,
        "2026-03-01:",
        &format!("2026-02-30:{hash}"),
        &format!("2026-03-01:{hash}00"),
    ] {
        assert!(bad.parse::<AuditHead>().is_err(), "{bad}");
    }
    assert!(format!(" 2026-03-01:{hash}\n").parse::<AuditHead>().is_ok());
}

db_test!(an_export_is_written_to_the_customer_that_it_is_of, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let of_a = t.administrator_of(&[a]).await;
    let asked = [("status", "active"), ("q", " ")];
    for customer in [Some(a), Some(b), None] {
        exported(&t, &of_a, AuditAction::UserExport, customer, asked)
            .await
            .unwrap();
    }
    assert_eq!(
        chains(&t).await,
        [chain("2026-03-01", "", 2), chain("2026-03-01", "A", 1)],
        "nobody writes into another customer's chain"
    );
    assert_eq!(
        crate::store::sample::audit_log(&t).await[0],
        "Administrator user.export Users (filter.status: – → active)"
    );
    let run = domain::id::RunId(Uuid::nil());
    let none = exported_changes(&t, &of_a, run, []).await;
    assert!(matches!(none, Err(Error::NotFound(_))));
});
