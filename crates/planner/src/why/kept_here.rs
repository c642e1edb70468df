//! The step that tells what of a person is kept here.

use domain::why::{StepKind, StepOutcome, WhyStep};

use super::{
    Subject,
    steps::{fact, or_none, step},
    words,
};

/// What stays as an operator said, whatever Entra ID says.
pub(super) fn step_of(subject: &Subject) -> Option<WhyStep> {
    let first = subject.kept_here.first()?;
    let by = if subject.kept_here.iter().all(|kept| kept.by == first.by) {
        first.by.as_str()
    } else {
        "Operators"
    };
    let sentence = format!(
        "{by} said what these attributes are. Runs leave them so, whatever Entra ID says, until that is taken back."
    );
    let title = "Some attributes are kept here";
    let mut made = step(StepKind::KeptHere, StepOutcome::Passed, title, sentence);
    let source = subject.content.shown();
    for kept in &subject.kept_here {
        let there = source
            .get(kept.name.as_str())
            .map(crate::kept_here::typed)
            .filter(|text| !text.is_empty());
        let note = match kept.note.as_str() {
            "" => String::new(),
            note => format!(", “{note}”"),
        };
        let value = format!(
            "{}; Entra ID says {} ({}, {}{note})",
            or_none(kept.value.as_deref()),
            or_none(there.as_deref()),
            kept.by,
            words::moment(kept.at)
        );
        made.facts.push(fact(&kept.name, value));
    }
    made.at = subject.kept_here.iter().map(|kept| kept.at).max();
    Some(made)
}
