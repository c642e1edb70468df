//! Imports: what a file's rows would do to a directory. Pure, as everything in here: the dry run and
//! the applying ask the same functions, and get the same answer.
//!
//! [`text::decode`] makes text of a file's bytes, [`table::Table`] rows of the text, [`plan()`] of each
//! row what comes of it: somebody new, somebody who changes, nothing, or what is wrong with it.

mod known;
mod person;
pub mod table;
pub mod text;

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use domain::{
    id::{GroupId, UserId},
    import::{CellError, ImportCounts, ImportField, ImportPassword, RowOutcome},
    matching::MatchKey,
    policy::Policy,
    run::Action,
    user::DirectoryStatus,
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

pub use self::known::{Known, KnownGroup, KnownUser};
use self::{
    person::{Person, Reader},
    table::Table,
};
use crate::{
    derive::Derived,
    diff::{self, Outcome},
    hash,
    matching::Brought,
    read::Content,
};

/// How a table is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What each column is imported as.
    pub columns: Vec<Option<ImportField>>,
    /// How people come by a password.
    pub password: ImportPassword,
}

impl Reading {
    /// What the headers say by themselves: each field once, the first column of its name.
    pub fn matched(headers: &[String]) -> Self {
        let mut columns: Vec<Option<ImportField>> = Vec::with_capacity(headers.len());
        for header in headers {
            let field = ImportField::of_header(header);
            let field =
                field.filter(|field| field.may_repeat() || !columns.contains(&Some(*field)));
            columns.push(field);
        }
        let password = if columns.contains(&Some(ImportField::Password)) {
            ImportPassword::Column
        } else {
            ImportPassword::None
        };
        Self { columns, password }
    }

    /// Whether a column is imported as it.
    pub fn has(&self, field: ImportField) -> bool {
        self.columns.contains(&Some(field))
    }

    /// What is wrong with the choice, in words for the person who made it; none where nothing is.
    pub fn problem(&self) -> Option<String> {
        for (at, field) in self.columns.iter().enumerate() {
            if let Some(field) = field
                && !field.may_repeat()
                && self.columns[..at].contains(&Some(*field))
            {
                return Some(format!(
                    "Two columns are imported as “{}”. Choose one of them.",
                    field.title()
                ));
            }
        }
        if !self.has(ImportField::UserPrincipalName) {
            return Some(
                "Choose the column that holds the user name: what people sign in with, in the form of a mail address."
                    .to_owned(),
            );
        }
        if self.password == ImportPassword::Column && !self.has(ImportField::Password) {
            return Some(
                "Choose the column that holds the passwords, or import without them.".to_owned(),
            );
        }
        None
    }
}

/// What comes of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Its number, as a spreadsheet counts.
    pub number: u32,
    /// What comes of it.
    pub outcome: RowOutcome,
    /// Who it is, of somebody who is here already.
    pub user: Option<UserId>,
    /// The person as they become; of a row with errors, as far as it can be read.
    pub content: Content,
    /// Addresses that they sign in with from then on.
    pub new_aliases: Vec<String>,
    /// Groups that they are in from then on, with their names.
    pub new_groups: Vec<(GroupId, String)>,
    /// Whether they administer the workspace; none where the row doesn't say.
    pub administrator: Option<bool>,
    /// Whether the row brings a password that is to be set.
    pub password: bool,
    /// What is wrong.
    pub errors: Vec<CellError>,
    /// Of an update, what changes: as it is, and as it becomes.
    pub changed: Option<(Map<String, Value>, Map<String, Value>)>,
}

/// What comes of all rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The rows, in order.
    pub rows: Vec<Planned>,
    /// How many come to what.
    pub counts: ImportCounts,
}

