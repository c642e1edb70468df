use domain::{
    id::UserId,
    paging::Direction,
    permission::Role,
    user::DirectoryStatus::{Active, Inactive},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::{
    db_test, jobs,
    store::{
        audit::{AuditFilter, AuditQuery},
        protection, sample,
        users::{self, UserQuery},
    },
    testing::TestBackend,
};

fn of_users(action: BulkAction, ids: &[UserId]) -> Prepared {
    Prepared {
        action,
        targets: Targets::Users(ids.iter().map(|id| id.0).collect()),
        group_id: None,
        note: String::new(),
        customer_id: None,
    }
}

async fn told(t: &TestBackend, scope: &Scope, id: BulkId) -> Vec<String> {
    let page = PageRequest::new(1, 1000);
    let items = items(t, scope, id, None, page).await.unwrap().items;
    let items = items.into_iter();
    items
        .map(|item| format!("{} {}: {}", item.name, item.outcome, item.words))
        .collect()
}

db_test!(each_is_looked_at_and_then_done_or_told_why_not, |t| {
    let owner = t.owner().await;
    let customer = t.customer("A").await;
    let integration = sample::integration(&t, &owner, customer).await.id;
    let ada = sample::user(&t, customer, None, "Ada", Active).await;
    let bea = sample::user(&t, customer, None, "Bea", Active).await;
    let cleo = sample::user(&t, customer, Some(integration), "Cleo", Active).await;
    let dora = sample::user(&t, customer, None, "Dora", Inactive).await;
    let everybody = [dora, cleo, bea, ada, ada];
    let bulk = prepare(&t, &owner, of_users(BulkAction::Deactivate, &everybody)).await;
    let bulk = bulk.unwrap();
    let counts = bulk.counts;
    assert_eq!((counts.total, counts.would, counts.skipped), (4, 2, 2));
    assert_eq!(
        told(&t, &owner, bulk.id).await,
        [
            "Ada would: Is taken out of use, and can’t sign in.",
            "Bea would: Is taken out of use, and can’t sign in.",
            "Cleo skipped: Synced: an integration keeps it in step. Change it in the source.",
            "Dora skipped: Inactive already.",
        ]
    );
    // Nothing happened yet. Bea is protected by somebody meanwhile: whatever it is, it wasn't shown.
    let status = users::get(&t, &owner, ada).await.unwrap().status;
    assert_eq!(status, Active);
    protection::protect(&t, &owner, bea, "").await.unwrap();
    let bulk = apply(&t, &owner, bulk.id).await.unwrap();
    assert_eq!(bulk.status, BulkStatus::Done);
    assert_eq!(bulk.counts.done, 1);
    assert_eq!(
        told(&t, &owner, bulk.id).await[..2],
        [
            "Ada done: Is taken out of use, and can’t sign in.",
            "Bea refused: It was changed since the preview. Look at it again, and prepare it anew.",
        ]
    );
    assert_eq!(users::get(&t, &owner, ada).await.unwrap().status, Inactive);
    assert_eq!(users::get(&t, &owner, bea).await.unwrap().status, Active);
    let again = apply(&t, &owner, bulk.id).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    let log = sample::audit_log(&t).await;
    let about = |what: &str| log.iter().filter(|line| line.contains(what)).count();
    assert_eq!(
        (about("user.bulk"), about("user.deactivate")),
        (1, 1),
        "{log:?}"
    );
    let csv = csv_of(&t, &owner, bulk.id, Some(BulkOutcome::Refused)).await;
    let csv = sample::text(csv.unwrap()).await;
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains("Bea,bea@x.example,Refused,"), "{csv}");
});

