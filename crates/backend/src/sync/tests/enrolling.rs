//! "Send Enrollment Email to the Newly Synced Users", from real runs.

use domain::run::{RunMode, RunStatus};
use serde_json::json;
use simulator::Attributes;
use uuid::Uuid;

use super::{
    sync_test,
    world::{World, no_guard, tenant},
};
use crate::{
    fetch_one,
    jobs::run_until_idle,
    notify::sinks::{self, MailSink},
};

async fn mailed(w: &World, mail: &MailSink) -> usize {
    run_until_idle(&w.t).await.unwrap();
    mail.take().len()
}

async fn in_use(w: &World) -> usize {
    let active = w.count("SELECT COUNT(*) FROM directory_user WHERE status = 'active'");
    usize::try_from(active.await).unwrap()
}

/// The first of them by name.
async fn somebody_in_use(w: &World) -> Uuid {
    let mut tx = w.t.db.read().await.unwrap();
    let (id,) = fetch_one!(
        &mut tx,
        (Uuid,),
        "SELECT external_id FROM directory_user WHERE status = 'active'
          ORDER BY name_folded, id LIMIT 1"
    )
    .unwrap();
    id
}

sync_test!(newly_synced_people_are_invited_once, tenant(61, 12), |w| {
    let mut w = w;
    let mail = MailSink::mail().await;
    sinks::connect(&mut w.t.backend, Some(&mail));
    w.policy.guard = no_guard();
    w.save_policy().await;
    let first = w.run(RunMode::Full).await;
    assert_eq!(first.status, RunStatus::Succeeded);
    assert_eq!(mailed(&w, &mail).await, 0, "nobody asked for it");

    // Whoever was there before stays uninvited; who comes in, or back into use, is invited.
    w.policy.send_enrollment_email = true;
    w.save_policy().await;
    let before = in_use(&w).await;
    let user = somebody_in_use(&w).await;
    let enabled = |on: bool| Attributes::from([("accountEnabled".to_owned(), json!(on))]);
    w.control.update(user, &enabled(false)).unwrap();
    w.run(RunMode::Delta).await;
    assert_eq!(in_use(&w).await, before - 1);
    assert_eq!(mailed(&w, &mail).await, 0);
    w.control.update(user, &enabled(true)).unwrap();
    w.run(RunMode::Delta).await;
    assert_eq!(mailed(&w, &mail).await, 1);
    for on in [false, true] {
        w.control.update(user, &enabled(on)).unwrap();
        w.run(RunMode::Delta).await;
    }
    w.run(RunMode::Full).await;
    assert_eq!(mailed(&w, &mail).await, 0, "once");
    w.run(RunMode::Preview).await;
    assert_eq!(mailed(&w, &mail).await, 0, "a preview mails nobody");

    // All of a directory that begins anew.
    w.forget_everything().await;
    w.run(RunMode::Full).await;
    let all = in_use(&w).await;
    assert!(all > 5, "{all}");
    assert_eq!(mailed(&w, &mail).await, all);
});
