//! The folder that the server serves files from: names with the hash of the content, so that they
//! may be kept for ever, and compressed copies beside them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    error::Error,
    project::{Profile, Project},
    step::{Step, say},
};

/// What a compressed copy is worth for; fonts and pictures are compressed already.
const COMPRESSED_KINDS: [&str; 7] = ["css", "html", "js", "json", "svg", "txt", "wasm"];
/// Below this the answer fits into one packet anyway.
const COMPRESSED_BYTES_MIN: usize = 1_000;

/// The first 16 hex digits of the SHA-256.
pub fn content_hash(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..8])
}

/// What the site will hold: paths below its root, and their content.
#[derive(Debug, Default)]
struct Site {
    files: BTreeMap<PathBuf, Vec<u8>>,
    hashes: Vec<(&'static str, String)>,
}

impl Site {
    /// A file whose name gets the hash of its content, under the key that Leptos looks it up by.
    fn add_hashed(&mut self, folder: &str, name: &str, kind: &'static str, content: Vec<u8>) {
        let hash = content_hash(&content);
        self.files.insert(
            Path::new(folder).join(format!("{name}.{hash}.{kind}")),
            content,
        );
        self.hashes.push((kind, hash));
    }

    /// All files of a folder, below `at`.
    fn add_folder(&mut self, folder: &Path, at: &Path) -> Result<(), Error> {
        for entry in fs::read_dir(folder).map_err(Error::io("reading", folder))? {
            let entry = entry.map_err(Error::io("reading", folder))?;
            let (path, name) = (entry.path(), at.join(entry.file_name()));
            if path.is_dir() {
                self.add_folder(&path, &name)?;
            } else {
                let content = fs::read(&path).map_err(Error::io("reading", &path))?;
                self.files.insert(name, content);
            }
        }
        Ok(())
    }

    /// The lines that `leptos` and `leptos_meta` 0.8 read: `js: HASH`, `wasm: HASH`, `css: HASH`.
    fn hash_lines(&self) -> String {
        let lines = self.hashes.iter().map(|(kind, hash)| {
            format!(
                "{kind}: {hash}
"
            )
        });
        lines.collect::<Vec<_>>().concat()
    }

    /// Makes `root` hold exactly these files, writing only what differs. Returns what deserves a
    /// compressed copy that isn't there yet.
    fn write(&self, root: &Path, compress: bool) -> Result<Vec<PathBuf>, Error> {
        let mut missing = Vec::new();
        let mut keep = Vec::new();
        for (name, content) in &self.files {
            let path = root.join(name);
            let same = fs::read(&path).is_ok_and(|old| old == *content);
            if !same {
                let folder = path.parent().unwrap_or(root);
                fs::create_dir_all(folder).map_err(Error::io("making", folder))?;
                fs::write(&path, content).map_err(Error::io("writing", &path))?;
            }
            if compress && worth_compressing(name, content.len()) {
                let copies = [with_suffix(&path, "br"), with_suffix(&path, "gz")];
                if !same || !copies.iter().all(|copy| copy.exists()) {
                    missing.push(path.clone());
                }
                keep.extend(copies);
            }
            keep.push(path);
        }
        keep.sort();
        remove_others(root, &keep)?;
        Ok(missing)
    }
}

fn worth_compressing(name: &Path, bytes: usize) -> bool {
    let kind = name
        .extension()
        .and_then(|kind| kind.to_str())
        .unwrap_or_default();
    bytes >= COMPRESSED_BYTES_MIN && COMPRESSED_KINDS.contains(&kind)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// `keep` is sorted.
fn remove_others(folder: &Path, keep: &[PathBuf]) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            remove_others(&path, keep)?;
        } else if keep.binary_search(&path).is_err() {
            fs::remove_file(&path).map_err(Error::io("removing", &path))?;
        }
    }
    Ok(())
}

