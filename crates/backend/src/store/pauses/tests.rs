use domain::{
    id::IntegrationId,
    integration::{IntegrationChange, IntegrationState},
};

use super::*;
use crate::{
    db_test,
    store::{
        integrations::{IntegrationQuery, change, get, list},
        sample,
    },
    testing::TestBackend,
};

fn because(reason: &str) -> NewPause {
    NewPause {
        reason: Some(reason.to_owned()),
    }
}

/// An integration that runs by itself.
async fn running(t: &TestBackend, owner: &Scope, customer: CustomerId) -> IntegrationId {
    let id = sample::integration(t, owner, customer).await.id;
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "UPDATE integration SET state = 'failing', failures = 3, first_full_done = TRUE,
                next_run_at = $1 WHERE id = $2",
        t.clock.now(),
        id
    )
    .unwrap();
    tx.commit().await.unwrap();
    id
}

db_test!(a_pause_is_shown_with_who_and_why_and_leaves_no_trace, |t| {
    let owner = t.owner().await;
    let customer = t.customer("A").await;
    let id = running(&t, &owner, customer).await;
    let before = get(&t, &owner, id).await.unwrap();
    let paused = pause_integration(&t, &owner, id, because(" Moving "))
        .await
        .unwrap();
    assert_eq!(paused.state, IntegrationState::Paused);
    assert_eq!(paused.next_run_at, None);
    assert_eq!(paused.failures, 3);
    let pause = paused.pause.clone().unwrap();
    assert_eq!(
        (pause.level, pause.by.as_str(), pause.reason.as_deref()),
        (PauseLevel::Integration, "Owner", Some("Moving"))
    );
    assert_eq!(pause.at, t.clock.now());
    let query = IntegrationQuery {
        state: Some(IntegrationState::Paused),
        ..IntegrationQuery::default()
    };
    let page = list(&t, &owner, query).await.unwrap();
    assert_eq!(
        (page.total, page.items[0].state),
        (1, IntegrationState::Paused)
    );

    // The first pause stands.
    t.clock.advance(chrono::Duration::minutes(1));
    let again = pause_integration(&t, &owner, id, because("Else"))
        .await
        .unwrap();
    assert_eq!(again, paused);
    // Saving settings meanwhile doesn't forget what is behind it.
    let change_of = IntegrationChange {
        full_scan_next: Some(false),
        ..IntegrationChange::default()
    };
    let saved = change(&t, &owner, id, change_of).await.unwrap();
    assert_eq!(saved.state, IntegrationState::Paused);
    let resumed = resume_integration(&t, &owner, id).await.unwrap();
    assert_eq!(resumed.state, IntegrationState::Failing);
    assert_eq!(resumed.next_run_at, before.next_run_at);
    assert_eq!(resumed.pause, None);
    resume_integration(&t, &owner, id).await.unwrap();

    let mut log = sample::audit_log(&t).await;
    log.retain(|line| line.contains(".pause ") || line.contains(".resume "));
    let name = &resumed.name;
    assert_eq!(
        log,
        [
            format!("Owner integration.pause {name}: Moving"),
            format!("Owner integration.resume {name}"),
        ]
    );
});

db_test!(the_nearest_pause_is_shown, |t| {
    let owner = t.owner().await;
    let customer = t.customer("A").await;
    let id = running(&t, &owner, customer).await;
    let level = async || {
        get(&t, &owner, id)
            .await
            .unwrap()
            .pause
            .map(|pause| pause.level)
    };
    pause_all(&t, &owner, NewPause::default()).await.unwrap();
    assert_eq!(level().await, Some(PauseLevel::All));
    let paused = pause_customer(&t, &owner, customer, because("x"))
        .await
        .unwrap();
    assert_eq!(paused.pause.unwrap().reason.as_deref(), Some("x"));
    assert_eq!(level().await, Some(PauseLevel::Customer));
    pause_integration(&t, &owner, id, NewPause::default())
        .await
        .unwrap();
    assert_eq!(level().await, Some(PauseLevel::Integration));
    resume_integration(&t, &owner, id).await.unwrap();
    resume_all(&t, &owner).await.unwrap();
    assert_eq!(level().await, Some(PauseLevel::Customer));
    assert_eq!(
        resume_customer(&t, &owner, customer).await.unwrap().pause,
        None
    );
    assert_eq!(level().await, None);
});

db_test!(a_new_integration_is_not_started_even_while_paused, |t| {
    let owner = t.owner().await;
    let customer = t.customer("A").await;
    pause_customer(&t, &owner, customer, NewPause::default())
        .await
        .unwrap();
    let new = sample::integration(&t, &owner, customer).await;
    assert_eq!(new.state, IntegrationState::NotStarted);
    assert_eq!(
        new.pause.map(|pause| pause.level),
        Some(PauseLevel::Customer)
    );
});

db_test!(nobody_pauses_what_is_not_theirs, |t| {
    let owner = t.owner().await;
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let id = running(&t, &owner, b).await;
    let some = t.administrator_of(&[a]).await;
    let pause = NewPause::default;
    let missing = |error: Option<Error>| matches!(error, Some(Error::NotFound(_)));
    let forbidden = |error: Option<Error>| matches!(error, Some(Error::Forbidden(_)));
    assert!(missing(
        pause_integration(&t, &some, id, pause()).await.err()
    ));
    assert!(missing(resume_integration(&t, &some, id).await.err()));
    assert!(missing(pause_customer(&t, &some, b, pause()).await.err()));
    assert!(missing(resume_customer(&t, &some, b).await.err()));
    assert!(forbidden(pause_all(&t, &some, pause()).await.err()));
    assert!(forbidden(resume_all(&t, &some).await.err()));
    assert!(pause_customer(&t, &some, a, pause()).await.is_ok());
    pause_all(&t, &owner, because("everything")).await.unwrap();
    let seen = standing(&t, &some).await.unwrap().pause.unwrap();
    assert_eq!(seen.reason.as_deref(), Some("everything"));
});
