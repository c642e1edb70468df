//! Users: the list, one user with attributes and groups, and what is changed of them here.

mod decided_here;
mod detail;
mod dialog;
mod form;
mod groups;
mod list;
mod protection;
mod second_factor;
mod sections;
mod status;

pub use decided_here::{AliasesDialog, KeepDialog};
pub use detail::UserPage;
pub use form::{AddDialog, EditDialog};
pub use groups::GroupsDialog;
pub use list::{UsersPage, ViewsDialog};
pub use second_factor::ResetSecondFactorDialog;
pub use status::{DeactivateDialog, DeleteDialog};
