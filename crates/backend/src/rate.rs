//! How often something may be tried.

use std::{hash::Hash, num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter, clock::Clock as _, middleware::NoOpMiddleware, nanos::Nanos,
    state::keyed::DefaultKeyedStateStore,
};

/// Keys that are kept before those that may try again at once are forgotten.
const KEYS_MAX: usize = 10_000;

/// Our clock as governor reads it, so that a test can set it.
#[derive(Debug, Clone)]
struct Time(crate::Clock);

impl governor::clock::Clock for Time {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let micros = u64::try_from(self.0.now().timestamp_micros()).unwrap_or_default();
        Nanos::new(micros.saturating_mul(1000))
    }
}

/// An allowance for each key: some tries at once, then one each interval.
#[derive(Debug)]
pub struct Limiter<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DefaultKeyedStateStore<K>, Time, NoOpMiddleware<Nanos>>,
    time: Time,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// `burst` tries at once, and one more every `interval` (more than nothing).
    pub fn new(clock: &crate::Clock, burst: u32, interval: Duration) -> Self {
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(interval)
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(burst);
        let time = Time(clock.clone());
        Self {
            limiter: RateLimiter::new(quota, DefaultKeyedStateStore::default(), time.clone()),
            time,
        }
    }

    /// Takes one try, or says how many seconds to wait.
    pub fn take(&self, key: &K) -> Result<(), u64> {
        if self.limiter.len() > KEYS_MAX {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|refused| {
            let wait = refused.wait_time_from(self.time.now());
            wait.as_secs().max(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_run_out_for_one_key_and_come_back_with_time() {
        let clock = crate::Clock::standing(domain::DateTime::default());
        let limiter = Limiter::new(&clock, 3, Duration::from_secs(10));
        for _ in 0..3 {
            assert_eq!(limiter.take(&1), Ok(()));
        }
        assert_eq!(limiter.take(&1), Err(10));
        assert_eq!(limiter.take(&2), Ok(()));
        clock.advance(chrono::Duration::seconds(10));
        assert_eq!(limiter.take(&1), Ok(()));
        assert!(limiter.take(&1).is_err());
    }
}
