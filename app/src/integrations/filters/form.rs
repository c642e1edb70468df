//! What the form of the tab Filters holds.

use domain::{
    filter::{Condition, FilterEffect, FilterKind, FilterOperator, FilterRule, Filters},
    policy::ObjectType,
};
use serde::{Deserialize, Serialize};

/// A rule as the form has it, without its conditions; without any and without an expression it isn't
/// there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    /// Tells rules apart, also where some were removed.
    pub number: u32,
    /// Objects of which type it is for.
    pub object_type: ObjectType,
    /// What it does with whom it matches.
    pub effect: FilterEffect,
    /// What kind of rule.
    pub kind: FilterKind,
    /// Its expression.
    #[serde(default)]
    pub expression: String,
}

/// A condition as the form has it; without an attribute and a value it isn't there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionLine {
    /// The number of its rule.
    pub rule: u32,
    /// The source's attribute.
    #[serde(default)]
    pub attribute: String,
    /// How it is compared.
    pub operator: FilterOperator,
    /// With what.
    #[serde(default)]
    pub value: String,
}

impl ConditionLine {
    /// One that is still to be filled in.
    pub const fn empty(rule: u32) -> Self {
        Self {
            rule,
            attribute: String::new(),
            operator: FilterOperator::Is,
            value: String::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.attribute.trim().is_empty() && self.value.trim().is_empty()
    }

    fn condition(&self) -> Condition {
        Condition {
            attribute: self.attribute.trim().to_owned(),
            operator: self.operator,
            value: self.value.clone(),
        }
    }
}

/// Everything that the tab decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of one form"
)]
pub struct FilterForm {
    /// Guests come in.
    #[serde(default)]
    pub include_guests: bool,
    /// Whoever is disabled comes in.
    #[serde(default)]
    pub include_disabled: bool,
    /// Whoever has no license comes in.
    #[serde(default)]
    pub include_unlicensed: bool,
    /// Both names are required.
    #[serde(default)]
    pub require_names: bool,
    /// User names are brought into lower case.
    #[serde(default)]
    pub normalize_user_names: bool,
    /// The domains that come in, with commas between them.
    #[serde(default)]
    pub domains: String,
    /// The group whose members are administrators, by its name or its object id; empty: decided here.
    #[serde(default)]
    pub administrators: String,
    /// The rules, those of a type and an effect in their order.
    #[serde(default)]
    pub rules: Vec<RuleLine>,
    /// Their conditions, those of a rule in their order.
    #[serde(default)]
    pub conditions: Vec<ConditionLine>,
}

impl FilterForm {
    /// The form as it shows a policy. `administrators`: what names their group.
    #[cfg(feature = "ssr")]
    pub fn of(policy: &domain::policy::Policy, administrators: &str) -> Self {
        let filters = &policy.filters;
        let mut form = Self {
            include_guests: policy.include_guests,
            include_disabled: filters.include_disabled,
            include_unlicensed: filters.include_unlicensed,
            require_names: policy.require_names,
            normalize_user_names: policy.normalize_user_names,
            domains: filters.domains.join(", "),
            administrators: administrators.to_owned(),
            rules: Vec::new(),
            conditions: Vec::new(),
        };
        let mut number = 0;
        for object_type in ObjectType::OBJECTS {
            for effect in FilterEffect::ALL {
                let rules = filters.of(object_type).map(|rules| rules.with(*effect));
                for rule in rules.unwrap_or_default() {
                    form.push(number, object_type, *effect, rule);
                    number += 1;
                }
            }
        }
        form
    }

    #[cfg(feature = "ssr")]
    fn push(
        &mut self,
        number: u32,
        object_type: ObjectType,
        effect: FilterEffect,
        of: &FilterRule,
    ) {
        let (rule, conditions) = lines(number, object_type, effect, of);
        self.rules.push(rule);
        self.conditions.extend(conditions);
    }

