//! Attribute mapping: what the directory gets is made from what the source says, while it is read,
//! so that everything after works on mapped values.
//!
//! A rule that fails for an object is that object's error ([`Mapped::error`]), never the run's:
//! `derive` keeps such an object as it is. Plain rules are looked up; only expressions go through
//! CEL, within the bounds of [`expression`].

pub mod expression;
mod functions;
pub(crate) mod variables;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    mapping::{Mapping, MappingRule, is_kept},
    policy::{ObjectType, Policy},
    text::FieldError,
};
use serde_json::Value;

use self::{expression::Expression, variables::Variables};
use crate::{
    filter::Filters,
    read::{Content, Mapped, SourceObject},
};

pub(crate) use functions::built as pattern;

/// The longest text that a rule makes, in bytes.
pub const TEXT_MAX: usize = 4_096;
/// The most texts in a list that a rule makes.
pub const LIST_MAX: usize = 256;
/// The longest message of what fails for one object, in bytes.
const ERROR_MAX: usize = 600;

/// The rules of a policy, ready to be used on any number of objects.
#[derive(Debug, Default)]
pub struct Mapper {
    of_type: BTreeMap<ObjectType, Vec<Rule>>,
    /// What the filters look at; a type that none concerns isn't there.
    filters: BTreeMap<ObjectType, BTreeSet<String>>,
    /// Whether user names are brought into one form.
    normalizes: bool,
}

#[derive(Debug)]
struct Rule {
    target: String,
    how: How,
}

#[derive(Debug)]
enum How {
    Source(String),
    Constant(Value),
    First(Vec<String>),
    Expression(Box<Expression>),
    LeaveOut,
}

/// All that is wrong with rules, each error at its rule: those that can't be, and expressions that
/// can't be read.
pub fn problems(mapping: &Mapping) -> Vec<FieldError> {
    let mut errors = mapping.problems();
    for object_type in ObjectType::OBJECTS {
        for (at, rule) in mapping.of(object_type).iter().enumerate() {
            let place = format!("policy.mapping.{object_type}[{at}].");
            let is_blamed = errors.iter().any(|error| error.field.starts_with(&place));
            if is_blamed {
                continue;
            }
            if let Err(message) = How::of(object_type, &rule.rule) {
                errors.push(FieldError::new(&format!("{place}expression"), message));
            }
        }
    }
    errors
}

/// What one rule made of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The directory's attribute.
    pub target: String,
    /// Its value, null where that is nothing; or why the rule fails.
    pub value: Result<Value, String>,
}

impl Mapper {
    /// Prepares rules that were checked, or says which expression can't be read, and why.
    pub fn new(mapping: &Mapping) -> Result<Self, FieldError> {
        let mut of_type = BTreeMap::new();
        for object_type in ObjectType::OBJECTS {
            let mut rules = Vec::new();
            for (at, rule) in mapping.of(object_type).iter().enumerate() {
                let how = How::of(object_type, &rule.rule).map_err(|message| {
                    let field = format!("policy.mapping.{object_type}[{at}].expression");
                    FieldError::new(&field, message)
                })?;
                rules.push(Rule {
                    target: rule.attribute.clone(),
                    how,
                });
            }
            if !rules.is_empty() {
                of_type.insert(object_type, rules);
            }
        }
        Ok(Self {
            of_type,
            ..Self::default()
        })
    }

    /// Prepares all that a policy does to objects while they are read, or says what of it can't be
    /// read, and why.
    pub fn of(policy: &Policy) -> Result<Self, FieldError> {
        let filters = Filters::new(&policy.filters)?;
        let uses = ObjectType::OBJECTS.into_iter().filter_map(|object_type| {
            let uses = filters.uses(object_type).into_iter().map(str::to_owned);
            let concerned = filters.concern(object_type);
            concerned.then(|| (object_type, uses.collect()))
        });
        Ok(Self {
            filters: uses.collect(),
            normalizes: policy.normalize_user_names,
            ..Self::new(&policy.mapping)?
        })
    }

    /// Whether objects of this type have a rule.
    fn maps(&self, object_type: ObjectType) -> bool {
        self.of_type.contains_key(&object_type)
    }

    /// Whether rules or filters look at objects of this type.
    pub fn looks_at(&self, object_type: ObjectType) -> bool {
        self.maps(object_type) || self.filters.contains_key(&object_type)
    }

    fn rules(&self, object_type: ObjectType) -> &[Rule] {
        self.of_type.get(&object_type).map_or(&[], Vec::as_slice)
    }

    /// The source's attributes that rules and filters of this type read.
    pub fn uses(&self, object_type: ObjectType) -> BTreeSet<&str> {
        let rules = self.rules(object_type).iter();
        let filters = self.filters.get(&object_type).into_iter().flatten();
        rules
            .flat_map(|rule| rule.how.uses())
            .chain(filters.map(String::as_str))
            .collect()
    }

    /// The directory's attributes that rules of this type make.
    pub fn makes(&self, object_type: ObjectType) -> BTreeSet<&str> {
        let rules = self.rules(object_type).iter();
        rules.map(|rule| rule.target.as_str()).collect()
    }

    /// The source's attributes that the rule for one of the directory's reads.
    pub fn reads(&self, object_type: ObjectType, target: &str) -> Vec<&str> {
        let mut rules = self.rules(object_type).iter();
        let rule = rules.find(|rule| rule.target == target);
        rule.map(|rule| rule.how.uses()).unwrap_or_default()
    }

