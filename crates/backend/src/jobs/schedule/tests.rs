use domain::{
    id::{CustomerId, IntegrationId},
    pause::NewPause,
    schedule::Schedule,
};
use uuid::Uuid;

use super::*;
use crate::{
    Scope, db_test, fetch_optional,
    jobs::queue::{self, Lease},
    store::{pauses, sample},
    testing::TestBackend,
};

/// So many integrations of a customer that are due now.
async fn due_integrations(
    t: &TestBackend,
    customer: CustomerId,
    count: usize,
) -> Vec<IntegrationId> {
    let profile = sample::profile(t, &Scope::worker(), Some(customer), "Own").await;
    let now = t.clock.now();
    let mut tx = t.db.write().await.unwrap();
    let mut made = Vec::new();
    for _ in 0..count {
        let id = IntegrationId(t.ids.uuid());
        execute!(
            &mut tx,
            "INSERT INTO integration (id, customer_id, kind, name, name_folded, tenant, cloud,
                credential_profile_id, enabled, full_scan_next, first_full_done, schedule, policy,
                state, failures, last_sync_detail, next_run_at, created_at)
             VALUES ($1, $2, 'entra_id', 'I', 'i', $3, 'global', $4, TRUE, FALSE, TRUE,
                '{\"every_minutes\":5}', '{}', 'ok', 0, '', $5, $5)",
            id,
            customer,
            id.to_string(),
            profile.id,
            now
        )
        .unwrap();
        made.push(id);
    }
    tx.commit().await.unwrap();
    made
}

/// Whose job was leased.
async fn customer_of(t: &TestBackend, lease: &Lease) -> CustomerId {
    let mut tx = t.db.read().await.unwrap();
    let (customer,) = fetch_optional!(
        &mut tx,
        (CustomerId,),
        "SELECT customer_id FROM run WHERE id = $1",
        lease.subject()
    )
    .unwrap()
    .unwrap();
    customer
}

/// Takes a job out of the queue as the end of its run does.
async fn end(t: &TestBackend, lease: &Lease) {
    let mut tx = t.db.write().await.unwrap();
    assert!(queue::finish(&mut tx, lease).await.unwrap());
    execute!(
        &mut tx,
        "UPDATE run SET status = 'nothing_to_do', phase = 'done' WHERE id = $1",
        lease.subject()
    )
    .unwrap();
    tx.commit().await.unwrap();
}

async fn count(t: &TestBackend, sql: &'static str) -> i64 {
    let mut tx = t.db.read().await.unwrap();
    fetch_scalar!(&mut tx, i64, sql).unwrap()
}

db_test!(five_hundred_due_keep_nobody_waiting, |t| {
    let (large, small) = (t.customer("Large").await, t.customer("Small").await);
    due_integrations(&t, large, 500).await;
    start_due(&t).await.unwrap();
    // Three are at work, and the rest of the large customer waits, when the small one is due.
    let mut at_work = queue::lease(&t, 3).await.unwrap();
    assert_eq!(at_work.len(), 3);
    due_integrations(&t, small, 1).await;
    start_due(&t).await.unwrap();
    at_work.extend(queue::lease(&t, 1).await.unwrap());
    assert_eq!(customer_of(&t, &at_work[3]).await, small);

    // And every one of the large customer has its turn.
    let mut done = 0;
    loop {
        start_due(&t).await.unwrap();
        let waiting = count(&t, "SELECT COUNT(*) FROM job").await;
        assert!(waiting <= WAITING_MAX_OF_CUSTOMER + 1, "{waiting}");
        at_work.extend(queue::lease(&t, 3).await.unwrap());
        if at_work.is_empty() {
            break;
        }
        for lease in std::mem::take(&mut at_work) {
            end(&t, &lease).await;
            done += 1;
        }
    }
    assert_eq!(done, 501);
});

