//! A complete read of what is known already: only what differs is staged, what isn't named is gone,
//! and most of it is planned by a glance.

use std::sync::Arc;

use domain::{
    id::ExternalId,
    policy::ObjectType,
    run::{RunMode, RunStatus},
};
use planner::{
    diff::Outcome,
    read::{Content, Mapped, Presence, SourceObject},
};
use sqlx::FromRow;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    super::{
        flags::Flag,
        glance::Glances,
        record::Work,
        seen::Noting,
        staging::insert_objects,
        walk::{Walk, Which},
    },
    sync_test,
    world::{World, line, tenant},
};
use crate::{
    db::crash::crash_at,
    fetch_all, fetch_one,
    jobs::{JobContext, queue, run_until_idle},
};

/// More moments than any run of these tests has.
const MOMENTS_MAX: usize = 500;

sync_test!(stages_only_what_differs, tenant(830, 30), |w| {
    let first = w.run(RunMode::Full).await;
    let one = *w.actual().await.users.keys().next().unwrap();
    // Who was deleted before anything was read is named too, and isn't known.
    let staged_now = "SELECT COUNT(*) FROM run_staging WHERE presence = 'present'";
    let (mut staged, mut seen) = (0, 0);
    for moment in 0..MOMENTS_MAX {
        w.control.rename(one, &format!("Name {moment}")).unwrap();
        w.start(RunMode::Full).await;
        let done = crash_at(moment, run_until_idle(&w.t)).await;
        staged = staged.max(w.count(staged_now).await);
        seen = seen.max(w.count("SELECT COUNT(*) FROM run_staging_seen").await);
        w.recover().await;
        if done.is_some() {
            break;
        }
    }
    assert_eq!(staged, 1);
    assert!(seen >= 2, "{seen}");
    w.assert_equal("after renaming").await;
    let again = w.run(RunMode::Full).await;
    assert_eq!(again.status, RunStatus::NothingToDo, "{again:#?}");
    for object_type in [ObjectType::User, ObjectType::Group, ObjectType::Membership] {
        let (first, again) = (line(&first, object_type), line(&again, object_type));
        assert_eq!(again.filtered, first.filtered);
        assert_eq!(
            again.unchanged,
            first.total - first.filtered,
            "{object_type}"
        );
    }
});

sync_test!(finds_what_went_and_what_moved, tenant(831, 60), |w| {
    w.run(RunMode::Full).await;
    for seed in 0..6 {
        w.control.random_changes(40, seed);
        let edges = w.actual().await.edges;
        let (group, _) = *edges.iter().nth(usize::try_from(seed).unwrap()).unwrap();
        let members = edges.iter().filter(|(of, _)| *of == group);
        let members: Vec<Uuid> = members.map(|(_, member)| *member).collect();
        // It may be gone by now.
        let emptied = w.control.remove_members(group, &members);
        w.run(RunMode::Full).await;
        w.assert_equal(&format!("{seed}, emptied: {emptied:?}"))
            .await;
        let again = w.run(RunMode::Delta).await;
        assert_eq!(again.status, RunStatus::NothingToDo, "{again:#?}");
    }
});

/// Takes the run that waits, as a worker does.
async fn lease(w: &World) -> JobContext {
    let leases = queue::lease(&w.t, 10).await.unwrap();
    JobContext {
        b: w.t.backend.clone(),
        lease: leases
            .into_iter()
            .find(|lease| lease.kind == "sync_run")
            .unwrap(),
        stop: CancellationToken::new(),
        reading: Arc::new(Semaphore::new(1)),
        applying: Arc::new(Semaphore::new(1)),
    }
}

/// Somebody as the source is known to have them.
async fn somebody(w: &World) -> SourceObject {
    #[derive(FromRow)]
    struct Row {
        external_id: ExternalId,
        display_name: String,
        given_name: Option<String>,
        surname: Option<String>,
        user_principal_name: Option<String>,
        mail: Option<String>,
        attributes: String,
    }
    let mut tx = w.t.db.read().await.unwrap();
    let row = fetch_one!(
        &mut tx,
        Row,
        "SELECT external_id, display_name, given_name, surname, user_principal_name, mail,
                attributes
           FROM source_object WHERE object_type = 'user' AND NOT sign_in_blocked AND NOT guest
          ORDER BY external_id LIMIT 1"
    )
    .unwrap();
    SourceObject {
        object_type: ObjectType::User,
        external_id: row.external_id,
        presence: Presence::Present,
        content: Content {
            display_name: row.display_name,
            given_name: row.given_name,
            surname: row.surname,
            user_principal_name: row.user_principal_name,
            mail: row.mail,
            attributes: serde_json::from_str(&row.attributes).unwrap(),
            ..Content::default()
        },
        mapped: Mapped::default(),
    }
}

sync_test!(the_last_page_counts, tenant(832, 20), |w| {
    w.run(RunMode::Full).await;
    let run = w.start(RunMode::Full).await;
    let cx = lease(&w).await;
    let mut work = Work::load(&cx, run).await.unwrap();
    let known = somebody(&w).await;
    let mut renamed = known.clone();
    renamed.content.display_name = "Another".to_owned();
    let mut gone = known.clone();
    gone.presence = Presence::SoftDeleted;
    let mut noting = Noting::new();
    let mut tx = work.bulk().await.unwrap();
    for (said, differs) in [(&known, 0), (&renamed, 1), (&gone, 1), (&known, 0)] {
        let differing = noting.note(&mut tx, &work, vec![said.clone()]).await;
        let differing = differing.unwrap();
        assert_eq!(differing.len(), differs);
        insert_objects(&mut tx, run.0, &differing).await.unwrap();
        let staged = fetch_all!(
            &mut tx,
            (String,),
            "SELECT presence FROM run_staging WHERE external_id = $1",
            known.external_id
        )
        .unwrap();
        assert_eq!(staged.len(), differs);
    }
});

sync_test!(a_glance_says_what_a_look_says, tenant(833, 60), |w| {
    let mut w = w;
    w.run(RunMode::Full).await;
    w.control.random_changes(60, 833);
    w.run(RunMode::Full).await;
    w.control.random_changes(20, 834);
    for include_guests in [false, true] {
        for blocked in [true, false] {
            w.policy.include_guests = include_guests;
            w.policy.blocked_sign_in_disables = blocked;
            w.save_policy().await;
            let run = w.start(RunMode::Full).await;
            let cx = lease(&w).await;
            let work = Work::load(&cx, run).await.unwrap();
            for object_type in [ObjectType::User, ObjectType::Group] {
                let mut walk = Walk::new(&work, object_type, Which::All).await.unwrap();
                let mut glances = Glances::of(&work, &walk, object_type).unwrap();
                let told = glances.next(&work).await.unwrap();
                let looked = walk.next(&work).await.unwrap();
                assert_eq!(told.len(), looked.len());
                let mut stay = 0;
                for ((id, stays), row) in told.into_iter().zip(looked) {
                    assert_eq!(id, row.external_id);
                    let decided = row.decide(&work.policy, object_type, walk.now);
                    let quiet = decided.outcome == Outcome::Unchanged
                        && decided.keeps == row.is(Flag::Kept)
                        && !row.is(Flag::Turned);
                    // A glance may want to know more, and is never content with less.
                    assert!(!stays || quiet, "{row:?}");
                    stay += usize::from(stays);
                    let ids = [id.0];
                    let again = walk.these(&work, &ids).await.unwrap();
                    assert_eq!(again.len(), 1);
                    assert_eq!(again[0].external_id, id);
                }
                assert!(stay > 0, "{object_type}");
            }
            w.recover().await;
        }
    }
});
