//! The one list of everything that is sealed: [`Place`] names nothing else, so that a column whose
//! secrets are sealed is re-sealed when the master key is rotated.

use uuid::Uuid;

/// A column that holds sealed secrets.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    pub(super) table: &'static str,
    /// The column with the id that a secret is bound to: the table’s key.
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    /// The column whose name is sealed in. Another one’s where secrets move between two columns of
    /// a row.
    bound_to: &'static str,
}

impl Column {
    /// As messages name it.
    #[cfg(test)]
    pub(super) fn full_name(&self) -> String {
        format!("{}.{}", self.table, self.name)
    }

    /// Every sealed value in it, for tests.
    #[cfg(test)]
    pub(crate) async fn all(&self, tx: &mut crate::Tx) -> crate::Result<Vec<Vec<u8>>> {
        let Self { table, name, .. } = self;
        let sql = format!("SELECT {name} FROM {table} WHERE {name} IS NOT NULL");
        let rows = crate::fetch_all!(tx, (Vec<u8>,), sqlx::AssertSqlSafe(sql))?;
        Ok(rows.into_iter().map(|(sealed,)| sealed).collect())
    }
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident = $table:literal ($key:literal), $column:literal as $bound:literal;)+) => {
        $($(#[$doc])*
        pub const $name: &Column = &Column {
            table: $table,
            key: $key,
            name: $column,
            bound_to: $bound,
        };)+

        /// Every column with sealed secrets.
        pub const COLUMNS: &[&Column] = &[$($name),+];
    };
}

columns! {
    /// A credential profile’s client secret, or the private key of its certificate.
    CREDENTIAL_SECRET = "credential_profile" ("id"), "secret_sealed" as "secret_sealed";
    /// The same of the second one. The two change places.
    SECOND_CREDENTIAL_SECRET = "credential_profile" ("id"), "second_secret_sealed" as "secret_sealed";
    /// What a webhook is signed with.
    WEBHOOK_SECRET = "notification_recipient" ("id"), "secret_sealed" as "secret_sealed";
    /// What it was signed with before; it comes from the column of the present one.
    PREVIOUS_WEBHOOK_SECRET = "notification_recipient" ("id"), "previous_secret_sealed" as "secret_sealed";
    /// What an authenticator app reckons its codes from.
    AUTHENTICATOR_SECRET = "authenticator" ("holder_id"), "secret_sealed" as "secret_sealed";
    /// What stands in the link of a mail that is on its way to an operator.
    OPERATOR_LINK = "operator_mail" ("id"), "secret_sealed" as "secret_sealed";
    /// What stands in the link of a mail that is on its way to a user of a directory.
    ENROLMENT_LINK = "enrolment_mail" ("id"), "secret_sealed" as "secret_sealed";
    /// A part of the file of an import, which may hold passwords.
    IMPORT_CONTENT = "import_content" ("id"), "text_sealed" as "text_sealed";
}

/// What a form shows before it is kept, and gives back sealed. It is kept nowhere in that form, so it
/// is no column of the schema, and no rotation looks for it.
#[derive(Debug, PartialEq, Eq)]
pub struct InForm {
    /// What it is for, as [`Place`] names it.
    of: &'static str,
    /// The field that holds it.
    pub(super) field: &'static str,
    /// What is said of one that doesn’t open.
    pub(super) stale: &'static str,
}

macro_rules! in_forms {
    ($($(#[$doc:meta])* $name:ident = $of:literal, $field:literal, $stale:literal;)+) => {
        $($(#[$doc])*
        pub const $name: &InForm = &InForm {
            of: $of,
            field: $field,
            stale: $stale,
        };)+
    };
}

in_forms! {
    /// The text of a token.
    OFFERED_TOKEN = "api_token", "sealed_token",
        "The token is missing or not yours. Open the form anew.";
    /// What stands in the link of an invitation.
    OFFERED_INVITATION = "operator_link", "sealed_link",
        "The link is missing or not yours. Open the form anew.";
    /// What stands in a consent link.
    OFFERED_CONSENT_LINK = "consent_link", "sealed_link",
        "The link is missing or not yours. Open the form anew.";
    /// Recovery codes.
    OFFERED_RECOVERY_CODES = "recovery_code", "sealed_codes",
        "These codes were not made for you here, or not lately. Open the form anew.";
    /// The key of an authenticator app.
    OFFERED_AUTHENTICATOR = "authenticator", "sealed_key",
        "This key was not made for you here, or not lately. Open the form anew.";
    /// What a webhook will be signed with.
    OFFERED_WEBHOOK_SECRET = "notification_recipient", "sealed_secret",
        "This signing secret was not made here. Open the form anew.";
}

/// Where a sealed secret stands. It is sealed together with it, so that a sealed value copied to
/// another row or column doesn’t open.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    table: &'static str,
    column: &'static str,
    bound_to: &'static str,
    row: Uuid,
}

impl Place {
    /// The place in this column of the row with this id.
    pub const fn new(column: &'static Column, row: Uuid) -> Self {
        Self {
            table: column.table,
            column: column.name,
            bound_to: column.bound_to,
            row,
        }
    }

    /// The place in a form, for one row alone: of the operator who has it open, or of what is made
    /// with it.
    pub const fn in_a_form(form: &'static InForm, row: Uuid) -> Self {
        Self {
            table: form.of,
            column: "form",
            bound_to: "form",
            row,
        }
    }

    /// What is sealed together with a secret.
    pub(super) fn bytes(&self) -> Vec<u8> {
        [
            self.table.as_bytes(),
            b".",
            self.bound_to.as_bytes(),
            b".",
            self.row.as_bytes(),
        ]
        .concat()
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{} of {}", self.table, self.column, self.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Columns of the schema whose names say that they are sealed.
    fn sealed_in(schema: &str) -> BTreeSet<String> {
        let mut table = "";
        let mut found = BTreeSet::new();
        for line in schema.lines() {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                table = rest.split([' ', '(']).next().unwrap();
            }
            let column = line.trim_start().split(' ').next().unwrap();
            if column.ends_with("_sealed") {
                found.insert(format!("{table}.{column}"));
            }
        }
        found
    }

    #[test]
    fn every_sealed_column_of_the_schema_is_listed_and_none_else() {
        let listed: BTreeSet<String> = COLUMNS.iter().map(|column| column.full_name()).collect();
        assert_eq!(listed.len(), COLUMNS.len());
        for schema in [
            include_str!("../../../../migrations/sqlite/0001_initial.sql"),
            include_str!("../../../../migrations/postgres/0001_initial.sql"),
        ] {
            assert_eq!(sealed_in(schema), listed);
        }
    }
}
