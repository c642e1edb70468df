//! `cargo xtask bench`: how fast the product is, on both databases, in one run.

use clap::Args;

use crate::{
    error::Error,
    postgres::{Cluster, Promise},
    project::{Profile, Project},
    serve,
    step::Step,
};

/// What the whole table may be made with.
#[derive(Debug, Args)]
pub struct Table {
    /// A tenth of the sizes: minutes, to try it.
    #[arg(long)]
    small: bool,
    /// Users of the tenant of most lines; groups and memberships go with them.
    #[arg(long, value_name = "USERS")]
    main: Option<usize>,
    /// Users of the three tenants whose times are compared, such as 10000,100000,1000000.
    #[arg(long, value_name = "N,N,N")]
    growth: Option<String>,
    /// Integrations that run at once with nothing changed.
    #[arg(long, value_name = "N")]
    integrations: Option<usize>,
}

/// Measures everything and prints it as a table in Markdown.
pub fn table(project: &Project, table: &Table) -> Result<(), Error> {
    let cluster = Cluster::start(project, Promise::Kept)?;
    let mut step = bench(project, "measuring", &cluster).arg("--table");
    if table.small {
        step = step.arg("--small");
    }
    if let Some(growth) = &table.growth {
        step = step.args(["--growth", growth]);
    }
    for (flag, size) in [
        ("--main", table.main),
        ("--integrations", table.integrations),
    ] {
        if let Some(size) = size {
            step = step.arg(flag).arg(size.to_string());
        }
    }
    step.run()?;
    // One after another: each may fill some gigabytes of disk.
    drop(cluster);
    let by = if table.small { 10 } else { 1 };
    grid(project, 5_000_000 / by, 200_000 / by)?;
    http(project, 200_000 / by)
}

/// Measures pages of the Users grid with so many users, of whom one customer has some.
pub fn grid(project: &Project, users: usize, customer: usize) -> Result<(), Error> {
    let cluster = Cluster::start(project, Promise::Kept)?;
    example(project, "measuring the Users grid", "bench_grid", &cluster)
        .arg("--users")
        .arg(users.to_string())
        .arg("--customer")
        .arg(customer.to_string())
        .run()
}

/// Measures the real server over HTTP: pages of the Users grid of so many users, reads by REST, and
/// whether its time tells that something is there.
pub fn http(project: &Project, customer: usize) -> Result<(), Error> {
    over_http(project, |step| {
        step.arg("--customer").arg(customer.to_string())
    })
}

/// Measures only whether the time of an answer tells that something is there.
pub fn existence(project: &Project) -> Result<(), Error> {
    over_http(project, |step| step.arg("--existence"))
}

fn over_http(project: &Project, with: impl FnOnce(Step) -> Step) -> Result<(), Error> {
    serve::programs(project, Profile::Release)?;
    let cluster = Cluster::start(project, Promise::Kept)?;
    let program = project.binary(Profile::Release, &project.leptos.bin_target);
    let step = example(project, "measuring over HTTP", "bench_http", &cluster);
    with(step.arg("--server").arg(program)).run()
}

/// Measures a full sync and delta runs against the floor of this machine.
pub fn sync(project: &Project, sizes: &[(&str, usize)]) -> Result<(), Error> {
    let cluster = Cluster::start(project, Promise::Kept)?;
    let mut step = bench(project, "measuring a sync", &cluster);
    for (flag, size) in sizes {
        step = step.arg(flag).arg(size.to_string());
    }
    step.run()
}

/// Measures importing a file.
pub fn import(project: &Project) -> Result<(), Error> {
    let cluster = Cluster::start(project, Promise::Kept)?;
    bench(project, "measuring an import", &cluster)
        .arg("--imports")
        .run()
}

/// The bench of a sync.
fn bench(project: &Project, purpose: &str, cluster: &Cluster) -> Step {
    example(project, purpose, "bench_sync", cluster)
}

/// A bench, on SQLite and on a cluster that keeps its promises, as the product's does where it runs.
fn example(project: &Project, purpose: &str, name: &str, cluster: &Cluster) -> Step {
    project
        .cargo(purpose)
        .args([
            "run",
            "--release",
            "--package",
            "backend",
            "--example",
            name,
            "--",
        ])
        .args(["--postgres", &cluster.url("postgres")])
        .fix("read what the bench says above")
}
