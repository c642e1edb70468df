//! How long a page of the Users grid takes with very many users.
//!
//! `cargo run --release -p backend --example bench_grid -- [--postgres URL] [--users N]
//! [--customer N] [--only sqlite|postgres]` fills a database with `N` users, of whom one customer has
//! `--customer`, and prints the 95th percentile of each kind of page in Markdown. The database is
//! thrown away.

mod fill;

use std::{process::ExitCode, time::Instant};

use backend::{Backend, Clouds, Scope, Settings, auth::command_line_scope, store::users};
use domain::{
    id::CustomerId,
    paging::PageRequest,
    user::{DirectoryStatus, SourceType},
};
use users::UserQuery;

/// Any error: the bench says it and ends.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Pages of each kind.
const TIMES: u32 = 60;
/// The most that the 95th percentile may be, in milliseconds.
const AIM_MS: f64 = 50.0;

struct Asked {
    postgres: Option<String>,
    only: Option<String>,
    users: i64,
    customer: i64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(asked) = parse(&words) else {
        eprintln!(
            "usage: bench_grid [--postgres URL] [--users N] [--customer N] [--only sqlite|postgres]"
        );
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(bench(&asked)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the bench failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[String]) -> Option<Asked> {
    let mut asked = Asked {
        postgres: None,
        only: None,
        users: 5_000_000,
        customer: 200_000,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--postgres" => asked.postgres = Some(words.next()?.clone()),
            "--only" => asked.only = Some(words.next()?.clone()),
            "--users" => asked.users = words.next()?.parse().ok()?,
            "--customer" => asked.customer = words.next()?.parse().ok()?,
            _ => return None,
        }
    }
    (asked.customer <= asked.users && asked.customer > 0).then_some(asked)
}

async fn bench(asked: &Asked) -> Result<()> {
    let mut columns = Vec::new();
    if asked.only.as_deref() != Some("postgres") {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}/rollcall.db", folder.path().display());
        columns.push(("SQLite", column(asked, folder.path(), &url).await?));
    }
    if let Some(server) = &asked.postgres
        && asked.only.as_deref() != Some("sqlite")
    {
        let folder = tempfile::tempdir()?;
        let name = fill::fresh(server).await?;
        let (base, _) = server
            .rsplit_once('/')
            .ok_or("the address names no database")?;
        let measured = column(asked, folder.path(), &format!("{base}/{name}")).await;
        fill::drop(server, &name).await?;
        columns.push(("PostgreSQL", measured?));
    }
    println!(
        "{} users in one customer, {} in all; 95th percentile of {TIMES} pages of 50:\n",
        domain::number::grouped(asked.customer),
        domain::number::grouped(asked.users)
    );
    print!("| page | aim, at most |");
    for (name, _) in &columns {
        print!(" {name} |");
    }
    println!("\n| --- | ---: |{}", " ---: |".repeat(columns.len()));
    let lines = columns.first().map_or(0, |(_, lines)| lines.len());
    for line in 0..lines {
        let (what, has_aim) = (columns[0].1[line].what, columns[0].1[line].has_aim);
        let aim = if has_aim {
            format!("{AIM_MS:.0} ms")
        } else {
            String::new()
        };
        print!("| {what} | {aim} |");
        for (_, lines) in &columns {
            print!(" {:.1} ms |", lines[line].p95_ms);
        }
        println!();
    }
    Ok(())
}

struct Line {
    what: &'static str,
    has_aim: bool,
    p95_ms: f64,
}

async fn column(asked: &Asked, folder: &std::path::Path, url: &str) -> Result<Vec<Line>> {
    let settings = Settings::in_folder(folder.to_owned());
    let key = folder.join("master.key");
    let b = backend::open(settings, Clouds::new([])?, url, &key).await?;
    let begun = Instant::now();
    let customer = fill::fill(&b, asked.customer, asked.users).await?;
    eprintln!("filled after {:.0?}", begun.elapsed());
    let measured = measure(&b, customer).await;
    b.db.close().await;
    measured
}

/// What the n-th page of a kind asks for.
type PageOf = Box<dyn Fn(u32) -> UserQuery>;

async fn measure(b: &Backend, customer: CustomerId) -> Result<Vec<Line>> {
    let scope = command_line_scope();
    let of = move |query: UserQuery| UserQuery {
        customer_id: Some(customer),
        ..query
    };
    let page = |page| PageRequest::new(page, 50);
    let filtered = || UserQuery {
        status: Some(DirectoryStatus::Inactive),
        source_type: Some(SourceType::Manual),
        ..UserQuery::default()
    };
    let looked_for = |q: String| UserQuery {
        q: Some(q),
        ..UserQuery::default()
    };
    let kinds: [(&str, bool, PageOf); 9] = [
        (
            "first page",
            true,
            Box::new(move |_| of(UserQuery::default())),
        ),
        (
            "filtered: inactive, made here",
            true,
            Box::new(move |_| of(filtered())),
        ),
        (
            "part of a name, as many have",
            true,
            Box::new(move |n| of(looked_for(fill::syllables(n)))),
        ),
        (
            "part of a user name, as few have",
            true,
            Box::new(move |n| of(looked_for(format!("{}@con", 1_000 + n * 17)))),
        ),
        (
            "page 1,000",
            true,
            Box::new(move |n| {
                of(UserQuery {
                    page: page(970 + n),
                    ..UserQuery::default()
                })
            }),
        ),
        (
            "over all customers, first page",
            true,
            Box::new(move |_| UserQuery::default()),
        ),
        (
            "over all customers, filtered",
            false,
            Box::new(move |_| filtered()),
        ),
        (
            "over all customers, page 1,000",
            true,
            Box::new(move |n| UserQuery {
                page: page(970 + n),
                ..UserQuery::default()
            }),
        ),
        (
            "over all customers, part of a name",
            false,
            Box::new(move |n| looked_for(fill::syllables(n))),
        ),
    ];
    let mut lines = Vec::new();
    for (what, has_aim, query) in kinds {
        let p95_ms = p95(b, &scope, &query).await?;
        eprintln!("  {what}: {p95_ms:.1} ms");
        lines.push(Line {
            what,
            has_aim,
            p95_ms,
        });
    }
    Ok(lines)
}

/// The 95th percentile of so many pages, each a little different, in milliseconds.
async fn p95(b: &Backend, scope: &Scope, query: &dyn Fn(u32) -> UserQuery) -> Result<f64> {
    // Whatever is read first comes from the disk, and a statement is prepared once.
    for n in 0..3 {
        users::list(b, scope, query(n)).await?;
    }
    let mut took = Vec::new();
    for n in 0..TIMES {
        let query = query(n);
        let begun = Instant::now();
        users::list(b, scope, query).await?;
        took.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    took.sort_by(f64::total_cmp);
    Ok(took[took.len() * 95 / 100])
}
