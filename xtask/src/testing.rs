//! `cargo xtask test`: every check there is, one row each.

use std::process::ExitCode;

use clap::ValueEnum;

use crate::{
    browser,
    checks::{self, Advisories},
    error::Error,
    front,
    postgres::{Cluster, Promise},
    project::{Profile, Project},
    python,
    running::Running,
    stack::{self, Plan, Stack},
    step::{Step, say},
    summary::{Outcome, Summary},
    tools,
};

/// One row of a test run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// cargo fmt
    Formatting,
    /// clippy on the server's build, warnings are errors
    Clippy,
    /// rustdoc, warnings are errors
    Docs,
    /// no server code in the browser build
    Guard,
    /// clippy on the browser's build, warnings are errors
    BrowserClippy,
    /// all Rust tests, on SQLite and on PostgreSQL
    Rust,
    /// the examples in the documentation
    Doctests,
    /// the simulator, judged by Microsoft's clients
    Clients,
    /// the REST API, judged by its own description
    Api,
    /// the product in Chromium, on SQLite
    Pages,
    /// the product in Chromium, on PostgreSQL
    PagesPostgres,
    /// licenses, bans, sources
    Dependencies,
    /// known vulnerabilities of dependencies
    Advisories,
}

impl Row {
    fn title(self) -> &'static str {
        match self {
            Self::Formatting => "formatting",
            Self::Clippy => "clippy, the server's build",
            Self::Docs => "documentation",
            Self::Guard => "no server code in the browser",
            Self::BrowserClippy => "clippy, the browser's build",
            Self::Rust => "Rust tests, SQLite and PostgreSQL",
            Self::Doctests => "examples in the documentation",
            Self::Clients => "simulator, by Microsoft's clients",
            Self::Api => "REST API, by its description",
            Self::Pages => "pages in Chromium, SQLite",
            Self::PagesPostgres => "pages in Chromium, PostgreSQL",
            Self::Dependencies => "licenses and bans",
            Self::Advisories => "known vulnerabilities",
        }
    }

    /// Whether it needs what the browser loads.
    fn needs_the_site(self) -> bool {
        matches!(self, Self::Api | Self::Pages | Self::PagesPostgres)
    }
}

/// Runs the rows that are named, or all, and tells what became of them.
pub fn run(project: &Project, rows: &[Row], playwright: &[String]) -> ExitCode {
    let mut summary = Summary::default();
    let rows: Vec<Row> = Row::value_variants()
        .iter()
        .copied()
        .filter(|row| rows.contains(row) || rows.is_empty())
        .collect();
    let mut services = Services {
        project,
        playwright,
        cluster: None,
        site: None,
    };
    services.build_ahead(&rows);
    for row in rows {
        summary.run(row.title(), || services.run(row));
    }
    drop(services);
    println!("\n{}", summary.table());
    if summary.none_failed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What rows share; started by the first that needs it.
struct Services<'a> {
    project: &'a Project,
    playwright: &'a [String],
    cluster: Option<Cluster>,
    /// The build of what the browser loads, while nobody has waited for it.
    site: Option<Running>,
}

