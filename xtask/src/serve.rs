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
    let server = server(project, Profile::Dev, Profile::Dev, "running the server")
        .arg("serve")
        .args(arguments)
        .dir(&project.root);
    Err(server.become_it())
}

/// The server's program as built in `programs`, told where Leptos finds the files for the browser
/// as built in `site`.
pub fn server(project: &Project, programs: Profile, site: Profile, purpose: &str) -> Step {
    let leptos = &project.leptos;
    Step::new(project.binary(programs, &leptos.bin_target), purpose)
        .env("LEPTOS_OUTPUT_NAME", leptos.output_name())
        .env("LEPTOS_SITE_ROOT", project.site_root(site))
        .env("LEPTOS_SITE_PKG_DIR", &leptos.site_pkg_dir)
        .env("LEPTOS_SITE_ADDR", &leptos.site_addr)
        .env(
            "LEPTOS_ENV",
            if site == Profile::Release {
                "PROD"
            } else {
                "DEV"
            },
        )
        .env("LEPTOS_HASH_FILES", "true")
        .env("LEPTOS_HASH_FILE_NAME", project.hash_file(site))
}
