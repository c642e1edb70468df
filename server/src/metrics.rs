//! `/metrics` for Prometheus, on a listener of its own.
//!
//! Labels hold the route's pattern, the method and the class of the status: no customer, tenant
//! or person.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::header,
    middleware::Next,
    response::Response,
    routing::get,
};
use backend::{
    Backend,
    store::across::{self, Standing},
};
use domain::{integration::IntegrationState, run::RunStatus};

/// The upper bounds of the histogram, in seconds.
const BOUNDS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// What was counted since this process started.
#[derive(Debug, Clone)]
pub struct Metrics {
    backend: Backend,
    requests: Arc<Mutex<BTreeMap<Labels, Histogram>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Labels {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum_s: f64,
}

impl Histogram {
    fn observe(&mut self, seconds: f64) {
        for (bucket, bound) in self.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
        self.count += 1;
        self.sum_s += seconds;
    }
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new(backend: &Backend) -> Self {
        Self {
            backend: backend.clone(),
            requests: Arc::default(),
        }
    }

    fn observe(&self, labels: Labels, seconds: f64) {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(labels)
            .or_default()
            .observe(seconds);
    }

    /// Everything in Prometheus' text format 0.0.4. Where the database doesn't answer, what this
    /// process counted is still told, and `rollcall_database_up` says why the rest is missing.
    async fn text(&self) -> String {
        let mut text = self.counted();
        let standing = across::standing(&self.backend).await;
        // Writing to a String doesn't fail.
        let _ = gauge(
            &mut text,
            "rollcall_database_up",
            "Whether the database answers.",
            [("", i64::from(standing.is_ok()))],
        );
        match standing {
            Ok(standing) => {
                let _ = write_standing(&mut text, &standing);
            }
            Err(error) => tracing::warn!(%error, "metrics without the database's part"),
        }
        text
    }

    fn counted(&self) -> String {
        let mut text = String::from(
            "# HELP rollcall_build_info What is running.\n# TYPE rollcall_build_info gauge\n",
        );
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a String doesn't fail.
        let _ = writeln!(
            text,
            "rollcall_build_info{{version=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION")
        );
        text.push_str(
            "# HELP rollcall_http_request_duration_seconds How long answers took to begin.\n\
             # TYPE rollcall_http_request_duration_seconds histogram\n",
        );
        for (labels, histogram) in requests.iter() {
            let _ = histogram.write(&mut text, labels);
        }
        text
    }
}

fn write_standing(text: &mut String, standing: &Standing) -> std::fmt::Result {
    let integrations = IntegrationState::ALL.iter().map(|state| {
        let known = standing.integrations.iter().find(|(of, _)| of == state);
        (
            format!("{{state=\"{state}\"}}"),
            known.map_or(0, |(_, n)| *n),
        )
    });
    gauge(
        text,
        "rollcall_integrations",
        "Integrations by state.",
        integrations,
    )?;
    let open = [RunStatus::Queued, RunStatus::Running, RunStatus::Held];
    let runs = open.iter().map(|status| {
        let known = standing.runs.iter().find(|(of, _)| of == status);
        (
            format!("{{status=\"{status}\"}}"),
            known.map_or(0, |(_, n)| *n),
        )
    });
    gauge(
        text,
        "rollcall_runs",
        "Runs that are not over, by status.",
        runs,
    )?;
    gauge(
        text,
        "rollcall_jobs_waiting",
        "Jobs whose time has come and that no worker has.",
        [("", standing.jobs_waiting)],
    )
}

fn gauge<L: std::fmt::Display>(
    text: &mut String,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (L, i64)>,
) -> std::fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge")?;
    for (labels, value) in values {
        writeln!(text, "{name}{labels} {value}")?;
    }
    Ok(())
}

impl Histogram {
    fn write(&self, text: &mut String, labels: &Labels) -> std::fmt::Result {
        const NAME: &str = "rollcall_http_request_duration_seconds";
        let labels = format!(
            "route=\"{}\",method=\"{}\",status=\"{}\"",
            labels.route, labels.method, labels.status
        );
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            writeln!(text, "{NAME}_bucket{{{labels},le=\"{bound}\"}} {bucket}")?;
        }
        writeln!(text, "{NAME}_bucket{{{labels},le=\"+Inf\"}} {}", self.count)?;
        writeln!(text, "{NAME}_sum{{{labels}}} {}", self.sum_s)?;
        writeln!(text, "{NAME}_count{{{labels}}} {}", self.count)
    }
}

/// Counts the requests that come through.
pub async fn count(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("other", MatchedPath::as_str)
        .to_owned();
    let method = match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    };
    let started = metrics.backend.clock.now();
    let response = next.run(request).await;
    let took = (metrics.backend.clock.now() - started)
        .to_std()
        .unwrap_or_default();
    let status = match response.status().as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    let labels = Labels {
        route,
        method,
        status,
    };
    metrics.observe(labels, took.as_secs_f64());
    response
}

/// The one route of the metrics' listener.
pub fn router(metrics: Metrics) -> Router {
    Router::new().route(
        "/metrics",
        get(async move || {
            (
                [(
                    header::CONTENT_TYPE,
                    "text/plain; version=0.0.4; charset=utf-8",
                )],
                metrics.text().await,
            )
        }),
    )
}
