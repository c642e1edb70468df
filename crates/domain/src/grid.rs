//! The Users grid and the Groups grid: their columns, and views that are saved and shared.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{CustomerId, SavedViewId},
    text::FieldError,
    text_enum,
};

/// The longest query of a saved view, in bytes.
pub const QUERY_BYTES_MAX: usize = 2_000;
/// The most views that an operator keeps of one list.
pub const VIEWS_MAX: i64 = 100;

text_enum! {
    /// A list whose columns are chosen and whose filters are saved.
    pub enum GridList {
        /// Users.
        Users = "users",
        /// Groups.
        Groups = "groups",
    }
}

text_enum! {
    /// A column of such a list. The name is always there, and no column of these.
    pub enum GridColumn {
        /// The name a user signs in with.
        UserName = "user_name",
        /// The customer, where the list is over more than one.
        Customer = "customer",
        /// A group's kind.
        Kind = "kind",
        /// Whether it is in use.
        Status = "status",
        /// Where it comes from.
        Source = "source",
        /// How far somebody has come with an account of their own.
        Enrolment = "enrolment",
        /// Whether no run changes it.
        Protected = "protected",
        /// When it will be deleted.
        Countdown = "countdown",
        /// Groups that a user is a direct member of.
        Groups = "groups",
        /// Users that are direct members of a group.
        Users = "users",
        /// Users that are members of a group, directly or through groups in it.
        Effective = "effective",
        /// When it last changed.
        Changed = "changed",
        /// Mail address.
        Mail = "mail",
        /// First name.
        GivenName = "given_name",
        /// Last name.
        Surname = "surname",
        /// Whether a user is a guest.
        Guest = "guest",
        /// Whether a user administers its customer's workspace.
        Administrator = "administrator",
        /// Other addresses that a user signs in with.
        Aliases = "aliases",
        /// The integration it comes from.
        Integration = "integration",
        /// When it was added here.
        Created = "created",
        /// When a user last signed in to their own account.
        LastSignIn = "last_sign_in",
        /// Its object id in the source.
        ObjectId = "object_id",
        /// What a group is for.
        Description = "description",
        /// Job title.
        JobTitle = "job_title",
        /// Department.
        Department = "department",
        /// Company.
        Company = "company",
        /// Office.
        Office = "office",
        /// City.
        City = "city",
        /// Country.
        Country = "country",
        /// Employee id.
        EmployeeId = "employee_id",
        /// Mobile phone.
        MobilePhone = "mobile_phone",
    }
}

impl GridColumn {
    /// The column's title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::UserName => "User Name",
            Self::Customer => "Customer",
            Self::Kind => "Kind",
            Self::Status => "Status",
            Self::Source => "Source Type",
            Self::Enrolment => "Enrolment",
            Self::Protected => "Protected",
            Self::Countdown => "Deletion",
            Self::Groups => "Groups",
            Self::Users => "User Count",
            Self::Effective => "Effective",
            Self::Changed => "Changed",
            Self::Mail => "Mail",
            Self::GivenName => "Given Name",
            Self::Surname => "Surname",
            Self::Guest => "Guest",
            Self::Administrator => "Administrator",
            Self::Aliases => "Aliases",
            Self::Integration => "Integration",
            Self::Created => "Added",
            Self::LastSignIn => "Last Sign-in",
            Self::ObjectId => "Object Id",
            Self::Description => "Description",
            Self::JobTitle => "Job Title",
            Self::Department => "Department",
            Self::Company => "Company",
            Self::Office => "Office",
            Self::City => "City",
            Self::Country => "Country",
            Self::EmployeeId => "Employee Id",
            Self::MobilePhone => "Mobile Phone",
        }
    }

    /// The attribute that it shows, as Graph names it, where it shows one.
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::Description => Some("description"),
            Self::JobTitle => Some("jobTitle"),
            Self::Department => Some("department"),
            Self::Company => Some("companyName"),
            Self::Office => Some("officeLocation"),
            Self::City => Some("city"),
            Self::Country => Some("country"),
            Self::EmployeeId => Some("employeeId"),
            Self::MobilePhone => Some("mobilePhone"),
            _ => None,
        }
    }

    /// Whether its cells are read only where somebody chose it.
    pub const fn is_more(self) -> bool {
        self.attribute().is_some()
            || matches!(
                self,
                Self::Mail
                    | Self::GivenName
                    | Self::Surname
                    | Self::Guest
                    | Self::Administrator
                    | Self::Aliases
                    | Self::Integration
                    | Self::Created
                    | Self::LastSignIn
                    | Self::ObjectId
            )
    }

    /// Whether its cells are moments.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Created | Self::LastSignIn)
    }
}

