//! Imports: people of a file, or members of groups at a source, brought in once.
//!
//! What is brought in belongs to nobody's sync: it is changed here, like what is made here
//! ([`crate::made_here`]).

mod field;

use serde::{Deserialize, Serialize};

pub use field::ImportField;

use crate::{
    DateTime,
    id::{CustomerId, ExternalId, ImportId, IntegrationId, RunId, UserId},
    paging::Page,
    text_enum,
};

/// The most bytes of a file: 100,000 rows with twenty columns fit.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most rows of a file, without its header.
pub const ROWS_MAX: usize = 100_000;
/// The most columns of a file.
pub const COLUMNS_MAX: usize = 100;
/// How long an import waits to be applied, in hours. What was given goes then.
pub const WAITING_HOURS: i64 = 24;
/// How long the rows of an applied import are kept, in days: as long as a run's changes are by
/// default.
pub const KEPT_DAYS: i64 = 90;
/// The most groups that members are imported from at once.
pub const SOURCE_GROUPS_MAX: usize = 20;
/// The most imports of a customer that wait to be applied.
pub const WAITING_MAX: i64 = 20;

text_enum! {
    /// Where the people of an import come from.
    pub enum ImportSource {
        /// A file.
        File = "file",
        /// The members of groups, read once through an integration.
        Groups = "groups",
    }
}

text_enum! {
    /// How imported people come by a password.
    pub enum ImportPassword {
        /// They have none, and can't sign in until somebody invites them.
        None = "none",
        /// They get a mail with a link, and choose one.
        Mail = "mail",
        /// It stands in a column of the file.
        Column = "column",
    }
}

impl ImportPassword {
    /// The choice in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::None => "None yet: invite them later",
            Self::Mail => "Chosen by each person: invite them now, by mail",
            Self::Column => "From a column of the file",
        }
    }
}

text_enum! {
    /// How far an import is.
    pub enum ImportStatus {
        /// Waits: its columns are to be chosen, or it is to be applied.
        Waiting = "waiting",
        /// It was applied, and the passwords are being set.
        SettingPasswords = "setting_passwords",
        /// It was applied.
        Applied = "applied",
    }
}

impl ImportStatus {
    /// The status in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::SettingPasswords => "Setting passwords",
            Self::Applied => "Applied",
        }
    }
}

text_enum! {
    /// What an import does with one row.
    pub enum RowOutcome {
        /// Somebody new.
        Create = "create",
        /// Somebody who is here already changes.
        Update = "update",
        /// Somebody is here already, exactly so.
        Unchanged = "unchanged",
        /// The row can't be imported, and says why.
        Error = "error",
    }
}

impl RowOutcome {
    /// The outcome in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Unchanged => "Unchanged",
            Self::Error => "Error",
        }
    }
}

text_enum! {
    /// Which rows are imported.
    pub enum ApplyRows {
        /// All of them; refused where one has an error.
        All = "all",
        /// Those without errors.
        Good = "good",
    }
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportColumn {
    /// What stands above it; `Column 3` where nothing does.
    pub header: String,
    /// What it is imported as; null: it is left aside.
    pub field: Option<ImportField>,
    /// Its first value, so that one sees what is in it. Null where it is empty, and for what may be
    /// a password.
    pub example: Option<String>,
}

/// How many rows come to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportCounts {
    /// Somebody new.
    pub create: i64,
    /// Somebody who changes.
    pub update: i64,
    /// Somebody who is here already, exactly so.
    pub unchanged: i64,
    /// Rows that can't be imported.
    pub error: i64,
}

impl ImportCounts {
    /// All rows.
    pub const fn total(&self) -> i64 {
        self.create + self.update + self.unchanged + self.error
    }

    /// How many of this outcome.
    pub const fn of(&self, outcome: RowOutcome) -> i64 {
        match outcome {
            RowOutcome::Create => self.create,
            RowOutcome::Update => self.update,
            RowOutcome::Unchanged => self.unchanged,
            RowOutcome::Error => self.error,
        }
    }

    /// One more.
    pub const fn count(&mut self, outcome: RowOutcome) {
        match outcome {
            RowOutcome::Create => self.create += 1,
            RowOutcome::Update => self.update += 1,
            RowOutcome::Unchanged => self.unchanged += 1,
            RowOutcome::Error => self.error += 1,
        }
    }
}

