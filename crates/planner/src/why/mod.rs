//! "Why?": the explanation of one object, made from the same functions that decide about it.
//!
//! [`explain`] asks [`trace`] how the policy decides, and [`diff`] what a run would do about it;
//! it decides nothing itself. [`words`] says each step in a sentence, [`change`] what would have
//! to change for the other answer, which it tries out on the same two functions.

mod change;
mod filters;
mod kept_here;
mod matching;
mod questions;
mod rules;
mod steps;
mod words;

#[cfg(test)]
mod tests;

use domain::{
    DateTime,
    countdown::CountdownCancelled,
    id::{ExternalId, GroupId, IntegrationId, RunId, UserId},
    made_here::KeptAttribute,
    matching::{MatchDecision, MatchKey},
    policy::{ObjectType, Policy},
    protection::{ProtectedRule, Protection},
    run::{Action, Reason, RunMode},
    user::DirectoryStatus,
    why::{Why, WhyObject},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    decision::{Rejected, respect},
    derive::{Asked, Derived, Facts, Question, derive, trace},
    diff::{Known, Outcome, Step, diff},
    hash,
    kept_here::KeptHere,
    matching::settle,
    protection::{self, Rules, protect},
    read::{Content, Mapped},
};

/// What is known of one object: all that an explanation is made from.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The integration's policy.
    pub policy: Policy,
    /// The integration.
    pub integration_id: IntegrationId,
    /// The source's id of the object.
    pub external_id: ExternalId,
    /// What decides about it. Where the scope can't be told, it counts as in scope.
    pub facts: Facts,
    /// What the source says of it.
    pub content: Content,
    /// What mapping did to it.
    pub mapped: Mapped,
    /// The hash of that content.
    pub hash: [u8; hash::LENGTH],
    /// What the directory has of it.
    pub known: Option<Known>,
    /// Its id in the directory.
    pub directory_id: Option<Uuid>,
    /// The content that the directory has.
    pub directory: Option<Content>,
    /// How it is known what the source says.
    pub seen: Seen,
    /// How it stands to the scope.
    pub scope: Scope,
    /// Who has its user name.
    pub name_holder: Option<NameHolder>,
    /// Who is here already that it may be, where the integration doesn't have it here yet.
    pub matching: MatchedWith,
    /// Why its wanted state isn't applied yet, as the engine marked it.
    pub pending: Option<String>,
    /// A change of it that was rejected, where the source says the same now as then.
    pub kept_by_decision: Option<KeptByDecision>,
    /// Who cancelled its countdown, where `known` says that somebody did.
    pub countdown_cancelled: Option<CountdownCancelled>,
    /// That no run touches it, and who said so.
    pub protection: Option<Protection>,
    /// Its attributes that are kept here, whatever the source says.
    pub kept_here: Vec<KeptAttribute>,
    /// What a run last did about it.
    pub last_change: Option<Recorded>,
    /// What a run last held or failed to do about it.
    pub last_refused: Option<Recorded>,
    /// What time it is.
    pub now: DateTime,
}

/// How it is known what the source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Runs read it.
    Kept {
        /// The last run whose read was complete.
        last: Option<Reading>,
        /// The last that read everything in scope.
        full: Option<Reading>,
    },
    /// It was asked for, for this explanation alone.
    Live,
}

/// A complete read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The run.
    pub run: RunId,
    /// Whether everything in scope was read.
    pub full: bool,
    /// When.
    pub at: DateTime,
}

/// A group as an explanation names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The source's id.
    pub external_id: ExternalId,
    /// Its name, where that is known.
    pub display_name: Option<String>,
    /// Its id in the directory, where it is there.
    pub directory_id: Option<GroupId>,
}

/// How an object stands to the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// No group is selected.
    Tenant,
    /// Groups are selected.
    Selected {
        /// All of them.
        groups: Vec<Named>,
        /// The ways by which they hold the object.
        ways: Vec<Way>,
    },
    /// Groups are selected, and the source didn't say whether they hold the object.
    Unknown {
        /// Why not, as a sentence.
        why: String,
    },
}

/// A way by which a selected group holds an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The selected group. For a group that is selected itself, that one.
    pub group: Named,
    /// The groups between, outermost first.
    pub between: Vec<String>,
}

/// Who has a user name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameHolder {
    /// The user.
    pub id: UserId,
    /// Its name.
    pub display_name: String,
    /// The integration it comes from; none for one made here.
    pub integration_name: Option<String>,
    /// Whether it comes from the same integration, whose rule gives both this name.
    pub by_rule: bool,
}

/// Who is here already that somebody may be, and what was decided about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchedWith {
    /// Who has something in common with it, the likeliest first.
    pub candidates: Vec<MatchedUser>,
    /// Whom it is made one with: by decision, or by the policy.
    pub same: Option<UserId>,
    /// What was decided.
    pub decided: Option<MatchDecided>,
}

/// Somebody who is here already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedUser {
    /// The user.
    pub id: UserId,
    /// Its name.
    pub display_name: String,
    /// What both have in common.
    pub keys: Vec<MatchKey>,
}

/// A decision about a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchDecided {
    /// What was decided.
    pub decision: MatchDecision,
    /// By whom.
    pub by: String,
    /// When.
    pub at: DateTime,
    /// Why, in their words.
    pub note: String,
}

