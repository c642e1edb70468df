//! Operators: the people who sign in to administer.

use serde::{Deserialize, Serialize};

use crate::{DateTime, id::OperatorId, permission::Role, text::FieldError};

/// The fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The most characters of a password: enough for any sentence, and no load on hashing.
pub const PASSWORD_CHARS_MAX: usize = 512;

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Operator {
    /// Their id.
    pub id: OperatorId,
    /// Their mail address, with which they sign in.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When they were added.
    pub created_at: DateTime,
    /// When they last signed in.
    pub last_signed_in_at: Option<DateTime>,
}

/// One of an operator's sessions, as My Account lists them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLine {
    /// An id to end it by; not the secret in the cookie.
    pub id: uuid::Uuid,
    /// Whether it is the one that asks.
    pub current: bool,
    /// The browser, as it named itself.
    pub user_agent: String,
    /// When it began.
    pub created_at: DateTime,
    /// When it was last used.
    pub last_used_at: DateTime,
}

/// A mail address: one `@`, something before it, a domain with a dot or `localhost` after it,
/// no blanks. What it really reaches only a mail can show.
pub fn parse_email(given: &str) -> Result<String, FieldError> {
    let email = given.trim();
    let refused = || {
        FieldError::new(
            "email",
            "Enter an e-mail address, such as mina@example.com.",
        )
    };
    let (local, host) = email.rsplit_once('@').ok_or_else(refused)?;
    let fits = !local.is_empty()
        && !local.contains('@')
        && (host.contains('.') || host == "localhost")
        && !host.starts_with('.')
        && !host.ends_with('.')
        && email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if fits {
        Ok(email.to_owned())
    } else {
        Err(refused())
    }
}

/// Whether a password is long enough and not absurdly long. Length is the rule, not composition
/// (NIST SP 800-63B §3.1.1).
pub fn check_password(field: &str, given: &str) -> Result<(), FieldError> {
    match given.chars().count() {
        n if n < PASSWORD_CHARS_MIN => Err(FieldError::new(
            field,
            format!("Use at least {PASSWORD_CHARS_MIN} characters; a few words do well."),
        )),
        n if n > PASSWORD_CHARS_MAX => Err(FieldError::new(
            field,
            format!("Use at most {PASSWORD_CHARS_MAX} characters."),
        )),
        _ => Ok(()),
    }
}
