//! The settings that decide what a sync does.

use serde::{Deserialize, Serialize};

use crate::{
    filter::Filters,
    id::ExternalId,
    mapping::Mapping,
    matching::MatchingRules,
    protection::{ProtectedRule, checked_rules},
    text::FieldError,
    text_enum,
};

text_enum! {
    /// What a source holds and a directory keeps.
    pub enum ObjectType {
        /// People.
        User = "user",
        /// Groups.
        Group = "group",
        /// Mail contacts.
        Contact = "contact",
        /// Devices.
        Device = "device",
        /// Edges between a group and a member. Never chosen in a policy; has a line of counts
        /// and a guard limit of its own.
        Membership = "membership",
    }
}

impl ObjectType {
    /// What stands in a directory by itself: everything but edges.
    pub const OBJECTS: [Self; 4] = [Self::User, Self::Group, Self::Contact, Self::Device];

    /// The type as a table shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Contact => "Contact",
            Self::Device => "Device",
            Self::Membership => "Membership",
        }
    }
}

text_enum! {
    /// What happens to someone who left the scope or is gone from the source.
    pub enum OutOfScope {
        /// Stays as it is.
        Keep = "keep",
        /// Becomes inactive.
        Disable = "disable",
        /// Becomes inactive now and is deleted after `delete_after_days`.
        Delete = "delete",
    }
}

/// Which kinds of change a sync may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent switches, named so in the API"
)]
pub struct Actions {
    /// New objects come in, and deleted ones come back.
    pub create: bool,
    /// Attributes follow the source.
    pub update: bool,
    /// People become inactive and active again.
    pub disable: bool,
    /// Objects are deleted.
    pub delete: bool,
}

impl Default for Actions {
    fn default() -> Self {
        Self {
            create: true,
            update: true,
            disable: true,
            delete: true,
        }
    }
}

/// How many disables and deletes of one object type a run may make before they are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// More than this many are held. Null: no limit by number.
    pub max_count: Option<u32>,
    /// More than this share of the active objects is held, once there are more than 3.
    /// In percent, 0 to 100.
    pub max_percent: u8,
}

/// The guard's limits. What is absent keeps its default (sync.md rule 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    /// Users: 20 and 10 %.
    pub user: Limit,
    /// Groups: 10 and 20 %.
    pub group: Limit,
    /// Memberships: 30 %.
    pub membership: Limit,
    /// Contacts: 50 and 20 %.
    pub contact: Limit,
    /// Devices: 50 and 20 %.
    pub device: Limit,
}

impl Default for Guard {
    fn default() -> Self {
        let limit = |max_count, max_percent| Limit {
            max_count,
            max_percent,
        };
        Self {
            user: limit(Some(20), 10),
            group: limit(Some(10), 20),
            membership: limit(None, 30),
            contact: limit(Some(50), 20),
            device: limit(Some(50), 20),
        }
    }
}

impl Guard {
    /// The limit of one type.
    pub const fn limit(&self, object_type: ObjectType) -> Limit {
        match object_type {
            ObjectType::User => self.user,
            ObjectType::Group => self.group,
            ObjectType::Membership => self.membership,
            ObjectType::Contact => self.contact,
            ObjectType::Device => self.device,
        }
    }
}

/// What decides, for one integration, who comes in and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, named so in the API"
)]
pub struct Policy {
    /// What is read. Never `membership`: memberships come with their groups.
    pub object_types: Vec<ObjectType>,
    /// Empty: the whole tenant. Else the members of these groups.
    pub selected_group_ids: Vec<ExternalId>,
    /// Members of groups inside the selected groups are in scope too.
    pub include_nested: bool,
    /// Guests are kept.
    pub include_guests: bool,
    /// People without a given name or a surname are filtered.
    pub require_names: bool,
    /// "Is Sign in Blocked on AD": blocked in the source means inactive here.
    pub blocked_sign_in_disables: bool,
    /// For people who left the scope or are gone.
    pub out_of_scope: OutOfScope,
    /// With `out_of_scope` = `delete`: days from inactive to deleted, 1 to 3,650.
    pub delete_after_days: u32,
    /// Which kinds of change are made.
    pub actions: Actions,
    /// When changes are held.
    pub guard: Guard,
    /// "Send Enrollment Email to the Newly Synced Users": whoever a run brings in use is invited, once.
    pub send_enrollment_email: bool,
    /// People that no run touches: those whom any of these rules matches. At most 50.
    pub protected: Vec<ProtectedRule>,
    /// What directory attributes are made from, where that isn't what the source says.
    pub mapping: Mapping,
    /// Who of those in scope comes in.
    pub filters: Filters,
    /// User names are kept here without white space around and in lower case.
    pub normalize_user_names: bool,
    /// The group of the source whose members administer the customer's workspace, as runs find them:
    /// nested members too where `include_nested` is on. Null: who administers it is decided here.
    pub administrators_group_id: Option<ExternalId>,
    /// What is matched without asking with people who are here already.
    pub matching: MatchingRules,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            object_types: vec![ObjectType::User, ObjectType::Group],
            selected_group_ids: Vec::new(),
            include_nested: false,
            include_guests: false,
            require_names: true,
            blocked_sign_in_disables: true,
            out_of_scope: OutOfScope::Disable,
            delete_after_days: 30,
            actions: Actions::default(),
            guard: Guard::default(),
            send_enrollment_email: false,
            protected: Vec::new(),
            mapping: Mapping::default(),
            filters: Filters::default(),
            normalize_user_names: false,
            administrators_group_id: None,
            matching: MatchingRules::default(),
        }
    }
}

