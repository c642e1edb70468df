//! Operators: the people who sign in to administer.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{CustomerId, OperatorId},
    notification::DeliveryStatus,
    number::{counted, grouped},
    permission::Role,
    run::RunError,
    text::FieldError,
    text_enum,
};

/// The fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The most characters of a password: enough for any sentence, and no load on hashing.
pub const PASSWORD_CHARS_MAX: usize = 512;

/// Hours an invitation's link is good for.
pub const INVITATION_HOURS: i64 = 7 * 24;
/// Hours the link of a forgotten password is good for.
pub const RESET_HOURS: i64 = 1;

text_enum! {
    /// Whether an operator can sign in.
    pub enum OperatorState {
        /// Was invited, and has not followed the link yet.
        Invited = "invited",
        /// Can sign in.
        Active = "active",
        /// Can't sign in until somebody enables them.
        Disabled = "disabled",
    }
}

impl OperatorState {
    /// The state as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Invited => "Invited",
            Self::Active => "Active",
            Self::Disabled => "Disabled",
        }
    }
}

text_enum! {
    /// How the customers of a role are named.
    pub enum ScopeKind {
        /// All of them, also those added later.
        All = "all",
        /// Those that are listed.
        Some = "some",
        /// Those that have one of the listed tags, now or later.
        Tags = "tags",
        /// All but those that are listed, also those added later.
        AllExcept = "all_except",
    }
}

impl ScopeKind {
    /// The kind as a form shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::All => "All customers",
            Self::Some => "Some customers",
            Self::Tags => "Customers with a tag",
            Self::AllExcept => "All customers except some",
        }
    }

    /// What becomes of customers that are added later.
    pub const fn words(self) -> &'static str {
        match self {
            Self::All => "Also those that are added later.",
            Self::Some => "A customer that is added later is outside until it is added here.",
            Self::Tags => {
                "A customer is inside while it has one of the tags. One that is added later is outside until it is tagged."
            }
            Self::AllExcept => {
                "A customer that is added later is inside until it is excluded here."
            }
        }
    }
}

/// The customers over which an operator has their role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CustomerScope {
    /// All of them, also those added later.
    All,
    /// Those that are listed.
    Some {
        /// These.
        customer_ids: Vec<CustomerId>,
    },
    /// Those that have one of the listed tags, now or later.
    Tags {
        /// One of these.
        tags: Vec<String>,
    },
    /// All but those that are listed, also those added later.
    AllExcept {
        /// All but these. Where a customer is excluded that the asker may not see, it is not
        /// listed, and stays excluded.
        customer_ids: Vec<CustomerId>,
    },
}

impl CustomerScope {
    /// How it names its customers.
    pub const fn kind(&self) -> ScopeKind {
        match self {
            Self::All => ScopeKind::All,
            Self::Some { .. } => ScopeKind::Some,
            Self::Tags { .. } => ScopeKind::Tags,
            Self::AllExcept { .. } => ScopeKind::AllExcept,
        }
    }

    /// The customers that are listed, to be inside or outside.
    pub fn customer_ids(&self) -> &[CustomerId] {
        match self {
            Self::All | Self::Tags { .. } => &[],
            Self::Some { customer_ids } | Self::AllExcept { customer_ids } => customer_ids,
        }
    }

    /// The tags that are listed.
    pub fn tags(&self) -> &[String] {
        match self {
            Self::Tags { tags } => tags,
            _ => &[],
        }
    }

    /// The scope in a few words: "All customers except 2".
    pub fn summary(&self) -> String {
        let number = i64::try_from(self.customer_ids().len()).unwrap_or(i64::MAX);
        match self {
            Self::All => "All customers".to_owned(),
            Self::Some { .. } => counted(number, "customer", "customers"),
            Self::Tags { tags } if tags.len() == 1 => format!("Customers tagged {}", tags[0]),
            Self::Tags { tags } => format!("Customers tagged {}", tags.join(" or ")),
            Self::AllExcept { .. } => format!("All customers except {}", grouped(number)),
        }
    }
}

