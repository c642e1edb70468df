//! What keeps somebody out, in words.

use domain::{
    filter::{FilterEffect, Filters},
    policy::ObjectType,
};

use super::Cause;

impl Cause {
    /// What it is, as a list of causes names it.
    pub fn words(&self, filters: &Filters, object_type: ObjectType) -> String {
        match self {
            Self::Disabled if object_type == ObjectType::Device => {
                "Disabled devices are kept out".to_owned()
            }
            Self::Disabled => "Who is disabled is kept out".to_owned(),
            Self::Unlicensed => "Who has no license is kept out".to_owned(),
            Self::Domain(_) => "Domains: another one".to_owned(),
            Self::NotIncluded => format!("{}: no rule matches", FilterEffect::Include.title()),
            Self::Excluded(at) => {
                let rules = filters.of(object_type);
                let rule = rules.and_then(|rules| rules.exclude.get(*at));
                let rule = rule.map(ToString::to_string).unwrap_or_default();
                format!("{}: {rule}", FilterEffect::Exclude.title())
            }
        }
    }
}
