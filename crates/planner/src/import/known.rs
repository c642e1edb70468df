//! What a directory has of whom a file names.

use std::collections::{HashMap, HashSet};

use domain::{
    id::{GroupId, UserId},
    made_here::{Editable, changed_elsewhere},
    matching::MatchKey,
    policy::ObjectType,
    user::DirectoryStatus,
};

use crate::{
    matching::{Brought, Here, compare},
    read::Content,
};

/// Somebody who is here already, and isn't in the bin.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownUser {
    /// Who.
    pub id: UserId,
    /// Whether they are in use.
    pub status: DirectoryStatus,
    /// Who decides about them.
    pub editable: Editable,
    /// The integration that keeps them in step.
    pub integration_name: Option<String>,
    /// Names, addresses, attributes, and whether they are a guest.
    pub content: Content,
    /// Whether they administer the workspace.
    pub administrator: bool,
    /// Other names that they sign in with, folded.
    pub aliases: Vec<String>,
    /// The groups made here that they are in.
    pub groups: HashSet<GroupId>,
}

impl KnownUser {
    /// Whether they sign in with it already.
    pub(super) fn signs_in_as(&self, name: &str) -> bool {
        let name = crate::key(name);
        self.aliases.contains(&name) || self.content.user_name_folded().as_deref() == Some(&name)
    }

    /// As somebody is compared with whom a source brings. Nothing is asked of who they are here: an
    /// import matches nobody by itself.
    fn here(&self) -> Here {
        Here {
            id: self.id.0,
            user_name: self.content.user_name_folded(),
            mail: self.content.mail_folded(),
            employee_id: self.content.employee_id_folded(),
            aliases: self.aliases.clone(),
            given_name: None,
            surname: None,
            status: self.status,
            other_source: false,
            administrator: false,
            protected: false,
        }
    }

    /// What of it is new to them: they keep their user name, and what they have is theirs already.
    pub(super) fn new_of(&self, brought: Brought) -> Brought {
        let is_new = |address: &String| {
            !self.aliases.contains(address)
                && self.content.user_name_folded().as_ref() != Some(address)
                && self.content.mail_folded().as_ref() != Some(address)
        };
        let own_id = self.content.employee_id_folded();
        Brought {
            user_name: None,
            mail: brought.mail.filter(is_new),
            employee_id: brought.employee_id.filter(|id| own_id.as_ref() != Some(id)),
            aliases: brought.aliases.into_iter().filter(is_new).collect(),
            ..Brought::default()
        }
    }

    /// Name and user name, as a sentence names them.
    pub(super) fn named(&self) -> String {
        let name = super::table::shortened(&self.content.display_name);
        match &self.content.user_principal_name {
            Some(user_name) => format!("{name} ({})", super::table::shortened(user_name)),
            None => name,
        }
    }

    /// Why an import changes nothing of them; none where it may.
    pub(super) fn refused(&self) -> Option<String> {
        let (name, integration) = (&self.content.display_name, self.integration_name.as_deref());
        let what = "what the file says";
        (self.editable != Editable::Here)
            .then(|| changed_elsewhere(ObjectType::User, name, integration, what))
    }
}

/// A group of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub display_name: String,
    /// Whether its members are changed here.
    pub made_here: bool,
    /// The integration that keeps it in step.
    pub integration_name: Option<String>,
}

/// Whom a user name means.
pub(super) enum Found<'a> {
    Nobody,
    One(&'a KnownUser),
    Several,
}

/// What a directory has of whom a file names.
#[derive(Debug, Clone, Default)]
pub struct Known {
    users: Vec<KnownUser>,
    /// By their folded user names.
    by_name: HashMap<String, Vec<usize>>,
    /// By their folded aliases.
    by_alias: HashMap<String, Vec<usize>>,
    /// By their folded mail addresses, where those aren't their user names.
    by_mail: HashMap<String, Vec<usize>>,
    /// By their folded employee ids.
    by_employee_id: HashMap<String, Vec<usize>>,
    groups: HashMap<String, Vec<KnownGroup>>,
}

