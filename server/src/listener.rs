//! Listening and serving, with limits for slow clients and a clean end.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use axum::Router;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tokio_util::sync::CancellationToken;

use crate::command::Failure;

/// How long a client may take to send its request's head.
const HEAD_MAX: Duration = Duration::from_secs(15);
/// How long answers may take to end once the process is asked to.
const GRACE: Duration = Duration::from_secs(20);

/// Takes the address, or says which and what to do.
pub fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).map_err(|error| {
        let fix = match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("another program listens there; end it, or choose another port with {key}")
            }
            io::ErrorKind::PermissionDenied => {
                format!("not allowed; choose a port above 1023 with {key}")
            }
            io::ErrorKind::AddrNotAvailable => {
                format!("this machine has no such address; choose one it has with {key}")
            }
            _ => error.to_string(),
        };
        Failure::failed(format!("can’t listen on {address}: {fix}"))
    })?;
    listener
        .set_nonblocking(true)
        .map_err(|error| Failure::failed(format!("can’t listen on {address}: {error}")))?;
    Ok(listener)
}

/// Serves until `shutdown`, then lets running answers end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let handle = Handle::new();
    let ending = handle.clone();
    tokio::spawn(async move {
        shutdown.cancelled().await;
        ending.graceful_shutdown(Some(GRACE));
    });
    let mut server = axum_server::from_tcp(listener)?.handle(handle);
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX);
    server
        .serve(router.into_make_service_with_connect_info::<SocketAddr>())
        .await
}
