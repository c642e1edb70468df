//! What should be and what is become at most one action an object: the strongest that is needed.
//!
//! A [`Step`] says all that applying needs besides the source's content: its action and its
//! reason. [`target`] is what it means; the SQL that applies a plan does exactly that, a batch at
//! a time.

use std::collections::BTreeMap;

use domain::{
    DateTime,
    policy::{Actions, OutOfScope, Policy},
    run::{Action, Reason},
    user::DirectoryStatus,
};
use serde_json::{Map, Value};

use crate::{derive::Derived, hash, read::Content};

/// What the directory holds of an object, as far as the difference depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Whether it is in use.
    pub status: DirectoryStatus,
    /// Why it isn't.
    pub reason: Option<Reason>,
    /// When it will be deleted, where that is decided.
    pub delete_at: Option<DateTime>,
    /// Whether an operator cancelled its countdown: it stays, for as long as it leaves for the
    /// same cause.
    pub countdown_cancelled: bool,
    /// The hash of the content it was made from.
    pub hash: [u8; hash::LENGTH],
}

/// One change of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub action: Action,
    /// Why. For a wanted object none, or that its sign-in is blocked; else why it isn't wanted.
    pub reason: Option<Reason>,
}

/// What a run does about one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing, and it isn't counted: it isn't there, and wasn't or is already treated so.
    Absent,
    /// Nothing: it is as it should be, or the policy switched the change off.
    Unchanged,
    /// Nothing: the policy keeps it out.
    Filtered(Reason),
    /// Nothing, although something may be to do: a filter or a mapping rule fails for it.
    Failed(Reason),
    /// A change.
    Change(Step),
}

/// The difference between what should be and what is.
///
/// `hash` is that of the content the source gives now; it matters only where the object is
/// wanted. `now` is when the plan is made: it decides whose days are over.
pub fn diff(
    policy: &Policy,
    known: Option<&Known>,
    derived: Derived,
    hash: &[u8; hash::LENGTH],
    now: DateTime,
) -> Outcome {
    let Some(known) = known else {
        return unknown(policy.actions, derived);
    };
    if let Derived::Undecided { reason, blocked } = derived {
        return undecided(policy.actions, known, reason, blocked);
    }
    if derived.is_wanted() {
        wanted(policy.actions, known, derived.reason(), known.hash != *hash)
    } else {
        unwanted(policy, known, derived, now)
    }
}

fn unknown(actions: Actions, derived: Derived) -> Outcome {
    match derived {
        Derived::Active | Derived::Blocked if actions.create => {
            change(Action::Create, derived.reason())
        }
        Derived::Active | Derived::Blocked => Outcome::Filtered(Reason::ActionOff),
        Derived::Undecided { reason, .. } => Outcome::Failed(reason),
        Derived::Filtered(reason) => Outcome::Filtered(reason),
        Derived::Absent(_) => Outcome::Absent,
    }
}

/// What is known stays as it is while a rule fails. Who is blocked in the source is not kept in use by
/// that.
fn undecided(actions: Actions, known: &Known, reason: Reason, blocked: bool) -> Outcome {
    if blocked && known.status == DirectoryStatus::Active && actions.disable {
        change(Action::Disable, Some(Reason::SignInBlocked))
    } else {
        Outcome::Failed(reason)
    }
}

fn wanted(actions: Actions, known: &Known, reason: Option<Reason>, differs: bool) -> Outcome {
    let refreshed =
        known.reason != reason || known.delete_at.is_some() || known.countdown_cancelled;
    match (known.status, reason) {
        (DirectoryStatus::Deleted, _) if actions.create => change(Action::Restore, reason),
        (DirectoryStatus::Deleted, _) => Outcome::Filtered(Reason::ActionOff),
        (DirectoryStatus::Active, Some(_)) if actions.disable => change(Action::Disable, reason),
        (DirectoryStatus::Inactive, None) if actions.disable => change(Action::Enable, None),
        // Still inactive for another reason than the present one: its countdown has to stop.
        (DirectoryStatus::Inactive, Some(_)) if refreshed && actions.disable => {
            change(Action::Update, reason)
        }
        _ if differs && actions.update => change(Action::Update, None),
        _ => Outcome::Unchanged,
    }
}

