//! Ids and other random bytes, passed in so that a test can repeat them.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{RngCore, SeedableRng, rngs::StdRng};

use crate::clock::Clock;

/// Makes `UUIDv7`s (RFC 9562 §5.7) and random bytes.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    source: Arc<Mutex<Source>>,
}

#[derive(Debug)]
struct Source {
    rng: StdRng,
    last_ms: u64,
    /// Counts ids of one millisecond, so that ids made in a row sort in that order.
    counter: u16,
}

impl Ids {
    /// Random bytes of the operating system, stretched by a cryptographic generator.
    pub fn system(clock: Clock) -> Self {
        Self::new(clock, StdRng::from_os_rng())
    }

    /// The same ids each time, for tests.
    pub fn seeded(clock: Clock, seed: u64) -> Self {
        Self::new(clock, StdRng::seed_from_u64(seed))
    }

    fn new(clock: Clock, rng: StdRng) -> Self {
        Self {
            clock,
            source: Arc::new(Mutex::new(Source {
                rng,
                last_ms: 0,
                counter: 0,
            })),
        }
    }

    /// A new id, larger than every one made before it.
    pub fn uuid(&self) -> uuid::Uuid {
        let now_ms = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or_default();
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        if now_ms > source.last_ms {
            source.last_ms = now_ms;
            source.counter = 0;
        } else if source.counter < 0x0fff {
            source.counter += 1;
        } else {
            source.last_ms += 1;
            source.counter = 0;
        }
        let mut random = [0_u8; 10];
        source.rng.fill_bytes(&mut random);
        random[0] = source.counter.to_be_bytes()[0];
        random[1] = source.counter.to_be_bytes()[1];
        uuid::Builder::from_unix_timestamp_millis(source.last_ms, &random).into_uuid()
    }

    /// Fills `bytes` with what nobody can guess.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.source
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .rng
            .fill_bytes(bytes);
    }

    /// A number for jitter.
    pub fn random(&self) -> u64 {
        let mut bytes = [0_u8; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_in_the_order_they_were_made_even_within_a_millisecond() {
        let ids = Ids::seeded(Clock::standing(domain::DateTime::default()), 1);
        let made: Vec<_> = (0..10_000).map(|_| ids.uuid()).collect();
        assert!(made.is_sorted());
        assert_eq!(made[0].get_version_num(), 7);
    }
}
