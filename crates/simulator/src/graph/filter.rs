//! `$filter`: the part of `OData`'s language that directory listings understand (graph.md §5).

use std::borrow::Cow;

use super::error::GraphError;
use crate::directory::object::{Object, Value};
use crate::directory::schema::{Schema, Slot};

/// A filter that has been read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare(usize, Operator, Literal),
    /// `startswith`, `endswith`, `contains`.
    Part(usize, Part, String),
    In(usize, Vec<Literal>),
    /// `proxyAddresses/any(x:x eq '…')`, also with `startswith` and `endswith`.
    Any(usize, Part, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Start,
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Text(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Name(String),
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

/// Deeper nesting than this is refused.
const DEPTH_MAX: usize = 50;

impl Filter {
    /// Reads a filter over the properties of `schema`.
    pub fn parse(text: &str, schema: &'static Schema) -> Result<Self, GraphError> {
        let words = words(text).ok_or_else(invalid)?;
        let mut reader = Reader {
            words: &words,
            schema,
            depth: 0,
        };
        let filter = reader.or()?;
        if reader.words.is_empty() {
            Ok(filter)
        } else {
            Err(invalid())
        }
    }

    /// The operator that needs `ConsistencyLevel: eventual` and `$count=true`, if there is one.
    pub fn advanced(&self) -> Option<&'static str> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.advanced().or_else(|| right.advanced())
            }
            Self::Not(_) => Some("not"),
            Self::Compare(_, Operator::NotEqual, _) => Some("ne"),
            Self::Part(_, Part::End, _) | Self::Any(_, Part::End, _) => Some("endsWith"),
            _ => None,
        }
    }

    /// Whether `object` passes.
    pub fn matches(&self, object: &Object) -> bool {
        let value = |place: usize| object.value(object.kind.schema().properties[place].slot);
        match self {
            Self::And(left, right) => left.matches(object) && right.matches(object),
            Self::Or(left, right) => left.matches(object) || right.matches(object),
            Self::Not(inner) => !inner.matches(object),
            Self::Compare(place, operator, literal) => compare(&value(*place), *operator, literal),
            Self::In(place, literals) => {
                let value = value(*place);
                literals
                    .iter()
                    .any(|literal| compare(&value, Operator::Equal, literal))
            }
            Self::Part(place, part, wanted) => {
                text_of(&value(*place)).is_some_and(|text| part.fits(&text, wanted))
            }
            Self::Any(place, part, wanted) => match value(*place) {
                Value::List(items) => items.iter().any(|item| part.fits(item, wanted)),
                _ => false,
            },
        }
    }
}

impl Part {
    fn fits(self, text: &str, wanted: &str) -> bool {
        let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
        match self {
            Self::Whole => text == wanted,
            Self::Start => text.starts_with(&wanted),
            Self::End => text.ends_with(&wanted),
        }
    }
}

fn text_of<'a>(value: &'a Value<'_>) -> Option<Cow<'a, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Id(id) => Some(Cow::Owned(id.to_string())),
        _ => None,
    }
}

fn compare(value: &Value<'_>, operator: Operator, literal: &Literal) -> bool {
    let equal = match (value, literal) {
        (Value::Unset | Value::Null, Literal::Null) => true,
        (Value::Bool(left), Literal::Bool(right)) => left == right,
        (_, Literal::Text(right)) => {
            text_of(value).is_some_and(|left| left.to_lowercase() == right.to_lowercase())
        }
        _ => false,
    };
    let order = match literal {
        Literal::Text(right) => {
            text_of(value).map(|left| left.to_lowercase().cmp(&right.to_lowercase()))
        }
        _ => None,
    };
    match operator {
        Operator::Equal => equal,
        Operator::NotEqual => !equal,
        Operator::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        Operator::LessEqual => order.is_some_and(std::cmp::Ordering::is_le),
        Operator::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
        Operator::GreaterEqual => order.is_some_and(std::cmp::Ordering::is_ge),
    }
}

fn invalid() -> GraphError {
    GraphError::bad_request("Invalid filter clause")
}

/// Splits the text; a quote inside quotes is doubled.
fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&next) = chars.peek() {
        match next {
            ' ' => {
                chars.next();
            }
            '(' | ')' | ',' | ':' => {
                chars.next();
                words.push(match next {
                    '(' => Word::Open,
                    ')' => Word::Close,
                    ',' => Word::Comma,
                    _ => Word::Colon,
                });
            }
            '\'' => {
                chars.next();
                let mut value = String::new();
                loop {
                    match chars.next()? {
                        '\'' if chars.peek() == Some(&'\'') => {
                            chars.next();
                            value.push('\'');
                        }
                        '\'' => break,
                        other => value.push(other),
                    }
                }
                words.push(Word::Text(value));
            }
            _ => {
                let mut name = String::new();
                while let Some(&other) = chars.peek() {
                    // A colon ends a name, but not a time such as 2024-05-01T10:00:00Z.
                    let time = name.starts_with(|first: char| first.is_ascii_digit());
                    if " (),'".contains(other) || other == ':' && !time {
                        break;
                    }
                    name.push(other);
                    chars.next();
                }
                words.push(Word::Name(name));
            }
        }
    }
    Some(words)
}