db_test!(all_of_a_filter_comes_and_goes, |t| {
    let owner = t.owner().await;
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let group = sample::group(&t, a, None, "Board").await;
    for name in ["Ada", "Bea"] {
        sample::user(&t, a, None, name, Active).await;
    }
    let elsewhere = sample::user(&t, b, None, "Carl", Active).await;
    let everybody = |action| Prepared {
        action,
        targets: Targets::of_address(GridList::Users, "status=active"),
        group_id: Some(group),
        note: "T-1".to_owned(),
        customer_id: None,
    };
    let bulk = prepare(&t, &owner, everybody(BulkAction::AddToGroup)).await;
    let bulk = apply(&t, &owner, bulk.unwrap().id).await.unwrap();
    assert_eq!((bulk.counts.done, bulk.counts.skipped), (2, 1));
    assert_eq!(bulk.group_name.as_deref(), Some("Board"));
    let members = UserQuery {
        group_id: Some(group),
        ..UserQuery::default()
    };
    assert_eq!(
        users::list(&t, &owner, members.clone())
            .await
            .unwrap()
            .total,
        2
    );
    let bulk = prepare(&t, &owner, everybody(BulkAction::RemoveFromGroup)).await;
    let bulk = apply(&t, &owner, bulk.unwrap().id).await.unwrap();
    assert_eq!(bulk.counts.done, 2);
    assert_eq!(users::list(&t, &owner, members).await.unwrap().total, 0);
    // Nobody reaches people of others, by an id as little as by a filter.
    let of_a = t.administrator_of(&[a]).await;
    let named = prepare(&t, &of_a, of_users(BulkAction::Protect, &[elsewhere])).await;
    assert!(matches!(named, Err(Error::Invalid(_))), "{named:?}");
    let matching = Prepared {
        group_id: None,
        ..everybody(BulkAction::Protect)
    };
    let bulk = prepare(&t, &of_a, matching).await.unwrap();
    assert_eq!(bulk.counts.total, 2);
    // And nobody sees what somebody else prepared.
    let others = get(&t, &owner, bulk.id).await;
    assert!(matches!(others, Err(Error::NotFound(_))), "{others:?}");
    let reader = t.role_over(Role::HelpDesk, &[a]).await;
    let refused = prepare(&t, &reader, of_users(BulkAction::Protect, &[])).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
});

db_test!(many_are_done_by_the_worker_which_may_be_stopped, |t| {
    let owner = t.owner().await;
    let customer = t.customer("A").await;
    for number in 0..=AT_ONCE {
        sample::user(&t, customer, None, &format!("U {number:04}"), Active).await;
    }
    let all = Prepared {
        action: BulkAction::Delete,
        targets: Targets::of_address(GridList::Users, &format!("customer={customer}")),
        group_id: None,
        note: String::new(),
        customer_id: None,
    };
    let bulk = prepare(&t, &owner, all).await.unwrap();
    let bulk = apply(&t, &owner, bulk.id).await.unwrap();
    assert_eq!((bulk.status, bulk.counts.done), (BulkStatus::Running, 0));
    let stopped = CancellationToken::new();
    stopped.cancel();
    assert!(!carry_on(&t, bulk.id, &stopped).await.unwrap());
    jobs::run_until_idle(&t).await.unwrap();
    let bulk = get(&t, &owner, bulk.id).await.unwrap();
    assert_eq!(bulk.status, BulkStatus::Done);
    assert_eq!(bulk.counts.done, i64::from(AT_ONCE) + 1);
    assert!(bulk.ended_at.is_some());
});

const AT_ONCE: i32 = 500;

db_test!(groups_made_here_go_into_the_bin_together, |t| {
    let owner = t.owner().await;
    let customer = t.customer("A").await;
    let integration = sample::integration(&t, &owner, customer).await.id;
    let ids: Vec<Uuid> = [
        sample::group(&t, customer, None, "Board").await,
        sample::group(&t, customer, Some(integration), "Sales").await,
    ]
    .map(|id| id.0)
    .to_vec();
    let of_groups = |action| Prepared {
        action,
        targets: Targets::Groups(ids.clone()),
        group_id: None,
        note: String::new(),
        customer_id: None,
    };
    let bulk = prepare(&t, &owner, of_groups(BulkAction::Delete))
        .await
        .unwrap();
    assert_eq!((bulk.counts.would, bulk.counts.skipped), (1, 1));
    apply(&t, &owner, bulk.id).await.unwrap();
    let bulk = prepare(&t, &owner, of_groups(BulkAction::Restore))
        .await
        .unwrap();
    assert_eq!(bulk.counts.would, 1);
    assert_eq!(apply(&t, &owner, bulk.id).await.unwrap().counts.done, 1);
    let refused = prepare(&t, &owner, of_groups(BulkAction::Invite)).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
});

