//! One rule of a filter: conditions in plain form, or an expression. The plain form is shown as an
//! expression, too, which says the same.

use serde::{Deserialize, Serialize};

use super::CONDITIONS_MAX;
use crate::{
    mapping::{RULE_BYTES_MAX, columns, is_source, sources, unknown},
    policy::ObjectType,
    text::{FieldError, NAME_CHARS_MAX},
    text_enum,
};

/// One rule: whom it matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FilterRule {
    /// Of whom all of these are true. At most 15.
    All(Vec<Condition>),
    /// Of whom at least one of these is true. At most 15.
    Any(Vec<Condition>),
    /// Of whom this CEL expression over the source's attributes is true, at most 2,048 bytes.
    Expression(String),
}

/// One thing that is true of an object or isn't.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The source's attribute, by the name that Microsoft Graph has for it.
    pub attribute: String,
    /// How it is compared. Case, accents and white space around make no difference but in patterns;
    /// of a list, one value that fits is enough.
    pub operator: FilterOperator,
    /// With what: 1 to 256 characters; nothing for `is_empty` and `is_not_empty`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
}

text_enum! {
    /// How a condition compares.
    pub enum FilterOperator {
        /// The whole text.
        Is = "is",
        /// Anything but the whole text; also nothing at all.
        IsNot = "is_not",
        /// A part of it.
        Contains = "contains",
        /// No part of it.
        DoesNotContain = "does_not_contain",
        /// Its beginning.
        StartsWith = "starts_with",
        /// Its end.
        EndsWith = "ends_with",
        /// A regular expression, somewhere in it.
        Matches = "matches",
        /// A regular expression, nowhere in it.
        DoesNotMatch = "does_not_match",
        /// Nothing, or nothing but white space.
        IsEmpty = "is_empty",
        /// Something.
        IsNotEmpty = "is_not_empty",
    }
}

text_enum! {
    /// The kinds of rules, as a form chooses among them.
    pub enum FilterKind {
        /// All conditions.
        All = "all",
        /// Any condition.
        Any = "any",
        /// An expression.
        Expression = "expression",
    }
}

impl FilterKind {
    /// The kind in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::All => "All of",
            Self::Any => "Any of",
            Self::Expression => "Expression (CEL)",
        }
    }
}

text_enum! {
    /// What a condition asks, without its negation: each is a function of expressions.
    pub enum FilterTest {
        /// One text is the whole value.
        Equals = "equals",
        /// One is a part of it.
        Includes = "includes",
        /// One begins it.
        BeginsWith = "begins_with",
        /// One ends it.
        EndsWith = "ends_with",
        /// A pattern is found in it.
        Matches = "matches",
        /// There is nothing.
        IsEmpty = "is_empty",
    }
}

impl FilterOperator {
    /// The comparison in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Contains => "contains",
            Self::DoesNotContain => "does not contain",
            Self::StartsWith => "starts with",
            Self::EndsWith => "ends with",
            Self::Matches => "matches",
            Self::DoesNotMatch => "does not match",
            Self::IsEmpty => "is empty",
            Self::IsNotEmpty => "is not empty",
        }
    }

    /// What it asks, and whether the answer is turned around.
    pub const fn test(self) -> (FilterTest, bool) {
        match self {
            Self::Is => (FilterTest::Equals, false),
            Self::IsNot => (FilterTest::Equals, true),
            Self::Contains => (FilterTest::Includes, false),
            Self::DoesNotContain => (FilterTest::Includes, true),
            Self::StartsWith => (FilterTest::BeginsWith, false),
            Self::EndsWith => (FilterTest::EndsWith, false),
            Self::Matches => (FilterTest::Matches, false),
            Self::DoesNotMatch => (FilterTest::Matches, true),
            Self::IsEmpty => (FilterTest::IsEmpty, false),
            Self::IsNotEmpty => (FilterTest::IsEmpty, true),
        }
    }

    /// The operator that asks that; none where there is none.
    pub fn of(test: FilterTest, negated: bool) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|one| one.test() == (test, negated))
    }

    /// Whether it compares with a value.
    pub const fn has_value(self) -> bool {
        !matches!(self, Self::IsEmpty | Self::IsNotEmpty)
    }

    /// Whether its value is a regular expression.
    pub const fn has_pattern(self) -> bool {
        matches!(self, Self::Matches | Self::DoesNotMatch)
    }
}

impl Condition {
    /// The condition as an expression.
    pub fn cel(&self) -> String {
        let (test, negated) = self.operator.test();
        let not = if negated { "!" } else { "" };
        if self.operator.has_value() {
            format!("{not}{test}({}, {})", self.attribute, quoted(&self.value))
        } else {
            format!("{not}{test}({})", self.attribute)
        }
    }