db_test!(customers_take_turns, |t| {
    let customers = [
        (t.customer("A").await, 4),
        (t.customer("B").await, 2),
        (t.customer("C").await, 1),
    ];
    for (customer, number) in customers {
        due_integrations(&t, customer, number).await;
    }
    start_due(&t).await.unwrap();
    let mut order = Vec::new();
    for lease in queue::lease(&t, 10).await.unwrap() {
        let of = customer_of(&t, &lease).await;
        order.extend(customers.iter().position(|(customer, _)| *customer == of));
    }
    assert_eq!(order, [0, 1, 2, 0, 1, 0, 0]);
});

db_test!(what_a_person_asked_for_goes_before_schedules, |t| {
    let customer = t.customer("A").await;
    let integrations = due_integrations(&t, customer, 5).await;
    start_due(&t).await.unwrap();
    // Its own scheduled run, which nobody has begun, makes way.
    let run = sync::start(
        &t,
        &Scope::worker(),
        integrations[4],
        RunMode::Full,
        RunTrigger::Operator,
    )
    .await
    .unwrap();
    let leases = queue::lease(&t, 10).await.unwrap();
    assert_eq!(leases.len(), 5);
    assert_eq!(leases[0].subject(), run.id.0);
    assert_eq!(count(&t, "SELECT COUNT(*) FROM run").await, 5);
});

db_test!(what_is_paused_stands_still_and_goes_on, |t| {
    let owner = t.owner().await;
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let of_a = due_integrations(&t, a, 2).await;
    let of_b = due_integrations(&t, b, 1).await;
    start_due(&t).await.unwrap();
    assert_eq!(count(&t, "SELECT COUNT(*) FROM run").await, 3);

    // What waits for a worker is taken back, nothing of it stays.
    let pause = NewPause::default;
    pauses::pause_integration(&t, &owner, of_a[0], pause())
        .await
        .unwrap();
    assert_eq!(count(&t, "SELECT COUNT(*) FROM run").await, 2);
    pauses::pause_customer(&t, &owner, b, pause())
        .await
        .unwrap();
    assert_eq!(count(&t, "SELECT COUNT(*) FROM run").await, 1);
    let at_work = queue::lease(&t, 1).await.unwrap();
    pauses::pause_all(&t, &owner, pause()).await.unwrap();
    assert_eq!(
        count(&t, "SELECT COUNT(*) FROM job").await,
        1,
        "one is at work"
    );
    end(&t, &at_work[0]).await;

    t.clock.advance(chrono::Duration::minutes(6));
    assert_eq!(start_due(&t).await.unwrap(), 0);
    pauses::resume_all(&t, &owner).await.unwrap();
    assert_eq!(
        start_due(&t).await.unwrap(),
        1,
        "the one that isn't paused itself"
    );
    pauses::resume_customer(&t, &owner, b).await.unwrap();
    assert_eq!(start_due(&t).await.unwrap(), 1);
    pauses::resume_integration(&t, &owner, of_a[0])
        .await
        .unwrap();
    assert_eq!(start_due(&t).await.unwrap(), 1);
    let started = count(
        &t,
        "SELECT COUNT(DISTINCT integration_id) FROM run WHERE status = 'queued'",
    );
    assert_eq!(started.await, 3);
    assert_eq!(of_b.len(), 1);
});

db_test!(what_was_missed_is_not_made_up_for_outside_the_window, |t| {
    // 12:00 UTC.
    let customer = t.customer("A").await;
    let ids = due_integrations(&t, customer, 1).await;
    let mut schedule = Schedule::every(5);
    schedule.window = Some(domain::schedule::Window {
        from: "22:00".parse().unwrap(),
        until: "06:00".parse().unwrap(),
        days: Vec::new(),
    });
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "UPDATE integration SET schedule = $1 WHERE id = $2",
        serde_json::to_string(&schedule).unwrap(),
        ids[0]
    )
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(start_due(&t).await.unwrap(), 0);
    assert_eq!(start_due(&t).await.unwrap(), 0, "it isn't due any more");
    t.clock.advance(chrono::Duration::minutes(10 * 60 + 5));
    assert_eq!(start_due(&t).await.unwrap(), 1, "it is 22:05");
    assert_ne!(ids[0].0, Uuid::nil());
});
