//! Whether somebody a source brings is somebody who is here already.
//!
//! Asked only of people whom the integration doesn't have in the directory yet. What both sides have
//! in common says how sure it is ([`strength`]); what was decided, or what the policy decides without
//! asking, says what becomes of it ([`verdict`]). Nobody comes in twice, and nobody is made one with
//! somebody else, before that is decided.

use domain::{
    matching::{MatchDoubt, MatchKey, MatchStrength, MatchingRules},
    policy::Actions,
    user::DirectoryStatus,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    derive::Derived,
    diff::{Outcome, Step},
    fold::key,
    read::Content,
};

/// Somebody a source brings, as far as it tells who that is. Names to sign in with, addresses and
/// employee ids are folded ([`key`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brought {
    /// The user name.
    pub user_name: Option<String>,
    /// The mail address, where it isn't the user name.
    pub mail: Option<String>,
    /// The employee id.
    pub employee_id: Option<String>,
    /// Its mailbox's other addresses ([`other_addresses`]).
    pub aliases: Vec<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub surname: Option<String>,
    /// Whether the source blocks the sign-in.
    pub sign_in_blocked: bool,
}

/// Somebody who is here, and doesn't come from the integration. Folded likewise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// The user's id.
    pub id: Uuid,
    /// The user name.
    pub user_name: Option<String>,
    /// The mail address, where it isn't the user name.
    pub mail: Option<String>,
    /// The employee id.
    pub employee_id: Option<String>,
    /// Other addresses to sign in with.
    pub aliases: Vec<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub surname: Option<String>,
    /// Whether it is in use. Who is deleted is nobody to be matched with.
    pub status: DirectoryStatus,
    /// Whether another integration keeps it in step.
    pub other_source: bool,
    /// Whether it administers the customer's workspace.
    pub administrator: bool,
    /// Whether it is protected by hand.
    pub protected: bool,
}

/// Somebody here who may be the one that a source brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The user's id.
    pub id: Uuid,
    /// What is the same; never empty.
    pub keys: Vec<MatchKey>,
    /// What speaks against it.
    pub doubts: Vec<MatchDoubt>,
    /// Whether nothing else decides about it than this directory: it can be the same.
    pub can_be_same: bool,
    /// Whether it signs in here by the user name of who is brought, and isn't from a source.
    pub holds_name: bool,
}

impl Candidate {
    fn speaks_against(&self) -> bool {
        self.doubts.iter().any(|doubt| doubt.speaks_against())
    }

    fn is_strong(&self) -> bool {
        self.keys.iter().any(|key| key.is_strong())
    }
}

