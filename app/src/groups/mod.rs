//! Groups: the list, and one group with its members and what it is a member of.

mod detail;
mod list;

pub use detail::GroupPage;
pub use list::GroupsPage;
