//! Attribute mapping: from which of the source's values a directory attribute is made.
//!
//! Without rules the directory has what the source says. A rule says something else of one
//! attribute; what it reads are the source's own values, never what another rule made.

mod attributes;
mod functions;

use serde::{Deserialize, Serialize};

use crate::{
    id::ExternalId,
    policy::{ObjectType, Policy},
    text::FieldError,
    text_enum,
};

pub use attributes::{
    EXTENSION_ATTRIBUTES, columns, default_source, defaults, is_directory_extension,
    is_extension_attribute, is_kept, is_source, is_target, kept, more, sources,
};
pub use functions::{FUNCTIONS, Function};

/// The most rules for one type of objects.
pub const RULES_MAX: usize = 60;
/// The longest expression and the longest constant, in bytes.
pub const RULE_BYTES_MAX: usize = 2048;
/// The most attributes that a rule chooses the first from.
pub const FIRST_MAX: usize = 10;
/// The most people that rules are tried on at once.
pub const TRIED_MAX: usize = 5;

/// The rules of an integration, for each type of objects. A type without rules has what the source
/// says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Mapping {
    /// Of users. At most 60.
    pub user: Vec<AttributeRule>,
    /// Of groups. At most 60.
    pub group: Vec<AttributeRule>,
    /// Of contacts. At most 60.
    pub contact: Vec<AttributeRule>,
    /// Of devices. At most 60.
    pub device: Vec<AttributeRule>,
}

impl Mapping {
    /// The rules of a type; none of edges.
    pub fn of(&self, object_type: ObjectType) -> &[AttributeRule] {
        match object_type {
            ObjectType::User => &self.user,
            ObjectType::Group => &self.group,
            ObjectType::Contact => &self.contact,
            ObjectType::Device => &self.device,
            ObjectType::Membership => &[],
        }
    }

    /// The rules of a type, to change them; none of edges.
    pub fn of_mut(&mut self, object_type: ObjectType) -> Option<&mut Vec<AttributeRule>> {
        match object_type {
            ObjectType::User => Some(&mut self.user),
            ObjectType::Group => Some(&mut self.group),
            ObjectType::Contact => Some(&mut self.contact),
            ObjectType::Device => Some(&mut self.device),
            ObjectType::Membership => None,
        }
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        ObjectType::OBJECTS
            .iter()
            .all(|one| self.of(*one).is_empty())
    }

    /// The rules in their one form (trimmed), or which of them can't be, and why. Whether an
    /// expression can be read is for `planner::mapping` to say.
    pub fn checked(mut self) -> Result<Self, FieldError> {
        match self.tidy().into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// All that is wrong with the rules, each error at its rule.
    pub fn problems(&self) -> Vec<FieldError> {
        self.clone().tidy()
    }

    /// Trims the rules. Answers those that can't be.
    fn tidy(&mut self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for object_type in ObjectType::OBJECTS {
            let Some(rules) = self.of_mut(object_type) else {
                continue;
            };
            if rules.len() > RULES_MAX {
                let field = format!("policy.mapping.{object_type}");
                let message = format!("Use at most {RULES_MAX} rules for one type.");
                errors.push(FieldError::new(&field, message));
            }
            for at in 0..rules.len() {
                let (before, rest) = rules.split_at_mut(at);
                let checked = rest
                    .first_mut()
                    .map(|rule| rule.check(object_type, at, before));
                errors.extend(checked.and_then(Result::err));
            }
        }
        errors
    }
}

/// One rule: what becomes of one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AttributeRule {
    /// The directory's attribute: `display_name`, `user_principal_name`, `given_name`, `surname`,
    /// `mail`, or another by the name that Microsoft Graph has for it, such as `jobTitle`,
    /// `extensionAttribute3` or `extension_<application id>_<name>`.
    pub attribute: String,
    /// What it is made from.
    pub rule: MappingRule,
}

/// What an attribute is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MappingRule {
    /// The source's attribute of this name.
    Source(String),
    /// This text, for everybody.
    Constant(String),
    /// The first of these attributes of the source that isn't empty.
    First(Vec<String>),
    /// A CEL expression over the source's attributes, at most 2,048 bytes.
    Expression(String),
    /// Nothing: the directory doesn't have the attribute.
    LeaveOut,
}

