//! Matching: whether somebody a source brings is somebody who is here already, and who decides that.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{ExternalId, IntegrationId, UserId},
    text::FieldError,
    text_enum,
    user::{DirectoryStatus, SourceType},
};

text_enum! {
    /// What two people have in common. Case and accents make no difference.
    pub enum MatchKey {
        /// The user name.
        UserPrincipalName = "user_principal_name",
        /// The employee id.
        EmployeeId = "employee_id",
        /// A mail address: one's mail address is the other's, or the other's user name.
        Mail = "mail",
        /// An alias here is the user name or the mail address in the source; or another address of the
        /// mailbox there (`proxyAddresses`) is the user name, the mail address or an alias here.
        Alias = "alias",
    }
}

impl MatchKey {
    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::UserPrincipalName => "User name",
            Self::EmployeeId => "Employee id",
            Self::Mail => "Mail address",
            Self::Alias => "Alias",
        }
    }

    /// Whether it names one person: what is given to one alone, and not passed on like a mailbox.
    pub const fn is_strong(self) -> bool {
        matches!(self, Self::UserPrincipalName | Self::EmployeeId)
    }
}

text_enum! {
    /// How sure it is that somebody is here already.
    pub enum MatchStrength {
        /// One person here, the user name or the employee id is the same, nothing speaks against it.
        Exact = "exact",
        /// Somebody may be: only an address is the same, something speaks against it, or it is not
        /// clear who.
        Likely = "likely",
        /// Nobody here, and the integration has new people confirmed.
        New = "new",
    }
}

impl MatchStrength {
    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Exact => "Exact",
            Self::Likely => "Likely",
            Self::New => "New",
        }
    }
}

text_enum! {
    /// What speaks against two people being the same, or for asking a person about it.
    pub enum MatchDoubt {
        /// Both have an employee id, and it isn't the same.
        EmployeeIdDiffers = "employee_id_differs",
        /// Both have a given name and a surname, and neither is the same.
        NamesDiffer = "names_differ",
        /// Others here have something in common with the person, too.
        SeveralHere = "several_here",
        /// Others in the source have something in common with the one here, too.
        SeveralInSource = "several_in_source",
        /// The one here is out of use.
        Inactive = "inactive",
        /// The one here comes from another integration.
        OtherSource = "other_source",
        /// The one here administers the customer's workspace.
        Administrator = "administrator",
        /// The one here is protected.
        Protected = "protected",
        /// The source blocks the sign-in: the one here would become inactive.
        SignInBlocked = "sign_in_blocked",
    }
}

impl MatchDoubt {
    /// The doubt as a sentence's end.
    pub const fn title(self) -> &'static str {
        match self {
            Self::EmployeeIdDiffers => "the employee ids differ",
            Self::NamesDiffer => "given name and surname differ",
            Self::SeveralHere => "several here fit",
            Self::SeveralInSource => "several in the source fit",
            Self::Inactive => "out of use here",
            Self::OtherSource => "comes from another integration",
            Self::Administrator => "administers the workspace",
            Self::Protected => "protected here",
            Self::SignInBlocked => "sign-in is blocked in the source",
        }
    }

    /// Whether it makes the match less than exact. The others only keep a rule from deciding alone.
    pub const fn speaks_against(self) -> bool {
        matches!(
            self,
            Self::EmployeeIdDiffers
                | Self::NamesDiffer
                | Self::SeveralHere
                | Self::SeveralInSource
                | Self::Inactive
        )
    }
}

text_enum! {
    /// What was decided about somebody a source brings.
    pub enum MatchDecision {
        /// It is the one here: from the next run on the source says what that one is like.
        Same = "same",
        /// It is somebody of its own, and comes in.
        Other = "other",
        /// It stays out.
        Ignore = "ignore",
    }
}

impl MatchDecision {
    /// What a button says.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Same => "The same person",
            Self::Other => "Somebody of their own",
            Self::Ignore => "Ignore",
        }
    }

    /// What was done, in the middle of a sentence.
    pub const fn done(self) -> &'static str {
        match self {
            Self::Same => "the same person",
            Self::Other => "somebody of their own",
            Self::Ignore => "kept out",
        }
    }
}

/// Of a policy: what an integration's runs may match without asking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MatchingRules {
    /// An exact match by one of these is made without asking: `user_principal_name`, `employee_id`.
    /// Empty, the default: a person decides about every one. Never made without asking, whatever
    /// stands here: with who is out of use, protected, an administrator, or from another integration.
    pub automatic: Vec<MatchKey>,
    /// Nobody new comes in before somebody confirmed it.
    pub confirm_new: bool,
}

impl MatchingRules {
    /// The rules in their one form, or what can't be.
    pub fn checked(mut self) -> Result<Self, FieldError> {
        self.automatic.sort_unstable();
        self.automatic.dedup();
        match self.automatic.iter().find(|key| !key.is_strong()) {
            None => Ok(self),
            Some(key) => Err(FieldError::new(
                "policy.matching.automatic",
                format!(
                    "A match by “{key}” is never made without asking: addresses are passed on. Choose user_principal_name, employee_id, or nothing."
                ),
            )),
        }
    }
}

