//! The whole table in one run: each part on each database, one after another, so that what is
//! compared was measured on the same machine in the same hour.

use std::time::{Duration, Instant};

use domain::number::grouped;

use crate::{
    Asked, Result,
    farm::Simulator,
    floor, imports, machine, many, mapping,
    part::{Part, median},
    rows, whole,
};

/// What a tenant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Users.
    pub users: usize,
    /// Groups.
    pub groups: usize,
    /// Memberships, about.
    pub memberships: usize,
}

impl Size {
    /// In words.
    pub fn words(self) -> String {
        format!(
            "{} users, {} groups, {} memberships",
            number(self.users),
            number(self.groups),
            number(self.memberships)
        )
    }
}

/// A number as people read it.
pub fn number(number: usize) -> String {
    grouped(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The sizes of the table.
#[derive(Debug, Clone)]
pub struct Sizes {
    /// The tenant of most lines.
    pub main: Size,
    /// The tenant of the smaller figures of another product.
    pub second: Size,
    /// Users of three tenants, each ten times the one before.
    pub growth: [usize; 3],
    /// Integrations in which nothing changes.
    pub integrations: usize,
}

/// Every answer takes this long while many integrations run.
const LATENCY: Duration = Duration::from_millis(200);

impl Sizes {
    /// The sizes of the aims, or a tenth of them and less, to try the table.
    pub fn new(small: bool) -> Self {
        let by = if small { 10 } else { 1 };
        Self {
            main: in_proportion(100_000 / by),
            second: in_proportion(20_000 / by),
            growth: [10_000 / by, 100_000 / by, 1_000_000 / by],
            integrations: 10_000 / by,
        }
    }
}

/// Groups and memberships as the aims have them.
pub fn in_proportion(users: usize) -> Size {
    Size {
        users,
        groups: users / 20,
        memberships: users * 5,
    }
}

/// A sync of a tenant, and its download alone.
#[derive(Debug, Clone)]
pub struct Synced {
    /// The same pages over one connection, without decoding them.
    pub download: Duration,
    /// What was measured.
    pub figures: whole::Figures,
}

/// What came out on one database; what is missing failed.
#[derive(Debug)]
pub struct Column {
    /// Of the database.
    pub name: &'static str,
    /// The tenant of most lines.
    pub main: Option<Synced>,
    /// The second.
    pub second: Option<Synced>,
    /// The three sizes.
    pub growth: [Option<Synced>; 3],
    /// Many integrations.
    pub many: Option<many::Figures>,
}

/// Measures and prints.
pub async fn print(asked: &Asked) -> Result<()> {
    let sizes = &asked.sizes;
    let begun = Instant::now();
    let mut columns = vec![column("SQLite", sizes, None).await];
    if asked.postgres.is_some() {
        columns.push(column("PostgreSQL", sizes, asked.postgres.as_ref()).await);
    }
    let machine = machine::describe(asked.postgres.as_ref()).await?;
    println!("`{}`, {machine}:\n", command());
    print!("| what | aim, at most |");
    for column in &columns {
        print!(" {} |", column.name);
    }
    println!("\n| --- | ---: |{}", " ---: |".repeat(columns.len()));
    for row in rows::all(sizes) {
        print!("| {} | {} |", row.what, row.aim);
        for column in &columns {
            let value = (row.value)(column);
            print!(" {} |", value.as_deref().unwrap_or("failed"));
        }
        println!();
    }
    mapping_rows(columns.len())?;
    import_row(asked).await?;
    eprintln!("\nThe whole table took {:.0?}.", begun.elapsed());
    if columns.iter().all(Column::is_whole) {
        Ok(())
    } else {
        Err("some parts failed, as said above".into())
    }
}

/// What mapping costs a person, the same on every database.
fn mapping_rows(columns: usize) -> Result<()> {
    for (text, took) in mapping::measure()? {
        let aim = mapping::AIM.as_micros();
        print!("| **mapping**, an expression for a person: `{text}` | {aim} µs |");
        let value = format!(" {:.2} µs |", mapping::micros(took));
        println!("{}", value.repeat(columns));
    }
    Ok(())
}

/// What importing a file takes.
async fn import_row(asked: &Asked) -> Result<()> {
    let mut columns = vec![imports::measure(None).await?];
    if asked.postgres.is_some() {
        columns.push(imports::measure(asked.postgres.as_ref()).await?);
    }
    let aim = imports::AIM.as_secs();
    print!("| **import** of 100,000 rows without passwords: dry run + applying | {aim} s |");
    for measured in columns {
        print!(
            " {:.2} + {:.2} s |",
            measured.looking.as_secs_f64(),
            measured.applying.as_secs_f64()
        );
    }
    println!();
    Ok(())
}

/// The command with which this table comes again.
fn command() -> String {
    let mut words = std::env::args().skip(1);
    let mut command = vec!["cargo xtask bench".to_owned()];
    while let Some(word) = words.next() {
        match word.as_str() {
            "--table" => {}
            // Another each time.
            "--postgres" => drop(words.next()),
            _ => command.push(word),
        }
    }
    command.join(" ")
}

impl Column {
    fn is_whole(&self) -> bool {
        self.main.is_some()
            && self.second.is_some()
            && self.growth.iter().all(Option::is_some)
            && self.many.is_some()
    }
}

async fn column(name: &'static str, sizes: &Sizes, postgres: Option<&String>) -> Column {
    let second = sync(name, sizes.second, postgres, false).await;
    let main = sync(name, sizes.main, postgres, true).await;
    let mut growth = [None, None, None];
    for (users, place) in sizes.growth.into_iter().zip(&mut growth) {
        let size = in_proportion(users);
        *place = if size == sizes.main {
            main.clone()
        } else if size.users < SMALL {
            again_and_again(name, size, postgres).await
        } else {
            sync(name, size, postgres, false).await
        };
    }
    Column {
        name,
        main,
        second,
        growth,
        many: said(name, &integrations(sizes), many(sizes, postgres).await),
    }
}

/// Below so many users a sync is over so soon that it is measured three times.
const SMALL: usize = 50_000;

/// The sync in the middle of three.
async fn again_and_again(name: &str, size: Size, postgres: Option<&String>) -> Option<Synced> {
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(sync(name, size, postgres, false).await?);
    }
    let middle = median(all.iter().map(|one| one.figures.full.took).collect());
    all.into_iter().find(|one| one.figures.full.took == middle)
}

async fn sync(name: &str, size: Size, postgres: Option<&String>, then: bool) -> Option<Synced> {
    said(name, &size.words(), whole(size, postgres, then).await)
}

/// Says that a part is done, or why it failed; the others go on.
fn said<T>(name: &str, what: &str, result: Result<T>) -> Option<T> {
    match result {
        Ok(figures) => {
            eprintln!("{name}, {what}: done");
            Some(figures)
        }
        Err(error) => {
            eprintln!("{name}, {what}: failed: {error}");
            None
        }
    }
}

async fn whole(size: Size, postgres: Option<&String>, then: bool) -> Result<Synced> {
    let name = postgres.map_or("SQLite", |_| "PostgreSQL");
    eprintln!("{name}, {}:", size.words());
    let begun = Instant::now();
    let simulator = Simulator::start(&farm(size, 1)).await?;
    let tenant = simulator.tenant()?;
    eprintln!("  the tenant stands after {:.1?}", begun.elapsed());
    // Once before, so that neither side meets a cold simulator.
    floor::download(tenant).await?;
    let download = floor::download(tenant).await?;
    eprintln!("  its download alone takes {download:.2?}");
    let part = Part::Whole(whole::Whole {
        postgres: postgres.cloned(),
        tenant: tenant.clone(),
        then_change: then.then_some((size.users + size.groups) / 100),
    });
    let begun = Instant::now();
    let figures: whole::Figures = part.elsewhere().await?;
    eprintln!(
        "  full sync in {:.2?}, all of this in {:.1?}",
        figures.full.took,
        begun.elapsed()
    );
    Ok(Synced { download, figures })
}

fn integrations(sizes: &Sizes) -> String {
    format!("{} integrations", number(sizes.integrations))
}

async fn many(sizes: &Sizes, postgres: Option<&String>) -> Result<many::Figures> {
    let name = postgres.map_or("SQLite", |_| "PostgreSQL");
    eprintln!("{name}, {}:", integrations(sizes));
    let few = Size {
        users: 10,
        groups: 2,
        memberships: 20,
    };
    let simulator = Simulator::start(&farm(few, sizes.integrations)).await?;
    let part = Part::Many(many::Many {
        postgres: postgres.cloned(),
        tenants: simulator.tenants.clone(),
        latency: LATENCY,
    });
    let figures: many::Figures = part.elsewhere().await?;
    eprintln!("  their quiet runs in {:.1?}", figures.took);
    Ok(figures)
}

fn farm(size: Size, tenants: usize) -> Asked {
    Asked {
        users: size.users,
        groups: size.groups,
        memberships: size.memberships,
        tenants,
        ..Asked::default()
    }
}
