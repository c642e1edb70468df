//! One run: what it did or is doing, its counts, its changes.

mod api;
mod changes;
mod counts;
mod decision;
mod page;
mod preview;
mod progress;
mod sentence;

pub use page::RunPage;
pub use preview::ApplyDialog;
