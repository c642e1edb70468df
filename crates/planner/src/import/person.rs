//! One person as a row says them.

use domain::{
    import::{CellError, ImportField, ImportPassword},
    made_here::{ALIASES_MAX, GROUPS_MAX, parse_attribute, parse_mail, parse_sign_in, parse_value},
    operator::check_password,
    text::{FieldError, NAME_CHARS_MAX, parse_name},
};

use super::{
    Reading,
    table::{Row, shortened},
};
use crate::{kept_here, matching::Brought, read::Content};

/// Reads rows as people.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    headers: &'a [String],
    /// What is imported: which column, as what.
    columns: Vec<(usize, ImportField)>,
}

/// A person, as far as the row can be read.
#[derive(Debug, Default)]
pub(super) struct Person {
    user_name: Option<String>,
    /// Names, addresses and attributes that the row gives, by the names of their columns.
    values: Vec<(&'static str, String)>,
    /// The same two where they can't be used, to be shown.
    shown: Content,
    guest: Option<bool>,
    pub administrator: Option<bool>,
    pub aliases: Vec<String>,
    /// By name.
    pub groups: Vec<String>,
    /// Whether it brings a password to set.
    pub password: bool,
    pub errors: Vec<CellError>,
}

impl<'a> Reader<'a> {
    pub fn new(headers: &'a [String], reading: &Reading) -> Self {
        let columns = reading.columns.iter().enumerate();
        let columns = columns
            .filter_map(|(at, field)| Some((at, (*field)?)))
            .filter(|(_, field)| {
                *field != ImportField::Password || reading.password == ImportPassword::Column
            });
        Self {
            headers,
            columns: columns.collect(),
        }
    }

    /// What stands above the column that is imported as it.
    fn header(&self, field: ImportField) -> Option<String> {
        let column = self.columns.iter().find(|(_, own)| *own == field);
        let (at, _) = column?;
        self.headers.get(*at).cloned()
    }

    pub fn read(&self, row: &Row<'_>) -> Person {
        let mut person = Person::default();
        if row.is_too_long() {
            person.errors.push(CellError {
                column: None,
                message: "This row has more cells than there are columns: perhaps a value with a comma or semicolon in it has no quotation marks around it.".to_owned(),
            });
        }
        for (at, field) in &self.columns {
            let cell = row.cell(*at);
            if cell.is_empty() {
                continue;
            }
            let given = match field {
                ImportField::Password => row.as_given(*at),
                _ => cell,
            };
            if let Err(error) = person.take(*field, given) {
                person.errors.push(CellError {
                    column: self.headers.get(*at).cloned(),
                    message: error.message,
                });
            }
        }
        person.complete(self);
        person
    }
}

impl Person {
    /// Blames the column of a field.
    pub fn blame(&mut self, reader: &Reader<'_>, field: ImportField, message: String) {
        let column = reader.header(field);
        self.errors.push(CellError { column, message });
    }

    pub fn user_name_folded(&self) -> Option<String> {
        self.user_name.as_deref().map(crate::key)
    }

    /// As somebody whom a source brings is compared with who is here.
    pub fn brought(&self) -> Brought {
        let part = |name| {
            let found = self.values.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| crate::key(value))
        };
        let user_name = self.user_name_folded();
        Brought {
            mail: part("mail").filter(|mail| user_name.as_ref() != Some(mail)),
            user_name,
            employee_id: part("employeeId"),
            aliases: self.aliases.iter().map(|alias| crate::key(alias)).collect(),
            ..Brought::default()
        }
    }

    /// Takes what a cell says that isn't empty.
    fn take(&mut self, field: ImportField, cell: &str) -> Result<(), FieldError> {
        match field {
            ImportField::UserPrincipalName => {
                self.shown.user_principal_name = Some(shortened(cell));
                self.user_name = Some(parse_sign_in("", cell)?);
            }
            ImportField::DisplayName => {
                self.shown.display_name = shortened(cell);
                self.values.push(("display_name", parse_name("", cell)?));
            }
            ImportField::GivenName => {
                self.give("given_name", parse_value("", cell, NAME_CHARS_MAX)?);
            }
            ImportField::Surname => self.give("surname", parse_value("", cell, NAME_CHARS_MAX)?),
            ImportField::Mail => self.give("mail", parse_mail("", cell)?),
            ImportField::Aliases => self.take_aliases(cell)?,
            ImportField::Groups => self.take_groups(cell)?,
            ImportField::Administrator => self.administrator = Some(yes_or_no(cell)?),
            ImportField::Guest => self.guest = Some(yes_or_no(cell)?),
            ImportField::Password => {
                check_password("", cell)?;
                self.password = true;
            }
            other => {
                if let Some(name) = other.attribute() {
                    let value = parse_attribute("", name, cell)?;
                    self.give(name, value);
                }
            }
        }
        Ok(())
    }