/// A mail on its way to an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvitationMail {
    /// How it stands.
    pub status: DeliveryStatus,
    /// Why the last attempt failed.
    pub error: Option<RunError>,
}

/// An invitation that was not followed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// When its link was made.
    pub created_at: DateTime,
    /// When its link ends, or has ended.
    pub expires_at: DateTime,
    /// The mail with the link; null where the link was handed over by a person.
    pub mail: Option<InvitationMail>,
}

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Operator {
    /// Their id.
    pub id: OperatorId,
    /// Their mail address, with which they sign in.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// For which customers.
    pub scope: CustomerScope,
    /// Whether they can sign in.
    pub state: OperatorState,
    /// When they were added or invited.
    pub created_at: DateTime,
    /// When they last signed in.
    pub last_signed_in_at: Option<DateTime>,
    /// The invitation that waits; null once it was followed.
    pub invitation: Option<Invitation>,
}

/// Somebody to invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewOperator {
    /// Their mail address, with which they will sign in.
    pub email: String,
    /// Their name, 1 to 256 characters.
    pub name: String,
    /// What they may do: nothing that the caller may not.
    pub role: Role,
    /// For which customers: none that the caller may not see.
    pub scope: CustomerScope,
}

/// What can be changed of an operator; an absent field stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OperatorChange {
    /// Another name, 1 to 256 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// Another role.
    #[serde(default)]
    pub role: Option<Role>,
    /// Other customers.
    #[serde(default)]
    pub scope: Option<CustomerScope>,
    /// False to disable them, which ends their sessions at once; true to enable them again.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// One of an operator's sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionLine {
    /// An id to end it by; not the secret in the cookie.
    pub id: uuid::Uuid,
    /// Whether it is the one that asks.
    pub current: bool,
    /// The browser, as it named itself.
    pub user_agent: String,
    /// The network address of the sign-in; null where it is not known.
    pub address: Option<String>,
    /// When it began.
    pub created_at: DateTime,
    /// When it was last used.
    pub last_used_at: DateTime,
}

/// A mail address: one `@`, something before it, a domain with a dot or `localhost` after it,
/// no blanks. What it really reaches only a mail can show.
pub fn parse_email(given: &str) -> Result<String, FieldError> {
    let email = given.trim();
    let refused = || {
        FieldError::new(
            "email",
            "Enter an e-mail address, such as mina@example.com.",
        )
    };
    let (local, host) = email.rsplit_once('@').ok_or_else(refused)?;
    let fits = !local.is_empty()
        && !local.contains('@')
        && (host.contains('.') || host == "localhost")
        && !host.starts_with('.')
        && !host.ends_with('.')
        && email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if fits {
        Ok(email.to_owned())
    } else {
        Err(refused())
    }
}

/// Whether a password is long enough and not absurdly long. Length is the rule, not composition
/// (NIST SP 800-63B §3.1.1).
pub fn check_password(field: &str, given: &str) -> Result<(), FieldError> {
    match given.chars().count() {
        n if n < PASSWORD_CHARS_MIN => Err(FieldError::new(
            field,
            format!("Use at least {PASSWORD_CHARS_MIN} characters; a few words do well."),
        )),
        n if n > PASSWORD_CHARS_MAX => Err(FieldError::new(
            field,
            format!("Use at most {PASSWORD_CHARS_MAX} characters."),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_told_in_a_few_words() {
        let ids = |number: u128| (0..number).map(|n| CustomerId(uuid::Uuid::from_u128(n)));
        for (scope, words) in [
            (CustomerScope::All, "All customers"),
            (
                CustomerScope::Some {
                    customer_ids: ids(1).collect(),
                },
                "1 customer",
            ),
            (
                CustomerScope::AllExcept {
                    customer_ids: ids(1200).collect(),
                },
                "All customers except 1,200",
            ),
            (
                CustomerScope::Tags {
                    tags: vec!["north".to_owned(), "south".to_owned()],
                },
                "Customers tagged north or south",
            ),
        ] {
            assert_eq!(scope.summary(), words);
        }
    }
}
