//! Whatever is done to the tables behind the log's back is found, and where.

use chrono::Duration;

use super::*;
use crate::{db_test, store::audit::chain::COLUMNS};

/// Statements that tamper, and those that put it right again.
async fn sql(t: &TestBackend, statements: &[&str]) {
    let mut tx = t.db.write().await.unwrap();
    for statement in statements {
        execute!(&mut tx, sqlx::AssertSqlSafe((*statement).to_owned())).unwrap();
    }
    tx.commit().await.unwrap();
}

async fn rows(t: &TestBackend) -> Vec<Row> {
    let mut tx = t.db.read().await.unwrap();
    crate::fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM audit_event e ORDER BY e.id"))
    )
    .unwrap()
}

/// Three days of two customers and of nobody; the last day is open.
async fn filled(t: &TestBackend) {
    let owner = t.owner().await;
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    for day in 0..3 {
        for customer in [Some(a), None, Some(b), Some(a), Some(a)] {
            write(t, &owner, customer, &format!("day {day}")).await;
        }
        if day < 2 {
            t.clock.advance(Duration::days(1));
        }
    }
}

/// The first place that is told after `broken`, and that nothing is after `mended`.
async fn told(t: &TestBackend, broken: &[&str], mended: &[&str]) -> String {
    sql(t, broken).await;
    let first = wrong(t).await.into_iter().next().unwrap_or_default();
    sql(t, mended).await;
    assert_eq!(wrong(t).await, [""; 0], "after {broken:?}");
    first
}

db_test!(tampering_is_told_with_its_place, |t| {
    filled(&t).await;
    assert_eq!(wrong(&t).await, [""; 0]);
    let on = |day: &str, position: i64| {
        format!(
            "day = '{day}' AND position = {position}
             AND customer_id = (SELECT id FROM customer WHERE name = 'A')"
        )
    };
    for day in ["2026-03-01", "2026-03-02", "2026-03-03"] {
        let second = on(day, 2);
        let changed = told(
            &t,
            &[&format!("UPDATE audit_event SET note = 'x' WHERE {second}")],
            &[&format!("UPDATE audit_event SET note = '' WHERE {second}")],
        )
        .await;
        assert!(
            changed.starts_with(&format!("{day}, A (")) && changed.contains("entry 2"),
            "{changed}"
        );

        let (first, spare, third) = (on(day, 1), on(day, 99), on(day, 3));
        let swap = [
            format!("UPDATE audit_event SET position = 99 WHERE {first}"),
            format!("UPDATE audit_event SET position = 1 WHERE {third}"),
            format!("UPDATE audit_event SET position = 3 WHERE {spare}"),
        ];
        let swap: Vec<_> = swap.iter().map(String::as_str).collect();
        let swapped = told(&t, &swap, &swap).await;
        assert!(swapped.contains("entry 1"), "{swapped}");

        let moved = told(
            &t,
            &[&format!(
                "UPDATE audit_event SET position = 99 WHERE {third}"
            )],
            &[&format!(
                "UPDATE audit_event SET position = 3 WHERE {spare}"
            )],
        )
        .await;
        assert!(moved.contains("missing"), "{moved}");
    }
});

db_test!(entries_that_are_gone_or_too_many_are_told, |t| {
    filled(&t).await;
    let all = rows(&t).await;
    for gone in [&all[0], &all[5], &all[9], &all[14]] {
        let mut tx = t.db.write().await.unwrap();
        execute!(&mut tx, "DELETE FROM audit_event WHERE id = $1", gone.id).unwrap();
        tx.commit().await.unwrap();
        let found = wrong(&t).await;
        assert!(found[0].contains("missing"), "{found:?}");
        let mut tx = t.db.write().await.unwrap();
        insert(&mut tx, gone).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(wrong(&t).await, [""; 0]);
    }
    // One more, made as this code makes them, but not through it.
    for like in [&all[4], &all[14]] {
        let mut more = like.clone();
        more.id = t.ids.uuid();
        more.position += 1;
        more.hash = chain::hash(&like.hash, &more);
        let mut tx = t.db.write().await.unwrap();
        insert(&mut tx, &more).await.unwrap();
        tx.commit().await.unwrap();
        let found = wrong(&t).await;
        assert!(found[0].contains("more than"), "{found:?}");
        let mut tx = t.db.write().await.unwrap();
        execute!(&mut tx, "DELETE FROM audit_event WHERE id = $1", more.id).unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(wrong(&t).await, [""; 0]);
});

db_test!(chains_and_days_that_were_touched_are_told, |t| {
    filled(&t).await;
    let heads = verify(&t, None).await.unwrap();
    assert!(heads.holds());
    for (tampering, told) in [
        // The end is moved with the last entry: within a day that is over, its head tells it.
        (
            "DELETE FROM audit_chain WHERE day = '2026-03-02' AND entries = 3",
            "does not fit its chains",
        ),
        (
            "DELETE FROM audit_chain WHERE day = '2026-03-03'",
            "never begun",
        ),
        (
            "DELETE FROM audit_day WHERE day = '2026-03-01'",
            "a day was changed or removed",
        ),
        (
            "DELETE FROM audit_day WHERE day = '2026-03-02'",
            "a day was changed or removed",
        ),
        (
            "DELETE FROM audit_day WHERE day = '2026-03-03'",
            "never begun",
        ),
        (
            "UPDATE audit_day SET dropped_at = '2026-03-03T12:00:00Z' WHERE day = '2026-03-01'",
            "retention never does",
        ),
        (
            "UPDATE audit_day SET dropped_at = '2099-03-03T12:00:00Z' WHERE day = '2026-03-01'",
            "retention never does",
        ),
        (
            "UPDATE audit_day SET previous = head WHERE day = '2026-03-02'",
            "a day was changed or removed",
        ),
        (
            "DELETE FROM audit_event WHERE day = '2026-03-01'",
            "entries are missing",
        ),
    ] {
        // Tried in a copy of the tables.
        for table in ["audit_day", "audit_chain", "audit_event"] {
            sql(
                &t,
                &[&format!(
                    "CREATE TABLE kept_{table} AS SELECT * FROM {table}"
                )],
            )
            .await;
        }
        sql(&t, &[tampering]).await;
        let found = wrong(&t).await;
        assert!(
            found.iter().any(|line| line.contains(told)),
            "{tampering}: {found:?}"
        );
        for table in ["audit_day", "audit_chain", "audit_event"] {
            sql(
                &t,
                &[
                    &format!("DELETE FROM {table}"),
                    &format!("INSERT INTO {table} SELECT * FROM kept_{table}"),
                    &format!("DROP TABLE kept_{table}"),
                ],
            )
            .await;
        }
        assert_eq!(wrong(&t).await, [""; 0]);
    }
});
