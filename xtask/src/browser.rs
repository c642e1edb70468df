//! The product in a real browser: Playwright against the simulator, an OpenID provider and an empty
//! server.

use std::path::{Path, PathBuf};

use crate::{
    debian,
    error::Error,
    front,
    postgres::Cluster,
    project::{Profile, Project},
    setup,
    stack::{self, Plan, Stack},
    step::{Step, is_installed},
};

/// A tenant for each test, since one belongs to one customer; each small enough to be quick, with
/// every kind of object in it and more people than fit on one page.
const SIMULATOR: [&str; 4] = ["--tenants", "110", "--users", "120"];
/// The title that the tests of the tour have in common.
const TOUR: &str = "every page";
/// The tests share sessions that last as long as all of them: who confirmed that it is them isn't
/// asked again meanwhile, but where a test is about that.
const SETTINGS: [(&str, &str); 1] = [("ROLLCALL_CONFIRM_AGAIN_AFTER_SECONDS", "7200")];
const BROWSERS: [&str; 4] = [
    "/usr/bin/chromium",
    "chromium",
    "chromium-browser",
    "google-chrome",
];

/// Runs the browser tests on SQLite, or on a database of `cluster`.
///
/// The browser loads the optimised module, the one that people get: what `wasm-opt` breaks must
/// fail here. The programs are those of the development build, which the Rust tests need anyway.
/// What a page looks like, and what axe says of it, doesn't depend on the database: the tour of all
/// pages in every look is made on SQLite only, and axe looks at pages there only.
pub fn test(
    project: &Project,
    playwright: &[String],
    cluster: Option<&Cluster>,
) -> Result<(), Error> {
    let (purpose, database_url) = match cluster {
        Some(cluster) => {
            let name = "end2end";
            cluster.create_database(name)?;
            ("end2end-postgres", Some(cluster.url(name)))
        }
        None => ("end2end-sqlite", None),
    };
    let on_postgres = cluster.is_some();
    run(project, purpose, database_url, |step| {
        let step = step.arg("--project=pages");
        let step = if on_postgres {
            step.args(["--grep-invert", TOUR]).env("E2E_AXE", "off")
        } else {
            step
        };
        step.args(playwright)
    })
}

/// Takes the pictures of the README anew, of the product on SQLite.
pub fn pictures(project: &Project) -> Result<(), Error> {
    run(project, "pictures", None, |step| {
        step.arg("--project=pictures").env("E2E_PICTURES", "1")
    })
}

/// Starts the product and lets Playwright at it.
fn run(
    project: &Project,
    purpose: &str,
    database_url: Option<String>,
    what: impl FnOnce(Step) -> Step,
) -> Result<(), Error> {
    let folder = project.root.join("end2end");
    setup::npm_packages(&folder)?;
    let browser = browser()?;
    Step::new(
        folder.join("node_modules/.bin/tsc"),
        "checking the types of the browser tests",
    )
    .dir(&folder)
    .fix("correct what the compiler names above")
    .run()?;
    front::build(project, Profile::Release)?;
    programs(project)?;

    let plan = Plan {
        folder: stack::folder(project, purpose),
        programs: Profile::Dev,
        simulator: &SIMULATOR,
        settings: &SETTINGS,
        database_url,
        port: None,
        provider: Some(&folder),
    };
    let mut stack = Stack::prepare(project, &plan)?;
    stack.start()?;
    let token = stack
        .rollcall("making an API token for the browser tests")
        .args(["token", "create", "--name", "end2end"])
        .args(["--role", "administrator"])
        .output()?;
    let step = Step::new(
        folder.join("node_modules/.bin/playwright"),
        "testing in Chromium",
    );
    what(stack.configured(step).arg("test"))
        .dir(&folder)
        .env("E2E_URL", &stack.url)
        .env("E2E_ROLLCALL", &stack.program)
        .env("E2E_SETUP_CODE_FILE", stack.data.join("setup-code"))
        .env("E2E_TOKEN", token.trim())
        .env("E2E_SIMULATOR", &stack.tenants_file)
        .env("E2E_CHROMIUM", browser)
        .fix(format!(
            "read the failed tests above; the server's log is {}",
            plan.folder.join("rollcall.log").display()
        ))
        .run()
}

/// Compiles the programs. The same build as that of the Rust tests, so that nothing is compiled twice.
pub fn programs(project: &Project) -> Result<(), Error> {
    project
        .cargo("compiling the server, the simulator and the tests")
        .args(["build"])
        .args(crate::checks::SERVER_PACKAGES)
        .args(["--bins", "--tests"])
        .fix("correct what the compiler names above")
        .run()
}

fn browser() -> Result<PathBuf, Error> {
    let find = || {
        BROWSERS
            .into_iter()
            .find(|name| is_installed(name))
            .map(PathBuf::from)
    };
    if let Some(found) = find() {
        return Ok(absolute(found));
    }
    debian::install(&["chromium"], "Chromium")?;
    find().map(absolute).ok_or_else(|| {
        Error::found(
            "Chromium does not start",
            "run `chromium --version` and see what it says",
        )
    })
}

/// Playwright starts a program by its path, not by its name.
fn absolute(program: PathBuf) -> PathBuf {
    if program.is_absolute() {
        return program;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder: PathBuf| folder.join(&program))
        .find(|path| Path::exists(path))
        .unwrap_or(program)
}
