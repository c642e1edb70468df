//! What is wrong with the configuration, in one line with the fix.

use std::path::PathBuf;

use figment::error::Kind;

/// How alike an unknown key and a right one are before the right one is suggested.
const LIKENESS_MIN: f64 = 0.6;

/// Why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The named file isn't there.
    #[error("configuration file {}: not found; name one that exists with --config", .0.display())]
    NoFile(PathBuf),
    /// A key that doesn't exist.
    #[error("configuration: unknown key “{key}” in {place}; {}", suggest(.key, .known))]
    UnknownKey {
        /// The key as given, with the tables it stands in.
        key: String,
        /// The file or the environment.
        place: String,
        /// The keys that exist there.
        known: &'static [&'static str],
    },
    /// A value that can't be.
    #[error("configuration: {key}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A file that can't be read as TOML, or a value of another type.
    #[error("configuration in {place}: {reason}")]
    Unreadable {
        /// The file or the environment.
        place: String,
        /// What is wrong.
        reason: String,
    },
}

fn suggest(key: &str, known: &[&str]) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let nearest = known
        .iter()
        .map(|known| (strsim::jaro_winkler(last, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, nearest)) if likeness >= LIKENESS_MIN => {
            format!("did you mean “{nearest}”?")
        }
        _ => format!("the keys are {}", known.join(", ")),
    }
}

impl ConfigError {
    pub(super) fn value(key: &str, reason: impl Into<String>) -> Self {
        Self::Value {
            key: key.to_owned(),
            reason: reason.into(),
        }
    }

    /// What the backend says of a value of `key`.
    pub(super) fn of_backend(key: &str, error: backend::Error) -> Self {
        match error {
            backend::Error::Configuration { key, problem } => Self::value(&key, problem),
            error => Self::value(key, error.to_string()),
        }
    }

    pub(super) fn from_figment(error: figment::Error) -> Self {
        let path = error.path.join(".");
        let place = error.metadata.as_ref().map_or_else(
            || "the environment".to_owned(),
            |metadata| match metadata
                .source
                .as_ref()
                .and_then(|source| source.file_path())
            {
                Some(file) => file.display().to_string(),
                None => metadata.name.to_string(),
            },
        );
        match error.kind {
            Kind::UnknownField(field, known) => Self::UnknownKey {
                key: match path.rsplit_once('.') {
                    _ if path.is_empty() || path == field => field,
                    Some((table, last)) if last == field => format!("{table}.{field}"),
                    _ => format!("{path}.{field}"),
                },
                place,
                known,
            },
            kind if path.is_empty() => Self::Unreadable {
                place,
                reason: one_line(&kind.to_string()),
            },
            kind if holds_secrets(&error.path) => Self::Value {
                key: path,
                reason: format!("{} (in {place})", one_line(&without_value(kind))),
            },
            kind => Self::Value {
                key: path,
                reason: format!("{} (in {place})", one_line(&kind.to_string())),
            },
        }
    }
}

/// Whether what stands at a path, or below it, may be a password, so that it must not get into a
/// log.
fn holds_secrets(path: &[String]) -> bool {
    path.first()
        .is_some_and(|key| ["smtp", "master_key_command", "oidc_providers"].contains(&key.as_str()))
}

/// What was expected, without what was found.
fn without_value(kind: Kind) -> String {
    match kind {
        // Of Rollcall itself, which repeats no value there.
        Kind::Message(text) => text,
        Kind::InvalidType(_, expected) => format!("invalid type: expected {}", plain(&expected)),
        Kind::InvalidValue(_, expected) => format!("invalid value: expected {}", plain(&expected)),
        Kind::MissingField(_) | Kind::DuplicateField(_) => kind.to_string(),
        _ => "this value can’t be used here".to_owned(),
    }
}

/// What serde expected, in words.
fn plain(expected: &str) -> &str {
    match expected {
        "u16" => "a port, 0 to 65535",
        "path string" => "a path as a string",
        other => other,
    }
}

/// TOML's parser explains over several lines; a refusal has one. The lines that show a part of the
/// file, `3 | password = …`, are left out: they may hold a password.
fn one_line(text: &str) -> String {
    let shows = |line: &str| {
        line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ')
            .starts_with('|')
    };
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !shows(line))
        .collect::<Vec<_>>()
        .join(" ")
}