/// A change as a run's plan kept it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The run.
    pub run: RunId,
    /// Its mode.
    pub mode: RunMode,
    /// When it ended, or began where it hasn't.
    pub at: DateTime,
    /// What it did, or was to do.
    pub action: Action,
    /// Why.
    pub reason: Option<Reason>,
    /// What was wrong, where it failed.
    pub error: Option<String>,
    /// The changed attributes as they were.
    pub before: Option<Value>,
    /// The changed attributes as they became.
    pub after: Option<Value>,
}

/// A rejection that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptByDecision {
    /// What doesn't happen.
    pub rejected: Rejected,
    /// The run that held it.
    pub run: RunId,
    /// Who rejected it.
    pub by: String,
    /// When.
    pub at: DateTime,
    /// Why, in their words.
    pub note: String,
}

/// What the planner answers about a subject.
#[derive(Debug, Clone)]
struct Verdict {
    derived: Derived,
    outcome: Outcome,
    /// The question that decided.
    by: Option<Question>,
    /// Whether nothing happens because the change was rejected.
    by_decision: bool,
    /// What a run would do if it weren't protected, where that is something else.
    unprotected: Option<Step>,
}

impl Subject {
    fn verdict(&self, policy: &Policy, facts: &Facts) -> Verdict {
        let derived = derive(policy, facts);
        let known = self.settled();
        let differs = diff(policy, known.as_ref(), derived, &self.hash, self.now);
        let same = self.matching.same.filter(|_| known.is_none());
        let same = same.map(|user| user.0);
        let undecided = settle(policy.actions, derived, differs, same);
        let rejected = self.kept_by_decision.as_ref().map(|kept| kept.rejected);
        let respected = respect(undecided, rejected);
        let protected = self.protection.is_some() || self.rule(policy).is_some();
        let outcome = protect(respected, protected);
        Verdict {
            derived,
            outcome,
            by_decision: respected != undecided,
            unprotected: match respected {
                Outcome::Change(step) if outcome != respected => Some(step),
                _ => None,
            },
            by: trace(policy, facts)
                .into_iter()
                .find(|(_, asked)| matches!(asked, Asked::Decided(_)))
                .map(|(question, _)| question),
        }
    }

    /// What the directory has of it. Where it differs from the source only in what is kept here, it
    /// counts as made from what the source says now, as it does in a run.
    fn settled(&self) -> Option<Known> {
        let known = self.known?;
        let settled = self.directory.as_ref().is_some_and(|directory| {
            let kept = self.kept();
            kept.settles(directory, &self.content)
        });
        Some(Known {
            hash: if settled { self.hash } else { known.hash },
            ..known
        })
    }

    fn kept(&self) -> KeptHere {
        let kept = self.kept_here.iter();
        kept.map(|kept| (kept.name.clone(), kept.value.clone()))
            .collect()
    }

    /// The first rule of the policy that protects it, in the directory.
    fn rule<'a>(&self, policy: &'a Policy) -> Option<&'a ProtectedRule> {
        if self.facts.object_type != ObjectType::User || self.known.is_none() {
            return None;
        }
        let contents = [self.directory.as_ref(), Some(&self.content)];
        let found = Rules::new(&policy.protected)
            .matching(|attribute| contents.map(|content| protection::value(content?, attribute)));
        policy.protected.get(*found.first()?)
    }

    fn status(&self) -> Option<DirectoryStatus> {
        self.known.map(|known| known.status)
    }

    /// Whether it is a group that is selected itself.
    fn is_selected(&self) -> bool {
        match &self.scope {
            Scope::Selected { ways, .. } => ways
                .iter()
                .any(|way| way.group.external_id == self.external_id),
            _ => false,
        }
    }

    fn scope_is_unknown(&self) -> bool {
        matches!(self.scope, Scope::Unknown { .. })
    }
}

impl Verdict {
    /// Whether the object is in use once the next run is applied.
    fn ends_active(&self, status: Option<DirectoryStatus>) -> bool {
        match self.outcome {
            Outcome::Change(Step { action, reason }) => match action {
                Action::Create | Action::Match | Action::Enable | Action::Restore => {
                    reason.is_none()
                }
                Action::Update => status == Some(DirectoryStatus::Active),
                Action::Disable | Action::Delete | Action::Filter => false,
            },
            _ => status == Some(DirectoryStatus::Active),
        }
    }
}

/// Explains one object.
pub fn explain(subject: &Subject) -> Why {
    let verdict = subject.verdict(&subject.policy, &subject.facts);
    let next = match verdict.outcome {
        Outcome::Change(step) => Some(step),
        _ => None,
    };
    let reason = match verdict.outcome {
        Outcome::Change(step) => step.reason,
        Outcome::Filtered(reason) => Some(reason),
        _ => verdict
            .derived
            .reason()
            .or(subject.known.and_then(|known| known.reason)),
    };
    Why {
        object: object(subject),
        integration_id: Some(subject.integration_id),
        answer: words::answer(subject, &verdict),
        next_action: next.map(|step| step.action),
        reason,
        steps: steps::all(subject, &verdict),
        other: change::other(subject, &verdict),
    }
}

fn object(subject: &Subject) -> WhyObject {
    let content = match &subject.directory {
        // What is gone has no content in the source any more.
        Some(kept) if subject.content.display_name.is_empty() => kept,
        _ => &subject.content,
    };
    WhyObject {
        object_type: subject.facts.object_type,
        external_id: Some(subject.external_id),
        display_name: content.display_name.clone(),
        user_principal_name: content.user_principal_name.clone(),
        mail: content.mail.clone(),
        directory_id: subject.directory_id,
        status: subject.status(),
        kept: subject.seen != Seen::Live,
    }
}
