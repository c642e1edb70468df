//! The compiler's `wasm32-unknown-unknown` target: found, or installed by the first way that works.
//!
//! rustup is the normal way. Where it can't download, the target's standard library is built from
//! Debian's source package of the same compiler version, or with Debian's own compiler, whose
//! source package is always in step with it. The front end may be built by another compiler version
//! than the server: the two share no binary interface.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    debian,
    error::Error,
    project::Project,
    step::{Step, is_installed, say},
};

/// The target's name.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler and cargo for the web (packages `rustc-web`, `cargo-web`, `rust-web-src`).
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
/// The suite with newer compilers than the stable one has.
const SOURCE_SUITE: &str = "trixie-backports";

/// A compiler that can build the front end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    cargo: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Compiler {
    /// A cargo command with this compiler, in the workspace's root.
    pub fn cargo(&self, project: &Project, purpose: impl Into<String>) -> Step {
        Step::new(&self.cargo, purpose)
            .dir(&project.root)
            .envs(&self.environment)
    }

    /// Debian's compiler for the web comes without clippy.
    pub fn has_clippy(&self) -> bool {
        self.cargo == Path::new("cargo")
    }
}

/// A way to get the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Rustup,
    SourcePackage,
    DebianCompiler,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Rustup => "rustup",
            Self::SourcePackage => "Debian's source package of the same compiler version",
            Self::DebianCompiler => "Debian's own compiler for the web",
        }
    }
}

/// The ways that this machine allows, in the order to try them.
fn ways(rustup: bool, debian: bool, root: bool) -> Vec<Way> {
    let all = [
        (Way::Rustup, rustup),
        (Way::SourcePackage, debian),
        (Way::DebianCompiler, debian && root),
    ];
    all.into_iter()
        .filter(|(_, possible)| *possible)
        .map(|(way, _)| way)
        .collect()
}

/// The compiler to build the front end with; installs the target when it is missing.
pub fn ensure(project: &Project) -> Result<Compiler, Error> {
    if let Some(compiler) = find(project)? {
        return Ok(compiler);
    }
    say(&format!("the compiler lacks the {TARGET} target"));
    let mut refusals = Vec::new();
    for way in ways(
        is_installed("rustup"),
        debian::is_debian(),
        debian::is_root(),
    ) {
        let done = match way {
            Way::Rustup => by_rustup(project),
            Way::SourcePackage => by_source_package(project),
            Way::DebianCompiler => by_debian_compiler(project),
        };
        let outcome = done.and_then(|()| find(project));
        match outcome {
            Ok(Some(compiler)) => {
                say(&format!("{TARGET}: installed by {}", way.name()));
                return Ok(compiler);
            }
            Ok(None) => refusals.push(format!("{}: left no target", way.name())),
            Err(error) => {
                say(&format!("{TARGET}: not by {}: {error}", way.name()));
                refusals.push(format!("{}: {error}", way.name()));
            }
        }
    }
    Err(Error::found(
        format!(
            "the {TARGET} target could not be installed\n{}",
            refusals.join("\n")
        ),
        format!("run `rustup target add {TARGET}` where Rust's servers can be reached"),
    ))
}

/// The compiler that has the target now.
fn find(project: &Project) -> Result<Option<Compiler>, Error> {
    if has_std(&library_folder("rustc", &project.root)?) {
        return Ok(Some(Compiler {
            cargo: "cargo".into(),
            environment: Vec::new(),
        }));
    }
    let debian = [DEBIAN_RUSTC, DEBIAN_CARGO]
        .iter()
        .all(|path| Path::new(path).exists());
    if !debian || !has_std(&library_folder(DEBIAN_RUSTC, &project.root)?) {
        return Ok(None);
    }
    Ok(linker(&project.root)?.map(|linker| Compiler {
        cargo: DEBIAN_CARGO.into(),
        environment: vec![
            ("RUSTC".into(), DEBIAN_RUSTC.into()),
            (
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER".into(),
                linker.into(),
            ),
        ],
    }))
}

fn library_folder(rustc: &str, root: &Path) -> Result<PathBuf, Error> {
    let path = Step::new(rustc, "asking the compiler for its target folder")
        .args(["--print", "target-libdir", "--target", TARGET])
        .dir(root)
        .fix("install Rust: https://rustup.rs")
        .output()?;
    Ok(PathBuf::from(path.trim()))
}

fn has_std(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|files| {
        files
            .filter_map(Result::ok)
            .any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
    })
}

/// Debian's compiler brings no linker for the target; rustup's does.
fn linker(root: &Path) -> Result<Option<PathBuf>, Error> {
    let library = Step::new("rustc", "asking the compiler for its own folder")
        .args(["--print", "target-libdir"])
        .dir(root)
        .output()?;
    let linker = Path::new(library.trim())
        .with_file_name("bin")
        .join("rust-lld");
    Ok(linker.exists().then_some(linker))
}

fn by_rustup(project: &Project) -> Result<(), Error> {
    Step::new("rustup", format!("installing the {TARGET} target"))
        .args(["target", "add", TARGET])
        .dir(&project.root)
        .fix("check that Rust's servers can be reached")
        .output()
        .map(drop)
}

