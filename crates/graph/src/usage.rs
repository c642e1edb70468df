//! What a run cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Requests and resource units spent (graph.md §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// HTTP requests sent: retries and token requests count.
    pub requests: u64,
    /// Resource units as Graph billed them (`x-ms-resource-unit`), or as estimated where it
    /// didn't say.
    pub resource_units: u64,
}

/// Counts what goes through the clients that share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    resource_units: AtomicU64,
}

impl Meter {
    pub(crate) fn request(&self) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn units(&self, units: u32) {
        self.0
            .resource_units
            .fetch_add(u64::from(units), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Usage {
        Usage {
            requests: self.0.requests.load(Ordering::Relaxed),
            resource_units: self.0.resource_units.load(Ordering::Relaxed),
        }
    }
}
