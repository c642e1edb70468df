//! The limiter: two buckets of resource units, one per application and tenant, one per application
//! over all its tenants (`sync.md` 15; graph.md §4).
//!
//! A request takes its estimated cost before it is sent and is settled with what Graph billed. The
//! buckets are kept here, and not by a rate-limiting library, because the true cost is known only
//! after the answer, a 429 closes a bucket until a given moment, and time is passed in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;
use uuid::Uuid;

/// Beyond this many tenants, buckets that are full again are forgotten.
const REMEMBERED_MAX: usize = 20_000;

/// How much may be asked of Graph.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// Resource units in one window.
    pub units: u32,
    /// The window.
    pub per: Duration,
}

/// The quotas in force. The defaults are Microsoft's (graph.md §4): the smallest tenant's, since
/// a tenant doesn't say its size, and the application's over all tenants.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// For one application in one tenant.
    pub tenant: Quota,
    /// For one application over all tenants.
    pub application: Quota,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            tenant: Quota {
                units: 3_500,
                per: Duration::from_secs(10),
            },
            application: Quota {
                units: 150_000,
                per: Duration::from_secs(20),
            },
        }
    }
}

/// The limiter of a process. Clones share the buckets.
#[derive(Clone, Debug, Default)]
pub struct Limits(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    quotas: Quotas,
    buckets: Mutex<HashMap<Key, Bucket>>,
}

/// Whose bucket: an application of a cloud, in one tenant or (none) over all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    graph: Url,
    application: Uuid,
    tenant: Option<String>,
}

/// One application in one tenant: the pair of buckets that its requests take from.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    tenant: Key,
    application: Key,
}

impl Lane {
    pub(crate) fn new(graph: &Url, application: Uuid, tenant: &str) -> Self {
        let key = |tenant| Key {
            graph: graph.clone(),
            application,
            tenant,
        };
        Self {
            tenant: key(Some(tenant.to_owned())),
            application: key(None),
        }
    }
}

/// Which buckets a 429 closes (`x-ms-throttle-scope`, graph.md §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Tenant,
    Application,
}

impl Limits {
    /// A limiter with other quotas.
    pub fn new(quotas: Quotas) -> Self {
        Self(Arc::new(Shared {
            quotas,
            buckets: Mutex::default(),
        }))
    }