/// The addresses of somebody's mailbox besides the one it sends from, folded: those that Exchange lists
/// with `smtp:` (graph.md §6.2), but the user name and the mail address.
pub fn other_addresses(content: &Content) -> Vec<String> {
    let own = [content.user_name_folded(), content.mail.as_deref().map(key)];
    let listed = content.attributes.get("proxyAddresses");
    let listed = listed.and_then(Value::as_array).into_iter().flatten();
    let mut addresses: Vec<String> = listed
        .filter_map(|one| one.as_str()?.split_once(':'))
        .filter(|(kind, _)| kind.eq_ignore_ascii_case("smtp"))
        .map(|(_, address)| key(address))
        .filter(|address| !address.is_empty() && !own.contains(&Some(address.clone())))
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// What somebody brought and somebody here have in common; none where that is nothing.
pub fn compare(brought: &Brought, here: &Here) -> Option<Candidate> {
    let same = |one: &Option<String>, other: &Option<String>| {
        one.as_ref().is_some_and(|one| !one.is_empty()) && one == other
    };
    let addresses = [&brought.user_name, &brought.mail];
    let by_name = same(&brought.user_name, &here.user_name);
    let by_mail =
        addresses.iter().any(|one| same(one, &here.mail)) || same(&brought.mail, &here.user_name);
    let is_alias = |one: &Option<String>| {
        one.as_ref()
            .is_some_and(|one| !one.is_empty() && here.aliases.contains(one))
    };
    let has_alias = |one: &String| {
        let own = [&here.user_name, &here.mail].into_iter().flatten();
        !one.is_empty() && own.chain(&here.aliases).any(|other| other == one)
    };
    let by_alias = addresses.into_iter().any(is_alias) || brought.aliases.iter().any(has_alias);
    let keys: Vec<MatchKey> = [
        (MatchKey::UserPrincipalName, by_name),
        (
            MatchKey::EmployeeId,
            same(&brought.employee_id, &here.employee_id),
        ),
        (MatchKey::Mail, by_mail),
        (MatchKey::Alias, by_alias),
    ]
    .into_iter()
    .filter_map(|(key, is)| is.then_some(key))
    .collect();
    if keys.is_empty() || here.status == DirectoryStatus::Deleted {
        return None;
    }
    let holds_name = by_name || is_alias(&brought.user_name);
    Some(Candidate {
        id: here.id,
        keys,
        doubts: doubts(brought, here),
        can_be_same: !here.other_source && !here.protected,
        holds_name: holds_name && !here.other_source && here.status == DirectoryStatus::Active,
    })
}

fn doubts(brought: &Brought, here: &Here) -> Vec<MatchDoubt> {
    let differ = |one: &Option<String>, other: &Option<String>| {
        one.as_ref()
            .zip(other.as_ref())
            .is_some_and(|(one, other)| key(one) != key(other))
    };
    let names_differ =
        differ(&brought.given_name, &here.given_name) && differ(&brought.surname, &here.surname);
    [
        (
            MatchDoubt::EmployeeIdDiffers,
            differ(&brought.employee_id, &here.employee_id),
        ),
        (MatchDoubt::NamesDiffer, names_differ),
        (
            MatchDoubt::Inactive,
            here.status == DirectoryStatus::Inactive,
        ),
        (MatchDoubt::OtherSource, here.other_source),
        (MatchDoubt::Administrator, here.administrator),
        (MatchDoubt::Protected, here.protected),
        (MatchDoubt::SignInBlocked, brought.sign_in_blocked),
    ]
    .into_iter()
    .filter_map(|(doubt, is)| is.then_some(doubt))
    .collect()
}

/// All who fit somebody, the likeliest first. `claimed`: whether others that the source brings fit
/// that one here, too.
pub fn weigh(mut candidates: Vec<Candidate>, claimed: impl Fn(Uuid) -> bool) -> Vec<Candidate> {
    let several = candidates.len() > 1;
    for candidate in &mut candidates {
        if several {
            candidate.doubts.push(MatchDoubt::SeveralHere);
        }
        if claimed(candidate.id) {
            candidate.doubts.push(MatchDoubt::SeveralInSource);
        }
        candidate.doubts.sort_unstable();
    }
    candidates.sort_by_key(|one| (!one.is_strong(), one.doubts.len(), one.id));
    candidates
}

/// How sure it is that somebody whom these fit is here already.
pub fn strength(candidates: &[Candidate]) -> MatchStrength {
    match candidates {
        [] => MatchStrength::New,
        [one] if one.is_strong() && !one.speaks_against() => MatchStrength::Exact,
        _ => MatchStrength::Likely,
    }
}

/// Who it is without asking, by the policy: the only one that fits, by what the policy names, with
/// nothing at all to say against it.
pub fn automatic(rules: &MatchingRules, candidates: &[Candidate]) -> Option<Uuid> {
    match candidates {
        [one] if one.can_be_same && one.doubts.is_empty() => {
            let named = one.keys.iter().any(|key| rules.automatic.contains(key));
            (named && one.is_strong()).then_some(one.id)
        }
        _ => None,
    }
}

/// What was decided about somebody a source brings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Decided {
    /// Nothing.
    #[default]
    Nothing,
    /// A match was taken back: nothing is matched without asking.
    TakenBack,
    /// It is this user.
    Same {
        /// Whom.
        user: Uuid,
        /// Whether it still can be: nobody deleted or protected that one, and it is from no source.
        can: bool,
    },
    /// It is none of these.
    Other {
        /// Those who fitted when that was decided.
        refused: Vec<Uuid>,
    },
    /// It stays out.
    Ignored,
}

/// How somebody stands who isn't in the directory yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is to be asked.
    #[default]
    Settled,
    /// Somebody here may be the same.
    Undecided,
    /// Nobody here, and new people are confirmed first.
    Unconfirmed,
    /// It was decided that it stays out.
    Ignored,
}

/// What matching says of somebody who isn't in the directory yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How it stands.
    pub standing: Standing,
    /// Who here it is.
    pub same: Option<Uuid>,
    /// Whether an active person made here, other than that one, signs in by its user name.
    pub name_taken: bool,
}

/// What becomes of somebody whom these fit.
pub fn verdict(
    rules: &MatchingRules,
    actions: Actions,
    candidates: &[Candidate],
    decided: &Decided,
) -> Verdict {
    let settled = |same: Option<Uuid>| Verdict {
        standing: Standing::Settled,
        same,
        name_taken: candidates
            .iter()
            .any(|one| one.holds_name && Some(one.id) != same),
    };
    let unsettled = |standing| Verdict {
        standing,
        ..Verdict::default()
    };
    let confirm = rules.confirm_new && actions.create;
    let open = if !candidates.is_empty() {
        unsettled(Standing::Undecided)
    } else if confirm {
        unsettled(Standing::Unconfirmed)
    } else {
        settled(None)
    };
    match decided {
        Decided::Ignored => unsettled(Standing::Ignored),
        Decided::Same { user, can: true } => settled(Some(*user)),
        Decided::Other { refused } if candidates.iter().all(|one| refused.contains(&one.id)) => {
            settled(None)
        }
        Decided::Nothing => match automatic(rules, candidates) {
            Some(user) => settled(Some(user)),
            None => open,
        },
        Decided::TakenBack | Decided::Same { .. } | Decided::Other { .. } => open,
    }
}

/// What a run does about somebody who isn't in the directory yet: where it is somebody here, that one
/// follows the source from now on, by the policy's switch for updates.
pub fn settle(actions: Actions, derived: Derived, outcome: Outcome, same: Option<Uuid>) -> Outcome {
    use domain::run::{Action, Reason};
    match same {
        Some(_) if derived.is_wanted() && actions.update => Outcome::Change(Step {
            action: Action::Match,
            reason: derived.reason(),
        }),
        Some(_) if derived.is_wanted() => Outcome::Filtered(Reason::ActionOff),
        _ => outcome,
    }
}

#[cfg(test)]
mod tests;
