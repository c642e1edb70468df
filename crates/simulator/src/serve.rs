//! The farm on a port.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::task::JoinHandle;

use crate::farm::Farm;
use crate::incoming::Incoming;
use crate::reply::Reply;
use crate::tls::Authority;
use crate::{control_api, entra, graph};

/// No request needs more.
const BODY_MAX: usize = 4 * 1024 * 1024;

/// How long open connections may finish what they are at.
const GRACE: Duration = Duration::from_millis(500);

type Handle = axum_server::Handle<SocketAddr>;

/// A farm that answers.
#[derive(Debug)]
pub struct RunningFarm {
    origin: String,
    handle: Handle,
    task: JoinHandle<io::Result<()>>,
}

impl RunningFarm {
    /// Scheme, host and port: authority and Graph origin alike.
    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    /// Ends it: open answers get half a second.
    pub async fn stop(self) {
        self.handle.graceful_shutdown(Some(GRACE));
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the listener ended badly");
        }
    }
}

#[derive(Clone)]
struct Served {
    farm: Farm,
    scheme: &'static str,
}

impl Farm {
    /// Answers over http. Only loopback addresses are taken: whoever reaches the port may change
    /// the tenants.
    pub async fn serve(&self, listen: SocketAddr) -> io::Result<RunningFarm> {
        let listener = bind(listen)?;
        let address = listener.local_addr()?;
        let handle = Handle::new();
        let server = axum_server::from_tcp(listener)?
            .acceptor(NoDelayAcceptor::new())
            .handle(handle.clone())
            .serve(router(self, "http").into_make_service());
        Ok(running("http", address, handle, tokio::spawn(server)).await)
    }

    /// Answers over https with the certificate of `authority`.
    pub async fn serve_tls(
        &self,
        listen: SocketAddr,
        authority: &Authority,
    ) -> io::Result<RunningFarm> {
        // Whoever was first in this process has chosen; both are the same provider.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (chain, key) = authority.chain_and_key();
        let config = RustlsConfig::from_pem(chain, key).await?;
        let listener = bind(listen)?;
        let address = listener.local_addr()?;
        let handle = Handle::new();
        let acceptor = RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new());
        let server = axum_server::from_tcp(listener)?
            .acceptor(acceptor)
            .handle(handle.clone())
            .serve(router(self, "https").into_make_service());
        Ok(running("https", address, handle, tokio::spawn(server)).await)
    }
}

async fn running(
    scheme: &str,
    address: SocketAddr,
    handle: Handle,
    task: JoinHandle<io::Result<()>>,
) -> RunningFarm {
    handle.listening().await;
    RunningFarm {
        origin: format!("{scheme}://{address}"),
        handle,
        task,
    }
}

fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    if !listen.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "{listen} isn't a loopback address: the simulator answers on 127.0.0.1 or [::1] only, because anyone who reaches it may change its tenants"
            ),
        ));
    }
    let listener = TcpListener::bind(listen).map_err(|error| {
        io::Error::new(error.kind(), format!("can't listen on {listen}: {error}"))
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn router(farm: &Farm, scheme: &'static str) -> Router {
    let served = Served {
        farm: farm.clone(),
        scheme,
    };
    Router::new()
        .nest("/control", control_api::router(farm))
        .fallback(answer)
        .with_state(served)
}

async fn answer(State(served): State<Served>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        return Reply::new(413, "text/plain", "the body is too large").into_response();
    };
    let method = parts.method.as_str();
    let incoming = Incoming::received(served.scheme, method, &parts.uri, parts.headers, body);
    let (reply, latency_ms) = served.farm.answer(&incoming);
    if latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
    }
    reply.into_response()
}

impl Farm {
    /// The answer, and how many milliseconds it takes.
    fn answer(&self, incoming: &Incoming) -> (Reply, u64) {
        let first = incoming.segments.first().map(String::as_str);
        if matches!(first, Some("v1.0")) {
            let (reply, tenant) = graph::answer(self, incoming);
            return (
                reply,
                tenant.map_or(0, |tenant| tenant.settings().latency_ms),
            );
        }
        let latency = first
            .and_then(|name| self.find(name))
            .map(|t| t.settings().latency_ms);
        let reply = entra::answer(self, incoming).unwrap_or_else(|| {
            Reply::new(404, "text/plain", "entra-simulator knows /{tenant}/oauth2/v2.0/token, /{tenant}/v2.0/.well-known/openid-configuration, /v1.0/… and /control/…")
        });
        (reply, latency.unwrap_or(0))
    }
}
