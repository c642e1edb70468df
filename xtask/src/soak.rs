//! `cargo xtask soak`: simulations under ever new seeds, processes killed at random moments, and
//! inputs that libFuzzer makes up, until one fails or somebody stops it.

use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

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

/// Seconds for which inputs are made up for each target, in each round.
const FUZZING_S: u32 = 120;
/// What makes a program tell libFuzzer which ways it took.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
     -Ccodegen-units=1 -Cdebug-assertions";

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
        fuzz_all(project)?;
        first += SEEDS;
    }
}

/// Makes inputs up for every target of the crate `fuzz`.
fn fuzz_all(project: &Project) -> Result<(), Error> {
    let programs = project.root.join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&programs).map_err(Error::io("reading", &programs))?;
    let mut names: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some(path.file_stem()?.to_str()?.to_owned())
        })
        .collect();
    names.sort_unstable();
    for name in names {
        println!("\nInputs for {name}, {FUZZING_S} s.");
        fuzz(project, &name)?;
    }
    Ok(())
}

/// Makes inputs up for one target; what it learnt is kept in the target folder for the next time.
fn fuzz(project: &Project, name: &str) -> Result<(), Error> {
    let folder = project.target.join("fuzz");
    let (learnt, found) = (folder.join("learnt").join(name), folder.join("found"));
    for folder in [&learnt, &found] {
        fs::create_dir_all(folder).map_err(Error::io("making", folder))?;
    }
    let seeds = project.root.join("fuzz/seeds").join(name);
    project
        .cargo(format!("making up inputs for {name}"))
        .args([
            "run",
            "--release",
            "--package",
            "fuzz",
            "--features",
            "libfuzzer",
        ])
        .args(["--bin", name, "--target", HOST, "--target-dir"])
        .arg(&folder)
        .arg("--")
        .arg(format!("-max_total_time={FUZZING_S}"))
        .args(["-timeout=10", "-print_final_stats=1"])
        .arg(prefix(&found, name))
        .args([learnt, seeds])
        .env("RUSTFLAGS", COVERAGE)
        .fix(format!(
            "what broke it is in {}: put it into fuzz/seeds/{name} and mend what reads it",
            found.display()
        ))
        .run()
}

/// The machine's own target. Named to cargo, so that build scripts and macros are compiled without
/// [`COVERAGE`].
const HOST: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-gnu"
} else {
    "x86_64-unknown-linux-gnu"
};

fn prefix(found: &Path, name: &str) -> String {
    format!("-artifact_prefix={}/{name}-", found.display())
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