    /// What each rule makes of an object as its source gave it.
    pub fn made(&self, object: &SourceObject) -> Vec<Made> {
        let variables = Variables::of(object);
        let rules = self.rules(object.object_type).iter();
        rules
            .map(|rule| Made {
                target: rule.target.clone(),
                value: rule.make(variables),
            })
            .collect()
    }

    /// An object as it goes on from here, of one as its source gave it. Where a rule fails it goes
    /// on as the source gave it, with the error.
    #[must_use]
    pub fn map(&self, object: SourceObject) -> SourceObject {
        let object_type = object.object_type;
        let normalizes = self.normalizes && object_type == ObjectType::User;
        if !(normalizes || self.looks_at(object_type)) || object.presence.reason().is_some() {
            return object;
        }
        let made = self.made(&object);
        let mapped = Mapped {
            error: error(&made),
            from: self.looks_at(object_type).then(|| self.from(&object)),
        };
        let mut content = object.content;
        // Beside what the directory has, what only rules read came along.
        content
            .attributes
            .retain(|name, _| is_kept(object_type, name));
        if mapped.error.is_none() {
            for Made { target, value } in made {
                set(&mut content, &target, value.unwrap_or_default());
            }
        }
        if normalizes {
            content.user_principal_name = content.user_principal_name.map(|name| normalized(&name));
        }
        SourceObject {
            content: content.normal(),
            mapped,
            ..object
        }
    }

    /// The source's values that rules and filters read: JSON, without those that are empty.
    fn from(&self, object: &SourceObject) -> String {
        let variables = Variables::of(object);
        let values: BTreeMap<&str, Value> = self
            .uses(object.object_type)
            .into_iter()
            .map(|name| (name, variables.json(name)))
            .filter(|(_, value)| !value.is_null())
            .collect();
        serde_json::to_string(&values).unwrap_or_else(|_| "{}".to_owned())
    }
}

impl How {
    fn of(object_type: ObjectType, rule: &MappingRule) -> Result<Self, String> {
        Ok(match rule {
            MappingRule::Source(name) => Self::Source(name.clone()),
            MappingRule::Constant(text) => Self::Constant(Value::String(text.clone())),
            MappingRule::First(names) => Self::First(names.clone()),
            MappingRule::Expression(text) => {
                Self::Expression(Box::new(Expression::new(object_type, text)?))
            }
            MappingRule::LeaveOut => Self::LeaveOut,
        })
    }

    fn uses(&self) -> Vec<&str> {
        match self {
            Self::Source(name) => vec![name],
            Self::First(names) => names.iter().map(String::as_str).collect(),
            Self::Expression(expression) => expression.uses().collect(),
            Self::Constant(_) | Self::LeaveOut => Vec::new(),
        }
    }
}

impl Rule {
    fn make(&self, variables: Variables<'_>) -> Result<Value, String> {
        let value = match &self.how {
            How::Source(name) => variables.json(name),
            How::Constant(text) => text.clone(),
            How::First(names) => {
                let values = names.iter().map(|name| variables.json(name));
                let mut filled = values.filter(|value| !is_blank(value));
                filled.next().unwrap_or_default()
            }
            How::Expression(expression) => expression.evaluate(variables)?,
            How::LeaveOut => Value::Null,
        };
        self.fit(value)
    }

    /// The value as the attribute can take it.
    fn fit(&self, value: Value) -> Result<Value, String> {
        let fits = match &value {
            Value::String(text) => text.len() <= TEXT_MAX,
            Value::Array(items) => items.len() <= LIST_MAX,
            _ => true,
        };
        if !fits {
            return Err(format!(
                "The result is longer than {TEXT_MAX} bytes or {LIST_MAX} texts."
            ));
        }
        if self.target == "display_name" && is_blank(&value) {
            return Err("The result is empty, and everybody needs a display name.".to_owned());
        }
        if !is_column(&self.target) {
            return Ok(value);
        }
        match value {
            Value::Null | Value::String(_) => Ok(value),
            Value::Number(number) => Ok(Value::String(number.to_string())),
            Value::Bool(_) => Err("The result is true or false, and has to be a text.".to_owned()),
            Value::Array(_) | Value::Object(_) => {
                Err("The result is a list, and has to be one text.".to_owned())
            }
        }
    }
}

/// Whether the directory has a column for it; the names of columns are in no source.
fn is_column(target: &str) -> bool {
    matches!(
        target,
        "display_name" | "user_principal_name" | "given_name" | "surname" | "mail"
    )
}

/// A user name in its one form: without white space around, in lower case.
fn normalized(name: &str) -> String {
    name.trim().to_lowercase()
}

/// What kind of value it is, in words.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a record",
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_blank),
        _ => false,
    }
}

/// What fails, the attributes by their names.
fn error(made: &[Made]) -> Option<String> {
    let failed = made.iter().filter_map(|made| {
        let why = made.value.as_ref().err()?;
        Some(format!("{}: {why}", made.target))
    });
    let mut all = failed.collect::<Vec<_>>().join(" ");
    if all.is_empty() {
        return None;
    }
    if all.len() > ERROR_MAX {
        all.truncate(all.floor_char_boundary(ERROR_MAX));
        all.push('…');
    }
    Some(all)
}

/// Puts a value into its place.
fn set(content: &mut Content, target: &str, value: Value) {
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        _ => None,
    };
    match target {
        "display_name" => content.display_name = text(value).unwrap_or_default(),
        "user_principal_name" => content.user_principal_name = text(value),
        "given_name" => content.given_name = text(value),
        "surname" => content.surname = text(value),
        "mail" => content.mail = text(value),
        other => {
            content.attributes.insert(other.to_owned(), value);
        }
    }
}