struct Reader<'a> {
    words: &'a [Word],
    schema: &'static Schema,
    depth: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<&Word, GraphError> {
        let (first, rest) = self.words.split_first().ok_or_else(invalid)?;
        self.words = rest;
        Ok(first)
    }

    fn expect(&mut self, wanted: &Word) -> Result<(), GraphError> {
        if self.next()? == wanted {
            Ok(())
        } else {
            Err(invalid())
        }
    }

    fn keyword(&mut self, wanted: &str) -> bool {
        let there = matches!(self.words.first(), Some(Word::Name(name)) if name == wanted);
        if there {
            self.words = &self.words[1..];
        }
        there
    }

    fn or(&mut self) -> Result<Filter, GraphError> {
        let mut left = self.and()?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, GraphError> {
        let mut left = self.unary()?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Filter, GraphError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(invalid());
        }
        let filter = if self.keyword("not") {
            Filter::Not(Box::new(self.unary()?))
        } else if self.words.first() == Some(&Word::Open) {
            self.next()?;
            let inner = self.or()?;
            self.expect(&Word::Close)?;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Filter, GraphError> {
        let Word::Name(name) = self.next()?.clone() else {
            return Err(invalid());
        };
        if let Some(part) = part(&name) {
            let (place, text) = self.part_arguments()?;
            return Ok(Filter::Part(place, part, text));
        }
        if let Some(list) = name.strip_suffix("/any") {
            return self.any(list);
        }
        let place = self.place(&name)?;
        let operator = match self.next()? {
            Word::Name(operator) => operator.clone(),
            _ => return Err(invalid()),
        };
        let operator = match operator.as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "lt" => Operator::Less,
            "le" => Operator::LessEqual,
            "gt" => Operator::Greater,
            "ge" => Operator::GreaterEqual,
            "in" => return self.list_of(place),
            _ => return Err(invalid()),
        };
        Ok(Filter::Compare(place, operator, self.literal()?))
    }

    /// `(name,'text')`.
    fn part_arguments(&mut self) -> Result<(usize, String), GraphError> {
        self.expect(&Word::Open)?;
        let Word::Name(name) = self.next()?.clone() else {
            return Err(invalid());
        };
        let place = self.place(&name)?;
        self.expect(&Word::Comma)?;
        let Word::Text(text) = self.next()?.clone() else {
            return Err(invalid());
        };
        self.expect(&Word::Close)?;
        Ok((place, text))
    }

    /// `(x:x eq 'text')` or `(x:startswith(x,'text'))`.
    fn any(&mut self, list: &str) -> Result<Filter, GraphError> {
        let place = self.place(list)?;
        self.expect(&Word::Open)?;
        let Word::Name(variable) = self.next()?.clone() else {
            return Err(invalid());
        };
        self.expect(&Word::Colon)?;
        let Word::Name(name) = self.next()?.clone() else {
            return Err(invalid());
        };
        let (part, text) = if name == variable {
            self.expect(&Word::Name("eq".to_owned()))?;
            (Part::Whole, self.next()?.clone())
        } else {
            let part = part(&name).ok_or_else(invalid)?;
            self.expect(&Word::Open)?;
            self.expect(&Word::Name(variable))?;
            self.expect(&Word::Comma)?;
            let text = self.next()?.clone();
            self.expect(&Word::Close)?;
            (part, text)
        };
        self.expect(&Word::Close)?;
        match text {
            Word::Text(text) => Ok(Filter::Any(place, part, text)),
            _ => Err(invalid()),
        }
    }

    fn list_of(&mut self, place: usize) -> Result<Filter, GraphError> {
        self.expect(&Word::Open)?;
        let mut literals = vec![self.literal()?];
        loop {
            match self.next()? {
                Word::Comma => literals.push(self.literal()?),
                Word::Close => return Ok(Filter::In(place, literals)),
                _ => return Err(invalid()),
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, GraphError> {
        Ok(match self.next()? {
            Word::Text(text) => Literal::Text(text.clone()),
            Word::Name(name) => match name.as_str() {
                "null" => Literal::Null,
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                bare if bare.starts_with(|first: char| first.is_ascii_digit()) => {
                    Literal::Text(bare.to_owned())
                }
                _ => return Err(invalid()),
            },
            _ => return Err(invalid()),
        })
    }

    fn place(&self, name: &str) -> Result<usize, GraphError> {
        let place = self
            .schema
            .find(name)
            .ok_or_else(|| GraphError::unknown_property(name, self.schema.type_name))?;
        match self.schema.properties[place].slot {
            Slot::Constant(_)
            | Slot::Licenses
            | Slot::Phones
            | Slot::Addresses
            | Slot::Extensions(_) => Err(GraphError::unsupported(format!(
                "Unsupported or invalid query filter clause specified for property '{name}' of resource '{}'.",
                self.schema.title
            ))),
            _ => Ok(place),
        }
    }
}

fn part(name: &str) -> Option<Part> {
    match name.to_ascii_lowercase().as_str() {
        "startswith" => Some(Part::Start),
        "endswith" => Some(Part::End),
        _ => None,
    }
}
