//! Accounts that people of a directory activate themselves: the invitation, what its mail says, and
//! how far somebody has come.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{CustomerId, UserId},
    notification::DeliveryStatus,
    run::RunError,
    second_factor::SecondFactors,
    text::FieldError,
    text_enum,
};

text_enum! {
    /// How far a user has come with an account of their own.
    pub enum EnrolmentState {
        /// Nobody invited them.
        NotInvited = "not_invited",
        /// A mail with a link is on its way, or was sent, and the link is good.
        Invited = "invited",
        /// The mail was not taken by a mail server.
        MailFailed = "mail_failed",
        /// The link was not followed in time.
        Expired = "expired",
        /// They set a password, and can sign in while they are active.
        Enrolled = "enrolled",
    }
}

impl EnrolmentState {
    /// The state as a table shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NotInvited => "Not invited",
            Self::Invited => "Invited",
            Self::MailFailed => "Mail failed",
            Self::Expired => "Expired",
            Self::Enrolled => "Enrolled",
        }
    }
}

text_enum! {
    /// The language of a mail.
    pub enum Language {
        /// English.
        English = "en",
        /// Dutch.
        Dutch = "nl",
    }
}

impl Language {
    /// The language as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Dutch => "Nederlands",
        }
    }

    /// The subject of an invitation, where the customer set none.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::English => "Activate your account at {customer}",
            Self::Dutch => "Activeer uw account bij {customer}",
        }
    }

    /// What an invitation says above its link, where the customer set nothing.
    pub const fn text(self) -> &'static str {
        match self {
            Self::English => {
                "Hello {name},\n\n{customer} has made an account for you. You sign in as {user_name}.\n\nChoose a password to activate it."
            }
            Self::Dutch => {
                "Hallo {name},\n\n{customer} heeft een account voor u gemaakt. U meldt zich aan als {user_name}.\n\nKies een wachtwoord om het te activeren."
            }
        }
    }
}

/// What may stand in braces in a subject or a text, and what it is replaced by.
pub const PLACEHOLDERS: [(&str, &str); 4] = [
    ("{name}", "the person’s name"),
    ("{user_name}", "what they sign in as"),
    ("{customer}", "the customer’s name"),
    ("{days}", "for how many days the link is good"),
];

/// The fewest and the most days that a link may be good.
pub const LINK_DAYS: std::ops::RangeInclusive<i64> = 1..=60;
/// The longest name of a sender, in characters.
pub const SENDER_CHARS_MAX: usize = 100;
/// The longest subject, in characters.
pub const SUBJECT_CHARS_MAX: usize = 200;
/// The longest text, in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// The most people that are invited at once.
pub const AT_ONCE_MAX: u32 = 1_000;

/// How a customer's people are invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct EnrolmentSettings {
    /// The language of the mail.
    pub language: Language,
    /// Whom the mail is from, by name; null: as the installation's mails are.
    pub sender_name: Option<String>,
    /// Whom an answer goes to; null: as with the installation's mails.
    pub reply_to: Option<String>,
    /// The subject; null: that of the language. May hold placeholders, such as `{customer}`.
    pub subject: Option<String>,
    /// What stands above the link, in paragraphs; null: that of the language. May hold placeholders.
    pub text: Option<String>,
    /// For how many days the link is good, 1 to 60.
    pub link_days: i64,
}

impl Default for EnrolmentSettings {
    fn default() -> Self {
        Self {
            language: Language::English,
            sender_name: None,
            reply_to: None,
            subject: None,
            text: None,
            link_days: 14,
        }
    }
}

