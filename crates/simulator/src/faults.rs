//! Faults on demand: by chance from a seed, or the next answer only.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// One thing that can go wrong (graph.md §13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 429 with `Retry-After`.
    Throttled,
    /// 429 without it.
    ThrottledSilently,
    /// 500.
    InternalError,
    /// 501.
    NotImplemented,
    /// 502.
    BadGateway,
    /// 503 with `Retry-After`.
    Unavailable,
    /// 503 without it.
    UnavailableSilently,
    /// 504.
    GatewayTimeout,
    /// 401 with a token that is good.
    Unauthorized,
    /// 403 `Authorization_RequestDenied` although the role is there.
    Forbidden,
    /// 409 `Directory_ConcurrencyViolation`.
    Conflict,
    /// The connection is cut in the middle of the body.
    Cut,
    /// Half of the JSON, with a `Content-Length` that fits it.
    Truncated,
    /// A delta page with neither a next nor a delta link.
    ShortAnswer,
    /// A next link that leads to the same page again, for ever.
    EndlessLink,
    /// Empty pages with ever new next links, once begun without end.
    EndlessChain,
    /// A next or delta link to another host.
    ForeignLink,
    /// Complete, and empty.
    EmptyAnswer,
    /// An empty page with a next link to the rest.
    EmptyPage,
    /// Objects of this round once more on the same page.
    Replay,
    /// The objects of the page in another order.
    Shuffle,
    /// 400 `syncStateNotFound`, where a delta token was sent.
    ExpiredDeltaToken,
    /// 410 `resyncRequired` with `Location`, where a delta token was sent.
    Resync,
    /// 400 `Directory_ExpiredPageToken`, where a skip token was sent.
    ExpiredPageToken,
}

/// What a request is, as far as faults go.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent facts about one request"
)]
pub(crate) struct Shape {
    /// The answer is one page of a collection.
    pub page: bool,
    /// It is a delta round.
    pub delta: bool,
    /// It carries a delta token.
    pub delta_token: bool,
    /// It carries a skip token.
    pub skip_token: bool,
}

impl Fault {
    fn fits(self, shape: Shape) -> bool {
        match self {
            Self::EndlessLink | Self::ForeignLink | Self::EmptyAnswer | Self::EmptyPage => {
                shape.page
            }
            Self::ShortAnswer | Self::EndlessChain | Self::Replay | Self::Shuffle => shape.delta,
            Self::ExpiredDeltaToken | Self::Resync => shape.delta_token,
            Self::ExpiredPageToken => shape.skip_token && !shape.delta,
            _ => true,
        }
    }
}

/// Faults by chance. The same plan and the same requests, each stream in its order, give the
/// same faults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// Decides which requests are hit.
    pub seed: u64,
    /// How likely each fault is for a request it fits, 0 to 1.
    pub rates: BTreeMap<Fault, f64>,
    /// Only requests whose path contains one of these; empty: all.
    pub paths: Vec<String>,
    /// At most so many faults.
    pub at_most: Option<u64>,
}

impl FaultPlan {
    /// A plan without faults.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// With this fault this likely (0 to 1).
    #[must_use]
    pub fn with(mut self, fault: Fault, rate: f64) -> Self {
        self.rates.insert(fault, rate.clamp(0.0, 1.0));
        self
    }

    /// Only for requests whose path contains `part`.
    #[must_use]
    pub fn on(mut self, part: &str) -> Self {
        self.paths.push(part.to_owned());
        self
    }

    /// Everything that a client must get through without losing anything, each at `rate`.
    pub fn recoverable(seed: u64, rate: f64) -> Self {
        [
            Fault::Throttled,
            Fault::ThrottledSilently,
            Fault::InternalError,
            Fault::BadGateway,
            Fault::Unavailable,
            Fault::UnavailableSilently,
            Fault::GatewayTimeout,
            Fault::Unauthorized,
            Fault::Cut,
            Fault::Truncated,
            Fault::EmptyPage,
            Fault::Replay,
            Fault::Shuffle,
            Fault::ExpiredDeltaToken,
            Fault::Resync,
        ]
        .into_iter()
        .fold(Self::new(seed), |plan, fault| plan.with(fault, rate))
    }
}

/// A fault for the next requests whose path contains `path`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneShot {
    /// A part of the path; empty fits every request.
    #[serde(default)]
    pub path: String,
    /// What goes wrong.
    pub fault: Fault,
    /// How often.
    #[serde(default = "once")]
    pub times: u64,
}

/// A text becomes another in answers to paths that contain `path`: to say what no directory would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rewrite {
    pub path: String,
    pub from: String,
    pub to: String,
}

fn once() -> u64 {
    1
}

/// Decides for each request of one tenant.
#[derive(Debug, Default)]
pub(crate) struct FaultState {
    pub plan: FaultPlan,
    pub queue: VecDeque<OneShot>,
    pub rewrites: Vec<Rewrite>,
    counts: HashMap<String, u64>,
    made: u64,
}

impl FaultState {
    /// Starts over with `plan`.
    pub fn set_plan(&mut self, plan: FaultPlan) {
        *self = Self {
            plan,
            queue: std::mem::take(&mut self.queue),
            rewrites: std::mem::take(&mut self.rewrites),
            ..Self::default()
        };
    }

    /// Rewrites the answer, where that was asked for.
    pub fn rewrite(&self, path: &str, body: &mut Vec<u8>) {
        for rewrite in &self.rewrites {
            if !path.contains(&rewrite.path) {
                continue;
            }
            if let Ok(text) = std::str::from_utf8(body) {
                *body = text.replacen(&rewrite.from, &rewrite.to, 1).into_bytes();
            }
        }
    }

    /// What goes wrong with this request, if anything.
    pub fn draw(&mut self, path: &str, shape: Shape) -> Option<Fault> {
        if let Some(at) = self
            .queue
            .iter()
            .position(|shot| path.contains(&shot.path) && shot.fault.fits(shape))
        {
            let shot = &mut self.queue[at];
            let fault = shot.fault;
            shot.times = shot.times.saturating_sub(1);
            if shot.times == 0 {
                self.queue.remove(at);
            }
            return Some(fault);
        }
        let plan = &self.plan;
        if plan.rates.is_empty()
            || plan.at_most.is_some_and(|most| self.made >= most)
            || !(plan.paths.is_empty() || plan.paths.iter().any(|part| path.contains(part)))
        {
            return None;
        }
        let count = self.counts.entry(path.to_owned()).or_default();
        *count += 1;
        let mut hasher = DefaultHasher::new();
        (plan.seed, path, *count).hash(&mut hasher);
        let mut rng = ChaCha8Rng::seed_from_u64(hasher.finish());
        let fault = plan
            .rates
            .iter()
            .find(|(fault, rate)| rng.random_bool(rate.clamp(0.0, 1.0)) && fault.fits(shape))
            .map(|(fault, _)| *fault);
        self.made += u64::from(fault.is_some());
        fault
    }
}
