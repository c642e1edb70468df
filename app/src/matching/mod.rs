//! Matching: who of a source may be here already, and the decisions about it.

mod api;
mod list;
mod one;
mod sides;

pub use list::MatchingTab;
pub use one::MatchDialog;
