//! A worker that dies or stands still at a chosen commit, for tests. Only a commit changes what
//! another process sees, so the moments before and after each are all there is to choose from.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::{FutureExt as _, future::LocalBoxFuture};
use tokio::sync::Notify;

tokio::task_local! {
    static HALT: Arc<Halt>;
}

/// Where work comes to a halt.
struct Halt {
    /// Moments that still go by.
    left: AtomicUsize,
    reached: Notify,
    released: Notify,
}

impl Halt {
    fn at(moment: usize) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(moment),
            reached: Notify::new(),
            released: Notify::new(),
        })
    }
}

/// Works until it is done, or until it has come to the moment with this number, counted from 0:
/// each commit is one moment before it and one after it. There it is dropped, as a process is
/// killed: None.
pub(crate) fn crash_at<'a, F: Future + 'a>(
    moment: usize,
    work: F,
) -> LocalBoxFuture<'a, Option<F::Output>> {
    async move {
        let halt = Halt::at(moment);
        tokio::select! {
            biased;
            () = halt.reached.notified() => None,
            done = HALT.scope(Arc::clone(&halt), work) => Some(done),
        }
    }
    .boxed_local()
}

/// Works to the end, but stands still at that moment while something else is done, as a process
/// does whose machine sleeps. Whether it came there. A moment before a commit, an even one, holds
/// locks.
pub(crate) fn stall_at<'a>(
    moment: usize,
    work: impl Future + 'a,
    meanwhile: impl AsyncFnOnce() + 'a,
) -> LocalBoxFuture<'a, bool> {
    async move {
        let halt = Halt::at(moment);
        let mut work = pin!(HALT.scope(Arc::clone(&halt), work));
        tokio::select! {
            biased;
            () = halt.reached.notified() => {}
            _ = &mut work => return false,
        }
        meanwhile().await;
        halt.released.notify_one();
        work.await;
        true
    }
    .boxed_local()
}

/// Goes by, or comes to a halt.
pub(super) async fn moment() {
    let Ok(halt) = HALT.try_with(Arc::clone) else {
        return;
    };
    let goes_by = halt
        .left
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        });
    if goes_by.is_err() {
        halt.left.store(usize::MAX, Ordering::SeqCst);
        halt.reached.notify_one();
        halt.released.notified().await;
    }
}
