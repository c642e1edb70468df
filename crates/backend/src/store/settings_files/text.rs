//! A settings file as text: JSON or TOML, told apart by how it begins.

use domain::{
    settings::file::{FILE_BYTES_MAX, FILE_VERSION, FileContent, FileFormat, SettingsFile},
    text::FieldError,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{Error, Result};

/// How alike an unknown key and a right one are before the right one is suggested.
const LIKENESS_MIN: f64 = 0.6;

/// The text of a file.
pub(super) fn write(file: &SettingsFile, format: FileFormat) -> Result<String> {
    let unwritable = |error: &dyn std::fmt::Display| {
        Error::Internal(format!("settings can’t be written as {format}: {error}"))
    };
    match format {
        FileFormat::Json => serde_json::to_string_pretty(file)
            .map(|text| text + "\n")
            .map_err(|error| unwritable(&error)),
        FileFormat::Toml => toml::to_string_pretty(file).map_err(|error| unwritable(&error)),
    }
}

/// What a file holds. What can't be read is named with its line, its place and, for a key that
/// doesn't exist, the nearest that does.
pub fn read(text: &str) -> Result<FileContent> {
    Ok(parse(text)?.content()?)
}

fn parse(text: &str) -> std::result::Result<SettingsFile, FieldError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(FieldError::new("", "Choose a settings file, or paste one."));
    }
    if text.len() > FILE_BYTES_MAX {
        let message = format!("A settings file has at most {} KiB.", FILE_BYTES_MAX / 1024);
        return Err(FieldError::new("", message));
    }
    if text.trim_start().starts_with('{') {
        known_version(serde_json::from_str(text).ok())?;
        json(text)
    } else {
        known_version(toml::from_str(text).ok())?;
        toml(text)
    }
}

/// What says whether the rest can be read.
#[derive(Deserialize)]
struct Beginning {
    rollcall: Option<Value>,
    version: Option<Value>,
}

/// Looked at first: a file of another version may have other keys. What can't be read at all is
/// told by whoever reads it whole.
fn known_version(beginning: Option<Beginning>) -> std::result::Result<(), FieldError> {
    let Some(Beginning { rollcall, version }) = beginning else {
        return Ok(());
    };
    if rollcall != Some(Value::from("settings")) {
        return Err(FieldError::new(
            "rollcall",
            "This is no settings file of Rollcall: it has no rollcall = \"settings\" at its top.",
        ));
    }
    if version == Some(Value::from(FILE_VERSION)) {
        return Ok(());
    }
    let given = version.map_or_else(
        || "no version".to_owned(),
        |given| format!("version {given}"),
    );
    Err(FieldError::new(
        "version",
        format!("This file is of {given}; this Rollcall reads version {FILE_VERSION}."),
    ))
}

fn json(text: &str) -> std::result::Result<SettingsFile, FieldError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let file = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        refused(
            &path,
            &without_place(&inner.to_string()),
            Some(inner.line()),
        )
    })?;
    reader
        .end()
        .map_err(|error| refused(".", "the file goes on after its end", Some(error.line())))?;
    Ok(file)
}

/// The message of `serde_json` without its "at line 1 column 2", which stands before it here.
fn without_place(message: &str) -> String {
    let place = message.rfind(" at line ").unwrap_or(message.len());
    message[..place].to_owned()
}

fn toml(text: &str) -> std::result::Result<SettingsFile, FieldError> {
    let line = |error: &toml::de::Error| {
        let span = error.span()?;
        let before = text.get(..span.start)?;
        Some(before.matches('\n').count() + 1)
    };
    let reader = toml::Deserializer::parse(text)
        .map_err(|error| refused(".", error.message(), line(&error)))?;
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        refused(&path, inner.message(), line(&inner))
    })
}

/// What is wrong, and where.
fn refused(path: &str, message: &str, line: Option<usize>) -> FieldError {
    let path = match path {
        "." | "?" => "",
        path => path,
    };
    let (message, unknown) = said(message);
    // An unknown or missing key is told of what stands around it.
    let place = match unknown {
        Some(key) if path.is_empty() => key,
        Some(key) if path != key && !path.ends_with(&format!(".{key}")) => format!("{path}.{key}"),
        _ => path.to_owned(),
    };
    let mut sentence = line.map_or_else(String::new, |line| format!("Line {line}: "));
    if !place.is_empty() {
        sentence.push_str(&place);
        sentence.push_str(": ");
    }
    sentence.push_str(&message);
    if !message.ends_with('?') {
        sentence.push('.');
    }
    FieldError::new(&place, sentence)
}

/// A message of serde in plainer words, and the key it is about where it is about one.
fn said(message: &str) -> (String, Option<String>) {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let first = quoted.next().map(str::to_owned);
    let known: Vec<_> = quoted.collect();
    let about = |what: &str| {
        let given = first.as_deref().unwrap_or_default();
        format!("{what}; {}", suggest(given, &known))
    };
    if message.starts_with("unknown field") {
        (about("there is no such key"), first)
    } else if message.starts_with("unknown variant") {
        let given = first.as_deref().unwrap_or_default();
        (about(&format!("“{given}” can’t stand here")), None)
    } else if message.starts_with("missing field") {
        ("it is missing".to_owned(), first)
    } else if message.starts_with("duplicate field") {
        ("it stands here twice".to_owned(), first)
    } else {
        (message.trim().replace('\n', ", "), None)
    }
}

