//! Groups: the list, one group with its members and what it is a member of, and what is changed of
//! those made here.

mod change;
mod detail;
mod list;
mod members;

pub use change::{AddDialog, DeleteDialog, EditDialog};
pub use detail::GroupPage;
pub use list::{GroupsPage, ViewsDialog};
pub use members::AddMembersDialog;
