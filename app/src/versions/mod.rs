//! Versions: of an integration's settings (a tab) and of a customer's (pages): all of them, one with its
//! differences, and restoring one. Policy templates show theirs by the same parts.

mod api;
mod customer;
mod list;
mod shown;
mod version;

pub use customer::{CustomerRestoreDialog, CustomerVersionPage, CustomerVersionsPage};
pub(crate) use list::VersionTable;
pub use list::VersionsTab;
pub(crate) use shown::{RestoreQuestion, WholeVersion, named, use_against, use_number};
pub use version::{RestoreDialog, VersionPage};