fn suggest(given: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|known| (strsim::jaro_winkler(given, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, nearest)) if likeness >= LIKENESS_MIN => {
            format!("did you mean “{nearest}”?")
        }
        Some(_) => format!("there are {}", known.join(", ")),
        None => "nothing can".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        integration::IntegrationKind,
        policy::{Limit, Policy},
        schedule::Schedule,
        settings::file::{AdministratorsInFile, GroupInFile, IntegrationFile},
    };

    use super::*;

    fn file() -> SettingsFile {
        let mut policy = Policy {
            include_guests: true,
            ..Policy::default()
        };
        policy.guard.user = Limit {
            max_count: None,
            max_percent: 30,
        };
        SettingsFile::of(FileContent::Integration(IntegrationFile {
            kind: IntegrationKind::EntraId,
            tenant: "contoso.example".to_owned(),
            cloud: "global".to_owned(),
            credential_profile: Some("Shared".to_owned()),
            enabled: true,
            schedule: Schedule::cron("0 6 * * 1-5"),
            selected_groups: vec![GroupInFile {
                id: "11111111-2222-4333-8444-555555555555".parse().unwrap(),
                name: Some("Sales “EU”".to_owned()),
            }],
            administrators: Some(AdministratorsInFile::default()),
            policy,
        }))
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for format in FileFormat::ALL {
            let text = write(&file(), *format).unwrap();
            assert_eq!(parse(&text).unwrap(), file(), "{text}");
            assert_eq!(parse(&format!("\u{feff}{text}")).unwrap(), file());
        }
    }

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().message
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_its_place() {
        let toml = write(&file(), FileFormat::Toml).unwrap();
        let said = refusal(&toml.replace("include_guests", "include_gests"));
        assert!(said.starts_with("Line "), "{said}");
        assert!(
            said.ends_with(
                "integration.policy.include_gests: there is no such key; did you mean “include_guests”?"
            ),
            "{said}"
        );
        let json = write(&file(), FileFormat::Json).unwrap();
        let said = refusal(&json.replace("\"disable\",", "\"disabled\","));
        assert!(
            said.contains("integration.policy.out_of_scope: “disabled” can’t stand here; did you mean “disable”?"),
            "{said}"
        );
        let said = refusal(&json.replace("\"tenant\"", "\"tenand\""));
        assert!(
            said.contains("integration.tenand: there is no such key; did you mean “tenant”?"),
            "{said}"
        );
        let said = refusal(&toml.replace("enabled = true", "enabled = 1"));
        assert!(said.contains("integration.enabled: "), "{said}");
        let said = refusal(&toml.replace("enabled = true\n", ""));
        assert!(
            said.contains("integration.enabled: it is missing."),
            "{said}"
        );
        assert!(refusal("{\"rollcall\": ").starts_with("Line 1: "));
        assert!(refusal("rollcall = \n").starts_with("Line 1: "));
    }

    #[test]
    fn a_file_of_another_version_or_kind_is_refused_as_that() {
        let json = write(&file(), FileFormat::Json).unwrap();
        let newer = json.replace("\"version\": 1", "\"version\": 2, \"novelty\": true");
        assert!(refusal(&newer).contains("of version 2; this Rollcall reads version 1"));
        assert!(refusal("{\"a\": 1}").contains("no settings file of Rollcall"));
        assert!(refusal("a = 1").contains("no settings file of Rollcall"));
        assert!(refusal(" \n").contains("Choose a settings file"));
        let long = format!("# {}", "x".repeat(FILE_BYTES_MAX));
        assert!(refusal(&long).contains("at most 900 KiB"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_reads_the_same(
            on in proptest::prelude::any::<[bool; 4]>(),
            days in 1..3650u32,
            count in proptest::option::of(0..1000u32),
            percent in 0..=100u8,
            name in "[a-zA-Z0-9 =\\[\\]\"'#.\\\\-é😀]{0,12}",
        ) {
            let mut file = file();
            if let Some(integration) = &mut file.integration {
                integration.enabled = on[0];
                integration.selected_groups[0].name = Some(name.clone());
                integration.credential_profile = on[1].then(|| name.clone());
                let group = integration.selected_groups.first().cloned();
                let administrators = AdministratorsInFile { group: group.filter(|_| on[2]) };
                integration.administrators = on[3].then_some(administrators);
                let policy = &mut integration.policy;
                policy.include_nested = on[2];
                policy.actions.update = on[3];
                policy.delete_after_days = days;
                for limit in [&mut policy.guard.group, &mut policy.guard.membership] {
                    *limit = Limit { max_count: count, max_percent: percent };
                }
            }
            for format in FileFormat::ALL {
                let text = write(&file, *format).unwrap();
                proptest::prop_assert_eq!(parse(&text).unwrap(), file.clone());
            }
        }

        #[test]
        fn nothing_that_is_given_panics(text in ".{0,200}") {
            _ = parse(&text);
            _ = parse(&format!("{{{text}"));
        }
    }
}
