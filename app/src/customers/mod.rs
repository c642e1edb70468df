//! Customers: the list, one customer, and adding, renaming, deleting and restoring them.

mod change;
mod detail;
mod list;
mod pause;
mod tags;

pub use change::{AddDialog, DeleteDialog, RenameDialog};
pub use detail::CustomerPage;
pub use list::CustomersPage;
pub use pause::{PauseDialog, TimeZoneDialog};
pub use tags::TagsDialog;
