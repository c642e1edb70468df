//! People that no run touches.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::IntegrationId,
    text::{FieldError, NAME_CHARS_MAX},
    text_enum,
};

/// That a user is protected from sync: no run updates, disables, enables or deletes it, nor takes
/// a membership from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Protection {
    /// Who protected it: a person's or a token's name.
    pub by: String,
    /// Since when.
    pub at: DateTime,
    /// Why, in their words; may be empty.
    pub note: String,
}

/// What a user is protected with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NewProtection {
    /// Why: a sentence or a ticket number, at most 500 characters. Kept in the audit log.
    pub note: String,
}

text_enum! {
    /// What of a person a rule of the policy compares: attributes of Microsoft Graph that are kept
    /// and have one text.
    pub enum ProtectedAttribute {
        /// The name it signs in with.
        UserPrincipalName = "user_principal_name",
        /// The name people read.
        DisplayName = "display_name",
        /// First name.
        GivenName = "given_name",
        /// Last name.
        Surname = "surname",
        /// Mail address.
        Mail = "mail",
        /// Department.
        Department = "department",
        /// Job title.
        JobTitle = "job_title",
        /// Company name.
        CompanyName = "company_name",
        /// Office location.
        OfficeLocation = "office_location",
        /// City.
        City = "city",
        /// Country.
        Country = "country",
        /// Employee id.
        EmployeeId = "employee_id",
    }
}

impl ProtectedAttribute {
    /// The attribute in words, as the interface names it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::UserPrincipalName => "User name",
            Self::DisplayName => "Display name",
            Self::GivenName => "Given name",
            Self::Surname => "Surname",
            Self::Mail => "Mail",
            Self::Department => "Department",
            Self::JobTitle => "Job title",
            Self::CompanyName => "Company name",
            Self::OfficeLocation => "Office location",
            Self::City => "City",
            Self::Country => "Country",
            Self::EmployeeId => "Employee id",
        }
    }

    /// Graph's name of it, where it stands among a person's other attributes.
    pub const fn among_others(self) -> Option<&'static str> {
        match self {
            Self::UserPrincipalName
            | Self::DisplayName
            | Self::GivenName
            | Self::Surname
            | Self::Mail => None,
            Self::Department => Some("department"),
            Self::JobTitle => Some("jobTitle"),
            Self::CompanyName => Some("companyName"),
            Self::OfficeLocation => Some("officeLocation"),
            Self::City => Some("city"),
            Self::Country => Some("country"),
            Self::EmployeeId => Some("employeeId"),
        }
    }
}

text_enum! {
    /// How a rule compares. Case and accents make no difference, nor does white space around.
    pub enum Matching {
        /// The whole text.
        Is = "is",
        /// Its beginning.
        StartsWith = "starts_with",
        /// Its end.
        EndsWith = "ends_with",
        /// A part of it.
        Contains = "contains",
    }
}

impl Matching {
    /// The comparison in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::StartsWith => "starts with",
            Self::EndsWith => "ends with",
            Self::Contains => "contains",
        }
    }
}

/// A rule of the policy: whom no run touches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProtectedRule {
    /// What is compared.
    pub attribute: ProtectedAttribute,
    /// How.
    pub matches: Matching,
    /// With what: 1 to 256 characters.
    pub value: String,
}

impl std::fmt::Display for ProtectedRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (attribute, matches) = (self.attribute.title(), self.matches.title());
        write!(f, "{attribute} {matches} “{}”", self.value)
    }
}

impl ProtectedRule {
    /// The rule with its value trimmed, or why it can't be; `at` is its place, counted from 0.
    pub fn checked(self, at: usize) -> Result<Self, FieldError> {
        let refused = |message: &str| {
            let field = format!("policy.protected[{at}].value");
            Err(FieldError::new(
                &field,
                format!("Rule {}: {message}", at + 1),
            ))
        };
        let value = self.value.trim();
        if value.is_empty() {
            return refused("enter what to compare with.");
        }
        if value.chars().count() > NAME_CHARS_MAX {
            return refused(&format!("use at most {NAME_CHARS_MAX} characters."));
        }
        if value.chars().any(char::is_control) {
            return refused("line breaks and control characters can’t be used here.");
        }
        Ok(Self {
            value: value.to_owned(),
            ..self
        })
    }
}

