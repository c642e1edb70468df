//! The npm packages that the style sheet and the browser module are made with, from
//! `package-lock.json`.

use std::{collections::BTreeMap, fs};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::{
    bill::{Component, Hash, Scope, purl},
    cargo::Package,
};
use crate::{error::Error, project::Project};

/// The packages whose rules are in the style sheet that browsers load. All others are tools.
const IN_THE_STYLE_SHEET: [&str; 2] = ["daisyui", "tailwindcss"];

#[derive(Deserialize)]
struct Lock {
    packages: BTreeMap<String, Locked>,
}

#[derive(Deserialize)]
struct Locked {
    version: Option<String>,
    license: Option<String>,
    integrity: Option<String>,
}

/// Every package of the lock.
pub fn packages(project: &Project) -> Result<Vec<(Package, Component)>, Error> {
    let file = project.root.join("package-lock.json");
    let text = fs::read_to_string(&file).map_err(Error::io("reading", &file))?;
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<(Package, Component)>, Error> {
    let lock: Lock = serde_json::from_str(text).map_err(|error| {
        Error::found(
            format!("package-lock.json can't be read: {error}"),
            "npm install",
        )
    })?;
    let mut packages: Vec<_> = lock
        .packages
        .into_iter()
        .filter_map(|(place, locked)| {
            // The root has no place; what another package brought for itself has two names in its own.
            let (_, name) = place.rsplit_once("node_modules/")?;
            let package = Package {
                name: name.to_owned(),
                version: locked.version?,
            };
            let scope = if IN_THE_STYLE_SHEET.contains(&name) {
                Scope::Required
            } else {
                Scope::Excluded
            };
            let component = Component::new(&package, scope, Some(purl("npm", &package)))
                .license(locked.license.as_deref())
                .hash(locked.integrity.as_deref().and_then(hash));
            Some((package, component))
        })
        .collect();
    packages.sort_by(|(a, _), (b, _)| a.cmp(b));
    packages.dedup_by(|(a, _), (b, _)| a == b);
    Ok(packages)
}

/// `sha512-` and base64 (Subresource Integrity).
fn hash(integrity: &str) -> Option<Hash> {
    let coded = integrity
        .split_whitespace()
        .find_map(|one| one.strip_prefix("sha512-"))?;
    Some(Hash {
        alg: "SHA-512",
        content: hex::encode(STANDARD.decode(coded).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_the_lock_are_tools_but_for_what_is_in_the_style_sheet() {
        let lock = r#"{"packages": {
            "": {"name": "rollcall-front", "license": "Apache-2.0"},
            "node_modules/daisyui": {"version": "5.8.1", "license": "MIT", "integrity": "sha512-q80="},
            "node_modules/@tailwindcss/cli": {"version": "4.3.5"},
            "node_modules/@tailwindcss/cli/node_modules/daisyui": {"version": "5.8.1"}
        }}"#;
        let packages = parse(lock).unwrap();
        let package = |name: &str, version: &str| Package {
            name: name.to_owned(),
            version: version.to_owned(),
        };
        let (cli, daisy) = (
            package("@tailwindcss/cli", "4.3.5"),
            package("daisyui", "5.8.1"),
        );
        let names: Vec<_> = packages.iter().map(|(package, _)| package).collect();
        assert_eq!(names, [&cli, &daisy]);
        let expected = Component::new(&cli, Scope::Excluded, Some(purl("npm", &cli)));
        assert_eq!(packages[0].1, expected);
        let tool_or_not: Vec<_> = packages.iter().map(|(_, one)| one.clone()).collect();
        assert_ne!(
            tool_or_not[1],
            Component::new(&daisy, Scope::Excluded, Some(purl("npm", &daisy)))
        );
        assert!(parse("[]").is_err());
    }

    #[test]
    fn a_hash_is_told_in_hexadecimal() {
        let read = hash("sha1-AA== sha512-q80=").unwrap();
        assert_eq!((read.alg, read.content.as_str()), ("SHA-512", "abcd"));
        assert_eq!(hash("sha1-AA=="), None);
    }
}
