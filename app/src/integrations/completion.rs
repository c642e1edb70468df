//! What could stand where somebody is writing: names of attributes, and functions of expressions.

use std::borrow::Cow;

use domain::mapping::{FUNCTIONS, Function};

/// What is written in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Words of which nothing is known.
    Text,
    /// The name of an attribute.
    Name,
    /// Names of attributes, with commas between them.
    Names,
    /// An expression.
    Expression,
}

/// Something that could stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestion {
    /// An attribute.
    Attribute(Cow<'static, str>),
    /// A function.
    Function(Function),
}

impl Suggestion {
    /// Its name, which is what is written.
    pub fn name(&self) -> &str {
        match self {
            Self::Attribute(name) => name,
            Self::Function(function) => function.name,
        }
    }
}

/// The word that somebody is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word<'a> {
    text: &'a str,
    /// Whether it stands behind a dot, where only what is called on a value can.
    on_a_value: bool,
}

/// What could stand at the end of `before`, the best first. Unless `asked`, nothing where no word has
/// begun, nor where it is complete.
pub fn suggestions(
    written: Written,
    before: &str,
    attributes: impl Iterator<Item = Cow<'static, str>>,
    asked: bool,
) -> Vec<Suggestion> {
    let Some(word) = word(written, before) else {
        return Vec::new();
    };
    if word.text.is_empty() && !asked && !word.on_a_value {
        return Vec::new();
    }
    let mut fitting: Vec<Suggestion> = Vec::new();
    if !word.on_a_value {
        fitting.extend(attributes.map(Suggestion::Attribute));
    }
    if written == Written::Expression {
        let functions = FUNCTIONS.into_iter();
        fitting.extend(
            functions
                .filter(|function| function.is_called_on_a_value() == word.on_a_value)
                .map(Suggestion::Function),
        );
    }
    let wanted = word.text.to_ascii_lowercase();
    fitting.retain(|one| fits(one.name(), &wanted).is_some());
    fitting.sort_by_key(|one| fits(one.name(), &wanted));
    match fitting.as_slice() {
        [Suggestion::Attribute(only)] if *only == word.text => Vec::new(),
        _ => fitting,
    }
}

/// How well a name fits what was typed, in lower case; the less the better. What stands in its middle
/// counts from the second letter on.
fn fits(name: &str, wanted: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    if name.starts_with(wanted) {
        Some(0)
    } else {
        (wanted.len() > 1 && name.contains(wanted)).then_some(1)
    }
}

/// The text with a suggestion in place of the word at the end of `before`, and where one writes on,
/// counted as browsers do.
pub fn completed(
    written: Written,
    before: &str,
    after: &str,
    taken: &Suggestion,
) -> Option<(String, u32)> {
    let word = word(written, before)?;
    let mut text = before.strip_suffix(word.text)?.to_owned();
    text.push_str(taken.name());
    let is_call = matches!(taken, Suggestion::Function(_));
    let has_bracket = after.starts_with('(');
    if is_call && !has_bracket {
        text.push('(');
    }
    let place = u32::try_from(text.encode_utf16().count()).ok()?;
    if is_call && !has_bracket {
        text.push(')');
    }
    text.push_str(after);
    Some((text, place))
}

fn word(written: Written, before: &str) -> Option<Word<'_>> {
    let name = |text| Word {
        text,
        on_a_value: false,
    };
    match written {
        Written::Text => None,
        Written::Name => Some(name(before.trim_start())),
        Written::Names => {
            let last = before.rsplit([',', ';', '\n']).next()?;
            Some(name(last.trim_start()))
        }
        Written::Expression => {
            let code = before_the_end(before)?;
            let start = code.trim_end_matches(is_of_a_name);
            let text = code.strip_prefix(start)?;
            let is_number = text.starts_with(|c: char| c.is_ascii_digit());
            let on_a_value = start.ends_with('.');
            (!is_number).then_some(Word { text, on_a_value })
        }
    }
}

const fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What was written, unless it ends inside a text or a comment, where no name is meant.
fn before_the_end(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (ahead, here) = rest.split_at(at);
        rest = if here.starts_with("//") {
            here.split_once('\n')?.1
        } else if here.starts_with('/') {
            here.strip_prefix('/')?
        } else {
            let is_raw = ahead.ends_with(['r', 'R'])
                && !ahead
                    .strip_suffix(['r', 'R'])
                    .is_some_and(|ahead| ahead.ends_with(is_of_a_name));
            behind_the_text(here, is_raw)?
        };
    }
    Some(text)
}

