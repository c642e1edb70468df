//! Credential profiles: the list, one profile with where it is used, adding, changing, replacing
//! the secret, deleting.

mod change;
mod detail;
mod list;
mod secret;

pub use change::{AddDialog, DeleteDialog, EditDialog, SecretDialog};
pub use detail::ProfilePage;
pub use list::ProfilesPage;
