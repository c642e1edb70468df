//! Debian's packages: installing them as root, and looking at another suite of the same archive
//! without touching the system's own sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::Error,
    step::{Step, is_installed},
};

/// Debian's own names, for a machine whose sources name no Debian archive.
const ARCHIVE: &str = "http://deb.debian.org/debian";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Whether packages can be installed: Debian's tools, and the right to use them.
pub fn can_install() -> bool {
    is_debian() && is_root()
}

/// Whether this system has apt.
pub fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && is_installed("apt-get")
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    Step::new("id", "asking who runs this")
        .arg("-u")
        .output()
        .is_ok_and(|answer| answer.trim() == "0")
}

/// Installs packages where that is possible, and otherwise says exactly what to install.
pub fn install(packages: &[&str], what_for: &str) -> Result<(), Error> {
    let line = format!(
        "apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    if !can_install() {
        let fix = if is_debian() {
            format!("as root: {line}")
        } else {
            format!(
                "install with your system's packages what Debian calls {}",
                packages.join(", ")
            )
        };
        return Err(Error::found(format!("{what_for} is not installed"), fix));
    }
    Step::new("apt-get", "reading Debian's package lists")
        .args(["-q", "update"])
        .fix("check the network and /etc/apt/sources.list.d")
        .output()?;
    Step::new("apt-get", format!("installing {what_for}"))
        .args([
            "-qq",
            "-o",
            "Dpkg::Use-Pty=0",
            "install",
            "-y",
            "--no-install-recommends",
        ])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .fix(format!("as root: apt-get update && {line}"))
        .run()
}

/// A view of one suite of the Debian archive that this system uses, with lists of its own.
pub struct Suite {
    folder: PathBuf,
    options: Vec<String>,
    name: &'static str,
}

impl Suite {
    /// Reads the suite's package lists into `folder`.
    pub fn read(folder: &Path, name: &'static str) -> Result<Self, Error> {
        for below in ["lists/partial", "cache/archives/partial"] {
            let path = folder.join(below);
            fs::create_dir_all(&path).map_err(Error::io("making", &path))?;
        }
        let archive = Archive::of(&system_sources());
        let list = folder.join("sources.list");
        let line = format!(
            "deb [signed-by={}] {} {name} main\n",
            archive.keyring, archive.uri
        );
        fs::write(&list, line).map_err(Error::io("writing", &list))?;
        let at = folder.display();
        let options = [
            format!("Dir::State::Lists={at}/lists"),
            format!("Dir::Cache={at}/cache"),
            format!("Dir::Etc::SourceList={at}/sources.list"),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            "Acquire::Languages=none".to_owned(),
        ];
        let options = options
            .into_iter()
            .map(|option| format!("-o{option}"))
            .collect();
        let suite = Self {
            folder: folder.to_owned(),
            options,
            name,
        };
        suite
            .tool("apt-get", format!("reading Debian's lists of {name}"))
            .args(["-q", "update"])
            .output()?;
        Ok(suite)
    }

    fn tool(&self, program: &str, purpose: String) -> Step {
        Step::new(program, purpose)
            .args(&self.options)
            .dir(&self.folder)
            .fix("check the network and that the machine's Debian archive has this suite")
    }

    /// The package's version whose part before Debian's own is `upstream`.
    pub fn version(&self, package: &str, upstream: &str) -> Result<Option<String>, Error> {
        let purpose = format!("looking for {package} {upstream} in {}", self.name);
        let rows = self
            .tool("apt-cache", purpose)
            .args(["madison", package])
            .output()?;
        Ok(matching_version(&rows, upstream).map(str::to_owned))
    }

    /// Downloads a package and unpacks it below the suite's folder, without installing it.
    pub fn unpack(&self, package: &str, version: &str) -> Result<PathBuf, Error> {
        let target = self.folder.join(format!("{package}-{version}"));
        let wanted = format!("{package}={version}");
        self.tool("apt-get", format!("downloading {wanted}"))
            .args(["-q", "download", &wanted])
            .run()?;
        let file = fs::read_dir(&self.folder)
            .map_err(Error::io("reading", &self.folder))?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .ok_or_else(|| Error::found(format!("{wanted} left no .deb file"), "try again"))?;
        Step::new("dpkg-deb", format!("unpacking {wanted}"))
            .arg("--extract")
            .arg(&file)
            .arg(&target)
            .output()?;
        fs::remove_file(&file).map_err(Error::io("removing", &file))?;
        Ok(target)
    }
}

/// The rows of `apt-cache madison` are `package | version | where from`.
fn matching_version<'a>(rows: &'a str, upstream: &str) -> Option<&'a str> {
    rows.lines()
        .filter(|row| row.ends_with("Packages"))
        .filter_map(|row| row.split('|').nth(1).map(str::trim))
        .find(|version| upstream_of(version) == upstream)
}