impl Known {
    /// These people and groups.
    pub fn new(users: Vec<KnownUser>, groups: impl IntoIterator<Item = KnownGroup>) -> Self {
        let mut known = Self {
            users,
            ..Self::default()
        };
        for (at, user) in known.users.iter().enumerate() {
            if let Some(name) = user.content.user_name_folded() {
                known.by_name.entry(name).or_default().push(at);
            }
            for alias in &user.aliases {
                known.by_alias.entry(alias.clone()).or_default().push(at);
            }
            if let Some(mail) = user.content.mail_folded() {
                known.by_mail.entry(mail).or_default().push(at);
            }
            if let Some(id) = user.content.employee_id_folded() {
                known.by_employee_id.entry(id).or_default().push(at);
            }
        }
        for group in groups {
            let name = crate::key(&group.display_name);
            known.groups.entry(name).or_default().push(group);
        }
        known
    }

    /// Whom a folded user name means: who is in use before who isn't.
    pub(super) fn find(&self, name: Option<&String>) -> Found<'_> {
        let Some(named) = name.and_then(|name| self.by_name.get(name)) else {
            return Found::Nobody;
        };
        let users = || named.iter().map(|at| &self.users[*at]);
        if let Some(active) = users().find(|user| user.status == DirectoryStatus::Active) {
            return Found::One(active);
        }
        match named.as_slice() {
            [one] => Found::One(&self.users[*one]),
            _ => Found::Several,
        }
    }

    /// The name of another person in use who signs in with a folded name.
    pub(super) fn holder(&self, name: &str, but: Option<UserId>) -> Option<&str> {
        let named = [&self.by_name, &self.by_alias];
        named
            .into_iter()
            .filter_map(|by| by.get(name))
            .flatten()
            .map(|at| &self.users[*at])
            .find(|user| user.status == DirectoryStatus::Active && Some(user.id) != but)
            .map(|user| user.content.display_name.as_str())
    }

    /// Who is here, other than `but`, and has something in common with whom a row brings, with what
    /// that is: the employee id before an address.
    pub(super) fn fitting(
        &self,
        brought: &Brought,
        but: Option<UserId>,
    ) -> Option<(&KnownUser, MatchKey)> {
        let addresses = [&brought.user_name, &brought.mail].into_iter().flatten();
        let addresses = addresses.chain(&brought.aliases);
        let by_address = addresses.flat_map(|address| {
            let by = [&self.by_name, &self.by_mail, &self.by_alias];
            by.into_iter().filter_map(move |by| by.get(address))
        });
        let by_id = brought.employee_id.iter();
        let by_id = by_id.filter_map(|id| self.by_employee_id.get(id));
        let others = by_id.chain(by_address).flatten();
        let mut others = others.filter(|at| Some(self.users[**at].id) != but);
        others.find_map(|at| {
            let user = &self.users[*at];
            let keys = compare(brought, &user.here())?.keys;
            let strong = keys.contains(&MatchKey::EmployeeId);
            let key = strong.then_some(MatchKey::EmployeeId);
            Some((user, key.or_else(|| keys.first().copied())?))
        })
    }

    /// The one group made here of this name.
    pub(super) fn group(&self, name: &str) -> Result<&KnownGroup, String> {
        let named = self.groups.get(&crate::key(name));
        let named = named.map(Vec::as_slice).unwrap_or_default();
        let made_here: Vec<_> = named.iter().filter(|group| group.made_here).collect();
        match (made_here.as_slice(), named) {
            ([one], _) => Ok(*one),
            ([], [synced, ..]) => Err(changed_elsewhere(
                ObjectType::Group,
                &synced.display_name,
                synced.integration_name.as_deref(),
                "its members",
            )),
            ([], []) => Err(format!(
                "There is no group “{}” made here. Add it first, or leave it out.",
                super::table::shortened(name)
            )),
            _ => Err(format!(
                "Several groups made here are called “{}”. Rename all but one.",
                super::table::shortened(name)
            )),
        }
    }
}
