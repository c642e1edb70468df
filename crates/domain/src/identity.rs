//! Accounts at OpenID providers, with which operators sign in.

use serde::{Deserialize, Serialize};

use crate::DateTime;

/// A provider that configuration names, as the sign-in page offers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInProvider {
    /// Its id in configuration.
    pub id: String,
    /// Its name for people.
    pub title: String,
}

/// An account at a provider with which an operator signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedIdentity {
    /// An id to unlink it by.
    pub id: uuid::Uuid,
    /// The provider’s name, or its id where configuration doesn’t name it any more.
    pub provider: String,
    /// Whether configuration still names the provider, so that one can sign in with it.
    pub usable: bool,
    /// The account’s name at the provider, as it was when it was last used.
    pub display: String,
    /// When it was linked.
    pub linked_at: DateTime,
    /// When it last signed in.
    pub last_used_at: Option<DateTime>,
}

/// The ways in which an operator can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaysToSignIn {
    /// Whether they have a password.
    pub has_password: bool,
    /// Their accounts at providers, the oldest first.
    pub identities: Vec<LinkedIdentity>,
    /// The providers that can be linked.
    pub providers: Vec<SignInProvider>,
}

impl WaysToSignIn {
    /// Whether they could still sign in without this account.
    pub fn can_do_without(&self, identity: uuid::Uuid) -> bool {
        self.has_password
            || self
                .identities
                .iter()
                .any(|other| other.usable && other.id != identity)
    }
}