/// How far the setting of passwords is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasswordProgress {
    /// Passwords in the file, of rows that were imported.
    pub total: i64,
    /// Set.
    pub set: i64,
    /// Not set, because they may not be used, or the person has one already. The row says which.
    pub refused: i64,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// Into whose directory.
    pub customer_id: CustomerId,
    /// The file's name, or the groups'.
    pub name: String,
    /// A file, or groups.
    pub source: ImportSource,
    /// How far it is.
    pub status: ImportStatus,
    /// Who began it.
    pub made_by: String,
    /// When.
    pub created_at: DateTime,
    /// When it and what was given go: one that waits can be applied until then.
    pub expires_at: DateTime,
    /// The file's encoding, such as `UTF-8` or `windows-1252`; null for groups.
    pub encoding: Option<String>,
    /// Its columns, in order.
    pub columns: Vec<ImportColumn>,
    /// How people come by a password.
    pub password: ImportPassword,
    /// What the dry run came to; null where it can't be made yet.
    pub counts: Option<ImportCounts>,
    /// Why there is no dry run: what is wrong with the choice of columns.
    pub problem: Option<String>,
    /// Names the dry run. Applying takes it, so that exactly what was shown is applied.
    pub plan: Option<String>,
    /// The run that it was applied by.
    pub run_id: Option<RunId>,
    /// How far the passwords are; null where there are none.
    pub passwords: Option<PasswordProgress>,
}

/// An import with the name of its customer, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportDetail {
    /// The import.
    pub import: Import,
    /// Its customer's name.
    pub customer_name: String,
}

/// What is wrong with a cell of a row, or with the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CellError {
    /// What stands above the column; null where the whole row is meant.
    pub column: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// What an import does with one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportRow {
    /// Its number as a spreadsheet counts: the first below the header is 2.
    pub number: i64,
    /// What comes of it.
    pub outcome: RowOutcome,
    /// The person's name.
    pub display_name: String,
    /// What they sign in with.
    pub user_principal_name: String,
    /// Who it is here: somebody who is here already, and, once it was applied, somebody new.
    pub user_id: Option<UserId>,
    /// What is wrong.
    pub errors: Vec<CellError>,
    /// What changes, as it is; null but for an update.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub before: Option<serde_json::Value>,
    /// What changes, as it becomes; null but for an update.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub after: Option<serde_json::Value>,
    /// Why their password was not set; null where it was, will be, or none was given.
    pub password_refused: Option<String>,
}

/// A page of rows.
pub type ImportRows = Page<ImportRow>;

/// What changes of an import that waits. What is absent stays. The dry run is made anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportChange {
    /// What each column is imported as, in order; null leaves one aside.
    #[serde(default)]
    pub columns: Option<Vec<Option<ImportField>>>,
    /// How people come by a password.
    #[serde(default)]
    pub password: Option<ImportPassword>,
}

/// How an import is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ApplyImport {
    /// Which rows.
    pub rows: ApplyRows,
    /// The `plan` of the dry run that was looked at.
    pub plan: String,
}

/// Members of which groups are imported, once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupsImport {
    /// The integration through whose tenant they are read. It keeps no tie to them.
    pub integration_id: IntegrationId,
    /// The groups, by their object ids.
    pub group_ids: Vec<ExternalId>,
    /// Whether guests come too.
    #[serde(default)]
    pub include_guests: bool,
    /// Whether people whose sign-in is blocked come too. They are made in use.
    #[serde(default)]
    pub include_blocked: bool,
    /// Whether members of groups in these groups come too.
    #[serde(default)]
    pub include_nested: bool,
    /// How they come by a password: by mail, as `initial_password` says (`column`, since it stands
    /// beside each of them from then on), or not at all, which is meant where it is absent.
    #[serde(default = "without_password")]
    pub password: ImportPassword,
    /// What each of them signs in with at first, for `column`.
    #[serde(default)]
    pub initial_password: Option<String>,
}

impl std::fmt::Debug for GroupsImport {
    /// Without the password, which must not get into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupsImport")
            .field("integration_id", &self.integration_id)
            .field("group_ids", &self.group_ids)
            .field("password", &self.password)
            .finish_non_exhaustive()
    }
}

const fn without_password() -> ImportPassword {
    ImportPassword::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up() {
        let mut counts = ImportCounts::default();
        for outcome in RowOutcome::ALL {
            counts.count(*outcome);
            counts.count(*outcome);
            assert_eq!(counts.of(*outcome), 2);
        }
        assert_eq!(counts.total(), 8);
    }
}