/// Debian's `[epoch:]upstream[-revision]`, less what it repacked (`+dfsg…`).
fn upstream_of(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let version = version
        .rsplit_once('-')
        .map_or(version, |(before, _)| before);
    version
        .split_once(['+', '~'])
        .map_or(version, |(before, _)| before)
}

/// Where this system's Debian packages come from.
#[derive(Debug, PartialEq, Eq)]
struct Archive {
    uri: String,
    keyring: String,
}

impl Archive {
    /// Finds the main Debian archive (its address ends in `/debian`) in the text of apt's sources,
    /// in the one-line or in the deb822 form (sources.list(5)).
    fn of(sources: &[String]) -> Self {
        let found = sources
            .iter()
            .flat_map(|text| one_line(text).chain(deb822(text)))
            .find(|(uri, _)| uri.trim_end_matches('/').rsplit('/').next() == Some("debian"));
        let (uri, keyring) = found.unwrap_or_else(|| (ARCHIVE.to_owned(), None));
        Self {
            uri,
            keyring: keyring.unwrap_or_else(|| KEYRING.to_owned()),
        }
    }
}

type Entry = (String, Option<String>);

fn one_line(text: &str) -> impl Iterator<Item = Entry> + '_ {
    text.lines().filter_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(inside) => inside.split_once(']')?,
            None => ("", rest),
        };
        let uri = rest.split_whitespace().next()?;
        let keyring = options
            .split_whitespace()
            .find_map(|one| one.strip_prefix("signed-by="));
        Some((uri.to_owned(), keyring.map(str::to_owned)))
    })
}

fn deb822(text: &str) -> impl Iterator<Item = Entry> + '_ {
    text.split("\n\n").filter_map(|stanza| {
        let field = |name: &str| {
            stanza.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            })
        };
        if !field("Types")?.split_whitespace().any(|kind| kind == "deb") {
            return None;
        }
        let uri = field("URIs")?.split_whitespace().next()?.to_owned();
        Some((
            uri,
            field("Signed-By").filter(|keyring| keyring.starts_with('/')),
        ))
    })
}

fn system_sources() -> Vec<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(folder) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(folder.filter_map(Result::ok).map(|entry| entry.path()));
    }
    files.sort();
    files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(text: &str) -> (String, String) {
        let archive = Archive::of(&[text.to_owned()]);
        (archive.uri, archive.keyring)
    }

    #[test]
    fn the_archive_is_the_one_the_system_uses() {
        let cases = [
            ("", ARCHIVE, KEYRING),
            (
                "# deb http://old.example/debian bookworm main\n",
                ARCHIVE,
                KEYRING,
            ),
            (
                "deb http://near.example/debian bookworm main\n",
                "http://near.example/debian",
                KEYRING,
            ),
            (
                "deb [arch=amd64 signed-by=/k.gpg] https://near.example/debian/ bookworm main",
                "https://near.example/debian/",
                "/k.gpg",
            ),
            (
                "Types: deb deb-src\nURIs: http://near.example/debian\nSuites: bookworm\nSigned-By: /k.gpg\n",
                "http://near.example/debian",
                "/k.gpg",
            ),
            (
                "Types: deb\nURIs: https://other.example/tools\n\nTypes: deb\n# note\nURIs: http://near.example/debian\n",
                "http://near.example/debian",
                KEYRING,
            ),
            (
                "Types: deb\nURIs: http://near.example/debian-security\n",
                ARCHIVE,
                KEYRING,
            ),
            (
                "Types: deb-src\nURIs: http://near.example/debian\n",
                ARCHIVE,
                KEYRING,
            ),
        ];
        for (text, uri, keyring) in cases {
            assert_eq!(
                archive(text),
                (uri.to_owned(), keyring.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn versions_compare_by_their_upstream_part() {
        for (version, upstream) in [
            ("1.95.0+dfsg1-2~bpo13+1", "1.95.0"),
            ("1.96.0-1", "1.96.0"),
            ("2:1.2~rc1-3", "1.2"),
            ("1.63.0", "1.63.0"),
        ] {
            assert_eq!(upstream_of(version), upstream);
        }
        let rows = " rust-src | 1.96.0+dfsg1-1 | http://a/debian x/main amd64 Packages\n\
                    rust-src | 1.95.0+dfsg1-2~bpo13+1 | http://a/debian x/main amd64 Packages\n";
        assert_eq!(
            matching_version(rows, "1.95.0"),
            Some("1.95.0+dfsg1-2~bpo13+1")
        );
        assert_eq!(matching_version(rows, "1.9"), None);
    }
}