    /// Takes `cost` from both buckets, or says how long to wait before asking again. An `urgent`
    /// request is charged like any other but waits only where Graph itself closed the bucket.
    pub(crate) fn take(
        &self,
        lane: &Lane,
        cost: u32,
        urgent: bool,
        now: DateTime<Utc>,
    ) -> Result<(), Duration> {
        let quotas = self.0.quotas;
        let mut buckets = self.lock();
        if buckets.len() > REMEMBERED_MAX {
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let pair = [
            (&lane.tenant, quotas.tenant),
            (&lane.application, quotas.application),
        ];
        let mut wait = Duration::ZERO;
        for (key, quota) in pair {
            let bucket = buckets
                .entry(key.clone())
                .or_insert_with(|| Bucket::full(quota, now));
            wait = wait.max(bucket.wait(urgent, now));
        }
        if wait > Duration::ZERO {
            return Err(wait);
        }
        for (key, _) in pair {
            if let Some(bucket) = buckets.get_mut(key) {
                bucket.level -= f64::from(cost);
            }
        }
        Ok(())
    }

    /// Corrects an estimate by what was billed.
    pub(crate) fn settle(&self, lane: &Lane, estimated: u32, billed: u32) {
        let mut buckets = self.lock();
        for key in [&lane.tenant, &lane.application] {
            if let Some(bucket) = buckets.get_mut(key) {
                bucket.level += f64::from(estimated) - f64::from(billed);
            }
        }
    }

    /// Closes a bucket until `until`: requests sent while throttled count against the quota.
    pub(crate) fn close(&self, lane: &Lane, reach: Reach, until: DateTime<Utc>) {
        let key = match reach {
            Reach::Tenant => &lane.tenant,
            Reach::Application => &lane.application,
        };
        if let Some(bucket) = self.lock().get_mut(key) {
            bucket.closed_until = bucket.closed_until.max(Some(until));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Bucket>> {
        self.0
            .buckets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    filled_at: DateTime<Utc>,
    closed_until: Option<DateTime<Utc>>,
}

impl Bucket {
    fn full(quota: Quota, now: DateTime<Utc>) -> Self {
        let capacity = f64::from(quota.units.max(1));
        let seconds = quota.per.as_secs_f64().max(0.001);
        Self {
            capacity,
            per_second: capacity / seconds,
            level: capacity,
            filled_at: now,
            closed_until: None,
        }
    }

    fn fill(&mut self, now: DateTime<Utc>) {
        // A clock that was set back fills nothing and starts over from its new time.
        let passed = (now - self.filled_at).max(TimeDelta::zero());
        let seconds = passed.to_std().unwrap_or_default().as_secs_f64();
        self.level = (self.level + seconds * self.per_second).min(self.capacity);
        self.filled_at = now;
        self.closed_until = self.closed_until.filter(|until| *until > now);
    }

    fn wait(&mut self, urgent: bool, now: DateTime<Utc>) -> Duration {
        self.fill(now);
        let closed = self.closed_until.map_or(Duration::ZERO, |until| {
            (until - now).to_std().unwrap_or_default()
        });
        // A bucket that isn't empty serves any request, whatever it costs, and goes below zero:
        // so a dear request is never starved by cheap ones.
        let empty = if urgent || self.level > 0.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64((1.0 - self.level) / self.per_second)
        };
        closed.max(empty)
    }

    fn is_full(&mut self, now: DateTime<Utc>) -> bool {
        self.fill(now);
        self.level >= self.capacity && self.closed_until.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(tenant: &str) -> Lane {
        Lane::new(
            &Url::parse("https://graph.microsoft.com").unwrap(),
            Uuid::nil(),
            tenant,
        )
    }

    fn limits(tenant: u32, application: u32) -> Limits {
        let per = Duration::from_secs(10);
        Limits::new(Quotas {
            tenant: Quota { units: tenant, per },
            application: Quota {
                units: application,
                per,
            },
        })
    }

    const T0: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn one_tenants_hunger_leaves_the_others_alone() {
        let limits = limits(10, 1_000);
        for _ in 0..10 {
            limits.take(&lane("a"), 1, false, T0).unwrap();
        }
        assert_eq!(
            limits.take(&lane("a"), 1, false, T0),
            Err(Duration::from_secs(1))
        );
        assert_eq!(limits.take(&lane("b"), 1, false, T0), Ok(()));
        let later = T0 + TimeDelta::seconds(1);
        assert_eq!(limits.take(&lane("a"), 1, false, later), Ok(()));
    }

    #[test]
    fn all_tenants_share_the_applications_bucket() {
        let limits = limits(1_000, 3);
        for tenant in ["a", "b", "c"] {
            limits.take(&lane(tenant), 1, false, T0).unwrap();
        }
        assert!(limits.take(&lane("d"), 1, false, T0).is_err());
        assert!(
            limits.take(&lane("d"), 1, true, T0).is_ok(),
            "someone typing doesn't queue"
        );
    }

    #[test]
    fn what_was_billed_counts() {
        let limits = limits(10, 1_000);
        limits.take(&lane("a"), 1, false, T0).unwrap();
        limits.settle(&lane("a"), 1, 15);
        assert_eq!(
            limits.take(&lane("a"), 1, false, T0),
            Err(Duration::from_secs(6))
        );
    }

    #[test]
    fn a_closed_bucket_holds_everyone_until_its_time() {
        let limits = limits(10, 1_000);
        limits.take(&lane("a"), 1, false, T0).unwrap();
        limits.close(&lane("a"), Reach::Tenant, T0 + TimeDelta::seconds(7));
        limits.close(&lane("a"), Reach::Tenant, T0 + TimeDelta::seconds(2));
        assert_eq!(
            limits.take(&lane("a"), 1, true, T0),
            Err(Duration::from_secs(7))
        );
        assert!(limits.take(&lane("b"), 1, true, T0).is_ok());
        assert!(
            limits
                .take(&lane("a"), 1, false, T0 + TimeDelta::seconds(7))
                .is_ok()
        );
        limits.close(&lane("a"), Reach::Application, T0 + TimeDelta::seconds(9));
        assert!(
            limits
                .take(&lane("b"), 1, false, T0 + TimeDelta::seconds(8))
                .is_err()
        );
    }

    #[test]
    fn a_clock_set_back_does_not_lock_anyone_out() {
        let limits = limits(10, 1_000);
        limits
            .take(&lane("a"), 11, false, T0 + TimeDelta::days(1))
            .unwrap();
        assert!(limits.take(&lane("a"), 1, false, T0).is_err());
        assert!(
            limits
                .take(&lane("a"), 1, false, T0 + TimeDelta::seconds(2))
                .is_ok()
        );
    }
}