impl Plan {
    /// Names it: another plan has another name, whatever differs in it. Hexadecimal.
    pub fn name(&self) -> String {
        let mut hasher = Sha256::new();
        for row in &self.rows {
            hasher.update(row.number.to_le_bytes());
            hasher.update(row.outcome.as_str());
            hasher.update(row.user.map_or([0; 16], |user| *user.0.as_bytes()));
            hasher.update(hash::content(&row.content));
            hasher.update([
                u8::from(row.content.guest),
                row.administrator.map_or(2, u8::from),
                u8::from(row.password),
            ]);
            let mut text = |text: &str| {
                hasher.update((text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            };
            for alias in &row.new_aliases {
                text(alias);
            }
            text("");
            for (group, _) in &row.new_groups {
                text(&group.to_string());
            }
            if let Some((before, after)) = &row.changed {
                text(&Value::Object(before.clone()).to_string());
                text(&Value::Object(after.clone()).to_string());
            }
            for error in &row.errors {
                text(error.column.as_deref().unwrap_or_default());
                text(&error.message);
            }
        }
        let mut hex = String::new();
        for byte in hasher.finalize() {
            // Writing to a text can't fail.
            _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

/// What has to be known of a directory to plan rows is who has one of these. Folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// User names, aliases and mail addresses, each once.
    pub addresses: HashSet<String>,
    /// Employee ids.
    pub employee_ids: HashSet<String>,
}

/// By what the rows name people.
pub fn names(table: &Table, reading: &Reading) -> Named {
    let mut named = Named::default();
    for row in table.rows() {
        for (at, field) in reading.columns.iter().enumerate() {
            let cell = row.cell(at);
            let (all, folded) = match field {
                Some(ImportField::UserPrincipalName | ImportField::Mail) => {
                    (&mut named.addresses, crate::key(cell))
                }
                Some(ImportField::EmployeeId) => (&mut named.employee_ids, crate::key(cell)),
                Some(ImportField::Aliases) => {
                    named.addresses.extend(person::listed(cell).map(crate::key));
                    continue;
                }
                _ => continue,
            };
            if !folded.is_empty() {
                all.insert(folded);
            }
        }
    }
    named
}

/// What comes of each row of a table over what a directory has.
pub fn plan(table: &Table, reading: &Reading, known: &Known) -> Plan {
    let reader = Reader::new(table.headers(), reading);
    // Who of the file has a name already: a user name before an alias, an earlier row before a later.
    let mut taken = Taken::default();
    let mut counts = ImportCounts::default();
    let mut rows = Vec::with_capacity(table.len());
    for row in table.rows() {
        let person = reader.read(&row);
        let planned = one(row.number, person, &reader, known, &mut taken);
        counts.count(planned.outcome);
        rows.push(planned);
    }
    Plan { rows, counts }
}

/// Which earlier row has it.
#[derive(Debug, Default)]
struct Taken {
    names: HashMap<String, u32>,
    mails: HashMap<String, u32>,
    employee_ids: HashMap<String, u32>,
}

impl Taken {
    /// What of a row's an earlier row brings, with the field to blame, that row and what it is. Two names
    /// to sign in with are told elsewhere.
    fn by_others(&self, number: u32, brought: &Brought) -> Vec<(ImportField, u32, &'static str)> {
        let earlier = |by: &HashMap<String, u32>, what: &String| {
            by.get(what).copied().filter(|row| *row != number)
        };
        let id = brought.employee_id.as_ref();
        let id = id.and_then(|id| earlier(&self.employee_ids, id));
        let mail = brought.mail.as_ref();
        let mail =
            mail.and_then(|mail| earlier(&self.mails, mail).or_else(|| earlier(&self.names, mail)));
        let name = brought.user_name.as_ref();
        let name = name.and_then(|name| earlier(&self.mails, name));
        let mut aliases = brought.aliases.iter();
        let alias = aliases.find_map(|alias| earlier(&self.mails, alias));
        [
            (ImportField::EmployeeId, id, "employee id"),
            (ImportField::Mail, mail, "address"),
            (ImportField::UserPrincipalName, name, "address"),
            (ImportField::Aliases, alias, "address"),
        ]
        .into_iter()
        .filter_map(|(field, row, what)| Some((field, row?, what)))
        .collect()
    }
}

/// What comes of one person.
fn one(
    number: u32,
    mut person: Person,
    reader: &Reader<'_>,
    known: &Known,
    taken: &mut Taken,
) -> Planned {
    let name = person.user_name_folded();
    let who = known.find(name.as_ref());
    let mut groups = Vec::new();
    if let Some(name) = &name {
        let names = std::iter::once((ImportField::UserPrincipalName, name.clone())).chain(
            person
                .aliases
                .iter()
                .map(|alias| (ImportField::Aliases, crate::key(alias))),
        );
        for (field, name) in names.collect::<Vec<_>>() {
            if let Some(earlier) = taken.names.get(&name) {
                let message = format!(
                    "Row {earlier} has this name too. Each person needs a name of their own: change one of them."
                );
                person.blame(reader, field, message);
            } else {
                taken.names.insert(name, number);
            }
        }
    }
    let user = match who {
        known::Found::Nobody => None,
        known::Found::One(user) => match user.refused() {
            Some(why) => {
                person.blame(reader, ImportField::UserPrincipalName, why);
                Some(user)
            }
            None => Some(user),
        },
        known::Found::Several => {
            person.blame(
                reader,
                ImportField::UserPrincipalName,
                "Several inactive people here have this user name. Delete those who are not meant, or import under another name.".to_owned(),
            );
            None
        }
    };
    if let Some(folded) = &name
        && let Some(holder) = known.holder(folded, user.map(|user| user.id))
    {
        let message = format!(
            "{holder} signs in with this name already, as an alias. Import under another, or take the alias away first."
        );
        person.blame(reader, ImportField::UserPrincipalName, message);
    }
    for alias in person.aliases.clone() {
        if let Some(holder) = known.holder(&crate::key(&alias), user.map(|user| user.id)) {
            let message = format!("{holder} signs in with {alias} already. Choose another.");
            person.blame(reader, ImportField::Aliases, message);
        }
    }
    alike(number, &mut person, user, reader, known, taken);
    for name in person.groups.clone() {
        match known.group(&name) {
            Ok(group) => groups.push((group.id, group.display_name.clone())),
            Err(why) => person.blame(reader, ImportField::Groups, why),
        }
    }
    groups.sort_unstable();
    groups.dedup();
    decide(number, person, user, groups)
}

/// Blames what a row brings that somebody else has, here or by an earlier row: nobody is to come in
/// twice under two user names, nor to become somebody else.
fn alike(
    number: u32,
    person: &mut Person,
    user: Option<&KnownUser>,
    reader: &Reader<'_>,
    known: &Known,
    taken: &mut Taken,
) {
    let given = person.brought();
    let brought = match user {
        Some(user) => user.new_of(given.clone()),
        None => given.clone(),
    };
    // A name that somebody signs in with is told already.
    if person.errors.is_empty()
        && let Some((other, key)) = known.fitting(&brought, user.map(|user| user.id))
    {
        let (field, what) = match key {
            MatchKey::EmployeeId => (ImportField::EmployeeId, "employee id"),
            _ => (address_of(&brought, user, known), "address"),
        };
        let message = match user {
            None => format!(
                "{} has this {what} already, and may be the same person. Give their user name in this row, or another {what}.",
                other.named()
            ),
            Some(_) => format!(
                "{} has this {what} already. Give another {what}, or change theirs first.",
                other.named()
            ),
        };
        person.blame(reader, field, message);
    }
    if person.errors.is_empty() {
        for (field, earlier, what) in taken.by_others(number, &brought) {
            let message = format!(
                "Row {earlier} has this {what} too. Each person has one of their own: change one of them."
            );
            person.blame(reader, field, message);
        }
    }
    if let Some(id) = given.employee_id {
        taken.employee_ids.entry(id).or_insert(number);
    }
    if let Some(mail) = given.mail {
        taken.mails.entry(mail).or_insert(number);
    }
}

/// Which of the addresses somebody else has.
fn address_of(brought: &Brought, user: Option<&KnownUser>, known: &Known) -> ImportField {
    let fits = |part: Brought| known.fitting(&part, user.map(|user| user.id)).is_some();
    let by_mail = Brought {
        mail: brought.mail.clone(),
        ..Brought::default()
    };
    let by_alias = Brought {
        aliases: brought.aliases.clone(),
        ..Brought::default()
    };
    if fits(by_mail) {
        ImportField::Mail
    } else if fits(by_alias) {
        ImportField::Aliases
    } else {
        ImportField::UserPrincipalName
    }
}

/// Somebody new, somebody who changes, or nothing; where nothing is wrong.
fn decide(
    number: u32,
    mut person: Person,
    user: Option<&KnownUser>,
    groups: Vec<(GroupId, String)>,
) -> Planned {
    let base = user.map(|user| &user.content);
    let content = person.over(base);
    let mut planned = Planned {
        number,
        outcome: RowOutcome::Error,
        user: user.map(|user| user.id),
        new_aliases: person.aliases,
        new_groups: groups,
        administrator: person.administrator,
        password: person.password,
        errors: person.errors,
        changed: None,
        content,
    };
    if !planned.errors.is_empty() {
        return planned;
    }
    planned.outcome = match user {
        None => RowOutcome::Create,
        Some(user) => update(&mut planned, user),
    };
    planned
}

/// Whether somebody who is here already changes, and what.
fn update(planned: &mut Planned, user: &KnownUser) -> RowOutcome {
    planned.new_aliases.retain(|alias| !user.signs_in_as(alias));
    planned
        .new_groups
        .retain(|(group, _)| !user.groups.contains(group));
    if planned.administrator == Some(user.administrator) {
        planned.administrator = None;
    }
    let (mut before, mut after) = diff::changed(&user.content, &planned.content);
    let mut differs = |name: &str, was: Value, becomes: Value| {
        before.insert(name.to_owned(), was);
        after.insert(name.to_owned(), becomes);
    };
    if user.content.guest != planned.content.guest {
        differs(
            "guest",
            user.content.guest.into(),
            planned.content.guest.into(),
        );
    }
    if let Some(administrator) = planned.administrator {
        differs(
            "administrator",
            user.administrator.into(),
            administrator.into(),
        );
    }
    if !planned.new_aliases.is_empty() {
        differs(
            "aliases_added",
            Value::Null,
            planned.new_aliases.clone().into(),
        );
    }
    if !planned.new_groups.is_empty() {
        let names = planned.new_groups.iter().map(|(_, name)| name.clone());
        differs(
            "groups_added",
            Value::Null,
            names.collect::<Vec<_>>().into(),
        );
    }
    // The same decision as a run's: only that guests, names and groups aren't of its content.
    let known = diff::Known {
        status: DirectoryStatus::Active,
        reason: None,
        delete_at: None,
        countdown_cancelled: false,
        hash: hash::content(&user.content),
    };
    let now = domain::DateTime::UNIX_EPOCH;
    let wanted = hash::content(&planned.content);
    let policy = Policy::default();
    let step = diff::diff(&policy, Some(&known), Derived::Active, &wanted, now);
    let changes = matches!(step, Outcome::Change(step) if step.action == Action::Update);
    if changes || !before.is_empty() {
        planned.changed = Some((before, after));
        RowOutcome::Update
    } else {
        RowOutcome::Unchanged
    }
}

#[cfg(test)]
mod tests;
