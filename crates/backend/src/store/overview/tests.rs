use chrono::Duration;

use super::*;
use crate::{
    db_test,
    store::{pauses, sample},
};

db_test!(
    the_overview_counts_customers_by_their_worst_and_names_who_needs_someone,
    |t| {
        let owner = t.owner().await;
        let (a, b) = (t.customer("Adatum").await, t.customer("Blue").await);
        t.customer("Empty").await;
        let of_a = sample::integration(&t, &owner, a).await.id;
        let of_b = sample::integration(&t, &owner, b).await.id;
        for id in [of_a, of_b] {
            sample::first_full_done(&t, id).await;
        }
        let run = sample::run(&t, of_a, RunStatus::Succeeded).await;
        sample::count(&t, run, domain::policy::ObjectType::User, 4, 0).await;
        sample::run(&t, of_b, RunStatus::Failed).await;

        let seen = summary(&t, &owner, None).await.unwrap();
        assert_eq!(
            (seen.customers, seen.current, seen.failing, seen.not_started),
            (3, 1, 1, 1)
        );
        assert_eq!(
            (seen.troubles, seen.worst_first[0].integration_id),
            (1, Some(of_b))
        );
        assert_eq!(seen.days.len(), DAYS);
        let today = seen.days.last().unwrap();
        assert_eq!(
            (today.date, today.runs, today.failed, today.changes),
            (t.clock.now().date_naive(), 2, 1, 4)
        );

        t.clock.advance(Duration::minutes(31));
        let later = summary(&t, &owner, Some(a)).await.unwrap();
        assert_eq!((later.customers, later.behind, later.failing), (1, 1, 0));

        // While everything is paused nothing is late, and what failed still needs someone.
        let pause = domain::pause::NewPause::default;
        pauses::pause_all(&t, &owner, pause()).await.unwrap();
        let all = summary(&t, &owner, None).await.unwrap();
        assert_eq!(
            (all.behind, all.current, all.failing, all.disabled),
            (0, 1, 1, 0)
        );
        pauses::resume_all(&t, &owner).await.unwrap();
        pauses::pause_customer(&t, &owner, b, pause())
            .await
            .unwrap();
        let one = summary(&t, &owner, None).await.unwrap();
        assert_eq!((one.behind, one.failing, one.disabled), (1, 0, 1));
    }
);

db_test!(nobody_sees_another_customers_part_of_the_overview, |t| {
    let owner = t.owner().await;
    let (a, b) = (t.customer("Adatum").await, t.customer("Blue").await);
    let of_b = sample::integration(&t, &owner, b).await.id;
    sample::run(&t, of_b, RunStatus::Failed).await;
    let some = t.administrator_of(&[a]).await;
    for customer in [None, Some(b)] {
        let seen = summary(&t, &some, customer).await.unwrap();
        assert_eq!((seen.failing, seen.troubles), (0, 0));
        assert!(seen.days.iter().all(|day| day.runs == 0));
    }
});
