//! Roles and what each may do: one table, shown in the product and frozen by a test.

use crate::text_enum;

text_enum! {
    /// What an operator or a token is. Each role holds what those after it hold, and more.
    pub enum Role {
        /// May do everything, also what concerns the whole installation.
        Owner = "owner",
        /// Everything for the customers in scope: also customers, credentials, operators, tokens.
        Administrator = "administrator",
        /// Connects sources, decides on held changes, adds and protects people.
        UserManager = "user_manager",
        /// Sees everything of the customers in scope, and starts runs.
        HelpDesk = "help_desk",
        /// Sees everything of the customers in scope, and changes nothing.
        ReadOnly = "read_only",
    }
}

text_enum! {
    /// One thing that can be allowed.
    pub enum Permission {
        /// See customers.
        CustomersRead = "customers.read",
        /// Add, rename, tag, delete and restore customers.
        CustomersWrite = "customers.write",
        /// See credential profiles; never their secrets.
        CredentialProfilesRead = "credential_profiles.read",
        /// Add, change and delete credential profiles.
        CredentialProfilesWrite = "credential_profiles.write",
        /// See integrations and their settings.
        IntegrationsRead = "integrations.read",
        /// Add, change, test and delete integrations.
        IntegrationsWrite = "integrations.write",
        /// See runs, their counts and changes.
        RunsRead = "runs.read",
        /// Start and cancel runs.
        RunsStart = "runs.start",
        /// Approve and reject held changes, and decide who of a source is here already.
        RunsDecide = "runs.decide",
        /// See users, groups, contacts, devices and memberships.
        DirectoryRead = "directory.read",
        /// Add and change users and groups, keep who would be deleted, and protect users from runs.
        DirectoryWrite = "directory.write",
        /// See who is told what goes wrong, and what they were told.
        NotificationsRead = "notifications.read",
        /// Add, change, test and remove those who are told what goes wrong.
        NotificationsWrite = "notifications.write",
        /// See operators, their roles and their sessions.
        OperatorsRead = "operators.read",
        /// Invite, change and remove operators, and end their sessions.
        OperatorsWrite = "operators.write",
        /// Make and revoke API tokens.
        TokensWrite = "tokens.write",
        /// See the audit log: who changed what.
        AuditRead = "audit.read",
        /// Pause and resume the scheduled runs of every customer at once.
        SyncPauseAll = "sync.pause_all",
        /// Change what concerns the whole installation.
        InstallationWrite = "installation.write",
    }
}

/// What is said of one permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The permission.
    pub permission: Permission,
    /// The permission in words, as the page Roles shows it.
    pub words: &'static str,
    /// The last role that holds it. Those before it hold it too.
    pub down_to: Role,
}

const fn rule(permission: Permission, words: &'static str, down_to: Role) -> Rule {
    Rule {
        permission,
        words,
        down_to,
    }
}

/// What each role may do, over the customers in its scope: a line for each permission, in the
/// order of [`Permission::ALL`].
pub const RULES: [Rule; Permission::ALL.len()] = {
    use Permission as P;
    use Role::{Administrator, HelpDesk, Owner, ReadOnly, UserManager};
    [
        rule(P::CustomersRead, "See customers", ReadOnly),
        rule(
            P::CustomersWrite,
            "Add, rename, tag, delete and restore customers",
            Administrator,
        ),
        rule(
            P::CredentialProfilesRead,
            "See credential profiles, never their secrets",
            ReadOnly,
        ),
        rule(
            P::CredentialProfilesWrite,
            "Add, change and delete credential profiles",
            Administrator,
        ),
        rule(
            P::IntegrationsRead,
            "See integrations and their settings",
            ReadOnly,
        ),
        rule(
            P::IntegrationsWrite,
            "Add, change, test, pause and delete integrations",
            UserManager,
        ),
        rule(P::RunsRead, "See runs and their changes", ReadOnly),
        rule(P::RunsStart, "Start and cancel runs", HelpDesk),
        rule(
            P::RunsDecide,
            "Approve and reject held changes, decide about matches",
            UserManager,
        ),
        rule(
            P::DirectoryRead,
            "See users, groups, contacts and devices",
            ReadOnly,
        ),
        rule(
            P::DirectoryWrite,
            "Add and change users and groups, keep who would be deleted, protect users from runs",
            UserManager,
        ),
        rule(
            P::NotificationsRead,
            "See who is told what goes wrong",
            ReadOnly,
        ),
        rule(
            P::NotificationsWrite,
            "Change who is told what goes wrong",
            Administrator,
        ),
        rule(
            P::OperatorsRead,
            "See operators, their roles and their sessions",
            Administrator,
        ),
        rule(
            P::OperatorsWrite,
            "Invite, change, disable and remove operators, end their sessions",
            Administrator,
        ),
        rule(P::TokensWrite, "Make and revoke API tokens", Administrator),
        rule(
            P::AuditRead,
            "See the audit log: who changed what",
            Administrator,
        ),
        rule(
            P::SyncPauseAll,
            "Pause the scheduled runs of every customer at once",
            Owner,
        ),
        rule(
            P::InstallationWrite,
            "Change what concerns the whole installation",
            Owner,
        ),
    ]
};