    fn give(&mut self, name: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.values.push((name, value));
        }
    }

    fn take_aliases(&mut self, cell: &str) -> Result<(), FieldError> {
        for given in listed(cell) {
            let address = parse_sign_in("", given).map_err(|error| {
                FieldError::new("", format!("“{}”: {}", shortened(given), error.message))
            })?;
            let folded = crate::key(&address);
            if self.aliases.iter().all(|alias| crate::key(alias) != folded) {
                self.aliases.push(address);
            }
        }
        if self.aliases.len() > ALIASES_MAX {
            return Err(FieldError::new(
                "",
                format!("A user has at most {ALIASES_MAX} aliases."),
            ));
        }
        Ok(())
    }

    fn take_groups(&mut self, cell: &str) -> Result<(), FieldError> {
        // Names have commas in them.
        let names = cell.split([';', '|', '\n']).map(str::trim);
        let names = names.filter(|name| !name.is_empty());
        self.groups.extend(names.map(str::to_owned));
        if self.groups.len() > GROUPS_MAX {
            return Err(FieldError::new(
                "",
                format!("Give at most {GROUPS_MAX} groups."),
            ));
        }
        Ok(())
    }

    /// What follows from the cells together.
    fn complete(&mut self, reader: &Reader<'_>) {
        if self.user_name.is_none() && self.shown.user_principal_name.is_none() {
            let message = "The user name is missing: what they sign in with.".to_owned();
            self.blame(reader, ImportField::UserPrincipalName, message);
        }
        // An export names the user name among the addresses too.
        if let Some(own) = self.user_name_folded() {
            self.aliases.retain(|alias| crate::key(alias) != own);
        }
    }

    /// The person as they become, over what is known of them. What the row doesn't give stays.
    pub fn over(&mut self, base: Option<&Content>) -> Content {
        let mut content = base.cloned().unwrap_or_default();
        if base.is_none() {
            content.user_principal_name = self
                .user_name
                .clone()
                .or_else(|| self.shown.user_principal_name.take());
            let part = |name| {
                let found = self.values.iter().find(|(own, _)| *own == name);
                found.map(|(_, value)| value.as_str())
            };
            let parts = [part("given_name"), part("surname")];
            let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
            content.display_name = name.chars().take(NAME_CHARS_MAX).collect();
        }
        for (name, value) in &self.values {
            kept_here::set(&mut content, name, Some(value));
        }
        if let Some(guest) = self.guest {
            content.guest = guest;
        }
        if content.display_name.is_empty() {
            content.display_name = std::mem::take(&mut self.shown.display_name);
        }
        if content.display_name.is_empty() && self.errors.is_empty() {
            self.errors.push(CellError {
                column: None,
                message: "A name is missing: a display name, a given name or a surname.".to_owned(),
            });
        }
        content
    }
}

/// The addresses of a cell; exports of Exchange put `smtp:` in front of each, and list others than
/// mail addresses, which nobody signs in with.
pub(super) fn listed(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(|c: char| matches!(c, ';' | ',' | '|') || c.is_whitespace())
        .filter_map(|given| match given.split_once(':') {
            Some((kind, address)) if kind.eq_ignore_ascii_case("smtp") => Some(address),
            Some(_) => None,
            None => Some(given),
        })
        .filter(|given| !given.is_empty())
}

fn yes_or_no(cell: &str) -> Result<bool, FieldError> {
    match crate::fold(cell).as_str() {
        "yes" | "y" | "true" | "1" | "x" | "ja" | "j" | "waar" | "on" => Ok(true),
        "no" | "n" | "false" | "0" | "nee" | "onwaar" | "off" | "-" => Ok(false),
        _ => Err(FieldError::new(
            "",
            format!("“{}” is neither yes nor no.", shortened(cell)),
        )),
    }
}
