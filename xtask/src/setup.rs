//! What a build needs and cargo doesn't bring.

use std::{fs, path::Path};

use crate::{
    error::Error,
    project::Project,
    step::{Step, say},
    wasm_target,
};

/// Tailwind 4's command line needs this version of Node.
const NODE_MAJOR_MIN: u32 = 20;

/// Installs the wasm target and the npm packages; quick when both are there.
pub fn run(project: &Project) -> Result<(), Error> {
    wasm_target::ensure(project)?;
    npm_packages(&project.root)?;
    say("everything a build needs is there");
    Ok(())
}

/// Installs exactly what `package-lock.json` in `folder` names, unless that was done already.
pub fn npm_packages(folder: &Path) -> Result<(), Error> {
    let lock = folder.join("package-lock.json");
    let wanted = fs::read(&lock).map_err(Error::io("reading", &lock))?;
    let installed = folder.join("node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    node()?;
    Step::new("npm", "installing the npm packages")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .dir(folder)
        .fix("check that the npm registry can be reached, then repeat")
        .run()?;
    fs::write(&installed, wanted).map_err(Error::io("writing", &installed))
}

fn node() -> Result<(), Error> {
    let fix = format!("install Node.js {NODE_MAJOR_MIN} or newer with npm: https://nodejs.org");
    let version = Step::new("node", "asking for Node's version")
        .arg("--version")
        .fix(&fix)
        .output()?;
    match node_major(&version) {
        Some(major) if major >= NODE_MAJOR_MIN => Ok(()),
        _ => Err(Error::found(format!("Node.js is {}", version.trim()), fix)),
    }
}

/// `v20.11.1` → 20.
fn node_major(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node() {
        assert_eq!(node_major("v20.11.1\n"), Some(20));
        assert_eq!(node_major("v9.0.0"), Some(9));
        assert_eq!(node_major("20.1"), None);
        assert_eq!(node_major(""), None);
    }
}
