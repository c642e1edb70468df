//! The key `smtp`: the mail server that notifications leave by.

use std::path::{Path, PathBuf};

use backend::mail::{Smtp, SmtpGiven};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::ConfigError;

/// The table as it stands in a file.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { host = \"mail.example.com\", from = \"rollcall@example.com\" }"
)]
pub(super) struct SmtpKeys {
    host: String,
    #[serde(default)]
    port: Option<u16>,
    /// `starttls`, `tls` or `none`.
    #[serde(default)]
    security: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<SecretString>,
    /// A file that holds the password, and nothing else.
    #[serde(default)]
    password_file: Option<PathBuf>,
    from: String,
    #[serde(default)]
    reply_to: Option<String>,
}

impl SmtpKeys {
    /// The mail server, where everything fits together.
    pub(super) fn checked(self) -> Result<Smtp, ConfigError> {
        let password = match (self.password, self.password_file) {
            (Some(_), Some(_)) => {
                return Err(ConfigError::value(
                    "smtp.password_file",
                    "smtp.password is there too; give one of them",
                ));
            }
            (None, Some(file)) => Some(read(&file)?),
            (password, None) => password,
        };
        let given = SmtpGiven {
            host: self.host,
            port: self.port,
            security: self.security,
            username: self.username,
            password: password.filter(|password| !password.expose_secret().is_empty()),
            from: self.from,
            reply_to: self.reply_to,
        };
        Smtp::checked(given).map_err(|error| ConfigError::of_backend("smtp", error))
    }
}

fn read(file: &Path) -> Result<SecretString, ConfigError> {
    let refused = |why: String| {
        ConfigError::value("smtp.password_file", format!("{}: {why}", file.display()))
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| refused(format!("it can’t be read: {error}")))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(refused("it is empty; put the password in it".to_owned())),
        password => Ok(password.into()),
    }
}