/// What stands behind the text that begins here, where it ends.
fn behind_the_text(here: &str, is_raw: bool) -> Option<&str> {
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let quote = quotes.into_iter().find(|quote| here.starts_with(quote))?;
    let mut rest = here.strip_prefix(quote)?;
    loop {
        if let Some(behind) = rest.strip_prefix(quote) {
            return Some(behind);
        }
        let mut chars = rest.chars();
        if chars.next()? == '\\' && !is_raw {
            chars.next()?;
        }
        rest = chars.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTRIBUTES: [&str; 5] = [
        "displayName",
        "mail",
        "mailNickname",
        "proxyAddresses",
        "surname",
    ];

    fn names(written: Written, before: &str, asked: bool) -> Vec<String> {
        let attributes = ATTRIBUTES.into_iter().map(Cow::Borrowed);
        let found = suggestions(written, before, attributes, asked);
        found.iter().map(|one| one.name().to_owned()).collect()
    }

    #[test]
    fn the_beginning_of_a_word_finds_names_and_functions() {
        let of = |before| names(Written::Expression, before, false);
        assert_eq!(of("lower(mail"), ["mail", "mailNickname"]);
        assert_eq!(of("LO"), ["lower"]);
        assert_eq!(
            of("s"),
            [
                "surname",
                "size",
                "split",
                "string",
                "strip_diacritics",
                "switch"
            ]
        );
        assert_eq!(of("surname + ', ' + disp"), ["displayName"]);
        assert_eq!(of("addr"), ["proxyAddresses"], "in the middle of a name");
        assert_eq!(
            of("proxyAddresses."),
            [
                "all",
                "contains",
                "endsWith",
                "exists",
                "exists_one",
                "filter",
                "map",
                "startsWith"
            ]
        );
        assert_eq!(of("proxyAddresses.exi"), ["exists", "exists_one"]);
        for nothing in ["", "lower(", "surname", "1a", "nowhere"] {
            assert_eq!(of(nothing), [""; 0], "{nothing}");
        }
        assert!(names(Written::Expression, "lower(", true).len() > FUNCTIONS.len() / 2);
    }

    #[test]
    fn inside_a_text_or_a_comment_no_name_is_meant() {
        let of = |before| names(Written::Expression, before, false);
        for nothing in [
            "'ma",
            "\"it's ma",
            "'it\\'s ma",
            "'''it's ma",
            "// ma",
            "mail // it's ma",
        ] {
            assert_eq!(of(nothing), [""; 0], "{nothing}");
        }
        for something in [
            "'a' + disp",
            "'a\\\\' + disp",
            "r'a\\' + disp",
            "\"\"\"it's\"\"\" + disp",
            "// it's\ndisp",
            "1 / disp",
        ] {
            assert_eq!(of(something), ["displayName"], "{something}");
        }
    }

    #[test]
    fn each_of_several_names_is_completed() {
        assert_eq!(names(Written::Name, "sur", false), ["surname"]);
        assert_eq!(names(Written::Names, "mail, sur", false), ["surname"]);
        assert_eq!(names(Written::Names, "mail,", true).len(), ATTRIBUTES.len());
        assert_eq!(names(Written::Name, "mail, sur", false), [""; 0]);
        assert_eq!(names(Written::Text, "mail", true), [""; 0]);
    }

    #[test]
    fn what_is_taken_stands_in_place_of_the_word() {
        let attribute = |name| Suggestion::Attribute(Cow::Borrowed(name));
        let function = |name| {
            let found = FUNCTIONS.into_iter().find(|one| one.name == name);
            Suggestion::Function(found.unwrap())
        };
        let expression = |before, after, taken: Suggestion| {
            completed(Written::Expression, before, after, &taken).unwrap()
        };
        assert_eq!(
            expression("“é” + disp", " + x", attribute("displayName")),
            ("“é” + displayName + x".to_owned(), 17)
        );
        assert_eq!(
            expression("low", "", function("lower")),
            ("lower()".to_owned(), 6)
        );
        assert_eq!(
            expression("a.exi", "(x, true)", function("exists")),
            ("a.exists(x, true)".to_owned(), 8)
        );
        assert_eq!(
            completed(Written::Names, "mail, sur", ", x", &attribute("surname")).unwrap(),
            ("mail, surname, x".to_owned(), 13)
        );
    }
}
