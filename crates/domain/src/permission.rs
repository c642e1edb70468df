//! Roles and what each may do.

use crate::text_enum;

text_enum! {
    /// What an operator or a token is. Two of the seed's roles stand today.
    pub enum Role {
        /// May do everything, also make operators and other owners.
        Owner = "owner",
        /// May do everything for the customers in scope, but not administer operators.
        Administrator = "administrator",
    }
}

text_enum! {
    /// One thing that can be allowed.
    pub enum Permission {
        /// See customers.
        CustomersRead = "customers.read",
        /// Add, rename, delete and restore customers.
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
        /// Approve and reject held changes.
        RunsDecide = "runs.decide",
        /// See users, groups, contacts, devices and memberships.
        DirectoryRead = "directory.read",
        /// See who is told what goes wrong, and what they were told.
        NotificationsRead = "notifications.read",
        /// Add, change, test and remove those who are told what goes wrong.
        NotificationsWrite = "notifications.write",
        /// Change what concerns the whole installation.
        InstallationWrite = "installation.write",
        /// Pause and resume the scheduled runs of every customer at once.
        SyncPauseAll = "sync.pause_all",
        /// Keep users and groups that a run would delete, and protect users from runs.
        DirectoryWrite = "directory.write",
        /// Administer operators.
        OperatorsWrite = "operators.write",
        /// Make and revoke API tokens.
        TokensWrite = "tokens.write",
        /// See the audit log: who changed what.
        AuditRead = "audit.read",
    }
}

impl Role {
    /// The role as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Administrator => "Administrator",
        }
    }

    /// Whether the role holds the permission, over the customers in its scope.
    pub const fn allows(self, permission: Permission) -> bool {
        match self {
            Self::Owner => true,
            Self::Administrator => !matches!(
                permission,
                Permission::OperatorsWrite
                    | Permission::InstallationWrite
                    | Permission::SyncPauseAll
            ),
        }
    }
}
