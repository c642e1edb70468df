//! Imports: people of a file, or members of groups, brought in once, with a dry run before.

mod api;
mod columns;
mod groups;
mod list;
mod page;
mod rows;

pub use groups::ImportGroupsPage;
pub use list::ImportsPage;
pub use page::ImportPage;