/// Fills the site's folder from the bound browser module (`bound`), the style sheet and the files
/// that are served as they are, and writes the hashes beside the server's binary.
pub fn publish(
    project: &Project,
    profile: Profile,
    bound: &Path,
    style_sheet: &Path,
) -> Result<(), Error> {
    let leptos = &project.leptos;
    let (name, folder) = (leptos.output_name(), leptos.site_pkg_dir.as_str());
    let mut site = Site::default();
    site.add_folder(&project.root.join(&leptos.assets_dir), Path::new(""))?;
    let snippets = bound.join("snippets");
    if snippets.exists() {
        site.add_folder(&snippets, &Path::new(folder).join("snippets"))?;
    }
    for (kind, path) in [
        ("js", bound.join(format!("{name}.js"))),
        ("wasm", bound.join(format!("{name}_bg.wasm"))),
        ("css", style_sheet.to_owned()),
    ] {
        let content = fs::read(&path).map_err(Error::io("reading", &path))?;
        site.add_hashed(folder, name, kind, content);
    }

    let root = project.site_root(profile);
    let uncompressed = site.write(&root, profile == Profile::Release)?;
    if !uncompressed.is_empty() {
        Step::new("node", "compressing the site's files")
            .arg(project.root.join("xtask/compress.mjs"))
            .args(&uncompressed)
            .fix("install Node.js 20 or newer")
            .output()?;
    }
    let hashes = project.hash_file(profile);
    let beside = hashes.parent().unwrap_or(&project.target);
    fs::create_dir_all(beside).map_err(Error::io("making", beside))?;
    fs::write(&hashes, site.hash_lines()).map_err(Error::io("writing", &hashes))?;
    report(&site, &root);
    Ok(())
}

fn report(site: &Site, root: &Path) {
    for (name, content) in &site.files {
        let hashed = name
            .extension()
            .is_some_and(|kind| kind == "wasm" || kind == "css");
        if hashed {
            let kib_of = |path: &Path| fs::metadata(path).map(|data| data.len() / 1024);
            let brotli = kib_of(&with_suffix(&root.join(name), "br"));
            let brotli = brotli
                .map(|kib| format!(", {kib} KiB with brotli"))
                .unwrap_or_default();
            say(&format!(
                "{}: {} KiB{brotli}",
                name.display(),
                content.len() / 1024
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_holds_exactly_what_was_made_last() {
        let root = std::env::temp_dir().join(format!("xtask-site-{}", std::process::id()));
        let big = vec![b'a'; COMPRESSED_BYTES_MIN];
        let mut site = Site::default();
        site.add_hashed("pkg", "rollcall", "css", big.clone());
        site.files.insert("robots.txt".into(), b"short".to_vec());
        let css = root.join(format!("pkg/rollcall.{}.css", content_hash(&big)));
        assert_eq!(site.hash_lines(), format!("css: {}\n", content_hash(&big)));

        assert_eq!(site.write(&root, true).unwrap(), std::slice::from_ref(&css));
        for suffix in ["br", "gz"] {
            fs::write(with_suffix(&css, suffix), "").unwrap();
        }
        fs::write(root.join("pkg/rollcall.0.css"), "old").unwrap();
        fs::write(root.join("pkg/rollcall.0.css.br"), "old").unwrap();
        assert_eq!(site.write(&root, true).unwrap(), Vec::<PathBuf>::new());
        assert!(!root.join("pkg/rollcall.0.css").exists());
        assert!(!root.join("pkg/rollcall.0.css.br").exists());
        assert!(with_suffix(&css, "br").exists() && root.join("robots.txt").exists());

        // A development build has no compressed copies: an old one would be served instead.
        site.write(&root, false).unwrap();
        assert!(css.exists() && !with_suffix(&css, "br").exists());
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn only_what_shrinks_is_compressed() {
        for (name, bytes, worth) in [
            ("pkg/a.wasm", 1_000_000, true),
            ("icons.svg", 2_000, true),
            ("fonts/inter.woff2", 50_000, false),
            ("robots.txt", 20, false),
            ("LICENSE", 5_000, false),
        ] {
            assert_eq!(worth_compressing(Path::new(name), bytes), worth, "{name}");
        }
    }
}
