//! What was asked, counted; and the throttle.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// How many requests the log keeps.
const LOG_MAX: usize = 2000;

/// Length of the throttle's window, milliseconds (graph.md §4).
const WINDOW_MS: i64 = 10_000;

/// Requests and resource units since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Requests by kind, such as `GET /users/delta` or `GET /groups/{id}/members`. Requests
    /// inside a batch are counted beside the batch itself.
    pub requests: BTreeMap<String, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Resource units of all answers.
    pub resource_units: u64,
    /// Bytes of all bodies sent.
    pub bytes: u64,
}

impl Stats {
    /// All requests, token requests included.
    pub fn total(&self) -> u64 {
        self.requests.values().sum()
    }
}

/// One line of the request log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedRequest {
    /// The method.
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// The status of the answer; 0 where the connection was cut.
    pub status: u16,
    /// `x-ms-throttle-priority`, `prefer`, `consistencylevel` as they came.
    pub headers: BTreeMap<String, String>,
}

/// Counts, log and throttle of one tenant.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub stats: Stats,
    pub log: VecDeque<LoggedRequest>,
    window_start_ms: i64,
    used: u64,
}

/// What the throttle says to a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Verdict {
    pub refused: bool,
    /// Of the quota, the request included, in hundredths; sent from 80 on.
    pub percentage: u64,
}

impl Meter {
    pub fn record(&mut self, kind: String, entry: LoggedRequest, bytes: usize) {
        *self.stats.requests.entry(kind).or_default() += 1;
        *self.stats.statuses.entry(entry.status).or_default() += 1;
        self.stats.bytes += bytes as u64;
        if self.log.len() == LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(entry);
    }

    /// Charges `units`. Requests made while throttled count too; low priority is shed first.
    pub fn charge(&mut self, now_ms: i64, units: u64, quota: u64, high: bool) -> Verdict {
        if now_ms - self.window_start_ms >= WINDOW_MS || now_ms < self.window_start_ms {
            self.window_start_ms = now_ms;
            self.used = 0;
        }
        self.used += units;
        let percentage = self.used * 100 / quota.max(1);
        let refused = percentage > if high { 120 } else { 100 };
        if !refused {
            self.stats.resource_units += units;
        }
        Verdict {
            refused,
            percentage,
        }
    }
}
