//! `cargo xtask …`: everything that is done with this repository besides writing code.
//!
//! Each subcommand says what it does while it does it, does nothing twice, and ends with a message
//! that names the outside command that failed, what it was for and what to do about it.

mod bench;
mod browser;
mod checks;
mod debian;
mod demo;
mod error;
mod front;
mod postgres;
mod project;
mod python;
mod running;
mod sbom;
mod serve;
mod setup;
mod site;
mod soak;
mod stack;
mod step;
mod summary;
mod testing;
mod tools;
mod views;
mod wasm_target;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    error::Error,
    project::{Profile, Project},
};

/// Build, run and test Rollcall.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what a build needs: the wasm target and the npm packages.
    Setup,
    /// Build the server and the front end.
    Build {
        /// Optimise, and compress the browser's files ahead (brotli and gzip).
        #[arg(long)]
        release: bool,
        /// Only what the browser loads.
        #[arg(long)]
        browser_only: bool,
    },
    /// Build optimised, start the product with three simulated tenants in it, and explain it.
    Demo,
    /// Build for development and run the server.
    Serve {
        /// Handed on to `rollcall serve`, after `--`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// What is quick to check: formatting, clippy, the browser build, small tests.
    Check,
    /// Measure: the whole table of docs/benchmarks.md, or a part by itself.
    #[command(args_conflicts_with_subcommands = true)]
    Bench {
        #[command(flatten)]
        table: bench::Table,
        #[command(subcommand)]
        alone: Option<Bench>,
    },
    /// Every check there is, with one table at the end.
    Test {
        /// Only these rows.
        rows: Vec<testing::Row>,
        /// Handed on to Playwright, after `--`: `cargo xtask test pages -- --grep "sign in"`.
        #[arg(last = true)]
        playwright: Vec<String>,
    },
    /// Simulate and kill until something fails, or until it is stopped.
    Soak {
        /// The first seed; without it one that wasn't tried before.
        #[arg(long)]
        from: Option<u64>,
    },
    /// Take the pictures of the README anew.
    Pictures,
    /// Look for known vulnerabilities of dependencies; fails where their database can't be had.
    Advisories,
    /// Write what a build is made of, as CycloneDX files (SBOM).
    Sbom,
}

#[derive(Subcommand)]
enum Bench {
    /// A full sync and delta runs, against the fastest this machine could do it at all.
    Sync {
        /// Users of the tenant.
        #[arg(long, default_value_t = 20_000)]
        users: usize,
        /// Its groups.
        #[arg(long, default_value_t = 1_000)]
        groups: usize,
        /// Its memberships, about.
        #[arg(long, default_value_t = 100_000)]
        memberships: usize,
    },
    /// Importing a file of 100,000 people, which may take five seconds.
    Import,
    /// Pages of the Users grid with very many users.
    Grid {
        /// Users in all.
        #[arg(long, default_value_t = 5_000_000)]
        users: usize,
        /// Users of the customer whose grid it is.
        #[arg(long, default_value_t = 200_000)]
        customer: usize,
    },
    /// The real server over HTTP: pages of the Users grid, reads by REST, refusals.
    Http {
        /// Users of the customer whose grid it is.
        #[arg(long, default_value_t = 200_000)]
        customer: usize,
    },
    /// Whether the time of a refusal tells that something is there, of each kind of object.
    Existence,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode, Error> {
    let project = Project::load()?;
    match task {
        Task::Setup => setup::run(&project)?,
        Task::Build {
            release,
            browser_only,
        } => {
            let profile = if release {
                Profile::Release
            } else {
                Profile::Dev
            };
            front::build(&project, profile)?;
            if !browser_only {
                serve::programs(&project, profile)?;
            }
        }
        Task::Demo => demo::run(&project)?,
        Task::Serve { arguments } => return serve::run(&project, &arguments),
        Task::Bench { table, alone: None } => bench::table(&project, &table)?,
        Task::Bench {
            alone: Some(Bench::Import),
            ..
        } => bench::import(&project)?,
        Task::Bench {
            alone:
                Some(Bench::Sync {
                    users,
                    groups,
                    memberships,
                }),
            ..
        } => bench::sync(
            &project,
            &[
                ("--users", users),
                ("--groups", groups),
                ("--memberships", memberships),
            ],
        )?,
        Task::Bench {
            alone: Some(Bench::Grid { users, customer }),
            ..
        } => bench::grid(&project, users, customer)?,
        Task::Bench {
            alone: Some(Bench::Http { customer }),
            ..
        } => bench::http(&project, customer)?,
        Task::Bench {
            alone: Some(Bench::Existence),
            ..
        } => bench::existence(&project)?,
        Task::Check => checks::quick(&project)?,
        Task::Soak { from } => soak::run(&project, from)?,
        Task::Pictures => browser::pictures(&project)?,
        Task::Advisories => checks::known_advisories(&project)?,
        Task::Sbom => sbom::write(&project)?,
        Task::Test { rows, playwright } => return Ok(testing::run(&project, &rows, &playwright)),
    }
    Ok(ExitCode::SUCCESS)
}
