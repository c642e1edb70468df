//! Building the two programs, and running the server.

use std::process::ExitCode;

use crate::{
    error::Error,
    front,
    project::{Profile, Project},
    step::Step,
};

/// Builds the front end, then the server and the simulator.
pub fn build(project: &Project, profile: Profile) -> Result<(), Error> {
    front::build(project, profile)?;
    programs(project, profile)
}

/// Builds the server and the simulator in one go, so that their dependencies are built once.
pub fn programs(project: &Project, profile: Profile) -> Result<(), Error> {
    let mut step = project
        .cargo("compiling the server and the simulator")
        .args([
            "build",
            "--package",
            &project.leptos.bin_package,
            "--package",
            "simulator",
        ])
        .fix("correct what the compiler names above");
    if profile == Profile::Release {
        step = step.arg("--release");
    }
    step.run()
}

/// Builds for development and becomes the server.
pub fn run(project: &Project, arguments: &[String]) -> Result<ExitCode, Error> {
    build(project, Profile::Dev)?;
    let program = project.binary(Profile::Dev, &project.leptos.bin_target);
    let server = Step::new(program, "running the server")
        .arg("serve")
        .args(arguments);
    Err(server.dir(&project.root).become_it())
}
