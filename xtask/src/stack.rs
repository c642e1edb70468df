//! The simulator, the server and, where wished, an OpenID provider, started together in a fresh
//! folder.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use crate::{
    error::Error,
    postgres::free_port,
    project::{Profile, Project},
    running::Running,
    step::Step,
};

const START_LIMIT: Duration = Duration::from_mins(1);
/// The id of the simulator's cloud.
pub const CLOUD: &str = "sim";
/// Which of the providers that `provider.mjs` plays. Tests of the others start them themselves.
const PROVIDER: &str = "contoso";

/// Where a stack lives and what it is made of.
pub struct Plan<'a> {
    /// Emptied first; holds the data folder, the logs and what the simulator said.
    pub folder: PathBuf,
    /// The profile of the two programs. What the browser loads is always the optimised build.
    pub programs: Profile,
    /// Handed to the simulator beside `--listen` and `--json`.
    pub simulator: &'a [&'a str],
    /// Further settings of the server.
    pub settings: &'a [(&'static str, &'static str)],
    /// `None`: SQLite in the data folder.
    pub database_url: Option<String>,
    /// `None`: a free one.
    pub port: Option<u16>,
    /// The folder with `provider.mjs`, the OpenID provider that is started too; `None`: nobody signs in
    /// with one.
    pub provider: Option<&'a Path>,
}

/// The running programs. Dropping it ends them, the server first.
pub struct Stack {
    server: Step,
    running: Option<Running>,
    simulator: Running,
    provider: Option<Running>,
    /// What the simulator said about its tenants.
    pub tenants: Value,
    /// The file with that.
    pub tenants_file: PathBuf,
    /// The server's address, without a path.
    pub url: String,
    /// The server's data folder.
    pub data: PathBuf,
    /// The server's program.
    pub program: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    folder: PathBuf,
}

impl Stack {
    /// Starts the simulator and makes the server ready to start.
    pub fn prepare(project: &Project, plan: &Plan<'_>) -> Result<Self, Error> {
        let folder = &plan.folder;
        let _ = fs::remove_dir_all(folder);
        let data = folder.join("data");
        fs::create_dir_all(&data).map_err(Error::io("making", &data))?;

        let (simulator, tenants) = simulator(project, plan)?;
        let tenants_file = folder.join("simulator.json");
        fs::write(&tenants_file, format!("{tenants:#}\n"))
            .map_err(Error::io("writing", &tenants_file))?;
        let origin = text(&tenants, "/origin")?;
        let clouds = serde_json::json!([
            { "id": CLOUD, "name": "Entra simulator", "authority": origin, "graph": origin }
        ]);

        let port = match plan.port {
            Some(port) => port,
            None => free_port()?,
        };
        let address = format!("127.0.0.1:{port}");
        // By name: passkeys belong to one.
        let url = format!("http://localhost:{port}");
        let program = install(project, plan)?;
        let mut environment: Vec<(&str, OsString)> = vec![
            ("ROLLCALL_LISTEN", address.into()),
            ("ROLLCALL_PUBLIC_URL", url.clone().into()),
            ("ROLLCALL_DATA_DIR", data.clone().into()),
            ("ROLLCALL_CLOUDS", clouds.to_string().into()),
        ];
        for (key, value) in plan.settings {
            environment.push((key, value.into()));
        }
        if let Some(url) = &plan.database_url {
            environment.push(("ROLLCALL_DATABASE_URL", url.into()));
        }
        let provider = match plan.provider {
            Some(scripts) => {
                let (running, configuration) = provider(folder, scripts, &url)?;
                let configuration = configuration.to_string().into();
                environment.push(("ROLLCALL_OIDC_PROVIDERS", configuration));
                Some(running)
            }
            None => None,
        };
        let server = Step::new(&program, "running Rollcall")
            .dir(folder)
            .envs(&environment);
        Ok(Self {
            server,
            running: None,
            simulator,
            provider,
            tenants,
            tenants_file,
            url,
            data,
            program,
            environment,
            folder: folder.clone(),
        })
    }

