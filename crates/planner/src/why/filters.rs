//! The step of the filters: which rule decided, what it looked at, and what would have to change.

use domain::{
    filter::{FilterEffect, FilterRule},
    policy::ObjectType,
    why::{StepKind, StepOutcome, WhyFact, WhyLink, WhyStep},
};
use serde_json::Value;

use super::{
    Subject,
    rules::words,
    steps::{fact, setting, step},
    words::this,
};
use crate::filter::{Cause, Filters, Judged, Values, is_read};

/// The tab that has the filters.
pub(super) const TAB: &str = "Filters";

/// Whether objects like it can be kept out by a filter.
pub(super) fn concern(subject: &Subject) -> bool {
    let filters = &subject.policy.filters;
    filters.concern(subject.facts.object_type)
}

pub(super) fn link(subject: &Subject) -> WhyLink {
    setting(subject, TAB, "filters")
}

/// The filters as they are prepared, what they look at, and what they say.
struct Asked {
    filters: Filters,
    values: Values,
    judged: Judged,
}

fn asked(subject: &Subject) -> Option<Asked> {
    let filters = Filters::new(&subject.policy.filters).ok()?;
    let from = subject.mapped.from.as_deref();
    let judged = filters.judge_kept(subject.facts.object_type, from);
    let values = from.and_then(|text| serde_json::from_str(text).ok());
    Some(Asked {
        values: values.unwrap_or_default(),
        filters,
        judged,
    })
}

/// The rule of an effect at a place, in both forms.
fn rule(subject: &Subject, effect: FilterEffect, at: usize) -> Option<&FilterRule> {
    let rules = subject.policy.filters.of(subject.facts.object_type)?;
    rules.with(effect).get(at)
}

/// Whether the filters let it in.
pub(super) fn let_in(subject: &Subject, outcome: StepOutcome) -> WhyStep {
    let kind = StepKind::Filters;
    let Some(asked) = asked(subject) else {
        return step(kind, outcome, "Filters", "They can’t be read.");
    };
    let by = match &asked.judged {
        Judged::In(Some(at)) => rule(subject, FilterEffect::Include, *at),
        Judged::Out(Cause::Excluded(at)) => rule(subject, FilterEffect::Exclude, *at),
        _ => None,
    };
    let (title, sentence) = match &asked.judged {
        Judged::In(_) => match by {
            Some(rule) => (
                "The filters let it in",
                format!("A rule that lets in matches: {rule}. None keeps it out."),
            ),
            None => ("The filters let it in", "Nothing keeps it out.".to_owned()),
        },
        Judged::Out(cause) => ("Excluded by filter", out(subject, cause)),
        Judged::Fails(why) if is_read(&subject.mapped) => (
            "A filter fails",
            format!("{why} It is neither let in nor kept out, and stays as it is."),
        ),
        Judged::Fails(why) => ("Filters not applied yet", why.clone()),
    };
    let mut made = step(kind, outcome, title, sentence);
    made.facts = looked_at(subject, &asked);
    if let Some(rule) = by {
        made.facts.push(fact("Rule as CEL", rule.cel()));
    }
    made.links = vec![link(subject)];
    made
}

/// What the filters look at, as Entra ID has it.
fn looked_at(subject: &Subject, asked: &Asked) -> Vec<WhyFact> {
    let uses = asked.filters.uses(subject.facts.object_type).into_iter();
    uses.map(|name| {
        let value = asked.values.get(name).unwrap_or(&Value::Null);
        fact(&format!("{name} in Entra ID"), words(value))
    })
    .collect()
}

/// Why a filter fails for it.
pub(super) fn failing(subject: &Subject) -> Option<String> {
    match asked(subject)?.judged {
        Judged::Fails(why) => Some(why),
        Judged::In(_) | Judged::Out(_) => None,
    }
}

fn out(subject: &Subject, cause: &Cause) -> String {
    match cause {
        Cause::Disabled if subject.facts.object_type == ObjectType::Device => {
            "It is disabled in Entra ID, and disabled devices are kept out.".to_owned()
        }
        Cause::Disabled => {
            "Its sign-in is blocked in Entra ID, and whoever is disabled is kept out.".to_owned()
        }
        Cause::Unlicensed => "It has no license, and whoever has none is kept out.".to_owned(),
        Cause::Domain(Some(domain)) => {
            format!("It is of {domain}, which isn’t among the domains that come in.")
        }
        Cause::Domain(None) => "It has no domain, and only some domains come in.".to_owned(),
        Cause::NotIncluded => "None of the rules that let in matches.".to_owned(),
        Cause::Excluded(at) => {
            let rule = rule(subject, FilterEffect::Exclude, *at);
            let rule = rule.map(ToString::to_string).unwrap_or_default();
            format!("A rule that keeps out matches: {rule}.")
        }
    }
}

/// What to do so that the filters let it in.
pub(super) fn mend(subject: &Subject) -> String {
    let object = this(subject.facts.object_type);
    let Some(asked) = asked(subject) else {
        return "Correct the filters on the tab Filters.".to_owned();
    };
    match &asked.judged {
        Judged::In(_) => "Nothing: the filters let it in.".to_owned(),
        Judged::Fails(_) if is_read(&subject.mapped) => {
            "Correct the rule on the tab Filters, or the value that it reads in Entra ID."
                .to_owned()
        }
        Judged::Fails(_) => "Start a run: it reads what the filters look at.".to_owned(),
        Judged::Out(Cause::Disabled) => format!(
            "Enable {object} in Entra ID, or let in whoever is disabled on the tab Filters."
        ),
        Judged::Out(Cause::Unlicensed) => format!(
            "Assign a license to {object} in Entra ID, or let in whoever has none on the tab Filters."
        ),
        Judged::Out(Cause::Domain(domain)) => match domain {
            Some(domain) => format!(
                "Add {domain} to the domains on the tab Filters, or change the user name in Entra ID."
            ),
            None => "Remove the domains on the tab Filters, or give it a user name in Entra ID."
                .to_owned(),
        },
        Judged::Out(Cause::NotIncluded) => {
            let rules = subject.policy.filters.of(subject.facts.object_type);
            let rules = rules
                .map(|rules| rules.include.as_slice())
                .unwrap_or_default();
            let written: Vec<String> = rules.iter().map(ToString::to_string).collect();
            format!(
                "Change {object} in Entra ID so that one of these is true, or add a rule that lets it in on the tab Filters: {}.",
                written.join("; or ")
            )
        }
        Judged::Out(Cause::Excluded(at)) => {
            let rule = rule(subject, FilterEffect::Exclude, *at);
            let rule = rule.map(ToString::to_string).unwrap_or_default();
            format!(
                "Change {object} in Entra ID so that this isn’t true, or remove the rule, and any other that matches, on the tab Filters: {rule}."
            )
        }
    }
}
