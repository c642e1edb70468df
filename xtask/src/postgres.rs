//! A PostgreSQL cluster of our own: started empty, gone at the end.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{debian, error::Error, project::Project, running::Running, step::Step};

/// The cluster's owner inside the database.
const SUPERUSER: &str = "rollcall";
/// PostgreSQL refuses to run as root; Debian's package makes this account.
const ACCOUNT: &str = "postgres";
/// A cluster's folder is called this and the process id of its run.
const FOLDER: &str = "rollcall-postgres-";
const START_LIMIT: Duration = Duration::from_mins(1);

/// What a cluster does about a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// What was committed survives, as everywhere where data count.
    Kept,
    /// Nothing: tests throw the data away, and wait for no disk.
    None,
}

/// A running cluster. Dropping it stops it and removes its files.
pub struct Cluster {
    server: Running,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes and starts a cluster, after installing PostgreSQL where that is possible.
    pub fn start(project: &Project, promise: Promise) -> Result<Self, Error> {
        let programs = if let Some(programs) = programs() {
            programs
        } else {
            debian::install(&["postgresql"], "PostgreSQL")?;
            programs().ok_or_else(|| Error::found("PostgreSQL has no initdb", "reinstall it"))?
        };
        let account = debian::is_root();
        let folder = folder(project, account)?;
        as_account(
            account,
            &programs.join("initdb"),
            "making a PostgreSQL cluster",
        )
        .args([
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            "-U",
            SUPERUSER,
        ])
        .arg("-D")
        .arg(&folder)
        .fix("read what initdb says above")
        .output()?;
        let port = free_port()?;
        let mut step = as_account(account, &programs.join("postgres"), "running PostgreSQL")
            .arg("-D")
            .arg(&folder)
            .fix("read PostgreSQL's log, named above");
        for setting in settings(port, &folder, promise) {
            step = step.arg("-c").arg(setting);
        }
        let log = project.target.join("postgres.log");
        let server = Running::start(step, &log)?.stop_with(Signal::SIGINT);
        let mut cluster = Self {
            server,
            folder,
            port,
        };
        cluster.server.line(START_LIMIT, |line| {
            line.contains("ready to accept connections").then_some(())
        })?;
        Ok(cluster)
    }

    /// The address of one of its databases; `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database.
    pub fn create_database(&self, name: &str) -> Result<(), Error> {
        let programs = programs().unwrap_or_default();
        Step::new(
            programs.join("createdb"),
            format!("making the database {name}"),
        )
        .args([
            "-h",
            "127.0.0.1",
            "-U",
            SUPERUSER,
            "-p",
            &self.port.to_string(),
            name,
        ])
        .output()
        .map(drop)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.server.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn settings(port: u16, folder: &Path, promise: Promise) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", folder.display()),
        "max_connections=300".to_owned(),
    ];
    if promise == Promise::None {
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            settings.push(format!("{setting}=off"));
        }
    }
    settings
}

/// The folder with `initdb` and `postgres`: on the PATH, or the newest that Debian put in its place.
fn programs() -> Option<PathBuf> {
    let beside = Step::new("pg_config", "asking for PostgreSQL's programs").arg("--bindir");
    let mut folders = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("bin"))
        .collect::<Vec<_>>();
    folders.sort_by_key(|folder| major_version(folder));
    folders.extend(beside.output().ok().map(|path| PathBuf::from(path.trim())));
    folders
        .into_iter()
        .rev()
        .find(|folder| folder.join("initdb").exists())
}

fn major_version(folder: &Path) -> Option<u32> {
    folder.parent()?.file_name()?.to_str()?.parse().ok()
}

/// A command as PostgreSQL's own account when this one is root. The system ends it when this program
/// is gone: a change of account undoes what was asked before it.
fn as_account(account: bool, program: &Path, purpose: &str) -> Step {
    if !account {
        return Step::new(program, purpose);
    }
    Step::new("setpriv", purpose)
        .arg(format!("--reuid={ACCOUNT}"))
        .arg(format!("--regid={ACCOUNT}"))
        .args(["--clear-groups", "--pdeathsig=INT"])
        .arg(program)
        .dir(Path::new("/"))
}

/// Below the target folder, unless the account can't get there.
fn folder(project: &Project, account: bool) -> Result<PathBuf, Error> {
    let name = format!("{FOLDER}{}", std::process::id());
    let mut folder = project.target.join(&name);
    if account {
        let reachable = as_account(true, Path::new("test"), "looking for a folder")
            .arg("-x")
            .arg(&project.target);
        if reachable.output().is_err() {
            folder = std::env::temp_dir().join(name);
        }
    }
    remove_abandoned(folder.parent().unwrap_or(&project.target));
    let mut step = Step::new("install", "making the cluster's folder").args(["-d", "-m", "700"]);
    if account {
        step = step.args(["-o", ACCOUNT, "-g", ACCOUNT]);
    }
    step.arg(&folder).output()?;
    Ok(folder)
}

/// Removes the clusters of runs that were ended before they could clean up.
fn remove_abandoned(parent: &Path) {
    for path in fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
    {
        let name = path.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(FOLDER)?.parse().ok());
        if owner.is_some_and(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)) {
            let _ = fs::remove_dir_all(path.path());
        }
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16, Error> {
    let taken = |error: std::io::Error| {
        Error::found(
            format!("no free port on the loopback address: {error}"),
            "close programs",
        )
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(taken)?;
    Ok(listener.local_addr().map_err(taken)?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clusters_without_a_run_are_removed() {
        let folder = std::env::temp_dir().join(format!("xtask-clusters-{}", std::process::id()));
        let own = folder.join(format!("{FOLDER}{}", std::process::id()));
        let abandoned = folder.join(format!("{FOLDER}{}", i32::MAX));
        let other = folder.join("somebody-2147483647");
        for path in [&own, &abandoned, &other] {
            fs::create_dir_all(path.join("base")).unwrap();
        }
        remove_abandoned(&folder);
        assert!(own.exists() && !abandoned.exists() && other.exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn only_tests_do_without_the_disk() {
        let folder = Path::new("/c");
        let off = |promise| {
            let settings = settings(5, folder, promise);
            settings
                .iter()
                .filter(|setting| setting.ends_with("=off"))
                .count()
        };
        assert_eq!(off(Promise::Kept), 0);
        assert_eq!(off(Promise::None), 3);
    }

    #[test]
    fn the_newest_version_is_by_number_not_by_letter() {
        let mut folders = ["/p/9/bin", "/p/15/bin", "/p/100/bin", "/p/old/bin"]
            .map(PathBuf::from)
            .to_vec();
        folders.sort_by_key(|folder| major_version(folder));
        assert_eq!(folders.last().unwrap(), Path::new("/p/100/bin"));
    }
}
