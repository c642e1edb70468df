//! The tables that a sync fills refer to nothing (decision 0009): what deletes their owner takes
//! them along.

use domain::{
    customer::BIN_DAYS,
    id::IntegrationId,
    integration::People,
    policy::ObjectType,
    run::{RunMode, RunStatus},
};

use super::{
    resuming::until_phase,
    sync_test,
    world::{World, tenant},
};
use crate::{
    auth::command_line_scope,
    jobs::{Kind, NewJob, enqueue, run_until_idle},
    store::integrations,
};

/// What belongs to an integration alone.
const SOURCE: [&str; 5] = [
    "source_object",
    "source_membership",
    "run_staging",
    "run_staging_member",
    "run_staging_seen",
];

/// What belongs to a customer.
const DIRECTORY: [&str; 6] = [
    "directory_user",
    "directory_group",
    "directory_contact",
    "directory_device",
    "directory_membership",
    "run_change",
];

async fn rows(w: &World, table: &str) -> i64 {
    w.count(&format!("SELECT COUNT(*) FROM {table}")).await
}

pub(super) async fn job(w: &World, kind: Kind) {
    let mut tx = w.t.db.write().await.unwrap();
    let job = NewJob {
        kind,
        subject: uuid::Uuid::nil(),
        integration_id: None::<IntegrationId>,
        priority: 0,
        run_at: w.t.clock.now(),
        dedupe_key: None,
    };
    enqueue(&w.t, &mut tx, &job).await.unwrap();
    tx.commit().await.unwrap();
    run_until_idle(&w.t).await.unwrap();
}

sync_test!(a_customer_leaves_no_row_behind, tenant(51, 40), |w| {
    let mut w = w;
    w.policy.object_types = ObjectType::OBJECTS.to_vec();
    w.save_policy().await;
    assert_eq!(w.run(RunMode::Full).await.status, RunStatus::Succeeded);
    for table in DIRECTORY {
        assert!(rows(&w, table).await > 0, "{table}");
    }
    w.execute("UPDATE integration SET enabled = FALSE, next_run_at = NULL")
        .await;
    w.execute("UPDATE customer SET deleted_at = created_at")
        .await;
    w.t.clock.advance(chrono::Duration::days(BIN_DAYS));
    job(&w, Kind::PurgeBins).await;
    for table in SOURCE
        .into_iter()
        .chain(DIRECTORY)
        .chain(["run", "customer"])
    {
        assert_eq!(rows(&w, table).await, 0, "{table}");
    }
});

sync_test!(
    an_integration_leaves_nothing_of_its_source_behind,
    tenant(52, 40),
    |w| {
        w.run(RunMode::Full).await;
        assert!(rows(&w, "source_membership").await > 0);
        let owner = command_line_scope();
        integrations::delete(&w.t, &owner, w.integration, People::Keep)
            .await
            .unwrap();
        for table in SOURCE {
            assert_eq!(rows(&w, table).await, 0, "{table}");
        }
        assert!(rows(&w, "directory_user").await > 0, "they are kept");
    }
);

sync_test!(no_change_outlives_its_run, tenant(53, 40), |w| {
    w.run(RunMode::Full).await;
    w.execute("UPDATE integration SET enabled = FALSE, next_run_at = NULL")
        .await;
    w.t.clock.advance(chrono::Duration::days(500));
    job(&w, Kind::PurgeHistory).await;
    assert_eq!(rows(&w, "run").await, 0);
    assert_eq!(rows(&w, "run_change").await, 0);
});

sync_test!(
    an_integration_deleted_under_a_run_leaves_nobody_behind,
    tenant(54, 4_000),
    |w| {
        let mut w = w;
        w.policy.object_types = ObjectType::OBJECTS.to_vec();
        w.save_policy().await;
        w.start(RunMode::Full).await;
        let applying = "SELECT COUNT(*) FROM directory_user";
        let deleting = async {
            while w.count(applying).await == 0 {
                tokio::task::yield_now().await;
            }
            let owner = command_line_scope();
            integrations::delete(&w.t, &owner, w.integration, People::Delete).await
        };
        let (worked, deleted) = tokio::join!(run_until_idle(&w.t), deleting);
        worked.unwrap();
        deleted.unwrap();
        for object_type in ObjectType::OBJECTS {
            let table = format!("directory_{object_type}");
            let owned = format!("SELECT COUNT(*) FROM {table} WHERE integration_id IS NOT NULL");
            assert_eq!(w.count(&owned).await, 0, "{table}");
            let active = format!("SELECT COUNT(*) FROM {table} WHERE status = 'active'");
            assert_eq!(w.count(&active).await, 0, "{table}");
        }
        for table in SOURCE {
            assert_eq!(rows(&w, table).await, 0, "{table}");
        }
    }
);

sync_test!(
    a_group_that_can_t_be_created_gets_no_members,
    tenant(55, 40),
    |w| {
        let id = w.start(RunMode::Full).await;
        until_phase(&w, "applying").await;
        // In the way of one group that has members to come.
        w.execute(
            "INSERT INTO directory_group (id, customer_id, integration_id, external_id,
                source_type, display_name, name_folded, search_text, kind, dynamic, attributes,
                status, created_at, changed_at)
             SELECT r.id, r.customer_id, r.integration_id, c.external_id, 'EntraSync', 'In the way',
                'in the way', '', 'security', FALSE, '{}', 'active', r.queued_at, r.queued_at
               FROM run r JOIN run_change c ON c.run_id = r.id
              WHERE c.object_type = 'membership' AND c.status = 'planned'
              ORDER BY c.position LIMIT 1",
        )
        .await;
        w.t.clock.advance(chrono::Duration::seconds(31));
        run_until_idle(&w.t).await.unwrap();
        assert_eq!(w.ended(id).await.status, RunStatus::Partial);
        let orphans = "SELECT COUNT(*) FROM directory_membership
                        WHERE group_id NOT IN (SELECT id FROM directory_group)";
        assert_eq!(w.count(orphans).await, 0);
        let failed = "SELECT COUNT(*) FROM run_change WHERE status = 'failed'
                        AND error IS NOT NULL AND object_type IN ('group', 'membership')";
        assert_eq!(w.count(failed).await, 2);
    }
);
