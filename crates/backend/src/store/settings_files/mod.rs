//! Settings as files: written out, looked at, and applied here or elsewhere.
//!
//! What comes in is compared first ([`Import`]); it is applied in one transaction, and only while
//! the settings are still those it was compared with.

mod customer;
pub(crate) mod draft;
mod export;
mod integration;
mod text;

use domain::{
    id::{CustomerId, IntegrationId, PolicyTemplateId},
    policy::Policy,
    settings::file::{FileContent, ImportPlan},
};

pub use customer::{import_customer, plan_customer};
pub use draft::{Draft, draft, keep_draft};
pub use export::{of_customer, of_integration, of_template, template_text};
pub use integration::{import_integration, plan_integration};
pub use text::read;

use crate::{Error, Result};

/// What a file is imported into, or made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// One integration.
    Integration(IntegrationId),
    /// All of a customer's.
    Customer(CustomerId),
    /// A policy template.
    Template(PolicyTemplateId),
}

/// A file that is to be imported.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// The file as it was given, JSON or TOML.
    pub text: &'a str,
    /// Whether selected groups that the tenant doesn't have are looked for there by their names.
    pub find_groups: bool,
    /// The hash of the plan that was looked at. Where it is given and something else is saved by
    /// now, nothing is applied.
    pub hash: Option<&'a str>,
}

/// That a file holds something else than what it is imported into.
fn other_kind(content: &FileContent, wanted: &str) -> Error {
    let (holds, field) = match content {
        FileContent::Integration(_) => ("one integration", "integration"),
        FileContent::Customer(_) => ("a customer", "customer"),
        FileContent::Template(_) => ("a policy template", "policy_template"),
    };
    Error::invalid(
        field,
        format!("This file holds the settings of {holds}; {wanted} is needed here."),
    )
}

/// What is wrong with a part of a file, at its place in there.
fn at<T>(place: &str, checked: Result<T>) -> Result<T> {
    checked.map_err(|error| match error {
        Error::Invalid(error) => Error::invalid(&format!("{place}.{}", error.field), error.message),
        other => other,
    })
}

/// The policy that a file has for a template: that of a template, or of an integration without its
/// groups.
pub fn policy_in(text: &str) -> Result<Policy> {
    match read(text)? {
        FileContent::Template(file) => Ok(file.policy),
        FileContent::Integration(file) => Ok(file.policy),
        other @ FileContent::Customer(_) => {
            Err(other_kind(&other, "one of a template or of an integration"))
        }
    }
}

/// A plan with the hash that names it and what it was made from.
fn plan_with_hash<T: serde::Serialize>(mut plan: ImportPlan, made_from: &T) -> Result<ImportPlan> {
    plan.hash = super::hash_of(&(&plan.changes, &plan.not_applied, made_from))?;
    Ok(plan)
}

#[cfg(test)]
mod tests;
