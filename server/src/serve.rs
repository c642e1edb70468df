//! The commands that stay: `serve` and `work`.

use backend::{
    Backend,
    jobs::{Worker, WorkerLimits},
};
use tokio_util::sync::CancellationToken;

use crate::{
    command::{self, Failure},
    config::Config,
    listener,
    metrics::{self, Metrics},
    router,
};

/// Serves the portal and the API, with or without a worker beside it, until `shutdown`.
pub async fn serve(
    config: &Config,
    with_worker: bool,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    // The address first: a second start must not touch the database of the one that runs.
    let public = listener::bind("listen", config.listen)?;
    let private = config
        .metrics_listen
        .map(|address| listener::bind("metrics_listen", address))
        .transpose()?;
    let backend = command::open(config).await?;
    tell_setup_code(&backend, config).await?;

    let metrics = Metrics::new(&backend);
    let mut parts = tokio::task::JoinSet::new();
    let router = router::public(&backend, config, &metrics);
    tracing::info!(address = %config.public_url, listening = %config.listen, "serving");
    if config.is_in_the_clear() {
        tracing::warn!(
            address = %config.public_url,
            "people come by plain http (public_url_without_tls): passwords and sessions can be read on the way"
        );
    }
    parts.spawn(listener::serve(public, router, shutdown.clone()));
    if let Some(private) = private {
        parts.spawn(listener::serve(
            private,
            metrics::router(metrics),
            shutdown.clone(),
        ));
    }
    if with_worker {
        parts.spawn(run_worker(backend.clone(), shutdown.clone()));
    }
    let outcome = until_all_end(&mut parts, &shutdown).await;
    backend.db.close().await;
    outcome
}

/// Syncs in the background until `shutdown`, serving metrics where asked to.
pub async fn work(config: &Config, shutdown: CancellationToken) -> Result<(), Failure> {
    let private = config
        .metrics_listen
        .map(|address| listener::bind("metrics_listen", address))
        .transpose()?;
    let backend = command::open(config).await?;
    let mut parts = tokio::task::JoinSet::new();
    if let Some(private) = private {
        let metrics = Metrics::new(&backend);
        parts.spawn(listener::serve(
            private,
            metrics::router(metrics),
            shutdown.clone(),
        ));
    }
    tracing::info!("working");
    parts.spawn(run_worker(backend.clone(), shutdown.clone()));
    let outcome = until_all_end(&mut parts, &shutdown).await;
    backend.db.close().await;
    outcome
}

async fn run_worker(backend: Backend, shutdown: CancellationToken) -> std::io::Result<()> {
    let limits = WorkerLimits::reading(backend.settings.worker_concurrency);
    Worker::new(backend, limits).run(shutdown).await;
    Ok(())
}

/// Waits for every part. One that ends before it was asked to ends the others too: half a server
/// that looks alive is worse than none.
async fn until_all_end(
    parts: &mut tokio::task::JoinSet<std::io::Result<()>>,
    shutdown: &CancellationToken,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    while let Some(ended) = parts.join_next().await {
        let failure = match ended {
            Ok(Ok(())) if shutdown.is_cancelled() => None,
            Ok(Ok(())) => Some("a part of the server ended by itself".to_owned()),
            Ok(Err(error)) => Some(format!("serving failed: {error}")),
            Err(error) => Some(format!("a part of the server failed: {error}")),
        };
        shutdown.cancel();
        if let (Some(reason), true) = (failure, outcome.is_ok()) {
            outcome = Err(Failure::failed(reason));
        }
    }
    outcome
}

/// While there is no operator, whoever can read this output or the file may create the owner.
async fn tell_setup_code(backend: &Backend, config: &Config) -> Result<(), Failure> {
    if let Some(code) = backend::auth::setup_code(backend).await? {
        println!(
            "There is no operator yet. Open {} and create the owner with this setup code: {code}",
            config.public_url
        );
    }
    Ok(())
}
