//! Filters: who of a source comes in, and who is kept out.
//!
//! What a filter reads are the source's own values, never what a mapping rule made of them: so
//! correcting a mapping rule moves nobody in or out, and one that fails hides nobody from a filter.

mod rule;
mod tried;

use serde::{Deserialize, Serialize};

use crate::{
    policy::{ObjectType, Policy},
    text::FieldError,
};

pub use rule::{Condition, FilterKind, FilterOperator, FilterRule, FilterTest};
pub use tried::{FilterCause, FilterCount, FilterCounts, FilterTrial, FilteredObject};

/// The most rules that let in, and the most that keep out, for one type of objects.
pub const FILTER_RULES_MAX: usize = 20;
/// The most conditions of one rule: written as an expression they are as deep as is let in.
pub const CONDITIONS_MAX: usize = 15;
/// The most domains.
pub const DOMAINS_MAX: usize = 100;
/// The most examples that a trial shows of each answer.
pub const EXAMPLES_MAX: usize = 20;

/// Who of the objects in scope comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Filters {
    /// Users whose sign-in is blocked in the source, and disabled devices, come in (Inactive, where
    /// `blocked_sign_in_disables` says so). Off: they are kept out.
    pub include_disabled: bool,
    /// Users without a license come in. Off: they are kept out.
    pub include_unlicensed: bool,
    /// Only users of these domains come in: that of the user name, of a guest that of the mail
    /// address. None: every domain. At most 100.
    pub domains: Vec<String>,
    /// Rules for users.
    pub user: FilterRules,
    /// Rules for groups.
    pub group: FilterRules,
    /// Rules for contacts.
    pub contact: FilterRules,
    /// Rules for devices.
    pub device: FilterRules,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            include_disabled: true,
            include_unlicensed: true,
            domains: Vec::new(),
            user: FilterRules::default(),
            group: FilterRules::default(),
            contact: FilterRules::default(),
            device: FilterRules::default(),
        }
    }
}

/// The rules of one type of objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct FilterRules {
    /// Only whom one of these matches comes in. None: everybody. At most 20.
    pub include: Vec<FilterRule>,
    /// Whom one of these matches is kept out, whatever lets it in. At most 20.
    pub exclude: Vec<FilterRule>,
}

impl FilterRules {
    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// The rules with one effect.
    pub fn with(&self, effect: FilterEffect) -> &[FilterRule] {
        match effect {
            FilterEffect::Include => &self.include,
            FilterEffect::Exclude => &self.exclude,
        }
    }

    /// The rules with one effect, to change them.
    pub fn with_mut(&mut self, effect: FilterEffect) -> &mut Vec<FilterRule> {
        match effect {
            FilterEffect::Include => &mut self.include,
            FilterEffect::Exclude => &mut self.exclude,
        }
    }
}

crate::text_enum! {
    /// What a rule does with whom it matches.
    pub enum FilterEffect {
        /// Only such come in.
        Include = "include",
        /// Such are kept out.
        Exclude = "exclude",
    }
}

impl FilterEffect {
    /// The effect in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Include => "Let in only",
            Self::Exclude => "Keep out",
        }
    }
}

impl Filters {
    /// The rules of a type; none of edges.
    pub fn of(&self, object_type: ObjectType) -> Option<&FilterRules> {
        match object_type {
            ObjectType::User => Some(&self.user),
            ObjectType::Group => Some(&self.group),
            ObjectType::Contact => Some(&self.contact),
            ObjectType::Device => Some(&self.device),
            ObjectType::Membership => None,
        }
    }

    /// The rules of a type, to change them; none of edges.
    pub fn of_mut(&mut self, object_type: ObjectType) -> Option<&mut FilterRules> {
        match object_type {
            ObjectType::User => Some(&mut self.user),
            ObjectType::Group => Some(&mut self.group),
            ObjectType::Contact => Some(&mut self.contact),
            ObjectType::Device => Some(&mut self.device),
            ObjectType::Membership => None,
        }
    }

    /// Whether objects of this type can be kept out by a filter.
    pub fn concern(&self, object_type: ObjectType) -> bool {
        let switches = match object_type {
            ObjectType::User => {
                !self.include_disabled || !self.include_unlicensed || !self.domains.is_empty()
            }
            ObjectType::Device => !self.include_disabled,
            _ => false,
        };
        switches || self.of(object_type).is_some_and(|rules| !rules.is_empty())
    }

    /// Whether nobody can be kept out.
    pub fn is_empty(&self) -> bool {
        !ObjectType::OBJECTS.iter().any(|one| self.concern(*one))
    }

    /// The filters in their one form (trimmed, domains sorted), or what of them can't be, and why.
    /// Whether an expression or a pattern can be read is for `planner::filter` to say.
    pub fn checked(mut self) -> Result<Self, FieldError> {
        match self.tidy().into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// All that is wrong with the filters, each error at its place.
    pub fn problems(&self) -> Vec<FieldError> {
        self.clone().tidy()
    }

    /// Trims everything. Answers what can't be.
    fn tidy(&mut self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        errors.extend(self.tidy_domains().err());
        for object_type in ObjectType::OBJECTS {
            let Some(rules) = self.of_mut(object_type) else {
                continue;
            };
            for effect in FilterEffect::ALL {
                let rules = rules.with_mut(*effect);
                let place = format!("policy.filters.{object_type}.{effect}");
                if rules.len() > FILTER_RULES_MAX {
                    let message = format!("Use at most {FILTER_RULES_MAX} rules.");
                    errors.push(FieldError::new(&place, message));
                }
                for (at, rule) in rules.iter_mut().enumerate() {
                    errors.extend(rule.tidy(object_type, &format!("{place}[{at}]")));
                }
            }
        }
        errors
    }

    fn tidy_domains(&mut self) -> Result<(), FieldError> {
        let refused = |message: String| Err(FieldError::new("policy.filters.domains", message));
        for domain in &mut self.domains {
            let tidy = domain.trim().trim_start_matches('@').to_lowercase();
            let may = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
            let is_domain = !tidy.is_empty()
                && tidy.len() <= 253
                && tidy.chars().all(may)
                && tidy.split('.').all(|label| !label.is_empty());
            if !is_domain {
                return refused(format!(
                    "“{}” is not a domain. Write it as in contoso.com, without what stands before the @.",
                    domain.trim()
                ));
            }
            *domain = tidy;
        }
        self.domains.sort_unstable();
        self.domains.dedup();
        if self.domains.len() > DOMAINS_MAX {
            return refused(format!("Use at most {DOMAINS_MAX} domains."));
        }
        Ok(())
    }
}

/// What a filter is tried with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct FilterTestRequest {
    /// Filters that aren't saved; absent: the saved ones.
    pub filters: Option<Filters>,
    /// A policy that isn't saved, in place of `filters`: its guests and required names count too.
    pub policy: Option<Policy>,
    /// Objects of which type are counted; absent: users.
    pub object_type: Option<ObjectType>,
    /// How many examples of each answer are named, at most 20; absent: 5.
    pub examples: Option<u32>,
}

#[cfg(test)]
mod tests;
