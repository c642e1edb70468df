//! The step that tells whether somebody is somebody who is here already.

use domain::{
    matching::MatchDecision,
    why::{StepKind, StepOutcome, WhyLink, WhyStep, WhyTarget},
};

use super::{MatchedUser, Subject, steps, words};
use crate::matching::Standing;

/// The title where a step before it decided.
pub(super) const TITLE: &str = "Somebody who is here already";

/// Whether there is anything to tell: about most people there isn't.
pub(super) fn is_for(subject: &Subject) -> bool {
    let matching = &subject.matching;
    subject.known.is_none()
        && (subject.facts.matching != Standing::Settled
            || !matching.candidates.is_empty()
            || matching.decided.is_some())
}

/// The step.
pub(super) fn step_of(subject: &Subject, outcome: StepOutcome) -> WhyStep {
    let matching = &subject.matching;
    let number = matching.candidates.len();
    let (title, sentence) = match (subject.facts.matching, &matching.decided) {
        (Standing::Undecided, _) if number == 1 => (
            "May be somebody who is here already",
            "Until somebody decides whether the two are the same, it neither comes in nor is made one with them."
                .to_owned(),
        ),
        (Standing::Undecided, _) => (
            "May be one of several who are here already",
            "Until somebody decides who it is, it neither comes in nor is made one with any of them."
                .to_owned(),
        ),
        (Standing::Unconfirmed, _) => (
            "Nobody new comes in unconfirmed",
            "The integration has new people confirmed first, and nobody has confirmed this one."
                .to_owned(),
        ),
        (Standing::Ignored, _) => (
            "Kept out by decision",
            "It was decided in the queue of matches that it stays out.".to_owned(),
        ),
        (Standing::Settled, Some(made)) if made.decision == MatchDecision::Same => (
            "Somebody who is here already",
            "It was decided that the two are the same.".to_owned(),
        ),
        (Standing::Settled, Some(_)) => (
            "Somebody of their own",
            "It was decided that it is nobody who is here already.".to_owned(),
        ),
        (Standing::Settled, None) => (
            "Somebody who is here already",
            "The integration matches such people without asking: one person here, the same user name or employee id, and nothing that speaks against it."
                .to_owned(),
        ),
    };
    let mut made = steps::step(StepKind::Matching, outcome, title, sentence);
    made.facts = matching.candidates.iter().map(common).collect();
    if let Some(decided) = &matching.decided {
        made.facts
            .push(steps::fact("Decided by", decided.by.as_str()));
        if !decided.note.is_empty() {
            made.facts
                .push(steps::fact("Because", decided.note.as_str()));
        }
        made.at = Some(decided.at);
    }
    made.links = links(subject);
    made
}

fn common(one: &MatchedUser) -> domain::why::WhyFact {
    let keys: Vec<&str> = one.keys.iter().map(|key| key.title()).collect();
    steps::fact(
        &one.display_name,
        format!("same {}", keys.join(", ").to_lowercase()),
    )
}

/// The queue, and who is here.
pub(super) fn links(subject: &Subject) -> Vec<WhyLink> {
    let queue = WhyLink {
        title: "Matching".to_owned(),
        target: WhyTarget::Matches {
            integration_id: subject.integration_id,
        },
    };
    let users = subject.matching.candidates.iter().map(|one| WhyLink {
        title: one.display_name.clone(),
        target: WhyTarget::User { id: one.id },
    });
    std::iter::once(queue).chain(users).collect()
}

/// What to do so that it comes in.
pub(super) fn mend(subject: &Subject) -> String {
    let object = words::this(subject.facts.object_type);
    match subject.facts.matching {
        Standing::Undecided => format!(
            "Decide on the Matching tab whether {object} is {}, or somebody of their own.",
            words::list(
                subject
                    .matching
                    .candidates
                    .iter()
                    .map(|one| one.display_name.as_str()),
                "or"
            )
        ),
        Standing::Unconfirmed => format!("Confirm {object} on the Matching tab."),
        Standing::Ignored | Standing::Settled => {
            "Take the decision back on the Matching tab.".to_owned()
        }
    }
}
