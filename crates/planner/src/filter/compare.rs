//! One condition of a rule in plain form. Expressions have a function for each comparison, which
//! asks here, too: so a rule says the same in both forms.

use domain::filter::{Condition, FilterTest};
use regex::Regex;
use serde_json::Value;

use super::Values;
use crate::{fold::fold, mapping::pattern};

/// A condition, ready to be asked.
#[derive(Debug)]
pub(super) struct Prepared {
    pub attribute: String,
    negated: bool,
    with: With,
}

#[derive(Debug)]
enum With {
    Nothing,
    Text(FilterTest, String),
    Pattern(Regex),
}

impl Prepared {
    /// Prepares a condition, or says why its pattern can't be read.
    pub fn of(condition: &Condition) -> Result<Self, String> {
        let (test, negated) = condition.operator.test();
        let with = match test {
            FilterTest::IsEmpty => With::Nothing,
            FilterTest::Matches => With::Pattern(pattern(&condition.value)?),
            test => With::Text(test, fold(&condition.value)),
        };
        Ok(Self {
            attribute: condition.attribute.clone(),
            negated,
            with,
        })
    }

    /// Whether it is true of an object with these values.
    pub fn is_true(&self, values: &Values) -> bool {
        let value = values.get(&self.attribute).unwrap_or(&Value::Null);
        let found = match &self.with {
            With::Nothing => is_blank(value),
            With::Text(test, wanted) => {
                value_fits(value, &mut |text| fits(*test, &fold(text), wanted))
            }
            // As the function of expressions has it: nothing is an empty text.
            With::Pattern(regex) if value.is_null() => regex.is_match(""),
            With::Pattern(regex) => value_fits(value, &mut |text| regex.is_match(text)),
        };
        found != self.negated
    }
}

/// Whether a text fits, both folded.
pub(crate) fn fits(test: FilterTest, given: &str, wanted: &str) -> bool {
    match test {
        FilterTest::Equals => given == wanted,
        FilterTest::Includes => given.contains(wanted),
        FilterTest::BeginsWith => given.starts_with(wanted),
        FilterTest::EndsWith => given.ends_with(wanted),
        FilterTest::Matches | FilterTest::IsEmpty => false,
    }
}

/// Whether a value fits: of a list or a record, one of its texts.
pub(crate) fn value_fits(value: &Value, fits: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => fits(text),
        Value::Bool(is) => fits(if *is { "true" } else { "false" }),
        Value::Number(number) => fits(&number.to_string()),
        Value::Array(items) => items.iter().any(|item| value_fits(item, fits)),
        Value::Object(map) => map.values().any(|item| value_fits(item, fits)),
    }
}

/// Nothing, or nothing but white space.
pub(super) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_blank),
        _ => false,
    }
}
