//! Versions of an integration's settings: the tab with all of them, one with its differences, and
//! restoring one.

mod api;
mod list;
mod version;

pub use list::VersionsTab;
pub use version::{RestoreDialog, VersionPage};
