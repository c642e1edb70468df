//! The rows of a test run that look at the code without running it.

use crate::{
    error::Error,
    project::{Profile, Project},
    step::{Step, say},
    tools, views, wasm_target,
};

/// What must never get into the browser build: server code and everything that talks to the world.
const SERVER_ONLY: [&str; 5] = ["sqlx", "tokio", "reqwest", "planner", "backend"];

/// All of our own packages. `frontend` builds `app` for the browser, all others for the server.
pub const SERVER_PACKAGES: [&str; 3] = ["--workspace", "--exclude", "frontend"];

/// Whether all code is formatted, and no attribute of a view ends where it should not.
pub fn formatting(project: &Project) -> Result<(), Error> {
    project
        .cargo("checking the formatting")
        .args(["fmt", "--all", "--check"])
        .fix("cargo fmt --all")
        .run()?;
    views::whole_attributes(project)
}

/// Whether clippy has nothing to say to the server's build.
pub fn clippy(project: &Project) -> Result<(), Error> {
    project
        .cargo("checking the server's build with clippy")
        .arg("clippy")
        .args(SERVER_PACKAGES)
        .args(["--all-targets", "--", "-D", "warnings"])
        .fix("correct what clippy names above")
        .run()
}

/// Whether clippy has nothing to say to the browser's build, which compiles other parts of `app` than
/// the server's. It takes the profile of a build that is made anyway, for the macros it shares with it.
pub fn browser_clippy(project: &Project, browser: Profile) -> Result<(), Error> {
    let compiler = wasm_target::ensure(project)?;
    let check = if compiler.has_clippy() {
        "clippy"
    } else {
        "check"
    };
    let mut step = compiler
        .cargo(
            project,
            format!("checking the browser's build with cargo {check}"),
        )
        .args([check, "--package", &project.leptos.lib_package])
        .args(["--target", wasm_target::TARGET])
        .args(["--profile", project.leptos.lib_profile(browser)])
        .arg("--target-dir")
        .arg(project.front_target())
        .fix("correct what is named above; server code belongs behind the feature `ssr`");
    if compiler.has_clippy() {
        step = step.args(["--", "-D", "warnings"]);
    }
    step.run()
}

/// Whether the documentation of every item, private ones too, can be made without a warning.
pub fn documentation(project: &Project) -> Result<(), Error> {
    project
        .cargo("making the documentation")
        .arg("doc")
        .args(SERVER_PACKAGES)
        .args(["--no-deps", "--document-private-items", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .fix("correct what rustdoc names above")
        .run()
}

/// Whether the browser build holds no server code.
pub fn no_server_code(project: &Project) -> Result<Option<String>, Error> {
    let tree = project
        .cargo("listing what the browser build holds")
        .args(["tree", "--package", &project.leptos.lib_package])
        .args(["--target", wasm_target::TARGET, "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p}"])
        .output()?;
    let intruders = intruders(&tree);
    if intruders.is_empty() {
        let mut packages = tree.lines().filter_map(name).collect::<Vec<_>>();
        packages.sort_unstable();
        packages.dedup();
        return Ok(Some(format!("{} packages", packages.len())));
    }
    let first = intruders.first().copied().unwrap_or_default();
    Err(Error::found(
        format!("the browser build holds {}", intruders.join(", ")),
        format!(
            "cargo tree -p {} --target {} -e normal -i {first}",
            project.leptos.lib_package,
            wasm_target::TARGET
        ),
    ))
}

fn name(line: &str) -> Option<&str> {
    line.split_whitespace().next()
}

fn intruders(tree: &str) -> Vec<&str> {
    let is_server_only = |package: &&str| {
        SERVER_ONLY.iter().any(|name| {
            package
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    let mut found = tree
        .lines()
        .filter_map(name)
        .filter(is_server_only)
        .collect::<Vec<_>>();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether the licenses and sources of all dependencies are allowed, and none is banned.
pub fn dependencies(project: &Project) -> Result<(), Error> {
    tools::deny(project, "checking licenses, bans and sources")?
        .args(["--log-level=error", "check", "licenses", "bans", "sources"])
        .fix("choose another dependency, or allow this one in deny.toml with the reason")
        .run()
}

/// What is known of the vulnerabilities of all dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advisories {
    /// None that isn't noted in deny.toml.
    None,
    /// Nothing: their database could not be had.
    Unknown,
}

/// Looks for known vulnerabilities, and for dependencies that were withdrawn or are kept by nobody.
pub fn advisories(project: &Project) -> Result<Advisories, Error> {
    let step = tools::deny(project, "checking for known vulnerabilities")?
        .args(["--log-level=error", "check", "advisories"])
        .fix("update the dependency, or note in deny.toml why it does not concern us");
    let output = step.captured()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(Advisories::None)
    } else if database_missing(&said) {
        Ok(Advisories::Unknown)
    } else {
        eprintln!("{said}");
        Err(step.failed(&output.status.to_string()))
    }
}

/// The same as a check of each day (docs/security.md): that nothing is known is no good news.
pub fn known_advisories(project: &Project) -> Result<(), Error> {
    match advisories(project)? {
        Advisories::None => {
            say("no known vulnerability is in any dependency");
            Ok(())
        }
        Advisories::Unknown => Err(Error::found(
            "nobody looked for known vulnerabilities: the RustSec database could not be fetched",
            "run it where https://github.com/rustsec/advisory-db can be reached",
        )),
    }
}

fn database_missing(said: &str) -> bool {
    said.contains("failed to fetch advisory database")
}

/// Formatting, clippy on both builds, and the tests of what is quick to test.
pub fn quick(project: &Project) -> Result<(), Error> {
    formatting(project)?;
    clippy(project)?;
    browser_clippy(project, Profile::Dev)?;
    no_server_code(project)?;
    quick_tests(project)?.run()
}

fn quick_tests(project: &Project) -> Result<Step, Error> {
    let step = tools::nextest(project, "running the tests of the small packages")?;
    Ok(step.args([
        "run",
        "-p",
        "domain",
        "-p",
        "planner",
        "-p",
        "xtask",
        "--no-tests=pass",
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_code_is_found_by_package_name() {
        let tree = "frontend v0.1.0 (/x)\napp v0.1.0 (/x)\ntokio-stream v0.1.1\nsqlx-core v0.9.0\n\
                    sqlx-core v0.9.0 (*)\nbackend v0.1.0\ntokio v1.0.0\n";
        assert_eq!(
            intruders(tree),
            ["backend", "sqlx-core", "tokio", "tokio-stream"]
        );
        assert!(intruders("futures v0.3\nreqwester v1\nbackends v1\n\n").is_empty());
    }

    #[test]
    fn only_a_missing_database_excuses_the_advisories() {
        assert!(database_missing(
            "[ERROR] failed to fetch advisory database https://x: no host"
        ));
        assert!(!database_missing(
            "error[vulnerability]: bad things\nadvisories FAILED"
        ));
    }
}
