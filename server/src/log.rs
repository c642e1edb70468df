//! The log: to standard error, as text or as JSON.

use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{arguments::LogFormat, config::Config};

/// What is logged where nobody said otherwise. tower-sessions calls every cookie that outlived
/// its session suspicious, and sqlx every statement that took a second slow.
const DEFAULT: &str = "info,tower_sessions=error,tower_sessions_core=error,sqlx=error";

/// Starts logging. A filter that can't be read is said so, and the default taken.
pub fn start(config: &Config) {
    let given = config.log_filter.as_deref().unwrap_or(DEFAULT);
    let (filter, wrong) = match EnvFilter::try_new(given) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT), Some(error)),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // A second start, in a test, keeps the first.
    let _ = match config.log_format {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    if let Some(error) = wrong {
        tracing::warn!(%error, "RUST_LOG can’t be read; the default is used");
    }
}
