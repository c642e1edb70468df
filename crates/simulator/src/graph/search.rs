//! `$search` and its tokens (graph.md §5).

use super::error::GraphError;
use crate::directory::object::{Object, Value};
use crate::directory::schema::Schema;

/// A search that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Search {
    And(Box<Search>, Box<Search>),
    Or(Box<Search>, Box<Search>),
    Clause {
        place: usize,
        tokenised: bool,
        text: String,
    },
}

/// Properties whose values are split into tokens; every other one is matched from its start.
const TOKENISED: [&str; 2] = ["displayName", "description"];

impl Search {
    /// Reads `"prop:text" AND ("prop:text" OR …)`.
    pub fn parse(text: &str, schema: &'static Schema) -> Result<Self, GraphError> {
        let mut reader = Reader {
            rest: text.trim(),
            schema,
        };
        let search = reader.or()?;
        if reader.rest.is_empty() {
            Ok(search)
        } else {
            Err(invalid(text))
        }
    }

    /// Whether `object` is found.
    pub fn matches(&self, object: &Object) -> bool {
        match self {
            Self::And(left, right) => left.matches(object) && right.matches(object),
            Self::Or(left, right) => left.matches(object) || right.matches(object),
            Self::Clause {
                place,
                tokenised,
                text,
            } => {
                let slot = object.kind.schema().properties[*place].slot;
                match object.value(slot) {
                    Value::Text(value) if *tokenised => found(&value, text),
                    Value::Text(value) => starts(&value, text),
                    Value::List(items) => items.iter().any(|item| starts(item, text)),
                    _ => false,
                }
            }
        }
    }
}

fn starts(value: &str, text: &str) -> bool {
    value.to_lowercase().starts_with(&text.to_lowercase())
}

/// Every token of the query must be the beginning of some token of the value.
fn found(value: &str, query: &str) -> bool {
    let tokens = tokens(value);
    let wanted = split(query);
    !wanted.is_empty()
        && wanted
            .iter()
            .all(|word| tokens.iter().any(|token| token.starts_with(word.as_str())))
}

/// The tokens a value is found by: the parts, and words joined only by symbols also joined.
pub(crate) fn tokens(value: &str) -> Vec<String> {
    let mut tokens = split(value);
    for word in value.split_whitespace() {
        let joined: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        if joined.len() < word.len() && !joined.is_empty() {
            tokens.push(joined.to_lowercase());
        }
    }
    tokens
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    Digit,
    Symbol,
    Space,
}

fn class(c: char) -> Class {
    if c.is_whitespace() {
        Class::Space
    } else if c.is_numeric() {
        Class::Digit
    } else if c.is_uppercase() {
        Class::Upper
    } else if c.is_alphabetic() {
        Class::Lower
    } else {
        Class::Symbol
    }
}

/// Splits on spaces, where lower case turns to upper case, around digits and around symbols.
fn split(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut before = Class::Space;
    for c in text.chars() {
        let now = class(c);
        let joins = match (before, now) {
            (_, Class::Space) => {
                before = now;
                continue;
            }
            (Class::Upper, Class::Lower) => true,
            (left, right) => left == right,
        };
        match tokens.last_mut() {
            Some(token) if joins => token.extend(c.to_lowercase()),
            _ => tokens.push(c.to_lowercase().collect()),
        }
        before = now;
    }
    tokens
}

fn invalid(text: &str) -> GraphError {
    GraphError::bad_request(format!(
        "Syntax error: character ':' is not valid at position 0 in '{text}'. A clause is \"property:text\" in double quotes."
    ))
}

struct Reader<'a> {
    rest: &'a str,
    schema: &'static Schema,
}

impl Reader<'_> {
    fn keyword(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn or(&mut self) -> Result<Search, GraphError> {
        let mut left = self.and()?;
        while self.keyword("OR") {
            left = Search::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Search, GraphError> {
        let mut left = self.clause()?;
        while self.keyword("AND") {
            left = Search::And(Box::new(left), Box::new(self.clause()?));
        }
        Ok(left)
    }

    fn clause(&mut self) -> Result<Search, GraphError> {
        if self.keyword("(") {
            let inner = self.or()?;
            return if self.keyword(")") {
                Ok(inner)
            } else {
                Err(invalid(self.rest))
            };
        }
        let quoted = self
            .rest
            .strip_prefix('"')
            .ok_or_else(|| invalid(self.rest))?;
        let mut clause = String::new();
        let mut chars = quoted.char_indices();
        let end = loop {
            match chars.next() {
                Some((_, '\\')) => clause.extend(chars.next().map(|(_, c)| c)),
                Some((at, '"')) => break at,
                Some((_, c)) => clause.push(c),
                None => return Err(invalid(self.rest)),
            }
        };
        self.rest = quoted[end + 1..].trim_start();
        let (name, text) = clause.split_once(':').ok_or_else(|| invalid(&clause))?;
        let place = self
            .schema
            .find(name)
            .ok_or_else(|| GraphError::unknown_property(name, self.schema.type_name))?;
        let tokenised = TOKENISED
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
        Ok(Search::Clause {
            place,
            tokenised,
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &[&str]) {
        assert_eq!(tokens(value), expected, "tokens of {value:?}");
    }

    /// The examples of graph.md §5.
    #[test]
    fn splits_as_documented() {
        check("HelloWorld", &["hello", "world"]);
        check("HELLOworld", &["helloworld"]);
        check("HelloWORld", &["hello", "world"]);
        check("hello123world", &["hello", "123", "world"]);
        check("hello.world", &["hello", ".", "world", "helloworld"]);
        check("  two  words ", &["two", "words"]);
        check("", &[]);
        check("Ünï Çödé", &["ünï", "çödé"]);
        check("営業部", &["営業部"]);
    }

    #[test]
    fn finds_beginnings_of_tokens_in_any_order_and_nothing_inside_them() {
        assert!(found("Group Marketing", "mark"));
        assert!(found("Group Marketing", "marketing gr"));
        assert!(found("hello.world", "helloworld"));
        assert!(!found("Group Marketing", "rket"));
        assert!(!found("Group Marketing", "mark sales"));
        assert!(!found("Group Marketing", ""));
    }
}
