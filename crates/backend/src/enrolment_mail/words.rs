//! What the mails to users say, in the customer's language.

use domain::enrolment::{EnrolmentSettings, Language, filled_in};
use html_escape::{encode_double_quoted_attribute, encode_text};

use crate::auth::link::Purpose;

/// The style attributes of a mail: of all of it, of its button, and of what stands below.
pub(super) const STYLES: [&str; 3] = [
    "font-family:sans-serif;line-height:1.5;max-width:40em",
    "display:inline-block;padding:.6em 1.2em;background:#1f4fd8;color:#ffffff;border-radius:.4em;text-decoration:none",
    "color:#555555",
];

/// Whom a mail is for.
pub(crate) struct Whose<'a> {
    pub name: &'a str,
    pub user_name: &'a str,
    pub customer: &'a str,
    /// For how many days the link is good.
    pub days: i64,
}

/// What a mail says.
pub(super) struct Words {
    language: Language,
    pub subject: String,
    /// In paragraphs.
    above: String,
    action: &'static str,
    below: String,
}

impl Words {
    pub fn of(settings: &EnrolmentSettings, purpose: Purpose, whose: Whose<'_>) -> Self {
        let days = whose.days.to_string();
        let values = [whose.name, whose.user_name, whose.customer, &days];
        let language = settings.language;
        let (subject, above) = match (purpose, language) {
            (Purpose::Invitation, _) => (settings.subject(), settings.text()),
            (Purpose::PasswordReset, Language::English) => (
                "A new password for your account at {customer}",
                "Hello {name},\n\nChoose a new password for your account at {customer}. You sign in as {user_name}.",
            ),
            (Purpose::PasswordReset, Language::Dutch) => (
                "Een nieuw wachtwoord voor uw account bij {customer}",
                "Hallo {name},\n\nKies een nieuw wachtwoord voor uw account bij {customer}. U meldt zich aan als {user_name}.",
            ),
        };
        Self {
            language,
            // A name may hold what a header must not.
            subject: filled_in(subject, values).replace(char::is_control, " "),
            above: filled_in(above, values),
            action: action(purpose, language),
            below: below(purpose, language, whose.days),
        }
    }

    pub fn text(&self, url: &str) -> String {
        format!(
            "{}\n\n{}:\n{url}\n\n{}\n",
            self.above, self.action, self.below
        )
    }

    /// Every text is escaped: texts and names are what people typed.
    pub fn html(&self, url: &str) -> String {
        let above: String = self
            .above
            .split("\n\n")
            .flat_map(|paragraph| {
                let lines = encode_text(paragraph.trim()).replace('\n', "<br>");
                ["<p>".to_owned(), lines, "</p>".to_owned()]
            })
            .collect();
        let [all, button, small] = STYLES;
        format!(
            "<!DOCTYPE html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{subject}</title></head>\
             <body style=\"{all}\">{above}<p><a href=\"{href}\" style=\"{button}\">{action}</a></p>\
             <p style=\"{small}\">{below}</p></body></html>\n",
            language = self.language,
            subject = encode_text(&self.subject),
            href = encode_double_quoted_attribute(url),
            action = encode_text(self.action),
            below = encode_text(&self.below),
        )
    }
}

const fn action(purpose: Purpose, language: Language) -> &'static str {
    match (purpose, language) {
        (Purpose::Invitation, Language::English) => "Activate your account",
        (Purpose::Invitation, Language::Dutch) => "Activeer uw account",
        (Purpose::PasswordReset, Language::English) => "Choose a new password",
        (Purpose::PasswordReset, Language::Dutch) => "Kies een nieuw wachtwoord",
    }
}

fn below(purpose: Purpose, language: Language, days: i64) -> String {
    let within = match (language, days) {
        (Language::English, 1) => "The link works once, within a day.".to_owned(),
        (Language::English, _) => format!("The link works once, within {days} days."),
        (Language::Dutch, 1) => "De link werkt één keer, binnen een dag.".to_owned(),
        (Language::Dutch, _) => format!("De link werkt één keer, binnen {days} dagen."),
    };
    let not_you = match (purpose, language) {
        (Purpose::Invitation, Language::English) => {
            "If you don’t expect this mail, ask your administrator before you follow it."
        }
        (Purpose::Invitation, Language::Dutch) => {
            "Verwacht u deze mail niet, vraag dan eerst uw beheerder."
        }
        (Purpose::PasswordReset, Language::English) => {
            "If you didn’t ask for it, ignore this mail: your password stays as it is."
        }
        (Purpose::PasswordReset, Language::Dutch) => {
            "Hebt u dit niet gevraagd, negeer deze mail dan: uw wachtwoord blijft zoals het is."
        }
    };
    format!("{within} {not_you}")
}
