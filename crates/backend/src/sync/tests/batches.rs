//! More than fits into one batch, in transactions that go on over several.

use domain::{
    id::ExternalId,
    policy::ObjectType,
    run::{RunMode, RunStatus},
};
use planner::read::{Content, Mapped, Presence, SourceObject};
use uuid::Uuid;

use super::{
    super::staging::insert_objects,
    resuming::until_phase,
    sync_test,
    world::{World, tenant},
};
use crate::{Tx, db_test, fetch_scalar, jobs::run_until_idle};

sync_test!(
    one_that_can_t_be_applied_keeps_none_back,
    tenant(57, 1_300),
    |w| {
        let id = w.start(RunMode::Full).await;
        until_phase(&w, "applying").await;
        // In the way of the last user, whom no first batch holds.
        w.execute(
            "INSERT INTO directory_user (id, customer_id, integration_id, external_id, source_type,
                display_name, name_folded, search_text, attributes, status, created_at, changed_at)
             SELECT r.id, r.customer_id, r.integration_id, c.external_id, 'EntraSync', 'In the way',
                'in the way', '', '{}', 'active', r.queued_at, r.queued_at
               FROM run r JOIN run_change c ON c.run_id = r.id
              WHERE c.object_type = 'user' AND c.action = 'create' AND c.status = 'planned'
              ORDER BY c.position DESC LIMIT 1",
        )
        .await;
        w.t.clock.advance(chrono::Duration::seconds(31));
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(w.ended(id).await.status, RunStatus::Partial);
        let of = |status: &str| {
            format!(
                "SELECT COUNT(*) FROM run_change c WHERE c.object_type = 'user'
                    AND c.action = 'create' AND c.status = '{status}'"
            )
        };
        assert_eq!(w.count(&of("failed")).await, 1);
        assert_eq!(w.count(&of("planned")).await, 0);
        let there = format!(
            "{} AND EXISTS (SELECT 1 FROM directory_user d WHERE d.id = c.object_id)",
            of("applied")
        );
        let applied = w.count(&of("applied")).await;
        assert!(applied > 1_000, "{applied}");
        assert_eq!(w.count(&there).await, applied);
    }
);

db_test!(one_run_is_cleared_and_no_other, |t| {
    let object = |id: u128| SourceObject {
        object_type: ObjectType::User,
        external_id: ExternalId(Uuid::from_u128(id)),
        presence: Presence::Present,
        content: Content::default(),
        mapped: Mapped::default(),
    };
    let (cleared, other) = (t.ids.uuid(), t.ids.uuid());
    let mut tx = t.db.write().await.unwrap();
    // More than go at once, in an order that isn't that of ids, with rows of another between.
    for part in (0..12).rev() {
        let objects: Vec<_> = (part * 1_000..(part + 1) * 1_000).map(object).collect();
        insert_objects(&mut tx, cleared, &objects).await.unwrap();
        insert_objects(&mut tx, other, &objects[..1]).await.unwrap();
    }
    let mut rounds = 0;
    let mut left = tx.staged(cleared).await.unwrap();
    while let Some(staged) = left {
        left = tx.remove_staged(cleared, staged).await.unwrap();
        rounds += 1;
    }
    assert!(rounds > 2, "{rounds}");
    for (run_id, rows) in [(cleared, 0), (other, 12)] {
        let sql = "SELECT COUNT(*) FROM run_staging WHERE run_id = $1";
        assert_eq!(fetch_scalar!(&mut tx, i64, sql, run_id).unwrap(), rows);
    }
    assert!(tx.staged(t.ids.uuid()).await.unwrap().is_none() || matches!(tx, Tx::Postgres(_)));
});