text_enum! {
    /// The kinds of rules, as a form chooses among them.
    pub enum MappingKind {
        /// A source attribute.
        Source = "source",
        /// A constant.
        Constant = "constant",
        /// The first that isn't empty.
        First = "first",
        /// An expression.
        Expression = "expression",
        /// Nothing.
        LeaveOut = "leave_out",
    }
}

impl MappingKind {
    /// The kind in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Source => "Source attribute",
            Self::Constant => "Constant",
            Self::First => "First non-empty",
            Self::Expression => "Expression",
            Self::LeaveOut => "Leave out",
        }
    }
}

impl MappingRule {
    /// Its kind.
    pub const fn kind(&self) -> MappingKind {
        match self {
            Self::Source(_) => MappingKind::Source,
            Self::Constant(_) => MappingKind::Constant,
            Self::First(_) => MappingKind::First,
            Self::Expression(_) => MappingKind::Expression,
            Self::LeaveOut => MappingKind::LeaveOut,
        }
    }

    /// Its value as one text, as a form has it.
    pub fn value(&self) -> String {
        match self {
            Self::Source(text) | Self::Constant(text) | Self::Expression(text) => text.clone(),
            Self::First(names) => names.join(", "),
            Self::LeaveOut => String::new(),
        }
    }

    /// The rule of a kind with a value as a form has it.
    pub fn of(kind: MappingKind, value: &str) -> Self {
        match kind {
            MappingKind::Source => Self::Source(value.to_owned()),
            MappingKind::Constant => Self::Constant(value.to_owned()),
            MappingKind::First => Self::First(
                value
                    .split([',', ';', '\n'])
                    .map(|name| name.trim().to_owned())
                    .filter(|name| !name.is_empty())
                    .collect(),
            ),
            MappingKind::Expression => Self::Expression(value.to_owned()),
            MappingKind::LeaveOut => Self::LeaveOut,
        }
    }
}

impl std::fmt::Display for MappingRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Source(name) => write!(f, "{name}"),
            Self::Constant(text) => write!(f, "the constant “{text}”"),
            Self::First(names) => write!(f, "the first non-empty of {}", names.join(", ")),
            Self::Expression(text) => write!(f, "{text}"),
            Self::LeaveOut => write!(f, "left out"),
        }
    }
}

impl AttributeRule {
    /// Trims the rule and looks whether it can be; `at` is its place, `before` what stands above.
    fn check(
        &mut self,
        object_type: ObjectType,
        at: usize,
        before: &[Self],
    ) -> Result<(), FieldError> {
        let blame = |part: &str, message: String| {
            let field = format!("policy.mapping.{object_type}[{at}].{part}");
            Err(FieldError::new(&field, message))
        };
        self.attribute = self.attribute.trim().to_owned();
        if let Err(message) = check_target(object_type, &self.attribute) {
            return blame("attribute", message);
        }
        if before.iter().any(|other| other.attribute == self.attribute) {
            let message = format!("{} has a rule already.", self.attribute);
            return blame("attribute", message);
        }
        let kind = self.rule.kind();
        let checked = match &mut self.rule {
            MappingRule::Source(name) => {
                *name = name.trim().to_owned();
                check_source(object_type, name)
            }
            MappingRule::First(names) => check_first(object_type, names),
            MappingRule::Constant(text) | MappingRule::Expression(text) => {
                *text = text.trim().to_owned();
                check_text(kind, text)
            }
            MappingRule::LeaveOut if self.attribute == "display_name" => {
                Err("Everybody needs a display name.".to_owned())
            }
            MappingRule::LeaveOut => Ok(()),
        };
        match checked {
            Ok(()) => Ok(()),
            Err(message) if kind == MappingKind::LeaveOut => blame("attribute", message),
            Err(message) => blame(kind.as_str(), message),
        }
    }
}

fn check_target(object_type: ObjectType, name: &str) -> Result<(), String> {
    if is_target(object_type, name) {
        return Ok(());
    }
    if name.is_empty() {
        return Err("Enter the attribute that is made.".to_owned());
    }
    if let Some((column, _)) = columns(object_type).iter().find(|(_, own)| *own == name) {
        return Err(format!("In the directory {name} is called {column}."));
    }
    let all = columns(object_type).iter().map(|(column, _)| *column);
    let all = all.chain(kept(object_type).iter().copied());
    Err(unknown(object_type, name, all))
}

