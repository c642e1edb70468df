//! Settings as files: exporting an integration's or all of a customer's, and importing a file, with
//! the difference shown before anything is saved.

mod api;
mod page;

pub(crate) use page::LeftOut;
pub use page::{CustomerFilePage, IntegrationFilePage};
