//! Text that a person or a program typed, and what is wrong with it.

use serde::{Deserialize, Serialize};

/// The longest name Entra ID gives to a user or a group (graph.md §6.2), and ours too.
pub const NAME_CHARS_MAX: usize = 256;

/// A value that is not one of a fixed list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{given}” is not one of {}", expected.join(", "))]
pub struct UnknownText {
    given: String,
    expected: Vec<&'static str>,
}

impl UnknownText {
    /// `given` was found where one of `expected` should stand.
    pub fn new(given: &str, expected: &[&'static str]) -> Self {
        Self {
            given: given.to_owned(),
            expected: expected.to_vec(),
        }
    }
}

/// One field that can't be accepted, in words for the person who filled it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// The field's name as in the API.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl FieldError {
    /// Blames `field`.
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            message: message.into(),
        }
    }
}

/// A name as people give it to customers, profiles, operators and tokens: trimmed, not empty,
/// at most [`NAME_CHARS_MAX`] characters, without control characters.
pub fn parse_name(field: &str, given: &str) -> Result<String, FieldError> {
    let name = given.trim();
    if name.is_empty() {
        return Err(FieldError::new(field, "Enter a name."));
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(FieldError::new(
            field,
            format!("Use at most {NAME_CHARS_MAX} characters."),
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(FieldError::new(
            field,
            "Line breaks and control characters can’t be used here.",
        ));
    }
    Ok(name.to_owned())
}

/// The most characters of a note that a person gives to what they do.
pub const NOTE_CHARS_MAX: usize = 500;

/// A note in a person's words, which may be empty and may have lines: trimmed, at most
/// [`NOTE_CHARS_MAX`] characters.
pub fn parse_note<'a>(field: &str, given: &'a str) -> Result<&'a str, FieldError> {
    let note = given.trim();
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(FieldError::new(
            field,
            format!("Use at most {NOTE_CHARS_MAX} characters."),
        ));
    }
    if note
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(FieldError::new(
            field,
            "Control characters other than line breaks can’t be used here.",
        ));
    }
    Ok(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_bounded_by_characters_not_bytes() {
        assert_eq!(parse_name("name", "  Contoso 🏢 ").unwrap(), "Contoso 🏢");
        assert!(parse_name("name", &"🏢".repeat(256)).is_ok());
        assert!(parse_name("name", &"🏢".repeat(257)).is_err());
        assert!(parse_name("name", "   ").is_err());
        assert!(parse_name("name", "a\nb").is_err());
    }

    #[test]
    fn a_note_has_lines_and_no_other_control_characters() {
        assert_eq!(parse_note("note", " a\nb ").unwrap(), "a\nb");
        assert_eq!(parse_note("note", "").unwrap(), "");
        assert!(parse_note("note", "a\0b").is_err());
        assert!(parse_note("note", &"🏢".repeat(500)).is_ok());
        assert!(parse_note("note", &"🏢".repeat(501)).is_err());
    }
}