/// One side of a match: what tells who somebody is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Identifiers {
    /// The name people read.
    pub display_name: String,
    /// What they sign in as.
    pub user_principal_name: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub surname: Option<String>,
    /// Mail address.
    pub mail: Option<String>,
    /// Employee id.
    pub employee_id: Option<String>,
}

/// Somebody here with whom a person of a source has something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchCandidate {
    /// The user.
    pub user_id: UserId,
    /// Who that is.
    pub here: Identifiers,
    /// Other addresses that they sign in with.
    pub aliases: Vec<String>,
    /// Whether they are in use.
    pub status: DirectoryStatus,
    /// Where they come from.
    pub source_type: SourceType,
    /// The integration that keeps them in step; none for who was made here or imported.
    pub integration_name: Option<String>,
    /// What is the same.
    pub keys: Vec<MatchKey>,
    /// What speaks against it.
    pub doubts: Vec<MatchDoubt>,
    /// Why they can't be the same, with what to do; null where they can.
    pub refusal: Option<String>,
}

/// What was decided, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchDecided {
    /// The decision.
    pub decision: MatchDecision,
    /// Whom `same` means.
    pub user_id: Option<UserId>,
    /// Who decided: a person's or a token's name, or that the integration's rule did.
    pub by: String,
    /// When.
    pub at: DateTime,
    /// Why, in their words.
    pub note: String,
    /// Whether the integration's rule decided.
    pub automatic: bool,
    /// When a run did it; null: the next run does.
    pub applied_at: Option<DateTime>,
    /// Why it can't be taken back, with what to do instead; null where it can.
    pub final_because: Option<String>,
}

/// Somebody a source brings, who may be here already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserMatch {
    /// The integration.
    pub integration_id: IntegrationId,
    /// The source's id of the person.
    pub external_id: ExternalId,
    /// Who the source says it is.
    pub source: Identifiers,
    /// How sure it was when a run last looked.
    pub strength: MatchStrength,
    /// When that was.
    pub found_at: DateTime,
    /// Who is here with something in common, the likeliest first, as it is now.
    pub candidates: Vec<MatchCandidate>,
    /// What was decided; null while it waits.
    pub decided: Option<MatchDecided>,
}

text_enum! {
    /// Which part of the queue is listed.
    pub enum MatchState {
        /// What waits for a decision.
        Waiting = "waiting",
        /// What was decided.
        Decided = "decided",
    }
}

impl MatchState {
    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Decided => "Decided",
        }
    }
}

/// What is listed of an integration's matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchFilter {
    /// Waiting where absent.
    pub state: Option<MatchState>,
    /// All where absent.
    pub strength: Option<MatchStrength>,
}

/// How many wait, by how sure it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchCounts {
    /// Exact ones.
    pub exact: i64,
    /// Likely ones.
    pub likely: i64,
    /// New people.
    pub new: i64,
    /// Decided ones.
    pub decided: i64,
}

impl MatchCounts {
    /// How many wait.
    pub const fn waiting(self) -> i64 {
        self.exact + self.likely + self.new
    }
}

/// Decisions about one or many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MatchDecisions {
    /// Whom it is about: the source's ids, at most 1,000.
    pub external_ids: Vec<ExternalId>,
    /// What is decided about each of them.
    pub decision: MatchDecision,
    /// With `same`, and one id: who here is meant. Absent, it has to be clear: one here whom it can be.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// Why: a sentence or a ticket number, at most 500 characters. Kept with the decision and in the
    /// audit log.
    pub note: String,
}

/// Decisions that are taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MatchWithdrawal {
    /// Whom it is about: the source's ids, at most 1,000.
    pub external_ids: Vec<ExternalId>,
    /// Why: a sentence or a ticket number, at most 500 characters. Kept in the audit log.
    pub note: String,
}

/// The most people that are decided about at once.
pub const MATCHES_AT_ONCE: usize = 1_000;

/// What became of a decision about one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchOutcome {
    /// The source's id of the person.
    pub external_id: ExternalId,
    /// Its name, where it is in the queue.
    pub display_name: Option<String>,
    /// Why nothing was done, with what to do; null where it was.
    pub refused: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_one_person_is_matched_without_asking() {
        let rules = |automatic: &[MatchKey]| MatchingRules {
            automatic: automatic.to_vec(),
            confirm_new: false,
        };
        let both = [MatchKey::EmployeeId, MatchKey::UserPrincipalName];
        let checked = rules(&[both[0], both[1], both[0]]).checked().unwrap();
        assert_eq!(checked.automatic, [both[1], both[0]]);
        for weak in [MatchKey::Mail, MatchKey::Alias] {
            let error = rules(&[both[0], weak]).checked().unwrap_err();
            assert_eq!(error.field, "policy.matching.automatic");
            assert!(error.message.contains(weak.as_str()), "{error}");
        }
        assert_eq!(MatchingRules::default().checked().unwrap().automatic, []);
    }
}
