//! How fast the real server program answers over HTTP, and whether its time tells what there is.
//!
//! `cargo run --release -p backend --example bench_http -- --server PROGRAM [--postgres URL]
//! [--customer N] [--only sqlite|postgres] [--existence]` fills a database with one customer of `N`
//! users, starts `PROGRAM serve` on it, and prints in Markdown: pages of the Users grid as a browser
//! gets them, reads by REST of one token, and for each kind of object how long an id of another
//! customer's takes beside one that never was. `--existence` prints the last alone, over few users. The
//! database is thrown away.

mod existence;
#[path = "../bench_grid/fill.rs"]
mod fill;
mod pages;
mod reads;
mod server;

use std::{path::Path, process::ExitCode};

use backend::{Backend, Clouds, Settings};

/// Any error: the bench says it and ends.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Users where only existence is asked for.
const FEW_USERS: i64 = 2_000;

struct Asked {
    server: String,
    postgres: Option<String>,
    only: Option<String>,
    customer: i64,
    existence: bool,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(asked) = parse(&words) else {
        eprintln!(
            "usage: bench_http --server PROGRAM [--postgres URL] [--customer N] [--only sqlite|postgres] [--existence]"
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
        server: String::new(),
        postgres: None,
        only: None,
        customer: 200_000,
        existence: false,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--server" => asked.server.clone_from(words.next()?),
            "--postgres" => asked.postgres = Some(words.next()?.clone()),
            "--only" => asked.only = Some(words.next()?.clone()),
            "--customer" => asked.customer = words.next()?.parse().ok()?,
            "--existence" => asked.existence = true,
            _ => return None,
        }
    }
    (!asked.server.is_empty() && asked.customer > 0).then_some(asked)
}

async fn bench(asked: &Asked) -> Result<()> {
    if asked.only.as_deref() != Some("postgres") {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}/rollcall.db", folder.path().display());
        println!("## SQLite\n");
        on_database(asked, folder.path(), &url).await?;
    }
    if let Some(postgres) = &asked.postgres
        && asked.only.as_deref() != Some("sqlite")
    {
        let folder = tempfile::tempdir()?;
        let name = fill::fresh(postgres).await?;
        let (base, _) = postgres
            .rsplit_once('/')
            .ok_or("the address names no database")?;
        println!("## PostgreSQL\n");
        let measured = on_database(asked, folder.path(), &format!("{base}/{name}")).await;
        fill::drop(postgres, &name).await?;
        measured?;
    }
    Ok(())
}

async fn on_database(asked: &Asked, folder: &Path, url: &str) -> Result<()> {
    let key = folder.join("master.key");
    let settings = Settings::in_folder(folder.to_owned());
    let b = backend::open(settings, Clouds::new([])?, url, &key).await?;
    let measured = on_backend(asked, &b, (folder, url)).await;
    b.db.close().await;
    measured
}

async fn on_backend(asked: &Asked, b: &Backend, (folder, url): (&Path, &str)) -> Result<()> {
    let users = if asked.existence {
        asked.customer.min(FEW_USERS)
    } else {
        asked.customer
    };
    let customer = fill::fill(b, users, users).await?;
    let server = server::Server::start(&asked.server, folder, url).await?;
    if !asked.existence {
        println!(
            "{} users in one customer.\n",
            domain::number::grouped(users)
        );
        pages::measure(b, &server, customer).await?;
        reads::measure(b, &server, customer).await?;
    }
    existence::measure(b, &server).await
}

/// The middle one of some times, in milliseconds.
fn median(took: &mut [f64]) -> f64 {
    took.sort_by(f64::total_cmp);
    took.get(took.len() / 2).copied().unwrap_or_default()
}
