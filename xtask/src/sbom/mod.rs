//! `cargo xtask sbom`: what a build is made of, as CycloneDX files for whoever looks after
//! vulnerabilities.
//!
//! The packages are those that Cargo builds: `cargo tree` of the one package, for its target and with
//! its features. What `cargo metadata` resolves, and the tools upon it take, is the whole workspace at
//! once, so that the browser module would be said to hold the server's database. The files name no
//! path and no time: the same source gives the same files.

mod bill;
mod cargo;
mod npm;

use std::fs;

use crate::{
    error::Error,
    project::Project,
    step::{Step, say},
    wasm_target,
};
use bill::{Bill, Component};

/// Writes a file for the program and one for what it serves to browsers, below the target folder.
pub fn write(project: &Project) -> Result<(), Error> {
    let folder = project.target.join("sbom");
    fs::create_dir_all(&folder).map_err(Error::io("making", &folder))?;
    let known = cargo::Known::read(project)?;
    let program = crates(project, &known, &project.leptos.bin_package, &[])?;
    let mut browser = crates(
        project,
        &known,
        &project.leptos.lib_package,
        &["--target", wasm_target::TARGET],
    )?;
    browser.add(npm::packages(project)?);
    for (name, what, bill) in [
        ("rollcall", "the program", program),
        ("rollcall-browser", "what it serves to browsers", browser),
    ] {
        let file = folder.join(format!("{name}.cdx.json"));
        fs::write(&file, bill.json(name)?).map_err(Error::io("writing", &file))?;
        say(&format!(
            "{what}: {} components in {}",
            bill.len(),
            file.display()
        ));
    }
    Ok(())
}

/// The crates of one package of ours, with those that only its build needs.
fn crates(
    project: &Project,
    known: &cargo::Known,
    package: &str,
    target: &[&str],
) -> Result<Bill, Error> {
    let tree = |edges: &str| {
        Step::new("cargo", format!("listing what {package} is made of"))
            .args(["tree", "--locked", "--package", package])
            .args(["--edges", edges, "--prefix", "depth", "--format", "{p}"])
            .args(target)
            .dir(&project.root)
            .fix("check that the crates can be fetched, then repeat")
            .output()
    };
    let all = cargo::parse_tree(&tree("normal,build")?)?;
    let inside = cargo::parse_tree(&tree("normal,no-proc-macro")?)?;
    let components = all
        .packages()
        .map(|package| known.component(package, inside.has(package)))
        .collect::<Result<Vec<Component>, Error>>()?;
    Ok(Bill::new(all.root(), components, all.dependencies()))
}
