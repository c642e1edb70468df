//! A bill of materials as CycloneDX 1.5 has it (<https://cyclonedx.org/docs/1.5/json/>), as far as it
//! is used here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::cargo::Package;
use crate::error::Error;

/// What the root is made of.
#[derive(Debug)]
pub struct Bill {
    root: Package,
    components: Vec<Component>,
    dependencies: BTreeMap<Package, BTreeSet<Package>>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    bom_ref: String,
    name: String,
    version: String,
    scope: Scope,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
}

/// Whether a package is in what is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// It is.
    Required,
    /// It takes part in the build only.
    Excluded,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct License {
    expression: String,
}

/// What a package's archive has to hash to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hash {
    /// `SHA-256` or `SHA-512`.
    pub alg: &'static str,
    /// In hexadecimal.
    pub content: String,
}

impl Component {
    /// A package of ours, or of others: `purl` is its address in a registry.
    pub fn new(package: &Package, scope: Scope, purl: Option<String>) -> Self {
        Self {
            kind: "library",
            bom_ref: package.reference(),
            name: package.name.clone(),
            version: package.version.clone(),
            scope,
            licenses: Vec::new(),
            hashes: Vec::new(),
            purl,
        }
    }

    /// Its license, as an SPDX expression. A slash is how crates once wrote OR.
    pub fn license(mut self, given: Option<&str>) -> Self {
        self.licenses = given
            .into_iter()
            .map(|given| License {
                expression: given
                    .split('/')
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join(" OR "),
            })
            .collect();
        self
    }

    /// What its archive hashes to.
    pub fn hash(mut self, hash: Option<Hash>) -> Self {
        self.hashes = hash.into_iter().collect();
        self
    }
}

/// The address of a package in its registry (<https://github.com/package-url/purl-spec>).
pub fn purl(registry: &str, package: &Package) -> String {
    let coded = |text: &str| text.replace('@', "%40").replace('+', "%2B");
    format!(
        "pkg:{registry}/{}@{}",
        coded(&package.name),
        coded(&package.version)
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    bom_format: &'static str,
    spec_version: &'static str,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<&'a Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    component: Root<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Root<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    bom_ref: String,
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    of: String,
    depends_on: Vec<String>,
}

impl Bill {
    /// The root, what it is made of, and what of it needs what.
    pub fn new(
        root: &Package,
        mut components: Vec<Component>,
        dependencies: BTreeMap<Package, BTreeSet<Package>>,
    ) -> Self {
        components.retain(|component| component.bom_ref != root.reference());
        Self {
            root: root.clone(),
            components,
            dependencies,
        }
    }

    /// Adds what the root needs beside.
    pub fn add(&mut self, more: Vec<(Package, Component)>) {
        let needs = self.dependencies.entry(self.root.clone()).or_default();
        for (package, component) in more {
            needs.insert(package);
            self.components.push(component);
        }
    }

    /// How many packages there are beside the root.
    pub fn len(&self) -> usize {
        self.components.len()
    }

    /// The file, in which the root has this name.
    pub fn json(&self, name: &str) -> Result<String, Error> {
        let mut components: Vec<_> = self.components.iter().collect();
        components.sort_by(|a, b| a.bom_ref.cmp(&b.bom_ref));
        let document = Document {
            bom_format: "CycloneDX",
            spec_version: "1.5",
            version: 1,
            metadata: Metadata {
                component: Root {
                    kind: "application",
                    bom_ref: self.root.reference(),
                    name,
                    version: &self.root.version,
                },
            },
            components,
            dependencies: self
                .dependencies
                .iter()
                .map(|(of, needs)| Dependency {
                    of: of.reference(),
                    depends_on: needs.iter().map(Package::reference).collect(),
                })
                .collect(),
        };
        serde_json::to_string_pretty(&document)
            .map(|json| json + "\n")
            .map_err(|error| {
                Error::found(
                    format!("the bill of materials can't be written: {error}"),
                    "this is a fault of xtask/src/sbom",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn a_bill_is_as_cyclonedx_has_it_and_the_root_is_no_component() {
        let (root, serde, wasi) = (
            package("server", "0.1.0"),
            package("serde", "1.0.229"),
            package("wasi", "0.11.1+wasi-snapshot-preview1"),
        );
        let hash = Hash {
            alg: "SHA-256",
            content: "ab".repeat(32),
        };
        let components = vec![
            Component::new(&wasi, Scope::Excluded, Some(purl("cargo", &wasi))),
            Component::new(&root, Scope::Required, None),
            Component::new(&serde, Scope::Required, Some(purl("cargo", &serde)))
                .license(Some("MIT/Apache-2.0"))
                .hash(Some(hash)),
        ];
        let needs = BTreeMap::from([
            (root.clone(), BTreeSet::from([serde.clone(), wasi])),
            (serde, BTreeSet::new()),
        ]);
        let mut bill = Bill::new(&root, components, needs);
        let daisy = package("daisyui", "5.8.1");
        let component = Component::new(&daisy, Scope::Required, Some(purl("npm", &daisy)));
        bill.add(vec![(daisy, component)]);
        assert_eq!(bill.len(), 3);
        let json: serde_json::Value =
            serde_json::from_str(&bill.json("rollcall").unwrap()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "bomFormat": "CycloneDX",
                "specVersion": "1.5",
                "version": 1,
                "metadata": { "component": {
                    "type": "application", "bom-ref": "server@0.1.0",
                    "name": "rollcall", "version": "0.1.0",
                } },
                "components": [
                    {
                        "type": "library", "bom-ref": "daisyui@5.8.1", "name": "daisyui",
                        "version": "5.8.1", "scope": "required", "purl": "pkg:npm/daisyui@5.8.1",
                    },
                    {
                        "type": "library", "bom-ref": "serde@1.0.229", "name": "serde",
                        "version": "1.0.229", "scope": "required",
                        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
                        "hashes": [{ "alg": "SHA-256", "content": "ab".repeat(32) }],
                        "purl": "pkg:cargo/serde@1.0.229",
                    },
                    {
                        "type": "library", "bom-ref": "wasi@0.11.1+wasi-snapshot-preview1",
                        "name": "wasi", "version": "0.11.1+wasi-snapshot-preview1",
                        "scope": "excluded",
                        "purl": "pkg:cargo/wasi@0.11.1%2Bwasi-snapshot-preview1",
                    },
                ],
                "dependencies": [
                    { "ref": "serde@1.0.229", "dependsOn": [] },
                    { "ref": "server@0.1.0", "dependsOn": [
                        "daisyui@5.8.1", "serde@1.0.229", "wasi@0.11.1+wasi-snapshot-preview1",
                    ] },
                ],
            })
        );
    }

    #[test]
    fn a_scope_stands_in_the_address() {
        let scoped = package("@tailwindcss/cli", "4.3.5");
        assert_eq!(purl("npm", &scoped), "pkg:npm/%40tailwindcss/cli@4.3.5");
    }
}
