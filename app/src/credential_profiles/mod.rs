//! Credential profiles: the list, one profile with where it is used, adding, changing, replacing
//! the secret, a second secret beside it, deleting.

mod change;
mod detail;
mod list;
mod second;
mod secret;

pub use change::{AddDialog, DeleteDialog, EditDialog, SecretDialog};
pub use detail::ProfilePage;
pub use list::ProfilesPage;
pub use second::{RemoveSecondDialog, SecondDialog, UseSecondDialog};