    /// The conditions of a rule that are filled in.
    fn conditions_of(&self, number: u32) -> Vec<Condition> {
        let of_rule = self.conditions.iter().filter(|one| one.rule == number);
        let filled = of_rule.filter(|one| !one.is_empty());
        filled.map(ConditionLine::condition).collect()
    }

    /// The rule that a line is; none where nothing is filled in. An expression without conditions is
    /// one, whatever kind is chosen, until the server reads it as that. A form that the browser sends
    /// ends its lines with two characters.
    pub fn rule(&self, line: &RuleLine) -> Option<FilterRule> {
        let conditions = self.conditions_of(line.number);
        let expression = line.expression.replace("\r\n", "\n");
        let expression = expression.trim();
        let kind = match line.kind {
            FilterKind::Expression => FilterKind::Expression,
            _ if conditions.is_empty() && !expression.is_empty() => FilterKind::Expression,
            kind => kind,
        };
        let is_empty = match kind {
            FilterKind::Expression => expression.is_empty(),
            _ => conditions.is_empty(),
        };
        (!is_empty).then(|| FilterRule::of(kind, conditions, expression))
    }

    /// The rules that are filled in, each with its line.
    pub fn filled(&self) -> impl Iterator<Item = (&RuleLine, FilterRule)> {
        let lines = self.rules.iter();
        lines.filter_map(|line| Some((line, self.rule(line)?)))
    }

    /// Whether a rule is for objects of this type.
    pub fn is_about(&self, object_type: ObjectType) -> bool {
        self.filled()
            .any(|(line, _)| line.object_type == object_type)
    }

    /// The filters that are filled in.
    pub fn filters(&self) -> Filters {
        let domains = self.domains.split([',', ';', ' ', '\n']).map(str::trim);
        let mut filters = Filters {
            include_disabled: self.include_disabled,
            include_unlicensed: self.include_unlicensed,
            domains: domains
                .filter(|domain| !domain.is_empty())
                .map(str::to_owned)
                .collect(),
            ..Filters::default()
        };
        for (line, rule) in self.filled() {
            if let Some(rules) = filters.of_mut(line.object_type) {
                rules.with_mut(line.effect).push(rule);
            }
        }
        filters
    }

    /// The policy with what is filled in, but for the administrators.
    #[cfg(feature = "ssr")]
    pub fn policy(&self, before: domain::policy::Policy) -> domain::policy::Policy {
        domain::policy::Policy {
            include_guests: self.include_guests,
            require_names: self.require_names,
            normalize_user_names: self.normalize_user_names,
            filters: self.filters(),
            ..before
        }
    }

    /// The line that an error blames by the rule's name in the API, such as
    /// `policy.filters.user.exclude[3].all[0].value`. Rules are looked at on the server.
    #[cfg(feature = "ssr")]
    pub fn blamed(&self, field: &str) -> Option<(&RuleLine, FilterRule)> {
        let rest = field.strip_prefix("policy.filters.")?;
        let (object_type, rest) = rest.split_once('.')?;
        let (effect, rest) = rest.split_once('[')?;
        let object_type: ObjectType = object_type.parse().ok()?;
        let effect: FilterEffect = effect.parse().ok()?;
        let at: usize = rest.split_once(']')?.0.parse().ok()?;
        self.filled()
            .filter(|(line, _)| line.object_type == object_type && line.effect == effect)
            .nth(at)
    }

    /// What differs from `was`, in the words of the page; empty where nothing does.
    pub fn differences(&self, was: &Self) -> Vec<String> {
        let (now, before) = (self.filters(), was.filters());
        let switches = [
            (self.include_guests != was.include_guests, "guests"),
            (self.include_disabled != was.include_disabled, "disabled"),
            (
                self.include_unlicensed != was.include_unlicensed,
                "without a license",
            ),
            (self.require_names != was.require_names, "names"),
            (now.domains != before.domains, "domains"),
            (
                self.normalize_user_names != was.normalize_user_names,
                "user names",
            ),
            (
                self.administrators.trim() != was.administrators.trim(),
                "administrators",
            ),
        ];
        let switches = switches.into_iter().filter(|(differs, _)| *differs);
        let mut differences: Vec<String> = switches.map(|(_, name)| name.to_owned()).collect();
        for object_type in ObjectType::OBJECTS {
            if now.of(object_type) != before.of(object_type) {
                differences.push(format!("{object_type} rules"));
            }
        }
        differences
    }
}