fn by_source_package(project: &Project) -> Result<(), Error> {
    let words = Step::new("rustc", "asking for the compiler's version")
        .arg("--version")
        .dir(&project.root)
        .output()?;
    let version = compiler_version(&words);
    let suite = debian::Suite::read(&project.target.join("toolchain/apt"), SOURCE_SUITE)?;
    let package = suite.version("rust-src", version)?.ok_or_else(|| {
        let what = format!("{SOURCE_SUITE} has no rust-src {version}");
        Error::found(what, "use a compiler version that it has")
    })?;
    let source = suite.unpack("rust-src", &package)?;
    let source = source.join(format!("usr/src/rustc-{version}"));
    build_std(
        project,
        "cargo",
        None,
        &source,
        &library_folder("rustc", &project.root)?,
    )
}

fn by_debian_compiler(project: &Project) -> Result<(), Error> {
    debian::install(&DEBIAN_PACKAGES, "Debian's compiler for the web")?;
    let words = Step::new(DEBIAN_RUSTC, "asking for the compiler's version")
        .arg("--version")
        .output()?;
    let source = PathBuf::from(format!("/usr/src/rustc-{}", compiler_version(&words)));
    let library = library_folder(DEBIAN_RUSTC, &project.root)?;
    build_std(project, DEBIAN_CARGO, Some(DEBIAN_RUSTC), &source, &library)
}

/// `rustc 1.95.0 (59807616e 2026-04-14)` → `1.95.0`.
fn compiler_version(words: &str) -> &str {
    words.split_whitespace().nth(1).unwrap_or_default()
}

/// Builds the target's standard library from `source` and puts it where the compiler looks for it.
fn build_std(
    project: &Project,
    cargo: &str,
    rustc: Option<&str>,
    source: &Path,
    library: &Path,
) -> Result<(), Error> {
    let probe = project.target.join("toolchain/probe");
    let built = probe.join("target");
    let _ = fs::remove_dir_all(&probe);
    fs::create_dir_all(probe.join("src")).map_err(Error::io("making", &probe))?;
    for (name, text) in [
        ("Cargo.toml", PROBE_MANIFEST),
        ("src/lib.rs", "#![no_std]\n"),
    ] {
        let path = probe.join(name);
        fs::write(&path, text).map_err(Error::io("writing", &path))?;
    }
    let mut step = Step::new(cargo, format!("building the standard library for {TARGET}"))
        .args([
            "build",
            "--release",
            "-Zbuild-std=std,panic_abort,proc_macro",
            "--target",
            TARGET,
        ])
        .arg("--target-dir")
        .arg(&built)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", source.join("library"))
        .dir(&probe);
    if let Some(rustc) = rustc {
        step = step.env("RUSTC", rustc);
    }
    step.run()?;
    put_in_place(&built.join(TARGET).join("release/deps"), library)
}

/// Its own workspace, or cargo would look for it in the one above.
const PROBE_MANIFEST: &str = "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
    [workspace]\n[profile.release]\npanic = \"abort\"\n";

/// Copies the libraries beside their place first: a half-copied target would look installed.
fn put_in_place(libraries: &Path, library: &Path) -> Result<(), Error> {
    let home = library.parent().unwrap_or(library);
    let beside = home.with_extension("new");
    let _ = fs::remove_dir_all(&beside);
    fs::create_dir_all(beside.join("lib")).map_err(Error::io("making", &beside))?;
    for entry in fs::read_dir(libraries).map_err(Error::io("reading", libraries))? {
        let from = entry.map_err(Error::io("reading", libraries))?.path();
        let is_probe = from.to_string_lossy().contains("/libprobe-");
        if from.extension() == Some("rlib".as_ref()) && !is_probe {
            let to = beside
                .join("lib")
                .join(from.file_name().unwrap_or_default());
            fs::copy(&from, to).map_err(Error::io("copying", &from))?;
        }
    }
    let _ = fs::remove_dir_all(home);
    fs::rename(&beside, home).map_err(Error::io("moving into place", home))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rustup_comes_first_and_only_root_installs_packages() {
        use Way::{DebianCompiler, Rustup, SourcePackage};
        for ((rustup, debian, root), expected) in [
            (
                (true, true, true),
                vec![Rustup, SourcePackage, DebianCompiler],
            ),
            ((true, true, false), vec![Rustup, SourcePackage]),
            ((false, true, true), vec![SourcePackage, DebianCompiler]),
            ((true, false, true), vec![Rustup]),
            ((false, false, true), vec![]),
        ] {
            assert_eq!(ways(rustup, debian, root), expected);
        }
    }

    #[test]
    fn the_version_is_the_second_word() {
        assert_eq!(
            compiler_version("rustc 1.95.0 (59807616e 2026-04-14)\n"),
            "1.95.0"
        );
        assert_eq!(compiler_version(""), "");
    }

    #[test]
    fn a_target_is_replaced_as_a_whole_and_without_the_probe() {
        let folder = std::env::temp_dir().join(format!("xtask-target-{}", std::process::id()));
        let built = folder.join("deps");
        let library = folder.join("rustlib").join(TARGET).join("lib");
        fs::create_dir_all(&built).unwrap();
        fs::create_dir_all(&library).unwrap();
        fs::write(library.join("libcore-old.rlib"), "").unwrap();
        for name in [
            "libstd-1.rlib",
            "libcore-1.rlib",
            "libprobe-1.rlib",
            "std-1.d",
        ] {
            fs::write(built.join(name), "").unwrap();
        }
        assert!(!has_std(&library));
        put_in_place(&built, &library).unwrap();
        assert!(has_std(&library));
        let mut names = fs::read_dir(&library)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect::<Vec<_>>();
        names.sort();
        assert_eq!(names, ["libcore-1.rlib", "libstd-1.rlib"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
