//! Customers: the list, one customer, and adding, renaming, deleting and restoring them.

mod change;
mod detail;
mod list;

pub use change::{AddDialog, DeleteDialog, RenameDialog};
pub use detail::CustomerPage;
pub use list::CustomersPage;
