//! What is read, and which application permission each reading needs.

use std::fmt;

/// A thing that Graph serves and that a permission guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// `/organization`: the tenant's own name and domains.
    Organization,
    /// `/users`.
    Users,
    /// `/groups`, with their members.
    Groups,
    /// `/contacts`: organizational contacts.
    Contacts,
    /// `/devices`.
    Devices,
    /// The definitions of directory schema extensions.
    Extensions,
}

impl Resource {
    /// Those that a sync reads, in the order in which Test Connection shows them.
    pub const ALL: [Self; 5] = [
        Self::Organization,
        Self::Users,
        Self::Groups,
        Self::Contacts,
        Self::Devices,
    ];

    /// What it is called in a Graph path.
    pub fn path(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Contacts => "contacts",
            Self::Devices => "devices",
            Self::Extensions => "directoryObjects/getAvailableExtensionProperties",
        }
    }

    /// The application permissions (app roles) of which one is enough, the least one first
    /// (graph.md §8).
    pub fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Organization => &[
                "Organization.Read.All",
                "Directory.Read.All",
                "Organization.ReadWrite.All",
                "Directory.ReadWrite.All",
            ],
            Self::Users => &[
                "User.Read.All",
                "Directory.Read.All",
                "User.ReadWrite.All",
                "Directory.ReadWrite.All",
            ],
            Self::Groups => &[
                "GroupMember.Read.All",
                "Group.Read.All",
                "Directory.Read.All",
                "GroupMember.ReadWrite.All",
                "Group.ReadWrite.All",
                "Directory.ReadWrite.All",
            ],
            Self::Contacts => &[
                "OrgContact.Read.All",
                "Directory.Read.All",
                "Directory.ReadWrite.All",
            ],
            Self::Devices => &[
                "Device.Read.All",
                "Directory.Read.All",
                "Device.ReadWrite.All",
                "Directory.ReadWrite.All",
            ],
            // Microsoft's reference of the call has no lesser one.
            Self::Extensions => &["Directory.Read.All", "Directory.ReadWrite.All"],
        }
    }

    /// The permission to ask an administrator for.
    pub fn least_role(self) -> &'static str {
        self.roles()[0]
    }

    /// In the middle of a sentence: "users", "the organization".
    pub fn noun(self) -> &'static str {
        match self {
            Self::Organization => "the organization",
            Self::Users => "users",
            Self::Groups => "groups and their members",
            Self::Contacts => "contacts",
            Self::Devices => "devices",
            Self::Extensions => "directory extensions",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}