impl EnrolmentSettings {
    /// Brings the settings into their one form (what is blank or says the default is absent), or says
    /// what can't be.
    pub fn checked(self) -> Result<Self, FieldError> {
        let language = self.language;
        let settings = Self {
            sender_name: line("sender_name", self.sender_name, SENDER_CHARS_MAX)?,
            reply_to: line("reply_to", self.reply_to, 254)?,
            subject: line("subject", self.subject, SUBJECT_CHARS_MAX)?
                .filter(|subject| subject != language.subject()),
            text: text("text", self.text)?.filter(|text| text != language.text()),
            ..self
        };
        if !LINK_DAYS.contains(&settings.link_days) {
            return Err(FieldError::new(
                "link_days",
                "Choose between 1 and 60 days.",
            ));
        }
        for (field, words) in [("subject", &settings.subject), ("text", &settings.text)] {
            if let Some(unknown) = words.as_deref().and_then(unknown_placeholder) {
                let known = PLACEHOLDERS.map(|(name, _)| name).join(", ");
                return Err(FieldError::new(
                    field,
                    format!("{unknown} is no placeholder. There are {known}."),
                ));
            }
        }
        Ok(settings)
    }

    /// The subject, with its placeholders.
    pub fn subject(&self) -> &str {
        self.subject
            .as_deref()
            .unwrap_or_else(|| self.language.subject())
    }

    /// The text, with its placeholders.
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_else(|| self.language.text())
    }
}

fn line(field: &str, given: Option<String>, most: usize) -> Result<Option<String>, FieldError> {
    let Some(given) = filled(given) else {
        return Ok(None);
    };
    if given.chars().any(char::is_control) {
        return Err(FieldError::new(field, "Use one line of plain text."));
    }
    no_longer(field, given, most).map(Some)
}

fn text(field: &str, given: Option<String>) -> Result<Option<String>, FieldError> {
    let Some(given) = filled(given) else {
        return Ok(None);
    };
    // As forms send it (HTML §4.10.21.4).
    let given = given.replace("\r\n", "\n");
    if given.chars().any(|one| one.is_control() && one != '\n') {
        return Err(FieldError::new(field, "Use plain text."));
    }
    no_longer(field, given, TEXT_CHARS_MAX).map(Some)
}

fn filled(given: Option<String>) -> Option<String> {
    given
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn no_longer(field: &str, given: String, most: usize) -> Result<String, FieldError> {
    if given.chars().count() > most {
        let message = format!("Use at most {most} characters.");
        return Err(FieldError::new(field, message));
    }
    Ok(given)
}

/// A word in braces that stands for nothing.
fn unknown_placeholder(words: &str) -> Option<String> {
    let mut rest = words;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let end = rest[1..].find(['{', '}', ' ', '\n']).map(|end| end + 1)?;
        let word = &rest[..=end];
        if word.ends_with('}') && !PLACEHOLDERS.iter().any(|(name, _)| *name == word) {
            return Some(word.to_owned());
        }
        rest = &rest[end..];
    }
    None
}

/// Words with their placeholders replaced; each value is in order of [`PLACEHOLDERS`]. What a value
/// itself holds in braces stays as it is.
pub fn filled_in(words: &str, values: [&str; PLACEHOLDERS.len()]) -> String {
    let mut out = String::with_capacity(words.len() + 64);
    let mut rest = words;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = PLACEHOLDERS
            .iter()
            .zip(values)
            .find(|((name, _), _)| rest.starts_with(name));
        if let Some(((name, _), value)) = known {
            out.push_str(value);
            rest = &rest[name.len()..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// An invitation's mail as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolmentMail {
    /// Whom it is from, as mail programs show it.
    pub from: String,
    /// Its subject.
    pub subject: String,
    /// What it says, as plain text.
    pub text: String,
    /// What it says, as HTML.
    pub html: String,
}

/// How a user stands with an account of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrolment {
    /// The user.
    pub user_id: UserId,
    /// Their customer.
    pub customer_id: CustomerId,
    /// How far they have come.
    pub state: EnrolmentState,
    /// When they were last invited.
    pub invited_at: Option<DateTime>,
    /// By whom, by name.
    pub invited_by: Option<String>,
    /// When the link of the last mail ends, or ended.
    pub link_expires_at: Option<DateTime>,
    /// When they set a password.
    pub enrolled_at: Option<DateTime>,
    /// When they last signed in.
    pub last_signed_in_at: Option<DateTime>,
    /// Since when their authenticator app is asked for after the password.
    pub authenticator_since: Option<DateTime>,
}

/// A mail to a user, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserMail {
    /// The address it went to.
    pub address: String,
    /// When it was asked for.
    pub created_at: DateTime,
    /// By whom, by name.
    pub invited_by: String,
    /// What came of it so far.
    pub status: DeliveryStatus,
    /// Attempts so far.
    pub attempts: i64,
    /// When the last attempt was made.
    pub attempted_at: Option<DateTime>,
    /// When somebody said that it came back, after a mail server took it.
    pub bounced_at: Option<DateTime>,
    /// Why the last attempt failed.
    pub error: Option<RunError>,
}

