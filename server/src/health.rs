//! `/healthz`: this process is alive. `/readyz`: it can work.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use backend::Backend;

/// The two routes.
pub fn router(backend: &Backend) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .with_state(backend.clone())
}

async fn ready(State(backend): State<Backend>) -> (StatusCode, &'static str) {
    match backend.db.is_current().await {
        Ok(true) => (StatusCode::OK, "ready\n"),
        Ok(false) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database's schema is not current; run `rollcall migrate`\n",
        ),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database can't be reached\n",
            )
        }
    }
}
