//! The binary killed with SIGKILL in the middle of a run. On SQLite it is started again, on
//! PostgreSQL another process goes on once the lease has ended: the run goes to its end and the
//! directory is what the tenant holds.
//!
//! `KILLS=100` kills that often at random moments instead of ten times.

mod installation;

use std::time::{Duration, Instant};

use backend::testing::{Kind, environment};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use installation::{Connected, Installation, Part, Process};

/// Enough that reading takes several pages and applying several batches.
const USERS: usize = 3_000;
/// The same for the many runs of random moments.
const FEWER_USERS: usize = 1_200;
/// Installations in which processes are killed side by side: after each kill a lease has to end,
/// which takes 30 s.
const LANES: u64 = 5;
/// What a run is thought to take until one was seen to its end.
const A_RUN: Duration = Duration::from_secs(2);

/// Kills the server as soon as `is_there` says so, while the first run is open, starts it again
/// and looks at what becomes of the run.
async fn killed_when(there: &Installation, is_there: impl AsyncFn(&Connected, &Value) -> bool) {
    let mut server = there.start(Part::Both).await;
    let connected = there.connect().await;
    let run = there.full(&connected).await;
    let seen = there
        .until(async || {
            let seen = there.get(&run).await;
            let reached = is_there(&connected, &seen).await;
            (reached || is_over(&seen)).then_some(seen)
        })
        .await;
    server.kill();
    assert_eq!(seen["status"], "running", "it was killed too late: {seen}");

    there.control.configure(|settings| settings.latency_ms = 0);
    let _server = there.start(Part::Both).await;
    there.ends_well(&run).await;
    there.assert_equal(&connected.customer).await;
}

fn is_over(run: &Value) -> bool {
    !["queued", "running"].contains(&run["status"].as_str().unwrap())
}

async fn while_reading(kind: Kind) {
    let Some(there) = Installation::new(kind, 11, USERS).await else {
        return;
    };
    there
        .control
        .configure(|settings| settings.latency_ms = 100);
    killed_when(&there, async |_, run| {
        run["requests"].as_i64().unwrap() >= 3
    })
    .await;
}

async fn while_applying(kind: Kind) {
    let Some(there) = Installation::new(kind, 11, USERS).await else {
        return;
    };
    killed_when(&there, async |connected, _| {
        let path = format!("/customers/{}/users?limit=1", connected.customer);
        there.get(&path).await["items"] != json!([])
    })
    .await;
}

/// One installation in which processes are killed at moments that a seed draws.
struct Lane {
    there: Installation,
    kind: Kind,
    dice: ChaCha8Rng,
    /// How long an undisturbed run takes; moments are drawn from it.
    takes: Duration,
    /// On PostgreSQL what serves, beside the processes that work.
    _front: Option<Process>,
    /// The process that is killed.
    worker: Process,
}

impl Lane {
    async fn new(kind: Kind, seed: u64) -> Option<Self> {
        let there = Installation::new(kind, seed, FEWER_USERS).await?;
        there.control.configure(|settings| settings.latency_ms = 20);
        let (front, worker) = match kind {
            Kind::Sqlite => (None, there.start(Part::Both).await),
            Kind::Postgres => (
                Some(there.start(Part::Front).await),
                there.start(Part::Worker).await,
            ),
        };
        Some(Self {
            there,
            kind,
            dice: ChaCha8Rng::seed_from_u64(seed),
            takes: A_RUN,
            _front: front,
            worker,
        })
    }

    /// Full runs over a tenant in which much happens, until so many of them were killed.
    async fn kill(mut self, times: u32) {
        let connected = self.there.connect().await;
        let mut killed = 0;
        let mut undisturbed = 0;
        while killed < times {
            let run = self.there.full(&connected).await;
            if self.killed_in(&run).await {
                killed += 1;
            } else {
                undisturbed += 1;
            }
            assert!(
                undisturbed <= 5 * times,
                "runs of {:?} end before they are killed",
                self.takes
            );
            self.there.ends_well(&run).await;
            self.there.assert_equal(&connected.customer).await;
            self.there.change_much(&mut self.dice);
        }
    }

    /// Kills the process that runs it at some moment; answers whether the run was still open.
    async fn killed_in(&mut self, run: &str) -> bool {
        let began = Instant::now();
        let other = match self.kind {
            Kind::Sqlite => None,
            Kind::Postgres => {
                // Whoever has begun holds the lease: the other waits for it to end.
                self.there
                    .until(async || {
                        let run = self.there.get(run).await;
                        (run["status"] != "queued").then_some(())
                    })
                    .await;
                Some(self.there.start(Part::Worker).await)
            }
        };
        let moment = self.takes.mul_f64(self.dice.random::<f64>());
        // A moment is meant here, not something to wait for.
        tokio::time::sleep(moment.saturating_sub(began.elapsed())).await;
        let seen = self.there.get(run).await;
        if is_over(&seen) {
            self.takes = began.elapsed().min(self.takes);
            return false;
        }
        self.worker.kill();
        self.worker = match other {
            Some(other) => other,
            None => self.there.start(Part::Both).await,
        };
        !is_over(&self.there.get(run).await)
    }
}

async fn at_random_moments(kind: Kind) {
    let kills: u32 = environment("KILLS").map_or(10, |number| number.parse().expect("a number"));
    let lanes = u32::try_from(LANES).expect("a few");
    let lanes = (0..LANES).map(|seed| async move {
        if let Some(lane) = Lane::new(kind, seed).await {
            lane.kill(kills.div_ceil(lanes)).await;
        }
    });
    futures::future::join_all(lanes).await;
}

/// Profiles that are sealed anew: several transactions.
const PROFILES: usize = 230;
/// How often a rotation of the key is killed before one is let to its end.
const ROTATIONS_KILLED: u64 = 6;

/// Kills rotations of the master key at random moments, while a server opens secrets; the next one
/// goes on, and at last everything is sealed with one key.
async fn while_rotating(kind: Kind) {
    let Some(there) = Installation::new(kind, 11, 10).await else {
        return;
    };
    let mut server = there.start(Part::Both).await;
    let connected = there.connect().await;
    there.add_profiles(PROFILES).await;
    there.connects(&connected).await;
    let mut dice = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..ROTATIONS_KILLED {
        let mut rotating = there.rotate();
        // A moment is meant here, not something to wait for.
        tokio::time::sleep(Duration::from_millis(dice.random_range(50..1_200))).await;
        rotating.kill();
        there.connects(&connected).await;
        there.add_profiles(1).await;
    }
    let said = there.command(&["secrets", "rotate"]);
    assert!(said.contains("none is sealed with another"), "{said}");
    there.connects(&connected).await;
    there.add_profiles(1).await;
    let said = there.command(&["secrets", "check"]);
    let all = PROFILES + 2 + usize::try_from(ROTATIONS_KILLED).expect("a few");
    assert!(
        said.starts_with(&format!("{all} secrets open with the master key ")),
        "{said}"
    );
    let files = there.key_files();
    assert!(
        files.len() >= 2 && !files.contains(&"master.key.new".to_owned()),
        "{files:?}"
    );
    server.kill();
    let _server = there.start(Part::Both).await;
    there.connects(&connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_rotating_the_key_on_sqlite() {
    while_rotating(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_rotating_the_key_on_postgres() {
    while_rotating(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_reading_on_sqlite() {
    while_reading(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_reading_on_postgres() {
    while_reading(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_applying_on_sqlite() {
    while_applying(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_applying_on_postgres() {
    while_applying(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_on_sqlite() {
    at_random_moments(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_on_postgres() {
    at_random_moments(Kind::Postgres).await;
}
