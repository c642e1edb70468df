//! How fast a sync is, against the fastest that this machine could do it at all.
//!
//! `cargo run --release -p backend --example bench_sync -- [--postgres URL] [--users N]
//! [--groups N] [--memberships N]` prints one table for SQLite and, where a server is named, for
//! PostgreSQL. With `--table` it is the whole table of docs/benchmarks.md, in Markdown, each part
//! in a process of its own. The simulator runs in another, so that its memory isn't counted.

mod farm;
mod floor;
mod imports;
mod machine;
mod many;
mod mapping;
mod measure;
mod part;
mod rows;
mod table;
mod whole;

use std::{process::ExitCode, time::Duration};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// A PostgreSQL server on which a database can be made.
    pub postgres: Option<String>,
    /// Users of the tenant.
    pub users: usize,
    /// Its groups.
    pub groups: usize,
    /// Its memberships, about.
    pub memberships: usize,
    /// Tenants like this one.
    pub tenants: usize,
    /// Those of the whole table.
    pub sizes: table::Sizes,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            postgres: None,
            users: 20_000,
            groups: 1_000,
            memberships: 100_000,
            tenants: 1,
            sizes: table::Sizes::new(false),
        }
    }
}

/// What to do with it.
#[derive(Debug, Clone, Copy)]
enum Role {
    /// Measure a sync.
    Sync,
    /// Measure the whole table.
    Table,
    /// Measure one part of it, which standard input names.
    Part,
    /// Measure what mapping costs a person.
    Mapping,
    /// Measure importing a file.
    Imports,
    /// Be the simulator.
    Simulator,
}

const USAGE: &str = "usage: bench_sync [--postgres URL] [--users N] [--groups N] [--memberships N]
       bench_sync --table [--small] [--postgres URL] [--main USERS] [--growth N,N,N]
                  [--integrations N]
       bench_sync --mapping
       bench_sync --imports [--postgres URL]";

/// A row of the table: its title, and its text for one database.
type Row = (&'static str, fn(&measure::Measured) -> String);

/// Any error: the bench says it and ends.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((asked, role)) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match role {
            Role::Sync => bench(&asked).await,
            Role::Table => table::print(&asked).await,
            Role::Mapping => mapping::print(),
            Role::Imports => imports::print(&asked).await,
            Role::Part => part::Part::here().await,
            Role::Simulator => farm::serve(&asked).await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the bench failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Option<(Asked, Role)> {
    let mut asked = Asked::default();
    let mut role = Role::Sync;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--simulator" => role = Role::Simulator,
            "--table" => role = Role::Table,
            "--mapping" => role = Role::Mapping,
            "--imports" => role = Role::Imports,
            "--part" => role = Role::Part,
            "--postgres" => asked.postgres = Some(words.next()?.clone()),
            "--users" => asked.users = words.next()?.parse().ok()?,
            "--groups" => asked.groups = words.next()?.parse().ok()?,
            "--memberships" => asked.memberships = words.next()?.parse().ok()?,
            "--tenants" => asked.tenants = words.next()?.parse().ok()?,
            // Those after it count.
            "--small" => asked.sizes = table::Sizes::new(true),
            "--main" => asked.sizes.main = table::in_proportion(words.next()?.parse().ok()?),
            "--integrations" => asked.sizes.integrations = words.next()?.parse().ok()?,
            "--growth" => {
                let users = words.next()?.split(',').map(str::parse);
                let users: Vec<usize> = users.collect::<std::result::Result<_, _>>().ok()?;
                asked.sizes.growth = users.try_into().ok()?;
            }
            _ => return None,
        }
    }
    Some((asked, role))
}

async fn bench(asked: &Asked) -> Result<()> {
    let mut columns = vec![("SQLite", measure::all(asked, None).await?)];
    if let Some(server) = &asked.postgres {
        columns.push(("PostgreSQL", measure::all(asked, Some(server)).await?));
    }
    println!(
        "{} users, {} groups, {} memberships",
        asked.users, asked.groups, asked.memberships
    );
    let rows: [Row; 21] = [
        ("floor: download", |m| seconds(m.floor_download)),
        ("floor: bulk load", |m| seconds(m.floor_load)),
        ("floor", |m| seconds(m.floor())),
        ("full sync", |m| seconds(m.full.took)),
        ("  reading", |m| phase(&m.full, &["waiting", "reading"])),
        ("  merging", |m| phase(&m.full, &["merging"])),
        ("  planning", |m| phase(&m.full, &["planning"])),
        ("  applying and ending", |m| {
            phase(&m.full, &["applying", "done"])
        }),
        ("ratio (aim: 3.0)", |m| {
            format!("{:.1}", m.full.took.as_secs_f64() / m.floor().as_secs_f64())
        }),
        ("peak memory over idle (aim: 150)", |m| {
            format!("{} MB", m.peak_kb / 1024)
        }),
        ("requests", |m| m.full.requests.to_string()),
        ("resource units", |m| m.full.resource_units.to_string()),
        ("full sync again", |m| seconds(m.again.took)),
        ("  reading", |m| phase(&m.again, &["waiting", "reading"])),
        ("  merging", |m| phase(&m.again, &["merging"])),
        ("  planning", |m| phase(&m.again, &["planning"])),
        ("  applying and ending", |m| {
            phase(&m.again, &["applying", "done"])
        }),
        ("delta, nothing changed", |m| seconds(m.quiet.took)),
        ("  its requests (aim: 2)", |m| m.quiet.requests.to_string()),
        ("delta, 1 % changed", |m| seconds(m.one_percent.took)),
        ("  changes applied", |m| m.one_percent.changed.to_string()),
    ];
    print!("{:<34}", "");
    for (name, _) in &columns {
        print!("{name:>14}");
    }
    println!();
    for (title, value) in rows {
        print!("{title:<34}");
        for (_, measured) in &columns {
            print!("{:>14}", value(measured));
        }
        println!();
    }
    Ok(())
}

fn phase(run: &measure::Synced, names: &[&str]) -> String {
    let took = names.iter().filter_map(|name| run.phases.get(*name));
    seconds(took.sum())
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}
