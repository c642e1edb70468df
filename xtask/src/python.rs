//! Python programs, each set in an environment of its own below the target folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    debian,
    error::Error,
    project::Project,
    step::{Step, is_installed},
};

/// The programs folder of an environment that holds exactly `requirements`; quick when it stands.
pub fn environment(
    project: &Project,
    name: &str,
    requirements: &Path,
    options: &[&str],
) -> Result<PathBuf, Error> {
    let folder = project.target.join("python").join(name);
    let wanted = fs::read(requirements).map_err(Error::io("reading", requirements))?;
    let installed = folder.join("installed.txt");
    let programs = folder.join("bin");
    let stands = Step::new(programs.join("python"), "trying the environment").arg("--version");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) && stands.output().is_ok() {
        return Ok(programs);
    }
    if !can_make_environments() {
        debian::install(&["python3", "python3-venv"], "Python with its venv module")?;
    }
    Step::new("python3", format!("making a Python environment for {name}"))
        .args(["-m", "venv", "--clear"])
        .arg(&folder)
        .fix("install Python 3.11 or newer with its venv module")
        .run()?;
    Step::new(programs.join("pip"), format!("installing {name}"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(options)
        .arg("--requirement")
        .arg(requirements)
        .fix("check that PyPI can be reached, then repeat")
        .run()?;
    fs::write(&installed, wanted).map_err(Error::io("writing", &installed))?;
    Ok(programs)
}

fn can_make_environments() -> bool {
    let modules = Step::new("python3", "looking for venv").args(["-c", "import venv, ensurepip"]);
    is_installed("python3") && modules.output().is_ok()
}