/// The lines of a rule.
pub fn lines(
    number: u32,
    object_type: ObjectType,
    effect: FilterEffect,
    of: &FilterRule,
) -> (RuleLine, Vec<ConditionLine>) {
    let conditions = of.conditions().iter().map(|condition| ConditionLine {
        rule: number,
        attribute: condition.attribute.clone(),
        operator: condition.operator,
        value: condition.value.clone(),
    });
    let rule = RuleLine {
        number,
        object_type,
        effect,
        kind: of.kind(),
        expression: match of {
            FilterRule::Expression(text) => text.clone(),
            _ => String::new(),
        },
    };
    (rule, conditions.collect())
}

#[cfg(test)]
mod tests {
    use domain::policy::Policy;

    use super::*;

    fn policy() -> Policy {
        let condition = |attribute: &str, value: &str| Condition {
            attribute: attribute.to_owned(),
            operator: FilterOperator::Contains,
            value: value.to_owned(),
        };
        let mut policy = Policy::default();
        policy.filters.domains = vec!["a.example".to_owned(), "b.example".to_owned()];
        policy.filters.include_disabled = false;
        policy.filters.user.include = vec![
            FilterRule::Any(vec![condition("city", "a"), condition("city", "b")]),
            FilterRule::Expression("is_empty(mail)".to_owned()),
        ];
        policy.filters.group.exclude = vec![FilterRule::All(vec![condition("mail", "x")])];
        policy
    }

    #[test]
    fn a_policy_becomes_lines_and_lines_a_policy() {
        let form = FilterForm::of(&policy(), "Admins");
        assert_eq!(form.rules.len(), 3);
        assert_eq!(form.policy(Policy::default()), policy());
        assert!(form.is_about(ObjectType::Group) && !form.is_about(ObjectType::Device));
        let other = FilterForm::of(&Policy::default(), "");
        assert_eq!(
            form.differences(&other),
            [
                "disabled",
                "domains",
                "administrators",
                "user rules",
                "group rules"
            ]
        );
        assert!(form.differences(&form).is_empty());
    }

    #[test]
    fn what_is_not_filled_in_is_no_rule() {
        let mut form = FilterForm::of(&policy(), "");
        let mut empty = form.rules[0].clone();
        (empty.number, empty.kind) = (9, FilterKind::All);
        form.rules.insert(1, empty.clone());
        form.conditions.push(ConditionLine::empty(9));
        form.conditions.push(ConditionLine::empty(0));
        assert_eq!(form.policy(Policy::default()), policy());
        // Only an expression, with a kind that has none: it is one until it is read.
        form.rules[1].expression = "equals(city, 'x')".to_owned();
        let rule = form.rule(&form.rules[1]).unwrap();
        assert_eq!(rule.kind(), FilterKind::Expression);
        form.rules[1].expression = "is_empty(city) // none\r\n|| is_empty(mail)\r\n".to_owned();
        assert_eq!(
            form.rule(&form.rules[1]),
            Some(FilterRule::Expression(
                "is_empty(city) // none\n|| is_empty(mail)".to_owned()
            ))
        );
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn an_error_finds_its_line() {
        let form = FilterForm::of(&policy(), "");
        let blamed = |field: &str| form.blamed(field).map(|(line, _)| line.number);
        assert_eq!(blamed("policy.filters.user.include[1].expression"), Some(1));
        assert_eq!(
            blamed("policy.filters.group.exclude[0].all[0].value"),
            Some(2)
        );
        assert_eq!(blamed("policy.filters.group.include[0].all"), None);
        assert_eq!(blamed("policy.filters.domains"), None);
    }
}
