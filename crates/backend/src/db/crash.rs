//! A crash at a chosen commit, for tests: what is before it in the transaction is lost, what is
//! after it never happens, as if the process had been killed there. Only a commit changes what
//! another process sees, so that the moments before and after each are all the crashes there are.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

tokio::task_local! {
    static CRASH: Arc<Crash>;
}

struct Crash {
    /// Moments that still go by.
    left: AtomicUsize,
    reached: Notify,
}

/// Works until it is done, or until it has come to the moment with this number, counted from 0:
/// each commit is one moment before it and one after it. None where it crashed.
pub(crate) async fn crash_at<F: Future>(moment: usize, work: F) -> Option<F::Output> {
    let crash = Arc::new(Crash {
        left: AtomicUsize::new(moment),
        reached: Notify::new(),
    });
    tokio::select! {
        biased;
        () = crash.reached.notified() => None,
        done = CRASH.scope(Arc::clone(&crash), work) => Some(done),
    }
}

/// Goes by, or never comes back.
pub(super) async fn moment() {
    let Ok(crash) = CRASH.try_with(Arc::clone) else {
        return;
    };
    let gone_by = crash
        .left
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        });
    if gone_by.is_err() {
        crash.reached.notify_one();
        std::future::pending::<()>().await;
    }
}
