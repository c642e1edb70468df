//! Filters: whether what the source says of an object lets it in.
//!
//! They read the source's own values, as runs keep them beside the mapped ones
//! (`Mapped::from`). Rules in plain form are compared; only expressions go through CEL. An expression
//! that fails for an object is that object's error: it is neither let in nor kept out.

mod compare;
mod plain;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    filter::{self as plan, FilterEffect, FilterRule, FilterRules},
    policy::ObjectType,
    text::FieldError,
};
use serde_json::Value;

use self::compare::Prepared;
use crate::{
    mapping::{expression::Expression, type_of, variables::Variables},
    read::Mapped,
};

pub(crate) use compare::{fits, value_fits};
pub use plain::plain;

/// The source's values of an object that filters look at, by their names.
pub type Values = BTreeMap<String, Value>;

/// The filters of a policy, ready to be used on any number of objects.
#[derive(Debug, Default)]
pub struct Filters {
    of_type: BTreeMap<ObjectType, OfType>,
}

#[derive(Debug)]
struct OfType {
    uses: BTreeSet<String>,
    /// Whether whoever is disabled is kept out.
    no_disabled: bool,
    /// Whether whoever has no license is kept out.
    no_unlicensed: bool,
    /// Where there are any, only these come in.
    domains: BTreeSet<String>,
    include: Vec<How>,
    exclude: Vec<How>,
}

#[derive(Debug)]
enum How {
    All(Vec<Prepared>),
    Any(Vec<Prepared>),
    Expression(Box<Expression>),
}

/// What the filters say of an object, for the decision about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Answer {
    /// They let it in.
    #[default]
    In,
    /// They keep it out.
    Out,
    /// One fails for it, so that nobody knows.
    Fails,
}

/// What the filters say of an object, and what decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// They let it in: by the rule of this place, where there are rules that let in.
    In(Option<usize>),
    /// They keep it out.
    Out(Cause),
    /// One fails for it, and why.
    Fails(String),
}

/// What keeps an object out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Its sign-in is blocked, or the device is disabled.
    Disabled,
    /// It has no license.
    Unlicensed,
    /// It is of this domain, or of none.
    Domain(Option<String>),
    /// None of the rules that let in matches.
    NotIncluded,
    /// The rule of this place among those that keep out matches.
    Excluded(usize),
}

impl Judged {
    /// The answer alone.
    pub const fn answer(&self) -> Answer {
        match self {
            Self::In(_) => Answer::In,
            Self::Out(_) => Answer::Out,
            Self::Fails(_) => Answer::Fails,
        }
    }
}

/// All that is wrong with filters, each error at its place: what can't be, and expressions and
/// patterns that can't be read.
pub fn problems(filters: &plan::Filters) -> Vec<FieldError> {
    let mut errors = filters.problems();
    for (object_type, effect, at, rule) in rules(filters) {
        let place = place(object_type, effect, at);
        let is_blamed = errors.iter().any(|error| error.field.starts_with(&place));
        if !is_blamed && let Err(error) = How::of(object_type, rule, &place) {
            errors.push(error);
        }
    }
    errors
}

/// Every rule, with where it stands.
fn rules(
    filters: &plan::Filters,
) -> impl Iterator<Item = (ObjectType, FilterEffect, usize, &FilterRule)> {
    ObjectType::OBJECTS
        .into_iter()
        .flat_map(move |object_type| {
            let of_type = filters.of(object_type).into_iter();
            of_type.flat_map(move |of_type| {
                FilterEffect::ALL.iter().flat_map(move |effect| {
                    let rules = of_type.with(*effect).iter().enumerate();
                    rules.map(move |(at, rule)| (object_type, *effect, at, rule))
                })
            })
        })
}

fn place(object_type: ObjectType, effect: FilterEffect, at: usize) -> String {
    format!("policy.filters.{object_type}.{effect}[{at}].")
}

impl Filters {
    /// Prepares filters that were checked, or says which of them can't be read, and why.
    pub fn new(filters: &plan::Filters) -> Result<Self, FieldError> {
        let mut of_type = BTreeMap::new();
        for object_type in ObjectType::OBJECTS {
            if let (true, Some(rules)) = (filters.concern(object_type), filters.of(object_type)) {
                of_type.insert(object_type, OfType::new(filters, object_type, rules)?);
            }
        }
        Ok(Self { of_type })
    }

    /// Whether objects of this type can be kept out.
    pub fn concern(&self, object_type: ObjectType) -> bool {
        self.of_type.contains_key(&object_type)
    }

    /// The source's attributes that filters of this type look at.
    pub fn uses(&self, object_type: ObjectType) -> BTreeSet<&str> {
        let of_type = self.of_type.get(&object_type);
        let uses = of_type.map(|of_type| of_type.uses.iter().map(String::as_str).collect());
        uses.unwrap_or_default()
    }

    /// What they say of an object of which these values are known.
    pub fn judge(&self, object_type: ObjectType, values: &Values) -> Judged {
        match self.of_type.get(&object_type) {
            Some(of_type) => of_type.judge(values),
            None => Judged::In(None),
        }
    }

    /// What they say of an object of which runs keep that. What was never read lets nobody in or
    /// out.
    pub fn judge_kept(&self, object_type: ObjectType, from: Option<&str>) -> Judged {
        if !self.concern(object_type) {
            return Judged::In(None);
        }
        match from.map(serde_json::from_str::<Values>) {
            Some(Ok(values)) => self.judge(object_type, &values),
            _ => Judged::Fails(NOT_READ.to_owned()),
        }
    }
}

/// That a filter looks at what no run has read.
const NOT_READ: &str =
    "The filters were saved since it was last read. The next run reads it and applies them.";