db_test!(a_preview_is_good_for_a_day, |t| {
    let owner = t.owner().await;
    let customer = t.customer("A").await;
    let ada = sample::user(&t, customer, None, "Ada", Active).await;
    let nothing = prepare(&t, &owner, of_users(BulkAction::SignOut, &[ada])).await;
    let nothing = apply(&t, &owner, nothing.unwrap().id).await;
    assert!(
        matches!(nothing, Err(Error::Conflict { .. })),
        "{nothing:?}"
    );
    let bulk = prepare(&t, &owner, of_users(BulkAction::Protect, &[ada]))
        .await
        .unwrap();
    t.clock.advance(chrono::Duration::hours(PREVIEW_HOURS));
    let late = apply(&t, &owner, bulk.id).await;
    assert!(matches!(late, Err(Error::NotFound(_))), "{late:?}");
    delete_old(&t).await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    let left = fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM bulk_item").unwrap();
    assert_eq!(left, 0);
});

db_test!(nobody_is_shown_an_invitation_that_cannot_be_sent, |t| {
    let owner = t.owner().await;
    let customer = t.customer("A").await;
    let ada = sample::user(&t, customer, None, "Ada", Active).await;
    assert!(t.settings.smtp.is_none());
    let refused = prepare(&t, &owner, of_users(BulkAction::Invite, &[ada])).await;
    let Err(Error::Conflict { message, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(message.starts_with("Mail isn’t set up"), "{message}");
});

db_test!(
    a_file_of_what_came_of_it_is_written_down_as_whose_it_is,
    |t| {
        let owner = t.owner().await;
        let (a, b) = (t.customer("A").await, t.customer("B").await);
        let ada = sample::user(&t, a, None, "Ada", Active).await;
        let bea = sample::user(&t, b, None, "Bea", Active).await;
        let written = async |ids: &[UserId], outcome: Option<BulkOutcome>| {
            let prepared = prepare(&t, &owner, of_users(BulkAction::Protect, ids)).await;
            let id = prepared.unwrap().id;
            drop(csv_of(&t, &owner, id, outcome).await.unwrap());
            let query = AuditQuery {
                filter: AuditFilter {
                    action: Some(AuditAction::UserExportBulk),
                    ..AuditFilter::default()
                },
                page: PageRequest::new(1, 1),
                direction: Direction::Descending,
            };
            let page = audit::list(&t, &owner, query).await.unwrap();
            (id, page.items.into_iter().next().unwrap())
        };
        let (id, entry) = written(&[ada], Some(BulkOutcome::Would)).await;
        assert_eq!(entry.customer_id, Some(a));
        assert_eq!(entry.after["bulk"], id.to_string());
        assert_eq!(entry.after["filter.outcome"], "would");
        // Of two customers it is of neither alone.
        let (id, entry) = written(&[ada, bea], None).await;
        assert_eq!(entry.customer_id, None);
        assert_eq!(entry.after["bulk"], id.to_string());
        assert_eq!(entry.after.len(), 1);

        let mut taken = 2;
        let refused = loop {
            match csv_of(&t, &owner, id, None).await {
                Ok(_) => taken += 1,
                Err(error) => break error,
            }
            assert!(taken <= 20, "there is no end to it");
        };
        assert!(matches!(refused, Error::TooMany { .. }), "{refused:?}");
        assert_eq!(taken, 20, "like every other export");
    }
);