    /// A command of the server's program, with the same configuration.
    pub fn rollcall(&self, purpose: &str) -> Step {
        self.server.clone().purpose(purpose)
    }

    /// `step` with the server's configuration, for programs that run commands of the server.
    pub fn configured(&self, step: Step) -> Step {
        step.envs(&self.environment)
    }

    /// Starts the server and waits until it answers.
    pub fn start(&mut self) -> Result<(), Error> {
        let log = self.folder.join("rollcall.log");
        let mut running = Running::start(self.server.clone().arg("serve"), &log)?;
        let ready = format!("{}/readyz", self.url);
        running.until(START_LIMIT, || ureq::get(&ready).call().is_ok())?;
        self.running = Some(running);
        Ok(())
    }

    /// An error when one of them has ended.
    pub fn check(&mut self) -> Result<(), Error> {
        self.simulator.check()?;
        if let Some(provider) = &mut self.provider {
            provider.check()?;
        }
        self.running.as_mut().map_or(Ok(()), Running::check)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.running = None;
    }
}

/// Puts the server's program and what the browser loads side by side, as an installation has them,
/// and returns the program. All of it stays as it is when something is built anew meanwhile.
fn install(project: &Project, plan: &Plan<'_>) -> Result<PathBuf, Error> {
    let folder = plan.folder.join("program");
    fs::create_dir_all(&folder).map_err(Error::io("making", &folder))?;
    let name = &project.leptos.bin_target;
    let program = folder.join(name);
    let built = project.binary(plan.programs, name);
    fs::hard_link(&built, &program).map_err(Error::io("linking", &built))?;
    let hashes = project.hash_file(Profile::Release);
    fs::copy(&hashes, folder.join("hash.txt")).map_err(Error::io("copying", &hashes))?;
    copy_all(&project.site_root(Profile::Release), &folder.join("site"))?;
    Ok(program)
}

/// Copies a folder with everything in it.
fn copy_all(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::io("making", to))?;
    let entries = fs::read_dir(from).map_err(Error::io("reading", from))?;
    for entry in entries {
        let entry = entry.map_err(Error::io("reading", from))?;
        let (old, new) = (entry.path(), to.join(entry.file_name()));
        if old.is_dir() {
            copy_all(&old, &new)?;
        } else {
            fs::copy(&old, &new).map_err(Error::io("copying", &old))?;
        }
    }
    Ok(())
}

/// Starts the simulator and reads the one line of JSON it prints.
fn simulator(project: &Project, plan: &Plan<'_>) -> Result<(Running, Value), Error> {
    let step = Step::new(
        project.binary(plan.programs, "entra-simulator"),
        "running the simulator",
    )
    .args(["--listen", "127.0.0.1:0", "--json"])
    .args(plan.simulator);
    let mut running = Running::start(step, &plan.folder.join("simulator.log"))?;
    let tenants = running.line(START_LIMIT, |line| {
        let json: Option<Value> = serde_json::from_str(line).ok();
        json.filter(Value::is_object)
    })?;
    Ok((running, tenants))
}

/// Starts the OpenID provider, and answers what Rollcall's configuration says of it.
fn provider(folder: &Path, scripts: &Path, url: &str) -> Result<(Running, Value), Error> {
    let step = Step::new("node", "running the OpenID provider")
        .args(["provider.mjs", url, PROVIDER])
        .dir(scripts);
    let mut running = Running::start(step, &folder.join("provider.log"))?;
    let said = running.line(START_LIMIT, |line| {
        let json: Option<Value> = serde_json::from_str(line).ok();
        json.filter(Value::is_object)
    })?;
    let configuration = said.get("providers").cloned().ok_or_else(|| {
        let what = format!("no providers in {said}");
        Error::found(what, "make xtask agree with what the program answers")
    })?;
    Ok((running, configuration))
}

/// A text in a program's answer.
pub fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, Error> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| {
            let what = format!("no text at {pointer} in {value}");
            Error::found(what, "make xtask agree with what the program answers")
        })
}

/// The folder for one purpose below the target folder.
pub fn folder(project: &Project, purpose: &str) -> PathBuf {
    project.target.join(Path::new("stack")).join(purpose)
}
