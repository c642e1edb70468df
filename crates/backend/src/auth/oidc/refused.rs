//! Why a sign-in by a provider is refused: for the person, for the audit log and for the log.

use domain::id::OperatorId;

use super::{
    http::Unanswered,
    provider::ProviderSettings,
    token::{Account, Unproved},
};
use crate::Error;

/// A refusal.
#[derive(Debug)]
pub(super) struct Refused {
    /// The reason as the audit log has it.
    pub reason: &'static str,
    /// What the person is told: why, and what to do.
    pub message: String,
    /// The account, where it was proved.
    pub account: Option<String>,
    /// Whose account it is, where it is an operator's.
    pub operator: Option<OperatorId>,
}

/// Why a step isn't followed by the next.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is refused.
    Refused(Refused),
    /// Something failed.
    Failed(Error),
}

pub(super) type Step<T> = std::result::Result<T, Stop>;

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl Refused {
    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            account: None,
            operator: None,
        }
    }

    /// The same of an account that was proved.
    #[must_use]
    pub(super) fn of(mut self, account: &Account) -> Self {
        self.account = Some(account.display.clone());
        self
    }

    /// The same of this operator.
    #[must_use]
    pub(super) fn operator(mut self, operator: OperatorId) -> Self {
        self.operator = Some(operator);
        self
    }

    /// No such sign-in is under way in this browser.
    pub(super) fn stale() -> Self {
        Self::new(
            "not_under_way",
            "This sign-in was used already, took longer than ten minutes, or began in another browser. Begin it again.",
        )
    }

    /// The answer doesn't come from whom was asked (RFC 9207).
    pub(super) fn mixed_up() -> Self {
        Self::new(
            "other_provider",
            "The answer came from another provider than the one that was asked, so it was thrown away. Begin again; if it goes on, tell whoever runs Rollcall.",
        )
    }

    /// The provider says no.
    pub(super) fn by_provider(provider: &ProviderSettings, error: &str) -> Self {
        let title = &provider.title;
        match error {
            "access_denied" => Self::new(
                "access_denied",
                format!(
                    "{title} didn’t let you in, or you turned back there. Begin again, or ask {title}’s administrator for access."
                ),
            ),
            _ => Self::new(
                "provider_error",
                format!(
                    "{title} couldn’t sign you in. Begin again; if it goes on, whoever runs Rollcall finds the reason in its log."
                ),
            ),
        }
    }

    /// The role needs a second factor, and a password alone would be a way around it.
    pub(super) fn needs_second_factor() -> Self {
        Self::new(
            "second_factor",
            "Your role needs a second factor here, since you have a password too. Sign in with the password once; you are led to setting one up.",
        )
    }

    /// The provider didn't prove who it is.
    pub(super) fn unproved(provider: &ProviderSettings, error: &Unproved) -> Self {
        let title = &provider.title;
        match error {
            Unproved::Unanswered(_) => Self::unavailable(provider),
            Unproved::Refused(_) => Self::new(
                "code_refused",
                format!(
                    "{title} refused to finish the sign-in. Begin again; if it goes on, whoever runs Rollcall finds the reason in its log."
                ),
            ),
            Unproved::Token(_) | Unproved::UnknownKey => Self::new(
                "token_refused",
                format!(
                    "What {title} said of you can’t be relied on, so it was thrown away. Begin again; if it goes on, whoever runs Rollcall finds the reason in its log."
                ),
            ),
            Unproved::Weak(_) => Self::new(
                "too_weak",
                format!(
                    "{title} let you in without the second factor that is asked for here. Set one up at {title} and sign in with it; or ask {title}’s administrator to require it for Rollcall."
                ),
            ),
            Unproved::Tenant(_) => Self::new(
                "tenant",
                format!(
                    "Your organization is not one of those that sign in here with {title}. Choose an account of another one, or ask whoever runs Rollcall."
                ),
            ),
        }
    }

    /// The provider doesn't answer.
    pub(super) fn unavailable(provider: &ProviderSettings) -> Self {
        let title = &provider.title;
        Self::new(
            "unavailable",
            format!(
                "{title} can’t be reached just now. Try again in a minute, or sign in with your password."
            ),
        )
    }

    /// The account is nobody's.
    pub(super) fn unknown(provider: &ProviderSettings, account: &Account) -> Self {
        let (title, name) = (&provider.title, &account.display);
        Self::new(
            "unknown_account",
            format!("Nobody signs in here with the account {name} of {title}. Ask for an invitation and accept it with {title}; or, if you have a password here, sign in with it and link the account under My Account."),
        )
        .of(account)
    }

    /// The operator may not sign in.
    pub(super) fn disabled() -> Self {
        let message = "You are disabled here. Ask an administrator to enable you again.";
        Self::new("disabled", message)
    }

    /// None of the values gives a role.
    pub(super) fn no_role(provider: &ProviderSettings, too_many: bool) -> Self {
        let title = &provider.title;
        if too_many {
            return Self::new(
                "no_role",
                format!(
                    "You are in more groups than {title} tells, so none of them gives you a role here. Ask whoever runs Rollcall to map app roles instead of groups."
                ),
            );
        }
        Self::new(
            "no_role",
            format!(
                "None of your roles or groups at {title} gives you a role here. Ask {title}’s administrator for one of those that do."
            ),
        )
    }

    /// The role would leave nobody who may do everything.
    pub(super) fn last_owner(provider: &ProviderSettings) -> Self {
        let title = &provider.title;
        Self::new(
            "last_owner",
            format!(
                "You are the last owner of all customers, and {title} gives you a lesser role. Sign in with your password and make somebody else an owner first, or get the owner’s role at {title}."
            ),
        )
    }

    /// The account is another operator's.
    pub(super) fn taken(provider: &ProviderSettings, account: &Account) -> Self {
        let (title, name) = (&provider.title, &account.display);
        Self::new(
            "account_taken",
            format!("The account {name} of {title} belongs to an operator here already. Choose another one, or unlink it there first."),
        )
        .of(account)
    }

    /// The invitation's link is over.
    pub(super) fn invitation_ended() -> Self {
        Self::new(
            "invitation_ended",
            "The invitation was used already, or has ended. Ask for a new one.",
        )
    }

    /// Somebody has as many accounts as one may have.
    pub(super) fn too_many_accounts(max: i64) -> Self {
        let message = format!("You have {max} linked accounts already. Unlink one first.");
        Self::new("too_many_accounts", message)
    }
}

/// Logs why a provider couldn't be asked or believed, once. The person is told less.
pub(super) fn log(provider: &ProviderSettings, error: &Unproved) {
    tracing::warn!(provider = provider.id, %error, "a sign-in by a provider failed");
}

/// The same of a provider that doesn't answer.
pub(super) fn log_unanswered(provider: &ProviderSettings, error: &Unanswered) {
    tracing::warn!(provider = provider.id, %error, "a sign-in provider doesn’t answer");
}
