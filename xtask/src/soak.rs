//! `cargo xtask soak`: simulations under ever new seeds, and processes killed at random moments,
//! until one fails or somebody stops it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{
    error::Error,
    postgres::{Cluster, Promise},
    project::Project,
    step::Step,
    tools,
};

/// Seeds of one round of simulations, on each database.
const SEEDS: u64 = 200;
/// Kills of one round, on each database.
const KILLS: u32 = 100;

/// Begins with this seed, or with one that no soak has begun with before.
pub fn run(project: &Project, from: Option<u64>) -> Result<(), Error> {
    let cluster = Cluster::start(project, Promise::None)?;
    let url = cluster.url("postgres");
    let mut first = from.unwrap_or_else(seconds);
    loop {
        let seeds = format!("{first}-{}", first + SEEDS - 1);
        println!("\nSeeds {seeds}. Ctrl-C ends it.");
        tests(project, "simulating", "backend", "test(simulation)", &url)?
            .env("SIMULATION_SEEDS", &seeds)
            .fix(
                "look for “seed N” above; SIMULATION_SEEDS=N cargo nextest run -p backend \
                 simulation repeats it",
            )
            .run()?;
        println!("\n{KILLS} kills on each database.");
        let which = "test(killed_at_random_moments)";
        tests(project, "killing processes", "server", which, &url)?
            .env("KILLS", KILLS.to_string())
            .fix("read what failed above")
            .run()?;
        first += SEEDS;
    }
}

fn tests(
    project: &Project,
    purpose: &str,
    package: &str,
    which: &str,
    postgres: &str,
) -> Result<Step, Error> {
    Ok(tools::nextest(project, purpose)?
        .args([
            "run",
            "--profile",
            "soak",
            "--package",
            package,
            "-E",
            which,
        ])
        .env("TEST_POSTGRES_URL", postgres))
}

/// Seconds since 1970: no two soaks begin with the same.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no clock to be passed in, and nothing depends on which number it is"
)]
fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
