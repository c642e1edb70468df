//! Contacts: the list, and one contact with attributes and groups.

mod detail;
mod list;

pub use detail::ContactPage;
pub use list::ContactsPage;
