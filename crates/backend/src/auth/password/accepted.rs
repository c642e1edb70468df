//! Which passwords may be set. Length comes first, as the one rule that people have to know
//! (NIST SP 800-63B §3.1.1.2); then what is tried first is refused:
//!
//! - the 10,000 most common passwords that are long enough, `common.txt`: folded, sorted. They are
//!   those of 12 characters and more out of the million most common of the ten million that Mark
//!   Burnett published in 2015 and gave to the public domain, without what has an `@` in it. The list
//!   came by `SecLists` (MIT);
//! - what little is left of without the words of [`WORDS`], of this installation's name and of the
//!   operator's own name and mail address;
//! - what `zxcvbn` finds by other known words, names, dates, keyboard patterns, sequences,
//!   repetitions and letters exchanged for digits;
//! - what was stolen elsewhere, where configuration names a list ([`super::breached`]).

use std::{collections::HashSet, sync::LazyLock};

use domain::{operator::check_password, text::FieldError};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};
use zxcvbn::zxcvbn;

use super::off_thread;
use crate::{Backend, Error, Result};

/// The most common passwords, a line each.
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common.txt").lines().collect());

/// Words that are tried on a page of this name, beside those of the installation and of the person.
const WORDS: [&str; 10] = [
    "rollcall",
    "entra",
    "azure",
    "microsoft",
    "password",
    "passwort",
    "kennwort",
    "administrator",
    "admin",
    "welcome",
];
/// Shorter names and parts of addresses are in too many words to be looked for.
const WORD_CHARS_MIN: usize = 3;
/// So many characters have to be left without those words.
const LEFT_CHARS_MIN: usize = 8;
/// So many guesses have to be needed, as `zxcvbn` reckons: who guesses at the sign-in gets nowhere
/// near, and who has stolen the hashes pays argon2id for each.
const GUESSES_LOG10_MIN: f64 = 8.0;
/// What to do instead.
const FIX: &str = "Use a few words that don’t belong together.";

/// Whose password it is to be: what others know of them.
#[derive(Debug, Clone, Copy)]
pub(in crate::auth) struct Whose<'a> {
    pub name: &'a str,
    pub email: &'a str,
}

/// A password that was looked at, and may be set.
#[derive(Debug)]
pub(in crate::auth) struct Accepted(pub(super) SecretString);

/// Looks whether a password may be set; blames `field` where it may not.
pub(in crate::auth) async fn accept(
    b: &Backend,
    field: &str,
    given: SecretString,
    whose: Whose<'_>,
) -> Result<Accepted> {
    check_password(field, given.expose_secret())?;
    let words = words(&b.settings.public_url, whose);
    let (given, weak) = off_thread(move || {
        let weak = weakness(given.expose_secret(), &words);
        Ok((given, weak))
    })
    .await?;
    if let Some(why) = weak {
        return Err(Error::Invalid(FieldError::new(
            field,
            format!("{why} {FIX}"),
        )));
    }
    if let Some(times) = b.breached_passwords.seen(&given).await {
        return Err(Error::invalid(
            field,
            format!(
                "This password was stolen elsewhere ({}), so it is tried early. Use another, here and wherever else you have it.",
                domain::number::counted(times, "time", "times")
            ),
        ));
    }
    Ok(Accepted(given))
}

/// The words that are tried for this person here, the longest first.
fn words(public_url: &Url, whose: Whose<'_>) -> Vec<String> {
    let host = match public_url.host() {
        Some(Host::Domain(name)) => name,
        _ => "",
    };
    let own = [host, whose.name, whose.email].map(planner::fold);
    let mut words: Vec<String> = own
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.chars().count() >= WORD_CHARS_MIN)
        .chain(WORDS)
        .map(str::to_owned)
        .collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    words
}

/// Why a password is guessed soon; none where it isn't.
fn weakness(password: &str, words: &[String]) -> Option<String> {
    let folded = planner::fold(password);
    if COMMON.contains(folded.as_str()) {
        return Some("This is one of the most common passwords, which are tried first.".to_owned());
    }
    let mut left = folded;
    let mut found = None;
    for word in words.iter().filter(|word| !word.is_empty()) {
        if left.contains(word.as_str()) {
            // A blank, so that what is left doesn't become another word.
            left = left.replace(word.as_str(), " ");
            found = found.or(Some(word));
        }
    }
    if let Some(word) = found
        && left.chars().filter(|c| !c.is_whitespace()).count() < LEFT_CHARS_MIN
    {
        return Some(format!(
            "This is little more than words that are tried for you here, such as “{word}”."
        ));
    }
    let known: Vec<&str> = words.iter().map(String::as_str).collect();
    let estimate = zxcvbn(password, &known);
    if estimate.guesses_log10() >= GUESSES_LOG10_MIN {
        return None;
    }
    let why = estimate
        .feedback()
        .and_then(zxcvbn::feedback::Feedback::warning);
    Some(why.map_or_else(
        || "This is guessed soon.".to_owned(),
        |why| format!("This is guessed soon. {why}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(password: &str, url: &str) -> Option<String> {
        let whose = Whose {
            name: "Mína van den Berg",
            email: "m.berg@partner-gmbh.example",
        };
        weakness(password, &words(&url.parse().unwrap(), whose))
    }

    #[test]
    fn the_list_holds_enough_and_each_once_as_it_is_compared() {
        assert_eq!(COMMON.len(), 10_000);
        let lines: Vec<_> = include_str!("common.txt").lines().collect();
        assert!(lines.is_sorted() && lines.len() == COMMON.len());
        for line in lines {
            assert!(check_password("", line).is_ok(), "{line} is too short");
            assert_eq!(planner::fold(line), line);
        }
    }

    #[test]
    fn common_passwords_are_refused_however_they_are_written() {
        for password in [
            "1qaz2wsx3edc",
            "1QAZ2wsx3EDC",
            "qwertyqwerty",
            "unbelievable",
        ] {
            let why = of(password, "https://rollcall.example").unwrap();
            assert!(why.contains("most common"), "{password}: {why}");
        }
    }

    #[test]
    fn what_is_guessed_by_rule_is_refused() {
        for password in [
            "password1234",
            "P@ssw0rd1234!",
            "aaaaaaaaaaaaaaaaaaaa",
            "abcdefghijkl",
            "123456789012",
            "iloveyou12345",
            "qwertyuiop12",
            "letmeinletmein",
            "Monkey123456",
        ] {
            assert!(
                of(password, "https://rollcall.example").is_some(),
                "{password}"
            );
        }
    }

    #[test]
    fn words_of_the_place_and_of_the_person_count_for_nothing() {
        for (password, word) in [
            ("Rollcall-2026!", "rollcall"),
            ("RollcallEntraAzure", "rollcall"),
            ("partner-gmbh-2026", "partner"),
            ("Mina-Berg-1984", "mina"),
            ("m.berg@partner-gmbh.example", "example"),
            ("portal-of-contoso", "contoso"),
        ] {
            let why = of(password, "https://contoso.portal.example").unwrap();
            assert!(why.contains(word), "{password}: {why}");
        }
        // An address of numbers has no words.
        for password in [
            "mina walks the dog at noon",
            "correct horse battery",
            "seven small green teapots",
            "x9$Lq!2vRw#7",
            "パスワードは長い文がよい",
        ] {
            assert_eq!(of(password, "http://127.0.0.1:3000"), None, "{password}");
        }
    }
}
