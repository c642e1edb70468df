//! `cargo xtask bench`: how fast the product is, on both databases, in one run.

use crate::{
    error::Error,
    postgres::{Cluster, Promise},
    project::Project,
};

/// Measures a full sync and delta runs against the floor of this machine. PostgreSQL keeps its
/// promises here, as it does where the product runs.
pub fn sync(project: &Project, sizes: &[(&str, usize)]) -> Result<(), Error> {
    let cluster = Cluster::start(project, Promise::Kept)?;
    let mut step = project
        .cargo("measuring a sync")
        .args([
            "run",
            "--release",
            "--package",
            "backend",
            "--example",
            "bench_sync",
            "--",
        ])
        .args(["--postgres", &cluster.url("postgres")])
        .fix("read what the bench says above");
    for (flag, size) in sizes {
        step = step.arg(flag).arg(size.to_string());
    }
    step.run()
}