    /// Trims the condition and looks whether it can be. Answers the part to blame, and why.
    fn tidy(&mut self, object_type: ObjectType) -> Result<(), (&'static str, String)> {
        self.attribute = self.attribute.trim().to_owned();
        check_attribute(object_type, &self.attribute).map_err(|why| ("attribute", why))?;
        if !self.operator.has_value() {
            self.value.clear();
            return Ok(());
        }
        if !self.operator.has_pattern() {
            self.value = self.value.trim().to_owned();
        }
        let refused = |why: String| Err(("value", why));
        if self.value.is_empty() {
            return refused(
                "Enter what to compare with. For nothing, choose “is empty”.".to_owned(),
            );
        }
        if self.value.chars().count() > NAME_CHARS_MAX {
            return refused(format!("Use at most {NAME_CHARS_MAX} characters."));
        }
        if self.value.chars().any(char::is_control) {
            return refused("Line breaks and control characters can’t be used here.".to_owned());
        }
        Ok(())
    }
}

/// A text as an expression writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

fn check_attribute(object_type: ObjectType, name: &str) -> Result<(), String> {
    if is_source(object_type, name) {
        return Ok(());
    }
    if name.is_empty() {
        return Err("Enter an attribute of the source.".to_owned());
    }
    let mut columns = columns(object_type).iter();
    if let Some((_, own)) = columns.find(|(column, _)| *column == name) {
        return Err(format!("In the source {name} is called {own}."));
    }
    Err(unknown(object_type, name, sources(object_type)))
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.attribute, self.operator.title())?;
        if self.operator.has_value() {
            write!(f, " “{}”", self.value)?;
        }
        Ok(())
    }
}

impl FilterRule {
    /// The rule of a kind: an expression has no conditions, the others no expression.
    pub fn of(kind: FilterKind, conditions: Vec<Condition>, expression: &str) -> Self {
        match kind {
            FilterKind::All => Self::All(conditions),
            FilterKind::Any => Self::Any(conditions),
            FilterKind::Expression => Self::Expression(expression.trim().to_owned()),
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> FilterKind {
        match self {
            Self::All(_) => FilterKind::All,
            Self::Any(_) => FilterKind::Any,
            Self::Expression(_) => FilterKind::Expression,
        }
    }

    /// Its conditions; none of an expression.
    pub fn conditions(&self) -> &[Condition] {
        match self {
            Self::All(conditions) | Self::Any(conditions) => conditions,
            Self::Expression(_) => &[],
        }
    }

    /// The rule as an expression.
    pub fn cel(&self) -> String {
        let joined = |conditions: &[Condition], between: &str| {
            let all: Vec<String> = conditions.iter().map(Condition::cel).collect();
            all.join(between)
        };
        match self {
            Self::All(conditions) => joined(conditions, " && "),
            Self::Any(conditions) => joined(conditions, " || "),
            Self::Expression(text) => text.clone(),
        }
    }

    /// Trims the rule, which stands at a place. Answers what can't be.
    pub(super) fn tidy(&mut self, object_type: ObjectType, place: &str) -> Vec<FieldError> {
        let kind = self.kind();
        let blame = |part: &str, message: String| {
            FieldError::new(&format!("{place}.{kind}{part}"), message)
        };
        let conditions = match self {
            Self::Expression(text) => {
                *text = text.trim().to_owned();
                let refused = check_expression(text).err();
                return refused.map(|why| blame("", why)).into_iter().collect();
            }
            Self::All(conditions) | Self::Any(conditions) => conditions,
        };
        if conditions.is_empty() {
            return vec![blame("", "Enter at least one condition.".to_owned())];
        }
        if conditions.len() > CONDITIONS_MAX {
            let message = format!("Use at most {CONDITIONS_MAX} conditions in one rule.");
            return vec![blame("", message)];
        }
        let mut errors = Vec::new();
        for (at, condition) in conditions.iter_mut().enumerate() {
            if let Err((part, why)) = condition.tidy(object_type) {
                errors.push(blame(&format!("[{at}].{part}"), why));
            }
        }
        errors
    }
}

fn check_expression(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("Enter an expression.".to_owned());
    }
    if text.len() > RULE_BYTES_MAX {
        return Err(format!(
            "It is {} bytes long; at most 2,048 are allowed.",
            crate::number::grouped(i64::try_from(text.len()).unwrap_or(i64::MAX))
        ));
    }
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("Control characters can’t be used here.".to_owned());
    }
    Ok(())
}

impl std::fmt::Display for FilterRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let joined = |conditions: &[Condition], between: &str| {
            let all: Vec<String> = conditions.iter().map(ToString::to_string).collect();
            all.join(between)
        };
        match self {
            Self::All(conditions) => f.write_str(&joined(conditions, " and ")),
            Self::Any(conditions) => f.write_str(&joined(conditions, " or ")),
            Self::Expression(text) => f.write_str(text),
        }
    }
}