fn check_source(object_type: ObjectType, name: &str) -> Result<(), String> {
    if is_source(object_type, name) {
        return Ok(());
    }
    if name.is_empty() {
        return Err("Enter an attribute of the source.".to_owned());
    }
    if let Some((_, own)) = columns(object_type)
        .iter()
        .find(|(column, _)| *column == name)
    {
        return Err(format!("In the source {name} is called {own}."));
    }
    Err(unknown(object_type, name, sources(object_type)))
}

/// That there is no attribute of this name, with the one that was meant where that is clear.
pub fn unknown<'a>(
    object_type: ObjectType,
    name: &str,
    all: impl IntoIterator<Item = &'a str>,
) -> String {
    let noun = object_type.as_str();
    if name == "manager" {
        return "“manager” can’t be used: it is another object, and Microsoft doesn’t settle what a sync is told of it.".to_owned();
    }
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    match all.into_iter().find(|other| plain(other) == plain(name)) {
        Some(meant) => format!("A {noun} has no attribute “{name}”. It is called {meant}."),
        None => format!("A {noun} has no attribute “{name}”."),
    }
}

fn check_first(object_type: ObjectType, names: &mut [String]) -> Result<(), String> {
    if names.is_empty() {
        return Err("Enter the attributes to choose from, with commas between them.".to_owned());
    }
    if names.len() > FIRST_MAX {
        return Err(format!("Choose from at most {FIRST_MAX} attributes."));
    }
    for name in names {
        *name = name.trim().to_owned();
        check_source(object_type, name)?;
    }
    Ok(())
}

fn check_text(kind: MappingKind, text: &str) -> Result<(), String> {
    let is_expression = kind == MappingKind::Expression;
    if text.is_empty() {
        return Err(if is_expression {
            "Enter an expression.".to_owned()
        } else {
            "Enter the text. To have none, choose “Leave out”.".to_owned()
        });
    }
    if text.len() > RULE_BYTES_MAX {
        return Err(format!(
            "It is {} bytes long; at most 2,048 are allowed.",
            crate::number::grouped(i64::try_from(text.len()).unwrap_or(i64::MAX))
        ));
    }
    let strange = |c: char| c.is_control() && !(is_expression && matches!(c, '\n' | '\r' | '\t'));
    if text.contains(strange) {
        return Err("Control characters can’t be used here.".to_owned());
    }
    Ok(())
}

/// What rules are tried on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MappingTestRequest {
    /// Rules that aren't saved; absent: the saved ones.
    pub mapping: Option<Mapping>,
    /// A policy that isn't saved, in place of `mapping`.
    pub policy: Option<Policy>,
    /// Whom to try them on, at most five: object ids, user names, mail addresses or names. None:
    /// some people of the directory.
    pub objects: Vec<String>,
}

/// What rules make of some objects, read from the source just now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MappingTest {
    /// The objects, in the order asked for.
    pub objects: Vec<MappedObject>,
    /// What no one object was found for, each with why.
    pub not_found: Vec<String>,
}

/// What rules make of one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MappedObject {
    /// What it is.
    pub object_type: ObjectType,
    /// Its object id in the source.
    pub external_id: ExternalId,
    /// Its name in the source.
    pub display_name: String,
    /// A user's sign-in name in the source.
    pub user_principal_name: Option<String>,
    /// Its id in the directory, where it is there.
    pub directory_id: Option<uuid::Uuid>,
    /// The attributes with a rule, and others whose value would change.
    pub attributes: Vec<MappedAttribute>,
}

/// One attribute of an object that rules were tried on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MappedAttribute {
    /// Its name in the directory.
    pub attribute: String,
    /// What it is made from, in words; null where no rule says.
    pub rule: Option<String>,
    /// What the directory has now; null where that is nothing.
    pub now: serde_json::Value,
    /// What it would have; null where that is nothing.
    pub then: serde_json::Value,
    /// Why its rule fails for this object.
    pub error: Option<String>,
}

impl MappedAttribute {
    /// Whether the directory would have something else.
    pub fn differs(&self) -> bool {
        self.error.is_none() && self.now != self.then
    }
}

/// A directory schema extension of a tenant: a property that an application added to its objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectoryExtension {
    /// Its name, as rules use it.
    pub name: String,
    /// The application that added it; null where Entra ID doesn’t tell.
    pub application: Option<String>,
    /// The types of objects that can have it.
    pub object_types: Vec<ObjectType>,
}

#[cfg(test)]
mod tests;