/// The most groups one integration may select.
pub const SELECTED_GROUPS_MAX: usize = 1000;

impl Policy {
    /// Brings the policy into its one form (no doubles, lists sorted) or says what can't be.
    pub fn checked(mut self) -> Result<Self, FieldError> {
        self.object_types.sort_unstable();
        self.object_types.dedup();
        if self.object_types.is_empty() {
            return Err(FieldError::new(
                "policy.object_types",
                "Choose at least one object type.",
            ));
        }
        if self.object_types.contains(&ObjectType::Membership) {
            return Err(FieldError::new(
                "policy.object_types",
                "Memberships come with their groups; choose user, group, contact or device.",
            ));
        }
        self.selected_group_ids.sort_unstable();
        self.selected_group_ids.dedup();
        if self.selected_group_ids.len() > SELECTED_GROUPS_MAX {
            return Err(FieldError::new(
                "policy.selected_group_ids",
                format!(
                    "Select at most {SELECTED_GROUPS_MAX} groups, or none for the whole tenant."
                ),
            ));
        }
        if !(1..=3650).contains(&self.delete_after_days) {
            return Err(FieldError::new(
                "policy.delete_after_days",
                "Choose between 1 and 3,650 days.",
            ));
        }
        for object_type in ObjectType::ALL {
            if self.guard.limit(*object_type).max_percent > 100 {
                return Err(FieldError::new(
                    &format!("policy.guard.{object_type}.max_percent"),
                    "Choose between 0 and 100 percent.",
                ));
            }
        }
        self.protected = checked_rules(self.protected)?;
        self.mapping = self.mapping.checked()?;
        self.filters = self.filters.checked()?;
        if !self.filters.include_disabled
            && self.blocked_sign_in_disables
            && self.out_of_scope == OutOfScope::Keep
        {
            return Err(FieldError::new(
                "policy.filters.include_disabled",
                "Whoever is kept out stays as they are here, so whoever becomes disabled would stay active. Choose “Disable now” for out of scope or deleted, or let in whoever is disabled.",
            ));
        }
        self.check_administrators()?;
        self.matching = self.matching.checked()?;
        Ok(self)
    }

    /// Whose members administer the workspace has to be in the directory, with its members.
    fn check_administrators(&self) -> Result<(), FieldError> {
        let Some(group) = self.administrators_group_id else {
            return Ok(());
        };
        let refused = |message: &str| {
            let field = "policy.administrators_group_id";
            Err(FieldError::new(field, message))
        };
        if !(self.reads(ObjectType::User) && self.reads(ObjectType::Group)) {
            return refused(
                "Its members are known only where users and groups are synced: add both to the object types, or decide here who is administrator.",
            );
        }
        if !self.selected_group_ids.is_empty() && !self.selected_group_ids.contains(&group) {
            return refused(
                "It isn’t among Selected Groups, so its members aren’t read. Select it there too, or decide here who is administrator.",
            );
        }
        Ok(())
    }

    /// Whether objects of this type are read.
    pub fn reads(&self, object_type: ObjectType) -> bool {
        self.object_types.contains(&object_type)
    }

    /// Whether a change from `before` to this policy changes who or what is read, so that the next
    /// run has to be a full one (sync.md rule 3). Attributes are mapped, and user names brought into
    /// their form, while they are read. What filters look at is read where it isn't yet; that makes
    /// the next run a full one by itself.
    pub fn reads_differently_from(&self, before: &Self) -> bool {
        self.object_types != before.object_types
            || self.selected_group_ids != before.selected_group_ids
            || self.include_nested != before.include_nested
            || self.mapping != before.mapping
            || self.normalize_user_names != before.normalize_user_names
    }
}