/// The most rules of one policy.
pub const PROTECTED_RULES_MAX: usize = 50;

/// Rules in their one form (values trimmed, no doubles, in the order given), or which of them can't
/// be, and why.
pub fn checked_rules(rules: Vec<ProtectedRule>) -> Result<Vec<ProtectedRule>, FieldError> {
    if rules.len() > PROTECTED_RULES_MAX {
        return Err(FieldError::new(
            "policy.protected",
            format!("Use at most {PROTECTED_RULES_MAX} rules."),
        ));
    }
    let mut checked: Vec<ProtectedRule> = Vec::with_capacity(rules.len());
    for (at, rule) in rules.into_iter().enumerate() {
        let rule = rule.checked(at)?;
        if !checked.contains(&rule) {
            checked.push(rule);
        }
    }
    Ok(checked)
}

/// The rule that protects a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProtectedByRule {
    /// The integration whose policy has the rule.
    pub integration_id: IntegrationId,
    /// The first of its rules that matches.
    pub rule: ProtectedRule,
}

/// Why a user is touched by no run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Protected {
    /// Somebody protected it by hand.
    pub by_hand: Option<Protection>,
    /// A rule of its integration's policy matches.
    pub by_rule: Option<ProtectedByRule>,
}

impl Protected {
    /// Both ways together; none where neither holds.
    pub fn of(by_hand: Option<Protection>, by_rule: Option<ProtectedByRule>) -> Option<Self> {
        (by_hand.is_some() || by_rule.is_some()).then_some(Self { by_hand, by_rule })
    }
}

text_enum! {
    /// Whether users are protected, as a list is filtered by it.
    pub enum ProtectedFilter {
        /// By hand or by a rule.
        Any = "yes",
        /// By hand.
        ByHand = "by_hand",
        /// By a rule.
        ByRule = "by_rule",
        /// Neither.
        No = "no",
    }
}

impl ProtectedFilter {
    /// The filter in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Any => "Yes",
            Self::ByHand => "By hand",
            Self::ByRule => "By rule",
            Self::No => "No",
        }
    }
}

/// How many people of today's directory a rule protects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProtectedCount {
    /// The rule.
    pub rule: ProtectedRule,
    /// Users that it matches; several rules may match one.
    pub people: u64,
}

/// Whom an integration's rules protect in today's directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProtectedForecast {
    /// The rules, in their order.
    pub rules: Vec<ProtectedCount>,
    /// Users that any of them matches.
    pub people: u64,
    /// Users that were looked at.
    pub looked_at: u64,
    /// Whether these are all that the integration has: only the first 50,000 are looked at.
    pub complete: bool,
}

/// Rules that aren't saved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ProtectedForecastRequest {
    /// As in the policy; absent: the saved rules.
    pub protected: Option<Vec<ProtectedRule>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(value: &str) -> ProtectedRule {
        ProtectedRule {
            attribute: ProtectedAttribute::Mail,
            matches: Matching::EndsWith,
            value: value.to_owned(),
        }
    }

    #[test]
    fn rules_are_trimmed_and_said_once() {
        let rules = vec![rule(" @a.example "), rule("@b.example"), rule("@a.example")];
        let checked = checked_rules(rules).unwrap();
        assert_eq!(checked, [rule("@a.example"), rule("@b.example")]);
        assert_eq!(checked[0].to_string(), "Mail ends with “@a.example”");
    }

    #[test]
    fn a_rule_that_cannot_be_is_named_by_its_place() {
        let long = "x".repeat(257);
        for value in ["", "  ", "a\nb", long.as_str()] {
            let error = checked_rules(vec![rule("fine"), rule(value)]).unwrap_err();
            assert_eq!(error.field, "policy.protected[1].value");
            assert!(error.message.starts_with("Rule 2: "), "{}", error.message);
        }
        let numbered = |n: usize| (0..n).map(|n| rule(&n.to_string())).collect();
        assert!(checked_rules(numbered(50)).is_ok());
        let error = checked_rules(numbered(51)).unwrap_err();
        assert_eq!(error.field, "policy.protected");
    }
}
