//! Crates: which there are, from `cargo tree`; what is known of them, from `cargo metadata` and
//! `Cargo.lock`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde::Deserialize;

use super::bill::{Component, Hash, Scope, purl};
use crate::{error::Error, project::Project};

/// A package of one version. `deny.toml` lets in one registry alone, so the two name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Package {
    pub name: String,
    pub version: String,
}

impl Package {
    /// What the file calls it.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

/// What a package is made of.
#[derive(Debug)]
pub struct Tree {
    root: Package,
    needs: BTreeMap<Package, BTreeSet<Package>>,
}

impl Tree {
    /// The package that was asked about.
    pub fn root(&self) -> &Package {
        &self.root
    }

    /// Every package, the root too.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.needs.keys()
    }

    /// Whether a package is in it.
    pub fn has(&self, package: &Package) -> bool {
        self.needs.contains_key(package)
    }

    /// What each package needs.
    pub fn dependencies(&self) -> BTreeMap<Package, BTreeSet<Package>> {
        self.needs.clone()
    }
}

/// Reads `cargo tree --prefix depth --format "{p}"`: `2axum v0.8.9`, each line with what the one
/// above it with less depth needs. What was shown already has a star and nothing below it.
pub fn parse_tree(text: &str) -> Result<Tree, Error> {
    let unreadable = |line: &str| {
        Error::found(
            format!("`cargo tree` says what isn't understood: {line:?}"),
            "compare xtask/src/sbom/cargo.rs with this version of cargo",
        )
    };
    let mut path: Vec<Package> = Vec::new();
    let mut needs: BTreeMap<Package, BTreeSet<Package>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (depth, package) = parse_line(line).ok_or_else(|| unreadable(line))?;
        if depth > path.len() || (depth == 0 && !needs.is_empty()) {
            return Err(unreadable(line));
        }
        path.truncate(depth);
        if let Some(parent) = path.last() {
            needs
                .entry(parent.clone())
                .or_default()
                .insert(package.clone());
        }
        needs.entry(package.clone()).or_default();
        path.push(package);
    }
    let root = path.into_iter().next().ok_or_else(|| unreadable(""))?;
    Ok(Tree { root, needs })
}

fn parse_line(line: &str) -> Option<(usize, Package)> {
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    let (depth, rest) = line.split_at(digits);
    let mut words = rest.split_whitespace();
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    let package = Package {
        name: name.to_owned(),
        version: version.to_owned(),
    };
    Some((depth.parse().ok()?, package))
}

/// What is known of the crates of the workspace and those it needs.
#[derive(Debug)]
pub struct Known {
    licenses: BTreeMap<Package, Option<String>>,
    /// Of crates of a registry: what their archives hash to.
    checksums: BTreeMap<Package, String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Described>,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    version: String,
    license: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl Known {
    /// Asks cargo, and reads `Cargo.lock`.
    pub fn read(project: &Project) -> Result<Self, Error> {
        let json = project
            .cargo("reading what is known of the dependencies")
            .args(["metadata", "--format-version", "1", "--locked"])
            .output()?;
        let file = project.root.join("Cargo.lock");
        let lock = fs::read_to_string(&file).map_err(Error::io("reading", &file))?;
        Self::parse(&json, &lock)
    }

    fn parse(metadata: &str, lock: &str) -> Result<Self, Error> {
        let unreadable = |what: &str, error: &dyn std::fmt::Display| {
            Error::found(
                format!("{what} can't be read: {error}"),
                "compare xtask/src/sbom/cargo.rs with this version of cargo",
            )
        };
        let metadata: Metadata = serde_json::from_str(metadata)
            .map_err(|error| unreadable("what cargo says of the dependencies", &error))?;
        let lock: Lock = toml::from_str(lock).map_err(|error| unreadable("Cargo.lock", &error))?;
        let package = |name, version| Package { name, version };
        Ok(Self {
            licenses: metadata
                .packages
                .into_iter()
                .map(|one| (package(one.name, one.version), one.license))
                .collect(),
            checksums: lock
                .package
                .into_iter()
                .filter_map(|one| Some((package(one.name, one.version), one.checksum?)))
                .collect(),
        })
    }

    /// A package as a component. `inside`: whether it is in what is run.
    pub fn component(&self, package: &Package, inside: bool) -> Result<Component, Error> {
        let license = self.licenses.get(package).ok_or_else(|| {
            Error::found(
                format!("cargo knows nothing of {}", package.reference()),
                "compare xtask/src/sbom/cargo.rs with this version of cargo",
            )
        })?;
        let scope = if inside {
            Scope::Required
        } else {
            Scope::Excluded
        };
        let checksum = self.checksums.get(package);
        let component = Component::new(package, scope, checksum.map(|_| purl("cargo", package)))
            .license(license.as_deref())
            .hash(checksum.map(|content| Hash {
                alg: "SHA-256",
                content: content.clone(),
            }));
        Ok(component)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "0server v0.1.0 (/x/server)\n1serde v1.0.229\n2serde_derive v1.0.229 (proc-macro)\n\
                        3syn v2.0.1\n1serde_json v1.0.1\n2serde v1.0.229 (*)\n";

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn a_tree_says_what_needs_what() {
        let tree = parse_tree(TREE).unwrap();
        assert_eq!(tree.root(), &package("server", "0.1.0"));
        let needs: Vec<_> = tree
            .dependencies()
            .into_iter()
            .map(|(of, needs)| {
                let needs: Vec<_> = needs.into_iter().map(|one| one.name).collect();
                format!("{}: {}", of.name, needs.join(" "))
            })
            .collect();
        assert_eq!(
            needs,
            [
                "serde: serde_derive",
                "serde_derive: syn",
                "serde_json: serde",
                "server: serde serde_json",
                "syn: "
            ]
        );
        assert!(tree.has(&package("syn", "2.0.1")) && !tree.has(&package("syn", "1.0.0")));
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        for text in [
            "",
            "0server\n",
            "server v0.1.0\n",
            "0a v1\n2b v1\n",
            "0a v1\n0b v1\n",
        ] {
            assert!(parse_tree(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn of_a_crate_license_and_hash_are_known_and_of_ours_no_address() {
        let metadata = r#"{"packages": [
            {"name": "server", "version": "0.1.0", "license": "Apache-2.0"},
            {"name": "serde", "version": "1.0.229", "license": "MIT OR Apache-2.0"}
        ]}"#;
        let lock = "version = 4\n[[package]]\nname = \"server\"\nversion = \"0.1.0\"\n\
                    [[package]]\nname = \"serde\"\nversion = \"1.0.229\"\nchecksum = \"abcd\"\n";
        let known = Known::parse(metadata, lock).unwrap();
        let (serde, server) = (package("serde", "1.0.229"), package("server", "0.1.0"));
        let component = known.component(&serde, false).unwrap();
        let expected = Component::new(&serde, Scope::Excluded, Some(purl("cargo", &serde)))
            .license(Some("MIT OR Apache-2.0"))
            .hash(Some(Hash {
                alg: "SHA-256",
                content: "abcd".to_owned(),
            }));
        assert_eq!(component, expected);
        let ours = known.component(&server, true).unwrap();
        let expected = Component::new(&server, Scope::Required, None).license(Some("Apache-2.0"));
        assert_eq!(ours, expected);
        assert!(known.component(&package("syn", "2.0.1"), true).is_err());
    }
}