fn unwanted(policy: &Policy, known: &Known, derived: Derived, now: DateTime) -> Outcome {
    let reason = derived.reason();
    let rest = match derived {
        Derived::Filtered(reason) => Outcome::Filtered(reason),
        _ => Outcome::Absent,
    };
    let leaves = policy.out_of_scope != OutOfScope::Keep && policy.actions.disable;
    match known.status {
        DirectoryStatus::Deleted => rest,
        DirectoryStatus::Active if leaves => change(Action::Disable, reason),
        DirectoryStatus::Active => Outcome::Unchanged,
        DirectoryStatus::Inactive => {
            let counts_down =
                policy.out_of_scope == OutOfScope::Delete && !stays_cancelled(known, reason);
            let due = known.delete_at.is_some_and(|at| at <= now);
            if counts_down && due && policy.actions.delete {
                change(Action::Delete, Some(Reason::DeleteAfterDays))
            } else if leaves && (known.reason != reason || known.delete_at.is_some() != counts_down)
            {
                change(Action::Update, reason)
            } else {
                rest
            }
        }
    }
}

fn change(action: Action, reason: Option<Reason>) -> Outcome {
    Outcome::Change(Step { action, reason })
}

/// Whether a step brings the source's content into the directory.
pub fn takes_content(actions: Actions, step: Step) -> bool {
    match step.action {
        Action::Create | Action::Restore | Action::Match => true,
        Action::Update | Action::Enable | Action::Disable => {
            actions.update && matches!(step.reason, None | Some(Reason::SignInBlocked))
        }
        Action::Delete | Action::Filter => false,
    }
}

/// What the directory holds of an object after a step: the meaning of a step.
///
/// `known` is none for a create. `hash` is that of the source's content, `now` when the plan was
/// made.
pub fn target(
    policy: &Policy,
    known: Option<&Known>,
    step: Step,
    hash: [u8; hash::LENGTH],
    now: DateTime,
) -> Known {
    let hash = match known {
        Some(known) if !takes_content(policy.actions, step) => known.hash,
        _ => hash,
    };
    let plain = |status| Known {
        status,
        reason: step.reason,
        delete_at: None,
        countdown_cancelled: false,
        hash,
    };
    let running = known.and_then(|known| known.delete_at);
    let cancelled = known.is_some_and(|known| stays_cancelled(known, step.reason));
    match (step.action, step.reason) {
        (Action::Delete, _) => plain(DirectoryStatus::Deleted),
        (Action::Update, None) => Known {
            hash,
            ..known.copied().unwrap_or(plain(DirectoryStatus::Active))
        },
        (_, None) => plain(DirectoryStatus::Active),
        (_, Some(Reason::SignInBlocked)) => plain(DirectoryStatus::Inactive),
        _ => Known {
            delete_at: delete_at(policy, running, now).filter(|_| !cancelled),
            countdown_cancelled: cancelled,
            ..plain(DirectoryStatus::Inactive)
        },
    }
}

/// Whether a cancelled countdown stays so for an object that is unwanted for `reason` now: where
/// that is the cause for which it was inactive when it was cancelled. What the source deleted is
/// gone for good a month later; that is one cause, since nobody did anything in between.
fn stays_cancelled(known: &Known, reason: Option<Reason>) -> bool {
    let deleted = |reason| matches!(reason, Some(Reason::SoftDeleted | Reason::Gone));
    known.countdown_cancelled
        && (known.reason == reason || (deleted(known.reason) && deleted(reason)))
}

/// When someone unwanted will be deleted: a countdown that runs goes on, whatever `now` is.
pub fn delete_at(policy: &Policy, running: Option<DateTime>, now: DateTime) -> Option<DateTime> {
    (policy.out_of_scope == OutOfScope::Delete).then(|| {
        running.unwrap_or(now + chrono::Duration::days(i64::from(policy.delete_after_days)))
    })
}

/// Whether the directory shows the object's memberships: it belongs there, and it is there after
/// this run. Of what can't be decided they are shown while it is there.
pub fn keeps_members(actions: Actions, derived: Derived, known: Option<&Known>) -> bool {
    let there = known.is_some_and(|known| known.status != DirectoryStatus::Deleted);
    match derived {
        Derived::Undecided { .. } => there,
        derived => derived.is_wanted() && (there || actions.create),
    }
}

/// The attributes that differ, as they were and as they become.
pub fn changed(before: &Content, after: &Content) -> (Map<String, Value>, Map<String, Value>) {
    let (before, after) = (before.shown(), after.shown());
    let mut was = Map::new();
    let mut becomes = Map::new();
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for name in names {
        let value = |side: &BTreeMap<&str, Value>| side.get(name).cloned().unwrap_or(Value::Null);
        let (old, new) = (value(&before), value(&after));
        if old != new {
            was.insert((*name).to_owned(), old);
            becomes.insert((*name).to_owned(), new);
        }
    }
    (was, becomes)
}

#[cfg(test)]
mod tests;