impl Services<'_> {
    /// Builds what the browser loads beside the first rows: they leave a core idle for much of their
    /// time, as this build does. Where that fails, so do the rows that need it.
    fn build_ahead(&mut self, rows: &[Row]) {
        let compiles = |row: &Row| matches!(row, Row::Clippy | Row::Docs);
        if rows.iter().any(compiles) && rows.iter().copied().any(Row::needs_the_site) {
            let purpose = "building what the browser loads, beside the next rows";
            let program = std::env::current_exe().unwrap_or_else(|_| "cargo-xtask".into());
            let step = Step::new(program, purpose)
                .args(["build", "--release", "--browser-only"])
                .dir(&self.project.root)
                .fix("read its log, named above");
            say(&format!("{purpose}: {}", step.line()));
            self.site = Running::start(step, &self.project.target.join("site.log")).ok();
        }
    }

    fn run(&mut self, row: Row) -> Result<Outcome, Error> {
        let project = self.project;
        if (row == Row::BrowserClippy || row.needs_the_site())
            && let Some(site) = self.site.take()
        {
            site.finish()?;
        }
        match row {
            Row::Formatting => checks::formatting(project)?,
            Row::Clippy => checks::clippy(project)?,
            Row::Docs => checks::documentation(project)?,
            Row::Guard => return checks::no_server_code(project).map(Outcome::Passed),
            Row::BrowserClippy => checks::browser_clippy(project, Profile::Release)?,
            Row::Rust => self.rust()?,
            Row::Doctests => doctests(project)?,
            Row::Clients => clients(project)?,
            Row::Api => described_calls(project)?,
            Row::Pages => browser::test(project, self.playwright, None)?,
            Row::PagesPostgres => browser::test(project, self.playwright, Some(self.cluster()?))?,
            Row::Dependencies => checks::dependencies(project)?,
            Row::Advisories => return advisories(project),
        }
        Ok(Outcome::Passed(None))
    }

    fn cluster(&mut self) -> Result<&Cluster, Error> {
        match &mut self.cluster {
            Some(cluster) => Ok(cluster),
            none => Ok(none.insert(Cluster::start(self.project, Promise::None)?)),
        }
    }

    fn rust(&mut self) -> Result<(), Error> {
        let project = self.project;
        let url = self.cluster()?.url("postgres");
        let purpose = "running the Rust tests";
        let step = match tools::nextest(project, purpose) {
            Ok(step) => step.args(["run", "--profile", "ci"]),
            Err(error) => {
                eprintln!("{error}\nusing cargo's own test runner instead");
                project.cargo(purpose).args([
                    "test",
                    "--no-fail-fast",
                    "--bins",
                    "--tests",
                    "--lib",
                ])
            }
        };
        step.args(checks::SERVER_PACKAGES)
            .env("TEST_POSTGRES_URL", url)
            .fix("read the failed tests above; one alone: cargo nextest run NAME")
            .run()
    }
}

fn advisories(project: &Project) -> Result<Outcome, Error> {
    Ok(match checks::advisories(project)? {
        Advisories::None => Outcome::Passed(None),
        Advisories::Unknown => {
            Outcome::Skipped("the RustSec database could not be fetched".to_owned())
        }
    })
}

fn doctests(project: &Project) -> Result<(), Error> {
    project
        .cargo("running the examples in the documentation")
        .args(["test", "--doc"])
        .args(checks::SERVER_PACKAGES)
        .fix("correct the examples named above")
        .run()
}

/// Microsoft's own client libraries sign in and read against the simulator.
fn clients(project: &Project) -> Result<(), Error> {
    let folder = project.root.join("end2end/clients");
    let requirements = folder.join("requirements.txt");
    let programs = python::environment(project, "clients", &requirements, &[])?;
    browser::programs(project)?;
    Step::new(
        programs.join("python"),
        "testing the simulator with Microsoft's clients",
    )
    .args(["-m", "pytest", "-p", "no:cacheprovider"])
    .arg(&folder)
    .dir(&folder)
    .env(
        "ENTRA_SIMULATOR",
        project.binary(Profile::Dev, "entra-simulator"),
    )
    .fix("read the failed tests above")
    .run()
}

/// Schemathesis makes up calls from the description of the REST API, and looks whether each answer
/// is in it.
fn described_calls(project: &Project) -> Result<(), Error> {
    let folder = project.root.join("end2end/api");
    let programs = python::environment(project, "api", &folder.join("requirements.txt"), &[])?;
    front::build(project, Profile::Release)?;
    browser::programs(project)?;
    let plan = Plan {
        folder: stack::folder(project, "api"),
        programs: Profile::Dev,
        simulator: &["--tenants", "4", "--users", "30"],
        settings: &[],
        database_url: None,
        port: None,
        provider: None,
    };
    let mut stack = Stack::prepare(project, &plan)?;
    stack.start()?;
    let token = stack
        .rollcall("making an API token for the calls")
        .args(["token", "create", "--name", "description"])
        .args(["--role", "owner"])
        .output()?;
    let step = Step::new(
        programs.join("python"),
        "asking the API what its description says",
    );
    stack
        .configured(step)
        .args(["-m", "pytest", "-p", "no:cacheprovider"])
        .arg(&folder)
        .dir(&folder)
        .env("E2E_URL", &stack.url)
        .env("E2E_ROLLCALL", &stack.program)
        .env("E2E_TOKEN", token.trim())
        .env("E2E_SIMULATOR", &stack.tenants_file)
        .fix(format!(
            "read the failed calls above; the server's log is {}",
            plan.folder.join("rollcall.log").display()
        ))
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_title_of_its_own() {
        let mut titles = Row::value_variants()
            .iter()
            .map(|row| row.title())
            .collect::<Vec<_>>();
        let all = titles.len();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), all);
    }
}
