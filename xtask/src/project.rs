//! Where things are: the workspace's root, its target folder and the `[[workspace.metadata.leptos]]`
//! table, the one that `cargo leptos` reads too.

use std::path::PathBuf;

use serde::Deserialize;

use crate::{error::Error, step::Step};

/// How much the compiler optimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build.
    Dev,
    /// As it is run and measured.
    Release,
}

impl Profile {
    /// The folder below the target folder that cargo puts binaries of this profile in.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// The workspace that the command was typed in.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, wherever `CARGO_TARGET_DIR` or a configuration puts it.
    pub target: PathBuf,
    /// How the front end is built.
    pub leptos: Leptos,
}

/// The keys of `[[workspace.metadata.leptos]]` that are read here; their meaning is that of
/// `cargo leptos`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Leptos {
    name: String,
    output_name: Option<String>,
    /// The package of the server.
    pub bin_package: String,
    /// The server's binary.
    pub bin_target: String,
    /// The package that becomes the browser module.
    pub lib_package: String,
    site_root: PathBuf,
    /// The folder below the site root with the module, its glue and the style sheet.
    pub site_pkg_dir: String,
    /// The style sheet's source.
    pub tailwind_input_file: PathBuf,
    /// What is served as it is.
    pub assets_dir: PathBuf,
    lib_profile_release: String,
    #[serde(default = "dev")]
    lib_profile_dev: String,
    #[serde(default)]
    hash_files: bool,
}

fn dev() -> String {
    "dev".to_owned()
}

impl Leptos {
    /// What the files for the browser are called: `<output name>.<hash>.js` and so on.
    pub fn output_name(&self) -> &str {
        self.output_name.as_ref().unwrap_or(&self.name)
    }

    /// The cargo profile of the browser module.
    pub fn lib_profile(&self, profile: Profile) -> &str {
        match profile {
            Profile::Dev => &self.lib_profile_dev,
            Profile::Release => &self.lib_profile_release,
        }
    }
}

#[derive(Deserialize)]
struct Workspace {
    #[serde(rename = "workspace_root")]
    root: PathBuf,
    target_directory: PathBuf,
    #[serde(rename = "metadata")]
    tables: Option<Tables>,
}

#[derive(Deserialize)]
struct Tables {
    leptos: Option<Vec<Leptos>>,
}

impl Project {
    /// Asks cargo about the workspace of the current folder.
    pub fn load() -> Result<Self, Error> {
        let json = Step::new("cargo", "reading the workspace")
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .fix("run the command inside the repository")
            .output()?;
        Self::parse(&json)
    }

    fn parse(json: &str) -> Result<Self, Error> {
        let fix = "compare [[workspace.metadata.leptos]] in the root Cargo.toml with cargo-leptos";
        let workspace: Workspace = serde_json::from_str(json).map_err(|error| {
            Error::found(
                format!("the workspace's metadata can't be read: {error}"),
                fix,
            )
        })?;
        let mut tables = workspace
            .tables
            .and_then(|tables| tables.leptos)
            .unwrap_or_default();
        let leptos = match (tables.pop(), tables.len()) {
            (Some(leptos), 0) => leptos,
            (None, _) => {
                return Err(Error::found(
                    "there is no [[workspace.metadata.leptos]] table",
                    fix,
                ));
            }
            (Some(_), more) => {
                let what = format!("{} [[workspace.metadata.leptos]] tables, not one", more + 1);
                return Err(Error::found(what, fix));
            }
        };
        if !leptos.hash_files {
            let what = "hash-files is off in [[workspace.metadata.leptos]]";
            return Err(Error::found(
                what,
                "set it to true: the server caches by file name",
            ));
        }
        Ok(Self {
            root: workspace.root,
            target: workspace.target_directory,
            leptos,
        })
    }

    /// The folder that the server serves files from: beside the program, where an installation has
    /// it and the server finds it by itself. `cargo leptos` has one for both profiles; here neither
    /// takes the other's files.
    pub fn site_root(&self, profile: Profile) -> PathBuf {
        let name = self.leptos.site_root.file_name();
        self.binary(profile, "")
            .join(name.unwrap_or("site".as_ref()))
    }

    /// The browser module's own target folder: its builds and the server's never wait for another.
    pub fn front_target(&self) -> PathBuf {
        self.target.join("front")
    }

    /// A binary built in this profile.
    pub fn binary(&self, profile: Profile, name: &str) -> PathBuf {
        self.target.join(profile.folder()).join(name)
    }

    /// Leptos looks for the hashes beside the server's binary.
    pub fn hash_file(&self, profile: Profile) -> PathBuf {
        self.binary(profile, "hash.txt")
    }

    /// A program that npm installed.
    pub fn npm_program(&self, name: &str) -> PathBuf {
        self.root.join("node_modules/.bin").join(name)
    }

    /// `cargo`, in the workspace's root.
    pub fn cargo(&self, purpose: impl Into<String>) -> Step {
        Step::new("cargo", purpose).dir(&self.root)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn metadata(target: &str, tables: &str) -> String {
        format!(
            r#"{{"packages":[],"workspace_root":"/code","target_directory":"{target}","metadata":{{"leptos":{tables}}}}}"#
        )
    }

    const TABLE: &str = r#"{"name":"rollcall","bin-package":"server","bin-target":"rollcall",
        "lib-package":"frontend","site-root":"target/site","site-pkg-dir":"pkg",
        "tailwind-input-file":"style/rollcall.css","assets-dir":"public",
        "lib-profile-release":"wasm-release","hash-files":true,
        "reload-port":3001}"#;

    #[test]
    fn the_output_is_named_as_the_table_unless_it_says_otherwise() {
        let project = Project::parse(&metadata("/code/target", &format!("[{TABLE}]"))).unwrap();
        assert_eq!(project.leptos.output_name(), "rollcall");
        assert_eq!(project.leptos.lib_profile(Profile::Dev), "dev");
        let named = TABLE.replacen('{', r#"{"output-name":"portal","#, 1);
        let project = Project::parse(&metadata("/code/target", &format!("[{named}]"))).unwrap();
        assert_eq!(project.leptos.output_name(), "portal");
    }

    #[test]
    fn what_the_browser_loads_stands_beside_the_program_it_was_built_with() {
        let project = Project::parse(&metadata("/cache/t", &format!("[{TABLE}]"))).unwrap();
        for (profile, folder) in [(Profile::Dev, "debug"), (Profile::Release, "release")] {
            let folder = Path::new("/cache/t").join(folder);
            assert_eq!(project.binary(profile, "rollcall"), folder.join("rollcall"));
            assert_eq!(project.site_root(profile), folder.join("site"));
            assert_eq!(project.hash_file(profile), folder.join("hash.txt"));
        }
    }

    #[test]
    fn what_is_wrong_with_the_table_is_said() {
        for (tables, word) in [
            ("[]".to_owned(), "no [[workspace.metadata.leptos]]"),
            (
                format!("[{TABLE},{TABLE}]"),
                "2 [[workspace.metadata.leptos]]",
            ),
            (
                format!("[{}]", TABLE.replace("bin-package", "bin_package")),
                "bin-package",
            ),
            (
                format!("[{}]", TABLE.replace("true", "false")),
                "hash-files is off",
            ),
        ] {
            let text = Project::parse(&metadata("/t", &tables))
                .unwrap_err()
                .to_string();
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}
