//! The front end: the browser module with its glue, and the style sheet.

use std::{
    fs,
    path::{Path, PathBuf},
};

use wasm_bindgen_cli_support::Bindgen;

use crate::{
    error::Error,
    project::{Profile, Project},
    setup, site,
    step::{Step, say},
    wasm_target,
};

/// What `wasm-opt` may use, one by one: every browser with WebAssembly reference types has these,
/// while `--all-features` writes modules that no browser accepts yet.
const MODULE_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-reference-types",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-multivalue",
];

/// Builds everything the browser loads and puts it into the site's folder.
pub fn build(project: &Project, profile: Profile) -> Result<(), Error> {
    let compiler = wasm_target::ensure(project)?;
    setup::npm_packages(&project.root)?;
    let made = project
        .front_target()
        .join(format!("made-{}", profile.folder()));
    fs::create_dir_all(&made).map_err(Error::io("making", &made))?;

    let module = compile(project, &compiler, profile)?;
    let key = key(project, &module)?;
    let key_file = made.join("module.key");
    if fs::read_to_string(&key_file).is_ok_and(|last| last == key) {
        say("the browser module is up to date");
    } else {
        let _ = fs::remove_file(&key_file);
        bind(project, &module, &made, profile)?;
        if profile == Profile::Release {
            optimise(project, &made)?;
        }
        fs::write(&key_file, key).map_err(Error::io("writing", &key_file))?;
    }
    let style = style_sheet(project, &made, profile)?;
    site::publish(project, profile, &made.join("bound"), &style)
}

/// What the bound and optimised module depends on: the compiled one and the optimiser.
fn key(project: &Project, module: &Path) -> Result<String, Error> {
    let lock = project.root.join("package-lock.json");
    let mut all = MODULE_FEATURES.concat().into_bytes();
    for path in [module, &lock] {
        all.extend(fs::read(path).map_err(Error::io("reading", path))?);
    }
    Ok(site::content_hash(&all))
}

/// Compiles in a target folder of its own, so that building the server never waits for it.
fn compile(
    project: &Project,
    compiler: &wasm_target::Compiler,
    profile: Profile,
) -> Result<PathBuf, Error> {
    let leptos = &project.leptos;
    let cargo_profile = leptos.lib_profile(profile);
    let target = project.front_target();
    compiler
        .cargo(project, "compiling the browser module")
        .args([
            "build",
            "--package",
            &leptos.lib_package,
            "--target",
            wasm_target::TARGET,
        ])
        .args(["--profile", cargo_profile])
        .arg("--target-dir")
        .arg(&target)
        .fix("correct what the compiler names above")
        .run()?;
    let folder = if cargo_profile == "dev" {
        "debug"
    } else {
        cargo_profile
    };
    let name = format!("{}.wasm", leptos.lib_package.replace('-', "_"));
    Ok(target.join(wasm_target::TARGET).join(folder).join(name))
}

/// Writes `bound/NAME.js`, `bound/NAME_bg.wasm` and the snippets beside them.
fn bind(project: &Project, module: &Path, made: &Path, profile: Profile) -> Result<(), Error> {
    say("binding the browser module to JavaScript");
    let folder = made.join("bound");
    let _ = fs::remove_dir_all(&folder);
    let release = profile == Profile::Release;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name(project.leptos.output_name())
        .typescript(false)
        .remove_name_section(release)
        .remove_producers_section(release);
    let done = bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(&folder));
    done.map_err(|error| {
        let what = format!("binding {} to JavaScript: {error:#}", module.display());
        Error::found(
            what,
            "use the same wasm-bindgen version in the front end and in xtask",
        )
    })
}

fn optimise(project: &Project, made: &Path) -> Result<(), Error> {
    let module = made
        .join("bound")
        .join(format!("{}_bg.wasm", project.leptos.output_name()));
    let smaller = made.join("optimised.wasm");
    Step::new(project.npm_program("wasm-opt"), "optimising the browser module")
        .arg("-Oz")
        .args(MODULE_FEATURES)
        .arg(&module)
        .arg("-o")
        .arg(&smaller)
        .fix("`cargo xtask setup` installs wasm-opt; a new feature in the module goes into MODULE_FEATURES")
        .run()?;
    fs::rename(&smaller, &module).map_err(Error::io("replacing", &module))
}

fn style_sheet(project: &Project, made: &Path, profile: Profile) -> Result<PathBuf, Error> {
    let output = made.join("style.css");
    let mut step = Step::new(project.npm_program("tailwindcss"), "making the style sheet")
        .arg("--input")
        .arg(project.root.join(&project.leptos.tailwind_input_file))
        .arg("--output")
        .arg(&output)
        .dir(&project.root)
        .fix("correct the style sheet; `cargo xtask setup` installs Tailwind");
    if profile == Profile::Release {
        step = step.arg("--minify");
    }
    step.output()?;
    Ok(output)
}
