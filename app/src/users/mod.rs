//! Users: the list, and one user with attributes and groups.

mod detail;
mod list;

pub use detail::UserPage;
pub use list::UsersPage;
