//! Users: the list, and one user with attributes and groups.

mod detail;
mod list;
mod protection;

pub use detail::UserPage;
pub use list::UsersPage;