/// What came of inviting several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invited {
    /// How many mails are on their way.
    pub invited: i64,
    /// How many active users with an address were never invited and still are not.
    pub left: i64,
}

/// What somebody who follows the link of an invitation is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// Their name.
    pub name: String,
    /// What they sign in as.
    pub user_name: String,
    /// Their customer's name.
    pub customer_name: String,
    /// The language of the mail.
    pub language: Language,
    /// When the link ends.
    pub expires_at: DateTime,
}

/// What somebody sees of their own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAccount {
    /// Their name.
    pub name: String,
    /// What they sign in as.
    pub user_name: String,
    /// The other addresses that they can sign in with.
    pub aliases: Vec<String>,
    /// Their mail address.
    pub mail: Option<String>,
    /// Their customer's name.
    pub customer_name: String,
    /// The groups they are in, by name.
    pub groups: Vec<String>,
    /// Since when they have the account.
    pub enrolled_at: DateTime,
    /// What is asked of them beside the password.
    pub second_factors: SecondFactors,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_blank_or_the_default_is_absent() {
        let settings = EnrolmentSettings {
            sender_name: Some("  ".to_owned()),
            subject: Some(Language::English.subject().to_owned()),
            text: Some("Hello {name},\r\n\r\nwelcome. ".to_owned()),
            ..EnrolmentSettings::default()
        };
        let checked = settings.checked().unwrap();
        assert_eq!(checked.sender_name, None);
        assert_eq!(checked.subject, None);
        assert_eq!(checked.text.as_deref(), Some("Hello {name},\n\nwelcome."));
    }

    #[test]
    fn what_cannot_be_names_its_field() {
        let default = EnrolmentSettings::default;
        let cases = [
            (
                EnrolmentSettings {
                    link_days: 0,
                    ..default()
                },
                "link_days",
            ),
            (
                EnrolmentSettings {
                    link_days: 61,
                    ..default()
                },
                "link_days",
            ),
            (
                EnrolmentSettings {
                    subject: Some("a\nBcc: x@y.example".to_owned()),
                    ..default()
                },
                "subject",
            ),
            (
                EnrolmentSettings {
                    subject: Some("Hello {nmae}".to_owned()),
                    ..default()
                },
                "subject",
            ),
            (
                EnrolmentSettings {
                    text: Some("x".repeat(TEXT_CHARS_MAX + 1)),
                    ..default()
                },
                "text",
            ),
        ];
        for (settings, field) in cases {
            assert_eq!(settings.checked().unwrap_err().field, field);
        }
    }

    #[test]
    fn what_stands_in_a_value_is_not_a_placeholder() {
        let words = filled_in(
            "{name} {customer} {x} {",
            ["{customer}", "a@b.example", "Contoso", "14"],
        );
        assert_eq!(words, "{customer} Contoso {x} {");
    }

    #[test]
    fn the_defaults_hold_known_placeholders_only() {
        for language in Language::ALL {
            assert_eq!(unknown_placeholder(language.subject()), None);
            assert_eq!(unknown_placeholder(language.text()), None);
        }
    }

    proptest! {
        #[test]
        fn checking_again_changes_nothing(
            subject in prop::option::of("[a-z{} \n]{0,40}"),
            text in prop::option::of("[a-z{} \r\n]{0,80}"),
            link_days in 0_i64..70,
        ) {
            let settings = EnrolmentSettings { subject, text, link_days, ..EnrolmentSettings::default() };
            if let Ok(checked) = settings.checked() {
                prop_assert_eq!(checked.clone().checked(), Ok(checked));
            }
        }
    }
}
