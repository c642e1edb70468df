//! Versions of an integration's settings: the tab with all of them, one with its differences, and
//! restoring one. Policy templates show theirs alike.

mod api;
mod list;
mod version;

pub(crate) use list::VersionTable;
pub use list::VersionsTab;
pub(crate) use version::{CompareWith, Differing};
pub use version::{RestoreDialog, VersionPage};