impl GridList {
    /// Every column of the list, in the order in which they stand.
    pub const fn columns(self) -> &'static [GridColumn] {
        use GridColumn as C;
        match self {
            Self::Users => &[
                C::UserName,
                C::Customer,
                C::Status,
                C::Source,
                C::Enrolment,
                C::Protected,
                C::Countdown,
                C::Groups,
                C::Changed,
                C::Mail,
                C::GivenName,
                C::Surname,
                C::Guest,
                C::Administrator,
                C::Aliases,
                C::Integration,
                C::Created,
                C::LastSignIn,
                C::ObjectId,
                C::JobTitle,
                C::Department,
                C::Company,
                C::Office,
                C::City,
                C::Country,
                C::EmployeeId,
                C::MobilePhone,
            ],
            Self::Groups => &[
                C::Customer,
                C::Kind,
                C::Status,
                C::Source,
                C::Countdown,
                C::Users,
                C::Effective,
                C::Changed,
                C::Mail,
                C::Description,
                C::Integration,
                C::Created,
                C::ObjectId,
            ],
        }
    }

    /// The columns where nobody chose any.
    pub const fn usual(self) -> &'static [GridColumn] {
        use GridColumn as C;
        match self {
            Self::Users => &[
                C::UserName,
                C::Customer,
                C::Status,
                C::Source,
                C::Enrolment,
                C::Groups,
                C::Changed,
            ],
            Self::Groups => &[
                C::Customer,
                C::Kind,
                C::Status,
                C::Source,
                C::Users,
                C::Effective,
                C::Changed,
            ],
        }
    }

    /// The columns that a text names with commas between, in the order in which they stand. What is
    /// no column of the list is left out: an old link still works. None where nothing is left, but
    /// `none` names none of them.
    pub fn parse_columns(self, text: &str) -> Option<Vec<GridColumn>> {
        if text == "none" {
            return Some(Vec::new());
        }
        let named: Vec<&str> = text.split(',').map(str::trim).collect();
        let columns: Vec<_> = self
            .columns()
            .iter()
            .copied()
            .filter(|column| named.contains(&column.as_str()))
            .collect();
        (!columns.is_empty()).then_some(columns)
    }

    /// What a view's query may say: the filters of the list, its order, its columns, and the rows of a
    /// page.
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Users => &[
                "customer",
                "q",
                "status",
                "source_type",
                "group",
                "countdown",
                "protected",
                "enrolment",
                "guest",
                "administrator",
                "sort",
                "rows",
                "columns",
            ],
            Self::Groups => &[
                "customer",
                "q",
                "status",
                "source_type",
                "kind",
                "countdown",
                "sort",
                "rows",
                "columns",
            ],
        }
    }

    /// A list's address as it is saved: without what isn't a filter, an order or a column, such as the
    /// number of a page.
    pub fn parse_query(self, given: &str) -> Result<String, FieldError> {
        let given = given.trim().trim_start_matches('?');
        if given.len() > QUERY_BYTES_MAX {
            return Err(FieldError::new(
                "query",
                format!("A view holds at most {QUERY_BYTES_MAX} bytes."),
            ));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~%=&+*".contains(c);
        if !given.chars().all(plain) {
            return Err(FieldError::new(
                "query",
                "Give the query of the list’s address, percent-encoded, such as status=inactive&sort=-changed.",
            ));
        }
        let kept: Vec<&str> = given
            .split('&')
            .filter(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                !value.is_empty() && self.parameters().contains(&name)
            })
            .collect();
        Ok(kept.join("&"))
    }
}

/// The columns as one text, as an address has them.
pub fn columns_text(columns: &[GridColumn]) -> String {
    if columns.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    names.join(",")
}

/// A list's filters, order and columns under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SavedView {
    /// Its id.
    pub id: SavedViewId,
    /// Of which list.
    pub list: GridList,
    /// Its name.
    pub name: String,
    /// The query of the list's address.
    pub query: String,
    /// The customer that it is over; null: all whom the reader may see.
    pub customer_id: Option<CustomerId>,
    /// Whether others see it who look after the same customers.
    pub shared: bool,
    /// Who made it.
    pub by: String,
    /// Whether the caller made it, and may change it.
    pub own: bool,
    /// Whether the list opens with it for the caller.
    pub is_default: bool,
    /// When it was made.
    pub created_at: DateTime,
}

/// What a view is made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSavedView {
    /// Of which list.
    pub list: GridList,
    /// Its name.
    pub name: String,
    /// The query of the list's address, such as `status=inactive&sort=-changed`.
    #[serde(default)]
    pub query: String,
    /// Whether others see it who look after the same customers.
    #[serde(default)]
    pub shared: bool,
    /// Whether the list opens with it for the caller.
    #[serde(default)]
    pub is_default: bool,
}

/// What changes of a view. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SavedViewChange {
    /// Another name.
    #[serde(default)]
    pub name: Option<String>,
    /// Another query.
    #[serde(default)]
    pub query: Option<String>,
    /// Whether others see it.
    #[serde(default)]
    pub shared: Option<bool>,
    /// Whether the list opens with it for the caller. The only thing that can be said of another's.
    #[serde(default)]
    pub is_default: Option<bool>,
}

impl SavedViewChange {
    /// Whether it changes the view for everybody, and not for the caller alone.
    pub const fn concerns_others(&self) -> bool {
        self.name.is_some() || self.query.is_some() || self.shared.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_their_own_order_and_unknown_ones_are_left_out() {
        let parse = |text: &str| GridList::Users.parse_columns(text);
        assert_eq!(
            parse("changed, user_name,kind,nonsense"),
            Some(vec![GridColumn::UserName, GridColumn::Changed])
        );
        assert_eq!(parse("kind"), None, "no column of users");
        assert_eq!(parse(""), None);
        assert_eq!(parse("none"), Some(Vec::new()));
        for list in GridList::ALL {
            for columns in [list.columns(), list.usual()] {
                let text = columns_text(columns);
                assert_eq!(list.parse_columns(&text).as_deref(), Some(columns));
            }
        }
        assert_eq!(columns_text(&[]), "none");
    }

    #[test]
    fn a_view_keeps_filters_and_nothing_else_of_an_address() {
        let users = GridList::Users;
        for (given, kept) in [
            ("", ""),
            ("?status=inactive&page=7&q=", "status=inactive"),
            ("q=%C3%BC&sort=-changed&evil=1", "q=%C3%BC&sort=-changed"),
            ("kind=security", ""),
        ] {
            assert_eq!(users.parse_query(given).as_deref(), Ok(kept), "{given}");
        }
        for bad in ["q=a b", "q=<script>", "q=ü", &"q=a&".repeat(501)] {
            assert!(users.parse_query(bad).is_err(), "{bad}");
        }
    }
}