/// Whether what filters look at is known of an object.
pub fn is_read(mapped: &Mapped) -> bool {
    mapped.from.is_some()
}

impl OfType {
    fn new(
        filters: &plan::Filters,
        object_type: ObjectType,
        rules: &FilterRules,
    ) -> Result<Self, FieldError> {
        let prepared = |effect: FilterEffect| {
            let rules = rules.with(effect).iter().enumerate();
            rules
                .map(|(at, rule)| How::of(object_type, rule, &place(object_type, effect, at)))
                .collect::<Result<Vec<_>, _>>()
        };
        let is_user = object_type == ObjectType::User;
        let mut made = Self {
            uses: BTreeSet::new(),
            no_disabled: !filters.include_disabled
                && matches!(object_type, ObjectType::User | ObjectType::Device),
            no_unlicensed: is_user && !filters.include_unlicensed,
            domains: filters
                .domains
                .iter()
                .filter(|_| is_user)
                .cloned()
                .collect(),
            include: prepared(FilterEffect::Include)?,
            exclude: prepared(FilterEffect::Exclude)?,
        };
        let mut uses: BTreeSet<&str> = BTreeSet::new();
        if made.no_disabled {
            uses.insert("accountEnabled");
        }
        if made.no_unlicensed {
            uses.insert("assignedLicenses");
        }
        if !made.domains.is_empty() {
            uses.extend(["mail", "userPrincipalName", "userType"]);
        }
        for how in made.include.iter().chain(&made.exclude) {
            uses.extend(how.uses());
        }
        made.uses = uses.into_iter().map(str::to_owned).collect();
        Ok(made)
    }

    fn judge(&self, values: &Values) -> Judged {
        let value = |name: &str| values.get(name).unwrap_or(&Value::Null);
        if self.no_disabled && value("accountEnabled") == &Value::Bool(false) {
            return Judged::Out(Cause::Disabled);
        }
        if self.no_unlicensed && compare::is_blank(value("assignedLicenses")) {
            return Judged::Out(Cause::Unlicensed);
        }
        if !self.domains.is_empty() {
            let domain = domain(values);
            if !domain
                .as_ref()
                .is_some_and(|own| self.domains.contains(own))
            {
                return Judged::Out(Cause::Domain(domain));
            }
        }
        let included = match first(&self.include, values) {
            _ if self.include.is_empty() => Ok(None),
            Ok(Some(at)) => Ok(Some(at)),
            Ok(None) => return Judged::Out(Cause::NotIncluded),
            Err(why) => Err(why),
        };
        match (first(&self.exclude, values), included) {
            // Whoever is kept out is, whether or not something lets them in.
            (Ok(Some(at)), _) => Judged::Out(Cause::Excluded(at)),
            (Err(why), _) | (Ok(None), Err(why)) => Judged::Fails(why),
            (Ok(None), Ok(by)) => Judged::In(by),
        }
    }
}

/// The first of the rules that matches; why one fails, where none of the others does.
fn first(rules: &[How], values: &Values) -> Result<Option<usize>, String> {
    let mut failed = None;
    for (at, rule) in rules.iter().enumerate() {
        match rule.matches(values) {
            Ok(true) => return Ok(Some(at)),
            Ok(false) => {}
            Err(why) => failed = failed.or(Some(format!("Rule {}: {why}", at + 1))),
        }
    }
    match failed {
        Some(why) => Err(why),
        None => Ok(None),
    }
}

/// The domain of a user: a guest's user name is of the tenant that they are a guest in.
fn domain(values: &Values) -> Option<String> {
    let text = |name: &str| values.get(name).and_then(Value::as_str);
    let is_guest = text("userType").is_some_and(|kind| kind.eq_ignore_ascii_case("guest"));
    let address = if is_guest {
        text("mail").or_else(|| text("userPrincipalName"))
    } else {
        text("userPrincipalName")
    };
    let (_, domain) = address?.rsplit_once('@')?;
    Some(domain.trim().to_lowercase())
}

impl How {
    fn of(object_type: ObjectType, rule: &FilterRule, place: &str) -> Result<Self, FieldError> {
        let kind = rule.kind();
        match rule {
            FilterRule::All(conditions) | FilterRule::Any(conditions) => {
                let prepared = conditions.iter().enumerate().map(|(at, condition)| {
                    Prepared::of(condition)
                        .map_err(|why| FieldError::new(&format!("{place}{kind}[{at}].value"), why))
                });
                let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
                Ok(match rule {
                    FilterRule::Any(_) => Self::Any(prepared),
                    _ => Self::All(prepared),
                })
            }
            FilterRule::Expression(text) => Expression::new(object_type, text)
                .map(|read| Self::Expression(Box::new(read)))
                .map_err(|why| FieldError::new(&format!("{place}{kind}"), why)),
        }
    }

    fn uses(&self) -> Vec<&str> {
        match self {
            Self::All(conditions) | Self::Any(conditions) => conditions
                .iter()
                .map(|one| one.attribute.as_str())
                .collect(),
            Self::Expression(expression) => expression.uses().collect(),
        }
    }

    fn matches(&self, values: &Values) -> Result<bool, String> {
        match self {
            Self::All(conditions) => Ok(conditions.iter().all(|one| one.is_true(values))),
            Self::Any(conditions) => Ok(conditions.iter().any(|one| one.is_true(values))),
            Self::Expression(expression) => {
                match expression.evaluate(Variables::Values(values))? {
                    Value::Bool(is) => Ok(is),
                    other => Err(format!(
                        "The result is {}; a filter needs true or false.",
                        type_of(&other)
                    )),
                }
            }
        }
    }
}
