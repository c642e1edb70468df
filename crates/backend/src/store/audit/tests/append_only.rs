//! That nothing in the source changes what was written down, and nothing but retention removes it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where statements may stand.
const ROOTS: [&str; 7] = [
    "app/src",
    "crates",
    "frontend/src",
    "migrations",
    "server/src",
    "server/tests",
    "xtask/src",
];
/// What writes the ends of chains and the heads of days, beside the one file that removes.
const DAYS: &str = "crates/backend/src/store/audit/days.rs";
const RETENTION: &str = "crates/backend/src/store/audit/retention.rs";
/// Statements whose table isn't written in them: over the columns of `sealer::places`, and into the tables
/// of versions.
const ANY_TABLE: [&str; 2] = [
    "crates/backend/src/sealer/rotation.rs",
    "crates/backend/src/store/versions.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn is_of_tests(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    path.contains("/tests/") || name == "tests.rs" || name.ends_with("_tests.rs")
}

/// The files of a folder, and of those in it, by their paths from the root.
fn files(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|end| end == "rs" || end == "sql")
        {
            let path = path.strip_prefix(root()).unwrap();
            found.push(path.to_str().unwrap().replace('\\', "/"));
        }
    }
}

/// The words of a file, without its own tests at the end, and without what stands around the words.
fn words(path: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '{'))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The statements of a file that change or remove rows, each with its table.
fn statements(path: &str) -> Vec<(&'static str, String)> {
    let words = words(path);
    let lower: Vec<_> = words.iter().map(|word| word.to_lowercase()).collect();
    let word = |at: usize| lower.get(at).map_or("", String::as_str);
    let mut found = Vec::new();
    for (at, first) in words.iter().enumerate() {
        let (what, table) = match (word(at), word(at + 1)) {
            ("update", "only" | "or") => continue,
            ("update", table) => ("UPDATE", table),
            ("delete", "from") => ("DELETE", word(at + 2)),
            ("truncate" | "drop", "table") => ("DROP", word(at + 2)),
            ("alter", "table") => ("ALTER", word(at + 2)),
            ("replace" | "merge", "into") => ("REPLACE", word(at + 2)),
            ("into", table) => ("INSERT", table),
            _ => continue,
        };
        let is_audit = ["audit_event", "audit_chain", "audit_day"].contains(&table);
        // Where the table is put in, what isn't in capitals is prose.
        let is_any = table.starts_with('{') && *first == first.to_uppercase();
        if is_audit || is_any {
            found.push((what, table.to_owned()));
        }
    }
    found
}

#[test]
fn no_statement_changes_an_entry_and_only_retention_removes_any() {
    let mut all = Vec::new();
    for folder in ROOTS {
        files(&root().join(folder), &mut all);
    }
    all.retain(|path| !is_of_tests(path));
    assert!(all.len() > 300, "the source is elsewhere: {}", all.len());
    let mut seen = Vec::new();
    for path in &all {
        for (what, table) in statements(path) {
            let may = match (what, table.as_str()) {
                ("INSERT", "audit_event") => path == "crates/backend/src/store/audit/mod.rs",
                ("INSERT" | "UPDATE", "audit_chain") | ("INSERT", "audit_day") => path == DAYS,
                ("UPDATE", "audit_day") => path == DAYS || path == RETENTION,
                ("DELETE", "audit_event" | "audit_chain") => path == RETENTION,
                (_, table) if table.starts_with('{') => ANY_TABLE.contains(&path.as_str()),
                _ => false,
            };
            assert!(may, "{path}: {what} {table}");
            seen.push(format!("{what} {table}"));
        }
    }
    // Else this looks at nothing.
    for statement in [
        "INSERT audit_event",
        "UPDATE audit_chain",
        "UPDATE audit_day",
        "DELETE audit_event",
        "DELETE audit_chain",
    ] {
        assert!(
            seen.iter().any(|one| one == statement),
            "{statement}: {seen:?}"
        );
    }
    let places = fs::read_to_string(root().join("crates/backend/src/sealer/places.rs")).unwrap();
    assert!(
        places.contains("credential_profile") && !places.contains("\"audit_"),
        "what is sealed is written anew when the key is rotated"
    );
}

/// A row that goes with another one would be removed by no statement that names its table.
#[test]
fn no_entry_goes_with_another_row() {
    for database in ["sqlite", "postgres"] {
        let path = root().join(format!("migrations/{database}/0001_initial.sql"));
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("TRIGGER"), "{database}");
        let mut tables = 0;
        for table in text.split("CREATE TABLE ").skip(1) {
            if table.starts_with("audit_") {
                let definition = table.split(';').next().unwrap();
                assert!(
                    !definition.contains("REFERENCES"),
                    "{database}: {definition}"
                );
                tables += 1;
            }
        }
        assert_eq!(tables, 3, "{database}");
    }
}
