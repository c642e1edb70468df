//! SIGTERM and Ctrl-C end the process cleanly; a second one ends it at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancelled at the first signal. At the second the process ends with status 1: whoever sends
/// two doesn't want to wait for what is running.
pub fn token() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let cancel = token.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if cancel.is_cancelled() {
                std::process::exit(1);
            }
            tracing::info!("ending; what runs is finished or released first");
            cancel.cancel();
        }
    });
    Ok(token)
}
