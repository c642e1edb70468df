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
    serve_with(HEAD_MAX, listener, router, shutdown).await
}

async fn serve_with(
    head_max: Duration,
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
    // Finding out which HTTP a client speaks has no limit of its own: one that says nothing would
    // stay for ever.
    let mut server = axum_server::from_tcp(listener)?.http1_only().handle(handle);
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_max);
    server
        .serve(router.into_make_service_with_connect_info::<SocketAddr>())
        .await
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    use super::*;

    /// What the server says to this until it hangs up.
    async fn said_to(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await.unwrap();
        String::from_utf8(said).unwrap()
    }

    #[tokio::test]
    async fn who_never_ends_the_head_of_a_request_is_let_go() {
        let listener = bind("listen", SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "here"));
        let shutdown = CancellationToken::new();
        let head_max = Duration::from_millis(500);
        let serving = serve_with(head_max, listener, router, shutdown.clone());
        let serving = tokio::spawn(serving);

        let whole = "GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
        let said = said_to(address, whole).await;
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        // One that sends no end of it, and one that sends nothing.
        for part in ["GET / HTTP/1.1\r\nHost: here\r\n", ""] {
            let said = said_to(address, part).await;
            assert!(!said.contains("200"), "{said}");
        }
        shutdown.cancel();
        serving.await.unwrap().unwrap();
    }
}