// Every permission stands in the table, at its own place.
const _: () = {
    let mut at = 0;
    while at < RULES.len() {
        assert!(RULES[at].permission as usize == at);
        assert!(Permission::ALL[at] as usize == at);
        at += 1;
    }
};

impl Role {
    /// The role as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Administrator => "Administrator",
            Self::UserManager => "User Manager",
            Self::HelpDesk => "Help Desk",
            Self::ReadOnly => "Read-Only",
        }
    }

    /// What the role is for, in a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Owner => "Does everything, also what concerns the whole installation.",
            Self::Administrator => {
                "Administers customers: their settings, credentials, operators and tokens."
            }
            Self::UserManager => {
                "Connects sources, decides on held changes, adds and protects people."
            }
            Self::HelpDesk => "Sees everything of its customers, and starts runs.",
            Self::ReadOnly => "Sees everything of its customers, and changes nothing.",
        }
    }

    /// Whether the role holds the permission, over the customers in its scope.
    pub const fn allows(self, permission: Permission) -> bool {
        self.holds(RULES[permission as usize].down_to)
    }

    /// Whether the role holds everything that another does: nobody gives or changes a role that
    /// their own doesn't hold.
    pub const fn holds(self, other: Self) -> bool {
        self as u8 <= other as u8
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// The policy, to be read by a person.
    #[test]
    fn each_role_may_do_what_the_golden_table_says() {
        let mut table = format!("{:<28}", "permission");
        for role in Role::ALL {
            write!(table, "{:>14}", role.as_str()).unwrap();
        }
        table.push('\n');
        for rule in RULES {
            write!(table, "{:<28}", rule.permission.as_str()).unwrap();
            for role in Role::ALL {
                let word = if role.allows(rule.permission) {
                    "yes"
                } else {
                    "-"
                };
                write!(table, "{word:>14}").unwrap();
            }
            writeln!(table, "  {}", rule.words).unwrap();
        }
        insta::assert_snapshot!("roles", table);
    }

    #[test]
    fn each_role_holds_those_after_it_and_none_before() {
        for (at, role) in Role::ALL.iter().enumerate() {
            for (other_at, other) in Role::ALL.iter().enumerate() {
                assert_eq!(role.holds(*other), at <= other_at, "{role} {other}");
                let all_of_it = Permission::ALL
                    .iter()
                    .all(|permission| role.allows(*permission) || !other.allows(*permission));
                assert_eq!(role.holds(*other), all_of_it, "{role} {other}");
            }
        }
    }

    #[test]
    fn whoever_may_change_a_thing_may_see_it() {
        for (write, read) in [
            (Permission::CustomersWrite, Permission::CustomersRead),
            (
                Permission::CredentialProfilesWrite,
                Permission::CredentialProfilesRead,
            ),
            (Permission::IntegrationsWrite, Permission::IntegrationsRead),
            (Permission::RunsStart, Permission::RunsRead),
            (Permission::RunsDecide, Permission::RunsRead),
            (Permission::DirectoryWrite, Permission::DirectoryRead),
            (
                Permission::NotificationsWrite,
                Permission::NotificationsRead,
            ),
            (Permission::OperatorsWrite, Permission::OperatorsRead),
        ] {
            for role in Role::ALL {
                assert!(!role.allows(write) || role.allows(read), "{role} {write}");
            }
        }
    }
}
